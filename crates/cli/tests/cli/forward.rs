//! `dit forward` and `dit decode`: the numbers of the golden files, and clear words for inputs that do not fit.

use crate::support::{snapshot, tiny_config};
use crate::{dit, f32_bytes, read_tensor, with_tiny_model, write_tensors};
use burn::tensor::Device;
use ditscope_config::{AutoencoderConfig, DitConfig, LatentStats, ModelConfig};
use ditscope_core::autoencoder::Autoencoder;
use ditscope_core::dit::Dit;
use ditscope_core::generate::Model;
use ditscope_core::weights::{Dtype as Stored, Loader};
use ditscope_model_dir as model_dir;
use half::f16;
use safetensors::Dtype;
use std::path::{Path, PathBuf};

fn golden(name: &str) -> PathBuf {
    ditscope_test_support::root().join("tests/golden").join(name)
}

fn read_golden(name: &str) -> Vec<u8> {
    std::fs::read(golden(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn floats(bytes: &[u8]) -> Vec<f64> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).into()).collect()
}

/// ‖ours − theirs‖ / ‖theirs‖ of a tensor in two files.
fn relative_error(ours: &Path, theirs: &Path, name: &str) -> f64 {
    let (ours, theirs) = (read_tensor(ours, name), read_tensor(theirs, name));
    assert_eq!(ours.0, theirs.0);
    let (ours, theirs) = (floats(&ours.1), floats(&theirs.1));
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    (squares(&mut ours.iter().zip(&theirs).map(|(a, b)| a - b)) / squares(&mut theirs.iter().copied())).sqrt()
}

/// A model folder of a golden transformer.
fn golden_model(name: &str, dir: &Path, dtype: Stored) {
    let transformer: DitConfig = serde_json::from_slice(&read_golden(&format!("{name}.json"))).expect("a size");
    let channels = transformer.in_channels;
    let config = ModelConfig {
        latents: LatentStats { mean: vec![0.0; channels], std: vec![1.0; channels], rgb: None },
        audio: None,
        text: None,
        labels: (0..transformer.num_classes).map(|i| i.to_string()).collect(),
        autoencoder: None,
        transformer,
        ..tiny_config()
    };
    let mut model = Model::new(&config, &Device::flex());
    let (mut loader, bytes) = (Loader::default(), read_golden(&format!("{name}.safetensors")));
    model.dit =
        loader.apply(Dit::new(&config.transformer, &model.device), "", name, &bytes, &model.device).expect("it fits");
    model_dir::save(dir, &model, dtype).expect("a model's folder");
}

#[test]
fn forward_gives_the_golden_output() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["dit-learn-sigma-p2", "dit-learn-sigma-p4", "dit-eps-p2-gray"] {
        for (dtype, tolerance) in [(Stored::F32, 1e-4), (Stored::F16, 5e-3)] {
            let (model, out) = (folder.path().join("model"), folder.path().join("out"));
            golden_model(name, &model, dtype);
            let io = golden(&format!("{name}-io.safetensors"));
            dit("forward").with("--model", &model).with("--input", &io).with("--output", &out).succeeds();
            let error = relative_error(&out, &io, "out");
            assert!(error <= tolerance, "{name} {dtype:?}: relative error {error:e}");
            std::fs::remove_dir_all(&model).expect("a folder");
        }
    }
}

#[test]
fn decode_gives_the_golden_pictures() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["taesd", "kl"] {
        let (dir, out) = (folder.path().join(name), folder.path().join("image"));
        let config: AutoencoderConfig = serde_json::from_slice(&read_golden(&format!("{name}.json"))).expect("a size");
        let (device, mut loader) = (Device::flex(), Loader::default());
        let fresh = Autoencoder::new(&config, &device);
        let bytes = read_golden(&format!("{name}.safetensors"));
        let autoencoder = loader.apply(fresh, "", name, &bytes, &device).expect("it fits");
        model_dir::save_autoencoder(&dir, &config, &autoencoder).expect("an autoencoder's folder");
        let io = golden(&format!("{name}-io.safetensors"));
        dit("decode").with("--autoencoder", &dir).with("--input", &io).with("--output", &out).succeeds();
        let error = relative_error(&out, &io, "image");
        assert!(error <= 1e-4, "{name}: relative error {error:e}");
        let text = dit("info").with("--", &dir).succeeds();
        assert!(text.contains(config.class_name()) && text.contains("hashes       verified"), "{text}");
    }
}

