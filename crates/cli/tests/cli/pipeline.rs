//! A DiTPipeline that diffusers saved, and its pictures under diffusers' schedulers (tools/golden_pipeline.py made both).

use crate::diffusers::write_json;
use crate::dit;
use crate::files::{golden, read, read_tensors};
use ditscope_config::{Clipping, RunSettings, TimestepSpacing};
use ditscope_model_dir as model_dir;
use ditscope_schedule::training_schedule;
use safetensors::SafeTensors;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A run of diffusers.
struct Case {
    name: String,
    steps: u64,
    guidance: f64,
    scheduler: Value,
}

fn json(file: &str) -> Value {
    serde_json::from_slice(&read(&golden(&format!("pipeline/{file}")))).expect("JSON")
}

fn cases() -> Vec<Case> {
    let described = json("cases.json");
    let case = |case: &Value| Case {
        name: case["name"].as_str().expect("a name").into(),
        steps: case["steps"].as_u64().expect("a number"),
        guidance: case["guidance"].as_f64().expect("a number"),
        scheduler: case["scheduler"].clone(),
    };
    described.as_array().expect("a list").iter().map(case).collect()
}

fn case(name: &str) -> Case {
    cases().into_iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no case {name}"))
}

/// The pipeline as diffusers saves it with a scheduler, converted.
fn converted(folder: &Path, case: &Case, options: &str) -> PathBuf {
    let (source, out) = (folder.join(&case.name), folder.join(format!("{}-model", case.name)));
    for part in ["transformer", "vae", "scheduler"] {
        std::fs::create_dir_all(source.join(part)).expect("a folder");
    }
    for file in [
        "model_index.json",
        "transformer/config.json",
        "transformer/diffusion_pytorch_model.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
    ] {
        std::fs::copy(golden(&format!("pipeline/{file}")), source.join(file)).expect("a file");
    }
    write_json(&source.join("scheduler/scheduler_config.json"), &case.scheduler);
    dit(&format!("convert --no-preview {options}")).with("--out", &out).with("--", &source).succeeds();
    out
}

/// The final latents and the picture of `dit sample`, from the noise that diffusers had.
fn sampled(model: &Path, case: &Case, options: &str) -> (Vec<f32>, Vec<u8>) {
    let (latents, picture) = (model.join("latents.safetensors"), model.join("picture.png"));
    dit(&format!("sample --steps {} --guidance-scale {} {options}", case.steps, case.guidance))
        .with("--model", model)
        .with("--noise", golden("pipeline/noise.safetensors"))
        .with("--latents-out", &latents)
        .with("--out", &picture)
        .succeeds();
    let picture = image::open(&picture).expect("a picture").into_rgb8().into_raw();
    (read_tensors(&latents)[0].values.clone(), picture)
}

/// Latents and picture of diffusers.
fn expected(name: &str) -> (Vec<f32>, Vec<u8>) {
    let bytes = read(&golden("pipeline/pictures.safetensors"));
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let data = |kind: &str| file.tensor(&format!("{name}.{kind}")).expect("a tensor").data().to_vec();
    let latents = data("latents").as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    (latents, data("picture"))
}

fn relative_error(ours: &[f32], theirs: &[f32]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
    let difference = norm(&mut ours.iter().zip(theirs).map(|(a, b)| f64::from(a - b)));
    difference / norm(&mut theirs.iter().map(|value| f64::from(*value)))
}

/// Of 255.
fn mean_difference(ours: &[u8], theirs: &[u8]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / ours.len() as f64
}

/// With the sampler, the spacing and the clamp that the model was converted with.
#[test]
fn a_pipeline_gives_the_pictures_of_diffusers() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases = cases();
    assert_eq!(cases.len(), 38);
    for case in &cases {
        let model = converted(folder.path(), case, "--numbers diffusers --dtype f32");
        let (latents, picture) = sampled(&model, case, "");
        let (their_latents, their_picture) = expected(&case.name);
        let error = relative_error(&latents, &their_latents);
        let difference = mean_difference(&picture, &their_picture);
        println!("{}: latents {error:.1e}, picture {difference:.3} of 255", case.name);
        assert!(error <= 1e-4, "{}: latents differ by {error:e}", case.name);
        assert!(difference <= 0.1, "{}: the picture differs by {difference} of 255", case.name);
    }
}

