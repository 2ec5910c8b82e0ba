//! Pictures that come as previews: decoded at the end of a run, or on demand.

use crate::{Decoding, Effect, Misfit, Notice, Page};
use ditscope_protocol::ToWorker;
use std::sync::Arc;

impl Page {
    /// Asks for the selected picture of the step on the stage.
    pub(super) fn decode_step(&mut self) -> Vec<Effect> {
        let (step, picture) = (self.view.position, self.view.selected);
        let frame = self.film.as_ref().filter(|_| self.can_decode()).and_then(|film| {
            let frame = film.at(step)?;
            Some((frame.step, frame.latent(&film.info, picture)?))
        });
        let Some((step, latent)) = frame else { return vec![] };
        let run = self.run_number;
        self.decoding = Some(Decoding { run, step, picture, cancelling: false });
        self.decoded = None;
        self.view.playing = false;
        vec![Effect::SendWith(ToWorker::Decode { run, step, picture }, vec![latent])]
    }

    pub(super) fn cancel_decoding(&mut self) -> Vec<Effect> {
        match &mut self.decoding {
            Some(decoding) if !decoding.cancelling => {
                decoding.cancelling = true;
                vec![Effect::Send(ToWorker::Cancel)]
            }
            _ => vec![],
        }
    }

    /// The worker drops a decoding for something that goes first; that failure is not shown.
    pub(crate) fn give_up_decoding(&mut self) {
        if let Some(decoding) = &mut self.decoding {
            decoding.cancelling = true;
        }
    }

    pub(super) fn take_decode_progress(&mut self, run: u32, done: usize, total: usize) {
        if run == self.run_number && (self.is_running() || self.decoding.is_some()) && total > 0 {
            self.decoded = Some((done.min(total), total));
        }
    }

    pub(super) fn take_decoded(&mut self, run: u32, step: usize, picture: usize, mut buffers: Vec<Vec<u8>>) {
        if !self.end_decoding(run, step, picture) {
            return;
        }
        let Some(film) = &mut self.film else { return };
        let result = match (buffers.len(), buffers.pop()) {
            (1, Some(pixels)) => film.put_decoded(step, picture, pixels),
            (found, _) => Err(Misfit::DecodedBuffers { found }.into()),
        };
        if let Err(why) = result {
            self.notices.push(Notice::NotDecoded { step, why: Arc::new(why) });
        }
    }

    pub(super) fn take_decode_failure(&mut self, run: u32, step: usize, picture: usize, message: String) {
        let asked_to = self.decoding.is_some_and(|decoding| decoding.cancelling);
        if self.end_decoding(run, step, picture) && !asked_to {
            self.notices.push(Notice::NotDecoded { step, why: Arc::new(Notice::Said(message)) });
        }
    }

    /// Whether this is the decoding that the page waits for; it is over then.
    fn end_decoding(&mut self, run: u32, step: usize, picture: usize) -> bool {
        let awaited = |decoding: &Decoding| (decoding.run, decoding.step, decoding.picture) == (run, step, picture);
        let found = self.decoding.as_ref().is_some_and(awaited);
        if found {
            (self.decoding, self.decoded) = (None, None);
        }
        found
    }
}

#[cfg(test)]
#[path = "decoding_tests.rs"]
mod tests;
