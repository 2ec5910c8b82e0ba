//! A small font of our own: capitals of 5x7 pixels, with marks above, below and through them.

use ditscope_config::TextConfig;

const HEIGHT: usize = TextConfig::CELL[0];
/// Rows above a letter: a margin, and three for marks.
const TOP: usize = 4;

/// The rows of a symbol's cell, the lowest of six bits rightmost. What the font does not have is a small box.
pub fn glyph(symbol: char) -> [u8; HEIGHT] {
    let (base, mark) = parts(symbol);
    let mut rows = [0; HEIGHT];
    for (row, bits) in rows[TOP..].iter_mut().zip(letter(base)) {
        *row = bits << 1;
    }
    for (row, bits) in mark {
        rows[*row] |= bits << 1;
    }
    rows
}

type Mark = &'static [(usize, u8)];

const NONE: Mark = &[];
const ACUTE: Mark = &[(1, 0b00010), (2, 0b00100)];
const GRAVE: Mark = &[(1, 0b01000), (2, 0b00100)];
const HAT: Mark = &[(1, 0b00100), (2, 0b01010)];
const CARON: Mark = &[(1, 0b01010), (2, 0b00100)];
const DOTS: Mark = &[(2, 0b01010)];
const DOT: Mark = &[(2, 0b00100)];
const RING: Mark = &[(0, 0b00100), (1, 0b01010), (2, 0b00100)];
const BAR: Mark = &[(2, 0b01110)];
const TILDE: Mark = &[(1, 0b01101), (2, 0b10110)];
const BOW: Mark = &[(1, 0b10001), (2, 0b01110)];
const DOUBLE: Mark = &[(1, 0b01001), (2, 0b10010)];
const CEDILLA: Mark = &[(TOP + 7, 0b00100), (TOP + 8, 0b01100)];
const OGONEK: Mark = &[(TOP + 7, 0b00010), (TOP + 8, 0b00011)];
const STROKE: Mark = &[(TOP + 2, 0b01010), (TOP + 3, 0b01100), (TOP + 4, 0b11000)];

/// The letter that a symbol is made of, and its mark.
fn parts(symbol: char) -> (char, Mark) {
    match symbol {
        'á' => ('a', ACUTE),
        'é' => ('e', ACUTE),
        'í' => ('i', ACUTE),
        'ó' => ('o', ACUTE),
        'ú' => ('u', ACUTE),
        'ý' => ('y', ACUTE),
        'ć' => ('c', ACUTE),
        'ń' => ('n', ACUTE),
        'ś' => ('s', ACUTE),
        'ź' => ('z', ACUTE),
        'à' => ('a', GRAVE),
        'è' => ('e', GRAVE),
        'ì' => ('i', GRAVE),
        'ò' => ('o', GRAVE),
        'ù' => ('u', GRAVE),
        'â' => ('a', HAT),
        'ê' => ('e', HAT),
        'î' => ('i', HAT),
        'ô' => ('o', HAT),
        'û' => ('u', HAT),
        'č' => ('c', CARON),
        'ě' => ('e', CARON),
        'ň' => ('n', CARON),
        'ř' => ('r', CARON),
        'š' => ('s', CARON),
        'ž' => ('z', CARON),
        'ä' => ('a', DOTS),
        'ë' => ('e', DOTS),
        'ï' => ('i', DOTS),
        'ö' => ('o', DOTS),
        'ü' => ('u', DOTS),
        'ż' => ('z', DOT),
        'å' => ('a', RING),
        'ů' => ('u', RING),
        'ā' => ('a', BAR),
        'ē' => ('e', BAR),
        'ī' => ('i', BAR),
        'ō' => ('o', BAR),
        'ū' => ('u', BAR),
        'ã' => ('a', TILDE),
        'ñ' => ('n', TILDE),
        'õ' => ('o', TILDE),
        'ă' => ('a', BOW),
        'ğ' => ('g', BOW),
        'ő' => ('o', DOUBLE),
        'ű' => ('u', DOUBLE),
        'ç' => ('c', CEDILLA),
        'ş' | 'ș' => ('s', CEDILLA),
        'ţ' | 'ț' => ('t', CEDILLA),
        'ą' => ('a', OGONEK),
        'ę' => ('e', OGONEK),
        'ł' => ('l', STROKE),
        other => (other, NONE),
    }
}

fn letter(symbol: char) -> [u8; 7] {
    // Long: a table of shapes.
    match symbol {
        ' ' => [0; 7],
        'a' => [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
        'b' => [0b11110, 0b10001, 0b10001, 0b11110, 0b10001, 0b10001, 0b11110],
        'c' => [0b01110, 0b10001, 0b10000, 0b10000, 0b10000, 0b10001, 0b01110],
        'd' => [0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110],
        'e' => [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111],
        'f' => [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b10000],
        'g' => [0b01110, 0b10001, 0b10000, 0b10111, 0b10001, 0b10001, 0b01111],
        'h' => [0b10001, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
        // Without a dot it is the same capital; the dotless one has feet.
        'i' => [0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100],
        'ı' => [0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        'j' => [0b00111, 0b00010, 0b00010, 0b00010, 0b00010, 0b10010, 0b01100],
        'k' => [0b10001, 0b10010, 0b10100, 0b11000, 0b10100, 0b10010, 0b10001],
        'l' => [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111],
        'm' => [0b10001, 0b11011, 0b10101, 0b10101, 0b10001, 0b10001, 0b10001],
        'n' => [0b10001, 0b11001, 0b11001, 0b10101, 0b10011, 0b10011, 0b10001],
        'o' => [0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
        'p' => [0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000],
        'q' => [0b01110, 0b10001, 0b10001, 0b10001, 0b10101, 0b10010, 0b01101],
        'r' => [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001],
        's' => [0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110],
        't' => [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100],
        'u' => [0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
        'v' => [0b10001, 0b10001, 0b10001, 0b10001, 0b01010, 0b01010, 0b00100],
        'w' => [0b10001, 0b10001, 0b10001, 0b10101, 0b10101, 0b11011, 0b10001],
        'x' => [0b10001, 0b01010, 0b01010, 0b00100, 0b01010, 0b01010, 0b10001],
        'y' => [0b10001, 0b10001, 0b01010, 0b00100, 0b00100, 0b00100, 0b00100],
        'z' => [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b10000, 0b11111],
        'ß' => [0b01100, 0b10010, 0b10010, 0b10110, 0b10001, 0b10001, 0b10110],
        '-' => [0, 0, 0, 0b01110, 0, 0, 0],
        '\'' => [0b00100, 0b00100, 0b01000, 0, 0, 0, 0],
        _ => [0b11111, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11111],
    }
}
