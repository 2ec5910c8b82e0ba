//! The language is one for the whole program, so what changes it is a test program of its own.

use ditscope_page_state::{Event, Language, Page, Visit};
use ditscope_protocol::{FromWorker, Reason};
use ditscope_words::notices::notice;

#[test]
fn what_is_on_the_screen_changes_with_the_language() {
    let (mut state, _) = Page::new("", "http://here/", Visit::default());
    let message = FromWorker::Failed { run: None, why: Reason::NotRead.of("m/config.json", "404", "") };
    state.update(Event::Worker { message, buffers: vec![], now_ms: 0.0 });
    let shown = || state.failure().map(|failure| notice(&failure.message)).expect("a failure");
    assert_eq!(shown(), "m/config.json could not be read (404). Check the connection and try again.");
    ditscope_words::load(Language::German, ditscope_words::german());
    ditscope_words::choose(Language::German);
    assert_eq!(shown(), "m/config.json war nicht lesbar (404). Verbindung prüfen und noch einmal versuchen.");
}
