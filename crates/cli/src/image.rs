//! Pictures as files.

use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor, TensorData};
use ditscope_config::TextConfig;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader, Rgb, RgbImage, RgbaImage};
use std::io::Cursor;
use std::path::Path;

/// Pictures on the host: 8 bits a channel, interleaved.
#[derive(Debug, Clone)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    /// 1 (gray) or 3 (RGB)
    pub channels: usize,
    pub pixels: Vec<u8>,
}

/// Reads pictures back from the device.
///
/// # Shapes
/// - `images`: `[N, C, H, W]` in [−1, 1]
pub fn pictures(images: Tensor<4>) -> Vec<Picture> {
    let [_, channels, height, width] = images.dims();
    let values: Vec<f32> =
        images.permute([0, 2, 3, 1]).into_data().convert::<f32>().try_into_vec().expect("converted to f32");
    values
        .chunks_exact(height * width * channels)
        .map(|values| Picture { width, height, channels, pixels: values.iter().copied().map(to_u8).collect() })
        .collect()
}

/// [−1, 1] → 0 to 255, rounded, the same natively and on the page.
pub use ditscope_core::pixels::to_u8;

/// Pictures side by side, `columns` in a row, `gap` pixels apart.
pub fn grid(pictures: &[Picture], columns: usize, gap: usize) -> Picture {
    let (width, height, channels) = (pictures[0].width, pictures[0].height, pictures[0].channels);
    let rows = pictures.len().div_ceil(columns);
    let total_width = columns * (width + gap) - gap;
    let total_height = rows * (height + gap) - gap;
    let mut pixels = vec![128; total_width * total_height * channels];
    for (i, picture) in pictures.iter().enumerate() {
        let (left, top) = ((i % columns) * (width + gap), (i / columns) * (height + gap));
        for (y, line) in picture.pixels.chunks_exact(width * channels).enumerate() {
            let at = ((top + y) * total_width + left) * channels;
            pixels[at..at + line.len()].copy_from_slice(line);
        }
    }
    Picture { width: total_width, height: total_height, channels, pixels }
}

/// The picture of a word with its letters in lines of six, so that it is a square.
pub fn broken(word: &Picture) -> Picture {
    const COLUMNS: usize = 6;
    // The rows of a cell without those above every mark.
    const ROWS: std::ops::Range<usize> = 1..13;
    const MARGIN: usize = 1;
    let [_, cell] = TextConfig::CELL;
    let letters = (word.width - 2 * TextConfig::MARGIN) / cell;
    let lines = letters.div_ceil(COLUMNS);
    let (width, height) = (COLUMNS * cell + 2 * MARGIN, lines * ROWS.len() + 2 * MARGIN);
    let mut pixels = vec![0; width * height];
    for letter in 0..letters {
        let (left, top) = (letter % COLUMNS * cell + MARGIN, letter / COLUMNS * ROWS.len() + MARGIN);
        for (y, row) in ROWS.enumerate() {
            let from = row * word.width + TextConfig::MARGIN + letter * cell;
            pixels[(top + y) * width + left..][..cell].copy_from_slice(&word.pixels[from..from + cell]);
        }
    }
    Picture { width, height, channels: 1, pixels }
}

impl Picture {
    /// Reads a PNG or JPEG: its middle square, resized to `side`, gray for 1 channel, RGB for 3. Transparent parts are laid
    /// on black (0) or white (255): on `ground`, where that is known, else on what its own colours stand out against.
    ///
    /// # Errors
    /// Names the file: missing, or no picture that can be read.
    pub fn open(path: &Path, side: usize, channels: usize, ground: impl FnOnce() -> Option<u8>) -> Result<Self> {
        let name = path.display();
        let bytes = std::fs::read(path).with_context(|| format!("{name}: cannot read it"))?;
        let image = decoded(&bytes)
            .with_context(|| format!("{name}: not a PNG or JPEG that can be read. Save the picture as one of them"))?;
        let image = if image.color().has_alpha() { flattened(&image.to_rgba8(), ground()) } else { image };
        let image = image.resize_to_fill(side as u32, side as u32, FilterType::Triangle);
        let pixels = if channels == 1 { image.into_luma8().into_raw() } else { image.into_rgb8().into_raw() };
        Ok(Self { width: side, height: side, channels, pixels })
    }

