//! The transformer under diffusers' names (`DiTTransformer2DModel`, and `Transformer2DModel` before it).
//!
//! | diffusers | official |
//! |---|---|
//! | `pos_embed.proj` | `x_embedder.proj` |
//! | `transformer_blocks.{i}.norm1.emb.timestep_embedder.linear_{1,2}` | `t_embedder.mlp.{0,2}` |
//! | `transformer_blocks.{i}.norm1.emb.class_embedder.embedding_table` | `y_embedder.embedding_table` |
//! | `transformer_blocks.{i}.norm1.linear` | `blocks.{i}.adaLN_modulation.1` |
//! | `transformer_blocks.{i}.attn1.to_{q,k,v}` | `blocks.{i}.attn.qkv`, row upon row |
//! | `transformer_blocks.{i}.attn1.to_out.0` | `blocks.{i}.attn.proj` |
//! | `transformer_blocks.{i}.ff.net.{0.proj,2}` | `blocks.{i}.mlp.fc{1,2}` |
//! | `proj_out_{1,2}` | `final_layer.adaLN_modulation.1`, `final_layer.linear` |
//!
//! Both cut the modulation into shift, scale and gate in the same order, and the last one into shift
//! and scale. Every block there has embedders of its own, and the last layer takes those of block 0. In
//! the official weights they are the same everywhere, and become one; where they are not, as after a training with
//! diffusers, block `i` keeps its own as `blocks.{i}.t_embedder` and `blocks.{i}.y_embedder`.

use super::layout::Parts;
use super::source::Source;
use super::tensor_ref::TensorRef;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::collections::BTreeMap;

/// Brings the tensors under the official names.
///
/// # Errors
/// A setting of `config.json` that is another architecture's, or a tensor that is missing.
pub fn official_names(source: &Source) -> Result<Parts> {
    check_settings(
        &source.config,
        &[
            ("norm_type", "ada_norm_zero".into()),
            ("activation_fn", "gelu-approximate".into()),
            ("norm_elementwise_affine", false.into()),
            ("attention_bias", true.into()),
        ],
    )?;
    let tensors = &source.checkpoint.tensors;
    let are_tied = are_tied(tensors)?;
    let mut pieces: BTreeMap<String, BTreeMap<usize, TensorRef>> = BTreeMap::new();
    for (name, place) in tensors {
        let mut put = |(name, piece): (String, usize)| pieces.entry(name).or_default().insert(piece, place.clone());
        match embedder(name) {
            Some((block, embedder)) => {
                if !are_tied {
                    put((format!("blocks.{block}.{embedder}"), 0));
                }
                if block == "0" {
                    put((embedder, 0));
                }
            }
            None => {
                put(official_name(name));
            }
        }
    }
    for (name, parts) in pieces.iter().filter(|(name, _)| name.contains(".attn.qkv.")) {
        ensure!(parts.len() == 3, "tensors are missing: '{name}' needs to_q, to_k and to_v");
    }
    Ok(pieces.into_iter().map(|(name, parts)| (name, parts.into_values().collect())).collect())
}

/// The official name, and which piece of that tensor this is. A name that is not known stays as it is.
fn official_name(name: &str) -> (String, usize) {
    let Some((block, rest)) = name.strip_prefix("transformer_blocks.").and_then(|rest| rest.split_once('.')) else {
        let renamed = match name {
            "pos_embed.pos_embed" => "pos_embed".to_owned(),
            _ => replace_start(name, &LAST).unwrap_or_else(|| name.to_owned()),
        };
        return (renamed, 0);
    };
    let piece = ["attn1.to_q.", "attn1.to_k.", "attn1.to_v."].iter().position(|part| rest.starts_with(part));
    match replace_start(rest, &BLOCK) {
        Some(renamed) => (format!("blocks.{block}.{renamed}"), piece.unwrap_or(0)),
        None => (name.to_owned(), 0),
    }
}

