//! Pictures as files.

use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor, TensorData};
use image::imageops::FilterType;
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

impl Picture {
    /// Reads a PNG: its middle square, resized to `side`, gray for 1 channel, RGB for 3.
    ///
    /// # Errors
    /// Names the file: missing, or no picture that can be read.
    pub fn open(path: &Path, side: usize, channels: usize) -> Result<Self> {
        let name = path.display();
        let bytes = std::fs::read(path).with_context(|| format!("{name}: cannot read it"))?;
        let image = image::load_from_memory(&bytes).with_context(|| format!("{name}: not a PNG that can be read"))?;
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
        let mut bytes = std::io::Cursor::new(Vec::new());
        let (width, height) = (self.width as u32, self.height as u32);
        image::write_buffer_with_format(&mut bytes, &self.pixels, width, height, color, image::ImageFormat::Png)
            .context("encoding a PNG")?;
        ditscope_model_dir::write_file(path, bytes.get_ref())
    }
}