    /// `[1, C, H, W]` in [−1, 1], the way back from [`pictures`].
    pub fn tensor(&self, device: &Device) -> Tensor<4> {
        let values: Vec<f32> = self.pixels.iter().map(|value| f32::from(*value) / 127.5 - 1.0).collect();
        let shape = [1, self.height, self.width, self.channels];
        Tensor::from_data(TensorData::new(values, shape), device).permute([0, 3, 1, 2])
    }

    /// Every pixel `scale` times as wide and high.
    pub fn enlarged(&self, scale: usize) -> Self {
        let (width, height) = (self.width * scale, self.height * scale);
        let mut pixels = Vec::with_capacity(width * height * self.channels);
        for y in 0..height {
            for x in 0..width {
                let at = ((y / scale) * self.width + x / scale) * self.channels;
                pixels.extend_from_slice(&self.pixels[at..at + self.channels]);
            }
        }
        Self { width, height, channels: self.channels, pixels }
    }

    /// Writes a PNG by way of a temporary file, so that what was there is lost only when the new one is whole.
    ///
    /// # Errors
    /// Names the file: folder missing, no permission, disk full.
    pub fn save_png(&self, path: &Path) -> Result<()> {
        let color = if self.channels == 1 { image::ExtendedColorType::L8 } else { image::ExtendedColorType::Rgb8 };
        let mut bytes = Cursor::new(Vec::new());
        let (width, height) = (self.width as u32, self.height as u32);
        image::write_buffer_with_format(&mut bytes, &self.pixels, width, height, color, image::ImageFormat::Png)
            .context("encoding a PNG")?;
        ditscope_model_dir::write_file(path, bytes.get_ref())
    }
}

/// The picture of a file, upright as a camera's data says.
fn decoded(bytes: &[u8]) -> Result<DynamicImage> {
    let mut decoder = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// Without transparent parts.
fn flattened(image: &RgbaImage, ground: Option<u8>) -> DynamicImage {
    let ground = u32::from(ground.unwrap_or_else(|| {
        // Colours weigh as much as they are opaque.
        let weighed = image.pixels().map(|pixel| (luma(pixel.0) * f64::from(pixel.0[3]), f64::from(pixel.0[3])));
        let (light, opaque) = weighed.fold((0.0, 0.0), |(a, b), (c, d)| (a + c, b + d));
        if light > 127.5 * opaque { 0 } else { 255 }
    }));
    let laid = |value: u8, alpha: u32| ((u32::from(value) * alpha + ground * (255 - alpha) + 127) / 255) as u8;
    DynamicImage::from(RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [red, green, blue, alpha] = image.get_pixel(x, y).0;
        Rgb([red, green, blue].map(|value| laid(value, alpha.into())))
    }))
}

/// Black or white, whichever the pictures of a model have around what they show: seen at the borders of the training
/// pictures or thumbnails in its folder. `None` where it has neither.
pub fn ground_of(model: &Path, side: usize) -> Option<u8> {
    let sheet = ["training.png", "thumbnails.png"].iter().find_map(|name| {
        let sheet = decoded(&std::fs::read(model.join(name)).ok()?).ok()?.to_rgba8();
        (sheet.width() as usize >= side && sheet.height() as usize >= side).then_some(sheet)
    })?;
    let is_border = |at: u32| [0, side as u32 - 1].contains(&(at % side as u32));
    let border = sheet.enumerate_pixels().filter(|(x, y, _)| is_border(*x) || is_border(*y));
    let (sum, count) = border.fold((0.0, 0.0), |(sum, count), (_, _, pixel)| (sum + luma(pixel.0), count + 1.0));
    Some(if sum > 127.5 * count { 255 } else { 0 })
}

/// Brightness by ITU-R BT.709, as in the page.
fn luma([red, green, blue, _]: [u8; 4]) -> f64 {
    0.2126 * f64::from(red) + 0.7152 * f64::from(green) + 0.0722 * f64::from(blue)
}
