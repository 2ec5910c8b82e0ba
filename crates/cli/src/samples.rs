//! `dit data samples`: a few pictures of a data set as one small file, for the page's forward process.

use super::image::Picture;
use super::output::say;
use super::targets;
use anyhow::{Result, ensure};
use ditscope_data::{Split, load_pictures};
use ditscope_train::{Dataset, DatasetInfo};
use std::path::PathBuf;

/// Options of `dit data samples`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:
  dit data samples --data /usr/share/datasets/fashion-mnist --out assets/models/fashion/training.png")]
pub struct SamplesOptions {
    /// Folder with the data set
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// How many training pictures of each class, counted from the first in the file
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub per_class: usize,
    /// The PNG: a row for each class, padded as in training
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Writes the first training pictures of each class.
///
/// # Errors
/// Names the file that is wrong or could not be written, or the class that has too few pictures.
pub fn run(options: &SamplesOptions) -> Result<()> {
    targets::check("--out", &options.out, "png")?;
    let dataset = load_pictures(&options.data, Split::Train)?;
    let sheet = sheet(&dataset, options.per_class)?;
    sheet.save_png(&options.out)?;
    say!("wrote {} ({}x{} pixels)", options.out.display(), sheet.width, sheet.height)
}

/// The first `per_class` pictures of each class beside each other, a row for each class, without gaps.
fn sheet(dataset: &Dataset, per_class: usize) -> Result<Picture> {
    ensure!(per_class > 0, "--per-class 0: use 1 or more");
    let DatasetInfo { channels, side, .. } = dataset.info;
    let classes = dataset.labels.iter().max().map_or(0, |label| usize::from(*label) + 1);
    let (width, height) = (per_class * side, classes * side);
    let mut pixels = vec![0; width * height * channels];
    for class in 0..classes {
        let of_class = (0..dataset.len()).filter(|i| usize::from(dataset.labels[*i]) == class);
        let found: Vec<usize> = of_class.take(per_class).collect();
        let count = found.len();
        ensure!(count == per_class, "class {class} has {count} training pictures: use --per-class {count} or fewer");
        for (column, index) in found.into_iter().enumerate() {
            for (i, value) in dataset.pixels(index).iter().enumerate() {
                let (channel, y, x) = (i / (side * side), i / side % side, i % side);
                let at = (class * side + y) * width + column * side + x;
                pixels[at * channels + channel] = *value;
            }
        }
    }
    Ok(Picture { width, height, channels, pixels })
}
