//! What is trained, and how it begins.

use super::controls::{button, labelled, numbers, select, typed};
use super::session::{see, tell};
use crate::ui::dom;
use crate::ui::live::Live;
use ditscope_config::{PredictionType, RunSettings};
use ditscope_page_state::training::{Choice, Event, State};
use ditscope_protocol::training::Setup;
use ditscope_words::{say, say_with};
use leptos::prelude::*;

const PREDICTIONS: [(PredictionType, &str); 3] = [
    (PredictionType::Epsilon, "epsilon"),
    (PredictionType::VPrediction, "v"),
    (PredictionType::FlowPrediction, "flow"),
];

/// The form; it goes while something is trained.
pub fn form() -> Live {
    let hidden = || see(|state| !state.is_setting()).to_string();
    Live::new("section", "training-setup")
        .with("aria-label", &say("training.setup"))
        .live("hidden", Box::new(hidden))
        .of(vec![
            Live::new("h2", "").saying(&say("training.setup")),
            Live::new("p", "hint").live("text", Box::new(|| see(latents))),
            classes(),
            Live::new("div", "training-controls").of(shape()),
            Live::new("div", "training-controls").of(recipe()),
            Live::new("p", "hint numbers").live("text", Box::new(|| see(size))),
            Live::new("div", "buttons").of(vec![
                button("primary", &say("training.start"), || Event::Start)
                    .live("disabled", Box::new(|| see(|state| !state.can_start()).to_string())),
            ]),
        ])
}

/// What it is trained on.
fn latents(state: &State) -> String {
    let Some(source) = &state.source else { return say("training.no-model").into() };
    match &source.latents {
        None => say_with("training.no-latents", &[("model", &source.config.name)]),
        Some(info) => say_with(
            "training.latents",
            &[("count", &grouped(info.count)), ("license", &info.license), ("model", &source.config.name)],
        ),
    }
}

fn size(state: &State) -> String {
    let (Some(parameters), Some(setup)) = (state.planned_parameters(), &state.setup) else { return String::new() };
    let steps = setup.total_steps();
    say_with(
        "training.size",
        &[("parameters", &grouped(parameters as usize)), ("steps", &grouped(steps)), ("batch", &setup.batch_size)],
    )
}

/// A box to tick for each class.
fn classes() -> Live {
    let labels = |state: &State| state.source.as_ref().map_or(vec![], |source| source.config.labels.clone());
    let count = Memo::new(move |_| see(|state| labels(state).len()));
    let class = move |class: usize| {
        let label = move || see(|state| labels(state).get(class).cloned()).unwrap_or_default();
        let chosen = move |state: &State| state.setup.as_ref().is_some_and(|setup| setup.classes.contains(&class));
        let input = Live::new("input", "").with("type", "checkbox");
        let input = input.live("checked", Box::new(move || see(chosen).to_string()));
        let input = input.on("change", Box::new(move |_| tell(Event::Choose(Choice::Class(class)))));
        Live::new("label", "check").of(vec![input, Live::new("span", "").live("text", Box::new(label))])
    };
    let group = Live::new("div", "training-classes").with("role", "group").with("aria-label", &say("training.classes"));
    Live::new("div", "")
        .of(vec![Live::new("h3", "").saying(&say("training.classes")), group.listing(count, Box::new(class))])
}

