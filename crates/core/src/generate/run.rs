//! A request and the run it becomes.

use super::model::{Model, latent_shape};
use super::noise::{Noise, seeded};
use super::passes::Passes;
use super::reading::Reading;
use super::step::{Batch, Step};
use crate::diffusion::guidance::Guidance;
use crate::diffusion::prediction::q_sample;
use crate::diffusion::sampler::{Sampler, SamplerConfig};
use burn::tensor::Tensor;
use ditscope_config::{ConfigError, Savings, VarianceType};
use std::ops::Range;

/// What to generate: picture i has class `classes[i]`.
#[derive(Debug, Clone)]
pub struct Request {
    pub classes: Vec<usize>,
    pub noise: Noise,
    /// How strongly the class steers: one for each picture, or one for all.
    pub guidance_scales: Vec<f64>,
    /// Channels that guidance steers; `None`: as the model's configuration says.
    pub guidance_channels: Option<usize>,
    pub sampler: SamplerConfig,
    /// From which picture; `None`: from noise alone.
    pub start: Option<Start>,
}

/// A picture to begin with, under as much noise as there is at a step of the run
/// (SDEdit, Meng et al. 2021, arXiv:2108.01073).
#[derive(Debug, Clone)]
pub struct Start {
    /// The first step that is taken: 0 keeps next to nothing of the picture, the last one nearly all.
    pub step: usize,
    /// Standardised latents, `[N, C, h, w]`, or `[1, C, h, w]` for all.
    pub x0: Tensor<4>,
}

impl Start {
    /// The first step for a strength from 0 (the picture stays) to 1 (all steps are taken), as diffusers counts it.
    pub fn step_for(strength: f64, num_steps: usize) -> usize {
        num_steps - ((num_steps as f64 * strength) as usize).min(num_steps)
    }
}

/// What holds for a whole run: shapes and numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// Pictures N.
    pub num_images: usize,
    /// `[C, h, w]`
    pub latent_shape: [usize; 3],
    /// `[H, W]`
    pub image_shape: [usize; 2],
    /// The original timestep t of each step that is taken, first (noisiest) to last.
    pub timesteps: Vec<usize>,
    /// ᾱ at each of them.
    pub alpha_bar: Vec<f64>,
    /// Steps that are left out because the run begins with a picture; they are in neither list.
    pub steps_skipped: usize,
    /// One for each picture.
    pub guidance_scales: Vec<f64>,
    /// Guided ε is `uncond + scale·(cond − uncond)` on the first so many channels, on others `cond`.
    pub guidance_channels: usize,
}

/// A run between two steps.
#[derive(Debug, Clone)]
pub struct Run<'m> {
    model: &'m Model,
    noise: Noise,
    guidance: Guidance,
    sampler: Sampler,
    x_t: Tensor<4>,
    /// The first step: 0, or where the given picture comes in.
    first: usize,
    step: usize,
    /// What a step that is half-way gives, once it is taken.
    half: Option<Step>,
    is_watched: bool,
    savings: Savings,
    passes: Passes<'m>,
}

