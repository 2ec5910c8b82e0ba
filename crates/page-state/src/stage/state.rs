//! Which views of a step the stage shows, and the pictures of noisy latents, decoded one at a time; pure.

use super::content::Scene;
use super::kind::ViewKind;
use crate::Mode;
use crate::asks::{Answered, Asker, Question};
use crate::film::{Film, Pixels, of_picture};
use crate::floats;
use crate::follow::{Effects, Follow};
use crate::{Notice, Shared};
use ditscope_protocol::{Answer, Ask, RunInfo};
use std::sync::Arc;

/// Decoded latents that are kept: enough to go back and forth a little.
const KEPT: usize = 24;

#[derive(Debug, Clone, PartialEq)]
pub struct Views {
    /// In the order of [`ViewKind::ALL`]; never empty.
    on: Vec<ViewKind>,
    /// Maps from black to white instead of blue over gray to red.
    pub gray: bool,
    /// Colours reach as far as the values of each map; else to a fixed range, the same for all.
    pub fitted: bool,
    /// Newest last.
    kept: Vec<(Spot, Arc<Decoded>)>,
    asked: Option<(u32, Spot)>,
    refused: Option<(Spot, Notice)>,
    /// Number of the newest question.
    newest: u32,
}

/// A latent's picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    pub pixels: Pixels,
    pub preview: bool,
}

/// Which latent: that before a step, of one picture of a run.
#[derive(Debug, Clone)]
pub struct Spot {
    info: Arc<RunInfo>,
    pub step: usize,
    pub picture: usize,
}

impl PartialEq for Spot {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.info, &other.info) && (self.step, self.picture) == (other.step, other.picture)
    }
}

/// The latent that the selected picture was decoded from, `[C, h, w]`: the predicted one, or in the last frame the finished
/// one.
pub(crate) fn clean_latent(shared: &Shared) -> Option<(&Film, &[f32])> {
    let Spot { step, picture, .. } = Spot::of(shared)?;
    let film = shared.shown()?;
    let frame = film.at(step)?;
    let latents = if step >= film.steps() { &frame.x_t } else { frame.x0_hat.as_deref()? };
    Some((film, of_picture(&film.info, latents, picture)?))
}

/// What can happen here.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Exactly these views; what was on stays if there are none.
    Set(Vec<ViewKind>),
    Toggle(ViewKind),
    /// What lies behind this part of the strip: all of it, or none if all is there.
    Open(ViewKind),
    ToggleGray,
    ToggleFitted,
}

impl Default for Views {
    fn default() -> Self {
        let mut views =
            Self { on: vec![], gray: false, fitted: false, kept: vec![], asked: None, refused: None, newest: 0 };
        views.set(&ViewKind::STRIP);
        views
    }
}

impl Views {
    pub fn on(&self) -> &[ViewKind] {
        &self.on
    }

    /// Whether the stage shows what goes into the model and what comes out, one after the other.
    pub fn is_strip(on: &[ViewKind]) -> bool {
        ViewKind::STRIP.iter().all(|kind| on.contains(kind))
    }

    /// The views beside the picture: first those of the strip, as they follow one another.
    pub fn beside(on: &[ViewKind]) -> Vec<ViewKind> {
        let strip: &[ViewKind] = if Self::is_strip(on) { &ViewKind::STRIP } else { &[] };
        let rest = on.iter().filter(|kind| !strip.contains(kind));
        strip.iter().chain(rest).filter(|kind| **kind != ViewKind::X0).copied().collect()
    }

    fn set(&mut self, kinds: &[ViewKind]) {
        if !kinds.is_empty() {
            self.on = ViewKind::ALL.into_iter().filter(|kind| kinds.contains(kind)).collect();
        }
    }

    fn toggle(&mut self, kind: ViewKind) {
        let mut kinds = self.on.clone();
        match kinds.iter().position(|on| *on == kind) {
            Some(at) => drop(kinds.remove(at)),
            None => kinds.push(kind),
        }
        self.set(&kinds);
    }

    /// Opens what lies behind a part of the strip, or closes it.
    fn open(&mut self, kinds: &[ViewKind]) {
        let are_on = kinds.iter().all(|kind| self.on.contains(kind));
        let mut on = self.on.clone();
        on.retain(|kind| !kinds.contains(kind));
        on.extend(kinds.iter().filter(|_| !are_on));
        self.set(&on);
    }

    fn keep(&mut self, spot: Spot, decoded: Decoded) {
        // Those of other runs are of no use any more.
        self.kept.retain(|(kept, _)| Arc::ptr_eq(&kept.info, &spot.info) && *kept != spot);
        if self.kept.len() >= KEPT {
            self.kept.remove(0);
        }
        self.kept.push((spot, Arc::new(decoded)));
    }

    fn find(&self, spot: &Spot) -> Option<&Arc<Decoded>> {
        self.kept.iter().find(|(kept, _)| kept == spot).map(|(_, decoded)| decoded)
    }
}

