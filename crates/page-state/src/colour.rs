//! The colour maps of the latents, pure.
//!
//! Zero is the page's own gray, so that what differs from it stands out:
//! blue below, red above, both ends reached at ±[`RANGE`].

/// Standardised latents hardly leave ±3.
pub const RANGE: f32 = 3.0;

type Rgb = [f32; 3];

const LIGHT: [Rgb; 3] = [[33.0, 82.0, 168.0], [243.0, 242.0, 239.0], [178.0, 42.0, 44.0]];
const DARK: [Rgb; 3] = [[120.0, 172.0, 255.0], [34.0, 36.0, 41.0], [255.0, 132.0, 112.0]];

const GRAY: [Rgb; 3] = [[0.0; 3], [127.5; 3], [255.0; 3]];

/// Which colours values get.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scheme {
    /// From black to white instead of blue over gray to red.
    pub gray: bool,
    pub dark: bool,
}

impl Scheme {
    fn stops(self) -> [Rgb; 3] {
        match self {
            Self { gray: true, .. } => GRAY,
            Self { dark: true, .. } => DARK,
            Self { dark: false, .. } => LIGHT,
        }
    }

    /// RGBA of a value, whose colour is the last at ±`range`; what is not a number is transparent.
    pub fn rgba(self, value: f32, range: f32) -> [u8; 4] {
        if value.is_nan() {
            return [0; 4];
        }
        let [low, middle, high] = self.stops();
        let x = (value / range).clamp(-1.0, 1.0);
        let end = if x < 0.0 { low } else { high };
        let mix = |i: usize| (middle[i] + (end[i] - middle[i]) * x.abs()).round() as u8;
        [mix(0), mix(1), mix(2), 255]
    }

    /// The colours from the lowest value to the highest, for a legend in a style sheet.
    pub fn gradient(self) -> String {
        let [low, middle, high] = self.stops().map(|[r, g, b]| format!("rgb({r} {g} {b})"));
        format!("linear-gradient(to right, {low}, {middle}, {high})")
    }
}

/// RGBA of a latent's value; what is not a number is transparent.
pub fn diverging(value: f32, dark: bool) -> [u8; 4] {
    Scheme { gray: false, dark }.rgba(value, RANGE)
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
    fn a_fitted_range_uses_all_colours() {
        for scheme in [true, false].map(|gray| Scheme { gray, dark: true }) {
            assert_eq!(scheme.rgba(0.25, 0.25), scheme.rgba(3.0, 3.0));
            assert_eq!(scheme.rgba(-0.5, 0.25), scheme.rgba(-3.0, 3.0));
            assert_ne!(scheme.rgba(0.1, 0.25), scheme.rgba(0.1, 3.0));
        }
        assert_eq!(Scheme { gray: true, dark: false }.rgba(9.0, 3.0), [255; 4]);
    }
}