impl<'m> Run<'m> {
    /// # Errors
    /// [`ConfigError`] when classes, seeds, noise, scales, steps or start do not fit the model or one another.
    pub fn new(model: &'m Model, request: Request) -> Result<Self, ConfigError> {
        let dit = &model.config.transformer;
        if let Some(class) = request.classes.iter().find(|class| **class >= dit.num_classes) {
            return Err(out_of_range("class", class, format!("0 to {}", dit.num_classes - 1)));
        }
        if model.config.scheduler.variance_type == VarianceType::LearnedRange && !dit.learn_sigma {
            return Err(ConfigError::Model("variance_type learned_range needs a transformer with learn_sigma".into()));
        }
        let guidance = guidance(model, &request)?;
        let sampler = Sampler::new(&model.config.scheduler, request.sampler)?;
        let shape = latent_shape(model, request.classes.len());
        let noise = match &request.noise {
            Noise::Seeded(seeds) => {
                check_count("seeds", seeds.len(), request.classes.len())?;
                seeded(seeds, 0, shape, &model.device)
            }
            Noise::Given { start, steps } => {
                if start.dims() != shape || steps.iter().any(|s| s.dims() != shape) {
                    let allowed = format!("{shape:?} for this model and {} pictures", shape[0]);
                    return Err(out_of_range("noise shape", format!("{:?}", start.dims()), allowed));
                }
                start.clone()
            }
        };
        let (first, x_t) = match request.start {
            Some(start) => (start.step, noised(&sampler, start, noise)?),
            None => (0, noise),
        };
        let noise = request.noise;
        let passes = Passes::new(model, request.classes, sampler.told_from(first).collect());
        let savings = Savings::default();
        let step = first;
        Ok(Self { model, noise, guidance, sampler, x_t, first, step, half: None, is_watched: false, savings, passes })
    }

    /// The same run, cheaper.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] names the setting.
    pub fn with_savings(self, savings: Savings) -> Result<Self, ConfigError> {
        savings.validate()?;
        Ok(Self { savings, ..self })
    }

    /// The same run, whose steps also tell what the network said.
    pub fn watched(self) -> Self {
        Self { is_watched: true, ..self }
    }

    /// The same run, which has computed what its steps have in common (the adaLN vectors), so that the first one takes no
    /// longer than the others.
    pub fn prepared(mut self) -> Self {
        if !self.is_done() && !self.reuses() {
            self.passes.prepare(self.sampler.told(self.step));
        }
        self
    }

    /// The same run where it was after so many steps, with the [`Self::state`] that it had there: all that follows is the
    /// same, to the last bit. Only blocks that are taken over from earlier steps are computed anew at the first one.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] for more steps than there are, or a state that is not of such a run.
    pub fn resumed(mut self, steps: usize, state: Vec<Tensor<4>>) -> Result<Self, ConfigError> {
        let left = self.sampler.num_steps() - self.first;
        if steps > left {
            return Err(out_of_range("step to go on at", steps, format!("0 to {left}")));
        }
        let shape = self.x_t.dims();
        let fits = state.iter().all(|latents| latents.dims() == shape);
        let mut state = state.into_iter();
        match state.next().filter(|_| fits) {
            Some(x_t) if self.sampler.remember(state.collect()) => self.x_t = x_t,
            _ => {
                let allowed = format!("latents {shape:?} as the sampler left them");
                return Err(out_of_range("state to go on from", "another run's", allowed));
            }
        }
        self.step = self.first + steps;
        Ok(self)
    }

    /// The sampler, for its schedule and number of steps.
    pub fn sampler(&self) -> &Sampler {
        &self.sampler
    }

    /// What holds for the whole run.
    pub fn outline(&self) -> Outline {
        let [num_images, channels, height, width] = self.x_t.dims();
        let side = self.model.config.image_size();
        let steps = self.first..self.sampler.num_steps();
        Outline {
            num_images,
            latent_shape: [channels, height, width],
            image_shape: [side, side],
            timesteps: steps.clone().map(|step| self.sampler.timestep(step)).collect(),
            alpha_bar: steps.map(|step| self.sampler.alpha_bar(step)).collect(),
            steps_skipped: self.first,
            guidance_scales: (0..num_images).map(|i| self.guidance.scale(i)).collect(),
            guidance_channels: self.guidance.channels,
        }
    }

    /// The latents as they are now, `[N, C, h, w]`; the result once [`Self::is_done`].
    pub fn x_t(&self) -> &Tensor<4> {
        &self.x_t
    }

    /// What the steps to come depend on beside the request: the latents as they are now, and what the sampler remembers.
    ///
    /// # Shapes
    /// - `[N, C, h, w]` each
    pub fn state(&self) -> Vec<Tensor<4>> {
        [self.x_t.clone()].into_iter().chain(self.sampler.memory()).collect()
    }

