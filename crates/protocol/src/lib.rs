//! Every message between the page and the worker, and nothing else.
//!
//! A message is a JSON header and, where there is bulk data, byte buffers that
//! are transferred, not copied. How it is sent from one thread to the other is in
//! `src/envelope.rs`.
//!
//! ```text
//! page                                worker
//!   | <------------------------ Ready --|   the script runs
//!   |-- Load{source, backend} -------->|
//!   | <-- Loading, Config, LoadProgress…|
//!   | <------------------- Loaded ------|   (or LoadCancelled, Failed)
//!   |-- Generate{run, settings, …} --->|
//!   | <----- Started, Shared, Frame… ---|   a Frame for each step, and the final one
//!   |-- Pause, StepOnce, Resume ------>|
//!   | <------------------- Paused ------|   the run is held before a step
//!   | <--------------------- Done ------|   (or Cancelled, Failed; a new worker can go on: Generate{resume})
//!   |-- Ask{id, ask} ----------------->|   at any time, beside a run too
//!   | <----------------- Answered ------|   every one is answered, once
//! ```
//!
//! Messages have no words for people but those of others: why something was not done is a [`Refusal`].

mod refusal;
pub mod training;

pub use refusal::{FailureKind, Reason, Refusal};

use ditscope_config::{CatalogEntry, ModelConfig, RunSettings};
use serde::{Deserialize, Serialize};

/// Another one when messages have become others, so that page and worker of different builds know it.
pub const VERSION: &str = env!("DITSCOPE_PROTOCOL");

/// From the page to the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToWorker {
    /// Choose a device and load a model folder. Replaces what was loaded or is loading.
    Load {
        source: ModelSource,
        backend: BackendChoice,
        /// Chosen by the page, and told back as [`FromWorker::Loading`].
        #[serde(default)]
        load: u32,
    },
    /// Make a model of this shape with random weights, to measure what it costs: a [`ditscope_config::DitConfig`] as JSON,
    /// which the part of the page that measures writes. Otherwise as Load, but that CancelLoad does not stop it.
    LoadRandom {
        transformer: String,
        backend: BackendChoice,
    },
    /// Describe a model without loading it.
    Inspect {
        source: ModelSource,
    },
    /// Stop loading.
    CancelLoad,
    /// Start a run; one that is under way is replaced. The first buffer only with `start`: the latents to begin with,
    /// f32 little-endian `[C, h, w]` for all pictures, or `[N, C, h, w]`. The others only with `resume`.
    Generate {
        /// Chosen by the page, carried by everything that belongs to this run.
        run: u32,
        settings: RunSettings,
        /// Empty: the pictures that the settings say. Else one picture for each scale, all with the settings' seed.
        #[serde(default)]
        guidance_scales: Vec<f64>,
        /// Begin with a picture instead of noise alone.
        #[serde(default)]
        start: Option<StartFrom>,
        /// Go on with a run whose worker was lost: the next frame, counted from 0, and as buffers the [`FramePart::State`]
        /// of the one before.
        #[serde(default)]
        resume: Option<usize>,
        /// How it departs from its settings: an [`ditscope_config::Experiment`] as JSON, which the part of the page that
        /// makes it writes. With `given_noise` the first buffer is that noise, `[C, h, w]` for all pictures, and `start`'s
        /// comes after it.
        #[serde(default)]
        experiment: Option<String>,
    },
    /// Stop the run after the step in hand, and the decoding in hand.
    Cancel,
    /// Hold the run before its next step, until Resume or StepOnce. The model stays free for Ask.
    Pause,
    /// Take one step, and hold the run again (also one that was not held).
    StepOnce,
    Resume,
    /// Have the model do something beside a run. A newer one of the same kind takes the place of one that is
    /// not answered yet, which is then refused.
    Ask {
        /// Chosen by the page, carried by the answer.
        id: u32,
        ask: Ask,
    },
}

/// Where a run with a given picture begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartFrom {
    /// The first step that is taken, 0 (all of them) to one less than there are.
    pub step: usize,
}

