//! Hearing a picture that is a spectrogram.

mod state;

pub use state::{Heard, Listening, Subject};
