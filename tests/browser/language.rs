//! The page in another language, and the change to it.

use crate::app::{App, LONG, SHORT};
use crate::webdriver::{Gpu, key};

impl App {
    /// What a script gives, as text.
    fn look(&self, script: &str) -> String {
        self.browser.script(&format!("return String({script})")).as_str().unwrap_or_default().to_owned()
    }

    fn language(&self) -> String {
        self.look("document.documentElement.lang")
    }

    /// The timeline's position and its last one, whatever it is called.
    fn timeline(&self) -> (f64, f64) {
        let number = |what| self.look(&format!("document.querySelector('.scrubber').{what}")).parse().unwrap_or(0.0);
        (number("value"), number("max"))
    }

    fn language_in_address(&self) -> String {
        self.look("new URLSearchParams(location.search).get('lang')")
    }
}

#[test]
fn a_link_opens_the_page_in_german() {
    let app = App::start("german", Gpu::None);
    app.open("lang=de&backend=cpu&class=9&steps=5&seed=7&n=99");
    app.wait_status("Bereit", LONG);
    assert_eq!(app.language(), "de");
    assert!(app.look("document.title").contains("zusehen"));
    for (role, name) in [
        ("radiogroup", "Klasse"),
        ("slider", "Guidance-Skala"),
        ("slider", "Schritte"),
        ("combobox", "Sampler"),
        ("spinbutton", "Seed"),
        ("spinbutton", "Bilder"),
        ("combobox", "Sprache"),
        ("button", "Hilfe"),
        ("button", "Teilen"),
    ] {
        app.expect(role, name);
    }
    let notice = app.look("document.querySelector('.notices').innerText");
    assert!(notice.contains("n = 99 in der Adresse"), "{notice}");

    app.click("button", "Erzeugen");
    app.wait_status("Fertig: Ankle boot", LONG);
    assert_eq!(app.timeline(), (5.0, 5.0));
    assert_eq!(app.language_in_address(), "de");

    app.browser.press("?");
    app.wait("the help in German", SHORT, || app.text().contains("Leertaste").then_some(()));
}

#[test]
fn the_language_of_the_help_is_changed_in_it() {
    let app = App::start("language_in_help", Gpu::None);
    app.open_ready("backend=cpu&steps=1");
    app.browser.press("?");
    app.expect("dialog", "Help");
    let focus = "document.querySelector('#language-in-help')?.focus() ?? document.activeElement.id";
    app.wait("the list", SHORT, || (app.look(focus) == "language-in-help").then_some(()));
    app.browser.press("d");
    app.wait("the help in German", SHORT, || app.text().contains("Leertaste").then_some(()));
    app.wait("the focus", SHORT, || (app.look("document.activeElement.id") == "language-in-help").then_some(()));
    app.browser.press(key::ESCAPE);
    app.wait("the page", SHORT, || (app.look("document.querySelector('dialog[open]')") == "null").then_some(()));
}

#[test]
fn the_language_changes_in_the_middle_of_a_run() {
    let app = App::start("another_language", Gpu::None);
    app.open_ready("backend=cpu&class=1&steps=250&seed=1&n=8");
    assert_eq!((app.language().as_str(), app.language_in_address().as_str()), ("en", "null"));
    app.click("button", "Generate");
    let made = |steps: f64| app.timeline().1 == 250.0 && app.timeline().0 >= steps;
    app.wait("three steps", LONG, || made(3.0).then_some(()));

    app.focus("combobox", "Language");
    app.browser.press("d");
    app.wait_status("Das Bild entsteht", SHORT);
    let reached = app.timeline().0;
    assert!((3.0..250.0).contains(&reached), "the run and its film go on, not at {reached}");
    assert_eq!((app.language().as_str(), app.language_in_address().as_str()), ("de", "de"));
    app.wait("the focus where it was", SHORT, || (app.look("document.activeElement.id") == "language").then_some(()));
    app.wait("more steps", LONG, || made(reached + 2.0).then_some(()));
    app.click("button", "Abbrechen");
    app.wait_status("Abgebrochen", SHORT);
    assert!(made(reached + 2.0), "the frames stay");

    // The choice is kept for a visit by an address that says nothing of it.
    app.open("backend=cpu&steps=1");
    app.wait_status("Bereit", LONG);
    assert_eq!((app.language().as_str(), app.language_in_address().as_str()), ("de", "null"));

    app.focus("combobox", "Sprache");
    app.browser.press("e");
    app.wait_ready();
    assert_eq!((app.language().as_str(), app.language_in_address().as_str()), ("en", "en"));
    app.generate();
}
