//! `cargo xtask bench`: what the method costs on this machine, beside what others need for the same work. Its tables go
//! into docs/performance.md, which says what is measured and how.

mod machine;
mod options;
mod peers;
mod programs;
mod report;
mod site;
mod tabs;
mod turns;

use crate::browser;
use anyhow::{Context, Result};
use machine::Machine;
use options::{Options, Part};
use peers::Engine;
pub use peers::check_export;
use programs::{Job, Program};
use report::{Growth, Race, Report};
use site::Site;
use std::collections::BTreeMap;
use tabs::Tab;
use turns::{Contestant, Spread, alternate};

/// Sizes of the paper, and what both programs need to hold them, in GB.
const SIZES: [(&str, f64); 4] = [("S", 0.5), ("B", 1.5), ("L", 5.0), ("XL", 8.0)];
const PICTURES: [usize; 2] = [1, 4];

/// Measures what is asked for, and says it.
pub fn bench(arguments: &[&str]) -> Result<()> {
    let options = Options::parse(arguments)?;
    let machine = Machine::look();
    let mut report = Report::of(machine);
    let is_native = options.has(Part::Native) || options.has(Part::Growth);
    let is_browser = options.has(Part::Cpu) || options.has(Part::WebGpu);
    // All is built first: what compiles would disturb what is measured.
    let native = is_native.then(Native::set_up).transpose()?;
    let site = is_browser.then(|| site(&mut report)).transpose()?;
    report.machine.look_again();
    if let Some(warning) = report.machine.warning() {
        println!("\nbench: {warning}");
    }
    if let Some(native) = &native {
        native.measure(&options, &mut report)?;
    }
    if let Some((site, has_peer)) = &site {
        browsers(site, *has_peer, &options, &mut report)?;
    }
    finish(&options, &report)
}

