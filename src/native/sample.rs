//! `dit sample`: pictures from the command line.

use super::device::DeviceChoice;
use super::image::{self, Picture};
use super::model_dir::{self, write_file, write_json};
use super::record;
use crate::config::{ConfigError, SamplerKind};
use crate::diffusion::sampler::SamplerConfig;
use crate::generate::{Model, Noise, Request, Run};
use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use indicatif::ProgressBar;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Options of `dit sample`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  dit sample --model assets/models/fashion --class 9 --seed 7 --out boot.png
  dit sample --model assets/models/fashion --class 0,1,2 --seed 1,2,3 --out pictures --grid sheet.png --scale 4")]
pub struct SampleOptions {
    /// Folder of the model
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Class numbers or names, separated by commas; one for each picture, or one for all
    #[arg(long, value_delimiter = ',')]
    pub class: Vec<String>,
    /// Seeds, separated by commas; one for each picture, or one for all
    #[arg(long, value_delimiter = ',')]
    pub seed: Vec<u64>,
    /// How strongly the class steers each step [default: the model's]
    #[arg(long)]
    pub guidance_scale: Option<f64>,
    /// Latent channels that guidance steers [default: the model's]
    #[arg(long, value_name = "K")]
    pub guidance_channels: Option<usize>,
    /// ddim, ddpm or dpm++ [default: the model's]
    #[arg(long)]
    pub sampler: Option<SamplerKind>,
    /// Number of steps [default: the model's]
    #[arg(long)]
    pub steps: Option<usize>,
    /// DDIM's η: 0 deterministic, 1 as noisy as DDPM
    #[arg(long, default_value_t = 0.0)]
    pub eta: f64,
    /// PNG file, or for several pictures a folder that gets 0000.png, 0001.png, …
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
    /// Enlarge every pixel K times
    #[arg(long, value_name = "K", default_value_t = 1)]
    pub scale: usize,
    /// Safetensors file with `noise` (N,C,H,W) and, for ancestral samplers, `step_noise` (T,N,C,H,W)
    #[arg(long, value_name = "FILE")]
    pub noise: Option<PathBuf>,
    /// Write the final latents as tensor `latents` (safetensors)
    #[arg(long, value_name = "FILE")]
    pub latents_out: Option<PathBuf>,
    /// Record every step for the page: a folder that gets run.json and run.bin (one picture only)
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
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
    let device = options.device.device();
    let model = model_dir::load(&options.model, &device)?;
    let request = request(options, &model, &device)?;
    let classes = request.classes.clone();
    ensure!(options.record.is_none() || classes.len() == 1, "--record takes one picture, not {}", classes.len());
    let mut run = Run::new(&model, request.clone())?;
    let mut recorder = options.record.as_ref().map(|_| record::Recorder::new(&model, &request, &run));
    let bar = ProgressBar::new(run.sampler().num_steps() as u64);
    while !run.is_done() {
        let step = run.step()?;
        if let Some(recorder) = &mut recorder {
            recorder.push(&model, step.x_t, step.x0_hat);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let latents = run.x_t().clone();
    if let (Some(mut recorder), Some(dir)) = (recorder, &options.record) {
        recorder.push(&model, latents.clone(), latents.clone());
        recorder.save(dir)?;
    }
    if let Some(path) = &options.latents_out {
        write_latents(path, latents.clone())?;
    }
    write_pictures(options, &image::pictures(model.decode(latents)))
}

fn request(options: &SampleOptions, model: &Model, device: &Device) -> Result<Request> {
    let defaults = &model.config.defaults;
    let mut classes: Vec<usize> =
        options.class.iter().map(|class| parse_class(class, &model.config.labels)).collect::<Result<_, _>>()?;
    if classes.is_empty() {
        classes.push(defaults.class);
    }
    let mut seeds = if options.seed.is_empty() { vec![defaults.seed] } else { options.seed.clone() };
    let given = options.noise.as_ref().map(|path| read_noise(path, device)).transpose()?;
    let count = classes.len().max(seeds.len()).max(given.as_ref().map_or(1, |(start, _)| start.dims()[0]));
    repeat("--class", &mut classes, count)?;
    repeat("--seed", &mut seeds, count)?;
    let kind = options.sampler.unwrap_or(defaults.sampler);
    let steps = options.steps.unwrap_or(defaults.num_inference_steps);
    let guidance_scale = options.guidance_scale.unwrap_or(defaults.guidance_scale);
    ensure!(guidance_scale.is_finite(), "--guidance-scale {guidance_scale}: use a finite number");
    Ok(Request {
        classes,
        noise: match given {
            Some((start, steps)) => Noise::Given { start, steps },
            None => Noise::Seeded(seeds),
        },
        guidance_scale,
        guidance_channels: options.guidance_channels,
        sampler: SamplerConfig { eta: options.eta, ..SamplerConfig::new(kind, steps) },
    })
}

/// A class by its number or, in any case of letters, by its name.
fn parse_class(text: &str, labels: &[String]) -> Result<usize, ConfigError> {
    let by_name = labels.iter().position(|label| label.eq_ignore_ascii_case(text.trim()));
    let by_number = text.trim().parse().ok().filter(|class| *class < labels.len());
    by_name.or(by_number).ok_or_else(|| {
        let known = labels.iter().take(12).enumerate().map(|(i, label)| format!("{i} ({label})"));
        let mut known = known.collect::<Vec<_>>().join(", ");
        if labels.len() > 12 {
            known.push_str(&format!(", … up to {}", labels.len() - 1));
        }
        ConfigError::Unknown { what: "class", name: text.into(), known }
    })
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
    let bytes = model_dir::read_file(path)?;
    let file =
        SafeTensors::deserialize(&bytes).with_context(|| format!("{}: not a safetensors file", path.display()))?;
    let tensor = |name: &str| -> Result<Option<(Vec<usize>, Vec<f32>)>> {
        let Ok(view) = file.tensor(name) else { return Ok(None) };
        ensure!(view.dtype() == safetensors::Dtype::F32, "{}: '{name}' is not F32", path.display());
        let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let values: Vec<f32> = values.collect();
        ensure!(
            values.iter().all(|v| v.is_finite()),
            "{}: '{name}' holds NaN or infinite numbers. Record it again",
            path.display()
        );
        Ok(Some((view.shape().to_vec(), values)))
    };
    let Some((shape, values)) = tensor("noise")? else { bail!("{}: no tensor 'noise'", path.display()) };
    ensure!(shape.len() == 4, "{}: 'noise' has shape {shape:?}, expected [N, C, H, W]", path.display());
    let start = Tensor::from_data(TensorData::new(values, shape), device);
    let Some((shape, values)) = tensor("step_noise")? else { return Ok((start, Vec::new())) };
    ensure!(shape.len() == 5, "{}: 'step_noise' has shape {shape:?}, expected [T, N, C, H, W]", path.display());
    let size: usize = shape[1..].iter().product();
    let step = |values: &[f32]| Tensor::from_data(TensorData::new(values.to_vec(), shape[1..].to_vec()), device);
    Ok((start, values.chunks_exact(size.max(1)).map(step).collect()))
}

fn write_latents(path: &Path, latents: Tensor<4>) -> Result<()> {
    let shape = latents.dims().to_vec();
    let values: Vec<f32> = latents.into_data().convert::<f32>().try_into_vec().expect("converted to f32");
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let view = TensorView::new(safetensors::Dtype::F32, shape, &bytes).context("packing the latents")?;
    let file = safetensors::serialize([("latents", view)], None::<HashMap<String, String>>)?;
    write_file(path, &file)
}

fn write_pictures(options: &SampleOptions, pictures: &[Picture]) -> Result<()> {
    if let Some(path) = &options.grid {
        image::grid(pictures, options.columns.min(pictures.len()), options.gap)
            .enlarged(options.scale)
            .save_png(path)?;
    }
    let Some(out) = &options.out else { return Ok(()) };
    if let [picture] = pictures {
        return picture.enlarged(options.scale).save_png(out);
    }
    std::fs::create_dir_all(out).with_context(|| format!("{}: cannot create the folder", out.display()))?;
    for (i, picture) in pictures.iter().enumerate() {
        picture.enlarged(options.scale).save_png(&out.join(format!("{i:04}.png")))?;
    }
    Ok(())
}

/// Options of `dit info`.
#[derive(Debug, Clone, clap::Args)]
pub struct InfoOptions {
    /// Folder of the model
    pub model: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Prints what a model folder holds, its hashes verified.
///
/// # Errors
/// Names the file or tensor that is missing or wrong.
pub fn info(options: &InfoOptions) -> Result<()> {
    let model = model_dir::load(&options.model, &Device::flex())?;
    let config = &model.config;
    if options.json {
        println!("{}", serde_json::to_string_pretty(config)?);
        return Ok(());
    }
    let dit = &config.transformer;
    println!("{} ({})", config.name, config.license);
    println!(
        "transformer  depth {}, hidden size {}, {} heads, patch {}, {} tokens, {} classes",
        dit.depth,
        dit.hidden_size,
        dit.num_heads,
        dit.patch_size,
        dit.num_tokens(),
        dit.num_classes
    );
    println!("latent       {}x{}x{}", dit.in_channels, dit.sample_size, dit.sample_size);
    println!("picture      {}x{}x{}", config.image_channels(), config.image_size(), config.image_size());
    println!("parameters   {}", model.num_params());
    println!("hashes       verified");
    Ok(())
}

/// Writes the run in the page's format.
pub fn write_recording(dir: &Path, run: &crate::protocol::RecordedRun, frames: &[u8]) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("{}: cannot create the folder", dir.display()))?;
    write_file(&dir.join("run.bin"), frames)?;
    write_json(&dir.join("run.json"), run)
}
