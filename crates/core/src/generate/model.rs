//! A model on a device: loading, latents ↔ pictures, and what the network says.

use super::noise::seeded;
use crate::autoencoder::Autoencoder;
use crate::diffusion::guidance::Guidance;
use crate::diffusion::prediction::{eps_of_output, q_sample};
use crate::dit::{Dit, Given, Modulations};
use crate::text;
use crate::weights::keys::{AUTOENCODER, TRANSFORMER};
use crate::weights::{Loader, NamedTensor, WeightsError, collect};
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use ditscope_config::{AutoencoderConfig, ConfigError, ModelConfig};
use ditscope_ops::{Loaded, Ops, Replay};
use ditscope_schedule::training_schedule;
use std::sync::Arc;

/// A transformer and its autoencoder on a device.
#[derive(Debug, Clone)]
pub struct Model {
    pub config: ModelConfig,
    pub dit: Dit,
    pub autoencoder: Option<Autoencoder>,
    pub device: Device,
    pub(super) ops: Ops,
    /// Mean and deviation of the latents' channels, `[1, C, 1, 1]` each, once the model is to run.
    stats: Option<[Tensor<4>; 2]>,
    recorded: Arc<Recorded>,
}

/// What a run does at each step, on devices that do it again from a recording.
#[derive(Debug, Default)]
struct Recorded {
    pass: Replay,
    decoding: Replay,
}

impl Model {
    /// A model with fresh weights.
    pub fn new(config: &ModelConfig, device: &Device) -> Self {
        let dit = Dit::new(&config.transformer, device);
        let autoencoder = config.autoencoder.as_ref().map(|a| Autoencoder::new(a, device));
        Self::of(config.clone(), dit, autoencoder, device.clone())
    }

    /// A model of parts that are there.
    pub fn of(config: ModelConfig, dit: Dit, autoencoder: Option<Autoencoder>, device: Device) -> Self {
        Self { config, dit, autoencoder, device, ops: Ops::PLAIN, stats: None, recorded: Arc::default() }
    }

