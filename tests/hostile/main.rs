//! Hostile files: whatever the bytes, there is no panic, no allocation beyond the file's own size, and a message.
//!
//! Valid files are damaged with fixed seeds, and built wrong on purpose. `DITSCOPE_FUZZ_CASES` sets the
//! number of cases of each kind; the default is for every day.

use ditscope_test_support::files;

mod containers;
mod memory;
mod mutate;
mod torch;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Cases of each kind.
fn cases() -> u64 {
    std::env::var("DITSCOPE_FUZZ_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2000)
}

/// Allocations beside the file: buffers, error messages, a small module.
const SLACK: usize = 256 << 10;

/// Reads `bytes` as `read` does: no panic, a message with every error, and at most `factor` times the
/// bytes of the file and `slack` in memory. Whether it could be read, and the peak of memory.
fn survives<T, E: std::fmt::Display>(
    what: &str,
    bytes: &[u8],
    (factor, slack): (usize, usize),
    read: impl Fn(&[u8]) -> Result<T, E>,
) -> (bool, usize) {
    let outcome =
        catch_unwind(AssertUnwindSafe(|| memory::peak(|| read(bytes).map(drop).map_err(|e| format!("{e:#}")))));
    let (result, peak) =
        outcome.unwrap_or_else(|_| panic!("{what} panicked on {} bytes: {}", bytes.len(), shown(bytes)));
    let most = factor * bytes.len() + slack;
    assert!(peak <= most, "{what}: {peak} bytes of memory for a file of {}: {}", bytes.len(), shown(bytes));
    if let Err(message) = &result {
        assert!(message.len() > 10, "{what}: '{message}' says nothing: {}", shown(bytes));
        assert!(message.len() < 10_000, "{what}: a message of {} bytes", message.len());
    }
    (result.is_ok(), peak)
}

fn shown(bytes: &[u8]) -> String {
    bytes.iter().take(400).map(|byte| byte.escape_ascii().to_string()).collect()
}

/// Damages valid files, case by case, and reads them.
fn fuzz<T, E: std::fmt::Display>(
    what: &str,
    valid: &[Vec<u8>],
    words: &[&[u8]],
    bounds: (usize, usize),
    read: impl Fn(&[u8]) -> Result<T, E>,
) {
    for bytes in valid {
        assert!(survives(what, bytes, bounds, &read).0, "{what}: the undamaged file must be readable");
    }
    let (mut readable, mut most) = (0u64, 0);
    for seed in 0..cases() {
        let mut random = mutate::Random::new(seed);
        let mut bytes = valid[random.below(valid.len())].clone();
        mutate::damage(&mut bytes, words, &mut random);
        let (read, peak) = survives(&format!("{what}, seed {seed},"), &bytes, bounds, &read);
        readable += u64::from(read);
        most = most.max(peak);
    }
    println!("{what}: {} cases, {readable} still readable, at most {most} bytes of memory", cases());
}
