//! `dit index`: the file that tells a page which models there are.

use super::output::say;
use anyhow::{Context, Result, bail, ensure};
use burn::module::Module;
use burn::tensor::Device;
use ditscope_config::{Catalog, CatalogEntry};
use ditscope_core::autoencoder::Autoencoder;
use ditscope_core::dit::Dit;
use ditscope_model_dir::{self as model_dir, CONFIG_FILE, write_json};
use std::path::{Path, PathBuf};

/// The index's file name in a folder of models.
pub const CATALOG_FILE: &str = "index.json";

/// Options of `dit index`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:
  dit index assets/models
  dit index assets/models --first avatars")]
pub struct IndexOptions {
    /// Folder of model folders; it gets index.json
    #[arg(value_name = "DIR")]
    pub models: PathBuf,
    /// The model that a page opens with; without it the first one of the index that is there, else the smallest
    #[arg(long, value_name = "ID")]
    pub first: Option<String>,
}

/// Describes every model of a folder in its `index.json`.
///
/// # Errors
/// Names the file that is wrong or could not be written.
pub fn run(options: &IndexOptions) -> Result<()> {
    let path = options.models.join(CATALOG_FILE);
    let is_there = |id: &String| options.models.join(id).join(CONFIG_FILE).exists();
    let first = options.first.clone().or_else(|| first_of(&path).filter(is_there));
    let catalog = catalog(&options.models, first.as_deref())?;
    write_json(&path, &catalog)?;
    say!("wrote {} ({} models)", path.display(), catalog.models.len())
}

/// The first model of an index, if there is one.
fn first_of(index: &Path) -> Option<String> {
    let catalog: Catalog = serde_json::from_slice(&std::fs::read(index).ok()?).ok()?;
    Some(catalog.models.into_iter().next()?.id)
}

/// What [`run`] writes: the `first` model, then the others, the smallest download first.
///
/// # Errors
/// Names the file that is wrong; or there is no model at all, or not the first.
pub fn catalog(models: &Path, first: Option<&str>) -> Result<Catalog> {
    let entries = std::fs::read_dir(models).with_context(|| format!("{}: cannot read the folder", models.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let dir = entry.with_context(|| format!("{}: cannot read the folder", models.display()))?.path();
        if dir.join(CONFIG_FILE).exists() {
            found.push(describe(&dir)?);
        }
    }
    ensure!(!found.is_empty(), "{}: no folder in it has a {CONFIG_FILE}", models.display());
    let is_first = |entry: &CatalogEntry| first == Some(&entry.id);
    if let Some(first) = first.filter(|_| !found.iter().any(is_first)) {
        bail!("{}: no model '{first}' in it. Name another one with --first", models.display());
    }
    found.sort_by(|a, b| (!is_first(a), a.download_bytes, &a.id).cmp(&(!is_first(b), b.download_bytes, &b.id)));
    Ok(Catalog { models: found })
}

fn describe(dir: &Path) -> Result<CatalogEntry> {
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    ensure!(
        name.chars().all(plain),
        "{}: the page fetches the folder by its name: use letters, digits, '.', '_' and '-'",
        dir.display()
    );
    let (config, index) = (model_dir::read_config(dir)?, model_dir::read_index(dir)?);
    // Counting does not initialise the parameters.
    let device = Device::flex();
    let autoencoder = config.autoencoder.as_ref().map_or(0, |config| Autoencoder::new(config, &device).num_params());
    let num_params = Dit::new(&config.transformer, &device).num_params() + autoencoder;
    Ok(CatalogEntry::new(&name, &config, index.total_bytes(), Some(num_params as u64)))
}
