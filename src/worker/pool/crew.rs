//! A run's steps, shared with the members.

use super::Pool;
use super::link::Link;
use super::message::ToMember;
use super::share::{Share, shares};
use async_channel::Receiver;
use burn::tensor::{Tensor, TensorData};
use ditscope_core::generate::{Batch, Model, Run};
use ditscope_frames::{Frame, bytes, latents_of, numbers, pictures, read};
use ditscope_protocol::{Reason, Refusal};
use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

/// The members that take part in a run.
///
/// A member that has given its rows of a step decodes pictures of the step before, while this worker takes the step with
/// what all gave, and puts them off when its rows of the next step come. So a frame is complete when the step after the
/// next is taken, and nobody waits for it.
pub struct Crew<'m> {
    model: &'m Model,
    members: Vec<Rc<Link>>,
    /// Whether pictures are decoded at the end alone, and previews stand for them until then.
    is_heavy: bool,
    /// Frames without pictures, in the order of their steps. Only of the last one nobody has been asked to decode any.
    unfinished: VecDeque<Unfinished>,
}

struct Unfinished {
    step: usize,
    frame: Frame,
    /// `[N, C, h, w]`
    x0_hat: Tensor<4>,
    /// What members were asked for: the first pictures, one after the other.
    decoded: Vec<(usize, Receiver<Vec<u8>>)>,
}

impl Unfinished {
    /// Whether all that was asked for is there, or will never be.
    fn has_come(&self) -> bool {
        !self.decoded.is_empty() && self.decoded.iter().all(|(_, answer)| !answer.is_empty() || answer.is_closed())
    }
}

/// A step and its frame.
pub type Finished = (usize, Frame);

impl<'m> Crew<'m> {
    /// Tells the members of a run of these classes; none where there are no members.
    pub fn of(pool: &Pool, model: &'m Model, is_heavy: bool, classes: Vec<usize>, times: Vec<f32>) -> Option<Self> {
        let members = pool.ready();
        let run = ToMember::Run { classes, times };
        members.iter().for_each(|member| member.tell(&run, &[]));
        (!members.is_empty()).then_some(Self { model, members, is_heavy, unfinished: VecDeque::new() })
    }

    /// Workers in all, with the one that leads.
    pub fn size(&self) -> usize {
        self.members.len() + 1
    }

    /// Takes the next step. Gives the frames that are complete by now, of this step or of those before.
    ///
    /// # Errors
    /// What the device or the run said.
    pub async fn step(&mut self, run: &mut Run<'_>, number: usize) -> Result<Vec<Finished>, Refusal> {
        let step = loop {
            let Some(batch) = run.batch() else {
                self.share_decoding(run.x_t().dims()[0]).await.map_err(device)?;
                break run.step()?;
            };
            let outputs = self.outputs(run, &batch).await.map_err(device)?;
            if let Some(step) = run.step_from(outputs)? {
                break step;
            }
        };
        if self.is_heavy {
            let frame = Frame::of_step(self.model, step, run.state(), true).await.map_err(device)?;
            return Ok(vec![(number, frame)]);
        }
        let x0_hat = step.x0_hat.clone();
        let frame = Frame::of_latents(latents_of(step, run.state())).await.map_err(device)?;
        self.unfinished.push_back(Unfinished { step: number, frame, x0_hat, decoded: vec![] });
        let mut finished = Vec::new();
        while self.unfinished.len() > 2 || self.unfinished.front().is_some_and(Unfinished::has_come) {
            finished.extend(self.first().await?);
        }
        Ok(finished)
    }

    /// The frames that are not finished.
    ///
    /// # Errors
    /// What the device said.
    pub async fn finish(&mut self) -> Result<Vec<Finished>, Refusal> {
        self.share_decoding(0).await.map_err(device)?;
        let mut finished = Vec::new();
        while let Some(first) = self.first().await? {
            finished.push(first);
        }
        Ok(finished)
    }

