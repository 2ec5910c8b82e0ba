//! The page in WebKitGTK, which is Safari's engine: what a visit consists of. `cargo xtask test browser --engines webkit`

use crate::app::App;
use crate::webdriver::{Engine, Gpu};
use crate::{lab, runs, take};

fn app(name: &'static str) -> App {
    App::start_in(Engine::Webkit, name, Gpu::None, &[])
}

#[test]
fn a_run_makes_a_picture_that_can_be_scrubbed_and_downloaded() {
    runs::makes_a_picture(&app("webkit_run"));
}

#[test]
fn cancel_keeps_what_was_made_and_another_run_follows() {
    runs::cancels(&app("webkit_cancel"));
}

#[test]
fn a_part_that_is_off_shows_what_it_was_for() {
    lab::switches_off(&app("webkit_lab"));
}

#[test]
fn a_run_is_saved_as_sheet_film_and_data() {
    take::saves(&app("webkit_take"), false);
}
