//! A sound's picture, and a picture's sound.

use super::griffin_lim::griffin_lim;
use super::mel::MelFilters;
use super::stft::Stft;
use ditscope_config::AudioConfig;

/// Updates of the mel spectrum's inversion; more make no audible difference.
const INVERSION_STEPS: usize = 60;
/// Rounds of Griffin-Lim; from about here on the error hardly falls.
const PHASE_STEPS: usize = 64;
/// Of the first phases: the same picture gives the same sound.
const PHASE_SEED: u64 = 0;
/// Half a step of 8 bits: what is darker counts as black.
const BLACK: f32 = 0.5 / 255.0;

/// Log-mel spectrograms of one configuration.
pub struct LogMel {
    config: AudioConfig,
    filters: MelFilters,
    stft: Stft,
}

impl LogMel {
    /// `config` is one that was validated.
    pub fn new(config: &AudioConfig) -> Self {
        let stft = Stft::new(config.n_fft, config.hop_length);
        Self { config: config.clone(), filters: MelFilters::new(config), stft }
    }

    /// The log-mel spectrogram in [−1, 1]: `min_db` and below is −1, `max_db` and above 1.
    ///
    /// # Shapes
    /// - `sound`: `[num_samples]` of the configuration, full scale [−1, 1]
    /// - result: `[n_mels, frames]`, highest band first, as many frames as bands
    pub fn picture(&self, sound: &[f32]) -> Vec<f32> {
        let side = self.config.n_mels;
        let full_scale = self.stft.full_scale().powi(2);
        let mut picture = vec![-1.0; side * side];
        for (column, frame) in self.stft.forward(sound).iter().enumerate().take(side) {
            let power: Vec<f32> = frame.iter().map(|bin| bin.norm_sqr() / full_scale).collect();
            for (band, mel) in self.filters.apply(&power).into_iter().enumerate() {
                picture[(side - 1 - band) * side + column] = self.shade(mel);
            }
        }
        picture
    }

    /// The sound of a picture: mel → power by [`MelFilters::invert`], phases by [`griffin_lim`]. Black is silent. A sound
    /// with peaks beyond full scale is scaled down to it.
    ///
    /// # Shapes
    /// - `picture`: `[n_mels, frames]` in [−1, 1], highest band first, as many frames as bands
    /// - result: `[num_samples]` in [−1, 1]
    ///
    /// # Panics
    /// When the picture has another size.
    pub fn sound(&self, picture: &[f32]) -> Vec<f32> {
        let side = self.config.n_mels;
        assert_eq!(picture.len(), side * side, "a picture of {side}x{side}");
        let magnitudes = |column: usize| {
            let mel: Vec<f32> = (0..side).rev().map(|row| self.power(picture[row * side + column])).collect();
            let power = self.filters.invert(&mel, INVERSION_STEPS);
            power.into_iter().map(|power| power.sqrt() * self.stft.full_scale()).collect::<Vec<f32>>()
        };
        let magnitudes: Vec<Vec<f32>> = (0..side).map(magnitudes).collect();
        let mut sound = griffin_lim(&self.stft, &magnitudes, PHASE_STEPS, PHASE_SEED);
        let peak = sound.iter().fold(1.0f32, |peak, sample| peak.max(sample.abs()));
        sound.iter_mut().for_each(|sample| *sample /= peak);
        sound
    }

    fn shade(&self, mel: f32) -> f32 {
        let db = 10.0 * mel.max(f32::MIN_POSITIVE).log10();
        let (low, high) = (self.config.min_db as f32, self.config.max_db as f32);
        ((db - low) / (high - low)).clamp(0.0, 1.0) * 2.0 - 1.0
    }

