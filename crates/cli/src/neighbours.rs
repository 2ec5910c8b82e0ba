//! `dit neighbours`: are samples copies of training pictures? Each beside the training picture that is nearest.

use super::device::DeviceChoice;
use super::image::{self, Picture};
use super::output::{progress, say};
use super::parallel;
use super::targets;
use anyhow::{Result, ensure};
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Model, Noise, Request, Run};
use ditscope_data::{Split, load_pictures};
use ditscope_train::Dataset;
use std::path::PathBuf;

/// Options of `dit neighbours`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:
  dit neighbours --model assets/models/fashion --data /usr/share/datasets/fashion-mnist --out neighbours.png")]
pub struct NeighboursOptions {
    /// Folder of the model
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Folder with the data set that it was trained on
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Samples, spread evenly over the classes; as many held-out pictures are compared
    #[arg(long, default_value_t = 200)]
    pub samples: usize,
    /// Number of steps of each sample
    #[arg(long, default_value_t = 30)]
    pub steps: usize,
    /// How strongly the class steers [default: the model's]
    #[arg(long, allow_hyphen_values = true)]
    pub guidance_scale: Option<f64>,
    /// PNG with pairs: a sample, and right of it its nearest training picture
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What computes
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,
}

/// Measures, says how near samples and held-out pictures come to the training set, and draws pairs.
///
/// # Errors
/// Bad options, files that cannot be read or written, a model of other pictures.
pub fn run(options: &NeighboursOptions) -> Result<()> {
    ensure!(options.samples > 0, "--samples 0: use a positive number");
    options.out.as_ref().map_or(Ok(()), |out| targets::check("--out", out, "png"))?;
    let device = options.device.device();
    let model = options.device.load(&options.model)?;
    let train = load_pictures(&options.data, Split::Train)?;
    let test = load_pictures(&options.data, Split::Test)?.first(options.samples);
    ensure!(
        (model.config.image_channels(), model.config.image_size()) == (train.info.channels, train.info.side),
        "{} makes pictures of another size or colour than {} has",
        model.config.name,
        train.info.name
    );
    let threads = options.device.threads();
    let samples = sample(options, &model)?;
    // Through the autoencoder, as samples are: a blurred picture is nearer to everything.
    let held_out = match model.autoencoder.as_ref().and_then(|autoencoder| autoencoder.with_encoder()) {
        Some(autoencoder) => {
            let pictures = test.batch(&(0..test.len()).collect::<Vec<_>>(), |_| false, &device);
            image::pictures(autoencoder.decode(autoencoder.encode(pictures)).clamp(-1.0, 1.0))
        }
        None => image::pictures(test.batch(&(0..test.len()).collect::<Vec<_>>(), |_| false, &device)),
    };
    let of_samples = nearest(&samples, &train, threads);
    let of_held_out = nearest(&held_out, &train, threads);
    let distances = |found: &[(f64, usize)]| found.iter().map(|(distance, _)| *distance).collect::<Vec<_>>();
    let verdict = Verdict::new(distances(&of_samples), distances(&of_held_out));
    say!("distance to the nearest of {} training pictures (root mean square of 0 to 255)", train.len())?;
    say!("  {} samples: median {:.2}, least {:.2}", samples.len(), verdict.samples.1, verdict.samples.0)?;
    say!("  {} held-out pictures: median {:.2}, least {:.2}", held_out.len(), verdict.held_out.1, verdict.held_out.0)?;
    say!("  samples nearer than all but 1 % of the held-out pictures: {:.1} %", 100.0 * verdict.suspicious)?;
    if let Some(out) = &options.out {
        pairs(&samples, &of_samples, &train).save_png(out)?;
        say!("wrote {}", out.display())?;
    }
    Ok(())
}

fn sample(options: &NeighboursOptions, model: &Model) -> Result<Vec<Picture>> {
    const BATCH: usize = 50;
    let indices: Vec<usize> = (0..options.samples).collect();
    let chunks: Vec<&[usize]> = indices.chunks(BATCH).collect();
    let made = parallel::map(options.device.threads(), chunks.len(), |i| -> Result<Vec<Picture>> {
        let request = Request {
            classes: chunks[i].iter().map(|i| i % model.config.labels.len()).collect(),
            noise: Noise::Seeded(chunks[i].iter().map(|i| *i as u64).collect()),
            guidance_scales: vec![options.guidance_scale.unwrap_or(model.config.defaults.guidance_scale)],
            guidance_channels: None,
            sampler: SamplerConfig::new(model.config.scheduler.prediction_type.samplers()[0], options.steps),
            start: None,
        };
        let mut run = Run::new(model, request)?;
        while !run.is_done() {
            run.step()?;
        }
        Ok(image::pictures(model.decode(run.x_t().clone())))
    });
    Ok(made.into_iter().collect::<Result<Vec<_>>>()?.concat())
}

