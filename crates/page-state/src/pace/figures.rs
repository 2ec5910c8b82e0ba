//! From times to figures.

use ditscope_config::DitConfig;
use ditscope_protocol::{Backend, WeightsReport};

/// The middle of some times, and between which two the middle half of them lies. Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub quartiles: [f64; 2],
}

impl Spread {
    /// Nothing, where there are none.
    pub fn of(times: &[f64]) -> Option<Self> {
        let mut sorted = times.to_vec();
        sorted.sort_by(f64::total_cmp);
        // Between two of them as far as it is from both.
        let at = |share: f64| {
            let place = share * (sorted.len().checked_sub(1)? as f64);
            let (below, rest) = (place.floor() as usize, place.fract());
            let above = sorted.get(below + 1).copied().unwrap_or(sorted[below]);
            Some(sorted[below] * (1.0 - rest) + above * rest)
        };
        Some(Self { median: at(0.5)?, quartiles: [at(0.25)?, at(0.75)?] })
    }
}

/// What was measured of one model in one worker.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub transformer: DitConfig,
    /// Passes of the network in a step: two with guidance.
    pub passes: u64,
    pub backend: Backend,
    pub weights: WeightsReport,
    /// Workers that share a step.
    pub workers: usize,
    /// From the start of the worker to the model, and to the first picture that the page has of a run.
    pub load_ms: f64,
    pub first_picture_ms: f64,
    /// Between two frames, where the page hears of them; and as the worker says.
    pub times: Vec<f64>,
    pub told: Vec<f64>,
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    pub backend: Backend,
    /// Parameters of the transformer.
    pub num_params: u64,
    /// How linear weights lie on the device.
    pub dtype: String,
    pub workers: usize,
    /// Times that `step` is of.
    pub count: usize,
    pub step: Spread,
    /// The worker's own, in the middle.
    pub told_ms: f64,
    /// Operations of the matrix products in a step.
    pub flops: u64,
    /// Of the weights that a step reads, each counted once.
    pub bytes: u64,
    /// Absent where not the whole model was measured.
    pub load_ms: Option<f64>,
    pub first_picture_ms: Option<f64>,
    pub fetched_bytes: u64,
    pub extrapolated: Option<Extrapolated>,
}

/// What a step of models with fewer blocks took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extrapolated {
    /// Blocks, and milliseconds in the middle.
    pub from: [(usize, f64); 2],
    /// Blocks of the whole.
    pub to: usize,
}

impl Figures {
    /// Of a model that was measured whole.
    pub fn of(sample: &Sample) -> Option<Self> {
        let (step, told) = (Spread::of(&sample.times)?, Spread::of(&sample.told)?);
        Some(Self {
            backend: sample.backend.clone(),
            num_params: sample.transformer.num_params(),
            dtype: sample.weights.dtype.clone(),
            workers: sample.workers,
            count: sample.times.len(),
            step,
            told_ms: told.median,
            flops: sample.passes * sample.transformer.flops(),
            bytes: bytes_of(sample.transformer.num_params_of_step(), &sample.weights.dtype),
            load_ms: Some(sample.load_ms),
            first_picture_ms: Some(sample.first_picture_ms),
            fetched_bytes: sample.weights.fetched_bytes,
            extrapolated: None,
        })
    }

    /// Of a model of which two smaller ones were measured that have fewer of its blocks and are the same otherwise: a line
    /// through both. Its quartiles are those of the lines through the quartiles that are farthest apart.
    pub fn extrapolated(whole: &DitConfig, [few, more]: [&Sample; 2]) -> Option<Self> {
        let [a, b] = [few, more].map(|sample| sample.transformer.depth);
        let [low, high] = [Self::of(few)?, Self::of(more)?];
        let blocks = |from: f64, to: f64| from + (to - from) / (b as f64 - a as f64) * (whole.depth as f64 - a as f64);
        let [low_first, low_last] = low.step.quartiles;
        let [high_first, high_last] = high.step.quartiles;
        let step = Spread {
            median: blocks(low.step.median, high.step.median),
            quartiles: [blocks(low_last, high_first).max(0.0), blocks(low_first, high_last)],
        };
        (b > a && step.median > 0.0).then(|| Self {
            num_params: whole.num_params(),
            count: low.count + high.count,
            step,
            told_ms: blocks(low.told_ms, high.told_ms),
            flops: few.passes * whole.flops(),
            bytes: bytes_of(whole.num_params_of_step(), &high.dtype),
            load_ms: None,
            first_picture_ms: None,
            extrapolated: Some(Extrapolated { from: [(a, low.step.median), (b, high.step.median)], to: whole.depth }),
            ..high
        })
    }

