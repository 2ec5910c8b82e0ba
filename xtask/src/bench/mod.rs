//! `cargo xtask bench`: what the method costs on this machine, beside what others need for the same work. Its tables go
//! into docs/performance.md, which says what is measured and how.

mod machine;
mod native;
mod options;
mod peers;
mod programs;
mod report;
mod site;
mod tabs;
mod turns;
mod web;

use anyhow::{Context, Result};
use machine::Machine;
use native::Native;
use options::{Options, Part};
pub use peers::{check_export, check_training};
use report::Report;
use web::Web;

/// How many pictures the shipped model makes at once.
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
    let web = is_browser.then(|| Web::set_up(&mut report)).transpose()?;
    report.machine.look_again();
    if let Some(warning) = report.machine.warning() {
        println!("\nbench: {warning}");
    }
    if let Some(native) = &native {
        native.measure(&options, &mut report)?;
    }
    if let Some(web) = &web {
        web.measure(&options, &mut report)?;
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
