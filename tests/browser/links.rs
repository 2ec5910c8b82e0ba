//! What a visit begins with: the run that a link names, or a new one.

use crate::app::{App, LONG, SHORT};
use crate::webdriver::Gpu;
use serde_json::json;

impl App {
    /// What the caption of the stage says.
    fn caption(&self) -> String {
        let text = self.browser.script("return document.querySelector('.stage-caption')?.innerText ?? ''");
        text.as_str().unwrap_or_default().to_owned()
    }

    /// How many canvases show something.
    fn pictures_shown(&self) -> u64 {
        let script = "return [...document.querySelectorAll('.stage canvas')].filter(c => c.offsetParent).length";
        self.browser.script(script).as_u64().unwrap_or_default()
    }

    /// Says of the page that data are dear, as a browser with Save-Data does. It holds for the pages opened later.
    fn save_data(&self) {
        let source = "Object.defineProperty(navigator, 'connection', { value: { saveData: true } })";
        self.before_pages(source);
    }
}

#[test]
fn a_link_of_each_kind_shows_its_own_picture_first() {
    let app = App::start("links", Gpu::None);
    app.open_link("backend=cpu&class=1&guidance=3&steps=4&seed=12");
    app.wait("the run's caption or none", SHORT, || {
        assert!(!app.text().contains("Recorded"), "another picture than the link's");
        app.status().contains("Done").then_some(())
    });
    let caption = app.caption();
    assert!(caption.contains("Trouser") && caption.contains("guidance 3") && caption.contains("seed 12"), "{caption}");
    assert_eq!(app.slider("Timeline", "max"), 4.0);

    app.open_link("backend=cpu&class=1&steps=2&seed=12&view=compare&compare=guidance:1,3");
    app.wait_done();
    assert_eq!(app.pictures_shown() % 2, 0, "two columns");
    assert!(app.pictures_shown() >= 2);

    app.open_link("backend=cpu&class=1&steps=3&seed=12&view=inside");
    app.wait_done();
    app.wait("attention of the link's run", LONG, || app.find("slider", "Token").map(drop));
    assert!(app.text().contains("Trouser · "), "{}", app.text());

    app.open_link("backend=cpu&class=1&steps=3&seed=12&view=forward");
    app.wait("a training picture of the class", LONG, || {
        app.text().contains("Training picture, Trouser").then_some(())
    });
    assert!(!app.text().contains("Recorded"));
}

#[test]
fn a_shared_link_names_the_run_that_is_seen() {
    let app = App::start("shared", Gpu::None);
    app.open_ready("backend=cpu&class=1&steps=3&seed=12");
    app.browser.script(
        "Object.defineProperty(navigator, 'clipboard', { value: { writeText: async text => { window.copied = text; } } })",
    );
    let shared = || {
        app.browser.script("window.copied = ''");
        app.click("button", "Share");
        app.wait("a link", SHORT, || {
            let link = app.browser.script("return window.copied").as_str().unwrap_or_default().to_owned();
            (!link.is_empty()).then_some(link)
        })
    };
    assert!(shared().contains("seed=12"), "before a run, what is chosen");
    app.generate();
    app.click("button", "Random seed");
    assert_ne!(app.settings().seed, "12");
    assert!(shared().contains("seed=12"), "the picture that is seen has this seed still");
    app.generate();
    assert!(shared().contains(&format!("seed={}", app.settings().seed)));
}

#[test]
fn the_recorded_run_stands_in_for_itself_only() {
    let app = App::start("links_recorded", Gpu::None);
    app.save_data();
    app.open_link("backend=cpu&class=9&guidance=2&steps=30&seed=9");
    app.wait("the recorded run", LONG, || app.text().contains("Recorded").then_some(()));
    app.expect("button", "Run this link");
    // The model that the page opens with is fetched unasked elsewhere.
    app.open_link("backend=cpu&model=avatars&class=6&guidance=2&steps=14&seed=10");
    app.expect("button", "Run this link");
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert!(!app.text().contains("Recorded") && app.pictures_shown() == 0, "{}", app.text());
    assert_eq!(app.server.requests(".safetensors"), 0, "nothing large comes unasked where data are dear");
    app.click("button", "Run this link");
    app.wait_done();
    assert!(app.caption().contains("seed 10") && app.find("button", "Run this link").is_none());
}

