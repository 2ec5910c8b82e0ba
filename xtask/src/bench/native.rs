//! Natively: the shipped model and the sizes of the paper, beside PyTorch; and how the cost grows.

use super::options::{Options, Part};
use super::programs::{Job, Program};
use super::report::{Growth, Race, Report};
use super::turns::{Contestant, alternate};
use super::{PICTURES, peers};
use anyhow::Result;

/// Sizes of the paper, and what both programs need to hold them, in GB.
const SIZES: [(&str, f64); 4] = [("S", 0.5), ("B", 1.5), ("L", 5.0), ("XL", 8.0)];

pub struct Native {
    ours: Program,
    torch: Option<(Program, String)>,
}

impl Native {
    pub fn set_up() -> Result<Self> {
        let torch = match peers::torch() {
            Some((python, version)) => Some((Program::torch(&python)?, version)),
            None => None,
        };
        Ok(Self { ours: Program::ours()?, torch })
    }

    pub fn measure(&self, options: &Options, report: &mut Report) -> Result<()> {
        match &self.torch {
            Some((_, version)) => drop(report.versions.insert("PyTorch".into(), version.clone())),
            None => report.left_out.push("PyTorch: no Python here has it; DITSCOPE_PYTHON may name one".into()),
        }
        if options.has(Part::Native) {
            self.races(options.is_quick, report)?;
        }
        if options.has(Part::Growth) {
            self.grow(options.is_quick, report)?;
        }
        Ok(())
    }

    /// The shipped model, and the sizes of the paper for which there is memory.
    fn races(&self, is_quick: bool, report: &mut Report) -> Result<()> {
        let torch = self.torch.as_ref().map(|(torch, _)| torch);
        for pictures in PICTURES {
            let job = Job { what: "step", model: "shipped", side: 0, depth: 0, pictures, times: 20 };
            let work = format!("native, Fashion, guided step and decoding, pictures: {pictures}");
            report.races.push(race(work, &job, 7, &self.ours, torch)?);
        }
        for (model, memory) in SIZES {
            if is_quick && memory > 1.0 {
                report.left_out.push(format!("{model}/2 natively: too large for --quick"));
                continue;
            }
            if memory_free().is_some_and(|free| free < memory) {
                report.left_out.push(format!("{model}/2 natively: it needs {memory} GB of free memory"));
                continue;
            }
            // Steps of the large ones take many seconds.
            let (times, rounds) = if memory > 2.0 { (1, 2) } else { (2, 5) };
            for (what, said) in [("forward", "forward"), ("step", "guided step")] {
                let job = Job { what, model, side: 32, depth: 0, pictures: 1, times };
                let work = format!("native, {model}/2 at 256 tokens, {said}");
                report.races.push(race(work, &job, rounds, &self.ours, torch)?);
            }
        }
        Ok(())
    }

    /// Two blocks, of which one thing grows while the others stay.
    fn grow(&self, is_quick: bool, report: &mut Report) -> Result<()> {
        let job = |model, side, pictures| Job { what: "forward", model, side, depth: 2, pictures, times: 5 };
        let tokens = [8, 16, 32, 64].map(|side| ("tokens, S", (side / 2) * (side / 2), job("S", side, 1)));
        let pictures = [1, 2, 4, 8, 16].map(|number| ("pictures, S, 64 tokens", number, job("S", 16, number)));
        let widths = [("S", 384), ("B", 768), ("L", 1024), ("XL", 1152)];
        let widths = widths.map(|(model, width)| ("width, 64 tokens", width, job(model, 16, 1)));
        let rounds = if is_quick { 1 } else { 5 };
        for (what, value, job) in tokens.into_iter().chain(pictures).chain(widths) {
            let Race { gflop, standings, .. } =
                race(format!("native, two blocks, {what}: {value}"), &job, rounds, &self.ours, None)?;
            report.growth.push(Growth { what: what.into(), value, gflop: gflop.unwrap_or(0.0), ms: standings[0].ms });
        }
        Ok(())
    }
}

/// In GB; nothing where the system does not say.
fn memory_free() -> Option<f64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1e6)
}

fn race(work: String, job: &Job, rounds: usize, ours: &Program, torch: Option<&Program>) -> Result<Race> {
    println!("bench: {work}");
    let mut gflop = 0.0;
    let mut contestants = vec![Contestant::new("ditscope", || {
        let (operations, times) = ours.measure(job)?;
        gflop = operations;
        Ok(times)
    })];
    contestants.extend(torch.map(|torch| Contestant::new("PyTorch", || Ok(torch.measure(job)?.1))));
    let standings = alternate(rounds, &mut contestants)?;
    drop(contestants);
    Ok(Race { work, gflop: Some(gflop).filter(|gflop| *gflop > 0.0), standings })
}
