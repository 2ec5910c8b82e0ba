//! A run's forward passes, and what of one serves the next.

use super::model::Model;
use crate::dit::{BlockCache, Given, Modulations};
use burn::tensor::{Int, Tensor, TensorData};

/// What is known of the passes of a run.
#[derive(Debug, Clone)]
pub struct Passes<'m> {
    model: &'m Model,
    classes: Vec<usize>,
    ahead: Option<Ahead>,
    cache: BlockCache,
}

/// adaLN vectors of the next timesteps, for each class of the run and for no class.
#[derive(Debug, Clone)]
struct Ahead {
    timesteps: Vec<usize>,
    vectors: Modulations,
    /// Which of a step's rows the pictures of a batch have, and whether it is the doubled one: uploaded once.
    rows: Option<(bool, Tensor<1, Int>)>,
}

impl<'m> Passes<'m> {
    /// Numbers that the vectors computed at once may have: 16 MB.
    const MOST_NUMBERS: usize = 4 << 20;

    pub fn new(model: &'m Model, classes: Vec<usize>) -> Self {
        Self { model, classes, ahead: None, cache: BlockCache::default() }
    }

    /// The conditional and, when `is_guided`, the unconditional output, with adaLN vectors that are computed for many of
    /// the `coming` timesteps at once, where that saves something.
    ///
    /// # Shapes
    /// - `x`: `[N, C, h, w]`; results: `[N, C_out, h, w]`
    pub fn in_full(
        &mut self,
        x: Tensor<4>,
        timestep: usize,
        coming: impl Iterator<Item = usize>,
        is_guided: bool,
    ) -> (Tensor<4>, Option<Tensor<4>>) {
        let known = self.known(timestep, coming, is_guided).map(Given::Modulations);
        let given = known.unwrap_or_else(|| self.model.given(timestep, self.y(), is_guided));
        self.model.dit.outputs(x, &given, is_guided, &mut ())
    }

    /// The same outputs, with the middle blocks' change of an earlier step unless `fresh`.
    ///
    /// # Shapes
    /// - `x`: `[N, C, h, w]`; results: `[N, C_out, h, w]`
    pub fn reusing(
        &mut self,
        x: Tensor<4>,
        timestep: usize,
        is_guided: bool,
        fresh: bool,
    ) -> (Tensor<4>, Option<Tensor<4>>) {
        let given = self.model.given(timestep, self.y(), is_guided);
        let mut reuse = self.cache.reuse(self.model.dit.blocks.len(), fresh);
        self.model.dit.outputs(x, &given, is_guided, &mut reuse)
    }

    /// The classes, `[N]`.
    fn y(&self) -> Tensor<1, Int> {
        let y: Vec<i64> = self.classes.iter().map(|class| *class as i64).collect();
        Tensor::from_data(TensorData::new(y, [self.classes.len()]), &self.model.device)
    }

    /// The batch's adaLN vectors; when `is_guided`, those of the doubled batch. `None` where computing them ahead saves
    /// nothing: without adaLN, or with weights so large that few steps fit.
    fn known(&mut self, timestep: usize, coming: impl Iterator<Item = usize>, is_guided: bool) -> Option<Modulations> {
        let kinds = self.kinds();
        if !self.ahead.as_ref().is_some_and(|ahead| ahead.timesteps.contains(&timestep)) {
            let config = &self.model.config.transformer;
            let per_step = kinds.len() * config.depth * config.conditioning.num_vectors() * config.hidden_size;
            let steps = Self::MOST_NUMBERS / per_step.max(1);
            let timesteps: Vec<usize> = coming.take(steps).collect();
            // For one step alone it would be the usual way, with detours.
            self.ahead = if timesteps.len() > 1 { Ahead::new(self.model, &timesteps, &kinds) } else { None };
        }
        let ahead = self.ahead.as_mut()?;
        let first = ahead.timesteps.iter().position(|t| *t == timestep)? * kinds.len();
        if ahead.rows.as_ref().is_none_or(|(guided, _)| *guided != is_guided) {
            let null = self.model.config.transformer.null_label();
            let without = if is_guided { vec![null; self.classes.len()] } else { Vec::new() };
            let row = |kind: &usize| kinds.iter().position(|k| k == kind).map(|at| at as i64);
            let rows = self.classes.iter().chain(&without).map(row).collect::<Option<Vec<i64>>>()?;
            let shape = [rows.len()];
            ahead.rows = Some((is_guided, Tensor::from_data(TensorData::new(rows, shape), &self.model.device)));
        }
        let (_, rows) = ahead.rows.as_ref()?; // [N] or [2N]
        Some(ahead.vectors.rows(first, kinds.len(), rows))
    }

    /// The classes of the run, each once, and "no class".
    fn kinds(&self) -> Vec<usize> {
        let mut kinds = self.classes.clone();
        kinds.push(self.model.config.transformer.null_label());
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

impl Ahead {
    /// Rows step by step, in each the kinds one after the other.
    fn new(model: &Model, timesteps: &[usize], kinds: &[usize]) -> Option<Self> {
        let t: Vec<f32> = timesteps.iter().flat_map(|t| kinds.iter().map(|_| *t as f32)).collect();
        let y: Vec<i64> = timesteps.iter().flat_map(|_| kinds.iter().map(|kind| *kind as i64)).collect();
        let t = Tensor::from_data(TensorData::new(t.clone(), [t.len()]), &model.device); // [S]
        let y = Tensor::from_data(TensorData::new(y.clone(), [y.len()]), &model.device); // [S]
        Some(Self { timesteps: timesteps.to_vec(), vectors: model.dit.modulations(t, y)?, rows: None })
    }
}
