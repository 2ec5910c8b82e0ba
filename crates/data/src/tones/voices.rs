//! Eight instrument-like voices. They are made after textbook recipes, not after recordings: they are meant to be told
//! apart, by ear and in a spectrogram, and to be no two times the same.

use super::parts::{Draw, Partial, RATE, band_pass, held, high_pass, low_pass, mix, samples, struck, sum};
use std::f64::consts::TAU;

/// A voice renders one sound from its beginning, of at most so many samples, in any loudness.
pub type Voice = fn(&mut Draw, usize) -> Vec<f64>;

/// The classes, in the order of their numbers.
pub const VOICES: [(&str, Voice); 8] = [
    ("Plucked string", plucked_string),
    ("Bell", bell),
    ("Flute", flute),
    ("Clarinet", clarinet),
    ("Organ", organ),
    ("Kick drum", kick_drum),
    ("Hi-hat", hi_hat),
    ("Birdsong", birdsong),
];

/// A burst of noise in a loop of one period that loses its high frequencies (Karplus & Strong 1983).
fn plucked_string(draw: &mut Draw, len: usize) -> Vec<f64> {
    let hz = draw.ratio_between(110.0, 600.0);
    let loss = draw.between(0.985, 0.998).powf(220.0 / hz); // lower strings ring longer
    let bright = draw.ratio_between(1200.0, 7000.0);
    // The average of two neighbours delays by half a sample; the rest of the period is interpolated.
    let period = RATE / hz - 0.5;
    let (whole, part) = (period as usize, period.fract());
    let mut sound = low_pass(&draw.noise(whole + 2), bright);
    // Its mean would go round in the loop for ever.
    let mean = sound.iter().sum::<f64>() / sound.len() as f64;
    sound.iter_mut().for_each(|sample| *sample -= mean);
    sound.truncate(len);
    for i in sound.len()..len {
        let at = |back: usize| (1.0 - part) * sound[i - whole - back] + part * sound[i - whole - back - 1];
        let before = if i >= whole + 3 { at(1) } else { at(0) };
        let next = loss * 0.5 * (at(0) + before);
        sound.push(next);
    }
    held(&mut sound, 0.002, 0.02);
    sound
}

/// Partials as those of a church bell (hum, prime, tierce, quint, nominal, …; Fletcher & Rossing 1998), the higher the
/// shorter.
fn bell(draw: &mut Draw, len: usize) -> Vec<f64> {
    const RATIOS: [f64; 10] = [0.5, 1.0, 1.2, 1.5, 2.0, 2.5, 2.67, 3.0, 4.0, 5.33];
    let hz = draw.ratio_between(350.0, 1200.0);
    let (decay, bright) = (draw.ratio_between(0.25, 0.9), draw.between(0.5, 0.95));
    let partials = RATIOS.map(|ratio| Partial {
        ratio: ratio * draw.between(0.995, 1.005),
        amplitude: bright.powf(ratio) * draw.between(0.5, 1.0),
        decay: decay / ratio.sqrt(),
    });
    let mut sound = sum(len, &partials, draw, |_| hz);
    held(&mut sound, 0.003, 0.02);
    sound
}

/// Few harmonics, a slow beginning, vibrato, and breath about the pitch.
fn flute(draw: &mut Draw, len: usize) -> Vec<f64> {
    let hz = draw.ratio_between(300.0, 1000.0);
    let len = samples(draw.between(0.5, 0.85)).min(len);
    let (depth, rate, late) = (draw.between(0.0, 0.012), draw.between(4.5, 6.5), draw.between(0.1, 0.3));
    let falling = draw.between(0.15, 0.4);
    let partials: Vec<Partial> = (1..=5)
        .map(|n| Partial { ratio: f64::from(n), amplitude: falling.powi(n - 1), decay: f64::INFINITY })
        .collect();
    let vibrato = |t: f64| hz * (1.0 + depth * (t / late).min(1.0) * (TAU * rate * t).sin());
    let mut sound = sum(len, &partials, draw, vibrato);
    let breath = band_pass(&draw.noise(len), 1.5 * hz, 1.5);
    mix(&mut sound, &breath, draw.ratio_between(0.02, 0.15), 0);
    held(&mut sound, draw.between(0.05, 0.14), draw.between(0.06, 0.12));
    sound
}

/// A closed pipe: odd harmonics, the even ones nearly silent.
fn clarinet(draw: &mut Draw, len: usize) -> Vec<f64> {
    let hz = draw.ratio_between(150.0, 600.0);
    let len = samples(draw.between(0.45, 0.85)).min(len);
    let (slope, even) = (draw.between(0.7, 1.4), draw.between(0.0, 0.06));
    let harmonic = |n: i32| Partial {
        ratio: f64::from(n),
        amplitude: f64::from(n).powf(-slope) * if n % 2 == 1 { 1.0 } else { even },
        decay: f64::INFINITY,
    };
    let partials: Vec<Partial> = (1..=19).map(harmonic).collect();
    let mut sound = sum(len, &partials, draw, |_| hz);
    held(&mut sound, draw.between(0.015, 0.05), draw.between(0.03, 0.08));
    sound
}

