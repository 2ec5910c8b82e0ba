//! `dit info`: what a folder holds, verified without loading it.

use super::output;
use anyhow::{Context, Result};
use burn::module::Module;
use burn::tensor::Device;
use ditscope_config::{AutoencoderConfig, CatalogEntry, DitConfig, ModelConfig};
use ditscope_core::autoencoder::Autoencoder;
use ditscope_core::dit::Dit;
use ditscope_core::weights::keys::{AUTOENCODER, TRANSFORMER};
use ditscope_core::weights::{Checker, verify};
use ditscope_model_dir::{self as model_dir, AUTOENCODER_FILE, CONFIG_FILE, read_file};
use indicatif::{DecimalBytes, HumanCount};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Options of `dit info`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  dit info assets/models/fashion
  dit info --json runs/dit/model")]
pub struct InfoOptions {
    /// Folder of a model or an autoencoder
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Prints what a folder holds. One shard is in memory at a time: its hash, and the names, shapes and
/// numbers of its tensors are checked.
///
/// # Errors
/// Names the file or tensor that is missing or wrong.
pub fn run(options: &InfoOptions) -> Result<()> {
    let report = Report::new(&options.folder)?;
    match options.json {
        true => output::lines(&serde_json::to_string_pretty(&report)?),
        false => report.lines().iter().try_for_each(|line| output::line(line)),
    }
}

/// Everything that is known about a folder.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    description: Description,
    num_parameters: NumParameters,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Cost>,
    /// About what it needs to run one picture (an autoencoder on its own: its f32 weights).
    memory_bytes: u64,
    weights: Weights,
}

/// The configuration as it was read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Description {
    Model(Box<ModelConfig>),
    Autoencoder(AutoencoderConfig),
}

#[derive(Debug, Serialize)]
struct NumParameters {
    transformer: u64,
    autoencoder: u64,
}

/// Of one picture and one step.
#[derive(Debug, Serialize)]
struct Cost {
    flops_per_step: u64,
    /// With guidance the network runs twice.
    flops_per_guided_step: u64,
    /// As the paper counts: a multiplication and an addition are one.
    paper_gflops: f64,
}

#[derive(Debug, Serialize)]
struct Weights {
    num_shards: usize,
    /// Of all shard files.
    bytes: u64,
    /// Type → how many numbers are stored in it.
    dtypes: BTreeMap<String, u64>,
    hashes_verified: bool,
}

impl Report {
    fn new(dir: &Path) -> Result<Self> {
        let alone = !dir.join(CONFIG_FILE).exists() && dir.join(AUTOENCODER_FILE).exists();
        let description = match alone {
            true => Description::Autoencoder(model_dir::read_autoencoder_config(dir)?),
            false => Description::Model(Box::new(model_dir::read_config(dir)?)),
        };
        // Never initialised: only names and shapes are asked for.
        let device = Device::flex();
        let dit = description.transformer().map(|config| Dit::new(config, &device));
        let autoencoder = description.autoencoder().map(|config| Autoencoder::new(config, &device));
        let num_parameters = NumParameters {
            transformer: dit.as_ref().map_or(0, Module::num_params) as u64,
            autoencoder: autoencoder.as_ref().map_or(0, Module::num_params) as u64,
        };
        let checker = Checker::default();
        let checker = dit.iter().fold(checker, |checker, dit| checker.want(dit, TRANSFORMER));
        let checker = autoencoder.iter().fold(checker, |checker, module| checker.want(module, AUTOENCODER));
        let weights = check(dir, checker)?;
        let all = num_parameters.transformer + num_parameters.autoencoder;
        let memory_bytes = match &description {
            Description::Model(config) => CatalogEntry::new("", config, weights.bytes, Some(all)).memory_bytes,
            Description::Autoencoder(_) => 4 * all,
        };
        let cost = description.transformer().map(|config| Cost {
            flops_per_step: config.flops(),
            flops_per_guided_step: 2 * config.flops(),
            paper_gflops: config.flops() as f64 / 2e9,
        });
        Ok(Self { description, num_parameters, cost, memory_bytes, weights })
    }

