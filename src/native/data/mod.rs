//! Data sets: pictures with class numbers, gzipped IDX files in a folder.

pub mod emoji;
mod fashion;
mod idx;
pub mod tones;

pub use idx::{parse_idx, read_idx, write_idx};

use super::model_dir::{read_file, write_json};
use crate::config::AudioConfig;
use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The description's file name; a folder without it holds Fashion-MNIST's four files.
pub const INFO_FILE: &str = "dataset.json";

/// What a data set is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetInfo {
    /// For people.
    pub name: String,
    /// Colour channels: 1 (gray) or 3 (RGB).
    pub channels: usize,
    /// Side of the (square) pictures in pixels.
    pub side: usize,
    /// Class names, by class number.
    pub labels: Vec<String>,
    /// Whether a mirror image is as good a picture of its class.
    pub mirror: bool,
    /// Of the data; shown with every model that was trained on it.
    pub license: String,
    /// How its pictures are sounds, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioConfig>,
}

/// Pictures with class numbers.
#[derive(Debug, Clone)]
pub struct Dataset {
    pub info: DatasetInfo,
    /// `[len, C, side, side]`, 0 to 255.
    pub images: Vec<u8>,
    pub labels: Vec<u8>,
}

/// Which part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    Train,
    Test,
}

impl DatasetInfo {
    /// # Errors
    /// Names the field and what would be right.
    fn validate(&self) -> Result<()> {
        ensure!([1, 3].contains(&self.channels), "channels = {}: use 1 (gray) or 3 (RGB)", self.channels);
        ensure!((1..=4096).contains(&self.side), "side = {}: use 1 to 4096", self.side);
        ensure!((1..=256).contains(&self.labels.len()), "{} labels: use 1 to 256", self.labels.len());
        self.audio.as_ref().map_or(Ok(()), |audio| audio.validate(self.channels, self.side))?;
        Ok(())
    }

    /// Bytes of one picture.
    pub fn picture_len(&self) -> usize {
        self.channels * self.side * self.side
    }

    fn check_counts(&self, count: usize, images: &Path, labels: &[u8], labels_file: &Path) -> Result<()> {
        let (images, labels_file) = (images.display(), labels_file.display());
        ensure!(
            labels.len() == count,
            "{labels_file} has {} labels, {images} has {count} pictures: the files are not of one set",
            labels.len()
        );
        ensure!(count > 0, "{images} holds no picture");
        if let Some(label) = labels.iter().find(|label| usize::from(**label) >= self.labels.len()) {
            bail!("{labels_file}: label {label}, expected 0 to {}", self.labels.len() - 1);
        }
        Ok(())
    }
}

/// Files of pictures `[len, C, side, side]` and of labels `[len]`.
fn files(dir: &Path, split: Split) -> (PathBuf, PathBuf) {
    let stem = if split == Split::Train { "train" } else { "test" };
    (dir.join(format!("{stem}-images-idx4-ubyte.gz")), dir.join(format!("{stem}-labels-idx1-ubyte.gz")))
}

impl Dataset {
    /// Reads a folder that [`Self::save`] wrote, or Fashion-MNIST as it is published.
    ///
    /// # Errors
    /// Names the file and what is wrong with it: missing, not gzip, wrong magic number, wrong size, a label too large.
    pub fn load(dir: &Path, split: Split) -> Result<Self> {
        let path = dir.join(INFO_FILE);
        if !path.exists() {
            return fashion::load(dir, split);
        }
        let info: DatasetInfo = serde_json::from_slice(&read_file(&path)?)
            .with_context(|| format!("{}: not the description of a data set", path.display()))?;
        info.validate().with_context(|| path.display().to_string())?;
        let (images_file, labels_file) = files(dir, split);
        let (shape, images) = read_idx(&images_file, 4)?;
        let (_, labels) = read_idx(&labels_file, 1)?;
        ensure!(
            shape[1..] == [info.channels, info.side, info.side],
            "{}: pictures of {:?}, {} says [{}, {}, {}]",
            images_file.display(),
            &shape[1..],
            path.display(),
            info.channels,
            info.side,
            info.side
        );
        info.check_counts(shape[0], &images_file, &labels, &labels_file)?;
        Ok(Self { info, images, labels })
    }

