//! A run's forward passes, and what of one serves the next.

use super::model::Model;
use crate::dit::{BlockCache, Modulations};
use burn::tensor::{Int, Tensor, TensorData};
use ditscope_ops::Loaded;

/// The forward passes of a run. Whoever computes a part of its batches for it has passes of its own, and gets the same
/// bits.
#[derive(Debug, Clone)]
pub struct Passes<'m> {
    model: &'m Model,
    classes: Vec<usize>,
    /// See [`Self::times`].
    times: Vec<f32>,
    ahead: Option<Ahead>,
    cache: BlockCache,
}

/// adaLN vectors of the next times, for each class of the run and for no class.
#[derive(Debug, Clone)]
struct Ahead {
    /// What the network is told.
    times: Vec<f32>,
    vectors: Modulations,
    /// Which of a step's rows the labels of a batch have: uploaded once.
    rows: Option<(Vec<usize>, Tensor<1, Int>)>,
}

impl<'m> Passes<'m> {
    /// Numbers that the vectors computed at once may have: 16 MB.
    const MOST_NUMBERS: usize = 4 << 20;

    /// `classes`: those of the run's pictures; `times`: see [`Self::times`].
    pub fn new(model: &'m Model, classes: Vec<usize>, times: Vec<f32>) -> Self {
        Self { model, classes, times, ahead: None, cache: BlockCache::default() }
    }

    /// The labels of a batch: the classes, and when `is_guided` as many times "no class".
    pub fn labels(&self, is_guided: bool) -> Vec<usize> {
        let null = self.model.config.transformer.null_label();
        let without = if is_guided { self.classes.len() } else { 0 };
        self.classes.iter().copied().chain(std::iter::repeat_n(null, without)).collect()
    }

    /// Those of the run's pictures.
    pub(super) fn classes(&self) -> &[usize] {
        &self.classes
    }

    /// What the network is told in the whole run, in order, each once.
    pub fn times(&self) -> &[f32] {
        &self.times
    }

    /// Computes now what [`Self::rows`] would compute at this time for near ones, too. Which ones those are does not
    /// depend on where the run is: one that is resumed gets the same bits.
    pub fn prepare(&mut self, time: f32) {
        if self.ahead.as_ref().is_some_and(|ahead| ahead.times.contains(&time)) {
            return;
        }
        let (kinds, config) = (self.kinds(), &self.model.config.transformer);
        let per_step = kinds.len() * config.depth * config.conditioning.num_vectors() * config.hidden_size;
        let most = (Self::MOST_NUMBERS / per_step.max(1)).max(1);
        let near = self.times.chunks(most).find(|near| near.contains(&time));
        // For one step alone it would be the usual way, with detours.
        self.ahead = near.filter(|near| near.len() > 1).and_then(|near| Ahead::new(self.model, near, &kinds));
    }

    /// The network's output for some rows of a batch, with adaLN vectors that are computed for many of the run's
    /// times at once, where that saves something.
    ///
    /// # Shapes
    /// - `x`: `[M, C, h, w]` for M `labels` of the run's; result: `[M, C_out, h, w]`
    pub fn rows(&mut self, x: Tensor<4>, labels: &[usize], time: f32) -> Tensor<4> {
        if let Some(vectors) = self.known(labels, time) {
            return self.model.pass(x, vectors);
        }
        let given = self.model.given(time, self.numbers(labels), false);
        self.model.dit.pass(x, &given, &mut ())
    }

    /// Tells the device ahead what [`Self::rows`] will be asked next; none where that is of no use.
    pub fn load(&mut self, x: Tensor<4>, labels: &[usize], time: f32) -> Option<Loaded> {
        let vectors = self.known(labels, time)?;
        self.model.load(x, &vectors)
    }

    /// [`Self::rows`] with that; none if another pass was asked for meanwhile.
    pub fn loaded(&self, loaded: Loaded) -> Option<Tensor<4>> {
        self.model.pass_loaded(loaded)
    }

    /// The conditional and, when `is_guided`, the unconditional output, with the middle blocks' change of an earlier step
    /// unless `fresh`.
    ///
    /// # Shapes
    /// - `x`: `[N, C, h, w]`; results: `[N, C_out, h, w]`
    pub fn reusing(&mut self, x: Tensor<4>, time: f32, is_guided: bool, fresh: bool) -> (Tensor<4>, Option<Tensor<4>>) {
        let given = self.model.given(time, self.numbers(&self.classes), is_guided);
        let mut reuse = self.cache.reuse(self.model.dit.blocks.len(), fresh);
        self.model.dit.outputs(x, &given, is_guided, &mut reuse)
    }

    /// `[M]`
    fn numbers(&self, labels: &[usize]) -> Tensor<1, Int> {
        let labels: Vec<i64> = labels.iter().map(|label| *label as i64).collect();
        let shape = [labels.len()];
        Tensor::from_data(TensorData::new(labels, shape), &self.model.device)
    }

    /// The adaLN vectors of these labels. `None` where computing them ahead saves nothing: without adaLN, or with weights
    /// so large that few steps fit.
    fn known(&mut self, labels: &[usize], time: f32) -> Option<Modulations> {
        self.prepare(time);
        let (kinds, ahead) = (self.kinds(), self.ahead.as_ref()?);
        let first = ahead.times.iter().position(|t| *t == time)? * kinds.len();
        let rows = match &ahead.rows {
            Some((of, rows)) if of == labels => rows.clone(),
            _ => {
                let row = |label: &usize| kinds.iter().position(|kind| kind == label);
                self.numbers(&labels.iter().map(row).collect::<Option<Vec<usize>>>()?)
            }
        }; // [M]
        let vectors = ahead.vectors.rows(first, kinds.len(), &rows);
        self.ahead.as_mut()?.rows = Some((labels.to_vec(), rows));
        Some(vectors)
    }

    /// The classes of the run, each once, and "no class" where the model knows that.
    fn kinds(&self) -> Vec<usize> {
        let (mut kinds, config) = (self.classes.clone(), &self.model.config.transformer);
        kinds.extend(config.has_null_label.then_some(config.null_label()));
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

impl Ahead {
    /// Rows step by step, in each the kinds one after the other.
    fn new(model: &Model, times: &[f32], kinds: &[usize]) -> Option<Self> {
        let t: Vec<f32> = times.iter().flat_map(|t| kinds.iter().map(|_| *t)).collect();
        let y: Vec<i64> = times.iter().flat_map(|_| kinds.iter().map(|kind| *kind as i64)).collect();
        let t = Tensor::from_data(TensorData::new(t.clone(), [t.len()]), &model.device); // [S]
        let y = Tensor::from_data(TensorData::new(y.clone(), [y.len()]), &model.device); // [S]
        Some(Self { times: times.to_vec(), vectors: model.dit.modulations(t, y)?, rows: None })
    }
}