    fn lines(&self) -> Vec<String> {
        // Long: a list, a line for each fact.
        let mut lines = vec![self.description.title()];
        let mut line = |name: &str, text: String| lines.push(format!("{name:12} {text}"));
        if let Some(dit) = self.description.transformer() {
            let preset = dit.preset().map(|name| format!("DiT-{name}/{}: ", dit.patch_size)).unwrap_or_default();
            line(
                "transformer",
                format!(
                    "{preset}depth {}, hidden size {}, {} heads, patch {}, {} tokens, {} classes",
                    dit.depth,
                    dit.hidden_size,
                    dit.num_heads,
                    dit.patch_size,
                    dit.num_tokens(),
                    dit.num_classes
                ),
            );
        }
        if let Some(config) = self.description.autoencoder() {
            line(
                "autoencoder",
                format!(
                    "{}, {} latent channels, {} times the side",
                    config.class_name(),
                    config.latent_channels(),
                    config.factor()
                ),
            );
        }
        if let Description::Model(config) = &self.description {
            let (dit, [height, width]) = (&config.transformer, config.image_shape());
            line("latent", format!("{}x{}", dit.in_channels, dit.sample_size));
            let remark = match &config.text {
                Some(_) => " (a word, its letters drawn)",
                None if config.is_latents_only() => " (a linear preview: no autoencoder)",
                None => "",
            };
            line("picture", format!("{}x{height}x{width}{remark}", config.image_channels()));
        }
        let NumParameters { transformer, autoencoder } = self.num_parameters;
        line(
            "parameters",
            format!(
                "{} (transformer {}, autoencoder {})",
                HumanCount(transformer + autoencoder),
                HumanCount(transformer),
                HumanCount(autoencoder)
            ),
        );
        if let Some(cost) = &self.cost {
            let giga = |flops: u64| flops as f64 / 1e9;
            line(
                "cost",
                format!(
                    "{:.3} GFLOP a step, {:.3} a guided one; {:.3} Gflops as the paper counts",
                    giga(cost.flops_per_step),
                    giga(cost.flops_per_guided_step),
                    cost.paper_gflops
                ),
            );
        }
        let weights = &self.weights;
        let dtypes = weights.dtypes.keys().cloned().collect::<Vec<_>>().join(" and ");
        let shards = if weights.num_shards == 1 { "shard" } else { "shards" };
        line("weights", format!("{dtypes}, {} in {} {shards}", DecimalBytes(weights.bytes), weights.num_shards));
        line("memory", format!("about {} to run", DecimalBytes(self.memory_bytes)));
        line("hashes", "verified".into());
        lines
    }
}

impl Description {
    fn title(&self) -> String {
        match self {
            Self::Model(config) if config.license.is_empty() => format!("{} (no licence is given)", config.name),
            Self::Model(config) => format!("{} ({})", config.name, config.license),
            Self::Autoencoder(config) => config.class_name().to_owned(),
        }
    }

    fn transformer(&self) -> Option<&DitConfig> {
        match self {
            Self::Model(config) => Some(&config.transformer),
            Self::Autoencoder(_) => None,
        }
    }

    fn autoencoder(&self) -> Option<&AutoencoderConfig> {
        match self {
            Self::Model(config) => config.autoencoder.as_ref(),
            Self::Autoencoder(config) => Some(config),
        }
    }
}

fn check(dir: &Path, mut checker: Checker) -> Result<Weights> {
    let index = model_dir::read_index(dir)?;
    for (file, info) in &index.metadata.shards {
        let path = dir.join(file);
        let bytes = read_file(&path)?;
        verify(&path.display().to_string(), &bytes, info)?;
        checker.check(&index, file, &bytes).with_context(|| path.display().to_string())?;
    }
    Ok(Weights {
        num_shards: index.metadata.shards.len(),
        bytes: index.total_bytes(),
        dtypes: checker.finish().with_context(|| dir.display().to_string())?,
        hashes_verified: true,
    })
}
