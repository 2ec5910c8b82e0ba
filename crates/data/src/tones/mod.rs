//! A data set of instrument-like sounds, synthesised by our own code, as log-mel spectrograms.

mod parts;
mod voices;

use super::{Dataset, DatasetInfo, Split, save};
use anyhow::{Context, Result, ensure};
use ditscope_audio::{LogMel, wav};
use ditscope_config::AudioConfig;
use ditscope_core::pixels::to_u8;
use ditscope_model_dir::write_file;
use parts::{Draw, RATE};
use rayon::prelude::*;
use std::path::PathBuf;
use voices::VOICES;

/// What to synthesise, and where to.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Folder for the data set.
    pub out: PathBuf,
    /// Sounds to train on.
    pub train: usize,
    /// Sounds to test with.
    pub test: usize,
    pub seed: u64,
    /// Also write the first four test sounds of each class to this folder, as they were made and as Griffin-Lim gives
    /// them back from their pictures.
    pub wav: Option<PathBuf>,
}

/// How many classes of sounds there are.
pub const NUM_CLASSES: usize = VOICES.len();

/// A second in 64 frames and 64 bands up to half the sample rate.
pub fn audio() -> AudioConfig {
    AudioConfig {
        sample_rate: RATE as u32,
        n_fft: 1024,
        hop_length: 256,
        n_mels: 64,
        f_min: 0.0,
        f_max: 8000.0,
        min_db: -60.0,
        max_db: 0.0,
    }
}

fn info() -> DatasetInfo {
    let audio = audio();
    DatasetInfo {
        name: "Tones".into(),
        channels: 1,
        side: audio.n_mels,
        labels: VOICES.map(|(name, _)| name.into()).to_vec(),
        // Time has a direction.
        mirror: false,
        license: "MIT OR Apache-2.0 (synthesised by ditscope's own code)".into(),
        audio: Some(audio),
        text: None,
    }
}

/// Synthesises and writes the data set.
///
/// # Errors
/// A size that does not fit, or a file that could not be written.
pub fn make(plan: &Plan) -> Result<()> {
    let range = VOICES.len()..=1_000_000;
    for (name, count) in [("--train", plan.train), ("--test", plan.test)] {
        ensure!(range.contains(&count), "{name} {count}: use {} to {}", range.start(), range.end());
    }
    for (split, count) in [(Split::Train, plan.train), (Split::Test, plan.test)] {
        save(&dataset(plan.seed, split, count), &plan.out, split)?;
    }
    if let Some(dir) = &plan.wav {
        std::fs::create_dir_all(dir).with_context(|| format!("{}: cannot create the folder", dir.display()))?;
        let (log_mel, rate) = (LogMel::new(&audio()), audio().sample_rate);
        for number in 0..4 * VOICES.len() {
            let sound = sound(plan.seed, Split::Test, number);
            let again = log_mel.sound(&log_mel.picture(&sound));
            for (kind, sound) in [("made", sound), ("griffin-lim", again)] {
                write_file(&dir.join(format!("{number:02}-{kind}.wav")), &wav::encode(&sound, rate))?;
            }
        }
    }
    Ok(())
}

/// Sound i has class i mod 8.
fn dataset(seed: u64, split: Split, count: usize) -> Dataset {
    let log_mel = LogMel::new(&audio());
    let picture = |number| log_mel.picture(&sound(seed, split, number)).into_iter().map(to_u8).collect::<Vec<u8>>();
    let pictures: Vec<Vec<u8>> = (0..count).into_par_iter().map(picture).collect();
    let labels = (0..count).map(|number| (number % VOICES.len()) as u8).collect();
    Dataset { info: info(), images: pictures.concat(), labels }
}

/// A sound of `num_samples`: silence, then a voice with a peak between −14 and −1 dB.
fn sound(seed: u64, split: Split, number: usize) -> Vec<f32> {
    let part = if split == Split::Train { 0 } else { 1 << 32 };
    let mut draw = Draw::new(seed, part + number as u64);
    let len = audio().num_samples();
    let onset = parts::samples(draw.between(0.01, 0.15));
    let peak = 10f64.powf(draw.between(-14.0, -1.0) / 20.0);
    let voice = VOICES[number % VOICES.len()].1(&mut draw, len - onset);
    let loudest = voice.iter().fold(f64::MIN_POSITIVE, |most, sample| most.max(sample.abs()));
    let mut sound = vec![0.0; len];
    for (sample, voice) in sound.iter_mut().skip(onset).zip(voice) {
        *sample = (voice * peak / loudest) as f32;
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_set_and_no_test_sound_is_a_training_sound() {
        let set = |seed, split| dataset(seed, split, 16);
        let train = set(1, Split::Train);
        assert_eq!(train.images, set(1, Split::Train).images);
        assert_ne!(train.images, set(2, Split::Train).images);
        assert_eq!(train.labels, (0..8).chain(0..8).collect::<Vec<u8>>());
        let test = set(1, Split::Test);
        assert!((0..16).all(|i| (0..16).all(|j| train.pixels(i) != test.pixels(j))));
    }

    #[test]
    fn no_picture_is_black_or_blinding() {
        let set = dataset(3, Split::Train, 32);
        assert_eq!(set.images.len(), 32 * 64 * 64);
        for i in 0..32 {
            let bright = set.pixels(i).iter().filter(|pixel| **pixel > 64).count();
            let most = set.pixels(i).iter().max().expect("pixels");
            assert!((40..3500).contains(&bright), "sound {i}: {bright} pixels are bright");
            assert!(*most > 130, "sound {i}: at most {most}");
        }
    }
}
