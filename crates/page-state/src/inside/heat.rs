//! Colours for how much: from nothing, through orange, to nearly white. Pure.
//!
//! The colour of little is transparent, so that the same map lies over a picture and on a dark ground; both themes
//! share it, as they share the pictures. Its lightness rises throughout, so it can be read without colours.

use crate::film::Pixels;

const LITTLE: [f32; 3] = [196.0, 62.0, 22.0];
const MUCH: [f32; 3] = [255.0, 244.0, 176.0];

/// RGBA of a share of the largest value, 0 to 1; what is not a number is transparent.
pub fn colour(share: f32) -> [u8; 4] {
    if share.is_nan() {
        return [0; 4];
    }
    let share = share.clamp(0.0, 1.0);
    let mix = |i: usize| (LITTLE[i] + (MUCH[i] - LITTLE[i]) * share).round() as u8;
    // The lower half brings the colour in, so that little is seen as little.
    let alpha = (share * 2.0).min(1.0) * 242.0;
    [mix(0), mix(1), mix(2), alpha.round() as u8]
}

/// Values as a picture, `most` the brightest.
pub fn map(values: &[f32], width: usize, most: f32) -> Pixels {
    let most = if most > 0.0 { most } else { 1.0 };
    let rgba: Vec<u8> = values.iter().flat_map(|value| colour(value / most)).collect();
    Pixels { width, height: values.len() / width.max(1), rgba }
}

/// How far the colours of shares reach that make 1 together: at least to three times what each would have if they were
/// even, so that what is nearly even looks so.
pub fn reach(shares: &[f32]) -> f32 {
    shares.iter().copied().fold(3.0 / shares.len().max(1) as f32, f32::max)
}

/// The map itself, for a legend.
pub fn legend() -> Pixels {
    let shares: Vec<f32> = (0..64).map(|i| i as f32 / 63.0).collect();
    map(&shares, shares.len(), 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lightness over black.
    fn lightness(share: f32) -> f32 {
        let [r, g, b, a] = colour(share).map(f32::from);
        (0.2126 * r + 0.7152 * g + 0.0722 * b) * a / 255.0
    }

    #[test]
    fn more_is_lighter() {
        let steps: Vec<f32> = (0..=20).map(|i| lightness(i as f32 / 20.0)).collect();
        assert!(steps.is_sorted_by(|a, b| a < b), "{steps:?}");
        assert_eq!((colour(0.0)[3], colour(f32::NAN)), (0, [0; 4]));
        assert_eq!((colour(-1.0), colour(7.0)), (colour(0.0), colour(1.0)));
    }

    #[test]
    fn maps_have_their_shape() {
        let map = map(&[0.0, 1.0, 2.0, 4.0, 3.0, 0.0], 3, 4.0);
        assert_eq!((map.width, map.height, map.rgba.len()), (3, 2, 24));
        assert_eq!(map.rgba[12..16], colour(1.0));
        assert_eq!(self::map(&[0.0; 4], 2, 0.0).rgba, colour(0.0).repeat(4));
        assert_eq!(self::map(&[], 0, 1.0).height, 0);
        assert_eq!(legend().rgba.len(), 256);
        assert_eq!((reach(&[0.25; 4]), reach(&[0.9, 0.1, 0.0, 0.0]), reach(&[])), (0.75, 0.9, 3.0));
    }
}
