//! The loop that all trainings share.

use super::begun::Begun;
use super::checkpoint;
use super::log::Log;
use super::meter::Meter;
use super::step::{Broken, Workers};
use crate::device::DeviceChoice;
#[cfg(feature = "nodes")]
use crate::nodes::NodesOptions;
use crate::nodes::Remote;
use crate::output::{Interrupted, code_of, note};
use anyhow::{Context, Result, bail, ensure};
use burn::tensor::Device;
use ditscope_model_dir::write_file;
use ditscope_train::{Progress, Task, Training, is_moment, learning_rate};
use pollster::block_on;
use serde::Serialize;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What every training can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct TrainOptions {
    /// Folder with the data set: {train,t10k}-{images-idx3,labels-idx1}-ubyte.gz, and dataset.json for others than
    /// Fashion-MNIST
    #[arg(long, value_name = "DIR", required = true)]
    pub data: Option<PathBuf>,
    /// Folder for checkpoints, the log (log.csv), pictures and the result. A training that is found there goes on: with the
    /// options that it began with where they make the model, with those of the command line else
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Passes over the training set
    #[arg(long, default_value_t = 20.0)]
    pub epochs: f64,
    /// Stop after this many minutes of training (reading and encoding the pictures comes before and is not counted); the
    /// learning rate then decays over time instead of steps
    #[arg(long)]
    pub max_minutes: Option<f64>,
    /// Pictures per optimizer step
    #[arg(long, default_value_t = 256)]
    pub batch_size: usize,
    /// Pictures per forward and backward pass; gradients are summed over the batch
    #[arg(long, default_value_t = 32)]
    pub micro_batch_size: usize,
    /// Threads that each run micro-batches of their own; 0: one per core, or one for a GPU
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
    /// Peak learning rate
    #[arg(long, default_value_t = 1e-3)]
    pub lr: f64,
    /// Steps of linear warm-up; in a short training it is over after a tenth
    #[arg(long, default_value_t = 200)]
    pub warmup_steps: usize,
    /// Decay of the averaged weights
    #[arg(long, default_value_t = 0.999)]
    pub ema_decay: f64,
    /// Largest L2 norm of the gradients
    #[arg(long, default_value_t = 1.0)]
    pub clip_norm: f64,
    /// Minutes between checkpoints
    #[arg(long, default_value_t = 3.0)]
    pub checkpoint_minutes: f64,
    /// Minutes between sample pictures
    #[arg(long, default_value_t = 10.0)]
    pub sample_minutes: f64,
    /// Seed of weights, batches and noise [default: 0]
    #[arg(long)]
    pub seed: Option<u64>,
    /// What computes
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,
    #[cfg(feature = "nodes")]
    #[command(flatten)]
    pub nodes: NodesOptions,
}

impl TrainOptions {
    /// # Errors
    /// Names the option that makes no sense.
    pub fn validate(&self) -> Result<()> {
        ensure!(self.epochs > 0.0 && self.epochs.is_finite(), "--epochs {}: use a positive number", self.epochs);
        ensure!(self.batch_size > 0, "--batch-size 0: use a positive number");
        ensure!(self.micro_batch_size > 0, "--micro-batch-size 0: use a positive number");
        ensure!(self.lr > 0.0 && self.lr.is_finite(), "--lr {}: use a positive number", self.lr);
        ensure!((0.0..1.0).contains(&self.ema_decay), "--ema-decay {}: use 0 up to 1", self.ema_decay);
        ensure!(self.clip_norm > 0.0, "--clip-norm {}: use a positive number", self.clip_norm);
        ensure!(self.max_minutes.is_none_or(|m| m > 0.0), "--max-minutes: use a positive number");
        for (name, minutes) in [("checkpoint", self.checkpoint_minutes), ("sample", self.sample_minutes)] {
            ensure!((0.0..=1e6).contains(&minutes), "--{name}-minutes {minutes}: use 0 to a million");
        }
        #[cfg(feature = "nodes")]
        self.nodes.validate()?;
        Ok(())
    }

