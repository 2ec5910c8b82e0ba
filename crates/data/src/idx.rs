//! The IDX format of the MNIST family: gzipped arrays of bytes.

use anyhow::{Context, Result, ensure};
use ditscope_model_dir::write_file;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

const UNSIGNED_BYTE: u8 = 8;

/// Reads a gzipped IDX file of unsigned bytes with `rank` dimensions.
///
/// # Errors
/// Names the file and what is wrong with it: missing, not gzip, or as [`parse_idx`].
pub fn read_idx(path: &Path, rank: usize) -> Result<(Vec<usize>, Vec<u8>)> {
    let file = File::open(path).with_context(|| {
        format!("{}: cannot open it. --data wants the folder with the four .gz files of the set", path.display())
    })?;
    let mut bytes = Vec::new();
    GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .with_context(|| format!("{}: not a whole gzip file. Download it again", path.display()))?;
    parse_idx(&bytes, rank).with_context(|| format!("{}: not the IDX file expected here", path.display()))
}

/// Writes what [`read_idx`] reads.
///
/// # Errors
/// Names the file that could not be written.
pub fn write_idx(path: &Path, shape: &[usize], data: &[u8]) -> Result<()> {
    let mut bytes = vec![0, 0, UNSIGNED_BYTE, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|n| (*n as u32).to_be_bytes()));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let gzipped = encoder.write_all(&bytes).and_then(|()| encoder.write_all(data)).and_then(|()| encoder.finish());
    write_file(path, &gzipped.with_context(|| format!("{}: compressing", path.display()))?)
}

/// The format: magic `0, 0, type, rank`, big-endian sizes, data.
///
/// # Errors
/// Says what does not fit: magic number, rank, or size.
pub fn parse_idx(bytes: &[u8], rank: usize) -> Result<(Vec<usize>, Vec<u8>)> {
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