#[test]
fn with_reduced_motion_a_link_waits_for_one_press() {
    let app = App::start("links_still", Gpu::None);
    app.open_ready("backend=cpu&class=1&steps=3&seed=12");
    assert_eq!(app.pictures_shown(), 0);
    app.click("button", "Run this link");
    app.wait_done();
    assert!(app.caption().contains("seed 12"), "{}", app.caption());
}

#[test]
fn two_fresh_visits_differ_and_a_reload_does_not() {
    let app = App::start("fresh", Gpu::None);
    let seed = |open: &dyn Fn()| {
        open();
        app.wait_done();
        (app.settings().seed, app.picture())
    };
    let fresh = || {
        seed(&|| {
            app.open_link("backend=cpu");
            app.wait_ready();
            app.click("button", "Generate");
        })
    };
    let (one, another) = (fresh(), fresh());
    assert_ne!(one.0, another.0);
    assert_ne!(one.1, another.1);
    assert_eq!(seed(&|| app.browser.reload()), another);
}

#[test]
fn what_was_changed_after_a_run_says_so_or_runs_at_once() {
    let app = App::start("changed", Gpu::None);
    app.open_ready("backend=cpu&class=1&steps=3&seed=12");
    app.browser.press("n");
    app.wait_status("Paused before step 1", LONG);
    app.browser.press("g");
    app.wait_done();
    assert!(!app.text().contains("press Generate"), "{}", app.text());
    app.click("button", "Random seed");
    app.wait("a word about it", SHORT, || app.caption().contains("press Generate").then_some(()));
    app.generate();
    assert!(!app.caption().contains("press Generate"));

    // By key: in a low window the box lies under Generate, until the page is scrolled to it.
    app.focus("checkbox", "Run changes at once");
    app.browser.press(" ");
    let seed = app.settings().seed;
    app.click("button", "Random seed");
    let shown = || app.caption().contains(&format!("seed {}", app.settings().seed)) && app.settings().seed != seed;
    app.wait("a run with the new seed", LONG, || (shown() && app.status().contains("Done")).then_some(()));
    app.open_ready("backend=cpu&class=1&steps=3&seed=12");
    let checked = app.expect("checkbox", "Run changes at once");
    assert_eq!(app.browser.try_script("return arguments[0].checked", &[&checked]).ok(), Some(json!(true)), "is kept");
}

#[test]
fn the_page_is_simple_at_first_and_its_depth_is_kept_and_in_links() {
    let app = App::start("depth", Gpu::None);
    let deep = || app.find("combobox", "Savings").is_some() && app.find("button", "noisy latent xₜ").is_some();
    app.open_link("backend=cpu");
    app.wait_ready();
    // What a simple page has, too.
    app.settings();
    for (role, name) in [("button", "Generate"), ("button", "Random seed"), ("slider", "Timeline"), ("tab", "Compare")]
    {
        app.expect(role, name);
    }
    assert!(!deep() && app.text().contains("What am I seeing?"));
    app.screenshot("depth_simple");
    app.click("button", "Show everything");
    app.wait("everything", SHORT, || deep().then_some(()));
    let address = || app.browser.script("return location.search").as_str().unwrap_or_default().to_owned();
    assert!(address().contains("depth=full"), "{}", address());

    app.open_link("backend=cpu");
    app.wait_ready();
    assert!(deep(), "it was kept");
    app.open_link("backend=cpu&depth=simple");
    app.wait_ready();
    assert!(!deep(), "the link wins");
    app.open_link("backend=cpu");
    app.wait_ready();
    assert!(deep(), "and changes nothing that was kept");
    app.click("button", "Show everything");
    app.wait("less", SHORT, || (!deep()).then_some(()));
}
