//! Messages between the page and the trainer, a worker of its own that trains a small transformer on the latents that a
//! model ships.
//!
//! ```text
//! page                                trainer
//!   | <------------------------ Ready --|   the script runs
//!   |-- Begin{source, setup, resume} -->|
//!   | <------ Loading…, Begun ----------|   (or Failed)
//!   | <--- Steps…, Exercise, Samples ---|   as it goes
//!   |-- Pause, GoOn, Change, Undo ----->|
//!   | <-------------- Held, Kept -------|   every checkpoint is told
//!   |-- Save ------------------------->|
//!   | <--------------------- Saved -----|
//! ```

use crate::{ModelSource, Refusal};
use ditscope_config::{
    BetaSchedule, ConfigError, DiffusionConfig, DitConfig, ModelConfig, PredictionType, RunSettings, SampleSize,
    VarianceType,
};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::ops::RangeInclusive;

/// What is trained, and how it begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    pub hidden_size: usize,
    pub depth: usize,
    pub patch_size: usize,
    pub prediction_type: PredictionType,
    /// Numbers of the model's classes, rising. A model that begins from nothing knows these alone.
    pub classes: Vec<usize>,
    /// Pictures per optimizer step.
    pub batch_size: usize,
    /// Of weights, batches and noise.
    pub seed: u64,
    /// From the weights of the model instead of from nothing; width, depth, patch and prediction are then the model's.
    pub from_model: bool,
    /// On the graphics card instead of the CPU.
    #[serde(default)]
    pub on_gpu: bool,
    pub knobs: Knobs,
}

/// What can be changed while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Knobs {
    /// Peak learning rate; it falls to a hundredth towards the goal.
    pub lr: f64,
    /// Share of labels replaced by "no class", for guidance.
    pub class_dropout: f64,
    /// So many pictures are to be seen.
    pub goal: usize,
}

impl Setup {
    pub const HIDDEN_SIZES: [usize; 5] = [32, 48, 64, 96, 128];
    pub const DEPTH: RangeInclusive<usize> = 1..=8;
    pub const BATCH_SIZE: RangeInclusive<usize> = 8..=256;
    /// Width of an attention head.
    const HEAD: usize = 32;
    /// As `dit train dit` has it.
    const CLIP_SAMPLE_RANGE: f64 = 4.0;
    /// Guidance that a trained model begins with.
    const GUIDANCE: f64 = 3.0;

    /// What is offered first for a model.
    pub fn suggested(model: &ModelConfig) -> Self {
        Self {
            hidden_size: 96,
            depth: 3,
            patch_size: if Self::is_divided(model.transformer.sample_size, 2) { 2 } else { 1 },
            prediction_type: PredictionType::VPrediction,
            classes: (0..model.labels.len()).collect(),
            batch_size: 32,
            seed: 0,
            from_model: false,
            on_gpu: false,
            knobs: Knobs { lr: 3e-3, class_dropout: 0.1, goal: 120_000 },
        }
    }

    /// Optimizer steps to the goal.
    pub fn total_steps(&self) -> usize {
        self.knobs.goal.div_ceil(self.batch_size).max(1)
    }

    /// # Errors
    /// [`ConfigError::OutOfRange`] names the first that is out of range.
    pub fn validate(&self, model: &ModelConfig) -> Result<(), ConfigError> {
        let classes = self.classes.len();
        within("number of classes", classes, 1..=model.labels.len())?;
        let last = self.classes.last().copied().unwrap_or(0);
        within("class", last, 0..=model.labels.len().saturating_sub(1))?;
        if !self.classes.is_sorted_by(|a, b| a < b) {
            return Err(out_of_range("classes", format!("{:?}", self.classes), "each once, rising"));
        }
        within("batch", self.batch_size, Self::BATCH_SIZE)?;
        within("seed", self.seed, RunSettings::SEED)?;
        if !self.from_model {
            within("depth", self.depth, Self::DEPTH)?;
            let side = model.transformer.sample_size;
            if self.patch_size == 0 || !Self::is_divided(side, self.patch_size) {
                return Err(out_of_range("patch", self.patch_size, &format!("a divisor of {side}")));
            }
            if !Self::HIDDEN_SIZES.contains(&self.hidden_size) {
                let known = Self::HIDDEN_SIZES.map(|size| size.to_string()).join(", ");
                return Err(out_of_range("width", self.hidden_size, &known));
            }
        }
        self.knobs.validate()
    }

    fn is_divided(size: SampleSize, patch_size: usize) -> bool {
        [size.height, size.width].iter().all(|side| side.is_multiple_of(patch_size))
    }

    /// The chosen classes as the trained model counts them.
    pub fn labels(&self) -> Vec<usize> {
        if self.from_model { self.classes.clone() } else { (0..self.classes.len()).collect() }
    }

