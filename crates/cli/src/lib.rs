//! `dit`: train, convert, sample, evaluate and inspect from the command line. Options, progress bars, files, threads.
//!
//! What it does is in other crates; it must not be known by any of them.

mod bench;
mod classes;
pub mod classifier;
pub mod cli;
mod convert;
mod data;
mod decode;
mod device;
mod eval;
mod eval_words;
mod forward;
pub mod frechet;
mod growth;
pub mod image;
pub mod index;
mod info;
mod latents;
mod neighbours;
mod ngrams;
mod nodes;
pub mod output;
mod parallel;
mod path_length;
mod prune;
mod record;
mod sample;
mod samples;
mod sound;
mod targets;
mod tensors;
pub mod train;
