//! The golden numbers of the official code and of diffusers (see tests/golden/README.md), through converted files.

use crate::diffusers::{renamed, write_json, write_transformer};
use crate::dit;
use crate::files::{Pickle, golden, read_tensors, safetensors, torch};
use crate::support::values;
use burn::tensor::{Device, Tensor, TensorData};
use ditscope_config::{DitConfig, SamplerKind, TimestepSpacing};
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Guidance, Model, Noise, Request, Run};
use ditscope_core::weights::NamedTensor;
use ditscope_model_dir as model_dir;
use std::collections::HashMap;
use std::path::Path;

const ALL: [&str; 3] = ["dit-learn-sigma-p2", "dit-learn-sigma-p4", "dit-eps-p2-gray"];
const TYPES: [(&str, f64); 2] = [("f32", 1e-4), ("f16", 5e-3)];

fn config(name: &str) -> DitConfig {
    serde_json::from_slice(&std::fs::read(golden(&format!("{name}.json"))).expect("a file")).expect("a configuration")
}

fn weights(name: &str) -> Vec<NamedTensor> {
    read_tensors(&golden(&format!("{name}.safetensors")))
}

fn convert(source: &Path, out: &Path, options: &str) {
    dit(&format!("convert {options}")).with("--out", out).with("--", source).succeeds();
}

fn shard(dir: &Path) -> Vec<u8> {
    std::fs::read(dir.join("model-00001-of-00001.safetensors")).expect("one shard")
}

#[test]
fn the_official_numbers_come_from_official_files() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ALL {
        for (dtype, tolerance) in TYPES {
            let out = folder.path().join(format!("{name}-{dtype}"));
            let heads = config(name).num_heads;
            let source = golden(&format!("{name}.safetensors"));
            convert(&source, &out, &format!("--num-heads {heads} --dtype {dtype}"));
            assert_golden(name, &out, tolerance);
        }
    }
}

/// From a checkpoint and from a model of ours; a half of f16, and close to it.
#[test]
fn weights_in_8_bits_are_half_as_large_and_close() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let source = golden("dit-learn-sigma-p2.safetensors");
    convert(&source, &path("f16"), "--num-heads 4");
    convert(&source, &path("int8"), "--num-heads 4 --dtype int8");
    convert(&path("f16"), &path("again"), "--dtype int8");
    let [f16, int8] = ["f16", "int8"].map(|name| model_dir::read_index(&path(name)).expect("an index").total_bytes());
    println!("f16 {f16} bytes, int8 {int8} bytes");
    assert!(10 * int8 < 6 * f16, "{int8} of {f16} bytes");
    for name in ["int8", "again"] {
        let info = dit("info").with("--", path(name)).succeeds();
        assert!(info.contains("I8"), "{info}");
        assert_golden("dit-learn-sigma-p2", &path(name), 5e-3);
    }
    let small = dit("convert --dtype int8").with("--out", path("twice")).with("--", path("int8"));
    small.refuses(&["I8", "only F32, F16, BF16 and F64"]);
}

#[test]
fn the_official_numbers_come_from_a_diffusers_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ALL {
        let (config, dir) = (config(name), folder.path().join(name));
        write_transformer(&dir.join("transformer"), &renamed(&weights(name), config.depth), &config);
        let labels: serde_json::Map<_, _> =
            (0..config.num_classes).map(|i| (i.to_string(), format!("label {i}").into())).collect();
        write_json(
            &dir.join("model_index.json"),
            &serde_json::json!({ "_class_name": "DiTPipeline", "id2label": labels }),
        );
        std::fs::write(dir.join("README.md"), "---\nlicense: cc-by-nc-4.0\ntags:\n- dit\n---\n# DiT\n")
            .expect("a file");
        let out = folder.path().join(format!("{name}-out"));
        convert(&dir, &out, "--dtype f32");
        assert_golden(name, &out, 1e-4);
        let converted = model_dir::read_config(&out).expect("a configuration");
        assert_eq!(converted.transformer, config);
        assert_eq!((converted.labels[1].as_str(), converted.license.as_str()), ("label 1", "cc-by-nc-4.0"));
        let theirs = folder.path().join(format!("{name}-theirs"));
        convert(&dir, &theirs, "--dtype f32 --numbers diffusers");
        let theirs = model_dir::read_config(&theirs).expect("a configuration");
        assert_eq!((theirs.transformer.downscale_freq_shift, theirs.transformer.mlp_norm_eps), (1, 1e-5));
        assert_eq!(theirs.scheduler.guidance_channels, None);
    }
}