const EMBEDDERS: [(&str, &str); 3] = [
    ("norm1.emb.timestep_embedder.linear_1.", "t_embedder.mlp.0."),
    ("norm1.emb.timestep_embedder.linear_2.", "t_embedder.mlp.2."),
    ("norm1.emb.class_embedder.embedding_table.", "y_embedder.embedding_table."),
];

const BLOCK: [(&str, &str); 7] = [
    ("norm1.linear.", "adaLN_modulation.1."),
    ("attn1.to_q.", "attn.qkv."),
    ("attn1.to_k.", "attn.qkv."),
    ("attn1.to_v.", "attn.qkv."),
    ("attn1.to_out.0.", "attn.proj."),
    ("ff.net.0.proj.", "mlp.fc1."),
    ("ff.net.2.", "mlp.fc2."),
];

const LAST: [(&str, &str); 3] = [
    ("pos_embed.proj.", "x_embedder.proj."),
    ("proj_out_1.", "final_layer.adaLN_modulation.1."),
    ("proj_out_2.", "final_layer.linear."),
];

fn replace_start(name: &str, table: &[(&str, &str)]) -> Option<String> {
    table.iter().find_map(|(from, to)| Some(format!("{to}{}", name.strip_prefix(from)?)))
}

/// Of a part of an embedder: its block, and its official name.
fn embedder(name: &str) -> Option<(&str, String)> {
    let (block, rest) = name.strip_prefix("transformer_blocks.")?.split_once('.')?;
    Some((block, replace_start(rest, &EMBEDDERS)?))
}

/// Whether all blocks have the same embedders.
fn are_tied(tensors: &BTreeMap<String, TensorRef>) -> Result<bool> {
    for (name, place) in tensors.iter().filter(|(name, _)| embedder(name).is_some()) {
        let rest = name.splitn(3, '.').last().unwrap_or_default();
        let first = format!("transformer_blocks.0.{rest}");
        let first = tensors.get(&first).with_context(|| format!("tensor '{first}' is missing"))?;
        if !place.same_bytes(first)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// ε of the norm before the MLP.
///
/// # Errors
/// It is not a positive number.
pub fn norm_eps(source: &Source) -> Result<f64> {
    let Some(value) = source.config.get("norm_eps").filter(|value| !value.is_null()) else { return Ok(1e-5) };
    value.as_f64().filter(|eps| *eps > 0.0).with_context(|| format!("config.json: norm_eps = {value} is not positive"))
}

/// The latent's side, where no table of positions tells it.
///
/// # Errors
/// `config.json` does not tell it either.
pub fn sample_size(source: &Source) -> Result<usize> {
    number(&source.config, "sample_size")?.context(
        "the size of the latents is unknown: tensor 'pos_embed' is missing, and there is no config.json with a sample_size",
    )
}

/// The heads, as far as `config.json` tells.
///
/// # Errors
/// It is not a positive number.
pub fn num_heads(source: &Source) -> Result<Option<usize>> {
    number(&source.config, "num_attention_heads")
}

/// A positive number of diffusers' `config.json`.
pub fn number(config: &Value, name: &str) -> Result<Option<usize>> {
    match config.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value.as_u64().filter(|n| (1..=65_536).contains(n));
            Ok(Some(
                number.with_context(|| format!("config.json: {name} = {value} is not between 1 and 65536"))? as usize
            ))
        }
    }
}

/// Refuses a setting that asks for another computation than ours. Absent settings are the defaults.
///
/// # Errors
/// Names the setting.
pub fn check_settings(config: &Value, only: &[(&str, Value)]) -> Result<()> {
    for (name, expected) in only {
        // 1 and 1.0 are the same.
        let same = |value: &Value| value == expected || value.as_f64().is_some_and(|n| Some(n) == expected.as_f64());
        if let Some(value) = config.get(*name).filter(|value| !value.is_null() && !same(value)) {
            bail!("config.json: {name} = {value} is not supported, only {expected}");
        }
    }
    Ok(())
}
