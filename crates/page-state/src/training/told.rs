//! What the trainer says.

use super::state::State;
use super::what::{Effect, Exercise, Phase, Remembered, Running, Said, Samples};
use crate::film::Pixels;
use crate::floats::numbers;
use ditscope_protocol::Reason;
use ditscope_protocol::training::{FromTrainer, Place};

/// The folder that a model for the page is called after.
const NAME: &str = "trained-here";

pub(super) fn hear(state: &mut State, message: FromTrainer, buffers: Vec<Vec<u8>>) -> Vec<Effect> {
    // A worker that was ended may still have said something.
    if state.is_setting() {
        return vec![];
    }
    let mut buffers = buffers.into_iter();
    let mut first = || buffers.next().unwrap_or_default();
    match message {
        FromTrainer::Ready => return state.waits.take().into_iter().collect(),
        FromTrainer::Loading { loaded_bytes, total_bytes } => {
            state.phase = Phase::Coming(loaded_bytes as f64 / total_bytes.max(1) as f64);
        }
        FromTrainer::Begun { setup, config, num_parameters, pictures, step } => {
            state.losses = numbers(&first());
            state.losses.resize(step, 0.0);
            state.samples.clear();
            state.setup = Some((*setup).clone());
            state.running = Some(Running { setup: *setup, config: *config, num_parameters, pictures });
            state.phase = Phase::Running;
        }
        FromTrainer::Steps { step, pictures_per_second, lr } => {
            state.losses.extend(numbers(&first()));
            state.losses.resize(step, 0.0);
            state.pictures_per_second = pictures_per_second;
            if lr > 0.0 {
                state.lr = lr;
            }
        }
        FromTrainer::Exercise { step, image_shape, labels, timesteps } => {
            let pictures = Pixels::cut(&first(), image_shape);
            if pictures.len() == 3 * labels.len() && labels.len() == timesteps.len() {
                state.exercise = Some(Exercise { step, labels, timesteps, pictures });
            }
        }
        FromTrainer::Samples(info) => {
            let pictures = Pixels::cut(&first(), info.image_shape);
            if pictures.len() == info.labels.len() {
                state.samples.push(Samples { step: info.step, labels: info.labels, pictures });
            }
        }
        FromTrainer::Held { .. } => state.phase = Phase::Held,
        FromTrainer::Reached { .. } => state.phase = Phase::Reached,
        FromTrainer::Kept { steps, place } => return kept(state, steps, place),
        FromTrainer::Restored { step, why } => restored(state, step, why.is_some()),
        FromTrainer::Saved { files, zip } => {
            state.saving = false;
            let rest: Vec<Vec<u8>> = buffers.collect();
            return saved(state, files.into_iter().zip(rest).collect(), zip);
        }
        FromTrainer::Failed { why } if why.reason == Reason::Crashed => return state.lost(why.found),
        FromTrainer::Failed { why } => {
            // Where nothing ran yet, it can be set up otherwise.
            state.phase =
                if state.remembered.is_some() && state.running.is_some() { Phase::Lost } else { Phase::Setting };
            state.said = Some(Said::Failed(why));
            return vec![Effect::StopTrainer];
        }
    }
    vec![]
}

fn kept(state: &mut State, steps: Vec<usize>, place: Place) -> Vec<Effect> {
    state.place = Some(place);
    state.kept = steps;
    let newest = state.kept.last().copied();
    let (Some(step), Some(running), Some(model)) = (newest, &state.running, &state.of) else { return vec![] };
    if place != Place::Browser {
        return vec![];
    }
    let remembered = Remembered { model: model.clone(), setup: running.setup.clone(), step };
    state.remembered = Some(remembered.clone());
    vec![Effect::Remember(Box::new(remembered))]
}

fn restored(state: &mut State, step: usize, not_finite: bool) {
    state.losses.truncate(step);
    state.samples.retain(|samples| samples.step <= step);
    (state.at, state.playing) = (None, false);
    state.phase = Phase::Held;
    state.said = not_finite.then_some(Said::NotFinite { back_at: step });
}

fn saved(state: &mut State, files: Vec<(String, Vec<u8>)>, zip: bool) -> Vec<Effect> {
    if !zip {
        state.said = Some(Said::InUse);
        return vec![Effect::Use { name: NAME.to_owned(), files }];
    }
    let Some((name, bytes)) = files.into_iter().next() else { return vec![] };
    state.said = Some(Said::Downloaded(name.clone()));
    vec![Effect::Download { name, bytes }]
}
