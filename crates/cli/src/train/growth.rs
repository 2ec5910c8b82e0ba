//! Pictures that a training of the transformer keeps of itself, at steps that lie evenly on a log scale: `dit data growth`
//! makes a film of them.

use super::checkpoint;
use crate::image::{self, Picture};
use anyhow::{Context, Result};
use ditscope_config::{Growth, ModelConfig};
use ditscope_core::diffusion::sampler::{Sampler, SamplerConfig};
use ditscope_core::generate::{Model, Noise, Request, Run};
use ditscope_model_dir::{read_file, write_json};
use std::path::{Path, PathBuf};

/// The folder in that of a training, and what its pictures have in common.
const FOLDER: &str = "growth";
const OUTLINE: &str = "growth.json";

/// More classes would not fit beside each other.
const MOST_CLASSES: usize = 8;
/// A run takes so many steps, and is looked at so often before its end.
const STEPS: usize = 20;
const LOOKS: usize = 5;

/// Keeps the pictures of a training.
pub struct Keeper {
    folder: PathBuf,
    growth: Growth,
}

impl Keeper {
    /// For the training in an output folder. Pictures of steps after its checkpoint are removed, because these steps are
    /// taken again.
    ///
    /// # Errors
    /// Names the file that cannot be written or removed.
    pub fn open(out: &Path, config: &ModelConfig) -> Result<Self> {
        let folder = out.join(FOLDER);
        let progress = checkpoint::progress(out)?;
        for (step, path) in kept(&folder) {
            if progress.is_none_or(|progress| step > progress.step) {
                std::fs::remove_file(&path).with_context(|| format!("{}: cannot remove it", path.display()))?;
            }
        }
        std::fs::create_dir_all(&folder).with_context(|| format!("{}: cannot create the folder", folder.display()))?;
        let growth = outline(config)?;
        write_json(&folder.join(OUTLINE), &growth)?;
        Ok(Self { folder, growth })
    }

    /// Keeps what the model makes after so many steps: a row for each class, in it its run.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn keep(&self, model: &Model, step: usize) -> Result<()> {
        let looks = looks(model, &self.growth)?;
        let classes = 0..self.growth.classes.len();
        let pictures: Vec<Picture> =
            classes.flat_map(|class| looks.iter().map(move |look| look[class].clone())).collect();
        image::grid(&pictures, self.growth.places(), 0).save_png(&self.folder.join(name(step)))
    }
}

/// What the pictures of the training in an output folder have in common, and the files that it kept, by step.
///
/// # Errors
/// There are none; the file that is damaged.
pub fn read(out: &Path) -> Result<(Growth, Vec<(usize, PathBuf)>)> {
    let folder = out.join(FOLDER);
    let missing = || {
        format!(
            "{}: no pictures of a training in it. 'dit train dit' keeps them from its first step on; from a training that was \
             made before it did none can be had: samples-*.png have other steps, and nothing of a run but its end",
            folder.display()
        )
    };
    let json = read_file(&folder.join(OUTLINE)).with_context(missing)?;
    let growth = serde_json::from_slice(&json).with_context(|| folder.join(OUTLINE).display().to_string())?;
    Ok((growth, kept(&folder)))
}

fn name(step: usize) -> String {
    format!("step-{step:06}.png")
}

fn kept(folder: &Path) -> Vec<(usize, PathBuf)> {
    let step = |path: &Path| path.file_name()?.to_str()?.strip_prefix("step-")?.strip_suffix(".png")?.parse().ok();
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut kept: Vec<(usize, PathBuf)> = files.filter_map(|path| Some((step(&path)?, path))).collect();
    kept.sort();
    kept
}

/// One picture each of the first classes, with fixed seeds and the model's own sampler and guidance.
fn outline(config: &ModelConfig) -> Result<Growth> {
    let classes: Vec<usize> = (0..config.labels.len().min(MOST_CLASSES)).collect();
    let kind = config.defaults.sampler;
    let sampler = Sampler::new(&config.scheduler, SamplerConfig::new(kind, STEPS))?;
    let [height, width] = config.image_shape();
    Ok(Growth {
        model: config.name.clone(),
        width,
        height,
        labels: config.labels[..classes.len()].to_vec(),
        seeds: classes.iter().map(|class| *class as u64).collect(),
        classes,
        sampler: kind,
        num_inference_steps: STEPS,
        guidance_scale: config.defaults.guidance_scale,
        timesteps: (0..LOOKS).map(|look| sampler.timestep(step_of(look, sampler.num_steps()))).collect(),
        steps: vec![],
        loss: vec![],
        repeated: false,
    })
}

