//! The columns: what each setting makes of the seed. As parts, whose pictures and numbers are filled in with each step.

use super::seconds;
use super::settings::group;
use crate::ui::dom;
use crate::ui::parts::Part;
use crate::ui::store::Store;
use ditscope_page_state::compare;
use ditscope_page_state::compare::{Column, Made, strip};
use ditscope_page_state::compare::{Event, What, maps};
use ditscope_page_state::film::Moment;
use ditscope_page_state::film::{self, Pixels, fitted_width};
use ditscope_page_state::{Event as PageEvent, Page};
use ditscope_words::text::{self, sampler_name};
use ditscope_words::{say, say_with};
use std::sync::Arc;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlCanvasElement};

/// The scale of x_t's map: standardised latents hardly leave it.
const NOISY: f32 = 3.0;

/// Small pictures of a run.
const STRIP: usize = 8;

/// A kind of picture in a column.
#[derive(Clone, Copy, PartialEq)]
enum Row {
    Picture,
    Noisy,
    Difference,
}

impl Row {
    const ALL: [Self; 3] = [Self::Picture, Self::Noisy, Self::Difference];

    fn class(self) -> &'static str {
        match self {
            Self::Picture => "column-picture of-picture",
            Self::Noisy => "column-picture of-noisy",
            Self::Difference => "column-picture of-difference",
        }
    }

    fn is_shown(self, state: &Page) -> bool {
        match self {
            Self::Picture => true,
            Self::Noisy => state.compare.rows.noisy,
            Self::Difference => state.compare.rows.difference,
        }
    }

    fn pixels(self, Moment { info, frame }: &Moment, picture: usize, largest: f32, dark: bool) -> Option<Pixels> {
        match self {
            Self::Picture => Some(film::picture(info, frame, picture)),
            Self::Noisy => Some(maps::noisy(info, frame, picture)?.pixels(NOISY, dark)),
            Self::Difference => Some(maps::difference(info, frame, picture)?.pixels(largest, dark)),
        }
    }
}

/// The columns without what changes with each step.
pub fn columns(store: Store, state: &Page) -> Vec<Part> {
    let columns = (0..state.compare.columns(state))
        .filter_map(|i| Some(column(store, state, i, &state.compare.column(state, i)?)));
    let style = format!("--columns: {}", state.compare.columns(state));
    vec![group("columns", say("compare.columns"), columns.collect()).with("style", style)]
}

fn column(store: Store, state: &Page, i: usize, shown: &Column) -> Part {
    let title = title(state, i);
    let canvas = || Part::new("canvas", "pixels").with("role", "img").with("hidden", "");
    let mut parts =
        vec![Part::new("h2", "column-title").saying(title.clone()), Part::words("hint column-state", progress(shown))];
    for row in Row::ALL.into_iter().filter(|row| row.is_shown(state)) {
        let tag = Part::new("span", "tag").with("hidden", "").with("title", say("stage.preview-hint"));
        let tag = tag.saying(say("stage.preview").into());
        let (name, picture) = (Part::words("hint two-lines", ""), Part::group(row.class(), vec![canvas(), tag]));
        match row {
            Row::Picture => parts.extend([picture, name]),
            _ => parts.extend([name, picture]),
        }
    }
    let small = |step: usize| {
        let name = say_with("compare.to-step", &[("column", &title), ("step", &step)]);
        let seek = move || store.dispatch(PageEvent::Compare(Event::Seek { column: i, step }));
        let canvas = Part::new("canvas", "pixels").with("aria-hidden", "true").with("hidden", "");
        Part::button("strip-step", "", seek).with("aria-label", name).of(vec![canvas])
    };
    parts.push(Part::group("strip", strip(shown.steps, STRIP).into_iter().map(small).collect()));
    parts.push(Part::words("hint column-state", distance(shown)));
    Part::new("section", "column").with("role", "group").with("aria-label", title).of(parts)
}

