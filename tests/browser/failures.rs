//! Models that do not arrive as they should.

use crate::app::{App, LONG, SHORT};
use crate::server::Fault;
use crate::webdriver::{Gpu, key};

#[test]
fn a_missing_model_is_named_and_retry_finds_it() {
    fails_then_recovers("missing_model", "config.json", Fault::Missing, "fashion");
}

#[test]
fn a_page_in_the_place_of_a_model_is_a_missing_model() {
    fails_then_recovers("page_for_model", "config.json", Fault::Page, "404");
}

#[test]
fn a_page_in_the_place_of_a_shard_is_a_missing_shard() {
    fails_then_recovers("page_for_shard", ".safetensors", Fault::Page, "404");
}

#[test]
fn a_missing_shard_is_named_and_retry_finds_it() {
    fails_then_recovers("missing_shard", ".safetensors", Fault::Missing, ".safetensors");
}

#[test]
fn a_corrupt_shard_is_named_and_retry_mends_it() {
    fails_then_recovers("corrupt_shard", ".safetensors", Fault::Corrupt, ".safetensors");
}

#[test]
fn a_truncated_shard_is_named_and_retry_mends_it() {
    fails_then_recovers("truncated_shard", ".safetensors", Fault::Truncated, ".safetensors");
}

#[test]
fn a_corrupt_configuration_is_named_and_retry_mends_it() {
    fails_then_recovers("corrupt_config", "config.json", Fault::Truncated, "config.json");
}

#[test]
fn an_unknown_model_is_named() {
    let app = App::start("unknown_model", Gpu::None);
    app.open("backend=cpu&model=unheard-of");
    app.wait_status("Failed", LONG);
    assert!(app.failure().contains("unheard-of"), "the message names the model: {}", app.failure());
}

#[test]
fn loading_shows_progress_and_can_be_cancelled() {
    let app = App::start("cancel_loading", Gpu::None);
    app.server.break_file(".safetensors", Fault::Slow);
    app.open("backend=cpu");
    app.wait("progress in bytes", LONG, || app.text().contains("Loading the weights").then_some(()));
    app.click("button", "Cancel loading");
    app.expect("button", "Continue loading");
    app.server.heal();
    app.click("button", "Continue loading");
    app.wait_ready();
}

#[test]
fn a_part_of_the_page_that_does_not_come_is_said_and_can_be_fetched_again() {
    let app = App::start("missing_part", Gpu::None);
    if !app.is_split() {
        println!("LEFT OUT: the page in dist is one module; 'cargo xtask build' splits it");
        return;
    }
    app.open_ready("backend=cpu&steps=2");
    app.browser.script("window.isTheSamePage = true");
    let missing = || app.failure().contains("could not be fetched");
    for (file, open, there) in [
        ("split_compare.wasm", "Compare", "Guidance scales"),
        ("split_inside.wasm", "Inside", "Null label"),
        ("split_forward.wasm", "Forward process", "Denoise from here"),
    ] {
        let fault = if file.contains("inside") { Fault::Truncated } else { Fault::Missing };
        app.server.break_file(file, fault);
        app.click("tab", open);
        app.wait("a word about it", SHORT, || missing().then_some(()));
        assert!(app.find("button", "Generate").is_some(), "the rest of the page stays");
        let mishaps = app.server.mishaps();
        app.click("button", "Retry");
        app.wait("another try", SHORT, || (app.server.mishaps() > mishaps && missing()).then_some(()));
        app.server.heal();
        app.click("button", "Retry");
        app.wait("the part itself", SHORT, || app.text().contains(there).then_some(()));
        assert!(!missing());
    }
    // A dialog, the tour, saving and a language are parts, too.
    app.server.break_file("split_dialogs.wasm", Fault::Missing);
    app.browser.press("?");
    app.expect("dialog", "Help");
    app.wait("a word about it", SHORT, || missing().then_some(()));
    app.server.heal();
    app.click("button", "Retry");
    app.wait("the keys", SHORT, || app.text().contains("Space").then_some(()));
    app.browser.press(key::ESCAPE);
    app.server.break_file("split_tour.wasm", Fault::Missing);
    app.click("button", "Tour");
    app.wait("a word about it", SHORT, || missing().then_some(()));
    app.server.heal();
    app.click("button", "Retry");
    app.wait("the first chapter", LONG, || app.text().contains("1 of 13").then_some(()));
    app.server.break_file("split_german.wasm", Fault::Missing);
    app.focus("combobox", "Language");
    app.browser.press("d");
    app.wait_status("could not be fetched", SHORT);
    app.server.heal();
    app.focus("combobox", "Language");
    app.browser.press("d");
    app.wait("German", SHORT, || app.text().contains("Erzeugen").then_some(()));
    assert_eq!(app.browser.script("return window.isTheSamePage === true"), true, "the page was loaded anew");
}

fn fails_then_recovers(name: &'static str, file: &str, fault: Fault, named: &str) {
    let app = App::start(name, Gpu::None);
    app.server.break_file(file, fault);
    app.open("backend=cpu&steps=2");
    app.wait_status("Failed", LONG);
    assert!(app.failure().contains(named), "the message names {named}: {}", app.failure());

    // Retry while it is still broken fails again; the page itself stays the same throughout.
    app.browser.script("window.isTheSamePage = true");
    let mishaps = app.server.mishaps();
    app.click("button", "Retry");
    app.wait("another try", LONG, || (app.server.mishaps() > mishaps).then_some(()));
    app.wait_status("Failed", LONG);
    app.server.heal();
    app.click("button", "Retry");
    app.wait_ready();
    app.generate();
    assert_eq!(app.browser.script("return window.isTheSamePage === true"), true, "the page was loaded anew");
}
