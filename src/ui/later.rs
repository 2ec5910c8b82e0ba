//! Parts of the page whose code comes when they are first shown: what most visits do not need would make every one
//! wait.
//!
//! `cargo xtask build` cuts them out of the page's module (xtask/src/split.rs). Without that, as under `trunk serve`,
//! all lie in one and nothing here is waited for.

use super::compare::CompareStage;
use super::controls::ClassSearch;
use super::findings::FindingsStage;
use super::forward::{self, ForwardStage};
use super::help::HelpContent;
use super::inside::InsideStage;
use super::model_dialog::Models;
use super::parts::{Part, Parts};
use super::store::Store;
use super::take::{self, SaveContent};
use super::tour::{Book, TourPanel};
use super::words::{self, Files, Language, say};
use leptos::prelude::*;
use leptos::wasm_split::SplitLoaderError;
#[cfg(split)]
use leptos::wasm_split::wasm_split;
use std::pin::Pin;
use wasm_bindgen_futures::spawn_local;

/// Makes a view that is told something: a dialog, whether it is open.
pub type Make = fn(RwSignal<bool>) -> AnyView;

/// Work that ends some time.
pub type Done = Pin<Box<dyn Future<Output = ()>>>;

/// Code on its way.
pub type Coming<T> = Pin<Box<dyn Future<Output = Result<T, SplitLoaderError>>>>;

/// What comes when it is asked for, as a function that gives it, and the module that it lies in.
macro_rules! later {
    ($($module:ident $name:ident: $type:ty = $value:expr;)*) => { $(
        pub fn $name() -> Coming<$type> {
            #[cfg(split)]
            #[wasm_split($module, fallible, wasm_split_path = ::leptos::wasm_split)]
            fn $name() -> Result<$type, SplitLoaderError> {
                Ok($value)
            }
            #[cfg(not(split))]
            async fn $name() -> Result<$type, SplitLoaderError> {
                Ok($value)
            }
            Box::pin($name())
        }
    )* };
}

later! {
    classes class_search: Make = |_| view! { <ClassSearch /> }.into_any();
    compare compare: Make = |_| view! { <CompareStage /> }.into_any();
    forward read_sheet: fn(Store, String) -> Done = |store, address| Box::pin(forward::read_sheet(store, address));
    forward forward: Make = |_| view! { <ForwardStage /> }.into_any();
    findings findings: Make = |_| view! { <FindingsStage /> }.into_any();
    inside inside: Make = |_| view! { <InsideStage /> }.into_any();
    tour read_book: fn(Language, &str, &str) -> Option<Book> = Book::read;
    tour tour: Make = |opened_before| view! { <TourPanel opened_before /> }.into_any();
    dialogs models: Make = |open| view! { <Models open /> }.into_any();
    dialogs help: Make = |_| view! { <HelpContent /> }.into_any();
    german german: fn() -> Files = words::german;
    save save: Make = |_| view! { <SaveContent /> }.into_any();
    save make: fn(Store, u32, take::Kind) = take::make;
}

/// How far it is.
#[derive(Clone, Copy)]
enum Code {
    Coming,
    Here(Make),
    Missing,
}

/// Shows a part when its code is there; until then, and when it does not come, something of class `class` in its
/// place.
#[component]
pub fn Later(class: &'static str, part: fn() -> Coming<Make>, with: RwSignal<bool>) -> impl IntoView {
    let code = RwSignal::new(Code::Coming);
    let fetch = move || {
        code.set(Code::Coming);
        spawn_local(async move {
            let come = part().await.map_or(Code::Missing, Code::Here);
            // The visitor may have gone on meanwhile.
            let _ = code.try_set(come);
        });
    };
    fetch();
    move || match code.get() {
        Code::Here(make) => make(with),
        Code::Coming => view! { <div class=class aria-busy="true"></div> }.into_any(),
        Code::Missing => {
            let content = move || {
                let retry = Part::group("buttons", vec![Part::button("primary", say("failures.retry"), fetch)]);
                let words = Part::words("", say("failures.code"));
                vec![Part::group("failure", vec![words, retry]).with("role", "alert")]
            };
            view! { <div class=class><Parts content=Box::new(content) /></div> }.into_any()
        }
    }
}