#[test]
fn a_torch_checkpoint_gives_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (name, path) = ("dit-learn-sigma-p2", |name: &str| folder.path().join(name));
    let tensors = weights(name);
    convert(&golden(&format!("{name}.safetensors")), &path("official"), "--num-heads 4 --dtype f32");
    // The weights, alone and in the checkpoint of a training, beside options and an untrained model.
    let training = Pickle::new().raw(b"}(").text("model").raw(b"}").text("args").global("argparse", "Namespace");
    let training =
        training.raw(b")R}").text("lr").raw(b"G?\x1a6\xe2\xeb\x1cC-sb").text("ema").dict(&tensors).raw(b"u.");
    for (kind, pickle) in [("plain", Pickle::state_dict(&tensors)), ("training", training)] {
        let file = path(&format!("{kind}.pt"));
        std::fs::write(&file, torch(&pickle, &tensors)).expect("a file");
        convert(&file, &path(kind), "--num-heads 4 --dtype f32");
        assert!(shard(&path(kind)) == shard(&path("official")), "{kind}");
    }
}

/// `torch.save({"ema": …, "model": {}, "args": argparse.Namespace(…)})` of torch 1.13.
#[test]
fn a_file_of_torch_itself_can_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    convert(&golden("dit-eps-p2-gray.pt"), &out, "--num-heads 2 --dtype f32");
    assert_golden("dit-eps-p2-gray", &out, 1e-4);
}

#[test]
fn decoders_give_the_numbers_of_diffusers() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["kl", "taesd"] {
        let io = tensors_by_name(&format!("{name}-io"));
        for (dtype, tolerance) in TYPES {
            let out = folder.path().join(format!("{name}-{dtype}"));
            convert(&golden(&format!("{name}.safetensors")), &out, &format!("--dtype {dtype}"));
            let (_, autoencoder) = model_dir::load_autoencoder(&out, &Device::flex()).expect("an autoencoder");
            assert_close(name, autoencoder.decode(tensor(&io["z"])), tensor(&io["image"]), tolerance);
        }
    }
}

#[test]
fn older_names_of_the_decoders_give_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let old = [(".to_q.", ".query."), (".to_k.", ".key."), (".to_v.", ".value."), (".to_out.0.", ".proj_attn.")];
    let rename = |tensor: NamedTensor| {
        let name = old.iter().fold(tensor.name, |name, (new, old)| name.replace(new, old));
        NamedTensor { name, ..tensor }
    };
    // A folder, as diffusers has it.
    let kl: Vec<NamedTensor> = weights("kl").into_iter().map(rename).collect();
    std::fs::create_dir(path("kl")).expect("a folder");
    std::fs::copy(golden("kl.json"), path("kl/config.json")).expect("a file");
    std::fs::write(path("kl/diffusion_pytorch_model.safetensors"), safetensors(&kl)).expect("a file");
    convert(&path("kl"), &path("kl-out"), "--dtype f32");
    convert(&golden("kl.safetensors"), &path("kl-golden"), "--dtype f32");
    assert!(shard(&path("kl-out")) == shard(&path("kl-golden")));

    // TAESD's own file: the decoder alone, one index more.
    let original = |tensor: NamedTensor| {
        let (index, rest) = tensor.name.strip_prefix("decoder.layers.")?.split_once('.')?;
        let name = format!("{}.{rest}", index.parse::<usize>().expect("a number") + 1);
        Some(NamedTensor { name, ..tensor })
    };
    let decoder: Vec<NamedTensor> = weights("taesd").into_iter().filter_map(original).collect();
    std::fs::write(path("taesd_decoder.pth"), torch(&Pickle::state_dict(&decoder), &decoder)).expect("a file");
    convert(&path("taesd_decoder.pth"), &path("taesd"), "--dtype f32");
    let (config, autoencoder) = model_dir::load_autoencoder(&path("taesd"), &Device::flex()).expect("an autoencoder");
    let io = tensors_by_name("taesd-io");
    assert_close("taesd", autoencoder.decode(tensor(&io["z"])), tensor(&io["image"]), 1e-4);
    assert_eq!(config.factor(), 8);
}

