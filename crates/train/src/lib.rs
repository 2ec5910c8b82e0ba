//! Training, as far as it needs neither a file nor a thread: what is trained ([`Task`]s: autoencoder, transformer,
//! classifier), which batch a step takes, loss, gradients, optimizer and average.
//!
//! It must not know a folder, a thread, a command line or a backend, and compiles to WebAssembly. Read-back is
//! asynchronous, as a browser needs it. The caller brings the device, decides between two steps whether to go on, and
//! keeps checkpoints.

mod autoencoder;
mod classifier;
mod copy;
mod dataset;
mod dit;
mod gradients;
mod latents;
mod moments;
mod optimizer;
mod perceptual;
mod session;
mod task;
mod training;
mod trust;

pub use autoencoder::AutoencoderTask;
pub use classifier::{Classifier, ClassifierTask, NUM_FEATURES};
pub use dataset::{Dataset, DatasetInfo};
pub use dit::{DitTask, TimestepSampling};
pub use gradients::Gradients;
pub use latents::Latents;
pub use moments::{is_moment, mean_losses};
pub use optimizer::{clip_global_norm, ema_decay, learning_rate, update_ema};
pub use perceptual::Perceptual;
pub use session::{Checkpoint, NotFinite, Recipe, Session, Stepped};
pub use task::Task;
pub use training::{Progress, Training};
pub use trust::agrees;
