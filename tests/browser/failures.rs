//! Models that do not arrive as they should.

use crate::app::{App, LONG};
use crate::server::Fault;
use crate::webdriver::Gpu;

#[test]
fn a_missing_model_is_named_and_retry_finds_it() {
    fails_then_recovers("missing_model", "config.json", Fault::Missing, "fashion");
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
