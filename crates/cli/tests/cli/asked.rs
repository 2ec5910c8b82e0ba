//! What people type: numbers, formats and folders are understood or refused by name, and every option has its help.

use crate::{dit, picture, read_tensor, with_tiny_model};
use clap::{Command, CommandFactory};
use ditscope_cli::cli::Cli;

#[test]
fn negative_numbers_are_numbers() {
    let (folder, model) = with_tiny_model();
    let path = |name: &str| folder.path().join(name);
    let sample = |words: &str| dit(&format!("sample --class 1 --steps 2 --seed 3 {words}")).with("--model", &model);
    for (words, out) in [("--guidance-scale -1", "apart"), ("--guidance-scale=-1", "joined"), ("", "usual")] {
        sample(words).with("--latents-out", path(out)).succeeds();
    }
    let latents = |name: &str| read_tensor(&path(name), "latents");
    assert_eq!(latents("apart"), latents("joined"));
    assert_ne!(latents("apart"), latents("usual"));
    sample("--guidance-scale -1,-2.5").with("--latents-out", path("two")).succeeds();
    let refused = |words: &str, says: &[&str]| sample(words).with("--latents-out", path("none")).refuses(says);
    refused("--seed -5", &["'-5'", "--seed"]);
    refused("--columns -2", &["'-2'", "--columns"]);
    refused("--eta -0.5", &["eta = -0.5", "0 to 1"]);
    dit("eval --steps -3 --model m --data d").refuses(&["'-3'", "--steps"]);
    dit("train classifier --epochs -1 --data d --out o").refuses(&["--epochs -1", "positive"]);
}

#[test]
fn a_setting_of_another_sampler_is_refused() {
    let (folder, model) = with_tiny_model();
    let sample = |words: &str| {
        let sample = dit(&format!("sample --class 1 --steps 2 {words}")).with("--model", &model);
        sample.with("--out", folder.path().join("a.png"))
    };
    for sampler in ["ddpm", "dpm++", "unipc"] {
        sample(&format!("--eta 0.5 --sampler {sampler}")).refuses(&["--eta", "DDIM", sampler, "--sampler ddim"]);
    }
    sample("--eta 0.5").succeeds();
    sample("--eta 0.5 --sampler ddim").succeeds();
}

#[test]
fn a_name_that_promises_another_format_is_refused() {
    let (folder, model) = with_tiny_model();
    let path = |name: &str| folder.path().join(name);
    let sample = |words: &str| dit(&format!("sample --steps 1 {words}")).with("--model", &model);
    for name in ["x.jpg", "x.JPEG", "x.webp", "x.gif", "x.safetensors"] {
        sample("--class 1").with("--out", path(name)).refuses(&["--out", name, "a PNG", "x.png"]);
        sample("--class 1").with("--grid", path(name)).refuses(&["--grid", name, "x.png"]);
        assert!(!path(name).exists());
    }
    sample("--class 1").with("--latents-out", path("x.pt")).refuses(&["--latents-out", "x.safetensors"]);
    sample("--class 0,1").with("--out", path("two.png")).refuses(&["--out", "folder", "--grid"]);
    dit("data samples --data d").with("--out", path("x.jpg")).refuses(&["--out", "x.png"]);
    sample("--class 1").with("--out", path("x.PNG")).with("--grid", path("v1.2")).succeeds();
    assert_eq!(picture(&path("x.PNG")).0, 8);
}

#[test]
fn the_folder_that_was_meant_is_named() {
    let (folder, model) = with_tiny_model();
    let path = |name: &str| folder.path().join(name);
    let out = path("a.png");
    let refused = |asked: &str, words: &[&str]| {
        let sample = dit("sample --class 0").with("--model", path(asked)).with("--out", &out);
        sample.refuses(&[&["expected the folder of a model"], words].concat());
        dit("info").with("--", path(asked)).refuses(words);
    };
    // The output folder of a training.
    std::fs::create_dir_all(path("run/checkpoint")).expect("a folder");
    refused("run", &["a training is not done yet"]);
    std::fs::rename(&model, path("run/model")).expect("a folder");
    refused("run", &["run/model: give that folder"]);
    let autoencoder = dit("train dit --data d --out o").with("--autoencoder", path("run"));
    autoencoder.refuses(&["expected an autoencoder", "run/model: give that folder"]);
    // A folder of folders, a checkpoint, what diffusers saved.
    std::fs::create_dir(path("models")).expect("a folder");
    std::fs::rename(path("run/model"), path("models/tiny")).expect("a folder");
    refused("models", &["models/tiny: give one of them"]);
    std::fs::write(path("a.pt"), "weights").expect("a file");
    refused("a.pt", &["a.pt is a file", "dit convert"]);
    std::fs::create_dir(path("pipeline")).expect("a folder");
    std::fs::write(path("pipeline/model_index.json"), "{}").expect("a file");
    refused("pipeline", &["saved by diffusers", "dit convert"]);
    std::fs::create_dir(path("transformer")).expect("a folder");
    std::fs::write(path("transformer/config.json"), r#"{"_class_name": "DiTTransformer2DModel"}"#).expect("a file");
    refused("transformer", &["not a model configuration", "saved by diffusers", "dit convert"]);
    assert!(!out.exists());
}

/// All commands that do something.
fn leaves(command: &Command, name: &str) -> Vec<(String, Command)> {
    let subcommands: Vec<&Command> = command.get_subcommands().filter(|it| it.get_name() != "help").collect();
    if subcommands.is_empty() {
        return vec![(name.to_owned(), command.clone())];
    }
    subcommands.iter().flat_map(|it| leaves(it, &format!("{name} {}", it.get_name()))).collect()
}

#[test]
fn every_option_has_a_text_and_every_command_an_example() {
    let all = leaves(&Cli::command(), "dit");
    assert!(all.len() > 14, "{}", all.len());
    for (name, command) in all {
        for arg in command.get_arguments() {
            let text = arg.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(text.len() > 8, "{name} --{} has no text", arg.get_id());
        }
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(after.contains("Example") && after.contains(&name), "{name} has no example");
        if name.starts_with("dit train") || name == "dit eval" {
            assert!(after.contains("How long:") && after.contains("Where the result lies:"), "{name}: {after}");
        }
    }
    let help = dit("train dit --help").succeeds();
    assert!(help.contains("OUT/model") && help.contains("--prediction-type"), "{help}");
}
