//! A model of ours, stored in another type or with another autoencoder.

use super::card::Card;
use super::checkpoint::Checkpoint;
use super::source::open_shards;
use super::write::OutTensor;
use super::{Plan, Watch, Written, finish, stage};
use anyhow::{Context, Result, ensure};
use ditscope_config::ModelConfig;
use ditscope_core::weights::keys::AUTOENCODER;
use ditscope_model_dir::{self as model_dir, CONFIG_FILE};
use std::path::Path;

/// Streams every tensor as it is called and shaped; only the type changes, and with `--autoencoder` the autoencoder.
///
/// # Errors
/// Options that would change what the model is, a file that is wrong, a type that cannot be made smaller again.
pub fn convert(plan: &Plan, watch: Watch) -> Result<Written> {
    ensure!(
        plan.num_heads.is_none()
            && plan.num_classes.is_none()
            && plan.labels.is_none()
            && plan.prediction_type.is_none(),
        "{}: this is a model already: --num-heads, --num-classes, --labels and --prediction-type are for checkpoints",
        plan.source.display()
    );
    let mut config = model_dir::read_config(&plan.source)?;
    let mut checkpoint = open_shards(&plan.source)?;
    let other = plan.autoencoder.as_deref().map(|dir| other_autoencoder(dir, &mut config)).transpose()?;
    if let Some(other) = &other {
        checkpoint.tensors.retain(|name, _| !name.starts_with(AUTOENCODER));
        checkpoint.tensors.extend(other.tensors.clone());
    }
    let tensor = |(name, place): (&String, &super::tensor_ref::TensorRef)| OutTensor {
        name: name.clone(),
        shape: place.shape.clone(),
        parts: vec![place.clone()],
    };
    let tensors: Vec<OutTensor> = checkpoint.tensors.iter().map(tensor).collect();
    if let Some(name) = &plan.name {
        config.name.clone_from(name);
    }
    if let Some(license) = &plan.license {
        config.license.clone_from(license);
    }
    let staged = stage(plan, &tensors, watch)?;
    let mut sources = vec![("model", &checkpoint)];
    sources.extend(other.as_ref().map(|other| ("autoencoder", other)));
    let what = format!("The weights of {}, stored anew.", model_dir::read_config(&plan.source)?.name);
    finish(
        staged,
        (CONFIG_FILE, &config),
        &Card {
            name: &config.name,
            what,
            license: &config.license,
            dtype: plan.dtype.name(),
            numbers: "the same code",
            sources,
            notes: &[],
        },
    )
}

/// Its tensors; the configuration gets what it is. Its encoder must be the one that the transformer's latents came
/// from, as after 'dit train autoencoder --decoder-of'; that cannot be seen from the files.
fn other_autoencoder(dir: &Path, config: &mut ModelConfig) -> Result<Checkpoint> {
    config.autoencoder = Some(model_dir::read_autoencoder_config(dir)?);
    config.validate().with_context(|| format!("--autoencoder {}", dir.display()))?;
    let mut checkpoint = open_shards(dir)?;
    checkpoint.tensors.retain(|name, _| name.starts_with(AUTOENCODER));
    Ok(checkpoint)
}
