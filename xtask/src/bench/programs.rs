//! Programs that run beside this one and measure what they are told, line by line: ours and PyTorch's.

use crate::process::{command, command_line};
use anyhow::{Context, Result, bail};
use std::cell::RefCell;
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// What is to be done how often. As text, the line that the programs read.
#[derive(Clone, Debug)]
pub struct Job {
    /// `forward`, or `step`: a guided one.
    pub what: &'static str,
    /// A size of the paper, or `shipped`, which has its own side and depth; a step of it is decoded, too.
    pub model: &'static str,
    /// Of the latents. Patches are 2x2.
    pub side: usize,
    /// Blocks; 0: as many as the model has.
    pub depth: usize,
    pub pictures: usize,
    pub times: usize,
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, model, side, depth, pictures, times } = self;
        write!(f, "{what} {model} {side} {depth} {pictures} {times}")
    }
}

/// A program that is running. Ends with the value.
pub struct Program {
    child: Child,
    ends: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Program {
    /// Ours, built first.
    pub fn ours() -> Result<Self> {
        const PACE: &str = "cargo bench --quiet --workspace --bench pace";
        crate::process::run(&mut command_line(&format!("{PACE} --no-run")))?;
        Self::start(&mut command_line(PACE))
    }

    pub fn torch(python: &Path) -> Result<Self> {
        Self::start(command(python).arg("tools/torch_pace.py"))
    }

    fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("'{name}' did not start"))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let ends = input.zip(output).map(|(input, output)| (input, BufReader::new(output)));
        Ok(Self { child, ends: RefCell::new(ends.context("a program with both ends")?) })
    }

    /// Thousands of millions of operations, and the milliseconds of each time.
    pub fn measure(&self, job: &Job) -> Result<(f64, Vec<f64>)> {
        let mut answer = String::new();
        {
            let (input, output) = &mut *self.ends.borrow_mut();
            // Where it has ended, there is no answer, either.
            let _ = writeln!(input, "{job}").and_then(|()| input.flush());
            output.read_line(&mut answer)?;
        }
        parse(&answer).with_context(|| format!("no times of '{job}'; what it wrote is above"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parse(answer: &str) -> Result<(f64, Vec<f64>)> {
    let numbers: Result<Vec<f64>, _> = answer.split_whitespace().map(str::parse).collect();
    match numbers.with_context(|| format!("'{}'", answer.trim()))?.split_first() {
        Some((gflop, times)) if !times.is_empty() => Ok((*gflop, times.to_vec())),
        _ => bail!("it ended"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_a_line_and_its_answer_numbers() {
        let job = Job { what: "step", model: "XL", side: 32, depth: 2, pictures: 4, times: 5 };
        assert_eq!(job.to_string(), "step XL 32 2 4 5");
        assert_eq!(parse("0.5 1 2.5\n").expect("times"), (0.5, vec![1.0, 2.5]));
        assert_eq!(parse("").expect_err("nothing").to_string(), "it ended");
        assert_eq!(parse("no memory\n").expect_err("words").to_string(), "'no memory'");
    }
}
