//! The mel filter bank: triangles of equal width on the mel scale.

use crate::config::AudioConfig;
use crate::config::mel_scale::{hz, mel};
use burn::tensor::{Device, Tensor, TensorData};

/// Triangular filters over the bins of a spectrum, each with peak 1 (librosa's `htk=True, norm=None`).
#[derive(Debug, Clone)]
pub struct MelFilters {
    /// `[bins, bands]`, lowest band first.
    weights: Tensor<2>,
}

impl MelFilters {
    /// The filters of a configuration that was validated.
    pub fn new(config: &AudioConfig, device: &Device) -> Self {
        let shape = [config.n_fft / 2 + 1, config.n_mels];
        Self { weights: Tensor::from_data(TensorData::new(weights(config), shape), device) }
    }

    /// Power in each band.
    ///
    /// # Shapes
    /// - `power`: `[frames, bins]`
    /// - result: `[frames, bands]`
    pub fn apply(&self, power: Tensor<2>) -> Tensor<2> {
        power.matmul(self.weights.clone())
    }

    /// A power spectrum ≥ 0 with this power in each band. There are fewer bands than bins, so it is one of many.
    ///
    /// Multiplicative updates for the Kullback–Leibler divergence (Lee & Seung 2001, "Algorithms for non-negative
    /// matrix factorization"; the same as Richardson–Lucy's deconvolution). Begun with an even spectrum they stay as
    /// even as the bands allow, and they serve loud and soft bands alike, which least squares do not.
    ///
    /// # Shapes
    /// - `mel`: `[frames, bands]`, each ≥ 0
    /// - result: `[frames, bins]`
    pub fn invert(&self, mel: Tensor<2>, iterations: usize) -> Tensor<2> {
        let back = self.weights.clone().transpose(); // [bands, bins]
        let total = back.clone().sum_dim(0); // [1, bins]
        // A bin that is in no band, as that of 0 Hz, stays silent.
        let share = total.clone().greater_elem(0.0).float() / total.clamp_min(f32::MIN_POSITIVE);
        let [frames, _] = mel.dims();
        let loudest = mel.clone().max_dim(1); // [frames, 1]
        let mut power = loudest * share.clone().sign().repeat_dim(0, frames); // [frames, bins]
        for _ in 0..iterations {
            let ratio = mel.clone() / self.apply(power.clone()).clamp_min(f32::MIN_POSITIVE); // [frames, bands]
            power = power * ratio.matmul(back.clone()) * share.clone();
        }
        power
    }
}

/// `[bins, bands]`
fn weights(config: &AudioConfig) -> Vec<f32> {
    let bin_hz = f64::from(config.sample_rate) / config.n_fft as f64;
    let (low, high) = (mel(config.f_min), mel(config.f_max));
    let corners: Vec<f64> =
        (0..config.n_mels + 2).map(|i| hz(low + (high - low) * i as f64 / (config.n_mels + 1) as f64)).collect();
    let bin = |bin: usize| {
        let f = bin as f64 * bin_hz;
        let weight = move |c: &[f64]| ((f - c[0]) / (c[1] - c[0])).min((c[2] - f) / (c[2] - c[1])).max(0.0) as f32;
        corners.windows(3).map(weight)
    };
    (0..=config.n_fft / 2).flat_map(bin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::log_mel::tests::config;

    fn row(values: Vec<f32>) -> Tensor<2> {
        let shape = [1, values.len()];
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    fn values(tensor: Tensor<2>) -> Vec<f32> {
        tensor.into_data().try_into_vec().expect("f32")
    }

    #[test]
    fn neighbouring_triangles_are_each_others_complement() {
        let weights = weights(&config());
        assert_eq!(weights.len(), 513 * 64);
        let bin_hz = 16_000.0 / 1024.0;
        for (bin, row) in weights.chunks_exact(64).enumerate() {
            let (f, total) = (bin as f64 * bin_hz, row.iter().sum::<f32>());
            if f > config().band_hz(0) && f < config().band_hz(63) {
                assert!((total - 1.0).abs() < 1e-5, "bin {bin}: {total}");
            }
            if bin == 0 || bin == 512 {
                assert!(total < 1e-6, "the outermost corners are at 0 Hz and 8000 Hz");
            }
        }
    }

    #[test]
    fn a_bins_power_goes_to_the_two_bands_around_it() {
        let filters = MelFilters::new(&config(), &Device::flex());
        let mut power = vec![0.0; 513];
        power[64] = 2.0; // 1000 Hz
        let mel = values(filters.apply(row(power)));
        let found: Vec<usize> = (0..64).filter(|band| mel[*band] > 0.0).collect();
        assert_eq!(found.len(), 2);
        assert!(config().band_hz(found[0]) <= 1000.0 && config().band_hz(found[1]) >= 1000.0);
        assert!((mel.iter().sum::<f32>() - 2.0).abs() < 1e-5);
    }

    #[test]
    fn an_inverted_spectrum_has_the_asked_power_in_each_band() {
        let filters = MelFilters::new(&config(), &Device::flex());
        let power: Vec<f32> = (0..513).map(|bin| (-((bin as f32 - 80.0) / 6.0).powi(2)).exp() + 0.01).collect();
        let mel = filters.apply(row(power));
        let found = values(filters.apply(filters.invert(mel.clone(), 100)));
        for (band, (found, mel)) in found.iter().zip(values(mel)).enumerate() {
            assert!((found / mel - 1.0).abs() < 0.05, "band {band}: {found} for {mel}");
        }
        assert_eq!(values(filters.invert(row(vec![0.0; 64]), 10)), vec![0.0; 513], "silence stays silence");
    }
}
