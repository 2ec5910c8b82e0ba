//! What is saved of a run as a picture: animated GIFs, videos (of pictures that come encoded), and contact sheets (as a list
//! of what is drawn where).
//!
//! It must not know a browser: bytes and places come out; the caller draws, encodes and stores them.

pub mod gif;
pub mod mp4;
pub mod picture;
pub mod sheet;