    /// Fills whatever parameters this shard holds.
    ///
    /// # Errors
    /// [`WeightsError`], naming the shard or the tensor.
    pub fn load_shard(mut self, loader: &mut Loader, file: &str, bytes: &[u8]) -> Result<Self, WeightsError> {
        let device = self.device.clone();
        self.recorded = Arc::default();
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

    /// The same model, computed with the kernels of its device: for one that is loaded and is to run (see
    /// [`Dit::fused`]).
    #[must_use]
    pub fn fused(self, ops: Ops) -> Self {
        let stats = Some(self.stats());
        let autoencoder = self.autoencoder.map(|autoencoder| autoencoder.fused(ops));
        Self { dit: self.dit.fused(ops), autoencoder, ops, stats, recorded: Arc::default(), ..self }
    }

    /// Every parameter by its name in the files, read back from the device (blocking, which in a browser only the CPU allows).
    pub fn tensors(&self) -> Vec<NamedTensor> {
        let mut tensors = collect(&self.dit, TRANSFORMER);
        let dit = &self.config.transformer;
        // The official file has the patch projection as a convolution kernel `[D, C, p, p]`.
        for tensor in tensors.iter_mut().filter(|tensor| tensor.name.ends_with("x_embedder.proj.weight")) {
            tensor.shape = vec![dit.hidden_size, dit.in_channels, dit.patch_size, dit.patch_size];
        }
        if let Some(autoencoder) = &self.autoencoder {
            tensors.extend(collect(autoencoder, AUTOENCODER));
        }
        tensors
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
        let [mean, std] = self.stats();
        x * std + mean // [N, C, h, w]
    }

    /// The autoencoder's own latents → standardised latents, which the transformer works on.
    ///
    /// # Shapes
    /// - `z`, result: `[N, C, h, w]`
    pub fn standardize(&self, z: Tensor<4>) -> Tensor<4> {
        let [mean, std] = self.stats();
        (z - mean) / std // [N, C, h, w]
    }

    /// Pictures → standardised latents, the way back from [`Self::decode`].
    ///
    /// # Shapes
    /// - `images`: `[N, C_image, H, W]` in [−1, 1], of the model's size
    /// - result: `[N, C, h, w]`
    ///
    /// # Errors
    /// [`ConfigError::Model`] when nothing in the model encodes, [`ConfigError::OutOfRange`] for pictures of another shape.
    pub fn encode(&self, images: Tensor<4>) -> Result<Tensor<4>, ConfigError> {
        let no_encoder = |what: &str| {
            ConfigError::Model(format!("{what}, so pictures cannot become latents: take a model with an encoder"))
        };
        let ([height, width], channels, found) =
            (self.config.image_shape(), self.config.image_channels(), images.dims());
        if found[1..] != [channels, height, width] {
            let (value, allowed) = (format!("{found:?}"), format!("[N, {channels}, {height}, {width}]"));
            return Err(ConfigError::OutOfRange { name: "shape of the pictures", value, allowed });
        }
        let z = match &self.autoencoder {
            Some(autoencoder) => {
                let kind = self.config.autoencoder.as_ref().map_or("", AutoencoderConfig::class_name);
                let both = autoencoder.with_encoder();
                both.ok_or_else(|| no_encoder(&format!("its autoencoder ({kind}) has only a decoder")))?.encode(images)
            }
            None if self.config.text.is_some() => {
                return Err(no_encoder("its pictures are words, which it only draws"));
            }
            None if self.config.is_latents_only() => return Err(no_encoder("it has no autoencoder")),
            None => images,
        };
        Ok(self.standardize(z))
    }

    /// Standardised latents → pictures; for a model without anything that decodes, the preview.
    ///
    /// # Shapes
    /// - `x`: `[N, C, h, w]`
    /// - result: `[N, C_image, H, W]` in [−1, 1]
    pub fn decode(&self, x: Tensor<4>) -> Tensor<4> {
        let stages = |x| (0..self.num_decode_stages()).fold(x, |x, stage| self.decode_stage(stage, x));
        // A heavy decoder is waited for between its stages, and words are drawn from what is brought to the device.
        if self.autoencoder.is_none() || self.num_decode_stages() > 1 || !self.ops.records() {
            return stages(x);
        }
        let shape = x.dims();
        // Channels innermost, as kernels leave them.
        let decoded = |inputs: &[Tensor<1>]| stages(inputs[0].clone().reshape(shape)).permute([0, 2, 3, 1]);
        self.recorded.decoding.call(self.ops, &[x.flatten(0, 3)], decoded).permute([0, 3, 1, 2]) // [N, C_image, H, W]
    }

    /// The network's output with adaLN vectors that are known.
    ///
    /// # Shapes
    /// - `x`: `[M, C, h, w]`; `vectors`: of M pictures; result: `[M, C_out, h, w]`
    pub(super) fn pass(&self, x: Tensor<4>, vectors: Modulations) -> Tensor<4> {
        if !self.ops.records() {
            return self.dit.pass(x, &Given::Modulations(vectors), &mut ());
        }
        let shape = x.dims();
        self.recorded.pass.call(self.ops, &[x.flatten(0, 3), vectors.numbers()], |inputs| {
            let given = Given::Modulations(vectors.with(inputs[1].clone()));
            self.dit.pass(inputs[0].clone().reshape(shape), &given, &mut ())
        })
    }

    /// Pieces of work that [`Self::decode`] consists of.
    pub fn num_decode_stages(&self) -> usize {
        self.autoencoder.as_ref().map_or(1, Autoencoder::num_stages)
    }

    /// One of them: the first takes standardised latents, the last gives the pictures. A browser
    /// that is to stay alive waits for the device between two of them.
    ///
    /// # Shapes
    /// - of the first `x`: `[N, C, h, w]`; of the last result: `[N, C_image, H, W]`; between two: the decoder's own
    pub fn decode_stage(&self, stage: usize, x: Tensor<4>) -> Tensor<4> {
        if let Some(text) = &self.config.text {
            return text::drawn(self.destandardize(x), text);
        }
        if self.config.is_latents_only() {
            return self.preview(x);
        }
        let x = if stage == 0 { self.destandardize(x) } else { x };
        let x = self.autoencoder.as_ref().map_or(x.clone(), |autoencoder| autoencoder.stage(stage, x));
        if stage + 1 == self.num_decode_stages() { x.clamp(-1.0, 1.0) } else { x }
    }

    /// A cheap picture of standardised latents: their linear map to RGB, or where the model brings
    /// none the first three channels.
    ///
    /// # Shapes
    /// - `x`: `[N, C, h, w]`
    /// - result: `[N, 3, h, w]` in [−1, 1] (`[N, 1, h, w]` for fewer than 3 channels without a map)
    pub fn preview(&self, x: Tensor<4>) -> Tensor<4> {
        let [n, c, h, w] = x.dims();
        let Some(rgb) = &self.config.latents.rgb else {
            return x.narrow(1, 0, self.config.preview_channels()).clamp(-1.0, 1.0);
        };
        let factors = Tensor::from_data(TensorData::new(rgb.factors.concat(), [1, c, 3]), &self.device);
        let bias = Tensor::from_data(TensorData::new(rgb.bias.to_vec(), [1, 3, 1]), &self.device);
        let planes = factors.transpose().matmul(x.reshape([n, c, h * w])) + bias; // [N, 3, h·w]
        planes.reshape([n, 3, h, w]).clamp(-1.0, 1.0)
    }

    /// Whether [`Self::pass`] is done from a recording.
    pub(super) fn has_recording(&self) -> bool {
        self.recorded.pass.is_recorded()
    }

    /// Tells the device ahead with what [`Self::pass`] will be asked next; none where that is of no use.
    pub(super) fn load(&self, x: Tensor<4>, vectors: &Modulations) -> Option<Loaded> {
        self.recorded.pass.load(self.ops, &[x.flatten(0, 3), vectors.numbers()])
    }

    /// [`Self::pass`] with that; none if another pass was asked for meanwhile.
    pub(super) fn pass_loaded(&self, loaded: Loaded) -> Option<Tensor<4>> {
        self.recorded.pass.call_loaded(self.ops, loaded)
    }

    /// Latents noised to timestep `t` of the training process, each with the noise that a run with its seed
    /// begins with.
    ///
    /// # Shapes
    /// - `x0`, result: `[N, C, h, w]` for N `seeds`
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] for a timestep that the process does not have.
    pub fn noised(&self, x0: Tensor<4>, t: usize, seeds: &[u64]) -> Result<Tensor<4>, ConfigError> {
        self.check_timestep(t)?;
        let noise = seeded(seeds, 0, x0.dims(), &self.device); // [N, C, h, w]
        Ok(q_sample(&training_schedule(&self.config.scheduler), t, x0, noise))
    }

