//! A data set of drawn faces in colour: a class is a style of drawing.
//!
//! `tools/avatars/faces.mjs` draws the faces as SVGs from seeds, and what it writes is read here line by line.

mod lines;

use crate::markdown::{cell, licenses, link};
use crate::raster::rasterise;
use crate::{Dataset, DatasetInfo, Split, class_without_pictures, save};
use anyhow::{Context, Result, bail, ensure};
use ditscope_model_dir::write_file;
use lines::{Face, Line, Style};
use rayon::prelude::*;
use std::collections::HashSet;
use std::fmt::Write;
use std::io::BufRead;
use std::path::PathBuf;

/// Side of the pictures.
const SIDE: usize = 64;

/// SVGs that are drawn side by side.
const AT_ONCE: usize = 1024;

/// What to draw, and where to.
pub struct Plan<R> {
    /// What `faces.mjs` wrote.
    pub faces: R,
    /// Folder for the data set.
    pub out: PathBuf,
}

/// What was drawn.
#[derive(Debug)]
pub struct Made {
    pub train: Dataset,
    pub test: Dataset,
    /// Faces that looked exactly like an earlier one.
    pub doubles: usize,
}

/// Draws the faces and writes both parts of the data set and its attribution.
///
/// No face of the test is one of the training: seeds differ, and of faces that look alike to the pixel only the first is
/// kept, training first.
///
/// # Errors
/// Names the line that is not what is expected, or the face that cannot be drawn; a style under a licence that asks for
/// more than attribution; a part without a face of some style; files that cannot be written.
pub fn make(plan: Plan<impl BufRead>) -> Result<Made> {
    let mut styles: Vec<Style> = Vec::new();
    let mut parts = [Part::default(), Part::default()];
    let mut waiting: Vec<Face> = Vec::new();
    let mut seen = HashSet::new();
    let mut doubles = 0;
    let mut draw = |waiting: &mut Vec<Face>| -> Result<()> {
        let drawn: Result<Vec<_>> = waiting.par_drain(..).map(Face::drawn).collect();
        for (face, pixels) in drawn? {
            match seen.insert(pixels.clone()) {
                true => parts[usize::from(face.split == Split::Test)].add(face.class, &pixels),
                false => doubles += 1,
            }
        }
        Ok(())
    };
    for (number, line) in plan.faces.lines().enumerate() {
        let line = line.context("the faces cannot be read")?;
        match Line::read(&line, &styles).with_context(|| format!("line {}", number + 1))? {
            Line::Style(style) => styles.push(style),
            Line::Face(face) => waiting.push(face),
        }
        if waiting.len() == AT_ONCE {
            draw(&mut waiting)?;
        }
    }
    draw(&mut waiting)?;

    let info = DatasetInfo {
        name: format!("Avatars-{SIDE}"),
        channels: 3,
        side: SIDE,
        labels: styles.iter().map(|style| style.name.clone()).collect(),
        mirror: false,
        license: licenses(styles.iter().map(Style::spdx)),
        audio: None,
        text: None,
    };
    let [train, test] = parts.map(|Part { images, labels }| Dataset { info: info.clone(), images, labels });
    for (part, name) in [(&train, "training"), (&test, "test")] {
        if let Some(label) = class_without_pictures(part) {
            bail!("no {name} face of the style {label}: draw more of each");
        }
    }
    ensure!(!styles.is_empty(), "there is no style in it: it wants the lines that tools/avatars/faces.mjs writes");
    save(&train, &plan.out, Split::Train)?;
    save(&test, &plan.out, Split::Test)?;
    write_file(&plan.out.join("ATTRIBUTION.md"), attribution(&styles).as_bytes())?;
    Ok(Made { train, test, doubles })
}

/// One part of the data set as it grows.
#[derive(Default)]
struct Part {
    images: Vec<u8>,
    labels: Vec<u8>,
}

impl Part {
    fn add(&mut self, class: u8, pixels: &[u8]) {
        self.images.extend_from_slice(pixels);
        self.labels.push(class);
    }
}

impl Face {
    /// The face and its pixels, `[3, 64, 64]`.
    fn drawn(self) -> Result<(Self, Vec<u8>)> {
        let pixels = rasterise(&self.svg, SIDE).with_context(|| format!("the face {:?}", self.seed))?;
        Ok((self, pixels))
    }
}

/// Every style with its author, its licence and the version used.
fn attribution(styles: &[Style]) -> String {
    let mut text = String::from(
        "# Attribution\n\n\
         The faces of this data set were put together by DiceBear from seeds, on white, and drawn with resvg, 64x64 pixels.\n\
         Nothing else was changed.\n\n\
         | class | package | work | author | licence |\n|---|---|---|---|---|\n",
    );
    for style in styles {
        let _ = writeln!(
            text,
            "| {} | {} {} | {} | {} | {} |",
            cell(&style.name),
            cell(&style.package),
            cell(&style.version),
            link(&style.title, &style.source),
            link(&style.creator, &style.homepage),
            link(&style.license.name, &style.license.url),
        );
    }
    let core = styles.first().map_or("", |style| &style.core);
    let _ = writeln!(text, "\nPut together by @dicebear/core {core} (MIT, © Florian Körner).");
    text
}
