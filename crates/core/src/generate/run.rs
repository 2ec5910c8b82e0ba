//! A run, step by step.

mod asking;

use super::departing::Departures;
use super::model::{Model, latent_shape};
use super::noise::{Noise, seeded};
use super::painting::{self, Painting};
use super::passes::Passes;
use super::reading::Reading;
use super::request::{Request, check_count, check_noise, guidance, noised, out_of_range};
use super::step::{Batch, Step};
use crate::diffusion::guidance::Guidance;
use crate::diffusion::sampler::Sampler;
use burn::tensor::Tensor;
use ditscope_config::{ConfigError, Departure, Paint, Savings, VarianceType};
use ditscope_ops::Loaded;

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
    /// The sampler's steps in the order in which they are taken.
    order: Vec<usize>,
    /// How many of these were taken.
    taken: usize,
    /// What a step that is half-way gives, once it is taken.
    half: Option<Step>,
    is_watched: bool,
    savings: Savings,
    passes: Passes<'m>,
    /// The next question, if the device has it.
    loaded: Option<Loaded>,
    departures: Option<Departures>,
    painting: Option<Painting>,
}

impl<'m> Run<'m> {
    /// # Errors
    /// [`ConfigError`] when classes, seeds, noise, scales, steps or start do not fit the model or one another.
    pub fn new(model: &'m Model, request: Request) -> Result<Self, ConfigError> {
        let dit = &model.config.transformer;
        model.check_classes(&request.classes)?;
        if model.config.scheduler.variance_type == VarianceType::LearnedRange && !dit.learn_sigma {
            return Err(ConfigError::Model("variance_type learned_range needs a transformer with learn_sigma".into()));
        }
        let (scales, pictures) = (request.guidance_scales.clone(), request.classes.len());
        let guidance = guidance(model, scales, request.guidance_channels, pictures)?;
        let sampler = Sampler::new(&model.config.scheduler, request.sampler)?;
        let shape = latent_shape(model, pictures);
        let noise = match &request.noise {
            Noise::Seeded(seeds) => {
                check_count("seeds", seeds.len(), request.classes.len())?;
                seeded(seeds, 0, shape, &model.device)
            }
            Noise::Begun { start, seeds } => {
                check_count("seeds", seeds.len(), request.classes.len())?;
                check_noise(start, shape)?;
                start.clone()
            }
            Noise::Given { start, steps } => {
                steps.iter().chain([start]).try_for_each(|noise| check_noise(noise, shape))?;
                start.clone()
            }
        };
        let (first, x_t) = match request.start {
            Some(start) => (start.step, noised(&sampler, start, noise)?),
            None => (0, noise),
        };
        let noise = request.noise;
        let passes = Passes::new(model, request.classes, sampler.told_from(first).collect());
        Ok(Self {
            model,
            noise,
            guidance,
            order: (first..sampler.num_steps()).collect(),
            sampler,
            x_t,
            first,
            taken: 0,
            half: None,
            is_watched: false,
            savings: Savings::default(),
            passes,
            loaded: None,
            departures: None,
            painting: None,
        })
    }

    /// The same run, cheaper.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] names the setting.
    pub fn with_savings(self, savings: Savings) -> Result<Self, ConfigError> {
        savings.validate()?;
        Ok(Self { savings, loaded: None, ..self })
    }

    /// The same run, whose steps also tell what the network said.
    pub fn watched(self) -> Self {
        Self { is_watched: true, ..self }
    }

    /// The same run, whose pictures depart from it; parts are missing between two shares of it (see
    /// [`ditscope_config::Experiment`]).
    ///
    /// # Errors
    /// [`ConfigError`] when there are not as many as pictures, or something is not the model's.
    pub fn departing(self, pictures: Vec<Departure>, missing_at: Option<[f64; 2]>) -> Result<Self, ConfigError> {
        let departures = Departures::new(self.model, pictures, self.passes.classes(), missing_at)?;
        Ok(Self { departures: Some(departures), loaded: None, ..self })
    }

