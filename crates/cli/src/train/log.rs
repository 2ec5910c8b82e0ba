//! What a training was like, step by step.

use anyhow::{Context, Result};
use ditscope_model_dir::write_file;
use ditscope_train::Progress;
use std::io::Write;
use std::path::{Path, PathBuf};

/// `log.csv`, one line a step.
pub struct Log {
    file: std::fs::File,
    path: PathBuf,
}

impl Log {
    /// Appends; lines of steps after the resumed checkpoint are dropped, because these steps are taken again.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn open(dir: &Path, resumed_step: usize) -> Result<Self> {
        const HEADER: &str = "step,seconds,loss,grad_norm,lr,images_per_second";
        let path = dir.join("log.csv");
        let old = std::fs::read_to_string(&path).unwrap_or_default();
        let step = |line: &str| line.split(',').next().and_then(|step| step.parse::<usize>().ok());
        let kept = old.lines().filter(|line| step(line).is_some_and(|s| s <= resumed_step));
        let text: String = std::iter::once(HEADER).chain(kept).map(|line| format!("{line}\n")).collect();
        write_file(&path, text.as_bytes())?;
        let file = std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .with_context(|| format!("{}: cannot write it", path.display()))?;
        Ok(Self { file, path })
    }

    /// # Errors
    /// Names the file that cannot be written.
    pub fn write(&mut self, progress: &Progress, loss: f64, norm: f64, lr: f64, rate: f64) -> Result<()> {
        let Progress { step, seconds, .. } = progress;
        writeln!(self.file, "{step},{seconds:.2},{loss:.6},{norm:.4},{lr:.6e},{rate:.1}")
            .with_context(|| format!("{}: cannot write it. Is the disk full?", self.path.display()))
    }
}
