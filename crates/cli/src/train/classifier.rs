//! `dit train classifier`: the small network that judges samples.

use super::begun::Begun;
use super::data::fingerprint;
use super::trainer::{TrainOptions, Trainer};
use crate::classifier;
use crate::output::say;
use anyhow::Result;
use burn::module::Module;
use burn::tensor::Device;
use ditscope_data::{Split, load_pictures};
use ditscope_train::{Classifier, ClassifierTask, Dataset};
use serde::{Deserialize, Serialize};

/// Options of `dit train classifier`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Example:
  dit train classifier --data data/fashion-mnist --out runs/classifier
  dit eval --model runs/dit/model --classifier runs/classifier/classifier --data data/fashion-mnist

How long: with the defaults about half an hour on two cores; --epochs 3 is enough for a first look.

Where the result lies: the classifier in OUT/classifier, which is what 'dit eval --classifier' wants; OUT/log.csv has a line \
a step, OUT/checkpoint what the same command goes on from. Ctrl-C and SIGTERM write the checkpoint and end with the codes \
130 and 143.")]
pub struct ClassifierOptions {
    #[command(flatten)]
    pub train: TrainOptions,
}

/// Trains the classifier and writes `OUT/classifier`.
///
/// # Errors
/// Bad options, data that cannot be read, files that cannot be written.
pub fn run(options: &ClassifierOptions) -> Result<()> {
    options.train.begin()?;
    let data = load_pictures(options.train.data(), Split::Train)?;
    let test = load_pictures(options.train.data(), Split::Test)?;
    let making = Making { seed: options.train.seed, data: fingerprint(&data) };
    let before = Begun::read(&options.train.out)?;
    let making = before.map_or(Ok(making.clone()), |it| it.settle(&options.train.out, "classifier", &making))?;
    let train = TrainOptions { seed: making.seed.or(Some(0)), ..options.train.clone() };
    let plain = options.train.device.device();
    let device = plain.clone().autodiff();
    device.seed(train.seed.unwrap_or(0));
    let model = Classifier::new(&data.info, &device);
    say!("classifier: {} parameters, {} training pictures", model.num_params(), data.len())?;
    let begun = Begun::new("classifier", &Making { seed: train.seed, ..making }, &train.changeable(), &data.info);
    let task = ClassifierTask { data, device: device.clone() };
    let report = |ema: &Classifier, step| {
        Ok(Some(format!("step {step}: test accuracy {:.2} %", 100.0 * accuracy(ema, &test, &plain))))
    };
    let ema = Trainer::new(task, &train, &device, model, begun)?.run(report)?;
    let dir = options.train.out.join("classifier");
    classifier::save(&ema, &dir)?;
    say!("wrote {}; test accuracy {:.2} %", dir.display(), 100.0 * accuracy(&ema, &test, &plain))
}

/// What makes the classifier, as it is kept with the checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Making {
    seed: Option<u64>,
    data: String,
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
