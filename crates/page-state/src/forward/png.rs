//! PNG files → pixels, where the page has to decode them itself: what a browser gives back from a canvas may be altered.

use super::picture::MOST_PIXELS;
use crate::film::Pixels;

/// The pixels of a PNG file; none of a damaged, interlaced or far too large one.
pub fn read(file: &[u8]) -> Option<Pixels> {
    let header = minipng::decode_png_header(file).ok()?;
    if f64::from(header.width()) * f64::from(header.height()) > MOST_PIXELS {
        return None;
    }
    let bytes = header.required_bytes_rgba8bpc();
    let mut rgba = Vec::new();
    rgba.try_reserve_exact(bytes).ok()?;
    rgba.resize(bytes, 0);
    let mut image = minipng::decode_png(file, &mut rgba).ok()?;
    image.convert_to_rgba8bpc().ok()?;
    let (width, height) = (header.width() as usize, header.height() as usize);
    rgba.truncate(4 * width * height);
    Some(Pixels { width, height, rgba })
}

#[cfg(test)]
mod tests {
    use super::*;
    use png::{BitDepth, ColorType, Encoder};

    fn file(color: ColorType, depth: BitDepth, data: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 4, 2);
        encoder.set_color(color);
        encoder.set_depth(depth);
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(data).expect("a picture");
        writer.finish().expect("the end");
        file
    }

    #[test]
    fn every_kind_of_pixel_becomes_rgba() {
        let values: Vec<u8> = (0..32).map(|i| i * 7 + 3).collect();
        let rgba = file(ColorType::Rgba, BitDepth::Eight, &values);
        assert_eq!(read(&rgba), Some(Pixels { width: 4, height: 2, rgba: values.clone() }));
        let rgb = read(&file(ColorType::Rgb, BitDepth::Eight, &values[..24])).expect("a picture");
        let expected: Vec<u8> = values[..24].chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
        assert_eq!(rgb.rgba, expected);
        let gray = read(&file(ColorType::Grayscale, BitDepth::Eight, &values[..8])).expect("a picture");
        let expected: Vec<u8> = values[..8].iter().flat_map(|v| [*v, *v, *v, 255]).collect();
        assert_eq!(gray.rgba, expected);
        let bits = read(&file(ColorType::Grayscale, BitDepth::One, &[0b1010_0000, 0b0110_0000])).expect("a picture");
        assert_eq!(bits.rgba.iter().step_by(4).copied().collect::<Vec<_>>(), [255, 0, 255, 0, 0, 255, 255, 0]);
    }

    #[test]
    fn what_is_no_whole_picture_is_none() {
        let whole = file(ColorType::Rgb, BitDepth::Eight, &[9; 24]);
        for length in 0..whole.len() - 24 {
            assert_eq!(read(&whole[..length]), None, "{length} of {} bytes", whole.len());
        }
        assert_eq!(read(b"\xFF\xD8\xFF\xE0 is a JPEG"), None);
        let mut huge = whole;
        huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        assert_eq!(read(&huge), None, "65536 by 65536");
    }
}
