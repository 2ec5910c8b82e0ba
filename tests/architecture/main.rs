//! The walls between the parts (see ARCHITECTURE.md).
//!
//! Cargo holds most of them: what a crate may not use is not among its dependencies. `walls` checks that list, and that
//! no feature leaks from one package into another; `circles` that files which import one another are few; `words` what
//! Cargo cannot say, by reading the sources as text.

mod cargo;
mod circles;
mod sources;
mod walls;
mod words;