/// Nine drawbars (16′ to 1′, as on tonewheel organs) pulled at random; a key on, a key off.
fn organ(draw: &mut Draw, len: usize) -> Vec<f64> {
    const DRAWBARS: [f64; 9] = [0.5, 1.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0];
    let hz = draw.ratio_between(200.0, 700.0);
    let len = samples(draw.between(0.4, 0.85)).min(len);
    let partials = DRAWBARS.map(|ratio| Partial {
        ratio,
        amplitude: if draw.between(0.0, 1.0) < 0.75 { draw.ratio_between(0.15, 1.0) } else { 0.0 },
        decay: f64::INFINITY,
    });
    // The prime always sounds.
    let prime = Partial { ratio: 1.0, amplitude: 0.7, decay: f64::INFINITY };
    let mut sound = sum(len, &[&partials[..], &[prime]].concat(), draw, |_| hz);
    held(&mut sound, 0.004, 0.008);
    sound
}

/// A sine that falls to a low pitch, and a click.
fn kick_drum(draw: &mut Draw, len: usize) -> Vec<f64> {
    let (top, low) = (draw.ratio_between(150.0, 450.0), draw.between(42.0, 70.0));
    let fall = draw.ratio_between(0.015, 0.05);
    let sine = Partial { ratio: 1.0, amplitude: 1.0, decay: f64::INFINITY };
    let mut sound = sum(len, &[sine], draw, |t| low + (top - low) * (-t / fall).exp());
    struck(&mut sound, 0.002, draw.ratio_between(0.06, 0.22));
    let mut click = draw.noise(samples(0.02));
    struck(&mut click, 0.0, 0.003);
    mix(&mut sound, &click, draw.between(0.05, 0.5), 0);
    sound
}

/// High noise and six square-like tones in no harmonic order, closed (short) or open (long).
fn hi_hat(draw: &mut Draw, len: usize) -> Vec<f64> {
    const METAL: [f64; 6] = [2.0, 3.0, 4.16, 5.43, 6.79, 8.21];
    let hz = draw.between(300.0, 480.0);
    let partials: Vec<Partial> = METAL
        .iter()
        .flat_map(|ratio| [1.0, 3.0].map(|n| Partial { ratio: ratio * n, amplitude: 1.0 / n, decay: f64::INFINITY }))
        .collect();
    let mut sound = sum(len, &partials, draw, |_| hz);
    sound.iter_mut().for_each(|sample| *sample *= 0.15);
    mix(&mut sound, &draw.noise(len), draw.between(0.6, 1.2), 0);
    let edge = draw.between(3500.0, 6000.0);
    let mut sound = high_pass(&high_pass(&high_pass(&sound, edge), edge), edge);
    let open = draw.between(0.0, 1.0) < 0.4;
    let decay = if open { draw.ratio_between(0.15, 0.4) } else { draw.ratio_between(0.02, 0.06) };
    struck(&mut sound, 0.001, decay);
    sound
}

/// Two to five syllables, each a sine that sweeps up, down or both ways.
fn birdsong(draw: &mut Draw, len: usize) -> Vec<f64> {
    let home = draw.ratio_between(2000.0, 4500.0);
    let mut sound = vec![0.0; len];
    let mut at = 0;
    for _ in 0..draw.count(2, 5) {
        let syllable = samples(draw.ratio_between(0.05, 0.18));
        let (from, to, bend) = (draw.ratio_between(0.7, 1.4), draw.ratio_between(0.7, 1.4), draw.between(-0.25, 0.25));
        let duration = syllable as f64 / RATE;
        let pitch = |t: f64| {
            let share = t / duration;
            home * (from + (to - from) * share + bend * (std::f64::consts::PI * share).sin())
        };
        let sine = Partial { ratio: 1.0, amplitude: 1.0, decay: f64::INFINITY };
        let mut tone = sum(syllable, &[sine], draw, pitch);
        held(&mut tone, 0.3 * duration, 0.4 * duration);
        mix(&mut sound, &tone, draw.between(0.5, 1.0), at);
        at += syllable + samples(draw.between(0.02, 0.1));
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_voice_is_finite_heard_and_new_each_time() {
        for (name, voice) in VOICES {
            let sound = |number| voice(&mut Draw::new(5, number), 16_000);
            for number in 0..20 {
                let sound = sound(number);
                assert!(sound.len() <= 16_000, "{name}");
                assert!(sound.iter().all(|x| x.is_finite()), "{name} {number}");
                let peak = sound.iter().fold(0.0f64, |peak, x| peak.max(x.abs()));
                assert!((1e-3..20.0).contains(&peak), "{name} {number}: peak {peak}");
            }
            assert_eq!(sound(1), sound(1));
            assert_ne!(sound(1), sound(2), "{name}");
        }
    }

    /// Lag of the strongest self-likeness from a quarter of the period to twice the period, in samples.
    fn period(sound: &[f64], about: f64) -> f64 {
        let likeness = |lag: usize| (0..4000).map(|i| sound[i + 2000] * sound[i + 2000 + lag]).sum::<f64>();
        let best = ((about / 1.3) as usize..(about * 1.3) as usize)
            .max_by(|a, b| likeness(*a).total_cmp(&likeness(*b)))
            .expect("lags");
        best as f64
    }

    #[test]
    fn a_plucked_string_has_the_pitch_that_was_drawn() {
        for number in 0..10 {
            let hz = Draw::new(5, number).ratio_between(110.0, 600.0);
            let sound = plucked_string(&mut Draw::new(5, number), 16_000);
            let found = period(&sound, RATE / hz);
            assert!((found - RATE / hz).abs() < 1.0, "{} samples for {}", found, RATE / hz);
        }
    }
}
