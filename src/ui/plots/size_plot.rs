//! Root mean squares of x_t, the guided ε and x̂0 at each step of the selected picture.

use super::{area, key, largest_t};
use crate::ui::live::{Live, Mount};
use crate::ui::store::Store;
use ditscope_page_state::Page;
use ditscope_page_state::film;
use ditscope_plots::drawing::Drawing;
use ditscope_plots::geometry::{Scale, number, path, x, y};
use ditscope_plots::sizes::{LINES, Seen, Sizes};
use ditscope_words::{say, say_with};
use leptos::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;

/// Told apart by their dashes as well as by their colours: see the style sheet.
const CLASSES: [&str; LINES] = ["curve line-x", "curve line-eps", "curve line-x0"];

#[component]
pub fn SizePlot() -> impl IntoView {
    let store = Store::get();
    let seen = Rc::new(RefCell::new(Seen::default()));
    let see = |part: fn(&Page, &mut Seen) -> String| -> Box<dyn Fn() -> String> {
        let seen = seen.clone();
        Box::new(move || store.with(|state| part(state, &mut seen.borrow_mut())))
    };
    let area = area(store, see(draw)).with("role", "img").with("title", &say("plots.hint-drag"));
    let area = area.live("aria-label", see(spoken));
    let keys = vec![
        key(CLASSES[0], see(|state, seen| format!("{} {}", say("plots.name-x"), value(state, seen, 0)))),
        key(CLASSES[1], see(|state, seen| format!("{} {}", say("plots.name-eps"), value(state, seen, 1)))),
        key(CLASSES[2], see(|state, seen| format!("{} {}", say("plots.name-x0"), value(state, seen, 2)))),
    ];
    let live = Live::new("div", "").of(vec![area, Live::new("ul", "plot-keys numbers").of(keys)]);
    view! { <Mount live /> }
}

fn draw(state: &Page, seen: &mut Seen) -> String {
    let end = largest_t(state);
    let Some(film) = state.shown().filter(|film| !film.is_empty()) else {
        return Drawing::axes(Scale::Linear { max: 1.2 }, end, "").done();
    };
    let sizes = seen.look(film, state.timeline.selected);
    let scale = Scale::linear(sizes.iter().flat_map(|sizes| sizes.values).flatten());
    let place = |sizes: &Sizes, line: usize| {
        let (t, _) = film::place(&film.info, sizes.step);
        Some((x(t as f64, end), y(scale, sizes.values[line]?)))
    };
    let mut drawing = Drawing::axes(scale, end, "");
    for (line, class) in CLASSES.into_iter().enumerate() {
        drawing.path(class, &path(sizes.iter().filter_map(|sizes| place(sizes, line))));
    }
    drawing.marker(here(sizes, state).and_then(|sizes| place(sizes, 0)));
    drawing.done()
}

/// Those of the frame on the stage.
fn here<'a>(sizes: &'a [Sizes], state: &Page) -> Option<&'a Sizes> {
    sizes.iter().rfind(|sizes| sizes.step <= state.timeline.position)
}

fn value(state: &Page, seen: &mut Seen, line: usize) -> String {
    let value = state.shown().and_then(|film| here(seen.look(film, state.timeline.selected), state)?.values[line]);
    value.map_or_else(|| "–".into(), number)
}

fn spoken(state: &Page, seen: &mut Seen) -> String {
    let [x_t, eps, x0] = [0, 1, 2].map(|line| value(state, seen, line));
    let step = state.timeline.position;
    say_with("plots.sizes-spoken", &[("step", &step), ("x_t", &x_t), ("eps", &eps), ("x0", &x0)])
}
