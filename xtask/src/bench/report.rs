//! What was measured, as tables and as JSON.

use super::machine::Machine;
use super::turns::{Spread, Standing};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub machine: Machine,
    /// Versions of what was measured, by name.
    pub versions: BTreeMap<String, String>,
    pub races: Vec<Race>,
    pub calls: Vec<Calls>,
    pub growth: Vec<Growth>,
    /// What else was seen.
    pub remarks: Vec<String>,
    /// What could not be measured, and why.
    pub left_out: Vec<String>,
}

/// The same work done by ours, which comes first, and by others.
#[derive(Clone, Debug, Serialize)]
pub struct Race {
    pub work: String,
    /// Floating-point operations of it, in thousands of millions, where they are counted.
    pub gflop: Option<f64>,
    pub standings: Vec<Standing>,
}

/// What a step asks of WebGPU.
#[derive(Clone, Debug, Serialize)]
pub struct Calls {
    pub who: String,
    /// By kind, of a step in the middle of a run.
    pub counts: BTreeMap<String, u64>,
    /// Milliseconds of a step whose dispatches are all of size zero.
    pub host: Spread,
}

/// A measurement of a row of them in which one thing grows.
#[derive(Clone, Debug, Serialize)]
pub struct Growth {
    pub what: String,
    pub value: usize,
    pub gflop: f64,
    pub ms: Spread,
}

/// Kinds of calls, in the order of the table.
const KINDS: [&str; 7] =
    ["dispatches", "bind groups", "pipelines", "submits", "uploads", "bytes uploaded", "read-backs"];

impl Report {
    /// One in which nothing is measured yet.
    pub fn of(machine: Machine) -> Self {
        let (versions, races, calls, growth, remarks, left_out) = Default::default();
        Self { machine, versions, races, calls, growth, remarks, left_out }
    }

    /// The tables, with what they were made on.
    pub fn markdown(&self) -> String {
        let mut text = self.preface();
        for table in [self.races(), self.calls(), self.growth()].into_iter().flatten() {
            let _ = write!(text, "\n{table}");
        }
        text.push_str(&list("Also seen", &self.remarks));
        text.push_str(&list("Left out", &self.left_out));
        text
    }

    fn preface(&self) -> String {
        let Machine { commit, processor, cores, system, load, .. } = &self.machine;
        let versions = self.versions.iter().map(|(name, version)| format!("; {name} {version}"));
        let load = load.map_or(String::new(), |load| format!("; load average before: {load}"));
        let versions: String = versions.collect();
        let mut text = format!("Commit {commit}; {processor}, {cores} threads, {system}{versions}{load}.\n");
        if let Some(warning) = self.machine.warning() {
            let _ = write!(text, "\n**{warning}**\n");
        }
        text
    }

    fn races(&self) -> Option<String> {
        let mut rows = Vec::new();
        for Race { work, gflop, standings } in &self.races {
            let (ours, others) = standings.split_first()?;
            let speed = gflop.map_or(String::new(), |gflop| format!("{:.1}", gflop / ours.ms.median * 1e3));
            let mine = |rest: [String; 3]| [vec![work.clone(), spread(&ours.ms), speed.clone()], rest.into()].concat();
            if others.is_empty() {
                rows.push(mine(["".into(), "".into(), "".into()]));
            }
            rows.extend(others.iter().map(|other| {
                let ratio = other.ratio.as_ref().map_or(String::new(), |ratio| format!("**{}**", spread(ratio)));
                mine([other.name.clone(), spread(&other.ms), ratio])
            }));
        }
        let titles = ["work", "ditscope, ms", "GFLOP/s", "beside", "its ms", "ditscope / it"];
        (!rows.is_empty()).then(|| table(&titles, &rows))
    }

    fn calls(&self) -> Option<String> {
        let row = |calls: &Calls| {
            let count = |kind: &&str| calls.counts.get(*kind).copied().unwrap_or(0).to_string();
            [vec![calls.who.clone()], KINDS.iter().map(count).collect(), vec![spread(&calls.host)]].concat()
        };
        let titles = [&["a step asks WebGPU for"], &KINDS[..], &["host's share, ms"]].concat();
        (!self.calls.is_empty()).then(|| table(&titles, &self.calls.iter().map(row).collect::<Vec<_>>()))
    }

    fn growth(&self) -> Option<String> {
        let row = |Growth { what, value, gflop, ms }: &Growth| {
            let speed = format!("{:.1}", gflop / ms.median * 1e3);
            vec![what.clone(), value.to_string(), spread(ms), format!("{gflop:.3}"), speed]
        };
        let titles = ["what grows", "to", "ms", "GFLOP", "GFLOP/s"];
        (!self.growth.is_empty()).then(|| table(&titles, &self.growth.iter().map(row).collect::<Vec<_>>()))
    }
}

fn list(title: &str, lines: &[String]) -> String {
    let items: String = lines.iter().map(|line| format!("- {line}\n")).collect();
    if lines.is_empty() { items } else { format!("\n{title}:\n\n{items}") }
}

/// A median with what it lies between, to three figures.
fn spread(spread: &Spread) -> String {
    let Spread { median, least, most } = *spread;
    format!("{} ({}–{})", figures(median), figures(least), figures(most))
}

