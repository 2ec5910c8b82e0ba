//! Names as trainings leave them: what wrappers put in front is taken off, and what the tensors make up is recognised.

use super::checkpoint::Checkpoint;
use super::nested;
use super::source::SourceKind;
use super::tensor_ref::TensorRef;
use anyhow::{Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};

type Tensors = BTreeMap<String, TensorRef>;

/// Parts of names that wrappers put in between, wherever they stand, and that name nothing: `torch.compile`, FSDP,
/// activation checkpointing.
const WRAPPERS: [&str; 3] = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];
/// How many parts a prefix may have.
const MOST_PARTS: usize = 6;
/// How many names a message lists.
const MOST_SHOWN: usize = 3;

/// Brings the tensors under the names that they have in their own module, and says what they are.
///
/// # Errors
/// They are none of what can be converted, or several that cannot be told apart.
pub fn recognise(checkpoint: &mut Checkpoint) -> Result<SourceKind> {
    unwrap(checkpoint)?;
    if let Some(kind) = kind_of(checkpoint.tensors.keys().map(String::as_str)) {
        return Ok(kind);
    }
    let compvis = |name: &String| name.contains("first_stage_model.") || name.contains("decoder.mid.");
    ensure!(
        !checkpoint.tensors.keys().any(compvis),
        "an autoencoder under its original CompVis names ('decoder.mid.attn_1'), which are not supported: take the same \
         autoencoder from a diffusers folder (vae/), or save it there with AutoencoderKL.from_single_file(FILE).save_pretrained(DIR)"
    );
    let Some((prefix, kind)) = prefix(&checkpoint.tensors)? else {
        let first: Vec<&str> = checkpoint.tensors.keys().take(MOST_SHOWN).map(String::as_str).collect();
        bail!(
            "neither a DiT (official or diffusers names) nor a decoder (AutoencoderKL, TAESD): its tensors are {}, …",
            first.join(", ")
        )
    };
    let (inside, outside): (Tensors, Tensors) =
        std::mem::take(&mut checkpoint.tensors).into_iter().partition(|(name, _)| name.starts_with(&prefix));
    checkpoint.tensors = inside.into_iter().map(|(name, place)| (name[prefix.len()..].to_owned(), place)).collect();
    checkpoint.notes.push(match outside.len() {
        0 => format!("'{prefix}' stood before every name and was taken off"),
        count => format!(
            "the tensors under '{prefix}' were taken; {count} others were left out ({}, …)",
            outside.keys().take(MOST_SHOWN).cloned().collect::<Vec<_>>().join(", ")
        ),
    });
    Ok(kind)
}

/// Takes the wrappers' parts out of all names.
fn unwrap(checkpoint: &mut Checkpoint) -> Result<()> {
    let mut found = BTreeSet::new();
    let mut tensors = Tensors::new();
    for (name, place) in std::mem::take(&mut checkpoint.tensors) {
        let (wrappers, parts): (Vec<&str>, Vec<&str>) = name.split('.').partition(|part| WRAPPERS.contains(part));
        found.extend(wrappers.into_iter().map(str::to_owned));
        let plain = parts.join(".");
        ensure!(tensors.insert(plain.clone(), place).is_none(), "'{plain}' is there with a wrapper's name and without");
    }
    checkpoint.tensors = tensors;
    if !found.is_empty() {
        let found = found.into_iter().collect::<Vec<_>>().join("', '");
        checkpoint.notes.push(format!("'{found}' was taken out of the names"));
    }
    Ok(())
}

/// The prefix under which something known lies. Of several the one that a training's average has, as in [`nested`].
fn prefix(tensors: &Tensors) -> Result<Option<(String, SourceKind)>> {
    let mut prefixes = BTreeSet::new();
    for name in tensors.keys() {
        let ends = name.match_indices('.').map(|(at, _)| at + 1).take(MOST_PARTS);
        prefixes.extend(ends.map(|end| &name[..end]));
    }
    let under = |prefix: &str| {
        let names = tensors.range(prefix.to_owned()..).map(|(name, _)| name.as_str());
        whole_kind_of(names.map_while(|name| name.strip_prefix(prefix)))
    };
    let found: Vec<(&str, SourceKind)> =
        prefixes.into_iter().filter_map(|prefix| Some((prefix, under(prefix)?))).collect();
    let rank = |prefix: &str| prefix.split('.').filter_map(nested::rank).min().unwrap_or(usize::MAX);
    let Some(best) = found.iter().map(|(prefix, _)| rank(prefix)).min() else { return Ok(None) };
    let mut best = found.iter().filter(|(prefix, _)| rank(prefix) == best);
    match (best.next(), best.next()) {
        (Some((one, kind)), None) => Ok(Some(((*one).to_owned(), kind.clone()))),
        (Some((one, _)), Some((other, _))) => {
            bail!("it holds several models, under '{one}' and '{other}': save the one that is meant alone")
        }
        (None, _) => Ok(None),
    }
}

/// What tensors of these names are, by a few that nothing else has.
fn kind_of<'n>(names: impl Iterator<Item = &'n str> + Clone) -> Option<SourceKind> {
    let has = |name: &str| names.clone().any(|found| found == name);
    let starts = |prefix: &str| names.clone().any(|found| found.starts_with(prefix));
    let known = [
        (has("x_embedder.proj.weight") || starts("blocks."), SourceKind::Official),
        (starts("transformer_blocks."), SourceKind::Diffusers),
        (starts("decoder.layers."), SourceKind::Tiny),
        (starts("decoder.mid_block.") || starts("decoder.up_blocks."), SourceKind::Kl),
        (has("1.weight") && starts("3.conv."), SourceKind::Taesd),
    ];
    known.into_iter().find_map(|(is, kind)| is.then_some(kind))
}

/// The same for names that a prefix was taken off: only where the thing seems to be whole, because other networks have
/// blocks and decoders, too.
fn whole_kind_of<'n>(names: impl Iterator<Item = &'n str> + Clone) -> Option<SourceKind> {
    let has = |name: &str| names.clone().any(|found| found == name);
    let kind = kind_of(names.clone())?;
    let is_whole = match kind {
        SourceKind::Official => has("x_embedder.proj.weight") && has("blocks.0.attn.qkv.weight"),
        SourceKind::Diffusers => has("pos_embed.proj.weight") && has("transformer_blocks.0.attn1.to_q.weight"),
        SourceKind::Tiny => has("decoder.layers.0.weight"),
        SourceKind::Kl => has("decoder.conv_in.weight") && has("decoder.conv_out.weight"),
        SourceKind::Taesd => has("3.conv.0.weight"),
        SourceKind::Ours(_) => false,
    };
    is_whole.then_some(kind)
}
