//! `dit train dit`: the transformer, on latents that were encoded once.

use super::begun::Begun;
use super::checkpoint;
use super::data::{fingerprint, hash};
use super::given::Given;
use super::growth::Keeper;
use super::shape::Shape;
use super::trainer::{Changeable, TrainOptions, Trainer, finished};
use crate::image;
use crate::output::{note, say};
use anyhow::{Context, Result, bail, ensure};
use burn::module::Module;
use burn::tensor::Device;
use ditscope_config::{DiffusionConfig, LatentStats, ModelConfig, RunSettings};
use ditscope_core::autoencoder::Autoencoder;
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::dit::Dit;
use ditscope_core::generate::{Model, Noise, Request, Run};
use ditscope_core::weights::Dtype;
use ditscope_model_dir as model_dir;
use ditscope_train::DitTask;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Options of `dit train dit`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  dit train autoencoder --data data/fashion-mnist --out runs/autoencoder
  dit train dit --data data/fashion-mnist --autoencoder runs/autoencoder --out runs/dit --prediction-type v
  dit train dit --data data/fashion-mnist --autoencoder runs/autoencoder --out runs/quick --max-minutes 30
  dit train dit --data data/places --out runs/places --prediction-type v --hidden-size 128 --depth 5 --num-heads 4
  dit train dit --latents assets/models/fashion --autoencoder assets/models/fashion --out runs/small --hidden-size 64 --depth 4
  dit sample --model runs/dit/model --class 9 --out boot.png

How long: first the pictures are encoded, 60,000 in a few minutes on two cores (kept in OUT/latents.safetensors for the next \
start). Then some 50 to 100 pictures a second are trained on with the defaults on two cores: an epoch of 60,000 takes 10 to 20 \
minutes, and shapes are clear after about 5. A larger model takes longer in proportion to its parameters.

Where the result lies: the model in OUT/model, which is what 'dit sample --model' wants; OUT/samples-STEP.png show how \
far it is, OUT/growth how its pictures grew ('dit data growth' makes a film of that), OUT/log.csv has a line a step, \
OUT/checkpoint what the same command goes on from. Ctrl-C and SIGTERM write the checkpoint and end with the codes 130 and 143.")]
pub struct DitOptions {
    #[command(flatten)]
    pub train: TrainOptions,
    /// Output folder of 'dit train autoencoder', or a model whose autoencoder is taken; none for words, whose letters are the
    /// latents
    #[arg(long, value_name = "DIR", required_unless_present = "data")]
    pub autoencoder: Option<PathBuf>,
    /// Train on these latents, which 'dit data latents' made with the autoencoder, instead of encoding a data set: the folder
    /// of latents.json and latents.bin
    #[arg(long, value_name = "DIR", conflicts_with = "data")]
    pub latents: Option<PathBuf>,
    /// Start from the transformer of this model; its latent statistics stay. It may have put out another thing than
    /// --prediction-type asks for: the first hundreds of steps turn it
    #[arg(long, value_name = "MODEL")]
    pub init: Option<PathBuf>,
    /// Name of the model, for people [default: the data set's]
    #[arg(long)]
    pub name: Option<String>,
    /// Class that a run shows when nothing is chosen [default: 9, or the last one]
    #[arg(long, value_name = "NUMBER")]
    pub default_class: Option<usize>,
    #[command(flatten)]
    pub shape: Shape,
    /// Distil: aim half-way between the noise that was added and what this model says of it
    #[arg(long, value_name = "MODEL")]
    pub teacher: Option<PathBuf>,
    /// Share of labels replaced by "no class", for guidance
    #[arg(long, default_value_t = 0.1)]
    pub class_dropout: f64,
    /// Weigh the error of the clean latent at each timestep by min(SNR, γ) (Hang et al. 2023)
    #[arg(long, value_name = "GAMMA")]
    pub min_snr_gamma: Option<f64>,
    /// Leave out the mirror images that a set like Fashion-MNIST is enlarged by: its shoes look to one side, and samples are
    /// to do so, too
    #[arg(long)]
    pub no_mirror: bool,
}

/// What makes the model, as it is kept with the checkpoint.
#[derive(Debug, Serialize, Deserialize)]
struct Making {
    #[serde(flatten)]
    shape: Shape,
    seed: Option<u64>,
    data: String,
    autoencoder: String,
}

/// What may be another when the training goes on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Rest {
    #[serde(flatten)]
    train: Changeable,
    class_dropout: f64,
    min_snr_gamma: Option<f64>,
    no_mirror: Option<bool>,
}

