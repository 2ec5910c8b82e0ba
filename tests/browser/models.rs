//! Models: how they arrive, are kept, chosen and added.

use crate::app::{App, LONG, SHORT};
use crate::server::Fault;
use crate::tiny;
use crate::webdriver::{Gpu, key};

const FIRST: &str = "model-00001-of-00003.safetensors";
const SECOND: &str = "model-00002-of-00003.safetensors";
const WEIGHTS: &str = ".safetensors";

#[test]
fn a_second_visit_fetches_no_weights() {
    keeps_weights(&App::start("second_visit", Gpu::None));
}

/// From one visit to the next.
pub fn keeps_weights(app: &App) {
    app.open_ready("backend=cpu&steps=2");
    assert_eq!(app.server.requests(WEIGHTS), 3, "the shipped model has three shards");
    app.open_ready("backend=cpu&steps=2");
    assert_eq!(app.server.requests(WEIGHTS), 3, "the second visit fetched weights");
    app.generate();
}

#[test]
fn a_missing_shard_in_the_middle_costs_no_good_one() {
    resumes("missing_middle", Fault::Missing);
}

#[test]
fn a_corrupt_shard_in_the_middle_costs_no_good_one() {
    resumes("corrupt_middle", Fault::Corrupt);
}

#[test]
fn a_dropped_connection_costs_no_good_shard() {
    resumes("dropped_connection", Fault::Dropped);
}

#[test]
fn a_full_storage_is_told_and_loading_goes_on_and_resumes() {
    let app = App::start("full_storage", Gpu::None);
    app.open("backend=cpu");
    app.browser.limit_storage(app.server.origin(), Some(1_000_000));
    app.server.break_file(SECOND, Fault::Missing);
    app.open("backend=cpu&steps=2");
    app.wait_status("Failed", LONG);
    let first = app.server.requests(FIRST);
    app.server.heal();
    app.click("button", "Retry");
    app.wait_ready();
    assert_eq!(app.server.requests(FIRST), first, "a good shard was fetched again");
    assert!(app.notices().contains("storage is full"), "{}", app.notices());
    app.generate();
    app.browser.limit_storage(app.server.origin(), None);
}

#[test]
fn a_wrong_index_is_named_and_retry_mends_it() {
    let app = App::start("wrong_index", Gpu::None);
    app.server.break_file("model.safetensors.index.json", Fault::Truncated);
    app.open("backend=cpu");
    app.wait_status("Failed", LONG);
    assert!(app.failure().contains("model.safetensors.index.json"), "{}", app.failure());
    assert_eq!(app.server.requests(WEIGHTS), 0, "shards were fetched without a sound index");
    app.server.heal();
    app.click("button", "Retry");
    app.wait_ready();
}

fn resumes(name: &'static str, fault: Fault) {
    let app = App::start(name, Gpu::None);
    app.server.break_file(SECOND, fault);
    app.open("backend=cpu&steps=2");
    app.wait_status("Failed", LONG);
    // A connection that breaks is reported from where it broke; what is wrong with a file, by its name.
    assert!(app.failure().contains(SECOND), "the message names the shard: {}", app.failure());
    app.server.heal();
    app.click("button", "Retry");
    app.wait_ready();
    assert_eq!(app.server.requests(FIRST), 1, "a good shard was fetched again");
    app.generate();
}

#[test]
fn the_dialog_tells_size_memory_and_licence_and_deletes_what_is_stored() {
    tells_and_deletes(&App::start("model_dialog", Gpu::None));
}

/// What a model is, and what is stored of it.
pub fn tells_and_deletes(app: &App) {
    app.open_ready("backend=cpu");
    open_dialog(app);
    app.wait("what it draws", SHORT, || app.text().contains("Emojis in colour").then_some(()));
    app.browser.script("document.querySelectorAll('#models details').forEach(details => { details.open = true; })");
    let told = ["Fashion", "9.2 MB", "memory", "MIT OR Apache-2.0"];
    app.wait("the model's description", SHORT, || told.iter().all(|word| app.text().contains(word)).then_some(()));
    let delete = "Delete from this browser: Fashion";
    app.click("button", delete);
    app.click("button", "Delete");
    app.wait("the deletion", SHORT, || app.find("button", delete).is_none().then_some(()));
    // The model in memory goes on, the next visit fetches it.
    app.browser.press(key::ESCAPE);
    app.generate();
    let before = app.server.requests(WEIGHTS);
    app.open_ready("backend=cpu");
    assert_eq!(app.server.requests(WEIGHTS), before + 3);
}

#[test]
fn weights_in_8_bits_are_chosen_loaded_and_draw() {
    let app = App::start("eight_bits", Gpu::None);
    app.open_ready("backend=cpu&steps=2");
    let before = app.server.requests(WEIGHTS);
    open_dialog(&app);
    app.click("checkbox", "Weights in 8 bits: about half the download, nearly the same pictures");
    app.click("button", "Load 5.2 MB: Fashion, 8 bits");
    app.wait_ready();
    assert_eq!(app.server.requests(WEIGHTS), before + 2, "the smaller model has two shards");
    app.generate();
}

