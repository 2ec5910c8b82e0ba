//! Inside the Transformer: attention, token norms and the conditioning of each block.

mod state;

pub use state::{Event, Inside};

use leptos::prelude::*;

#[component]
pub fn InsideStage() -> impl IntoView {
    view! { <div class="stage"></div> }
}
