//! What the worker is asked for, one after the other, and what it answers; pure.

use super::facts::{is_ready_for_questions, last_t};
use super::noise::{PLACES, SeenNoise, Spot};
use super::picture;
use super::state::{Forward, MARKS, Note, Source, latent_shape};
use super::steps;
use crate::asks::{Answered, Asker};
use crate::film::Pixels;
use crate::floats::numbers;
use crate::follow::{Effects, Follow};
use crate::{Mode, Notice, RunState, Shared};
use ditscope_config::AutoencoderConfig;
use ditscope_protocol::{Answer, Ask};
use std::sync::Arc;

/// A question that is not answered yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    id: u32,
    question: Question,
    /// Another picture was taken meanwhile.
    pub is_stale: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Question {
    Encode,
    Decode,
    Noise {
        t: usize,
        seed: u64,
    },
    /// For the filmstrip.
    Mark {
        i: usize,
        t: usize,
        seed: u64,
    },
    See(Spot),
    /// For the curve of the error.
    Place(usize, Spot),
    /// For the opinion of the class.
    Classes,
}

/// A latent under noise.
#[derive(Debug, Clone, PartialEq)]
pub struct Noised {
    pub t: usize,
    /// Of the noise.
    pub seed: u64,
    /// x_t `[C, h, w]`
    pub x_t: Vec<f32>,
    pub shape: [usize; 3],
    /// Decoded.
    pub picture: Pixels,
    /// Whether that is a linear map of the latent.
    pub preview: bool,
}

impl Forward {
    pub(crate) fn answered(&mut self, shared: &Shared, id: u32, answered: Answered) -> Effects {
        let mut effects = vec![];
        let Some(pending) = self.question.take_if(|pending| pending.id == id) else { return vec![] };
        if !pending.is_stale {
            let taken = answered.and_then(|(answer, buffers)| self.take(shared, pending.question, answer, buffers));
            if let Err(message) = taken {
                self.note = Some(Note::Failed(message));
                self.stuck = true;
                if pending.question == Question::Encode {
                    effects.push(Follow::Unqueue);
                }
            }
        }
        // A run may wait for the picture.
        if self.latent.is_some() && shared.run.state == RunState::Queued && shared.mode() == Mode::Forward {
            effects.push(Follow::Generate);
        }
        effects.extend(self.ask_what_is_due(shared));
        effects
    }

    /// Puts the next question, if none is open.
    pub(super) fn ask_what_is_due(&mut self, shared: &Shared) -> Effects {
        if self.question.is_some() || self.stuck || !is_ready_for_questions(shared) {
            return vec![];
        }
        if shared.address.asks_for_class && self.opinion.is_none() && self.can_be_asked(shared) {
            self.toggle_opinion(shared);
        }
        let Some((question, buffer)) = self.next_question(shared) else { return vec![] };
        let ask = match question {
            Question::Encode => Ask::Encode,
            Question::Decode => Ask::DecodeLatent,
            Question::Noise { t, seed } | Question::Mark { t, seed, .. } => Ask::QSample { t, seed },
            Question::See(Spot { t, seed, class }) | Question::Place(_, Spot { t, seed, class }) => {
                Ask::SeeNoise { t, seed, class }
            }
            Question::Classes => match self.next_noise(shared) {
                Some(ask) => ask,
                None => return vec![],
            },
        };
        self.newest = self.newest.wrapping_add(1);
        let number = self.newest;
        self.question = Some(Pending { id: number, question, is_stale: false });
        vec![Follow::Ask(crate::asks::Question { asker: Asker::Forward, number, ask, buffers: vec![buffer] })]
    }

    /// What is asked about the classes is asked of others now.
    pub(super) fn forget_classes(&mut self) {
        if let Some(pending) = self.question.as_mut().filter(|pending| pending.question == Question::Classes) {
            pending.is_stale = true;
        }
    }

    /// The worker is gone, and with it what it was asked.
    pub(crate) fn forget_question(&mut self) {
        self.question = None;
    }

