//! The ideal denoiser: the best there is for the training pictures, and nothing else, beside the network.

use super::figures::{Figure, figure, group, picture, status};
use super::hand::Hand;
use crate::ui::dom;
use crate::ui::fetch::{fetch_bytes, fetch_text};
use crate::ui::live::Live;
use ditscope_page_state::lab::bench::{Bench, Training};
use ditscope_page_state::lab::ideal::{IdealRun, NEAREST};
use ditscope_page_state::{ModelRef, Page};
use ditscope_plots::geometry::number;
use ditscope_tensor_file::{LATENTS_DATA, LATENTS_FILE, LatentSet};
use ditscope_words::{say, say_with};
use leptos::prelude::*;
use std::sync::Arc;
use wasm_bindgen_futures::spawn_local;

pub fn view(hand: Hand) -> Live {
    let model = hand.store.memo(|page| page.address.model.clone());
    dom::effect(Box::new(move || fetch(hand, model.get())));
    let network = figure(hand, |page, bench| {
        let ideal = beside(page, bench);
        let note = ideal.filter(|_| at_end(page)).map(|it| away(it.of_network.1)).unwrap_or_default();
        Figure::new(say("lab.network"), picture(page, page.timeline.selected), note)
    });
    let ideal = figure(hand, |page, bench| {
        let ideal = beside(page, bench);
        let note = ideal.filter(|_| at_end(page)).map(|it| away(it.own_distance())).unwrap_or_default();
        Figure::new(say("lab.ideal"), decoded(page, bench, 0), note)
    });
    let own =
        figure(hand, |page, bench| Figure::new(say("lab.network-nearest"), decoded(page, bench, 1 + NEAREST), ""));
    let known = (0..NEAREST).map(|i| figure(hand, move |page, bench| weighed(page, bench, i))).collect();
    group(
        "lab-body",
        vec![
            group("lab-row three", vec![network, ideal, own]),
            status(hand, words),
            Live::new("h2", "").saying(&say("lab.weights")),
            group("lab-row three", known),
            Live::new("p", "lab-about").saying(&say("lab.about-memory")),
        ],
    )
}

/// Looks for the latents of a model's training pictures.
fn fetch(hand: Hand, model: ModelRef) {
    let ModelRef::Shipped(id) = model else { return set(hand, Training::Missing(String::new())) };
    set(hand, Training::Coming);
    let base = hand.store.peek(|page| page.base.clone());
    spawn_local(async move {
        let [info, data] = [LATENTS_FILE, LATENTS_DATA].map(|file| format!("{base}assets/models/{id}/{file}"));
        let found = read(&info, &data).await.map_or_else(Training::Missing, |set| Training::Here(Arc::new(set)));
        // Another model may have been chosen meanwhile.
        if hand.store.try_peek(|page| page.address.model.key() == id) == Some(true) {
            set(hand, found);
        }
    });
}

async fn read(info: &str, data: &str) -> Result<LatentSet, String> {
    let text = fetch_text(info).await.ok_or_else(String::new)?;
    let bytes = fetch_bytes(data).await.ok_or_else(|| data.to_owned())?;
    LatentSet::read(&text, &bytes).map_err(|_| info.to_owned())
}

fn set(hand: Hand, training: Training) {
    hand.act(|_, bench| {
        (bench.training, bench.ideal) = (training, None);
        None
    });
}

/// The ideal run, if it is of the run that is shown.
fn beside<'b>(page: &Page, bench: &'b Bench) -> Option<&'b IdealRun> {
    let film = page.shown()?;
    bench.ideal.as_ref().filter(|ideal| Arc::ptr_eq(&ideal.beside, &film.info))
}

fn at_end(page: &Page) -> bool {
    page.shown().is_some_and(|film| page.timeline.position >= film.steps())
}

fn decoded(page: &Page, bench: &Bench, i: usize) -> Option<ditscope_page_state::film::Pixels> {
    beside(page, bench)?.pictures.get(&page.timeline.position)?.get(i).cloned()
}

fn weighed(page: &Page, bench: &Bench, i: usize) -> Figure {
    let denoised = beside(page, bench).and_then(|ideal| ideal.steps.get(page.timeline.position));
    let weight = denoised.and_then(|denoised| denoised.nearest.get(i)).map_or(0.0, |(_, weight)| *weight);
    let title = say_with("lab.weight", &[("share", &format!("{:.1}", 100.0 * weight))]);
    Figure::new(title, decoded(page, bench, 1 + i), "")
}

fn away(rms: f64) -> String {
    say_with("lab.away", &[("rms", &number(rms))])
}

fn words(page: &Page, bench: &Bench) -> String {
    match (&bench.training, beside(page, bench)) {
        (Training::Unknown | Training::Coming, _) => say("lab.training-coming").into(),
        (Training::Missing(file), _) if file.is_empty() => say("lab.no-training").into(),
        (Training::Missing(file), _) => say_with("lab.training-misfit", &[("file", file)]),
        (Training::Here(_), None) => say("lab.no-picture").into(),
        (Training::Here(_), Some(ideal)) => {
            let (count, usual) = (ideal.known.count(), number(ideal.usual_distance));
            say_with("lab.about-distances", &[("count", &count), ("usual", &usual)])
        }
    }
}
