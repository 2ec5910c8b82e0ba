//! Training in the tab: setting it up, how it goes, what it shows, and what becomes of it. Its state is
//! [`ditscope_page_state::training`]; it lives in this part and goes on while another part of the page is shown.

mod controls;
mod run;
mod session;
mod setup;
mod show;
mod trainer;

use super::fetch::fetch_text;
use super::live::{Live, Mount};
use super::parts::{Part, Parts};
use super::store::Store;
use super::{dom, storage};
use ditscope_config::{CatalogEntry, ModelConfig};
use ditscope_page_state::ModelRef;
use ditscope_page_state::training::{Event, Remembered, Said, Source, State};
use ditscope_words::notices::notice;
use ditscope_words::{say, say_with};
use leptos::prelude::*;
use session::{KEPT, see, tell};
use wasm_bindgen_futures::spawn_local;

#[component]
pub fn TrainStage() -> impl IntoView {
    let store = Store::get();
    session::enter(store);
    if let Some(kept) = storage::recall::<Remembered>(KEPT) {
        tell(Event::Recalled(Box::new(kept)));
    }
    offer(store);
    let listed = store.memo(|page| page.models.all());
    let live = Live::new("div", "training").of(vec![setup::form(), run::panel(), show::panel()]);
    view! {
        <div class="stage">
            <p class="training-words">{say("training.words")}</p>
            <Parts content=Box::new(move || listed.with(|listed| see(|state| what_is_kept(state, listed)))) />
            <Parts content=Box::new(|| see(said)) />
            <Mount live />
        </div>
    }
}

/// The model on the page, with what its training latents are.
fn offer(store: Store) {
    let model = store.memo(|state| state.address.model.clone());
    let config = store.memo(|state| state.models.config.clone());
    dom::effect(Box::new(move || {
        let (model, Some(config)) = (model.get(), config.get()) else { return };
        // A folder of the visitor's, such as what was trained here, is read by the worker alone.
        if matches!(model, ModelRef::Folder(_)) {
            return;
        }
        spawn_local(async move {
            let Some(base) = store.try_peek(|state| state.base.clone()) else { return };
            let source = look_at(model, config, &base).await;
            if store.try_peek(|state| state.address.model == source.model) == Some(true) {
                tell(Event::Offered(Box::new(source)));
            }
        });
    }));
}

async fn look_at(model: ModelRef, config: ModelConfig, base: &str) -> Source {
    let folder = model.source(base).name().to_owned();
    let text = fetch_text(&format!("{folder}/latents.json")).await;
    let latents = text.and_then(|text| dom::parse_json(&text).ok());
    Source { model, config, latents }
}

/// A training of an earlier visit, and the way on with it.
fn what_is_kept(state: &State, listed: &[(ModelRef, CatalogEntry)]) -> Vec<Part> {
    let Some(kept) = state.remembered.as_ref().filter(|_| state.is_setting()) else { return vec![] };
    let pictures = kept.step * kept.setup.batch_size;
    let known = listed.iter().find(|(model, _)| *model == kept.model).map(|(_, entry)| &*entry.name);
    let model = known.unwrap_or(kept.model.name());
    let words = say_with("training.kept", &[("step", &kept.step), ("pictures", &pictures), ("model", &model)]);
    let button = Part::button("primary", say("training.resume"), || tell(Event::Resume));
    vec![Part::group("training-kept", vec![Part::words("", words), Part::group("buttons", vec![button])])]
}

fn said(state: &State) -> Vec<Part> {
    let (class, words) = match &state.said {
        None => return vec![],
        Some(Said::Downloaded(file)) => ("hint", say_with("training.downloaded", &[("file", file)])),
        Some(Said::InUse) => ("hint", say("training.in-use").into()),
        Some(Said::NotFinite { back_at }) => ("failure", say_with("training.not-finite", &[("step", back_at)])),
        Some(Said::Failed(why)) => ("failure", say_with("training.failed", &[("why", &notice(&why.clone().into()))])),
        Some(Said::Lost { why, kept: Some(step) }) => {
            ("failure", say_with("training.lost-kept", &[("why", why), ("step", step)]))
        }
        Some(Said::Lost { why, kept: None }) => ("failure", say_with("training.lost", &[("why", why)])),
    };
    vec![Part::words(class, words).with("role", if class == "failure" { "alert" } else { "status" })]
}
