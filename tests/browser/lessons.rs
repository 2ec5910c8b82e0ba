//! The pages for teachers: they open from the help, in both languages, and each of their links opens the page without a notice.

use crate::app::{App, LONG, SHORT};
use crate::webdriver::Gpu;
use serde_json::Value;
use std::collections::BTreeSet;

const PAGES: [(&str, &str, &str); 2] =
    [("en", "teaching.html", "teaching.de.html"), ("de", "teaching.de.html", "teaching.html")];

/// The addresses that links of the page lead to, as the browser understands them.
fn links(app: &App) -> Vec<String> {
    let links = app.browser.script("return [...document.querySelectorAll('a')].map(link => link.href)");
    links.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[test]
fn the_help_leads_to_the_page_for_teachers_in_the_language_in_use() {
    let app = App::start("lessons_help", Gpu::None);
    for (language, page, _) in PAGES {
        app.open(&format!("lang={language}&backend=cpu&steps=1"));
        app.wait("the page", LONG, || app.find("button", if language == "de" { "Hilfe" } else { "Help" }).map(drop));
        app.browser.press("?");
        app.wait("the link", SHORT, || {
            let link =
                app.browser.script("return document.querySelector('#help a[href*=teaching]')?.getAttribute('href')");
            (link.as_str()? == format!("./{page}")).then_some(())
        });
    }
}

#[test]
fn the_pages_for_teachers_are_whole() {
    let app = App::start("lessons", Gpu::None);
    for (language, page, other) in PAGES {
        app.browser.goto(&format!("{}/{page}", app.server.origin()));
        let look = |script: &str| app.browser.script(&format!("return {script}"));
        assert_eq!(look("document.documentElement.lang"), language);
        assert!(look("document.title").as_str().is_some_and(|title| title.contains("ditscope")));
        assert_eq!(look("document.querySelectorAll('h1').length"), 1);
        // The style is there, and nothing reaches beyond a narrow window.
        assert_eq!(look("getComputedStyle(document.querySelector('.printed')).display"), "none");
        app.browser.resize(390, 844);
        let beyond = look("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(beyond, 0, "{page} is wider than a phone");
        app.browser.resize(1280, 1000);
        let links = links(&app);
        assert!(links.iter().any(|link| link.ends_with(other)), "{page} does not lead to {other}");
        // What a list of contents leads to is there.
        let lost = look(
            "[...document.querySelectorAll('a[href^=\"#\"]')].filter(a => !document.getElementById(decodeURIComponent(a.hash.slice(1)))).length",
        );
        assert_eq!(lost, 0);
        app.screenshot(if language == "de" { "lessons_de" } else { "lessons_en" });
    }
}

/// None of them is waited for until it has run: the page with its mode, and no word about the address, is what a link owes.
#[test]
fn every_link_of_the_lessons_opens_the_page_without_a_notice() {
    let app = App::start("lessons_links", Gpu::None);
    let mut all = BTreeSet::new();
    for (language, page, _) in PAGES {
        app.browser.goto(&format!("{}/{page}", app.server.origin()));
        let inward = format!("{}/?", app.server.origin());
        let links = links(&app).into_iter().filter_map(|link| link.strip_prefix(&inward).map(str::to_owned));
        let links: BTreeSet<String> = links.collect();
        assert!(links.iter().all(|link| link.contains(&format!("lang={language}"))), "{links:?}");
        // The second language has the same links: of it only what is said is looked at, with two of them.
        all.extend(links.into_iter().take(if language == "en" { usize::MAX } else { 2 }));
    }
    assert!(all.len() > 20, "{all:?}");
    for link in all {
        // As for a visitor who wants no motion: nothing runs before a press.
        app.open(&format!("{link}&backend=cpu"));
        let ready = if link.contains("lang=de") { "Bereit" } else { "Ready" };
        app.wait_status(ready, LONG);
        // By their class: their name is another one in each language.
        let told = app.browser.script("return document.querySelector('.notices')?.innerText ?? ''");
        assert_eq!((told.as_str(), app.failure()), (Some(""), String::new()), "{link}");
        let view = link.split('&').find_map(|pair| pair.strip_prefix("view=")).unwrap_or("denoise").to_owned();
        let address = app.browser.script("return new URLSearchParams(location.search).get('view') ?? 'denoise'");
        assert_eq!(address, view.as_str(), "{link}");
    }
}
