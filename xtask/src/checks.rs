//! All checks, the cheap ones first.

use crate::process::{command_line, find, run};
use crate::{browser, dist, gpu, project, tools};
use anyhow::{Context, Result, bail};
use std::time::{Duration, Instant};

/// What all that needs no browser is built with: always the whole workspace, so that nothing is built twice.
const NATIVE: &str = "--release --workspace";
/// Page, worker, and a training step, which no program of the app has yet but which must run in a browser. Together, so that
/// what they depend on is checked once.
const WASM: &str = "--release --target wasm32-unknown-unknown -p ditscope -p ditscope-train \
    --features ditscope/ui,ditscope/worker --lib";

/// A part of the checks that can be asked for by its name.
struct Phase {
    name: &'static str,
    about: &'static str,
    /// Installs what the steps need, before any phase runs.
    setup: fn() -> Result<()>,
    steps: &'static [Step],
}

/// Run only when they are named: they need what not every machine has, or build the libraries once more.
const ON_DEMAND: [&str; 1] = ["gpu"];

/// What a phase does. In a command line `{NATIVE}` and `{WASM}` stand for the flags above.
enum Step {
    Cargo(&'static str),
    /// In the folder that the app is built in.
    Wasm(&'static str),
    Task(fn() -> Result<()>),
}

use Step::{Cargo, Task, Wasm};

const PHASES: &[Phase] = &[
    Phase { name: "format", about: "rustfmt", setup: nothing, steps: &[Cargo("fmt --all --check")] },
    Phase {
        name: "lints",
        about: "clippy on the native layers and the browser tests",
        setup: nothing,
        steps: &[
            Cargo("clippy {NATIVE} --all-targets -- -D warnings"),
            Cargo("clippy {NATIVE} --test browser -- -D warnings"),
        ],
    },
    Phase {
        name: "wasm-lints",
        about: "clippy on page and worker, and on a training step in WebAssembly",
        setup: tools::wasm_target,
        steps: &[Wasm("clippy {WASM} --bins -- -D warnings")],
    },
    Phase {
        name: "docs",
        about: "the documentation has no broken link",
        setup: tools::wasm_target,
        // Both, because each leaves out the other's modules.
        steps: &[Cargo("doc {NATIVE} --no-deps"), Wasm("doc {WASM} --no-deps")],
    },
    Phase { name: "licences", about: "cargo deny, where it is installed", setup: nothing, steps: &[Task(licences)] },
    Phase {
        name: "build",
        about: "the app, and the limits of its size",
        setup: tools::setup,
        steps: &[Task(dist::build)],
    },
    Phase {
        name: "tests",
        about: "all other tests but the browser's",
        setup: nothing,
        steps: &[Cargo("test {NATIVE}")],
    },
    Phase {
        name: "browser",
        about: "the built app in Chromium",
        setup: browser_setup,
        steps: &[Task(dist::make), Cargo("test --release --workspace --test browser")],
    },
    Phase {
        name: "gpu",
        about: "the kernels for GPUs, natively, on a graphics card or in software; runs only when it is named",
        setup: nothing,
        steps: &[Task(gpu::test)],
    },
];

/// Runs the phases that are asked for, or all, and stops at the first failure.
pub fn test(arguments: &[&str]) -> Result<()> {
    let Some(phases) = chosen(arguments)? else {
        PHASES.iter().for_each(|phase| println!("{:12} {}", phase.name, phase.about));
        return Ok(());
    };
    let mut times = Times::default();
    times.run("setup", || phases.iter().try_for_each(|phase| (phase.setup)()))?;
    for phase in phases {
        times.run(phase.name, || phase.steps.iter().try_for_each(Step::run))?;
    }
    times.summarise();
    Ok(())
}

/// The phases in the order of the table; nothing, if only their list is asked for.
fn chosen(arguments: &[&str]) -> Result<Option<Vec<&'static Phase>>> {
    let (mut wanted, mut skipped) = (Vec::new(), Vec::new());
    let mut arguments = arguments.iter();
    while let Some(&argument) = arguments.next() {
        match argument {
            "--list" => return Ok(None),
            "--skip" => skipped.push(known(arguments.next().context("--skip needs the name of a phase")?)?),
            name => wanted.push(known(name)?),
        }
    }
    let is_wanted = |phase: &&Phase| match wanted.is_empty() {
        true => !ON_DEMAND.contains(&phase.name),
        false => wanted.contains(&phase.name),
    };
    Ok(Some(PHASES.iter().filter(is_wanted).filter(|phase| !skipped.contains(&phase.name)).collect()))
}

fn known(name: &str) -> Result<&'static str> {
    let names: Vec<_> = PHASES.iter().map(|phase| phase.name).collect();
    match names.iter().find(|known| **known == name) {
        Some(name) => Ok(name),
        None => bail!("'{name}' is no phase of the checks; they are: {}", names.join(", ")),
    }
}