fn figures(value: f64) -> String {
    let digits = match value.abs() {
        value if value < 10.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}

/// Text to the left, numbers (whatever begins with a digit in every row) to the right.
fn table(titles: &[&str], rows: &[Vec<String>]) -> String {
    let begins_with_digit = |text: &str| text.trim_start_matches('*').starts_with(|c: char| c.is_ascii_digit());
    let is_number = |column: usize| rows.iter().all(|row| row[column].is_empty() || begins_with_digit(&row[column]));
    let rule = (0..titles.len()).map(|column| if is_number(column) { "---:" } else { "---" }.to_owned());
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let titles: Vec<String> = titles.iter().map(|&title| title.to_owned()).collect();
    let head = [titles, rule.collect()];
    head.iter().chain(rows).map(|cells| line(cells)).collect()
}

const BEGIN: &str = "<!-- cargo xtask bench writes from here -->";
const END: &str = "<!-- to here -->";

/// Puts the tables between the two marks of a text.
pub fn write_into(file: &Path, tables: &str) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let text = between_marks(&text, tables).with_context(|| format!("cannot write into {}", file.display()))?;
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn between_marks(text: &str, tables: &str) -> Result<String> {
    let places = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    match places {
        Some((before, after)) => Ok(format!("{before}{BEGIN}\n\n{tables}\n{END}{after}")),
        None => bail!("it has no line '{BEGIN}' with a line '{END}' after it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let at = |median: f64| Spread { median, least: median * 0.9, most: median * 1.25 };
        let machine = Machine {
            commit: "abc of 2026-11-28".into(),
            processor: "A processor".into(),
            cores: 2,
            system: "linux x86_64".into(),
            load: Some(0.25),
            taken: Some(0.0),
        };
        let ours = Standing { name: "ditscope".into(), ms: at(8.0), ratio: None };
        let theirs = Standing { name: "PyTorch".into(), ms: at(16.0), ratio: Some(at(0.5)) };
        Report {
            machine,
            versions: [("Chromium".to_owned(), "150".to_owned())].into(),
            races: vec![
                Race { work: "S/2".into(), gflop: Some(0.4), standings: vec![ours.clone(), theirs] },
                Race { work: "XL/2".into(), gflop: None, standings: vec![ours] },
            ],
            calls: vec![Calls { who: "ditscope".into(), counts: [("submits".to_owned(), 2)].into(), host: at(120.0) }],
            growth: vec![Growth { what: "tokens".into(), value: 16, gflop: 0.1, ms: at(4.0) }],
            remarks: vec!["frames report all".into()],
            left_out: vec!["PyTorch: no Python here has it".into()],
        }
    }

    #[test]
    fn the_tables_have_what_was_measured() {
        let expected = "\
Commit abc of 2026-11-28; A processor, 2 threads, linux x86_64; Chromium 150; load average before: 0.25.

| work | ditscope, ms | GFLOP/s | beside | its ms | ditscope / it |
| --- | ---: | ---: | --- | ---: | ---: |
| S/2 | 8.00 (7.20–10.0) | 50.0 | PyTorch | 16.0 (14.4–20.0) | **0.50 (0.45–0.62)** |
| XL/2 | 8.00 (7.20–10.0) |  |  |  |  |

| a step asks WebGPU for | dispatches | bind groups | pipelines | submits | uploads | bytes uploaded | read-backs | host's share, ms |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| ditscope | 0 | 0 | 0 | 2 | 0 | 0 | 0 | 120 (108–150) |

| what grows | to | ms | GFLOP | GFLOP/s |
| --- | ---: | ---: | ---: | ---: |
| tokens | 16 | 4.00 (3.60–5.00) | 0.100 | 25.0 |

Also seen:

- frames report all

Left out:

- PyTorch: no Python here has it
";
        assert_eq!(report().markdown(), expected);
    }

    #[test]
    fn a_part_that_was_not_measured_has_no_table() {
        let report =
            Report { races: vec![], calls: vec![], growth: vec![], remarks: vec![], left_out: vec![], ..report() };
        assert_eq!(report.markdown().lines().count(), 1);
        let machine = Machine { taken: Some(0.5), ..report.machine.clone() };
        assert!(Report { machine, ..report }.markdown().contains("\n\n**The machine was busy"));
    }

    #[test]
    fn the_numbers_can_be_read_by_programs() {
        let json = serde_json::to_value(report()).expect("JSON");
        assert_eq!(json["races"][0]["standings"][1]["ratio"]["median"], 0.5);
        assert_eq!(json["machine"]["cores"], 2);
    }

    #[test]
    fn the_tables_go_between_the_marks() {
        let text = format!("# Title\n\n{BEGIN}\nold\n{END}\nend\n");
        let once = between_marks(&text, "new\n").expect("marks");
        assert_eq!(once, format!("# Title\n\n{BEGIN}\n\nnew\n\n{END}\nend\n"));
        assert_eq!(between_marks(&once, "new\n").expect("marks"), once, "written again it stays the same");
        let error = between_marks(&format!("{END} {BEGIN}"), "new").expect_err("the wrong way round").to_string();
        assert!(error.starts_with("it has no line '<!-- cargo"), "{error}");
    }
}
