//! What the visitor sets: class and numbers, what the stage shows, the model, the device.

use crate::address;
use crate::film::Film;
use crate::models::Models;
use crate::{Choice, Effect, Mode, ModelRef, ModelState, Notice, Page, RunState};
use ditscope_config::{ModelConfig, RunSettings};
use ditscope_protocol::{BackendChoice, FailureKind};
use std::ops::RangeInclusive;

impl Page {
    pub(super) fn choose(&mut self, choice: Choice) -> Vec<Effect> {
        let chosen = &mut self.shared.address.chosen;
        let within = |value: usize, range: RangeInclusive<usize>| value.clamp(*range.start(), *range.end());
        match choice {
            Choice::Class(class) => chosen.class = Some(class),
            Choice::Guidance(scale) => chosen.guidance_scale = Some(address::to_guidance(scale)),
            Choice::Steps(steps) => chosen.num_inference_steps = Some(within(steps, RunSettings::STEPS)),
            Choice::Sampler(sampler) => chosen.sampler = Some(sampler),
            Choice::Spacing(spacing) => chosen.timestep_spacing = spacing,
            Choice::Seed(seed) => chosen.seed = Some(seed.min(*RunSettings::SEED.end())),
            Choice::NumImages(n) => chosen.num_images = Some(within(n, RunSettings::NUM_IMAGES)),
            Choice::Savings(savings) => chosen.savings = Some(savings),
        }
        vec![self.show_address()]
    }

    /// Where the visitor wants to see at once what was changed.
    pub(super) fn run_if_changed(&mut self) -> Vec<Effect> {
        let shared = &self.shared;
        let can = shared.kept.at_once && matches!(shared.models.state, ModelState::Ready { .. });
        let is_new = shared.run.film.is_none() || shared.is_set_otherwise() || shared.mode() == Mode::Compare;
        if can && is_new && shared.mode().shows_run() { self.generate() } else { vec![] }
    }

    pub(super) fn show(&mut self, mode: Mode) -> Vec<Effect> {
        let place = self.place();
        // A run that waited for the picture to be encoded is not waited for anywhere else.
        let is_ready = matches!(self.shared.models.state, ModelState::Ready { .. });
        if self.shared.mode() == Mode::Forward && mode != Mode::Forward && is_ready {
            self.shared.run.unqueue();
        }
        self.shared.address.view = mode;
        self.go_to(place);
        vec![self.show_address()]
    }

    /// A class that the model lacks becomes its last one.
    pub(super) fn take_config(&mut self, config: ModelConfig) -> Vec<Effect> {
        let labels = config.labels.clone();
        if !self.shared.models.take_config(config) {
            return vec![];
        }
        let chosen = &mut self.shared.address.chosen.class;
        if let Some(class) = chosen.filter(|class| *class >= labels.len()) {
            let last = labels.len().saturating_sub(1);
            *chosen = Some(last);
            self.shared.notices.push(Notice::ClassClamped { class, last, label: labels[last].clone() });
        }
        let waited = std::mem::take(&mut self.shared.models.address_waits);
        if waited { vec![self.show_address()] } else { vec![] }
    }

    pub(super) fn take_recording(&mut self, film: Film) -> Vec<Effect> {
        if self.shared.run.film.is_none() {
            let timeline = &mut self.shared.timeline;
            timeline.begin(false, !self.shared.reduced_motion);
            timeline.selected = 0;
            if self.shared.reduced_motion {
                timeline.position = film.last();
            }
        }
        self.shared.run.recorded = Some(film);
        vec![]
    }

    /// Loads another model, or this one again. What the visitor has seen of it is the consent.
    pub(super) fn use_model(&mut self, model: ModelRef) -> Vec<Effect> {
        if model == self.shared.address.model && self.shared.models.config.is_some() {
            return self.load_knowingly();
        }
        if self.shared.is_running() {
            self.show_longest_comparison();
        }
        self.shared.run.abandon();
        let begun = self.shared.models.begin();
        self.forward.forget();
        if self.shared.address.model != model {
            // Another model's classes are others.
            self.shared.address.chosen.class = None;
        }
        self.shared.address.model = model.clone();
        let mut effects = self.follow(begun);
        effects.extend([self.show_address(), Effect::FetchModel(model.clone()), Effect::RecallFavourites(model)]);
        effects.extend(self.load_knowingly());
        effects
    }

    pub(super) fn use_cpu(&mut self) -> Vec<Effect> {
        self.shared.address.backend = BackendChoice::Cpu;
        let mut effects = vec![self.show_address()];
        effects.extend(self.retry_with_load());
        effects
    }

    /// Does again what failed: the run, or the loading and then the run.
    pub(super) fn retry(&mut self) -> Vec<Effect> {
        match (&self.shared.models.state, &self.shared.run.state) {
            (ModelState::Ready { .. }, RunState::Failed(failure)) if failure.kind != FailureKind::Device => {
                self.generate()
            }
            _ => self.retry_with_load(),
        }
    }

    /// Loads afresh; a run that had failed is started again after that.
    fn retry_with_load(&mut self) -> Vec<Effect> {
        let had_run = matches!(self.shared.run.state, RunState::Failed(_));
        let effects = self.load_knowingly();
        if had_run && self.shared.models.state != ModelState::Offered {
            self.shared.run.queue();
        }
        effects
    }

    pub(super) fn load_knowingly(&mut self) -> Vec<Effect> {
        self.on_models(Models::load_knowingly)
    }
}
