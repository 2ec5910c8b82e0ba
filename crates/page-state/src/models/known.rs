//! What the page knows of models, and what this browser stores of them.

use crate::{ModelRef, Notice};
use ditscope_config::CatalogEntry;
use ditscope_protocol::ModelSource;
use serde::{Deserialize, Serialize};

/// More bytes than this are not fetched unless the visitor says so.
pub const BIG: u64 = 50_000_000;

/// How the folder of a model with weights in 8 bits is called, after that of the same model with 16.
pub(super) const IN_8_BITS: &str = "-int8";

/// Whether a model's weights are in 8 bits, by its folder's name.
pub fn is_in_8_bits(model: &ModelRef) -> bool {
    matches!(model, ModelRef::Shipped(id) if id.ends_with(IN_8_BITS))
}

/// The index of the shipped models.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Listing {
    #[default]
    Loading,
    Known(Vec<CatalogEntry>),
    /// Why not.
    Failed(Notice),
}

/// A model that is not in the index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Added {
    pub model: ModelRef,
    pub entry: CatalogEntry,
    /// Remembered for the next visit: loaded once or added by hand, not merely named by a link.
    #[serde(skip)]
    pub kept: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Adding {
    Asking(ModelRef),
    Done(ModelRef),
    /// Why not.
    Failed(Notice),
}

/// What the browser keeps for this page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StorageReport {
    /// False where the browser has no storage for weights (an insecure page, a private window).
    pub possible: bool,
    pub stored: Vec<Stored>,
    /// Bytes in use by this site and bytes it may use, by the browser's estimate.
    pub used: Option<u64>,
    pub quota: Option<u64>,
    /// Whether the browser promised to keep it.
    pub persisted: Option<bool>,
    /// What went wrong when it was looked up or deleted.
    pub error: Option<Notice>,
}

/// The kept shards of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Address of the model's folder.
    pub url: String,
    pub bytes: u64,
}

/// Bytes that loading a model would fetch.
pub fn to_fetch(entry: &CatalogEntry, source: &ModelSource, stored: u64) -> u64 {
    match source {
        ModelSource::Url(_) => entry.download_bytes.saturating_sub(stored),
        ModelSource::Folder(_) => 0,
    }
}

/// Whether a licence forbids commercial use, by the mark that such licences carry in their names.
pub fn non_commercial(license: &str) -> bool {
    let word = |word: &str| word == "NC" || word.eq_ignore_ascii_case("noncommercial");
    license.split(|c: char| !c.is_ascii_alphanumeric()).any(word)
        || license.to_ascii_lowercase().contains("non-commercial")
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::models::Models;

    pub fn entry(id: &str, download_bytes: u64) -> CatalogEntry {
        CatalogEntry {
            id: id.into(),
            name: format!("Model {id}"),
            num_parameters: 1000,
            num_classes: 10,
            image_size: 32,
            download_bytes,
            memory_bytes: 4000,
            letters: None,
            license: "MIT".into(),
        }
    }

    #[test]
    fn what_is_kept_need_not_be_fetched() {
        let source = ModelSource::Url("http://a/m".into());
        let mut models = Models::default();
        assert_eq!(models.stored_bytes(&source), 0);
        let stored = vec![Stored { url: "http://a/m".into(), bytes: 70 }];
        models.storage = Some(StorageReport { stored, ..StorageReport::default() });
        assert_eq!(to_fetch(&entry("m", 100), &source, models.stored_bytes(&source)), 30);
        assert_eq!(to_fetch(&entry("m", 100), &ModelSource::Folder("m".into()), 0), 0);
    }

    #[test]
    fn a_model_is_listed_once() {
        let shipped = ModelRef::Shipped("a".into());
        let mut models = Models { shipped: Listing::Known(vec![entry("a", 1)]), ..Models::default() };
        models.add(shipped.clone(), entry("a", 2), true);
        models.add(ModelRef::Url("http://a/m".into()), entry("m", 3), false);
        models.add(ModelRef::Url("http://a/m".into()), entry("m", 4), true);
        assert_eq!(models.all().len(), 2);
        assert_eq!(models.entry(&shipped).map(|entry| entry.download_bytes), Some(1));
        assert_eq!(models.to_keep().len(), 1, "shipped models need no remembering");
    }

    #[test]
    fn non_commercial_licences_are_recognised() {
        for license in ["CC-BY-NC-4.0", "cc by NC 4.0", "for non-commercial use", "NonCommercial"] {
            assert!(non_commercial(license), "{license}");
        }
        for license in ["MIT OR Apache-2.0", "", "FUNCTIONAL"] {
            assert!(!non_commercial(license), "{license}");
        }
    }

    #[test]
    fn weights_in_8_bits_take_the_place_of_the_others_only_where_both_are_there() {
        let ids = ["a", "a-int8", "b", "c-int8"];
        let models = Models { shipped: Listing::Known(ids.map(|id| entry(id, 1)).to_vec()), ..Models::default() };
        let listed = |in_8_bits| models.listed(in_8_bits).into_iter().map(|(_, entry)| entry.id).collect::<Vec<_>>();
        assert_eq!(
            (listed(false), listed(true)),
            (vec!["a".into(), "b".into(), "c-int8".into()], vec![String::from("a-int8"), "b".into(), "c-int8".into()])
        );
        assert!(models.has_8_bits());
        let alone = Models { shipped: Listing::Known(vec![entry("a", 1)]), ..Models::default() };
        assert!(!alone.has_8_bits() && alone.listed(true).len() == 1);
    }
}
