//! Bringing a model: configuration, device, index, shards; each checked before it is used.

use super::device::{self, Chosen};
use super::fetch::fetch;
use super::{State, announce_config, finish_load};
use crate::config::ModelConfig;
use crate::generate::Model;
use crate::protocol::{BackendChoice, FailureKind, FromWorker};
use crate::weights::{INDEX_FILE, Loader, WeightsIndex, verify};
use std::rc::Rc;
use web_sys::{AbortController, AbortSignal};

/// Loads a model folder and reports how it went, unless a later message has taken its place.
pub(super) async fn load(state: Rc<State>, number: u32, model_url: String, choice: BackendChoice) {
    let controller = match AbortController::new() {
        Ok(controller) => controller,
        Err(error) => return fail(Failure::network(super::fetch::words(&error))),
    };
    state.abort.replace(Some(controller.clone()));
    let result = Load { state: &state, number, url: &model_url, signal: controller.signal() }.run(choice).await;
    match result {
        // Cancelled or replaced; whoever did it has said so.
        _ if state.load.get() != number => {}
        Ok((model, chosen)) => finish_load(&state, model, chosen.backend, chosen.notices),
        Err(failure) => {
            state.abort.take();
            fail(failure);
        }
    }
}

struct Failure {
    kind: FailureKind,
    message: String,
}

impl Failure {
    fn network(message: String) -> Self {
        Self { kind: FailureKind::Network, message }
    }

    fn bad_model(message: impl ToString) -> Self {
        Self { kind: FailureKind::BadModel, message: message.to_string() }
    }
}

fn fail(Failure { kind, message }: Failure) {
    super::post::post(&FromWorker::Failed { run: None, kind, message });
}

struct Load<'a> {
    state: &'a State,
    number: u32,
    url: &'a str,
    signal: AbortSignal,
}

impl Load<'_> {
    async fn run(&self, choice: BackendChoice) -> Result<(Model, Chosen), Failure> {
        let config = self.config().await?;
        announce_config(&config);
        let index = self.index().await?;
        self.progress("Preparing the device", 0, index.total_bytes());
        let chosen = self.device(choice).await?;
        let model = self.weights(Model::new(&config, &chosen.device), &index).await?;
        Ok((model, chosen))
    }

    async fn config(&self) -> Result<ModelConfig, Failure> {
        let url = format!("{}/config.json", self.url);
        let bytes = fetch(&url, &self.signal, |_| {}).await.map_err(Failure::network)?;
        let config: ModelConfig = serde_json::from_slice(&bytes)
            .map_err(|error| Failure::bad_model(format!("{url}: not a model configuration ({error}).")))?;
        config.validate().map_err(|error| Failure::bad_model(format!("{url}: {error}.")))?;
        Ok(config)
    }

    async fn index(&self) -> Result<WeightsIndex, Failure> {
        let url = format!("{}/{INDEX_FILE}", self.url);
        let bytes = fetch(&url, &self.signal, |_| {}).await.map_err(Failure::network)?;
        WeightsIndex::parse(&url, &bytes).map_err(Failure::bad_model)
    }

    /// The device of an earlier load serves again when the wish is the same.
    async fn device(&self, choice: BackendChoice) -> Result<Chosen, Failure> {
        if let Some(chosen) = self.state.device.borrow().clone().filter(|chosen| chosen.choice == choice) {
            return Ok(chosen);
        }
        let chosen = device::choose(choice).await.map_err(|message| Failure { kind: FailureKind::Device, message })?;
        self.state.device.replace(Some(chosen.clone()));
        Ok(chosen)
    }

    /// One shard at a time is in memory, and gone before the next comes.
    async fn weights(&self, mut model: Model, index: &WeightsIndex) -> Result<Model, Failure> {
        let total = index.total_bytes();
        let (mut loader, mut loaded) = (Loader::default(), 0);
        for (file, info) in &index.metadata.shards {
            let url = format!("{}/{file}", self.url);
            let bytes = fetch(&url, &self.signal, |chunk| {
                loaded += chunk;
                self.progress("Loading the weights", loaded, total);
            });
            let bytes = bytes.await.map_err(Failure::network)?;
            verify(&url, &bytes, info).map_err(Failure::bad_model)?;
            model = model.load_shard(&mut loader, &url, &bytes).map_err(Failure::bad_model)?;
        }
        model.finish_loading(&loader).map_err(Failure::bad_model)?;
        Ok(model)
    }

    fn progress(&self, stage: &str, loaded_bytes: u64, total_bytes: u64) {
        if self.state.load.get() == self.number {
            super::post::post(&FromWorker::LoadProgress { stage: stage.into(), loaded_bytes, total_bytes });
        }
    }
}
