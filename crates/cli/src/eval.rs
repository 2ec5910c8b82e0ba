//! `dit eval`: class accuracy and Fréchet distance of generated samples; `eval_words` has what is measured of words.

use super::classifier;
use super::device::DeviceChoice;
use super::eval_words;
use super::frechet::Gaussian;
use super::output::{progress, say};
use super::parallel;
use super::path_length::Paths;
use super::targets;
use super::train::encode_latents;
use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{Device, Tensor};
use ditscope_config::{DitConfig, EvalReport, EvalRow, ModelConfig, SamplerKind, Savings};
use ditscope_core::diffusion::sampler::{Sampler, SamplerConfig};
use ditscope_core::dit::BlockCache;
use ditscope_core::generate::{Model, Noise, Request, Run};
use ditscope_data::{Split, load};
use ditscope_model_dir::{self as model_dir, write_json};
use ditscope_train::DitTask;
use ditscope_train::{Classifier, Dataset, DatasetInfo, NUM_FEATURES};
use pollster::block_on;
use serde::Serialize;
use std::path::PathBuf;

/// Options of `dit eval`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  dit eval --model assets/models/fashion --classifier assets/classifier --data data/fashion-mnist \\
    --guidance-scales 1,2,4 --steps 10,30 --samples 2000 --json eval.json
  dit eval --model runs/dit/model --classifier runs/classifier/classifier --data data/fashion-mnist --samples 200 --steps 10

How long: every sampler, number of steps, guidance scale and cache interval gives a line of the table. On two cores a line of \
1000 pictures with 30 steps takes a few minutes for a model like the shipped ones, and with guidance twice as long as \
without; a distance of fewer than 1000 pictures says little.

