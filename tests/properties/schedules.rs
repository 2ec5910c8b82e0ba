//! Noise schedules and respacing.

use crate::cases;
use ditscope_config::{
    BetaSchedule, ConfigError, DiffusionConfig, PredictionType, SamplerKind, TimestepSpacing, VarianceType,
};
use ditscope_schedule::{NoiseSchedule, Spacing, training_schedule};
use proptest::prelude::*;

const SPACINGS: [Spacing; 3] = [Spacing::Linspace, Spacing::DdimStride, Spacing::UniformT];

fn kind() -> impl Strategy<Value = BetaSchedule> {
    prop_oneof![Just(BetaSchedule::Linear), Just(BetaSchedule::Cosine)]
}

/// A spacing, T, and a number of steps that fits both.
fn respacing() -> impl Strategy<Value = (Spacing, usize, usize)> {
    let divisor = |total: usize, at: usize| {
        let divisors: Vec<usize> = (1..=total).filter(|n| total.is_multiple_of(*n)).collect();
        divisors[at % divisors.len()]
    };
    (prop::sample::select(SPACINGS.to_vec()), 2..1500usize, any::<usize>()).prop_map(move |(spacing, total, at)| {
        let steps = match spacing {
            Spacing::Linspace => 1 + at % total,
            Spacing::UniformT => 1 + at % (total - 1),
            Spacing::DdimStride => divisor(total, at),
        };
        (spacing, total, steps)
    })
}

