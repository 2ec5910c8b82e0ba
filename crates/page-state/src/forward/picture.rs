//! Pictures of the visitor's and of the training set, made ready for the model; pure.

use crate::film::Pixels;

/// What may be opened: a photo of a large camera, and a page that stays alive.
pub const MOST_BYTES: f64 = 80e6;
pub const MOST_PIXELS: f64 = 120e6;
/// Pictures are drawn this many times larger than needed at most, and averaged.
const MOST_TIMES: usize = 8;
/// No canvas larger than this is asked for.
const MOST_SIDE: usize = 2048;
/// A background is light when its border is lighter than this, from 0 to 1.
const LIGHT: f32 = 0.6;

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq)]
pub enum Unreadable {
    /// Something was dropped or pasted that is no file.
    NoFile,
    Empty,
    TooManyBytes,
    NotAPicture,
    /// It says that it is a picture, and the browser cannot read it.
    Broken,
    TooLarge(usize, usize),
    /// A drawing without width and height.
    NoSize,
    /// The browser gives back other pixels than were drawn.
    Altered,
}

/// How many times larger than `side` a picture whose middle square is `square` wide is drawn before it is
/// averaged: at most about as large as it is.
pub fn times(square: f64, side: usize) -> usize {
    let side = side.max(1);
    let most = MOST_TIMES.min(MOST_SIDE / side).max(1);
    (1..=most).rev().find(|times| (times * side) as f64 <= square).unwrap_or(1)
}

/// The middle square, `side` pixels wide: each the average of what lies in its place, or the nearest.
pub fn squared(pixels: &Pixels, side: usize) -> Pixels {
    let square = pixels.width.min(pixels.height);
    let (left, top) = ((pixels.width - square) / 2, (pixels.height - square) / 2);
    let place = |i: usize| {
        let start = i * square / side;
        start..((i + 1) * square / side).max(start + 1)
    };
    let mut rgba = Vec::with_capacity(side * side * 4);
    for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
        let (rows, columns) = (place(y), place(x));
        let count = (rows.len() * columns.len()) as u64;
        // Colours weigh as much as they are opaque.
        let mut sums = [0u64; 4];
        for row in rows {
            let at = ((top + row) * pixels.width + left + columns.start) * 4;
            for pixel in pixels.rgba[at..at + 4 * columns.len()].chunks_exact(4) {
                let alpha = u64::from(pixel[3]);
                (0..3).for_each(|i| sums[i] += u64::from(pixel[i]) * alpha);
                sums[3] += alpha;
            }
        }
        let alpha = sums[3].max(1);
        rgba.extend((0..3).map(|i| ((sums[i] + alpha / 2) / alpha) as u8));
        rgba.push(((sums[3] + count / 2) / count) as u8);
    }
    Pixels { width: side, height: side, rgba }
}

/// Lays a picture with transparent parts on black or white, whichever its own colours stand out against.
pub fn flatten(pixels: &mut Pixels) {
    let weighed = pixels.rgba.chunks_exact(4).map(|p| (luma(p) * f32::from(p[3]), f32::from(p[3])));
    let (light, opaque) = weighed.fold((0.0, 0.0), |(a, b), (c, d)| (a + c, b + d));
    let ground = if light > 0.5 * opaque { 0 } else { 255 };
    for pixel in pixels.rgba.chunks_exact_mut(4) {
        let alpha = u32::from(pixel[3]);
        for value in &mut pixel[..3] {
            *value = ((u32::from(*value) * alpha + ground * (255 - alpha) + 127) / 255) as u8;
        }
        pixel[3] = 255;
    }
}

/// Whether the border of a picture is light.
pub fn has_light_background(pixels: &Pixels) -> bool {
    let (width, height) = (pixels.width, pixels.height);
    let is_border =
        |i: usize| i < width || i >= width * (height - 1) || i.is_multiple_of(width) || i % width == width - 1;
    let border = pixels.rgba.chunks_exact(4).enumerate().filter(|(i, _)| is_border(*i));
    let (sum, count) = border.fold((0.0, 0.0), |(sum, count), (_, pixel)| (sum + luma(pixel), count + 1.0));
    sum > LIGHT * count
}

/// Light for dark.
pub fn inverted(pixels: &Pixels) -> Pixels {
    let of = |(i, value): (usize, &u8)| if i % 4 == 3 { *value } else { 255 - value };
    Pixels { rgba: pixels.rgba.iter().enumerate().map(of).collect(), ..*pixels }
}

/// As the encoder wants it: f32 `[3, H, W]` in [−1, 1].
pub fn planes(pixels: &Pixels) -> Vec<u8> {
    let plane = |i: usize| pixels.rgba.iter().skip(i).step_by(4).map(|value| f32::from(*value) / 127.5 - 1.0);
    (0..3).flat_map(plane).flat_map(f32::to_le_bytes).collect()
}

/// Picture `i` of a sheet of square ones, row by row.
pub fn tile(sheet: &Pixels, side: usize, i: usize) -> Option<Pixels> {
    let columns = sheet.width.checked_div(side)?;
    if columns == 0 || i / columns >= sheet.height / side {
        return None;
    }
    let (left, top) = (i % columns * side, i / columns * side);
    let line = |y: usize| ((top + y) * sheet.width + left) * 4;
    let rgba = (0..side).flat_map(|y| &sheet.rgba[line(y)..line(y) + 4 * side]).copied().collect();
    Some(Pixels { width: side, height: side, rgba })
}

