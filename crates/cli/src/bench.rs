//! `dit bench`: what looking inside costs, measured in pairs within one run.

use super::device::DeviceChoice;
use super::output::say;
use anyhow::{Result, ensure};
use burn::tensor::{Int, Tensor, TensorData};
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Model, Noise, Request, Run, latent_shape};
use std::path::PathBuf;
use std::time::Instant;

/// Options of `dit bench`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:
  dit bench --model assets/models/fashion --steps 200")]
pub struct BenchOptions {
    /// Folder of the model
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Pairs that are measured
    #[arg(long, default_value_t = 100)]
    pub steps: usize,
    /// Pictures in a batch
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub batch_size: usize,
    /// What computes
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,
}

/// Prints medians and ratios.
///
/// # Errors
/// A model that cannot be read, or no steps.
pub fn run(options: &BenchOptions) -> Result<()> {
    ensure!(options.steps > 0, "--steps 0: use a positive number");
    ensure!(options.batch_size > 0, "--batch-size 0: use a positive number");
    let model = options.device.load(&options.model)?;
    say!("{:22} {:>11} {:>11} {:>7}", "", "plain ms", "looked ms", "ratio")?;
    forward(&model, options).print("forward, traced")?;
    steps(&model, options)?.print("step, watched")
}

/// The plain forward pass beside the traced one.
fn forward(model: &Model, options: &BenchOptions) -> Pairs {
    let (n, config) = (options.batch_size, &model.config);
    let x = Tensor::zeros(latent_shape(model, n), &model.device);
    let t = Tensor::full([n], config.scheduler.num_train_timesteps as f32 / 2.0, &model.device);
    let y = Tensor::<1, Int>::from_data(TensorData::new(vec![0i64; n], [n]), &model.device);
    let block = config.transformer.depth / 2;
    let plain = || wait(model.dit.forward(x.clone(), t.clone(), y.clone()));
    let traced = || {
        let (output, trace) = model.dit.forward_traced(x.clone(), t.clone(), y.clone(), block);
        wait(trace.attention);
        wait(trace.token_norms);
        trace.modulation.into_iter().for_each(wait);
        wait(output);
    };
    Pairs::measure(options.steps, plain, traced)
}

/// Steps of two runs that are the same but for being watched.
fn steps(model: &Model, options: &BenchOptions) -> Result<Pairs> {
    let defaults = &model.config.defaults;
    let request = Request {
        classes: vec![defaults.class; options.batch_size],
        noise: Noise::Seeded((0..options.batch_size as u64).collect()),
        guidance_scales: vec![defaults.guidance_scale],
        guidance_channels: None,
        sampler: SamplerConfig::new(defaults.sampler, defaults.num_inference_steps),
        start: None,
    };
    let first = Run::new(model, request)?;
    let (mut plain, mut watched) = (first.clone(), first.clone().watched());
    let watched_first = first.clone().watched();
    Ok(Pairs::measure(options.steps, || next(&mut plain, &first), || next(&mut watched, &watched_first)))
}

/// One step, begun anew where the run is done.
fn next<'m>(run: &mut Run<'m>, start: &Run<'m>) {
    if run.is_done() {
        *run = start.clone();
    }
    // Seeded noise never runs out, so a step cannot fail.
    if let Ok(step) = run.step() {
        wait(step.x0_hat);
        for eps in step.watched.into_iter().flat_map(|seen| [Some(seen.eps), Some(seen.eps_cond), seen.eps_uncond]) {
            eps.into_iter().for_each(wait);
        }
    }
    wait(run.x_t().clone());
}

/// Reads a tensor back, so that it has been computed.
fn wait<const D: usize>(tensor: Tensor<D>) {
    drop(tensor.into_data());
}

/// Milliseconds of the plain and of the other way, measured in turn: what slows the machine down slows both.
struct Pairs(Vec<[f64; 2]>);

impl Pairs {
    fn measure(count: usize, mut plain: impl FnMut(), mut other: impl FnMut()) -> Self {
        const WARM_UP: usize = 3;
        let timed = |work: &mut dyn FnMut()| {
            let started = Instant::now();
            work();
            started.elapsed().as_secs_f64() * 1e3
        };
        let pairs = (0..WARM_UP + count).map(|i| {
            // The second of a pair finds warm caches, so the order alternates.
            if i % 2 == 0 {
                let plain = timed(&mut plain);
                [plain, timed(&mut other)]
            } else {
                let other = timed(&mut other);
                [timed(&mut plain), other]
            }
        });
        Self(pairs.skip(WARM_UP).collect())
    }

    fn print(&self, name: &str) -> Result<()> {
        let of = |number: &dyn Fn(&[f64; 2]) -> f64| median(self.0.iter().map(number).collect());
        let (plain, other, ratio) = (of(&|pair| pair[0]), of(&|pair| pair[1]), of(&|pair| pair[1] / pair[0]));
        say!("{name:22} {plain:11.3} {other:11.3} {ratio:7.3}")
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
