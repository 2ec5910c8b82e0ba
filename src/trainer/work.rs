//! A training: steps, and what happens between them.

use super::keep::Keeper;
use super::load::{Material, load};
use super::pack::Kept;
use super::post::post;
use super::{cpu, device, during, give, show};
use crate::global::now;
use burn::tensor::Device;
use ditscope_config::ModelConfig;
use ditscope_core::autoencoder::Autoencoder;
use ditscope_core::dit::Dit;
use ditscope_core::generate::Model;
use ditscope_ops::Ops;
use ditscope_protocol::training::{FromTrainer, Knobs, SamplesInfo, Setup, ToTrainer};
use ditscope_protocol::{ModelSource, Reason, Refusal};
use ditscope_tensor_file::LatentSet;
use ditscope_train::{DitTask, Latents, Recipe, Session};
use web_sys::File;

/// Pictures of a forward and backward pass on the CPU: what one needs stays in a processor's cache. A graphics card takes all.
const MICRO_BATCH: usize = 32;
const WARMUP_STEPS: usize = 100;
const EMA_DECAY: f64 = 0.99;
const CLIP_NORM: f64 = 1.0;
/// Milliseconds between two messages about steps, two exercises, two checkpoints, and of a measurement of the pace.
const TELL_EVERY: f64 = 200.0;
const EXERCISE_EVERY: f64 = 3_000.0;
const KEEP_EVERY: f64 = 20_000.0;
const PACE_OVER: f64 = 4_000.0;
/// Pictures between two rows of samples; before that, at every doubling of the steps.
const SAMPLE_EVERY: usize = 4_096;
/// Rows of samples; beyond, every second one goes.
const MOST_SAMPLES: usize = 120;

/// A training and all that it needs.
pub struct Work {
    setup: Setup,
    config: ModelConfig,
    set: LatentSet,
    autoencoder: Option<Autoencoder>,
    session: Session,
    keeper: Keeper,
    losses: Vec<f32>,
    samples: Vec<(SamplesInfo, Vec<u8>)>,
    /// Steps between two rows of samples.
    sample_every: usize,
    held: bool,
    clock: Clock,
}

/// When things were done, in milliseconds.
#[derive(Default)]
struct Clock {
    /// Losses that the page was told.
    told_losses: usize,
    told: f64,
    exercise: f64,
    kept: f64,
    /// Since when, and from which step on, the pace is measured.
    since: (f64, usize),
    pictures_per_second: f64,
}

impl Work {
    /// Begins a training, or goes on with the newest that is kept.
    ///
    /// # Errors
    /// What is missing or does not fit.
    pub async fn begin(source: ModelSource, files: Vec<File>, setup: Setup, resume: bool) -> Result<Self, Refusal> {
        let mut keeper = Keeper::open().await;
        let kept = if resume { Some(newest(&mut keeper).await?) } else { None };
        let setup = kept.as_ref().map_or(setup, |kept| kept.setup.clone());
        let from_model = setup.from_model && kept.is_none();
        let trained = device().await?.autodiff();
        let material = load(&source, files, from_model, &trained).await?;
        setup.validate(&material.config)?;
        trust(&setup.config(&material.config), &trained).await?;
        if !resume {
            keeper.forget_after(None).await;
        }
        let mut work = Self::new(material, setup, keeper, trained)?;
        if let Some(kept) = kept {
            work = work.restored(kept)?;
        }
        work.announce();
        if work.samples.is_empty() {
            work.show_samples().await?;
        }
        work.keep().await?;
        work.restart_clock();
        Ok(work)
    }

    fn new(material: Material, setup: Setup, keeper: Keeper, trained: Device) -> Result<Self, Refusal> {
        let Material { config, set, autoencoder, dit } = material;
        let (values, places) = set.of_classes(&setup.classes);
        if places.is_empty() {
            return Err(Reason::OutOfRange.of("classes", "0", "1"));
        }
        let config = setup.config(&config);
        let labels = setup.labels();
        let labels = places.into_iter().map(|place| labels[usize::from(place)] as u8).collect();
        trained.seed(setup.seed);
        let dit = dit.unwrap_or_else(|| Dit::new(&config.transformer, &trained));
        let latents = Latents::new(values, set.info.shape);
        let task = DitTask::new(&config, latents, labels, &trained);
        let recipe = Recipe {
            batch_size: setup.batch_size,
            micro_batch_size: if cfg!(feature = "trainer-gpu") { setup.batch_size } else { MICRO_BATCH },
            lr: setup.knobs.lr,
            warmup_steps: WARMUP_STEPS,
            ema_decay: EMA_DECAY,
            clip_norm: CLIP_NORM,
            total_steps: setup.total_steps(),
        };
        let session = Session::new(task, recipe, dit, setup.seed);
        let sample_every = SAMPLE_EVERY.div_ceil(setup.batch_size);
        let mut work = Self {
            setup,
            config,
            set,
            autoencoder,
            session,
            keeper,
            losses: vec![],
            samples: vec![],
            sample_every,
            held: false,
            clock: Clock::default(),
        };
        work.turn(work.setup.knobs);
        Ok(work)
    }

