//! The result as JSON, for whoever collects such figures.

use super::figures::Figures;
use super::state::State;
use super::what::Failure;
use serde_json::{Value, json};

/// Where and when it was measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Here {
    /// As the browser tells it: names and versions, and the system.
    pub browser: String,
    /// Processors that it tells of.
    pub processors: usize,
    /// Which build of the page.
    pub build: String,
    /// An address that opens the same measurement.
    pub link: String,
}

/// All of it; `reason` has the words for what failed.
pub fn json(state: &State, here: &Here, reason: &dyn Fn(&Failure) -> String) -> String {
    let row = |(name, outcome): (&str, &Result<Figures, Failure>)| match outcome {
        Ok(figures) => of(name, figures),
        Err(why) => json!({ "model": name, "failed": reason(why) }),
    };
    let (backend, adapter) = state.device.as_ref().map(|device| (&device.name, &device.detail)).unzip();
    let all = json!({
        "build": here.build,
        "date": state.date,
        "backend": backend,
        "adapter": adapter,
        "browser": here.browser,
        "processors": here.processors,
        "link": here.link,
        "rows": state.results().map(row).collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&all).unwrap_or_default()
}

fn of(name: &str, figures: &Figures) -> Value {
    let rounded = |value: f64| (value * 1000.0).round() / 1000.0;
    let [low, high] = figures.step.quartiles.map(rounded);
    let extrapolated = figures.extrapolated.map(|line| {
        let from = line.from.map(|(blocks, ms)| json!({ "blocks": blocks, "ms": rounded(ms) }));
        json!({ "from": from, "to_blocks": line.to })
    });
    json!({
        "model": name,
        "backend": figures.backend.name,
        "parameters": figures.num_params,
        "weights": figures.dtype,
        "workers": figures.workers,
        "step_ms": rounded(figures.step.median),
        "step_ms_quartiles": [low, high],
        "step_ms_in_worker": rounded(figures.told_ms),
        "times": figures.count,
        "gflop_a_step": rounded(figures.flops as f64 / 1e9),
        "gflops": rounded(figures.gflops()),
        "weight_bytes_a_step": figures.bytes,
        "gb_per_s": rounded(figures.gigabytes_per_second()),
        "load_ms": figures.load_ms.map(rounded),
        "first_picture_ms": figures.first_picture_ms.map(rounded),
        "fetched_bytes": figures.fetched_bytes,
        "extrapolated": extrapolated,
    })
}
