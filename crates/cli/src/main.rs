//! `dit`: train, sample and evaluate from the command line.

use clap::Parser;
use ditscope_cli::cli::Cli;
use std::process::ExitCode;

// Activations are large and short-lived; the system allocator gives each back to the kernel and asks for it again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
