//! A run's steps, shared with the members.

use super::Pool;
use super::link::Link;
use super::message::ToMember;
use super::share::shares;
use async_channel::Receiver;
use burn::tensor::{Tensor, TensorData};
use ditscope_core::generate::{Batch, Model, Run, Step};
use ditscope_frames::{Frame, bytes, latents_of, numbers, pictures, read};
use ditscope_protocol::{Reason, Refusal};
use std::ops::Range;
use std::rc::Rc;

/// The members that take part in a run.
pub struct Crew<'m> {
    model: &'m Model,
    members: Vec<Rc<Link>>,
    /// Whether pictures are decoded at the end alone, and previews stand for them until then.
    is_heavy: bool,
    /// The frame of the last step, whose pictures the members decode.
    unfinished: Option<Unfinished>,
}

struct Unfinished {
    step: usize,
    frame: Frame,
    /// `[N, C, h, w]`
    x0_hat: Tensor<4>,
    decoded: Vec<(Range<usize>, Receiver<Vec<u8>>)>,
}

impl<'m> Crew<'m> {
    /// Tells the members of a run of these classes; none where there are no members.
    pub fn of(pool: &Pool, model: &'m Model, is_heavy: bool, classes: Vec<usize>, times: Vec<f32>) -> Option<Self> {
        let members = pool.ready();
        let run = ToMember::Run { classes, times };
        members.iter().for_each(|member| member.tell(&run, &[]));
        (!members.is_empty()).then_some(Self { model, members, is_heavy, unfinished: None })
    }

    /// Takes the next step. Gives a step and its frame: the one before, where the pictures of this one are decoded beside
    /// the next.
    ///
    /// # Errors
    /// What the device or the run said.
    pub async fn step(&mut self, run: &mut Run<'_>, number: usize) -> Result<Option<(usize, Frame)>, Refusal> {
        let step = loop {
            let Some(batch) = run.batch() else { break run.step()? };
            let outputs = self.outputs(run, &batch).await.map_err(|error| Reason::Device.found(error))?;
            if let Some(step) = run.step_from(outputs)? {
                break step;
            }
        };
        if self.is_heavy {
            let frame = Frame::of_step(self.model, step, run.state(), true).await;
            return frame.map(|frame| Some((number, frame))).map_err(|error| Reason::Device.found(error));
        }
        let before = self.finish().await?;
        let rows = run.batch().map_or(0, |batch| batch.labels.len());
        self.begin(number, step, run.state(), rows).await.map_err(|error| Reason::Device.found(error))?;
        Ok(before)
    }

    /// The frame that is not finished, if there is one.
    ///
    /// # Errors
    /// What the device said.
    pub async fn finish(&mut self) -> Result<Option<(usize, Frame)>, Refusal> {
        let Some(Unfinished { step, frame, x0_hat, decoded }) = self.unfinished.take() else { return Ok(None) };
        let own = async |pixels: &mut Vec<u8>, range: Range<usize>| {
            let images = self.model.decode(x0_hat.clone().narrow(0, range.start, range.len())); // [N, C_image, H, W]
            pixels.extend(pictures(images).await.map_err(|error| Reason::Device.found(error))?);
            Ok::<_, Refusal>(())
        };
        let (mut pixels, [n, ..]) = (Vec::new(), x0_hat.dims());
        let rest = decoded.last().map_or(0, |(range, _)| range.end)..n;
        for (range, answer) in decoded {
            match answer.recv().await {
                Ok(bytes) => pixels.extend(bytes),
                Err(_) => own(&mut pixels, range).await?,
            }
        }
        if !rest.is_empty() {
            own(&mut pixels, rest).await?;
        }
        Ok(Some((step, frame.with_pictures(pixels))))
    }

    /// The network's output for all rows, `[N or 2N, C_out, h, w]`.
    async fn outputs(&mut self, run: &mut Run<'_>, batch: &Batch) -> Result<Tensor<4>, String> {
        let [x] = read([run.x_t().clone()]).await?;
        let pictures = run.x_t().dims()[0];
        let waiting = if self.unfinished.is_some() { pictures } else { 0 };
        let shares = self.shares(batch.labels.len(), waiting);
        let picture = |row: usize| x.chunks_exact(x.len() / pictures).nth(row % pictures).unwrap_or_default();
        let ask = |(member, rows): (&Rc<Link>, Range<usize>)| {
            let message = ToMember::Rows { labels: batch.labels[rows.clone()].to_vec(), time: batch.time };
            let x: Vec<f32> = rows.clone().flat_map(picture).copied().collect();
            (rows.clone(), member.ask(&message, &bytes(&x), rows.len()))
        };
        let of_members = shares[1..].iter().map(|share| share.rows.clone());
        let asked: Vec<_> = self.members.iter().zip(of_members).filter(|(_, rows)| !rows.is_empty()).map(ask).collect();
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

    /// Has the pictures of a step decoded, while the next step, with so many rows, is taken.
    async fn begin(
        &mut self,
        number: usize,
        step: Step,
        state: Vec<Tensor<4>>,
        next_rows: usize,
    ) -> Result<(), String> {
        self.members.retain(|member| member.is_ready());
        let x0_hat = step.x0_hat.clone();
        let [n, ..] = x0_hat.dims();
        let [x0] = read([x0_hat.clone()]).await?;
        let size = x0.len() / n;
        let mut decoded = Vec::new();
        for (member, share) in self.members.iter().zip(&self.shares(next_rows.max(n), n)[1..]) {
            let range = share.pictures.clone();
            if !range.is_empty() {
                let latents = bytes(&x0[range.start * size..range.end * size]);
                decoded.push((range.clone(), member.ask(&ToMember::Decode, &latents, range.len())));
            }
        }
        let frame = Frame::of_latents(latents_of(step, state)).await?;
        self.unfinished = Some(Unfinished { step: number, frame, x0_hat, decoded });
        Ok(())
    }

    fn shares(&self, rows: usize, pictures: usize) -> Vec<super::share::Share> {
        shares(rows, pictures, self.members.len() + 1)
    }
}
