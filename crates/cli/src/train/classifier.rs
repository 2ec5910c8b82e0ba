//! `dit train classifier`: the small network that judges samples.

use super::trainer::{TrainOptions, Trainer};
use crate::classifier;
use anyhow::Result;
use burn::module::Module;
use burn::tensor::Device;
use ditscope_data::{Split, load};
use ditscope_train::{Classifier, ClassifierTask, Dataset};

/// Options of `dit train classifier`.
#[derive(Debug, Clone, clap::Args)]
pub struct ClassifierOptions {
    #[command(flatten)]
    pub train: TrainOptions,
}

/// Trains the classifier and writes `OUT/classifier`.
///
/// # Errors
/// Bad options, data that cannot be read, files that cannot be written.
pub fn run(options: &ClassifierOptions) -> Result<()> {
    let data = load(&options.train.data, Split::Train)?;
    let test = load(&options.train.data, Split::Test)?;
    let plain = options.train.device.device();
    let device = plain.clone().autodiff();
    device.seed(options.train.seed);
    let model = Classifier::new(&data.info, &device);
    println!("classifier: {} parameters, {} training pictures", model.num_params(), data.len());
    let task = ClassifierTask { data, device: device.clone() };
    let report = |ema: &Classifier, step| {
        eprintln!("\nstep {step}: test accuracy {:.2} %", 100.0 * accuracy(ema, &test, &plain));
        Ok(())
    };
    let Some(ema) = Trainer::new(&task, &options.train, &device, model)?.run(report)? else { return Ok(()) };
    let dir = options.train.out.join("classifier");
    classifier::save(&ema, &dir)?;
    println!("wrote {}; test accuracy {:.2} %", dir.display(), 100.0 * accuracy(&ema, &test, &plain));
    Ok(())
}

/// Share of the test pictures that are named right.
fn accuracy(model: &Classifier, test: &Dataset, device: &Device) -> f64 {
    let indices: Vec<usize> = (0..test.len()).collect();
    let right: usize = indices
        .chunks(500)
        .map(|chunk| {
            let (_, classes) = model.judge(test.batch(chunk, |_| false, device));
            chunk.iter().zip(classes).filter(|(i, class)| usize::from(test.labels[**i]) == *class).count()
        })
        .sum();
    right as f64 / test.len() as f64
}
