//! What a visit begins with: the run that a link names, and a new one where it names none.

use super::tests::{BASE, generate_of, loaded, ready, recording, running, sends_load, some_config, take_message};
use crate::run::{self, Link};
use crate::{Choice, Effect, Event, Kept, Mode, ModelState, Pace, Page, PageDepth, RunState, Status, Visit};
use ditscope_protocol::{FromWorker, ToWorker};

fn visit(query: &str, visit: Visit) -> Page {
    let (mut page, _) = Page::new(query, BASE, visit);
    page.update(Event::ConfigFetched(Box::new(some_config(4))));
    page.update(recording());
    page
}

fn open(query: &str) -> Page {
    visit(query, Visit::default())
}

/// The worker is there, and has loaded the model.
fn load(page: &mut Page) -> Vec<Effect> {
    take_message(page, FromWorker::Ready);
    take_message(page, loaded())
}

fn shows_recording(page: &Page) -> bool {
    page.shown().is_some_and(|film| film.recorded)
}

/// The address of the recorded run.
fn of_recording() -> String {
    let mut page = open("");
    let settings = &page.run.recorded.as_ref().expect("a recording").info.settings;
    let (seed, steps, scale) = (settings.seed, settings.num_inference_steps, settings.guidance_scale);
    page.update(Event::Choose(Choice::Class(settings.class)));
    format!("class={}&seed={seed}&steps={steps}&guidance={scale}", page.settings().class)
}

#[test]
fn a_link_runs_what_it_names_and_shows_nothing_else_before() {
    for query in ["class=2", "steps=3", "seed=8", "guidance=1", "sampler=ddpm", "n=2", "reuse=2", "class=2&view=inside"]
    {
        let mut page = open(query);
        assert_eq!((page.status(), shows_recording(&page)), (Status::Queued, false), "{query}");
        let settings = page.settings();
        assert_eq!(generate_of(&load(&mut page)).map(|(_, settings)| settings), Some(settings), "{query}");
        assert_eq!(page.run.link, Link::Nothing);
    }
    let mut page = open("view=compare&compare=guidance:1,3");
    let effects = load(&mut page);
    let scales = effects.iter().find_map(|effect| match effect {
        Effect::Send(ToWorker::Generate { guidance_scales, .. }) => Some(guidance_scales.clone()),
        _ => None,
    });
    assert_eq!(scales, Some(vec![1.0, 3.0]));
}

#[test]
fn an_address_that_names_no_run_opens_on_the_recorded_one() {
    for query in ["", "backend=cpu&lang=de", "view=inside"] {
        let mut page = open(query);
        assert!(shows_recording(&page), "{query}");
        assert_eq!((generate_of(&load(&mut page)), page.status()), (None, Status::Ready), "{query}");
    }
}

#[test]
fn the_recorded_run_stands_in_where_it_is_the_one_that_is_named() {
    let query = of_recording();
    let mut page = open(&query);
    assert!(shows_recording(&page), "{query}");
    assert!(generate_of(&load(&mut page)).is_some());
    assert!(!shows_recording(&open(&format!("{query}1"))), "another guidance scale");
}

#[test]
fn where_motion_is_to_be_saved_a_link_waits_for_a_word() {
    let mut page = visit("class=2", Visit { reduced_motion: true, ..Visit::default() });
    assert!(page.offers_link() && !shows_recording(&page));
    assert_eq!(generate_of(&load(&mut page)), None);
    let run = generate_of(&page.update(Event::Generate)).map(|(_, settings)| settings.class);
    assert_eq!((run, page.offers_link()), (Some(2), false));
}

#[test]
fn where_data_are_to_be_saved_and_in_an_embed_nothing_is_fetched_before_a_word() {
    for (query, saves_data) in [("class=2", true), ("class=2&embed=1", false)] {
        let mut page = visit(query, Visit { saves_data, ..Visit::default() });
        assert_eq!((&page.models.state, page.offers_link()), (&ModelState::Offered, true), "{query}");
        assert!(!shows_recording(&page), "{query}");
        assert!(page.update(Event::Generate).contains(&Effect::StartWorker), "{query}");
        assert!(sends_load(&take_message(&mut page, FromWorker::Ready)));
        assert!(generate_of(&take_message(&mut page, loaded())).is_some(), "{query}");
    }
}

#[test]
fn forward_and_findings_have_no_run_of_their_own() {
    for view in ["forward", "findings"] {
        let mut page = open(&format!("class=2&view={view}"));
        assert_eq!((generate_of(&load(&mut page)), page.offers_link()), (None, false), "{view}");
        page.update(Event::Show(Mode::Denoise));
        assert!(page.offers_link() && !shows_recording(&page), "{view}");
    }
}

#[test]
fn a_link_that_is_cancelled_is_over() {
    let mut page = open("class=2");
    page.update(Event::Run(run::Event::Cancel));
    assert_eq!((generate_of(&load(&mut page)), page.offers_link()), (None, false));
}

#[test]
fn a_visit_without_a_seed_brings_its_own() {
    let with = |query: &str, seed| visit(query, Visit { seed: Some(seed), ..Visit::default() });
    let seed = |mut page: Page| {
        load(&mut page);
        generate_of(&page.update(Event::Generate)).map(|(_, settings)| settings.seed)
    };
    assert_eq!([11, 12].map(|fresh| seed(with("", fresh))), [Some(11), Some(12)]);
    assert_eq!(seed(with("seed=5", 11)), Some(5));
    let mut page = with("", 11);
    page.update(Event::Generate);
    assert!(page.query().contains("seed=11"), "a reload shows the same");
}

