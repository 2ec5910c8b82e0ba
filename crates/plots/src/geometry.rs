//! Where things lie in a plot: axes, ticks, paths, and what a pointer on it means. Pure.

/// Sides of a plot in its own units, and the room for words beside the axes.
pub const WIDTH: f64 = 260.0;
pub const HEIGHT: f64 = 140.0;
pub const LEFT: f64 = 34.0;
pub const RIGHT: f64 = WIDTH - 8.0;
pub const TOP: f64 = 8.0;
pub const BOTTOM: f64 = HEIGHT - 22.0;

/// A place in a plot.
pub type Point = (f64, f64);

/// What a length along the vertical axis means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// From 0.
    Linear { max: f64 },
    /// Powers of ten, as their exponents.
    Log { low: i32, high: i32 },
}

impl Scale {
    /// The smallest linear one that has all values on it, and 1 with some room above.
    pub fn linear(values: impl Iterator<Item = f64>) -> Self {
        let largest = values.filter(|value| value.is_finite()).fold(1.2, f64::max);
        let decade = 10f64.powf(largest.log10().floor());
        let nice = [1.2, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0].map(|times| times * decade);
        Self::Linear { max: nice.into_iter().find(|max| *max >= largest).unwrap_or(largest) }
    }

    /// The smallest logarithmic one that has all values on it; what has no logarithm does not count.
    pub fn log(values: impl Iterator<Item = f64>) -> Self {
        let positive = values.filter(|value| value.is_finite() && *value > 0.0);
        let (low, high) = positive.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return Self::Log { low: -1, high: 0 };
        }
        let (low, high) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        Self::Log { low, high: high.max(low + 1) }
    }

    /// 0 at the lower end, 1 at the upper one; what lies beyond is at the end.
    pub fn share(self, value: f64) -> f64 {
        let share = match self {
            Self::Linear { max } => value / max,
            Self::Log { .. } if value <= 0.0 => 0.0,
            Self::Log { low, high } => (value.log10() - f64::from(low)) / f64::from(high - low),
        };
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
    }

    /// A few values with what to write beside them, from below.
    pub fn ticks(self) -> Vec<(f64, String)> {
        match self {
            Self::Linear { max } => {
                let decade = 10f64.powf((max / 4.0).log10().floor());
                let nice = [1.0, 2.0, 5.0, 10.0].map(|times| times * decade);
                let step = nice.into_iter().find(|step| *step >= max / 4.0).unwrap_or(max);
                // As it is written: three times a tenth is not quite 0.3.
                let values = (0..).map(|i| (f64::from(i) * step * 1e9).round() / 1e9).take_while(|value| *value <= max);
                values.map(|value| (value, value.to_string())).collect()
            }
            Self::Log { low, high } => {
                const MOST: i32 = 4;
                let step = ((high - low) + MOST - 1) / MOST;
                // 10⁰ is always among them where it is on the axis.
                let first = low + (-low).rem_euclid(step);
                (first..=high).step_by(step as usize).map(|i| (10f64.powi(i), power_of_ten(i))).collect()
            }
        }
    }
}

/// `10⁻⁴`
fn power_of_ten(exponent: i32) -> String {
    let raised = |c: char| match c.to_digit(10) {
        Some(digit) => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit as usize],
        None => '⁻',
    };
    "10".chars().chain(exponent.to_string().chars().map(raised)).collect()
}

/// Three digits that count, or a power of ten.
pub fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".into() } else { "∞".into() };
    }
    match value.abs().log10().floor() as i32 {
        exponent @ -3..=2 => format!("{value:.*}", (2 - exponent) as usize),
        exponent => format!("{:.1}\u{a0}·\u{a0}{}", value / 10f64.powi(exponent), power_of_ten(exponent)),
    }
}

/// With so many decimals, and never a zero below zero.
pub fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.chars().all(|sign| "-0.".contains(sign)) { text.replace('-', "") } else { text }
}

