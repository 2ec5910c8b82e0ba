//! Sound ↔ picture: log-mel spectrograms, and Griffin-Lim to hear them.
//!
//! | file | what it holds |
//! |---|---|
//! | `mel` | the filter bank, and a power spectrum that a mel spectrum can stand for |
//! | `griffin_lim` | phases for magnitudes that come without |
//! | `log_mel` | a sound's picture, and a picture's sound |
//! | `wav` | a sound as a file |
//!
//! The short-time Fourier transform is burn's (periodic Hann window, frames centred, reflected at the ends, as torch and
//! torchaudio have it).

mod griffin_lim;
mod log_mel;
mod mel;
pub mod wav;

pub use griffin_lim::griffin_lim;
pub use log_mel::LogMel;
pub use mel::MelFilters;
