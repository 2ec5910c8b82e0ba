//! From a noise level to the steps of a run; pure.

use ditscope_config::{DiffusionConfig, RunSettings};
use ditscope_schedule::NoiseSchedule;

/// Where a run that begins with a picture sets in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beginning {
    /// The first step that is taken.
    pub step: usize,
    /// How many the whole run has.
    pub steps: usize,
    /// Its timestep and ᾱ there.
    pub t: usize,
    pub alpha_bar: f64,
}

impl Beginning {
    /// The step whose timestep is nearest to t; nothing, when the end of the run is nearer. `whole` is the schedule of the
    /// process.
    pub fn find(whole: &NoiseSchedule, process: &DiffusionConfig, settings: &RunSettings, t: usize) -> Option<Self> {
        let RunSettings { sampler, timestep_spacing, num_inference_steps, .. } = settings;
        let schedule = whole.for_run(process, *sampler, *timestep_spacing, *num_inference_steps).ok()?;
        let i = nearest(&schedule, t)?;
        let (step, steps) = (schedule.len() - 1 - i, schedule.len());
        Some(Self { step, steps, t: schedule.timesteps[i], alpha_bar: schedule.alphas_cumprod[i] })
    }

    /// What this much noise leaves of a picture, from nearly all (0) to nothing (4).
    pub fn strength(&self) -> usize {
        [0.9, 0.6, 0.25, 0.03].iter().take_while(|least| self.alpha_bar < **least).count()
    }
}

fn nearest(schedule: &NoiseSchedule, t: usize) -> Option<usize> {
    let distance = |i: &usize| schedule.timesteps[*i].abs_diff(t);
    // The finished picture counts as t = 0.
    (0..schedule.len()).min_by_key(distance).filter(|i| distance(i) <= t)
}

/// t of mark `i` of `count`, from 0 to the noisiest.
pub fn mark(i: usize, count: usize, last_t: usize) -> usize {
    let gaps = (count - 1).max(1);
    (i * last_t + gaps / 2) / gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use ditscope_config::{BetaSchedule, PredictionType, SamplerKind, TimestepSpacing, VarianceType};

    fn process() -> DiffusionConfig {
        DiffusionConfig::new(BetaSchedule::Cosine, PredictionType::Epsilon, VarianceType::FixedSmall)
    }

    fn settings(sampler: SamplerKind, num_inference_steps: usize) -> RunSettings {
        RunSettings { sampler, num_inference_steps, ..RunSettings::default() }
    }

    #[test]
    fn the_nearest_step_is_the_first() {
        let whole = NoiseSchedule::new(BetaSchedule::Cosine, 1000);
        let found = |settings: &RunSettings, t| Beginning::find(&whole, &process(), settings, t).map(|b| (b.step, b.t));
        let find = |sampler, steps, t| found(&settings(sampler, steps), t);
        // Of 999, 888, 777 … 0.
        assert_eq!(find(SamplerKind::Ddim, 10, 999), Some((0, 999)));
        assert_eq!(find(SamplerKind::Ddim, 10, 800), Some((2, 777)));
        assert_eq!(find(SamplerKind::Ddim, 10, 0), Some((9, 0)));
        // Of 999 … 200, 100: t = 0 is the end.
        assert_eq!(find(SamplerKind::DpmSolverPlusPlus, 10, 60), Some((9, 100)));
        assert_eq!(find(SamplerKind::DpmSolverPlusPlus, 10, 40), None);
        assert_eq!(find(SamplerKind::Ddim, 1, 400), None, "the only step is at t = 999");
        assert_eq!(find(SamplerKind::Ddim, 1, 600), Some((0, 999)));
        // Of 900, 800 … 0.
        let timestep_spacing = Some(TimestepSpacing::Leading);
        let leading = RunSettings { timestep_spacing, ..settings(SamplerKind::Ddim, 10) };
        assert_eq!(found(&leading, 999), Some((0, 900)));
    }

    #[test]
    fn more_noise_keeps_less() {
        let whole = NoiseSchedule::new(BetaSchedule::Cosine, 1000);
        let of =
            |t| Beginning::find(&whole, &process(), &settings(SamplerKind::Ddim, 250), t).expect("a step").strength();
        let strengths: Vec<usize> = (0..1000).map(of).collect();
        assert!(strengths.is_sorted());
        assert_eq!((strengths[0], strengths[999]), (0, 4));
    }

    #[test]
    fn marks_go_from_end_to_end() {
        let marks: Vec<usize> = (0..8).map(|i| mark(i, 8, 999)).collect();
        assert_eq!(marks, [0, 143, 285, 428, 571, 714, 856, 999]);
    }
}
