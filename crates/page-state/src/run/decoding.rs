//! Pictures that come as previews: decoded at the end of a run, or on demand.

use super::state::Run;
use crate::follow::{Effects, Follow};
use crate::{Effect, Misfit, Notice};
use ditscope_protocol::ToWorker;
use std::sync::Arc;

/// One picture that the decoder works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoding {
    pub run: u32,
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
        let run = self.number;
        self.decoding = Some(Decoding { run, step, picture, cancelling: false });
        self.decoded = None;
        vec![Follow::StopPlaying, Follow::Do(Effect::SendWith(ToWorker::Decode { run, step, picture }, vec![latent]))]
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

    pub(crate) fn take_decoded(&mut self, run: u32, place: Place, mut buffers: Vec<Vec<u8>>) -> Effects {
        if self.end_decoding(run, place).is_none() {
            return vec![];
        }
        let Some(film) = &mut self.film else { return vec![] };
        let Place { step, picture } = place;
        let result = match (buffers.len(), buffers.pop()) {
            (1, Some(pixels)) => film.put_decoded(step, picture, pixels),
            (found, _) => Err(Misfit::DecodedBuffers { found }.into()),
        };
        result.err().map(|why| not_decoded(step, why)).into_iter().collect()
    }

    pub(crate) fn take_decode_failure(&mut self, run: u32, place: Place, message: Notice) -> Effects {
        let ended = self.end_decoding(run, place).filter(|decoding| !decoding.cancelling);
        ended.map(|_| not_decoded(place.step, message)).into_iter().collect()
    }

    /// The decoding that the page waits for, if it is this one; it is over then.
    fn end_decoding(&mut self, run: u32, Place { step, picture }: Place) -> Option<Decoding> {
        let is_awaited =
            |decoding: &mut Decoding| (decoding.run, decoding.step, decoding.picture) == (run, step, picture);
        let ended = self.decoding.take_if(is_awaited)?;
        self.decoded = None;
        Some(ended)
    }
}

fn not_decoded(step: usize, why: Notice) -> Follow {
    Follow::Tell(Notice::NotDecoded { step, why: Arc::new(why) })
}

#[cfg(test)]
#[path = "decoding_tests.rs"]
mod tests;
