//! What a training needs of a model's folder: its description, its training latents, its autoencoder, and where it begins
//! with them, its transformer.

use super::cpu;
use super::post::post;
use crate::files::source::Source;
use crate::files::store::Store;
use burn::module::Module;
use burn::tensor::Device;
use ditscope_config::ModelConfig;
use ditscope_core::autoencoder::Autoencoder;
use ditscope_core::dit::Dit;
use ditscope_core::weights::keys::{AUTOENCODER, TRANSFORMER};
use ditscope_core::weights::{Loader, ShardInfo, WeightsIndex, verify};
use ditscope_protocol::training::FromTrainer;
use ditscope_protocol::{ModelSource, Reason, Refusal};
use ditscope_tensor_file::{LATENTS_DATA, LATENTS_FILE, LatentSet};
use web_sys::{AbortController, File};

/// Models whose files are larger are not trained here.
const MOST_WEIGHTS: u64 = 128 << 20;
const MOST_DESCRIPTION: u64 = 1 << 20;
const MOST_LATENTS: u64 = 65 << 20;

/// What was loaded.
pub struct Material {
    pub config: ModelConfig,
    pub set: LatentSet,
    pub autoencoder: Option<Autoencoder>,
    /// Where it is trained, with autodiff; if it was asked for.
    pub dit: Option<Dit>,
}

/// Loads it, and says how far it is. `trained`: where it is trained, with autodiff.
///
/// # Errors
/// Names the file that is missing or wrong.
pub async fn load(
    source: &ModelSource,
    files: Vec<File>,
    with_dit: bool,
    trained: &Device,
) -> Result<Material, Refusal> {
    let controller = AbortController::new().map_err(|_| Reason::Device)?;
    let folder = Source::new(source, files, controller.signal());
    let config = folder.config(None).await?;
    let set = latents(&folder, &config).await?;
    let index = folder.index(None).await?;
    if index.total_bytes() > MOST_WEIGHTS {
        return Err(Reason::TooLarge.of(source.name(), index.total_bytes(), MOST_WEIGHTS));
    }
    let (autoencoder, dit) = weights(&folder, &config, &index, with_dit.then_some(trained)).await?;
    Ok(Material { config, set, autoencoder, dit })
}

/// The latents, which must be of this model.
async fn latents(folder: &Source, config: &ModelConfig) -> Result<LatentSet, Refusal> {
    let description = folder.file(LATENTS_FILE, MOST_DESCRIPTION).await?;
    let data = folder.file(LATENTS_DATA, MOST_LATENTS).await?;
    let bad = |why: String| Reason::BadFile.found(format!("{}: {why}.", folder.path(LATENTS_FILE)));
    let text = String::from_utf8(description).map_err(|error| bad(error.to_string()))?;
    let set = LatentSet::read(&text, &data).map_err(|error| bad(error.to_string()))?;
    let dit = &config.transformer;
    let fits = set.info.shape == dit.latent_shape()
        && set.info.num_classes == config.labels.len()
        && (&set.info.mean, &set.info.std) == (&config.latents.mean, &config.latents.std);
    if fits { Ok(set) } else { Err(bad("latents of another model".to_owned())) }
}

type Parts = (Option<Autoencoder>, Option<Dit>);

/// Shard by shard, from what the browser keeps, else from the folder.
async fn weights(
    folder: &Source,
    config: &ModelConfig,
    index: &WeightsIndex,
    trained: Option<&Device>,
) -> Result<Parts, Refusal> {
    let plain = cpu();
    let mut autoencoder = config.autoencoder.as_ref().map(|config| Autoencoder::new(config, &plain));
    let mut dit = trained.map(|trained| Dit::new(&config.transformer, trained));
    let (mut loader, mut of_dit) = (Loader::default(), Loader::default());
    let store = match folder.url() {
        Some(url) => Some(Store::open(url).await),
        None => None,
    };
    let wrong = |error: ditscope_core::weights::WeightsError| Reason::BadFile.found(error);
    let mut loaded_bytes = 0;
    for (file, info) in &index.metadata.shards {
        let bytes = shard(folder, store.as_ref(), file, info).await?;
        let path = folder.path(file);
        if let Some(before) = autoencoder.take() {
            autoencoder = Some(loader.apply(before, AUTOENCODER, &path, &bytes, &plain).map_err(wrong)?);
        }
        if let Some((before, trained)) = dit.take().zip(trained) {
            dit = Some(of_dit.apply(before, TRANSFORMER, &path, &bytes, trained).map_err(wrong)?);
        }
        loaded_bytes += info.size;
        post(&FromTrainer::Loading { loaded_bytes, total_bytes: index.total_bytes() }, &[]);
    }
    autoencoder.iter().try_for_each(|it| loader.finish(it, AUTOENCODER)).map_err(wrong)?;
    dit.iter().try_for_each(|it| of_dit.finish(it, TRANSFORMER)).map_err(wrong)?;
    // With parameters that gradients are wanted of.
    Ok((autoencoder, dit.zip(trained).map(|(dit, trained)| dit.fork(trained))))
}

async fn shard(folder: &Source, store: Option<&Store>, file: &str, info: &ShardInfo) -> Result<Vec<u8>, Refusal> {
    if let Some(store) = store
        && let Some(bytes) = store.get(file, info, folder.signal(), |_| {}).await?
    {
        return Ok(bytes);
    }
    let bytes = folder.shard(file, info, |_| {}).await?;
    verify(&folder.path(file), &bytes, info).map_err(|error| Reason::BadFile.found(error))?;
    Ok(bytes)
}
