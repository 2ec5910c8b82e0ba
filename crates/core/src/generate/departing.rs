//! Pictures that depart from their run: another class, or one between two, and a network that lacks parts.

use super::model::Model;
use super::request::out_of_range;
use crate::dit::{Given, Without};
use burn::tensor::{Int, Tensor, TensorData};
use ditscope_config::{ConfigError, Departure, Part};

/// The pictures of a run, each with what it departs in.
#[derive(Debug, Clone)]
pub(super) struct Departures {
    /// By picture.
    pictures: Vec<Departure>,
    /// By picture: its class, if nothing else is said.
    classes: Vec<usize>,
    /// As shares of the run: where parts are missing.
    missing_at: [f64; 2],
}

impl Departures {
    /// # Errors
    /// [`ConfigError`] when there are not as many as pictures, or something is not the model's.
    pub fn new(
        model: &Model,
        pictures: Vec<Departure>,
        classes: &[usize],
        missing_at: Option<[f64; 2]>,
    ) -> Result<Self, ConfigError> {
        if pictures.len() != classes.len() {
            return Err(out_of_range("pictures that depart", pictures.len(), classes.len().to_string()));
        }
        pictures.iter().try_for_each(|departure| check(model, departure))?;
        let of = |(departure, class): (&Departure, &usize)| departure.class.unwrap_or(*class);
        let classes = pictures.iter().zip(classes).map(of).collect();
        Ok(Self { pictures, classes, missing_at: missing_at.unwrap_or([0.0, 1.0]) })
    }

    /// The conditional and, when `is_guided`, the unconditional output. Pictures that lack the same are computed together.
    ///
    /// # Shapes
    /// - `x`: `[N, C, h, w]`; results: `[N, C_out, h, w]`
    pub fn outputs(
        &self,
        model: &Model,
        x: &Tensor<4>,
        time: f32,
        is_guided: bool,
        share: f64,
    ) -> (Tensor<4>, Option<Tensor<4>>) {
        let is_missing = (self.missing_at[0]..=self.missing_at[1]).contains(&share);
        let lacking = |i: usize| if is_missing { &self.pictures[i].without[..] } else { &[] };
        let (mut cond, mut uncond, mut first) = (Vec::new(), Vec::new(), 0);
        while first < self.pictures.len() {
            let parts = lacking(first);
            let count = (first..self.pictures.len()).take_while(|i| lacking(*i) == parts).count();
            let given = self.given(model, first, count, time, is_guided, parts.contains(&Part::Class));
            let x = x.clone().narrow(0, first, count); // [M, C, h, w]
            let (with, without) = model.outputs_lacking(x, &given, is_guided, parts);
            cond.push(with);
            uncond.extend(without);
            first += count;
        }
        (Tensor::cat(cond, 0), is_guided.then(|| Tensor::cat(uncond, 0)))
    }

    /// What the blocks are told for some pictures.
    fn given(&self, model: &Model, first: usize, count: usize, time: f32, is_guided: bool, lacks_class: bool) -> Given {
        let null = model.config.transformer.null_label();
        let own = |i: usize| if lacks_class { null } else { self.classes[i] };
        let pictures = first..first + count;
        let t = Tensor::full([count], time, &model.device); // [M]
        let numbers = |labels: Vec<i64>| Tensor::<1, Int>::from_data(TensorData::new(labels, [count]), &model.device);
        let y = numbers(pictures.clone().map(|i| own(i) as i64).collect()); // [M]
        let towards = |i: usize| self.pictures[i].towards_class.filter(|_| !lacks_class);
        if pictures.clone().all(|i| towards(i).is_none()) {
            return model.dit.given(t, y, is_guided);
        }
        let other = pictures.clone().map(|i| towards(i).map_or(own(i), |(class, _)| class) as i64); // [M]
        let weights: Vec<f32> = pictures.map(|i| towards(i).map_or(0.0, |(_, weight)| weight as f32)).collect();
        let weights = Tensor::<2>::from_data(TensorData::new(weights, [count, 1]), &model.device); // [M, 1]
        model.dit.given_between(t, y, numbers(other.collect()), weights, is_guided)
    }
}

impl Model {
    /// As [`crate::dit::Dit::outputs`], without some parts.
    ///
    /// # Shapes
    /// - `x`: `[N, C, h, w]`; results: `[N, C_out, h, w]`
    pub(super) fn outputs_lacking(
        &self,
        x: Tensor<4>,
        given: &Given,
        is_guided: bool,
        parts: &[Part],
    ) -> (Tensor<4>, Option<Tensor<4>>) {
        let config = &self.config.transformer;
        if parts.is_empty() {
            return self.dit.outputs(x, given, is_guided, &mut ());
        }
        let mut probe = Without::new(parts, config.num_heads, config.hidden_size, &self.device);
        self.dit.outputs(x, given, is_guided, &mut probe)
    }

    /// # Errors
    /// [`ConfigError`] names a part that the model does not have, or that cannot be taken from it.
    pub(super) fn check_parts(&self, parts: &[Part]) -> Result<(), ConfigError> {
        let config = &self.config.transformer;
        for part in parts {
            if let Some(block) = part.block().filter(|block| *block >= config.depth) {
                return Err(out_of_range("block", block, format!("0 to {}", config.depth - 1)));
            }
            match part {
                Part::Head(_, head) if *head >= config.num_heads => {
                    return Err(out_of_range("head", head, format!("0 to {}", config.num_heads - 1)));
                }
                Part::Class if !config.has_null_label => {
                    return Err(ConfigError::Model("it knows no \"no class\", so the class cannot be left out".into()));
                }
                Part::Attention(_) | Part::Mlp(_) | Part::Shift(..) | Part::Scale(..)
                    if config.conditioning.has_tokens() =>
                {
                    return Err(ConfigError::Model("without adaLN only blocks and heads can be switched off".into()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn check(model: &Model, departure: &Departure) -> Result<(), ConfigError> {
    let config = &model.config.transformer;
    let towards = departure.towards_class;
    let classes = departure.class.iter().chain(towards.iter().map(|(class, _)| class));
    if let Some(class) = classes.copied().find(|class| *class >= config.num_classes) {
        return Err(out_of_range("class", class, format!("0 to {}", config.num_classes - 1)));
    }
    let weights = towards.iter().map(|(_, weight)| *weight).chain(departure.towards_seed.iter().map(|(_, w)| *w));
    if let Some(weight) = weights.into_iter().find(|weight| !(0.0..=1.0).contains(weight)) {
        return Err(out_of_range("share of the way", weight, "0 to 1".into()));
    }
    if towards.is_some() && config.block_embedders {
        return Err(ConfigError::Model("its blocks have class vectors of their own, which cannot be mixed".into()));
    }
    model.check_parts(&departure.without)
}
