//! Pictures as files, made of the page's own bytes: what a browser gives back from a canvas may have been altered to foil
//! fingerprinting, or be nothing at all where the canvas is large.

use crate::sheet::{Item, PAPER, Sheet};
use ditscope_page_state::film::Pixels;
use std::fmt::Write;

/// As PNG, each pixel a square of `times` by `times` (the format: <https://www.w3.org/TR/png-3/>; the crate `png` would be half
/// as large as all else that is saved with).
///
/// # Errors
/// A picture without pixels, or one that is too large.
pub fn png(pixels: &Pixels, times: usize) -> Result<Vec<u8>, String> {
    let side = |side: usize| match u32::try_from(side * times) {
        Ok(side @ 1..=MOST_SIDE) => Ok(side.to_be_bytes()),
        _ => Err(format!("a picture of {}x{} cannot be saved {times} times as large", pixels.width, pixels.height)),
    };
    // 8 bits, RGBA, the only compression and filtering there are, not interlaced.
    let header = [&side(pixels.width)?[..], &side(pixels.height)?, &[8, 6, 0, 0, 0]].concat();
    let mut lines = Vec::with_capacity((4 * pixels.width * times + 1) * pixels.height * times);
    for row in pixels.rgba.chunks_exact(4 * pixels.width) {
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
    let mut file = SIGNATURE.to_vec();
    for (name, data) in [(b"IHDR", &header), (b"IDAT", &fdeflate::compress_to_vec(&lines)), (b"IEND", &vec![])] {
        file.extend((data.len() as u32).to_be_bytes());
        let start = file.len();
        file.extend(name);
        file.extend(data);
        file.extend(crc32fast::hash(&file[start..]).to_be_bytes());
    }
    Ok(file)
}

const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n'];
/// How a line begins.
const UNFILTERED: u8 = 0;
const DIFFERENCE_TO_ABOVE: u8 = 2;
/// So that the whole stays far below what a part of the format can hold.
const MOST_SIDE: u32 = 16_384;

/// A sheet as SVG; `base64` encodes the PNG files of its pictures.
///
/// # Errors
/// As [`png`].
pub fn svg(sheet: &Sheet, base64: impl Fn(&[u8]) -> String) -> Result<String, String> {
    let Sheet { width, height, items } = sheet;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"system-ui, sans-serif\"><rect width=\"100%\" height=\"100%\" fill=\"{PAPER}\"/>\n"
    );
    for item in items {
        // To a string nothing can fail.
        let _ = match item {
            Item::Pixels { x, y, width, height, pixels } => {
                let data = base64(&png(pixels, 1)?);
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
    Ok(svg)
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
        let (width, height, rgba) = decoded(&png(&pixels, 3).expect("a file"));
        assert_eq!((width, height), (6, 3));
        let row: Vec<u8> = [[255, 0, 0, 255]; 3].into_iter().chain([[0, 9, 0, 128]; 3]).flatten().collect();
        assert_eq!(rgba, row.repeat(3));
        assert!(png(&Pixels { width: 0, height: 0, rgba: vec![] }, 8).is_err());
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
        let svg = svg(&sheet, |bytes| format!("{} bytes", bytes.len())).expect("a drawing");
        assert!(svg.contains(">a &lt; b &amp; c</text>") && svg.contains("y=\"10\""), "{svg}");
        assert!(svg.contains("base64,") && svg.contains("bytes\"/>") && svg.ends_with("</svg>\n"), "{svg}");
    }
}
