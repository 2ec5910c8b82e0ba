//! The state of this part of the page, and what changes it.

use super::known::{Added, Adding, IN_8_BITS, Listing, StorageReport, to_fetch};
use super::progress::Progress;
use crate::address::Address;
use crate::follow::{Effects, Follow};
use crate::{Effect, Failure, ModelRef, Notice};
use ditscope_config::{Catalog, CatalogEntry, ModelConfig};
use ditscope_protocol::{Backend, ModelSource, Refusal, WeightsReport};

/// The models to choose from, and the one in use.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Models {
    /// The models that come with the page.
    pub shipped: Listing,
    /// Models from elsewhere, in the order they were added.
    pub added: Vec<Added>,
    /// The model that was last asked to be added.
    pub adding: Option<Adding>,
    /// What this browser stores; absent until it was looked up.
    pub storage: Option<StorageReport>,
    /// Whether the browser was asked to keep everything even when space runs short.
    pub asked_to_keep: bool,
    /// How far the model of the address is.
    pub state: ModelState,
    pub config: Option<ModelConfig>,
    /// Bytes of its weights that loading has reached, over all attempts.
    pub reached_bytes: u64,
    /// Marked classes of it.
    pub favourites: Vec<usize>,
    /// Another model was chosen; the address shows its defaults when they are known.
    pub(crate) address_waits: bool,
    pub(crate) worker: WorkerState,
    /// The number of the load that was asked for last, or of none where another model was chosen since.
    pub(crate) load: u32,
    /// The number of the load that the worker began last.
    pub(crate) heard: u32,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub enum ModelState {
    /// What it is and costs is being found out.
    #[default]
    Asking,
    /// Too large to be fetched unasked: the page says what it is and waits.
    Offered,
    Loading(Progress),
    /// Loading was stopped by the visitor.
    Stopped,
    Ready {
        backend: Backend,
        num_parameters: u64,
        weights: WeightsReport,
    },
    Failed(Failure),
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) enum WorkerState {
    #[default]
    Starting,
    Ready,
    Lost,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Event {
    CatalogFetched(Result<Catalog, Notice>),
    RetryCatalog,
    /// The models added on earlier visits.
    Recalled(Vec<Added>),
    FavouritesRecalled(Vec<usize>),
    StorageSeen(StorageReport),
    /// An address was typed.
    AddUrl(String),
    /// A folder was picked; the page keeps its files by this name.
    AddFolder(String),
    /// Another tab has kept something.
    KeptElsewhere,
    /// What was picked is no model's folder.
    FolderRefused(Notice),
    Remove(ModelRef),
    /// Delete the stored weights of these addresses.
    DeleteStored(Vec<String>),
    /// Ask the browser to keep what is stored.
    Persist,
    ToggleFavourite(usize),
    Load,
    CancelLoad,
}

/// What this part reads of the others.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub address: &'a Address,
    /// Folder of the page, with a slash at its end.
    pub base: &'a str,
    /// Whether nothing large is fetched before the visitor asks for it.
    pub is_frugal: bool,
    /// Whether a run begins as soon as the model is there.
    pub starts: bool,
}

impl Around<'_> {
    pub(super) fn source(&self) -> ModelSource {
        self.address.model.source(self.base)
    }
}

