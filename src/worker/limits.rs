//! Models that are refused before anything is allocated for them.

use super::device::Chosen;
use ditscope_config::ModelConfig;
use ditscope_core::weights::WeightsIndex;
use ditscope_protocol::{Reason, Refusal};

const GIB: u64 = 1 << 30;
const MOST_SHARD: u64 = GIB;
const MOST_WEIGHTS: u64 = 16 * GIB;
/// The largest weights in shards of 4 MiB, as `dit convert` writes them.
const MOST_SHARDS: usize = 4096;
/// Numbers in the tokens of one picture, and its side: far beyond any model that a tab can run.
const MOST_TOKEN_NUMBERS: u64 = 256 << 20;
const MOST_SIDE: usize = 8192;
/// WebAssembly has 4 GiB; a shard, activations and the program need some of it.
const MOST_ON_CPU: u64 = 3 * GIB;

/// Checks that configuration and index can be of one model, of a size that is not absurd.
///
/// # Errors
/// Names the number that is out of bounds.
pub fn check(folder: &str, config: &ModelConfig, index: &WeightsIndex) -> Result<(), Refusal> {
    if let Some((file, info)) = index.metadata.shards.iter().find(|(_, info)| info.size > MOST_SHARD) {
        return Err(Reason::TooLarge.of(format!("{folder}/{file}"), gib(info.size), gib(MOST_SHARD)));
    }
    let shards = index.metadata.shards.len();
    if shards > MOST_SHARDS {
        return Err(Reason::TooLarge.of(folder, format!("{shards} shards"), MOST_SHARDS));
    }
    let bytes = index.total_bytes();
    if bytes > MOST_WEIGHTS {
        return Err(Reason::TooLarge.of(folder, gib(bytes), gib(MOST_WEIGHTS)));
    }
    let numbers = config.transformer.num_params().max(index.metadata.total_parameters.unwrap_or(0));
    // The smallest type that is read has one byte.
    if numbers > bytes {
        return Err(Reason::Mismatch.of(folder, format!("{bytes} B"), format!("≥ {numbers} B")));
    }
    check_shape(folder, config)
}

/// Checks the same of a configuration alone.
///
/// # Errors
/// Names the number that is out of bounds.
pub fn check_shape(folder: &str, config: &ModelConfig) -> Result<(), Refusal> {
    let [rows, columns] = config.transformer.grid();
    let tokens = rows as u64 * columns as u64;
    let numbers = tokens.saturating_mul(config.transformer.hidden_size as u64);
    if numbers > MOST_TOKEN_NUMBERS {
        let found = format!("{rows} × {columns} × {}", config.transformer.hidden_size);
        return Err(Reason::TooLarge.of(folder, found, MOST_TOKEN_NUMBERS));
    }
    let side = config.image_size();
    if side > MOST_SIDE {
        return Err(Reason::TooLarge.of(
            folder,
            format!("{side} × {side} px"),
            format!("{MOST_SIDE} × {MOST_SIDE} px"),
        ));
    }
    Ok(())
}

/// Checks that the device has room, as far as that is known beforehand.
///
/// # Errors
/// Says how much is needed and how much there is.
pub fn check_room(config: &ModelConfig, weights_bytes: u64, chosen: &Chosen) -> Result<(), Refusal> {
    // A graphics device has a largest buffer; what counts on the CPU is all of the weights.
    let (needed, most) = match chosen.most_buffer {
        Some(most) => (largest_activation(config), most),
        None => (weights_bytes, MOST_ON_CPU),
    };
    if needed > most {
        return Err(Reason::NoRoom.of(&chosen.backend.name, mib(needed), mib(most)));
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
