//! `dit forward`: the network's raw output for given inputs, so that anyone can compare it with another code's.

use super::device::DeviceChoice;
use super::targets;
use super::tensors::{self, TensorFile};
use anyhow::{Result, ensure};
use burn::tensor::{Tensor, TensorData};
use ditscope_config::ModelConfig;
use ditscope_model_dir as model_dir;
use std::path::PathBuf;

/// Options of `dit forward`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:
  dit forward --model models/dit-xl-2-256 --input in.safetensors --output out.safetensors")]
pub struct ForwardOptions {
    /// Folder of the model
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Safetensors file with `x` [N,C,H,W], `t` [N] (timesteps) and `y` [N] (classes; their number means none)
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// Safetensors file that gets `out` [N,C,H,W], or [N,2C,H,W] where the model also predicts the variance
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// What computes
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,
}

/// One forward pass.
///
/// # Errors
/// Names the file, tensor or number that is wrong.
pub fn run(options: &ForwardOptions) -> Result<()> {
    targets::check("--output", &options.output, "safetensors")?;
    let config = model_dir::read_config(&options.model)?;
    let input = Input::read(options, &config)?;
    let device = options.device.device();
    let dit = model_dir::load_transformer(&options.model, &device)?;
    let n = input.t.len();
    let out = dit.forward(
        Tensor::from_data(TensorData::new(input.x, input.shape), &device),
        Tensor::from_data(TensorData::new(input.t, [n]), &device),
        Tensor::from_data(TensorData::new(input.y, [n]), &device),
    );
    tensors::write(&options.output, "out", out)
}

struct Input {
    shape: [usize; 4],
    x: Vec<f32>,
    t: Vec<f32>,
    y: Vec<i64>,
}

impl Input {
    fn read(options: &ForwardOptions, config: &ModelConfig) -> Result<Self> {
        let dit = &config.transformer;
        let [channels, height, width] = dit.latent_shape();
        let file = TensorFile::read(&options.input)?;
        let name = options.input.display();
        let (shape, x) = file.tensor::<4>("x", "[N, C, H, W]")?;
        let n = shape[0];
        let expected = [n, channels, height, width];
        ensure!(shape == expected, "{name}: 'x' has shape {shape:?}, this model wants {expected:?}");
        let (_, t) = file.tensor::<1>("t", "[N]")?;
        let (_, y) = file.tensor::<1>("y", "[N]")?;
        for (tensor, len) in [("t", t.len()), ("y", y.len())] {
            ensure!(len == n, "{name}: '{tensor}' has {len} entries, 'x' has {n}");
        }
        let scheduler = &config.scheduler;
        let most = scheduler.told(scheduler.num_train_timesteps - 1, 1.0).max(scheduler.told(0, 0.0));
        if let Some(t) = t.iter().find(|t| !(0.0..=most as f32).contains(*t)) {
            anyhow::bail!("{name}: t = {t} is out of range: use 0 to {most}");
        }
        let last = dit.label_rows() - 1;
        if let Some(y) = y.iter().find(|y| !(0.0..=last as f32).contains(*y) || y.fract() != 0.0) {
            let null = if dit.has_null_label { format!(" ({last}: no class)") } else { String::new() };
            anyhow::bail!("{name}: y = {y} is out of range: use whole numbers, 0 to {last}{null}");
        }
        Ok(Self { shape, x, t, y: y.into_iter().map(|y| y as i64).collect() })
    }
}