#[test]
fn a_model_is_added_by_its_address() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write(folder.path());
    adds_by_address(&App::start_with_models("model_by_address", Gpu::None, &[("guest", folder.path())]));
}

/// The tiny model, which the server has as "guest".
pub fn adds_by_address(app: &App) {
    app.open_ready("backend=cpu&steps=2");
    open_dialog(app);
    let field = app.expect("textbox", "Address of its folder");
    app.browser.type_into(&field, &format!("{}/assets/models/unheard-of", app.server.origin()));
    app.click("button", "Add");
    app.wait_status("unheard-of", SHORT);
    app.browser.script("document.querySelector('#model-address').value = ''");
    app.browser.type_into(&field, &format!("{}/assets/models/guest", app.server.origin()));
    app.click("button", "Add");
    let load = app.wait("the guest's button", SHORT, || app.button_that_starts("Load", "Tiny"));
    app.click("button", &load);
    app.wait("the guest", LONG, || app.text().contains("three").then_some(()));
    app.wait_ready();
    app.generate();
    let address = app.browser.script("return location.search");
    assert!(address.as_str().is_some_and(|a| a.contains("guest")), "{address}");
}

#[test]
fn a_model_is_opened_from_a_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let guest = folder.path().join("guest");
    tiny::write(&guest);
    let app = App::start("model_from_folder", Gpu::None);
    app.open_ready("backend=cpu&steps=2");
    open_dialog(&app);
    let input = app.wait("the field for files", SHORT, || app.browser.find_all("input[type=file]").ok()?.pop());
    // Workers that help fetch their script when a model is loaded; what counts are configurations and weights.
    let requests = || ["json", "safetensors"].map(|ending| app.server.requests(ending));
    let before = requests();
    // What the button does before it opens the system's dialog, which no test can use.
    app.browser.script("document.querySelector('input[type=file]').webkitdirectory = true");
    app.browser.type_into(&input, &guest.display().to_string());
    let load = app.wait("the folder's button", SHORT, || app.button_that_starts("Use", "Tiny"));
    app.click("button", &load);
    app.wait("the guest", LONG, || app.text().contains("three").then_some(()));
    app.wait_ready();
    app.generate();
    assert_eq!(requests(), before, "a model on disk needs no server");
}

#[test]
fn a_heavy_decoder_previews_decodes_on_demand_and_at_the_end() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write_heavy(folder.path());
    let app = App::start_with_models("heavy_decoder", Gpu::None, &[("heavy", folder.path())]);
    app.open_ready("backend=cpu&steps=4&model=heavy");
    app.generate();
    assert_eq!(app.picture().width(), app.picture().height());
    assert!(!app.text().contains("linear preview"), "the last frame is decoded");
    let decoded = app.picture();
    app.browser.press(key::LEFT);
    app.wait("a preview", SHORT, || app.text().contains("linear preview").then_some(()));
    app.click("button", "Decode this step");
    app.wait("its decoding", SHORT, || (!app.text().contains("linear preview")).then_some(()));
    app.browser.press(key::END);
    assert_eq!(app.picture(), decoded, "the end is as it was");
}

#[test]
fn a_thousand_classes_are_searched_by_name_and_number() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write_many_classes(folder.path());
    let app = App::start_with_models("many_classes", Gpu::None, &[("many", folder.path())]);
    app.open_ready("backend=cpu&steps=2&model=many");
    let field = app.browser.find_all("#class-search").expect("the page answers");
    app.browser.type_into(&field[0], "class 73");
    app.wait_status("11 of 1000", SHORT);
    let address = || app.browser.script("return location.search");
    let before = address();
    // Enter that ends a word of an input method is the input method's.
    let composed = "const enter = { key: 'Enter', isComposing: true, bubbles: true, cancelable: true };
        return document.querySelector('#class-search').dispatchEvent(new KeyboardEvent('keydown', enter))";
    assert_eq!(app.browser.script(composed), true, "the page takes the key");
    assert_eq!(
        (app.browser.script("return document.querySelector('#class-search').value"), address()),
        ("class 73".into(), before)
    );
    app.browser.press(key::DOWN);
    app.browser.press(key::ENTER);
    app.wait("the choice in the address", SHORT, || {
        address().as_str().is_some_and(|a| a.contains("class=730")).then_some(())
    });
    app.click("button", "Favourite");
    app.click("button", "Random class");
    app.open_ready("backend=cpu&steps=2&model=many");
    app.click("button", "class 730");
    app.generate();
    assert!(
        app.browser.find_all("[role=option]").expect("the page answers").len() < 100,
        "only rows in sight are laid out"
    );
}

fn open_dialog(app: &App) {
    let name = app.wait("the model's button", SHORT, || app.button_that_starts("Model", ""));
    app.click("button", &name);
    app.expect("dialog", "Models");
}
