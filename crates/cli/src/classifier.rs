//! The classifier of 'dit eval' as a folder.

use anyhow::{Context, Result};
use burn::tensor::Device;
use ditscope_core::weights::{Dtype, INDEX_FILE, Loader, collect};
use ditscope_model_dir::{fold_shards, folder_hint, save_tensors};
use ditscope_train::{Classifier, DatasetInfo};
use std::path::Path;

const PREFIX: &str = "classifier.";

/// # Errors
/// Names the file that could not be written.
pub fn save(classifier: &Classifier, dir: &Path) -> Result<()> {
    save_tensors(dir, &collect(classifier, PREFIX), Dtype::F16)
}

/// Reads what [`save`] wrote, for the pictures and classes of this data set; `option` named the folder.
///
/// # Errors
/// Names the file or tensor that is missing or wrong.
pub fn load(option: &str, dir: &Path, info: &DatasetInfo, device: &Device) -> Result<Classifier> {
    let mut loader = Loader::default();
    let model = fold_shards(dir, Classifier::new(info, device), |model, file, bytes| {
        Ok(loader.apply(model, PREFIX, file, bytes, device)?)
    })
    .with_context(|| {
        let hint = folder_hint(dir, "classifier", INDEX_FILE);
        format!("{option} wants what 'dit train classifier' wrote for {}{hint}", info.name)
    })?;
    loader.finish(&model, PREFIX).with_context(|| dir.display().to_string())?;
    Ok(model)
}
