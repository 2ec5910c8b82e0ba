//! The models to choose from, what the browser keeps of them, and the visitor's marks.

use crate::ModelRef;
use crate::models::{Added, Adding, Listing, StorageReport};
use crate::shared::WorkerState;
use crate::{Effect, Failure, ModelState, Notice, Page};
use ditscope_config::{Catalog, CatalogEntry};
use ditscope_protocol::{FailureKind, ModelSource};

impl Page {
    pub(super) fn take_catalog(&mut self, result: Result<Catalog, Notice>) -> Vec<Effect> {
        self.models.shipped = match result {
            Ok(catalog) => Listing::Known(catalog.models),
            Err(message) => Listing::Failed(message),
        };
        if self.model == ModelState::Asking && matches!(self.address.model, ModelRef::Shipped(_)) {
            return self.approach();
        }
        vec![]
    }

    pub(super) fn retry_catalog(&mut self) -> Vec<Effect> {
        self.models.shipped = Listing::Loading;
        vec![Effect::FetchCatalog]
    }

    pub(super) fn recall_models(&mut self, added: Vec<Added>) -> Vec<Effect> {
        for Added { model, entry, .. } in added {
            // Storage may hold anything by now.
            if let ModelRef::Url(url) = &model
                && ModelRef::parse_url(url).as_ref() == Some(&model)
            {
                self.models.add(model, entry, true);
            }
        }
        if self.model == ModelState::Asking && self.entry().is_some() { self.approach() } else { vec![] }
    }

    pub(super) fn take_storage(&mut self, report: StorageReport) -> Vec<Effect> {
        self.models.storage = Some(report);
        // A large model waited for this: it may be here already.
        if self.model == ModelState::Asking && self.entry().is_some() { self.approach() } else { vec![] }
    }

    pub(super) fn add_url(&mut self, text: &str) -> Vec<Effect> {
        match ModelRef::parse_url(text) {
            Some(model) => self.add_model(model),
            None => {
                self.models.adding = Some(Adding::Failed(Notice::NoModelAddress));
                vec![]
            }
        }
    }

    /// Has a model described; it is listed when the description comes.
    pub(super) fn add_model(&mut self, model: ModelRef) -> Vec<Effect> {
        self.models.adding = Some(Adding::Asking(model.clone()));
        self.inspect(model)
    }

    /// Asks again for what was to be added when the worker was not there.
    pub(super) fn ask_for_added(&mut self) -> Vec<Effect> {
        match &self.models.adding {
            Some(Adding::Asking(model)) => self.inspect(model.clone()),
            _ => vec![],
        }
    }

    pub(super) fn take_inspection(
        &mut self,
        source: &ModelSource,
        result: Result<CatalogEntry, String>,
    ) -> Vec<Effect> {
        let mut effects = vec![];
        let base = self.base.clone();
        let wanted = |model: &&ModelRef| model.source(&base) == *source;
        let adding = match &self.models.adding {
            Some(Adding::Asking(model)) => Some(model).filter(wanted).cloned(),
            _ => None,
        };
        let current = Some(&self.address.model).filter(wanted).cloned();
        if let (Ok(entry), Some(model)) = (&result, adding.as_ref().or(current.as_ref())) {
            self.models.add(model.clone(), entry.clone(), adding.is_some());
        }
        if let Some(model) = adding {
            self.models.adding = Some(match &result {
                Ok(_) => {
                    effects.push(Effect::KeepModels(self.models.to_keep()));
                    Adding::Done(model)
                }
                Err(message) => Adding::Failed(Notice::said(message)),
            });
        }
        if current.is_some() && self.model == ModelState::Asking {
            match result {
                Ok(_) => effects.extend(self.approach()),
                Err(message) => {
                    self.unqueue();
                    let message = Notice::Said(message);
                    self.model = ModelState::Failed(Failure { kind: FailureKind::Network, message });
                }
            }
        }
        effects
    }

    /// Takes an added model off the list; one in use goes on.
    pub(super) fn remove_model(&mut self, model: &ModelRef) -> Vec<Effect> {
        self.models.added.retain(|added| added.model != *model);
        self.models.adding = None;
        vec![Effect::KeepModels(self.models.to_keep())]
    }

    /// A model that was loaded from an address is remembered, and its weights may be in storage now.
    pub(super) fn keep_loaded_model(&mut self) -> Vec<Effect> {
        let mut effects = vec![Effect::LookAtStorage];
        let current = &self.shared.address.model;
        let added = self.shared.models.added.iter_mut().find(|added| added.model == *current && !added.kept);
        if let Some(added) = added {
            added.kept = true;
            effects.push(Effect::KeepModels(self.models.to_keep()));
        }
        effects
    }

    pub(super) fn toggle_favourite(&mut self, class: usize) -> Vec<Effect> {
        match self.favourites.iter().position(|favourite| *favourite == class) {
            Some(at) => drop(self.favourites.remove(at)),
            None => self.favourites.push(class),
        }
        vec![Effect::KeepFavourites(self.address.model.clone(), self.favourites.clone())]
    }

    /// The worker that was to describe a model is gone.
    pub(super) fn stop_adding(&mut self, message: &Notice) {
        if matches!(self.models.adding, Some(Adding::Asking(_))) && self.worker == WorkerState::Lost {
            self.models.adding = Some(Adding::Failed(message.clone()));
        }
    }
}

#[cfg(test)]
#[path = "models_tests.rs"]
mod tests;
