//! Weights and labels as people have them: wrapped, nested, in variants, without a label for "no class".

use crate::dit;
use crate::files::{Pickle, golden, read, read_tensors, safetensors, torch};
use crate::support::{random_model, snapshot, tiny_config, values};
use ditscope_config::{DitConfig, ModelConfig};
use ditscope_core::dit::pos_embed_2d;
use ditscope_core::weights::{NamedTensor, collect};
use ditscope_model_dir as model_dir;
use std::path::Path;

const NAME: &str = "dit-learn-sigma-p2";

fn weights() -> Vec<NamedTensor> {
    read_tensors(&golden(&format!("{NAME}.safetensors")))
}

/// Every name changed.
fn renamed(tensors: &[NamedTensor], name: impl Fn(&str) -> String) -> Vec<NamedTensor> {
    tensors.iter().map(|tensor| NamedTensor { name: name(&tensor.name), ..tensor.clone() }).collect()
}

fn convert(source: &Path, out: &Path, options: &str) -> crate::Dit {
    dit(&format!("convert --num-heads 4 --dtype f32 {options}")).with("--out", out).with("--", source)
}

/// The weights of a converted model.
fn shards(out: &Path) -> Vec<Vec<u8>> {
    let files = snapshot(out).into_iter();
    files.filter(|(path, _)| path.extension().is_some_and(|end| end == "safetensors")).map(|(_, bytes)| bytes).collect()
}

fn card(out: &Path) -> String {
    String::from_utf8(read(&out.join("README.md"))).expect("a text")
}

/// Converts it; it is the same model, and says this on the terminal and in its card.
fn is_the_same(file: &Path, words: &[&str]) {
    let out = file.with_extension("out");
    let official = file.with_extension("official");
    convert(&golden(&format!("{NAME}.safetensors")), &official, "").succeeds();
    let said = convert(file, &out, "").says();
    assert!(shards(&out) == shards(&official), "{}", file.display());
    for word in words {
        assert!(said.contains(word), "'{word}' is not in: {said}");
        assert!(card(&out).contains(word), "'{word}' is not in: {}", card(&out));
    }
}

#[test]
fn prefixes_that_all_names_share_are_taken_off_and_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (i, prefix) in ["module.", "_orig_mod.", "model.", "net.", "module._orig_mod.", "_orig_mod.module.", "a.b.c."]
        .iter()
        .enumerate()
    {
        let tensors = renamed(&weights(), |name| format!("{prefix}{name}"));
        let shown: Vec<&str> = prefix.split('.').filter(|part| !part.is_empty()).collect();
        let (plain, zipped) = (format!("{i}.safetensors"), format!("{i}.pt"));
        std::fs::write(folder.path().join(&plain), safetensors(&tensors)).expect("a file");
        is_the_same(&folder.path().join(plain), &shown);
        std::fs::write(folder.path().join(&zipped), torch(&Pickle::state_dict(&tensors), &tensors)).expect("a file");
        is_the_same(&folder.path().join(zipped), &shown);
    }
    // In the middle, as torch.compile of single blocks leaves it.
    let compiled = renamed(&weights(), |name| match name.strip_prefix("blocks.0.") {
        Some(rest) => format!("blocks.0._orig_mod.{rest}"),
        None => name.to_owned(),
    });
    std::fs::write(folder.path().join("compiled.safetensors"), safetensors(&compiled)).expect("a file");
    is_the_same(&folder.path().join("compiled.safetensors"), &["_orig_mod"]);
}

/// `torch.save({KEY: state_dict, …})`
fn nested(keys: &[(&str, &[NamedTensor])]) -> Vec<u8> {
    let start = Pickle::new().raw(b"}(").text("epoch").int(3);
    let (pickle, all) = keys.iter().fold((start, Vec::new()), |(pickle, mut all), (key, tensors)| {
        let first = all.len();
        all.extend(tensors.iter().cloned());
        (pickle.text(key).dict_from(first, tensors), all)
    });
    torch(&pickle.raw(b"u."), &all)
}

