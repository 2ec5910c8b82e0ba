//! What has to be in sight: everything in presenter mode, the picture on a phone.

use crate::app::{App, LONG, SHORT};
use crate::webdriver::{Gpu, key};

/// What does not fit the screen, or lies over something else; empty when all is well.
const MISPLACED: &str = "
    const wrong = [], name = e => `${e.tagName}.${e.className} ${JSON.stringify(e.getBoundingClientRect())}`;
    const root = document.documentElement;
    if (root.scrollHeight > innerHeight || root.scrollWidth > innerWidth) wrong.push('the page scrolls');
    const seen = e => { const r = e.getBoundingClientRect(); return r.width > 0 && r.height > 0; };
    const stage = document.querySelector('.stage-panel .stage');
    // The row of training pictures scrolls by itself.
    for (const e of [stage, ...stage.querySelectorAll(':not(.training-tiles *)')].filter(seen)) {
        const part = e.getBoundingClientRect(), all = stage.getBoundingClientRect();
        if (part.top < all.top - 1 || part.bottom > all.bottom + 1 || part.left < all.left - 1 || part.right > all.right + 1)
            wrong.push(`out of the stage: ${name(e)}`);
    }
    const blocks = ['.present-bar', '.run-bar', '.tabs', '.stage-panel', '.timeline', '.generate-bar', '.tour',
        '.controls > :nth-child(1)', '.controls > :nth-child(3)', '.controls > :nth-child(4)']
        .map(css => document.querySelector(css)).filter(e => e && seen(e));
    for (const [i, a] of blocks.entries()) for (const b of blocks.slice(0, i)) {
        const [p, q] = [a.getBoundingClientRect(), b.getBoundingClientRect()];
        if (Math.min(p.right, q.right) - Math.max(p.left, q.left) > 1 && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 1)
            wrong.push(`${name(a)} lies over ${name(b)}`);
    }
    for (const e of blocks) {
        const r = e.getBoundingClientRect();
        if (r.top < -1 || r.left < -1 || r.bottom > innerHeight + 1 || r.right > innerWidth + 1) wrong.push(`off the screen: ${name(e)}`);
    }
    return wrong.slice(0, 8);";

impl App {
    /// Waits until nothing is out of its place: pictures are fitted a moment after they came.
    #[track_caller]
    fn expect_in_place(&self, what: &str) {
        let misplaced =
            || -> Vec<String> { serde_json::from_value(self.browser.script(MISPLACED)).expect("a list of texts") };
        let patience = std::time::Instant::now() + SHORT;
        while !misplaced().is_empty() && std::time::Instant::now() < patience {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        let misplaced = misplaced();
        self.screenshot(&format!("present_{}", what.replace(' ', "_")));
        assert!(misplaced.is_empty(), "{what}:\n{}", misplaced.join("\n"));
    }

    /// Whether an element is wholly on the screen, above what sticks to its lower edge.
    pub fn is_in_sight(&self, css: &str) -> bool {
        let script = format!(
            "const r = document.querySelector('{css}')?.getBoundingClientRect();
            const bar = document.querySelector('.generate-bar').getBoundingClientRect().top;
            return !!r && r.height > 0 && r.top >= 0 && r.bottom <= bar + 1"
        );
        self.browser.script(&script).as_bool().unwrap_or_default()
    }
}

#[test]
fn every_mode_fits_one_screen_in_presenter_mode() {
    let app = App::start("present_all", Gpu::None);
    for (width, height) in [(1280, 720), (1920, 1080)] {
        app.browser.resize(width, height);
        app.open_ready("backend=cpu&class=9&steps=4&seed=7&present=1");
        app.generate();
        app.browser.press(key::LEFT);
        for (tab, there) in [
            ("Denoise", ".chain canvas"),
            ("Compare", ".column canvas"),
            ("Forward process", ".noise-maps canvas"),
            ("Inside", ".token-grid canvas"),
            ("Findings", ".findings table"),
        ] {
            app.click("tab", tab);
            if tab == "Compare" {
                app.browser.press("g");
            }
            let script =
                format!("return [...document.querySelectorAll('{there}')].some(e => !e.hidden && e.offsetParent)");
            app.wait(tab, LONG, || app.browser.script(&script).as_bool().filter(|there| *there));
            app.expect_in_place(&format!("{tab} {width}"));
        }
        app.click("tab", "Denoise");
        app.browser.press("u");
        app.wait("the tour", SHORT, || app.text().contains("begins as noise").then_some(()));
        app.expect_in_place(&format!("tour {width}"));
    }
}

#[test]
fn a_clicker_leads_the_timeline_whatever_was_pressed_before() {
    let app = App::start("clicker", Gpu::None);
    app.open_ready("backend=cpu&class=9&steps=4&seed=7&present=1");
    app.generate();
    let position = || app.slider("Timeline", "now");
    app.browser.press(key::HOME);
    app.wait("the beginning", SHORT, || (position() == 0.0).then_some(()));
    for (pressed, there) in [(key::PAGE_DOWN, 1.0), (key::PAGE_DOWN, 2.0), (key::PAGE_UP, 1.0), (key::RIGHT, 2.0)] {
        app.browser.press(pressed);
        app.wait("a step", SHORT, || (position() == there).then_some(()));
    }
    // A slider that was pressed with the pointer leaves the keys to the clicker.
    app.click("slider", "Guidance scale");
    let guidance = app.slider("Guidance scale", "now");
    app.browser.press(key::PAGE_DOWN);
    app.wait("a step", SHORT, || (position() == 3.0).then_some(()));
    assert_eq!(app.slider("Guidance scale", "now"), guidance);
}

#[test]
fn on_a_phone_the_picture_is_in_sight_after_generate() {
    let app = App::start("phone", Gpu::None);
    app.browser.resize(390, 844);
    for depth in ["simple", "full"] {
        app.open_link(&format!("backend=cpu&depth={depth}"));
        app.wait_ready();
        assert!(app.is_in_sight(".class-picker .chip"), "the classes are above the stage");
        app.browser.script("scrollTo(0, document.body.scrollHeight)");
        app.wait("the lower end", SHORT, || (!app.is_in_sight(".frame")).then_some(()));
        app.click("button", "Generate");
        app.wait("the picture", SHORT, || app.is_in_sight(".frame canvas").then_some(()));
        app.wait_done();
        assert!(app.is_in_sight(".frame canvas"), "{depth}");
        app.screenshot(&format!("phone_{depth}"));
    }
    // The slider of the forward process and what it changes are seen together.
    app.click("tab", "Forward process");
    let noised = "[aria-label^=\"The picture under noise\"]";
    app.wait("the noised picture", LONG, || {
        (app.browser.find_all(noised).is_ok_and(|found| !found.is_empty())).then_some(())
    });
    app.browser.script(&format!("document.querySelector('{noised}').scrollIntoView({{ block: 'center' }})"));
    app.wait("both", SHORT, || (app.is_in_sight(noised) && app.is_in_sight(".noise-level input")).then_some(()));
}
