//! A phone: settings in a sheet over the stage, what is steered with always in sight, and large enough for a finger.

use crate::app::{App, LONG, SHORT};
use crate::take::{decode_gif, save};
use crate::webdriver::{Gpu, key};

/// What can be pressed and is smaller than 44 px both ways; rows of text and what lies over another control are left out.
const SMALL: &str = "
    const pressed = [...document.querySelectorAll('button, select, summary, [role=tab], label.check, label.chip, input')];
    const isSeen = e => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !e.closest('label');
    const size = e => e.getBoundingClientRect();
    const small = pressed.filter(e => isSeen(e) && size(e).height < 44);
    return small.map(e => `${size(e).width | 0}x${size(e).height | 0} ${e.outerHTML.slice(0, 120)}`);";

#[test]
fn settings_are_a_sheet_and_the_timeline_stays_in_sight() {
    let app = App::start("phone_sheet", Gpu::None);
    for language in ["en", "de"] {
        app.browser.resize(390, 844);
        app.open_link(&format!("backend=cpu&steps=4&depth=full&lang={language}"));
        // A link shows its run.
        let done = if language == "en" { "Done" } else { "Fertig" };
        app.wait_status(done, LONG);
        assert!(!app.is_in_sight("#guidance"), "the sheet is closed");
        let opener = app.browser.find_all(".opens-settings").expect("a selector");
        app.browser.click(&opener[0]).expect("clicked");
        for setting in ["#guidance", "#steps", "#sampler", "#seed"] {
            assert!(app.is_in_sight(setting), "{setting} is in the sheet");
        }
        let room = "const top = css => document.querySelector(css).getBoundingClientRect().top;
            return top('#settings') - top('.stage') > 180 && top('.generate') < innerHeight - 40";
        assert_eq!(app.browser.script(room), true, "the stage above the sheet, Generate below it");
        app.screenshot(&format!("phone_sheet_{language}"));
        app.browser.press(key::ESCAPE);
        app.wait("the end of the sheet", SHORT, || (!app.is_in_sight("#guidance")).then_some(()));
        app.browser.press("g");
        app.wait_status(done, LONG);
        assert!(app.is_in_sight("input.scrubber"), "the timeline after a run");
        app.screenshot(&format!("phone_done_{language}"));
        let small: Vec<String> = serde_json::from_value(app.browser.script(SMALL)).expect("a list of texts");
        assert!(small.is_empty(), "too small for a finger:\n{}", small.join("\n"));
    }
}

/// From the first visit to a saved film, with nothing but fingers; each station has its picture.
#[test]
fn a_first_visit_ends_with_a_saved_gif() {
    for (language, [generate, done, saving, gif]) in [
        ("en", ["Generate", "Done", "Save as…", "Animated GIF"]),
        ("de", ["Erzeugen", "Fertig", "Speichern als …", "Animiertes GIF"]),
    ] {
        let app = App::start("phone_visit", Gpu::None);
        let station = |name: &str| app.screenshot(&format!("phone_visit_{language}_{name}"));
        app.browser.resize(390, 844);
        app.browser.goto(&format!("{}/?backend=cpu&lang={language}", app.server.origin()));
        app.wait(generate, LONG, || app.find("button", generate).map(drop));
        station("1_first");
        app.click("button", generate);
        app.wait_status(done, LONG);
        let picture =
            "const tops = [...document.querySelectorAll('.stage canvas')].map(e => e.getBoundingClientRect());
            const { top, bottom } = tops.sort((a, b) => b.height - a.height)[0];
            return top >= 0 && bottom <= document.querySelector('.timeline').getBoundingClientRect().top";
        assert!(app.is_in_sight("input.scrubber") && app.browser.script(picture) == true, "what was made");
        station("2_done");
        app.click("button", saving);
        let film = app.wait("the form of the film", SHORT, || {
            app.find("button", gif)?;
            station("3_dialog");
            Some(save(&app, gif, "gif"))
        });
        let (_, frames) = decode_gif(&film);
        assert!(frames.len() > 10 && frames.first() != frames.last(), "{} frames", frames.len());
        station("4_saved");
        let wide = "return document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(app.browser.script(wide), true, "nothing to be scrolled sideways");
    }
}
