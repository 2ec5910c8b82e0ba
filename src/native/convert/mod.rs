//! `dit convert`: published weights → our folders.
//!
//! Read first, written after: headers and pickles say which tensors there are; names and shapes
//! decide what it is (`transformer`, `autoencoder`); then the numbers are streamed from the source
//! files into shards ([`write`]), about a megabyte at a time. Only the fit of the preview, after
//! that, loads something whole: the decoder.

mod autoencoder;
mod card;
pub mod checkpoint;
mod diffusers;
mod labels;
mod layout;
mod ours;
pub mod pickle;
mod preview;
pub mod safetensors;
mod scheduler;
mod source;
pub mod torch;
mod transformer;
mod write;

pub use transformer::Numbers;
pub use write::StoredType;

use crate::autoencoder::Autoencoder;
use crate::config::{AutoencoderConfig, DitConfig, LatentRgb, LatentStats, ModelConfig, RunSettings, SamplerKind};
use crate::native::model_dir::{AUTOENCODER_FILE, CONFIG_FILE};
use crate::weights::Loader;
use crate::weights::keys::AUTOENCODER;
use anyhow::{Context, Result, ensure};
use autoencoder::ReadAutoencoder;
use burn::tensor::Device;
use card::Card;
use indicatif::{ProgressBar, ProgressStyle};
use source::{Kind, Pipeline, Source};
use std::path::{Path, PathBuf};
use write::{OutTensor, Staged, check_target};

/// Options of `dit convert`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
SRC and --autoencoder may be:
  the official DiT state_dict, .pt or .safetensors (of a training checkpoint its 'ema')
  a diffusers DiT folder (with model_index.json, or its transformer/ alone; vae/ is used if it is there)
  a model of ours, to store it in another type (--dtype) or with another decoder for its latents (--autoencoder)
  an AutoencoderKL: diffusers folder, .safetensors, .bin or .pt with diffusers' names; only the decoder is kept
  a TAESD decoder: taesd_decoder.pth or .safetensors, or diffusers' AutoencoderTiny
  for --autoencoder also a folder that 'dit train autoencoder' or 'dit convert' wrote
.pt files are parsed, never run.

Examples:
  dit convert DiT-XL-2-256x256.pt --autoencoder sd-vae-ft-ema --out dit-xl-256
  dit convert DiT-XL-2-512 --dtype f32 --out dit-xl-512
  dit convert mine.pt --num-heads 6 --labels names.txt --license MIT --autoencoder taesd_decoder.pth --out mine
  dit convert taesd_decoder.safetensors --license MIT --out taesd
  dit convert assets/models/fashion --dtype int8 --out assets/models/fashion-int8

