//! Samples a picture from the shipped model and writes it: `cargo run --release -p ditscope-core --example sample [boot.png]`

use burn::tensor::{Device, Tensor};
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Noise, Request, Run};
use ditscope_core::pixels::to_u8;
use std::error::Error;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let out = std::env::args_os().nth(1).map_or(std::env::temp_dir().join("ditscope-sample.png"), PathBuf::from);
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/models/fashion");
    let model = ditscope_model_dir::load(&model, &Device::flex())?;
    let defaults = &model.config.defaults;
    let request = Request {
        classes: vec![defaults.class],
        noise: Noise::Seeded(vec![defaults.seed]),
        guidance_scales: vec![defaults.guidance_scale],
        guidance_channels: None,
        sampler: SamplerConfig::new(defaults.sampler, defaults.num_inference_steps),
        start: None,
    };
    let mut run = Run::new(&model, request)?;
    while !run.is_done() {
        run.step()?; // gives back x_t and x̂0, [1, C, h, w] each, for whoever wants to watch
    }
    let picture: Tensor<4> = model.decode(run.x_t().clone()); // [1, 1, H, W] in [−1, 1]
    let [_, _, height, width] = picture.dims();
    let pixels = picture.into_data().iter::<f32>().map(to_u8).collect();
    image::GrayImage::from_raw(width as u32, height as u32, pixels).ok_or("the model is not a gray one")?.save(&out)?;
    println!("{} of class {}: {}", model.config.name, model.config.labels[defaults.class], out.display());
    Ok(())
}
