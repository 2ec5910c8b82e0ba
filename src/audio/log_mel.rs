//! A sound's picture, and a picture's sound.

use super::griffin_lim::griffin_lim;
use super::mel::MelFilters;
use crate::config::AudioConfig;
use burn::signal::{StftOptions, hann_window, stft};
use burn::tensor::{Device, Tensor};

/// Updates of the mel spectrum's inversion; more change nothing that is heard.
const INVERSION_STEPS: usize = 60;
/// Rounds of Griffin-Lim; from about here on the error hardly falls.
const PHASE_STEPS: usize = 64;
/// Of the first phases: the same picture gives the same sound.
const PHASE_SEED: u64 = 0;
/// Half a step of 8 bits: what is darker counts as black.
const BLACK: f32 = 0.5 / 255.0;

/// Log-mel spectrograms of one configuration, on one device.
pub struct LogMel {
    config: AudioConfig,
    options: StftOptions,
    filters: MelFilters,
    window: Tensor<1>,
    /// Power of a sine of amplitude 1 in the middle of a bin.
    full_scale: f64,
}

impl LogMel {
    /// `config` is one that was validated.
    pub fn new(config: &AudioConfig, device: &Device) -> Self {
        Self {
            config: config.clone(),
            options: StftOptions { hop_length: config.hop_length, ..StftOptions::new(config.n_fft) },
            filters: MelFilters::new(config, device),
            window: hann_window(config.n_fft, true, device),
            // The window's sum is n_fft / 2, and half of a sine is in the negative frequencies.
            full_scale: (config.n_fft as f64 / 4.0).powi(2),
        }
    }

    /// The log-mel spectrogram in [−1, 1]: `min_db` and below is −1, `max_db` and above 1.
    ///
    /// # Shapes
    /// - `sound`: `[num_samples]` of the configuration, full scale [−1, 1]
    /// - result: `[n_mels, frames]`, highest band first, as many frames as bands
    pub fn picture(&self, sound: Tensor<1>) -> Tensor<2> {
        let spectrum = stft(sound.unsqueeze(), Some(self.window.clone()), self.options); // [1, frames, bins, 2]
        let power = spectrum.square().sum_dim(3).squeeze_dims::<2>(&[0, 3]) / self.full_scale; // [frames, bins]
        let db = self.filters.apply(power).clamp_min(f32::MIN_POSITIVE).log() * (10.0 / std::f64::consts::LN_10);
        let share = (db - self.config.min_db) / (self.config.max_db - self.config.min_db);
        (share.clamp(0.0, 1.0) * 2.0 - 1.0).transpose().flip([0])
    }

