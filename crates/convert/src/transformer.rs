//! The transformer: the official state_dict (facebookresearch/DiT `models.py` @ed81ce2), whose names
//! our files keep.

use super::diffusers;
use super::layout::{Parts, arrange};
use super::source::{Source, SourceKind};
use super::write::OutTensor;
use anyhow::{Context, Result, bail, ensure};
use burn::tensor::Device;
use ditscope_config::{Conditioning, DitConfig};
use ditscope_core::dit::{Dit, pos_embed_2d};
use ditscope_core::weights::keys::TRANSFORMER;

/// Whose constants the model was trained with, where the official code and diffusers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Numbers {
    /// Timestep frequencies over 128, norm ε 1e-6, guidance on 3 of 4 channels.
    #[default]
    Official,
    /// Timestep frequencies over 127, norm ε 1e-5 before the MLP, guidance on all channels.
    Diffusers,
}

/// What the files do not tell.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub num_heads: Option<usize>,
    pub num_classes: Option<usize>,
    pub numbers: Numbers,
}

/// A transformer that is ready to be written.
#[derive(Debug)]
pub struct Transformer {
    pub config: DitConfig,
    pub tensors: Vec<OutTensor>,
}

/// Reads shapes and names of a transformer; its numbers stay in the file.
///
/// # Errors
/// Names the tensor, and the option or file that would help.
pub fn read(source: &Source, asked: &Asked, device: &Device) -> Result<Transformer> {
    let mut parts: Parts = match source.kind {
        SourceKind::Diffusers => diffusers::official_names(source)?,
        _ => source.checkpoint.tensors.iter().map(|(name, place)| (name.clone(), vec![place.clone()])).collect(),
    };
    let positions = parts.remove("pos_embed");
    let mut config = config_of(&parts, asked.num_classes)?;
    config.sample_size = match &positions {
        Some(table) => {
            let tokens = table.iter().flat_map(|part| &part.shape).product::<usize>() / config.hidden_size;
            (tokens.isqrt() * config.patch_size).into()
        }
        None => diffusers::sample_size(source)?.into(),
    };
    config.num_heads = heads(&config, asked.num_heads.or(diffusers::num_heads(source)?))?;
    if asked.numbers == Numbers::Diffusers {
        (config.downscale_freq_shift, config.mlp_norm_eps) = (1, diffusers::norm_eps(source)?);
    }
    config.validate()?;
    if let Some(table) = positions {
        check_positions(&config, &table, device)?;
    }
    // One patch is enough here: positions are computed, and the table may be large.
    let smallest = DitConfig { sample_size: config.patch_size.into(), ..config.clone() };
    let tensors = arrange(&Dit::new(&smallest, device), TRANSFORMER, parts)?;
    Ok(Transformer { config, tensors })
}

/// Everything but the heads and the side, which shapes do not tell.
fn config_of(parts: &Parts, num_classes: Option<usize>) -> Result<DitConfig> {
    let shape = |name: &str| -> Result<Vec<usize>> {
        let part =
            parts.get(name).and_then(|parts| parts.first()).with_context(|| format!("tensor '{name}' is missing"))?;
        ensure!(
            part.shape.iter().all(|side| (1..=1 << 24).contains(side)),
            "tensor '{name}' has the shape {:?}",
            part.shape
        );
        Ok(part.shape.clone())
    };
    let [hidden_size, in_channels, patch_size, width] = shape("x_embedder.proj.weight")?[..] else {
        bail!("'x_embedder.proj.weight' is no convolution kernel [D, C, p, p]");
    };
    ensure!(patch_size == width, "patches of {patch_size}x{width} are not square");
    let depth = (0..).take_while(|i| parts.contains_key(&format!("blocks.{i}.attn.qkv.weight"))).count();
    ensure!(depth > 0, "tensor 'blocks.0.attn.qkv.weight' is missing");
    let rows = |name: &str| shape(name).map(|shape| shape[..].first().copied().unwrap_or(1));
    let outputs = rows("final_layer.linear.weight")?;
    let plain = patch_size.pow(2) * in_channels;
    ensure!(
        outputs == plain || outputs == 2 * plain,
        "'final_layer.linear.weight' has {outputs} rows: {plain} (noise) or {} (noise and variance) were expected",
        2 * plain
    );
    let label_rows = rows("y_embedder.embedding_table.weight")?;
    let num_classes = num_classes.unwrap_or(label_rows - 1);
    ensure!(
        num_classes > 0 && [num_classes, num_classes + 1].contains(&label_rows),
        "--num-classes {num_classes}: the label table has {label_rows} rows, so it is {} or, without one for 'no class', \
         {label_rows}",
        label_rows - 1
    );
    Ok(DitConfig {
        sample_size: patch_size.into(),
        patch_size,
        in_channels,
        hidden_size,
        depth,
        num_heads: 1,
        mlp_ratio: rows("blocks.0.mlp.fc1.weight")? / hidden_size,
        num_classes,
        has_null_label: label_rows > num_classes,
        conditioning: Conditioning::AdaLnZero,
        learn_sigma: outputs == 2 * plain,
        downscale_freq_shift: 0,
        mlp_norm_eps: DitConfig::NORM_EPS,
        qk_norm: false,
        block_embedders: parts.contains_key("blocks.0.y_embedder.embedding_table.weight"),
    })
}

/// The preset's name, `S` to `XL`, when depth and width are those of one.
pub fn preset(config: &DitConfig) -> Option<(&'static str, usize)> {
    let found =
        DitConfig::PRESETS.iter().find(|(_, depth, width, _)| (*depth, *width) == (config.depth, config.hidden_size));
    found.map(|(name, _, _, heads)| (*name, *heads))
}

fn heads(config: &DitConfig, known: Option<usize>) -> Result<usize> {
    known.or(preset(config).map(|(_, heads)| heads)).with_context(|| {
        format!(
            "{} blocks of width {} are no preset of the paper (S, B, L, XL), and the weights do not tell the number of \
             attention heads: give --num-heads",
            config.depth, config.hidden_size
        )
    })
}

/// The stored positions must be the ones that are computed here.
fn check_positions(config: &DitConfig, table: &[super::tensor_ref::TensorRef], device: &Device) -> Result<()> {
    let [table] = table else { bail!("'pos_embed' is in several pieces") };
    let (tokens, width) = (config.num_tokens(), config.hidden_size);
    ensure!(
        table.shape == [1, tokens, width],
        "'pos_embed' has the shape {:?}: [1, T, {width}] with a square number of tokens T was expected",
        table.shape
    );
    // What rounding to the stored type may change.
    let rounding = match table.dtype {
        safetensors::Dtype::F16 => 5e-4,
        safetensors::Dtype::BF16 => 4e-3,
        _ => 0.0,
    };
    let ours = pos_embed_2d(width, config.grid(), device).into_data();
    let ours = ours.as_slice::<f32>().map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let (mut at, mut most) = (0, 0f32);
    table.for_each_piece("pos_embed", |theirs| {
        most = ours[at..].iter().zip(theirs).fold(most, |most, (a, b)| most.max((a - b).abs()));
        at += theirs.len();
        Ok(())
    })?;
    ensure!(
        most <= 1e-4 + rounding,
        "'pos_embed' differs from the 2-D sin-cos positions by {most:.1e}: learned positions are not supported"
    );
    Ok(())
}
