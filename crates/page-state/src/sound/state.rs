//! Which picture is played as a sound, and the answer to the question for its sound; pure.

use crate::asks::{Answered, Asker, Question};
use crate::film::Place;
use crate::floats;
use crate::follow::{Effects, Follow};
use crate::stage::clean_latent;
use crate::{Notice, Shared};
use ditscope_protocol::{Answer, Ask};
use std::sync::Arc;

/// What is played, and which answer is awaited.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listening {
    /// Number of the question, and what the sound is of.
    asked: Option<(u32, Subject)>,
    heard: Option<Result<Heard, Notice>>,
    /// Counts the sounds, so that the same one can be played again.
    times: u32,
    /// Number of the newest question.
    newest: u32,
}

/// A sound that came.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// A WAV file.
    pub wav: Arc<Vec<u8>>,
    pub of: Subject,
}

/// What a sound is of: a picture of a run at a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    pub label: String,
    pub place: Place,
}

impl Listening {
    /// Whether a sound is being made.
    pub fn waits(&self) -> bool {
        self.asked.is_some()
    }

    /// No answer will come.
    pub(crate) fn forget_question(&mut self) {
        self.asked = None;
    }

    pub fn heard(&self) -> Option<&Heard> {
        self.heard.as_ref()?.as_ref().ok()
    }

    /// What is played, or why nothing is.
    pub fn outcome(&self) -> Option<&Result<Heard, Notice>> {
        self.heard.as_ref()
    }

    /// Another number with every sound that came.
    pub fn times(&self) -> u32 {
        self.times
    }
}

impl Listening {
    /// Whether the selected picture of the step on the stage can be played now.
    pub fn can_listen(&self, shared: &Shared) -> bool {
        shared.has_sound() && shared.has_decoder() && !self.waits() && clean_latent(shared).is_some()
    }

    /// Asks for the sound of the picture on the stage.
    pub(crate) fn listen(&mut self, shared: &Shared) -> Effects {
        if !self.can_listen(shared) {
            return vec![];
        }
        let Some((film, latent)) = clean_latent(shared) else { return vec![] };
        let latent = floats::bytes(latent);
        let of = Subject { label: film.label.clone(), place: Place::of(film, shared.timeline.position) };
        self.newest = self.newest.wrapping_add(1);
        self.asked = Some((self.newest, of));
        let (asker, number) = (Asker::Sound, self.newest);
        vec![Follow::Ask(Question { asker, number, ask: Ask::Sound, buffers: vec![latent] })]
    }

    pub(crate) fn answered(&mut self, number: u32, answered: Answered) {
        let Some((_, of)) = self.asked.take_if(|(asked, _)| *asked == number) else { return };
        let sound = answered.and_then(|(answer, mut buffers)| match (answer, buffers.pop()) {
            (Answer::Sound, Some(wav)) if buffers.is_empty() && !wav.is_empty() => Ok(wav),
            _ => Err(Notice::SoundMisfit),
        });
        self.times = self.times.wrapping_add(1);
        self.heard = Some(sound.map(|wav| Heard { wav: Arc::new(wav), of }));
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
