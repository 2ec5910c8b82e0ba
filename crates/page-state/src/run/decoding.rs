//! Pictures that come as previews: decoded at the end of a run, or on demand.

use super::state::Run;
use crate::asks::{Answered, Asker, Question};
use crate::follow::{Effects, Follow};
use crate::{Effect, Notice};
use ditscope_protocol::{Answer, Ask, ToWorker};
use std::sync::Arc;

/// One picture that the decoder works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoding {
    /// Of the question.
    pub(crate) number: u32,
    pub step: usize,
    pub picture: usize,
    /// The visitor asked to stop; the worker has not yet answered.
    pub cancelling: bool,
}

/// A picture of the own film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub step: usize,
    pub picture: usize,
}

impl Run {
    pub(super) fn decode(&mut self, Place { step, picture }: Place) -> Effects {
        let latent = self.film.as_ref().and_then(|film| film.at(step)?.latent(&film.info, picture));
        let Some(latent) = latent else { return vec![] };
        self.asked = self.asked.wrapping_add(1);
        let number = self.asked;
        self.decoding = Some(Decoding { number, step, picture, cancelling: false });
        self.decoded = None;
        let ask = Ask::DecodePicture { run: self.number };
        let question = Question { asker: Asker::Run, number, ask, buffers: vec![latent] };
        vec![Follow::StopPlaying, Follow::Ask(question)]
    }

    pub(super) fn cancel_decoding(&mut self) -> Effects {
        match &mut self.decoding {
            Some(decoding) if !decoding.cancelling => {
                decoding.cancelling = true;
                vec![Follow::Do(Effect::Send(ToWorker::Cancel))]
            }
            _ => vec![],
        }
    }

    /// The worker drops a decoding for something that goes first; that failure is not shown.
    pub(super) fn give_up_decoding(&mut self) {
        if let Some(decoding) = &mut self.decoding {
            decoding.cancelling = true;
        }
    }

    /// Without the model nothing comes of it.
    pub(crate) fn drop_decoding(&mut self) {
        self.decoding = None;
    }

    pub(crate) fn take_decode_progress(&mut self, run: u32, done: usize, total: usize) {
        if run == self.number && (self.is_running() || self.decoding.is_some()) && total > 0 {
            self.decoded = Some((done.min(total), total));
        }
    }

    /// The answer to the question for a picture; it is put into the film, if the page still waits for it.
    pub(crate) fn answered(&mut self, number: u32, answered: Answered) -> Effects {
        let Some(decoding) = self.decoding.take_if(|decoding| decoding.number == number) else { return vec![] };
        self.decoded = None;
        let Decoding { step, picture, cancelling, .. } = decoding;
        let taken = answered.and_then(|(answer, mut buffers)| {
            let (Answer::PictureDecoded, 1, Some(film)) = (answer, buffers.len(), &mut self.film) else {
                return Err(Notice::StageMisfit);
            };
            film.put_decoded(step, picture, buffers.remove(0))
        });
        match taken {
            Err(why) if !cancelling => vec![Follow::Tell(Notice::NotDecoded { step, why: Arc::new(why) })],
            _ => vec![],
        }
    }
}

#[cfg(test)]
#[path = "decoding_tests.rs"]
mod tests;