    /// The sound of a picture: mel → power by [`MelFilters::invert`], phases by [`griffin_lim`]. Black is silent. A sound
    /// with peaks beyond full scale is scaled down to it.
    ///
    /// # Shapes
    /// - `picture`: `[n_mels, frames]` in [−1, 1], highest band first, as many frames as bands; finite
    /// - result: `[num_samples]` in [−1, 1]
    pub fn sound(&self, picture: Tensor<2>) -> Tensor<1> {
        let share = (picture.flip([0]).transpose() + 1.0).clamp(0.0, 2.0) / 2.0; // [frames, bands]
        let heard = share.clone().greater_elem(BLACK).float();
        let db = share * (self.config.max_db - self.config.min_db) + self.config.min_db;
        let mel = (db * (std::f64::consts::LN_10 / 10.0)).exp() * heard;
        let magnitudes = (self.filters.invert(mel, INVERSION_STEPS) * self.full_scale).sqrt(); // [frames, bins]
        let sound = griffin_lim(magnitudes, self.options, PHASE_STEPS, PHASE_SEED); // [samples]
        let peak = sound.clone().abs().max().clamp_min(1.0);
        sound / peak
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use burn::tensor::TensorData;
    use proptest::prelude::*;

    pub fn config() -> AudioConfig {
        AudioConfig {
            sample_rate: 16_000,
            n_fft: 1024,
            hop_length: 256,
            n_mels: 64,
            f_min: 0.0,
            f_max: 8000.0,
            min_db: -60.0,
            max_db: 0.0,
        }
    }

    fn log_mel() -> LogMel {
        LogMel::new(&config(), &Device::flex())
    }

    fn tensor(values: Vec<f32>) -> Tensor<1> {
        let shape = [values.len()];
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_into_vec().expect("f32")
    }

    fn sine(hz: f64, amplitude: f64) -> Tensor<1> {
        let sample = |i: usize| amplitude * (std::f64::consts::TAU * hz * i as f64 / 16_000.0).sin();
        tensor((0..config().num_samples()).map(|i| sample(i) as f32).collect())
    }

    /// Frequency of the strongest part of a sound, by a parabola through the highest bins of a long frame.
    fn pitch(sound: Tensor<1>) -> f64 {
        let options = StftOptions::new(8192);
        let spectrum = stft(sound.unsqueeze(), Some(hann_window(8192, true, &Device::flex())), options);
        let power = values(spectrum.narrow(1, 4, 1).square().sum_dim(3));
        let level: Vec<f64> = power.iter().map(|power| f64::from(power.max(1e-9)).ln()).collect();
        let peak = (1..4096).max_by(|a, b| level[*a].total_cmp(&level[*b])).expect("bins");
        let (a, b, c) = (level[peak - 1], level[peak], level[peak + 1]);
        (peak as f64 + 0.5 * (a - c) / (a - 2.0 * b + c)) * 16_000.0 / 8192.0
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn a_pure_tone_keeps_its_pitch(hz in 150f64..4000.0) {
            let log_mel = log_mel();
            let found = pitch(log_mel.sound(log_mel.picture(sine(hz, 0.5))));
            // A band is 27 Hz wide at the lowest frequencies and about a fifteenth of a high frequency.
            prop_assert!((found - hz).abs() < 8.0 + 0.03 * hz, "{} Hz became {} Hz", hz, found);
        }
    }

    #[test]
    fn a_picture_has_high_frequencies_on_top_and_levels_in_decibels() {
        let picture = values(log_mel().picture(sine(config().band_hz(20), 0.1)));
        assert_eq!(picture.len(), 64 * 64);
        let column: Vec<f32> = (0..64).map(|row| picture[row * 64 + 32]).collect();
        let brightest = (0..64).max_by(|a, b| column[*a].total_cmp(&column[*b])).expect("rows");
        assert_eq!(63 - brightest, 20);
        // 0.1 is −20 dB; the Hann window's main lobe has 1.5 times its middle bin's power, of which the triangle
        // takes most.
        let db = (column[brightest] + 1.0) / 2.0 * 60.0 - 60.0;
        assert!((-20.5..-17.5).contains(&db), "{db} dB");
        assert_eq!(values(log_mel().picture(sine(440.0, 0.0))), vec![-1.0; 64 * 64]);
    }

    #[test]
    fn the_sounds_picture_is_about_the_picture() {
        let fade = tensor((0..config().num_samples()).map(|i| 1.0 - i as f32 / 16_128.0).collect());
        let sound = (sine(440.0, 0.3) + sine(1320.0, 0.1)) * fade;
        let picture = log_mel().picture(sound);
        let again = log_mel().picture(log_mel().sound(picture.clone()));
        let error = (picture - again).abs().mean().into_scalar::<f32>() * 30.0;
        assert!(error < 5.0, "{error} dB off on average");
    }

    #[test]
    fn any_picture_gives_a_sound_in_range() {
        for shade in [-1.0, -0.5, 1.0, 7.0] {
            let sound = values(log_mel().sound(Tensor::full([64, 64], shade, &Device::flex())));
            assert_eq!(sound.len(), config().num_samples());
            assert!(sound.iter().all(|sample| sample.is_finite() && sample.abs() <= 1.0));
            assert_eq!(sound.iter().all(|sample| *sample == 0.0), shade == -1.0, "shade {shade}");
        }
    }
}
