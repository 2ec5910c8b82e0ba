//! The MNIST family of data sets: four gzipped IDX files in a folder.

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{Device, Tensor, TensorData};
use flate2::read::GzDecoder;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Side to which pictures are padded, so that it can be halved.
pub const IMAGE_SIZE: usize = 32;

/// Labels of Fashion-MNIST (Xiao et al. 2017, arXiv:1708.07747).
pub const FASHION_LABELS: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// Gray pictures with class numbers.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// `[len, 32, 32]`, 0 to 255, padded with 0.
    images: Vec<u8>,
    pub labels: Vec<u8>,
}

/// Which half of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    Train,
    Test,
}

impl Dataset {
    /// Reads `{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz`.
    ///
    /// # Errors
    /// Names the file and what is wrong with it: missing, not gzip, wrong magic number, wrong size, a label too large.
    pub fn load(dir: &Path, split: Split) -> Result<Self> {
        let stem = if split == Split::Train { "train" } else { "t10k" };
        let images = dir.join(format!("{stem}-images-idx3-ubyte.gz"));
        let labels = dir.join(format!("{stem}-labels-idx1-ubyte.gz"));
        let (image_shape, pixels) = read_idx(&images, 3)?;
        let (label_shape, labels_found) = read_idx(&labels, 1)?;
        let (count, height, width) = (image_shape[0], image_shape[1], image_shape[2]);
        ensure!(
            label_shape[0] == count,
            "{} has {} labels, {} has {count} pictures: the files are not of one set",
            labels.display(),
            label_shape[0],
            images.display()
        );
        ensure!(count > 0, "{} holds no picture", images.display());
        ensure!(
            (1..=IMAGE_SIZE).contains(&height) && (1..=IMAGE_SIZE).contains(&width),
            "{}: pictures of {height}x{width}, at most {IMAGE_SIZE}x{IMAGE_SIZE} fit",
            images.display()
        );
        if let Some(label) = labels_found.iter().find(|label| **label > 9) {
            bail!("{}: label {label}, expected 0 to 9", labels.display());
        }
        Ok(Self { images: pad(&pixels, count, height, width), labels: labels_found })
    }

    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Never true for a set that was loaded.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// One picture's pixels, `[32·32]`.
    pub fn pixels(&self, index: usize) -> &[u8] {
        &self.images[index * IMAGE_SIZE * IMAGE_SIZE..][..IMAGE_SIZE * IMAGE_SIZE]
    }

    /// Pictures as a tensor in [−1, 1], those with `flip[i]` mirrored left to right.
    ///
    /// # Shapes
    /// - result: `[indices.len(), 1, 32, 32]`
    pub fn batch(&self, indices: &[usize], flip: impl Fn(usize) -> bool, device: &Device) -> Tensor<4> {
        let mut values = Vec::with_capacity(indices.len() * IMAGE_SIZE * IMAGE_SIZE);
        for (i, &index) in indices.iter().enumerate() {
            for row in self.pixels(index).chunks_exact(IMAGE_SIZE) {
                let scaled = |p: &u8| f32::from(*p) / 127.5 - 1.0;
                match flip(i) {
                    true => values.extend(row.iter().rev().map(scaled)),
                    false => values.extend(row.iter().map(scaled)),
                }
            }
        }
        Tensor::from_data(TensorData::new(values, [indices.len(), 1, IMAGE_SIZE, IMAGE_SIZE]), device)
    }
}

/// Centres pictures on a black square of [`IMAGE_SIZE`].
fn pad(pixels: &[u8], count: usize, height: usize, width: usize) -> Vec<u8> {
    let (top, left) = ((IMAGE_SIZE - height) / 2, (IMAGE_SIZE - width) / 2);
    let mut padded = vec![0; count * IMAGE_SIZE * IMAGE_SIZE];
    for (row, line) in pixels.chunks_exact(width).enumerate() {
        let (image, y) = (row / height, row % height + top);
        padded[(image * IMAGE_SIZE + y) * IMAGE_SIZE + left..][..width].copy_from_slice(line);
    }
    padded
}

/// Reads a gzipped IDX file of unsigned bytes with `rank` dimensions.
fn read_idx(path: &Path, rank: usize) -> Result<(Vec<usize>, Vec<u8>)> {
    let file = File::open(path).with_context(|| {
        format!("{}: cannot open it. --data wants the folder with the four .gz files of the set", path.display())
    })?;
    let mut bytes = Vec::new();
    GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .with_context(|| format!("{}: not a whole gzip file. Download it again", path.display()))?;
    parse_idx(&bytes, rank).with_context(|| format!("{}: not the IDX file expected here", path.display()))
}

/// The IDX format: magic `0, 0, type, rank`, big-endian sizes, data.
///
/// # Errors
/// Says what does not fit: magic number, rank, or size.
pub fn parse_idx(bytes: &[u8], rank: usize) -> Result<(Vec<usize>, Vec<u8>)> {
    const UNSIGNED_BYTE: u8 = 8;
    let header = 4 + 4 * rank;
    ensure!(bytes.len() >= header, "{} bytes are too few for its header of {header}", bytes.len());
    let expected = [0, 0, UNSIGNED_BYTE, rank as u8];
    ensure!(bytes[..4] == expected, "magic number {:02x?}, expected {expected:02x?}", &bytes[..4]);
    let shape: Vec<usize> =
        bytes[4..header].chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize).collect();
    let size = shape.iter().try_fold(1usize, |product, n| product.checked_mul(*n));
    let data = bytes.len() - header;
    ensure!(size == Some(data), "sizes {shape:?} do not fit {data} bytes of data: it is truncated or damaged");
    Ok((shape, bytes[header..].to_vec()))
}