impl Step {
    fn run(&self) -> Result<()> {
        match self {
            Cargo(arguments) => run(&mut cargo(arguments)),
            Wasm(arguments) => run(cargo(arguments).env("CARGO_TARGET_DIR", project::web_target())),
            Task(task) => task(),
        }
    }
}

fn cargo(arguments: &str) -> std::process::Command {
    let arguments = arguments.replace("{NATIVE}", NATIVE).replace("{WASM}", WASM);
    let mut cargo = command_line(&format!("cargo {arguments}"));
    if arguments.starts_with("doc ") {
        cargo.env("RUSTDOCFLAGS", "-D warnings");
    }
    cargo
}

fn nothing() -> Result<()> {
    Ok(())
}

fn browser_setup() -> Result<()> {
    tools::setup()?;
    browser::setup()
}

fn licences() -> Result<()> {
    if find("cargo-deny").is_none() {
        println!("licences: skipped, because cargo-deny is not installed (cargo install cargo-deny)");
        return Ok(());
    }
    run(&mut cargo("deny check licenses bans sources"))
}

/// Times the phases.
#[derive(Default)]
struct Times {
    done: Vec<(&'static str, Duration)>,
}

impl Times {
    fn run(&mut self, name: &'static str, phase: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("\n== {name}");
        let start = Instant::now();
        phase().with_context(|| format!("{name} failed"))?;
        println!("== {name}: {:.0} s", start.elapsed().as_secs_f64());
        self.done.push((name, start.elapsed()));
        Ok(())
    }

    fn summarise(&self) {
        println!("\nChecks passed:");
        for (name, time) in &self.done {
            println!("{:>6.0} s  {name}", time.as_secs_f64());
        }
        let total: Duration = self.done.iter().map(|(_, time)| time).sum();
        println!("{:>6.0} s  in all", total.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(arguments: &[&str]) -> Vec<&'static str> {
        let phases = chosen(arguments).expect("the phases are known").expect("not their list");
        phases.iter().map(|phase| phase.name).collect()
    }

    fn refused(arguments: &[&str]) -> String {
        chosen(arguments).err().expect("the arguments are refused").to_string()
    }

    #[test]
    fn all_phases_but_those_on_demand_run_when_none_is_named() {
        let usual = PHASES.len() - ON_DEMAND.len();
        assert_eq!(names(&[]).len(), usual);
        assert_eq!(names(&["gpu"]), ["gpu"]);
        let rest = names(&["--skip", "browser", "--skip", "format"]);
        assert_eq!(rest.len(), usual - 2);
        assert!(!rest.contains(&"browser") && !rest.contains(&"format"));
    }

    #[test]
    fn named_phases_run_in_the_order_of_the_table() {
        assert_eq!(names(&["tests", "format", "browser", "--skip", "browser"]), ["format", "tests"]);
        assert!(chosen(&["tests", "--list"]).expect("the list can be asked for").is_none());
    }

    #[test]
    fn an_unknown_phase_is_refused_with_the_list() {
        let said = refused(&["formt"]);
        assert!(said.starts_with("'formt' is no phase of the checks; they are: format, lints, wasm-lints,"), "{said}");
        assert!(refused(&["--skip", "everything"]).starts_with("'everything' is no phase"));
        assert_eq!(refused(&["--skip"]), "--skip needs the name of a phase");
    }

    #[test]
    fn every_flag_of_the_table_is_replaced() {
        for step in PHASES.iter().flat_map(|phase| phase.steps) {
            if let Cargo(arguments) | Wasm(arguments) = step {
                let cargo = cargo(arguments);
                let words: Vec<_> = cargo.get_args().map(|word| word.to_string_lossy()).collect();
                assert!(!words.concat().contains('{'), "{words:?}");
            }
        }
    }
}
