//! Gradients summed over micro-batches.

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, ExecutionError, Tensor};
use std::collections::HashSet;

/// The loss of some micro-batches and its gradients.
pub struct Gradients<M> {
    loss: f64,
    sum: GradientsAccumulator<M>,
}

impl<M: Module> Default for Gradients<M> {
    fn default() -> Self {
        Self { loss: 0.0, sum: GradientsAccumulator::new() }
    }
}

impl<M: Module> Gradients<M> {
    /// Adds a micro-batch.
    ///
    /// # Shapes
    /// - `loss`: `[1]`, the *sum* of the losses of the micro-batch divided by the size of the whole batch, so that sums
    ///   over micro-batches are means over the batch
    ///
    /// # Errors
    /// The device does not answer any more.
    pub async fn add(&mut self, model: &M, loss: Tensor<1>) -> Result<(), ExecutionError> {
        let gradients = GradientsParams::from_grads(loss.backward(), model);
        self.sum.accumulate(model, gradients);
        self.loss += f64::from(scalar(loss).await?);
        Ok(())
    }

    /// Adds what another has summed.
    pub fn merge(&mut self, model: &M, mut other: Self) {
        self.loss += other.loss;
        self.sum.accumulate(model, other.sum.grads());
    }

    /// The same sums on another device, by way of one read. `model` is one with these parameters, `device` without autodiff.
    ///
    /// # Errors
    /// The device does not answer any more.
    pub async fn brought(mut self, model: &M, device: &Device) -> Result<Self, ExecutionError> {
        let mut flat = Flat { gradients: self.sum.grads(), ids: HashSet::new(), parts: Vec::new() };
        model.visit(&mut flat);
        if flat.parts.is_empty() {
            return Ok(self);
        }
        let values = Tensor::cat(flat.parts, 0).into_data_async().await?;
        let values = Tensor::from_data(values, device);
        let mut split = Split { values, at: 0, ids: flat.ids, gradients: GradientsParams::new() };
        model.visit(&mut split);
        self.sum.accumulate(model, split.gradients);
        Ok(self)
    }

    /// The batch's loss and its gradients.
    pub fn finish(mut self) -> (f64, GradientsParams) {
        (self.loss, self.sum.grads())
    }
}

/// The gradients that there are, flat, in the order in which a module shows its parameters.
struct Flat {
    gradients: GradientsParams,
    ids: HashSet<ParamId>,
    parts: Vec<Tensor<1>>,
}

impl ModuleVisitor for Flat {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            let count = gradient.shape().num_elements();
            self.parts.push(gradient.reshape([count]));
            self.ids.insert(param.id);
        }
    }
}

/// Undoes [`Flat`].
struct Split {
    values: Tensor<1>,
    at: usize,
    ids: HashSet<ParamId>,
    gradients: GradientsParams,
}

impl ModuleVisitor for Split {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.ids.contains(&param.id) {
            let shape = param.val().shape();
            let count = shape.num_elements();
            let gradient = self.values.clone().narrow(0, self.at, count).reshape(shape);
            self.gradients.register::<D>(param.id, gradient);
            self.at += count;
        }
    }
}

/// The one number of a tensor `[1]`, read back.
///
/// # Errors
/// The device does not answer any more.
pub(crate) async fn scalar(tensor: Tensor<1>) -> Result<f32, ExecutionError> {
    let data = tensor.into_data_async().await?.convert::<f32>();
    Ok(data.try_into_vec::<f32>().expect("converted to f32")[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Linear, LinearConfig};
    use pollster::block_on;

    #[test]
    fn what_is_brought_from_a_device_is_what_was_summed_there() {
        let device = Device::flex().autodiff();
        let model = LinearConfig::new(3, 2).init(&device);
        let sum = |model: &Linear| {
            let mut sum = Gradients::default();
            for x in [1.0, 2.0] {
                let loss = model.forward(Tensor::<2>::ones([1, 3], &device) * x).square().sum();
                block_on(sum.add(model, loss)).expect("flex answers");
            }
            sum
        };
        let (loss, here) = sum(&model).finish();
        let brought = block_on(sum(&model).brought(&model, &Device::flex())).expect("flex answers");
        let (brought_loss, there) = brought.finish();
        assert_eq!(loss, brought_loss);
        assert_eq!((here.len(), there.len()), (2, 2));
        let weight = model.weight.id;
        let of = |gradients: &GradientsParams| gradients.get::<2>(weight).expect("its gradient").into_data();
        assert_eq!(of(&here), of(&there));
        let none = block_on(Gradients::default().brought(&model, &Device::flex())).expect("nothing to read");
        assert_eq!(none.finish().1.len(), 0);
    }
}
