//! `dit train classifier`: the small network that judges samples.

use super::trainer::{Task, TrainOptions, Trainer};
use crate::diffusion::noise;
use crate::native::classifier::Classifier;
use crate::native::data::{Dataset, Split};
use anyhow::Result;
use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;

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
    let data = Dataset::load(&options.train.data, Split::Train)?;
    let test = Dataset::load(&options.train.data, Split::Test)?;
    let plain = options.train.device.device();
    let device = plain.clone().autodiff();
    device.seed(options.train.seed);
    let model = Classifier::new(&data.info, &device);
    println!("classifier: {} parameters, {} training pictures", model.num_params(), data.len());
    let task = ClassifierTask { data, test, device: device.clone(), plain };
    let Some((ema, _)) = Trainer::new(&task, &options.train, &device, model)?.run()? else { return Ok(()) };
    let dir = options.train.out.join("classifier");
    ema.save(&dir)?;
    println!("wrote {}; test accuracy {:.2} %", dir.display(), 100.0 * task.accuracy(&ema));
    Ok(())
}

struct ClassifierTask {
    data: Dataset,
    test: Dataset,
    device: Device,
    plain: Device,
}

/// Pictures `[B, C, side, side]` and their classes `[B]`.
struct Batch {
    images: Tensor<4>,
    labels: Tensor<1, Int>,
}

impl Task for ClassifierTask {
    type Model = Classifier;
    type Batch = Batch;

    fn num_pictures(&self) -> usize {
        self.data.len()
    }

    fn batch(&self, indices: &[usize], rng: &mut ChaCha8Rng) -> Batch {
        let mirror = self.data.info.mirror;
        let flips: Vec<bool> = indices.iter().map(|_| noise::uniform(rng) < 0.5 && mirror).collect();
        let labels: Vec<i64> = indices.iter().map(|i| i64::from(self.data.labels[*i])).collect();
        Batch {
            images: self.data.batch(indices, |i| flips[i], &self.device),
            labels: Tensor::from_data(TensorData::new(labels, [indices.len()]), &self.device),
        }
    }

    fn loss(&self, model: &Classifier, batch: &Batch) -> Tensor<1> {
        let [count, _, _, _] = batch.images.dims();
        let (_, logits) = model.forward(batch.images.clone());
        let loss = CrossEntropyLossConfig::new().with_smoothing(Some(0.05)).init(&self.device);
        loss.forward(logits, batch.labels.clone()) * count as f64
    }

    fn sample(&self, ema: &Classifier, step: usize) -> Result<()> {
        eprintln!("\nstep {step}: test accuracy {:.2} %", 100.0 * self.accuracy(ema));
        Ok(())
    }
}

impl ClassifierTask {
    /// Share of the test pictures that are named right.
    fn accuracy(&self, model: &Classifier) -> f64 {
        let indices: Vec<usize> = (0..self.test.len()).collect();
        let right: usize = indices
            .chunks(500)
            .map(|chunk| {
                let (_, classes) = model.judge(self.test.batch(chunk, |_| false, &self.plain));
                chunk.iter().zip(classes).filter(|(i, class)| usize::from(self.test.labels[**i]) == *class).count()
            })
            .sum();
        right as f64 / self.test.len() as f64
    }
}
