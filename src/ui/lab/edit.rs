//! A picture's own noise and what else comes of it, and rows between two seeds or two classes.

use super::figures::{Figure, button, figure, group, list, picture, slider, status};
use super::hand::Hand;
use crate::ui::dom;
use crate::ui::live::{Live, segments};
use ditscope_config::Experiment;
use ditscope_page_state::compare::maps::distance;
use ditscope_page_state::film::Pixels;
use ditscope_page_state::lab::Kind;
use ditscope_page_state::lab::bench::{Bench, is_ready, shown, way_of};
use ditscope_page_state::lab::edit::{Edit, ROW, Way};
use ditscope_page_state::{Choice, Event, Page};
use ditscope_words::notices::notice;
use ditscope_words::text::class_label;
use ditscope_words::{Words, say, say_with};
use gloo::timers::callback::Interval;
use leptos::prelude::*;
use std::rc::Rc;

/// Milliseconds for a picture of a row that is played, and for who wants little motion.
const BEAT: [u32; 2] = [300, 1200];

pub fn view(hand: Hand) -> Live {
    let names: Vec<Words> = vec![say("lab.way-invert"), say("lab.way-seeds"), say("lab.way-classes")];
    let chosen = move || {
        let way = hand.see(|_, bench| bench.edit.way);
        Way::ALL.iter().position(|other| *other == way).unwrap_or_default()
    };
    let choose = move |i: usize| {
        hand.act(|_, bench| {
            bench.edit.way = Way::ALL[i];
            None
        });
    };
    let ways = segments(&say("lab.way"), "lab-way", &names, Rc::new(chosen), Rc::new(choose));
    let is_row = move || hand.see(|_, bench| bench.edit.way != Way::Invert);
    let hidden = |is: bool| move || (is_row() != is).to_string();
    let inverting = group("lab-row four", inverted(hand)).live("hidden", Box::new(hidden(false)));
    let row = group("lab-between", vec![played(hand), group("lab-film", (0..ROW).map(|i| between(hand, i)).collect())]);
    group(
        "lab-body",
        vec![
            ways,
            group("lab-controls", vec![class(hand), seed(hand), go(hand)]),
            inverting,
            row.live("hidden", Box::new(hidden(true))),
            status(hand, words),
        ],
    )
}

/// The picture, and what becomes of its noise.
fn inverted(hand: Hand) -> Vec<Live> {
    let original = figure(hand, |page, bench| {
        let known = bench.edit.inverted.as_ref().and_then(|it| it.as_ref().ok());
        let base = known.map(|inverted| &inverted.base).or(bench.base.as_ref());
        let label = base.map(|base| class_label(page, base.class)).unwrap_or_default();
        Figure::new(say("lab.original"), base.map(|base| base.picture.clone()), label)
    });
    let of = |i: usize, key: &'static str| {
        figure(hand, move |page, bench| {
            let experiment = shown(page, Kind::Edit).filter(|it| way_of(it) == Way::Invert);
            let made = experiment.as_ref().and_then(|it| it.pictures.get(i)?.class);
            let own = bench.base.as_ref().map(|base| base.class);
            let class = made.or(if i == 0 { own } else { Some(bench.edit.class(page)) });
            let pixels = experiment.and_then(|_| picture(page, i));
            let label = class.map(|class| class_label(page, class)).unwrap_or_default();
            let note = if i == 0 { rebuilt(page, bench, pixels.as_ref()) } else { String::new() };
            Figure::new(say_with(key, &[("label", &label)]), pixels, note)
        })
    };
    vec![original, of(0, "lab.back"), of(1, "lab.as-other"), of(2, "lab.as-other-guided")]
}

/// How far the picture that came back is from what it was, at the end of the run.
fn rebuilt(page: &Page, bench: &Bench, pixels: Option<&Pixels>) -> String {
    let at_end = page.shown().is_some_and(|film| page.timeline.position >= film.steps());
    let Some(Ok(inverted)) = bench.edit.inverted.as_ref().filter(|_| at_end) else { return String::new() };
    let apart = pixels.and_then(|pixels| distance(&inverted.base.picture, pixels));
    apart
        .map(|rms| say_with("lab.error-back", &[("rms", &format!("{rms:.1}")), ("steps", &inverted.steps)]))
        .unwrap_or_default()
}

/// The experiment of a row, if one of this way is shown.
fn row_of(page: &Page, bench: &Bench) -> Option<Experiment> {
    shown(page, Kind::Edit).filter(|experiment| way_of(experiment) == bench.edit.way)
}

fn share(i: usize) -> String {
    format!("{:.0} %", 100.0 * i as f64 / (ROW - 1) as f64)
}

