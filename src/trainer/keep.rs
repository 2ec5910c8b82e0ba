//! Checkpoints over a reload: in the origin private file system (<https://fs.spec.whatwg.org>), where there is none in the
//! Cache API, and where there is neither in memory, until the page is closed. One tab at a time keeps there.

use crate::global::scope;
use ditscope_protocol::training::Place;
use js_sys::{Array, ArrayBuffer, Function, Object, Promise, Reflect, Uint8Array};
use std::cell::Cell;
use std::collections::BTreeMap;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Request, Response, Url};

/// Of the folder, or the cache.
const NAME: &str = "ditscope-training";
/// So many are kept: the newest.
const MOST: usize = 6;

/// Where checkpoints lie, by their steps.
pub struct Keeper {
    store: Store,
    /// What lies there, oldest first.
    steps: Vec<usize>,
    /// No other tab keeps a training.
    is_alone: bool,
}

enum Store {
    /// A directory's handle.
    Files(JsValue),
    /// A cache.
    Cache(JsValue),
    Memory(BTreeMap<usize, Vec<u8>>),
}

impl Keeper {
    /// With what is kept from an earlier visit.
    pub async fn open() -> Self {
        if !is_alone().await {
            return Self { store: Store::Memory(BTreeMap::new()), steps: vec![], is_alone: false };
        }
        if let Some(store) = directory().await.map(Store::Files)
            && let Ok(steps) = store.steps().await
        {
            return Self { store, steps, is_alone: true };
        }
        if let Some(store) = cache().await.map(Store::Cache)
            && let Ok(steps) = store.steps().await
        {
            return Self { store, steps, is_alone: true };
        }
        Self { store: Store::Memory(BTreeMap::new()), steps: vec![], is_alone: true }
    }

    pub fn steps(&self) -> &[usize] {
        &self.steps
    }

    pub fn place(&self) -> Place {
        match &self.store {
            Store::Memory(_) if self.is_alone => Place::Memory,
            Store::Memory(_) => Place::OtherTab,
            Store::Files(_) | Store::Cache(_) => Place::Browser,
        }
    }

    /// Keeps a checkpoint. Where the browser refuses, as when the disk is full, this and all that follow stay in memory.
    pub async fn put(&mut self, step: usize, bytes: Vec<u8>) {
        if let Err(bytes) = self.store.put(step, bytes).await {
            self.store = Store::Memory(BTreeMap::from([(step, bytes)]));
            self.steps.clear();
        }
        self.steps.retain(|kept| *kept != step);
        self.steps.push(step);
        self.steps.sort_unstable();
        while self.steps.len() > MOST {
            let oldest = self.steps.remove(0);
            self.store.remove(oldest).await;
        }
    }

    pub async fn get(&self, step: usize) -> Option<Vec<u8>> {
        self.store.get(step).await
    }

    pub async fn forget(&mut self, step: usize) {
        self.store.remove(step).await;
        self.steps.retain(|kept| *kept != step);
    }

    /// Forgets all after this step; with none, all.
    pub async fn forget_after(&mut self, step: Option<usize>) {
        let is_after = |kept: &usize| step.is_none_or(|step| *kept > step);
        for later in self.steps.iter().copied().filter(is_after) {
            self.store.remove(later).await;
        }
        self.steps.retain(|kept| !is_after(kept));
    }
}

impl Store {
    async fn steps(&self) -> Result<Vec<usize>, JsValue> {
        let mut steps = vec![];
        match self {
            Self::Files(directory) => {
                let names = call(directory, "keys", &[]).await?;
                loop {
                    let next = call(&names, "next", &[]).await?;
                    let Some(name) = Reflect::get(&next, &"value".into())?.as_string() else { break };
                    steps.extend(name.strip_suffix(".bin").and_then(|step| step.parse::<usize>().ok()));
                }
            }
            Self::Cache(cache) => {
                let keys: Array = call(cache, "keys", &[]).await?.dyn_into()?;
                for request in keys.iter().filter_map(|key| key.dyn_into::<Request>().ok()) {
                    let url = request.url();
                    steps.extend(url.rsplit('/').next().and_then(|step| step.parse::<usize>().ok()));
                }
            }
            Self::Memory(kept) => steps.extend(kept.keys()),
        }
        steps.sort_unstable();
        Ok(steps)
    }

    /// Gives the bytes back where they could not be kept.
    async fn put(&mut self, step: usize, mut bytes: Vec<u8>) -> Result<(), Vec<u8>> {
        let kept = match self {
            Self::Files(directory) => write(directory, &file(step), &bytes).await,
            Self::Cache(cache) => {
                let response = Response::new_with_opt_u8_array(Some(&mut bytes));
                match response {
                    Ok(response) => call(cache, "put", &[address(step).into(), response.into()]).await.map(drop),
                    Err(error) => Err(error),
                }
            }
            Self::Memory(kept) => {
                kept.insert(step, bytes);
                return Ok(());
            }
        };
        kept.map_err(|_| bytes)
    }