#[test]
fn weights_are_found_in_the_checkpoints_of_trainings() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("a.pt");
    let write = |keys: &[(&str, &[NamedTensor])]| std::fs::write(&file, nested(keys)).expect("a file");
    let (good, none) = (weights(), Vec::new());
    let bad =
        renamed(&good, str::to_owned).into_iter().map(|it| NamedTensor { values: vec![9.0; it.values.len()], ..it });
    let bad: Vec<NamedTensor> = bad.collect();
    for key in ["model_state_dict", "module", "state_dict", "model", "net", "state_dict_ema", "model_ema"] {
        write(&[(key, &good), ("optimizer_state_dict", &none)]);
        is_the_same(&file, &[key, "were taken"]);
    }
    // The average before the weights that the optimizer has; what is empty is none.
    write(&[("model", &bad), ("model_ema", &good)]);
    is_the_same(&file, &["'model_ema' were taken", "'model' was left out"]);
    write(&[("model", &good), ("ema", &none)]);
    is_the_same(&file, &["'model' were taken"]);
    // And with prefixes of their own.
    let wrapped = renamed(&good, |name| format!("module.{name}"));
    write(&[("state_dict", &wrapped)]);
    is_the_same(&file, &["'state_dict' were taken", "'module.'"]);

    // The same without nesting: one file, two models.
    let both = [renamed(&bad, |name| format!("model.{name}")), renamed(&good, |name| format!("ema.{name}"))].concat();
    let flat = folder.path().join("b.safetensors");
    std::fs::write(&flat, safetensors(&both)).expect("a file");
    is_the_same(&flat, &["under 'ema.' were taken", "others were left out"]);
    let both = [renamed(&bad, |name| format!("one.{name}")), renamed(&good, |name| format!("two.{name}"))].concat();
    std::fs::write(&flat, safetensors(&both)).expect("a file");
    convert(&flat, &folder.path().join("none"), "").refuses(&["several models", "'one.'", "'two.'"]);
}

#[test]
fn variants_of_diffusers_files_are_found_and_the_configuration_beside_them_is_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path().join("vae");
    std::fs::create_dir(&dir).expect("a folder");
    let mut config: serde_json::Value = serde_json::from_slice(&read(&golden("kl.json"))).expect("JSON");
    config["scaling_factor"] = 0.5.into();
    std::fs::write(dir.join("config.json"), config.to_string()).expect("a file");
    let weights = read(&golden("kl.safetensors"));
    let half = "diffusion_pytorch_model.fp16.safetensors";
    let non_ema = "diffusion_pytorch_model.non_ema.safetensors";
    std::fs::write(dir.join(half), &weights).expect("a file");
    std::fs::write(dir.join(non_ema), &weights).expect("a file");
    let out = folder.path().join("out");
    let scale = |source: &Path| {
        let said = dit("convert").with("--out", &out).with("--", source).says();
        let config = serde_json::to_value(model_dir::read_autoencoder_config(&out).expect("an autoencoder"));
        let card = card(&out);
        std::fs::remove_dir_all(&out).expect("a folder");
        (config.expect("JSON")["scaling_factor"].as_f64(), said, card)
    };
    let (factor, said, card) = scale(&dir);
    assert_eq!(factor, Some(0.5));
    let words = format!("{half} was taken; {non_ema} was left aside");
    assert!(said.contains(&words) && card.contains(&words), "{said}");
    let (factor, said, _) = scale(&dir.join(half));
    assert!(factor == Some(0.5) && said.contains("config.json beside it was read"), "{said}");
    // Under another name it is read where it is of this class, and not where it is anybody's.
    std::fs::rename(dir.join(non_ema), dir.join("mine.safetensors")).expect("a file");
    assert_eq!(scale(&dir.join("mine.safetensors")).0, Some(0.5));
    config["_class_name"] = "SomethingElse".into();
    std::fs::write(dir.join("config.json"), config.to_string()).expect("a file");
    let (factor, said, _) = scale(&dir.join("mine.safetensors"));
    assert!(factor == Some(0.18215) && said.contains("no config.json says a scaling_factor"), "{said}");
    // In shards, with an index of the variant.
    std::fs::remove_file(dir.join(half)).expect("a file");
    config["_class_name"] = "AutoencoderKL".into();
    std::fs::write(dir.join("config.json"), config.to_string()).expect("a file");
    let tensors = read_tensors(&golden("kl.safetensors"));
    let (first, second) = tensors.split_at(tensors.len() / 2);
    let mut map = serde_json::Map::new();
    for (number, part) in [(1, first), (2, second)] {
        let file = format!("diffusion_pytorch_model.fp16-{number:05}-of-00002.safetensors");
        std::fs::write(dir.join(&file), safetensors(part)).expect("a shard");
        map.extend(part.iter().map(|tensor| (tensor.name.clone(), file.clone().into())));
    }
    let index = "diffusion_pytorch_model.safetensors.index.fp16.json";
    std::fs::write(dir.join(index), serde_json::json!({ "weight_map": map }).to_string()).expect("an index");
    let (factor, said, _) = scale(&dir);
    assert!(factor == Some(0.5) && said.contains(&format!("{index} was taken")), "{said}");
    // One of several shards alone is no autoencoder.
    let shard = dir.join("diffusion_pytorch_model-00001-of-00002.safetensors");
    std::fs::write(&shard, &weights).expect("a file");
    dit("convert").with("--out", &out).with("--", &shard).refuses(&["00001-of-00002", "one shard of several"]);
}

