//! Data sets: pictures with class numbers, gzipped IDX files in a folder, or words, text files; and making those that ditscope
//! makes itself (faces in drawn styles, emojis from open sets, names of towns, synthesised sounds).
//!
//! It must not know a command line: [`avatars::make`], [`emoji::make`], [`places::make`] and [`tones::make`] take a plain plan
//! and give back what they did.

pub mod avatars;
pub mod emoji;
mod fashion;
mod idx;
mod markdown;
pub mod places;
mod raster;
pub mod tones;
pub mod words;

pub use ditscope_train::{Dataset, DatasetInfo};
pub use fashion::fashion;
pub use idx::{parse_idx, read_idx, write_idx};

use anyhow::{Context, Result, bail, ensure};
use ditscope_model_dir::{read_file, write_json};
use std::path::{Path, PathBuf};

/// The description's file name; a folder without it holds Fashion-MNIST's four files.
pub const INFO_FILE: &str = "dataset.json";

/// Which part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    Train,
    Test,
}

/// Reads a folder that [`save`] wrote, or Fashion-MNIST as it is published.
///
/// # Errors
/// Names the file and what is wrong with it: missing, not gzip, wrong magic number, wrong size, a label too large.
pub fn load(dir: &Path, split: Split) -> Result<Dataset> {
    let path = dir.join(INFO_FILE);
    if !path.exists() {
        return fashion::load(dir, split);
    }
    let info: DatasetInfo = serde_json::from_slice(&read_file(&path)?)
        .with_context(|| format!("{}: not the description of a data set", path.display()))?;
    validate(&info).with_context(|| path.display().to_string())?;
    if let Some(text) = info.text.clone() {
        return words::load(dir, split, info, &text);
    }
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
    check_counts(&info, shape[0], &images_file, &labels, &labels_file)?;
    Ok(Dataset { info, images, labels })
}

/// The same of a data set of pictures.
///
/// # Errors
/// As [`load`], and where it has words.
pub fn load_pictures(dir: &Path, split: Split) -> Result<Dataset> {
    let set = load(dir, split)?;
    ensure!(set.info.text.is_none(), "{}: {} has words, this is for pictures", dir.display(), set.info.name);
    Ok(set)
}

/// Writes one part of a data set of pictures, and its description.
///
/// # Errors
/// Names the file that could not be written.
pub fn save(set: &Dataset, dir: &Path, split: Split) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("{}: cannot create the folder", dir.display()))?;
    let (images_file, labels_file) = files(dir, split);
    let shape = [set.len(), set.info.channels, set.info.side, set.info.side];
    write_idx(&images_file, &shape, &set.images)?;
    write_idx(&labels_file, &[set.len()], &set.labels)?;
    write_json(&dir.join(INFO_FILE), &set.info)
}

/// # Errors
/// Names the field and what would be right.
fn validate(info: &DatasetInfo) -> Result<()> {
    ensure!([1, 3].contains(&info.channels), "channels = {}: use 1 (gray) or 3 (RGB)", info.channels);
    ensure!((1..=4096).contains(&info.side), "side = {}: use 1 to 4096", info.side);
    ensure!((1..=256).contains(&info.labels.len()), "{} labels: use 1 to 256", info.labels.len());
    let words = info.text.as_ref().map(|text| text.alphabet.chars().count());
    ensure!(
        words.is_none_or(|symbols| symbols.is_power_of_two() && (2..=256).contains(&symbols) && info.channels == 1),
        "text: use an alphabet of 2, 4, 8, … 256 symbols, and channels = 1"
    );
    info.audio.as_ref().map_or(Ok(()), |audio| audio.validate(info.channels, info.side))?;
    Ok(())
}

fn check_counts(info: &DatasetInfo, count: usize, images: &Path, labels: &[u8], labels_file: &Path) -> Result<()> {
    let (images, labels_file) = (images.display(), labels_file.display());
    ensure!(
        labels.len() == count,
        "{labels_file} has {} labels, {images} has {count} pictures: the files are not of one set",
        labels.len()
    );
    ensure!(count > 0, "{images} holds no picture");
    if let Some(label) = labels.iter().find(|label| usize::from(**label) >= info.labels.len()) {
        bail!("{labels_file}: label {label}, expected 0 to {}", info.labels.len() - 1);
    }
    Ok(())
}

/// The first class that has none.
fn class_without_pictures(set: &Dataset) -> Option<&str> {
    let has = |class: usize| set.labels.iter().any(|label| usize::from(*label) == class);
    (0..set.info.labels.len()).find(|class| !has(*class)).map(|class| set.info.labels[class].as_str())
}

/// Files of pictures `[len, C, side, side]` and of labels `[len]`.
fn files(dir: &Path, split: Split) -> (PathBuf, PathBuf) {
    let stem = if split == Split::Train { "train" } else { "test" };
    (dir.join(format!("{stem}-images-idx4-ubyte.gz")), dir.join(format!("{stem}-labels-idx1-ubyte.gz")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn colours() -> Dataset {
        let info = DatasetInfo {
            name: "Colours".into(),
            channels: 3,
            side: 2,
            labels: vec!["dark".into(), "light".into()],
            mirror: false,
            license: "CC0-1.0".into(),
            audio: None,
            text: None,
        };
        Dataset { info, images: (0..24).map(|i| i * 10).collect(), labels: vec![0, 1] }
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let set = colours();
        for split in [Split::Train, Split::Test] {
            save(&set, folder.path(), split).expect("written");
            let found = load(folder.path(), split).expect("read");
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
        save(&set, folder.path(), Split::Train).expect("written");
        let refused = |info: DatasetInfo, words: &str| {
            write_json(&folder.path().join(INFO_FILE), &info).expect("written");
            let error = format!("{:#}", load(folder.path(), Split::Train).expect_err("refused"));
            assert!(error.contains(words), "{error}");
        };
        refused(DatasetInfo { side: 4, ..set.info.clone() }, "dataset.json says [3, 4, 4]");
        refused(DatasetInfo { channels: 2, ..set.info.clone() }, "channels = 2");
        refused(DatasetInfo { labels: vec!["dark".into()], ..set.info.clone() }, "label 1, expected 0 to 0");
        refused(DatasetInfo { labels: Vec::new(), ..set.info }, "0 labels");
    }
}
