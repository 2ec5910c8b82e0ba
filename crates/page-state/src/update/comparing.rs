//! What a comparison changes of what is shared: what is compared, the film on the stage, the place on the timeline.

use crate::compare::What;
use crate::film::Film;
use crate::{Effect, Page};

impl Page {
    /// Has another thing compared; the place on the timeline stays the same share of what is shown then.
    pub(super) fn compare(&mut self, what: Option<What>) -> Vec<Effect> {
        let place = self.place();
        if let Some(before) = std::mem::replace(&mut self.shared.address.compare, what) {
            self.compare.keep(before);
        }
        self.publish_comparison();
        self.go_to(place);
        vec![Effect::ShowAddress(self.query())]
    }

    /// The newest run is over, as well as it went: the timeline gets the longest film that is complete.
    pub(crate) fn settle_comparison(&mut self) {
        let place = self.place();
        self.compare.settle(&self.shared);
        self.publish_comparison();
        self.go_to(place);
    }

    /// What the stage shows of comparisons has changed.
    pub(super) fn publish_comparison(&mut self) {
        self.shared.compared = self.compare.film(&self.shared).cloned();
    }

    /// Where the visitor is: a position, and of how many.
    pub(crate) fn place(&self) -> (usize, Option<usize>) {
        (self.view.position, self.shown().map(Film::steps))
    }

    /// Goes to the same share of the film that is shown now.
    pub(crate) fn go_to(&mut self, (position, steps): (usize, Option<usize>)) {
        let Some(film) = self.shown() else { return };
        let of = film.steps();
        let scaled = steps.filter(|steps| *steps > 0).map_or(position, |steps| position * of / steps);
        let (position, pictures) = (scaled.min(film.last()), film.info.num_images);
        self.view.position = position;
        self.view.selected = self.view.selected.min(pictures - 1);
    }
}
