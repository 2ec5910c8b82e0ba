//! A picture's own noise, and other pictures from it; rows between two seeds or two classes. Pure.

use super::{Base, Prepared};
use crate::asks::Answered;
use crate::{Notice, Shared};
use ditscope_config::{Departure, Experiment, Measurement, SamplerKind};

/// What is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Way {
    /// The picture's noise is found, and denoised as something else.
    #[default]
    Invert,
    /// From one seed to another.
    Seeds,
    /// From one class to another.
    Classes,
}

impl Way {
    pub const ALL: [Self; 3] = [Self::Invert, Self::Seeds, Self::Classes];
}

/// Pictures of a row.
pub const ROW: usize = 7;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edit {
    pub way: Way,
    /// Nothing: the next one.
    class: Option<usize>,
    pub seed: Option<u64>,
    pub inverted: Option<Result<Inverted, Notice>>,
}

/// A picture and the noise that leads to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Inverted {
    pub base: Base,
    /// `[C, h, w]` as bytes.
    noise: Vec<u8>,
    pub steps: usize,
}

impl Edit {
    /// The class on the other side.
    pub fn class(&self, shared: &Shared) -> usize {
        let count = shared.models.config.as_ref().map_or(1, |config| config.labels.len());
        let own = shared.settings().class;
        self.class.filter(|class| *class < count).unwrap_or((own + 1) % count.max(1))
    }

    /// The class on the other side, where one was chosen.
    pub(super) fn chosen_class(&self) -> Option<usize> {
        self.class
    }

    pub fn choose_class(&mut self, class: usize) {
        self.class = Some(class);
    }

    /// The seed on the other side.
    pub fn seed(&self, shared: &Shared) -> u64 {
        self.seed.unwrap_or_else(|| shared.settings().seed.wrapping_add(1) & u64::from(u32::MAX))
    }

    /// The sampler whose steps are taken backwards.
    pub fn sampler(shared: &Shared) -> SamplerKind {
        let is_flow = SamplerKind::FLOW.contains(&shared.settings().sampler);
        if is_flow { SamplerKind::Euler } else { SamplerKind::Ddim }
    }

    /// The question for the noise of a picture.
    pub fn question(shared: &Shared, base: &Base) -> (Measurement, Vec<Vec<u8>>) {
        let steps = shared.settings().num_inference_steps;
        (Measurement::Invert { class: base.class, steps }, vec![base.bytes()])
    }

    pub fn take(&mut self, base: Base, steps: usize, answered: &Answered) {
        let read = |buffers: &Vec<Vec<u8>>| match &buffers[..] {
            [noise] if noise.len() == 4 * base.latent.len() => Some(noise.clone()),
            _ => None,
        };
        self.inverted = Some(match answered {
            Ok((_, buffers)) => match read(buffers) {
                Some(noise) => Ok(Inverted { base, noise, steps }),
                None => Err(Notice::ForwardMisfit),
            },
            Err(why) => Err(why.clone()),
        });
    }

    /// How the next run departs; nothing where a picture's noise is not known yet.
    pub fn prepared(&self, shared: &Shared) -> Option<Prepared> {
        let other = self.class(shared);
        let (pictures, noise) = match self.way {
            Way::Invert => {
                let Some(Ok(inverted)) = &self.inverted else { return None };
                let scale = shared.settings().guidance_scale;
                let of = |class, guidance_scale| Departure {
                    class: Some(class),
                    guidance_scale: Some(guidance_scale),
                    ..Departure::default()
                };
                let pictures = vec![of(inverted.base.class, 1.0), of(other, 1.0), of(other, scale)];
                (pictures, Some(inverted.noise.clone()))
            }
            Way::Seeds => {
                let seed = self.seed(shared);
                (row(|share| Departure { towards_seed: Some((seed, share)), ..Departure::default() }), None)
            }
            Way::Classes => {
                (row(|share| Departure { towards_class: Some((other, share)), ..Departure::default() }), None)
            }
        };
        let experiment = Experiment { pictures, given_noise: noise.is_some(), ..Experiment::default() };
        Some(Prepared { experiment: super::json(&experiment), noise, start: None })
    }
}

fn row(of: impl Fn(f64) -> Departure) -> Vec<Departure> {
    (0..ROW).map(|i| of(i as f64 / (ROW - 1) as f64)).collect()
}