    async fn get(&self, step: usize) -> Option<Vec<u8>> {
        match self {
            Self::Files(directory) => {
                let handle = call(directory, "getFileHandle", &[file(step).into()]).await.ok()?;
                read(&call(&handle, "getFile", &[]).await.ok()?).await
            }
            Self::Cache(cache) => read(&call(cache, "match", &[address(step).into()]).await.ok()?).await,
            Self::Memory(kept) => kept.get(&step).cloned(),
        }
    }

    /// What cannot be removed is overwritten or read again later.
    async fn remove(&mut self, step: usize) {
        match self {
            Self::Files(directory) => drop(call(directory, "removeEntry", &[file(step).into()]).await),
            Self::Cache(cache) => drop(call(cache, "delete", &[address(step).into()]).await),
            Self::Memory(kept) => drop(kept.remove(&step)),
        }
    }
}

thread_local! {
    static HAS_LOCK: Cell<bool> = const { Cell::new(false) };
}

/// Whether this tab may keep a training where others look for theirs: it takes a lock, which it has for as long as it trains.
/// A browser that has no locks, or gives none here, lets every tab.
async fn is_alone() -> bool {
    if HAS_LOCK.get() {
        return true;
    }
    let answer = match ask_for_lock() {
        Ok(answer) => JsFuture::from(answer).await,
        Err(error) => Err(error),
    };
    let is_alone = answer.map_or(true, |has_lock| has_lock == true);
    HAS_LOCK.set(is_alone);
    is_alone
}

/// Promises to say whether the lock was free; it fails where the browser refuses to say.
fn ask_for_lock() -> Result<Promise, JsValue> {
    let locks = Reflect::get(&scope().navigator(), &"locks".into())?;
    let request: Function = Reflect::get(&locks, &"request".into())?.dyn_into()?;
    let mut told = None;
    let answer = Promise::new(&mut |tell, _| told = Some(tell));
    let take = Closure::once_into_js(move |lock: JsValue| {
        // Whoever asked is there.
        let _ = told.map(|tell| tell.call1(&JsValue::UNDEFINED, &lock.is_object().into()));
        // A lock is held until this is settled: never.
        if lock.is_object() { Promise::new(&mut |_, _| {}) } else { Promise::resolve(&JsValue::NULL) }
    });
    let options = Object::new();
    Reflect::set(&options, &"ifAvailable".into(), &true.into())?;
    let refused = request.call3(&locks, &NAME.into(), &options, &take)?;
    Ok(Promise::race(&Array::of2(&answer, &refused)))
}

fn file(step: usize) -> String {
    format!("{step}.bin")
}

/// A cache wants addresses.
fn address(step: usize) -> String {
    let here = scope().location().href();
    Url::new_with_base(&format!("./{NAME}/{step}"), &here).map_or_else(|_| here.clone(), |url| url.href())
}

async fn directory() -> Option<JsValue> {
    let storage = Reflect::get(&scope().navigator(), &"storage".into()).ok()?;
    let root = call(&storage, "getDirectory", &[]).await.ok()?;
    call(&root, "getDirectoryHandle", &[NAME.into(), create()]).await.ok()
}

async fn cache() -> Option<JsValue> {
    let caches = Reflect::get(&scope(), &"caches".into()).ok()?;
    call(&caches, "open", &[NAME.into()]).await.ok()
}

fn create() -> JsValue {
    let options = Object::new();
    // Setting a property of a fresh plain object cannot fail.
    let _ = Reflect::set(&options, &"create".into(), &true.into());
    options.into()
}

/// By a handle that only a worker has, as every browser with such files knows it.
async fn write(directory: &JsValue, name: &str, bytes: &[u8]) -> Result<(), JsValue> {
    let handle = call(directory, "getFileHandle", &[name.into(), create()]).await?;
    let access = call(&handle, "createSyncAccessHandle", &[]).await?;
    let written = async {
        call(&access, "truncate", &[0.into()]).await?;
        let written = call(&access, "write", &[Uint8Array::from(bytes).into()]).await?;
        call(&access, "flush", &[]).await?;
        if written.as_f64() == Some(bytes.len() as f64) { Ok(()) } else { Err(JsValue::NULL) }
    };
    let written = written.await;
    call(&access, "close", &[]).await?;
    written
}

/// All bytes of a file or a response.
async fn read(body: &JsValue) -> Option<Vec<u8>> {
    let buffer: ArrayBuffer = call(body, "arrayBuffer", &[]).await.ok()?.dyn_into().ok()?;
    Some(Uint8Array::new(&buffer).to_vec())
}

/// Calls a method, and waits where it promises something.
async fn call(object: &JsValue, method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    let method: Function = Reflect::get(object, &method.into())?.dyn_into()?;
    let found = method.apply(object, &arguments.iter().collect::<Array>())?;
    match found.dyn_into::<Promise>() {
        Ok(promise) => JsFuture::from(promise).await,
        Err(found) => Ok(found),
    }
}