/// The step of a run after which it is looked at.
fn step_of(look: usize, num_steps: usize) -> usize {
    look * num_steps / LOOKS
}

/// The pictures of all classes at each look at their run: x̂0, and at last what is finished.
fn looks(model: &Model, growth: &Growth) -> Result<Vec<Vec<Picture>>> {
    let request = Request {
        classes: growth.classes.clone(),
        noise: Noise::Seeded(growth.seeds.clone()),
        guidance_scales: vec![growth.guidance_scale],
        guidance_channels: None,
        sampler: SamplerConfig::new(growth.sampler, growth.num_inference_steps),
        start: None,
    };
    let mut run = Run::new(model, request)?;
    let num_steps = run.steps_left();
    let mut looks = Vec::with_capacity(growth.places());
    for at in 0..num_steps {
        let step = run.step()?;
        let here = (0..LOOKS).filter(|look| step_of(*look, num_steps) == at).count();
        if here > 0 {
            looks.extend(vec![image::pictures(model.decode(step.x0_hat)); here]);
        }
    }
    looks.push(image::pictures(model.decode(run.x_t().clone())));
    Ok(looks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::begun::Begun;
    use crate::train::trainer::{TrainOptions, Trainer};
    use burn::tensor::Device;
    use clap::Parser;
    use ditscope_core::dit::Dit;
    use ditscope_core::weights::collect;
    use ditscope_train::{DitTask, Latents};
    use serde_json::Map;

    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        train: TrainOptions,
    }

    const MODEL: &str = r#"{
        "name": "Tiny", "labels": ["one", "two"], "latents": { "mean": [0.0], "std": [1.0] },
        "transformer": {
            "sample_size": 2, "patch_size": 2, "in_channels": 1, "hidden_size": 8, "depth": 1, "num_heads": 1,
            "num_classes": 2, "learn_sigma": false
        },
        "scheduler": { "beta_schedule": "linear", "prediction_type": "epsilon", "variance_type": "fixed_small" }
    }"#;

    /// Five steps, with moments kept or not: the weights that come out.
    fn trained(model: Dit, is_kept: bool) -> (Vec<Vec<f32>>, Vec<usize>) {
        let out = tempfile::tempdir().expect("a temporary folder");
        let words =
            "dit --data none --batch-size 4 --micro-batch-size 4 --threads 1 --warmup-steps 1 --epochs 2.5 --out";
        let train = Options::parse_from(words.split(' ').chain(out.path().to_str())).train;
        let config: ModelConfig = serde_json::from_str(MODEL).expect("a configuration");
        let device = Device::flex().autodiff();
        let latents = Latents::new((0..32).map(|i| (i as f32).sin()).collect(), [1, 2, 2]);
        let task = DitTask::new(&config, latents, (0..8).map(|i| i % 2).collect(), &device);
        let keeper = Keeper::open(out.path(), &config).expect("a folder");
        let whole = |dit: &Dit| Model::of(config.clone(), dit.clone(), None, Device::flex());
        let keep = |ema: &Dit, step: usize| keeper.keep(&whole(ema), step);
        let trainer = Trainer::new(task, &train, &device, model, Begun::new("dit", &Map::new(), &Map::new(), &config));
        let trainer = trainer.expect("good options");
        let trainer = if is_kept { trainer.keeping(&keep) } else { trainer };
        let ema = trainer.run(|_, _| Ok(None)).expect("a training");
        let steps = read(out.path()).expect("an outline").1.into_iter().map(|(step, _)| step).collect();
        (collect(&ema, "").into_iter().map(|tensor| tensor.values).collect(), steps)
    }

    #[test]
    fn what_is_kept_changes_nothing_of_the_training() {
        let config: ModelConfig = serde_json::from_str(MODEL).expect("a configuration");
        let model = Dit::new(&config.transformer, &Device::flex().autodiff());
        let ((with, moments), (without, none)) = (trained(model.clone(), true), trained(model, false));
        assert_eq!((moments, none), (vec![0, 1, 2, 4, 5], vec![]));
        assert_eq!(with, without, "to the last bit");
    }
}