    /// Whether it takes steps by itself.
    pub fn goes_on(&self) -> bool {
        !self.held
    }

    /// Takes a step, and shows and keeps what is due.
    ///
    /// # Errors
    /// What cannot be gone on from: no checkpoint to go back to, a device that does not answer.
    pub async fn step(mut self) -> Result<Self, Refusal> {
        if self.session.is_done() {
            self.held = true;
            self.tell_steps(0.0);
            self.show_samples().await?;
            self.keep().await?;
            post(&FromTrainer::Reached { step: self.at() }, &[]);
            return Ok(self);
        }
        match during(self.session.step()).await {
            Err(_) => return self.back(None).await,
            Ok(stepped) => {
                self.losses.push(stepped.loss as f32);
                self.measure();
                let now = now();
                if now - self.clock.told > TELL_EVERY {
                    self.tell_steps(stepped.lr);
                }
                if self.samples_are_due() {
                    self.tell_steps(stepped.lr);
                    self.show_samples().await?;
                }
                if now - self.clock.exercise > EXERCISE_EVERY {
                    self.show_exercise().await?;
                }
                if now - self.clock.kept > KEEP_EVERY {
                    self.keep().await?;
                }
            }
        }
        Ok(self)
    }

    /// Does what the page asks for.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub async fn hear(mut self, message: ToTrainer) -> Result<Self, Refusal> {
        match message {
            ToTrainer::Begin { .. } => {}
            ToTrainer::Pause => {
                self.held = true;
                self.tell_steps(0.0);
                self.keep().await?;
                post(&FromTrainer::Held { step: self.at() }, &[]);
            }
            ToTrainer::GoOn => {
                self.held = false;
                self.restart_clock();
            }
            ToTrainer::Change(knobs) => {
                // The page offers nothing else.
                if knobs.validate().is_ok() {
                    self.turn(knobs);
                }
            }
            ToTrainer::Undo { step } => return self.back(Some(step)).await,
            ToTrainer::Save { zip } => {
                let files = give::files(&self.model().await);
                let files = if zip { give::zipped(&files)? } else { files };
                let (names, bytes): (Vec<String>, Vec<Vec<u8>>) = files.into_iter().unzip();
                post(&FromTrainer::Saved { files: names, zip }, &bytes.iter().map(Vec::as_slice).collect::<Vec<_>>());
            }
        }
        Ok(self)
    }

    fn at(&self) -> usize {
        self.session.training.progress.step
    }

    fn turn(&mut self, knobs: Knobs) {
        self.setup.knobs = knobs;
        self.session.recipe.lr = knobs.lr;
        self.session.recipe.total_steps = self.setup.total_steps();
        self.session.task.class_dropout = knobs.class_dropout;
    }

    /// The averaged weights with what decodes their latents.
    async fn model(&self) -> Model {
        let ema = during(self.session.average(&cpu())).await;
        Model::of(self.config.clone(), ema, self.autoencoder.clone(), cpu())
    }

    /// The same, to run.
    async fn fast_model(&self) -> Model {
        self.model().await.fused(Ops::of(&cpu()))
    }

    /// Says what there is, from the beginning.
    fn announce(&mut self) {
        let begun = FromTrainer::Begun {
            setup: Box::new(self.setup.clone()),
            config: Box::new(self.config.clone()),
            num_parameters: self.config.transformer.num_params(),
            pictures: self.session.task.labels.len(),
            step: self.at(),
        };
        post(&begun, &[&ditscope_frames::bytes(&self.losses)]);
        self.clock.told_losses = self.losses.len();
        for (info, pixels) in &self.samples {
            post(&FromTrainer::Samples(info.clone()), &[pixels]);
        }
    }

    fn tell_steps(&mut self, lr: f64) {
        self.clock.told = now();
        let new = &self.losses[self.clock.told_losses.min(self.losses.len())..];
        let pictures_per_second = self.clock.pictures_per_second;
        let message = FromTrainer::Steps { step: self.at(), pictures_per_second, lr };
        post(&message, &[&ditscope_frames::bytes(new)]);
        self.clock.told_losses = self.losses.len();
    }

    fn samples_are_due(&self) -> bool {
        let step = self.at();
        step.is_multiple_of(self.sample_every) || step < self.sample_every && step.is_power_of_two()
    }

    async fn show_samples(&mut self) -> Result<(), Refusal> {
        let step = self.at();
        if self.samples.last().is_some_and(|(info, _)| info.step == step) {
            return Ok(());
        }
        let (info, pixels) = show::samples(&self.fast_model().await, &self.setup.labels(), step).await?;
        post(&FromTrainer::Samples(info.clone()), &[&pixels]);
        self.samples.push((info, pixels));
        if self.samples.len() > MOST_SAMPLES {
            let mut number = 0;
            self.samples.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.sample_every *= 2;
        }
        Ok(())
    }

    async fn show_exercise(&mut self) -> Result<(), Refusal> {
        let (model, labels) = (self.fast_model().await, self.setup.labels());
        let (message, pixels) = show::exercise(&model, &self.set, &self.setup.classes, &labels, self.at()).await?;
        post(&message, &[&pixels]);
        self.clock.exercise = now();
        Ok(())
    }

    /// Keeps a checkpoint, unless there is one of this step.
    async fn keep(&mut self) -> Result<(), Refusal> {
        let step = self.at();
        if !self.keeper.steps().contains(&step) {
            let checkpoint =
                during(self.session.checkpoint(&cpu())).await.map_err(|error| Reason::Device.found(error))?;
            let kept = Kept {
                setup: self.setup.clone(),
                progress: self.session.training.progress,
                checkpoint,
                losses: self.losses.clone(),
                samples: self.samples.clone(),
            };
            self.keeper.put(step, kept.pack()).await;
        }
        self.clock.kept = now();
        self.tell_kept();
        Ok(())
    }

    fn tell_kept(&self) {
        post(&FromTrainer::Kept { steps: self.keeper.steps().to_vec(), place: self.keeper.place() }, &[]);
    }

    /// Back to a checkpoint: the one of this step as it was asked, or the newest because the loss was no number.
    async fn back(mut self, step: Option<usize>) -> Result<Self, Refusal> {
        let knobs = self.setup.knobs;
        let kept = match step {
            Some(step) => self.keeper.get(step).await.and_then(|bytes| Kept::unpack(&bytes)),
            None => newest(&mut self.keeper).await.ok(),
        };
        let Some(kept) = kept else {
            // There are others, and what is here is whole.
            if let Some(damaged) = step {
                self.keeper.forget(damaged).await;
                self.tell_kept();
                return Ok(self);
            }
            return Err(Reason::NoCheckpoint.into());
        };
        let at = kept.progress.step;
        self.keeper.forget_after(Some(at)).await;
        let mut work = self.restored(kept)?;
        // What was chosen since then stays.
        work.turn(knobs);
        work.held = true;
        work.tell_kept();
        let why = step.is_none().then(|| Reason::OutOfRange.of("loss", "NaN", ""));
        post(&FromTrainer::Restored { step: at, why }, &[]);
        Ok(work)
    }

    fn restored(self, kept: Kept) -> Result<Self, Refusal> {
        let Kept { setup, progress, checkpoint, losses, samples } = kept;
        let session = self.session.resumed(progress, checkpoint);
        let session = session.map_err(|error| Reason::BadFile.found(error))?;
        let clock = Clock { told_losses: losses.len(), ..self.clock };
        // As seldom as it had become.
        let gap = samples.last_chunk().map_or(0, |[(a, _), (b, _)]| b.step.saturating_sub(a.step));
        let mut sample_every = self.sample_every;
        while sample_every < gap {
            sample_every *= 2;
        }
        let mut work = Self { setup, session, losses, samples, sample_every, clock, ..self };
        work.turn(work.setup.knobs);
        work.restart_clock();
        Ok(work)
    }

    fn restart_clock(&mut self) {
        self.clock.since = (now(), self.at());
    }

    /// Pictures a second over a while, with all that is shown and kept meanwhile.
    fn measure(&mut self) {
        let ((since, from), now) = (self.clock.since, now());
        let seconds = (now - since) / 1000.0;
        let pictures = ((self.at() - from.min(self.at())) * self.setup.batch_size) as f64;
        if now - since > PACE_OVER || self.clock.pictures_per_second == 0.0 && now - since > TELL_EVERY {
            self.clock.pictures_per_second = pictures / seconds;
            self.restart_clock();
        }
    }
}

/// Whether the device that is trained on can be trusted; the CPU is what others are measured by.
///
/// # Errors
/// What it computes otherwise.
async fn trust(config: &ModelConfig, trained: &Device) -> Result<(), Refusal> {
    let device = trained.clone().inner();
    if device == cpu() {
        return Ok(());
    }
    let agrees = during(ditscope_train::agrees(config, &device, &cpu())).await;
    agrees.map_err(|found| Reason::Device.found(format!("WebGPU: {found}")))
}

/// The newest checkpoint that is whole; those that are not go.
async fn newest(keeper: &mut Keeper) -> Result<Kept, Refusal> {
    while let Some(step) = keeper.steps().last().copied() {
        if let Some(kept) = keeper.get(step).await.and_then(|bytes| Kept::unpack(&bytes)) {
            return Ok(kept);
        }
        keeper.forget_after(step.checked_sub(1)).await;
    }
    Err(Reason::NoCheckpoint.into())
}
