//! What pictures cost and how good they are, as points. Pure.

use super::drawing::Drawing;
use super::geometry::{BOTTOM, HEIGHT, LEFT, Point, RIGHT, Scale, TOP, WIDTH, dots, path, y};

/// Width and height in the plot's own units.
pub const SIZE: (f64, f64) = (WIDTH, HEIGHT);

/// Points `(cost, distance)` of one line.
pub type Line = Vec<(f64, f64)>;

/// Lines that the style sheet tells apart by colour and dashes; another is drawn as the last.
const CLASSES: usize = 9;

/// The class of the `i`-th line, for the plot and its legend.
pub fn class(i: usize) -> String {
    format!("way-{}", i.min(CLASSES - 1))
}

/// Axes from zero with their names, and every line with its points.
pub fn pareto(lines: &[Line], names: (&str, &str)) -> String {
    let all = || lines.iter().flatten();
    let (across, up) = (Scale::linear(all().map(|point| point.0)), Scale::linear(all().map(|point| point.1)));
    let x = |value: f64| LEFT + across.share(value) * (RIGHT - LEFT);
    let mut drawing = Drawing::default();
    let grid: String = up.ticks().iter().map(|(value, _)| format!("M{LEFT} {:.1}H{RIGHT}", y(up, *value))).collect();
    drawing.path("grid-lines", &grid);
    drawing.path("axis", &format!("M{LEFT} {TOP}V{BOTTOM}H{RIGHT}"));
    for (value, words) in up.ticks() {
        drawing.text("end", (LEFT - 5.0, y(up, value) + 3.0), "", &words);
    }
    for (value, words) in across.ticks() {
        drawing.text("middle", (x(value), BOTTOM + 9.0), "", &words);
    }
    drawing.text("end", (RIGHT, BOTTOM + 18.0), "name", names.0);
    drawing.text("start", (LEFT + 4.0, TOP + 4.0), "name", names.1);
    for (i, line) in lines.iter().enumerate() {
        let points: Vec<Point> = line.iter().map(|(cost, distance)| (x(*cost), y(up, *distance))).collect();
        drawing.path(&format!("curve {}", class(i)), &path(points.iter().copied()));
        drawing.path(&format!("points {}", class(i)), &dots(points));
    }
    drawing.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_drawn_within_the_axes() {
        let lines = vec![vec![(1.0, 12.0), (4.0, 8.0)], vec![(0.5, 9.0)]];
        let svg = pareto(&lines, ("cost", "distance"));
        assert_eq!(svg.matches("class=\"curve").count(), 2, "{svg}");
        assert_eq!(svg.matches("h0").count(), 3, "three points");
        assert!(svg.contains(">cost<") && svg.contains(">distance<"));
        for number in svg.split("M").skip(1).filter_map(|rest| rest.split(' ').next()?.parse::<f64>().ok()) {
            assert!((LEFT..=RIGHT).contains(&number), "{number}");
        }
        assert_eq!((class(0), class(99)), ("way-0".into(), "way-8".into()));
    }
}
