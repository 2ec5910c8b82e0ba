//! What sounds are made of: random choices, partials, noise, filters, envelopes. Times in seconds, pitches in Hz.

use ditscope_noise as noise;
use rand_chacha::ChaCha8Rng;
use std::f64::consts::TAU;

/// Samples a second.
pub const RATE: f64 = 16_000.0;

/// Random choices, the same for the same seed and number.
pub struct Draw(ChaCha8Rng);

impl Draw {
    pub fn new(seed: u64, number: u64) -> Self {
        Self(noise::rng(seed, number))
    }

    /// Every value between the two alike.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * noise::uniform(&mut self.0)
    }

    /// Every ratio alike, as for pitches and times.
    pub fn ratio_between(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(noise::uniform(&mut self.0))
    }

    /// `low` to `high`, both included.
    pub fn count(&mut self, low: usize, high: usize) -> usize {
        low + (noise::uniform(&mut self.0) * (high - low + 1) as f64) as usize
    }

    /// White noise in [−1, 1].
    pub fn noise(&mut self, len: usize) -> Vec<f64> {
        (0..len).map(|_| self.between(-1.0, 1.0)).collect()
    }
}

/// Samples in so many seconds.
pub fn samples(seconds: f64) -> usize {
    (seconds * RATE).round() as usize
}

/// A sine of a sound.
#[derive(Debug, Clone, Copy)]
pub struct Partial {
    /// Its frequency over the pitch.
    pub ratio: f64,
    pub amplitude: f64,
    /// Seconds in which it falls to 1/e; infinite for one that stays.
    pub decay: f64,
}

/// The sum of partials over a pitch that may move; those beyond 7.8 kHz are left out, so that none is folded back.
pub fn sum(len: usize, partials: &[Partial], draw: &mut Draw, pitch: impl Fn(f64) -> f64) -> Vec<f64> {
    let phases: Vec<f64> = partials.iter().map(|_| draw.between(0.0, TAU)).collect();
    let (mut cycles, mut sound) = (0.0, Vec::with_capacity(len));
    for i in 0..len {
        let t = i as f64 / RATE;
        let hz = pitch(t);
        let partial = |(partial, phase): (&Partial, &f64)| match partial.ratio * hz < 7800.0 {
            true => partial.amplitude * (-t / partial.decay).exp() * (TAU * cycles * partial.ratio + phase).sin(),
            false => 0.0,
        };
        sound.push(partials.iter().zip(&phases).map(partial).sum());
        cycles += hz / RATE;
    }
    sound
}

/// A straight rise, a level, a straight fall at the end: for sounds that are held.
pub fn held(sound: &mut [f64], attack: f64, release: f64) {
    let (len, attack, release) = (sound.len(), samples(attack).max(1), samples(release).max(1));
    for (i, sample) in sound.iter_mut().enumerate() {
        *sample *= (i as f64 / attack as f64).min((len - i) as f64 / release as f64).min(1.0);
    }
}

/// A short straight rise, then an exponential fall: for sounds that are struck.
pub fn struck(sound: &mut [f64], attack: f64, decay: f64) {
    let attack = samples(attack).max(1);
    for (i, sample) in sound.iter_mut().enumerate() {
        *sample *= (i as f64 / attack as f64).min(1.0) * (-(i as f64) / RATE / decay).exp();
    }
}

/// A two-pole filter with resonance (state variable, Chamberlin 1985): what lies about `hz`.
pub fn band_pass(input: &[f64], hz: f64, q: f64) -> Vec<f64> {
    let f = 2.0 * (std::f64::consts::PI * hz / RATE).sin();
    let (mut low, mut band) = (0.0, 0.0);
    let pass = |x: &f64| {
        low += f * band;
        band += f * (x - low - band / q);
        band / q
    };
    input.iter().map(pass).collect()
}

/// One pole: what lies below `hz`.
pub fn low_pass(input: &[f64], hz: f64) -> Vec<f64> {
    let share = 1.0 - (-TAU * hz / RATE).exp();
    let mut state = 0.0;
    let pass = |x: &f64| {
        state += share * (x - state);
        state
    };
    input.iter().map(pass).collect()
}

/// What [`low_pass`] takes away.
pub fn high_pass(input: &[f64], hz: f64) -> Vec<f64> {
    low_pass(input, hz).iter().zip(input).map(|(low, x)| x - low).collect()
}

/// `sound += amount · other`, from sample `at` on, as far as there is room.
pub fn mix(sound: &mut [f64], other: &[f64], amount: f64, at: usize) {
    for (sample, other) in sound.iter_mut().skip(at).zip(other) {
        *sample += amount * other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power(sound: &[f64]) -> f64 {
        sound.iter().map(|x| x * x).sum::<f64>() / sound.len() as f64
    }

    #[test]
    fn filters_pass_their_side() {
        let sine = |hz: f64| (0..8000).map(|i| (TAU * hz * f64::from(i) / RATE).sin()).collect::<Vec<f64>>();
        assert!(power(&low_pass(&sine(100.0), 1000.0)) > 10.0 * power(&low_pass(&sine(6000.0), 1000.0)));
        assert!(power(&high_pass(&sine(6000.0), 1000.0)) > 10.0 * power(&high_pass(&sine(100.0), 1000.0)));
        let about = |hz| power(&band_pass(&sine(hz), 1000.0, 5.0));
        assert!(about(1000.0) > 10.0 * about(200.0) && about(1000.0) > 10.0 * about(5000.0));
    }

    #[test]
    fn choices_stay_in_range_and_come_again() {
        let mut draw = Draw::new(1, 2);
        for _ in 0..1000 {
            assert!((2..=4).contains(&draw.count(2, 4)));
            assert!((100.0..1000.0).contains(&draw.ratio_between(100.0, 1000.0)));
        }
        assert_eq!(Draw::new(1, 2).noise(10), Draw::new(1, 2).noise(10));
        assert_ne!(Draw::new(1, 2).noise(10), Draw::new(1, 3).noise(10));
    }

    #[test]
    fn partials_beyond_half_the_rate_are_left_out() {
        let partial = |ratio| Partial { ratio, amplitude: 1.0, decay: f64::INFINITY };
        let mut draw = Draw::new(1, 2);
        let sound = sum(1000, &[partial(1.0), partial(9.0)], &mut draw, |_| 1000.0);
        assert!(sound.iter().all(|x| x.abs() <= 1.0));
        assert!((power(&sound) - 0.5).abs() < 0.01);
    }
}