impl Models {
    pub(crate) fn update(&mut self, around: Around, event: Event) -> Effects {
        match event {
            Event::CatalogFetched(result) => return self.take_catalog(around, result),
            Event::RetryCatalog => {
                self.shipped = Listing::Loading;
                return vec![Follow::Do(Effect::FetchCatalog)];
            }
            Event::Recalled(added) => return self.recall(around, added),
            Event::FavouritesRecalled(classes) => self.favourites = classes,
            Event::StorageSeen(report) => {
                self.storage = Some(report);
                // A large model waited for this: it may be here already.
                return self.approach_if_known(around);
            }
            Event::AddUrl(text) => match ModelRef::parse_url(&text) {
                Some(model) => return self.add_asked(around, model),
                None => self.adding = Some(Adding::Failed(Notice::NoModelAddress)),
            },
            Event::KeptElsewhere => return vec![Follow::Do(Effect::RecallModels)],
            Event::FolderRefused(why) => self.adding = Some(Adding::Failed(why)),
            Event::AddFolder(name) => return self.add_asked(around, ModelRef::Folder(name)),
            Event::Remove(model) => return self.remove(around, &model),
            Event::DeleteStored(urls) => return vec![Follow::Do(Effect::DeleteStored(urls))],
            Event::Persist => {
                self.asked_to_keep = true;
                return vec![Follow::Do(Effect::Persist)];
            }
            Event::ToggleFavourite(class) => return self.toggle_favourite(around, class),
            Event::Load => return self.load_knowingly(around),
            Event::CancelLoad => return self.cancel_load(),
        }
        vec![]
    }

    fn take_catalog(&mut self, around: Around, result: Result<Catalog, Notice>) -> Effects {
        self.shipped = match result {
            Ok(catalog) => Listing::Known(catalog.models),
            Err(message) => Listing::Failed(message),
        };
        if self.state == ModelState::Asking && matches!(around.address.model, ModelRef::Shipped(_)) {
            return self.approach(around);
        }
        vec![]
    }

    fn recall(&mut self, around: Around, added: Vec<Added>) -> Effects {
        for Added { model, entry, .. } in added {
            // Storage may hold anything by now.
            if let ModelRef::Url(url) = &model
                && ModelRef::parse_url(url).as_ref() == Some(&model)
            {
                self.add(model, entry, true);
            }
        }
        self.approach_if_known(around)
    }

    fn approach_if_known(&mut self, around: Around) -> Effects {
        let is_known = self.entry(&around.address.model).is_some();
        if self.state == ModelState::Asking && is_known { self.approach(around) } else { vec![] }
    }

    /// Has a model described; it is listed when the description comes.
    fn add_asked(&mut self, around: Around, model: ModelRef) -> Effects {
        self.adding = Some(Adding::Asking(model.clone()));
        self.inspect(around, &model)
    }

    /// Asks again for what was to be added when the worker was not there.
    pub(super) fn ask_for_added(&mut self, around: Around) -> Effects {
        match self.adding.clone() {
            Some(Adding::Asking(model)) => self.inspect(around, &model),
            _ => vec![],
        }
    }

    /// A model was described, for the list or because it is the one of the address.
    pub(crate) fn take_inspection(
        &mut self,
        around: Around,
        source: &ModelSource,
        result: Result<CatalogEntry, Refusal>,
    ) -> Effects {
        let mut effects = vec![];
        let is_wanted = |model: &&ModelRef| model.source(around.base) == *source;
        let adding = match &self.adding {
            Some(Adding::Asking(model)) => Some(model).filter(is_wanted).cloned(),
            _ => None,
        };
        let current = Some(&around.address.model).filter(is_wanted);
        if let (Ok(entry), Some(model)) = (&result, adding.as_ref().or(current)) {
            self.add(model.clone(), entry.clone(), adding.is_some());
        }
        if let Some(model) = adding {
            self.adding = Some(match &result {
                Ok(_) => {
                    effects.push(Follow::Do(Effect::KeepModels(self.to_keep())));
                    Adding::Done(model)
                }
                Err(why) => Adding::Failed(why.clone().into()),
            });
        }
        if current.is_some() && self.state == ModelState::Asking {
            match result {
                Ok(_) => effects.extend(self.approach(around)),
                Err(why) => {
                    self.state = ModelState::Failed(Failure { kind: why.reason.kind(), message: why.into() });
                    effects.push(Follow::Unqueue);
                }
            }
        }
        effects
    }

    /// Takes an added model off the list; one in use goes on.
    fn remove(&mut self, around: Around, model: &ModelRef) -> Effects {
        self.added.retain(|added| added.model != *model);
        self.adding = None;
        let mut effects = vec![Follow::Do(Effect::KeepModels(self.to_keep()))];
        if let ModelRef::Folder(name) = model
            && around.address.model != *model
        {
            effects.push(Follow::Do(Effect::ForgetFolder(name.clone())));
        }
        effects
    }

