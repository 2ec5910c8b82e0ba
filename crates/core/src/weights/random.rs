//! Weights that nobody trained, for measuring what a model costs where its own are not there.

use super::load::lasting;
use super::parameters::Path;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
use ditscope_noise::gaussian;
use half::f16;

/// Standard deviation of the numbers: so small that what goes through many layers stays finite.
const DEVIATION: f32 = 0.02;
/// So many are drawn. Every parameter takes them from another place on, again and again: what a product costs does not
/// depend on its numbers.
const NUMBERS: usize = (1 << 20) - 3;

/// Fills modules with random numbers, the same on every device.
pub struct RandomWeights {
    numbers: Vec<f32>,
    keep_f16: bool,
    device: Device,
    /// Where the next parameter begins.
    at: usize,
}

impl RandomWeights {
    /// `keep_f16`: linear weights are f16 on the device, as with [`super::LinearWeights::F16`].
    pub fn new(device: &Device, keep_f16: bool) -> Self {
        let numbers = gaussian(0, 0, NUMBERS).into_iter().map(|number| DEVIATION * number).collect();
        Self { numbers, keep_f16, device: device.clone(), at: 0 }
    }

    /// Puts random numbers in the place of all parameters of a module, which need not be initialised.
    #[must_use]
    pub fn fill<M: Module>(&mut self, module: M) -> M {
        module.map(&mut Filler { weights: self, path: Path::default() })
    }

    fn tensor<const D: usize>(&mut self, shape: Vec<usize>, is_linear_weight: bool) -> Tensor<D> {
        let count = shape.iter().product();
        let from = self.at;
        self.at = (from + count) % NUMBERS;
        let numbers = self.numbers.iter().cycle().skip(from).take(count).copied();
        if is_linear_weight && self.keep_f16 {
            let numbers: Vec<f16> = numbers.map(f16::from_f32).collect();
            return lasting(TensorData::new(numbers, shape), &self.device);
        }
        lasting(TensorData::new(numbers.collect::<Vec<f32>>(), shape), &self.device)
    }
}

struct Filler<'a> {
    weights: &'a mut RandomWeights,
    path: Path,
}

impl ModuleMapper for Filler<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        // The lazy shape does not run the initialiser.
        let parameter = self.path.parameter("", param.lazy_shape().to_vec());
        Param::from_tensor(self.weights.tensor(parameter.shape, parameter.is_linear_weight))
    }
}