--numbers: diffusers computes with other constants than the official code (timestep frequencies over 127 instead of \
128, a norm's ε 1e-5 instead of 1e-6, guidance on all latent channels instead of 3). The DiT folders published for \
diffusers hold the official weights, so 'official' is right for them; 'diffusers' is for models trained there.")]
pub struct ConvertOptions {
    /// Checkpoint file or folder
    #[arg(value_name = "SRC")]
    pub source: PathBuf,
    /// Folder to write; a model in it is replaced once the new one is whole
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The decoder for a transformer's latents
    #[arg(long, value_name = "SRC")]
    pub autoencoder: Option<PathBuf>,
    /// Attention heads, where neither a preset (S, B, L, XL) nor a config.json tells
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub num_heads: Option<u16>,
    /// How numbers are stored
    #[arg(long, value_enum, default_value_t)]
    pub dtype: StoredType,
    /// Class names, one a line or a JSON list [default: ImageNet's for 1000 classes]
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Shown to people [default: the preset or the file's name]
    #[arg(long)]
    pub name: Option<String>,
    /// Shown to people [default: what a README.md of SRC says]
    #[arg(long, value_name = "TEXT")]
    pub license: Option<String>,
    /// Do not fit the linear preview (which loads the decoder and runs it on small latents)
    #[arg(long)]
    pub no_preview: bool,
    /// Whose constants the model was trained with
    #[arg(long, value_enum, default_value_t)]
    pub numbers: Numbers,
}

/// Converts what SRC is: a transformer with or without its decoder, or a decoder alone.
///
/// # Errors
/// Names the file, tensor or option that is wrong, and the cure. The folder is then as it was.
pub fn run(options: &ConvertOptions) -> Result<()> {
    let sources: Vec<_> = [Some(&options.source), options.autoencoder.as_ref()].into_iter().flatten().collect();
    check_target(&options.out, &sources.iter().map(|path| path.as_path()).collect::<Vec<_>>())?;
    if options.source.join(CONFIG_FILE).is_file() && source::is_ours(&options.source) {
        return ours::convert(options);
    }
    let pipeline = Pipeline::open(&options.source)?;
    let source = &pipeline.transformer;
    ensure!(
        !matches!(source.kind, Kind::Ours(_)),
        "{}: this autoencoder was trained or converted by dit already",
        options.source.display()
    );
    match source.is_autoencoder() {
        true => convert_autoencoder(options, source),
        false => convert_model(options, pipeline),
    }
}

fn convert_autoencoder(options: &ConvertOptions, source: &Source) -> Result<()> {
    ensure!(
        options.autoencoder.is_none() && options.num_heads.is_none() && options.labels.is_none(),
        "{}: this is an autoencoder alone: --autoencoder, --num-heads and --labels are for a transformer",
        options.source.display()
    );
    let ReadAutoencoder { config, tensors, notes } =
        autoencoder::read(source).with_context(|| options.source.display().to_string())?;
    let license = license(options, source, None);
    let staged = stage(options, &tensors)?;
    let name = options.name.clone().unwrap_or_else(|| file_name(&options.source));
    let what = format!(
        "The decoder of an {}: latents of {} channels to pictures {} times as wide.",
        class_name(&config),
        config.latent_channels(),
        config.factor()
    );
    finish(
        options,
        staged,
        (AUTOENCODER_FILE, &config),
        Card {
            name: &name,
            what,
            license: &license,
            dtype: options.dtype.name(),
            numbers: "diffusers",
            sources: vec![("autoencoder", &source.checkpoint)],
            notes: &notes,
        },
    )
}

fn convert_model(options: &ConvertOptions, pipeline: Pipeline) -> Result<()> {
    let source = &pipeline.transformer;
    let transformer = transformer::read(source, options.num_heads.map(usize::from), options.numbers)
        .with_context(|| options.source.display().to_string())?;
    let given = options.autoencoder.as_deref().map(Source::open).transpose()?;
    let decoder = given.as_ref().or(pipeline.autoencoder.as_ref());
    let (mut tensors, mut notes, mut config) = (transformer.tensors, Vec::new(), None);
    if let Some(decoder) = decoder {
        ensure!(decoder.is_autoencoder(), "{}: this is a transformer, not an autoencoder", decoder.path.display());
        let read = autoencoder::read(decoder).with_context(|| decoder.path.display().to_string())?;
        tensors.extend(read.tensors);
        notes.extend(read.notes);
        config = Some(read.config);
    } else if transformer.config.in_channels > 3 {
        notes.push("without a decoder, pictures are the latents themselves: give --autoencoder".to_owned());
    }
    let decoder_license = decoder.and_then(|decoder| decoder.license.as_deref());
    let mut config = model_config(options, &pipeline, transformer.config, config, decoder_license)?;
    let staged = stage(options, &tensors)?;
    if !options.no_preview && config.autoencoder.is_some() {
        config.latents.rgb = Some(fit_preview(&staged, &config)?);
    }
    let mut sources = vec![("transformer", &source.checkpoint)];
    sources.extend(decoder.map(|decoder| ("autoencoder", &decoder.checkpoint)));
    let dit = &config.transformer;
    let what = format!(
        "A Diffusion Transformer (adaLN-Zero) of {} blocks, width {}, {} heads, patch {}: {} classes, pictures of {size}x{size} \
         pixels.",
        dit.depth,
        dit.hidden_size,
        dit.num_heads,
        dit.patch_size,
        dit.num_classes,
        size = config.image_size()
    );
    let numbers = match options.numbers {
        Numbers::Official => "the official code (facebookresearch/DiT)",
        Numbers::Diffusers => "diffusers",
    };
    finish(
        options,
        staged,
        (CONFIG_FILE, &config),
        Card {
            name: &config.name,
            what,
            license: &config.license,
            dtype: options.dtype.name(),
            numbers,
            sources,
            notes: &notes,
        },
    )
}

fn model_config(
    options: &ConvertOptions,
    pipeline: &Pipeline,
    transformer: DitConfig,
    autoencoder: Option<AutoencoderConfig>,
    decoder_license: Option<&str>,
) -> Result<ModelConfig> {
    let (channels, classes) = (transformer.in_channels, transformer.num_classes);
    let scale = autoencoder.as_ref().map_or(1.0, AutoencoderConfig::scaling_factor);
    let side = transformer.sample_size * autoencoder.as_ref().map_or(1, AutoencoderConfig::factor);
    let preset = transformer::preset(&transformer);
    let name = preset.map(|(preset, _)| format!("DiT-{preset}/{} {side}x{side}", transformer.patch_size));
    let mut license = license(options, &pipeline.transformer, preset.filter(|_| classes == labels::NUM_IMAGENET));
    if let Some(decoder) = decoder_license.filter(|decoder| options.license.is_none() && *decoder != license) {
        license.push_str(&format!("; decoder: {decoder}"));
    }
    let config = ModelConfig {
        name: options.name.clone().or(name).unwrap_or_else(|| file_name(&options.source)),
        scheduler: scheduler::diffusion(&pipeline.scheduler, &transformer, options.numbers)?,
        latents: LatentStats { mean: vec![0.0; channels], std: vec![(1.0 / scale) as f32; channels], rgb: None },
        audio: None,
        labels: labels::labels(options.labels.as_deref(), pipeline.labels.clone(), classes)?,
        defaults: RunSettings {
            // ImageNet's golden retriever.
            class: if classes == labels::NUM_IMAGENET { 207 } else { 0 },
            guidance_scale: 4.0,
            num_inference_steps: 20,
            sampler: SamplerKind::DpmSolverPlusPlus,
            seed: 9,
            ..RunSettings::default()
        },
        license,
        autoencoder,
        transformer,
    };
    config.validate()?;
    Ok(config)
}

/// A folder's name, or a file's without its ending.
fn file_name(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = if whole.is_dir() { whole.file_name() } else { whole.file_stem() };
    name.map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// What was given, else what the source says, else what is known of the official weights.
fn license(options: &ConvertOptions, source: &Source, preset: Option<(&str, usize)>) -> String {
    let known = || match preset {
        Some(_) => "CC-BY-NC-4.0 (official DiT weights: non-commercial use only)",
        None => "unknown: ask whoever made the weights",
    };
    options.license.clone().or_else(|| source.license.clone()).unwrap_or_else(|| known().to_owned())
}

fn stage(options: &ConvertOptions, tensors: &[OutTensor]) -> Result<Staged> {
    let bar = ProgressBar::new(tensors.iter().map(OutTensor::numel).sum());
    bar.set_style(ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} numbers  {eta}")?);
    let staged = Staged::write(&options.out, tensors, options.dtype, &bar)?;
    bar.finish_and_clear();
    Ok(staged)
}

/// Loads the decoder from the new shards and fits the linear preview to it.
fn fit_preview(staged: &Staged, config: &ModelConfig) -> Result<LatentRgb> {
    let autoencoder = config.autoencoder.as_ref().context("a preview needs a decoder")?;
    let (device, mut loader) = (Device::flex(), Loader::default());
    let decoder = staged.fold(AUTOENCODER, Autoencoder::new(autoencoder, &device), |decoder, file, bytes| {
        Ok(loader.apply(decoder, AUTOENCODER, file, bytes, &device)?)
    })?;
    loader.finish(&decoder, AUTOENCODER)?;
    preview::fit(&decoder, &config.latents, &device).context("fitting the preview (--no-preview leaves it out)")
}

fn finish(options: &ConvertOptions, staged: Staged, config: (&str, &impl serde::Serialize), card: Card) -> Result<()> {
    let text = card.text()?;
    card.notes.iter().for_each(|note| eprintln!("note: {note}"));
    let (shards, parameters, bytes) = (staged.num_shards(), staged.total_parameters, staged.total_size);
    staged.commit(config, &text)?;
    println!("{}: {}", options.out.display(), card.name);
    println!("{parameters} parameters, {bytes} bytes of {}, shards: {shards}", card.dtype);
    println!("licence: {}", card.license);
    Ok(())
}

fn class_name(config: &AutoencoderConfig) -> &'static str {
    match config {
        AutoencoderConfig::Tiny(_) => "AutoencoderTiny",
        AutoencoderConfig::Kl(_) => "AutoencoderKL",
    }
}
