//! Parts of the page whose code is fetched when they are first shown, so that visits that do not need them load less.
//!
//! `cargo xtask build` cuts them out of the page's module (xtask/src/split.rs). Without that, as under `trunk serve`,
//! all lie in one and nothing here is waited for.

use super::dom;
use super::fetch::fetch_page;
use super::parts::{Part, Parts};
use ditscope_words::say;
use leptos::prelude::*;
use leptos::wasm_split::SplitLoaderError;
use std::pin::Pin;
use wasm_bindgen_futures::spawn_local;

/// Makes a view that is told something: a dialog, whether it is open.
pub type Make = fn(RwSignal<bool>) -> AnyView;

/// Code that is being fetched.
pub type Coming<T> = Pin<Box<dyn Future<Output = Result<T, SplitLoaderError>>>>;

/// Declares what is fetched when it is first used: the module that it is put into, and a function of this name that
/// fetches it. The file that shows a part declares it.
macro_rules! later {
    ($($module:ident $name:ident: $type:ty = $value:expr;)*) => { $(
        fn $name() -> $crate::ui::later::Coming<$type> {
            #[cfg(split)]
            #[::leptos::wasm_split::wasm_split($module, fallible, wasm_split_path = ::leptos::wasm_split)]
            fn $name() -> Result<$type, ::leptos::wasm_split::SplitLoaderError> {
                Ok($value)
            }
            #[cfg(not(split))]
            async fn $name() -> Result<$type, ::leptos::wasm_split::SplitLoaderError> {
                Ok($value)
            }
            Box::pin($name())
        }
    )* };
}

pub(crate) use later;

/// Whether it was true at any time.
pub fn once(now: Signal<bool>) -> Memo<bool> {
    Memo::new(move |before| before.copied().unwrap_or_default() || now.get())
}

/// Whether the code is there.
#[derive(Clone, Copy)]
enum Code {
    Coming,
    Here(Make),
    Missing,
}

/// Whether the server has another build of the page by now, which has no parts for this one.
async fn is_updated() -> bool {
    let Ok(Some(start)) = document().query_selector("script[type=module][src]") else { return false };
    let name = start.get_attribute("src").unwrap_or_default();
    // The folder of the page: its index. Always asked for anew.
    fetch_page(&format!("./?{}", js_sys::Date::now())).await.is_some_and(|html| !html.contains(&name))
}

/// Shows a part when its code is there; until then, and when it cannot be fetched, an element of class `class` in its
/// place.
#[component]
pub fn Later(class: &'static str, part: fn() -> Coming<Make>, with: RwSignal<bool>) -> impl IntoView {
    let code = RwSignal::new(Code::Coming);
    let fetch = move || {
        code.set(Code::Coming);
        spawn_local(async move {
            let come = part().await.map_or(Code::Missing, Code::Here);
            // The part may have been closed meanwhile.
            let _ = code.try_set(come);
        });
    };
    fetch();
    move || match code.get() {
        Code::Here(make) => make(with),
        Code::Coming => view! { <div class=class aria-busy="true"></div> }.into_any(),
        Code::Missing => {
            let updated = RwSignal::new(false);
            spawn_local(async move {
                let is_updated = is_updated().await;
                let _ = updated.try_set(is_updated);
            });
            let content = move || {
                let (words, button) = match updated.get() {
                    true => (
                        vec![say("failures.updated"), say("failures.cure-page")],
                        Part::button("primary", say("failures.reload"), dom::reload),
                    ),
                    false => (vec![say("failures.code")], Part::button("primary", say("failures.retry"), fetch)),
                };
                let mut parts: Vec<Part> = words.into_iter().map(|words| Part::words("", words)).collect();
                parts.push(Part::group("buttons", vec![button]));
                vec![Part::group("failure", parts).with("role", "alert")]
            };
            view! { <div class=class><Parts content=Box::new(content) /></div> }.into_any()
        }
    }
}
