//! How a gray picture is a sound: the numbers of a log-mel spectrogram.

use super::ConfigError;
use mel_scale::{hz, mel};
use serde::{Deserialize, Serialize};

/// A log-mel spectrogram with one row for each mel band (low frequencies at the bottom) and as many columns, one for
/// each frame. Names as in librosa; the filter bank is librosa's `htk=True, norm=None`, power 2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AudioConfig {
    /// Samples a second.
    pub sample_rate: u32,
    /// Samples of a frame (periodic Hann window), a power of two.
    pub n_fft: usize,
    /// Samples from one frame to the next.
    pub hop_length: usize,
    /// Mel bands, the height of the picture.
    pub n_mels: usize,
    /// Lowest and highest frequency of the filter bank, Hz.
    pub f_min: f64,
    pub f_max: f64,
    /// What black and white stand for, in dB; 0 dB is a sine of amplitude 1 in the middle of a band.
    pub min_db: f64,
    pub max_db: f64,
}

impl AudioConfig {
    /// Checks it for pictures of these colour channels and this side.
    ///
    /// # Errors
    /// [`ConfigError::Model`] names the field and what is allowed.
    pub fn validate(&self, channels: usize, side: usize) -> Result<(), ConfigError> {
        let fail = |message: String| Err(ConfigError::Model(format!("audio: {message}")));
        if (channels, side) != (1, self.n_mels) {
            return fail(format!(
                "n_mels = {0} needs gray pictures of {0}x{0}, found {channels}x{side}x{side}",
                self.n_mels
            ));
        }
        if !(1_000..=192_000).contains(&self.sample_rate) {
            return fail(format!("sample_rate = {}: use 1000 to 192000", self.sample_rate));
        }
        if !(64..=4096).contains(&self.n_fft) || !self.n_fft.is_power_of_two() {
            return fail(format!("n_fft = {}: use a power of two from 64 to 4096", self.n_fft));
        }
        // Fewer than two frames over a sample, and a sample near the window's edge could not be found again.
        if self.hop_length == 0 || self.hop_length > self.n_fft / 2 {
            return fail(format!("hop_length = {}: use 1 to n_fft / 2 = {}", self.hop_length, self.n_fft / 2));
        }
        if !(1..=512).contains(&self.n_mels) {
            return fail(format!("n_mels = {}: use 1 to 512", self.n_mels));
        }
        // At its ends a sound is reflected by half a frame.
        if self.num_samples() <= self.n_fft / 2 {
            return fail(format!(
                "n_fft = {} is too long for {} frames {} apart",
                self.n_fft, self.n_mels, self.hop_length
            ));
        }
        let half = f64::from(self.sample_rate) / 2.0;
        if !(self.f_min >= 0.0 && self.f_min < self.f_max && self.f_max <= half) {
            return fail(format!("f_min = {} and f_max = {}: use 0 ≤ f_min < f_max ≤ {half}", self.f_min, self.f_max));
        }
        if !(self.min_db >= -200.0 && self.min_db < self.max_db && self.max_db <= 200.0) {
            return fail(format!(
                "min_db = {} and max_db = {}: use −200 ≤ min_db < max_db ≤ 200",
                self.min_db, self.max_db
            ));
        }
        Ok(())
    }

    /// Samples of a sound. Its picture is square: the first frame is centred on the first sample, the last one, the
    /// `n_mels`-th, just behind the last.
    pub fn num_samples(&self) -> usize {
        self.n_mels.saturating_sub(1) * self.hop_length
    }

    /// Seconds of a sound.
    pub fn seconds(&self) -> f64 {
        self.num_samples() as f64 / f64::from(self.sample_rate)
    }

    /// Middle of a mel band in Hz, 0 the lowest.
    pub fn band_hz(&self, band: usize) -> f64 {
        let (low, high) = (mel(self.f_min), mel(self.f_max));
        hz(low + (high - low) * (band + 1) as f64 / (self.n_mels + 1) as f64)
    }
}

/// The mel scale as O'Shaughnessy (1987) and HTK have it.
pub mod mel_scale {
    pub fn mel(hz: f64) -> f64 {
        2595.0 * (1.0 + hz / 700.0).log10()
    }

    /// The way back from [`mel`].
    pub fn hz(mel: f64) -> f64 {
        700.0 * (10f64.powf(mel / 2595.0) - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> AudioConfig {
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

    #[test]
    fn the_mel_scale_has_its_known_values() {
        for (frequency, expected) in [(0.0, 0.0), (700.0, 781.173), (1000.0, 999.986), (8000.0, 2840.023)] {
            assert!((mel(frequency) - expected).abs() < 1e-3, "{frequency} Hz: {}", mel(frequency));
            assert!((hz(mel(frequency)) - frequency).abs() < 1e-6);
        }
    }

    #[test]
    fn a_second_is_sixty_four_frames() {
        let config = config();
        config.validate(1, 64).expect("valid");
        assert_eq!(config.num_samples(), 16_128);
        assert!((config.seconds() - 1.008).abs() < 1e-9);
        assert!(config.band_hz(0) > 0.0 && config.band_hz(63) < 8000.0);
    }

    #[test]
    fn hostile_numbers_are_refused_by_their_name() {
        type Break = fn(&mut AudioConfig);
        let broken: [(&str, Break); 12] = [
            ("sample_rate", |c| c.sample_rate = 0),
            ("sample_rate", |c| c.sample_rate = u32::MAX),
            ("n_fft", |c| c.n_fft = 1000),
            ("n_fft", |c| c.n_fft = 1 << 40),
            ("n_fft", |c| c.hop_length = 8),
            ("hop_length", |c| c.hop_length = 0),
            ("hop_length", |c| c.hop_length = 513),
            ("n_mels", |c| c.n_mels = usize::MAX),
            ("f_max", |c| c.f_max = f64::NAN),
            ("f_max", |c| c.f_max = 8001.0),
            ("min_db", |c| c.min_db = f64::NEG_INFINITY),
            ("max_db", |c| c.max_db = -60.0),
        ];
        for (field, breaking) in broken {
            let mut config = config();
            breaking(&mut config);
            let message = config.validate(1, config.n_mels).expect_err(field).to_string();
            assert!(message.contains("audio") && message.contains(field), "{message}");
        }
        assert!(config().validate(3, 64).is_err() && config().validate(1, 32).is_err());
    }
}