/// Of each picture the nearest training picture or mirror image: its distance and its number.
fn nearest(pictures: &[Picture], train: &Dataset, threads: usize) -> Vec<(f64, usize)> {
    let bar = progress(pictures.len());
    let found = parallel::map(threads, pictures.len(), |i| {
        let picture = planes(&pictures[i]);
        let mirrored = if train.info.mirror { Some(mirror(&picture, train.info.side)) } else { None };
        let mut best = (u64::MAX, 0);
        for index in 0..train.len() {
            for picture in [&picture].into_iter().chain(&mirrored) {
                let distance = squares(picture, train.pixels(index), best.0);
                if distance < best.0 {
                    best = (distance, index);
                }
            }
        }
        bar.inc(1);
        ((best.0 as f64 / picture.len() as f64).sqrt(), best.1)
    });
    bar.finish_and_clear();
    found
}

/// Interleaved → `[C, H, W]`, as data sets have it.
fn planes(picture: &Picture) -> Vec<u8> {
    (0..picture.channels).flat_map(|c| picture.pixels.iter().skip(c).step_by(picture.channels).copied()).collect()
}

fn mirror(planes: &[u8], side: usize) -> Vec<u8> {
    planes.chunks_exact(side).flat_map(|row| row.iter().rev().copied()).collect()
}

/// The sum of the squared differences, or of the first of them where that is more than `most` already.
fn squares(a: &[u8], b: &[u8], most: u64) -> u64 {
    // Their sum has room in 32 bits, which makes the loop several times as fast as 64.
    const AT_ONCE: usize = 1024;
    let mut sum = 0;
    for (a, b) in a.chunks(AT_ONCE).zip(b.chunks(AT_ONCE)) {
        sum += u64::from(a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum::<u32>());
        if sum > most {
            break;
        }
    }
    sum
}

/// How near samples come to the training set, beside pictures that cannot be copies.
struct Verdict {
    /// Least and median distance.
    samples: (f64, f64),
    held_out: (f64, f64),
    /// Share of samples that are nearer than the nearest 1 % of held-out pictures; 0.01 is to be expected.
    suspicious: f64,
}

impl Verdict {
    fn new(mut samples: Vec<f64>, mut held_out: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        held_out.sort_by(f64::total_cmp);
        let limit = held_out[held_out.len() / 100];
        let suspicious = samples.iter().filter(|distance| **distance < limit).count() as f64 / samples.len() as f64;
        let both = |sorted: &[f64]| (sorted[0], sorted[sorted.len() / 2]);
        Self { samples: both(&samples), held_out: both(&held_out), suspicious }
    }
}

/// The first samples of each class, each beside its neighbour.
fn pairs(samples: &[Picture], nearest: &[(f64, usize)], train: &Dataset) -> Picture {
    const PAIRS: usize = 40;
    let (channels, side) = (train.info.channels, train.info.side);
    let interleaved = |index: usize| {
        let pixels = train.pixels(index);
        let pixels = (0..side * side).flat_map(|i| (0..channels).map(move |c| pixels[c * side * side + i]));
        Picture { width: side, height: side, channels, pixels: pixels.collect() }
    };
    let both = samples.iter().zip(nearest).take(PAIRS).flat_map(|(sample, (_, at))| [sample.clone(), interleaved(*at)]);
    image::grid(&both.collect::<Vec<_>>(), 8, 2).enlarged(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_suspicious_and_new_pictures_are_not() {
        let held_out: Vec<f64> = (0..200).map(|i| 10.0 + f64::from(i) * 0.1).collect();
        let alike = Verdict::new(held_out.clone(), held_out.clone());
        assert!(alike.suspicious <= 0.01, "{}", alike.suspicious);
        assert_eq!(alike.samples, alike.held_out);
        let copies = Verdict::new(vec![0.5; 50], held_out);
        assert_eq!((copies.suspicious, copies.samples), (1.0, (0.5, 0.5)));
    }

    #[test]
    fn a_training_picture_and_its_mirror_image_are_found() {
        let info = ditscope_train::DatasetInfo {
            name: "Dots".into(),
            channels: 1,
            side: 2,
            labels: vec!["dot".into()],
            mirror: true,
            audio: None,
            text: None,
            license: "CC0-1.0".into(),
        };
        let train = Dataset { info, images: vec![9, 0, 0, 0, 0, 0, 200, 0], labels: vec![0, 0] };
        let picture = |pixels: [u8; 4]| Picture { width: 2, height: 2, channels: 1, pixels: pixels.to_vec() };
        let found = nearest(&[picture([0, 0, 0, 200]), picture([7, 0, 0, 0])], &train, 1);
        assert_eq!(found, [(0.0, 1), (1.0, 0)]);
    }

    #[test]
    fn a_distance_is_exact_up_to_the_most_that_is_asked_for() {
        let (a, b) = (vec![255; 3000], vec![0; 3000]);
        let all = 3000 * 255 * 255;
        assert_eq!(squares(&a, &b, u64::MAX), all);
        assert_eq!(squares(&a, &b, all), all);
        assert!((2..all).contains(&squares(&a, &b, 1)), "beyond the most, and not the rest");
    }
}
