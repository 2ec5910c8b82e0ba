//! Weights from one device on another, without blocking: a browser's graphics card allows nothing else.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};
use std::collections::VecDeque;

/// `onto`, a module of the same kind that lies on `device`, with the weights of `module` and their ids.
pub async fn copied<M: Module>(module: &M, onto: M, device: &Device) -> M {
    let mut found = Values::default();
    module.visit(&mut found);
    let mut values = VecDeque::new();
    for (id, tensor) in found.0 {
        values.push_back((id, tensor.into_data_async().await.expect("the device answers")));
    }
    onto.map(&mut Put { values, device })
}

/// Ids and weights, flat, in the order in which a module shows them.
#[derive(Default)]
struct Values(Vec<(ParamId, Tensor<1>)>);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let count = value.shape().num_elements();
        self.0.push((param.id, value.reshape([count])));
    }
}

struct Put<'a> {
    values: VecDeque<(ParamId, TensorData)>,
    device: &'a Device,
}

impl ModuleMapper for Put<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, data) = self.values.pop_front().expect("both modules are of one kind");
        let mut put = param.map(|old| {
            let value = Tensor::<1>::from_data(data, self.device).reshape(old.shape());
            if old.is_require_grad() { value.require_grad() } else { value }
        });
        put.id = id;
        put
    }
}
