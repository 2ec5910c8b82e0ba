//! `dit convert`: what it refuses, and what it leaves behind.

use crate::diffusers::{renamed, write_json, write_transformer};
use crate::files::{Pickle, golden, read, read_tensors, safetensors, strides, torch};
use crate::support::snapshot;
use crate::{dit, dit_on_a_full_disk};
use ditscope_config::DitConfig;
use ditscope_core::weights::{NamedTensor, WeightsIndex};
use ditscope_model_dir as model_dir;
use std::path::{Path, PathBuf};

const NAME: &str = "dit-learn-sigma-p2";

fn weights() -> Vec<NamedTensor> {
    read_tensors(&golden(&format!("{NAME}.safetensors")))
}

fn one(tensors: &mut [NamedTensor], name: &str) -> usize {
    tensors.iter().position(|t| t.name == name).unwrap_or_else(|| panic!("no tensor {name}"))
}

/// A folder with one file, which must be refused with these words; nothing else may be left in it.
fn refused(name: &str, bytes: &[u8], options: &str, words: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join(name);
    std::fs::write(&file, bytes).expect("a file");
    convert(options, &file, &folder.path().join("out")).refuses(&[&[name], words].concat());
    let left = snapshot(folder.path());
    assert_eq!(left.keys().collect::<Vec<_>>(), [&file], "{name}");
}

fn convert(options: &str, source: &Path, out: &Path) -> crate::Dit {
    convert_with(options, [], source, out)
}

/// The same with options that take files.
fn convert_with<const N: usize>(options: &str, files: [(&str, &Path); N], source: &Path, out: &Path) -> crate::Dit {
    let start = dit(&format!("convert {options}")).with("--out", out);
    files.into_iter().fold(start, |dit, (option, file)| dit.with(option, file)).with("--", source)
}

fn changed(change: impl FnOnce(&mut Vec<NamedTensor>)) -> Vec<u8> {
    let mut tensors = weights();
    change(&mut tensors);
    safetensors(&tensors)
}

#[test]
fn tensors_that_make_no_model_are_named() {
    let official = changed(|_| {});
    refused("a.safetensors", &official, "", &["no preset", "--num-heads"]);
    refused("a.safetensors", &official, "--num-heads 5", &["num_heads 5 does not divide hidden_size 64"]);
    let unknown = changed(|tensors| {
        let extra = NamedTensor { name: "blocks.0.ls1.gamma".into(), shape: vec![1], values: vec![1.0] };
        tensors.push(extra);
    });
    refused("a.safetensors", &unknown, "--num-heads 4", &["blocks.0.ls1.gamma", "does not have", "silently"]);
    let missing = changed(|tensors| {
        let i = one(tensors, "blocks.1.mlp.fc2.bias");
        tensors.remove(i);
    });
    refused("a.safetensors", &missing, "--num-heads 4", &["'blocks.1.mlp.fc2.bias'", "missing"]);
    let turned = changed(|tensors| {
        let i = one(tensors, "blocks.1.mlp.fc2.weight");
        tensors[i].shape.swap(0, 1);
    });
    refused("a.safetensors", &turned, "--num-heads 4", &["blocks.1.mlp.fc2.weight", "[256, 64]", "[64, 256]"]);
    let learned = changed(|tensors| {
        let i = one(tensors, "pos_embed");
        tensors[i].values[70] += 0.01;
    });
    refused(
        "a.safetensors",
        &learned,
        "--num-heads 4",
        &["'pos_embed' differs", "learned positions are not supported"],
    );
    let other = safetensors(&[NamedTensor { name: "bert.embeddings".into(), shape: vec![1], values: vec![0.0] }]);
    refused("a.safetensors", &other, "", &["neither a DiT", "bert.embeddings"]);
    let compvis = NamedTensor { name: "decoder.mid.attn_1.q.weight".into(), shape: vec![1], values: vec![0.0] };
    refused("a.safetensors", &safetensors(&[compvis]), "", &["CompVis", "from_single_file"]);
}

