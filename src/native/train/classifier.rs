//! `dit train classifier`: the small network that judges samples.
