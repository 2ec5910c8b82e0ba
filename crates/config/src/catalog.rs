//! What a visitor is told about a model before it is loaded.

use super::ModelConfig;
use serde::{Deserialize, Serialize};

/// `assets/models/index.json`: the models that come with the page. Made by `dit index`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    pub models: Vec<CatalogEntry>,
}

/// One model: what it is, what it costs, what it may be used for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CatalogEntry {
    /// Folder beside the index file.
    pub id: String,
    pub name: String,
    /// Parameters of the transformer and its autoencoder.
    pub num_parameters: u64,
    pub num_classes: usize,
    /// Side of the pictures in pixels.
    pub image_size: usize,
    /// Letters of the longest word, where its pictures are words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letters: Option<usize>,
    /// Bytes of all weight files.
    pub download_bytes: u64,
    /// About what a run of one picture needs: f32 weights and the largest activations.
    pub memory_bytes: u64,
    pub license: String,
}

impl CatalogEntry {
    /// Describes a model by its configuration and its weights index (`total_parameters`, where it says so).
    pub fn new(id: &str, config: &ModelConfig, download_bytes: u64, total_parameters: Option<u64>) -> Self {
        let num_parameters = total_parameters.unwrap_or_else(|| config.transformer.num_params());
        Self {
            id: id.to_owned(),
            name: config.name.clone(),
            num_parameters,
            num_classes: config.labels.len(),
            image_size: config.image_size(),
            letters: config.text.as_ref().map(|_| config.transformer.sample_size.width),
            download_bytes,
            memory_bytes: num_parameters.saturating_mul(4).saturating_add(activation_bytes(config)),
            license: config.license.clone(),
        }
    }
}

/// The larger of the transformer's and the decoder's working memory for one guided picture, f32.
fn activation_bytes(config: &ModelConfig) -> u64 {
    let dit = &config.transformer;
    let (tokens, batch) = (dit.num_tokens() as u64, 2);
    let mlp = tokens * (dit.mlp_ratio * dit.hidden_size) as u64;
    let scores = dit.num_heads as u64 * tokens * tokens;
    let transformer = 3 * 4 * batch * mlp.max(scores);
    let decoder = config.autoencoder.as_ref().map_or(0, |it| 4 * 4 * it.largest_activation(config.image_size()));
    transformer.max(decoder)
}