#[test]
fn numbers_that_cannot_be_stored_are_named() {
    let name = "blocks.0.attn.qkv.weight";
    let with = |value: f32| {
        changed(|tensors| {
            let i = one(tensors, name);
            tensors[i].values[17] = value;
        })
    };
    refused("a.safetensors", &with(f32::NAN), "--num-heads 4", &[name, "NaN or infinite"]);
    refused("a.safetensors", &with(f32::NEG_INFINITY), "--num-heads 4 --dtype f32", &[name, "NaN or infinite"]);
    refused("a.safetensors", &with(1e5), "--num-heads 4", &[name, "100000 is too large for f16", "--dtype f32"]);
}

#[test]
fn files_of_other_kinds_are_named() {
    let whole = changed(|_| {});
    refused("a.safetensors", &whole[..whole.len() - 1], "", &["truncated or damaged", "Download it again"]);
    refused("a.safetensors", &whole[..100], "", &["truncated"]);
    refused("a.pt", b"", "", &["neither a safetensors file nor a torch checkpoint"]);
    refused("a.pt", b"<html>404 Not Found</html>", "", &["neither a safetensors file nor a torch checkpoint"]);
    // The first bytes of torch's old format: protocol 2 and a magic number.
    refused("a.pt", b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", "", &["old format", "torch.save"]);
    refused("a.zip", &crate::files::zip(&[("notes.txt", b"hello")]), "", &["not a torch checkpoint", "data.pkl"]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    convert("", &folder.path().join("nothing.pt"), &out).refuses(&["nothing.pt", "no such file"]);
    std::fs::create_dir(folder.path().join("empty")).expect("a folder");
    convert("", &folder.path().join("empty"), &out).refuses(&["no weights in this folder", "model_index.json"]);
}

#[test]
fn archives_that_torch_does_not_write_are_refused() {
    let tensors = weights();
    let good = torch(&Pickle::state_dict(&tensors), &tensors);
    // Both headers of every entry: general flags and method.
    let patched = |flags: u8, method: u8| {
        let mut bytes = good.clone();
        for at in 0..bytes.len() - 12 {
            match &bytes[at..at + 4] {
                b"PK\x03\x04" => (bytes[at + 6], bytes[at + 8]) = (bytes[at + 6] | flags, method),
                b"PK\x01\x02" => (bytes[at + 8], bytes[at + 10]) = (bytes[at + 8] | flags, method),
                _ => {}
            }
        }
        bytes
    };
    refused("a.pt", &patched(0, 8), "--num-heads 4", &["compressed", "zip -0"]);
    refused("a.pt", &patched(1, 0), "--num-heads 4", &["encrypted"]);
    refused("a.pt", &good[..good.len() / 2], "--num-heads 4", &["truncated"]);
    let lacking = torch(&Pickle::state_dict(&tensors), &tensors[..31]);
    refused("a.pt", &lacking, "--num-heads 4", &["archive/data/31", "no entry"]);
    let small: Vec<NamedTensor> =
        tensors.iter().map(|tensor| NamedTensor { values: tensor.values[1..].to_vec(), ..tensor.clone() }).collect();
    refused("a.pt", &torch(&Pickle::state_dict(&tensors), &small), "--num-heads 4", &["larger than its storage"]);
    let big = crate::files::zip(&[("a/data.pkl", &Pickle::state_dict(&tensors).0), ("a/byteorder", b"big")]);
    refused("a.pt", &big, "", &["big-endian"]);
}

#[test]
fn pickles_are_not_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let trace = folder.path().join("trace");
    let command = format!("touch {}", trace.display());
    let hostile = |module: &str, name: &str| {
        let call = Pickle::new().raw(b"}(").text("x").global(module, name).raw(b"(").text(&command);
        torch(&call.raw(b"tRu."), &[])
    };
    for (module, name) in [("os", "system"), ("posix", "system"), ("builtins", "eval"), ("torch", "load")] {
        let words = [&format!("{module}.{name}"), "no weights need", "nothing of it was run"];
        refused("a.pt", &hostile(module, name), "", &words);
    }
    assert!(!trace.exists());
    // Allowed where it does not matter, but never as weights.
    let object = hostile("argparse", "Namespace");
    refused("a.pt", &object, "", &["'x' is not a tensor"]);
}

#[test]
fn tensors_in_unusual_places_are_refused() {
    let tensor = NamedTensor { name: "x".into(), shape: vec![2, 3], values: vec![0.0; 6] };
    let file = |pickle: Pickle| torch(&pickle, std::slice::from_ref(&tensor));
    let with = |shape: &[usize], stride: &[usize], kind: &str| {
        file(Pickle::new().raw(b"}(").text("x").tensor(0, kind, shape, stride).raw(b"u."))
    };
    refused("a.pt", &with(&[3, 2], &[1, 3], "FloatStorage"), "", &["'x' does not lie in one piece", "contiguous"]);
    refused("a.pt", &with(&[2, 3], &[0, 1], "FloatStorage"), "", &["'x' does not lie in one piece"]);
    refused(
        "a.pt",
        &with(&[2, 3], &strides(&[2, 3]), "ComplexFloatStorage"),
        "",
        &["ComplexFloatStorage", "not supported"],
    );
    refused("a.pt", &file(Pickle::new().raw(b"}.")), "", &["state_dict is empty"]);
    refused("a.pt", &file(Pickle::new().raw(b"].")), "", &["holds no state_dict"]);
    refused("a.pt", &file(Pickle::new().raw(b"}(").text("x")), "", &["ends in the middle"]);
}

#[test]
fn diffusers_folders_that_compute_otherwise_are_refused() {
    let config: DitConfig = serde_json::from_slice(&read(&golden(&format!("{NAME}.json")))).expect("a configuration");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let dir = |name: &str| -> PathBuf { folder.path().join(name) };
    let mut tensors = renamed(&weights(), config.depth);
    write_transformer(&dir("good"), &tensors, &config);
    convert("", &dir("good"), &out).succeeds();
    std::fs::remove_dir_all(&out).expect("a folder");

    let mut settings: serde_json::Value =
        serde_json::from_slice(&read(&dir("good").join("config.json"))).expect("a configuration");
    settings["norm_type"] = "layer_norm".into();
    write_json(&dir("good").join("config.json"), &settings);
    convert("", &dir("good"), &out).refuses(&["norm_type", "layer_norm", "ada_norm_zero"]);

    let name = "transformer_blocks.1.norm1.emb.timestep_embedder.linear_1.bias";
    let i = one(&mut tensors, name);
    tensors[i].values[0] += 1.0;
    write_transformer(&dir("own"), &tensors, &config);
    convert("", &dir("own"), &out).succeeds();
    let own = model_dir::read_config(&out).expect("a configuration").transformer;
    assert_eq!(own, DitConfig { block_embedders: true, ..config });
    assert!(String::from_utf8(read(&out.join("README.md"))).expect("a text").contains("--numbers diffusers"));

    tensors.retain(|tensor| !tensor.name.starts_with("transformer_blocks.0.norm1.emb.class_embedder"));
    write_transformer(&dir("lacking"), &tensors, &config);
    convert("", &dir("lacking"), &dir("none")).refuses(&["transformer_blocks.0", "class_embedder", "missing"]);
    assert!(!dir("none").exists());
}

#[test]
fn only_a_model_is_replaced() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let source = golden(&format!("{NAME}.safetensors"));
    // OUT is SRC, lies in it, is a file, or is somebody's folder.
    std::fs::create_dir(path("src")).expect("a folder");
    std::fs::copy(&source, path("src/model.safetensors")).expect("a file");
    convert("", &path("src"), &path("src")).refuses(&["--out", "being converted", "choose another folder"]);
    convert("", &path("src"), &path("src/new/deep")).refuses(&["lies in"]);
    convert("--num-heads 4", &source, &path("src/model.safetensors")).refuses(&["this is a file"]);
    convert("--num-heads 4", &source, &path("src")).refuses(&["something else than a model", "model.safetensors"]);
    assert_eq!(snapshot(&path("src")).len(), 1);

    convert("--num-heads 4", &source, &path("model")).succeeds();
    let before = snapshot(&path("model"));
    convert("--num-heads 5", &source, &path("model")).refuses(&["num_heads 5"]);
    std::fs::write(path("bad.safetensors"), changed(|tensors| tensors[30].values[0] = f32::NAN)).expect("a file");
    convert("--num-heads 4", &path("bad.safetensors"), &path("model")).refuses(&["NaN"]);
    assert_eq!(snapshot(&path("model")), before, "a conversion that fails changes nothing");

    // A disk that fills up, and what a conversion that was killed leaves.
    let full = dit_on_a_full_disk(300, "convert --num-heads 4").with("--out", path("model")).with("--", &source);
    full.refuses(&["model-00001-of-00001.safetensors.tmp", "room on the disk"]);
    assert_eq!(snapshot(&path("model")), before, "a full disk changes nothing");
    std::fs::create_dir(path("new")).expect("a folder");
    std::fs::write(path("new/model-00002-of-00009.safetensors.tmp"), "half").expect("a file");
    convert("--num-heads 4", &source, &path("new")).succeeds();
    assert_eq!(snapshot(&path("new")).len(), before.len());

    // A decoder in the place of a model: the model's files are gone.
    convert("", &golden("taesd.safetensors"), &path("model")).succeeds();
    assert!(!path("model").join("config.json").exists());
    assert_eq!(snapshot(&path("model")).len(), 4, "autoencoder.json, index, one shard, card");
}

