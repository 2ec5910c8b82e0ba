//! What is saved of a run as a picture: animated GIFs, and contact sheets (as a list of what is drawn where).
//!
//! It must not know a browser: bytes and places come out, and whoever saves them draws and stores.

pub mod gif;
pub mod sheet;