fn between(hand: Hand, i: usize) -> Live {
    figure(hand, move |page, bench| {
        let pixels = row_of(page, bench).and_then(|_| picture(page, i));
        Figure::new(share(i), pixels, "")
    })
}

/// The row as a film, which goes to and fro.
fn played(hand: Hand) -> Live {
    let (at, plays) = (RwSignal::new(0_usize), RwSignal::new(false));
    let canvas = figure(hand, move |page, bench| {
        // There and back again.
        let i = at.get() % (2 * ROW - 2);
        let i = i.min(2 * ROW - 2 - i);
        Figure::new(
            say_with("lab.on-the-way", &[("share", &share(i))]),
            row_of(page, bench).and_then(|_| picture(page, i)),
            "",
        )
    });
    let calm = hand.store.peek(|page| page.reduced_motion);
    let mut clock = None::<Interval>;
    dom::effect(Box::new(move || {
        let is_playing = plays.get();
        clock.take();
        if is_playing {
            clock = Some(Interval::new(BEAT[usize::from(calm)], move || {
                let _ = at.try_update(|at| *at += 1);
            }));
        }
    }));
    // When its row is gone it stands still, at its beginning.
    dom::effect(Box::new(move || {
        let is_gone = hand.see(|page, bench| row_of(page, bench).is_none());
        if is_gone && (plays.get_untracked() || at.get_untracked() > 0) {
            plays.set(false);
            at.set(0);
        }
    }));
    let words = move || if plays.get() { say("lab.stop").into_owned() } else { say("lab.play").into_owned() };
    let press = button("", "", move || plays.update(|plays| *plays = !*plays)).live("text", Box::new(words));
    let press = press.live("disabled", hand.text(|page, bench| row_of(page, bench).is_none().to_string()));
    group("lab-played", vec![canvas, press])
}

fn class(hand: Hand) -> Live {
    let options = |page: &Page, bench: &Bench| {
        let count = page.models.config.as_ref().map_or(0, |config| config.labels.len());
        let chosen = bench.edit.class(page);
        (0..count).map(|class| (class.to_string(), class_label(page, class), class == chosen)).collect()
    };
    let list = list(hand, &say("lab.other-class"), options, move |class| {
        hand.act(|_, bench| {
            bench.edit.choose_class(class.parse().unwrap_or_default());
            None
        });
    });
    list.live("hidden", hand.text(|_, bench| (bench.edit.way == Way::Seeds).to_string()))
}

fn seed(hand: Hand) -> Live {
    let slider = slider(
        hand,
        &say("lab.other-seed"),
        |_, _| (0.0, 999.0, 1.0),
        |page, bench| bench.edit.seed(page) as f64,
        |page, bench| bench.edit.seed(page).to_string(),
        move |seed, _| {
            hand.act(|_, bench| {
                bench.edit.seed = Some(seed as u64);
                None
            });
        },
    );
    slider.live("hidden", hand.text(|_, bench| (bench.edit.way != Way::Seeds).to_string()))
}

/// Looks for the noise, or makes the row.
fn go(hand: Hand) -> Live {
    let press = move || {
        let way = hand.see(|_, bench| bench.edit.way);
        if way != Way::Invert {
            return hand.act(|_, _| Some(Event::Generate));
        }
        // The way back is that of the sampler whose steps were taken backwards.
        let sampler = hand.store.peek(|page| Edit::sampler(page));
        if hand.store.peek(|page| page.settings().sampler != sampler) {
            hand.store.dispatch(Event::Choose(Choice::Sampler(sampler)));
        }
        hand.act(|page, bench| bench.invert(page));
    };
    let words = hand.text(|_, bench| match bench.edit.way {
        Way::Invert => say("lab.invert").into(),
        Way::Seeds | Way::Classes => say("lab.make-row").into(),
    });
    let is_off = |page: &Page, bench: &Bench| match bench.edit.way {
        Way::Invert => !is_ready(page) || bench.waits() || bench.base.is_none(),
        Way::Seeds | Way::Classes => false,
    };
    button("primary", "", press).live("text", words).live("disabled", hand.text(move |p, b| is_off(p, b).to_string()))
}

fn words(page: &Page, bench: &Bench) -> String {
    match (bench.edit.way, &bench.edit.inverted) {
        (Way::Invert, _) if bench.is_inverting() => say("lab.inverting").into(),
        (Way::Invert, Some(Err(why))) => notice(why),
        (Way::Invert, None) if bench.base.is_none() => say("lab.no-picture").into(),
        (Way::Invert, None) => say("lab.hint-invert").into(),
        (Way::Invert, Some(Ok(_))) => say("lab.hint-inverted").into(),
        (_, _) if row_of(page, bench).is_none() => say("lab.hint-row").into(),
        _ => say("lab.hint-timeline").into(),
    }
}
