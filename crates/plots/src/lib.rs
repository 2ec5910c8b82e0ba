//! Hand-made plots, as SVG in a string: the curves of a noise schedule, how large latents are, errors over t, what a picture costs.
//!
//! It must not know a browser or a word: the caller brings the names.

pub mod curves;
pub mod drawing;
pub mod errors;
pub mod geometry;
pub mod growth;
pub mod pareto;
pub mod sizes;
pub mod training;
