//! What the transformer is trained on: pictures and the autoencoder for them, latents that were made before, or words.

use super::dit::DitOptions;
use super::latents::kept_latents;
use super::trainer::TrainOptions;
use anyhow::{Context, Result, bail, ensure};
use burn::tensor::Device;
use ditscope_config::{AutoencoderConfig, LatentStats, ModelConfig};
use ditscope_core::autoencoder::AutoencoderTiny;
use ditscope_data::{Split, load};
use ditscope_model_dir::{self as model_dir, read_file};
use ditscope_tensor_file::{LATENTS_DATA, LATENTS_FILE, LatentSet};
use ditscope_train::{Dataset, DatasetInfo, Latents};
use std::path::Path;

/// What the options name.
pub struct Given {
    /// Of latents that were given: their bytes in the place of pictures, as those are counted and told apart only.
    pub data: Dataset,
    pub set: Option<LatentSet>,
    /// None for words.
    pub config: Option<AutoencoderConfig>,
    pub autoencoder: Option<AutoencoderTiny>,
}

impl Given {
    /// # Errors
    /// Files that cannot be read, an autoencoder that is missing, superfluous or of other pictures.
    pub fn read(options: &DitOptions, device: &Device) -> Result<Self> {
        if let Some(dir) = &options.teacher {
            model_dir::read_config(dir).context("--teacher wants a model")?;
        }
        let Some(dir) = &options.autoencoder else {
            let data = load(options.train.data(), Split::Train)?;
            ensure!(data.info.text.is_some(), "--autoencoder is missing: {} has pictures", data.info.name);
            return Ok(Self { data, set: None, config: None, autoencoder: None });
        };
        let (config, autoencoder) = model_dir::load_trainable_autoencoder(dir, device)?;
        let config = AutoencoderConfig::Tiny(config);
        let (data, set) = match &options.latents {
            Some(latents) => {
                let set = read_latents(latents)?;
                (of_latents(dir, &set, &config)?, Some(set))
            }
            None => (load(options.train.data(), Split::Train)?, None),
        };
        if data.info.text.is_some() {
            bail!(
                "--autoencoder {}: {} has words, whose letters are the latents: leave it out",
                dir.display(),
                data.info.name
            );
        }
        ensure!(
            config.image_channels() == data.info.channels,
            "--autoencoder {}: it is for pictures of {} channels, {} has {}",
            dir.display(),
            config.image_channels(),
            data.info.name,
            data.info.channels
        );
        Ok(Self { data, set, config: Some(config), autoencoder: Some(autoencoder) })
    }

    pub fn latent_channels(&self) -> usize {
        let text = self.data.info.text.as_ref().map_or(1, |text| text.bits());
        self.config.as_ref().map_or(text, AutoencoderConfig::latent_channels)
    }

    /// The latents to train on, and how they are or will be standardised: those that were given are already, and bits are
    /// −1 and 1.
    pub fn latents(&self, train: &TrainOptions, key: &str, plain: &Device) -> (Latents, LatentStats) {
        if let Some(set) = &self.set {
            let values = (0..set.info.count).flat_map(|i| set.latent(i)).collect();
            let stats = LatentStats { mean: set.info.mean.clone(), std: set.info.std.clone(), rgb: None };
            return (Latents::new(values, set.info.shape), stats);
        }
        let (Some(autoencoder), None) = (&self.autoencoder, self.data.letters()) else {
            let letters = self.data.letters().expect("words, where there is no autoencoder");
            let [bits, _, _] = letters.shape();
            return (letters, LatentStats { mean: vec![0.0; bits], std: vec![1.0; bits], rgb: None });
        };
        let path = train.out.join("latents.safetensors");
        let latents = kept_latents(&path, key, &self.data, autoencoder, plain, train.threads());
        let stats = latents.stats();
        (latents, stats)
    }
}

/// What is known of the pictures that latents are of: from the model whose autoencoder made them.
fn of_latents(dir: &Path, set: &LatentSet, autoencoder: &AutoencoderConfig) -> Result<Dataset> {
    let model: ModelConfig = model_dir::read_config(dir).context("--latents wants a model as --autoencoder")?;
    let [channels, side, _] = set.info.shape;
    ensure!(
        channels == autoencoder.latent_channels()
            && side * autoencoder.factor() == model.image_size()
            && set.info.num_classes == model.labels.len(),
        "--latents: {:?} of {} classes are not of {}",
        set.info.shape,
        set.info.num_classes,
        dir.display()
    );
    let info = DatasetInfo {
        name: set.info.data.clone(),
        channels: model.image_channels(),
        side: model.image_size(),
        labels: model.labels,
        mirror: false,
        license: set.info.license.clone(),
        audio: model.audio,
        text: None,
    };
    Ok(Dataset { info, images: set.data(), labels: set.labels.clone() })
}

/// What 'dit data latents' wrote.
fn read_latents(dir: &Path) -> Result<LatentSet> {
    let path = dir.join(LATENTS_FILE);
    let description = String::from_utf8_lossy(&read_file(&path)?).into_owned();
    let data = read_file(&dir.join(LATENTS_DATA))?;
    LatentSet::read(&description, &data).with_context(|| path.display().to_string())
}
