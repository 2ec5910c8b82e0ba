//! Where trainings keep their weights.

/// Keys of checkpoints that hold a state_dict, the best first: the average, which the official DiT code samples from, before
/// the weights that the optimizer has.
pub const NESTED: [&str; 16] = [
    "ema",
    "ema_state_dict",
    "state_dict_ema",
    "model_ema",
    "ema_model",
    "model_ema_state_dict",
    "params_ema",
    "model",
    "model_state_dict",
    "state_dict",
    "module",
    "net",
    "network",
    "params",
    "weights",
    "transformer",
];

/// Its place in that list.
pub fn rank(key: &str) -> Option<usize> {
    NESTED.iter().position(|known| *known == key)
}
