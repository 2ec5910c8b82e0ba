//! Making a part of a picture anew: after each step what is kept is put back, with as much noise as there is
//! (RePaint, Lugmayr et al. 2022, arXiv:2201.09865, algorithm 1).

use super::model::{Model, latent_shape};
use super::noise::seeded;
use super::request::out_of_range;
use crate::diffusion::sampler::Sampler;
use burn::tensor::{Tensor, TensorData};
use ditscope_config::{ConfigError, Paint};

/// Streams of noise that no step has (see [`seeded`]): for what is kept, and for going back.
const KEPT: u64 = 1 << 32;
const BACK: u64 = 2 << 32;

/// What is kept of a picture, and where.
#[derive(Debug, Clone)]
pub(super) struct Painting {
    /// 1 where the latents may change, `[1, 1, h, w]`.
    mask: Tensor<4>,
    /// What is kept, `[1, C, h, w]`.
    x0: Tensor<4>,
}

impl Painting {
    /// # Shapes
    /// - `x0`: `[1, C, h, w]`
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] when mask or latents are not of the model's size.
    pub fn new(model: &Model, paint: &Paint, x0: Tensor<4>) -> Result<Self, ConfigError> {
        let shape = latent_shape(model, 1);
        let [one, _, h, w] = shape;
        if x0.dims() != shape {
            let found = format!("{:?}", x0.dims());
            return Err(out_of_range("shape of the latents that are kept", found, format!("{shape:?}")));
        }
        if paint.mask.len() != h * w {
            return Err(out_of_range("cells of the mask", paint.mask.len(), format!("{h} x {w}")));
        }
        let mask: Vec<f32> = paint.mask.iter().map(|changes| f32::from(*changes)).collect();
        let mask = Tensor::from_data(TensorData::new(mask, [one, 1, h, w]), &model.device); // [1, 1, h, w]
        Ok(Self { mask, x0 })
    }

    /// Puts back what is kept, noised to where the latents are now; they were made at the run's `taken`-th step.
    ///
    /// # Shapes
    /// - `x`, result: `[N, C, h, w]` for N `seeds`
    pub fn keep(&self, model: &Model, x: Tensor<4>, weights: (f64, f64), seeds: &[u64], taken: usize) -> Tensor<4> {
        let (signal, noise) = weights;
        let kept = match noise > 0.0 {
            true => self.x0.clone() * signal + seeded(seeds, KEPT + taken as u64, x.dims(), &model.device) * noise,
            false => self.x0.clone(),
        }; // [N or 1, C, h, w]
        x * self.mask.clone() + kept * (-self.mask.clone() + 1.0) // [N, C, h, w]
    }
}

/// Adds noise again: from where the latents are after a step to where they are before an earlier one. Both with the weights
/// of picture and noise in them.
///
/// # Shapes
/// - `x`, result: `[N, C, h, w]` for N `seeds`
pub(super) fn back(
    model: &Model,
    x: Tensor<4>,
    from: (f64, f64),
    to: (f64, f64),
    seeds: &[u64],
    taken: usize,
) -> Tensor<4> {
    let shrink = to.0 / from.0;
    let noise = (to.1.powi(2) - (shrink * from.1).powi(2)).max(0.0).sqrt();
    let shape = x.dims();
    x * shrink + seeded(seeds, BACK + taken as u64, shape, &model.device) * noise // [N, C, h, w]
}

/// The weights of picture and noise after a step.
pub(super) fn after(sampler: &Sampler, step: usize) -> (f64, f64) {
    sampler.index(step).checked_sub(1).map_or((1.0, 0.0), |index| sampler.schedule().q_sample_factors(index))
}