impl DitOptions {
    fn validate(&self) -> Result<()> {
        self.train.validate()?;
        if !(0.0..1.0).contains(&self.class_dropout) {
            bail!("--class-dropout {}: use 0 up to 1", self.class_dropout);
        }
        if let Some(gamma) = self.min_snr_gamma.filter(|gamma| !(gamma.is_finite() && *gamma > 0.0)) {
            bail!("--min-snr-gamma {gamma}: use a positive number");
        }
        #[cfg(feature = "nodes")]
        if self.teacher.is_some() && self.train.nodes.is_used() {
            bail!("--teacher with --nodes: the teacher is on this machine only; leave one of them away");
        }
        Ok(())
    }

    fn rest(&self) -> Rest {
        Rest {
            train: self.train.changeable(),
            class_dropout: self.class_dropout,
            min_snr_gamma: self.min_snr_gamma,
            no_mirror: self.no_mirror.then_some(true),
        }
    }

    fn config(&self, shape: &Shape, given: &Given, latents: LatentStats) -> Result<ModelConfig> {
        let (data, autoencoder) = (&given.data.info, given.config.clone());
        let scheduler = shape.diffusion();
        let config = ModelConfig {
            name: self.name.clone().unwrap_or_else(|| data.name.clone()),
            transformer: shape.transformer_for(data, autoencoder.as_ref()),
            autoencoder,
            latents,
            audio: data.audio.clone(),
            text: data.text.clone(),
            labels: data.labels.clone(),
            defaults: RunSettings {
                class: self.default_class.unwrap_or(9).min(data.labels.len() - 1),
                guidance_scale: 2.0,
                seed: 9,
                sampler: scheduler.prediction_type.samplers()[0],
                ..RunSettings::default()
            },
            scheduler,
            license: format!("MIT OR Apache-2.0 (weights); data: {}", data.license),
        };
        config.validate()?;
        Ok(config)
    }

    /// What makes the model: of the training that goes on, else of the command line.
    fn making(&self, given: &Given, before: Option<&Begun>) -> Result<Making> {
        let making = Making {
            shape: self.shape.resolved()?,
            seed: self.train.seed,
            data: fingerprint(&given.data),
            autoencoder: given.autoencoder.as_ref().map_or_else(|| "none".into(), hash),
        };
        let making = match before {
            Some(before) => before.settle(&self.train.out, "dit", &making)?,
            None => making,
        };
        making.shape.validate()?;
        Ok(Making { shape: making.shape.with_defaults(&given.data.info), seed: making.seed.or(Some(0)), ..making })
    }

    /// What it says where the model is there and no step is left.
    fn finished(&self, pictures: usize) -> Result<Option<String>> {
        let Some(progress) = checkpoint::progress(&self.train.out)? else { return Ok(None) };
        let total = self.train.total_steps(pictures);
        let is_done = self.train.share(&progress, total) >= 1.0 && self.model().join(model_dir::CONFIG_FILE).is_file();
        Ok(is_done.then(|| finished(&progress, total)))
    }

    fn model(&self) -> PathBuf {
        self.train.out.join("model")
    }
}

/// Trains a transformer and writes the model folder `OUT/model`.
///
/// # Errors
/// Bad options, data or an autoencoder that cannot be read, files that cannot be written, an interruption.
pub fn run(options: &DitOptions) -> Result<()> {
    options.validate()?;
    options.train.begin()?;
    let plain = options.train.device.device();
    let device = plain.clone().autodiff();
    let given = Given::read(options, &plain)?;
    let before = Begun::read(&options.train.out)?;
    let making = options.making(&given, before.as_ref())?;
    if let Some(finished) = options.finished(given.data.len())? {
        note!("{finished}");
        return say!("{} is there already", options.model().display());
    }
    device.seed(making.seed.unwrap_or(0));
    // Before the long encoding, so that a mistake is told at once.
    let start = start(options, &making.shape, &given, before.as_ref(), &device)?;
    options.train.try_out()?;
    let key = format!("{} {}", making.data, making.autoencoder);
    let (mut latents, stats) = given.latents(&options.train, &key, &plain);
    let (config, model) = match start {
        Some(start) => start,
        None => {
            let config = options.config(&making.shape, &given, stats)?;
            let model = Dit::new(&config.transformer, &device);
            (config, model)
        }
    };
    if given.set.is_none() {
        latents.standardize(&config.latents);
    }
    if options.no_mirror {
        latents.truncate(given.data.len());
    }
    say!("transformer: {} parameters, {} tokens", model.num_params(), config.transformer.num_tokens())?;
    let teacher = options.teacher.as_ref().map(|dir| load_teacher(dir, &config, &plain)).transpose()?;
    let task = DitTask {
        class_dropout: options.class_dropout,
        min_snr_gamma: options.min_snr_gamma,
        timestep_sampling: making.shape.timestep_sampling(),
        teacher,
        ..DitTask::new(&config, latents, given.data.labels, &device)
    };
    let whole = |dit: &Dit| {
        let autoencoder = given.autoencoder.clone().map(Autoencoder::Tiny);
        Model::of(config.clone(), dit.clone(), autoencoder, plain.clone())
    };
    let report = |ema: &Dit, step: usize| {
        save_samples(&whole(ema), &options.train.out.join(format!("samples-{step:06}.png"))).map(|()| None)
    };
    let begun = Begun::new("dit", &making, &options.rest(), &config);
    let train = TrainOptions { seed: making.seed, ..options.train.clone() };
    let keeper = Keeper::open(&options.train.out, &config)?;
    let keep = |ema: &Dit, step: usize| keeper.keep(&whole(ema), step);
    let ema = Trainer::new(task, &train, &device, model, begun)?.keeping(&keep).run(report)?;
    model_dir::save(&options.model(), &whole(&ema), Dtype::F16)?;
    say!("wrote {}", options.model().display())
}

