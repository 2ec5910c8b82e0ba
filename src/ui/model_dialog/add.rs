//! Models from elsewhere: by address, or from a folder on the visitor's disk.

use crate::ui::dom;
use crate::ui::store::Store;
use ditscope_page_state::Event;
use ditscope_page_state::models;
use ditscope_page_state::models::{Adding, folder};
use ditscope_words::notices::notice;
use ditscope_words::say;
use ditscope_words::text;
use js_sys::Reflect;
use leptos::prelude::*;
use web_sys::{File, HtmlInputElement};

/// Id of the address field.
pub const ADDRESS: &str = "model-address";
const PICKER: &str = "model-folder";

#[component]
pub fn AddModel() -> impl IntoView {
    let store = Store::get();
    // Not every browser can open folders.
    let probe = document().create_element("input").ok();
    let no_folders = !probe.is_some_and(|input| Reflect::has(&input, &"webkitdirectory".into()).unwrap_or(false));
    let answer = store.memo(|state| match &state.models.adding {
        None => String::new(),
        Some(Adding::Asking(model)) => text::asking(model.key()),
        Some(Adding::Failed(why)) => notice(why),
        Some(Adding::Done(model)) => state.models.entry(model).map(text::added).unwrap_or_default(),
    });
    let add = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if let Some(address) = dom::field(ADDRESS) {
            store.dispatch(Event::Models(models::Event::AddUrl(address.value())));
        }
    };
    let pick = move |_| {
        if let Some(picker) = dom::field(PICKER) {
            let _ = picker.set_attribute("webkitdirectory", "");
            picker.click();
        }
    };
    view! {
        <section class="add-model" aria-labelledby="add-title">
            <h3 id="add-title">{say("models.add-title")}</h3>
            <p class="dim" id="add-hint">{say("models.add-hint")}</p>
            <form class="address" on:submit=add>
                <label for=ADDRESS>{say("models.add-address")}</label>
                <div class="joined">
                    <input
                        id=ADDRESS
                        type="text"
                        inputmode="url"
                        autocomplete="off"
                        spellcheck="false"
                        placeholder="https://…"
                        aria-describedby="add-hint"
                    />
                    <button type="submit">{say("models.add")}</button>
                </div>
            </form>
            <input
                id=PICKER
                type="file"
                hidden
                aria-label=say("models.folder-field")
                on:change=move |event| open_folder(store, &event_target(&event))
                // Some browsers say so of a folder without files.
                on:cancel=move |event| open_folder(store, &event_target(&event))
            />
            <button type="button" hidden=no_folders on:click=pick>{say("models.add-folder")}</button>
            <p class="answer" role="status" translate="no">{answer}</p>
        </section>
    }
}

/// Takes the files that lie in the chosen folder itself.
fn open_folder(store: Store, picker: &HtmlInputElement) {
    let path = |file: &File| Reflect::get(file, &"webkitRelativePath".into()).ok().and_then(|path| path.as_string());
    let Some(list) = picker.files() else { return };
    let all: Vec<File> = (0..list.length()).filter_map(|i| list.item(i)).collect();
    let paths: Vec<String> = all.iter().map(|file| path(file).unwrap_or_default()).collect();
    // So that the same folder can be chosen again.
    picker.set_value("");
    match folder::name(&paths) {
        Ok(name) => {
            let lies_in_it = |path: &&String| path.matches('/').count() == 1;
            let files = all.iter().zip(&paths).filter(|(_, path)| lies_in_it(path)).map(|(file, _)| file);
            store.open_folder(name, files.collect());
        }
        Err(why) => store.dispatch(Event::Models(models::Event::FolderRefused(why))),
    }
}