/// Whether the beginning of a file says that it has more than one picture.
pub fn is_animated(start: &[u8]) -> bool {
    let has = |mark: &[u8]| start.windows(mark.len()).any(|window| window == mark);
    let begins = |mark: &[u8]| start.starts_with(mark);
    begins(b"GIF8") && has(b"NETSCAPE2.0")
        || begins(b"\x89PNG") && has(b"acTL")
        || begins(b"RIFF") && has(b"ANIM")
        || start.get(4..12) == Some(b"ftypavis")
}

/// Brightness from 0 to 1 by ITU-R BT.709.
fn luma(pixel: &[u8]) -> f32 {
    (0.2126 * f32::from(pixel[0]) + 0.7152 * f32::from(pixel[1]) + 0.0722 * f32::from(pixel[2])) / 255.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(width: usize, rgba: Vec<u8>) -> Pixels {
        Pixels { width, height: rgba.len() / 4 / width, rgba }
    }

    #[test]
    fn a_picture_is_drawn_no_larger_than_it_is() {
        assert_eq!(times(4000.0, 32), 8);
        assert_eq!(times(100.0, 32), 3);
        assert_eq!(times(20.0, 32), 1);
        assert_eq!(times(9000.0, 256), 8);
        assert_eq!(times(9000.0, 1024), 2);
        assert_eq!(times(0.0, 0), 1);
    }

    #[test]
    fn blocks_are_averaged_and_what_is_transparent_has_no_colour() {
        let four = pixels(2, [[200, 0, 0, 255], [100, 0, 0, 255], [9, 9, 9, 0], [9, 9, 9, 0]].concat());
        assert_eq!(squared(&four, 1), pixels(1, vec![150, 0, 0, 128]));
        assert_eq!(squared(&four, 2).rgba[..8], four.rgba[..8]);
    }

    #[test]
    fn the_middle_square_is_brought_to_any_side() {
        let gray = |values: &[u8]| values.iter().flat_map(|value| [*value, *value, *value, 255]).collect::<Vec<u8>>();
        let wide = pixels(5, gray(&[1, 10, 20, 30, 2, 1, 40, 50, 60, 2, 1, 70, 80, 90, 2]));
        assert_eq!(squared(&wide, 3).rgba, gray(&[10, 20, 30, 40, 50, 60, 70, 80, 90]));
        assert_eq!(squared(&wide, 1).rgba, gray(&[50]));
        assert_eq!(squared(&wide, 2).rgba, gray(&[10, 25, 55, 70]));
        assert_eq!(squared(&pixels(1, gray(&[7])), 2).rgba, gray(&[7; 4]));
        let high = pixels(2, gray(&[9, 9, 1, 2, 3, 4, 9, 9]));
        assert_eq!(squared(&high, 2).rgba, gray(&[1, 2, 3, 4]));
    }

    #[test]
    fn transparent_parts_become_what_the_rest_stands_out_against() {
        let mut light = pixels(2, [[250, 250, 250, 255], [0, 0, 0, 0]].concat());
        flatten(&mut light);
        assert_eq!(light.rgba, [250, 250, 250, 255, 0, 0, 0, 255]);
        let mut dark = pixels(2, [[20, 20, 20, 255], [0, 0, 0, 0]].concat());
        flatten(&mut dark);
        assert_eq!(dark.rgba, [20, 20, 20, 255, 255, 255, 255, 255]);
    }

    #[test]
    fn a_light_background_is_seen_and_inverted() {
        let mut rgba = vec![255; 64];
        rgba[20..24].copy_from_slice(&[0, 0, 0, 255]);
        let light = pixels(4, rgba);
        assert!(has_light_background(&light));
        assert!(!has_light_background(&inverted(&light)));
        assert_eq!(inverted(&inverted(&light)), light);
    }

    #[test]
    fn planes_are_what_training_used() {
        let bytes = planes(&pixels(2, [[0, 255, 51, 255], [255, 0, 204, 255]].concat()));
        let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        assert_eq!(values, [-1.0, 1.0, 1.0, -1.0, 51.0 / 127.5 - 1.0, 204.0 / 127.5 - 1.0]);
    }

    #[test]
    fn tiles_are_cut_out_of_their_sheet() {
        let sheet = pixels(4, (0..32).collect());
        assert_eq!(
            tile(&sheet, 2, 1),
            Some(pixels(2, vec![8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31]))
        );
        assert_eq!(tile(&sheet, 2, 2), None);
        assert_eq!(tile(&sheet, 5, 0), None);
        assert_eq!(tile(&sheet, 0, 0), None);
    }

    #[test]
    fn animations_say_so_at_their_beginning() {
        assert!(is_animated(b"GIF89a......NETSCAPE2.0..."));
        assert!(is_animated(b"\x89PNG....IHDR....acTL"));
        assert!(is_animated(b"RIFF....WEBPVP8X....ANIM"));
        assert!(is_animated(b"....ftypavis...."));
        assert!(!is_animated(b"GIF89a......"));
        assert!(!is_animated(b""));
    }
}
