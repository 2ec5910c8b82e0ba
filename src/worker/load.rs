//! Loading a model: configuration, index, device, shards; each checked before it is used.

use super::device::Chosen;
use super::partial::Partial;
use super::post::{fail, post};
use super::{Loaded, State, announce_config, finish_load, limits, warm};
use crate::files::fetch::words;
use crate::files::source::{CONFIG_FILE, Source};
use crate::files::store::Store;
use crate::global::now;
use crate::gpu::nudge;
use ditscope_config::{AutoencoderConfig, CatalogEntry, ModelConfig};
use ditscope_core::selfcheck::Check;
use ditscope_core::weights::int8::SCALES;
use ditscope_core::weights::{INDEX_FILE, LinearWeights, ShardInfo, WeightsIndex, verify};
use ditscope_protocol::{
    BackendChoice, FromWorker, LoadNotice, LoadStage, ModelSource, Reason, Refusal, WeightsReport,
};
use std::cell::Cell;
use std::rc::Rc;
use web_sys::{AbortController, File};

/// Milliseconds between two reports of progress.
const PROGRESS_EVERY: f64 = 40.0;

/// Loads a model folder and reports how it went, unless a later message has taken its place.
pub(super) async fn load(state: Rc<State>, number: u32, source: ModelSource, files: Vec<File>, choice: BackendChoice) {
    let controller = match controller() {
        Ok(controller) => controller,
        Err(why) => return fail(None, why),
    };
    state.abort.replace(Some(controller.clone()));
    let folder = Source::new(&source, files, controller.signal());
    let load = Load { state: &state, number, source, folder, told: Cell::new(f64::MIN) };
    let result = load.run(choice).await;
    match result {
        // Cancelled or replaced, which was reported where it happened.
        _ if !load.is_current() => {}
        Ok((loaded, chosen, weights)) => finish_load(&state, loaded, chosen.backend, chosen.notices, weights),
        Err(why) => {
            state.abort.take();
            // What it still waits for is no longer wanted.
            controller.abort();
            fail(None, why);
        }
    }
}

/// Describes a model without loading it.
pub(super) async fn inspect(source: ModelSource, files: Vec<File>) {
    let result = describe(&source, files).await;
    post(&FromWorker::Inspected { source, result });
}

async fn describe(source: &ModelSource, files: Vec<File>) -> Result<CatalogEntry, Refusal> {
    let controller = controller()?;
    let folder = Source::new(source, files, controller.signal());
    let found = async { Ok((folder.config(None).await?, folder.index(None).await?)) };
    let (config, index) = found.await.inspect_err(|_: &Refusal| controller.abort())?;
    limits::check(source.name(), &config, &index)?;
    Ok(CatalogEntry::new(source.name(), &config, index.total_bytes(), index.metadata.total_parameters))
}

fn controller() -> Result<AbortController, Refusal> {
    AbortController::new().map_err(|error| Reason::Device.found(words(&error)))
}

struct Load<'a> {
    state: &'a State,
    number: u32,
    source: ModelSource,
    folder: Source,
    /// When progress was last reported to the page.
    told: Cell<f64>,
}