    fn toggle_favourite(&mut self, around: Around, class: usize) -> Effects {
        match self.favourites.iter().position(|favourite| *favourite == class) {
            Some(at) => drop(self.favourites.remove(at)),
            None => self.favourites.push(class),
        }
        vec![Follow::Do(Effect::KeepFavourites(around.address.model.clone(), self.favourites.clone()))]
    }

    /// What is known of a model.
    pub fn entry(&self, model: &ModelRef) -> Option<&CatalogEntry> {
        let shipped = match (model, &self.shipped) {
            (ModelRef::Shipped(id), Listing::Known(entries)) => entries.iter().find(|entry| entry.id == *id),
            _ => None,
        };
        shipped.or_else(|| self.added.iter().find(|added| added.model == *model).map(|added| &added.entry))
    }

    /// Shipped models first, then the added ones.
    pub fn all(&self) -> Vec<(ModelRef, CatalogEntry)> {
        let shipped = match &self.shipped {
            Listing::Known(entries) => entries.as_slice(),
            _ => &[],
        };
        let shipped = shipped.iter().map(|entry| (ModelRef::Shipped(entry.id.clone()), entry.clone()));
        let in_index = |model: &ModelRef| shipped.clone().any(|(shipped, _)| shipped == *model);
        let added = self.added.iter().filter(|added| !in_index(&added.model));
        let added = added.map(|added| (added.model.clone(), added.entry.clone())).collect::<Vec<_>>();
        shipped.clone().chain(added).collect()
    }

    /// The same, but of a model that is there with weights in 8 bits, too, only those or only the others.
    pub fn listed(&self, in_8_bits: bool) -> Vec<(ModelRef, CatalogEntry)> {
        let all = self.all();
        let is_there = |id: &str| all.iter().any(|(model, _)| *model == ModelRef::Shipped(id.to_owned()));
        let is_wanted = |model: &ModelRef| match model {
            ModelRef::Shipped(id) => match id.strip_suffix(IN_8_BITS) {
                Some(whole) => in_8_bits || !is_there(whole),
                None => !in_8_bits || !is_there(&format!("{id}{IN_8_BITS}")),
            },
            _ => true,
        };
        all.iter().filter(|(model, _)| is_wanted(model)).cloned().collect()
    }

    /// Whether there is a choice between weights in 8 bits and others.
    pub fn has_8_bits(&self) -> bool {
        self.listed(true) != self.listed(false)
    }

    /// Bytes of a model that this browser stores.
    pub fn stored_bytes(&self, source: &ModelSource) -> u64 {
        let ModelSource::Url(url) = source else { return 0 };
        let stored = self.storage.iter().flat_map(|report| &report.stored).find(|stored| stored.url == *url);
        stored.map_or(0, |stored| stored.bytes)
    }

    /// Bytes that loading a model would fetch over the network, where that is known.
    pub fn bytes_to_fetch(&self, model: &ModelRef, source: &ModelSource) -> Option<u64> {
        Some(to_fetch(self.entry(model)?, source, self.stored_bytes(source)))
    }

    /// The model that was just added.
    pub fn newest(&self) -> Option<&ModelRef> {
        match &self.adding {
            Some(Adding::Done(added)) => Some(added),
            _ => None,
        }
    }

    /// Takes a model in or brings its description up to date.
    pub(super) fn add(&mut self, model: ModelRef, entry: CatalogEntry, kept: bool) {
        match self.added.iter_mut().find(|added| added.model == model) {
            Some(added) => {
                added.entry = entry;
                added.kept |= kept;
            }
            None => self.added.push(Added { model, entry, kept }),
        }
    }

    /// The added models to remember for the next visit: a folder cannot be opened again unasked.
    pub(super) fn to_keep(&self) -> Vec<Added> {
        let can = |added: &&Added| added.kept && matches!(added.model, ModelRef::Url(_));
        self.added.iter().filter(can).cloned().collect()
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