fn finish(options: &Options, report: &Report) -> Result<()> {
    let tables = report.markdown();
    println!("\n{tables}");
    if let Some(file) = &options.json {
        let text = serde_json::to_string_pretty(report)?;
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    options.write.as_ref().map_or(Ok(()), |file| report::write_into(file, &tables))
}

// ---- Natively

struct Native {
    ours: Program,
    torch: Option<(Program, String)>,
}

impl Native {
    fn set_up() -> Result<Self> {
        let torch = match peers::torch() {
            Some((python, version)) => Some((Program::torch(&python)?, version)),
            None => None,
        };
        Ok(Self { ours: Program::ours()?, torch })
    }

    fn measure(&self, options: &Options, report: &mut Report) -> Result<()> {
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
        for pictures in PICTURES {
            let job = Job { what: "step", model: "shipped", side: 0, depth: 0, pictures, times: 20 };
            let work = format!("native, Fashion, guided step and decoding, pictures: {pictures}");
            report.races.push(self.race(work, &job, 7)?);
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
                report.races.push(self.race(format!("native, {model}/2 at 256 tokens, {said}"), &job, rounds)?);
            }
        }
        Ok(())
    }

    fn race(&self, work: String, job: &Job, rounds: usize) -> Result<Race> {
        println!("bench: {work}");
        let mut gflop = 0.0;
        let mut contestants = vec![Contestant::new("ditscope", || {
            let (operations, times) = self.ours.measure(job)?;
            gflop = operations;
            Ok(times)
        })];
        if let Some((torch, _)) = &self.torch {
            contestants.push(Contestant::new("PyTorch", || Ok(torch.measure(job)?.1)));
        }
        let standings = alternate(rounds, &mut contestants)?;
        drop(contestants);
        Ok(Race { work, gflop: Some(gflop).filter(|gflop| *gflop > 0.0), standings })
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
            println!("bench: native, two blocks, {what}: {value}");
            self.ours.measure(&job)?;
            let mut gflop = 0.0;
            let mut medians = Vec::new();
            for _ in 0..rounds {
                let (operations, times) = self.ours.measure(&job)?;
                gflop = operations;
                medians.push(Spread::of(&times).median);
            }
            report.growth.push(Growth { what: what.into(), value, gflop, ms: Spread::of(&medians) });
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

// ---- In the browser

/// The server, and whether it has the peer, too.
fn site(report: &mut Report) -> Result<(Site, bool)> {
    browser::setup()?;
    let app = peers::app()?;
    let engine = match Engine::set_up(&PICTURES) {
        Ok(engine) => Some(engine),
        Err(error) => {
            report.left_out.push(format!("onnxruntime-web: {error:#}"));
            None
        }
    };
    let folders = engine.as_ref().map_or((&app, &app), |engine| (&engine.folder, &engine.models));
    let site = Site::start(&app, folders.0, folders.1)?;
    let has_peer = engine.is_some();
    report.versions.extend(engine.map(|engine| ("onnxruntime-web".to_owned(), engine.version)));
    Ok((site, has_peer))
}

fn browsers(site: &Site, has_peer: bool, options: &Options, report: &mut Report) -> Result<()> {
    let rounds = if options.is_quick { 3 } else { 9 };
    for pictures in PICTURES {
        if options.has(Part::Cpu) {
            on_cpu(site, has_peer, pictures, rounds, report)?;
        }
    }
    if options.has(Part::WebGpu) {
        on_gpu(site, has_peer, if options.is_quick { 2 } else { 5 }, report)?;
    }
    Ok(())
}

/// The page's frames on the CPU, beside the peer with one thread and with all.
fn on_cpu(site: &Site, has_peer: bool, pictures: usize, rounds: usize, report: &mut Report) -> Result<()> {
    const STEPS: usize = 30;
    let work = format!("page on the CPU, Fashion, time between frames, pictures: {pictures}");
    println!("bench: {work}");
    let ours = Tab::ours(site, "cpu", pictures, STEPS)?;
    report.versions.insert("Chromium".into(), ours.browser_version()?);
    let cores = report.machine.cores;
    let threads: &[usize] = if !has_peer {
        &[]
    } else if cores > 1 {
        &[1, cores]
    } else {
        &[1]
    };
    let peers = threads.iter().map(|threads| {
        let tab = Tab::peers(site, "cpu", pictures, STEPS, &format!("threads={threads}"))?;
        Ok((format!("onnxruntime-web wasm, threads: {threads}"), tab))
    });
    let peers = peers.collect::<Result<Vec<_>>>()?;
    let mut contestants = vec![Contestant::new("ditscope", || ours.steps())];
    contestants.extend(peers.iter().map(|(name, tab)| Contestant::new(name.clone(), || tab.steps())));
    let standings = alternate(rounds, &mut contestants)?;
    drop(contestants);
    report.remarks.push(reported(&ours, &work));
    report.races.push(Race { work, gflop: None, standings });
    Ok(())
}

fn reported(ours: &Tab, work: &str) -> String {
    format!("frames report {:.0} % of the time between them ({work})", ours.share_reported() * 100.0)
}

/// The page's frames on WebGPU, what a step asks for, and how much of it is the host's.
fn on_gpu(site: &Site, has_peer: bool, rounds: usize, report: &mut Report) -> Result<()> {
    // On an adapter in software a step takes a second.
    const STEPS: usize = 8;
    let ours = Tab::ours(site, "webgpu", 1, STEPS)?;
    let work = "page on WebGPU, Fashion, time between frames, pictures: 1".to_owned();
    println!("bench: {work}");
    report.versions.extend(BTreeMap::from([
        ("Chromium".to_owned(), ours.browser_version()?),
        ("WebGPU adapter".to_owned(), ours.adapter()?),
    ]));
    let peers: &[(&str, &str)] = &[("recorded graph", "capture=1"), ("no recorded graph", "capture=0")];
    let peers = peers.iter().filter(|_| has_peer).filter_map(|(name, options)| {
        let name = format!("onnxruntime-web WebGPU, {name}");
        match Tab::peers(site, "webgpu", 1, STEPS, options) {
            Ok(tab) => Some((name, tab)),
            Err(error) => {
                report.left_out.push(format!("{name}: {error:#}"));
                None
            }
        }
    });
    let peers: Vec<_> = peers.collect();
    let mut contestants = vec![Contestant::new("ditscope", || ours.steps())];
    contestants.extend(peers.iter().map(|(name, tab)| Contestant::new(name.clone(), || tab.steps())));
    let standings = alternate(rounds, &mut contestants)?;
    drop(contestants);
    report.remarks.push(reported(&ours, &work));
    report.races.push(Race { work, gflop: None, standings });
    report.calls.push(ours.calls("ditscope")?);
    for (name, tab) in &peers {
        report.calls.push(tab.calls(name)?);
    }
    Ok(())
}
