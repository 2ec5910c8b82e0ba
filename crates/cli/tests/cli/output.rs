//! Where output goes: devices, pipes, links, folders; a reader that went away, a disk that is full; names that would
//! command the terminal.

use crate::support::snapshot;
use crate::{Dit, dit, picture, with_tiny_model};
use ditscope_core::weights::NamedTensor;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn sample(model: &Path) -> Dit {
    dit("sample --class 1 --steps 1").with("--model", model)
}

#[test]
fn a_device_or_pipe_is_written_to_and_stays() {
    let (folder, model) = with_tiny_model();
    let path = |name: &str| folder.path().join(name);
    sample(&model).with("--out", path("plain.png")).succeeds();
    let expected = std::fs::read(path("plain.png")).expect("a PNG");

    symlink("/dev/null", path("null.png")).expect("a link");
    sample(&model).with("--out", path("null.png")).with("--grid", "/dev/null").succeeds();
    assert!(std::fs::symlink_metadata(path("null.png")).expect("it is there").is_symlink());
    assert!(std::fs::metadata("/dev/null").expect("it is there").file_type().is_char_device());
    // A node of its own, where the test may make one.
    let made = Command::new("mknod").arg(path("node.png")).args(["c", "1", "3"]).stderr(Stdio::null()).status();
    if made.is_ok_and(|status| status.success()) {
        sample(&model).with("--out", path("node.png")).succeeds();
        assert!(std::fs::metadata(path("node.png")).expect("it is there").file_type().is_char_device());
    }

    let output = sample(&model).with("--out", "/dev/stdout").0.output().expect("it starts");
    assert!(output.stdout == expected, "what comes through the pipe is the PNG");
    let fifo = path("fifo.png");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let reader = std::thread::spawn({
        let fifo = fifo.clone();
        move || std::fs::read(fifo).expect("the PNG")
    });
    sample(&model).with("--out", &fifo).succeeds();
    assert!(reader.join().expect("it reads") == expected);
    assert!(std::fs::metadata(&fifo).expect("it is there").file_type().is_fifo());
    sample(&model).with("--out", "/dev/full").refuses(&["/dev/full", "cannot write it", "room on the disk"]);
}

#[test]
fn links_are_followed_and_folders_refused() {
    let (folder, model) = with_tiny_model();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("elsewhere")).expect("a folder");
    std::fs::write(path("elsewhere/old.png"), "precious").expect("a file");
    symlink("elsewhere/old.png", path("link.png")).expect("a link");
    symlink(path("link.png"), path("second.png")).expect("a link");
    symlink("elsewhere/new.png", path("dangling.png")).expect("a link");
    for (link, file) in [("second.png", "elsewhere/old.png"), ("dangling.png", "elsewhere/new.png")] {
        sample(&model).with("--out", path(link)).succeeds();
        assert_eq!(picture(&path(file)).0, 8, "{file} is the picture");
        assert!(std::fs::symlink_metadata(path(link)).expect("it is there").is_symlink(), "{link} is still a link");
    }
    assert!(std::fs::symlink_metadata(path("link.png")).expect("it is there").is_symlink());

    // A temporary file's name leads elsewhere: what it leads to stays as it is.
    std::fs::write(path("victim"), "precious").expect("a file");
    symlink(path("victim"), path("plain.png.tmp")).expect("a link");
    sample(&model).with("--out", path("plain.png")).succeeds();
    assert_eq!(std::fs::read(path("victim")).expect("a file"), b"precious");

    let before = snapshot(folder.path());
    for option in ["--out", "--grid", "--latents-out"] {
        sample(&model).with(option, path("elsewhere")).refuses(&["elsewhere", "it is a folder", "Name a file in it"]);
    }
    let forward = dit("forward").with("--model", &model).with("--input", path("none"));
    forward.with("--output", path("elsewhere")).refuses(&["--output", "elsewhere", "it is a folder"]);
    let convert = dit("convert").with("--out", "/dev/null").with("--", &model);
    convert.refuses(&["/dev/null", "a folder is needed"]);
    assert_eq!(snapshot(folder.path()), before);
}

/// With this as standard output.
fn into(command: Dit, stdout: impl Into<Stdio>) -> Output {
    let mut command = command;
    let output = command.0.stdout(stdout).stderr(Stdio::piped()).spawn().expect("it starts").wait_with_output();
    output.expect("it ends")
}

#[test]
fn a_reader_that_went_away_ends_it_quietly() {
    let (_folder, model) = with_tiny_model();
    for words in ["info", "info --json", "sample --help", "--version"] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let command = if words.starts_with("info") { dit(words).with("--", &model) } else { dit(words) };
        let output = into(command, writer);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), said.as_str()), (Some(141), ""), "{words}");
    }
}

#[test]
fn a_full_disk_behind_standard_output_is_an_error_in_words() {
    let (_folder, model) = with_tiny_model();
    for words in ["info", "sample --help"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
        let command = if words == "info" { dit(words).with("--", &model) } else { dit(words) };
        let output = into(command, full);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{words}: {said}");
        assert!(said.starts_with("error: ") && said.contains("standard output"), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    // Nobody reads what is said where standard error is gone; the work is done all the same.
    let mut command = dit("info").with("--", &model).0;
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    assert!(command.stdout(Stdio::null()).stderr(full).status().expect("it starts").success());
}

#[test]
fn control_characters_in_names_are_shown_and_not_obeyed() {
    let (folder, model) = with_tiny_model();
    let config = model.join("config.json");
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&config).expect("a file")).expect("JSON");
    json["name"] = "Ti\u{1b}[31mny\u{200f}\u{9b}".into();
    std::fs::write(&config, json.to_string()).expect("a file");
    let hidden = |text: &str| text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{200f}');
    let info = dit("info").with("--", &model).succeeds();
    assert!(info.starts_with("Ti\\u001b[31mny\\u200f\\u009b (MIT)\n") && !hidden(&info), "{info:?}");
    let info = dit("info --json").with("--", &model).succeeds();
    let value: serde_json::Value = serde_json::from_str(&info).expect("still JSON");
    assert!(value["model"]["name"] == json["name"] && !hidden(&info), "{info:?}");

    let said = |command: Dit| {
        let mut command = command;
        let (output, _, stderr) = command.run();
        assert!(!output.status.success());
        assert!(!hidden(&stderr), "{stderr:?}");
        stderr
    };
    let missing = said(dit("info").with("--", "no\u{1b}[2Jsuch"));
    assert!(missing.contains("no\\u001b[2Jsuch"), "{missing:?}");
    let unknown = said(dit("info").with("--no\u{7}-option", "x"));
    assert!(unknown.contains("unexpected argument"), "{unknown:?}");
    let tensor = NamedTensor { name: "x\u{1b}[2J\u{7}.weight".into(), shape: vec![1], values: vec![0.0] };
    let file = folder.path().join("a.safetensors");
    std::fs::write(&file, crate::files::safetensors(&[tensor])).expect("a file");
    let tensor = said(dit("convert").with("--out", folder.path().join("out")).with("--", &file));
    assert!(tensor.contains("x\\u001b[2J\\u0007.weight"), "{tensor:?}");
}