    /// Checks the options and looks for the nodes, before anything is read.
    ///
    /// # Errors
    /// Names the option that makes no sense, or the node that does not answer.
    pub fn begin(&self) -> Result<()> {
        self.validate()?;
        self.remotes().map(drop)
    }

    /// The folder with the data set; empty where none is needed and none was given.
    pub fn data(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new(""))
    }

    /// Optimizer steps of the whole training, unless its time is up before.
    pub fn total_steps(&self, pictures: usize) -> usize {
        ((self.epochs * pictures as f64 / self.batch_size as f64).ceil() as usize).max(1)
    }

    /// Share of the training that is done: by steps or by time, whichever is further.
    pub fn share(&self, progress: &Progress, total: usize) -> f64 {
        let by_time = self.max_minutes.map_or(0.0, |minutes| progress.seconds / (60.0 * minutes));
        by_time.max(progress.step as f64 / total as f64)
    }

    /// Makes the output folder and tries it, before minutes of work.
    ///
    /// # Errors
    /// Names the folder that cannot be made, or the file that cannot be written in it.
    pub fn try_out(&self) -> Result<()> {
        std::fs::create_dir_all(&self.out)
            .with_context(|| format!("{}: cannot create the folder", self.out.display()))?;
        let probe = self.out.join("probe");
        write_file(&probe, b"probe")?;
        std::fs::remove_file(&probe).with_context(|| format!("{}: cannot remove it", probe.display()))
    }

    /// What may be another when a training goes on.
    pub fn changeable(&self) -> Changeable {
        let Self { batch_size, lr, warmup_steps, ema_decay, clip_norm, .. } = *self;
        Changeable { batch_size, lr, warmup_steps, ema_decay, clip_norm }
    }

    /// Devices of other machines, connected.
    fn remotes(&self) -> Result<Vec<Arc<Remote>>> {
        #[cfg(feature = "nodes")]
        return self.nodes.connect();
        #[cfg(not(feature = "nodes"))]
        Ok(Vec::new())
    }

    /// Threads that each work on micro-batches.
    pub fn threads(&self) -> usize {
        match self.threads {
            0 => self.device.threads(),
            n => n,
        }
    }
}

/// Options of every training that do not make the model.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Changeable {
    batch_size: usize,
    lr: f64,
    warmup_steps: usize,
    ema_decay: f64,
    clip_norm: f64,
}

/// Keeps what the averaged model makes after so many steps.
type Keep<'a, M> = &'a dyn Fn(&M, usize) -> Result<()>;

/// The loop: batches, gradients, optimizer, average, checkpoints, log.
pub struct Trainer<'a, T: Task> {
    task: Arc<T>,
    options: &'a TrainOptions,
    begun: Begun,
    device: Device,
    remotes: Vec<Arc<Remote>>,
    training: Training<T::Model>,
    keep: Option<Keep<'a, T::Model>>,
    /// The signal to stop, 0 before there is one.
    stop: Arc<AtomicUsize>,
}

impl<'a, T: Task> Trainer<'a, T> {
    /// Starts afresh, or resumes the checkpoint in the output folder. `begun`: with which options that make the model.
    ///
    /// # Errors
    /// Bad options; a checkpoint that does not fit; a node that does not answer.
    pub fn new(task: T, options: &'a TrainOptions, device: &Device, model: T::Model, begun: Begun) -> Result<Self> {
        options.validate()?;
        options.try_out()?;
        let before = Begun::read(&options.out)?;
        let training = Training::new(model, options.seed.unwrap_or(0));
        let training = checkpoint::resume(&options.out, training, device)?;
        if training.progress.step > 0 {
            note!("resumed at step {}", training.progress.step);
            match before {
                Some(before) => before.note_changes(&begun),
                None => note!("note: it did not keep the options that it began with: those given now are taken"),
            }
        }
        let remotes = options.remotes()?;
        if !remotes.is_empty() {
            note!("devices of other machines that share each batch: {}", remotes.len());
        }
        let stop = stop_on_signals().context("cannot listen to Ctrl-C and SIGTERM")?;
        Ok(Self { task: Arc::new(task), options, begun, device: device.clone(), remotes, training, keep: None, stop })
    }