/// Configuration and weights, where they are known before the latents are: of the training that goes on, or of --init.
fn start(
    options: &DitOptions,
    shape: &Shape,
    given: &Given,
    before: Option<&Begun>,
    device: &Device,
) -> Result<Option<(ModelConfig, Dit)>> {
    if let Some(before) = before {
        let mut config: ModelConfig = before.model(&options.train.out)?;
        if let Some(name) = &options.name {
            config.name.clone_from(name);
        }
        if let Some(class) = options.default_class {
            config.defaults.class = class.min(config.labels.len() - 1);
        }
        config.validate()?;
        let model = Dit::new(&config.transformer, device);
        return Ok(Some((config, model)));
    }
    if let Some(dir) = &options.init {
        return start_from(dir, options, shape, given, device).map(Some);
    }
    // The numbers of the latents do not matter here: is everything else right?
    let channels = given.latent_channels();
    let unknown = LatentStats { mean: vec![0.0; channels], std: vec![1.0; channels], rgb: None };
    options.config(shape, given, unknown).map(|_| None)
}

/// Eight pictures of each class, one class a row.
fn save_samples(model: &Model, path: &Path) -> Result<()> {
    const COLUMNS: usize = 8;
    let classes: Vec<usize> = (0..model.config.labels.len() * COLUMNS).map(|i| i / COLUMNS).collect();
    let request = Request {
        noise: Noise::Seeded((0..classes.len() as u64).collect()),
        classes,
        guidance_scales: vec![model.config.defaults.guidance_scale],
        guidance_channels: None,
        sampler: SamplerConfig::new(model.config.defaults.sampler, 20),
        start: None,
    };
    let mut run = Run::new(model, request)?;
    while !run.is_done() {
        run.step()?;
    }
    let pictures = image::pictures(model.decode(run.x_t().clone()));
    image::grid(&pictures, COLUMNS, 2).enlarged(2).save_png(path)
}

/// The transformer of a model and the configuration to train it on with.
fn start_from(
    dir: &Path,
    options: &DitOptions,
    shape: &Shape,
    given: &Given,
    device: &Device,
) -> Result<(ModelConfig, Dit)> {
    let found = model_dir::read_config(dir).context("--init wants a model")?;
    let config = options.config(shape, given, found.latents.clone())?;
    let process = DiffusionConfig { prediction_type: config.scheduler.prediction_type, ..found.scheduler.clone() };
    ensure!(
        found.transformer == config.transformer && process == config.scheduler,
        "--init {}: that model is {:?}, {:?}; the options ask for {:?}, {:?}: give the options that it was trained with",
        dir.display(),
        found.transformer,
        found.scheduler,
        config.transformer,
        config.scheduler
    );
    Ok((config, model_dir::load_transformer(dir, device)?))
}

/// The model to learn from: it must have the same noise schedule, latents and prediction type.
fn load_teacher(dir: &Path, config: &ModelConfig, device: &Device) -> Result<Dit> {
    let found = model_dir::read_config(dir).context("--teacher wants a model")?;
    let shape = |c: &ModelConfig| (c.transformer.in_channels, c.transformer.sample_size, c.transformer.num_classes);
    ensure!(
        shape(&found) == shape(config) && found.scheduler == config.scheduler && found.latents == config.latents,
        "--teacher {}: latents, classes or noise of that model are others than this one's: give --autoencoder and --init of one family",
        dir.display()
    );
    model_dir::load_transformer(dir, device)
}
