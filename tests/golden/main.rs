//! Golden numbers: the official DiT code and diffusers, on small random weights (see README.md beside this file).

use ditscope_test_support as support;

mod decoders;
mod flow;
mod schedules;
mod transformer;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use ditscope_core::weights::Loader;
use safetensors::SafeTensors;

/// Largest relative error.
const TOLERANCE: f64 = 1e-4;
/// The same where weights are stored as f16.
const F16_TOLERANCE: f64 = 5e-3;

/// Fills a module with the weights of one file.
fn load<M: Module>(module: M, bytes: &[u8], loader: Loader) -> M {
    load_as(module, "", bytes, loader)
}

/// From tensors whose names begin so.
fn load_as<M: Module>(module: M, prefix: &str, bytes: &[u8], mut loader: Loader) -> M {
    let module = loader.apply(module, prefix, "golden", bytes, &Device::flex()).expect("it loads");
    loader.finish(&module, prefix).expect("every parameter is there");
    module
}

struct Golden(Vec<u8>);

impl Golden {
    fn read(name: &str) -> Self {
        Self(read(&format!("{name}.safetensors")))
    }

    fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        let file = SafeTensors::deserialize(&self.0).expect("a safetensors file");
        let view = file.tensor(name).expect(name);
        assert_eq!(view.dtype(), safetensors::Dtype::F32);
        let values: Vec<f32> =
            view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        Tensor::from_data(TensorData::new(values, view.shape().to_vec()), &Device::flex())
    }

    fn classes(&self, name: &str) -> Tensor<1, Int> {
        self.tensor::<1>(name).int()
    }

    fn assert_close(&self, golden: &str, ours: Tensor<4>, tolerance: f64, name: &str) {
        let error = relative_error(ours, self.tensor(golden));
        assert!(error <= tolerance, "{name} {golden}: relative error {error:e}");
        println!("{name} {golden}: relative error {error:.1e}");
    }
}

/// ‖ours − theirs‖ / ‖theirs‖
fn relative_error(ours: Tensor<4>, theirs: Tensor<4>) -> f64 {
    assert_eq!(ours.dims(), theirs.dims());
    let values = |t: Tensor<4>| t.into_data().try_into_vec::<f32>().expect("f32");
    let (ours, theirs) = (values(ours), values(theirs));
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut ours.iter().zip(&theirs).map(|(a, b)| f64::from(a - b)));
    difference / norm(&mut theirs.iter().map(|v| f64::from(*v)))
}

fn read(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
