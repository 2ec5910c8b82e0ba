//! SVG → pixels.

use anyhow::{Context, Result, bail};
use resvg::tiny_skia::{Color, Pixmap, PremultipliedColorU8, Transform};
use resvg::usvg;

/// Draws an SVG on white, in the middle and as large as fits.
///
/// # Shapes
/// - result: `[3, side, side]`, 0 to 255
///
/// # Errors
/// Says what is wrong with the SVG, or that it shows nothing.
pub fn rasterise(svg: &str, side: usize) -> Result<Vec<u8>> {
    let tree = usvg::Tree::from_str(svg, &usvg::Options::default()).context("not an SVG that can be drawn")?;
    let (width, height) = (tree.size().width(), tree.size().height());
    let mut pixmap = Pixmap::new(side as u32, side as u32).context("a picture of no size")?;
    pixmap.fill(Color::WHITE);
    let blank = pixmap.clone();
    let scale = side as f32 / width.max(height);
    let centred = |length: f32| (side as f32 - length * scale) / 2.0;
    let transform = Transform::from_translate(centred(width), centred(height)).pre_scale(scale, scale);
    resvg::render(&tree, transform, &mut pixmap.as_mut());
    if pixmap == blank {
        bail!("it shows nothing");
    }
    let pixels = pixmap.pixels(); // opaque, so premultiplied or not is the same
    let channel = |of: fn(&PremultipliedColorU8) -> u8| pixels.iter().map(of);
    Ok(channel(|p| p.red()).chain(channel(|p| p.green())).chain(channel(|p| p.blue())).collect())
}
