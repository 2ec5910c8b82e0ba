//! What must hold for all inputs: schedules, samplers, noise, pixels, settings, weights.

use ditscope_test_support as support;

mod experiments;
mod flow;
mod fused;
mod numbers;
mod op_count;
mod previews;
mod resumed;
mod runs;
mod samplers;
mod schedules;
mod settings;
mod traces;
mod variants;
mod weights;
mod words;

use proptest::test_runner::Config;

/// `cases` random inputs; what fails is printed, not written into the source tree.
fn cases(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}