    pub fn is_done(&self) -> bool {
        self.step == self.sampler.num_steps()
    }

    /// Steps from here to the end.
    pub fn steps_left(&self) -> usize {
        self.sampler.num_steps() - self.step
    }

    /// What the network is told in the whole run, in order, each once.
    pub fn times(&self) -> &[f32] {
        self.passes.times()
    }

    /// Takes the next step back.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] when recorded noise has no entry for this step.
    ///
    /// # Panics
    /// When the run is done.
    pub fn step(&mut self) -> Result<Step, ConfigError> {
        loop {
            if let Some(step) = self.evaluate()? {
                return Ok(step);
            }
        }
    }

    /// Asks the network once; the step, unless it is half-way.
    fn evaluate(&mut self) -> Result<Option<Step>, ConfigError> {
        self.check_not_done();
        let is_guided = self.is_guided();
        if self.reuses() {
            let fresh = self.savings.computes_all(self.step - self.first);
            let time = self.sampler.told(self.step);
            let (cond, uncond) = self.passes.reusing(self.x_t.clone(), time, is_guided, fresh);
            return self.step_of(cond, uncond);
        }
        let rows = if is_guided { 2 * self.num_images() } else { self.num_images() };
        let outputs = self.rows(0..rows); // [N or 2N, C_out, h, w]
        self.step_from(outputs)
    }

    /// What the next step asks of the network, for those who compute a part of it elsewhere; none where it takes over
    /// what an earlier step computed.
    pub fn batch(&self) -> Option<Batch> {
        if self.is_done() || self.reuses() {
            return None;
        }
        Some(Batch { time: self.sampler.told(self.step), labels: self.passes.labels(self.is_guided()) })
    }

    /// The network's output for some rows of [`Self::batch`].
    ///
    /// # Shapes
    /// - result: `[M, C_out, h, w]` for M rows
    ///
    /// # Panics
    /// When the run is done.
    pub fn rows(&mut self, rows: Range<usize>) -> Tensor<4> {
        self.check_not_done();
        let labels = self.passes.labels(self.is_guided());
        let x = match labels.len() / self.num_images() {
            1 => self.x_t.clone(),
            times => Tensor::cat(vec![self.x_t.clone(); times], 0),
        }; // [N or 2N, C, h, w]
        let x = if rows.len() == labels.len() { x } else { x.slice([rows.clone()]) }; // [M, C, h, w]
        self.passes.rows(x, &labels[rows], self.sampler.told(self.step))
    }

    /// [`Self::step`], with the network's output for all rows of [`Self::batch`]. None where the step wants to ask the network
    /// once more: [`Self::batch`] says what.
    ///
    /// # Shapes
    /// - `outputs`: `[N, C_out, h, w]`, or `[2N, C_out, h, w]` with guidance
    ///
    /// # Errors
    /// As [`Self::step`].
    ///
    /// # Panics
    /// When the run is done.
    pub fn step_from(&mut self, outputs: Tensor<4>) -> Result<Option<Step>, ConfigError> {
        let n = self.num_images();
        let of = |first| outputs.clone().narrow(0, first, n); // [N, C_out, h, w]
        match outputs.dims()[0] / n {
            1 => self.step_of(outputs, None),
            _ => self.step_of(of(0), Some(of(n))),
        }
    }

