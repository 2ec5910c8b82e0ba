//! One model, measured in a worker of its own: it is loaded, a short run warms it up, and then runs are timed.

use super::figures::Sample;
use super::what::Failure;
use crate::Notice;
use ditscope_config::{DitConfig, RunSettings, SamplerKind};
use ditscope_protocol::{Backend, FromWorker, ToWorker, WeightsReport};

/// Steps of the run that warms up.
const WARM_STEPS: usize = 3;
/// After it, members of the CPU's pool that are late get ready.
const SETTLE_MS: u32 = 400;
/// A run that is timed has so many steps, or fewer where they are slow: it is to take no longer than this.
const MOST_STEPS: usize = 30;
const LEAST_STEPS: usize = 4;
const RUN_MS: f64 = 5_000.0;
/// Quick runs are repeated for so long; no model takes longer than this.
const LEAST_MS: f64 = 1_500.0;
const MOST_MS: f64 = 10_000.0;
const LEAST_TIMES: usize = 2;
/// Nothing is heard for so long of a worker that works.
pub(super) const PATIENCE_MS: u32 = 120_000;

/// What is to be done outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A worker in the place of the old one.
    StartWorker,
    StopWorker,
    Send(ToWorker),
    /// [`super::Event::Waited`] after so many milliseconds, in place of what was waited for before.
    Wait(u32),
}

/// How far a trial is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stage {
    Starting,
    Loading {
        loaded: u64,
        total: u64,
    },
    Warming,
    /// Times so far, of about so many.
    Timing {
        done: usize,
        of: usize,
    },
}

/// What follows of what was heard.
pub(super) enum Heard {
    Go(Vec<Effect>),
    Done(Box<Sample>),
    Failed(Failure),
}

/// A trial that is under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    load: Option<ToWorker>,
    pub(super) stage: Stage,
    began_ms: f64,
    heard_ms: f64,
    settles: bool,
    shape: Option<(DitConfig, SamplerKind)>,
    pub(super) backend: Option<Backend>,
    weights: WeightsReport,
    workers: usize,
    load_ms: f64,
    first_picture_ms: Option<f64>,
    /// Of the newest run: its number, its steps, when it was asked for and when its last frame came.
    run: u32,
    steps: usize,
    last_ms: Option<f64>,
    /// When the first run that is timed was asked for.
    timing_ms: f64,
    times: Vec<f64>,
    told: Vec<f64>,
}

impl Trial {
    /// `load`: what the worker is told first.
    pub fn new(load: ToWorker, now_ms: f64) -> Self {
        Self {
            load: Some(load),
            stage: Stage::Starting,
            began_ms: now_ms,
            heard_ms: now_ms,
            settles: false,
            shape: None,
            backend: None,
            weights: WeightsReport::default(),
            workers: 1,
            load_ms: 0.0,
            first_picture_ms: None,
            run: 0,
            steps: WARM_STEPS,
            last_ms: None,
            timing_ms: 0.0,
            times: vec![],
            told: vec![],
        }
    }

    /// When something was heard last.
    pub(super) fn heard_ms(&self) -> f64 {
        self.heard_ms
    }

    pub(super) fn hear(&mut self, message: FromWorker, now_ms: f64) -> Heard {
        self.heard_ms = now_ms;
        match message {
            FromWorker::Ready => return Heard::Go(self.load.take().map(Effect::Send).into_iter().collect()),
            FromWorker::Config(config) => self.shape = Some((config.transformer, config.defaults.sampler)),
            FromWorker::LoadProgress { loaded_bytes, total_bytes, .. } => {
                self.stage = Stage::Loading { loaded: loaded_bytes, total: total_bytes };
            }
            FromWorker::Loaded { backend, weights, .. } => {
                self.load_ms = now_ms - self.began_ms;
                (self.backend, self.weights) = (Some(backend), weights);
                self.stage = Stage::Warming;
                return Heard::Go(self.begin(WARM_STEPS));
            }
            FromWorker::Started { .. } => (self.workers, self.last_ms) = (1, None),
            FromWorker::Shared { workers, .. } => self.workers = workers,
            FromWorker::Frame(frame) if frame.run == self.run => return self.take_frame(frame.step, frame.ms, now_ms),
            FromWorker::Done { run, .. } if run == self.run => return self.end_run(now_ms),
            FromWorker::Failed { why, .. } => return Heard::Failed(Failure::Told(Notice::Refused(why))),
            _ => {}
        }
        Heard::Go(vec![])
    }