#[test]
fn a_model_with_its_decoder_says_what_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let source = golden(&format!("{NAME}.safetensors"));
    std::fs::write(path("names.txt"), "ant\nbee\ncat\ndog\nelk\n").expect("a file");
    let options = "--num-heads 4 --name Small --license MIT";
    let names = path("names.txt");
    let files = [("--labels", names.as_path()), ("--autoencoder", &golden("kl.safetensors"))];
    convert_with(options, files, &source, &path("kl")).succeeds();
    let config = model_dir::read_config(&path("kl")).expect("a configuration");
    assert_eq!((config.name.as_str(), config.license.as_str(), config.labels[4].as_str()), ("Small", "MIT", "elk"));
    assert!((config.latents.std[0] - 1.0 / 0.18215).abs() < 1e-5);
    assert!(config.latents.rgb.is_some(), "the preview was fitted");
    assert_eq!(config.scheduler.guidance_channels, Some(3));
    let card = String::from_utf8(read(&path("kl/README.md"))).expect("a text");
    let hash = ditscope_core::weights::sha256_hex(&read(&source));
    for words in ["# Small", "MIT", "official code", &hash, "kl.safetensors", "dit convert", "encoder were left out"] {
        assert!(card.contains(words), "{words} is not in:\n{card}");
    }
    assert!(!card.contains(&folder.path().display().to_string()), "folders stay private");
    let index = WeightsIndex::parse("index", &read(&path("kl/model.safetensors.index.json"))).expect("an index");
    let held: u64 = index.metadata.total_parameters.expect("a number");
    assert_eq!(index.metadata.total_size, 2 * held);

    // What was converted can be given as a decoder; what is no decoder cannot.
    let again = |decoder: &Path, out: &str| {
        convert_with("--num-heads 4 --no-preview", [("--autoencoder", decoder)], &source, &path(out))
    };
    again(&path("kl"), "again").succeeds();
    assert_eq!(model_dir::read_config(&path("again")).expect("a configuration").latents.rgb, None);
    again(&source, "wrong").refuses(&["this is a transformer, not an autoencoder"]);
    // A model of ours is stored anew, without options that are for checkpoints; an autoencoder alone is not.
    convert("", &path("kl"), &path("twice")).succeeds();
    assert_eq!(model_dir::read_config(&path("twice")).ok(), model_dir::read_config(&path("kl")).ok());
    convert("--num-heads 4", &path("kl"), &path("thrice")).refuses(&["this is a model already", "--num-heads"]);
    convert("", &golden("kl.safetensors"), &path("decoder")).succeeds();
    convert("", &path("decoder"), &path("decoder-twice")).refuses(&["converted by dit already"]);
    convert("--num-heads 4", &golden("kl.safetensors"), &path("alone")).refuses(&["autoencoder alone", "--num-heads"]);
    std::fs::write(path("names.txt"), r#"["ant", "bee"]"#).expect("a file");
    convert_with(options, [("--labels", &names)], &source, &path("few")).refuses(&["2 labels for 5 classes"]);
}