/// What the model can do beside a run. Latents are standardised, f32 little-endian.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// A picture's latent. Buffer 0: the picture f32 `[C, H, W]` in [−1, 1] of the model's size, RGB or gray
    /// (turned into what the model knows).
    Encode,
    /// A latent's picture, with a heavy decoder a preview. Buffer 0: the latent `[C, h, w]`.
    DecodeLatent,
    /// A picture of a frame that was a preview, by the whole decoder, with [`FromWorker::DecodeProgress`]. Refused
    /// while a run goes on, unless it is held; stopped by Cancel. Buffer 0: its `x0_hat` latent `[C, h, w]`, as that
    /// frame brought it.
    DecodePicture { run: u32 },
    /// Noise a latent to timestep t of the training process, with the noise that a run with this seed begins
    /// with. Buffer 0: the latent `[C, h, w]`.
    QSample { t: usize, seed: u64 },
    /// The noise of such a latent, and what the model takes for noise in it. Buffer 0: the latent without noise `[C, h, w]`.
    SeeNoise { t: usize, seed: u64, class: usize },
    /// How far the noise that the model sees in such a latent is off, for each of some classes. Buffer 0: as before.
    ClassErrors { t: usize, seed: u64, classes: Vec<usize> },
    /// A [`ditscope_config::Measurement`] as JSON, which the part of the page that asks writes. Buffer 0: the latent
    /// `[C, h, w]`, or nothing where none is needed.
    Measure { what: String },
    /// The sound of a latent's picture, for a model whose pictures are spectrograms. Buffer 0: the latent `[C, h, w]`.
    Sound,
    /// Look into one forward pass. Buffer 0: x_t `[C, h, w]`.
    Trace {
        t: usize,
        /// `None`: without a class.
        class: Option<usize>,
        /// Whose attention is wanted.
        block: usize,
    },
    /// How strongly the condition acts on each block at these timesteps.
    Modulation { class: Option<usize>, timesteps: Vec<usize> },
}

impl Ask {
    /// Of so many classes the errors can be asked for at once.
    pub const MOST_CLASSES: usize = 32;
}

/// What came of an [`Ask`]; all buffers but pictures are f32 little-endian.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// Buffer 0: the latent `[C, h, w]`.
    Encoded { latent_shape: [usize; 3] },
    /// Buffer 0: the picture, u8 RGBA `[H, W, 4]`.
    LatentDecoded { image_shape: [usize; 2], preview: bool },
    /// Buffer 0: the picture, u8 RGBA `[H, W, 4]` (of the run's `image_shape`).
    PictureDecoded,
    /// Buffer 0: x_t `[C, h, w]`; buffer 1: its picture, u8 RGBA `[H, W, 4]`, with a heavy decoder a preview.
    QSampled { latent_shape: [usize; 3], image_shape: [usize; 2], preview: bool, alpha_bar: f64 },
    /// `[C, h, w]` each. Buffer 0: the noise ε; buffer 1: the noise that the model predicts with the class; buffer 2: without.
    NoiseSeen { latent_shape: [usize; 3] },
    /// Buffer 0: a mean square for each class `[classes]`.
    ClassErrors,
    /// Buffers: as the [`ditscope_config::Measurement`] says.
    Measured,
    /// Buffer 0: a WAV file.
    Sound,
    /// Buffer 0: attention of the asked block `[heads, tokens, tokens]` (a row is what one token looks at, and
    /// sums to 1; tokens go row by row over `grid`); buffer 1: norms of the tokens before the first block and
    /// after each `[depth + 1, tokens]`; buffer 2: as for Modulated, `[depth, 6]`.
    Traced { block: usize, heads: usize, depth: usize, grid: [usize; 2] },
    /// Buffer 0: mean absolute value of each block's adaLN vectors `[timesteps, depth, 6]`: shift, scale, gate
    /// of the attention, then of the MLP.
    Modulated { timesteps: usize, depth: usize },
}

/// Where a model folder is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelSource {
    /// Address of the folder (absolute), without a trailing slash.
    Url(String),
    /// A folder on the visitor's disk, by a name that the page gave it; the files travel with the message.
    Folder(String),
}

impl ModelSource {
    /// For people and for keys: the address, or the folder's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Url(name) | Self::Folder(name) => name,
        }
    }
}

/// Name of the browser cache (Cache API) that keeps the shards of the model at this address.
/// Keys in it are the shards' addresses with `?sha256=` and the hash.
pub fn cache_name(model_url: &str) -> String {
    format!("{CACHE_PREFIX}{model_url}")
}

/// What all names of such caches begin with.
pub const CACHE_PREFIX: &str = "ditscope-weights ";

