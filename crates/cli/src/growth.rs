//! `dit data growth`: how a model's pictures grew during its training, as two small files for the page.

use super::image::Picture;
use super::output::say;
use super::train::growth;
use super::{classes, targets};
use anyhow::{Context, Result, bail, ensure};
use ditscope_config::Growth;
use ditscope_model_dir::{read_file, write_file, write_json};
use ditscope_train::{is_moment, mean_losses};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ExtendedColorType};
use std::path::{Path, PathBuf};

/// What the page fetches.
pub const OUTLINE: &str = "growth.json";
pub const SHEET: &str = "growth.jpg";

/// JPEG's qualities that are tried: the first that is small enough is taken. A palette would make drawings of 64 pixels half as
/// large again, and shows in the blurred predictions.
const QUALITIES: [u8; 6] = [95, 90, 85, 80, 70, 60];

/// Options of `dit data growth`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:
  dit train dit --data DATA --autoencoder runs/autoencoder --out runs/dit
  dit data growth --run runs/dit --out assets/runs/fashion

'dit train dit' keeps pictures of up to eight classes at the steps 0, 1, 2, 4, 8 and so on and at the last one, always with the same \
seeds: samples of the averaged weights (EMA), and what they were on the way through t.")]
pub struct GrowthOptions {
    /// Output folder of 'dit train dit'
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    /// Folder that gets growth.json and growth.jpg: where a model's recorded run lies
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Class numbers or names, separated by commas [default: of those that were kept, the first that there is room for]
    #[arg(long)]
    pub class: Vec<String>,
    /// Most kilobytes of the pictures: their quality is chosen by it
    #[arg(long, value_name = "N", default_value_t = 380)]
    pub kilobytes: usize,
    /// The run trained the network of the shipped model again, and not its weights: the page says so
    #[arg(long)]
    pub repeated: bool,
}

/// Packs what a training kept.
///
/// # Errors
/// Names the file that is missing, wrong or could not be written, or what does not fit.
pub fn run(options: &GrowthOptions) -> Result<()> {
    let GrowthOptions { run, out, .. } = options;
    let (kept, files) = growth::read(run)?;
    let last = files.last().map_or(0, |(step, _)| *step);
    // A training that went on past an earlier end left that one, too.
    let files: Vec<_> = files.into_iter().filter(|(step, _)| is_moment(*step) || *step == last).collect();
    ensure!(files.len() > 1, "{}: the training has kept fewer than two moments so far: let it go on", run.display());
    let rows = classes::parse(&options.class, &kept.labels)?;
    let (rows, jpeg, quality) = packed(options, &kept, rows, &files)?;
    let growth = Growth {
        labels: rows.iter().map(|row| kept.labels[*row].clone()).collect(),
        classes: rows.iter().map(|row| kept.classes[*row]).collect(),
        seeds: rows.iter().map(|row| kept.seeds[*row]).collect(),
        steps: files.iter().map(|(step, _)| *step).collect(),
        loss: losses(&run.join("log.csv"))?,
        repeated: options.repeated,
        ..kept
    };
    std::fs::create_dir_all(out).with_context(|| format!("{}: cannot create the folder", out.display()))?;
    targets::check("--out", &out.join(OUTLINE), "json")?;
    write_file(&out.join(SHEET), &jpeg)?;
    write_json(&out.join(OUTLINE), &growth)?;
    let (moments, classes, kilobytes) = (growth.steps.len(), rows.len(), jpeg.len().div_ceil(1000));
    say!("wrote {} ({moments} moments to step {last}, {classes} classes)", out.join(OUTLINE).display())?;
    say!("wrote {} ({kilobytes} kB, quality {quality})", out.join(SHEET).display())
}

/// The rows that there is room for, their pictures as a JPEG, and its quality. Rows that were asked for are all taken.
fn packed(
    options: &GrowthOptions,
    kept: &Growth,
    asked: Vec<usize>,
    files: &[(usize, PathBuf)],
) -> Result<(Vec<usize>, Vec<u8>, u8)> {
    let all: Vec<usize> = (0..kept.labels.len()).collect();
    let (rows, fewest) = if asked.is_empty() { (all, 1) } else { (asked.clone(), asked.len()) };
    let mut smallest = 0;
    for count in (fewest..=rows.len()).rev() {
        let sheet = sheet(kept, &rows[..count], files)?;
        for quality in QUALITIES {
            let jpeg = jpeg(&sheet, quality)?;
            if jpeg.len() <= options.kilobytes * 1000 {
                return Ok((rows[..count].to_vec(), jpeg, quality));
            }
            smallest = jpeg.len().div_ceil(1000);
        }
    }
    bail!(
        "the pictures take {smallest} kB, more than --kilobytes {}: name fewer classes with --class, or allow more",
        options.kilobytes
    )
}

/// A row for each moment: for each class the pictures of its run.
fn sheet(kept: &Growth, rows: &[usize], files: &[(usize, PathBuf)]) -> Result<Picture> {
    let run = kept.places() * kept.width;
    let mut sheet = DynamicImage::new_rgb8((rows.len() * run) as u32, (files.len() * kept.height) as u32);
    let mut is_gray = true;
    for (moment, (_, path)) in files.iter().enumerate() {
        let name = path.display();
        let picture = image::load_from_memory(&read_file(path)?).with_context(|| format!("{name}: not a PNG"))?;
        let (width, height) = (run as u32, (kept.labels.len() * kept.height) as u32);
        ensure!(
            (picture.width(), picture.height()) == (width, height),
            "{name}: it has {}x{} pixels, and those of this training have {width}x{height}. Remove it",
            picture.width(),
            picture.height()
        );
        is_gray &= !picture.color().has_color();
        for (column, row) in rows.iter().enumerate() {
            let strip = picture.crop_imm(0, (row * kept.height) as u32, width, kept.height as u32);
            image::imageops::replace(&mut sheet, &strip, (column * run) as i64, (moment * kept.height) as i64);
        }
    }
    let (width, height) = (sheet.width() as usize, sheet.height() as usize);
    let (channels, pixels) =
        if is_gray { (1, sheet.into_luma8().into_raw()) } else { (3, sheet.into_rgb8().into_raw()) };
    Ok(Picture { width, height, channels, pixels })
}

fn jpeg(sheet: &Picture, quality: u8) -> Result<Vec<u8>> {
    let color = if sheet.channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let (width, height, mut jpeg) = (sheet.width as u32, sheet.height as u32, Vec::new());
    let encoded = JpegEncoder::new_with_quality(&mut jpeg, quality).encode(&sheet.pixels, width, height, color);
    encoded.context("encoding a JPEG")?;
    Ok(jpeg)
}

/// The loss of the training's log, on a log scale.
fn losses(log: &Path) -> Result<Vec<(usize, f64)>> {
    let text = String::from_utf8_lossy(&read_file(log)?).into_owned();
    let line = |line: &str| {
        let mut cells = line.split(',');
        Some((cells.next()?.parse().ok()?, cells.nth(1)?.parse().ok()?))
    };
    let rounded = |(step, loss): (usize, f64)| (step, (loss * 1e5).round() / 1e5);
    let losses: Vec<_> =
        mean_losses(&text.lines().filter_map(line).collect::<Vec<_>>()).into_iter().map(rounded).collect();
    ensure!(!losses.is_empty(), "{}: no step in it", log.display());
    Ok(losses)
}