    /// The model that comes of it.
    pub fn config(&self, model: &ModelConfig) -> ModelConfig {
        let transformer = match self.from_model {
            true => model.transformer.clone(),
            false => DitConfig {
                sample_size: model.transformer.sample_size,
                patch_size: self.patch_size,
                in_channels: model.transformer.in_channels,
                hidden_size: self.hidden_size,
                depth: self.depth,
                num_heads: (self.hidden_size / Self::HEAD).max(1),
                mlp_ratio: 4,
                num_classes: self.classes.len(),
                has_null_label: true,
                conditioning: Default::default(),
                learn_sigma: false,
                downscale_freq_shift: 0,
                mlp_norm_eps: DitConfig::NORM_EPS,
                qk_norm: false,
                block_embedders: false,
            },
        };
        // Guidance needs what the model says without a class.
        let guidance_scale = if transformer.has_null_label { Self::GUIDANCE } else { 1.0 };
        let scheduler = if self.from_model { model.scheduler.clone() } else { self.process() };
        let labels: Vec<String> = match self.from_model {
            true => model.labels.clone(),
            false => self.classes.iter().filter_map(|class| model.labels.get(*class).cloned()).collect(),
        };
        ModelConfig {
            name: format!("{} (own training)", model.name),
            transformer,
            autoencoder: model.autoencoder.clone(),
            audio: model.audio.clone(),
            text: model.text.clone(),
            latents: model.latents.clone(),
            defaults: RunSettings {
                class: model.defaults.class.min(labels.len().saturating_sub(1)),
                guidance_scale,
                sampler: scheduler.prediction_type.samplers()[0],
                ..RunSettings::default()
            },
            labels,
            scheduler,
            license: model.license.clone(),
        }
    }

    fn process(&self) -> DiffusionConfig {
        match self.prediction_type.is_flow() {
            true => DiffusionConfig::flow(),
            false => DiffusionConfig {
                clip_sample_range: Some(Self::CLIP_SAMPLE_RANGE),
                ..DiffusionConfig::new(BetaSchedule::Cosine, self.prediction_type, VarianceType::FixedSmall)
            },
        }
    }
}

impl Knobs {
    pub const LR: RangeInclusive<f64> = 1e-6..=1.0;
    pub const CLASS_DROPOUT: RangeInclusive<f64> = 0.0..=0.9;
    pub const GOAL: RangeInclusive<usize> = 64..=10_000_000;

    /// # Errors
    /// [`ConfigError::OutOfRange`] names the first that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        within("learning rate", self.lr, Self::LR)?;
        within("class dropout", self.class_dropout, Self::CLASS_DROPOUT)?;
        within("pictures", self.goal, Self::GOAL)
    }
}

fn within<T: PartialOrd + Display>(name: &'static str, value: T, range: RangeInclusive<T>) -> Result<(), ConfigError> {
    match range.contains(&value) {
        true => Ok(()),
        false => Err(out_of_range(name, value, &format!("{} to {}", range.start(), range.end()))),
    }
}

fn out_of_range(name: &'static str, value: impl ToString, allowed: &str) -> ConfigError {
    ConfigError::OutOfRange { name, value: value.to_string(), allowed: allowed.to_owned() }
}

/// From the page to the trainer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToTrainer {
    /// Load a model's autoencoder and training latents, and begin, or go on with what is kept.
    Begin {
        source: ModelSource,
        setup: Box<Setup>,
        /// Go on from the newest checkpoint that is kept, whose setup then holds.
        resume: bool,
    },
    /// Stop before the next step, and keep a checkpoint.
    Pause,
    GoOn,
    Change(Knobs),
    /// Back to the checkpoint of this step; those after it are forgotten.
    Undo {
        step: usize,
    },
    /// Give the trained model: its files, or one zip of its folder.
    Save {
        zip: bool,
    },
}

/// From the trainer to the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromTrainer {
    /// The script runs and takes messages.
    Ready,
    /// Bytes of autoencoder, weights and latents so far.
    Loading { loaded_bytes: u64, total_bytes: u64 },
    /// It can begin, or goes on. Buffer 0: the losses so far, f32 little-endian, a number a step.
    Begun {
        setup: Box<Setup>,
        config: Box<ModelConfig>,
        num_parameters: u64,
        /// Latents that it learns from.
        pictures: usize,
        /// Steps that were taken.
        step: usize,
    },
    /// Steps were taken. Buffer 0: their losses, f32 little-endian.
    Steps {
        /// After them.
        step: usize,
        pictures_per_second: f64,
        lr: f64,
    },
    /// What it says of a few training pictures. Buffer 0: u8 RGBA `[K, 3, H, W, 4]`: picture, picture under noise, what the
    /// model takes for the picture.
    Exercise { step: usize, image_shape: [usize; 2], labels: Vec<usize>, timesteps: Vec<usize> },
    /// Pictures of the averaged weights, always from the same noise, one for each of some classes. Buffer 0: u8 RGBA
    /// `[N, H, W, 4]`.
    Samples(SamplesInfo),
    /// It waits.
    Held { step: usize },
    /// The goal is reached, and it waits.
    Reached { step: usize },
    /// The checkpoints that there are, oldest first, and where they are kept.
    Kept { steps: Vec<usize>, place: Place },
    /// It is back at this step, where it waits. `why`: not because it was asked.
    Restored { step: usize, why: Option<Refusal> },
    /// The model's files; a buffer for each name.
    Saved { files: Vec<String>, zip: bool },
    /// It came to nothing.
    Failed { why: Refusal },
}

