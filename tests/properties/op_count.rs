//! How many operations a step takes, counted where a device's kernels are asked for them.

use burn::tensor::{Device, Tensor};
use ditscope_config::SamplerKind;
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Model, Noise, Request, Run};
use ditscope_model_dir as model_dir;
use ditscope_ops::{Conv, Filter, Filters, Guide, Guided, Kernels, Matrix, Operation, Ops, Then, Weights};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// By operation.
static ASKED: [AtomicUsize; 5] = [const { AtomicUsize::new(0) }; 5];

fn count(operation: Operation) {
    ASKED[operation as usize].fetch_add(1, Relaxed);
}

/// Counts, and leaves the work to the plain way.
#[derive(Debug)]
struct Counting;

impl Kernels for Counting {
    fn modulate(&self, _: &Tensor<3>, _: &Tensor<3>, _: &Tensor<3>, _: f64) -> Option<Tensor<3>> {
        count(Operation::Modulate);
        None
    }

    fn attention(&self, _: &Tensor<4>, _: &Tensor<4>, _: &Tensor<4>) -> Option<Tensor<3>> {
        count(Operation::Attention);
        None
    }

    fn matrix(&self, weight: &Tensor<2>, _: Option<&Tensor<1>>) -> Option<Weights> {
        Some(Arc::new(CountedMatrix(weight.clone())))
    }

    fn filter(&self, _: &Tensor<4>, _: Option<&Tensor<1>>, _: Filter) -> Option<Filters> {
        Some(Arc::new(CountedConv))
    }

    fn guide(&self, _: &Tensor<4>, _: &Tensor<4>, _: Option<&Tensor<4>>, _: &Guide) -> Option<Guided> {
        count(Operation::Guide);
        None
    }
}

#[derive(Debug)]
struct CountedMatrix(Tensor<2>);

impl Matrix for CountedMatrix {
    fn apply(&self, _: &Tensor<3>, _: &Then) -> Option<Tensor<3>> {
        count(Operation::Linear);
        None
    }

    fn weight(&self, device: &Device) -> Tensor<2> {
        self.0.clone().to_device(device)
    }
}

#[derive(Debug)]
struct CountedConv;

impl Conv for CountedConv {
    fn apply(&self, _: &Tensor<4>, _: Option<&Tensor<4>>) -> Option<Tensor<4>> {
        count(Operation::Conv);
        None
    }
}

fn counts() -> [usize; 5] {
    std::array::from_fn(|operation| ASKED[operation].swap(0, Relaxed))
}

/// Seven operations a block, with patches and last layer 45 in the transformer, 8 in the decoder, and one that reads the
/// output. Timestep embedding and adaLN vectors come before the first step, for all of them.
#[test]
fn a_step_takes_so_many_operations() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/models/fashion");
    let model: Model = model_dir::load(&folder, &Device::flex()).expect("the shipped model");
    let model = model.fused(Ops::with(&Counting));
    let request = Request {
        classes: vec![9],
        noise: Noise::Seeded(vec![3]),
        guidance_scales: vec![3.0],
        guidance_channels: None,
        sampler: SamplerConfig::new(SamplerKind::Ddim, 3),
        start: None,
    };
    counts();
    let mut run = Run::new(&model, request).expect("a valid request").watched().prepared();
    let [modulate, linear, attention, conv, guide] = counts();
    println!("before the first step: {linear} linear layers");
    assert_eq!([modulate, linear, attention, conv, guide], [0, 2 + 6 + 1, 0, 0, 0]);
    while !run.is_done() {
        let step = run.step().expect("a step");
        let of_network = counts();
        model.decode(step.x0_hat);
        let of_decoder = counts();
        println!("norms, linear layers, attention, convolutions, guidance: {of_network:?} and {of_decoder:?}");
        assert_eq!((of_network, of_decoder), ([2 * 6 + 1, 1 + 4 * 6 + 1, 6, 0, 1], [0, 0, 0, 8, 0]));
    }
}
