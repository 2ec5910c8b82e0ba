//! `dit data latents`: training latents of a model in 8 bits, small enough to be shipped with it, for training in the page.

use super::device::DeviceChoice;
use super::eval::check_fit;
use super::output::say;
use super::train::encode_latents;
use anyhow::{Result, bail, ensure};
use ditscope_data::{Split, load_pictures};
use ditscope_model_dir::{self as model_dir, write_file};
use ditscope_tensor_file::{LATENTS_DATA, LATENTS_FILE, LatentSet, LatentsInfo};
use ditscope_train::{Dataset, DatasetInfo};
use std::path::PathBuf;

/// Options of `dit data latents`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:
  dit data latents --model assets/models/fashion --data /usr/share/datasets/fashion-mnist --out assets/models/fashion

It writes latents.json, which says what they are, and latents.bin with the numbers. 'dit train dit --latents DIR' trains on \
them, and so does the page.")]
pub struct LatentsOptions {
    /// Folder of the model whose autoencoder makes them
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Folder with the data set
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// How many pictures, the first of each class, as many of each
    #[arg(long, value_name = "N", default_value_t = 4000)]
    pub count: usize,
    /// Folder for the two files
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// What computes
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,
}

/// Encodes pictures and writes their latents.
///
/// # Errors
/// Names the file that is wrong or could not be written, or the class that has too few pictures.
pub fn run(options: &LatentsOptions) -> Result<()> {
    let device = options.device.device();
    let config = model_dir::read_config(&options.model)?;
    let (_, autoencoder) = model_dir::load_trainable_autoencoder(&options.model, &device)?;
    let data = first_of_each_class(load_pictures(&options.data, Split::Train)?, options.count)?;
    check_fit(&config, &data.info)?;
    let mut latents = encode_latents(&data, &autoencoder, &device, options.device.threads(), &|_| {});
    latents.standardize(&config.latents);
    let info = LatentsInfo {
        data: data.info.name.clone(),
        license: data.info.license.clone(),
        count: data.len(),
        shape: latents.shape(),
        num_classes: config.labels.len(),
        mean: config.latents.mean.clone(),
        std: config.latents.std.clone(),
        scales: vec![],
        rms_error: 0.0,
        clamped: 0.0,
    };
    let set = LatentSet::round(info, data.labels, latents.values())?;
    std::fs::create_dir_all(&options.out)?;
    write_file(&options.out.join(LATENTS_DATA), &set.data())?;
    write_file(&options.out.join(LATENTS_FILE), set.description().as_bytes())?;
    say!(
        "wrote {}: {} latents, {} bytes; 8 bits cost {:.4} σ (root mean square), {:.4} % of the numbers were brought into the range",
        options.out.join(LATENTS_DATA).display(),
        set.info.count,
        set.data().len(),
        set.info.rms_error,
        100.0 * set.info.clamped
    )
}

/// The first pictures of each class, as many of each, in the order of the file; without their mirror images.
fn first_of_each_class(data: Dataset, count: usize) -> Result<Dataset> {
    let classes = data.info.labels.len();
    ensure!(count >= classes && count.is_multiple_of(classes), "--count {count}: use a multiple of {classes}");
    let each = count / classes;
    let mut found = vec![0; classes];
    let mut chosen =
        Dataset { info: DatasetInfo { mirror: false, ..data.info.clone() }, images: vec![], labels: vec![] };
    for (i, label) in data.labels.iter().enumerate() {
        let found = &mut found[usize::from(*label)];
        if *found < each {
            *found += 1;
            chosen.images.extend_from_slice(data.pixels(i));
            chosen.labels.push(*label);
        }
    }
    match found.iter().position(|found| *found < each) {
        Some(class) => {
            bail!("class {class} has {} pictures: use --count {} or fewer", found[class], found[class] * classes)
        }
        None => Ok(chosen),
    }
}