    /// The step that follows from the network's output with the class and without.
    ///
    /// # Shapes
    /// - `cond`, `uncond`: `[N, C_out, h, w]`
    fn step_of(&mut self, cond: Tensor<4>, uncond: Option<Tensor<4>>) -> Result<Option<Step>, ConfigError> {
        self.check_not_done();
        let (step, x_t) = (self.step, self.x_t.clone());
        let reading = Reading {
            model: self.model,
            guidance: &self.guidance,
            process: self.sampler.process(),
            weights: self.sampler.weights(step),
        };
        let (prediction, watched) = reading.of(&x_t, cond, uncond, self.is_watched);
        let x0_hat = prediction.x0_hat.clone();
        let mut missing_noise = false;
        let noise = || match &self.noise {
            Noise::Seeded(seeds) => seeded(seeds, 1 + step as u64, x_t.dims(), &self.model.device),
            Noise::Given { steps, .. } => steps.get(step).cloned().unwrap_or_else(|| {
                missing_noise = true;
                x_t.zeros_like()
            }),
        };
        self.x_t = self.sampler.step(step, x_t.clone(), prediction, noise); // [N, C, h, w]
        if missing_noise {
            let allowed = "a file with step_noise [T, N, C, H, W] that has an entry for each step";
            return Err(out_of_range("recorded noise for step", step, allowed.into()));
        }
        let taken = self.half.take().unwrap_or(Step { x_t, x0_hat, watched });
        if self.sampler.is_half_way() {
            self.half = Some(taken);
            return Ok(None);
        }
        self.step += 1;
        Ok(Some(taken))
    }
}

impl Run<'_> {
    fn num_images(&self) -> usize {
        self.x_t.dims()[0]
    }

    fn check_not_done(&self) {
        assert!(!self.is_done(), "the run is done after {} steps", self.step);
    }

    /// Whether the step needs the unconditional output.
    fn is_guided(&self) -> bool {
        let total = self.model.config.scheduler.num_train_timesteps;
        self.guidance.is_on() && self.savings.guides(self.sampler.timestep(self.step), total)
    }

    /// Whether steps take over the middle blocks' change of others.
    fn reuses(&self) -> bool {
        self.savings.cache_interval > 1
    }
}

fn guidance(model: &Model, request: &Request) -> Result<Guidance, ConfigError> {
    let total = model.config.transformer.in_channels;
    let channels = request.guidance_channels.or(model.config.scheduler.guidance_channels).unwrap_or(total);
    if channels == 0 || channels > total {
        return Err(out_of_range("guidance channels", channels, format!("1 to {total}")));
    }
    let scales = request.guidance_scales.clone();
    if let Some(scale) = scales.iter().find(|scale| !scale.is_finite()) {
        return Err(out_of_range("guidance scale", scale, "a finite number".into()));
    }
    if let Some(scale) = scales.iter().find(|scale| **scale != 1.0 && !model.config.transformer.has_null_label) {
        let why = "1: this model was trained without label dropout, so there is no \"no class\" to steer away from";
        return Err(out_of_range("guidance scale", scale, why.into()));
    }
    if scales.len() != 1 {
        check_count("guidance scales", scales.len(), request.classes.len())?;
    }
    Ok(Guidance { scales, channels })
}

/// The picture to begin with, as noisy as at its step.
fn noised(sampler: &Sampler, Start { step, x0 }: Start, noise: Tensor<4>) -> Result<Tensor<4>, ConfigError> {
    let (steps, shape) = (sampler.num_steps(), noise.dims());
    if step >= steps {
        return Err(out_of_range("first step", step, format!("0 to {}", steps - 1)));
    }
    let found = x0.dims();
    if found[1..] != shape[1..] || ![1, shape[0]].contains(&found[0]) {
        return Err(out_of_range("shape of the latents to begin with", format!("{found:?}"), format!("{shape:?}")));
    }
    Ok(q_sample(sampler.schedule(), sampler.index(step), x0.expand(shape), noise))
}

fn check_count(name: &'static str, count: usize, classes: usize) -> Result<(), ConfigError> {
    if count == classes && count > 0 {
        return Ok(());
    }
    Err(out_of_range(name, format!("{count} entries"), format!("{classes}, one per class")))
}

fn out_of_range(name: &'static str, value: impl ToString, allowed: String) -> ConfigError {
    ConfigError::OutOfRange { name, value: value.to_string(), allowed }
}