    /// Also calls `keep` at the moments of the training (see [`is_moment`]) and at its end. It takes no time of the training's.
    pub fn keeping(self, keep: Keep<'a, T::Model>) -> Self {
        Self { keep: Some(keep), ..self }
    }

    /// Trains to the end and returns the averaged model. `report` is called now and then with the averaged model and the
    /// step: it writes pictures that show how far it is, and may say a figure.
    ///
    /// # Errors
    /// [`Interrupted`]; a node that is lost; a loss that is not a number; a file that cannot be written; an error of `report`.
    pub fn run(mut self, report: impl Fn(&T::Model, usize) -> Result<Option<String>>) -> Result<T::Model> {
        let total = self.options.total_steps(self.task.num_pictures());
        if self.progress(total) >= 1.0 {
            note!("{}", finished(&self.training.progress, total));
            return Ok(self.training.ema);
        }
        let began = self.training.progress.step;
        let mut log = Log::open(&self.options.out, self.training.progress.step)?;
        let meter = Meter::new(total as u64, self.training.progress.step as u64, "steps");
        let report = |trainer: &Self| -> Result<()> {
            let said = report(&trainer.training.ema, trainer.training.progress.step)?;
            said.iter().for_each(|said| meter.say(said));
            Ok(())
        };
        if self.training.progress.step == 0 {
            self.keep_moment(false);
        }
        let (mut last_save, mut last_sample, mut last) = (Instant::now(), Instant::now(), Instant::now());
        let mut smoothed = None;
        while self.progress(total) < 1.0 {
            let lr = self.learning_rate(total);
            let Some((loss, norm)) = self.step(lr)? else { return Err(self.interrupted(&meter, total)) };
            let seconds = last.elapsed().as_secs_f64();
            last = Instant::now();
            let progress = &mut self.training.progress;
            progress.seconds += seconds;
            let mean = smoothed.map_or(loss, |s: f64| 0.98 * s + 0.02 * loss);
            smoothed = Some(mean);
            let rate = self.options.batch_size as f64 / seconds;
            log.write(progress, loss, norm, lr, rate)?;
            meter.set(progress.step as u64, || self.message(mean, rate));
            // Before the checkpoint, so that a training never goes on after a moment that it has not kept.
            if self.keep_moment(self.progress(total) >= 1.0) {
                last = Instant::now();
            }
            let due = |since: Instant, minutes: f64| since.elapsed() > Duration::from_secs_f64(minutes * 60.0);
            if self.stop.load(Ordering::Relaxed) != 0 {
                return Err(self.interrupted(&meter, total));
            }
            if due(last_save, self.options.checkpoint_minutes) {
                checkpoint::save(&self.training, &self.begun, &self.options.out)?;
                last_save = Instant::now();
            }
            if due(last_sample, self.options.sample_minutes) {
                report(&self)?;
                last_sample = Instant::now();
            }
        }
        meter.leave();
        checkpoint::save(&self.training, &self.begun, &self.options.out)?;
        report(&self)?;
        self.note_what_is_missing(total);
        self.note_shares(began);
        Ok(self.training.ema)
    }

    /// Whether this was a moment to be kept. Where it cannot be, the training goes on: its checkpoints matter more.
    fn keep_moment(&self, is_last: bool) -> bool {
        let step = self.training.progress.step;
        let Some(keep) = self.keep.filter(|_| is_last || is_moment(step)) else { return false };
        if let Err(error) = keep(&self.training.ema, step) {
            note!("note: what the model makes at step {step} is not kept: {error:#}");
        }
        true
    }

    /// Where the time was up before the epochs were done.
    fn note_what_is_missing(&self, total: usize) {
        let Progress { step, seconds, .. } = self.training.progress;
        let Some(minutes) = self.options.max_minutes.filter(|_| step < total) else { return };
        let epochs = (step * self.options.batch_size) as f64 / self.task.num_pictures() as f64;
        let seen = match epochs {
            ..1.0 => "it has not seen every picture once: expect little more than noise",
            _ => "what it makes will be less clear",
        };
        note!(
            "note: after {minutes} minutes it is at step {step} of {total}, {epochs:.2} of {} epochs: {seen}. All would take \
             about {:.0} minutes of training; the same command with a larger --max-minutes, or without, goes on",
            self.options.epochs,
            (seconds / step as f64 * total as f64 / 60.0).ceil()
        );
    }