    /// The noise of a latent under noise, and what the network takes for noise in it: with the class, and without (with it
    /// again where the model knows no "no class").
    ///
    /// # Shapes
    /// - `x0`, results: `[1, C, h, w]`
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] for a timestep that the process or a class that the model does not have.
    pub fn seen_noise(&self, x0: Tensor<4>, t: usize, seed: u64, class: usize) -> Result<[Tensor<4>; 3], ConfigError> {
        self.check_classes(&[class])?;
        let noise = seeded(&[seed], 0, x0.dims(), &self.device); // [1, C, h, w]
        let x_t = self.noised(x0, t, &[seed])?; // [1, C, h, w]
        let y = Tensor::from_data(TensorData::new(vec![class as i64], [1]), &self.device); // [1]
        let has_null_label = self.config.transformer.has_null_label;
        let (with, without) = self.outputs(x_t.clone(), t, y, has_null_label); // [1, C_out, h, w] each
        let without = without.unwrap_or_else(|| with.clone());
        let (diffusion, schedule) = (&self.config.scheduler, training_schedule(&self.config.scheduler));
        let seen = |output| eps_of_output(diffusion, &schedule, t, x_t.clone(), output);
        Ok([noise, seen(with), seen(without)])
    }

    /// How far the network's noise is off, for each of these classes: the mean square of `ε̂(x_t, t, class) − ε`. Averaged over
    /// t and ε it says which class the network sees in a latent (Li et al. 2023, arXiv:2303.16203, eq. 6).
    ///
    /// # Shapes
    /// - `x0`: `[1, C, h, w]`; result: `[classes]`
    ///
    /// # Errors
    /// As [`Self::seen_noise`].
    pub fn class_errors(
        &self,
        x0: Tensor<4>,
        t: usize,
        seed: u64,
        classes: &[usize],
    ) -> Result<Tensor<1>, ConfigError> {
        self.check_classes(classes)?;
        let noise = seeded(&[seed], 0, x0.dims(), &self.device); // [1, C, h, w]
        let x_t = self.noised(x0, t, &[seed])?.repeat_dim(0, classes.len()); // [classes, C, h, w]
        let y: Vec<i64> = classes.iter().map(|class| *class as i64).collect();
        let y = Tensor::from_data(TensorData::new(y, [classes.len()]), &self.device); // [classes]
        let (output, _) = self.outputs(x_t.clone(), t, y, false); // [classes, C_out, h, w]
        let (diffusion, schedule) = (&self.config.scheduler, training_schedule(&self.config.scheduler));
        let off = eps_of_output(diffusion, &schedule, t, x_t, output) - noise; // [classes, C, h, w]
        Ok(off.square().flatten::<2>(1, 3).mean_dim(1).squeeze_dim(1)) // [classes]
    }

    /// # Errors
    /// [`ConfigError::OutOfRange`] for one that the process does not have.
    pub(super) fn check_timestep(&self, t: usize) -> Result<(), ConfigError> {
        let steps = self.config.scheduler.num_train_timesteps;
        if t < steps {
            return Ok(());
        }
        let allowed = format!("0 to {}", steps - 1);
        Err(ConfigError::OutOfRange { name: "timestep", value: t.to_string(), allowed })
    }

    /// # Errors
    /// [`ConfigError::OutOfRange`] for one that the model does not have.
    pub(super) fn check_classes(&self, classes: &[usize]) -> Result<(), ConfigError> {
        let count = self.config.transformer.num_classes;
        match classes.iter().find(|class| **class >= count) {
            None => Ok(()),
            Some(class) => {
                let allowed = format!("0 to {}", count.saturating_sub(1));
                Err(ConfigError::OutOfRange { name: "class", value: class.to_string(), allowed })
            }
        }
    }

    /// The guided output of the network.
    ///
    /// # Shapes
    /// - `x`: `[N, C, h, w]`; `y`: `[N]`
    /// - result: `[N, C_out, h, w]`
    pub fn guided_output(&self, x: Tensor<4>, timestep: usize, y: Tensor<1, Int>, guidance: &Guidance) -> Tensor<4> {
        let (cond, uncond) = self.outputs(x, timestep, y, guidance.is_on()); // [N, C_out, h, w] each
        guidance.combine(cond, uncond) // [N, C_out, h, w]
    }

    /// The conditional output of the network at a timestep of the process and, when `is_guided`, the unconditional one.
    ///
    /// # Shapes
    /// - `x`: `[N, C, h, w]`; `y`: `[N]`
    /// - results: `[N, C_out, h, w]`
    pub fn outputs(
        &self,
        x: Tensor<4>,
        timestep: usize,
        y: Tensor<1, Int>,
        is_guided: bool,
    ) -> (Tensor<4>, Option<Tensor<4>>) {
        let time = self.config.scheduler.told_at(timestep) as f32;
        self.dit.outputs(x, &self.given(time, y, is_guided), is_guided, &mut ())
    }

    /// What the blocks are told at a time; see [`Dit::given`].
    ///
    /// # Shapes
    /// - `y`: `[N]`
    pub(super) fn given(&self, time: f32, y: Tensor<1, Int>, is_guided: bool) -> Given {
        let [n] = y.dims();
        let t = Tensor::full([n], time, &self.device); // [N]
        self.dit.given(t, y, is_guided)
    }

    /// `[1, C, 1, 1]`
    fn stats(&self) -> [Tensor<4>; 2] {
        let latents = &self.config.latents;
        let made = || [self.per_channel(&latents.mean), self.per_channel(&latents.std)];
        self.stats.clone().unwrap_or_else(made)
    }

    fn per_channel(&self, values: &[f32]) -> Tensor<4> {
        Tensor::from_data(TensorData::new(values.to_vec(), [1, values.len(), 1, 1]), &self.device)
    }
}

/// Latents `[n, C, h, w]` of a model.
pub fn latent_shape(model: &Model, n: usize) -> [usize; 4] {
    let [channels, height, width] = model.config.transformer.latent_shape();
    [n, channels, height, width]
}
