//! Model folders with something wrong: the error names it, and the folder stays as it was.

use crate::support::{snapshot, tiny_model};
use crate::{dit, with_tiny_model};
use ditscope_core::weights::keys::{AUTOENCODER, TRANSFORMER};
use ditscope_core::weights::{Dtype, INDEX_FILE, NamedTensor, collect};
use ditscope_model_dir as model_dir;
use std::path::{Path, PathBuf};

/// Damages a model's folder, and what sampling then says.
fn damaged(damage: impl FnOnce(&Path), words: &[&str]) {
    let (folder, model) = with_tiny_model();
    damage(&model);
    let before = snapshot(folder.path());
    let out = folder.path().join("out.png");
    dit("sample --class 0").with("--model", &model).with("--out", &out).refuses(words);
    dit("info").with("--", &model).refuses(words);
    assert_eq!(snapshot(folder.path()), before);
}

fn edit(path: PathBuf, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(&path).expect("a file");
    change(&mut bytes);
    std::fs::write(path, bytes).expect("a file");
}

fn edit_config(model: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    edit(model.join("config.json"), |bytes| {
        let mut json = serde_json::from_slice(bytes).expect("JSON");
        change(&mut json);
        *bytes = serde_json::to_vec(&json).expect("JSON");
    });
}

fn shard(model: &Path) -> PathBuf {
    model.join("model-00001-of-00001.safetensors")
}

/// Rewrites the weights, with good hashes.
fn rewrite(model: &Path, change: impl FnOnce(&mut Vec<NamedTensor>)) {
    let tiny = tiny_model();
    let mut tensors = collect(&tiny.dit, TRANSFORMER);
    tensors.extend(collect(tiny.autoencoder.as_ref().expect("an autoencoder"), AUTOENCODER));
    change(&mut tensors);
    model_dir::save_tensors(model, &tensors, Dtype::F32).expect("weights");
}

#[test]
fn the_folder_or_a_file_in_it_is_missing() {
    let remove = |name: &'static str| move |model: &Path| std::fs::remove_file(model.join(name)).expect("a file");
    damaged(
        |model| std::fs::remove_dir_all(model).expect("a folder"),
        &["config.json", "expected the folder of a model"],
    );
    damaged(remove("config.json"), &["config.json", "expected the folder of a model"]);
    damaged(remove(INDEX_FILE), &[INDEX_FILE, "cannot read it"]);
    damaged(|model| remove("model-00001-of-00001.safetensors")(model), &["model-00001-of-00001", "cannot read it"]);
}

#[test]
fn a_shard_is_truncated_or_changed() {
    let cut = |model: &Path| edit(shard(model), |bytes| bytes.truncate(bytes.len() / 2));
    damaged(cut, &["model-00001-of-00001.safetensors", "truncated", "Download it again"]);
    let flip = |model: &Path| edit(shard(model), |bytes| *bytes.last_mut().expect("a byte") ^= 1);
    damaged(flip, &["model-00001-of-00001.safetensors", "SHA-256", "Download it again"]);
    let empty = |model: &Path| edit(shard(model), Vec::clear);
    damaged(empty, &["model-00001-of-00001.safetensors", "0 bytes"]);
}