    /// What was waited for has passed.
    pub(super) fn wait_over(&mut self, now_ms: f64) -> Heard {
        if std::mem::take(&mut self.settles) {
            let steps = self.steps_to_time();
            (self.timing_ms, self.heard_ms) = (now_ms, now_ms);
            self.times.clear();
            self.told.clear();
            self.stage = Stage::Timing { done: 0, of: steps };
            let mut effects = self.begin(steps);
            effects.push(Effect::Wait(PATIENCE_MS));
            return Heard::Go(effects);
        }
        let left = f64::from(PATIENCE_MS) - (now_ms - self.heard_ms);
        if left <= 0.0 {
            return Heard::Failed(Failure::Silent(PATIENCE_MS / 1000));
        }
        Heard::Go(vec![Effect::Wait(left.ceil() as u32)])
    }

    /// As many as there is time for, by those that warmed up.
    fn steps_to_time(&self) -> usize {
        let step = self.times.last().copied().unwrap_or(RUN_MS).max(1.0);
        ((RUN_MS / step) as usize).clamp(LEAST_STEPS, MOST_STEPS)
    }

    fn begin(&mut self, steps: usize) -> Vec<Effect> {
        let Some((transformer, sampler)) = &self.shape else { return vec![] };
        (self.run, self.steps, self.last_ms) = (self.run + 1, steps, None);
        let settings = RunSettings {
            class: 0,
            guidance_scale: if transformer.has_null_label { 2.0 } else { 1.0 },
            num_inference_steps: steps,
            // One that asks the network once a step.
            sampler: sampler.peers()[0],
            num_images: 1,
            ..RunSettings::default()
        };
        let (start, resume, experiment) = (None, None, None);
        vec![Effect::Send(ToWorker::Generate {
            run: self.run,
            settings,
            guidance_scales: vec![],
            start,
            resume,
            experiment,
        })]
    }

    fn take_frame(&mut self, step: usize, ms: f64, now_ms: f64) -> Heard {
        self.first_picture_ms.get_or_insert(now_ms - self.began_ms);
        // The last frame is no step: it decodes the result.
        if step >= self.steps {
            return Heard::Go(vec![]);
        }
        if let Some(last) = self.last_ms.replace(now_ms) {
            self.times.push(now_ms - last);
            self.told.push(ms);
        }
        let Stage::Timing { done, .. } = &mut self.stage else { return Heard::Go(vec![]) };
        *done = self.times.len();
        let is_enough = now_ms - self.timing_ms > MOST_MS && self.times.len() >= LEAST_TIMES;
        if is_enough { self.done() } else { Heard::Go(vec![]) }
    }

    fn end_run(&mut self, now_ms: f64) -> Heard {
        match &mut self.stage {
            Stage::Timing { done, of } if now_ms - self.timing_ms < LEAST_MS => {
                // As many again, at the pace so far.
                *of = (*of).max(*done + self.steps);
                let steps = self.steps;
                Heard::Go(self.begin(steps))
            }
            Stage::Timing { .. } => self.done(),
            _ => {
                self.settles = true;
                Heard::Go(vec![Effect::Wait(SETTLE_MS)])
            }
        }
    }

    fn done(&self) -> Heard {
        let (Some((transformer, _)), Some(backend)) = (self.shape.clone(), self.backend.clone()) else {
            return Heard::Failed(Failure::Unsteady);
        };
        Heard::Done(Box::new(Sample {
            passes: if transformer.has_null_label { 2 } else { 1 },
            transformer,
            backend,
            weights: self.weights.clone(),
            workers: self.workers,
            load_ms: self.load_ms,
            first_picture_ms: self.first_picture_ms.unwrap_or_default(),
            times: self.times.clone(),
            told: self.told.clone(),
        }))
    }
}
