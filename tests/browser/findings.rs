//! The findings: tables and a plot of what was measured, and what is said where they do not come.

use crate::app::{App, LONG, SHORT};
use crate::server::Fault;
use crate::webdriver::Gpu;

#[test]
fn the_findings_are_shown_with_every_number_in_a_table() {
    let app = App::start("findings", Gpu::None);
    app.server.break_file("findings.json", Fault::Missing);
    app.open("backend=cpu&view=findings");
    app.wait("a word about what is missing", LONG, || app.text().contains("could not be loaded").then_some(()));
    app.server.heal();
    app.click("button", "Try again");
    app.wait("the findings", SHORT, || app.text().contains("What conditioning does").then_some(()));
    app.expect("img", "Cost and Fréchet distance of each way to sample; the table below has the numbers");
    let counts = "const rows = s => document.querySelectorAll(s).length;
        return [rows('.findings table'), rows('.pareto .points'), rows('.findings-samples img')];";
    let [tables, lines, pictures]: [usize; 3] =
        serde_json::from_value(app.browser.script(counts)).expect("three numbers");
    assert!(tables >= 6 && lines >= 3 && pictures >= 3, "{tables} tables, {lines} lines, {pictures} pictures");
    for words in ["What else to choose for a training", "v-prediction", "A straight path", "Fewer bits", "Fewer blocks"]
    {
        assert!(app.text().contains(words), "'{words}' is not shown");
    }
    // Pictures are fetched when they come into sight.
    app.browser.script("document.querySelector('.findings-samples').scrollIntoView()");
    let loaded =
        "return [...document.querySelectorAll('.findings-samples img')].every(i => i.complete && i.naturalWidth > 0)";
    app.wait("the pictures", SHORT, || (app.browser.script(loaded) == true).then_some(()));
    for (width, height) in [(390, 844), (1280, 900)] {
        app.browser.resize(width, height);
        let wide = "return document.scrollingElement.scrollWidth > document.documentElement.clientWidth";
        assert_eq!(app.browser.script(wide), false, "the page scrolls sideways at {width} px");
        for scheme in ["light", "dark"] {
            app.browser.prefer_colour_scheme(scheme);
            app.screenshot(&format!("findings_{width}_{scheme}"));
        }
    }
}
