//! What is saved of a run as a picture: animated GIFs, and contact sheets (as a list of what is drawn where).
//!
//! It must not know a browser: bytes and places come out; the caller draws and stores them.

pub mod gif;
pub mod picture;
pub mod sheet;
