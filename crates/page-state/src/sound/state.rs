//! Which picture is heard, and what came of asking for its sound; pure.

use crate::asks::{Answered, Asker};
use crate::film::{Film, Place, of_picture};
use crate::stage::Spot;
use crate::{Effect, Notice, Page};
use ditscope_protocol::{Answer, Ask};
use std::sync::Arc;

/// What is heard, and what is waited for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listening {
    /// Number of the question, and what the sound is of.
    asked: Option<(u32, Subject)>,
    heard: Option<Result<Heard, Notice>>,
    /// Counts the sounds, so that the same one can be played again.
    times: u32,
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
    pub(crate) fn wait_no_more(&mut self) {
        self.asked = None;
    }

    pub fn heard(&self) -> Option<&Heard> {
        self.heard.as_ref()?.as_ref().ok()
    }

    /// What is heard, or why nothing is.
    pub fn outcome(&self) -> Option<&Result<Heard, Notice>> {
        self.heard.as_ref()
    }

    /// Another number with every sound that came.
    pub fn times(&self) -> u32 {
        self.times
    }
}

impl Page {
    /// Whether the model's pictures are sounds.
    pub fn has_sound(&self) -> bool {
        self.config.as_ref().is_some_and(|config| config.audio.is_some())
    }

    /// Whether the selected picture of the step on the stage can be heard now.
    pub fn can_listen(&self) -> bool {
        self.has_sound() && self.has_decoder() && !self.listening.waits() && self.clean_latent().is_some()
    }

    /// The latent that the selected picture was decoded from: the predicted one, or in the last frame the finished one.
    fn clean_latent(&self) -> Option<(&Film, Vec<u8>)> {
        let Spot { step, picture, .. } = self.spot()?;
        let film = self.shown()?;
        let frame = film.at(step)?;
        let latents = if step >= film.steps() { &frame.x_t } else { frame.x0_hat.as_deref()? };
        let latent = of_picture(&film.info, latents, picture)?;
        Some((film, latent.iter().flat_map(|value| value.to_le_bytes()).collect()))
    }

    /// Asks for the sound of the picture on the stage.
    pub(crate) fn listen(&mut self) -> Vec<Effect> {
        if !self.can_listen() {
            return vec![];
        }
        let Some((film, latent)) = self.clean_latent() else { return vec![] };
        let of = Subject { label: film.label.clone(), place: Place::of(film, self.view.position) };
        let (id, effect) = self.ask(Asker::Sound, Ask::Sound, vec![latent]);
        self.listening.asked = Some((id, of));
        vec![effect]
    }

    pub(crate) fn sound_answered(&mut self, id: u32, answered: Answered) -> Vec<Effect> {
        let listening = &mut self.listening;
        let Some((_, of)) = listening.asked.take_if(|(asked, _)| *asked == id) else { return vec![] };
        let sound = answered.and_then(|(answer, mut buffers)| match (answer, buffers.pop()) {
            (Answer::Sound, Some(wav)) if buffers.is_empty() && !wav.is_empty() => Ok(wav),
            _ => Err(Notice::SoundMisfit),
        });
        listening.times = listening.times.wrapping_add(1);
        listening.heard = Some(sound.map(|wav| Heard { wav: Arc::new(wav), of }));
        vec![]
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