#[test]
fn shapes_do_not_tell_whose_weights_they_are() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (file, out) = (folder.path().join("s.safetensors"), folder.path().join("out"));
    // Random numbers in the shape of a preset with ImageNet's classes.
    let config = DitConfig { sample_size: 2.into(), num_classes: 1000, ..tiny_config().transformer };
    let config = config.with_preset("S").expect("a preset");
    let transformer = config.clone();
    let model = random_model(&ModelConfig {
        labels: (0..1000).map(|i| i.to_string()).collect(),
        autoencoder: None,
        transformer,
        ..tiny_config()
    });
    let mut tensors = collect(&model.dit, "");
    let positions = values(pos_embed_2d(384, [1, 1], &model.device));
    tensors.push(NamedTensor { name: "pos_embed".into(), shape: vec![1, 1, 384], values: positions });
    for tensor in tensors.iter_mut().filter(|tensor| tensor.name == "x_embedder.proj.weight") {
        tensor.shape = vec![384, 4, 2, 2];
    }
    std::fs::write(&file, safetensors(&tensors)).expect("a file");
    let printed = dit("convert").with("--out", &out).with("--", &file).succeeds();
    assert!(printed.contains("licence: unknown"), "{printed}");
    let converted = model_dir::read_config(&out).expect("a model");
    assert!(converted.license.starts_with("unknown") && converted.labels[0] == "tench", "{}", converted.license);
    let printed = dit("convert --license MIT").with("--out", &out).with("--", &file).succeeds();
    assert!(printed.contains("licence: MIT") && !card(&out).contains("NC"), "{printed}");
}

