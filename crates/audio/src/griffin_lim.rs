//! Phases for a magnitude spectrogram (Griffin & Lim 1984, "Signal estimation from modified short-time Fourier
//! transform"), with the momentum of Perraudin, Balazs & Søndergaard 2013, "A fast Griffin-Lim algorithm".

use super::stft::{Spectrum, Stft};
use ditscope_noise as noise;
use microfft::Complex32;

/// Perraudin et al.'s α: near 1 it goes fastest.
const MOMENTUM: f32 = 0.99;

/// A sound whose spectrogram has about these magnitudes. The first phases are random, the same for the same seed.
///
/// Alternates between two projections: onto the spectra that a sound has (by its transform and back), and onto those
/// with these magnitudes.
///
/// # Shapes
/// - `magnitudes`: `[frames, n_fft / 2 + 1]`, each ≥ 0
/// - result: `[(frames − 1) · hop]`, which must be more than `n_fft / 2`
pub fn griffin_lim(stft: &Stft, magnitudes: &[Vec<f32>], iterations: usize, seed: u64) -> Vec<f32> {
    let mut rng = noise::rng(seed, 0);
    let mut random = |magnitude: &f32| {
        let angle = std::f64::consts::TAU * noise::uniform(&mut rng);
        Complex32::new(libm::cos(angle) as f32, libm::sin(angle) as f32) * *magnitude
    };
    let mut spectrum: Spectrum = magnitudes.iter().map(|frame| frame.iter().map(&mut random).collect()).collect();
    let mut before: Option<Spectrum> = None;
    for _ in 0..iterations {
        let now = stft.forward(&stft.inverse(&spectrum));
        for (i, (frame, magnitudes)) in spectrum.iter_mut().zip(magnitudes).enumerate() {
            for (bin, value) in frame.iter_mut().enumerate() {
                let here = now[i][bin];
                let ahead = before.as_ref().map_or(here, |before| here + (here - before[i][bin]) * MOMENTUM);
                let norm = ahead.norm_sqr().sqrt();
                // Without a direction the old phase serves.
                if norm > 0.0 {
                    *value = ahead * (magnitudes[bin] / norm);
                }
            }
        }
        before = Some(now);
    }
    stft.inverse(&spectrum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn magnitudes(stft: &Stft, sound: &[f32]) -> Vec<Vec<f32>> {
        stft.forward(sound).iter().map(|frame| frame.iter().map(|bin| bin.norm_sqr().sqrt()).collect()).collect()
    }

    /// ‖|STFT(sound)| − wanted‖ / ‖wanted‖, the spectral convergence.
    fn error(stft: &Stft, sound: &[f32], wanted: &[Vec<f32>]) -> f32 {
        let found = magnitudes(stft, sound);
        let wanted = wanted.iter().flatten();
        let difference: f32 = found.iter().flatten().zip(wanted.clone()).map(|(f, w)| (f - w).powi(2)).sum();
        (difference / wanted.map(|w| w * w).sum::<f32>()).sqrt()
    }

    #[test]
    fn more_iterations_come_nearer() {
        let stft = Stft::new(256, 64);
        let wanted = magnitudes(&stft, &noise::gaussian(3, 0, 64 * 40));
        let errors = [0, 2, 8, 32, 128].map(|n| error(&stft, &griffin_lim(&stft, &wanted, n, 7), &wanted));
        assert!(errors.windows(2).all(|pair| pair[1] < pair[0]), "{errors:?}");
        assert!(errors[4] < 0.5 * errors[0], "{errors:?}");
    }

    #[test]
    fn the_same_seed_gives_the_same_sound_and_silence_stays_silent() {
        let stft = Stft::new(256, 64);
        let wanted = magnitudes(&stft, &noise::gaussian(3, 0, 640));
        assert_eq!(griffin_lim(&stft, &wanted, 4, 7), griffin_lim(&stft, &wanted, 4, 7));
        assert_ne!(griffin_lim(&stft, &wanted, 4, 7), griffin_lim(&stft, &wanted, 4, 8));
        let silence = griffin_lim(&stft, &vec![vec![0.0; 129]; 11], 4, 7);
        assert!(silence.len() == 640 && silence.iter().all(|sample| *sample == 0.0));
    }
}
