//! Encoding a training set, on threads, and keeping what came of it: it takes minutes.

use super::meter::Meter;
use crate::output::note;
use crate::parallel;
use anyhow::{Result, bail};
use burn::tensor::Device;
use ditscope_core::autoencoder::AutoencoderTiny;
use ditscope_core::weights::sha256_hex;
use ditscope_model_dir::{read_file, write_file};
use ditscope_tensor_file::Dtype::F32;
use ditscope_tensor_file::{Entry, header};
use ditscope_train::{Dataset, Latents};
use safetensors::SafeTensors;
use std::path::Path;

/// The latents of all pictures, and of their mirror images where those are as good.
///
/// `done` is told how many pictures more are encoded.
pub fn encode_latents(
    data: &Dataset,
    autoencoder: &AutoencoderTiny,
    device: &Device,
    threads: usize,
    done: &(dyn Fn(usize) + Sync),
) -> Latents {
    const CHUNK: usize = 100;
    let indices: Vec<usize> = (0..data.len()).collect();
    let flips = if data.info.mirror { &[false, true][..] } else { &[false] };
    let chunks: Vec<(bool, &[usize])> =
        flips.iter().flat_map(|flip| indices.chunks(CHUNK).map(move |chunk| (*flip, chunk))).collect();
    let encoded = parallel::map(threads, chunks.len(), |i| {
        let (flip, chunk) = chunks[i];
        let z = autoencoder.encode(data.batch(chunk, |_| flip, device));
        let [_, c, h, w] = z.dims();
        let values = z.into_data().convert::<f32>().try_into_vec::<f32>().expect("converted to f32");
        done(chunk.len());
        ([c, h, w], values)
    });
    let shape = encoded[0].0;
    Latents::new(encoded.into_iter().flat_map(|(_, values)| values).collect(), shape)
}

/// The latents that an earlier start left in this file, else encoded now, with a bar, and left there.
///
/// `key` says what they are of.
pub fn kept_latents(
    path: &Path,
    key: &str,
    data: &Dataset,
    autoencoder: &AutoencoderTiny,
    device: &Device,
    threads: usize,
) -> Latents {
    let key = sha256_hex(format!("{key} {}", env!("CARGO_PKG_VERSION")).as_bytes());
    if let Ok(latents) = read(path, &key) {
        note!("latents of {} pictures: {} has them", data.len(), path.display());
        return latents;
    }
    let mirrored = if data.info.mirror { " and their mirror images" } else { "" };
    note!("encoding {} pictures{mirrored}", data.len());
    let total = data.len() * if data.info.mirror { 2 } else { 1 };
    let meter = Meter::new(total as u64, 0, "pictures encoded");
    let latents = encode_latents(data, autoencoder, device, threads, &|more| meter.add(more as u64));
    meter.leave();
    if let Err(error) = write(path, &key, &latents) {
        note!("note: the latents could not be kept, the next start encodes them again: {error:#}");
    }
    latents
}

fn write(path: &Path, key: &str, latents: &Latents) -> Result<()> {
    let ([c, h, w], values) = (latents.shape(), latents.values());
    let entry = Entry::new("latents", F32, vec![values.len() / (c * h * w), c, h, w]);
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    write_file(path, &[header(&[entry], &[("key", key)]), bytes].concat())
}

fn read(path: &Path, key: &str) -> Result<Latents> {
    let bytes = read_file(path)?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes)?;
    if metadata.metadata().as_ref().and_then(|metadata| metadata.get("key")).is_none_or(|found| found != key) {
        bail!("latents of something else");
    }
    let file = SafeTensors::deserialize(&bytes)?;
    let tensor = file.tensor("latents")?;
    let &[_, c, h, w] = tensor.shape() else { bail!("not latents") };
    let values = tensor.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    Ok(Latents::new(values, [c, h, w]))
}
