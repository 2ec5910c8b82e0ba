//! The forward process: any picture under as much noise as at any t, and denoised from there.

mod state;

pub use state::{Event, Forward};

use leptos::prelude::*;

#[component]
pub fn ForwardStage() -> impl IntoView {
    view! { <div class="stage"></div> }
}