/// The noise is on the left, as a run goes; `end` is the largest t.
pub fn x(t: f64, end: usize) -> f64 {
    LEFT + (1.0 - t / end.max(1) as f64).clamp(0.0, 1.0) * (RIGHT - LEFT)
}

/// The same with the noise on the right, as the forward process goes.
pub fn x_forward(t: f64, end: usize) -> f64 {
    LEFT + RIGHT - x(t, end)
}

pub fn y(scale: Scale, value: f64) -> f64 {
    BOTTOM - scale.share(value) * (BOTTOM - TOP)
}

/// The t at a share of the plot's whole width; below 0 beyond the right end of the axis.
pub fn t_at(share: f64, end: usize) -> f64 {
    (1.0 - (share * WIDTH - LEFT) / (RIGHT - LEFT)) * end as f64
}

/// The position of the run that is nearest to t. The finished picture comes after the last step, at t = 0 too:
/// a pointer beyond the axis means it.
pub fn nearest(timesteps: &[usize], t: f64) -> usize {
    if t < 0.0 {
        return timesteps.len();
    }
    let distance = |i: &usize| (timesteps[*i] as f64 - t).abs();
    let step = (0..timesteps.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(0);
    // Where the last step is far from 0, the finished picture may be nearer.
    if timesteps.last().is_some_and(|last| t < (*last as f64 - t).abs()) { timesteps.len() } else { step }
}

/// A line through points, as SVG has it.
pub fn path(points: impl IntoIterator<Item = Point>) -> String {
    let mut path = String::new();
    for (i, (x, y)) in points.into_iter().enumerate() {
        path.push_str(&format!("{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' }));
    }
    path
}

/// Short vertical strokes, as one path.
pub fn strokes(xs: impl IntoIterator<Item = f64>, from: f64, to: f64) -> String {
    xs.into_iter().map(|x| format!("M{x:.1} {from:.1}V{to:.1}")).collect()
}

/// Dots, as one path: strokes without length and with round ends.
pub fn dots(points: impl IntoIterator<Item = Point>) -> String {
    points.into_iter().map(|(x, y)| format!("M{x:.1} {y:.1}h0")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rounds_to_zero_has_no_sign() {
        let found = [(-0.04, 1), (-0.3, 0), (-0.05001, 1), (0.0, 2), (-12.34, 1)].map(|(value, n)| fixed(value, n));
        assert_eq!(found, ["0.0", "0", "-0.1", "0.00", "-12.3"]);
    }

    #[test]
    fn axes_reach_from_end_to_end() {
        assert_eq!((x(999.0, 999), x(0.0, 999)), (LEFT, RIGHT));
        assert_eq!((x_forward(0.0, 999), x_forward(999.0, 999)), (LEFT, RIGHT));
        let scale = Scale::Linear { max: 1.0 };
        assert_eq!((y(scale, 0.0), y(scale, 1.0)), (BOTTOM, TOP));
        assert_eq!((y(scale, -3.0), y(scale, 7.0), y(scale, f64::NAN)), (BOTTOM, TOP, BOTTOM));
        let scale = Scale::Log { low: -4, high: 2 };
        assert_eq!((y(scale, 1e-4), y(scale, 1e2), y(scale, 0.0)), (BOTTOM, TOP, BOTTOM));
        assert_eq!((y(scale, f64::INFINITY), y(scale, f64::NAN)), (TOP, BOTTOM));
        assert!((y(scale, 0.1) - (BOTTOM + TOP) / 2.0).abs() < 1e-9);
    }

    #[test]
    fn log_ticks_are_few_powers_of_ten_on_the_axis() {
        for low in -12..0 {
            for high in low + 1..8 {
                let scale = Scale::Log { low, high };
                let ticks = scale.ticks();
                assert!((1..=5).contains(&ticks.len()), "{low} to {high}: {ticks:?}");
                assert!(ticks.is_sorted_by(|a, b| a.0 < b.0));
                for (value, _) in &ticks {
                    assert!((f64::from(low) - 1e-9..=f64::from(high) + 1e-9).contains(&value.log10()));
                }
                assert_eq!(ticks.iter().any(|(value, _)| *value == 1.0), high >= 0);
            }
        }
        let words: Vec<String> = Scale::Log { low: -9, high: 5 }.ticks().into_iter().map(|tick| tick.1).collect();
        assert_eq!(words, ["10⁻⁸", "10⁻⁴", "10⁰", "10⁴"]);
    }

    #[test]
    fn linear_ticks_are_on_the_axis() {
        assert_eq!(Scale::linear([0.3, f64::NAN].into_iter()), Scale::Linear { max: 1.2 });
        for largest in [1.0, 1.3, 1.9, 2.2, 3.1, 8.0, 42.0] {
            let scale = Scale::linear(std::iter::once(largest));
            let Scale::Linear { max } = scale else { panic!("{scale:?}") };
            assert!(max >= largest && max <= 2.0 * largest.max(0.6), "{largest}: {max}");
            let ticks = scale.ticks();
            assert!((3..=5).contains(&ticks.len()), "{max}: {ticks:?}");
            assert!(ticks.iter().all(|(value, _)| *value <= max));
        }
        let words = |max| Scale::Linear { max }.ticks().into_iter().map(|tick| tick.1).collect::<Vec<_>>().join(" ");
        assert_eq!([0.3, 1.0, 1.2].map(words), ["0 0.1 0.2 0.3", "0 0.5 1", "0 0.5 1"]);
        assert_eq!([7.5, 30.0, 50.0].map(words), ["0 2 4 6", "0 10 20 30", "0 20 40"]);
    }

    #[test]
    fn log_axes_hold_their_values() {
        let values = [3e-5, 0.0, 0.02, f64::INFINITY];
        assert_eq!(Scale::log(values.into_iter()), Scale::Log { low: -5, high: -1 });
        assert_eq!(Scale::log(std::iter::empty()), Scale::Log { low: -1, high: 0 });
        assert_eq!(Scale::log(std::iter::once(1.0)), Scale::Log { low: 0, high: 1 });
    }

    #[test]
    fn a_pointer_means_the_nearest_step() {
        let timesteps = [999, 666, 333, 0];
        let at = |t: f64| nearest(&timesteps, t_at(x(t, 999) / WIDTH, 999));
        assert_eq!([999.0, 840.0, 825.0, 333.0, 10.0].map(at), [0, 0, 1, 2, 3]);
        assert_eq!(nearest(&timesteps, t_at(0.0, 999)), 0, "left of the axis is the noisiest step");
        assert_eq!(nearest(&timesteps, t_at(1.0, 999)), 4, "right of it the finished picture");
        assert_eq!(nearest(&[900, 300], 100.0), 2, "nearer to the end than to the last step");
        assert_eq!(nearest(&[900, 300], 200.0), 1);
        assert_eq!(nearest(&[], 5.0), 0);
    }

    #[test]
    fn numbers_are_short() {
        let words = [0.31, 1.0, 12.34, 0.0123, 2.43e-9, 5e4, 0.0, f64::INFINITY].map(number);
        assert_eq!(words, ["0.310", "1.00", "12.3", "0.0123", "2.4\u{a0}·\u{a0}10⁻⁹", "5.0\u{a0}·\u{a0}10⁴", "0", "∞"]);
    }

    #[test]
    fn paths_are_short() {
        assert_eq!(path([(1.0, 2.0), (3.25, 4.0)]), "M1.0 2.0L3.2 4.0");
        assert_eq!(strokes([1.0, 2.0], 5.0, 9.0), "M1.0 5.0V9.0M2.0 5.0V9.0");
        assert_eq!(dots([(1.0, 2.0)]), "M1.0 2.0h0");
    }
}
