//! Painting: what may change is marked with a brush or the arrow keys, the rest is kept.

use super::figures::{Figure, button, figure, group, list, picture, slider, status, switch};
use super::hand::Hand;
use crate::ui::dom;
use crate::ui::live::Live;
use ditscope_page_state::Page;
use ditscope_page_state::cells::stride;
use ditscope_page_state::compare::maps::distance;
use ditscope_page_state::film::Pixels;
use ditscope_page_state::lab::bench::{Bench, newest, shown};
use ditscope_page_state::lab::paint::{BRUSHES, RESAMPLINGS};
use ditscope_page_state::lab::{Base, Kind};
use ditscope_words::{say, say_with};
use wasm_bindgen::JsCast;
use web_sys::{KeyboardEvent, PointerEvent};

pub fn view(hand: Hand) -> Live {
    let now = figure(hand, |page, bench| {
        let painted = shown(page, Kind::Paint).and_then(|_| picture(page, 0));
        let apart = bench.base.as_ref().zip(painted.as_ref()).and_then(|(base, now)| distance(&base.picture, now));
        let note = apart.map(|rms| say_with("lab.apart", &[("rms", &format!("{rms:.1}"))])).unwrap_or_default();
        Figure::new(say("lab.painted"), painted, note)
    });
    group(
        "lab-body",
        vec![
            group("lab-row two", vec![easel(hand), now]),
            status(hand, words),
            group("lab-buttons", vec![go(hand), keep(hand), own(hand)]),
            group("lab-buttons", marks(hand)),
            group("lab-controls", vec![brush(hand), again(hand), strength(hand)]),
        ],
    )
}

/// The picture with the marks on it.
fn easel(hand: Hand) -> Live {
    let canvas = Live::new("canvas", "pixels").with("aria-hidden", "true");
    let canvas = canvas.drawing(Box::new(move || hand.see(|_, bench| before(bench))));
    let marks = Live::svg("lab-marks", (1.0, 1.0))
        .with("preserveAspectRatio", "none")
        .live("viewBox", hand.text(|_, bench| grid(bench)))
        .live("html", hand.text(|_, bench| drawing(bench)));
    let place = Live::new("div", "lab-easel")
        .with("tabindex", "0")
        .with("role", "application")
        .with("aria-label", &say("lab.easel"))
        .with("aria-describedby", "lab-easel-keys")
        .of(vec![canvas, marks]);
    let place = ["pointerdown", "pointermove"]
        .iter()
        .fold(place, |place, event| place.on(event, Box::new(move |event| stroke(hand, &event))));
    let place = place.on("keydown", Box::new(move |event| key(hand, &event)));
    Live::new("figure", "lab-figure").of(vec![
        Live::new("figcaption", "").saying(&say("lab.before")),
        Live::new("div", "lab-picture").of(vec![place]),
        Live::new("p", "hint").with("id", "lab-easel-keys").saying(&say("lab.easel-keys")),
        Live::new("p", "hint").with("aria-live", "polite").live("text", hand.text(|_, bench| cursor(bench))),
    ])
}

fn before(bench: &Bench) -> Option<Pixels> {
    bench.base.as_ref().map(|base| base.picture.clone())
}

fn grid(bench: &Bench) -> String {
    let [rows, columns] = bench.paint.cells.shape().map(|cells| cells.max(1));
    format!("0 0 {columns} {rows}")
}

/// The outline of what is marked, dark on light and light on dark, and where the keys are.
fn drawing(bench: &Bench) -> String {
    let (outline, (column, row)) = (bench.paint.cells.outline(), bench.paint.cells.cursor);
    let line = |class: &str| format!("<path class=\"{class}\" d=\"{outline}\"/>");
    let cursor = format!("<rect class=\"cursor\" x=\"{column}\" y=\"{row}\" width=\"1\" height=\"1\"/>");
    line("under") + &line("over") + &cursor
}

fn cursor(bench: &Bench) -> String {
    let (column, row) = bench.paint.cells.cursor;
    let key = if bench.paint.cells.is_marked((column, row)) { "lab.cell-marked" } else { "lab.cell-kept" };
    say_with(key, &[("row", &(row + 1)), ("column", &(column + 1))])
}

/// The brush goes over the picture.
fn stroke(hand: Hand, event: &web_sys::Event) {
    let Some(event) = event.dyn_ref::<PointerEvent>() else { return };
    let (begins, place) = (event.type_() == "pointerdown", dom::within(event));
    if let (true, Some(place)) = (dom::drags(event), place) {
        hand.act(|_, bench| {
            let paint = &mut bench.paint;
            if begins {
                paint.cells.begin();
            }
            let mark = !paint.erases;
            paint.cells.brush(place, paint.brush, mark);
            None
        });
    }
}

