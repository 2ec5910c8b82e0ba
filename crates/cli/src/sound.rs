//! Sounds as files.

use anyhow::Result;
use burn::tensor::Tensor;
use ditscope_audio::{LogMel, wav};
use ditscope_config::AudioConfig;
use ditscope_model_dir::{is_plain, write_file};
use std::path::Path;

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
) -> Result<()> {
    let log_mel = LogMel::new(audio);
    let values: Vec<f32> = images.into_data().convert::<f32>().try_into_vec().expect("converted to f32");
    for (path, picture) in pngs.into_iter().zip(values.chunks_exact(audio.n_mels * audio.n_mels)) {
        // Beside a device or a pipe there is no place for another file.
        if is_plain(path) {
            write_file(&path.with_extension("wav"), &wav::encode(&log_mel.sound(picture), audio.sample_rate))?;
        }
    }
    Ok(())
}
