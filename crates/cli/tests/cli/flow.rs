//! Flow matching from a checkpoint of others, and trained here.

use crate::checkpoints::{FAST, on_trained};
use crate::files::{golden, read, read_tensors};
use crate::train::{SMALL_DIT, log, steps};
use crate::{Dit, dit};
use ditscope_config::{BetaSchedule, PredictionType, SamplerKind};
use ditscope_model_dir as model_dir;
use safetensors::SafeTensors;
use std::path::Path;

const NETWORK: &str = "dit-learn-sigma-p2.safetensors";

fn sit(out: &Path, options: &str) {
    dit(&format!("convert --num-heads 4 --dtype f32 --prediction-type flow {options}"))
        .with("--out", out)
        .with("--", golden(NETWORK))
        .succeeds();
}

#[test]
fn a_sit_checkpoint_gives_the_reference_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let (model, latents) = (folder.path().join("model"), folder.path().join("latents.safetensors"));
    sit(&model, "");
    let config = model_dir::read_config(&model).expect("a model");
    assert_eq!(config.scheduler.prediction_type, PredictionType::SitFlowPrediction);
    assert_eq!((config.scheduler.guidance_channels, config.defaults.sampler), (Some(3), SamplerKind::Heun));
    let bytes = read(&golden("sit-io.safetensors"));
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    for (name, options) in [
        ("euler10", "--sampler euler --steps 10"),
        ("euler25", "--sampler euler --steps 25"),
        ("heun10", "--sampler heun --steps 10"),
    ] {
        dit(&format!("sample --class 1,2 --guidance-scale 3 {options}"))
            .with("--model", &model)
            .with("--noise", golden("sit-io.safetensors"))
            .with("--latents-out", &latents)
            .succeeds();
        let theirs = file.tensor(name).expect(name).data().as_chunks::<4>().0;
        let theirs = theirs.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes)));
        let ours = read_tensors(&latents)[0].values.clone();
        let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
        let off = squares(&mut ours.iter().zip(theirs.clone()).map(|(a, b)| f64::from(*a) - b));
        let error = (off / squares(&mut theirs.into_iter())).sqrt();
        println!("{name}: relative error {error:.1e}");
        assert!(error <= 1e-4, "{name}: relative error {error:e}");
    }
    let sample =
        |options: &str| dit(&format!("sample --class 1 {options}")).with("--model", &model).with("--out", "x.png");
    sample("--sampler ddim").refuses(&["sampler = ddim", "euler, heun"]);
    sample("--timestep-spacing leading").refuses(&["timestep spacing = leading", "uniform, trailing or linspace"]);
}

/// The same tensors mean another process to diffusers, and noise without the option.
#[test]
fn the_option_says_what_a_checkpoint_predicts() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    sit(&path("theirs"), "--numbers diffusers");
    let theirs = model_dir::read_config(&path("theirs")).expect("a model").scheduler;
    assert_eq!((theirs.prediction_type, theirs.guidance_channels), (PredictionType::FlowPrediction, None));
    dit("convert --num-heads 4").with("--out", path("noise")).with("--", golden(NETWORK)).succeeds();
    let noise = model_dir::read_config(&path("noise")).expect("a model").scheduler;
    assert_eq!((noise.prediction_type, noise.beta_schedule), (PredictionType::Epsilon, BetaSchedule::Linear));
    dit("convert --prediction-type flow")
        .with("--out", path("x"))
        .with("--", path("noise"))
        .refuses(&["--prediction-type"]);
    dit("sample --class 1 --sampler heun --out x.png")
        .with("--model", path("noise"))
        .refuses(&["sampler = heun", "ddim"]);
}

fn train(options: &str, steps: usize, out: &Path) -> Dit {
    on_trained(dit(&format!("train dit {FAST} {options} --epochs {}", steps as f64 / 8.0)), out)
}

#[test]
fn a_flow_model_is_trained_resumed_and_sampled() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path();
    train(&format!("{SMALL_DIT} --prediction-type flow --timestep-sampling logit-normal"), 2, out).succeeds();
    let config = model_dir::read_config(&out.join("model")).expect("a model");
    let scheduler = &config.scheduler;
    assert_eq!(scheduler.prediction_type, PredictionType::FlowPrediction);
    assert_eq!((scheduler.beta_schedule, scheduler.clip_sample_range), (BetaSchedule::Straight, None));
    assert_eq!(config.defaults.sampler, SamplerKind::Euler);
    let said = train("", 4, out).says();
    assert!(said.contains("resumed at step 2"), "{said}");
    assert_eq!((steps(out), model_dir::read_config(&out.join("model")).ok()), (vec![1, 2, 3, 4], Some(config)));
    assert!(log(out).iter().flatten().all(|value| value.is_finite()));
    for (options, words) in [
        ("--timestep-sampling uniform", ["--timestep-sampling logit-normal", "--timestep-sampling uniform"]),
        ("--prediction-type v", ["--prediction-type flow", "--prediction-type v"]),
        ("--beta-schedule cosine", ["no --beta-schedule", "--beta-schedule cosine"]),
    ] {
        train(options, 6, out).refuses(&words);
    }
    for sampler in ["euler", "heun"] {
        dit(&format!("sample --class 1 --steps 3 --sampler {sampler}"))
            .with("--model", out.join("model"))
            .with("--out", out.join("picture.png"))
            .succeeds();
    }
}

#[test]
fn options_that_are_for_other_processes_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused =
        |options: &str, words: &[&str]| train(&format!("{SMALL_DIT} {options}"), 1, folder.path()).refuses(words);
    refused("--prediction-type flow --beta-schedule linear", &["--beta-schedule", "straight"]);
    refused("--prediction-type v --timestep-sampling logit-normal", &["--timestep-sampling", "--prediction-type flow"]);
}
