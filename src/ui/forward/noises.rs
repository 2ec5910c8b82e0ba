//! The noise under which the picture is, what the model takes for noise in it, and how far off that is over t.

use crate::ui::dom;
use crate::ui::live::{Live, Mount};
use crate::ui::plots::key;
use crate::ui::stage::PixelCanvas;
use crate::ui::store::Store;
use crate::ui::theme::Theme;
use ditscope_page_state::Page;
use ditscope_page_state::colour::{RANGE, Scheme};
use ditscope_page_state::film::Pixels;
use ditscope_page_state::forward::{SeenNoise, last_t};
use ditscope_page_state::stage::Map;
use ditscope_plots::drawing::Drawing;
use ditscope_plots::geometry::{HEIGHT, Point, Scale, WIDTH, number, path, x_forward, y};
use ditscope_words::{Words, say, say_with};
use leptos::html::Div;
use leptos::prelude::*;
use std::sync::Arc;

/// With the class, and without it: told apart by their dashes, too.
const CLASSES: [&str; 2] = ["curve line-x", "curve line-eps"];

#[component]
pub fn Noises() -> impl IntoView {
    let store = Store::get();
    let map = move |class: &'static str, name: Words, values: fn(&SeenNoise) -> Vec<f32>| {
        let pixels: Memo<Option<Pixels>> = store.memo(move |state| {
            let scheme = Scheme { gray: false, dark: store.theme.get() == Theme::Dark };
            let seen: &Arc<SeenNoise> = state.forward.seen.as_ref()?;
            Some(Map { shape: seen.shape, values: values(seen), range: RANGE }.pixels(scheme, false))
        });
        let (node, label) = (NodeRef::<Div>::new(), name.to_string());
        let width = dom::width_of(node);
        view! {
            <figure class=class>
                <figcaption>{name.into_owned()}</figcaption>
                <div class="picture-place" node_ref=node>
                    <PixelCanvas pixels available=width label=Signal::derive(move || label.clone()) />
                </div>
            </figure>
        }
    };
    let words = move |words: fn(&Page) -> String| -> Box<dyn Fn() -> String> { Box::new(move || store.with(words)) };
    let plot = Live::svg("plot", (WIDTH, HEIGHT)).live("html", words(draw));
    let names = ["forward.with-class", "forward.without-class"];
    let keys = (0..2).map(|which| key(CLASSES[which], Box::new(move || say(names[which]).into()))).collect();
    let live = Live::new("div", "noise-errors").of(vec![
        Live::new("div", "").with("role", "img").live("aria-label", words(spoken)).of(vec![plot]),
        Live::new("ul", "plot-keys").of(keys),
        Live::new("p", "numbers").live("text", words(spoken)),
        Live::new("p", "hint").saying(&say("forward.about-errors")),
    ]);
    view! {
        <section class="noises" aria-label=say("forward.noises")>
            <h2>{say("forward.noises")}</h2>
            <div class="noise-maps">
                {map("true", say("forward.true-noise"), |seen| seen.noise.clone())}
                {map("", say("forward.predicted-with"), |seen| seen.predicted[0].clone())}
                {map("", say("forward.off-with"), |seen| seen.difference(0))}
                {map("", say("forward.predicted-without"), |seen| seen.predicted[1].clone())}
                {map("", say("forward.off-without"), |seen| seen.difference(1))}
            </div>
            <Mount live />
        </section>
    }
}

/// The errors over t, as the slider goes: the noise is on the right.
fn draw(state: &Page) -> String {
    let (errors, end) = (state.forward.errors(state), last_t(state));
    let here = state.forward.seen.as_ref().map(|seen| (seen.spot.t, seen.errors()));
    let scale = Scale::linear(errors.iter().chain(&here).flat_map(|(_, errors)| *errors));
    let place = |(t, errors): &(usize, [f64; 2]), which: usize| -> Point {
        (x_forward(*t as f64, end), y(scale, errors[which]))
    };
    let mut drawing = Drawing::forward_axes(scale, end, &say("forward.error"));
    for (which, class) in CLASSES.into_iter().enumerate() {
        drawing.path(class, &path(errors.iter().map(|known| place(known, which))));
    }
    drawing.marker(here.map(|here| place(&here, 0)));
    drawing.done()
}

/// The errors at the slider's t.
fn spoken(state: &Page) -> String {
    let Some(seen) = &state.forward.seen else { return "\u{a0}".into() };
    let [with, without] = seen.errors().map(number);
    say_with("forward.errors", &[("t", &seen.spot.t), ("with", &with), ("without", &without)])
}