/// What samples are of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SamplesInfo {
    pub step: usize,
    pub image_shape: [usize; 2],
    /// Classes of the trained model.
    pub labels: Vec<usize>,
}

/// Where checkpoints are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// In the browser, over a reload.
    Browser,
    /// In memory: until the page is closed.
    Memory,
    /// The same, because another tab keeps its own.
    OtherTab,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> ModelConfig {
        serde_json::from_str(
            r#"{
            "name": "Tiny", "labels": ["one", "two", "three"], "latents": { "mean": [0.0], "std": [1.0] },
            "transformer": {
                "sample_size": 4, "patch_size": 2, "in_channels": 1, "hidden_size": 8, "depth": 1, "num_heads": 1,
                "num_classes": 3, "learn_sigma": false
            },
            "scheduler": { "beta_schedule": "linear", "prediction_type": "epsilon", "variance_type": "fixed_small" }
        }"#,
        )
        .expect("a configuration")
    }

    #[test]
    fn a_model_that_knows_no_other_label_than_its_classes_is_trained_on_without_guidance() {
        let mut model = model();
        model.transformer.has_null_label = false;
        let config = |from_model| Setup { from_model, ..Setup::suggested(&model) }.config(&model);
        assert_eq!((config(true).defaults.guidance_scale, config(true).transformer.has_null_label), (1.0, false));
        assert_eq!((config(false).defaults.guidance_scale, config(false).transformer.has_null_label), (3.0, true));
    }

    #[test]
    fn every_setup_makes_a_model() {
        let model = model();
        for prediction_type in [PredictionType::Epsilon, PredictionType::VPrediction, PredictionType::FlowPrediction] {
            for hidden_size in Setup::HIDDEN_SIZES {
                for from_model in [false, true] {
                    let setup = Setup {
                        prediction_type,
                        hidden_size,
                        from_model,
                        classes: vec![0, 2],
                        ..Setup::suggested(&model)
                    };
                    setup.validate(&model).expect("in range");
                    let config = setup.config(&model);
                    config.validate().unwrap_or_else(|error| panic!("{setup:?}: {error}"));
                    assert_eq!(
                        (config.labels.len(), config.labels[setup.labels()[1]].as_str()),
                        (if from_model { 3 } else { 2 }, "three")
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let model = model();
        type Change = fn(&mut Setup);
        let wrong: [(&str, Change); 9] = [
            ("patch", |setup| setup.patch_size = 3),
            ("classes", |setup| setup.classes = vec![]),
            ("class", |setup| setup.classes = vec![0, 7]),
            ("classes", |setup| setup.classes = vec![1, 0]),
            ("batch", |setup| setup.batch_size = 4),
            ("width", |setup| setup.hidden_size = 65),
            ("depth", |setup| setup.depth = 0),
            ("learning rate", |setup| setup.knobs.lr = f64::NAN),
            ("dropout", |setup| setup.knobs.class_dropout = 1.0),
        ];
        for (name, change) in wrong {
            let mut setup = Setup::suggested(&model);
            change(&mut setup);
            let said = setup.validate(&model).expect_err(name).to_string();
            assert!(said.contains(name), "{said}");
        }
    }

    #[test]
    fn messages_cross_as_they_are() {
        let (model, setup) = (model(), Box::new(Setup::suggested(&model())));
        let source = ModelSource::Url("https://a.b/c".into());
        let begin = ToTrainer::Begin { source, setup: setup.clone(), resume: true };
        for message in
            [begin, ToTrainer::Change(setup.knobs), ToTrainer::Undo { step: 3 }, ToTrainer::Save { zip: true }]
        {
            let json = serde_json::to_string(&message).expect("JSON");
            assert_eq!(serde_json::from_str::<ToTrainer>(&json).expect(&json), message);
        }
        let config = Box::new(model);
        for message in [
            FromTrainer::Begun { setup, config, num_parameters: 1, pictures: 2, step: 3 },
            FromTrainer::Steps { step: 3, pictures_per_second: 150.5, lr: 1e-3 },
            FromTrainer::Kept { steps: vec![0, 3], place: Place::Memory },
            FromTrainer::Restored { step: 0, why: None },
        ] {
            let json = serde_json::to_string(&message).expect("JSON");
            assert_eq!(serde_json::from_str::<FromTrainer>(&json).expect(&json), message);
        }
    }

    #[test]
    fn steps_reach_the_goal() {
        let mut setup = Setup { batch_size: 64, ..Setup::suggested(&model()) };
        setup.knobs.goal = 130;
        assert_eq!(setup.total_steps(), 3);
    }
}