/// Fills in what changes with each step.
pub fn update(place: &Element, state: &Page, dark: bool) {
    let largest = if state.compare.rows.difference { state.compare.largest_difference(state) } else { 0.0 };
    let Some(columns) = place.first_element_child() else { return };
    for (i, element) in children(&columns).into_iter().enumerate() {
        let Some(column) = state.compare.column(state, i) else { return };
        let title = title(state, i);
        for row in Row::ALL {
            let Some(frame) = find(&element, row.class()) else { continue };
            let [name, what] = match row {
                Row::Picture => [self::place(&column), String::new()],
                Row::Noisy => [say("compare.noisy-name").into_owned(), "xₜ".into()],
                Row::Difference => [difference_name(&column), say("compare.row-difference").into()],
            };
            let beside =
                if row == Row::Picture { frame.next_element_sibling() } else { frame.previous_element_sibling() };
            if let Some(beside) = beside {
                write(&beside, &name);
            }
            let make = || row.pixels(column.moment.as_ref()?, column.picture, largest, dark);
            let scale = if row == Row::Difference { largest } else { 0.0 };
            let key = format!("{} {scale} {dark} {}", pointer(column.moment.as_ref()), column.picture);
            let across =
                column.moment.as_ref().filter(|_| row == Row::Picture).map(|moment| moment.info.image_shape[1]);
            draw(&frame, key, Some(across), &make);
            if let Some(canvas) = frame.first_element_child() {
                set(&canvas, "aria-label", Some(&spoken(&title, &what, &column)));
            }
            let preview = column.moment.as_ref().is_some_and(|moment| moment.frame.is_preview(column.picture));
            if let Some(tag) = frame.last_element_child() {
                set(&tag, "hidden", if preview && row == Row::Picture { None } else { Some("") });
            }
        }
        update_strip(&element, state, i, &column);
    }
}

fn update_strip(element: &Element, state: &Page, i: usize, column: &Column) {
    let steps = strip(column.steps, STRIP);
    let nearest = steps.iter().min_by_key(|step| step.abs_diff(column.step)).copied();
    let Some(place) = find(element, "strip") else { return };
    for (button, step) in children(&place).into_iter().zip(steps) {
        let found = state.compare.column_frame(state, i, step);
        let (moment, picture) = found.map_or((None, 0), |(moment, picture)| (Some(moment), picture));
        set(&button, "disabled", if moment.is_none() { Some("") } else { None });
        set(&button, "aria-current", Some("step").filter(|_| nearest == Some(step)));
        let make = || Row::Picture.pixels(moment.as_ref()?, picture, 0.0, false);
        draw(&button, pointer(moment.as_ref()), None, &make);
    }
}

/// Draws into the canvas of an element, unless what `key` says is there already. `across`: as wide as fits in whole
/// pixels, for so many of them or its own; without, the style sheet says how large it is.
fn draw(frame: &Element, key: String, across: Option<Option<usize>>, make: &dyn Fn() -> Option<Pixels>) {
    let Some(canvas) = frame.first_element_child().and_then(|canvas| canvas.dyn_into::<HtmlCanvasElement>().ok())
    else {
        return;
    };
    let available = f64::from(frame.client_width());
    let key = format!("{key} {available}");
    if canvas.get_attribute("data-drawn").as_ref() == Some(&key) {
        return;
    }
    set(&canvas, "data-drawn", Some(&key));
    let pixels = make();
    set(&canvas, "hidden", if pixels.is_none() { Some("") } else { None });
    let Some(pixels) = pixels else { return };
    dom::draw(&canvas, &pixels);
    if let Some(across) = across {
        let css = fitted_width(across.unwrap_or(pixels.width), available, dom::device_pixel_ratio());
        let style = format!("width: {css:.3}px; aspect-ratio: {} / {}", pixels.width, pixels.height);
        set(&canvas, "style", Some(&style));
    }
}

