//! The diverging colour map of the latents, pure.
//!
//! Zero is the page's own quiet gray, so that only what differs from it is
//! loud: blue below, red above, both ends reached at ±[`RANGE`].

/// Standardised latents hardly leave ±3.
pub const RANGE: f32 = 3.0;

type Rgb = [f32; 3];

const LIGHT: [Rgb; 3] = [[33.0, 82.0, 168.0], [243.0, 242.0, 239.0], [178.0, 42.0, 44.0]];
const DARK: [Rgb; 3] = [[120.0, 172.0, 255.0], [34.0, 36.0, 41.0], [255.0, 132.0, 112.0]];

/// RGBA of a value; what is not a number is transparent.
pub fn diverging(value: f32, dark: bool) -> [u8; 4] {
    if value.is_nan() {
        return [0; 4];
    }
    let [low, middle, high] = if dark { DARK } else { LIGHT };
    let x = (value / RANGE).clamp(-1.0, 1.0);
    let end = if x < 0.0 { low } else { high };
    let mix = |i: usize| (middle[i] + (end[i] - middle[i]) * x.abs()).round() as u8;
    [mix(0), mix(1), mix(2), 255]
}

/// The map itself from −[`RANGE`] to [`RANGE`], for the legend.
pub fn legend(width: usize, dark: bool) -> Vec<u8> {
    let value = |i: usize| (2.0 * i as f32 / (width.max(2) - 1) as f32 - 1.0) * RANGE;
    (0..width).flat_map(|i| diverging(value(i), dark)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_is_symmetric_and_clamped() {
        for dark in [false, true] {
            let middle = diverging(0.0, dark);
            assert_eq!(diverging(-0.0, dark), middle);
            assert_eq!(diverging(f32::INFINITY, dark), diverging(RANGE, dark));
            assert_eq!(diverging(-9.0, dark), diverging(-RANGE, dark));
            let distance = |v| (0..3).map(|i| diverging(v, dark)[i].abs_diff(middle[i]) as u32).sum::<u32>();
            assert!(distance(1.0) < distance(2.0) && distance(-1.0) < distance(-2.0));
        }
    }

    #[test]
    fn no_number_no_colour() {
        assert_eq!(diverging(f32::NAN, false), [0; 4]);
    }

    #[test]
    fn the_legend_spans_the_range() {
        let legend = legend(65, true);
        assert_eq!(legend[..4], diverging(-RANGE, true));
        assert_eq!(legend[32 * 4..33 * 4], diverging(0.0, true));
        assert_eq!(legend[64 * 4..], diverging(RANGE, true));
    }
}
