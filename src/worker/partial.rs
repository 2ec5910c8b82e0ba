//! A model that is only partly loaded: what a load that broke off leaves to the next one.
//!
//! It lies in the worker's state and is taken out only between two awaits, so a load that was
//! cancelled and the one after it never hold it both.

use super::device::Chosen;
use super::pool::Pool;
use burn::tensor::DType;
use ditscope_config::ModelConfig;
use ditscope_core::generate::Model;
use ditscope_core::weights::{LinearWeights, Loader, WeightsIndex};
use ditscope_ops::Ops;
use ditscope_protocol::{ModelSource, Reason, Refusal, WeightsReport};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// A model, the shards that it has, and what they belong to.
pub struct Partial {
    source: ModelSource,
    index: WeightsIndex,
    linear: LinearWeights,
    model: Model,
    loader: Loader,
    /// Who loads the same model, to help with it.
    pool: Pool,
    shards: BTreeSet<String>,
    fetched_bytes: u64,
    stored_bytes: u64,
}

/// Where it lies between two messages.
pub type Slot = RefCell<Option<Partial>>;

impl Partial {
    /// Drops what is of another source.
    pub fn keep_only(slot: &Slot, source: &ModelSource) {
        slot.borrow_mut().take_if(|partial| partial.source != *source);
    }

    /// Goes on with what is there if it is the same model in every respect, else begins a new one.
    pub fn begin(
        slot: &Slot,
        source: &ModelSource,
        config: &ModelConfig,
        index: &WeightsIndex,
        chosen: &Chosen,
        linear: LinearWeights,
    ) {
        let device = &chosen.device;
        let is_same = |partial: &Self| {
            partial.source == *source
                && partial.model.config == *config
                && partial.index == *index
                && partial.model.device == *device
                && partial.linear == linear
        };
        if slot.borrow().as_ref().is_some_and(is_same) {
            return;
        }
        // The old one's memory is free before the new one comes.
        slot.take();
        slot.replace(Some(Self {
            source: source.clone(),
            index: index.clone(),
            linear,
            model: Model::new(config, device),
            loader: Loader::keeping(linear),
            // A GPU needs no help, and fewer bits are for models that are too large for several of them.
            pool: if chosen.most_buffer.is_none() && linear == LinearWeights::F32 {
                Pool::start(config, chosen.ops)
            } else {
                Pool::default()
            },
            shards: BTreeSet::new(),
            fetched_bytes: 0,
            stored_bytes: 0,
        }));
    }

    /// Whether this shard is in already.
    pub fn has(slot: &Slot, file: &str) -> bool {
        slot.borrow().as_ref().is_some_and(|partial| partial.shards.contains(file))
    }

    /// Loads a verified shard onto the device.
    ///
    /// # Errors
    /// The shard does not fit the model, which is then given up.
    pub fn add(slot: &Slot, file: &str, path: &str, bytes: &[u8], from_network: bool) -> Result<(), Refusal> {
        let mut partial = slot.take().ok_or(GONE)?;
        partial.model =
            partial.model.load_shard(&mut partial.loader, path, bytes).map_err(|error| Reason::BadFile.found(error))?;
        partial.pool.add(path, bytes);
        partial.shards.insert(file.to_owned());
        let counter = if from_network { &mut partial.fetched_bytes } else { &mut partial.stored_bytes };
        *counter += bytes.len() as u64;
        slot.replace(Some(partial));
        Ok(())
    }

    /// Checks that every parameter was filled; if not, the model is given up.
    ///
    /// # Errors
    /// Names what is missing.
    pub fn check_complete(slot: &Slot) -> Result<(), Refusal> {
        let partial = slot.take().ok_or(GONE)?;
        partial.model.finish_loading(&partial.loader).map_err(|error| Reason::BadFile.found(error))?;
        slot.replace(Some(partial));
        Ok(())
    }

    /// Hands over the complete model, computed with these kernels of its device.
    ///
    /// # Errors
    /// There is none.
    pub fn finish(slot: &Slot, ops: Ops) -> Result<(Model, Pool, WeightsReport), Refusal> {
        let Self { model, pool, fetched_bytes, stored_bytes, .. } = slot.take().ok_or(GONE)?;
        let dtype = dtype(&model);
        pool.finish();
        Ok((model.fused(ops), pool, WeightsReport { dtype: dtype.into(), fetched_bytes, stored_bytes }))
    }
}

/// How the linear weights of a model lie on its device.
pub fn dtype(model: &Model) -> &'static str {
    let linear = model.dit.blocks.first().map(|block| block.attn.qkv.weight.val().dtype());
    match linear {
        Some(DType::F16) => "f16",
        Some(DType::QFloat(_)) => "int8",
        _ => "f32",
    }
}

/// Cannot come while only the current load works on it; if it does, a new load helps.
const GONE: Reason = Reason::NoModel;
