//! A training looked at on a log scale: most of what can be seen changes early.

/// Means of the loss for each doubling of the steps.
const PER_DOUBLING: usize = 8;

/// Whether pictures are kept at this step, beside the last one: 0 and the powers of two.
pub fn is_moment(step: usize) -> bool {
    step == 0 || step.is_power_of_two()
}

/// The loss at steps that lie evenly on a log scale, each the mean over a quarter of a doubling to either side.
///
/// `log`: step and loss, by step.
pub fn mean_losses(log: &[(usize, f64)]) -> Vec<(usize, f64)> {
    let last = log.last().map_or(0, |(step, _)| *step);
    let mut steps: Vec<usize> = (0..)
        .map(|i| 2f64.powf(f64::from(i) / PER_DOUBLING as f64).round() as usize)
        .take_while(|step| *step < last)
        .chain([last])
        .collect();
    steps.dedup();
    let reach = 2f64.powf(0.25);
    let mean = |step: usize| {
        let (low, high) = (step as f64 / reach, step as f64 * reach);
        let from = log.partition_point(|(at, _)| (*at as f64) < low);
        let to = log.partition_point(|(at, _)| *at as f64 <= high);
        let near = &log[from..to];
        let sum: f64 = near.iter().map(|(_, loss)| loss).sum();
        (!near.is_empty()).then(|| (step, sum / near.len() as f64))
    };
    steps.into_iter().filter_map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_lie_evenly_on_a_log_scale() {
        let moments: Vec<usize> = (0..100).filter(|step| is_moment(*step)).collect();
        assert_eq!(moments, [0, 1, 2, 4, 8, 16, 32, 64]);
    }

    #[test]
    fn losses_are_means_of_their_neighbours_and_reach_the_end() {
        assert_eq!(mean_losses(&[]), []);
        assert_eq!(mean_losses(&[(1, 2.0)]), [(1, 2.0)]);
        // Alternately too high and too low.
        let log: Vec<(usize, f64)> =
            (1..=3000).map(|step| (step, 0.5 + if step % 2 == 0 { 0.1 } else { -0.1 })).collect();
        let means = mean_losses(&log);
        assert!(means.is_sorted_by(|a, b| a.0 < b.0), "{means:?}");
        assert_eq!((means[0], means.last().map(|mean| mean.0)), ((1, 0.4), Some(3000)));
        assert!((60..110).contains(&means.len()), "{}", means.len());
        assert!(means.iter().filter(|(step, _)| *step > 100).all(|(_, loss)| (loss - 0.5).abs() < 0.005));
        // Steps that are missing leave a gap.
        assert_eq!(mean_losses(&[(1, 2.0), (64, 1.0)]).first(), Some(&(1, 2.0)));
        assert!(mean_losses(&[(1, 2.0), (64, 1.0)]).iter().all(|(step, _)| *step < 2 || *step > 50));
    }
}
