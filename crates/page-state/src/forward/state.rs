//! The state of this part of the page, and what changes it; pure.
//!
//! A picture becomes a latent, the latent is noised: each is a question to the worker, and one is put at a time.
//! What is asked next follows from what is there, so that the last position of the slider counts.

use super::facts::last_t;
use super::noise::{PLACES, SeenNoise, Spot};
use super::opinion::Opinion;
use super::picture::{self, Unreadable};
use super::questions::{Noised, Pending};
use super::steps;
use crate::film::{self, Pixels};
use crate::floats;
use crate::follow::{Effects, Follow};
use crate::run::Plan;
use crate::{Effect, Notice, Shared};
use ditscope_config::{AutoencoderConfig, ModelConfig};
use ditscope_protocol::{ModelSource, RunInfo, StartFrom};
use ditscope_schedule::{NoiseSchedule, training_schedule};
use std::sync::Arc;

/// Pictures in the filmstrip, from no noise to all.
pub const MARKS: usize = 8;
/// Where the slider stands at first, as a share of all timesteps: half noise, and the layout is still there.
pub(super) const FIRST_T: f64 = 0.4;
/// Ticks from the clean picture to pure noise.
const BEATS: usize = 48;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Forward {
    pub sheet: Sheet,
    pub source: Option<Source>,
    /// The picture as it was given.
    pub picture: Option<Arc<Pixels>>,
    /// Its latent x0, f32 `[C, h, w]` in bytes.
    pub(crate) latent: Option<Arc<Vec<u8>>>,
    /// What the decoder makes of the latent.
    pub reconstruction: Option<Arc<Pixels>>,
    pub noised: Option<Arc<Noised>>,
    /// The filmstrip.
    pub strip: [Option<Arc<Noised>>; MARKS],
    /// What the model takes for noise in what is noised.
    pub seen: Option<Arc<SeenNoise>>,
    /// Its errors with the class and without it, over t.
    pub(super) errors: [Option<(Spot, [f64; 2])>; PLACES],
    /// Which class the model sees in the picture.
    pub opinion: Option<Opinion>,
    pub(super) question: Option<Pending>,
    /// Number of the newest question.
    pub(super) newest: u32,
    /// A question failed: nothing is asked until the visitor does something.
    pub(super) stuck: bool,
    pub note: Option<Note>,
    /// The slider, once it was moved.
    pub(super) t: Option<usize>,
    pub(super) playing: bool,
    /// The newest file that is being read, by number; and whether it still is.
    pub(super) reading: (u32, bool),
    /// The model's, to be looked up with every move of the slider.
    pub(super) schedule: Option<Arc<NoiseSchedule>>,
    /// The run that began with this picture, and the film that was there before.
    pub(super) run: Option<(u32, Option<Arc<RunInfo>>)>,
}

/// The model's training pictures.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Sheet {
    #[default]
    Unknown,
    Asked,
    /// One picture with all of them, a row for each class.
    There(Arc<Pixels>),
    Missing,
}

/// Where the picture comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Number in the sheet, row by row.
    Training(usize),
    /// Made by the model.
    Generated,
    Own(Own),
}

/// A picture of the visitor's.
#[derive(Debug, Clone, PartialEq)]
pub struct Own {
    pub name: String,
    pub inverted: bool,
    pub light_background: bool,
    /// The file has more pictures than the first.
    pub animated: bool,
}

/// What the visitor is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    NoModelYet,
    NoEncoder,
    NotRead(String, Unreadable),
    NothingGenerated,
    NoPicture,
    NoStepLeft,
    Failed(Notice),
}

/// What Generate starts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Planned {
    Run(Plan),
    /// It starts as soon as the picture is encoded.
    WhenEncoded,
    /// The visitor is told why.
    Nothing,
}

/// What can happen here.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The stage is there, or something that the pictures depend on has changed.
    Look,
    SheetRead(Option<Pixels>),
    /// A training picture by its number in the sheet: class × pictures of a class + which of them.
    UseTraining(usize),
    /// The finished picture of the film.
    UseGenerated,
    /// A file is being read.
    Reading,
    /// It was read: the name, the picture in the model's size and whether there are more in the file.
    Read(u32, String, Result<(Pixels, bool), Unreadable>),
    Invert(bool),
    SetT(usize),
    /// The slider was let go: the address tells where it is.
    Settled,
    TogglePlay,
    Tick,
    /// Ask which class the model sees, or stop, or go on.
    ToggleOpinion,
    /// Ask it as soon as that is possible, or do not.
    AskForClass(bool),
}

