//! How far a long work is: a bar on a terminal, a line now and then where there is none.

use crate::output::note;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Between two lines.
const EVERY: Duration = Duration::from_secs(30);

/// Counts to a total.
pub struct Meter {
    unit: &'static str,
    bar: ProgressBar,
    /// Where it began to count, and when.
    from: (u64, Instant),
    /// When the last line was written; nothing where there is a bar.
    lines: Option<Mutex<Option<Instant>>>,
}

impl Meter {
    /// `done`: what earlier sittings did.
    pub fn new(total: u64, done: u64, unit: &'static str) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_position(done);
        let template = format!("{{bar:30}} {{pos}}/{{len}} {unit}  {{msg}}  ETA {{eta}}");
        bar.set_style(ProgressStyle::with_template(&template).expect("a valid template"));
        bar.reset_eta();
        Self { unit, bar, from: (done, Instant::now()), lines: (!is_terminal).then(|| Mutex::new(None)) }
    }

    /// So many are done; `message` says more about them.
    pub fn set(&self, done: u64, message: impl Fn() -> String) {
        self.bar.set_position(done);
        match &self.lines {
            None => self.bar.set_message(message()),
            Some(last) => self.line(last, &message()),
        }
    }

    /// So many more are done, on whatever thread.
    pub fn add(&self, more: u64) {
        self.bar.inc(more);
        if let Some(last) = &self.lines {
            self.line(last, "");
        }
    }

    /// A line of its own beside what is counted.
    pub fn say(&self, text: &str) {
        self.bar.suspend(|| note!("{text}"));
    }

    /// The bar stays as it is now.
    pub fn leave(&self) {
        self.bar.abandon();
    }

    fn line(&self, last: &Mutex<Option<Instant>>, message: &str) {
        let mut last = last.lock().expect("no thread panics while it holds it");
        if last.is_some_and(|last| last.elapsed() < EVERY) {
            return;
        }
        *last = Some(Instant::now());
        let (done, total) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let (of_this_sitting, left) = (done.saturating_sub(self.from.0), total.saturating_sub(done));
        let left = self.from.1.elapsed().as_secs_f64() * left as f64 / of_this_sitting.max(1) as f64;
        let message = if message.is_empty() { String::new() } else { format!("  {message}") };
        note!("{done} of {total} {}{message}  about {} left", self.unit, HumanDuration(Duration::from_secs_f64(left)));
    }
}
