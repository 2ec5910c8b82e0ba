//! `dit convert`: published weights → our folders.

use super::output::{note, say};
use super::train::Prediction;
use anyhow::Result;
use burn::tensor::Device;
use clap::ValueEnum;
use ditscope_config::PredictionType;
use ditscope_convert::{Plan, Progress, Stage, StoredType};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;

/// Options of `dit convert`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
SRC and --autoencoder may be:
  the official DiT state_dict, .pt or .safetensors (of a training checkpoint its 'ema')
  a SiT checkpoint, which has the same names and shapes: with --prediction-type flow
  a diffusers DiT folder (with model_index.json, or its transformer/ alone; vae/ is used if it is there)
  a model of ours, to store it in another type (--dtype) or with another decoder for its latents (--autoencoder)
  an AutoencoderKL: diffusers folder, .safetensors, .bin or .pt with diffusers' names; only the decoder is kept
  a TAESD decoder: taesd_decoder.pth or .safetensors, or diffusers' AutoencoderTiny
  for --autoencoder also a folder that 'dit train autoencoder' or 'dit convert' wrote
.pt files are parsed, never run. Of a training's checkpoint the average is taken ('ema' and its other names), else 'model', \
'state_dict' and the like; prefixes of wrappers ('module.', '_orig_mod.') are taken off. Both is said.

Examples:
  dit convert DiT-XL-2-256x256.pt --autoencoder sd-vae-ft-ema --license CC-BY-NC-4.0 --out dit-xl-256
  dit convert DiT-XL-2-512 --dtype f32 --out dit-xl-512
  dit convert mine.pt --num-heads 6 --labels names.txt --license MIT --autoencoder taesd_decoder.pth --out mine
  dit convert SiT-XL-2-256x256.pt --prediction-type flow --autoencoder sd-vae-ft-ema --license MIT --out sit-xl-256
  dit convert taesd_decoder.safetensors --license MIT --out taesd
  dit convert assets/models/fashion --dtype int8 --out assets/models/fashion-int8

The scheduler of a diffusers folder becomes the model's sampler, timesteps and clamp: DDIM, DDPM, DPMSolverMultistep, \
UniPCMultistep and FlowMatchEulerDiscrete. What of it cannot be honoured is refused by name.

--numbers: diffusers computes with other constants than the official code (timestep frequencies over 127 instead of \
128, a norm's ε 1e-5 instead of 1e-6, guidance on all latent channels instead of 3). The DiT folders published for \
diffusers hold the official weights, so 'official' is right for them; 'diffusers' is for models trained there.

--prediction-type flow: the network's output is the velocity along the straight path. With '--numbers official' it is SiT's: towards \
the picture, told t from 0 (noise) to 1; with '--numbers diffusers' towards the noise, told σ·1000. REPA, MeanFlow and others share \
names and shapes with DiT and SiT, too: the files do not tell which a checkpoint is.")]
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
    /// Classes of a model that was trained without label dropout, so that no row of its label table means "no class"; it has
    /// no guidance then [default: one fewer than the table has rows]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub num_classes: Option<u16>,
    /// How numbers are stored
    #[arg(long, value_enum, default_value_t)]
    pub dtype: Dtype,
    /// Class names, one a line, or JSON: a list, or an object by number [default: ImageNet's for 1000 classes]
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Shown to people [default: the preset or the file's name]
    #[arg(long)]
    pub name: Option<String>,
    /// Shown to people [default: what a README.md of SRC says, else unknown]
    #[arg(long, value_name = "TEXT")]
    pub license: Option<String>,
    /// Do not fit the linear preview (which loads the decoder and runs it on small latents)
    #[arg(long)]
    pub no_preview: bool,
    /// Whose constants the model was trained with
    #[arg(long, value_enum, default_value_t)]
    pub numbers: Numbers,
    /// What a checkpoint's network predicts, which its tensors do not tell; 'flow' for SiT [default: epsilon]
    #[arg(long, value_enum)]
    pub prediction_type: Option<Prediction>,
}

/// How numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Dtype {
    /// Half the bytes; the page's usual type
    #[default]
    F16,
    /// Every bit of an f32 checkpoint
    F32,
    /// The transformer's matrices in 8 bits with a scale for every 64 numbers, the rest as f16: a quarter of f32
    Int8,
}

/// Whose constants the model was trained with, where the official code and diffusers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Numbers {
    /// Timestep frequencies over 128, norm ε 1e-6, guidance on 3 of 4 channels.
    #[default]
    Official,
    /// Timestep frequencies over 127, norm ε 1e-5 before the MLP, guidance on all channels.
    Diffusers,
}

impl ConvertOptions {
    fn plan(&self) -> Plan {
        Plan {
            source: self.source.clone(),
            out: self.out.clone(),
            autoencoder: self.autoencoder.clone(),
            num_heads: self.num_heads.map(usize::from),
            num_classes: self.num_classes.map(usize::from),
            dtype: match self.dtype {
                Dtype::F16 => StoredType::F16,
                Dtype::F32 => StoredType::F32,
                Dtype::Int8 => StoredType::Int8,
            },
            labels: self.labels.clone(),
            name: self.name.clone(),
            license: self.license.clone(),
            preview: !self.no_preview,
            device: Device::flex(),
            numbers: match self.numbers {
                Numbers::Official => ditscope_convert::Numbers::Official,
                Numbers::Diffusers => ditscope_convert::Numbers::Diffusers,
            },
            prediction_type: self.prediction_type.map(|kind| match (kind, self.numbers) {
                (Prediction::Epsilon, _) => PredictionType::Epsilon,
                (Prediction::Sample, _) => PredictionType::Sample,
                (Prediction::V, _) => PredictionType::VPrediction,
                (Prediction::Flow, Numbers::Official) => PredictionType::SitFlowPrediction,
                (Prediction::Flow, Numbers::Diffusers) => PredictionType::FlowPrediction,
            }),
        }
    }
}

/// Converts, with a progress bar.
///
/// # Errors
/// Names the file, tensor or option that is wrong, and the cure. The folder is then as it was.
pub fn run(options: &ConvertOptions) -> Result<()> {
    let bar = ProgressBar::no_length();
    let style = |stage| match stage {
        Stage::Writing => "{wide_bar} {human_pos}/{human_len} numbers  {eta}",
        Stage::FittingPreview => "fitting the preview {wide_bar} {pos}/{len} pictures",
    };
    let written = ditscope_convert::convert(&options.plan(), &|Progress { stage, done, total }| {
        if bar.length() != Some(total) {
            bar.set_length(total);
            bar.set_style(ProgressStyle::with_template(style(stage)).expect("a valid template"));
        }
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    written.notes.iter().for_each(|note| note!("note: {note}"));
    say!("{}: {}", options.out.display(), written.name)?;
    say!(
        "{} parameters, {} bytes of {}, shards: {}",
        written.parameters,
        written.bytes,
        written.dtype,
        written.shards
    )?;
    say!("licence: {}", written.license)
}
