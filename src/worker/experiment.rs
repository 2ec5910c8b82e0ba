//! How a run departs from its settings.

use super::latents;
use ditscope_config::{ConfigError, Departure, RunSettings};
use ditscope_core::generate::{Model, Noise, Request, Run, Start, between, latent_shape};
use ditscope_protocol::{Reason, Refusal};

/// With the noise to begin with, as bytes, where it is given.
pub struct Experiment {
    plan: ditscope_config::Experiment,
    noise: Option<Vec<u8>>,
}

impl Experiment {
    /// Takes its buffer from those of the message.
    pub fn read(text: &str, buffers: &mut impl Iterator<Item = Vec<u8>>) -> Result<Self, Refusal> {
        let plan: ditscope_config::Experiment =
            serde_json::from_str(text).map_err(|error| Reason::Message.found(error))?;
        let most = *RunSettings::NUM_IMAGES.end();
        if plan.pictures.len() > most {
            return Err(Reason::OutOfRange.of("number of pictures", plan.pictures.len(), format!("1 to {most}")));
        }
        let noise = plan.given_noise.then(|| buffers.next().unwrap_or_default());
        Ok(Self { plan, noise })
    }

    /// One seed for each picture.
    pub fn seeds(&self, settings: &RunSettings) -> Vec<u64> {
        match self.plan.pictures.len() {
            0 => (0..settings.num_images as u64).map(|i| settings.seed + i).collect(),
            pictures => vec![settings.seed; pictures],
        }
    }

    /// A request of such pictures: their classes, scales and noise.
    ///
    /// # Errors
    /// A setting that is out of range, or noise that is not of the model's size.
    pub fn request(&self, model: &Model, request: Request) -> Result<Request, ConfigError> {
        let Noise::Seeded(seeds) = &request.noise else { return Ok(request) };
        let (pictures, own) = (&self.plan.pictures, request.guidance_scales.first().copied().unwrap_or(1.0));
        let [n, channels, h, w] = latent_shape(model, seeds.len());
        let start = match &self.noise {
            Some(bytes) => Some(latents::parse(model, bytes, 1)?.expand([n, channels, h, w])),
            None => self.towards(seeds, channels * h * w).map(|noise| latents::tensor(model, noise, n)),
        };
        let noise = match start {
            Some(start) => Noise::Begun { start, seeds: seeds.clone() },
            None => request.noise.clone(),
        };
        let scale = |picture: &Departure| picture.guidance_scale.unwrap_or(own);
        let guidance_scales =
            if pictures.is_empty() { request.guidance_scales } else { pictures.iter().map(scale).collect() };
        if let Some(scale) = guidance_scales.iter().find(|scale| !RunSettings::GUIDANCE_SCALE.contains(scale)) {
            let (least, most) = (RunSettings::GUIDANCE_SCALE.start(), RunSettings::GUIDANCE_SCALE.end());
            let allowed = format!("{least} to {most}");
            return Err(ConfigError::OutOfRange { name: "guidance scale", value: scale.to_string(), allowed });
        }
        Ok(Request { noise, guidance_scales, ..request })
    }

    /// The run of such a request.
    ///
    /// # Errors
    /// Something that is not the model's, or a painting without a picture.
    pub fn run<'m>(&self, run: Run<'m>, start: Option<&Start>) -> Result<Run<'m>, ConfigError> {
        let run = match &self.plan.pictures[..] {
            [] => run,
            pictures => run.departing(pictures.to_vec(), self.plan.missing_at)?,
        };
        match (&self.plan.paint, start) {
            (None, _) => Ok(run),
            (Some(paint), Some(start)) => run.painting(paint, start.x0.clone()),
            (Some(_), None) => Err(ConfigError::Model("there is no picture to be painted".into())),
        }
    }

    /// The noise of all pictures, if that of any is on the way to another.
    fn towards(&self, seeds: &[u64], len: usize) -> Option<Vec<f32>> {
        let pictures = &self.plan.pictures;
        pictures.iter().any(|picture| picture.towards_seed.is_some()).then(|| {
            let of = |(seed, picture): (&u64, &Departure)| {
                let (other, share) = picture.towards_seed.unwrap_or((*seed, 0.0));
                between(*seed, other, share.clamp(0.0, 1.0), len)
            };
            seeds.iter().zip(pictures).flat_map(of).collect()
        })
    }
}