/// Forward, guided forward on 3 channels, DDIM and DDPM runs.
fn assert_golden(name: &str, dir: &Path, tolerance: f64) {
    let model = model_dir::load(dir, &Device::flex()).expect("a model");
    assert_eq!(model.config.transformer, config(name));
    let io = tensors_by_name(&format!("{name}-io"));
    let classes = |name: &str| tensor::<1>(&io[name]).int();
    let out = model.dit.forward(tensor(&io["x"]), tensor(&io["t"]), classes("y"));
    assert_close(&format!("{name} out"), out, tensor(&io["out"]), tolerance);
    let guided = model.config.transformer.in_channels == 4;
    if guided {
        let guidance = Guidance { scales: vec![3.0], channels: 3 };
        let out = model.guided_output(tensor(&io["cfg_x"]), 500, classes("cfg_y"), &guidance);
        let n = out.dims()[0];
        assert_close(&format!("{name} guided"), out, tensor::<4>(&io["cfg_out"]).narrow(0, 0, n), tolerance);
    }
    let leading = Some(TimestepSpacing::Leading);
    let ddim = |steps| SamplerConfig { spacing: leading, ..SamplerConfig::new(SamplerKind::Ddim, steps) };
    let ddpm = SamplerConfig::new(SamplerKind::Ddpm, 25);
    for (golden, sampler) in [("ddim10", ddim(10)), ("ddim20", ddim(20)), ("ddpm25", ddpm)] {
        let noise: Tensor<5> = tensor(&io["ddpm25_noise"]);
        let request = Request {
            classes: vec![1, 2],
            noise: Noise::Given {
                start: tensor(&io["noise"]),
                steps: (0..25).map(|i| noise.clone().narrow(0, i, 1).squeeze_dim(0)).collect(),
            },
            guidance_scales: vec![if guided { 3.0 } else { 1.0 }],
            // As the converted configuration says.
            guidance_channels: None,
            sampler,
            start: None,
        };
        assert_close(&format!("{name} {golden}"), run(&model, request), tensor(&io[golden]), tolerance);
    }
}

fn run(model: &Model, request: Request) -> Tensor<4> {
    let mut run = Run::new(model, request).expect("a valid request");
    while !run.is_done() {
        run.step().expect("noise for every step");
    }
    run.x_t().clone()
}

fn tensors_by_name(file: &str) -> HashMap<String, NamedTensor> {
    weights(file).into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect()
}

fn tensor<const D: usize>(named: &NamedTensor) -> Tensor<D> {
    Tensor::from_data(TensorData::new(named.values.clone(), named.shape.clone()), &Device::flex())
}

fn assert_close(what: &str, ours: Tensor<4>, theirs: Tensor<4>, tolerance: f64) {
    assert_eq!(ours.dims(), theirs.dims(), "{what}");
    let norm = |t: Tensor<4>| values(t).into_iter().map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt();
    let error = norm(ours - theirs.clone()) / norm(theirs);
    println!("{what}: relative error {error:.1e}");
    assert!(error <= tolerance, "{what}: relative error {error:e}");
}
