//! The mel filter bank: triangles of equal width on the mel scale.

use ditscope_config::AudioConfig;
use ditscope_config::mel_scale::{hz, mel};

/// Triangular filters over the bins of a spectrum, each with peak 1 (librosa's `htk=True, norm=None`).
#[derive(Debug, Clone)]
pub struct MelFilters {
    /// For each band, the lowest first, its first bin and its weights from there.
    bands: Vec<(usize, Vec<f32>)>,
    bins: usize,
}

impl MelFilters {
    /// The filters of a configuration that was validated.
    pub fn new(config: &AudioConfig) -> Self {
        let bins = config.n_fft / 2 + 1;
        let bin_hz = f64::from(config.sample_rate) / config.n_fft as f64;
        let (low, high) = (mel(config.f_min), mel(config.f_max));
        let corner = |i: usize| hz(low + (high - low) * i as f64 / (config.n_mels + 1) as f64);
        let band = |band: usize| {
            let (left, peak, right) = (corner(band), corner(band + 1), corner(band + 2));
            let weight = |bin: usize| {
                let f = bin as f64 * bin_hz;
                ((f - left) / (peak - left)).min((right - f) / (right - peak)).max(0.0) as f32
            };
            let first = ((left / bin_hz).floor() as usize).min(bins);
            let last = ((right / bin_hz).ceil() as usize + 1).clamp(first, bins);
            (first, (first..last).map(weight).collect())
        };
        Self { bands: (0..config.n_mels).map(band).collect(), bins }
    }

    /// Power in each band.
    ///
    /// # Shapes
    /// - `power`: `[bins]`
    /// - result: `[bands]`
    pub fn apply(&self, power: &[f32]) -> Vec<f32> {
        let band =
            |(first, weights): &(usize, Vec<f32>)| weights.iter().zip(&power[*first..]).map(|(w, p)| w * p).sum();
        self.bands.iter().map(band).collect()
    }

    /// A power spectrum ≥ 0 with this power in each band. There are fewer bands than bins, so it is one of many.
    ///
    /// Multiplicative updates for the Kullback–Leibler divergence (Lee & Seung 2001, "Algorithms for non-negative
    /// matrix factorization"; the same as Richardson–Lucy's deconvolution). Begun with an even spectrum they stay as
    /// even as the bands allow, and they serve loud and soft bands alike, which least squares do not.
    ///
    /// # Shapes
    /// - `mel`: `[bands]`, each ≥ 0
    /// - result: `[bins]`
    pub fn invert(&self, mel: &[f32], iterations: usize) -> Vec<f32> {
        let loudest = mel.iter().copied().fold(0.0f32, f32::max);
        let total = self.spread(&vec![1.0; mel.len()]);
        // A bin that is in no band, as that of 0 Hz, stays silent.
        let mut power: Vec<f32> = total.iter().map(|total| if *total > 0.0 { loudest } else { 0.0 }).collect();
        for _ in 0..iterations {
            let found = self.apply(&power);
            let ratios: Vec<f32> = mel.iter().zip(found).map(|(m, f)| m / f.max(f32::MIN_POSITIVE)).collect();
            for ((power, back), total) in power.iter_mut().zip(self.spread(&ratios)).zip(&total) {
                *power *= back / total.max(f32::MIN_POSITIVE);
            }
        }
        power
    }

    /// `[bands]` → `[bins]`, each band by its weights.
    fn spread(&self, mel: &[f32]) -> Vec<f32> {
        let mut spread = vec![0.0; self.bins];
        for ((first, weights), value) in self.bands.iter().zip(mel) {
            for (bin, weight) in spread[*first..].iter_mut().zip(weights) {
                *bin += weight * value;
            }
        }
        spread
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_mel::tests::config;

    #[test]
    fn neighbouring_triangles_are_each_others_complement() {
        let total = MelFilters::new(&config()).spread(&[1.0; 64]);
        assert_eq!(total.len(), 513);
        for (bin, total) in total.iter().enumerate() {
            let f = bin as f64 * 16_000.0 / 1024.0;
            if f > config().band_hz(0) && f < config().band_hz(63) {
                assert!((total - 1.0).abs() < 1e-5, "bin {bin}: {total}");
            }
        }
        assert!(total[0] < 1e-6 && total[512] < 1e-6, "the outermost corners are at 0 Hz and 8000 Hz");
    }

    #[test]
    fn a_bins_power_goes_to_the_two_bands_around_it() {
        let mut power = vec![0.0; 513];
        power[64] = 2.0; // 1000 Hz
        let mel = MelFilters::new(&config()).apply(&power);
        let found: Vec<usize> = (0..64).filter(|band| mel[*band] > 0.0).collect();
        assert_eq!(found.len(), 2);
        assert!(config().band_hz(found[0]) <= 1000.0 && config().band_hz(found[1]) >= 1000.0);
        assert!((mel.iter().sum::<f32>() - 2.0).abs() < 1e-5);
    }

    #[test]
    fn an_inverted_spectrum_has_the_asked_power_in_each_band() {
        let filters = MelFilters::new(&config());
        let power: Vec<f32> = (0..513).map(|bin| (-((bin as f32 - 80.0) / 6.0).powi(2)).exp() + 0.01).collect();
        let mel = filters.apply(&power);
        let found = filters.apply(&filters.invert(&mel, 100));
        for (band, (found, mel)) in found.iter().zip(&mel).enumerate() {
            assert!((found / mel - 1.0).abs() < 0.05, "band {band}: {found} for {mel}");
        }
        assert_eq!(filters.invert(&[0.0; 64], 10), vec![0.0; 513], "silence stays silence");
    }
}
