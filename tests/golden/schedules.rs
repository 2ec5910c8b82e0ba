//! Respaced schedules of the official code.

use crate::read;
use ditscope_config::BetaSchedule;
use ditscope_schedule::{NoiseSchedule, Spacing};

#[test]
fn schedules_match_the_official_respacing() {
    let golden: serde_json::Value = serde_json::from_slice(&read("schedules.json")).expect("schedules.json");
    let full = NoiseSchedule::new(BetaSchedule::Linear, 1000);
    let golden = golden.as_object().expect("an object");
    assert_eq!(golden.len(), 9);
    for (name, expected) in golden {
        let (spacing, steps) = match name.strip_prefix("ddim") {
            Some(steps) => (Spacing::DdimStride, steps),
            None => (Spacing::Linspace, name.as_str()),
        };
        let schedule = full.respaced(spacing, steps.parse().expect("a number")).expect("a valid respacing");
        let stride = expected["stride"].as_u64().expect("stride") as usize;
        let list = |key: &str| -> Vec<f64> {
            expected[key].as_array().expect(key).iter().map(|v| v.as_f64().expect(key)).collect()
        };
        let timesteps: Vec<f64> = schedule.timesteps.iter().map(|t| *t as f64).collect();
        assert_eq!(timesteps, list("timesteps"), "{name}");
        for (key, ours) in [
            ("betas", &schedule.betas),
            ("alphas_cumprod", &schedule.alphas_cumprod),
            ("posterior_log_variance_clipped", &schedule.posterior_log_variance_clipped),
        ] {
            let theirs = list(key);
            assert_eq!(ours.iter().step_by(stride).count(), theirs.len(), "{name} {key}");
            for (ours, theirs) in ours.iter().step_by(stride).zip(theirs) {
                assert!((ours - theirs).abs() <= 1e-12 * theirs.abs().max(1.0), "{name} {key}: {ours} and {theirs}");
            }
        }
    }
}
