//! `dit`: train, sample and evaluate from the command line.

use ditscope_cli::cli::Cli;
use ditscope_cli::output;
use std::process::ExitCode;

// Activations are large and short-lived; the system allocator gives each back to the kernel and asks for it again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(said) => return output::usage(&said),
    };
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::failure(&error),
    }
}
