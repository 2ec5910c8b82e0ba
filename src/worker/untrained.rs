//! A model of any shape with random weights, which are made here: what it costs is measured without fetching it.

use super::device::Chosen;
use super::load::checks;
use super::partial::dtype;
use super::pool::Pool;
use super::post::{fail, post};
use super::{Loaded, State, announce_config, finish_load, limits, warm};
use crate::gpu::nudge;
use ditscope_config::{DitConfig, ModelConfig};
use ditscope_core::generate::Model;
use ditscope_core::weights::{LinearWeights, RandomWeights};
use ditscope_protocol::{BackendChoice, FromWorker, LoadStage, Reason, Refusal, WeightsReport};
use std::rc::Rc;

/// Makes the model and says so, unless a later message has taken its place.
pub(super) async fn load(state: Rc<State>, number: u32, transformer: String, choice: BackendChoice) {
    let is_current = || state.load.get() == number;
    match made(&state, &transformer, choice, &is_current).await {
        _ if !is_current() => {}
        Ok((loaded, chosen, weights)) => finish_load(&state, loaded, chosen.backend, chosen.notices, weights),
        Err(why) => fail(None, why),
    }
}

async fn made(
    state: &State,
    transformer: &str,
    choice: BackendChoice,
    is_current: &dyn Fn() -> bool,
) -> Result<(Loaded, Chosen, WeightsReport), Refusal> {
    let transformer: DitConfig = serde_json::from_str(transformer).map_err(|error| Reason::Message.found(error))?;
    let config = ModelConfig::untrained("random weights", transformer)?;
    limits::check_shape(&config.name, &config)?;
    announce_config(&config);
    let f32_bytes = config.transformer.num_params().saturating_mul(4);
    let chosen = state.devices.choose(choice, &config, checks(&config)).await?;
    let keep_f16 = chosen.linear_weights(f32_bytes, &config.transformer, false).await != LinearWeights::F32;
    let weights_bytes = if keep_f16 { f32_bytes / 2 } else { f32_bytes };
    limits::check_room(&config, weights_bytes, &chosen)?;
    let (mut model, mut random) = (Model::new(&config, &chosen.device), RandomWeights::new(&chosen.device, keep_f16));
    let pieces = model.num_pieces();
    for piece in 0..pieces {
        if !is_current() {
            return Err(Reason::Stopped.into());
        }
        model = model.randomized(piece, &mut random);
        // Else copies of many pieces could wait for the device.
        nudge::during(ditscope_frames::wait(&chosen.device)).await.map_err(|error| Reason::Device.found(error))?;
        let loaded_bytes = weights_bytes * (piece as u64 + 1) / pieces as u64;
        let stage = LoadStage::Weights;
        post(&FromWorker::LoadProgress { stage, loaded_bytes, total_bytes: weights_bytes });
    }
    drop(random);
    let weights = WeightsReport { dtype: dtype(&model).into(), ..WeightsReport::default() };
    let model = model.fused(chosen.ops);
    if chosen.most_buffer.is_some() {
        nudge::during(warm::warm(&model)).await.map_err(|error| Reason::Device.found(error))?;
    }
    // It is for measuring one worker: others would need the same weights.
    Ok((Loaded { model: Rc::new(model), pool: Rc::new(Pool::default()) }, chosen, weights))
}
