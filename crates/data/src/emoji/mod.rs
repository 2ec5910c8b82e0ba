//! A data set of emojis in colour, drawn from the SVGs of several open sets.

mod attribution;
mod classes;
mod names;
mod render;
mod sets;

use super::{Dataset, DatasetInfo, Split, class_without_pictures, save};
use crate::markdown::licenses;
use anyhow::{Context, Result, bail, ensure};
use ditscope_model_dir::{read_file, write_file};
use names::EmojiTable;
use rayon::iter::Either;
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use sets::{Icon, IconSet};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Side of the pictures.
const SIDE: usize = 64;

/// What to draw, and where to.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Folder that npm installed into: it holds `@iconify-json/SET` and emojibase-data.
    pub packages: PathBuf,
    /// Folder for the data set.
    pub out: PathBuf,
    /// Sets to draw from; one whose licence asks for more than attribution is refused.
    pub sets: Vec<String>,
}

/// What was drawn.
#[derive(Debug, Clone)]
pub struct Made {
    pub train: Dataset,
    pub test: Dataset,
    /// Icons that could not be drawn, and why.
    pub left_out: Vec<String>,
    /// Icons that looked exactly like another.
    pub doubles: usize,
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
/// written. An icon that cannot be drawn is left out and named.
pub fn make(plan: &Plan) -> Result<Made> {
    let table = EmojiTable::load(&plan.packages.join("emojibase-data"))?;
    let load = |name: &String| IconSet::load(&plan.packages.join("@iconify-json").join(name));
    let sets: Vec<IconSet> = plan.sets.iter().map(load).collect::<Result<_>>()?;
    ensure!(!sets.is_empty(), "--sets is empty: name one or more");

    let (drawn, left_out) = draw(members(&sets, &table));
    let count = drawn.len();
    let drawn = without_doubles(drawn);
    let doubles = count - drawn.len();

    let info = DatasetInfo {
        name: format!("Emoji-{SIDE}"),
        channels: 3,
        side: SIDE,
        labels: classes::labels(),
        mirror: true,
        license: licenses(sets.iter().map(|set| set.info.license.spdx.as_str())),
        audio: None,
        text: None,
    };
    let [train, test] = [Split::Train, Split::Test].map(|split| part(&info, &drawn, split));
    for (part, split) in [(&train, Split::Train), (&test, Split::Test)] {
        if let Some(label) = class_without_pictures(part) {
            bail!("no picture of class {label} for {split:?}: use more --sets");
        }
    }
    save(&train, &plan.out, Split::Train)?;
    save(&test, &plan.out, Split::Test)?;
    write_file(&plan.out.join("ATTRIBUTION.md"), attribution::markdown(&sets).as_bytes())?;
    Ok(Made { train, test, left_out, doubles })
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

/// What can be drawn; and of the others, why not.
fn draw(members: Vec<Member>) -> (Vec<Drawn>, Vec<String>) {
    members.into_par_iter().partition_map(|member| match render::render(member.icon, SIDE) {
        Ok(pixels) => Either::Left((member, pixels)),
        Err(error) => Either::Right(format!("{}:{}: {error:#}", member.set.info.prefix, member.icon.name)),
    })
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

/// # Errors
/// Names the file: missing, or not what is expected there.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes =
        read_file(path).context("--packages wants the node_modules folder that 'dit data emoji --help' makes")?;
    serde_json::from_slice(&bytes).with_context(|| format!("{}: not the JSON file expected here", path.display()))
}
