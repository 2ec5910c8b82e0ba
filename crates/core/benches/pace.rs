//! Measures what it is told, line by line: `cargo xtask bench` has it and PyTorch (tools/torch_pace.py) do the same by turns.
//!
//! A line is `WHAT MODEL SIDE DEPTH PICTURES TIMES`: `forward` or `step` (guided, with the sampler's update) of a size of the
//! paper with random weights (patches of 2x2, latents of SIDE, DEPTH blocks or, for 0, its own), or of the model `shipped`,
//! whose steps are decoded, too. The answer is a line of numbers: floating-point operations of the transformer, in thousands
//! of millions, and the milliseconds of each time.

use burn::tensor::{Device, Int, Tensor, TensorData};
use ditscope_config::{DitConfig, ModelConfig, SamplerKind};
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Model, Noise, Request, Run, latent_shape};
use ditscope_noise::gaussian;
use ditscope_ops::Ops;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut kept = None;
    for line in std::io::stdin().lines() {
        let (gflop, times) = measure(&line?, &mut kept)?;
        let times: Vec<String> = times.iter().map(|ms| format!("{ms:.4}")).collect();
        println!("{gflop} {}", times.join(" "));
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// The model of the last line, by what the line said of it: the next is often about the same.
type Kept = Option<(String, Model)>;

fn measure(line: &str, kept: &mut Kept) -> Result<(f64, Vec<f64>)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [what, name, side, depth, pictures, times] = words[..] else {
        return Err(format!("'{line}' is not WHAT MODEL SIDE DEPTH PICTURES TIMES").into());
    };
    let of_model = format!("{name} {side} {depth}");
    if kept.as_ref().is_none_or(|(known, _)| *known != of_model) {
        // Not both at once: it may be large.
        *kept = None;
        *kept = Some((of_model, model(name, side.parse()?, depth.parse()?)?));
    }
    let (_, model) = kept.as_ref().expect("it was just made");
    let (pictures, times) = (pictures.parse()?, times.parse()?);
    let gflop = model.config.transformer.flops() as f64 * pictures as f64 / 1e9;
    match what {
        "forward" => Ok((gflop, forward(model, pictures, times))),
        "step" => Ok((2.0 * gflop, steps(model, pictures, times)?)),
        other => Err(format!("'{other}' is neither forward nor step").into()),
    }
}

/// The shipped model, or one without a decoder that has random weights, with the kernels of the CPU.
fn model(name: &str, side: usize, depth: usize) -> Result<Model> {
    let (folder, device) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/models/fashion"), Device::flex());
    if name == "shipped" {
        return Ok(ditscope_model_dir::load(&folder, &device)?.fused(Ops::of(&device)));
    }
    let config = ditscope_model_dir::read_config(&folder)?;
    let paper = config.transformer.with_preset(name)?;
    let depth = if depth == 0 { paper.depth } else { depth };
    let transformer = DitConfig { sample_size: side.into(), depth, ..paper };
    let config = ModelConfig { transformer, autoencoder: None, ..config };
    Ok(Model::new(&config, &device).fused(Ops::of(&device)))
}

fn forward(model: &Model, pictures: usize, times: usize) -> Vec<f64> {
    let shape = latent_shape(model, pictures);
    let x = Tensor::<4>::from_data(TensorData::new(gaussian(0, 0, shape.iter().product()), shape), &model.device);
    let t = Tensor::full([pictures], 500.0, &model.device); // [N]
    let y = Tensor::<1, Int>::zeros([pictures], &model.device); // [N]
    let mut once = || drop(model.dit.forward(x.clone(), t.clone(), y.clone()).into_data());
    (0..times).map(|_| milliseconds(&mut once)).collect()
}

/// Steps of a run, without the first: it computes the adaLN vectors of many, which the others then have.
fn steps(model: &Model, pictures: usize, times: usize) -> Result<Vec<f64>> {
    let request = Request {
        classes: vec![0; pictures],
        noise: Noise::Seeded((0..pictures as u64).collect()),
        guidance_scales: vec![2.0],
        guidance_channels: None,
        sampler: SamplerConfig::new(SamplerKind::Ddim, times + 1),
        start: None,
    };
    let mut run = Run::new(model, request)?;
    let mut all = Vec::with_capacity(times);
    for _ in 0..=times {
        let mut said = Ok(());
        all.push(milliseconds(&mut || said = step(model, &mut run)));
        said?;
    }
    Ok(all.split_off(1))
}

fn step(model: &Model, run: &mut Run) -> Result<()> {
    let x0_hat = run.step()?.x0_hat; // [N, C, h, w]
    drop(run.x_t().clone().into_data());
    if model.autoencoder.is_some() {
        drop(model.decode(x0_hat).into_data());
    }
    Ok(())
}

fn milliseconds(work: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e3
}