/// Where the picture of a noisy latent is.
#[derive(Debug, Clone)]
pub enum Sight {
    There(Arc<Decoded>),
    /// Not yet; that of another step until then.
    Awaited(Option<Arc<Decoded>>),
    /// Why there is none.
    Absent(Notice),
}

impl PartialEq for Sight {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::There(a), Self::There(b)) | (Self::Awaited(Some(a)), Self::Awaited(Some(b))) => Arc::ptr_eq(a, b),
            (Self::Awaited(None), Self::Awaited(None)) => true,
            (Self::Absent(a), Self::Absent(b)) => a == b,
            _ => false,
        }
    }
}

impl Views {
    pub(crate) fn update(&mut self, event: Event) {
        match event {
            Event::Set(kinds) => self.set(&kinds),
            Event::Toggle(kind) => self.toggle(kind),
            Event::Open(kind) => self.open(kind.behind()),
            Event::ToggleGray => self.gray = !self.gray,
            Event::ToggleFitted => self.fitted = !self.fitted,
        }
    }

    /// What the views on the stage are of.
    pub fn scene(&self, shared: &Shared) -> Option<Scene> {
        let film = shared.shown()?;
        let frame = film.at(shared.timeline.position)?;
        let wants_decoded = self.on.contains(&ViewKind::XTDecoded);
        Some(Scene {
            info: film.info.clone(),
            frame: frame.clone(),
            before: film.before(frame).cloned(),
            picture: shared.timeline.selected,
            sight: if wants_decoded { self.sight(shared) } else { Sight::Awaited(None) },
        })
    }

    fn sight(&self, shared: &Shared) -> Sight {
        let Some(spot) = Spot::of(shared) else { return Sight::Absent(Notice::NoDecoder) };
        if let Some(decoded) = self.find(&spot) {
            return Sight::There(decoded.clone());
        }
        match &self.refused {
            Some((refused, why)) if *refused == spot => Sight::Absent(why.clone()),
            _ if !shared.has_decoder() => Sight::Absent(Notice::NoDecoder),
            _ => {
                let last = self.kept.iter().rfind(|(kept, _)| Arc::ptr_eq(&kept.info, &spot.info));
                Sight::Awaited(last.map(|(_, decoded)| decoded.clone()))
            }
        }
    }

    /// Whether the stage shows the picture of a latent that this model can decode.
    pub(crate) fn has_something_to_ask(&self, shared: &Shared) -> bool {
        shared.mode() == Mode::Denoise && self.on.contains(&ViewKind::XTDecoded) && shared.has_decoder()
    }

    /// Asks for the picture of the latent in view, one at a time: while an answer is awaited, latents may come and go,
    /// and the newest is asked for then.
    pub(crate) fn ask_for_what_is_shown(&mut self, shared: &Shared) -> Effects {
        self.due(shared).map(Follow::Ask).into_iter().collect()
    }

    fn due(&mut self, shared: &Shared) -> Option<Question> {
        let spot = Spot::of(shared)?;
        let waits = self.asked.as_ref().is_some_and(|(number, _)| shared.asks.awaits(Asker::Stage, *number));
        let refused = self.refused.as_ref().is_some_and(|(refused, _)| *refused == spot);
        let film = shared.shown()?;
        // The last frame's latent is the finished one: its picture is there.
        if waits || refused || spot.step >= film.steps() || self.find(&spot).is_some() {
            return None;
        }
        let latent = of_picture(&film.info, &film.at(spot.step)?.x_t, spot.picture)?;
        let bytes = floats::bytes(latent);
        self.newest = self.newest.wrapping_add(1);
        self.asked = Some((self.newest, spot));
        Some(Question { asker: Asker::Stage, number: self.newest, ask: Ask::DecodeLatent, buffers: vec![bytes] })
    }

    pub(crate) fn answered(&mut self, number: u32, answered: Answered) {
        let Some((_, spot)) = self.asked.take_if(|(asked, _)| *asked == number) else { return };
        match answered.and_then(|(answer, buffers)| decoded(&answer, buffers)) {
            Ok(decoded) => self.keep(spot, decoded),
            Err(why) => self.refused = Some((spot, why)),
        }
    }
}

impl Spot {
    /// The one on the stage.
    pub(crate) fn of(shared: &Shared) -> Option<Self> {
        let film = shared.shown()?;
        let step = film.at(shared.timeline.position)?.step;
        Some(Self { info: film.info.clone(), step, picture: shared.timeline.selected })
    }
}

fn decoded(answer: &Answer, mut buffers: Vec<Vec<u8>>) -> Result<Decoded, Notice> {
    let Answer::LatentDecoded { image_shape: [height, width], preview } = *answer else {
        return Err(Notice::StageMisfit);
    };
    let rgba = buffers.pop().filter(|rgba| buffers.is_empty() && !rgba.is_empty()).ok_or(Notice::StageMisfit)?;
    let due = height.checked_mul(width).and_then(|size| size.checked_mul(4));
    if due != Some(rgba.len()) {
        return Err(Notice::StageMisfit);
    }
    Ok(Decoded { pixels: Pixels { width, height, rgba }, preview })
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
