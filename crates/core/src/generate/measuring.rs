//! What is asked of a model about one latent, beside runs.

use super::model::{Model, latent_shape};
use super::noise::seeded;
use super::request::guidance;
use crate::diffusion::prediction::{eps_at, eps_of_output, predict_at, q_sample};
use crate::diffusion::sampler::{Sampler, SamplerConfig};
use burn::tensor::{Int, Tensor, TensorData};
use ditscope_config::{ConfigError, DiffusionConfig, Part, PredictionType, SamplerKind};
use ditscope_schedule::training_schedule;

/// So often the noise after a step backwards is guessed.
const GUESSES: usize = 4;

impl Model {
    /// x̂0 in one go, from a latent under noise, or without one from noise alone.
    ///
    /// # Shapes
    /// - `x0`: `[1, C, h, w]`; result: `[N, C, h, w]` for N `seeds`
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] for a timestep that the process, a class or a guidance scale that the model does not have.
    pub fn one_step(
        &self,
        x0: Option<Tensor<4>>,
        t: usize,
        class: usize,
        guidance_scale: f64,
        seeds: &[u64],
    ) -> Result<Tensor<4>, ConfigError> {
        self.check_classes(&[class])?;
        self.check_timestep(t)?;
        let shape = latent_shape(self, seeds.len());
        let noise = seeded(seeds, 0, shape, &self.device); // [N, C, h, w]
        let schedule = training_schedule(&self.config.scheduler);
        let x_t = match x0 {
            Some(x0) => q_sample(&schedule, t, x0.expand(shape), noise),
            None => noise,
        }; // [N, C, h, w]
        let scale = if self.config.transformer.has_null_label { guidance_scale } else { 1.0 };
        let guidance = guidance(self, vec![scale], None, seeds.len())?;
        let output = self.guided_output(x_t.clone(), t, self.labels(class, seeds.len()), &guidance); // [N, C_out, h, w]
        Ok(predict_at(&self.config.scheduler, schedule.q_sample_factors(t), x_t, output).x0_hat)
    }

    /// The noise from which DDIM, or for a flow model Euler's method, leads to a latent without guidance: the same steps
    /// backwards (Song et al. 2020, arXiv:2010.02502, section 4.3). The noise that the network will see after such a step is
    /// guessed by the one that it sees before it, then taken from where that leads, a few times over (Pan et al. 2023,
    /// arXiv:2309.04907).
    ///
    /// # Shapes
    /// - `x0`, result: `[1, C, h, w]`
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] for a class that the model does not have, or a number of steps that the process does not
    /// allow.
    pub fn inverted(&self, x0: Tensor<4>, class: usize, steps: usize) -> Result<Tensor<4>, ConfigError> {
        self.check_classes(&[class])?;
        let is_flow = self.config.scheduler.prediction_type.check(SamplerKind::Euler).is_ok();
        let kind = if is_flow { SamplerKind::Euler } else { SamplerKind::Ddim };
        let sampler = Sampler::new(&self.config.scheduler, SamplerConfig::new(kind, steps))?;
        // A clamp could not be taken back.
        let process = DiffusionConfig { clip_sample_range: None, ..self.config.scheduler.clone() };
        let y = self.labels(class, 1);
        let mut x = x0; // [1, C, h, w]
        let mut before = (1.0, 0.0);
        for step in (0..sampler.num_steps()).rev() {
            let weights = sampler.weights(step);
            let given = self.given(sampler.told(step), y.clone(), false);
            let from = x.clone(); // [1, C, h, w]
            for guess in 0..GUESSES {
                let (output, _) = self.dit.outputs(x.clone(), &given, false, &mut ()); // [1, C_out, h, w]
                // Where there is no noise, an output that means the picture says nothing of it.
                let says_noise = before.1 > 0.0 || process.prediction_type != PredictionType::Sample;
                let read_at = if guess == 0 && says_noise { before } else { weights };
                let eps = eps_at(&process, read_at, x, output); // [1, C, h, w]
                let x0_hat = (from.clone() - eps.clone() * before.1) / before.0; // [1, C, h, w]
                x = x0_hat * weights.0 + eps * weights.1; // [1, C, h, w]
            }
            before = weights;
        }
        Ok(x)
    }

    /// How far the noise that the network sees in a noised latent is off: whole, and without each of some sets of parts; mean
    /// squares of `ε̂ − ε`.
    ///
    /// # Shapes
    /// - `x0`: `[1, C, h, w]`; result: `[1 + sets]`
    ///
    /// # Errors
    /// [`ConfigError`] for a timestep, a class or a part that the model does not have.
    pub fn errors_without(
        &self,
        x0: Tensor<4>,
        t: usize,
        seed: u64,
        class: usize,
        sets: &[Vec<Part>],
    ) -> Result<Tensor<1>, ConfigError> {
        self.check_classes(&[class])?;
        sets.iter().try_for_each(|parts| self.check_parts(parts))?;
        let noise = seeded(&[seed], 0, x0.dims(), &self.device); // [1, C, h, w]
        let x_t = self.noised(x0, t, &[seed])?; // [1, C, h, w]
        let (diffusion, schedule) = (&self.config.scheduler, training_schedule(&self.config.scheduler));
        let time = diffusion.told_at(t) as f32;
        let null = self.config.transformer.null_label();
        let error = |parts: &[Part]| {
            let class = if parts.contains(&Part::Class) { null } else { class };
            let given = self.given(time, self.labels(class, 1), false);
            let (output, _) = self.outputs_lacking(x_t.clone(), &given, false, parts); // [1, C_out, h, w]
            let seen = eps_of_output(diffusion, &schedule, t, x_t.clone(), output); // [1, C, h, w]
            (seen - noise.clone()).square().mean() // [1]
        };
        let whole: &[Part] = &[];
        Ok(Tensor::cat(std::iter::once(whole).chain(sets.iter().map(Vec::as_slice)).map(error).collect(), 0))
    }

    /// `[N]`
    fn labels(&self, class: usize, n: usize) -> Tensor<1, Int> {
        Tensor::from_data(TensorData::new(vec![class as i64; n], [n]), &self.device)
    }
}