    /// The first of the unfinished frames, waited for.
    async fn first(&mut self) -> Result<Option<Finished>, Refusal> {
        let Some(Unfinished { step, frame, x0_hat, decoded }) = self.unfinished.pop_front() else { return Ok(None) };
        let own = async |pixels: &mut Vec<u8>, range: Range<usize>| {
            let images = self.model.decode(x0_hat.clone().narrow(0, range.start, range.len())); // [N, C_image, H, W]
            pixels.extend(pictures(images).await.map_err(device)?);
            Ok::<_, Refusal>(())
        };
        let (mut pixels, [n, ..]) = (Vec::new(), x0_hat.dims());
        let rest = decoded.last().map_or(0, |(picture, _)| picture + 1)..n;
        for (picture, answer) in decoded {
            match answer.recv().await {
                Ok(bytes) => pixels.extend(bytes),
                Err(_) => own(&mut pixels, picture..picture + 1).await?,
            }
        }
        if !rest.is_empty() {
            own(&mut pixels, rest).await?;
        }
        Ok(Some((step, frame.with_pictures(pixels))))
    }

    /// The network's output for all rows, `[N or 2N, C_out, h, w]`.
    async fn outputs(&mut self, run: &mut Run<'_>, batch: &Batch) -> Result<Tensor<4>, String> {
        self.members.retain(|member| member.is_ready());
        let [x] = read([run.x_t().clone()]).await?;
        let pictures = run.x_t().dims()[0];
        let shares = self.shares(batch.labels.len());
        let picture = |row: usize| x.chunks_exact(x.len() / pictures).nth(row % pictures).unwrap_or_default();
        let ask = |(member, rows): (&Rc<Link>, Range<usize>)| {
            let message = ToMember::Rows { labels: batch.labels[rows.clone()].to_vec(), time: batch.time };
            let x: Vec<f32> = rows.clone().flat_map(picture).copied().collect();
            (rows.clone(), member.ask(&message, &bytes(&x), rows.len()))
        };
        let of_members = shares[1..].iter().map(|share| share.rows.clone());
        let asked: Vec<_> = self.members.iter().zip(of_members).filter(|(_, rows)| !rows.is_empty()).map(ask).collect();
        // After the rows, which all wait for.
        self.share_decoding(batch.labels.len()).await?;
        let mut outputs = vec![run.rows(shares[0].rows.clone())];
        let [_, channels, height, width] = outputs[0].dims();
        for (rows, answer) in asked {
            outputs.push(match answer.recv().await {
                Ok(bytes) => {
                    let data = TensorData::new(numbers(&bytes), [rows.len(), channels, height, width]);
                    Tensor::from_data(data, &self.model.device)
                }
                Err(_) => run.rows(rows),
            });
        }
        Ok(Tensor::cat(outputs, 0))
    }

    /// Has members decode pictures of the last frame, beside so many rows of the next step.
    async fn share_decoding(&mut self, rows: usize) -> Result<(), String> {
        let shares = self.shares(rows);
        let Some(last) = self.unfinished.back_mut().filter(|last| last.decoded.is_empty()) else { return Ok(()) };
        let [x0] = read([last.x0_hat.clone()]).await?;
        let size = x0.len() / last.x0_hat.dims()[0];
        for (member, Share { pictures, .. }) in self.members.iter().zip(&shares[1..]) {
            for picture in pictures.clone() {
                let latents = bytes(&x0[picture * size..(picture + 1) * size]);
                last.decoded.push((picture, member.ask(&ToMember::Decode, &latents, 1)));
            }
        }
        Ok(())
    }

    /// Of so many rows and of the pictures of the last frame, if they are to be decoded.
    fn shares(&self, rows: usize) -> Vec<Share> {
        let last = self.unfinished.back().filter(|last| last.decoded.is_empty());
        shares(rows, last.map_or(0, |last| last.x0_hat.dims()[0]), self.members.len() + 1)
    }
}

fn device(error: String) -> Refusal {
    Reason::Device.found(error)
}
