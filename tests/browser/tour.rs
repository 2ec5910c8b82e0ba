//! The guided tour: its chapters drive the page, and only when they are asked to.

use crate::app::{App, LONG, SHORT};
use crate::server::Fault;
use crate::webdriver::{Gpu, key};
use serde_json::Value;

/// What the panel says when the page shows what the chapter speaks of.
const SHOWN: &str = "The page shows this now.";

impl App {
    fn tour(&self) -> String {
        let panel =
            "const panel = document.getElementById('tour'); return !panel || panel.hidden ? '' : panel.innerText";
        self.browser.script(panel).as_str().unwrap_or_default().to_owned()
    }

    #[track_caller]
    fn wait_tour(&self, text: &str) {
        self.wait(&format!("'{text}' in the tour"), LONG, || self.tour().contains(text).then_some(()));
    }

    fn query(&self) -> String {
        self.browser.script("return location.search").as_str().unwrap_or_default().to_owned()
    }

    /// The accessible name of what has the focus.
    fn focused(&self) -> String {
        let name =
            "const e = document.activeElement; return e.getAttribute('aria-label') ?? e.innerText.trim() ?? e.tagName";
        self.browser.script(name).as_str().unwrap_or_default().to_owned()
    }
}

/// The chapters as the page gets them.
fn chapters() -> Vec<Value> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/web/tour/tour.json");
    let tour: Value = serde_json::from_str(&std::fs::read_to_string(file).expect("the tour")).expect("is JSON");
    tour["chapters"].as_array().expect("has chapters").clone()
}

#[test]
fn every_chapter_is_reached_with_the_keyboard_and_shows_what_it_speaks_of() {
    let app = App::start("tour", Gpu::None);
    app.open_ready("backend=cpu&steps=2");
    app.browser.press("u");
    app.wait_tour("1 of 13");
    assert_eq!(app.focused(), "Noise", "the focus is on the chapter's title");
    app.focus("radio", "Words");
    for _ in 0..2 {
        app.browser.press(key::RIGHT);
    }
    app.wait_tour("Box & Muller");

    let chapters = chapters();
    assert_eq!(chapters.len(), 13);
    for (i, chapter) in chapters.iter().enumerate() {
        app.wait_tour(&format!("{} of 13", i + 1));
        app.wait_tour(SHOWN);
        app.wait_done();
        let id = chapter["id"].as_str().unwrap_or_default();
        assert!(app.query().ends_with(&format!("&tour={id}")), "{}", app.query());

        let (state, settings) = (&chapter["state"], app.settings());
        let steps = state["num_inference_steps"].as_f64().expect("a number of steps");
        let position = (state["position"].as_f64().expect("a position") * steps).round();
        assert_eq!(settings.class, state["class"].to_string(), "{id}");
        assert_eq!(settings.seed, state["seed"].to_string(), "{id}");
        assert_eq!(Some(settings.sampler.as_str()), state["sampler"].as_str(), "{id}");
        assert_eq!(Some(settings.guidance), state["guidance_scale"].as_f64(), "{id}");
        assert_eq!(settings.steps, steps, "{id}");
        // What an experiment adds is a run of its own, which may still go on.
        if state["lab"].is_null() {
            assert_eq!(app.slider("Timeline", "now"), position, "{id}");
        }
        assert_eq!(app.slider("Timeline", "max"), steps, "{id}");

        let formulas = "return [...document.querySelectorAll('#tour math')].filter(math =>
            math instanceof MathMLElement && math.getBoundingClientRect().height > 12).length";
        assert_eq!(app.browser.script(formulas), chapter["maths"].as_array().map_or(0, Vec::len), "{id}");

        app.focus("button", if i < 12 { "Next" } else { "Finish" });
        app.browser.press(key::ENTER);
        if i < 11 {
            app.wait_tour(&format!("{} of 13", i + 2));
            assert_eq!(app.focused(), "Next", "the next chapter can be had at once");
        }
    }
    app.wait("the end of the tour", SHORT, || app.tour().is_empty().then_some(()));
    assert!(!app.query().contains("tour"), "{}", app.query());
    assert_eq!(app.focused(), "Tour", "the focus goes to where the tour is opened");
    assert_eq!(app.settings().steps, 2.0, "what was set before the tour comes back");
    assert!(app.query().contains("steps=2"), "{}", app.query());

    // The next visit goes as deep as this one, and the tour is found where it was.
    app.browser.press("u");
    app.wait_tour("13 of 13");
    app.browser.reload();
    app.wait_tour("Karras et al.");
}

