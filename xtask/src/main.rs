//! The developer commands. `cargo xtask` lists them.

mod bench;
mod bind;
mod browser;
mod checks;
mod constructors;
mod dev;
mod dist;
mod gpu;
mod index;
mod offline;
mod order;
mod plain;
mod process;
mod program;
mod project;
mod script;
mod serve;
mod sizes;
mod split;
mod style;
mod teaching;
mod tools;
// Of the browser tests, which use more of them.
#[allow(dead_code, reason = "the browser tests use more of it")]
#[path = "../../tests/browser/engine.rs"]
mod engine;
#[allow(dead_code, reason = "the browser tests use more of it")]
#[path = "../../tests/browser/webdriver.rs"]
mod webdriver;

use anyhow::{Result, bail};
use std::process::ExitCode;

const HELP: &str = "\
The developer commands of ditscope.

Usage: cargo xtask <COMMAND>

Commands:
  serve [--port PORT]      Build the app in release mode and serve it on http://127.0.0.1:8080
  dev [--port PORT]        The same while you work on it: rebuild what is edited, and reload the page
  build                    Build the app into dist/ and check its size against the limits
  test [PHASE…] [--skip PHASE] [--engines NAMES] [--list]
                           Run all checks, those that are named, or all but some; --list names them;
                           --engines chromium,firefox,webkit chooses the browsers (default: all there are)
  bench [PART…] [--quick] [--json FILE] [--write FILE]
                           Measure what it costs here, beside onnxruntime-web and PyTorch; all parts, or some of
                           native, growth, cpu, webgpu. --write puts the tables into a text (docs/performance.md)
  setup [--browser]        Install what is missing; with --browser also what the browser tests need

Every command sets up what it needs first: a Rust target and, in a folder of the
project, wasm-opt. Once that is done they work offline.

Environment:
  DITSCOPE_TOOLS     Folder for the tools (default: .tools)
  CARGO_TARGET_DIR   Folder for build outputs (default: target)
  DITSCOPE_PYTHON    A Python for 'bench' with onnx or torch (default: python3)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        [] | ["help" | "--help" | "-h"] | [_, "--help" | "-h"] => print!("{HELP}"),
        ["serve"] => serve::serve(serve::DEFAULT_PORT)?,
        ["serve", "--port", port] => serve::serve(parse_port(port)?)?,
        ["build"] => dist::build()?,
        ["dev"] => dev::dev(serve::DEFAULT_PORT)?,
        ["dev", "--port", port] => dev::dev(parse_port(port)?)?,
        ["test", arguments @ ..] => checks::test(arguments)?,
        ["bench", arguments @ ..] => bench::bench(arguments)?,
        ["setup"] => tools::setup_again()?,
        ["setup", "--browser"] => {
            tools::setup_again()?;
            browser::setup(None)?;
        }
        _ => bail!("'{}' is no command of xtask\n\n{HELP}", arguments.join(" ")),
    }
    Ok(())
}

fn parse_port(text: &str) -> Result<u16> {
    text.parse().or_else(|_| bail!("'{text}' is no port: use a number from 1 to 65535, like --port 8080"))
}