    /// Writes one part of a data set, and its description.
    ///
    /// # Errors
    /// Names the file that could not be written.
    pub fn save(&self, dir: &Path, split: Split) -> Result<()> {
        std::fs::create_dir_all(dir).with_context(|| format!("{}: cannot create the folder", dir.display()))?;
        let (images_file, labels_file) = files(dir, split);
        let shape = [self.len(), self.info.channels, self.info.side, self.info.side];
        write_idx(&images_file, &shape, &self.images)?;
        write_idx(&labels_file, &[self.len()], &self.labels)?;
        write_json(&dir.join(INFO_FILE), &self.info)
    }

    /// The first `count` pictures, or all.
    pub fn first(mut self, count: usize) -> Self {
        self.labels.truncate(count);
        self.images.truncate(count * self.info.picture_len());
        self
    }

    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Never true for a set that was loaded.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// One picture's pixels, `[C, side, side]`.
    pub fn pixels(&self, index: usize) -> &[u8] {
        let len = self.info.picture_len();
        &self.images[index * len..][..len]
    }

    /// Pictures as a tensor in [−1, 1], those with `flip[i]` mirrored left to right.
    ///
    /// # Shapes
    /// - result: `[indices.len(), C, side, side]`
    pub fn batch(&self, indices: &[usize], flip: impl Fn(usize) -> bool, device: &Device) -> Tensor<4> {
        let DatasetInfo { channels, side, .. } = self.info;
        let mut values = Vec::with_capacity(indices.len() * self.info.picture_len());
        for (i, &index) in indices.iter().enumerate() {
            for row in self.pixels(index).chunks_exact(side) {
                let scaled = |p: &u8| f32::from(*p) / 127.5 - 1.0;
                match flip(i) {
                    true => values.extend(row.iter().rev().map(scaled)),
                    false => values.extend(row.iter().map(scaled)),
                }
            }
        }
        Tensor::from_data(TensorData::new(values, [indices.len(), channels, side, side]), device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colours() -> Dataset {
        let info = DatasetInfo {
            name: "Colours".into(),
            channels: 3,
            side: 2,
            labels: vec!["dark".into(), "light".into()],
            mirror: false,
            license: "CC0-1.0".into(),
            audio: None,
        };
        Dataset { info, images: (0..24).map(|i| i * 10).collect(), labels: vec![0, 1] }
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let set = colours();
        for split in [Split::Train, Split::Test] {
            set.save(folder.path(), split).expect("written");
            let found = Dataset::load(folder.path(), split).expect("read");
            assert_eq!((&found.info, &found.images, &found.labels), (&set.info, &set.images, &set.labels));
        }
        let mirrored = set.batch(&[1], |_| true, &Device::flex()).into_data().try_into_vec::<f32>().expect("f32");
        let second: Vec<f32> = set.pixels(1).iter().map(|p| f32::from(*p) / 127.5 - 1.0).collect();
        assert_eq!(mirrored[..4], [second[1], second[0], second[3], second[2]]);
    }

    #[test]
    fn files_that_contradict_the_description_are_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let set = colours();
        set.save(folder.path(), Split::Train).expect("written");
        let refused = |info: DatasetInfo, words: &str| {
            write_json(&folder.path().join(INFO_FILE), &info).expect("written");
            let error = format!("{:#}", Dataset::load(folder.path(), Split::Train).expect_err("refused"));
            assert!(error.contains(words), "{error}");
        };
        refused(DatasetInfo { side: 4, ..set.info.clone() }, "dataset.json says [3, 4, 4]");
        refused(DatasetInfo { channels: 2, ..set.info.clone() }, "channels = 2");
        refused(DatasetInfo { labels: vec!["dark".into()], ..set.info.clone() }, "label 1, expected 0 to 0");
        refused(DatasetInfo { labels: Vec::new(), ..set.info }, "0 labels");
    }
}
