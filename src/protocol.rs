//! Every message between the page and the worker, and nothing else.
//!
//! A message is a JSON header and, where there is bulk data, byte buffers that
//! are transferred, not copied. How it crosses the thread is the business of
//! `ui::bridge` and `worker`.
//!
//! ```text
//! page                                worker
//!   | <------------------------ Ready --|   the script runs
//!   |-- Load{model_url, backend} ----->|
//!   | <-- Config, LoadProgress… --------|
//!   | <------------------- Loaded ------|   (or LoadCancelled, Failed)
//!   |-- Generate{run, settings} ------>|
//!   | <------------- Started, Frame… ---|   a Frame for each step, and the final one
//!   | <--------------------- Done ------|   (or Cancelled, Failed)
//! ```

use crate::config::{ModelConfig, RunSettings};
use serde::{Deserialize, Serialize};

/// From the page to the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToWorker {
    /// Choose a device and load a model folder. Replaces what was loaded or is loading.
    Load {
        /// Address of the model folder (absolute, or relative to the page), without a trailing slash.
        model_url: String,
        backend: BackendChoice,
    },
    /// Stop loading.
    CancelLoad,
    /// Start a run; one that is under way is replaced.
    Generate {
        /// Chosen by the page, carried by everything that belongs to this run.
        run: u32,
        settings: RunSettings,
    },
    /// Stop the run after the step in hand.
    Cancel,
}

/// From the worker to the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromWorker {
    /// The worker's script runs and takes messages.
    Ready,
    /// The model's description, as soon as it is there (before the weights).
    Config(Box<ModelConfig>),
    /// Bytes of weights so far; `stage` says what is done now, in words.
    LoadProgress {
        stage: String,
        loaded_bytes: u64,
        total_bytes: u64,
    },
    /// The model is ready to generate.
    Loaded {
        backend: Backend,
        /// What the visitor should know: a rung of the device ladder that was passed, and why.
        notices: Vec<String>,
        num_parameters: u64,
    },
    LoadCancelled,
    /// A run has begun.
    Started {
        run: u32,
        info: RunInfo,
    },
    /// One step of a run. Buffers: 0 `x_t` f32 little-endian `[N, C, h, w]`,
    /// 1 `x0_hat` decoded, u8 RGBA `[N, H, W, 4]`.
    Frame(FrameInfo),
    /// All steps are done; the last frame holds the pictures.
    Done {
        run: u32,
        total_ms: f64,
    },
    /// Stopped as asked; the frames so far stay good.
    Cancelled {
        run: u32,
    },
    /// Loading (`run` absent) or a run failed; frames so far stay good.
    Failed {
        run: Option<u32>,
        kind: FailureKind,
        message: String,
    },
}

/// Which device the visitor wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendChoice {
    /// A real GPU through WebGPU if there is one, else the CPU.
    #[default]
    Auto,
    WebGpu,
    Cpu,
}

/// The device in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backend {
    /// "WebGPU" or "CPU".
    pub name: String,
    /// The adapter's own words, or what the CPU path uses.
    pub detail: String,
}

/// Shapes and numbers that hold for the whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    pub settings: RunSettings,
    /// Pictures N.
    pub num_images: usize,
    /// Latent `[C, h, w]`.
    pub latent_shape: [usize; 3],
    /// Picture `[H, W]`.
    pub image_shape: [usize; 2],
    /// The original timestep t of each step, first (noisiest) to last.
    pub timesteps: Vec<usize>,
    /// ᾱ at each of them.
    pub alpha_bar: Vec<f64>,
}

/// Where in the run a frame stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameInfo {
    pub run: u32,
    /// 0 … number of steps. Frame i < steps shows x_t before step i and the x̂0 predicted from it;
    /// the last one shows the finished latents and pictures.
    pub step: usize,
    /// Time of the step that made it, read-back and decoding included.
    pub ms: f64,
}

/// What kind of thing went wrong: decides what the page offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// A file is missing or the connection broke: try again.
    Network,
    /// A file is there and wrong: corrupt, truncated, of another shape.
    BadModel,
    /// No device, or it was lost or ran out of memory: try again, or take the CPU.
    Device,
    /// The request made no sense.
    BadRequest,
}

/// A recorded run (`run.json` beside `run.bin`): what is shown while the model loads.
/// `run.bin` holds, frame by frame, the two buffers of [`FromWorker::Frame`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedRun {
    /// The model's name and the label of the class, for the caption.
    pub model: String,
    pub label: String,
    pub info: RunInfo,
    /// Milliseconds each frame took when it was recorded.
    pub frame_ms: Vec<f64>,
}
