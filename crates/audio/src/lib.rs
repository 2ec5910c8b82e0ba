//! Sound ↔ picture: log-mel spectrograms, and Griffin-Lim to make sounds of them.
//!
//! | file | what it holds |
//! |---|---|
//! | `stft` | short-time Fourier transform and its inverse |
//! | `mel` | the filter bank, and a power spectrum that a mel spectrum can stand for |
//! | `griffin_lim` | phases for magnitudes that come without |
//! | `log_mel` | a sound's picture, and a picture's sound |
//! | `wav` | a sound as a file |
//!
//! Plain numbers on the CPU: it is little work. The FFT is microfft's, whose tables are small; those of burn's would make
//! the worker a fifth larger.

mod griffin_lim;
mod log_mel;
mod mel;
mod stft;
pub mod wav;

pub use griffin_lim::griffin_lim;
pub use log_mel::LogMel;
pub use mel::MelFilters;
pub use stft::{Spectrum, Stft};
