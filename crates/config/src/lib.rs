//! What a model is and what a run is: plain data, shared by every layer.
//!
//! Field names follow diffusers and the DiT paper (Peebles & Xie 2023,
//! <https://arxiv.org/abs/2212.09748>). A model folder holds a `config.json`
//! with one [`ModelConfig`].

mod audio;
mod autoencoder;
mod catalog;
mod diffusion;
mod experiment;
mod growth;
mod report;
mod run;
mod sample_size;
mod savings;
mod text;
mod transformer;

pub use audio::AudioConfig;
pub use audio::mel_scale;
pub use autoencoder::{AutoencoderConfig, KlConfig, TinyConfig};
pub use catalog::{Catalog, CatalogEntry};
pub use diffusion::{BetaSchedule, Clipping, DiffusionConfig, PredictionType, TimestepSpacing, VarianceType};
pub use experiment::{Departure, Experiment, Measurement, Paint, Part};
pub use growth::Growth;
pub use report::{EvalReport, EvalRow};
pub use run::{RunSettings, SamplerKind};
pub use sample_size::SampleSize;
pub use savings::Savings;
pub use text::{Letter, TextConfig, capitalised};
pub use transformer::{CONDITION_TOKENS, Conditioning, DitConfig, FREQUENCY_EMBEDDING_SIZE};

use serde::{Deserialize, Serialize};

/// What a configuration or a setting got wrong, and what would be right.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// A field of `config.json` contradicts another or is out of range.
    #[error("model configuration: {0}")]
    Model(String),
    /// A setting of a run is out of range.
    #[error("{name} = {value} is out of range: use {allowed}")]
    OutOfRange { name: &'static str, value: String, allowed: String },
    /// A name that is none of the known ones.
    #[error("unknown {what} '{name}': use one of {known}")]
    Unknown { what: &'static str, name: String, known: String },
}

/// A whole model folder's `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// Shown to people, e.g. "Fashion".
    pub name: String,
    /// The noise predictor.
    pub transformer: DitConfig,
    /// What the transformer was trained to predict, and with which noise.
    pub scheduler: DiffusionConfig,
    /// Latents ↔ pictures; absent when the transformer works on pixels.
    #[serde(default)]
    pub autoencoder: Option<AutoencoderConfig>,
    /// How its pictures are sounds, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioConfig>,
    /// How its latents are words, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextConfig>,
    /// How latents were standardised for the transformer.
    pub latents: LatentStats,
    /// Class names, by class number.
    pub labels: Vec<String>,
    /// What a run uses when nothing is chosen.
    #[serde(default)]
    pub defaults: RunSettings,
    /// SPDX expression or a sentence; shown to people.
    #[serde(default)]
    pub license: String,
}

impl ModelConfig {
    /// Largest side of a picture.
    const MOST_PIXELS: usize = 16_384;
    /// Characters of a name, of a label and of the licence: they are shown.
    const MOST_WORDS: [usize; 3] = [200, 500, 5000];

    /// A model that nobody trained, as the official ones are but for its transformer: without an autoencoder, its classes
    /// called by their numbers.
    ///
    /// # Errors
    /// As [`Self::validate`].
    pub fn untrained(name: &str, transformer: DitConfig) -> Result<Self, ConfigError> {
        let variance = if transformer.learn_sigma { VarianceType::LearnedRange } else { VarianceType::FixedLarge };
        let channels = transformer.in_channels;
        let config = Self {
            name: name.to_owned(),
            scheduler: DiffusionConfig {
                // Whatever such a network says, the latents stay finite.
                clip_sample_range: Some(4.0),
                ..DiffusionConfig::new(BetaSchedule::Linear, PredictionType::Epsilon, variance)
            },
            autoencoder: None,
            audio: None,
            text: None,
            latents: LatentStats { mean: vec![0.0; channels], std: vec![1.0; channels], rgb: None },
            labels: (0..transformer.num_classes).map(|class| class.to_string()).collect(),
            defaults: RunSettings::default(),
            license: String::new(),
            transformer,
        };
        config.validate().map(|()| config)
    }

