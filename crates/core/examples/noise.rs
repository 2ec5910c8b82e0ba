//! The forward process: a picture under more and more noise: `cargo run --release -p ditscope-core --example noise [picture.png]`

use burn::tensor::{Device, Tensor, TensorData};
use ditscope_core::diffusion::prediction::q_sample;
use ditscope_core::pixels::to_u8;
use ditscope_noise::gaussian;
use ditscope_schedule::training_schedule;
use image::GrayImage;
use std::error::Error;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/models/fashion");
    let path = std::env::args_os().nth(1).map_or(model.join("training.png"), PathBuf::from);
    let picture = image::open(&path).map_err(|error| format!("{}: {error}", path.display()))?.into_luma8();
    let (width, height) = picture.dimensions();
    let shape = [1, 1, height as usize, width as usize];
    let tensor = |values: Vec<f32>| Tensor::<4>::from_data(TensorData::new(values, shape), &Device::flex());
    let x0 = tensor(picture.pixels().map(|pixel| f32::from(pixel.0[0]) / 127.5 - 1.0).collect()); // [1, 1, H, W]
    let eps = tensor(gaussian(0, 0, shape.iter().product())); // [1, 1, H, W]
    let schedule = training_schedule(&ditscope_model_dir::read_config(&model)?.scheduler);
    let timesteps = [0, 100, 250, 500, 750, schedule.len() - 1];
    let mut strip = GrayImage::new(width * timesteps.len() as u32, height);
    for (i, t) in timesteps.into_iter().enumerate() {
        let (signal, noise) = schedule.q_sample_factors(t);
        println!("t = {t:3}: x_t = {signal:.3}·x0 + {noise:.3}·ε");
        let x_t = q_sample(&schedule, t, x0.clone(), eps.clone()); // [1, 1, H, W]
        let pixels = x_t.into_data().iter::<f32>().map(to_u8).collect();
        let noised = GrayImage::from_raw(width, height, pixels).ok_or("as many pixels as the picture has")?;
        image::imageops::replace(&mut strip, &noised, i64::from(width) * i as i64, 0);
    }
    let out = std::env::temp_dir().join("ditscope-noise.png");
    strip.save(&out)?;
    println!("from clean to noise: {}", out.display());
    Ok(())
}
