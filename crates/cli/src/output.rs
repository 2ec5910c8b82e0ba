//! What is said: results on standard output, notes and errors on standard error, and how the program ends.
//!
//! Names come from files of others: control characters in them are shown, not sent to the terminal. Standard output may be
//! closed or full, which is an error like any other and no panic.

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use std::borrow::Cow;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// The code of a program whose reader went away (128 + SIGPIPE), as a shell shows it.
const CLOSED_PIPE: u8 = 141;

/// One line on standard output, formatted as `format!` does.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::line(&format!($($text)*)) };
}

/// One line on standard error.
macro_rules! note {
    ($($text:tt)*) => { $crate::output::note_line(&format!($($text)*)) };
}

pub(crate) use {note, say};

/// How many of so many pictures are done.
pub fn progress(pictures: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} pictures  ETA {eta}").expect("a valid template");
    ProgressBar::new(pictures as u64).with_style(style)
}

/// The code of a program that a signal ended, as a shell shows it: 130 after Ctrl-C, 143 after SIGTERM.
pub fn code_of(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

/// A training that was stopped from outside; its checkpoint is written.
#[derive(Debug)]
pub struct Interrupted {
    pub signal: i32,
    pub step: usize,
    pub total: usize,
}

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { step, total, .. } = self;
        write!(
            f,
            "interrupted at step {step} of {total}: the checkpoint is written, the same command goes on from there"
        )
    }
}

impl std::error::Error for Interrupted {}

/// Writes one line to standard output.
///
/// # Errors
/// It is full, or closed.
pub fn line(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", visible(text)).and_then(|()| out.flush()).context("standard output: cannot write to it")
}

/// Writes text of several lines.
///
/// # Errors
/// As [`line()`].
pub fn lines(text: &str) -> Result<()> {
    text.lines().try_for_each(line)
}

/// Where standard error is gone, nobody reads it.
pub fn note_line(text: &str) {
    drop(writeln!(std::io::stderr(), "{}", visible(text)));
}

/// Says what went wrong; the code to end with.
pub fn failure(error: &anyhow::Error) -> ExitCode {
    if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
        note!("{interrupted}");
        return code_of(interrupted.signal).into();
    }
    let closed = |cause: &std::io::Error| cause.kind() == ErrorKind::BrokenPipe;
    if error.chain().filter_map(|cause| cause.downcast_ref()).any(closed) {
        return CLOSED_PIPE.into();
    }
    note!("error: {error:#}");
    ExitCode::FAILURE
}

/// Shows help, or what is wrong with the options; the code to end with.
pub fn usage(said: &clap::Error) -> ExitCode {
    // It quotes the words that were typed, or that a shell made of the names of files.
    if std::env::args_os().any(|word| word.to_string_lossy().chars().any(is_hidden)) {
        said.render().to_string().lines().for_each(note_line);
    } else if let Err(error) = said.print() {
        return failure(&anyhow::Error::new(error).context("cannot write to standard output"));
    }
    ExitCode::from(u8::try_from(said.exit_code()).unwrap_or(2))
}

/// The text as one line that a terminal shows and does not obey: control characters, and those that turn the direction of
/// writing, are escaped as in JSON.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let escaped = |c: char| match c {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        c if is_hidden(c) => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    Cow::Owned(text.chars().map(escaped).collect())
}

fn is_hidden(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control() && c != '\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        assert!(matches!(visible("Fréchet distance, 靴\t👢"), Cow::Borrowed(_)));
        assert_eq!(
            visible("a\x1b[2J\x07b\nc\rd\u{9b}e\u{202e}f\x7f"),
            "a\\u001b[2J\\u0007b\\nc\\rd\\u009be\\u202ef\\u007f"
        );
    }
}
