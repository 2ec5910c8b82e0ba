//! Words with class numbers, as text files: a line for each, its class before it.

use crate::{Dataset, DatasetInfo, Split};
use anyhow::{Context, Result, ensure};
use ditscope_config::TextConfig;
use ditscope_model_dir::{read_file, write_file};
use std::path::{Path, PathBuf};

/// Reads one part of a data set of words.
///
/// # Errors
/// Names the file and the line that is wrong.
pub fn load(dir: &Path, split: Split, info: DatasetInfo, text: &TextConfig) -> Result<Dataset> {
    let path = file(dir, split);
    let bytes = read_file(&path)?;
    let lines = std::str::from_utf8(&bytes).with_context(|| format!("{}: not UTF-8", path.display()))?;
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for (number, line) in lines.lines().enumerate() {
        let place = || format!("{}, line {}", path.display(), number + 1);
        let (label, word) = line.split_once('\t').with_context(|| format!("{}: a class, a tab, a word", place()))?;
        let class = info.labels.iter().position(|known| known == label);
        labels.push(class.with_context(|| format!("{}: {label:?} is no class of the set", place()))? as u8);
        let codes = text.codes(word, info.side);
        images.extend(codes.with_context(|| {
            format!("{}: {word:?} has other symbols than the alphabet, or more than {}", place(), info.side)
        })?);
    }
    ensure!(!labels.is_empty(), "{} holds no word", path.display());
    Ok(Dataset { info, images, labels })
}

/// Writes one part.
///
/// # Errors
/// Names the file that could not be written.
pub fn save(set: &Dataset, dir: &Path, split: Split) -> Result<()> {
    let mut lines = String::new();
    for (i, label) in set.labels.iter().enumerate() {
        lines.push_str(&format!("{}\t{}\n", set.info.labels[usize::from(*label)], word(set, i)));
    }
    write_file(&file(dir, split), lines.as_bytes())
}

/// One word of a set of words.
pub fn word(set: &Dataset, index: usize) -> String {
    let text = set.info.text.as_ref();
    text.map(|text| text.word(&text.latent(set.pixels(index)))).unwrap_or_default()
}

fn file(dir: &Path, split: Split) -> PathBuf {
    dir.join(if split == Split::Train { "train-words.txt" } else { "test-words.txt" })
}
