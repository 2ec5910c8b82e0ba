//! Models that are refused before anything is allocated for them.

use super::device::Chosen;
use super::failure::Failure;
use ditscope_config::ModelConfig;
use ditscope_core::weights::WeightsIndex;

const GIB: u64 = 1 << 30;
const MOST_SHARD: u64 = GIB;
const MOST_WEIGHTS: u64 = 16 * GIB;
/// Numbers in the tokens of one picture, and its side: far beyond any model that a tab can run.
const MOST_TOKEN_NUMBERS: u64 = 256 << 20;
const MOST_SIDE: usize = 8192;
/// WebAssembly has 4 GiB; a shard, activations and the program need some of it.
const MOST_ON_CPU: u64 = 3 * GIB;

/// Checks that configuration and index can be of one model, of a size that is not absurd.
///
/// # Errors
/// A bad model, with the number that is out of bounds.
pub fn check(folder: &str, config: &ModelConfig, index: &WeightsIndex) -> Result<(), Failure> {
    let refuse = |what: String| Err(Failure::bad_model(format!("{folder}: {what}")));
    if let Some((file, info)) = index.metadata.shards.iter().find(|(_, info)| info.size > MOST_SHARD) {
        let size = gib(info.size);
        return refuse(format!("'{file}' has {size}, more than 1 GiB: convert the model into smaller shards."));
    }
    let bytes = index.total_bytes();
    if bytes > MOST_WEIGHTS {
        return refuse(format!("the weights have {}, more than the 16 GiB that a tab can be asked for.", gib(bytes)));
    }
    let numbers = config.transformer.num_params().max(index.metadata.total_parameters.unwrap_or(0));
    // The smallest type that is read has one byte.
    if numbers > bytes {
        return refuse(format!(
            "there should be {numbers} parameters, and all shards together have {bytes} bytes: config.json and the weights are not of one model."
        ));
    }
    let tokens = (config.transformer.sample_size / config.transformer.patch_size) as u64;
    let numbers = tokens.pow(2).saturating_mul(config.transformer.hidden_size as u64);
    if numbers > MOST_TOKEN_NUMBERS || config.image_size() > MOST_SIDE {
        return refuse(format!(
            "pictures of {0}x{0} pixels in {1}x{1} tokens are more than a tab can compute.",
            config.image_size(),
            tokens
        ));
    }
    Ok(())
}

/// Checks that the device has room, as far as that is known beforehand.
///
/// # Errors
/// A device failure that says how much is needed and how much there is.
pub fn check_room(config: &ModelConfig, weights_bytes: u64, chosen: &Chosen) -> Result<(), Failure> {
    let Some(most) = chosen.most_buffer else {
        if weights_bytes > MOST_ON_CPU {
            return Err(Failure::device(format!(
                "The weights need {} of memory, and the CPU path of a tab has room for 3 GiB. Choose WebGPU, or a smaller model.",
                gib(weights_bytes)
            )));
        }
        return Ok(());
    };
    let largest = largest_activation(config);
    if largest > most {
        return Err(Failure::device(format!(
            "This model works on {} at a time, and this graphics device allows {}. Choose the CPU, or a smaller model.",
            mib(largest),
            mib(most)
        )));
    }
    Ok(())
}

/// Bytes of the largest tensor in a guided step or in the decoder, for one picture.
fn largest_activation(config: &ModelConfig) -> u64 {
    let dit = &config.transformer;
    let tokens = dit.num_tokens() as u64;
    let scores = 2 * dit.num_heads as u64 * tokens * tokens;
    let mlp = 2 * tokens * (dit.mlp_ratio * dit.hidden_size) as u64;
    let decoder = config.autoencoder.as_ref().map_or(0, |it| it.largest_activation(config.image_size()));
    4 * scores.max(mlp).max(decoder)
}

fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / GIB as f64)
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}