#[test]
fn the_index_is_something_else() {
    let text = |model: &Path| std::fs::write(model.join(INDEX_FILE), "<html>404</html>").expect("a file");
    damaged(text, &[INDEX_FILE, "not a weights index", "Download or convert the model again"]);
    let plain = |model: &Path| std::fs::write(model.join(INDEX_FILE), r#"{"weight_map": {}}"#).expect("a file");
    damaged(plain, &[INDEX_FILE, "metadata"]);
    let outside = |model: &Path| {
        edit(model.join(INDEX_FILE), |bytes| {
            let text = String::from_utf8(std::mem::take(bytes)).expect("JSON is UTF-8");
            *bytes = text.replace("model-00001-of", "../model-00001-of").into_bytes();
        })
    };
    damaged(outside, &[INDEX_FILE, "not a plain file name"]);
}

#[test]
fn the_configuration_is_something_else() {
    let text = |model: &Path| std::fs::write(model.join("config.json"), "name: Tiny").expect("a file");
    damaged(text, &["config.json", "not a model configuration"]);
    damaged(|model| edit_config(model, |json| json["transformer"]["depth"] = 0.into()), &["config.json", "depth = 0"]);
    damaged(
        |model| edit_config(model, |json| json["scheduler"]["beta_schedule"] = "sigmoid".into()),
        &["config.json", "sigmoid", "linear"],
    );
    damaged(|model| edit_config(model, |json| json["labels"] = serde_json::json!([])), &["0 labels for 3 classes"]);
}

#[test]
fn weights_and_configuration_are_not_of_one_model() {
    let wide = |model: &Path| edit_config(model, |json| json["transformer"]["hidden_size"] = 64.into());
    damaged(wide, &["transformer.", "has shape", "not of one model"]);
    let deep = |model: &Path| edit_config(model, |json| json["transformer"]["depth"] = 2.into());
    damaged(deep, &["transformer.blocks.1.", "missing"]);
    let classes = |model: &Path| {
        edit_config(model, |json| {
            json["transformer"]["num_classes"] = 2.into();
            json["labels"] = serde_json::json!(["one", "two"]);
        });
    };
    damaged(classes, &["y_embedder", "[4, 32]", "[3, 32]"]);
}

#[test]
fn weights_are_not_numbers_or_of_another_shape() {
    let find = |tensors: &[NamedTensor], name: &str| {
        tensors.iter().position(|t| t.name == name).unwrap_or_else(|| panic!("no tensor {name}"))
    };
    for bad in [f32::NAN, f32::INFINITY] {
        let name = "transformer.blocks.0.mlp.fc1.weight";
        let nan = |tensors: &mut Vec<NamedTensor>| {
            let i = find(tensors, name);
            tensors[i].values[3] = bad;
        };
        damaged(|model| rewrite(model, nan), &[name, "NaN or infinite"]);
    }
    let name = "autoencoder.decoder.layers.0.weight";
    let turned = |tensors: &mut Vec<NamedTensor>| {
        let i = find(tensors, name);
        tensors[i].shape.swap(0, 1);
    };
    damaged(|model| rewrite(model, turned), &[name, "[4, 8, 3, 3]", "[8, 4, 3, 3]"]);
    let gone = |tensors: &mut Vec<NamedTensor>| {
        let i = find(tensors, name);
        tensors.remove(i);
    };
    damaged(|model| rewrite(model, gone), &[name, "missing"]);
}

#[test]
fn a_configuration_that_no_run_could_follow_is_refused() {
    let refused = |change: fn(&mut serde_json::Value), words: &[&str]| {
        let (folder, model) = with_tiny_model();
        edit_config(&model, change);
        dit("sample --class 0").with("--model", &model).with("--out", folder.path().join("out.png")).refuses(words);
    };
    refused(|json| json["scheduler"]["guidance_channels"] = 9.into(), &["guidance", "9", "1 to 4"]);
    refused(|json| json["scheduler"]["guidance_channels"] = 0.into(), &["guidance", "0", "1 to 4"]);
    refused(|json| json["scheduler"]["variance_type"] = "learned_range".into(), &["learned_range", "learn_sigma"]);
}

#[test]
fn a_save_that_fails_leaves_the_old_model_whole() {
    let (folder, model) = with_tiny_model();
    let before = snapshot(folder.path());
    // A folder where the index's temporary file would be: every write before it works.
    std::fs::create_dir(model.join(format!("{INDEX_FILE}.tmp"))).expect("a folder");
    let error = model_dir::save(&model, &tiny_model(), Dtype::F16).expect_err("the index cannot be written");
    assert!(error.to_string().contains(INDEX_FILE), "{error:#}");
    assert_eq!(snapshot(folder.path()), before);
    dit("info").with("--", &model).succeeds();
}
