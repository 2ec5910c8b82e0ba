//! Reading a picture that is a word.

mod state;

pub use state::letters;
