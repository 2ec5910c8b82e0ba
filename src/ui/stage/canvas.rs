//! A small picture in a canvas of its native size, enlarged by whole device pixels.

use crate::ui::dom;
use ditscope_page_state::film::{Pixels, fitted_width};
use leptos::html::Canvas;
use leptos::prelude::*;

/// `available` is the room for it in CSS pixels.
#[component]
pub fn PixelCanvas(
    #[prop(into)] pixels: Signal<Option<Pixels>>,
    #[prop(into)] available: Signal<f64>,
    /// Pixels across that it is made as wide as; its own without.
    #[prop(optional, into)]
    across: Option<Signal<usize>>,
    /// Named canvases are pictures to a screen reader, others decoration.
    #[prop(optional, into)]
    label: Option<Signal<String>>,
) -> impl IntoView {
    let node = NodeRef::<Canvas>::new();
    dom::effect(Box::new(move || {
        if let Some(canvas) = node.get() {
            pixels.with(|pixels| pixels.as_ref().inspect(|pixels| dom::draw(&canvas, pixels)).is_some());
        }
    }));
    let size = Memo::new(move |_| pixels.with(|p| p.as_ref().map(|p| (p.width, p.height))));
    let style = move || {
        let (width, height) = size.get().unwrap_or((1, 1));
        let across = across.map_or(width, |across| across.get());
        let css = fitted_width(across, available.get(), dom::device_pixel_ratio());
        format!("width: {css:.3}px; aspect-ratio: {width} / {height}")
    };
    view! {
        <canvas
            class="pixels"
            node_ref=node
            prop:style=style
            hidden=move || size.get().is_none()
            role=label.map(|_| "img")
            aria-label=move || label.map(|label| label.get())
            aria-hidden=label.is_none().then_some("true")
        ></canvas>
    }
}
