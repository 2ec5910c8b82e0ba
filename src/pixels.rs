//! Numbers ↔ pixels.

/// [−1, 1] → 0 to 255, rounded and clamped; NaN becomes 0.
pub fn to_u8(value: f32) -> u8 {
    ((value + 1.0) * 127.5).round() as u8
}
