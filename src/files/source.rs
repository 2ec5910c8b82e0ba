//! Where a model folder's files come from: a server, or the visitor's disk.

use super::fetch::{Size, fetch, read};
use super::store::Store;
use ditscope_config::ModelConfig;
use ditscope_core::weights::{INDEX_FILE, ShardInfo, WeightsIndex};
use ditscope_protocol::{ModelSource, Reason, Refusal};
use std::collections::HashMap;
use web_sys::{AbortSignal, File, RequestCache};

pub const CONFIG_FILE: &str = "config.json";

/// No configuration and no index is longer.
const MOST_DESCRIPTION: u64 = 16 << 20;

/// A model folder that can be read, until `signal` says stop.
pub struct Source {
    place: Place,
    signal: AbortSignal,
}

enum Place {
    Url(String),
    Folder { name: String, files: HashMap<String, File> },
}

impl Source {
    /// `files` are those of a folder on disk, as the page sent them.
    pub fn new(source: &ModelSource, files: Vec<File>, signal: AbortSignal) -> Self {
        let place = match source {
            ModelSource::Url(url) => Place::Url(url.clone()),
            ModelSource::Folder(name) => {
                // A file's own name is the last component of its path; a model folder has no folders inside.
                let files = files.into_iter().map(|file| (file.name(), file)).collect();
                Place::Folder { name: name.clone(), files }
            }
        };
        Self { place, signal }
    }

    /// The address, if it has one.
    pub fn url(&self) -> Option<&str> {
        match &self.place {
            Place::Url(url) => Some(url),
            Place::Folder { .. } => None,
        }
    }

    /// Whether the folder has been given up.
    pub fn signal(&self) -> &AbortSignal {
        &self.signal
    }

    /// What a file is called in messages.
    pub fn path(&self, file: &str) -> String {
        match &self.place {
            Place::Url(folder) | Place::Folder { name: folder, .. } => format!("{folder}/{file}"),
        }
    }

    /// As it was kept in `store`, where there is no network.
    ///
    /// # Errors
    /// The file is not there, not JSON of that shape, or contradicts itself.
    pub async fn config(&self, store: Option<&Store>) -> Result<ModelConfig, Refusal> {
        let (path, bytes) = self.description(CONFIG_FILE, store).await?;
        let config: ModelConfig = serde_json::from_slice(&bytes)
            .map_err(|error| Reason::BadFile.found(format!("{path}: not a model configuration ({error}).")))?;
        config.validate().map_err(|error| Reason::BadFile.found(format!("{path}: {error}.")))?;
        Ok(config)
    }

    /// As [`Self::config`].
    ///
    /// # Errors
    /// The file is not there, or not an index.
    pub async fn index(&self, store: Option<&Store>) -> Result<WeightsIndex, Refusal> {
        let (path, bytes) = self.description(INDEX_FILE, store).await?;
        WeightsIndex::parse(&path, &bytes).map_err(|error| Reason::BadFile.found(error))
    }

    /// A shard's bytes, not verified; `progress` is called with the number of bytes of each chunk.
    ///
    /// # Errors
    /// Names the file and what happened to it.
    pub async fn shard(&self, file: &str, info: &ShardInfo, progress: impl FnMut(u64)) -> Result<Vec<u8>, Refusal> {
        // The browser's own cache would be a second copy, and might give a corrupt file again and again.
        self.bytes(file, Size::Known(info.size), RequestCache::NoStore, progress).await
    }

    /// Another file of the folder, of so many bytes at most.
    ///
    /// # Errors
    /// As [`Self::shard`].
    pub async fn file(&self, file: &str, most: u64) -> Result<Vec<u8>, Refusal> {
        self.bytes(file, Size::AtMost(most), RequestCache::NoCache, |_| {}).await
    }

    async fn description(&self, file: &str, store: Option<&Store>) -> Result<(String, Vec<u8>), Refusal> {
        let most = Size::AtMost(MOST_DESCRIPTION);
        // Asked for anew: an old description does not fit new weights.
        let bytes = match (self.bytes(file, most, RequestCache::NoCache, |_| {}).await, store) {
            (Err(why), Some(store)) if why.reason == Reason::NotRead => {
                store.description(file, most, &self.signal).await.ok_or(why)
            }
            (found, _) => found,
        };
        Ok((self.path(file), bytes?))
    }

    async fn bytes(
        &self,
        file: &str,
        size: Size,
        cache: RequestCache,
        progress: impl FnMut(u64),
    ) -> Result<Vec<u8>, Refusal> {
        let path = self.path(file);
        match &self.place {
            Place::Url(_) => fetch(&path, size, cache, &self.signal, progress).await,
            Place::Folder { name, files } => {
                let found = files.get(file).ok_or_else(|| Reason::NoFile.of(name, file, ""))?;
                read(&path, &found.stream(), size, &self.signal, progress).await
            }
        }
    }
}
