//! What the browser stores: the weights that the worker put there (Cache API), and the page's own settings.
//!
//! Each function does nothing rather than fail where the browser refuses.

use super::dom;
use ditscope_page_state::models::{StorageReport, Stored};
use ditscope_page_state::{Kept, Notice, Visit};
use ditscope_protocol::{CACHE_PREFIX, cache_name};
use js_sys::{Array, Promise, Reflect};
use leptos::prelude::window;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Cache, CacheStorage, Response, StorageEstimate, StorageManager};

/// Everything that is kept for this page now.
pub async fn report() -> StorageReport {
    let mut report = StorageReport::default();
    if let Some(caches) = caches() {
        match stored(&caches).await {
            Ok(stored) => (report.possible, report.stored) = (true, stored),
            Err(error) => report.error = Some(Notice::Storage(dom::reason(&error))),
        }
    }
    if let Some(manager) = manager() {
        if let Ok(estimate) = wait(manager.estimate()).await {
            let estimate: StorageEstimate = estimate.unchecked_into();
            let bytes = |number: Option<f64>| number.map(|number| number.max(0.0) as u64);
            (report.used, report.quota) = (bytes(estimate.get_usage()), bytes(estimate.get_quota()));
        }
        report.persisted = wait(manager.persisted()).await.ok().and_then(|answer| answer.as_bool());
    }
    report
}

/// Deletes the kept weights of the models at these addresses.
///
/// # Errors
/// Says which ones the browser did not delete.
pub async fn delete(urls: &[String]) -> Result<(), Notice> {
    let Some(caches) = caches() else { return Ok(()) };
    for url in urls {
        wait(Ok(caches.delete(&cache_name(url))))
            .await
            .map_err(|error| Notice::NotDeleted { url: url.clone(), why: dom::reason(&error) })?;
    }
    Ok(())
}

/// Asks the browser to keep what is stored even when space runs short. It may ask the visitor, or just decide.
pub async fn persist() {
    if let Some(manager) = manager() {
        // The answer is part of the next look.
        let _ = wait(manager.persist()).await;
    }
}

/// Key of the browser's local storage: how the visitor likes the page.
pub const KEPT: &str = "ditscope-page";

/// What the browser says of this visit.
pub fn visit() -> Visit {
    let connection = Reflect::get(&window().navigator(), &"connection".into()).unwrap_or_default();
    let saves_data = Reflect::get(&connection, &"saveData".into()).is_ok_and(|saves| saves.is_truthy());
    let kept = recall::<String>(KEPT).map(|words| Kept::parse(&words)).unwrap_or_default();
    let reduced_motion = dom::prefers("(prefers-reduced-motion: reduce)");
    Visit { reduced_motion, saves_data, seed: Some(dom::random_seed()), kept }
}

/// A small thing that was kept under `key`.
pub fn recall<T: DeserializeOwned>(key: &str) -> Option<T> {
    let storage = window().local_storage().ok().flatten()?;
    dom::parse_json(&storage.get_item(key).ok().flatten()?).ok()
}

/// Keeps a small thing for the next visit.
pub fn keep(key: &str, thing: &impl Serialize) {
    if let (Ok(Some(storage)), Ok(text)) = (window().local_storage(), serde_json::to_string(thing)) {
        let _ = storage.set_item(key, &text);
    }
}

async fn stored(caches: &CacheStorage) -> Result<Vec<Stored>, JsValue> {
    let mut stored = Vec::new();
    for name in wait(Ok(caches.keys())).await?.unchecked_into::<Array>() {
        let name = name.as_string().unwrap_or_default();
        let Some(url) = name.strip_prefix(CACHE_PREFIX) else { continue };
        let cache: Cache = wait(Ok(caches.open(&name))).await?.unchecked_into();
        let entries = wait(Ok(cache.match_all())).await?.unchecked_into::<Array>();
        let bytes = entries.iter().filter_map(|entry| length(entry.dyn_ref()?)).sum();
        if bytes > 0 {
            stored.push(Stored { url: url.into(), bytes });
        }
    }
    Ok(stored)
}

fn length(response: &Response) -> Option<u64> {
    response.headers().get("content-length").ok().flatten()?.parse().ok()
}

/// Looked up by name: on an insecure page it is undefined, and in some private windows it throws.
fn caches() -> Option<CacheStorage> {
    let caches = Reflect::get(&window(), &"caches".into()).ok()?;
    caches.is_object().then(|| caches.unchecked_into())
}

fn manager() -> Option<StorageManager> {
    let manager = Reflect::get(&window().navigator(), &"storage".into()).ok()?;
    manager.is_object().then(|| manager.unchecked_into())
}

async fn wait(promise: Result<Promise, JsValue>) -> Result<JsValue, JsValue> {
    JsFuture::from(promise?).await
}
