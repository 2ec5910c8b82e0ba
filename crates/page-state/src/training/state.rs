//! The state of a training as the page sees it.

use super::told;
use super::what::{Choice, Effect, Event, Exercise, Phase, Remembered, Running, Said, Samples, Source};
use crate::ModelRef;
use ditscope_protocol::training::{Knobs, Place, Setup, ToTrainer};

/// Milliseconds for a row of samples while the film is played, and for who wants little motion.
const BEAT_MS: u32 = 500;
const CALM_BEAT_MS: u32 = 1500;

/// A training as the page sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    pub source: Option<Source>,
    /// What the next one begins with; its knobs are those of the one that runs.
    pub setup: Option<Setup>,
    pub remembered: Option<Remembered>,
    pub phase: Phase,
    pub running: Option<Running>,
    /// Which model is trained on.
    pub of: Option<ModelRef>,
    /// A number for each step.
    pub losses: Vec<f32>,
    pub pictures_per_second: f64,
    pub lr: f64,
    pub samples: Vec<Samples>,
    /// The row that is looked at; absent: the newest, as it comes.
    pub at: Option<usize>,
    pub playing: bool,
    pub exercise: Option<Exercise>,
    /// Steps of the checkpoints.
    pub kept: Vec<usize>,
    pub place: Option<Place>,
    pub said: Option<Said>,
    /// Files that are being made: for a download, or for the page.
    pub saving: bool,
    /// What the trainer is told when it takes messages.
    pub(super) waits: Option<Effect>,
}