#[test]
fn the_tour_brings_its_own_model_and_the_pages_comes_back_after_it() {
    let app = App::start("tour_model", Gpu::None);
    let visit =
        |parameters: &str| app.browser.goto(&format!("{}/?lang=en&backend=cpu{parameters}", app.server.origin()));
    visit("");
    app.wait_ready();
    app.browser.press("u");
    app.wait_tour(SHOWN);
    assert!(app.query().contains("model=fashion") && app.query().contains("tour=noise"), "{}", app.query());
    app.browser.press("u");
    let comes_back = || (!app.query().contains("fashion") && !app.query().contains("tour")).then_some(());
    app.wait("the page's own model", LONG, comes_back);
    app.generate();
    assert!(!app.status().contains("Ankle boot"), "{}", app.status());
    // A link to the tour names no model.
    visit("&tour=guidance");
    app.wait_tour(SHOWN);
    assert!(app.query().contains("model=fashion"), "{}", app.query());
    // A model that was chosen stays until the visitor says so.
    visit("&model=fashion-fast");
    app.wait_ready();
    app.browser.press("u");
    app.wait_tour("another one is in use");
    app.click("button", "Load Fashion");
    app.wait_tour(SHOWN);
}

#[test]
fn a_link_opens_a_chapter_and_its_steps_drive_the_page_until_the_visitor_does() {
    // Long: one visit, step by step.
    let app = App::start("tour_link", Gpu::None);
    app.open("backend=cpu&tour=reverse&steps=7");
    app.wait_tour("4 of 13");
    app.wait_tour(SHOWN);
    app.click("radio", "Pictures");
    let run = app.status();
    app.wait("the third step", SHORT, || {
        let step = app.browser.find_all(".tour-step").ok()?.into_iter().nth(2)?;
        app.browser.click(&step).ok()
    });
    app.wait("half of the run", SHORT, || (app.slider("Timeline", "now") == 15.0).then_some(()));
    assert_eq!(app.status(), run, "the same run serves another place");
    app.wait_tour(SHOWN);

    // Arrows move the timeline, also from the text; the tour leaves it there.
    app.focus("button", "Show this again");
    app.browser.press(key::LEFT);
    app.wait_tour("something else by now");
    assert_eq!(app.slider("Timeline", "now"), 14.0);
    app.browser.press("d");
    assert_ne!(app.settings().seed, "9");
    app.click("button", "Show this again");
    app.wait_tour(SHOWN);
    assert_eq!((app.slider("Timeline", "now"), app.settings().seed.as_str()), (15.0, "9"));

    // Nothing lies over the picture when it is scrolled to, and nothing is wider than the screen, formulas included.
    app.click("radio", "Maths");
    for (width, height) in [(1280, 900), (1024, 768), (768, 1024), (390, 844), (360, 740)] {
        app.browser.resize(width, height);
        for _chapter in ["the one before", "this one"] {
            app.browser.press(key::PAGE_UP);
            app.wait_tour(SHOWN);
            app.browser.press(key::PAGE_DOWN);
            app.wait_tour("4 of 13");
            app.wait_tour(SHOWN);
        }
        let found = app.browser.script(
            "const area = c => { const r = c.getBoundingClientRect(); return r.width * r.height; };
            const canvas = [...document.querySelectorAll('canvas')].sort((a, b) => area(b) - area(a))[0];
            canvas.scrollIntoView({ block: 'start' });
            const r = canvas.getBoundingClientRect();
            const over = document.elementFromPoint((r.left + r.right) / 2, (r.top + r.bottom) / 2);
            const wide = document.scrollingElement.scrollWidth - document.documentElement.clientWidth;
            const stuck = [...document.querySelectorAll('.tour-formula')]
                .filter(f => (f.scrollWidth > f.clientWidth) != (f.tabIndex == 0)).length;
            return [canvas.closest('.stage').contains(over), wide, stuck]",
        );
        assert_eq!(found, serde_json::json!([true, 0, 0]), "at {width} px");
        app.screenshot(&format!("tour_{width}"));
    }

    app.focus("radio", "Maths");
    app.browser.press(key::ESCAPE);
    app.wait("the end of the tour", SHORT, || app.tour().is_empty().then_some(()));
    assert!(app.status().contains("Done"), "Escape was the tour's and no run's");

    app.open("backend=cpu&tour=knitting");
    app.wait_tour("1 of 13");
    assert!(app.notices().contains("knitting"), "{}", app.notices());
}

#[test]
fn a_tour_that_does_not_arrive_is_said_and_can_be_fetched_again() {
    let app = App::start("tour_missing", Gpu::None);
    for (file, fault) in [("tour/en.json", Fault::Missing), ("tour/tour.json", Fault::Truncated)] {
        app.server.break_file(file, fault);
        app.open("backend=cpu&tour=latents");
        app.wait("a word about it", LONG, || app.failure().contains("tour/").then_some(()));
        app.server.heal();
        app.click("button", "Fetch the tour again");
        app.wait_tour("8 of 13");
        app.wait_tour(SHOWN);
        assert_eq!(app.failure(), "");
    }
}