#[test]
fn what_is_set_otherwise_than_the_picture_is_told_and_run_at_once_if_wished() {
    let mut page = running();
    assert!(page.is_set_otherwise(), "the fixture's film has other settings");
    let mut page_of = |choice| {
        let settings = page.run.film.as_ref().map(|film| film.info.settings.clone()).expect("a film");
        page.shared.address.chosen.num_inference_steps = Some(settings.num_inference_steps);
        page.shared.address.chosen.class = Some(settings.class);
        page.shared.address.chosen.seed = Some(settings.seed);
        page.shared.address.chosen.guidance_scale = Some(settings.guidance_scale);
        assert!(!page.is_set_otherwise());
        page.update(Event::Choose(choice));
        assert!(page.is_set_otherwise(), "{choice:?}");
        page.update(Event::Settled)
    };
    let choices = [Choice::Class(3), Choice::Guidance(9.0), Choice::Seed(4)];
    for choice in choices {
        assert_eq!(page_of(choice), [], "nothing runs unasked");
    }
    assert_eq!(page.update(Event::RunAtOnce(true)), [Effect::Keep(Kept { at_once: true, ..Kept::default() })]);
    assert!(generate_of(&page.update(Event::Settled)).is_some());
}

#[test]
fn a_setting_runs_at_once_only_where_that_costs_nothing_else() {
    let at_once = Kept { at_once: true, ..Kept::default() };
    let mut page = visit("", Visit { kept: at_once, ..Visit::default() });
    page.update(Event::Choose(Choice::Class(2)));
    assert_eq!(page.update(Event::Settled), [], "the model is not there");
    load(&mut page);
    page.update(Event::Show(Mode::Findings));
    assert_eq!(page.update(Event::Settled), [], "there is no picture of it");
    page.update(Event::Show(Mode::Denoise));
    assert!(generate_of(&page.update(Event::Settled)).is_some());
}

#[test]
fn the_depth_of_the_page_is_the_links_or_the_one_that_was_kept() {
    let full = Kept { depth: Some(PageDepth::Full), ..Kept::default() };
    let depth = |query, kept| visit(query, Visit { kept, ..Visit::default() }).depth();
    assert_eq!(depth("", Kept::default()), PageDepth::Simple);
    assert_eq!(depth("depth=full", Kept::default()), PageDepth::Full);
    assert_eq!(depth("", full), PageDepth::Full);
    assert_eq!(depth("depth=simple", full), PageDepth::Simple);
    let mut page = open("depth=simple");
    let effects = page.update(Event::Deepen(PageDepth::Full));
    assert_eq!(effects[0], Effect::Keep(full));
    assert!(matches!(&effects[1], Effect::ShowAddress(query) if query.contains("depth=full")), "{effects:?}");
    let mut link = open("depth=full");
    assert!(shows_recording(&link) && generate_of(&load(&mut link)).is_none(), "a depth names no run");
}

#[test]
fn one_step_can_be_taken_before_there_is_a_run() {
    let mut page = ready("");
    let effects = page.update(Event::Run(run::Event::StepOnce));
    assert!(generate_of(&effects).is_some());
    assert_eq!(effects.last(), Some(&Effect::Send(ToWorker::StepOnce)));
    assert_eq!(page.run.pace(), Some(Pace::Holding));
    take_message(&mut page, FromWorker::Paused { run: 1, step: 1 });
    assert_eq!(page.status(), Status::Held(1));
    assert!(generate_of(&page.update(Event::Generate)).is_some());
    assert_eq!(page.run.pace(), Some(Pace::Free), "Generate does not stop");

    let (mut early, _) = Page::new("", BASE, Visit::default());
    early.update(Event::Run(run::Event::StepOnce));
    assert_eq!(early.run.state, RunState::Queued);
    assert_eq!(load(&mut early).last(), Some(&Effect::Send(ToWorker::StepOnce)));
}

#[test]
fn a_recorded_run_with_steps_of_its_own_is_nothing_that_was_set() {
    let mut page = visit("", Visit { seed: Some(77), ..Visit::default() });
    assert!(page.shown().is_some_and(|film| film.recorded && film.steps() != page.settings().num_inference_steps));
    assert!(!page.is_set_otherwise());
    page.update(Event::Choose(Choice::Class(3)));
    assert!(page.is_set_otherwise());
}

#[test]
fn what_is_shared_is_the_run_that_is_seen() {
    let mut page = visit("", Visit { seed: Some(11), ..Visit::default() });
    let recorded = page.run.recorded.as_ref().expect("a recording").info.settings.clone();
    assert_ne!(page.settings().seed, recorded.seed, "a visit has a seed of its own");
    assert_eq!(page.linked_settings(), recorded);
    // What is chosen and not run yet is not seen.
    page.update(Event::Choose(Choice::Class(2)));
    assert_eq!((page.settings().class, page.linked_settings()), (2, recorded.clone()));
    let shared = visit(&page.linked_query(), Visit::default());
    assert_eq!((shared.settings().seed, shows_recording(&shared)), (recorded.seed, true));
    // Elsewhere it is what is chosen.
    page.update(Event::Show(Mode::Forward));
    assert_eq!(page.linked_settings(), page.settings());
}
