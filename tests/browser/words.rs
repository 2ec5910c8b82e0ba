//! Reading the pictures of a model whose pictures are words.

use crate::app::{App, SHORT};
use crate::webdriver::{Gpu, key};
use serde_json::Value;

impl App {
    /// The letters under the stage, and how dark each is.
    fn letters(&self) -> Option<Vec<(String, f64)>> {
        let script = "
            return [...document.querySelectorAll('.word .letters span')].map(e => [e.textContent, +e.style.opacity]);";
        let Value::Array(found) = self.browser.script(script) else { return None };
        let letter = |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_f64()?));
        found.iter().map(letter).collect::<Option<Vec<_>>>().filter(|letters| !letters.is_empty())
    }

    fn spelt(&self) -> String {
        let script = "return document.querySelector('.word .hint')?.textContent ?? ''";
        self.browser.script(script).as_str().unwrap_or_default().to_owned()
    }
}

#[test]
fn a_word_settles_letter_by_letter() {
    let app = App::start("words", Gpu::None);
    app.open_ready("model=places&backend=cpu&steps=8&seed=3");
    app.generate();
    let sure = |letters: &[(String, f64)]| letters.iter().filter(|(_, dark)| *dark >= 0.95).count();
    let word = app.wait("a word", SHORT, || app.letters().filter(|letters| sure(letters) == 16));
    let written: String = word.iter().map(|(letter, _)| letter.as_str()).collect();
    let name = written.trim_end_matches('·').replace('·', " ");
    assert!(name.chars().count() >= 2 && name.chars().next().is_some_and(char::is_uppercase), "{written}");
    assert_eq!(app.spelt(), format!("{name}. Every letter is sure."));

    // At the first step nearly nothing is known, and that is said.
    app.browser.press(key::HOME);
    app.wait("open letters", SHORT, || app.letters().filter(|letters| sure(letters) < 8));
    assert!(app.spelt().contains("of 16 letters are sure; the least sure: "), "{}", app.spelt());
}

#[test]
fn what_needs_pictures_says_so_for_words() {
    let app = App::start("words_elsewhere", Gpu::None);
    app.open_ready("model=places&backend=cpu&steps=4&seed=3&view=forward&depth=full");
    app.wait("the reason", SHORT, || app.text().contains("no picture of yours can become letters").then_some(()));
    app.open_ready("model=places&backend=cpu&steps=4&seed=3&view=train&depth=full");
    app.wait("the reason", SHORT, || app.text().contains("comes without training pictures").then_some(()));
    app.open_ready("backend=cpu&class=1&steps=2&seed=3");
    app.generate();
    assert_eq!(app.letters(), None, "a picture is no word");
}
