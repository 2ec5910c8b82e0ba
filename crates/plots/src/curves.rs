//! What the plot of the noise schedule shows, from the code's own schedule. Pure.

use super::geometry::{Point, Scale, path, x, y};
use ditscope_config::{BetaSchedule, DiffusionConfig, RunSettings};
use ditscope_page_state::film;
use ditscope_protocol::RunInfo;
use ditscope_schedule::{NoiseSchedule, training_schedule};

/// What is drawn over t.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Quantity {
    /// ᾱ, the share of signal.
    #[default]
    AlphaBar,
    /// β, the noise that one step adds.
    Beta,
    /// ᾱ / (1 − ᾱ).
    Snr,
}

impl Quantity {
    pub const ALL: [Self; 3] = [Self::AlphaBar, Self::Beta, Self::Snr];

    fn of(self, schedule: &NoiseSchedule, t: usize) -> f64 {
        match self {
            Self::AlphaBar => schedule.alphas_cumprod[t],
            Self::Beta => schedule.betas[t],
            Self::Snr => schedule.snr(t),
        }
    }
}

/// Which original process: its kind and its number of steps.
pub type Process = (BetaSchedule, usize);

/// The lines of one quantity, and the axis that they share.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    quantity: Quantity,
    /// The largest t.
    pub end: usize,
    pub scale: Scale,
    /// β of each t; none where the process is not known.
    betas: Vec<f64>,
    /// The schedule of the model, or what is known of it from a run.
    pub path: String,
    /// Another schedule, to compare with.
    pub other: String,
}

impl Curves {
    pub fn new(quantity: Quantity, (kind, steps): Process, with_other: bool) -> Self {
        let all = |schedule: &NoiseSchedule| (0..steps).map(|t| quantity.of(schedule, t)).collect::<Vec<f64>>();
        let schedule = NoiseSchedule::new(kind, steps);
        let values = all(&schedule);
        let others = if with_other { all(&NoiseSchedule::new(other(kind), steps)) } else { vec![] };
        let scale = match quantity {
            Quantity::AlphaBar => Scale::Linear { max: 1.0 },
            Quantity::Beta | Quantity::Snr => Scale::log(values.iter().chain(&others).copied()),
        };
        let end = steps - 1;
        let line = |values: &[f64]| path(points(values, end, scale));
        Self { quantity, end, scale, path: line(&values), other: line(&others), betas: schedule.betas }
    }

    /// As well as a run tells: without the model's description there are only the steps that were taken.
    pub fn of_run(quantity: Quantity, info: &RunInfo) -> Self {
        let end = info.timesteps.first().copied().unwrap_or(1);
        let value = |alpha_bar: f64| match quantity {
            Quantity::AlphaBar => Some(alpha_bar),
            Quantity::Snr => Some(alpha_bar / (1.0 - alpha_bar)),
            Quantity::Beta => None,
        };
        let known = info.timesteps.iter().zip(&info.alpha_bar).filter_map(|(t, ab)| Some((*t, value(*ab)?)));
        let scale = match quantity {
            Quantity::AlphaBar => Scale::Linear { max: 1.0 },
            Quantity::Beta | Quantity::Snr => Scale::log(known.clone().map(|(_, value)| value)),
        };
        let path = path(known.map(|(t, value)| (x(t as f64, end), y(scale, value))));
        Self { quantity, end, scale, betas: vec![], path, other: String::new() }
    }

    /// Where a position of a run lies on the curve. After the last step t is 0, and no noise is left.
    pub fn place(&self, info: &RunInfo, position: usize) -> Option<Point> {
        let values = self.at(info, position);
        let value = match self.quantity {
            Quantity::AlphaBar => values.alpha_bar,
            Quantity::Snr => values.snr(),
            Quantity::Beta => values.beta?,
        };
        Some((x(values.t as f64, self.end), y(self.scale, value)))
    }

    /// What the schedule says at a position of a run.
    pub fn at(&self, info: &RunInfo, position: usize) -> Values {
        let (t, alpha_bar) = film::place(info, position);
        Values { t, alpha_bar, beta: self.betas.get(t).copied() }
    }
}

/// The schedule at one t.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Values {
    pub t: usize,
    pub alpha_bar: f64,
    pub beta: Option<f64>,
}

impl Values {
    pub fn snr(self) -> f64 {
        self.alpha_bar / (1.0 - self.alpha_bar)
    }
}

/// Both ends and enough between them that no corner is seen.
fn points(values: &[f64], end: usize, scale: Scale) -> Vec<Point> {
    const MOST: usize = 120;
    let stride = (values.len() / MOST).max(1);
    let chosen = (0..values.len()).rev().filter(|t| t % stride == 0 || *t == end || *t < stride);
    chosen.map(|t| (x(t as f64, end), y(scale, values[t]))).collect()
}

pub fn other(kind: BetaSchedule) -> BetaSchedule {
    match kind {
        BetaSchedule::Linear => BetaSchedule::Cosine,
        BetaSchedule::Cosine => BetaSchedule::Linear,
        BetaSchedule::Straight => BetaSchedule::Cosine,
    }
}

