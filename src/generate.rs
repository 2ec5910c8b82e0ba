//! A run: from seeds to pictures, one step at a time.
//!
//! Knows no browser and no file. [`Run::step`] only enqueues work on the device;
//! whoever calls reads tensors back (asynchronously on the web) and decides
//! between two steps whether to go on.

use crate::autoencoder::AutoencoderTiny;
use crate::config::{ConfigError, ModelConfig, VarianceType};
use crate::diffusion::guidance::classifier_free_guidance;
use crate::diffusion::noise::gaussian;
use crate::diffusion::prediction::predict;
use crate::diffusion::sampler::{Sampler, SamplerConfig};
use crate::dit::Dit;
use crate::weights::keys::{AUTOENCODER, TRANSFORMER};
use crate::weights::{Loader, WeightsError};
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};

/// A transformer and its autoencoder on a device.
#[derive(Debug, Clone)]
pub struct Model {
    pub config: ModelConfig,
    pub dit: Dit,
    pub autoencoder: Option<AutoencoderTiny>,
    pub device: Device,
}

impl Model {
    /// A model with fresh weights.
    pub fn new(config: &ModelConfig, device: &Device) -> Self {
        Self {
            dit: Dit::new(&config.transformer, device),
            autoencoder: config.autoencoder.as_ref().map(|a| AutoencoderTiny::new(a, device)),
            config: config.clone(),
            device: device.clone(),
        }
    }

    /// Fills whatever parameters this shard holds.
    ///
    /// # Errors
    /// [`WeightsError`], naming the shard or the tensor.
    pub fn load_shard(mut self, loader: &mut Loader, file: &str, bytes: &[u8]) -> Result<Self, WeightsError> {
        let device = self.device.clone();
        self.dit = loader.apply(self.dit, TRANSFORMER, file, bytes, &device)?;
        if let Some(autoencoder) = self.autoencoder.take() {
            self.autoencoder = Some(loader.apply(autoencoder, AUTOENCODER, file, bytes, &device)?);
        }
        Ok(self)
    }

    /// Checks that every parameter was filled.
    ///
    /// # Errors
    /// [`WeightsError::Missing`]
    pub fn finish_loading(&self, loader: &Loader) -> Result<(), WeightsError> {
        loader.finish(&self.dit, TRANSFORMER)?;
        self.autoencoder.as_ref().map_or(Ok(()), |autoencoder| loader.finish(autoencoder, AUTOENCODER))
    }

    /// Number of parameters, autoencoder included.
    pub fn num_params(&self) -> usize {
        self.dit.num_params() + self.autoencoder.as_ref().map_or(0, Module::num_params)
    }

    /// Standardised latents → the autoencoder's own latents.
    ///
    /// # Shapes
    /// - `x`, result: `[N, C, h, w]`
    pub fn destandardize(&self, x: Tensor<4>) -> Tensor<4> {
        let stats = &self.config.latents;
        x * self.per_channel(&stats.std) + self.per_channel(&stats.mean)
    }

    /// The autoencoder's own latents → standardised latents, which the transformer works on.
    ///
    /// # Shapes
    /// - `z`, result: `[N, C, h, w]`
    pub fn standardize(&self, z: Tensor<4>) -> Tensor<4> {
        let stats = &self.config.latents;
        (z - self.per_channel(&stats.mean)) / self.per_channel(&stats.std)
    }

    /// Standardised latents → pictures.
    ///
    /// # Shapes
    /// - `x`: `[N, C, h, w]`
    /// - result: `[N, C_image, H, W]` in [−1, 1]
    pub fn decode(&self, x: Tensor<4>) -> Tensor<4> {
        let z = self.destandardize(x);
        match &self.autoencoder {
            Some(autoencoder) => autoencoder.decode(z),
            None => z,
        }
        .clamp(-1.0, 1.0)
    }

    /// The guided output of the network.
    ///
    /// At scale 1 guidance is the conditional output itself, and the unconditional pass is saved.
    ///
    /// # Shapes
    /// - `x`: `[N, C, h, w]`; `y`: `[N]`
    /// - result: `[N, C_out, h, w]`
    pub fn guided_output(&self, x: Tensor<4>, timestep: usize, y: Tensor<1, Int>, guidance: Guidance) -> Tensor<4> {
        let [n, _, _, _] = x.dims();
        let t = Tensor::full([n], timestep as f32, &self.device);
        if guidance.scale == 1.0 {
            return self.dit.forward(x, t, y);
        }
        let (cond, uncond) = self.dit.forward_cond_uncond(x, t, y);
        classifier_free_guidance(cond, uncond, guidance.scale, guidance.channels)
    }

    fn per_channel(&self, values: &[f32]) -> Tensor<4> {
        Tensor::from_data(TensorData::new(values.to_vec(), [1, values.len(), 1, 1]), &self.device)
    }
}

/// How strongly the class steers, and on how many of the latent channels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guidance {
    pub scale: f64,
    pub channels: usize,
}

/// Where a run's noise comes from.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "one for each run")]
pub enum Noise {
    /// One seed per picture (see [`gaussian`]).
    Seeded(Vec<u64>),
    /// Recorded noise: the start `[N, C, h, w]`, and one `[N, C, h, w]` per step for ancestral samplers.
    Given { start: Tensor<4>, steps: Vec<Tensor<4>> },
}

/// What to generate: picture i has class `classes[i]`.
#[derive(Debug, Clone)]
pub struct Request {
    pub classes: Vec<usize>,
    pub noise: Noise,
    pub guidance_scale: f64,
    /// Channels that guidance steers; `None`: as the model's configuration says.
    pub guidance_channels: Option<usize>,
    pub sampler: SamplerConfig,
}

