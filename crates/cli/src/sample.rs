//! `dit sample`: pictures from the command line.

use super::device::DeviceChoice;
use super::eval_words::words;
use super::image::{self, Picture};
use super::output::say;
use super::tensors::{self, TensorFile};
use super::{classes, record, sound, targets};
use anyhow::{Context, Error, Result, bail, ensure};
use burn::tensor::{Device, Tensor};
use ditscope_config::{SamplerKind, TimestepSpacing, capitalised};
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Model, Noise, Request, Run, Start};
use ditscope_frames::Frame;
use ditscope_model_dir::{write_file, write_json};
use ditscope_protocol::RecordedRun;
use indicatif::ProgressBar;
use pollster::block_on;
use std::path::{Path, PathBuf};

/// Options of `dit sample`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  dit sample --model assets/models/fashion --class 9 --seed 7 --out boot.png
  dit sample --model assets/models/fashion --class 0,1,2 --seed 1,2,3 --out pictures --grid sheet.png --scale 4
  dit sample --model assets/models/fashion --class 7 --init-image boot.png --strength 0.6 --out sneaker.png")]
pub struct SampleOptions {
    /// Folder of the model
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Class numbers or names, separated by commas; one for each picture, or one for all. Where a name is a number, too,
    /// '#7' is the number and '"7"' the name
    #[arg(long)]
    pub class: Vec<String>,
    /// Seeds, separated by commas; one for each picture, or one for all
    #[arg(long, value_delimiter = ',')]
    pub seed: Vec<u64>,
    /// How strongly the class steers each step; one for each picture, or one for all [default: the model's]
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    pub guidance_scale: Vec<f64>,
    /// Latent channels that guidance steers [default: the model's]
    #[arg(long, value_name = "K")]
    pub guidance_channels: Option<usize>,
    /// ddim, ddpm, dpm++ or unipc; of flow models euler or heun [default: the model's]
    #[arg(long)]
    pub sampler: Option<SamplerKind>,
    /// Number of steps [default: the model's]
    #[arg(long)]
    pub steps: Option<usize>,
    /// Which timesteps are visited: leading, trailing or linspace, as diffusers' schedulers have them, or uniform, the usual
    /// one of each sampler here [default: the model's]
    #[arg(long, value_name = "SPACING")]
    pub timestep_spacing: Option<TimestepSpacing>,
    /// DDIM's η: 0 deterministic, 1 as noisy as DDPM [default: 0]
    #[arg(long)]
    pub eta: Option<f64>,
    /// Begin with this picture (PNG or JPEG; cut to a square and resized, transparent parts on the model's ground), noised
    /// as far as --strength says
    #[arg(long, value_name = "FILE")]
    pub init_image: Option<PathBuf>,
    /// How much of the run is left to change it: near 0 it stays, 1 takes all steps
    #[arg(long, requires = "init_image", default_value_t = 0.8)]
    pub strength: f64,
    /// PNG file, or for several pictures a folder that gets 0000.png, 0001.png, …, with the sound as .wav beside each
    /// where the pictures are spectrograms. Words are printed, too. A model of latents without an autoencoder gives their linear preview
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// Contact sheet of all pictures (PNG)
    #[arg(long, value_name = "FILE")]
    pub grid: Option<PathBuf>,
    /// Pictures in a row of the contact sheet
    #[arg(long, default_value_t = 8)]
    pub columns: usize,
    /// Pixels between the pictures of the contact sheet
    #[arg(long, default_value_t = 2)]
    pub gap: usize,
    /// Break words on the contact sheet into lines, so that each is a square: for a model's thumbnails.png
    #[arg(long)]
    pub broken: bool,
    /// Enlarge every pixel K times
    #[arg(long, value_name = "K", default_value_t = 1)]
    pub scale: usize,
    /// Safetensors file with `noise` (N,C,H,W) and, for ancestral samplers, `step_noise` (T,N,C,H,W)
    #[arg(long, value_name = "FILE")]
    pub noise: Option<PathBuf>,
    /// Write the final latents as tensor `latents` (safetensors)
    #[arg(long, value_name = "FILE")]
    pub latents_out: Option<PathBuf>,
    /// Record every step for the page: a folder that gets run.json and run.bin (one picture, or one at several guidance
    /// scales)
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// What computes
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,
}