/// What the test above would not see if all pictures were alike.
#[test]
fn every_setting_of_the_pipelines_matters() {
    let differ = |a: &str, b: &str| {
        let error = relative_error(&expected(a).0, &expected(b).0);
        assert!(error > 0.01, "{a} and {b} differ by {error:e} only");
    };
    for (a, b) in [
        ("ddim-2", "ddim-2-clip"),
        ("ddim-20", "ddim-20-clip"),
        ("ddim-20-v", "ddim-20-v-trailing"),
        ("ddim-20-v", "ddim-20-v-linspace"),
        ("ddim-20-v-trailing", "ddim-20-v-linspace"),
        ("ddim-20-v-clip", "ddim-20-v-clip-2"),
        ("ddpm-10", "ddpm-10-clip"),
        ("ddpm-10-v", "ddpm-10-v-large"),
        ("dpm-10-v-linspace", "dpm-10-v-leading"),
        ("dpm-10-v-linspace", "dpm-10-v-trailing"),
        ("dpm-10-v-linspace", "unipc-10-v-linspace"),
        ("dpm-10-v-leading", "dpm-10-v-offset"),
        ("unipc-10-v-leading", "unipc-10-v-offset"),
        ("flow-10-shift-1", "flow-10-shift-3"),
        ("flow-10-shift-1", "flow-1-shift-1"),
    ] {
        differ(a, b);
    }
}

/// `dit sample --timestep-spacing` and `--sampler` over what the model was converted with.
#[test]
fn a_spacing_and_a_sampler_can_be_chosen() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = converted(folder.path(), &case("ddim-20-v"), "--numbers diffusers --dtype f32");
    for (name, options) in [
        ("ddim-20-v-trailing", "--timestep-spacing trailing"),
        ("ddim-20-v-linspace", "--timestep-spacing linspace"),
        ("ddim-20-v", "--timestep-spacing leading"),
        ("dpm-10-v-linspace", "--sampler dpm++ --timestep-spacing linspace"),
        ("unipc-10-v-leading", "--sampler unipc"),
    ] {
        let error = relative_error(&sampled(&model, &case(name), options).0, &expected(name).0);
        assert!(error <= 1e-4, "{name} by {options}: {error:e}");
    }
    // Ours visits both ends and goes from each timestep to the next.
    let (ours, theirs) = (sampled(&model, &case("ddim-20-v"), "--timestep-spacing uniform").0, expected("ddim-20-v").0);
    assert!(relative_error(&ours, &theirs) > 0.01);
    let unknown = dit("sample --timestep-spacing karras --out x.png").with("--model", &model);
    unknown.refuses(&["timestep spacing", "karras", "uniform, leading, trailing, linspace"]);
    let many = dit("sample --steps 1001 --out x.png").with("--model", &model);
    many.refuses(&["steps = 1001", "1 to 1000"]);
}

/// Every block has embedders of its own, and stored in half as many bytes they are the same numbers.
#[test]
fn embedders_of_every_block_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let case = case("ddim-20-clip");
    let model = converted(folder.path(), &case, "--numbers diffusers");
    let config = model_dir::read_config(&model).expect("a configuration");
    assert!(config.transformer.block_embedders && config.transformer.learn_sigma);
    assert_eq!((config.scheduler.clip_sample_range, config.scheduler.clipping), (Some(1.0), Clipping::Diffusers));
    assert_eq!(config.scheduler.timestep_spacing, TimestepSpacing::Leading);
    let RunSettings { sampler, num_inference_steps, timestep_spacing, .. } = config.defaults;
    assert_eq!((sampler.name(), num_inference_steps, timestep_spacing), ("ddim", 50, None));
    let error = relative_error(&sampled(&model, &case, "").0, &expected(&case.name).0);
    assert!(error <= 1e-4, "{error:e}");
    let card = String::from_utf8(read(&model.join("README.md"))).expect("a text");
    for words in ["DDIMScheduler", "'leading'", "clamped to ±1"] {
        assert!(card.contains(words), "{words} is not in:\n{card}");
    }
    let smaller = folder.path().join("int8");
    dit("convert --dtype int8").with("--out", &smaller).with("--", &model).succeeds();
    let error = relative_error(&sampled(&smaller, &case, "").0, &expected(&case.name).0);
    assert!(error <= 0.1, "in 8 bits: {error:e}");
}

