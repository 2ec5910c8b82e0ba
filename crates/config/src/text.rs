//! How a latent is a word: letters as analog bits (Chen et al. 2022, arXiv:2208.04202).

use super::{ConfigError, DitConfig};
use serde::{Deserialize, Serialize};

/// A word is a row of symbols, a symbol the bits of its number in the alphabet, a bit −1 or 1: channel b of a place has bit b,
/// the lowest first. A shorter word ends in blanks, which are symbol 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextConfig {
    /// The symbols in the order of their numbers, as many as the latent's channels have values.
    pub alphabet: String,
}

/// One place of a word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Letter {
    /// The likeliest symbol there.
    pub symbol: char,
    /// How likely it is, taking the bits for independent: 1 where all are −1 or 1, least where all are 0.
    pub confidence: f32,
}

impl TextConfig {
    /// Height and width of the cell of a letter in a picture of the word, and the margin beside the word, in pixels.
    pub const CELL: [usize; 2] = [16, 6];
    pub const MARGIN: usize = 2;
    /// The first symbol of every alphabet.
    pub const BLANK: char = ' ';
    const MOST_BITS: usize = 8;

    /// # Errors
    /// [`ConfigError::Model`] names the field and the cure.
    pub fn validate(&self, transformer: &DitConfig, has_autoencoder: bool) -> Result<(), ConfigError> {
        let fail = |message: String| Err(ConfigError::Model(format!("text: {message}")));
        if has_autoencoder {
            return fail("its latents are the letters themselves, so there can be no autoencoder".into());
        }
        let bits = transformer.in_channels;
        if bits > Self::MOST_BITS {
            return fail(format!("in_channels = {bits}: a letter has at most {} bits", Self::MOST_BITS));
        }
        if transformer.sample_size.height != 1 {
            return fail(format!("sample_size {}: a word is one row of letters", transformer.sample_size));
        }
        let symbols: Vec<char> = self.alphabet.chars().collect();
        if symbols.len() != 1 << bits {
            return fail(format!("alphabet has {} symbols, in_channels {bits} wants {}", symbols.len(), 1 << bits));
        }
        if symbols[0] != Self::BLANK {
            return fail("alphabet must begin with a blank, with which words are filled up".into());
        }
        if let Some(twice) = (1..symbols.len()).find(|i| symbols[..*i].contains(&symbols[*i])) {
            return fail(format!("alphabet has {:?} twice", symbols[twice]));
        }
        match symbols.iter().find(|symbol| symbol.is_control()) {
            Some(symbol) => fail(format!("alphabet has the control character {symbol:?}")),
            None => Ok(()),
        }
    }

    /// Bits of a letter.
    pub fn bits(&self) -> usize {
        self.alphabet.chars().count().max(1).ilog2() as usize
    }

    /// `[H, W]` of the picture of a word of so many letters.
    pub fn picture_shape(letters: usize) -> [usize; 2] {
        let [height, width] = Self::CELL;
        [height, letters * width + 2 * Self::MARGIN]
    }

    /// The numbers of a word's symbols, filled up with blanks; nothing, where it is too long or has a symbol that is not in
    /// the alphabet.
    pub fn codes(&self, word: &str, letters: usize) -> Option<Vec<u8>> {
        let code = |symbol| self.alphabet.chars().position(|known| known == symbol).map(|code| code as u8);
        let mut codes = word.chars().map(code).collect::<Option<Vec<u8>>>()?;
        let fits = codes.len() <= letters;
        codes.resize(letters, 0);
        fits.then_some(codes)
    }

    /// A latent `[bits, 1, letters]` of a word's symbols.
    pub fn latent(&self, codes: &[u8]) -> Vec<f32> {
        let bit = |code: u8, bit: usize| if (code >> bit) & 1 == 1 { 1.0 } else { -1.0 };
        (0..self.bits()).flat_map(|b| codes.iter().map(move |code| bit(*code, b))).collect()
    }

