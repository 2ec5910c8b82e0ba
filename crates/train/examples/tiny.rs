//! Trains a tiny transformer on made-up latents in seconds: `cargo run --release -p ditscope-train --example tiny [loss.csv]`

use burn::tensor::Device;
use ditscope_config::ModelConfig;
use ditscope_core::dit::Dit;
use ditscope_noise::gaussian;
use ditscope_train::{DitTask, Gradients, Latents, Task, Training};
use pollster::block_on;
use std::error::Error;
use std::fmt::Write;

const STEPS: usize = 300;
const BATCH: usize = 32;

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::flex().autodiff();
    device.seed(0); // of the first weights
    let config = config()?;
    let (latents, labels) = stripes(256);
    let task = DitTask::new(&config, latents, labels, &device);
    let mut training = Training::new(Dit::new(&config.transformer, &device), 0);
    let mut log = String::from("step,loss\n");
    for step in 0..=STEPS {
        if step % 50 == 0 {
            // Of all pictures, always with the same noise, so the numbers compare.
            let loss = block_on(task.mean_loss(&training.model));
            println!("step {step:3}: loss {loss:.4}");
            writeln!(log, "{step},{loss}")?;
        }
        let mut gradients = Gradients::default();
        for batch in training.batches(&task, BATCH, BATCH) {
            block_on(gradients.add(&training.model, task.loss(&training.model, &batch) / BATCH as f64))
                .expect("the device answers");
        }
        let (_, gradients) = gradients.finish();
        block_on(training.step(gradients, 2e-3, 1.0, 0.99)); // learning rate, largest norm, decay of the average
    }
    std::env::args_os().nth(1).map_or(Ok(()), |path| std::fs::write(path, log))?;
    Ok(())
}

/// Latents of two classes, stripes across and stripes down, with a little noise.
fn stripes(count: usize) -> (Latents, Vec<u8>) {
    let labels: Vec<u8> = (0..count).map(|i| (i % 2) as u8).collect();
    let noise = gaussian(1, 0, count * 4 * 8 * 8);
    let stripe = |at: usize, class: u8| {
        let (row, column) = (at / 8 % 8, at % 8);
        let line = if class == 0 { row } else { column };
        if line % 4 < 2 { 1.0 } else { -1.0 }
    };
    let values = noise.into_iter().enumerate().map(|(i, noise)| stripe(i, labels[i / (4 * 8 * 8)]) + 0.1 * noise);
    (Latents::new(values.collect(), [4, 8, 8]), labels) // [count, 4, 8, 8]
}

fn config() -> Result<ModelConfig, Box<dyn Error>> {
    let config: ModelConfig = serde_json::from_value(serde_json::json!({
        "name": "Stripes",
        "transformer": {
            "sample_size": 8, "patch_size": 2, "in_channels": 4, "hidden_size": 64, "depth": 2, "num_heads": 4,
            "num_classes": 2, "learn_sigma": false,
        },
        "scheduler": {
            "num_train_timesteps": 1000, "beta_schedule": "cosine", "prediction_type": "v_prediction",
            "variance_type": "fixed_small", "clip_sample_range": null, "guidance_channels": null,
        },
        "autoencoder": null,
        "latents": { "mean": [0.0, 0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0, 1.0] },
        "labels": ["across", "down"],
        "defaults": { "num_inference_steps": 10 },
        "license": "MIT",
    }))?;
    config.validate()?;
    Ok(config)
}