#[test]
fn a_scheduler_without_a_sampler_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let case = case("ddim-20");
    converted(folder.path(), &case, "--numbers diffusers");
    let source = folder.path().join(&case.name);
    let out = folder.path().join("out");
    let convert_with = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let mut scheduler = case.scheduler.clone();
        change(scheduler.as_object_mut().expect("an object"));
        write_json(&source.join("scheduler/scheduler_config.json"), &scheduler);
        dit("convert --no-preview --numbers diffusers").with("--out", &out).with("--", &source)
    };
    let refused = |name: &str, value: Value, words: &[&str]| {
        let convert = convert_with(&|scheduler| drop(scheduler.insert(name.into(), value.clone())));
        convert.refuses(&[&["scheduler_config.json"], words].concat());
        assert!(!out.exists());
    };
    refused("_class_name", "FlowMatchHeunDiscreteScheduler".into(), &["FlowMatchHeun", "FlowMatchEuler"]);
    refused("_class_name", "HeunDiscreteScheduler".into(), &["HeunDiscreteScheduler", "DDIMScheduler"]);
    refused("thresholding", true.into(), &["thresholding = true", "thresholding=False"]);
    // Of the transformer alone it is the same.
    for part in ["transformer", "transformer/diffusion_pytorch_model.safetensors"] {
        let flow = serde_json::json!({ "_class_name": "FlowMatchHeunDiscreteScheduler" });
        write_json(&source.join("scheduler/scheduler_config.json"), &flow);
        dit("convert").with("--out", &out).with("--", source.join(part)).refuses(&["FlowMatchHeun"]);
    }
    // A class that the file does not name is the one of model_index.json.
    convert_with(&|scheduler| drop(scheduler.remove("_class_name"))).succeeds();
    assert_eq!(model_dir::read_config(&out).expect("a configuration").defaults.sampler.name(), "ddim");
}

/// The timesteps of 4 schedulers, 3 spacings and 9 numbers of steps, with an offset of 1.
#[test]
fn timesteps_are_those_of_diffusers() {
    let folder = tempfile::tempdir().expect("a folder");
    let golden: BTreeMap<String, Vec<usize>> = serde_json::from_value(json("timesteps.json")).expect("lists");
    assert_eq!(golden.len(), 4 * 3 * 9);
    for (scheduler, name) in
        [("DDIM", "ddim-20"), ("DDPM", "ddpm-10"), ("DPMSolverMultistep", "dpm-10"), ("UniPCMultistep", "unipc-10")]
    {
        let config = model_dir::read_config(&converted(folder.path(), &case(name), "")).expect("a configuration");
        let mut process = config.scheduler;
        process.steps_offset = 1;
        let whole = training_schedule(&process);
        for spacing in [TimestepSpacing::Leading, TimestepSpacing::Trailing, TimestepSpacing::Linspace] {
            let of_spacing = format!("{scheduler}Scheduler {} ", spacing.name());
            for (key, theirs) in golden.iter().filter(|(key, _)| key.starts_with(&of_spacing)) {
                let run = whole.for_run(&process, config.defaults.sampler, Some(spacing), theirs.len());
                let mut ours = run.expect("steps that fit").timesteps;
                ours.reverse();
                assert_eq!(&ours, theirs, "{key}");
            }
        }
    }
}
