//! The loss over the steps of a training, on a log scale, with a marker. Pure.

use super::drawing::Drawing;
use super::geometry::{BOTTOM, HEIGHT, LEFT, Point, RIGHT, Scale, TOP, WIDTH, path, y};

/// Width and height in the plot's own units.
pub const SIZE: (f64, f64) = (WIDTH, HEIGHT);

/// Where a step of the training lies on the axis, as a share of it: a doubling is as long as the first step.
pub fn share(step: f64, last: f64) -> f64 {
    let doublings = |step: f64| if step < 1.0 { step.max(0.0) } else { 1.0 + step.log2() };
    doublings(step).min(doublings(last)) / doublings(last.max(1.0))
}

/// The curve of `loss` (step, value) up to the last step, with a marker at `here`.
pub fn growth(loss: &[(f64, f64)], here: (f64, Option<f64>), last: f64, names: (&str, &str)) -> String {
    let x = |step: f64| LEFT + share(step, last) * (RIGHT - LEFT);
    let scale = Scale::Linear { max: nice(loss.iter().map(|point| point.1)) };
    let mut drawing = Drawing::default();
    let ticks = scale.ticks();
    drawing.path(
        "grid-lines",
        &ticks.iter().map(|(value, _)| format!("M{LEFT} {:.1}H{RIGHT}", y(scale, *value))).collect::<String>(),
    );
    drawing.path("axis", &format!("M{LEFT} {TOP}V{BOTTOM}H{RIGHT}"));
    for (value, words) in ticks {
        drawing.text("end", (LEFT - 4.0, y(scale, value) + 3.0), "", &words);
    }
    for power in (0..).map(|i| 10f64.powi(i)).take_while(|power| *power <= last) {
        drawing.text("middle", (x(power), BOTTOM + 10.0), "", &power.to_string());
    }
    drawing.text("end", (RIGHT, BOTTOM + 19.0), "name", names.0);
    drawing.text("end", (RIGHT - 2.0, TOP + 7.0), "name", names.1);
    let points = loss.iter().map(|(step, value)| -> Point { (x(*step), y(scale, *value)) });
    drawing.path("curve", &path(points));
    // Before the first step there is no loss yet.
    let (step, value) = here;
    drawing.marker(Some((x(step), value.map_or(BOTTOM, |value| y(scale, value)))));
    drawing.done()
}

/// The smallest of some round numbers that no value is above.
pub(crate) fn nice(values: impl Iterator<Item = f64>) -> f64 {
    let largest = values.filter(|value| value.is_finite() && *value > 0.0).fold(1e-6, f64::max);
    let decade = 10f64.powf(largest.log10().floor());
    [1.0, 1.2, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0]
        .map(|times| times * decade)
        .into_iter()
        .find(|max| *max >= largest)
        .unwrap_or(10.0 * decade)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_doubling_is_as_long_as_the_first_step() {
        let places: Vec<f64> = [0.0, 1.0, 2.0, 4.0, 8.0].map(|step| share(step, 8.0)).into();
        assert_eq!(places, [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!((share(99.0, 8.0), share(0.0, 0.0)), (1.0, 0.0), "nothing lies beyond the axis");
    }

    #[test]
    fn the_curve_lies_within_the_axes_and_the_marker_on_it() {
        let loss = [(1.0, 1.1), (10.0, 0.6), (3000.0, 0.31)];
        let svg = growth(&loss, (10.0, Some(0.6)), 3000.0, ("step", "loss"));
        assert_eq!(svg.matches("class=\"curve\"").count(), 1, "{svg}");
        assert!(svg.contains(">1000<") && !svg.contains(">10000<") && svg.contains(">0.5<"), "{svg}");
        let curve = svg.split("class=\"curve\" d=\"M").nth(1).expect("a curve");
        let point = curve.split('L').nth(1).expect("its second point");
        let (x, y) = point.split_once(' ').expect("two numbers");
        assert!(svg.contains(&format!("<circle cx=\"{x}\" cy=\"{y}\"")), "{svg}");
        assert!(growth(&loss, (0.0, None), 3000.0, ("", "")).contains(&format!("cx=\"{LEFT:.1}\" cy=\"{BOTTOM:.1}\"")));
    }

    #[test]
    fn the_axis_is_as_high_as_the_loss() {
        let highest = |value: f64| nice([value, f64::NAN].into_iter());
        assert_eq!([0.031, 0.15, 1.1].map(|value| (highest(value) * 1000.0).round() / 1000.0), [0.04, 0.15, 1.2]);
        assert!([0.09, 0.95, 9.9].iter().all(|value| highest(*value) >= *value));
    }
}