    /// The word that a latent `[bits, 1, letters]` is nearest to, letter by letter, with its blanks.
    pub fn letters(&self, latent: &[f32]) -> Vec<Letter> {
        let (bits, symbols) = (self.bits(), self.alphabet.chars().collect::<Vec<char>>());
        let places = latent.len() / bits.max(1);
        let letter = |place: usize| {
            let values = (0..bits).map(|bit| latent[bit * places + place]);
            let (mut code, mut confidence) = (0, 1.0);
            for (bit, value) in values.enumerate() {
                code |= usize::from(value > 0.0) << bit;
                confidence *= (1.0 + value.abs().min(1.0)) / 2.0;
            }
            Letter { symbol: symbols[code], confidence }
        };
        (0..places).map(letter).collect()
    }

    /// The same as a word, without the blanks around it.
    pub fn word(&self, latent: &[f32]) -> String {
        let word: String = self.letters(latent).iter().map(|letter| letter.symbol).collect();
        word.trim_matches(Self::BLANK).to_owned()
    }
}

/// With a capital at the beginning of each part of the name.
pub fn capitalised(name: &str) -> String {
    let mut begins = true;
    let mut written = String::with_capacity(name.len());
    for letter in name.chars() {
        match begins {
            true => written.extend(letter.to_uppercase()),
            false => written.push(letter),
        }
        begins = [' ', '-'].contains(&letter);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SampleSize;

    fn text() -> TextConfig {
        TextConfig { alphabet: " abcdefg".into() }
    }

    fn transformer() -> DitConfig {
        DitConfig {
            sample_size: SampleSize { height: 1, width: 5 },
            patch_size: 1,
            in_channels: 3,
            ..crate::transformer::tests::preset("S")
        }
    }

    #[test]
    fn words_become_bits_and_words_again() {
        let text = text();
        let codes = text.codes("bad g", 5).expect("symbols of the alphabet");
        assert_eq!(codes, [2, 1, 4, 0, 7]);
        let latent = text.latent(&codes);
        assert_eq!(latent[..5], [-1.0, 1.0, -1.0, -1.0, 1.0], "the lowest bit of all letters first");
        assert_eq!(text.word(&latent), "bad g");
        assert!(text.letters(&latent).iter().all(|letter| letter.confidence == 1.0));
        assert_eq!(text.word(&text.latent(&text.codes("ab", 5).expect("filled up"))), "ab");
        assert_eq!((text.codes("abcdef", 5), text.codes("xy", 5)), (None, None));
        assert_eq!(TextConfig::picture_shape(5), [16, 34]);
    }

    #[test]
    fn a_letter_is_as_sure_as_its_bits() {
        // Bits of one place: one of them is half-way, one knows nothing.
        let letters = text().letters(&[1.0, 0.5, 0.0]);
        assert_eq!(letters, [Letter { symbol: 'c', confidence: 0.75 * 0.5 }]);
        assert_eq!(text().letters(&[-3.0, 2.0, -1.0])[0].confidence, 1.0, "never more than sure");
    }

    #[test]
    fn what_is_no_text_is_refused_by_the_field() {
        text().validate(&transformer(), false).expect("a text");
        let refused = |text: &TextConfig, transformer: &DitConfig, with: bool, words: &str| {
            let error = text.validate(transformer, with).expect_err("refused").to_string();
            assert!(error.contains("text: ") && error.contains(words), "{error}");
        };
        let of = |alphabet: &str| TextConfig { alphabet: alphabet.into() };
        refused(&text(), &transformer(), true, "autoencoder");
        refused(&of(" abc"), &transformer(), false, "4 symbols");
        refused(&of("abcdefgh"), &transformer(), false, "begin with a blank");
        refused(&of(" abcdefa"), &transformer(), false, "'a' twice");
        refused(&of(" abcdef\n"), &transformer(), false, "control");
        refused(&text(), &DitConfig { sample_size: 5.into(), ..transformer() }, false, "one row");
        refused(&text(), &DitConfig { in_channels: 9, ..transformer() }, false, "at most 8 bits");
    }

    #[test]
    fn names_begin_with_capitals() {
        assert_eq!(capitalised("sankt örtel-bad"), "Sankt Örtel-Bad");
        assert_eq!(capitalised("l'aquila"), "L'aquila");
    }
}
