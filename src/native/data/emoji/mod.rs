//! `dit data emoji`: a data set of emojis in colour, drawn from the SVGs of several open sets.

mod attribution;
mod classes;
mod names;
mod render;
mod sets;

use super::{Dataset, DatasetInfo, Split};
use crate::native::model_dir::{read_file, write_file};
use anyhow::{Context, Result, ensure};
use names::EmojiTable;
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use sets::{Icon, IconSet};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Side of the pictures.
const SIDE: usize = 64;

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

/// An icon that has a class.
struct Member<'a> {
    set: &'a IconSet,
    icon: &'a Icon,
    label: u8,
    split: Split,
}

/// A member and its pixels, `[3, 64, 64]`.
type Drawn<'a> = (Member<'a>, Vec<u8>);

/// Draws the emojis that have a class and writes both parts of the data set and its attribution.
///
/// # Errors
/// A package that is missing, damaged or under another licence; a class without pictures; files that cannot be
/// written. An icon that cannot be drawn is named, left out and counted.
pub fn run(options: &EmojiOptions) -> Result<()> {
    let table = EmojiTable::load(&options.packages.join("emojibase-data"))?;
    let load = |name: &String| IconSet::load(&options.packages.join("@iconify-json").join(name));
    let sets: Vec<IconSet> = options.sets.iter().map(load).collect::<Result<_>>()?;
    ensure!(!sets.is_empty(), "--sets is empty: name one or more");

    let members = members(&sets, &table);
    let count = members.len();
    let drawn = draw(members);
    let failed = count - drawn.len();
    let drawn = without_doubles(drawn);
    let doubles = count - failed - drawn.len();

    let info = DatasetInfo {
        name: format!("Emoji-{SIDE}"),
        channels: 3,
        side: SIDE,
        labels: classes::labels(),
        mirror: true,
        license: attribution::licenses(&sets),
        audio: None,
    };
    let [train, test] = [Split::Train, Split::Test].map(|split| part(&info, &drawn, split));
    print_counts(&train, &test);
    println!("{failed} icons could not be drawn, {doubles} looked exactly like another and were left out");
    for (part, split) in [(&train, Split::Train), (&test, Split::Test)] {
        for (class, label) in info.labels.iter().enumerate() {
            ensure!(count_of(part, class) > 0, "no picture of class {label} for {split:?}: use more --sets");
        }
    }
    train.save(&options.out, Split::Train)?;
    test.save(&options.out, Split::Test)?;
    write_file(&options.out.join("ATTRIBUTION.md"), attribution::markdown(&sets).as_bytes())?;
    println!("wrote {}", options.out.display());
    Ok(())
}

/// The icons of all sets that show an emoji with a class.
fn members<'a>(sets: &'a [IconSet], table: &EmojiTable) -> Vec<Member<'a>> {
    let assigned = classes::assign(table);
    let icons = sets.iter().flat_map(|set| set.icons.iter().map(move |icon| (set, icon)));
    icons
        .filter_map(|(set, icon)| {
            let (label, split) = *assigned.get(&table.find(&icon.name)?.code)?;
            Some(Member { set, icon, label, split })
        })
        .collect()
}

/// What can be drawn; what cannot is told.
fn draw(members: Vec<Member>) -> Vec<Drawn> {
    let drawn = members.into_par_iter().filter_map(|member| match render::render(member.icon, SIDE) {
        Ok(pixels) => Some((member, pixels)),
        Err(error) => {
            eprintln!("left out {}:{}: {error:#}", member.set.info.prefix, member.icon.name);
            None
        }
    });
    drawn.collect()
}

/// Some emojis share one picture (the flags of Norway and of Bouvet Island); a test picture must not be one that
/// was trained on.
fn without_doubles(drawn: Vec<Drawn>) -> Vec<Drawn> {
    let mut seen = HashSet::new();
    let first: Vec<bool> = drawn.iter().map(|(_, pixels)| seen.insert(pixels.clone())).collect();
    drawn.into_iter().zip(first).filter_map(|(picture, first)| first.then_some(picture)).collect()
}

fn part(info: &DatasetInfo, drawn: &[Drawn], split: Split) -> Dataset {
    let of_split = || drawn.iter().filter(|(member, _)| member.split == split);
    Dataset {
        info: info.clone(),
        images: of_split().flat_map(|(_, pixels)| pixels).copied().collect(),
        labels: of_split().map(|(member, _)| member.label).collect(),
    }
}

fn count_of(part: &Dataset, class: usize) -> usize {
    part.labels.iter().filter(|label| usize::from(**label) == class).count()
}

fn print_counts(train: &Dataset, test: &Dataset) {
    let line = |name: &str, train: usize, test: usize| println!("{name:<12} {train:>6} {test:>6}");
    println!("{:<12} {:>6} {:>6}", "class", "train", "test");
    for (class, label) in train.info.labels.iter().enumerate() {
        line(label, count_of(train, class), count_of(test, class));
    }
    line("all", train.len(), test.len());
}

/// # Errors
/// Names the file: missing, or not what is expected there.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes =
        read_file(path).context("--packages wants the node_modules folder that 'dit data emoji --help' makes")?;
    serde_json::from_slice(&bytes).with_context(|| format!("{}: not the JSON file expected here", path.display()))
}
