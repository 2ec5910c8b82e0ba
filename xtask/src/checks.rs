//! All checks, the cheap ones first.

use crate::process::{command_line, run};
use crate::{browser, dist, project, tools};
use anyhow::{Context, Result};
use std::time::{Duration, Instant};

/// What the native layers are built with. The page has its own invocations: its dependencies
/// would turn on other features of shared ones, and burn would be compiled a second time.
const NATIVE: &str = "--release --workspace";
const PAGE: &str = "--release --features ui --lib";
const WASM: &str = "--release --target wasm32-unknown-unknown --features ui,worker --lib";

/// Runs everything and stops at the first failure.
pub fn test(with_browser: bool) -> Result<()> {
    let mut phases = Phases::default();
    phases.run("setup", || {
        tools::setup()?;
        if with_browser { browser::setup() } else { Ok(()) }
    })?;
    phases.cargo("format", "fmt --all --check")?;
    phases.cargo("lints of the native layers", &format!("clippy {NATIVE} --all-targets -- -D warnings"))?;
    phases.cargo("lints of the browser tests", &format!("clippy {NATIVE} --test browser -- -D warnings"))?;
    phases.run("lints of page and worker", || wasm_cargo(&format!("clippy {WASM} --bins -- -D warnings")))?;
    phases.run("documentation", || {
        // Both, because each leaves out the other's modules.
        run(command_line(&format!("cargo doc {NATIVE} --no-deps")).env("RUSTDOCFLAGS", "-D warnings"))?;
        wasm_cargo(&format!("doc {WASM} --no-deps"))
    })?;
    phases.run("build of the app", dist::build)?;
    phases.cargo("tests of the page's state", &format!("test {PAGE}"))?;
    phases.cargo("tests", &format!("test {NATIVE}"))?;
    if with_browser {
        phases.cargo("browser tests", "test --release --workspace --test browser")?;
    }
    phases.summarise();
    Ok(())
}

/// A cargo command for wasm, in the folder that the app is built in.
fn wasm_cargo(arguments: &str) -> Result<()> {
    let mut cargo = command_line(&format!("cargo {arguments}"));
    run(cargo.env("RUSTDOCFLAGS", "-D warnings").env("CARGO_TARGET_DIR", project::web_target()))
}

/// Times the phases.
#[derive(Default)]
struct Phases {
    done: Vec<(&'static str, Duration)>,
}

impl Phases {
    fn cargo(&mut self, name: &'static str, arguments: &str) -> Result<()> {
        self.run(name, || run(&mut command_line(&format!("cargo {arguments}"))))
    }

    fn run(&mut self, name: &'static str, phase: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("\n== {name}");
        let start = Instant::now();
        phase().with_context(|| format!("{name} failed"))?;
        println!("== {name}: {:.0} s", start.elapsed().as_secs_f64());
        self.done.push((name, start.elapsed()));
        Ok(())
    }

    fn summarise(&self) {
        println!("\nAll checks passed:");
        for (name, time) in &self.done {
            println!("{:>6.0} s  {name}", time.as_secs_f64());
        }
        let total: Duration = self.done.iter().map(|(_, time)| time).sum();
        println!("{:>6.0} s  in all", total.as_secs_f64());
    }
}