/// One step's view: the latents before it and the clean latents predicted from them.
#[derive(Debug, Clone)]
pub struct Step {
    /// `[N, C, h, w]`
    pub x_t: Tensor<4>,
    /// `[N, C, h, w]`
    pub x0_hat: Tensor<4>,
}

/// A run between two steps.
#[derive(Debug, Clone)]
pub struct Run<'m> {
    model: &'m Model,
    request: Request,
    sampler: Sampler,
    y: Tensor<1, Int>,
    x_t: Tensor<4>,
    step: usize,
}

impl<'m> Run<'m> {
    /// # Errors
    /// [`ConfigError`] when classes, seeds, noise or steps do not fit the model or one another.
    pub fn new(model: &'m Model, request: Request) -> Result<Self, ConfigError> {
        let num_classes = model.config.transformer.num_classes;
        if let Some(class) = request.classes.iter().find(|class| **class >= num_classes) {
            let allowed = format!("0 to {}", num_classes - 1);
            return Err(ConfigError::OutOfRange { name: "class", value: class.to_string(), allowed });
        }
        let channels = model.config.transformer.in_channels;
        let guided = request.guidance_channels.or(model.config.scheduler.guidance_channels);
        if let Some(k) = guided.filter(|k| *k == 0 || *k > channels) {
            let allowed = format!("1 to {channels}");
            return Err(ConfigError::OutOfRange { name: "guidance channels", value: k.to_string(), allowed });
        }
        let dit = &model.config.transformer;
        if model.config.scheduler.variance_type == VarianceType::LearnedRange && !dit.learn_sigma {
            return Err(ConfigError::Model("variance_type learned_range needs a transformer with learn_sigma".into()));
        }
        let sampler = Sampler::new(&model.config.scheduler, request.sampler)?;
        let shape = latent_shape(model, request.classes.len());
        let x_t = match &request.noise {
            Noise::Seeded(seeds) => {
                check_count("seeds", seeds.len(), request.classes.len())?;
                seeded(seeds, 0, shape, &model.device)
            }
            Noise::Given { start, steps } => {
                if start.dims() != shape || steps.iter().any(|s| s.dims() != shape) {
                    return Err(ConfigError::OutOfRange {
                        name: "noise shape",
                        value: format!("{:?}", start.dims()),
                        allowed: format!("{shape:?} for this model and {} pictures", shape[0]),
                    });
                }
                start.clone()
            }
        };
        let y: Vec<i64> = request.classes.iter().map(|c| *c as i64).collect();
        let y = Tensor::from_data(TensorData::new(y, [shape[0]]), &model.device);
        Ok(Self { model, request, sampler, y, x_t, step: 0 })
    }

    /// The sampler, for its schedule and number of steps.
    pub fn sampler(&self) -> &Sampler {
        &self.sampler
    }

    /// The latents as they are now, `[N, C, h, w]`; the result once [`Self::is_done`].
    pub fn x_t(&self) -> &Tensor<4> {
        &self.x_t
    }

    pub fn is_done(&self) -> bool {
        self.step == self.sampler.num_steps()
    }

    /// Takes the next step back.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] when recorded noise has no entry for this step.
    ///
    /// # Panics
    /// When the run is done.
    pub fn step(&mut self) -> Result<Step, ConfigError> {
        assert!(!self.is_done(), "the run is done after {} steps", self.step);
        let (step, x_t) = (self.step, self.x_t.clone());
        let diffusion = &self.model.config.scheduler;
        let channels = self.request.guidance_channels.or(diffusion.guidance_channels);
        let guidance = Guidance {
            scale: self.request.guidance_scale,
            channels: channels.unwrap_or(self.model.config.transformer.in_channels),
        };
        let output = self.model.guided_output(x_t.clone(), self.sampler.timestep(step), self.y.clone(), guidance);
        let index = self.sampler.index(step);
        let prediction = predict(diffusion, self.sampler.schedule(), index, x_t.clone(), output);
        let x0_hat = prediction.x0_hat.clone();
        let mut missing_noise = false;
        let noise = || match &self.request.noise {
            Noise::Seeded(seeds) => seeded(seeds, 1 + step as u64, x_t.dims(), &self.model.device),
            Noise::Given { steps, .. } => steps.get(step).cloned().unwrap_or_else(|| {
                missing_noise = true;
                x_t.zeros_like()
            }),
        };
        self.x_t = self.sampler.step(step, x_t.clone(), prediction, noise);
        if missing_noise {
            let allowed = "a file with step_noise [T, N, C, H, W] that has an entry for each step".into();
            return Err(ConfigError::OutOfRange { name: "recorded noise for step", value: step.to_string(), allowed });
        }
        self.step += 1;
        Ok(Step { x_t, x0_hat })
    }
}

/// Latents `[n, C, h, w]` of a model.
pub fn latent_shape(model: &Model, n: usize) -> [usize; 4] {
    let dit = &model.config.transformer;
    [n, dit.in_channels, dit.sample_size, dit.sample_size]
}

fn seeded(seeds: &[u64], stream: u64, shape: [usize; 4], device: &Device) -> Tensor<4> {
    let len = shape[1..].iter().product();
    let values: Vec<f32> = seeds.iter().flat_map(|seed| gaussian(*seed, stream, len)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn check_count(name: &'static str, count: usize, classes: usize) -> Result<(), ConfigError> {
    if count == classes && count > 0 {
        return Ok(());
    }
    Err(ConfigError::OutOfRange {
        name,
        value: format!("{count} entries"),
        allowed: format!("{classes}, one per class"),
    })
}