impl Forward {
    pub(crate) fn update(&mut self, shared: &Shared, event: Event) -> Effects {
        if !matches!(event, Event::Tick) {
            self.stuck = false;
        }
        let mut asks = None;
        match event {
            Event::Look => {
                let schedule =
                    || shared.models.config.as_ref().map(|config| Arc::new(training_schedule(&config.scheduler)));
                self.schedule = self.schedule.take().or_else(schedule);
                if let (Sheet::Unknown, ModelSource::Url(folder)) = (&self.sheet, shared.source()) {
                    self.sheet = Sheet::Asked;
                    return vec![Follow::Do(Effect::ReadTraining(format!("{folder}/training.png")))];
                }
                self.take_first_picture(shared);
            }
            Event::SheetRead(sheet) => {
                self.sheet = sheet.map_or(Sheet::Missing, |sheet| Sheet::There(Arc::new(sheet)));
                match self.source {
                    Some(Source::Training(i)) => self.use_training(shared, i),
                    _ => self.take_first_picture(shared),
                }
            }
            Event::UseTraining(i) => self.use_training(shared, i),
            Event::UseGenerated => self.use_generated(shared),
            Event::Reading => {
                self.reading = (self.reading.0.wrapping_add(1), true);
                self.note = None;
            }
            Event::Read(number, name, result) if (number, true) == self.reading => {
                self.reading.1 = false;
                self.take_own(shared, name, result);
            }
            // Another file was chosen meanwhile.
            Event::Read(..) => {}
            Event::Invert(inverted) => self.invert(inverted),
            Event::SetT(t) => {
                (self.t, self.playing) = (Some(t.min(last_t(shared))), false);
                self.note = None;
            }
            Event::Settled => return vec![Follow::Do(Effect::ShowAddress(shared.query()))],
            Event::TogglePlay => {
                self.playing = !self.playing && self.latent.is_some();
                if self.playing && self.t(shared) == last_t(shared) {
                    self.t = Some(0);
                }
            }
            Event::Tick => self.play_tick(shared),
            Event::ToggleOpinion => asks = Some(self.toggle_opinion(shared)),
            Event::AskForClass(wished) => asks = Some(wished),
        }
        let mut effects = self.ask_what_is_due(shared);
        effects.extend(asks.map(Follow::AsksForClass));
        effects.extend(self.t.filter(|t| shared.address.noise_t != Some(*t)).map(Follow::NoiseLevel));
        effects
    }

    /// What Generate starts in this mode.
    pub(crate) fn plan(&mut self, shared: &Shared) -> Planned {
        if self.source.is_none() {
            self.take_first_picture(shared);
        }
        let Some(beginning) = self.beginning(shared) else {
            self.note = Some(Note::NoStepLeft);
            return Planned::Nothing;
        };
        let Some(latent) = self.latent.clone() else {
            if self.picture.is_some() && !self.stuck {
                return Planned::WhenEncoded;
            }
            self.note.get_or_insert(Note::NoPicture);
            return Planned::Nothing;
        };
        self.note = None;
        self.playing = false;
        self.run = Some((shared.run.number + 1, shared.run.film.as_ref().map(|film| film.info.clone())));
        let start = Some((StartFrom { step: beginning.step }, latent.to_vec()));
        Planned::Run(Plan { start, ..Plan::new(shared.settings()) })
    }

    /// The model's pictures are another's now.
    pub(crate) fn forget(&mut self) {
        let (number, t, newest) = (self.reading.0, self.t, self.newest);
        *self = Self { reading: (number, false), t, newest, ..Self::default() };
    }

    /// How many training pictures there are, and of each class.
    pub fn training(&self, shared: &Shared) -> (usize, usize) {
        let (Sheet::There(sheet), Some(config)) = (&self.sheet, &shared.models.config) else { return (0, 0) };
        let side = config.image_size();
        if !can_encode(config) || sheet.height / side != config.labels.len() {
            return (0, 0);
        }
        let columns = sheet.width / side;
        (columns * config.labels.len(), columns)
    }

    /// Something to begin with: a training picture of the chosen class, or what the model has made.
    fn take_first_picture(&mut self, shared: &Shared) {
        if self.source.is_some() || shared.models.config.is_none() || self.sheet == Sheet::Asked {
            return;
        }
        let (count, of_class) = self.training(shared);
        if count > 0 {
            self.use_training(shared, shared.settings().class * of_class);
        } else {
            self.use_generated(shared);
            // Nobody asked for it.
            self.note = None;
        }
    }

