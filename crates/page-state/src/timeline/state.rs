//! Where in the film the visitor is, and the player, which looks back over the kept frames.
//!
//! It is apart from the run: a film plays while its run is held, and a run goes on while its film is stopped.

use super::pacing::Pacing;
use crate::film::Film;

/// Ticks of rest at the end of a looping film, and how long one is.
const REST_TICKS: u8 = 12;
const REST_MS: f64 = 120.0;
/// No faster than can be drawn.
const LEAST_MS: f64 = 50.0;

/// Where in the film the visitor is, and how it is played.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Timeline {
    pub position: usize,
    /// Goes along with the newest frame.
    pub follow: bool,
    pub playing: bool,
    /// The picture whose latent and thumbnails are shown.
    pub selected: usize,
    pub speed: Speed,
    /// As the visitor chose it. Unchosen, a recorded run loops and an own one does not.
    looping: Option<bool>,
    /// Ticks that a looping film still rests on its last frame.
    rest: u8,
}

/// How fast: a whole run plays in about four seconds at [`Speed::Whole`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Speed {
    Quarter,
    Half,
    #[default]
    Whole,
    Double,
    Fourfold,
}

/// What can happen here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    ToggleLoop,
    Speed(Speed),
    /// So many speeds faster, or slower.
    Faster(isize),
    Seek(usize),
    /// So many kept frames on.
    Step(isize),
    /// Go along with the newest frame.
    SeekNewest,
    TogglePlay,
    /// Of the player's clock.
    Tick,
    /// A picture.
    Select(usize),
}

/// What this part reads of the others.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    /// The film on the stage.
    pub film: Option<&'a Film>,
    /// Whether there is an own film, and its run goes on.
    pub is_growing: bool,
    pub is_running: bool,
    pub pacing: Pacing,
}

impl Speed {
    pub const ALL: [Self; 5] = [Self::Quarter, Self::Half, Self::Whole, Self::Double, Self::Fourfold];

    pub fn factor(self) -> f64 {
        match self {
            Self::Quarter => 0.25,
            Self::Half => 0.5,
            Self::Whole => 1.0,
            Self::Double => 2.0,
            Self::Fourfold => 4.0,
        }
    }

    fn step(self, by: isize) -> Self {
        let at = (self as usize).saturating_add_signed(by).min(Self::ALL.len() - 1);
        Self::ALL[at]
    }

    /// Milliseconds that a step is shown for in the mean.
    fn ms_per_step(self, steps: usize) -> f64 {
        let plain = 4000.0 / (steps as f64 + 1.0);
        plain.min(400.0) / self.factor()
    }
}

impl Timeline {
    pub(crate) fn update(&mut self, around: Around, event: Event) {
        match event {
            Event::ToggleLoop => self.looping = Some(!self.loops(around.film)),
            Event::Speed(speed) => self.speed = speed,
            Event::Faster(by) => self.speed = self.speed.step(by),
            Event::Seek(position) => self.seek(around, position),
            Event::SeekNewest => self.seek(around, usize::MAX),
            Event::Step(by) => self.step(around, by),
            Event::TogglePlay => self.toggle_play(around.film),
            Event::Tick => self.tick(around),
            Event::Select(picture) => {
                let pictures = around.film.map_or(1, |film| film.info.num_images);
                self.selected = picture.min(pictures - 1);
            }
        }
    }

    /// Whether the player begins again at the end of this film.
    pub fn loops(&self, film: Option<&Film>) -> bool {
        self.looping.unwrap_or(film.is_some_and(|film| film.recorded))
    }

    /// At the beginning of another film.
    pub(crate) fn begin(&mut self, follow: bool, playing: bool) {
        (self.position, self.follow, self.playing, self.rest) = (0, follow, playing, 0);
    }

    /// The film has a frame more, and may have given up others: the stage may have shown one of them.
    pub(crate) fn take_frame(&mut self, film: Option<&Film>) {
        let position = if self.follow { usize::MAX } else { self.position };
        self.position = film.map_or(0, |film| film.kept(position));
    }

    /// Goes to the same share of a film as `position` was of `steps`.
    pub(crate) fn go_to(&mut self, film: &Film, (position, steps): (usize, Option<usize>)) {
        let of = film.steps();
        let scaled = steps.filter(|steps| *steps > 0).map_or(position, |steps| position * of / steps);
        self.position = scaled.min(film.last());
        self.selected = self.selected.min(film.info.num_images - 1);
    }

    fn seek(&mut self, around: Around, position: usize) {
        let Some(film) = around.film else { return };
        // Asked for the beginning, the view stays there, also while it is the newest frame.
        let at_end = position > 0 && position >= film.last();
        self.position = film.kept(position);
        self.playing = false;
        self.follow = around.is_growing && at_end;
    }

    fn step(&mut self, around: Around, by: isize) {
        let here = self.position;
        if let Some(there) = around.film.map(|film| film.neighbour(here, by)) {
            // On from the newest frame is along with those to come.
            self.seek(around, if by > 0 && there == here { usize::MAX } else { there });
        }
    }

    fn toggle_play(&mut self, film: Option<&Film>) {
        let Some(last) = film.map(Film::last) else { return };
        self.playing = !self.playing && last > 0;
        self.rest = 0;
        if self.playing {
            self.follow = false;
            if self.position >= last {
                self.position = 0;
            }
        }
    }

    /// Milliseconds until the next tick while this film is played.
    pub fn beat(&self, film: &Film, pacing: Pacing) -> u32 {
        self.next(film, pacing).1.max(LEAST_MS) as u32
    }

    /// Where the player goes next, and after how long.
    fn next(&self, film: &Film, pacing: Pacing) -> (usize, f64) {
        let frames = film.frames();
        let here = frames.partition_point(|frame| frame.step < self.position);
        if here + 1 >= frames.len() {
            return (self.position, REST_MS);
        }
        let total_ms = self.speed.ms_per_step(film.steps()) * film.last() as f64;
        let (next, ms) = pacing.next(film, frames, here, total_ms, LEAST_MS);
        (frames[next].step, ms)
    }

    fn tick(&mut self, around: Around) {
        let Some(film) = around.film.filter(|_| self.playing) else { return };
        let (next, _) = self.next(film, around.pacing);
        match (self.position >= film.last(), self.loops(around.film)) {
            (false, _) => (self.position, self.rest) = (next, REST_TICKS),
            (true, true) if self.rest > 0 => self.rest -= 1,
            (true, true) => self.position = 0,
            (true, false) => (self.playing, self.follow) = (false, around.is_running),
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