/// What makes the model.
fn shape() -> Vec<Live> {
    const WIDTHS: [f64; 5] = [32.0, 48.0, 64.0, 96.0, 128.0];
    const DEPTHS: [f64; 8] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    const PATCHES: [f64; 3] = [1.0, 2.0, 4.0];
    let plain = |number: f64| number.to_string();
    let of_shape = |control: Live| {
        let hidden = || see(|state| state.setup.as_ref().is_some_and(|setup| setup.from_model)).to_string();
        Live::new("div", "").live("hidden", Box::new(hidden)).of(vec![control])
    };
    vec![
        labelled(
            &say("training.from"),
            select(Box::new(beginnings), Box::new(|name| Some(Choice::FromModel(name == "model")))),
        ),
        of_shape(numbers(
            &say("training.width"),
            &WIDTHS,
            |setup| setup.hidden_size as f64,
            plain,
            |width| Choice::Width(width as usize),
        )),
        of_shape(numbers(
            &say("training.depth"),
            &DEPTHS,
            |setup| setup.depth as f64,
            plain,
            |depth| Choice::Depth(depth as usize),
        )),
        of_shape(numbers(
            &say("training.patch"),
            &PATCHES,
            |setup| setup.patch_size as f64,
            plain,
            |patch| Choice::Patch(patch as usize),
        )),
        of_shape(labelled(&say("training.prediction"), select(Box::new(predictions), Box::new(prediction)))),
        labelled(
            &say("training.device"),
            select(Box::new(devices), Box::new(|name| Some(Choice::OnGpu(name == "gpu")))),
        ),
    ]
}

/// What can compute, as options.
fn devices() -> String {
    let on_gpu = see(|state| state.setup.as_ref().is_some_and(|setup| setup.on_gpu));
    dom::options(vec![
        ("cpu".into(), say("training.cpu").into(), !on_gpu),
        ("gpu".into(), say("training.gpu").into(), on_gpu),
    ])
}

/// Where it begins, as options.
fn beginnings() -> String {
    let from_model = see(|state| state.setup.as_ref().is_some_and(|setup| setup.from_model));
    dom::options(vec![
        ("nothing".into(), say("training.from-nothing").into(), !from_model),
        ("model".into(), say("training.from-model").into(), from_model),
    ])
}

/// What it can predict, as options.
fn predictions() -> String {
    let chosen = see(|state| state.setup.as_ref().map(|setup| setup.prediction_type));
    let option = |(kind, name): (PredictionType, &str)| {
        let words = match kind {
            PredictionType::Epsilon => say("training.epsilon"),
            PredictionType::VPrediction => say("training.v"),
            _ => say("training.flow"),
        };
        (name.to_owned(), words.into(), chosen == Some(kind))
    };
    dom::options(PREDICTIONS.map(option).into())
}

fn prediction(name: &str) -> Option<Choice> {
    PREDICTIONS.iter().find(|(_, known)| *known == name).map(|(kind, _)| Choice::Prediction(*kind))
}

/// What makes the training, beside the knobs that stay in reach.
fn recipe() -> Vec<Live> {
    const BATCHES: [f64; 5] = [16.0, 32.0, 64.0, 128.0, 256.0];
    let batch = |setup: &Setup| setup.batch_size as f64;
    let seed = |setup: &Setup| setup.seed;
    let mut controls = knobs();
    controls.push(numbers(
        &say("training.batch"),
        &BATCHES,
        batch,
        |number| number.to_string(),
        |batch| Choice::Batch(batch as usize),
    ));
    controls.push(typed(&say("training.seed"), *RunSettings::SEED.end(), seed, Choice::Seed));
    controls
}

/// What can be changed while it runs.
pub fn knobs() -> Vec<Live> {
    const RATES: [f64; 10] = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 1e-2, 3e-2, 0.1];
    const SHARES: [f64; 5] = [0.0, 0.05, 0.1, 0.2, 0.5];
    const GOALS: [f64; 7] = [20e3, 40e3, 80e3, 120e3, 240e3, 500e3, 1e6];
    let percent = |share: f64| format!("{} %", (share * 100.0).round());
    vec![
        numbers(&say("training.lr"), &RATES, |setup| setup.knobs.lr, |rate| rate.to_string(), Choice::Lr),
        numbers(&say("training.dropout"), &SHARES, |setup| setup.knobs.class_dropout, percent, Choice::ClassDropout),
        numbers(
            &say("training.goal"),
            &GOALS,
            |setup| setup.knobs.goal as f64,
            |goal| say_with("training.pictures", &[("count", &grouped(goal as usize))]),
            |goal| Choice::Goal(goal as usize),
        ),
    ]
}

/// `120 000`, with narrow gaps that do not break.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}