/// Five classes and a row for "no class" in the golden file: as if it had been trained without label dropout.
#[test]
fn a_label_table_without_a_row_for_no_class_keeps_its_last_class() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let source = golden(&format!("{NAME}.safetensors"));
    let said = convert(&source, &path("usual"), "").says();
    assert!(said.contains("6 rows") && said.contains("--num-classes 6"), "{said}");
    let said = convert(&source, &path("whole"), "--num-classes 6").says();
    assert!(said.contains("there is no guidance") && card(&path("whole")).contains("there is no guidance"), "{said}");
    let config = model_dir::read_config(&path("whole")).expect("a model");
    assert_eq!((config.labels.len(), config.defaults.guidance_scale), (6, 1.0));
    convert(&source, &path("none"), "--num-classes 7").refuses(&["--num-classes 7", "6 rows", "5 or", "6"]);
    std::fs::write(path("six.txt"), "a\nb\nc\nd\ne\nf\n").expect("a file");
    let six = dit("convert --num-heads 4").with("--labels", path("six.txt")).with("--out", path("none"));
    six.with("--", &source).refuses(&["6 labels for 5 classes", "--num-classes 6"]);

    let sample = |words: &str, model: &str, out: &str| {
        let sample = dit(&format!("sample --steps 2 {words}")).with("--model", path(model));
        sample.with("--latents-out", path(&format!("{out}.safetensors")))
    };
    sample("--class 5", "whole", "last").succeeds();
    sample("--class 5", "usual", "none").refuses(&["class '5'"]);
    sample("--class 5 --guidance-scale 4", "whole", "none").refuses(&["guidance scale = 4", "label dropout", "1:"]);
    // Where there are both, guidance of 1 is the same.
    for model in ["whole", "usual"] {
        sample("--class 2 --seed 4 --guidance-scale 1", model, model).succeeds();
    }
    assert!(read(&path("whole.safetensors")) == read(&path("usual.safetensors")), "the same class, the same latents");
    dit("info").with("--", path("whole")).succeeds();
    convert(&path("whole"), &path("again"), "").refuses(&["this is a model already"]);
    dit("convert").with("--out", path("again")).with("--", path("whole")).succeeds();
    sample("--class 5", "again", "again").succeeds();
}

#[test]
fn label_files_are_read_as_programs_write_them_or_refused_with_the_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let names = ["ant", "bee, honey bee", "cat", "dog", "elk"];
    let keras: Vec<String> =
        names.iter().enumerate().map(|(i, name)| format!("\"{i}\": [\"n{i}\", \"{name}\"]")).collect();
    let utf_16: Vec<u8> = format!("\u{feff}{}", names.join("\r\n")).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let with = |bytes: &[u8], out: &str| {
        std::fs::write(path("labels"), bytes).expect("a file");
        let source = golden(&format!("{NAME}.safetensors"));
        let convert = dit("convert --num-heads 4").with("--labels", path("labels")).with("--out", path(out));
        convert.with("--", source)
    };
    for (bytes, out) in [(format!("{{{}}}", keras.join(", ")).as_bytes(), "keras"), (&utf_16, "utf-16")] {
        with(bytes, out).succeeds();
        assert_eq!(model_dir::read_config(&path(out)).expect("a model").labels, names);
    }
    with(b"ant\nbee\n\ncat\ndog\nelk\n", "none").refuses(&["labels", "line 3 is empty"]);
    with(b"ant\nbee\ncat\nd\xf6g\nelk\n", "none").refuses(&["labels", "line 4", "UTF-8"]);
    assert!(!path("none").exists());
    let out = path("two");
    dit("sample --steps 2")
        .with("--class", "bee, honey bee,elk")
        .with("--model", path("keras"))
        .with("--out", &out)
        .succeeds();
    assert_eq!(snapshot(&out).len(), 2);
}

/// As Python's json writes it, which is no JSON.
#[test]
fn a_scheduler_file_with_an_infinite_number_is_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (dir, config) = (folder.path().join("pipeline"), read(&golden(&format!("{NAME}.json"))));
    let config: DitConfig = serde_json::from_slice(&config).expect("a configuration");
    let tensors = crate::diffusers::renamed(&weights(), config.depth);
    crate::diffusers::write_transformer(&dir.join("transformer"), &tensors, &config);
    std::fs::write(dir.join("model_index.json"), r#"{"_class_name": "DiTPipeline"}"#).expect("a file");
    std::fs::create_dir(dir.join("scheduler")).expect("a folder");
    let scheduler = r#"{
        "_class_name": "DPMSolverMultistepScheduler", "beta_schedule": "linear", "lambda_min_clipped": -Infinity
    }"#;
    std::fs::write(dir.join("scheduler/scheduler_config.json"), scheduler).expect("a file");
    dit("convert").with("--out", folder.path().join("out")).with("--", &dir).succeeds();
    std::fs::write(dir.join("scheduler/scheduler_config.json"), "{infinity}").expect("a file");
    let refused = dit("convert").with("--out", folder.path().join("none")).with("--", &dir);
    refused.refuses(&["scheduler_config.json", "not JSON"]);
}