    /// Whether the other machines were worth it.
    fn note_shares(&self, began: usize) {
        let a_step = self.options.batch_size.div_ceil(self.options.micro_batch_size);
        let all = (self.training.progress.step - began) * a_step;
        let of_node = |chunk: &[Arc<Remote>]| chunk.iter().map(|remote| remote.heard.done()).sum::<usize>();
        for node in self.remotes.chunk_by(|a, b| a.name == b.name) {
            note!("{} did {} of {all} micro-batches", node[0].name, of_node(node));
        }
    }

    /// Writes the checkpoint, and says that it was interrupted, or why there is none.
    fn interrupted(&self, meter: &Meter, total: usize) -> anyhow::Error {
        let saved = checkpoint::save(&self.training, &self.begun, &self.options.out);
        meter.leave();
        let signal = self.stop.load(Ordering::Relaxed) as i32;
        let interrupted = Interrupted { signal, step: self.training.progress.step, total };
        saved.err().unwrap_or_else(|| interrupted.into())
    }

    /// Loss and norm of the gradients; nothing, if it was stopped in the midst of it, and is where it was before.
    fn step(&mut self, lr: f64) -> Result<Option<(f64, f64)>> {
        let (task, options) = (&self.task, self.options);
        let batches = self.training.batches(task.as_ref(), options.batch_size, options.micro_batch_size);
        let scale = 1.0 / options.batch_size as f64;
        let Self { device, remotes, stop, .. } = self;
        let workers = Workers { device, threads: options.threads(), remotes, stop };
        let (loss, gradients) = match workers.gradients(task, &self.training.model, batches, scale) {
            Ok(summed) => summed,
            Err(Broken::Stopped) => return Ok(None),
            Err(Broken::Lost(why)) => {
                checkpoint::save(&self.training, &self.begun, &options.out)?;
                let (step, out) = (self.training.progress.step, options.out.display());
                bail!(
                    "{why}. Step {step} is saved in {out}: start the node again, or give the same command without it in --nodes"
                );
            }
        };
        ensure!(
            loss.is_finite(),
            "the loss became {loss} at step {}: try a smaller --lr. A checkpoint in {}, where there is one, is good",
            self.training.progress.step,
            options.out.display()
        );
        let norm = block_on(self.training.step(gradients, lr, options.clip_norm, options.ema_decay));
        Ok(Some((loss, norm)))
    }

    fn progress(&self, total: usize) -> f64 {
        self.options.share(&self.training.progress, total)
    }

    fn learning_rate(&self, total: usize) -> f64 {
        let step = self.training.progress.step;
        learning_rate(self.options.lr, step, self.options.warmup_steps, self.progress(total))
    }

    fn message(&self, loss: f64, rate: f64) -> String {
        let epoch =
            self.training.progress.step as f64 * self.options.batch_size as f64 / self.task.num_pictures() as f64;
        format!("epoch {epoch:.2}  loss {loss:.4}  {rate:.0} images/s")
    }
}

/// The first Ctrl-C or SIGTERM is put there; the second ends the program at once. SIGHUP stays what it is, so that `nohup`
/// works.
fn stop_on_signals() -> std::io::Result<Arc<AtomicUsize>> {
    let (stop, is_second) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    for signal in [SIGINT, SIGTERM] {
        // In this order: what the first one sets is seen by the second.
        flag::register_conditional_shutdown(signal, code_of(signal).into(), is_second.clone())?;
        flag::register(signal, is_second.clone())?;
        flag::register_usize(signal, stop.clone(), signal as usize)?;
    }
    Ok(stop)
}

/// What is said of a training that has nothing left to do.
pub fn finished(progress: &Progress, total: usize) -> String {
    format!("already finished, at step {} of {total}: more --epochs or --max-minutes go on", progress.step)
}