fn key(hand: Hand, event: &web_sys::Event) {
    let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
    let Some((right, down)) = stride(&event.key()) else { return };
    // The page's own keys are not meant.
    event.prevent_default();
    event.stop_propagation();
    hand.act(|_, bench| {
        let (cells, brush) = (&mut bench.paint.cells, bench.paint.brush);
        if (right, down) == (0, 0) {
            cells.toggle(brush)
        } else {
            cells.step(right, down)
        }
        None
    });
}

fn go(hand: Hand) -> Live {
    let go = button("primary", say("lab.paint-go"), move || hand.act_and_run(|_| {}));
    go.live("disabled", hand.text(|page, bench| bench.paint.prepared(page, bench.base.as_ref()).is_none().to_string()))
}

/// Makes the painted picture the one that is painted on.
fn keep(hand: Hand) -> Live {
    let painted = |page: &Page| shown(page, Kind::Paint).and_then(|_| newest(page));
    let keep = button("", say("lab.keep"), move || set(hand, painted));
    keep.live("disabled", hand.text(move |page, _| painted(page).is_none().to_string()))
}

/// Takes the picture of the forward process, such as one of the visitor's.
fn own(hand: Hand) -> Live {
    let found = |page: &Page| Base::of_forward(page, &page.forward);
    let own = button("", say("lab.own-picture"), move || set(hand, found)).with("title", &say("lab.hint-own-picture"));
    own.live("disabled", hand.text(move |page, _| found(page).is_none().to_string()))
}

fn set(hand: Hand, find: impl Fn(&Page) -> Option<Base>) {
    hand.act(|page, bench| {
        bench.base = find(page).or(bench.base.take());
        None
    });
}

fn marks(hand: Hand) -> Vec<Live> {
    let act = move |key: &'static str, act: fn(&mut Bench)| {
        button("", say(key), move || {
            hand.act(|_, bench| {
                act(bench);
                None
            });
        })
    };
    let undo = act("lab.undo", |bench| {
        bench.paint.cells.undo();
    });
    let undo = undo.live("disabled", hand.text(|_, bench| (!bench.paint.cells.can_undo()).to_string()));
    let erase = switch(
        hand,
        &say("lab.erase"),
        &say("lab.erase"),
        |_, bench| bench.paint.erases,
        move || {
            hand.act(|_, bench| {
                bench.paint.erases = !bench.paint.erases;
                None
            });
        },
    );
    vec![
        erase,
        undo,
        act("lab.invert-marks", |bench| bench.paint.cells.invert()),
        act("lab.clear", |bench| bench.paint.cells.fill(false)),
    ]
}

fn brush(hand: Hand) -> Live {
    let option =
        |size: usize, chosen: usize| (size.to_string(), say_with("lab.cells", &[("count", &size)]), size == chosen);
    list(
        hand,
        &say("lab.brush"),
        move |_, bench| BRUSHES.map(|size| option(size, bench.paint.brush)).into(),
        move |size| {
            hand.act(|_, bench| {
                bench.paint.brush = size.parse().unwrap_or(1);
                None
            });
        },
    )
}

fn again(hand: Hand) -> Live {
    let option = |times: usize, chosen: usize| (times.to_string(), times.to_string(), times == chosen);
    let options = move |_: &Page, bench: &Bench| RESAMPLINGS.map(|times| option(times, bench.paint.resamplings)).into();
    list(hand, &say("lab.resamplings"), options, move |times| {
        hand.act(|_, bench| {
            bench.paint.resamplings = times.parse().unwrap_or(1);
            None
        });
    })
}

fn strength(hand: Hand) -> Live {
    slider(
        hand,
        &say("lab.strength"),
        |_, _| (10.0, 100.0, 5.0),
        |_, bench| 100.0 * bench.paint.strength,
        |_, bench| format!("{:.0} %", 100.0 * bench.paint.strength),
        move |percent, _| {
            hand.act(|_, bench| {
                bench.paint.strength = percent / 100.0;
                None
            });
        },
    )
}

fn words(page: &Page, bench: &Bench) -> String {
    match (&bench.base, bench.paint.cells.count()) {
        (None, _) => say("lab.no-picture").into(),
        (Some(_), 0) => say("lab.no-marks").into(),
        (Some(_), count) if shown(page, Kind::Paint).is_none() => {
            let all = bench.paint.cells.marked().len();
            say_with("lab.marked", &[("count", &count), ("all", &all)])
        }
        _ => say("lab.hint-timeline").into(),
    }
}