    pub fn gflops(&self) -> f64 {
        self.flops as f64 / self.step.median / 1e6
    }

    pub fn gigabytes_per_second(&self) -> f64 {
        self.bytes as f64 / self.step.median / 1e6
    }
}

/// Bytes of so many weights, as a [`WeightsReport`] names their type.
fn bytes_of(weights: u64, dtype: &str) -> u64 {
    match dtype {
        "f16" => 2 * weights,
        // A scale in f32 for 64 of them.
        "int8" => weights + weights / 16,
        _ => 4 * weights,
    }
}

#[cfg(test)]
mod tests {
    use super::super::what::xl2;
    use super::*;

    pub fn sample(transformer: DitConfig, times: &[f64]) -> Sample {
        Sample {
            transformer,
            passes: 2,
            backend: Backend { name: "CPU".into(), detail: "flex".into() },
            weights: WeightsReport { dtype: "f32".into(), fetched_bytes: 5, stored_bytes: 0 },
            workers: 2,
            load_ms: 100.0,
            first_picture_ms: 150.0,
            times: times.to_vec(),
            told: times.to_vec(),
        }
    }

    #[test]
    fn the_middle_and_the_middle_half() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[3.0]), Some(Spread { median: 3.0, quartiles: [3.0, 3.0] }));
        let spread = Spread::of(&[9.0, 1.0, 5.0, 3.0, 100.0]).expect("times");
        assert_eq!(spread, Spread { median: 5.0, quartiles: [3.0, 9.0] });
        assert_eq!(Spread::of(&[1.0, 2.0]).expect("times").median, 1.5);
    }

    #[test]
    fn rates_are_those_of_the_configuration() {
        let figures = Figures::of(&sample(xl2(None), &[1000.0, 2000.0, 1500.0])).expect("times");
        // 118.6 Gflops as the paper counts, twice for both operations, twice for guidance, in a second and a half.
        assert!((figures.gflops() - 118.6 * 4.0 / 1.5).abs() < 2.0, "{}", figures.gflops());
        let weights = 28.0 * 12.0 * 1152.0 * 1152.0 * 4.0 / 1e9;
        assert!((figures.gigabytes_per_second() - weights / 1.5).abs() < 0.01, "{}", figures.gigabytes_per_second());
        assert_eq!(Figures::of(&sample(xl2(None), &[])), None);
        let in_8_bits = WeightsReport { dtype: "int8".into(), ..WeightsReport::default() };
        let narrow = Figures::of(&Sample { weights: in_8_bits, ..sample(xl2(None), &[1500.0]) }).expect("times");
        assert!((4.0 * narrow.bytes as f64 / figures.bytes as f64 - 1.0625).abs() < 1e-6, "{} bytes", narrow.bytes);
    }

    #[test]
    fn blocks_that_were_not_measured_lie_on_the_line() {
        let (two, four) = (sample(xl2(Some(2)), &[290.0, 300.0, 310.0]), sample(xl2(Some(4)), &[490.0, 500.0, 510.0]));
        let figures = Figures::extrapolated(&xl2(None), [&two, &four]).expect("figures");
        assert_eq!(figures.step.median, 300.0 + 13.0 * 200.0);
        assert_eq!(figures.step.quartiles, [305.0 + 13.0 * 190.0, 295.0 + 13.0 * 210.0]);
        assert_eq!(figures.extrapolated, Some(Extrapolated { from: [(2, 300.0), (4, 500.0)], to: 28 }));
        assert_eq!((figures.first_picture_ms, figures.load_ms, figures.count), (None, None, 6));
        assert_eq!(figures.flops, 2 * xl2(None).flops());
        // Where noise has it fall, nothing is claimed.
        assert_eq!(
            Figures::extrapolated(&xl2(None), [&sample(xl2(Some(2)), &[900.0]), &sample(xl2(Some(4)), &[9.0])]),
            None
        );
        assert_eq!(Figures::extrapolated(&xl2(None), [&four, &two]), None);
    }
}
