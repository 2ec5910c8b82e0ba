//! Icon → pixels.

use super::sets::Icon;
use crate::raster::rasterise;
use anyhow::Result;

/// Draws an icon on white, in the middle and as large as fits.
///
/// # Shapes
/// - result: `[3, side, side]`, 0 to 255
///
/// # Errors
/// Says what is wrong with the SVG, or that it shows nothing.
pub fn render(icon: &Icon, side: usize) -> Result<Vec<u8>> {
    let [left, top, width, height] = icon.view_box;
    let svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{width}" height="{height}" viewBox="{left} {top} {width} {height}">{}</svg>"#,
        icon.body
    );
    rasterise(&svg, side)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn icon(body: &str, view_box: [f32; 4]) -> Icon {
        Icon { name: "test".into(), body: body.into(), view_box }
    }

    #[test]
    fn a_square_lies_where_it_was_drawn() {
        let square = r##"<path fill="#f00" d="M0 0h4v4H0z"/>"##;
        let pixels = render(&icon(square, [0.0, 0.0, 8.0, 8.0]), 16).expect("drawn"); // [3, 16, 16]
        let at = |x: usize, y: usize| [0, 1, 2].map(|channel| pixels[channel * 256 + y * 16 + x]);
        assert_eq!((at(1, 1), at(7, 7), at(8, 7), at(15, 15)), ([255, 0, 0], [255, 0, 0], [255; 3], [255; 3]));
        // Twice as wide as high: in the middle of the height.
        let pixels = render(&icon(square, [0.0, 0.0, 8.0, 4.0]), 16).expect("drawn");
        let at = |x: usize, y: usize| [0, 1, 2].map(|channel| pixels[channel * 256 + y * 16 + x]);
        assert_eq!((at(1, 3), at(1, 4), at(1, 11), at(1, 12)), ([255; 3], [255, 0, 0], [255, 0, 0], [255; 3]));
    }

    #[test]
    fn what_cannot_be_drawn_is_an_error() {
        let failed = |body: &str| format!("{:#}", render(&icon(body, [0.0, 0.0, 8.0, 8.0]), 16).expect_err("fails"));
        assert!(failed("<path d=").contains("not an SVG that can be drawn"));
        assert!(failed("").contains("shows nothing"));
        assert!(failed(r#"<path d="nonsense"/>"#).contains("shows nothing"));
    }
}
