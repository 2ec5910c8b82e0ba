//! An error over t, on a scale from 0, with a marker. Pure.

use super::drawing::Drawing;
use super::geometry::{HEIGHT, Point, Scale, WIDTH, path, x, y};

/// Width and height in the plot's own units.
pub const SIZE: (f64, f64) = (WIDTH, HEIGHT);

/// The curve of `errors` (t, value); noise is on the left, as a run goes. With a marker at a place of it.
pub fn errors(errors: &[(usize, f64)], end: usize, here: Option<(usize, f64)>, symbol: &str) -> String {
    let scale = Scale::linear(errors.iter().map(|(_, value)| *value));
    let point = |(t, value): (usize, f64)| -> Point { (x(t as f64, end), y(scale, value)) };
    let mut drawing = Drawing::axes(scale, end, symbol);
    drawing.path("curve", &path(errors.iter().copied().map(point)));
    drawing.marker(here.map(point));
    drawing.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_has_a_point_for_each_error() {
        let svg = errors(&[(900, 1.0), (500, 0.5), (100, 0.1)], 999, Some((500, 0.5)), "t");
        let curve = svg.split("class=\"curve\" d=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a curve");
        assert_eq!(curve.matches(['M', 'L']).count(), 3, "{curve}");
        assert!(svg.contains("class=\"marker\""));
        assert!(!errors(&[], 999, None, "t").contains("class=\"curve\""));
    }
}
