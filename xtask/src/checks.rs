//! All checks, the cheap ones first.

use crate::browser::{self, Engine};
use crate::process::{command_line, find, run};
use crate::{bench, dist, gpu, project, tools};
use anyhow::{Context, Result, bail};
use std::time::{Duration, Instant};

/// What all that needs no browser is built with: always the whole workspace, so that nothing is built twice.
const NATIVE: &str = "--release --workspace";
/// Page, worker and trainer. Together, so that what they depend on is checked once.
const WASM: &str = "--release --target wasm32-unknown-unknown -p ditscope --features ditscope/ui,ditscope/worker,ditscope/relaxed-simd,ditscope/trainer-gpu --lib";

/// A part of the checks that can be asked for by its name.
struct Phase {
    name: &'static str,
    about: &'static str,
    /// Installs what the steps need, before any phase runs.
    setup: fn(&Wanted) -> Result<()>,
    steps: &'static [Step],
}

/// Run only when they are named: they need what not every machine has, or build the libraries once more.
const ON_DEMAND: [&str; 4] = ["gpu", "nodes", "onnx", "torch"];

/// What a phase does. In a command line `{NATIVE}` and `{WASM}` stand for the flags above.
enum Step {
    Cargo(&'static str),
    /// In the folder that the app is built in.
    Wasm(&'static str),
    Task(fn(&Wanted) -> Result<()>),
}

use Step::{Cargo, Task, Wasm};

const PHASES: &[Phase] = &[
    Phase { name: "format", about: "rustfmt", setup: |_| Ok(()), steps: &[Cargo("fmt --all --check")] },
    Phase {
        name: "lints",
        about: "clippy on the native layers and the browser tests",
        setup: |_| Ok(()),
        steps: &[
            Cargo("clippy {NATIVE} --all-targets -- -D warnings"),
            Cargo("clippy {NATIVE} --test browser -- -D warnings"),
        ],
    },
    Phase {
        name: "wasm-lints",
        about: "clippy on page, worker and trainer",
        setup: |_| tools::wasm_target(),
        steps: &[Wasm("clippy {WASM} --bins -- -D warnings")],
    },
    Phase {
        name: "docs",
        about: "the documentation has no broken link",
        setup: |_| tools::wasm_target(),
        // Both, because each leaves out the other's modules.
        steps: &[Cargo("doc {NATIVE} --no-deps"), Wasm("doc {WASM} --no-deps")],
    },
    Phase {
        name: "licences",
        about: "cargo deny, where it is installed",
        setup: |_| Ok(()),
        steps: &[Task(|_| licences())],
    },
    Phase {
        name: "build",
        about: "the app, and the limits of its size",
        setup: |_| tools::setup(),
        steps: &[Task(|_| dist::build())],
    },
    Phase {
        name: "tests",
        about: "all other tests but the browser's",
        setup: |_| Ok(()),
        steps: &[Cargo("test {NATIVE}")],
    },
    Phase {
        name: "browser",
        about: "the built app in Chromium, Firefox and WebKitGTK; --engines chooses",
        setup: browser_setup,
        steps: &[Task(|_| dist::make()), Task(|wanted| browser::test(wanted.engines.as_deref()))],
    },
    Phase {
        name: "gpu",
        about: "the kernels for GPUs, natively, on a graphics card or in software; runs only when it is named",
        setup: |_| Ok(()),
        steps: &[Task(|_| gpu::test())],
    },
    Phase {
        name: "nodes",
        about: "a training that other processes help; builds burn's remote backend; runs only when it is named",
        setup: |_| Ok(()),
        steps: &[
            Cargo("clippy --release -p ditscope-cli --features nodes --all-targets -- -D warnings"),
            Cargo("test --release -p ditscope-cli --features nodes nodes"),
        ],
    },
    Phase {
        name: "onnx",
        about: "models that tools/export_onnx.py makes say what ours say; needs Python; runs only when it is named",
        setup: |_| Ok(()),
        steps: &[Task(|_| bench::check_export())],
    },
    Phase {
        name: "torch",
        about: "networks that tools/train/train.py trains say what ours say; needs a Python with PyTorch; runs only when it is named",
        setup: |_| Ok(()),
        steps: &[Task(|_| bench::check_training())],
    },
];

/// What is asked for.
struct Wanted {
    /// In the order of the table.
    phases: Vec<&'static Phase>,
    /// The browsers to test in; none: all that can be installed.
    engines: Option<Vec<Engine>>,
}

/// Runs the phases that are asked for, or all, and stops at the first failure.
pub fn test(arguments: &[&str]) -> Result<()> {
    let Some(wanted) = chosen(arguments)? else {
        PHASES.iter().for_each(|phase| println!("{:12} {}", phase.name, phase.about));
        return Ok(());
    };
    let mut times = Times::default();
    times.run("setup", || wanted.phases.iter().try_for_each(|phase| (phase.setup)(&wanted)))?;
    for phase in &wanted.phases {
        times.run(phase.name, || phase.steps.iter().try_for_each(|step| step.run(&wanted)))?;
    }
    times.summarise();
    Ok(())
}

/// Nothing, if only the list of the phases is asked for.
fn chosen(arguments: &[&str]) -> Result<Option<Wanted>> {
    let (mut wanted, mut skipped, mut engines) = (Vec::new(), Vec::new(), None);
    let mut arguments = arguments.iter();
    while let Some(&argument) = arguments.next() {
        match argument {
            "--list" => return Ok(None),
            "--skip" => skipped.push(known(arguments.next().context("--skip needs the name of a phase")?)?),
            "--engines" => {
                let names = arguments.next().context("--engines needs names of browsers, like chromium,firefox")?;
                engines = Some(Engine::list(names)?);
            }
            name => wanted.push(known(name)?),
        }
    }
    let is_wanted = |phase: &&Phase| match wanted.is_empty() {
        true => !ON_DEMAND.contains(&phase.name),
        false => wanted.contains(&phase.name),
    };
    let phases = PHASES.iter().filter(is_wanted).filter(|phase| !skipped.contains(&phase.name)).collect();
    Ok(Some(Wanted { phases, engines }))
}

fn known(name: &str) -> Result<&'static str> {
    let names: Vec<_> = PHASES.iter().map(|phase| phase.name).collect();
    match names.iter().find(|known| **known == name) {
        Some(name) => Ok(name),
        None => bail!("'{name}' is no phase of the checks; they are: {}", names.join(", ")),
    }
}

impl Step {
    fn run(&self, wanted: &Wanted) -> Result<()> {
        match self {
            Cargo(arguments) => run(&mut cargo(arguments)),
            Wasm(arguments) => run(cargo(arguments).env("CARGO_TARGET_DIR", project::web_target())),
            Task(task) => task(wanted),
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

fn browser_setup(wanted: &Wanted) -> Result<()> {
    tools::setup()?;
    browser::setup(wanted.engines.as_deref())
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
        let wanted = chosen(arguments).expect("the phases are known").expect("not their list");
        wanted.phases.iter().map(|phase| phase.name).collect()
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
        assert!(refused(&["browser", "--engines", "opera"]).starts_with("'opera' is no browser"));
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
