//! Numbers → pixels, the same natively and on the page.

/// [−1, 1] → 0 to 255, rounded and clamped; NaN becomes 0.
pub fn to_u8(value: f32) -> u8 {
    ((value + 1.0) * 127.5).round() as u8
}

/// Interleaved pictures in [−1, 1] → RGBA; a single (gray) channel is repeated.
pub fn rgba(values: &[f32], channels: usize) -> Vec<u8> {
    let pixel = |values: &[f32]| {
        let channel = |i: usize| to_u8(values[i.min(channels - 1)]);
        [channel(0), channel(1), channel(2), u8::MAX]
    };
    values.chunks_exact(channels).flat_map(pixel).collect()
}