    /// The way back from [`LogMel::shade`]; black is no power at all, and so is what is no number.
    fn power(&self, shade: f32) -> f32 {
        let share = ((shade + 1.0) / 2.0).clamp(0.0, 1.0);
        if share.is_nan() || share <= BLACK {
            return 0.0;
        }
        let (low, high) = (self.config.min_db as f32, self.config.max_db as f32);
        10f32.powf((low + share * (high - low)) / 10.0)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
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
        LogMel::new(&config())
    }

    fn sine(hz: f64, amplitude: f64) -> Vec<f32> {
        let sample = |i: usize| amplitude * (std::f64::consts::TAU * hz * i as f64 / 16_000.0).sin();
        (0..config().num_samples()).map(|i| sample(i) as f32).collect()
    }

    /// Frequency of the strongest part of a sound, by a parabola through the highest bins of a long frame.
    fn pitch(sound: &[f32]) -> f64 {
        let spectrum = Stft::new(4096, 1024).forward(sound);
        let level: Vec<f64> = spectrum[8].iter().map(|bin| f64::from(bin.norm_sqr().max(1e-9)).ln()).collect();
        let peak = (1..2048).max_by(|a, b| level[*a].total_cmp(&level[*b])).expect("bins");
        let (a, b, c) = (level[peak - 1], level[peak], level[peak + 1]);
        (peak as f64 + 0.5 * (a - c) / (a - 2.0 * b + c)) * 16_000.0 / 4096.0
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn a_pure_tone_keeps_its_pitch(hz in 150f64..4000.0) {
            let log_mel = log_mel();
            let found = pitch(&log_mel.sound(&log_mel.picture(&sine(hz, 0.5))));
            // A band is 27 Hz wide at the lowest frequencies and about a fifteenth of a high frequency.
            prop_assert!((found - hz).abs() < 8.0 + 0.03 * hz, "{} Hz became {} Hz", hz, found);
        }
    }

    #[test]
    fn a_picture_has_high_frequencies_on_top_and_levels_in_decibels() {
        let picture = log_mel().picture(&sine(config().band_hz(20), 0.1));
        assert_eq!(picture.len(), 64 * 64);
        let column: Vec<f32> = (0..64).map(|row| picture[row * 64 + 32]).collect();
        let brightest = (0..64).max_by(|a, b| column[*a].total_cmp(&column[*b])).expect("rows");
        assert_eq!(63 - brightest, 20);
        // 0.1 is −20 dB; the Hann window's main lobe has 1.5 times its middle bin's power, of which the triangle
        // takes most.
        let db = (column[brightest] + 1.0) / 2.0 * 60.0 - 60.0;
        assert!((-20.5..-17.5).contains(&db), "{db} dB");
        assert_eq!(log_mel().picture(&sine(440.0, 0.0)), vec![-1.0; 64 * 64]);
    }

    #[test]
    fn the_sounds_picture_is_about_the_picture() {
        let tones = sine(440.0, 0.3).into_iter().zip(sine(1320.0, 0.1)).enumerate();
        let sound: Vec<f32> = tones.map(|(i, (a, b))| (a + b) * (1.0 - i as f32 / 16_128.0)).collect();
        let picture = log_mel().picture(&sound);
        let again = log_mel().picture(&log_mel().sound(&picture));
        let error = picture.iter().zip(&again).map(|(a, b)| (a - b).abs()).sum::<f32>() * 30.0 / 4096.0;
        assert!(error < 5.0, "{error} dB off on average");
    }

    #[test]
    fn any_picture_gives_a_sound_in_range() {
        for shade in [-1.0, -0.5, 1.0, 7.0, f32::INFINITY, f32::NAN] {
            let sound = log_mel().sound(&[shade; 64 * 64]);
            assert_eq!(sound.len(), config().num_samples());
            assert!(sound.iter().all(|sample| sample.is_finite() && sample.abs() <= 1.0));
            let silent = shade == -1.0 || shade.is_nan();
            assert_eq!(sound.iter().all(|sample| *sample == 0.0), silent, "shade {shade}");
        }
    }
}
