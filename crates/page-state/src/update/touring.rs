//! The tour and the page: what it sets, and what it gives back.

use crate::address::Address;
use crate::tour::Before;
use crate::{Effect, Page, stage};

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

    /// Opens this chapter, or closes the tour. What was set before comes back then, unless the address had opened the tour.
    pub(super) fn open_chapter(&mut self, chapter: Option<String>) -> Effect {
        let address = &mut self.shared.address;
        let was_open = std::mem::replace(&mut address.tour, chapter).is_some();
        let is_open = address.tour.is_some();
        if !was_open && is_open {
            let Address { model, chosen, view, .. } = &**address;
            let views = self.views.on().to_vec();
            self.tour.before = Some(Before { model: model.clone(), chosen: chosen.clone(), mode: *view, views });
        }
        if was_open && !is_open {
            self.give_back();
        }
        self.show_address()
    }

    fn give_back(&mut self) {
        let Some(before) = self.tour.before.take() else { return };
        // The classes of another model are others.
        if before.model != self.shared.address.model {
            return;
        }
        self.shared.address.chosen = before.chosen;
        self.views.update(stage::Event::Set(before.views));
        let place = self.place();
        self.shared.address.view = before.mode;
        self.go_to(place);
    }
}
