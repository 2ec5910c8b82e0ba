//! Encoding a training set, on threads.

use crate::parallel;
use burn::tensor::Device;
use ditscope_core::autoencoder::AutoencoderTiny;
use ditscope_train::{Dataset, Latents};

/// The latents of all pictures, and of their mirror images where those are as good.
pub fn encode_latents(data: &Dataset, autoencoder: &AutoencoderTiny, device: &Device, threads: usize) -> Latents {
    const CHUNK: usize = 100;
    let indices: Vec<usize> = (0..data.len()).collect();
    let flips = if data.info.mirror { &[false, true][..] } else { &[false] };
    let chunks: Vec<(bool, &[usize])> =
        flips.iter().flat_map(|flip| indices.chunks(CHUNK).map(move |chunk| (*flip, chunk))).collect();
    let encoded = parallel::map(threads, chunks.len(), |i| {
        let (flip, chunk) = chunks[i];
        let z = autoencoder.encode(data.batch(chunk, |_| flip, device));
        let [_, c, h, w] = z.dims();
        ([c, h, w], z.into_data().convert::<f32>().try_into_vec::<f32>().expect("converted to f32"))
    });
    let shape = encoded[0].0;
    Latents::new(encoded.into_iter().flat_map(|(_, values)| values).collect(), shape)
}
