//! Autoencoders: diffusers' names, Stable Diffusion's older attention names, and TAESD's own indices.
//!
//! | found | ours |
//! |---|---|
//! | `attentions.0.{query,key,value,proj_attn}` | `attentions.0.{to_q,to_k,to_v,to_out.0}` |
//! | TAESD `{i}` (decoder, `i` from 1: 0 is its clamp) | `decoder.layers.{i-1}` |
//! | `encoder.*`, `quant_conv.*` of an AutoencoderKL | not stored: nothing here encodes with it |

use super::diffusers::{check_settings, number};
use super::layout::{Parts, arrange};
use super::source::{Source, SourceKind};
use super::tensor_ref::TensorRef;
use super::write::OutTensor;
use anyhow::{Context, Result, bail, ensure};
use burn::tensor::Device;
use ditscope_config::{AutoencoderConfig, KlConfig, TinyConfig};
use ditscope_core::autoencoder::Autoencoder;
use ditscope_core::weights::keys::AUTOENCODER;
use serde_json::Value;

/// Stable Diffusion's scale, which diffusers takes too where nothing is said.
const SCALING_FACTOR: f64 = 0.18215;
/// The groups of all of Stable Diffusion's autoencoders.
const NORM_GROUPS: usize = 32;

/// An autoencoder that is ready to be written.
#[derive(Debug)]
pub struct ReadAutoencoder {
    pub config: AutoencoderConfig,
    pub tensors: Vec<OutTensor>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// Reads shapes and names of an autoencoder; its numbers stay in the file.
///
/// # Errors
/// Names the tensor or the setting.
pub fn read(source: &Source, device: &Device) -> Result<ReadAutoencoder> {
    let mut notes = source.checkpoint.notes.clone();
    let parts: Parts = source
        .checkpoint
        .tensors
        .iter()
        .map(|(name, place)| (rename(&source.kind, name), vec![place.clone()]))
        .collect();
    let (config, parts) = match &source.kind {
        SourceKind::Ours(config) => (config.clone(), parts),
        SourceKind::Kl => {
            let (decoder, encoder): (Parts, Parts) = parts
                .into_iter()
                .partition(|(name, _)| !name.starts_with("encoder.") && !name.starts_with("quant_conv."));
            if !encoder.is_empty() {
                notes.push(format!("{} tensors of the encoder were left out: only the decoder is used", encoder.len()));
            }
            (AutoencoderConfig::Kl(kl_config(&source.config, &decoder, &mut notes)?), decoder)
        }
        _ => (AutoencoderConfig::Tiny(tiny_config(&source.config, &parts)?), parts),
    };
    config.validate()?;
    let tensors = arrange(&Autoencoder::new(&config, device), AUTOENCODER, parts)?;
    Ok(ReadAutoencoder { config, tensors, notes })
}

fn rename(kind: &SourceKind, name: &str) -> String {
    match kind {
        SourceKind::Kl => {
            let table =
                [(".query.", ".to_q."), (".key.", ".to_k."), (".value.", ".to_v."), (".proj_attn.", ".to_out.0.")];
            table.iter().fold(name.to_owned(), |name, (from, to)| name.replace(from, to))
        }
        SourceKind::Taesd => match name.split_once('.').map(|(index, rest)| (index.parse::<usize>(), rest)) {
            Some((Ok(index @ 1..), rest)) => format!("decoder.layers.{}.{rest}", index - 1),
            _ => name.to_owned(),
        },
        _ => name.to_owned(),
    }
}

fn kl_config(config: &Value, parts: &Parts, notes: &mut Vec<String>) -> Result<KlConfig> {
    check_settings(
        config,
        &[
            ("act_fn", "silu".into()),
            ("shift_factor", 0.0.into()),
            ("latents_mean", Value::Null),
            ("latents_std", Value::Null),
        ],
    )?;
    let conv_in = kernel(parts, "decoder.conv_in.weight")?;
    let conv_out = kernel(parts, "decoder.conv_out.weight")?;
    let blocks = count(|i| parts.contains_key(&format!("decoder.up_blocks.{i}.resnets.0.conv1.weight")));
    let widths =
        (0..blocks).rev().map(|i| Ok(kernel(parts, &format!("decoder.up_blocks.{i}.resnets.0.conv1.weight"))?[0]));
    let resnets = count(|i| parts.contains_key(&format!("decoder.up_blocks.0.resnets.{i}.conv1.weight")));
    ensure!(resnets > 0, "tensor 'decoder.up_blocks.0.resnets.0.conv1.weight' is missing");
    let scaling_factor = match config.get("scaling_factor") {
        None | Some(Value::Null) => {
            notes.push(format!("no config.json says a scaling_factor: Stable Diffusion's {SCALING_FACTOR} is taken"));
            SCALING_FACTOR
        }
        Some(value) => {
            value.as_f64().with_context(|| format!("config.json: scaling_factor = {value} is not a number"))?
        }
    };
    Ok(KlConfig {
        out_channels: conv_out[0],
        latent_channels: conv_in[1],
        block_out_channels: widths.collect::<Result<_>>()?,
        layers_per_block: resnets - 1,
        norm_num_groups: number(config, "norm_num_groups")?.unwrap_or(NORM_GROUPS),
        scaling_factor,
        mid_block_add_attention: parts.keys().any(|name| name.starts_with("decoder.mid_block.attentions.0.")),
        use_post_quant_conv: parts.contains_key("post_quant_conv.weight"),
    })
}

fn tiny_config(config: &Value, parts: &Parts) -> Result<TinyConfig> {
    check_settings(
        config,
        &[
            ("act_fn", "relu".into()),
            ("upsample_fn", "nearest".into()),
            ("scaling_factor", 1.0.into()),
            ("shift_factor", 0.0.into()),
            ("upsampling_scaling_factor", 2.into()),
        ],
    )?;
    let (decoder_block_out_channels, num_decoder_blocks) = stages(parts, "decoder.layers.")?;
    let (encoder_block_out_channels, num_encoder_blocks) = match parts.keys().any(|name| name.starts_with("encoder.")) {
        true => stages(parts, "encoder.layers.")?,
        false => Default::default(),
    };
    // A convolution and a ReLU; the blocks; between two stages an upsampling and a convolution.
    let last = 2 * decoder_block_out_channels.len() + num_decoder_blocks.iter().sum::<usize>();
    Ok(TinyConfig {
        in_channels: kernel(parts, &format!("decoder.layers.{last}.weight"))?[0],
        latent_channels: kernel(parts, "decoder.layers.0.weight")?[1],
        patch_size: 1,
        encoder_block_out_channels,
        num_encoder_blocks,
        decoder_block_out_channels,
        num_decoder_blocks,
        latent_magnitude: match config.get("latent_magnitude") {
            None | Some(Value::Null) => 3.0,
            Some(value) => value.as_f64().context("config.json: latent_magnitude is not a number")?,
        },
    })
}

/// Width and number of blocks of each stage: a convolution, then blocks, and so on up to a last convolution.
fn stages(parts: &Parts, prefix: &str) -> Result<(Vec<usize>, Vec<usize>)> {
    let has = |i: usize, rest: &str| parts.contains_key(&format!("{prefix}{i}.{rest}"));
    let most = parts.len() + 8;
    let (mut widths, mut blocks) = (Vec::new(), Vec::new());
    let mut convolutions = (0..most).filter(|i| has(*i, "weight")).peekable();
    while let Some(at) = convolutions.next() {
        let Some(next) = convolutions.peek() else { break };
        widths.push(kernel(parts, &format!("{prefix}{at}.weight"))?[0]);
        blocks.push((at..*next).filter(|i| has(*i, "conv.0.weight")).count());
    }
    ensure!(!widths.is_empty(), "'{prefix}…' are no layers of an AutoencoderTiny");
    Ok((widths, blocks))
}

/// The shape `[out, in, k, k]` of a convolution's weights.
fn kernel(parts: &Parts, name: &str) -> Result<[usize; 4]> {
    let part: &TensorRef =
        parts.get(name).and_then(|parts| parts.first()).with_context(|| format!("tensor '{name}' is missing"))?;
    match part.shape[..] {
        [out, from, k, l] => Ok([out, from, k, l]),
        _ => bail!("tensor '{name}' has the shape {:?}, not a convolution's", part.shape),
    }
}

fn count(exists: impl Fn(usize) -> bool) -> usize {
    (0..).take_while(|i| exists(*i)).count()
}
