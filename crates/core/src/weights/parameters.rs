//! The parameters of a module as its files have them: names, shapes, layouts.

use super::WeightsError;
use super::keys::file_key;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use safetensors::tensor::TensorView;

/// A parameter: its name in the file, its shape on the device.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub name: String,
    pub shape: Vec<usize>,
    /// Weight of a linear layer: `[in, out]` on the device, `[out, in]` in the file.
    pub is_linear_weight: bool,
}

/// All of a module, in its order; they are not initialised.
pub fn parameters<M: Module>(module: &M, prefix: &str) -> Vec<Parameter> {
    let mut visitor = Parameters { prefix, path: Path::default(), found: Vec::new() };
    module.visit(&mut visitor);
    visitor.found
}

impl Parameter {
    /// Its shape in the file.
    pub fn stored_shape(&self) -> Vec<usize> {
        match self.shape[..] {
            [d_input, d_output] if self.is_linear_weight => vec![d_output, d_input],
            _ => self.shape.clone(),
        }
    }

    /// A linear weight may also be stored as a convolution kernel `[out, c, p, p]` that is one with in = c·p·p.
    pub(super) fn check_shape(&self, view: &TensorView) -> Result<(), WeightsError> {
        let (stored, expected) = (view.shape(), self.stored_shape());
        let fits = match expected[..] {
            [d_output, d_input] if self.is_linear_weight => {
                let rest = stored.iter().skip(1).try_fold(1, |n: usize, side| n.checked_mul(*side));
                stored.len() > 1 && stored[0] == d_output && rest == Some(d_input)
            }
            _ => stored == expected,
        };
        if fits {
            return Ok(());
        }
        Err(WeightsError::WrongShape { tensor: self.name.clone(), expected, actual: stored.to_vec() })
    }
}

/// Where the walk through a module stands.
#[derive(Debug, Default)]
pub(super) struct Path {
    names: Vec<String>,
    containers: Vec<String>,
}

impl Path {
    pub fn enter(&mut self, name: &str, container: &str) {
        self.names.push(name.to_owned());
        self.containers.push(container.to_owned());
    }

    pub fn exit(&mut self) {
        self.names.pop();
        self.containers.pop();
    }

    /// The parameter here.
    pub fn parameter(&self, prefix: &str, shape: Vec<usize>) -> Parameter {
        let is_linear = self.containers.last().is_some_and(|c| c.ends_with(":Linear"));
        Parameter {
            name: format!("{prefix}{}", file_key(&self.names.join("."))),
            shape,
            is_linear_weight: is_linear && self.names.last().is_some_and(|n| n == "weight"),
        }
    }
}

struct Parameters<'a> {
    prefix: &'a str,
    path: Path,
    found: Vec<Parameter>,
}

impl ModuleVisitor for Parameters<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // The lazy shape does not run the initialiser.
        self.found.push(self.path.parameter(self.prefix, param.lazy_shape().to_vec()));
    }
}
