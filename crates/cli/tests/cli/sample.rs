//! `dit sample` on a tiny model.

use crate::support::{snapshot, tiny_model};
use crate::{dit, dit_on_a_full_disk, f32_bytes, picture, read_tensor, with_tiny_model, write_tensors};
use ditscope_config::TimestepSpacing;
use ditscope_model_dir as model_dir;
use ditscope_noise::gaussian;
use ditscope_protocol::RecordedRun;
use safetensors::Dtype;
use std::path::Path;

const SIDE: u32 = 8;
const LATENT: usize = 4 * 4 * 4;

/// Writes tensors of f32.
fn write(path: &Path, tensors: &[(&'static str, Vec<usize>, Vec<f32>)]) {
    let stored = |(name, shape, values): &(&'static str, Vec<usize>, Vec<f32>)| {
        (*name, Dtype::F32, shape.clone(), f32_bytes(values))
    };
    write_tensors(path, &tensors.iter().map(stored).collect::<Vec<_>>());
}

#[test]
fn one_picture_is_a_file_and_the_same_every_time() {
    let (folder, model) = with_tiny_model();
    let (a, b, c) = (folder.path().join("a.png"), folder.path().join("b.png"), folder.path().join("c.png"));
    for (out, seed) in [(&a, "5"), (&b, "5"), (&c, "6")] {
        dit("sample --class 1").with("--model", &model).with("--seed", seed).with("--out", out).succeeds();
    }
    let (width, height, pixels) = picture(&a);
    assert_eq!((width, height), (SIDE, SIDE));
    assert!(pixels.iter().min() < pixels.iter().max(), "a picture of one shade");
    assert_eq!(std::fs::read(&a).expect("a"), std::fs::read(&b).expect("b"));
    assert_ne!(pixels, picture(&c).2, "another seed, another picture");
}

#[test]
fn a_batch_is_a_folder_with_the_pictures_that_each_seed_gives_alone() {
    for sampler in ["ddim", "ddpm", "dpm++", "unipc"] {
        let (folder, model) = with_tiny_model();
        let sample = || dit("sample --steps 5").with("--model", &model).with("--sampler", sampler);
        let batch = folder.path().join("batch");
        sample().with("--class", "0,TWO,number three").with("--seed", "11,12,13").with("--out", &batch).succeeds();
        let mut names: Vec<_> =
            snapshot(&batch).into_keys().map(|p| p.file_name().expect("a name").to_owned()).collect();
        names.sort();
        assert_eq!(names, ["0000.png", "0001.png", "0002.png"]);
        for (i, name) in names.iter().enumerate() {
            let alone = folder.path().join("alone.png");
            let (class, seed) = (i.to_string(), (11 + i).to_string());
            sample().with("--class", class).with("--seed", seed).with("--out", &alone).succeeds();
            let (of_batch, alone) = (picture(&batch.join(name)).2, picture(&alone).2);
            // Larger matrices may add in another order, which can tip a rounding.
            let most = of_batch.iter().zip(&alone).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(most <= Some(1), "{sampler}: picture {i} differs by {most:?}");
        }
    }
}

#[test]
fn one_class_serves_for_many_seeds() {
    let (folder, model) = with_tiny_model();
    let out = folder.path().join("many");
    dit("sample --class 2 --seed 1,2,3,4").with("--model", &model).with("--out", &out).succeeds();
    assert_eq!(snapshot(&out).len(), 4);
}

#[test]
fn sheets_and_enlargements_have_the_expected_sizes() {
    let (folder, model) = with_tiny_model();
    let (out, sheet) = (folder.path().join("out"), folder.path().join("sheet.png"));
    dit("sample --class 0 --seed 1,2,3,4,5 --columns 3 --scale 2")
        .with("--model", &model)
        .with("--out", &out)
        .with("--grid", &sheet)
        .succeeds();
    let (width, height, large) = picture(&out.join("0004.png"));
    assert_eq!((width, height), (2 * SIDE, 2 * SIDE));
    let at = |x: u32, y: u32| large[(y * width + x) as usize];
    assert!((0..SIDE).all(|x| at(2 * x, 0) == at(2 * x + 1, 1)), "pixels are repeated, not blurred");
    // Three columns, two rows, gaps of two pixels.
    let (width, height, _) = picture(&sheet);
    assert_eq!((width, height), (2 * (3 * SIDE + 4), 2 * (2 * SIDE + 2)));
}

#[test]
fn recorded_noise_replaces_the_seeds() {
    let (folder, model) = with_tiny_model();
    let path = |name: &str| folder.path().join(name);
    let (seeds, steps) = ([21u64, 22], 3u64);
    let stream = |s: u64| seeds.iter().flat_map(move |seed| gaussian(*seed, s, LATENT));
    let start = ("noise", vec![2, 4, 4, 4], stream(0).collect());
    let each_step = ("step_noise", vec![3, 2, 4, 4, 4], (1..=steps).flat_map(stream).collect());
    write(&path("noise.safetensors"), &[start, each_step]);
    let sample = || dit("sample --sampler ddpm --steps 3 --class 0,1").with("--model", &model);
    sample().with("--noise", path("noise.safetensors")).with("--latents-out", path("given")).succeeds();
    sample().with("--seed", "21,22").with("--latents-out", path("seeded")).succeeds();
    let latents = |name: &str| read_tensor(&path(name), "latents");
    assert_eq!(latents("given").0, [2, 4, 4, 4]);
    assert_eq!(latents("given"), latents("seeded"), "streams 0, 1, 2, … of the seeds, in this order");
}

#[test]
fn noise_that_does_not_fit_is_refused() {
    let (folder, model) = with_tiny_model();
    let path = |name: &str| folder.path().join(name);
    let (one, values) = (vec![1, 4, 4, 4], gaussian(1, 0, LATENT));
    write(&path("other-name"), &[("latents", one.clone(), values.clone())]);
    write(&path("flat"), &[("noise", vec![LATENT], values.clone())]);
    write(&path("large"), &[("noise", vec![1, 1, 8, 8], values.clone())]);
    write(&path("nan"), &[("noise", one.clone(), vec![f32::NAN; LATENT])]);
    write(&path("empty"), &[("noise", vec![0, 4, 4, 4], Vec::new())]);
    write(&path("no-steps"), &[("noise", one.clone(), values.clone())]);
    let short = ("step_noise", vec![1, 1, 4, 4, 4], values.clone());
    write(&path("few-steps"), &[("noise", one, values), short]);
    std::fs::write(path("text"), "noise").expect("a file");
    let out = path("out.png");
    let refused = |name: &str, words: &[&str]| {
        let sample = dit("sample --sampler ddpm --steps 3 --class 0").with("--model", &model).with("--out", &out);
        sample.with("--noise", path(name)).refuses(words);
        assert!(!out.exists());
    };
    refused("missing", &["missing", "cannot read"]);
    refused("text", &["text", "not a safetensors file"]);
    refused("other-name", &["other-name", "no tensor 'noise'"]);
    refused("flat", &["flat", "[64]", "[N, C, H, W]"]);
    refused("large", &["[1, 1, 8, 8]", "[1, 4, 4, 4]"]);
    refused("empty", &["empty", "[0, 4, 4, 4]", "[N, C, H, W]"]);
    refused("nan", &["nan", "NaN"]);
    refused("no-steps", &["step = 0", "step_noise"]);
    refused("few-steps", &["step = 1", "step_noise"]);
}

/// Chosen timesteps are the run's, and its settings say so; without a choice they say nothing, as before.
#[test]
fn a_recording_tells_which_timesteps_were_chosen() {
    let (folder, model) = with_tiny_model();
    let recorded = |options: &str| {
        let out = folder.path().join("run");
        dit(&format!("sample --sampler ddim --steps 4 {options}"))
            .with("--model", &model)
            .with("--record", &out)
            .succeeds();
        let json = std::fs::read(out.join("run.json")).expect("run.json");
        let run: RecordedRun = serde_json::from_slice(&json).expect("a recorded run");
        (run.info.settings.timestep_spacing, run.info.timesteps, String::from_utf8(json).expect("a text"))
    };
    let (spacing, timesteps, _) = recorded("--timestep-spacing trailing");
    assert_eq!((spacing, timesteps), (Some(TimestepSpacing::Trailing), vec![999, 749, 499, 249]));
    let (spacing, timesteps, json) = recorded("");
    assert_eq!((spacing, timesteps), (None, vec![999, 666, 333, 0]));
    assert!(!json.contains("spacing"));
    // Of the model's own, when its configuration has one.
    let path = model.join("config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).expect("a file")).expect("JSON");
    config["scheduler"]["timestep_spacing"] = "leading".into();
    std::fs::write(&path, config.to_string()).expect("a file");
    assert_eq!(recorded("").1, [750, 500, 250, 0]);
    assert_eq!(recorded("--timestep-spacing uniform").1, [999, 666, 333, 0]);
    config["scheduler"]["timestep_spacing"] = "karras".into();
    std::fs::write(&path, config.to_string()).expect("a file");
    dit("sample --out x.png").with("--model", &model).refuses(&["config.json", "karras", "leading"]);
}

#[test]
fn a_recording_has_a_frame_for_each_step_and_the_result() {
    let (folder, model) = with_tiny_model();
    let out = folder.path().join("run");
    dit("sample --class 1 --steps 3").with("--model", &model).with("--record", &out).succeeds();
    let json = std::fs::read(out.join("run.json")).expect("run.json");
    let run: RecordedRun = serde_json::from_slice(&json).expect("a recorded run");
    assert_eq!((run.label.as_str(), run.frames.len()), ("two", 4));
    // Pictures and x_t in each; x̂0 and both ε in all but the last.
    let bytes = 4 * 4 * (LATENT + (SIDE * SIDE) as usize) + 3 * 3 * 4 * LATENT;
    assert_eq!(std::fs::read(out.join("run.bin")).expect("run.bin").len(), bytes);
    for several in ["sample --class 0,1", "sample --class 1 --seed 1,2"] {
        dit(several).with("--model", &model).with("--record", &out).refuses(&["--record", "one picture"]);
    }
    dit("sample --class 1 --steps 3 --guidance-scale 1,2").with("--model", &model).with("--record", &out).succeeds();
    let json = std::fs::read(out.join("run.json")).expect("run.json");
    let run: RecordedRun = serde_json::from_slice(&json).expect("a recorded comparison");
    assert_eq!((run.info.num_images, run.info.guidance_scales), (2, vec![1.0, 2.0]));
    assert_eq!(std::fs::read(out.join("run.bin")).expect("run.bin").len(), 2 * bytes);
}

#[test]
fn options_out_of_range_are_refused_and_nothing_is_overwritten() {
    let (folder, model) = with_tiny_model();
    let out = folder.path().join("out.png");
    std::fs::write(&out, "precious").expect("a file");
    let before = snapshot(folder.path());
    let refused = |words: &str, says: &[&str]| {
        dit(&format!("sample {words}")).with("--model", &model).with("--out", &out).refuses(says);
        assert_eq!(snapshot(folder.path()), before, "{words}");
    };
    refused("--class 3", &["class '3'", "0 (one), 1 (two), 2 (Number three)"]);
    refused("--class boot", &["class 'boot'", "1 (two)"]);
    refused("--class -1", &["-1"]);
    refused("--sampler rk4", &["sampler 'rk4'", "ddim, ddpm, dpm++, unipc, euler, heun"]);
    refused("--sampler euler", &["sampler = euler", "ddim, ddpm, dpm++, unipc"]);
    refused("--steps 0", &["steps = 0", "1 to 1000"]);
    refused("--steps 1001", &["steps = 1001", "1 to 1000"]);
    refused("--steps 1000 --sampler dpm++", &["steps = 1000", "1 to 999"]);
    refused("--steps many", &["many", "--steps"]);
    refused("--eta 1.5", &["eta = 1.5", "0 to 1"]);
    refused("--guidance-scale nan", &["--guidance-scale", "finite"]);
    refused("--guidance-channels 0", &["guidance channels = 0", "1 to 4"]);
    refused("--guidance-channels 5", &["guidance channels = 5", "1 to 4"]);
    refused("--class 0,1 --seed 1,2,3", &["--class", "2 entries for 3 pictures"]);
    refused("--scale 0", &["--scale 0", "1 to 64"]);
    refused("--columns 0", &["--columns 0", "positive"]);
    dit("sample --class 0").with("--model", &model).refuses(&["nothing to write", "--out"]);
}

#[test]
fn output_that_cannot_be_written_is_named_and_what_was_there_stays() {
    let (folder, model) = with_tiny_model();
    let (file, missing) = (folder.path().join("file"), folder.path().join("missing/out"));
    let pictures = folder.path().join("pictures");
    std::fs::create_dir(&pictures).expect("a folder");
    for path in [&file, &pictures.join("kept")] {
        std::fs::write(path, "precious").expect("a file");
    }
    let before = snapshot(folder.path());
    let sample = |words: &str| dit(&format!("sample --steps 1 {words}")).with("--model", &model);
    for option in ["--out", "--grid", "--latents-out"] {
        sample("--class 0").with(option, &missing).refuses(&["missing/out", "cannot write it"]);
        sample("--class 0").with(option, &pictures).refuses(&["pictures", "cannot write it"]);
    }
    sample("--class 0,1").with("--out", &file).refuses(&["file", "cannot create the folder"]);
    dit_on_a_full_disk(0, "sample --steps 1 --class 0")
        .with("--model", &model)
        .with("--out", &file)
        .refuses(&["file", "room on the disk"]);
    assert_eq!(snapshot(folder.path()), before);
}

#[test]
fn a_model_of_latents_without_an_autoencoder_gives_its_preview() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (dir, out) = (folder.path().join("latents"), folder.path().join("out.png"));
    let mut model = tiny_model();
    (model.autoencoder, model.config.autoencoder) = (None, None);
    model_dir::save(&dir, &model, ditscope_core::weights::Dtype::F32).expect("a model's folder");
    dit("sample --class 1").with("--model", &dir).with("--out", &out).with("--record", folder.path()).succeeds();
    let image = image::open(&out).expect("a picture");
    assert_eq!((image.width(), image.height(), image.color().channel_count()), (4, 4, 3));
    let text = dit("info").with("--", &dir).succeeds();
    assert!(text.contains("3x4x4 (a linear preview: no autoencoder)"), "{text}");
}
