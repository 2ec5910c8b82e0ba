//! Whether a device trains as the CPU does.

use crate::copy::copied;
use crate::{DitTask, Gradients, Latents, Task, clip_global_norm};
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Distribution, Tensor};
use ditscope_config::ModelConfig;
use ditscope_core::dit::Dit;
use ditscope_noise as noise;

/// Pictures of the batch that both take.
const PICTURES: usize = 4;
/// So far loss and gradients may be apart, as a share of the CPU's.
const TOLERANCE: f64 = 1e-2;

/// Takes a batch of made-up latents through a made-up model of this configuration on both devices, forward and backward:
/// whether the losses and the norms of the gradients agree.
///
/// # Errors
/// What differs, as text.
pub async fn agrees(config: &ModelConfig, device: &Device, cpu: &Device) -> Result<(), String> {
    let dit = Dit::new(&config.transformer, cpu).map(&mut Shake);
    let found = loss_and_norm(config, &copied(&dit, Dit::new(&config.transformer, device), device).await, device).await;
    let expected = loss_and_norm(config, &dit, cpu).await;
    compare(found, expected)
}

/// Loss and norm of the gradients.
fn compare(found: (f64, f64), expected: (f64, f64)) -> Result<(), String> {
    for (name, found, expected) in [("loss", found.0, expected.0), ("gradients", found.1, expected.1)] {
        // Also false for what is no number.
        let is_near = (found - expected).abs() <= TOLERANCE * expected.abs();
        if !is_near {
            return Err(format!("{name} {found:.4} instead of {expected:.4}"));
        }
    }
    Ok(())
}

async fn loss_and_norm(config: &ModelConfig, dit: &Dit, device: &Device) -> (f64, f64) {
    let trained = device.clone().autodiff();
    let dit = copied(dit, Dit::new(&config.transformer, &trained), &trained).await;
    let transformer = &config.transformer;
    let shape = transformer.latent_shape();
    // And the mirror images, which a training may take.
    let values = noise::gaussian(1, 0, 2 * PICTURES * shape.iter().product::<usize>());
    let labels = (0..PICTURES).map(|i| (i % transformer.num_classes) as u8).collect();
    let task = DitTask::new(config, Latents::new(values, shape), labels, &trained);
    let batch = task.batch(&(0..PICTURES).collect::<Vec<usize>>(), &mut noise::rng(2, 0));
    let mut gradients = Gradients::default();
    gradients.add(&dit, task.loss(&dit, &batch) / PICTURES as f64).await.expect("the device answers");
    let (loss, gradients) = gradients.finish();
    (loss, clip_global_norm(&dit, gradients, f64::INFINITY).await.0)
}

/// A fresh model hands its tokens through its blocks untouched: other weights have every kernel count.
struct Shake;

impl ModuleMapper for Shake {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|weights| {
            let shaken = weights.random_like(Distribution::Normal(0.0, 0.05));
            weights + shaken
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::tests::tiny;
    use pollster::block_on;

    #[test]
    fn what_differs_is_said() {
        assert_eq!(compare((1.009, 0.2), (1.0, 0.2)), Ok(()));
        for (found, name) in
            [((1.02, 0.2), "loss"), ((0.98, 0.2), "loss"), ((f64::NAN, 0.2), "loss"), ((1.0, 0.3), "gradients")]
        {
            let why = compare(found, (1.0, 0.2)).expect_err("it is too far off");
            assert!(why.starts_with(name), "{why}");
        }
    }

    #[test]
    fn a_device_agrees_with_itself() {
        let (config, cpu) = (tiny(), Device::flex());
        assert_eq!(block_on(agrees(&config, &cpu, &cpu)), Ok(()));
        let dit = Dit::new(&config.transformer, &cpu).map(&mut Shake);
        let (loss, norm) = block_on(loss_and_norm(&config, &dit, &cpu));
        assert!(loss > 0.1 && norm > 0.01, "{loss}, {norm}: there is something to compare");
    }
}
