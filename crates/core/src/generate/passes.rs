//! A run's forward passes, and what of one serves the next.

use super::Model;
use crate::dit::{BlockCache, Modulations};
use burn::tensor::{Int, Tensor, TensorData};

/// What is known of the passes of a run.
#[derive(Debug, Clone)]
pub struct Passes {
    classes: Vec<usize>,
    ahead: Option<Ahead>,
    cache: BlockCache,
}

/// adaLN vectors of the next timesteps, for each class of the run and for no class.
#[derive(Debug, Clone)]
struct Ahead {
    timesteps: Vec<usize>,
    vectors: Modulations,
}

impl Passes {
    /// Numbers that the vectors computed at once may have: 16 MB.
    const MOST_NUMBERS: usize = 4 << 20;

    pub fn new(classes: Vec<usize>) -> Self {
        Self { classes, ahead: None, cache: BlockCache::default() }
    }

    /// The conditional and, with `is_guided`, the unconditional output, with adaLN vectors that are computed for many
    /// of the coming timesteps at once. `None` where that saves nothing: without adaLN, or with weights so large that
    /// few steps fit.
    ///
    /// # Shapes
    /// - `x`: `[N, C, h, w]`; results: `[N, C_out, h, w]`
    pub fn known(
        &mut self,
        model: &Model,
        x: Tensor<4>,
        timestep: usize,
        coming: impl Iterator<Item = usize>,
        is_guided: bool,
    ) -> Option<(Tensor<4>, Option<Tensor<4>>)> {
        let kinds = self.kinds(model);
        if !self.ahead.as_ref().is_some_and(|ahead| ahead.timesteps.contains(&timestep)) {
            let config = &model.config.transformer;
            let per_step = kinds.len() * config.depth * config.conditioning.num_vectors() * config.hidden_size;
            let steps = Self::MOST_NUMBERS / per_step.max(1);
            let timesteps: Vec<usize> = coming.take(steps).collect();
            // For one step alone it would be the usual way, with detours.
            self.ahead = if timesteps.len() > 1 { Ahead::new(model, &timesteps, &kinds) } else { None };
        }
        let ahead = self.ahead.as_ref()?;
        let first = ahead.timesteps.iter().position(|t| *t == timestep)? * kinds.len();
        let row = |kind: i64| kinds.iter().position(|k| *k == kind).map(|at| (first + at) as i64);
        let with_class = self.classes.iter().map(|class| row(*class as i64)).collect::<Option<Vec<i64>>>()?;
        let n = with_class.len();
        let without = row(model.config.transformer.null_label() as i64)?;
        let rows = match is_guided {
            true => [with_class, vec![without; n]].concat(),
            false => with_class,
        };
        let x = if is_guided { Tensor::cat(vec![x.clone(), x], 0) } else { x };
        let rows = Tensor::from_data(TensorData::new(rows.clone(), [rows.len()]), &model.device);
        Some(halves(model.dit.forward_modulated(x, &ahead.vectors, &rows), n, is_guided))
    }

    /// The same outputs, with the middle blocks' change of an earlier step unless `fresh`.
    pub fn cached(
        &mut self,
        model: &Model,
        x: Tensor<4>,
        timestep: usize,
        y: Tensor<1, Int>,
        is_guided: bool,
        fresh: bool,
    ) -> (Tensor<4>, Option<Tensor<4>>) {
        let [n, ..] = x.dims();
        let (x, y) = if is_guided {
            let null = y.full_like(model.config.transformer.null_label() as i64);
            (Tensor::cat(vec![x.clone(), x], 0), Tensor::cat(vec![y, null], 0))
        } else {
            (x, y)
        };
        let [batch, ..] = x.dims();
        let t = Tensor::full([batch], timestep as f32, &model.device);
        halves(model.dit.forward_cached(x, t, y, &mut self.cache, fresh), n, is_guided)
    }

    /// The classes of the run, each once, and "no class".
    fn kinds(&self, model: &Model) -> Vec<i64> {
        let mut kinds: Vec<i64> = self.classes.iter().map(|class| *class as i64).collect();
        kinds.push(model.config.transformer.null_label() as i64);
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

impl Ahead {
    /// Rows step by step, in each the kinds one after the other.
    fn new(model: &Model, timesteps: &[usize], kinds: &[i64]) -> Option<Self> {
        let t: Vec<f32> = timesteps.iter().flat_map(|t| kinds.iter().map(|_| *t as f32)).collect();
        let y: Vec<i64> = timesteps.iter().flat_map(|_| kinds.iter().copied()).collect();
        let t = Tensor::from_data(TensorData::new(t.clone(), [t.len()]), &model.device);
        let y = Tensor::from_data(TensorData::new(y.clone(), [y.len()]), &model.device);
        Some(Self { timesteps: timesteps.to_vec(), vectors: model.dit.modulations(t, y)? })
    }
}

/// A doubled batch apart again.
fn halves(output: Tensor<4>, n: usize, is_guided: bool) -> (Tensor<4>, Option<Tensor<4>>) {
    match is_guided {
        true => (output.clone().narrow(0, 0, n), Some(output.narrow(0, n, n))),
        false => (output, None),
    }
}