impl State {
    /// Takes in what happened.
    pub fn update(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Offered(source) => self.offered(*source),
            Event::Recalled(remembered) => {
                if self.running.is_none() {
                    self.remembered = Some(*remembered);
                }
            }
            Event::Choose(choice) => return self.choose(choice),
            Event::Start => return self.start(),
            Event::Resume => return self.resume(),
            Event::Pause if self.phase == Phase::Running => return vec![Effect::Send(ToTrainer::Pause)],
            Event::GoOn => return self.go_on(),
            Event::Leave => return self.leave(),
            Event::Undo(step) if self.is_up() && self.kept.contains(&step) => {
                return vec![Effect::Send(ToTrainer::Undo { step })];
            }
            Event::Download if self.is_up() => return self.save(true),
            Event::Use if self.is_up() => return self.save(false),
            Event::Pause | Event::Undo(_) | Event::Download | Event::Use => {}
            Event::Look(place) => {
                let last = self.samples.len().saturating_sub(1);
                self.at = (place < last).then_some(place);
                self.playing = false;
            }
            Event::TogglePlay => self.toggle_play(),
            Event::Tick if self.playing => self.tick(),
            Event::Tick => {}
            Event::Told { message, buffers } => return told::hear(self, message, buffers),
            Event::Lost(why) => return self.lost(why),
        }
        vec![]
    }

    /// Whether there is a training that answers.
    pub fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Held | Phase::Reached)
    }

    /// Whether one can be set up.
    pub fn is_setting(&self) -> bool {
        self.phase == Phase::Setting
    }

    /// Whether one can begin.
    pub fn can_start(&self) -> bool {
        let has_latents = self.source.as_ref().is_some_and(|source| source.latents.is_some());
        self.is_setting() && has_latents && self.setup.as_ref().is_some_and(|setup| !setup.classes.is_empty())
    }

    /// Steps that were taken.
    pub fn step(&self) -> usize {
        self.losses.len()
    }

    /// Pictures that it has seen after so many steps.
    pub fn seen(&self, step: usize) -> usize {
        step * self.running.as_ref().map_or(0, |running| running.setup.batch_size)
    }

    /// The row of samples that is looked at.
    pub fn row(&self) -> Option<&Samples> {
        self.samples.get(self.place())
    }

    /// Its place.
    pub fn place(&self) -> usize {
        self.at.unwrap_or(self.samples.len().saturating_sub(1))
    }

    /// The worker that trains what is waited for.
    pub fn worker(&self) -> &'static str {
        match &self.waits {
            Some(Effect::Begin { setup, .. }) if setup.on_gpu => "gpu-trainer",
            _ => "trainer",
        }
    }

    /// Parameters of what would be trained.
    pub fn planned_parameters(&self) -> Option<u64> {
        let (source, setup) = (self.source.as_ref()?, self.setup.as_ref()?);
        Some(setup.config(&source.config).transformer.num_params())
    }

    fn offered(&mut self, source: Source) {
        let is_new = self.source.as_ref().is_none_or(|known| known.model != source.model);
        // What runs goes on with what it began with.
        if self.is_setting() {
            if is_new || self.setup.is_none() {
                self.setup = Some(Setup::suggested(&source.config));
            }
            self.source = Some(source);
        }
    }

    fn choose(&mut self, choice: Choice) -> Vec<Effect> {
        let Some(setup) = &mut self.setup else { return vec![] };
        let old = setup.clone();
        match choice {
            Choice::Width(width) => setup.hidden_size = width,
            Choice::Depth(depth) => setup.depth = depth,
            Choice::Patch(patch) => setup.patch_size = patch,
            Choice::Prediction(kind) => setup.prediction_type = kind,
            Choice::Class(class) => match setup.classes.iter().position(|chosen| *chosen == class) {
                Some(place) => drop(setup.classes.remove(place)),
                None => {
                    setup.classes.push(class);
                    setup.classes.sort_unstable();
                }
            },
            Choice::Batch(batch) => setup.batch_size = batch,
            Choice::Seed(seed) => setup.seed = seed,
            Choice::FromModel(yes) => setup.from_model = yes,
            Choice::OnGpu(yes) => setup.on_gpu = yes,
            Choice::Lr(lr) => setup.knobs.lr = lr,
            Choice::ClassDropout(share) => setup.knobs.class_dropout = share,
            Choice::Goal(goal) => setup.knobs.goal = goal,
        }
        let new = setup.clone();
        // While something is trained, only the knobs move. No class at all is a way to another one.
        let makes_sense = match (&self.phase, &self.source) {
            (Phase::Setting, Some(source)) => new.classes.is_empty() || new.validate(&source.config).is_ok(),
            _ => Setup { knobs: old.knobs, ..new.clone() } == old && new.knobs.validate().is_ok(),
        };
        if !makes_sense {
            self.setup = Some(old);
            return vec![];
        }
        if !self.is_up() || new.knobs == old.knobs {
            return vec![];
        }
        self.turn(new.knobs);
        if self.phase == Phase::Reached && new.knobs.goal > old.knobs.goal {
            self.phase = Phase::Held;
        }
        vec![Effect::Send(ToTrainer::Change(new.knobs))]
    }

    fn turn(&mut self, knobs: Knobs) {
        if let Some(running) = &mut self.running {
            running.setup.knobs = knobs;
        }
    }

    fn start(&mut self) -> Vec<Effect> {
        if !self.can_start() {
            return vec![];
        }
        let (Some(source), Some(setup)) = (&self.source, &self.setup) else { return vec![] };
        let begin = Effect::Begin { model: source.model.clone(), setup: Box::new(setup.clone()), resume: false };
        self.of = Some(source.model.clone());
        self.remembered = None;
        self.forget_what_was();
        self.phase = Phase::Coming(0.0);
        self.waits = Some(begin);
        vec![Effect::StartTrainer]
    }

    /// With what an earlier visit left, or a worker that is gone.
    fn resume(&mut self) -> Vec<Effect> {
        let is_free = matches!(self.phase, Phase::Setting | Phase::Lost);
        let Some(kept) = self.remembered.clone().filter(|_| is_free) else { return vec![] };
        self.of = Some(kept.model.clone());
        self.forget_what_was();
        self.phase = Phase::Coming(0.0);
        self.waits = Some(Effect::Begin { model: kept.model, setup: Box::new(kept.setup), resume: true });
        vec![Effect::StartTrainer]
    }

    fn forget_what_was(&mut self) {
        self.running = None;
        self.losses.clear();
        self.samples.clear();
        self.kept.clear();
        (self.at, self.playing, self.saving) = (None, false, false);
        (self.exercise, self.said) = (None, None);
    }

    fn go_on(&mut self) -> Vec<Effect> {
        if self.phase != Phase::Held {
            return vec![];
        }
        self.phase = Phase::Running;
        self.said = None;
        vec![Effect::Send(ToTrainer::GoOn)]
    }

    fn leave(&mut self) -> Vec<Effect> {
        if self.is_setting() {
            return vec![];
        }
        self.phase = Phase::Setting;
        self.forget_what_was();
        vec![Effect::StopTrainer]
    }

    fn save(&mut self, zip: bool) -> Vec<Effect> {
        if self.saving {
            return vec![];
        }
        self.saving = true;
        vec![Effect::Send(ToTrainer::Save { zip })]
    }

    fn toggle_play(&mut self) {
        // From the newest it plays once more.
        if !self.playing && self.at.is_none() {
            self.at = Some(0);
        }
        self.playing = !self.playing && self.samples.len() > 1;
    }

    fn tick(&mut self) {
        let next = self.place() + 1;
        self.at = (next + 1 < self.samples.len()).then_some(next);
        self.playing = self.at.is_some();
    }

    /// What was shown stays; what is kept can be gone on with.
    pub(super) fn lost(&mut self, why: String) -> Vec<Effect> {
        if self.is_setting() {
            return vec![];
        }
        let kept = self.remembered.as_ref().map(|kept| kept.step);
        self.phase = if kept.is_some() { Phase::Lost } else { Phase::Setting };
        (self.saving, self.waits) = (false, None);
        self.said = Some(Said::Lost { why, kept });
        vec![Effect::StopTrainer]
    }
}

/// Milliseconds to the next tick, while the film is played.
pub fn beat(state: &State, reduced_motion: bool) -> Option<u32> {
    state.playing.then_some(if reduced_motion { CALM_BEAT_MS } else { BEAT_MS })
}

/// Seconds to the goal at the present pace.
pub fn time_left(state: &State) -> Option<f64> {
    let goal = state.running.as_ref()?.setup.knobs.goal;
    let left = goal.saturating_sub(state.seen(state.step())) as f64;
    (state.pictures_per_second > 0.0 && state.phase == Phase::Running).then(|| left / state.pictures_per_second)
}
