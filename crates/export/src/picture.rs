//! Pictures as files, made of the page's own bytes: what a browser gives back from a canvas may have been altered to foil
//! fingerprinting, or be nothing at all where the canvas is large.

use crate::sheet::{Item, PAPER, Sheet};
use ditscope_page_state::film::Pixels;
use std::fmt::Write;

/// The lines of a picture as PNG has them, each pixel a square of `times` by `times`: to be compressed (zlib) and given to
/// [`png`].
pub fn lines(pixels: &Pixels, times: usize) -> Vec<u8> {
    let mut lines = Vec::with_capacity((4 * pixels.width * times + 1) * pixels.height * times);
    for row in pixels.rgba.chunks_exact(4 * pixels.width.max(1)) {
        lines.push(UNFILTERED);
        for pixel in row.chunks_exact(4) {
            (0..times).for_each(|_| lines.extend_from_slice(pixel));
        }
        // The same line again differs from the one above in nothing.
        for _ in 1..times {
            lines.push(DIFFERENCE_TO_ABOVE);
            lines.resize(lines.len() + 4 * pixels.width * times, 0);
        }
    }
    lines
}

/// A PNG file of this size around compressed [`lines`] (<https://www.w3.org/TR/png-3/>). The crate `png` would be larger than all
/// else that is saved with, and the browser compresses.
pub fn png(width: usize, height: usize, zlib: &[u8]) -> Vec<u8> {
    let side = |side: usize| (side as u32).to_be_bytes();
    // 8 bits, RGBA, the only compression and filtering there are, not interlaced.
    let header = [&side(width)[..], &side(height), &[8, 6, 0, 0, 0]].concat();
    let mut file = SIGNATURE.to_vec();
    for (name, data) in [(b"IHDR", &header[..]), (b"IDAT", zlib), (b"IEND", &[])] {
        file.extend(side(data.len()));
        let start = file.len();
        file.extend(name);
        file.extend(data);
        file.extend(crc(&file[start..]).to_be_bytes());
    }
    file
}

/// Bytes as zlib without any compression (RFC 1950 and 1951): for small pictures, and where the browser compresses nothing.
pub fn stored(bytes: &[u8]) -> Vec<u8> {
    const MOST: usize = 65_535;
    let mut zlib = vec![0x78, 0x01];
    let blocks = bytes.chunks(MOST).count().max(1);
    for i in 0..blocks {
        let block = &bytes[i * MOST..bytes.len().min((i + 1) * MOST)];
        let length = block.len() as u16;
        zlib.push(u8::from(i + 1 == blocks));
        zlib.extend(length.to_le_bytes());
        zlib.extend((!length).to_le_bytes());
        zlib.extend(block);
    }
    let (a, b) = bytes.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (a + b) % 65_521)
    });
    zlib.extend((b << 16 | a).to_be_bytes());
    zlib
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n'];
/// How a line begins.
const UNFILTERED: u8 = 0;
const DIFFERENCE_TO_ABOVE: u8 = 2;

/// A sheet as SVG; `base64` encodes the PNG files of its pictures.
pub fn svg(sheet: &Sheet, base64: impl Fn(&[u8]) -> String) -> String {
    let Sheet { width, height, items } = sheet;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"system-ui, sans-serif\"><rect width=\"100%\" height=\"100%\" fill=\"{PAPER}\"/>\n"
    );
    for item in items {
        // To a string nothing can fail.
        let _ = match item {
            Item::Pixels { x, y, width, height, pixels } => {
                let data = base64(&png(pixels.width, pixels.height, &stored(&lines(pixels, 1))));
                writeln!(
                    svg,
                    "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
                     style=\"image-rendering: pixelated\" href=\"data:image/png;base64,{data}\"/>"
                )
            }
            Item::Words { x, y, size, bold, colour, words, .. } => {
                let (weight, words) = (if *bold { 650 } else { 400 }, escaped(words));
                let y = y + 0.8 * size;
                writeln!(
                    svg,
                    "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" font-weight=\"{weight}\" fill=\"{colour}\">{words}</text>"
                )
            }
        };
    }
    svg.push_str("</svg>\n");
    svg
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG file");
        let mut rgba = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut rgba).expect("a picture");
        (info.width, info.height, rgba)
    }

    #[test]
    fn a_picture_is_enlarged_without_smoothing() {
        let pixels = Pixels { width: 2, height: 1, rgba: vec![255, 0, 0, 255, 0, 9, 0, 128] };
        let (width, height, rgba) = decoded(&png(6, 3, &stored(&lines(&pixels, 3))));
        assert_eq!((width, height), (6, 3));
        let row: Vec<u8> = [[255, 0, 0, 255]; 3].into_iter().chain([[0, 9, 0, 128]; 3]).flatten().collect();
        assert_eq!(rgba, row.repeat(3));
    }

    #[test]
    fn a_picture_of_many_blocks_is_read_as_it_was() {
        let rgba: Vec<u8> = (0..4 * 200 * 150).map(|i: usize| (i * i % 251) as u8).collect();
        let pixels = Pixels { width: 200, height: 150, rgba: rgba.clone() };
        assert_eq!(decoded(&png(200, 150, &stored(&lines(&pixels, 1)))), (200, 150, rgba));
    }

    #[test]
    fn a_sheet_is_a_drawing_with_its_pictures_in_it() {
        let words = Item::Words {
            x: 1.0,
            y: 2.0,
            size: 10.0,
            bold: true,
            colour: "#000000",
            most_width: 90.0,
            words: "a < b & c".into(),
        };
        let pixels = Pixels { width: 1, height: 1, rgba: vec![1, 2, 3, 255] };
        let picture = Item::Pixels { x: 0.0, y: 0.0, width: 8.0, height: 8.0, pixels };
        let sheet = Sheet { width: 100, height: 50, items: vec![words, picture] };
        let svg = svg(&sheet, |bytes| format!("{} bytes", bytes.len()));
        assert!(svg.contains(">a &lt; b &amp; c</text>") && svg.contains("y=\"10\""), "{svg}");
        assert!(svg.contains("base64,") && svg.contains("bytes\"/>") && svg.ends_with("</svg>\n"), "{svg}");
    }
}