    /// Checks that the parts fit together.
    ///
    /// # Errors
    /// [`ConfigError::Model`] names the field and the cure.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let fail = |message: String| Err(ConfigError::Model(message));
        self.transformer.validate()?;
        self.scheduler.validate()?;
        let channels = self.transformer.in_channels;
        if self.latents.mean.len() != channels || self.latents.std.len() != channels {
            return fail(format!(
                "latents.mean and latents.std need one number for each of the {channels} latent channels, found {} and {}",
                self.latents.mean.len(),
                self.latents.std.len()
            ));
        }
        if self.latents.std.iter().any(|s| !s.is_finite() || *s <= 0.0)
            || self.latents.mean.iter().any(|m| !m.is_finite())
        {
            return fail("latents.mean must be finite and latents.std positive".into());
        }
        if self.latents.rgb.as_ref().is_some_and(|rgb| rgb.factors.len() != channels) {
            return fail(format!("latents.rgb.factors needs one row for each of the {channels} latent channels"));
        }
        if let Some(k) = self.scheduler.guidance_channels.filter(|k| *k == 0 || *k > channels) {
            return fail(format!("scheduler.guidance_channels = {k} is not in 1 to {channels}"));
        }
        if self.scheduler.variance_type == VarianceType::LearnedRange && !self.transformer.learn_sigma {
            return fail("scheduler.variance_type learned_range needs transformer.learn_sigma".into());
        }
        self.scheduler.prediction_type.check(self.defaults.sampler)?;
        if self.labels.len() != self.transformer.num_classes {
            return fail(format!("{} labels for {} classes", self.labels.len(), self.transformer.num_classes));
        }
        for (field, text, most) in self.shown() {
            let length = text.chars().count();
            if length > most {
                return fail(format!("{field} has {length} characters: at most {most}"));
            }
            if let Some(sign) = text.chars().find(|sign| turns_around(*sign)) {
                return fail(format!("{field} has U+{:04X}, which turns the text around it", u32::from(sign)));
            }
        }
        if let Some(autoencoder) = &self.autoencoder {
            autoencoder.validate()?;
            if autoencoder.latent_channels() != channels {
                return fail(format!(
                    "the autoencoder has {} latent channels, the transformer {channels}",
                    autoencoder.latent_channels()
                ));
            }
        }
        self.check_size()?;
        if self.image_size() > Self::MOST_PIXELS {
            return fail(format!("pictures of {0}x{0} pixels: at most {1}x{1}", self.image_size(), Self::MOST_PIXELS));
        }
        if let Some(audio) = &self.audio {
            audio.validate(self.image_channels(), self.image_size())?;
        }
        self.defaults.validate(self.labels.len())
    }

    /// Rows are for words, squares for pictures.
    fn check_size(&self) -> Result<(), ConfigError> {
        let size = self.transformer.sample_size;
        match &self.text {
            Some(text) => text.validate(&self.transformer, self.autoencoder.is_some()),
            None if size.side().is_none() => Err(ConfigError::Model(format!(
                "transformer.sample_size {size}: latents of pictures are squares, only text is a row"
            ))),
            None => Ok(()),
        }
    }

    /// What people read: the field, its text, and how many characters it may have.
    fn shown(&self) -> impl Iterator<Item = (&'static str, &str, usize)> {
        let [name, label, license] = Self::MOST_WORDS;
        let labels = self.labels.iter().map(move |text| ("a label", text.as_str(), label));
        labels.chain([("name", self.name.as_str(), name), ("license", &self.license, license)])
    }

    /// Longer side of the pictures in pixels.
    pub fn image_size(&self) -> usize {
        let [height, width] = self.image_shape();
        height.max(width)
    }

    /// Height and width of the pictures in pixels.
    pub fn image_shape(&self) -> [usize; 2] {
        let size = self.transformer.sample_size;
        if self.text.is_some() {
            return TextConfig::picture_shape(size.width);
        }
        let factor = self.autoencoder.as_ref().map_or(1, AutoencoderConfig::factor);
        [size.height * factor, size.width * factor]
    }

    /// Colour channels of the pictures: 1 (gray) or 3 (RGB).
    pub fn image_channels(&self) -> usize {
        match &self.autoencoder {
            Some(autoencoder) => autoencoder.image_channels(),
            None if self.text.is_some() => 1,
            None if self.is_latents_only() => self.preview_channels(),
            None => self.transformer.in_channels,
        }
    }

    /// Whether nothing can decode its latents: they are no words, there is no autoencoder, and neither 1 nor 3 channels,
    /// which would be pixels. Its pictures are previews.
    pub fn is_latents_only(&self) -> bool {
        self.text.is_none() && self.autoencoder.is_none() && ![1, 3].contains(&self.transformer.in_channels)
    }

    /// Whether its latents are the pixels of its pictures.
    pub fn is_pixels(&self) -> bool {
        self.text.is_none() && self.autoencoder.is_none() && !self.is_latents_only()
    }

    /// Colour channels of a preview: RGB, or gray for latents of 1 or 2 channels without a map to RGB.
    pub fn preview_channels(&self) -> usize {
        if self.latents.rgb.is_none() && self.transformer.in_channels < 3 { 1 } else { 3 }
    }
}

/// Whether a sign changes the direction of the text beside it: what is shown would read as something else.
fn turns_around(sign: char) -> bool {
    matches!(sign, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Per-channel statistics: the transformer sees `(z − mean) / std`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatentStats {
    pub mean: Vec<f32>,
    pub std: Vec<f32>,
    /// A linear picture of the latents, for looking on while the decoder is too slow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rgb: Option<LatentRgb>,
}

/// A pixel of the preview: `bias + Σ_c factors[c] · x[c]`, RGB in [−1, 1], of the standardised latents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatentRgb {
    pub factors: Vec<[f32; 3]>,
    pub bias: [f32; 3],
}