fn assert_is_a_process(schedule: &NoiseSchedule) -> Result<(), TestCaseError> {
    let open = |value: &f64| *value > 0.0 && *value < 1.0;
    for (beta, alpha_bar) in schedule.betas.iter().zip(&schedule.alphas_cumprod) {
        // A stride that leaves less signal than 1 has digits for rounds to β = 1.
        prop_assert!(open(beta) || (*beta == 1.0 && *alpha_bar < 1e-15), "beta {} outside (0, 1)", beta);
    }
    prop_assert!(schedule.alphas_cumprod.iter().all(open), "alphas_cumprod outside (0, 1)");
    prop_assert!(schedule.alphas_cumprod.windows(2).all(|w| w[0] > w[1]), "alphas_cumprod do not fall");
    prop_assert!(schedule.timesteps.windows(2).all(|w| w[0] < w[1]), "timesteps do not rise");
    prop_assert_eq!(schedule.alphas_cumprod_prev[0], 1.0);
    prop_assert_eq!(&schedule.alphas_cumprod_prev[1..], &schedule.alphas_cumprod[..schedule.len() - 1]);
    for i in 0..schedule.len() {
        let (log, beta) = (schedule.posterior_log_variance_clipped[i], schedule.betas[i]);
        prop_assert!(log <= beta.ln() + 1e-9, "posterior variance e^{} above beta {} at {}", log, beta, i);
        let (signal, noise) = schedule.q_sample_factors(i);
        prop_assert!((signal * signal + noise * noise - 1.0).abs() < 1e-12, "q_sample does not keep the variance");
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn any_process_adds_noise_at_every_step(kind in kind(), total in 2..3000usize) {
        assert_is_a_process(&NoiseSchedule::new(kind, total))?;
    }

    #[test]
    fn respacing_keeps_alpha_bar_at_the_kept_timesteps(kind in kind(), (spacing, total, steps) in respacing()) {
        let full = NoiseSchedule::new(kind, total);
        let short = full.respaced(spacing, steps).expect("steps that fit");
        prop_assert_eq!(short.len(), steps);
        assert_is_a_process(&short)?;
        for (timestep, alpha_bar) in short.timesteps.iter().zip(&short.alphas_cumprod) {
            let original = full.alphas_cumprod[*timestep];
            prop_assert_eq!(*alpha_bar, original, "at timestep {}", timestep);
        }
        match spacing {
            Spacing::Linspace if steps > 1 => {
                prop_assert_eq!((short.timesteps[0], short.timesteps[steps - 1]), (0, total - 1));
            }
            Spacing::Linspace => prop_assert_eq!(short.timesteps[0], total - 1),
            Spacing::DdimStride => prop_assert!(short.timesteps.iter().all(|t| t.is_multiple_of(total / steps))),
            Spacing::UniformT => {
                prop_assert!(short.timesteps[0] >= 1);
                prop_assert_eq!(short.timesteps[steps - 1], total - 1);
            }
        }
    }

    #[test]
    fn all_steps_kept_is_the_process_itself(kind in kind(), total in 2..1500usize) {
        let full = NoiseSchedule::new(kind, total);
        for spacing in [Spacing::Linspace, Spacing::DdimStride] {
            let same = full.respaced(spacing, total).expect("as many steps as there are");
            prop_assert_eq!(&same.timesteps, &full.timesteps);
            prop_assert_eq!(&same.alphas_cumprod, &full.alphas_cumprod);
            for (ours, theirs) in same.betas.iter().zip(&full.betas) {
                prop_assert!((ours - theirs).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn step_counts_that_do_not_fit_are_refused_in_words(kind in kind(), total in 2..1500usize, more in 1..5000usize) {
        let full = NoiseSchedule::new(kind, total);
        for spacing in SPACINGS {
            for steps in [0, total + more, usize::MAX] {
                assert_refuses(&full, spacing, steps)?;
            }
        }
        assert_refuses(&full, Spacing::UniformT, total)?;
        let stranger = 1 + more % total;
        if !total.is_multiple_of(stranger) {
            assert_refuses(&full, Spacing::DdimStride, stranger)?;
        }
    }
}

proptest! {
    #![proptest_config(cases(400))]

    /// Whatever the spacing: as many timesteps as asked for, all of the process, none twice; or the error says what is allowed.
    #[test]
    fn a_run_visits_timesteps_of_the_process(
        kind in prop::sample::select(SamplerKind::ALL.to_vec()),
        spacing in prop::sample::select(TimestepSpacing::ALL.to_vec()),
        total in 2..1500usize, at in any::<usize>(), steps_offset in 0..3usize, set_alpha_to_one in any::<bool>(),
    ) {
        let steps = 1 + at % (total + 2);
        let plain = DiffusionConfig::new(BetaSchedule::Linear, PredictionType::Epsilon, VarianceType::FixedSmall);
        let process = DiffusionConfig { num_train_timesteps: total, steps_offset, set_alpha_to_one, ..plain };
        let whole = training_schedule(&process);
        let run = match whole.for_run(&process, kind, Some(spacing), steps) {
            Ok(run) => run,
            Err(ConfigError::OutOfRange { name: "steps", value, allowed }) => {
                prop_assert_eq!(value, steps.to_string());
                let is_offset = steps_offset > 0 && allowed.starts_with("fewer");
                prop_assert!(steps >= total || is_offset, "{:?}: {} steps of {}: {}", spacing, steps, total, allowed);
                return Ok(());
            }
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        };
        prop_assert_eq!(run.len(), steps);
        prop_assert!(run.timesteps.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", run.timesteps);
        for (i, t) in run.timesteps.iter().enumerate() {
            prop_assert_eq!(run.alphas_cumprod[i], whole.alphas_cumprod[*t]);
            prop_assert!(run.alphas_cumprod_prev[i] >= run.alphas_cumprod[i]);
        }
        // The process's own spacing holds where a run names none.
        let own = DiffusionConfig { timestep_spacing: spacing, ..process };
        prop_assert_eq!(whole.for_run(&own, kind, None, steps).ok(), Some(run));
    }
}

/// Of 1000 timesteps, by hand from diffusers' `set_timesteps`; tests/golden has more, from diffusers itself.
#[test]
fn the_spacings_of_diffusers_are_its_timesteps() {
    use SamplerKind::{Ddim, DpmSolverPlusPlus};
    use TimestepSpacing::{Leading, Linspace, Trailing};
    let plain = DiffusionConfig::new(BetaSchedule::Linear, PredictionType::Epsilon, VarianceType::FixedSmall);
    let process = DiffusionConfig { steps_offset: 1, ..plain };
    let whole = training_schedule(&process);
    let run = |kind, spacing, steps| whole.for_run(&process, kind, Some(spacing), steps).expect("steps that fit");
    assert_eq!(run(Ddim, Leading, 4).timesteps, [1, 251, 501, 751]);
    assert_eq!(run(Ddim, Trailing, 4).timesteps, [249, 499, 749, 999]);
    assert_eq!(run(Ddim, Linspace, 4).timesteps, [0, 333, 666, 999]);
    assert_eq!(run(Ddim, Linspace, 1).timesteps, [0]);
    assert_eq!(run(DpmSolverPlusPlus, Leading, 4).timesteps, [201, 401, 601, 801]);
    assert_eq!(run(DpmSolverPlusPlus, Trailing, 4).timesteps, [249, 499, 749, 999]);
    assert_eq!(run(DpmSolverPlusPlus, Linspace, 4).timesteps, [250, 500, 749, 999]);
    // Its DDIM goes back by a fixed stride, here from 666 to 416, though 333 is next.
    let previous = run(Ddim, Linspace, 4).alphas_cumprod_prev;
    let expected = [1.0, whole.alphas_cumprod[83], whole.alphas_cumprod[416], whole.alphas_cumprod[749]];
    assert_eq!(previous, expected);
    let unset = DiffusionConfig { set_alpha_to_one: false, ..process.clone() };
    let run = whole.for_run(&unset, Ddim, Some(Leading), 4).expect("steps that fit");
    assert_eq!(run.alphas_cumprod_prev[0], whole.alphas_cumprod[0]);
    let refused = whole.for_run(&process, Ddim, Some(Leading), 1000).expect_err("1000 is no timestep").to_string();
    for words in ["steps = 1000", "steps_offset 1", "begin at 1000", "the last is 999"] {
        assert!(refused.contains(words), "{words} is not in: {refused}");
    }
}

fn assert_refuses(full: &NoiseSchedule, spacing: Spacing, steps: usize) -> Result<(), TestCaseError> {
    match full.respaced(spacing, steps) {
        Err(ConfigError::OutOfRange { name: "steps", value, allowed }) => {
            prop_assert_eq!(value, steps.to_string());
            prop_assert!(!allowed.is_empty());
        }
        other => prop_assert!(false, "{:?} with {} steps gave {:?}", spacing, steps, other),
    }
    Ok(())
}

#[test]
fn the_cosine_schedule_is_the_formula_and_not_mostly_zero() {
    let schedule = NoiseSchedule::new(BetaSchedule::Cosine, 1000);
    let f = |t: f64| ((t / 1000.0 + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
    for t in [0, 1, 10, 250, 500, 750, 998] {
        let expected = f((t + 1) as f64) / f(0.0);
        let actual = schedule.alphas_cumprod[t];
        assert!((actual - expected).abs() < 1e-12, "alpha_bar at {t}: {actual}, the formula says {expected}");
    }
    // Known numbers (Nichol & Dhariwal's code at T = 1000), against a formula that is wrong in both places.
    assert!((schedule.betas[0] - 4.128_422_482_e-5).abs() < 1e-12, "{}", schedule.betas[0]);
    assert_eq!(schedule.betas[999], 0.999);
    // Integer division once left 999 of 1000 betas at zero in a well-known library.
    assert!(schedule.betas.iter().all(|beta| *beta > 4e-5));
    assert!(schedule.betas.windows(2).all(|w| w[0] < w[1]));
}

#[test]
fn the_linear_schedule_has_the_papers_ends_and_scales_with_t() {
    let schedule = NoiseSchedule::new(BetaSchedule::Linear, 1000);
    assert!((schedule.betas[0] - 1e-4).abs() < 1e-15);
    assert!((schedule.betas[999] - 0.02).abs() < 1e-15);
    assert!((schedule.alphas_cumprod[999] - 4.035_829_765e-5).abs() < 1e-12, "{}", schedule.alphas_cumprod[999]);
    let short = NoiseSchedule::new(BetaSchedule::Linear, 100);
    assert!((short.betas[99] - 0.2).abs() < 1e-15);
}
