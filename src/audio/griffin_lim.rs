//! Phases for a magnitude spectrogram (Griffin & Lim 1984, "Signal estimation from modified short-time Fourier
//! transform"), with the momentum of Perraudin, Balazs & Søndergaard 2013, "A fast Griffin-Lim algorithm".

use crate::diffusion::noise;
use burn::signal::{StftOptions, hann_window, istft, stft};
use burn::tensor::{Tensor, TensorData};

/// Perraudin et al.'s α: near 1 it goes fastest.
const MOMENTUM: f64 = 0.99;

/// A sound whose spectrogram has about these magnitudes. The first phases are random, the same for the same seed.
///
/// Alternates between two projections: onto the spectra that a sound has (by its transform and back), and onto those
/// with these magnitudes.
///
/// # Shapes
/// - `magnitudes`: `[frames, n_fft / 2 + 1]`, each ≥ 0
/// - result: `[(frames − 1) · hop_length]`
pub fn griffin_lim(magnitudes: Tensor<2>, options: StftOptions, iterations: usize, seed: u64) -> Tensor<1> {
    let [frames, bins] = magnitudes.dims();
    let device = magnitudes.device();
    let window = hann_window(options.n_fft, true, &device);
    let magnitudes = magnitudes.reshape([1, frames, bins, 1]);
    let phases = TensorData::new(phases(seed, frames * bins), [1, frames, bins, 2]);
    let mut spectrum = magnitudes.clone() * Tensor::from_data(phases, &device); // [1, frames, bins, 2]
    let mut before: Option<Tensor<4>> = None;
    for _ in 0..iterations {
        let sound = istft(spectrum, Some(window.clone()), None, options); // [1, samples]
        let now = stft(sound, Some(window.clone()), options); // [1, frames, bins, 2]
        let ahead = match before {
            None => now.clone(),
            Some(before) => now.clone() + (now.clone() - before) * MOMENTUM,
        };
        let norm = ahead.clone().square().sum_dim(3).sqrt().clamp_min(f32::MIN_POSITIVE.sqrt());
        spectrum = ahead / norm * magnitudes.clone();
        before = Some(now);
    }
    istft(spectrum, Some(window), None, options).squeeze_dim(0)
}

/// Unit complex numbers of random angles, `[count, 2]`.
fn phases(seed: u64, count: usize) -> Vec<f32> {
    let mut rng = noise::rng(seed, 0);
    let mut phase = || {
        let angle = std::f64::consts::TAU * noise::uniform(&mut rng);
        [libm::cos(angle) as f32, libm::sin(angle) as f32]
    };
    (0..count).flat_map(|_| phase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn options() -> StftOptions {
        StftOptions::new(256)
    }

    fn spectrum(sound: Tensor<1>) -> Tensor<3> {
        let window = hann_window(256, true, &Device::flex());
        stft(sound.unsqueeze(), Some(window), options()).squeeze_dim(0)
    }

    fn magnitudes(sound: Tensor<1>) -> Tensor<2> {
        spectrum(sound).square().sum_dim(2).sqrt().squeeze_dim(2)
    }

    fn noise_of(len: usize) -> Tensor<1> {
        Tensor::from_data(TensorData::new(noise::gaussian(3, 0, len), [len]), &Device::flex())
    }

    fn values(sound: Tensor<1>) -> Vec<f32> {
        sound.into_data().try_into_vec().expect("f32")
    }

    /// ‖|STFT(sound)| − wanted‖ / ‖wanted‖, the spectral convergence.
    fn error(sound: Tensor<1>, wanted: &Tensor<2>) -> f32 {
        let norm = |x: Tensor<2>| x.square().sum().into_scalar::<f32>().sqrt();
        norm(magnitudes(sound) - wanted.clone()) / norm(wanted.clone())
    }

    #[test]
    fn a_sound_comes_back_whole_from_its_spectrum() {
        let sound = noise_of(64 * 40);
        let window = hann_window(256, true, &Device::flex());
        let back = istft(spectrum(sound.clone()).unsqueeze(), Some(window), None, options());
        for (back, sound) in values(back.squeeze_dim(0)).iter().zip(values(sound)) {
            assert!((back - sound).abs() < 1e-4, "{back} for {sound}");
        }
    }

    #[test]
    fn more_iterations_come_nearer() {
        let wanted = magnitudes(noise_of(64 * 40));
        let errors = [0, 2, 8, 32, 128].map(|n| error(griffin_lim(wanted.clone(), options(), n, 7), &wanted));
        assert!(errors.windows(2).all(|pair| pair[1] < pair[0]), "{errors:?}");
        assert!(errors[4] < 0.5 * errors[0], "{errors:?}");
    }

    #[test]
    fn the_same_seed_gives_the_same_sound_and_silence_stays_silent() {
        let wanted = magnitudes(noise_of(640));
        let sound = |seed| values(griffin_lim(wanted.clone(), options(), 4, seed));
        assert_eq!(sound(7), sound(7));
        assert_ne!(sound(7), sound(8));
        let silence = values(griffin_lim(wanted.clone() * 0.0, options(), 4, 7));
        assert!(silence.len() == 640 && silence.iter().all(|sample| *sample == 0.0));
    }
}
