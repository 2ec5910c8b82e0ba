//! Switching parts of the network off, to see what they were for.

use super::conditioning::Modulation;
use super::probe::Probe;
use burn::tensor::{Device, Tensor, TensorData};
use ditscope_config::Part;

/// A pass in which these parts are missing. A gate of zero takes attention and MLP away, so that what comes in goes on.
#[derive(Debug, Clone)]
pub struct Without<'p> {
    parts: &'p [Part],
    num_heads: usize,
    width: usize,
    device: Device,
}

impl<'p> Without<'p> {
    /// `width`: D.
    pub fn new(parts: &'p [Part], num_heads: usize, width: usize, device: &Device) -> Self {
        Self { parts, num_heads, width, device: device.clone() }
    }

    fn lacks(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }
}

impl Probe for Without<'_> {
    fn before(&mut self, block: usize, x: &Tensor<3>) -> Option<Tensor<3>> {
        self.lacks(Part::Block(block)).then(|| x.clone())
    }

    fn modulation(&mut self, block: usize, vectors: Option<Modulation>) -> Option<Modulation> {
        let mut vectors = vectors?;
        for (branch, is_mlp) in [(&mut vectors.attn, false), (&mut vectors.mlp, true)] {
            let zeros = || branch.shift.zeros_like(); // [N, 1, D]
            let whole = if is_mlp { Part::Mlp(block) } else { Part::Attention(block) };
            let gate = if self.lacks(whole) { Some(zeros()) } else { branch.gate.clone() };
            let scale = if self.lacks(Part::Scale(block, is_mlp)) { zeros() } else { branch.scale.clone() };
            let shift = if self.lacks(Part::Shift(block, is_mlp)) { zeros() } else { branch.shift.clone() };
            (branch.gate, branch.scale, branch.shift) = (gate, scale, shift);
        }
        Some(vectors)
    }

    fn heads(&self, block: usize) -> Option<Tensor<3>> {
        let counts = |head| if self.lacks(Part::Head(block, head)) { 0.0 } else { 1.0 };
        let counts: Vec<f32> = (0..self.num_heads).map(counts).collect();
        counts.contains(&0.0).then(|| {
            let of_each = self.width / self.num_heads;
            let all: Vec<f32> = counts.iter().flat_map(|count| std::iter::repeat_n(*count, of_each)).collect();
            Tensor::from_data(TensorData::new(all, [1, 1, self.width]), &self.device) // [1, 1, D]
        })
    }
}