/// The timesteps that a run with these settings would visit, noisiest first; none where they do not fit.
pub fn planned(process: &DiffusionConfig, settings: &RunSettings) -> Vec<usize> {
    let RunSettings { sampler, timestep_spacing, num_inference_steps, .. } = settings;
    let run = training_schedule(process).for_run(process, *sampler, *timestep_spacing, *num_inference_steps);
    let mut respaced = run.map(|run| run.timesteps).unwrap_or_default();
    respaced.reverse();
    respaced
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{self, BOTTOM, LEFT, RIGHT, TOP};
    use ditscope_config::{PredictionType, SamplerKind, TimestepSpacing, VarianceType};
    use ditscope_page_state::fixtures::info;

    const PROCESSES: [Process; 2] = [(BetaSchedule::Linear, 1000), (BetaSchedule::Cosine, 1000)];

    fn process_of((kind, num_train_timesteps): Process) -> DiffusionConfig {
        let process = DiffusionConfig::new(kind, PredictionType::Epsilon, VarianceType::FixedSmall);
        DiffusionConfig { num_train_timesteps, ..process }
    }

    fn settings(sampler: SamplerKind, num_inference_steps: usize) -> RunSettings {
        RunSettings { sampler, num_inference_steps, ..RunSettings::default() }
    }

    /// The corners of a path.
    fn corners(path: &str) -> Vec<Point> {
        let corner = |text: &str| text.split_once(' ').and_then(|(x, y)| Some((x.parse().ok()?, y.parse().ok()?)));
        path.split(['M', 'L']).skip(1).map(|text| corner(text).expect("two numbers")).collect()
    }

    #[test]
    fn curves_are_monotone_from_end_to_end() {
        for process in PROCESSES {
            for quantity in Quantity::ALL {
                let curves = Curves::new(quantity, process, true);
                for path in [&curves.path, &curves.other] {
                    let corners = corners(path);
                    assert!(corners.len() > 100);
                    assert_eq!((corners[0].0, corners[corners.len() - 1].0), (LEFT, RIGHT));
                    assert!(corners.is_sorted_by(|a, b| a.0 < b.0), "{quantity:?} of {process:?} goes back");
                    // Towards the picture the signal grows and the noise of a step shrinks.
                    let rises = quantity != Quantity::Beta;
                    assert!(corners.is_sorted_by(|a, b| if rises { a.1 >= b.1 } else { a.1 <= b.1 }));
                    assert!(corners.iter().all(|(_, y)| (TOP..=BOTTOM).contains(y)));
                }
            }
        }
    }

    #[test]
    fn the_other_schedule_is_drawn_only_when_it_is_wanted() {
        let [linear, cosine] = PROCESSES.map(|process| Curves::new(Quantity::AlphaBar, process, true));
        assert_eq!((&linear.path, &linear.other), (&cosine.other, &cosine.path));
        assert_eq!(Curves::new(Quantity::Beta, PROCESSES[0], false).other, "");
    }

    #[test]
    fn the_marker_is_on_the_curve() {
        for process in PROCESSES {
            let timesteps = planned(&process_of(process), &settings(SamplerKind::Ddim, 25));
            let schedule = NoiseSchedule::new(process.0, process.1);
            let alpha_bar = timesteps.iter().map(|t| schedule.alphas_cumprod[*t]).collect();
            let run = RunInfo { timesteps: timesteps.clone(), alpha_bar, ..info(25, 1) };
            for quantity in Quantity::ALL {
                let curves = Curves::new(quantity, process, false);
                for (position, t) in timesteps.iter().enumerate() {
                    let (x, y) = curves.place(&run, position).expect("a place");
                    let on_curve = (geometry::x(*t as f64, 999), geometry::y(curves.scale, quantity.of(&schedule, *t)));
                    assert!((x - on_curve.0).abs() < 1e-9 && (y - on_curve.1).abs() < 1e-6, "{quantity:?} at {t}");
                }
            }
            let end = Curves::new(Quantity::Snr, process, false).place(&run, 25);
            assert_eq!(end, Some((RIGHT, TOP)), "no noise is left");
        }
    }

    #[test]
    fn planned_steps_are_those_that_a_run_takes() {
        let process = process_of(PROCESSES[0]);
        assert_eq!(planned(&process, &settings(SamplerKind::Ddim, 4)), [999, 666, 333, 0]);
        assert_eq!(planned(&process, &settings(SamplerKind::DpmSolverPlusPlus, 3)), [999, 666, 333]);
        assert_eq!(planned(&process_of((BetaSchedule::Linear, 10)), &settings(SamplerKind::Ddpm, 11)), [0; 0]);
        // As the model says, and as the visitor does.
        let leading = DiffusionConfig { timestep_spacing: TimestepSpacing::Leading, ..process };
        let chosen = settings(SamplerKind::Ddim, 4);
        assert_eq!(planned(&leading, &chosen), [750, 500, 250, 0]);
        let trailing = RunSettings { timestep_spacing: Some(TimestepSpacing::Trailing), ..chosen };
        assert_eq!(planned(&leading, &trailing), [999, 749, 499, 249]);
    }

    #[test]
    fn a_run_alone_tells_some() {
        let run = info(3, 1);
        let curves = Curves::of_run(Quantity::AlphaBar, &run);
        assert_eq!(corners(&curves.path).len(), 3);
        assert!(curves.place(&run, 1).is_some());
        let beta = Curves::of_run(Quantity::Beta, &run);
        assert_eq!((beta.path.as_str(), beta.place(&run, 1)), ("", None));
    }
}
