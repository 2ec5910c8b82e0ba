//! The help overlay: what is seen, and every key.

use super::modal::Modal;
use super::parts::{Part, Parts};
use super::shortcuts::KEYS;
use super::text;
use leptos::prelude::*;

#[component]
pub fn Help(open: RwSignal<bool>) -> impl IntoView {
    let content = || {
        let row = |(key, meaning): (&str, &str)| {
            let key = Part::new("dt", "").of(vec![Part::new("kbd", "").saying(key.into())]);
            Part::group("key-row", vec![key, Part::new("dd", "").saying(meaning.into())])
        };
        let keys = Part::new("dl", "keys").of(KEYS.into_iter().map(row).collect());
        vec![Part::words("", text::HELP), Part::heading("", "Keys".into()), keys, Part::words("dim", text::PRIVACY)]
    };
    view! {
        <Modal id="help" title="Help" open>
            <Parts content=Box::new(content) />
        </Modal>
    }
}