/// Generates pictures and writes what was asked for.
///
/// # Errors
/// Names the option or file that is wrong, and the cure.
pub fn run(options: &SampleOptions) -> Result<()> {
    ensure!(
        options.out.is_some() || options.grid.is_some() || options.latents_out.is_some() || options.record.is_some(),
        "nothing to write: give --out, --grid, --latents-out or --record"
    );
    ensure!((1..=64).contains(&options.scale), "--scale {}: use 1 to 64", options.scale);
    ensure!(options.columns > 0, "--columns 0: use a positive number");
    for (option, path, format) in
        [("--grid", &options.grid, "png"), ("--latents-out", &options.latents_out, "safetensors")]
    {
        path.as_ref().map_or(Ok(()), |path| targets::check(option, path, format))?;
    }
    let device = options.device.device();
    let model = options.device.load(&options.model)?;
    ensure!(!options.broken || model.config.text.is_some(), "--broken: its pictures are no words");
    let request = request(options, &model, &device)?;
    let count = request.classes.len();
    ensure!(
        options.record.is_none() || record::is_one_picture(&request),
        "--record takes one picture, or one class and seed at several guidance scales, not {count} pictures"
    );
    match &options.out {
        Some(out) if count == 1 => targets::check("--out", out, "png")?,
        Some(out) => targets::check_folder(out, count)?,
        None => {}
    }
    let mut run = Run::new(&model, request.clone())?;
    if options.record.is_some() {
        run = run.watched();
    }
    let mut recorder = options.record.as_ref().map(|_| record::Recorder::new(&model, &request, &run));
    let bar = ProgressBar::new(run.steps_left() as u64);
    while !run.is_done() {
        let step = run.step()?;
        if let Some(recorder) = &mut recorder {
            recorder.push(block_on(Frame::of_step(&model, step, vec![], false)).map_err(Error::msg)?);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let latents = run.x_t().clone();
    print_words(&model, &request.classes, &latents)?;
    if let (Some(mut recorder), Some(dir)) = (recorder, &options.record) {
        recorder.push(block_on(Frame::of_result(&model, latents.clone())).map_err(Error::msg)?);
        recorder.save(dir)?;
    }
    if let Some(path) = &options.latents_out {
        tensors::write(path, "latents", latents.clone())?;
    }
    if options.out.is_none() && options.grid.is_none() {
        return Ok(());
    }
    let images = model.decode(latents); // [N, C, H, W]
    let files = write_pictures(options, &image::pictures(images.clone()))?;
    match &model.config.audio {
        Some(audio) => sound::write_beside(files.iter().map(PathBuf::as_path), images, audio),
        None => Ok(()),
    }
}

/// The words of a model whose pictures are words.
fn print_words(model: &Model, classes: &[usize], latents: &Tensor<4>) -> Result<()> {
    let Some(text) = &model.config.text else { return Ok(()) };
    for (class, word) in classes.iter().zip(words(model, text, latents.clone())) {
        say!("{}: {}", model.config.labels[*class], capitalised(&word))?;
    }
    Ok(())
}

fn request(options: &SampleOptions, model: &Model, device: &Device) -> Result<Request> {
    let defaults = &model.config.defaults;
    let mut classes = classes::parse(&options.class, &model.config.labels)?;
    if classes.is_empty() {
        classes.push(defaults.class);
    }
    let mut seeds = if options.seed.is_empty() { vec![defaults.seed] } else { options.seed.clone() };
    let given = options.noise.as_ref().map(|path| read_noise(path, device)).transpose()?;
    let mut guidance_scales = options.guidance_scale.clone();
    if guidance_scales.is_empty() {
        guidance_scales.push(defaults.guidance_scale);
    }
    let counts =
        [classes.len(), seeds.len(), guidance_scales.len(), given.as_ref().map_or(1, |(x_t, _)| x_t.dims()[0])];
    let count = counts.into_iter().fold(1, usize::max);
    repeat("--class", &mut classes, count)?;
    repeat("--seed", &mut seeds, count)?;
    repeat("--guidance-scale", &mut guidance_scales, count)?;
    let kind = options.sampler.unwrap_or(defaults.sampler);
    let steps = options.steps.unwrap_or(defaults.num_inference_steps);
    ensure!(
        options.eta.is_none() || kind == SamplerKind::Ddim,
        "--eta: it is DDIM's, and the sampler is {}: leave it out, or give --sampler ddim",
        kind.name()
    );
    if let Some(scale) = guidance_scales.iter().find(|scale| !scale.is_finite()) {
        bail!("--guidance-scale {scale}: use a finite number");
    }
    Ok(Request {
        classes,
        noise: match given {
            Some((start, steps)) => Noise::Given { start, steps },
            None => Noise::Seeded(seeds),
        },
        guidance_scales,
        guidance_channels: options.guidance_channels,
        sampler: SamplerConfig {
            eta: options.eta.unwrap_or(0.0),
            spacing: options.timestep_spacing,
            ..SamplerConfig::new(kind, steps)
        },
        start: options
            .init_image
            .as_ref()
            .map(|path| start(path, options.strength, steps, model, &options.model))
            .transpose()?,
    })
}

/// The picture to begin with, and the step at which it comes in.
fn start(path: &Path, strength: f64, num_steps: usize, model: &Model, folder: &Path) -> Result<Start> {
    ensure!((0.0..=1.0).contains(&strength), "--strength {strength}: use 0 to 1");
    let step = Start::step_for(strength, num_steps);
    ensure!(
        num_steps == 0 || step < num_steps,
        "--strength {strength} leaves none of the {num_steps} steps: use {:.3} or more",
        1.0 / num_steps as f64
    );
    let (side, channels) = (model.config.image_size(), model.config.image_channels());
    let picture = Picture::open(path, side, channels, || image::ground_of(folder, side))?;
    let images = picture.tensor(&model.device); // [1, C, H, W]
    Ok(Start { step, x0: model.encode(images).with_context(|| format!("--init-image {}", path.display()))? })
}

/// One value serves for all pictures.
fn repeat<T: Clone>(name: &str, values: &mut Vec<T>, count: usize) -> Result<()> {
    if values.len() == 1 {
        *values = vec![values[0].clone(); count];
    }
    ensure!(
        values.len() == count,
        "{name} has {} entries for {count} pictures: give one, or one for each",
        values.len()
    );
    Ok(())
}

fn read_noise(path: &Path, device: &Device) -> Result<(Tensor<4>, Vec<Tensor<4>>)> {
    let file = TensorFile::read(path)?;
    let start = file.on_device("noise", "[N, C, H, W]", device)?;
    if file.find("step_noise")?.is_none() {
        return Ok((start, Vec::new()));
    }
    let steps = file.on_device::<5>("step_noise", "[T, N, C, H, W]", device)?;
    Ok((start, steps.iter_dim(0).map(|step| step.squeeze_dim(0)).collect()))
}

/// The files of single pictures that it wrote.
fn write_pictures(options: &SampleOptions, pictures: &[Picture]) -> Result<Vec<PathBuf>> {
    if let Some(path) = &options.grid {
        let broken: Vec<Picture> = match options.broken {
            true => pictures.iter().map(image::broken).collect(),
            false => pictures.to_vec(),
        };
        image::grid(&broken, options.columns.min(pictures.len()), options.gap)
            .enlarged(options.scale)
            .save_png(path)?;
    }
    let Some(out) = &options.out else { return Ok(vec![]) };
    if let [picture] = pictures {
        picture.enlarged(options.scale).save_png(out)?;
        return Ok(vec![out.clone()]);
    }
    std::fs::create_dir_all(out).with_context(|| format!("{}: cannot create the folder", out.display()))?;
    let files: Vec<PathBuf> = (0..pictures.len()).map(|i| out.join(format!("{i:04}.png"))).collect();
    for (picture, file) in pictures.iter().zip(&files) {
        picture.enlarged(options.scale).save_png(file)?;
    }
    Ok(files)
}

/// Writes the run in the page's format.
pub fn write_recording(dir: &Path, run: &RecordedRun, frames: &[u8]) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("{}: cannot create the folder", dir.display()))?;
    write_file(&dir.join("run.bin"), frames)?;
    write_json(&dir.join("run.json"), run)
}
