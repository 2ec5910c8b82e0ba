//! The word on the stage, letter by letter, for models whose pictures are words.

use super::parts::{Part, Parts};
use super::store::Store;
use ditscope_config::{Letter, capitalised};
use ditscope_page_state::word::letters;
use ditscope_words::say;
use ditscope_words::word::{shown, spoken};
use leptos::prelude::*;

/// A letter that the model knows nothing of is still to be seen.
const FAINTEST: f32 = 0.15;

#[component]
pub fn Word() -> impl IntoView {
    let store = Store::get();
    let word = store.memo(|state| letters(state));
    view! {
        <div class="word" role="group" aria-label=say("word.label") title=say("word.hint")>
            <Parts content=Box::new(move || word.with(|word| parts(word.as_deref()))) />
        </div>
    }
}

fn parts(word: Option<&[Letter]>) -> Vec<Part> {
    let Some(letters) = word else { return vec![Part::words("hint", say("word.none"))] };
    // With capitals, as names have them; every letter keeps its place.
    let symbols: String = letters.iter().map(|letter| letter.symbol).collect();
    let symbols = capitalised(&symbols);
    let letter = |(symbol, letter): (char, &Letter)| {
        let opacity = format!("opacity: {:.2}", letter.confidence.max(FAINTEST));
        Part::new("span", "").with("style", opacity).saying(shown(symbol))
    };
    let row = Part::new("p", "letters").with("aria-hidden", "true").with("translate", "no");
    let said = Part::words("hint", spoken(letters));
    vec![row.of(symbols.chars().zip(letters).map(letter).collect()), said]
}
