//! On what is measured, and what else it does.

use crate::process::{answer, command_line};
use serde::Serialize;
use std::time::Duration;

/// Where little more than this of the processors is taken, times are still worth to be read.
const BUSY: f64 = 0.1;

#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    pub commit: String,
    pub processor: String,
    /// How many threads run at once.
    pub cores: usize,
    pub system: String,
    /// Of the last minute, before anything was built; nothing where the system does not say.
    pub load: Option<f64>,
    /// Share of the processors that others took just before the measurements.
    pub taken: Option<f64>,
}

impl Machine {
    /// To be asked first of all.
    pub fn look() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        Self { commit: commit(), processor: processor(), cores, system, load: load(), taken: None }
    }

    /// What others take now, when nothing of ours runs.
    pub fn look_again(&mut self) {
        let Some(before) = ticks() else { return };
        std::thread::sleep(Duration::from_secs(3));
        self.taken = ticks().map(|after| share(before, after));
    }

    /// A word for who reads the figures.
    pub fn warning(&self) -> Option<String> {
        let taken = self.taken.filter(|taken| *taken > BUSY)?;
        Some(format!(
            "The machine was busy: other programs took {:.0} % of its processors just before. Trust the ratios, with a grain \
             of salt, and not the times.",
            taken * 100.0
        ))
    }
}

fn commit() -> String {
    let git = |line: &str| answer(&mut command_line(&format!("git {line}")));
    let Some(commit) = git("log -1 --format=%h,%cs").map(|commit| commit.replace(',', " of ")) else {
        return "unknown".into();
    };
    // The text that the tables are written into does not count.
    let is_changed = git("status --porcelain --untracked-files=no -- :!docs").is_none_or(|changed| !changed.is_empty());
    if is_changed { format!("{commit}, with changes") } else { commit }
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let named = named.map(|(_, name)| name.to_owned());
    named.or_else(|| answer(&mut command_line("sysctl -n machdep.cpu.brand_string"))).unwrap_or("unknown".into())
}

fn load() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// Of all processors since the start: (busy, all).
fn ticks() -> Option<(u64, u64)> {
    parse_ticks(&std::fs::read_to_string("/proc/stat").ok()?)
}

fn parse_ticks(stat: &str) -> Option<(u64, u64)> {
    // "cpu user nice system idle iowait …"
    let all: Vec<u64> = stat.lines().next()?.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
    let idle = all.get(3)? + all.get(4)?;
    let total: u64 = all.iter().take(8).sum();
    Some((total - idle, total))
}

fn share(before: (u64, u64), after: (u64, u64)) -> f64 {
    (after.0 - before.0) as f64 / (after.1 - before.1).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_take_is_read_from_the_ticks() {
        let before = parse_ticks("cpu  10 0 10 70 10 0 0 0 0 0\ncpu0 1 2").expect("ticks");
        assert_eq!(before, (20, 100));
        let after = parse_ticks("cpu  60 10 10 105 15 0 0 0 0 0").expect("ticks");
        assert_eq!(share(before, after), 0.6);
        assert_eq!(share(before, before), 0.0);
        assert_eq!(parse_ticks("cpu 1"), None);
    }

    #[test]
    fn only_a_busy_machine_is_worth_a_word() {
        let machine = Machine { taken: Some(0.02), ..Machine::look() };
        assert_eq!(machine.warning(), None);
        let said = Machine { taken: Some(0.6), ..machine }.warning().expect("a word");
        assert!(said.starts_with("The machine was busy: other programs took 60 %"), "{said}");
    }
}
