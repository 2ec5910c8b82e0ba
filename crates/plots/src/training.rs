//! The loss of a training that runs, over its steps, with a smoothed curve. Pure.

use super::drawing::Drawing;
use super::geometry::{BOTTOM, HEIGHT, LEFT, Point, RIGHT, Scale, TOP, WIDTH, path, y};
use super::growth::nice;

/// Width and height in the plot's own units.
pub const SIZE: (f64, f64) = (WIDTH, HEIGHT);

/// No more points are drawn of a curve.
const MOST_POINTS: usize = 240;
/// What of the smoothed value stays from one step to the next.
const MEMORY: f64 = 0.98;

/// The moving average of a loss, without the bias of its beginning (Kingma & Ba 2014, arXiv:1412.6980, section 3).
pub fn smoothed(losses: &[f32]) -> Vec<f64> {
    let (mut mean, mut weight) = (0.0, 0.0);
    losses
        .iter()
        .map(|loss| {
            mean = MEMORY * mean + (1.0 - MEMORY) * f64::from(*loss);
            weight = MEMORY * weight + (1.0 - MEMORY);
            mean / weight
        })
        .collect()
}

/// The end of an axis that has this step on it: it grows by leaps, so that the curve does not crawl.
pub fn axis_end(step: usize) -> usize {
    let decades = (1..).map(|i| 10usize.pow(i));
    decades.flat_map(|ten| [5 * ten, 10 * ten, 20 * ten]).find(|end| *end >= step).unwrap_or(step)
}

/// Both curves, with a marker at a step. Values above the axis are cut off.
pub fn training(losses: &[f32], here: Option<usize>, names: (&str, &str)) -> String {
    let (mean, end) = (smoothed(losses), axis_end(losses.len()));
    let largest = mean.iter().copied().filter(|loss| loss.is_finite()).fold(0.0, f64::max);
    let scale = Scale::Linear { max: nice(std::iter::once(1.1 * largest)) };
    let x = |step: usize| LEFT + step as f64 / end as f64 * (RIGHT - LEFT);
    let mut drawing = Drawing::default();
    let ticks = scale.ticks();
    let lines: String = ticks.iter().map(|(value, _)| format!("M{LEFT} {:.1}H{RIGHT}", y(scale, *value))).collect();
    drawing.path("grid-lines", &lines);
    drawing.path("axis", &format!("M{LEFT} {TOP}V{BOTTOM}H{RIGHT}"));
    for (value, words) in ticks {
        drawing.text("end", (LEFT - 4.0, y(scale, value) + 3.0), "", &words);
    }
    for (anchor, step) in [("start", 0), ("middle", end / 2), ("end", end)] {
        drawing.text(anchor, (x(step), BOTTOM + 10.0), "", &step.to_string());
    }
    drawing.text("end", (RIGHT, BOTTOM + 19.0), "name", names.0);
    drawing.text("end", (RIGHT - 2.0, TOP + 7.0), "name", names.1);
    let raw: Vec<f64> = losses.iter().map(|loss| f64::from(*loss)).collect();
    let points =
        |values: &[f64]| -> Vec<Point> { chosen(values.len()).map(|i| (x(i + 1), y(scale, values[i]))).collect() };
    drawing.path("curve raw", &path(points(&raw)));
    drawing.path("curve", &path(points(&mean)));
    let at = here.filter(|step| *step > 0 && *step <= mean.len());
    // Before the first step there is no loss yet.
    drawing.marker(at.map(|step| (x(step), y(scale, mean[step - 1]))));
    drawing.done()
}

/// Places that are drawn: evenly, and the last one.
fn chosen(count: usize) -> impl Iterator<Item = usize> {
    let stride = count.div_ceil(MOST_POINTS).max(1);
    (0..count).filter(move |i| (count - 1 - i).is_multiple_of(stride))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smoothed_curve_begins_where_the_loss_does_and_follows_it() {
        assert!(smoothed(&[]).is_empty());
        let falling: Vec<f32> = (0..1000).map(|i| if i < 500 { 1.0 } else { 0.5 }).collect();
        let mean = smoothed(&falling);
        assert!((mean[0] - 1.0).abs() < 1e-6 && (mean[499] - 1.0).abs() < 1e-6);
        assert!((mean[999] - 0.5).abs() < 1e-3 && mean[510] > 0.5);
    }

    #[test]
    fn the_axis_has_the_step_and_grows_by_leaps() {
        assert!((0..5000).all(|step| axis_end(step) >= step));
        let ends: std::collections::BTreeSet<usize> = (0..5000).map(axis_end).collect();
        assert!(ends.len() < 16, "{ends:?}");
    }

    #[test]
    fn a_long_training_is_drawn_with_few_points_and_to_its_end() {
        let losses: Vec<f32> = (0..20_000).map(|i| 1.0 / (1.0 + i as f32 / 100.0)).collect();
        let svg = training(&losses, Some(64), ("steps", "loss"));
        assert!(svg.len() < 10_000, "{}", svg.len());
        assert_eq!(svg.matches("class=\"marker\"").count(), 1);
        let last = chosen(20_000).last();
        assert_eq!((last, chosen(0).count(), chosen(1).count()), (Some(19_999), 0, 1));
        assert!(!training(&losses, Some(0), ("steps", "loss")).contains("marker"), "no loss before the first step");
        // Nothing yet, and what is no number.
        for losses in [vec![], vec![f32::NAN, 1.0]] {
            assert!(!training(&losses, Some(0), ("", "")).contains("NaN"));
        }
    }
}