    /// The same run, in which only a part of this picture is made anew.
    ///
    /// # Shapes
    /// - `x0`: `[1, C, h, w]`
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] for a mask or latents that are not of the model's size, and for recorded noise, which
    /// has none for steps that are taken again.
    pub fn painting(self, paint: &Paint, x0: Tensor<4>) -> Result<Self, ConfigError> {
        if self.noise.seeds().is_none() {
            return Err(out_of_range("noise", "recorded", "seeds".into()));
        }
        let order = paint.order(self.first..self.sampler.num_steps());
        Ok(Self { painting: Some(Painting::new(self.model, paint, x0)?), order, loaded: None, ..self })
    }

    /// The same run, which has computed what its steps have in common (the adaLN vectors), so that the first one takes no
    /// longer than the others.
    pub fn prepared(mut self) -> Self {
        if !self.is_done() && !self.is_apart() {
            self.passes.prepare(self.sampler.told(self.at()));
            self.load();
        }
        self
    }

    /// The same run where it was after so many steps, with the [`Self::state`] that it had there: all that follows is the
    /// same, to the last bit. Only blocks that are taken over from earlier steps are computed anew at the first one.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] for more steps than there are, or a state that is not of such a run.
    pub fn resumed(mut self, steps: usize, state: Vec<Tensor<4>>) -> Result<Self, ConfigError> {
        let left = self.order.len();
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
        (self.taken, self.loaded) = (steps, None);
        Ok(self)
    }

    /// The sampler, for its schedule and number of steps.
    pub fn sampler(&self) -> &Sampler {
        &self.sampler
    }

    /// What holds for the whole run.
    pub fn outline(&self) -> Outline {
        let [num_images, channels, height, width] = self.x_t.dims();
        let steps = || self.order.iter().copied();
        Outline {
            num_images,
            latent_shape: [channels, height, width],
            image_shape: self.model.config.image_shape(),
            timesteps: steps().map(|step| self.sampler.timestep(step)).collect(),
            alpha_bar: steps().map(|step| self.sampler.alpha_bar(step)).collect(),
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
        self.taken == self.order.len()
    }

    /// Steps from here to the end.
    pub fn steps_left(&self) -> usize {
        self.order.len() - self.taken
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
        let (is_guided, time) = (self.is_guided(), self.sampler.told(self.at()));
        if let Some(departures) = &self.departures {
            let share = self.taken as f64 / self.order.len() as f64;
            let (cond, uncond) = departures.outputs(self.model, &self.x_t, time, is_guided, share);
            return self.step_of(cond, uncond);
        }
        if self.reuses() {
            let fresh = self.savings.computes_all(self.taken);
            let (cond, uncond) = self.passes.reusing(self.x_t.clone(), time, is_guided, fresh);
            return self.step_of(cond, uncond);
        }
        let rows = if is_guided { 2 * self.num_images() } else { self.num_images() };
        let outputs = self.rows(0..rows); // [N or 2N, C_out, h, w]
        self.step_from(outputs)
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
        let (step, x_t) = (self.at(), self.x_t.clone());
        let reading = Reading {
            model: self.model,
            guidance: &self.guidance,
            process: self.sampler.process(),
            weights: self.sampler.weights(step),
        };
        let (prediction, watched) = reading.of(&x_t, cond, uncond, self.is_watched);
        let x0_hat = prediction.x0_hat.clone();
        let mut missing_noise = false;
        let number = self.first + self.taken;
        let noise = || match &self.noise {
            Noise::Seeded(seeds) | Noise::Begun { seeds, .. } => {
                seeded(seeds, 1 + number as u64, x_t.dims(), &self.model.device)
            }
            Noise::Given { steps, .. } => steps.get(number).cloned().unwrap_or_else(|| {
                missing_noise = true;
                x_t.zeros_like()
            }),
        };
        self.x_t = self.sampler.step(step, x_t.clone(), prediction, noise); // [N, C, h, w]
        if missing_noise {
            let allowed = "a file with step_noise [T, N, C, H, W] that has an entry for each step";
            return Err(out_of_range("recorded noise for step", number, allowed.into()));
        }
        let taken = self.half.take().unwrap_or(Step { x_t, x0_hat, watched });
        if self.sampler.is_half_way() {
            self.half = Some(taken);
            self.load();
            return Ok(None);
        }
        self.taken += 1;
        self.keep_and_go_back(step);
        self.load();
        Ok(Some(taken))
    }
}

impl Run<'_> {
    /// Where a picture is painted: puts back what is kept, and adds noise where steps are taken again.
    fn keep_and_go_back(&mut self, step: usize) {
        let (Some(painting), Some(seeds)) = (&self.painting, self.noise.seeds()) else { return };
        let weights = painting::after(&self.sampler, step);
        let mut x = painting.keep(self.model, self.x_t.clone(), weights, seeds, self.taken); // [N, C, h, w]
        if let Some(next) = self.order.get(self.taken).filter(|next| **next <= step) {
            x = painting::back(self.model, x, weights, self.sampler.weights(*next), seeds, self.taken);
        }
        self.x_t = x;
        self.sampler.remember(vec![]); // What it knew is of other latents.
    }

    /// The sampler's step that comes next.
    fn at(&self) -> usize {
        self.order[self.taken]
    }

    fn num_images(&self) -> usize {
        self.x_t.dims()[0]
    }

    fn check_not_done(&self) {
        assert!(!self.is_done(), "the run is done after {} steps", self.taken);
    }
}
