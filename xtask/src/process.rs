//! Running other programs.

use crate::project;
use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A command in the project's root that finds the project's tools first.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(project::root()).env("PATH", search_path()).stdin(Stdio::null());
    command
}

/// A command line without quoting, split at spaces.
pub fn command_line(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = command(words.next().expect("a command line names a program"));
    command.args(words);
    command
}

/// Runs a command whose output the developer sees.
pub fn run(command: &mut Command) -> Result<()> {
    let name = describe(command);
    println!("  $ {name}");
    let status = command.status().with_context(|| format!("'{name}' did not start"))?;
    if !status.success() {
        bail!("'{name}' failed ({status})");
    }
    Ok(())
}

/// What a command prints, or None when it is missing or fails.
pub fn answer(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Where a program lies on the search path.
pub fn find(program: &str) -> Option<PathBuf> {
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&search_path()).map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// The project's tools, then the system's programs.
fn search_path() -> OsString {
    let tools = project::tools();
    let system = env::var_os("PATH").unwrap_or_default();
    let folders = [tools.join("bin"), tools.join("node_modules/.bin")];
    let folders = folders.into_iter().chain(env::split_paths(&system));
    env::join_paths(folders).expect("the tool folder's path holds no separator of PATH")
}

fn describe(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words: Vec<_> = words.map(|word| shorten(word).to_string_lossy().into_owned()).collect();
    words.join(" ")
}

/// Paths inside the project are shown relative to it.
fn shorten(word: &OsStr) -> &OsStr {
    Path::new(word).strip_prefix(project::root()).map_or(word, Path::as_os_str)
}