#[test]
fn numbers_of_any_type_go_in() {
    let (folder, model) = with_tiny_model();
    let path = |name: &str| folder.path().join(name);
    // Multiples of 1/8: the same in every type.
    let x: Vec<f32> = (0..64).map(|i| (i % 13) as f32 / 8.0 - 0.75).collect();
    let inputs = [
        ("f32", Dtype::F32, f32_bytes(&x), Dtype::F32, f32_bytes(&[7.0]), f32_bytes(&[3.0])),
        (
            "f16",
            Dtype::F16,
            x.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect(),
            Dtype::I64,
            7i64.to_le_bytes().to_vec(),
            3i64.to_le_bytes().to_vec(),
        ),
        ("f64", Dtype::F64, x.iter().flat_map(|v| f64::from(*v).to_le_bytes()).collect(), Dtype::U8, vec![7], vec![3]),
    ];
    let outputs = inputs.map(|(name, of_x, x, of_rest, t, y)| {
        let tensors = [("x", of_x, vec![1, 4, 4, 4], x), ("t", of_rest, vec![1], t), ("y", of_rest, vec![1], y)];
        write_tensors(&path(name), &tensors);
        let out = path(&format!("{name}-out"));
        dit("forward").with("--model", &model).with("--input", path(name)).with("--output", &out).succeeds();
        read_tensor(&out, "out")
    });
    assert_eq!(outputs[0].0, [1, 4, 4, 4]);
    assert!(floats(&outputs[0].1).iter().any(|v| *v != 0.0));
    assert!(outputs.iter().all(|out| *out == outputs[0]));
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let (folder, model) = with_tiny_model();
    let (input, out) = (folder.path().join("in"), folder.path().join("out"));
    let good = |name: &str| match name {
        "x" => ("x", Dtype::F32, vec![1, 4, 4, 4], f32_bytes(&[0.5; 64])),
        "t" => ("t", Dtype::F32, vec![1], f32_bytes(&[500.0])),
        _ => ("y", Dtype::F32, vec![1], f32_bytes(&[1.0])),
    };
    let refused = |wrong: (&'static str, Dtype, Vec<usize>, Vec<u8>), words: &[&str]| {
        let tensors = ["x", "t", "y"].map(|name| if name == wrong.0 { wrong.clone() } else { good(name) });
        write_tensors(&input, &tensors);
        dit("forward").with("--model", &model).with("--input", &input).with("--output", &out).refuses(words);
        assert!(!out.exists());
    };
    let number = |name: &'static str, value: f32| (name, Dtype::F32, vec![1], f32_bytes(&[value]));
    let mut nan = [0.0; 64];
    nan[63] = f32::NAN;
    refused(("x", Dtype::F32, vec![1, 4, 4, 4], f32_bytes(&nan)), &["'x'", "NaN"]);
    refused(("x", Dtype::F32, vec![1, 1, 8, 8], f32_bytes(&[0.0; 64])), &["'x'", "[1, 1, 8, 8]", "[1, 4, 4, 4]"]);
    refused(("x", Dtype::F32, vec![64], f32_bytes(&[0.0; 64])), &["'x'", "[64]", "[N, C, H, W]"]);
    refused(("x", Dtype::F32, vec![0, 4, 4, 4], Vec::new()), &["'x'", "[0, 4, 4, 4]"]);
    refused(("x", Dtype::BOOL, vec![1, 4, 4, 4], vec![1; 64]), &["'x'", "BOOL", "F32"]);
    refused(("t", Dtype::F32, vec![2], f32_bytes(&[1.0, 2.0])), &["'t'", "2 entries", "'x' has 1"]);
    refused(("t", Dtype::F32, vec![1, 1], f32_bytes(&[1.0])), &["'t'", "[1, 1]", "[N]"]);
    refused(number("t", 1000.0), &["t = 1000", "0 to 999"]);
    refused(number("t", -1.0), &["t = -1", "0 to 999"]);
    refused(number("t", f32::INFINITY), &["'t'", "infinite"]);
    refused(number("y", 4.0), &["y = 4", "0 to 3", "no class"]);
    refused(number("y", -1.0), &["y = -1", "0 to 3"]);
    refused(number("y", 0.5), &["y = 0.5", "whole numbers"]);
    refused(("y", Dtype::I64, vec![1], i64::MIN.to_le_bytes().to_vec()), &["out of range", "0 to 3"]);
    let forward = || dit("forward").with("--model", &model).with("--input", &input).with("--output", &out);
    write_tensors(&input, &[good("x"), good("t")]);
    forward().refuses(&["no tensor 'y'"]);
    // A header that claims more than there is.
    for header in [u64::MAX, 1 << 40, 100] {
        std::fs::write(&input, [&header.to_le_bytes()[..], b"{}"].concat()).expect("a file");
        forward().refuses(&["in: not a safetensors file"]);
    }
    std::fs::remove_file(&input).expect("a file");
    forward().refuses(&["cannot read it"]);
    write_tensors(&input, &["x", "t", "y"].map(good));
    forward().succeeds();
}

#[test]
fn latents_that_do_not_fit_are_refused() {
    let (folder, model) = with_tiny_model();
    let (input, out) = (folder.path().join("in"), folder.path().join("out"));
    let decode = |dir: &Path| dit("decode").with("--autoencoder", dir).with("--input", &input).with("--output", &out);
    write_tensors(&input, &[("z", Dtype::F32, vec![1, 3, 2, 2], f32_bytes(&[0.0; 12]))]);
    decode(&model).refuses(&["'z' has 3 channels", "wants 4"]);
    write_tensors(&input, &[("latents", Dtype::F32, vec![1, 4, 2, 2], f32_bytes(&[0.0; 16]))]);
    decode(&model).refuses(&["no tensor 'z'"]);
    decode(&folder.path().join("nowhere")).refuses(&["nowhere", "expected an autoencoder"]);
    write_tensors(&input, &[("z", Dtype::F32, vec![2, 4, 2, 6], f32_bytes(&[0.5; 96]))]);
    decode(&model).succeeds();
    assert_eq!(read_tensor(&out, "image").0, [2, 1, 4, 12]);
    std::fs::remove_file(&out).expect("a file");
    // Another folder's file stays when the result cannot be written.
    let before = snapshot(folder.path());
    let missing = folder.path().join("missing/out");
    dit("decode")
        .with("--autoencoder", &model)
        .with("--input", &input)
        .with("--output", &missing)
        .refuses(&["missing/out"]);
    assert_eq!(snapshot(folder.path()), before);
}