    /// First the latent, then what is on the slider, then what is beside it.
    fn next_question(&mut self, shared: &Shared) -> Option<(Question, Vec<u8>)> {
        shared.models.config.as_ref()?;
        let (t, last_t, seed) = (self.t(shared), last_t(shared), shared.settings().seed);
        let forward = self;
        let Some(latent) = &forward.latent else {
            return Some((Question::Encode, picture::planes(forward.picture.as_ref()?)));
        };
        let is = |noised: &Option<Arc<Noised>>, t| noised.as_ref().is_some_and(|n| (n.t, n.seed) == (t, seed));
        if !is(&forward.noised, t) {
            let known = forward.strip.iter().find(|noised| is(noised, t)).cloned().flatten();
            if known.is_none() {
                return Some((Question::Noise { t, seed }, latent.to_vec()));
            }
            forward.noised = known;
        }
        if forward.reconstruction.is_none() && !matches!(forward.source, Some(Source::Generated)) {
            return Some((Question::Decode, latent.to_vec()));
        }
        let bytes = latent.to_vec();
        let mut marks = (0..MARKS).map(|i| (i, steps::mark(i, MARKS, last_t)));
        let mark = marks.find(|(i, t)| !is(&forward.strip[*i], *t)).map(|(i, t)| Question::Mark { i, t, seed });
        let here = Spot { t, seed, class: shared.settings().class };
        let opinion = || forward.next_noise(shared).map(|_| Question::Classes);
        let question = forward.next_look(shared, here, mark).or_else(opinion)?;
        Some((question, bytes))
    }

    /// What the model sees at the slider's t, then the filmstrip, then the curve of its error. A run needs the model more,
    /// and a picture that dissolves is not to wait.
    fn next_look(&self, shared: &Shared, here: Spot, mark: Option<Question>) -> Option<Question> {
        if shared.is_running() || self.playing {
            return mark;
        }
        if self.seen.as_ref().is_none_or(|seen| seen.spot != here) {
            return Some(Question::See(here));
        }
        let place = || {
            // With a large model each place would take seconds.
            let is_heavy = shared.models.config.as_ref()?.autoencoder.as_ref().is_some_and(AutoencoderConfig::is_heavy);
            let places = (0..PLACES).map(|i| Spot { t: steps::mark(i, PLACES, last_t(shared)), ..here }).enumerate();
            let is_due = |(i, spot): &(usize, Spot)| self.errors[*i].is_none_or(|(known, _)| known != *spot);
            places.filter(|_| !is_heavy).find(is_due).map(|(i, spot)| Question::Place(i, spot))
        };
        mark.or_else(place)
    }

    fn take(
        &mut self,
        shared: &Shared,
        question: Question,
        answer: Answer,
        buffers: Vec<Vec<u8>>,
    ) -> Result<(), Notice> {
        let odd = || Notice::ForwardMisfit;
        let due = shared.models.config.as_ref().map(latent_shape).ok_or_else(odd)?;
        let latent_bytes = 4 * due.iter().product::<usize>();
        let forward = self;
        match (question, answer, buffers.as_slice()) {
            (Question::Encode, Answer::Encoded { latent_shape }, [latent])
                if latent_shape == due && latent.len() == latent_bytes =>
            {
                forward.latent = Some(Arc::new(latent.clone()));
            }
            (Question::Decode, Answer::LatentDecoded { image_shape, .. }, [rgba]) => {
                forward.reconstruction = Some(Arc::new(pixels(image_shape, rgba).ok_or_else(odd)?));
            }
            (
                Question::Noise { t, seed } | Question::Mark { t, seed, .. },
                Answer::QSampled { latent_shape, image_shape, preview, .. },
                [x_t, rgba],
            ) if latent_shape == due && x_t.len() == latent_bytes => {
                let picture = pixels(image_shape, rgba).ok_or_else(odd)?;
                let noised =
                    Some(Arc::new(Noised { t, seed, x_t: numbers(x_t), shape: latent_shape, picture, preview }));
                match question {
                    Question::Mark { i, .. } => forward.strip[i] = noised,
                    // Shown even when the slider has gone on meanwhile: it is asked for again then.
                    _ => forward.noised = noised,
                }
            }
            (Question::See(spot), answer, buffers) => {
                forward.seen = Some(Arc::new(SeenNoise::new(spot, due, &answer, buffers)?));
            }
            (Question::Place(i, spot), answer, buffers) => {
                forward.errors[i] = Some((spot, SeenNoise::new(spot, due, &answer, buffers)?.errors()));
            }
            (Question::Classes, Answer::ClassErrors, [errors]) => {
                let errors = numbers(errors);
                forward.opinion.as_mut().filter(|opinion| opinion.fits(&errors)).ok_or_else(odd)?.take(&errors);
            }
            _ => return Err(odd()),
        }
        Ok(())
    }
}

fn pixels([height, width]: [usize; 2], rgba: &[u8]) -> Option<Pixels> {
    let due = height.checked_mul(width)?.checked_mul(4)?;
    (due > 0 && rgba.len() == due).then(|| Pixels { width, height, rgba: rgba.to_vec() })
}