/// A frame's place in memory: another one for another frame, and when a picture of it was decoded.
fn pointer(moment: Option<&Moment>) -> String {
    moment.map(|moment| format!("{:p}", Arc::as_ptr(&moment.frame))).unwrap_or_default()
}

fn children(element: &Element) -> Vec<Element> {
    let mut next = element.first_element_child();
    let mut all = vec![];
    while let Some(child) = next {
        next = child.next_element_sibling();
        all.push(child);
    }
    all
}

fn find(element: &Element, class: &str) -> Option<Element> {
    children(element).into_iter().find(|child| child.class_name() == class)
}

fn set(element: &Element, attribute: &str, value: Option<&str>) {
    if element.get_attribute(attribute).as_deref() == value {
        return;
    }
    match value {
        Some(value) => dom::set_attribute(element, attribute, value),
        None => drop(element.remove_attribute(attribute)),
    }
}

fn write(element: &Element, words: &str) {
    if element.text_content().as_deref() != Some(words) {
        element.set_text_content(Some(words));
    }
}

fn title(state: &Page, i: usize) -> String {
    let what = state.compare.comparison(state).map_or_else(|| compare::what(state), |made| made.what.clone());
    let numbers = what.numbers();
    let named = |key| numbers.get(i).map(|number| say_with(key, &[("number", number)]));
    match &what {
        What::Guidance(_) => named("compare.column-guidance"),
        What::Steps(steps) if steps.get(i) == Some(&1) => Some(say("compare.column-step").into_owned()),
        What::Steps(_) => named("compare.column-steps"),
        What::Samplers | What::SomeSamplers(_) => what.samplers().get(i).map(|kind| sampler_name(*kind).into()),
    }
    .unwrap_or_default()
}

/// Waiting, under way, or how long it took.
fn progress(column: &Column) -> String {
    match (column.made, column.total_ms) {
        (Made::Waiting, _) => say("compare.waiting").into_owned(),
        (Made::Running, _) => say("compare.running").into_owned(),
        (Made::Stopped, _) => say("compare.stopped").into_owned(),
        (Made::Not, _) => say("compare.not-made").into_owned(),
        (Made::Done, None) => say("compare.done").into_owned(),
        (Made::Done, Some(total_ms)) => {
            let step = column.ms_per_step.map(text::ms_per_step).unwrap_or_default();
            say_with("compare.time", &[("seconds", &seconds(total_ms)), ("step", &step)])
        }
    }
}

/// Its own step and t, in two lines.
fn place(column: &Column) -> String {
    let Some(moment) = &column.moment else { return String::new() };
    let t = film::place(&moment.info, column.step).0;
    say_with("compare.place", &[("step", &column.step), ("steps", &column.steps), ("t", &t)])
}

fn distance(column: &Column) -> String {
    match column.distance {
        None => String::new(),
        Some(_) if column.is_reference => say("compare.reference").into_owned(),
        Some(rms) => say_with("compare.distance", &[("rms", &format!("{rms:.1}"))]),
    }
}

/// The difference map's name with its size as a number, or why there is none.
fn difference_name(column: &Column) -> String {
    let Some(Moment { info, frame }) = &column.moment else { return say("compare.difference-name").into_owned() };
    match maps::difference(info, frame, column.picture) {
        Some(map) => say_with("compare.difference-rms", &[("rms", &format!("{:.3}", map.rms()))]),
        None if column.step == column.steps => say("compare.no-difference-end").into_owned(),
        None => say("compare.no-difference").into_owned(),
    }
}

/// A picture in words: of which column, what, and where it stands.
fn spoken(title: &str, what: &str, column: &Column) -> String {
    let name = if what.is_empty() { title.to_owned() } else { format!("{title}, {what}") };
    say_with("compare.spoken", &[("column", &name), ("step", &column.step), ("steps", &column.steps)])
}
