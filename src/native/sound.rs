//! Sounds as files.

use super::model_dir::write_file;
use crate::audio::{LogMel, wav};
use crate::config::AudioConfig;
use anyhow::Result;
use burn::tensor::{Device, Tensor};
use std::path::Path;

/// Writes a sound in [−1, 1] as a WAV file.
///
/// # Errors
/// Names the file that could not be written.
pub fn write_wav(path: &Path, sound: Tensor<1>, sample_rate: u32) -> Result<()> {
    let samples: Vec<f32> = sound.into_data().convert::<f32>().try_into_vec().expect("converted to f32");
    write_file(path, &wav::encode(&samples, sample_rate))
}

/// Writes the sound of each picture beside its PNG, with the ending `.wav`.
///
/// # Shapes
/// - `images`: `[N, 1, n_mels, n_mels]` in [−1, 1]
///
/// # Errors
/// Names the file that could not be written.
pub fn write_beside<'a>(
    pngs: impl IntoIterator<Item = &'a Path>,
    images: Tensor<4>,
    audio: &AudioConfig,
    device: &Device,
) -> Result<()> {
    let log_mel = LogMel::new(audio, device);
    for (path, image) in pngs.into_iter().zip(images.iter_dim(0)) {
        let sound = log_mel.sound(image.squeeze_dims(&[0, 1]));
        write_wav(&path.with_extension("wav"), sound, audio.sample_rate)?;
    }
    Ok(())
}