/// From the worker to the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromWorker {
    /// The worker's script runs and takes messages.
    Ready,
    /// A load begins. Config, LoadProgress, Loaded, LoadCancelled, and a Failed without a run, are of the one begun last.
    Loading(u32),
    /// The model's description, as soon as it is there (before the weights).
    Config(Box<ModelConfig>),
    /// Bytes of weights so far; `stage` says what is done now.
    LoadProgress {
        stage: LoadStage,
        loaded_bytes: u64,
        total_bytes: u64,
    },
    /// The model is ready to generate.
    Loaded {
        backend: Backend,
        notices: Vec<LoadNotice>,
        num_parameters: u64,
        weights: WeightsReport,
    },
    LoadCancelled,
    /// The answer to Inspect.
    Inspected {
        source: ModelSource,
        result: Result<CatalogEntry, Refusal>,
    },
    /// A run has begun.
    Started {
        run: u32,
        info: RunInfo,
    },
    /// So many workers share the run's steps; not told where one computes alone.
    Shared {
        run: u32,
        workers: usize,
    },
    /// One step of a run. A buffer for each of its `parts`, in their order.
    Frame(FrameInfo),
    /// The run is held; `step` is the one that comes next.
    Paused {
        run: u32,
        step: usize,
    },
    /// What came of an Ask, with the buffers that the answer names.
    Answered {
        id: u32,
        result: Result<Answer, Refusal>,
    },
    /// How far the decoding of a heavy decoder is: of the last frame's pictures, or of one that was asked for.
    DecodeProgress {
        run: u32,
        done: usize,
        total: usize,
    },
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
        why: Refusal,
    },
}

/// What a load is at; the page has the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoadStage {
    Device,
    /// Weights come over the network or from the visitor's disk.
    Weights,
    /// Weights come from the browser's storage.
    StoredWeights,
}

/// What the visitor should know about a load that came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoadNotice {
    /// Why the CPU computes and not a GPU.
    CpuInstead(Refusal),
    /// Why the weights are kept for this visit only.
    NotKept(Refusal),
    /// A kernel of our own computes wrong on this device: `of` names it, `found` says what it gave.
    LeftOut(Refusal),
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
    /// The original timestep t of each step that is taken, first (noisiest) to last; of a flow model the nearest.
    pub timesteps: Vec<usize>,
    /// ᾱ at each of them.
    pub alpha_bar: Vec<f64>,
    /// Steps that were left out because the run began with a picture. They have no timesteps here, and
    /// frames are counted without them.
    pub steps_skipped: usize,
    /// One for each picture.
    pub guidance_scales: Vec<f64>,
    /// Guided ε is `uncond + scale·(cond − uncond)` on the first so many channels, on others `cond`.
    pub guidance_channels: usize,
}

/// What a buffer of a frame holds. Pictures are u8 RGBA `[N, H, W, 4]`, all others f32 little-endian `[N, C, h, w]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FramePart {
    /// The latents before the step; in the last frame the finished ones.
    XT,
    /// x̂0 as pictures of the frame's `image_shape`.
    Pictures,
    /// The clean latents predicted from x_t.
    X0Hat,
    /// The noise that the network sees in x_t with the class, whatever it was trained to predict; before clamping.
    EpsCond,
    /// The same without the class; absent where it is not computed because all scales are 1.
    EpsUncond,
    /// What the steps to come depend on, in so many parts as the sampler needs: the latents after the step, then what it
    /// remembers. In every frame of a run but the last, in no recording.
    State,
}

/// Where in the run a frame stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameInfo {
    pub run: u32,
    /// 0 … number of steps. Frame i < steps shows x_t before step i and what was predicted from it;
    /// the last one shows the finished latents and pictures, and has no other parts.
    pub step: usize,
    /// Time from the end of the yield between two steps until the frame is posted (the step, decoding, reading back and
    /// copying), and what posting the frame before took. Waiting while the run is held is not counted.
    pub ms: f64,
    /// Side lengths `[H, W]` of this frame's pictures: the run's, or for a preview the latent's.
    pub image_shape: [usize; 2],
    /// Whether the pictures are the cheap linear map of the latents and not decoded.
    #[serde(default)]
    pub preview: bool,
    /// What the buffers hold.
    pub parts: Vec<FramePart>,
}

/// Where the weights came from and how they are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsReport {
    /// "f32", "f16" or "int8": how the linear weights lie on the device.
    pub dtype: String,
    /// Bytes that came over the network, and from the browser's storage or the visitor's disk.
    pub fetched_bytes: u64,
    pub stored_bytes: u64,
}

/// A recorded run (`run.json` beside `run.bin`): what is shown while the model loads.
/// `run.bin` holds, frame by frame and part by part, the buffers of [`FromWorker::Frame`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedRun {
    /// The model's name and the label of the class, for the caption.
    pub model: String,
    pub label: String,
    pub info: RunInfo,
    pub frames: Vec<FrameInfo>,
}