A model of words is measured without a classifier: by letter models of the training words (accuracy: the 4-grams of which \
country find a name likeliest; likely: more so by its country's 3-grams than a twentieth of the test names; new: in no part \
of the data set).

Where the result lies: the table is printed, a line as soon as it is measured; --json FILE has the same at the end.")]
pub struct EvalOptions {
    /// Folder of the model
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Folder of the classifier; words need none
    #[arg(long, value_name = "DIR", default_value = "assets/classifier")]
    pub classifier: PathBuf,
    /// Folder with the data set
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// How strongly the class steers, separated by commas: a line for each; 1 is without guidance
    #[arg(long, value_delimiter = ',', default_value = "1,2,4", allow_hyphen_values = true)]
    pub guidance_scales: Vec<f64>,
    /// Numbers of steps, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "30")]
    pub steps: Vec<usize>,
    /// ddim, ddpm, dpm++ or unipc, of flow models euler or heun, separated by commas [default: ddim or euler]
    #[arg(long, value_delimiter = ',')]
    pub samplers: Vec<SamplerKind>,
    /// Guide only where the timestep's share of the process lies between these two (0 is clean, 1 is noise)
    #[arg(long, value_delimiter = ',', num_args = 1, value_name = "FROM,TO", allow_hyphen_values = true)]
    pub guidance_interval: Vec<f64>,
    /// Compute the middle blocks every so many steps and use their change again in between
    #[arg(long, value_delimiter = ',', value_name = "STEPS", default_value = "1")]
    pub cache_intervals: Vec<usize>,
    /// Pictures for each line of the table, spread evenly over the classes
    #[arg(long, default_value_t = 1000)]
    pub samples: usize,
    /// Pictures generated at a time
    #[arg(long, default_value_t = 50)]
    pub batch_size: usize,
    /// Seed of the first picture
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Write the table as JSON too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// What computes
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,
}

impl EvalOptions {
    fn savings(&self) -> Result<Vec<Savings>> {
        let guidance_interval = match self.guidance_interval[..] {
            [] => None,
            [from, to] => Some([from, to]),
            _ => bail!("--guidance-interval: use two numbers, like 0.1,0.8"),
        };
        let all = self.cache_intervals.iter().map(|cache_interval| {
            let savings = Savings { guidance_interval, cache_interval: *cache_interval };
            savings.validate().map(|()| savings)
        });
        Ok(all.collect::<Result<_, _>>()?)
    }
}

/// Measures and prints the table.
///
/// # Errors
/// Bad options, files that cannot be read or written.
pub fn run(options: &EvalOptions) -> Result<()> {
    ensure!(options.samples >= 2, "--samples {}: a distance needs at least 2", options.samples);
    ensure!(options.batch_size > 0, "--batch-size 0: use a positive number");
    ensure!(options.guidance_scales.iter().all(|s| s.is_finite()), "--guidance-scales: use finite numbers");
    options.json.as_ref().map_or(Ok(()), |path| targets::check("--json", path, "json"))?;
    let device = options.device.device();
    let model = options.device.load(&options.model)?;
    let train = load(&options.data, Split::Train)?;
    let test = load(&options.data, Split::Test)?;
    if train.info.text.is_some() {
        return eval_words::run(options, &model, &train, &test);
    }
    check_fit(&model.config, &train.info)?;
    let judge = Judge {
        classifier: classifier::load("--classifier", &options.classifier, &train.info, &device)?,
        device: device.clone(),
        threads: options.device.threads(),
    };
    ensure!(test.len() >= 2, "{} test pictures: a distance needs at least 2", test.len());
    let (real, test_classes) = judge.features(&test, &(0..test.len()).collect::<Vec<_>>());
    let right = test_classes.iter().zip(&test.labels).filter(|(a, b)| **a == usize::from(**b)).count();
    let reference = Gaussian::fit(&real, NUM_FEATURES);
    let spread = |len: usize| (0..options.samples).map(|i| i * len / options.samples).collect::<Vec<_>>();
    let (floor, _) = judge.features(&train, &spread(train.len()));
    let mut report = EvalReport {
        model: model.config.name.clone(),
        conditioning: model.config.transformer.conditioning,
        depth: model.config.transformer.depth,
        parameters: model.config.transformer.num_params(),
        weight_bytes: model_dir::read_index(&options.model)?.total_bytes(),
        pass_gflops: model.config.transformer.flops() as f64 / 2e9,
        loss: test_loss(&model, &test, options.device.threads()),
        samples: options.samples,
        classifier_accuracy: right as f64 / test.len() as f64,
        floor: Gaussian::fit(&floor, NUM_FEATURES).distance(&reference),
        reconstruction: judge
            .reconstructions(&model, &train, &spread(train.len()))
            .map(|features| Gaussian::fit(&features, NUM_FEATURES).distance(&reference)),
        rows: Vec::new(),
    };
    print_references(&report, test.len())?;
    say!("sampler  steps  guidance  cache  Gflops  accuracy  distance  path  seconds")?;
    for way in ways(options, model.config.scheduler.prediction_type.samplers()[0])? {
        let row = measure(options, &model, &judge, &reference, way)
            .with_context(|| format!("{} at {} steps", way.sampler.name(), way.steps))?;
        print_row(&row, way)?;
        report.rows.push(row);
    }
    options.json.as_ref().map_or(Ok(()), |path| write_json(path, &report))
}

/// Every way to sample that the options ask for.
pub fn ways(options: &EvalOptions, usual: SamplerKind) -> Result<Vec<Way>> {
    let mut ways = Vec::new();
    let samplers = if options.samplers.is_empty() { &vec![usual] } else { &options.samplers };
    for &sampler in samplers {
        for &steps in &options.steps {
            for &guidance_scale in &options.guidance_scales {
                let savings = options.savings()?.into_iter();
                ways.extend(savings.map(|savings| Way { sampler, steps, guidance_scale, savings }));
            }
        }
    }
    Ok(ways)
}

/// What the rows are to be compared with.
fn print_references(report: &EvalReport, test_pictures: usize) -> Result<()> {
    say!("classifier: {:.2} % of {} test pictures", 100.0 * report.classifier_accuracy, test_pictures)?;
    say!("Fréchet distance, {} training pictures: {:.3}", report.samples, report.floor)?;
    if let Some(distance) = report.reconstruction {
        say!("Fréchet distance, the same through the autoencoder: {distance:.3}")?;
    }
    if let Some(loss) = report.loss {
        say!("loss on test pictures: {loss:.5}")?;
    }
    Ok(())
}

fn print_row(row: &EvalRow, Way { sampler, guidance_scale, savings, .. }: Way) -> Result<()> {
    say!(
        "{:7}  {:5}  {:8.1}  {:5}  {:6.2}  {:7.1} %  {:8.3}  {:4}  {:7.1}",
        sampler.name(),
        row.steps,
        guidance_scale,
        savings.cache_interval,
        row.gflops,
        100.0 * row.class_accuracy,
        row.frechet_distance,
        row.path_length.map_or("–".into(), |length| format!("{length:.2}")),
        row.seconds
    )
}

/// The training loss on (some) test pictures.
fn test_loss(model: &Model, test: &Dataset, threads: usize) -> Option<f64> {
    const PICTURES: usize = 2000;
    let autoencoder = model.autoencoder.as_ref()?.with_encoder()?;
    let test = test.clone().first(PICTURES);
    let mut latents = encode_latents(&test, autoencoder, &model.device, threads, &|_| {});
    latents.standardize(&model.config.latents);
    let task = DitTask::new(&model.config, latents, test.labels, &model.device);
    Some(block_on(task.mean_loss(&model.dit)))
}

/// Whether these pictures are such as the model makes.
///
/// # Errors
/// Says what both are.
pub(crate) fn check_fit(config: &ModelConfig, data: &DatasetInfo) -> Result<()> {
    let (channels, side, classes) = (config.image_channels(), config.image_size(), config.labels.len());
    ensure!(
        (channels, side, classes) == (data.channels, data.side, data.labels.len()),
        "{}: {classes} classes of {channels}x{side}x{side} pictures, but {} has {} classes of {}x{}x{} pictures",
        config.name,
        data.name,
        data.labels.len(),
        data.channels,
        data.side,
        data.side
    );
    Ok(())
}

fn measure(options: &EvalOptions, model: &Model, judge: &Judge, reference: &Gaussian, way: Way) -> Result<EvalRow> {
    let Way { sampler, steps, guidance_scale, savings } = way;
    let started = std::time::Instant::now();
    let bar = progress(options.samples);
    let num_classes = model.config.labels.len();
    let indices: Vec<usize> = (0..options.samples).collect();
    let chunks: Vec<&[usize]> = indices.chunks(options.batch_size).collect();
    let judged = parallel::map(options.device.threads(), chunks.len(), |i| -> Result<Judged> {
        let classes: Vec<usize> = chunks[i].iter().map(|i| i % num_classes).collect();
        let request = Request {
            noise: Noise::Seeded(chunks[i].iter().map(|i| options.seed + *i as u64).collect()),
            classes: classes.clone(),
            guidance_scales: vec![guidance_scale],
            guidance_channels: None,
            sampler: SamplerConfig::new(sampler, steps),
            start: None,
        };
        let mut run = Run::new(model, request)?.with_savings(savings)?;
        let mut paths = Paths::from(run.x_t());
        while !run.is_done() {
            run.step()?;
            paths.go_on(run.x_t());
        }
        let (features, named) = judge.classifier.judge(model.decode(run.x_t().clone()));
        bar.inc(classes.len() as u64);
        let right = named.iter().zip(&classes).filter(|(a, b)| a == b).count();
        Ok(Judged { features, right, path_lengths: paths.ratios() })
    });
    let mut all = Judged::default();
    for chunk in judged {
        let Judged { features, right, path_lengths } = chunk?;
        all.features.extend(features);
        all.right += right;
        all.path_lengths.extend(path_lengths);
    }
    bar.finish_and_clear();
    Ok(EvalRow {
        sampler,
        steps,
        guidance_scale,
        savings,
        gflops: way.gflops(model)?,
        class_accuracy: all.right as f64 / options.samples as f64,
        frechet_distance: Gaussian::fit(&all.features, NUM_FEATURES).distance(reference),
        path_length: (sampler != SamplerKind::Ddpm)
            .then(|| all.path_lengths.iter().sum::<f64>() / options.samples as f64),
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// What is measured of some samples.
#[derive(Default)]
struct Judged {
    features: Vec<f32>,
    /// How many show their class.
    right: usize,
    path_lengths: Vec<f64>,
}

/// How pictures are made.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Way {
    pub sampler: SamplerKind,
    pub steps: usize,
    pub guidance_scale: f64,
    pub savings: Savings,
}

impl Way {
    /// Of the transformer, for one picture.
    fn gflops(&self, model: &Model) -> Result<f64> {
        let dit = &model.config.transformer;
        let sampler = Sampler::new(&model.config.scheduler, SamplerConfig::new(self.sampler, self.steps))?;
        let kept = dit.depth - BlockCache::passed_over(dit.depth).len();
        let (all, some) = (dit.flops(), DitConfig { depth: kept, ..dit.clone() }.flops());
        let flops = (0..sampler.num_steps()).map(|step| {
            let guides = self.savings.guides(sampler.timestep(step), model.config.scheduler.num_train_timesteps);
            let passes = if guides && self.guidance_scale != 1.0 { 2 } else { 1 };
            let times = if self.sampler == SamplerKind::Heun { 2 } else { 1 };
            times * passes * if self.savings.computes_all(step) { all } else { some }
        });
        Ok(flops.sum::<u64>() as f64 / 2e9)
    }
}

struct Judge {
    classifier: Classifier,
    device: Device,
    threads: usize,
}

impl Judge {
    /// Features and named classes of pictures of a data set.
    fn features(&self, data: &Dataset, indices: &[usize]) -> (Vec<f32>, Vec<usize>) {
        self.judge(data, indices, |images| images)
    }

    /// Features of pictures that went through the autoencoder; `None` for a model that cannot encode.
    fn reconstructions(&self, model: &Model, data: &Dataset, indices: &[usize]) -> Option<Vec<f32>> {
        let autoencoder = model.autoencoder.as_ref()?.with_encoder()?;
        let through = |images| autoencoder.decode(autoencoder.encode(images)).clamp(-1.0, 1.0);
        Some(self.judge(data, indices, through).0)
    }

    fn judge(
        &self,
        data: &Dataset,
        indices: &[usize],
        change: impl Fn(Tensor<4>) -> Tensor<4> + Sync,
    ) -> (Vec<f32>, Vec<usize>) {
        let chunks: Vec<&[usize]> = indices.chunks(100).collect();
        let judged = parallel::map(self.threads, chunks.len(), |i| {
            self.classifier.judge(change(data.batch(chunks[i], |_| false, &self.device)))
        });
        let (mut features, mut classes) = (Vec::new(), Vec::new());
        for (f, c) in judged {
            features.extend(f);
            classes.extend(c);
        }
        (features, classes)
    }
}
