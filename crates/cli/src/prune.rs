//! `dit prune`: a shallower transformer, without the blocks that it misses least.

use super::device::DeviceChoice;
use super::eval::check_fit;
use super::output::say;
use super::train::encode_latents;
use anyhow::{Result, ensure};
use burn::module::Module;
use ditscope_core::autoencoder::Autoencoder;
use ditscope_core::dit::Dit;
use ditscope_core::generate::Model;
use ditscope_core::weights::Dtype;
use ditscope_data::{Split, load_pictures};
use ditscope_model_dir as model_dir;
use ditscope_train::DitTask;
use pollster::block_on;
use std::path::PathBuf;

/// Options of `dit prune`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example: half the blocks, then a short distillation from the whole model
  dit prune --model assets/models/fashion --data DATA --depth 3 --out runs/pruned
  dit train dit --data DATA --autoencoder runs/pruned --init runs/pruned --teacher assets/models/fashion \\
    --depth 3 --epochs 4 --out runs/fast")]
pub struct PruneOptions {
    /// Folder of the model
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Folder with the data set that it was trained on
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Blocks that are left
    #[arg(long)]
    pub depth: usize,
    /// Training pictures that the loss is measured on
    #[arg(long, default_value_t = 512)]
    pub pictures: usize,
    /// Folder of the pruned model
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// What computes
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,
}

/// Takes blocks out one by one: each time the one without which the training loss grows least.
///
/// # Errors
/// Bad options, a model or data that cannot be read, files that cannot be written.
pub fn run(options: &PruneOptions) -> Result<()> {
    let device = options.device.device();
    let config = model_dir::read_config(&options.model)?;
    let depth = config.transformer.depth;
    ensure!(
        (1..depth).contains(&options.depth),
        "--depth {}: {} has {depth} blocks, so 1 to {} can be left",
        options.depth,
        config.name,
        depth - 1
    );
    ensure!(options.pictures > 0, "--pictures 0: use a positive number");
    let (_, autoencoder) = model_dir::load_trainable_autoencoder(&options.model, &device)?;
    let data = load_pictures(&options.data, Split::Train)?;
    check_fit(&config, &data.info)?;
    let data = data.first(options.pictures);
    let mut latents = encode_latents(&data, &autoencoder, &device, options.device.threads(), &|_| {});
    latents.standardize(&config.latents);
    let task = DitTask::new(&config, latents, data.labels, &device);
    let mut dit = model_dir::load_transformer(&options.model, &device)?;
    say!("{} blocks: loss {:.5}", depth, block_on(task.mean_loss(&dit)))?;
    let mut left: Vec<usize> = (0..depth).collect();
    while left.len() > options.depth {
        let shorter = (0..left.len()).map(|at| {
            let without = without_block(&dit, at);
            (block_on(task.mean_loss(&without)), at, without)
        });
        let Some((loss, at, without)) = shorter.min_by(|a, b| a.0.total_cmp(&b.0)) else { break };
        say!("{} blocks: loss {loss:.5} without block {}", left.len() - 1, left.remove(at))?;
        dit = without;
    }
    let mut config = config;
    config.transformer.depth = options.depth;
    config.name = format!("{}, {} of {depth} blocks", config.name, options.depth);
    let model = Model::of(config, dit, Some(Autoencoder::Tiny(autoencoder)), device);
    model_dir::save(&options.out, &model, Dtype::F16)?;
    say!("wrote {} (blocks {left:?}, {} parameters)", options.out.display(), model.dit.num_params())
}

fn without_block(dit: &Dit, at: usize) -> Dit {
    let mut shorter = dit.clone();
    shorter.blocks.remove(at);
    shorter
}
