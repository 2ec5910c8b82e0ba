//! The tour and the page: what it sets, and what it gives back.

use crate::address::Address;
use crate::tour::Before;
use crate::{Effect, ModelRef, ModelState, Page, stage};

impl Page {
    /// Takes the tour's next steps towards what it shows, as far as they can be taken now.
    pub(super) fn drive_tour(&mut self) -> Vec<Effect> {
        let mut effects = vec![];
        while let Some((next, follows)) = self.tour.next_step(&self.shared, &self.compare) {
            self.tour.drive = next;
            effects.extend(self.follow(follows));
        }
        // It acts as a visitor would, setting by setting; the address is shown once.
        let all = effects.len();
        effects.retain(|effect| !matches!(effect, Effect::ShowAddress(_)));
        if effects.len() < all {
            effects.push(self.show_address());
        }
        effects
    }

    /// Opens this chapter, or closes the tour. What was set before comes back then, unless the address had opened the tour. The
    /// model that the page opens with makes way for the one that the tour speaks of; another does not, nor where the visitor has
    /// not had one loaded yet.
    pub(super) fn open_chapter(&mut self, chapter: Option<String>) -> Vec<Effect> {
        let address = &mut self.shared.address;
        let was_open = std::mem::replace(&mut address.tour, chapter).is_some();
        let is_open = address.tour.is_some();
        if !was_open && is_open {
            let Address { model, chosen, view, .. } = &**address;
            let views = self.views.on().to_vec();
            let before = Before { model: model.clone(), chosen: chosen.clone(), mode: *view, views };
            self.tour.before = Some(before);
            if self.makes_way() {
                return self.use_model(ModelRef::of_tour());
            }
        }
        let mut effects = if was_open && !is_open { self.give_back() } else { vec![] };
        effects.push(self.show_address());
        effects
    }

    fn makes_way(&self) -> bool {
        let (model, loaded) = (&self.shared.address.model, &self.shared.models.state);
        let is_ready = matches!(loaded, ModelState::Ready { .. }) && !self.shared.is_frugal();
        is_ready && model.is_default() && !model.is_of_tour()
    }

    fn give_back(&mut self) -> Vec<Effect> {
        let Some(before) = self.tour.before.take() else { return vec![] };
        let (now, mut effects) = (&self.shared.address.model, vec![]);
        if before.model != *now {
            let made_way = before.model.is_default() && now.is_of_tour();
            // The classes of another model are others.
            if !made_way {
                return vec![];
            }
            self.shared.run.forget_film();
            effects = self.use_model(before.model);
        }
        self.shared.address.chosen = before.chosen;
        self.views.update(stage::Event::Set(before.views));
        let place = self.place();
        self.shared.address.view = before.mode;
        self.go_to(place);
        effects
    }
}