    fn use_training(&mut self, shared: &Shared, i: usize) {
        let (Sheet::There(sheet), Some(config)) = (&self.sheet, &shared.models.config) else {
            // Until the sheet is there.
            if self.sheet != Sheet::Missing {
                self.begin(Source::Training(i), None);
            }
            return;
        };
        let (count, _) = self.training(shared);
        if let Some(tile) = picture::tile(sheet, config.image_size(), i).filter(|_| i < count) {
            self.begin(Source::Training(i), Some(tile));
        }
    }

    fn use_generated(&mut self, shared: &Shared) {
        let own = shared.run.film.as_ref().filter(|_| shared.run.film_model.as_ref() == Some(&shared.address.model));
        let Some((film, frame)) = [own, shared.run.stand_in()].into_iter().flatten().find_map(|film| {
            let frame = film.frames().last().filter(|_| film.is_complete())?;
            let fits =
                shared.models.config.as_ref().is_none_or(|config| latent_shape(config) == film.info.latent_shape);
            fits.then_some((film, frame))
        }) else {
            self.note = Some(Note::NothingGenerated);
            return;
        };
        let selected = shared.timeline.selected.min(film.info.num_images - 1);
        let Some(latent) = film::of_picture(&film.info, &frame.x_t, selected) else { return };
        let latent = floats::bytes(latent);
        let picture = film::picture(&film.info, frame, selected);
        self.begin(Source::Generated, Some(picture));
        self.latent = Some(Arc::new(latent));
    }

    fn take_own(&mut self, shared: &Shared, name: String, result: Result<(Pixels, bool), Unreadable>) {
        let Some(config) = &shared.models.config else {
            self.note = Some(Note::NoModelYet);
            return;
        };
        let (can_encode, side) = (can_encode(config), config.image_size());
        match result {
            Err(why) => self.note = Some(Note::NotRead(name, why)),
            Ok(_) if !can_encode => self.note = Some(Note::NoEncoder),
            // Read before the model's size was known.
            Ok((pixels, _)) if pixels.width != side => self.note = Some(Note::NoModelYet),
            Ok((pixels, animated)) => {
                let light_background = picture::has_light_background(&pixels);
                self.begin(Source::Own(Own { name, inverted: false, light_background, animated }), Some(pixels));
            }
        }
    }

    fn invert(&mut self, inverted: bool) {
        let (Some(Source::Own(own)), Some(pixels)) = (self.source.clone(), self.picture.clone()) else {
            return;
        };
        if own.inverted != inverted {
            self.begin(Source::Own(Own { inverted, ..own }), Some(picture::inverted(&pixels)));
        }
    }

    /// Takes another picture; what was made of the old one goes.
    fn begin(&mut self, source: Source, picture: Option<Pixels>) {
        let forward = self;
        forward.source = Some(source);
        forward.picture = picture.map(Arc::new);
        (forward.latent, forward.reconstruction, forward.noised) = (None, None, None);
        forward.strip = Default::default();
        (forward.seen, forward.errors, forward.opinion) = (None, Default::default(), None);
        forward.note = None;
        forward.run = None;
        // A file that is still read was chosen before.
        forward.reading.1 = false;
        if let Some(pending) = &mut forward.question {
            pending.is_stale = true;
        }
    }

    /// One tick of the player.
    fn play_tick(&mut self, shared: &Shared) {
        let (t, last) = (self.t(shared), last_t(shared));
        // A slow device is waited for.
        let seen = self.noised.as_ref().is_some_and(|noised| noised.t == t) || self.stuck;
        if !self.playing || !seen {
            return;
        }
        let next = if shared.reduced_motion {
            (0..MARKS).map(|i| steps::mark(i, MARKS, last)).find(|mark| *mark > t).unwrap_or(last)
        } else {
            (t + (last / BEATS).max(1)).min(last)
        };
        self.t = Some(next);
        self.playing = next < last;
    }
}

/// The shape of one latent.
pub fn latent_shape(config: &ModelConfig) -> [usize; 3] {
    config.transformer.latent_shape()
}

/// Whether pictures can become latents.
pub fn can_encode(config: &ModelConfig) -> bool {
    match &config.autoencoder {
        Some(AutoencoderConfig::Tiny(tiny)) => tiny.has_encoder(),
        Some(AutoencoderConfig::Kl(_)) => false,
        None => config.is_pixels(),
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
pub(super) mod tests;
