//! Fashion-MNIST (Xiao et al. 2017, arXiv:1708.07747) as it is published, and any set with the same four files.

use super::idx::read_idx;
use super::{Dataset, DatasetInfo, Split, check_counts};
use anyhow::{Result, ensure};
use std::path::Path;

/// Side to which pictures are padded, so that it can be halved.
const SIDE: usize = 32;

const LABELS: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// What Fashion-MNIST is.
pub fn fashion() -> DatasetInfo {
    DatasetInfo {
        name: "Fashion".into(),
        channels: 1,
        side: SIDE,
        labels: LABELS.map(String::from).to_vec(),
        mirror: true,
        audio: None,
        text: None,
        license: "Fashion-MNIST, MIT, Zalando SE".into(),
    }
}

/// Reads `{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz`.
///
/// # Errors
/// As [`super::load`].
pub fn load(dir: &Path, split: Split) -> Result<Dataset> {
    let stem = if split == Split::Train { "train" } else { "t10k" };
    let images = dir.join(format!("{stem}-images-idx3-ubyte.gz"));
    let labels = dir.join(format!("{stem}-labels-idx1-ubyte.gz"));
    let (image_shape, pixels) = read_idx(&images, 3)?;
    let (_, labels_found) = read_idx(&labels, 1)?;
    let (count, height, width) = (image_shape[0], image_shape[1], image_shape[2]);
    let info = fashion();
    check_counts(&info, count, &images, &labels_found, &labels)?;
    ensure!(
        (1..=SIDE).contains(&height) && (1..=SIDE).contains(&width),
        "{}: pictures of {height}x{width}, at most {SIDE}x{SIDE} fit",
        images.display()
    );
    Ok(Dataset { info, images: pad(&pixels, count, height, width), labels: labels_found })
}

/// Centres pictures on a black square of [`SIDE`].
fn pad(pixels: &[u8], count: usize, height: usize, width: usize) -> Vec<u8> {
    let (top, left) = ((SIDE - height) / 2, (SIDE - width) / 2);
    let mut padded = vec![0; count * SIDE * SIDE];
    for (row, line) in pixels.chunks_exact(width).enumerate() {
        let (image, y) = (row / height, row % height + top);
        padded[(image * SIDE + y) * SIDE + left..][..width].copy_from_slice(line);
    }
    padded
}
