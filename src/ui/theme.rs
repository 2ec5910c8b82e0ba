//! Light and dark: the system's setting until the visitor chooses.
//!
//! `web/start.js` sets `data-theme` before the first paint; this keeps it right.

use super::dom;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

/// Also read by `web/start.js`.
const KEY: &str = "ditscope-theme";
const DARK_QUERY: &str = "(prefers-color-scheme: dark)";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub fn other(self) -> Self {
        match self {
            Self::Light => Self::Dark,
            Self::Dark => Self::Light,
        }
    }

    /// The theme in use: applied to the page, and following the system while nothing is chosen.
    pub fn signal() -> RwSignal<Self> {
        let theme = RwSignal::new(Self::chosen().unwrap_or_else(Self::of_system));
        dom::effect(Box::new(move || {
            if let Some(root) = document().document_element() {
                let _ = root.set_attribute("data-theme", theme.get().name());
            }
        }));
        if let Ok(Some(media)) = window().match_media(DARK_QUERY) {
            let follow = Closure::<dyn FnMut()>::new(move || {
                if Self::chosen().is_none() {
                    theme.set(Self::of_system());
                }
            });
            let _ = media.add_event_listener_with_callback("change", follow.as_ref().unchecked_ref());
            follow.forget();
        }
        theme
    }

    /// Keeps the visitor's choice where storage is allowed.
    pub fn choose(self, theme: RwSignal<Self>) {
        if let Ok(Some(storage)) = window().local_storage() {
            let _ = storage.set_item(KEY, self.name());
        }
        theme.set(self);
    }

    fn chosen() -> Option<Self> {
        let storage = window().local_storage().ok().flatten()?;
        match storage.get_item(KEY).ok().flatten()?.as_str() {
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }

    fn of_system() -> Self {
        if dom::prefers(DARK_QUERY) { Self::Dark } else { Self::Light }
    }
}
