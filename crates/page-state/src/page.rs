//! The whole page: what is shared, and the features.

use crate::compare::Compare;
use crate::forward::Forward;
use crate::inside::Inside;
use crate::lab::Lab;
use crate::models::WorkerState;
use crate::slice::Slice;
use crate::sound::Listening;
use crate::stage::Views;
use crate::take::Take;
use crate::tour::Tour;
use crate::{Effect, ModelState, Shared, Visit, address};
use std::ops::Deref;

/// Everything the page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub shared: Shared,
    pub views: Slice<Views, 6>,
    pub listening: Slice<Listening, 7>,
    pub compare: Slice<Compare, 8>,
    pub forward: Slice<Forward, 9>,
    pub inside: Slice<Inside, 10>,
    pub lab: Slice<Lab, 14>,
    pub take: Slice<Take, 11>,
    pub tour: Slice<Tour, 12>,
}

/// What is shared is the page's own: a feature that is given a page reads it as if it had been given this.
impl Deref for Page {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Page {
    pub fn new(query: &str, base: &str, visit: Visit) -> (Self, Vec<Effect>) {
        let (mut address, notices) = address::parse(query);
        let names_run = address.names_run();
        address.chosen.seed = address.chosen.seed.or(visit.seed);
        address.depth = address.depth.or(visit.kept.depth);
        let model = address.model.clone();
        let mut effects = vec![
            Effect::StartWorker,
            Effect::FetchModel(model.clone()),
            Effect::FetchCatalog,
            Effect::RecallModels,
            Effect::RecallFavourites(model),
            Effect::LookAtStorage,
        ];
        let mut shared = Shared::new(address, notices, base, visit);
        // On another's page, or where data are dear, nothing large comes unasked, the worker's own code included.
        if shared.is_frugal() {
            effects.remove(0);
            shared.models.worker = WorkerState::Lost;
            if shared.address.model.is_default() {
                shared.models.state = ModelState::Offered;
            }
        }
        shared.take_link(names_run);
        let page = Self {
            shared,
            views: Slice::default(),
            listening: Slice::default(),
            compare: Slice::default(),
            forward: Slice::default(),
            inside: Slice::default(),
            lab: Slice::default(),
            take: Slice::default(),
            tour: Slice::default(),
        };
        (page, effects)
    }
}