impl Load<'_> {
    async fn run(&self, choice: BackendChoice) -> Result<(Loaded, Chosen, WeightsReport), Refusal> {
        let store = match self.folder.url() {
            Some(url) => Some(Store::open(url).await),
            None => None,
        };
        self.current()?;
        let config = self.folder.config(store.as_ref()).await?;
        announce_config(&config);
        let index = self.folder.index(store.as_ref()).await?;
        limits::check(self.source.name(), &config, &index)?;
        self.progress(LoadStage::Device, 0, index.total_bytes());
        let mut chosen = self.state.devices.choose(choice, &config, checks(&config)).await?;
        let parameters = index.metadata.total_parameters.unwrap_or_else(|| config.transformer.num_params());
        let f32_bytes = parameters.saturating_mul(4);
        let linear = chosen.linear_weights(f32_bytes, &config.transformer, has_int8(&index)).await;
        self.current()?;
        let weights_bytes = match linear {
            LinearWeights::F32 => f32_bytes,
            LinearWeights::F16 => f32_bytes.min(index.total_bytes().max(f32_bytes / 2)),
            LinearWeights::Stored => f32_bytes.min(index.total_bytes()),
        };
        limits::check_room(&config, weights_bytes, &chosen)?;
        Partial::begin(&self.state.partial, &self.source, &config, &index, &chosen, linear);
        self.weights(&index, store.as_ref(), &chosen).await?;
        if let Some(store) = store {
            store.keep_description(CONFIG_FILE, &config).await;
            store.keep_description(INDEX_FILE, &index).await;
            store.tidy(&index).await;
            self.current()?;
            chosen.notices.extend(store.take_notice().map(LoadNotice::NotKept));
        }
        let (model, pool, weights) = Partial::finish(&self.state.partial, chosen.ops)?;
        if chosen.most_buffer.is_some() {
            nudge::during(warm::warm(&model)).await.map_err(|error| Reason::Device.found(error))?;
            self.current()?;
        }
        Ok((Loaded { model: Rc::new(model), pool: Rc::new(pool) }, chosen, weights))
    }

    /// Loads the shards that are missing, one at a time: each leaves memory before the next is fetched.
    async fn weights(&self, index: &WeightsIndex, store: Option<&Store>, chosen: &Chosen) -> Result<(), Refusal> {
        let mut loaded = 0;
        for (file, info) in &index.metadata.shards {
            if !Partial::has(&self.state.partial, file) {
                self.one_shard(store, file, info, loaded, index.total_bytes(), chosen).await?;
            }
            loaded += info.size;
        }
        Partial::check_complete(&self.state.partial)
    }

    /// Storage or source → hash → device → storage.
    async fn one_shard(
        &self,
        store: Option<&Store>,
        file: &str,
        info: &ShardInfo,
        before: u64,
        total: u64,
        chosen: &Chosen,
    ) -> Result<(), Refusal> {
        let mut bytes = None;
        if let Some(store) = store {
            let mut so_far = before;
            let progress = |chunk| {
                so_far += chunk;
                self.progress(LoadStage::StoredWeights, so_far, total);
            };
            bytes = store.get(file, info, self.folder.signal(), progress).await?;
        }
        let stored = bytes.is_some();
        let mut bytes = match bytes {
            Some(bytes) => bytes,
            None => self.fetched(file, info, before, total).await?,
        };
        self.current()?;
        let path = self.folder.path(file);
        let from_network = store.is_some() && !stored;
        Partial::add(&self.state.partial, file, &path, &bytes, from_network)?;
        // Else copies of several shards could wait for the device.
        nudge::during(ditscope_frames::wait(&chosen.device)).await.map_err(|error| Reason::Device.found(error))?;
        if let Some(store) = store.filter(|_| !stored) {
            store.put(file, info, &mut bytes).await;
        }
        self.current()
    }

    async fn fetched(&self, file: &str, info: &ShardInfo, before: u64, total: u64) -> Result<Vec<u8>, Refusal> {
        let mut so_far = before;
        let progress = |chunk| {
            so_far += chunk;
            self.progress(LoadStage::Weights, so_far, total);
        };
        let bytes = self.folder.shard(file, info, progress).await?;
        verify(&self.folder.path(file), &bytes, info).map_err(|error| Reason::BadFile.found(error))?;
        Ok(bytes)
    }

    fn is_current(&self) -> bool {
        self.state.load.get() == self.number
    }

    /// Ends a load that was replaced; this failure is not reported.
    fn current(&self) -> Result<(), Refusal> {
        if self.is_current() { Ok(()) } else { Err(Reason::Stopped.into()) }
    }

    fn progress(&self, stage: LoadStage, loaded_bytes: u64, total_bytes: u64) {
        let now = now();
        if self.is_current() && (loaded_bytes == total_bytes || now - self.told.get() >= PROGRESS_EVERY) {
            self.told.set(now);
            post(&FromWorker::LoadProgress { stage, loaded_bytes, total_bytes });
        }
    }
}

fn has_int8(index: &WeightsIndex) -> bool {
    index.weight_map.keys().any(|name| name.ends_with(SCALES))
}

/// What a device must get right for this model.
pub(super) fn checks(config: &ModelConfig) -> &'static [Check] {
    match &config.autoencoder {
        Some(AutoencoderConfig::Kl(_)) => &[Check::Plain, Check::KlDecoder],
        _ => &[Check::Plain],
    }
}
