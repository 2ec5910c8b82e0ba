//! One step against many: x̂0 in one go from any t, beside what all steps lead to.

use super::figures::{Figure, button, figure, group, picture, slider, status};
use super::hand::Hand;
use crate::ui::live::Live;
use ditscope_page_state::Page;
use ditscope_page_state::film::{self, Pixels};
use ditscope_page_state::lab::bench::{Bench, is_ready};
use ditscope_page_state::lab::one_step::{Guesses, SEEDS, errors, last_t};
use ditscope_plots::errors as plot;
use ditscope_plots::geometry::number;
use ditscope_words::notices::notice;
use ditscope_words::{say, say_with};

pub fn view(hand: Hand) -> Live {
    let here = figure(hand, |page, _| {
        let title = say_with("lab.one-go", &[("t", &t_here(page))]);
        Figure::new(title, picture(page, page.timeline.selected), "")
    });
    let end = figure(hand, |page, _| {
        let steps = page.shown().map_or(0, |film| film.steps());
        Figure::new(say_with("lab.many", &[("steps", &steps)]), finished(page), distance(page))
    });
    let curve = Live::svg("plot", plot::SIZE).live("html", hand.text(|page, _| curve(page)));
    let name = hand.text(|page, _| say_with("lab.errors-name", &[("here", &distance(page))]));
    let curve = Live::new("div", "lab-plot").with("role", "img").live("aria-label", name).of(vec![curve]);
    let plot = group("lab-figure", vec![Live::new("p", "lab-title").saying(&say("lab.errors")), curve]);
    let go = button("primary", say("lab.guess"), move || hand.act(|page, bench| Some(bench.guess(page))));
    let go = go.live("disabled", hand.text(|page, bench| (!is_ready(page) || bench.waits()).to_string()));
    let level = slider(
        hand,
        &say("lab.level"),
        |page, _| (0.0, last_t(page) as f64, 1.0),
        |page, bench| bench.one_step.t(page) as f64,
        |page, bench| t_words(page, bench.one_step.t(page)),
        move |t, is_settled| {
            hand.act(|page, bench| {
                bench.one_step.t = Some(t as usize);
                (is_settled && is_ready(page)).then(|| bench.guess(page))
            });
        },
    );
    let guesses = (0..SEEDS as usize).map(|i| figure(hand, move |_, bench| guess(bench, i))).collect();
    let mean = figure(hand, |_, bench| {
        let known = guesses_of(bench);
        let note = known.map(|it| say_with("lab.spread", &[("rms", &number(it.spread))])).unwrap_or_default();
        Figure::new(say("lab.mean"), known.map(|guesses| guesses.mean.clone()), note)
    });
    group(
        "lab-body",
        vec![
            group("lab-row three", vec![here, end, plot]),
            Live::new("p", "hint").saying(&say("lab.hint-timeline")),
            Live::new("h2", "").saying(&say("lab.guesses")),
            group("lab-controls", vec![level, go]),
            group("lab-row", vec![mean, group("lab-small", guesses)]),
            status(hand, words),
        ],
    )
}

fn guesses_of(bench: &Bench) -> Option<&Guesses> {
    bench.one_step.guesses.as_ref()?.as_ref().ok()
}

fn guess(bench: &Bench, i: usize) -> Figure {
    let pixels = guesses_of(bench).and_then(|guesses| guesses.pictures.get(i).cloned());
    Figure::new(say_with("lab.noise", &[("number", &(i + 1))]), pixels, "")
}

fn words(page: &Page, bench: &Bench) -> String {
    match &bench.one_step.guesses {
        Some(Ok(guesses)) if guesses.t == last_t(page) => say("lab.about-mean").into(),
        Some(Ok(_)) => say("lab.about-spread").into(),
        Some(Err(why)) => notice(why),
        None => say("lab.about-guesses").into(),
    }
}

fn t_here(page: &Page) -> usize {
    page.shown().map_or(0, |film| film::place(&film.info, page.timeline.position).0)
}

fn t_words(page: &Page, t: usize) -> String {
    if t == last_t(page) { say_with("lab.pure", &[("t", &t)]) } else { format!("t = {t}") }
}

fn finished(page: &Page) -> Option<Pixels> {
    let film = page.shown()?;
    Some(film::picture(&film.info, film.at(film.steps())?, page.timeline.selected))
}

/// How far x̂0 here is from the end.
fn here(page: &Page) -> Option<(usize, f64)> {
    let film = page.shown()?;
    let errors = errors(film, page.timeline.selected);
    errors.into_iter().find(|(t, _)| *t == t_here(page) && page.timeline.position < film.steps())
}

fn distance(page: &Page) -> String {
    here(page).map(|(_, rms)| say_with("lab.off", &[("rms", &number(rms))])).unwrap_or_default()
}

fn curve(page: &Page) -> String {
    let Some(film) = page.shown() else { return String::new() };
    plot::errors(&errors(film, page.timeline.selected), last_t(page), here(page), "t")
}
