//! Pictures as files, made of the page's own bytes: what a browser gives back from a canvas may have been altered to foil
//! fingerprinting, or be nothing at all where the canvas is large.

use crate::sheet::{Item, PAPER, Sheet};
use ditscope_page_state::film::Pixels;
use std::fmt::Write;

/// As PNG, each pixel a square of `times` by `times`.
///
/// # Errors
/// In the encoder's words: a picture without pixels, or one that is too large.
pub fn png(pixels: &Pixels, times: usize) -> Result<Vec<u8>, String> {
    let (width, height) = (pixels.width * times, pixels.height * times);
    let mut rgba = Vec::with_capacity(4 * width * height);
    for row in pixels.rgba.chunks_exact(4 * pixels.width.max(1)) {
        let start = rgba.len();
        for pixel in row.chunks_exact(4) {
            (0..times).for_each(|_| rgba.extend_from_slice(pixel));
        }
        (1..times).for_each(|_| rgba.extend_from_within(start..start + 4 * width));
    }
    let mut bytes = Vec::new();
    let side = |side: usize| u32::try_from(side).map_err(|error| error.to_string());
    let mut encoder = png::Encoder::new(&mut bytes, side(width)?, side(height)?);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer.write_image_data(&rgba).map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    Ok(bytes)
}

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
