//! Shards kept in the browser (Cache API), so that a second visit fetches none; and beside them what describes the model, for
//! when there is no network.
//!
//! Loading goes on if the storage fails: a shard that is not there or not right is fetched,
//! and one that cannot be kept is used all the same.

use super::fetch::{Size, read, words};
use super::source::CONFIG_FILE;
use crate::global::scope;
use ditscope_core::weights::{INDEX_FILE, ShardInfo, WeightsIndex, verify};
use ditscope_protocol::{Reason, Refusal, cache_name};
use js_sys::{Array, Reflect};
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Cache, CacheStorage, Request, Response, Url};

/// The shards of the model at one address.
pub struct Store {
    url: String,
    cache: RefCell<Option<Cache>>,
    notice: Cell<Option<Refusal>>,
}

impl Store {
    /// Opens the storage of the model at `url`. Where the browser has none, the store keeps nothing
    /// and has a notice that says so.
    pub async fn open(url: &str) -> Self {
        let (cache, notice) = match open(url).await {
            Ok(cache) => (Some(cache), None),
            Err(reason) => (None, Some(Reason::NotStored.found(reason))),
        };
        Self { url: url.to_owned(), cache: RefCell::new(cache), notice: Cell::new(notice) }
    }

    /// A shard from the storage, verified. One that is wrong is deleted.
    ///
    /// # Errors
    /// Only when `signal` said stop; whatever else is wrong with the storage counts as "not there".
    pub async fn get(
        &self,
        file: &str,
        info: &ShardInfo,
        signal: &AbortSignal,
        progress: impl FnMut(u64),
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(cache) = self.cache.borrow().clone() else { return Ok(None) };
        let key = self.key(file, info);
        let Ok(found) = JsFuture::from(cache.match_with_str(&key)).await else { return Ok(None) };
        let Some(body) = found.dyn_ref::<Response>().and_then(Response::body) else { return Ok(None) };
        let bytes = read(&key, &body, Size::Known(info.size), signal, progress).await;
        if signal.aborted() {
            return Err(Reason::Stopped.into());
        }
        if let Ok(bytes) = bytes
            && verify(file, &bytes, info).is_ok()
        {
            return Ok(Some(bytes));
        }
        // If it cannot be deleted, it is overwritten soon.
        let _ = JsFuture::from(cache.delete_with_str(&key)).await;
        Ok(None)
    }

    /// Keeps a verified shard. After the first failure nothing more is tried, and there is a notice.
    pub async fn put(&self, file: &str, info: &ShardInfo, bytes: &mut [u8]) {
        let Some(cache) = self.cache.borrow().clone() else { return };
        if let Err(error) = put(&cache, &self.key(file, info), bytes).await {
            self.cache.replace(None);
            let name = Reflect::get(&error, &"name".into()).ok().and_then(|name| name.as_string());
            self.notice.set(Some(match name.as_deref() {
                Some("QuotaExceededError") => Reason::StorageFull.into(),
                _ => Reason::NotStored.found(words(&error)),
            }));
        }
    }

    /// Keeps a description of the model. It is given no length, so that only shards count as what is stored.
    pub async fn keep_description(&self, file: &str, description: &impl Serialize) {
        let Some(cache) = self.cache.borrow().clone() else { return };
        // Without it a network is needed, as before.
        if let Ok(text) = serde_json::to_string(description)
            && let Ok(response) = Response::new_with_opt_str(Some(&text))
        {
            let _ = JsFuture::from(cache.put_with_str(&self.path(file), &response)).await;
        }
    }

    /// A description as it was when the model was last loaded whole.
    pub async fn description(&self, file: &str, most: Size, signal: &AbortSignal) -> Option<Vec<u8>> {
        let cache = self.cache.borrow().clone()?;
        let key = self.path(file);
        let found = JsFuture::from(cache.match_with_str(&key)).await.ok()?;
        read(&key, &found.dyn_ref::<Response>()?.body()?, most, signal, |_| {}).await.ok()
    }

    /// Deletes what the index no longer names.
    pub async fn tidy(&self, index: &WeightsIndex) {
        let Some(cache) = self.cache.borrow().clone() else { return };
        // As the browser writes addresses, which is how it gives the keys back.
        let shards = index.metadata.shards.iter().map(|(file, info)| self.key(file, info));
        let keys = shards.chain([CONFIG_FILE, INDEX_FILE].map(|file| self.path(file)));
        let wanted: HashSet<String> = keys.filter_map(|key| Some(Url::new(&key).ok()?.href())).collect();
        // Untidiness costs room, nothing else: errors need no words.
        let keys = JsFuture::from(cache.keys()).await.unwrap_or_default();
        for request in keys.dyn_ref::<Array>().cloned().unwrap_or_default().iter() {
            if let Ok(request) = request.dyn_into::<Request>()
                && !wanted.contains(&request.url())
            {
                let _ = JsFuture::from(cache.delete_with_request(&request)).await;
            }
        }
    }

    /// What the visitor should know about the storage.
    pub fn take_notice(&self) -> Option<Refusal> {
        self.notice.take()
    }

    fn key(&self, file: &str, info: &ShardInfo) -> String {
        format!("{}?sha256={}", self.path(file), info.sha256.to_ascii_lowercase())
    }

    fn path(&self, file: &str) -> String {
        format!("{}/{file}", self.url)
    }
}

async fn open(url: &str) -> Result<Cache, String> {
    // Absent in an insecure context, which web-sys does not expect.
    let caches = Reflect::get(&scope(), &"caches".into()).map_err(|error| words(&error))?;
    let caches: CacheStorage = caches.dyn_into().map_err(|_| "it needs an https address".to_owned())?;
    let cache = JsFuture::from(caches.open(&cache_name(url))).await.map_err(|error| words(&error))?;
    cache.dyn_into().map_err(|_| "its storage does not answer as it should".to_owned())
}

/// The length stands in a header, so that sizes can be added up without reading.
async fn put(cache: &Cache, key: &str, bytes: &mut [u8]) -> Result<(), JsValue> {
    let length = bytes.len().to_string();
    let response = Response::new_with_opt_u8_array(Some(bytes))?;
    response.headers().set("content-length", &length)?;
    JsFuture::from(cache.put_with_str(key, &response)).await.map(drop)
}
