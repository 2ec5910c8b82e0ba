//! The whole page: what is shared, and the features.

use crate::compare::Compare;
use crate::forward::Forward;
use crate::inside::Inside;
use crate::models::WorkerState;
use crate::sound::Listening;
use crate::stage::Views;
use crate::take::Take;
use crate::tour::Tour;
use crate::{Effect, ModelState, Shared, address};
use std::ops::Deref;

/// Everything the page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub shared: Shared,
    pub views: Views,
    pub listening: Listening,
    pub compare: Compare,
    pub forward: Forward,
    pub inside: Inside,
    pub take: Take,
    pub tour: Tour,
}

/// What is shared is the page's own: a feature that is given a page reads it as if it had been given this.
impl Deref for Page {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Page {
    pub fn new(query: &str, base: &str, reduced_motion: bool) -> (Self, Vec<Effect>) {
        let (address, notices) = address::parse(query);
        let model = address.model.clone();
        let mut effects = vec![
            Effect::StartWorker,
            Effect::FetchModel(model.clone()),
            Effect::FetchCatalog,
            Effect::RecallModels,
            Effect::RecallFavourites(model),
            Effect::LookAtStorage,
        ];
        let mut shared = Shared::new(address, notices, base, reduced_motion);
        // On another's page nothing large comes unasked, the worker's own code included.
        if shared.address.embed {
            effects.remove(0);
            shared.models.worker = WorkerState::Lost;
            if shared.address.model.is_default() {
                shared.models.state = ModelState::Offered;
            }
        }
        let page = Self {
            shared,
            views: Views::default(),
            listening: Listening::default(),
            compare: Compare::default(),
            forward: Forward::default(),
            inside: Inside::default(),
            take: Take::default(),
            tour: Tour::default(),
        };
        (page, effects)
    }
}
