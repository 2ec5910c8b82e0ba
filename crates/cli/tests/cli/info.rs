//! `dit info` and `dit index`: what a folder holds.

use crate::support::{random_model, tiny_config, tiny_model};
use crate::{dit, with_tiny_model};
use burn::module::Module;
use ditscope_config::{Catalog, ModelConfig};
use ditscope_core::weights::keys::TRANSFORMER;
use ditscope_core::weights::{Dtype, INDEX_FILE, NamedTensor, collect};
use ditscope_model_dir as model_dir;
use std::process::Stdio;

#[test]
fn info_tells_what_a_model_is() {
    let (_folder, model) = with_tiny_model();
    let text = dit("info").with("--", &model).succeeds();
    let num_params = tiny_model().dit.num_params();
    for line in [
        "Tiny (MIT)",
        "depth 1, hidden size 32, 2 heads, patch 2, 4 tokens, 3 classes",
        "AutoencoderTiny, 4 latent channels, 2 times the side",
        "latent       4x4x4",
        "picture      1x8x8",
        &format!("transformer {}", indicatif::HumanCount(num_params as u64)),
        "as the paper counts",
        "F32, ",
        "in 1 shard\n",
        "hashes       verified",
    ] {
        assert!(text.contains(line), "'{line}' is not in:\n{text}");
    }
}

#[test]
fn info_tells_a_program_the_same() {
    let (_folder, model) = with_tiny_model();
    let json = dit("info --json").with("--", &model).succeeds();
    let report: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let config: ModelConfig = serde_json::from_value(report["model"].clone()).expect("the configuration");
    assert_eq!(config, tiny_config());
    let bytes = std::fs::metadata(model.join("model-00001-of-00001.safetensors")).expect("a shard").len();
    assert_eq!(report["weights"]["bytes"], bytes);
    assert_eq!(report["weights"]["num_shards"], 1);
    assert_eq!(report["weights"]["hashes_verified"], true);
    let count = |part: &str| report["num_parameters"][part].as_u64().expect("a number");
    assert_eq!(count("transformer"), config.transformer.num_params());
    assert_eq!(report["weights"]["dtypes"]["F32"], count("transformer") + count("autoencoder"));
    let cost = |what: &str| report["cost"][what].as_f64().expect("a number");
    assert_eq!(cost("flops_per_step"), config.transformer.flops() as f64);
    assert_eq!(cost("flops_per_guided_step"), 2.0 * cost("flops_per_step"));
    assert_eq!(cost("paper_gflops"), cost("flops_per_step") / 2e9);
    assert!(report["memory_bytes"].as_u64() > Some(4 * (count("transformer") + count("autoencoder"))));
}

#[test]
fn info_refuses_tensors_that_are_not_of_the_model() {
    let (_folder, model) = with_tiny_model();
    let mut json = serde_json::to_value(tiny_config()).expect("JSON");
    json["autoencoder"] = serde_json::Value::Null;
    model_dir::write_json(&model.join("config.json"), &json).expect("a configuration");
    dit("info").with("--", &model).refuses(&["autoencoder.", "no part of", "not of one model"]);
}

#[test]
fn info_refuses_an_index_that_does_not_list_a_tensor() {
    let (_folder, model) = with_tiny_model();
    let path = model.join(INDEX_FILE);
    let mut index: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).expect("an index")).expect("JSON");
    let name = "transformer.blocks.0.mlp.fc1.weight";
    index["weight_map"].as_object_mut().expect("an object").remove(name);
    model_dir::write_json(&path, &index).expect("an index");
    dit("info").with("--", &model).refuses(&[name, "does not list it", "model-00001-of-00001"]);
}

/// One shard is in memory at a time, whatever the model's size.
#[cfg(target_os = "linux")]
#[test]
fn info_takes_less_memory_than_the_model() {
    let (folder, _) = with_tiny_model();
    let dir = folder.path().join("large");
    let mut config = tiny_config();
    (config.transformer.depth, config.transformer.hidden_size, config.autoencoder) = (24, 256, None);
    let model = random_model(&config);
    model_dir::save(&dir, &model, Dtype::F32).expect("a model's folder");
    let bytes: u64 = collect(&model.dit, TRANSFORMER).iter().map(|t: &NamedTensor| 4 * t.values.len() as u64).sum();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_dit"));
    let mut child = command.arg("info").arg(dir).stdout(Stdio::null()).spawn().expect("the binary starts");
    let mut peak = 0;
    // The kernel keeps the high-water mark; the last look before the end has it.
    while child.try_wait().expect("a child").is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = peak.max(mark.and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) * 1024);
    }
    assert!(child.wait().expect("a child").success(), "dit info failed");
    assert!(peak > 0 && bytes > 80_000_000 && peak < bytes / 2, "{bytes} bytes of weights, {peak} bytes of memory");
}

#[test]
fn index_describes_every_model_the_smallest_first() {
    let (folder, small) = with_tiny_model();
    std::fs::rename(&small, folder.path().join("small")).expect("a folder");
    let mut config = tiny_config();
    config.name = "Large".into();
    config.transformer.depth = 3;
    let large = random_model(&config);
    model_dir::save(&folder.path().join("a-large.one"), &large, Dtype::F32).expect("a model's folder");
    std::fs::create_dir(folder.path().join("no-model")).expect("a folder");
    dit("index").with("--", folder.path()).succeeds();
    let json = std::fs::read(folder.path().join("index.json")).expect("index.json");
    let catalog: Catalog = serde_json::from_slice(&json).expect("a catalog");
    let ids: Vec<&str> = catalog.models.iter().map(|m| m.id.as_str()).collect();
    assert_eq!(ids, ["small", "a-large.one"]);
    let entry = &catalog.models[1];
    assert_eq!(
        (entry.name.as_str(), entry.num_classes, entry.image_size, entry.license.as_str()),
        ("Large", 3, 8, "MIT")
    );
    assert_eq!(entry.num_parameters, large.num_params() as u64);
    assert!(entry.download_bytes > 4 * entry.num_parameters && entry.memory_bytes > 4 * entry.num_parameters);
}

#[test]
fn index_names_what_it_cannot_describe() {
    let (folder, model) = with_tiny_model();
    let index = || dit("index").with("--", folder.path());
    dit("index").with("--", &model).refuses(&["no folder in it has a config.json"]);
    dit("index nowhere").refuses(&["nowhere", "cannot read the folder"]);
    std::fs::rename(&model, folder.path().join("my model")).expect("a folder");
    index().refuses(&["my model", "letters"]);
    std::fs::rename(folder.path().join("my model"), &model).expect("a folder");
    std::fs::write(model.join(INDEX_FILE), "{}").expect("a file");
    index().refuses(&[INDEX_FILE, "not a weights index"]);
    assert!(!folder.path().join("index.json").exists());
}
