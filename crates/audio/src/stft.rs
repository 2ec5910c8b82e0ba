//! Short-time Fourier transform with a periodic Hann window, and its least-squares inverse.

use microfft::{Complex32, inverse, real};

/// `frames` rows of `n_fft / 2 + 1` complex numbers.
pub type Spectrum = Vec<Vec<Complex32>>;

/// Transforms of one frame size and hop. Frame i is centred on sample i · hop; at its ends a sound is reflected (torch's and
/// torchaudio's `center=True`).
pub struct Stft {
    window: Vec<f32>,
    hop: usize,
}

impl Stft {
    /// `n_fft` a power of two from 64 to 4096, `hop` from 1 to `n_fft / 2`, as `AudioConfig::validate` makes sure.
    pub fn new(n_fft: usize, hop: usize) -> Self {
        let angle = |i: usize| std::f64::consts::TAU * i as f64 / n_fft as f64;
        Self { window: (0..n_fft).map(|i| (0.5 - 0.5 * angle(i).cos()) as f32).collect(), hop }
    }

    /// Magnitude of a sine of amplitude 1 in the middle of a bin: half the window's sum.
    pub fn full_scale(&self) -> f32 {
        self.window.len() as f32 / 4.0
    }

    /// # Shapes
    /// - `sound`: `[samples]`, more than `n_fft / 2`
    /// - result: `[samples / hop + 1, n_fft / 2 + 1]`
    pub fn forward(&self, sound: &[f32]) -> Spectrum {
        let (n_fft, last) = (self.window.len(), sound.len() as isize - 1);
        let sample = |at: isize| {
            let mirrored = at.abs(); // before the first sample
            sound[if mirrored > last { 2 * last - mirrored } else { mirrored } as usize]
        };
        let frame = |i: usize| {
            let start = (i * self.hop) as isize - (n_fft / 2) as isize;
            let windowed = |(j, window): (usize, &f32)| sample(start + j as isize) * window;
            rfft(&mut self.window.iter().enumerate().map(windowed).collect::<Vec<f32>>())
        };
        (0..=sound.len() / self.hop).map(frame).collect()
    }

    /// The sound whose transform is nearest to `spectrum` in least squares (Griffin & Lim 1984, equation 6).
    ///
    /// # Shapes
    /// - `spectrum`: `[frames, n_fft / 2 + 1]`
    /// - result: `[(frames − 1) · hop]`
    pub fn inverse(&self, spectrum: &Spectrum) -> Vec<f32> {
        let n_fft = self.window.len();
        let length = spectrum.len().saturating_sub(1) * self.hop;
        let (mut sum, mut weight) = (vec![0.0f32; length + n_fft], vec![0.0f32; length + n_fft]);
        for (i, bins) in spectrum.iter().enumerate() {
            for (j, (sample, window)) in irfft(bins).into_iter().zip(&self.window).enumerate() {
                sum[i * self.hop + j] += sample * window;
                weight[i * self.hop + j] += window * window;
            }
        }
        // The first and the last half frame lie outside the sound.
        (n_fft / 2..n_fft / 2 + length).map(|i| sum[i] / weight[i].max(1e-8)).collect()
    }
}

macro_rules! of_size {
    ($values:expr, $module:ident: $($size:literal $function:ident)*) => {
        match $values.len() {
            $($size => $module::$function($values.try_into().expect("its length is matched")).to_vec(),)*
            size => panic!("a Fourier transform of {size} numbers: use a power of two from 64 to 4096"),
        }
    };
}

/// `[n]` real → `[n / 2 + 1]` complex.
fn rfft(values: &mut [f32]) -> Vec<Complex32> {
    let mut bins: Vec<Complex32> = of_size!(values, real:
        64 rfft_64 128 rfft_128 256 rfft_256 512 rfft_512 1024 rfft_1024 2048 rfft_2048 4096 rfft_4096);
    // microfft keeps the last, real bin in the imaginary part of the first.
    let last = std::mem::take(&mut bins[0].im);
    bins.push(Complex32::new(last, 0.0));
    bins
}

/// The way back; what is imaginary in the first and the last bin does not count.
fn irfft(bins: &[Complex32]) -> Vec<f32> {
    let half = bins.len() - 1;
    let mirrored = bins[1..half].iter().rev().map(|bin| bin.conj());
    let mut all: Vec<Complex32> = bins.iter().copied().chain(mirrored).collect();
    (all[0].im, all[half].im) = (0.0, 0.0);
    let values = all.as_mut_slice();
    let values: Vec<Complex32> = of_size!(values, inverse:
        64 ifft_64 128 ifft_128 256 ifft_256 512 ifft_512 1024 ifft_1024 2048 ifft_2048 4096 ifft_4096);
    values.into_iter().map(|value| value.re).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ditscope_noise::gaussian;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_sound_comes_back_whole(seed in 0u64..1000, size in 6u32..=12, frames in 5usize..12, divisor in 2usize..=8) {
            let n_fft = 1 << size;
            let hop = n_fft / divisor;
            let stft = Stft::new(n_fft, hop);
            let sound = gaussian(seed, 0, (frames - 1) * hop);
            prop_assume!(sound.len() > n_fft / 2);
            let spectrum = stft.forward(&sound);
            prop_assert_eq!((spectrum.len(), spectrum[0].len()), (frames, n_fft / 2 + 1));
            let back = stft.inverse(&spectrum);
            prop_assert_eq!(back.len(), sound.len());
            for (i, (back, sound)) in back.iter().zip(&sound).enumerate() {
                prop_assert!((back - sound).abs() < 1e-3, "sample {}: {} for {}", i, back, sound);
            }
        }
    }

    #[test]
    fn it_is_the_fourier_transform() {
        let values = gaussian(1, 0, 64);
        let bins = rfft(&mut values.clone());
        for (k, bin) in bins.iter().enumerate() {
            let angle = |n: usize| -std::f64::consts::TAU * (n * k) as f64 / 64.0;
            let re: f64 = values.iter().enumerate().map(|(n, v)| f64::from(*v) * angle(n).cos()).sum();
            let im: f64 = values.iter().enumerate().map(|(n, v)| f64::from(*v) * angle(n).sin()).sum();
            assert!((f64::from(bin.re) - re).abs() < 1e-4 && (f64::from(bin.im) - im).abs() < 1e-4, "bin {k}");
        }
    }

    #[test]
    fn a_sine_is_one_peak_of_full_scale() {
        let stft = Stft::new(1024, 256);
        let sine: Vec<f32> =
            (0..8192).map(|i| (std::f32::consts::TAU * (64 * i % 1024) as f32 / 1024.0).sin()).collect();
        let frame = &stft.forward(&sine)[16];
        assert!((frame[64].norm_sqr().sqrt() / stft.full_scale() - 1.0).abs() < 1e-3);
        assert!(frame[80].norm_sqr().sqrt() < 1e-3 * stft.full_scale());
    }
}
