//! One seed with several settings beside each other: guidance scales, samplers, numbers of steps.

mod state;

pub use state::{Compare, Event};

use leptos::prelude::*;

#[component]
pub fn CompareStage() -> impl IntoView {
    view! { <div class="stage"></div> }
}
