//! The lines that `tools/avatars/faces.mjs` writes.

use crate::Split;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// Licences under which faces may be drawn and given on with attribution alone, as DiceBear and as SPDX name them.
const ALLOWED: [(&str, &str); 2] = [("CC0 1.0", "CC0-1.0"), ("CC BY 4.0", "CC-BY-4.0")];

pub enum Line {
    Style(Style),
    Face(Face),
}

/// A style and whose work it is.
#[derive(Debug, Deserialize)]
pub struct Style {
    #[serde(rename = "style")]
    pub name: String,
    pub package: String,
    pub version: String,
    /// Version of the package that puts faces together.
    pub core: String,
    pub title: String,
    pub creator: String,
    #[serde(default)]
    pub source: String,
    #[serde(default)]
    pub homepage: String,
    pub license: License,
}

#[derive(Debug, Deserialize)]
pub struct License {
    pub name: String,
    #[serde(default)]
    pub url: String,
}

/// A face that is to be drawn.
pub struct Face {
    pub class: u8,
    pub split: Split,
    pub seed: String,
    pub svg: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Read {
    Face { face: String, seed: String, split: Part, svg: String },
    Style(Style),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Part {
    Train,
    Test,
}

impl Style {
    /// Its licence as SPDX names it; empty for one that is not allowed.
    pub fn spdx(&self) -> &'static str {
        ALLOWED.iter().find(|(name, _)| *name == self.license.name).map_or("", |(_, spdx)| spdx)
    }
}

impl Line {
    /// # Errors
    /// It is neither a style nor a face, or a face of a style that did not come before it; a licence that is not allowed.
    pub fn read(line: &str, styles: &[Style]) -> Result<Self> {
        let read = serde_json::from_str(line)
            .context("neither a style nor a face: it wants the lines that tools/avatars/faces.mjs writes")?;
        match read {
            Read::Style(style) => {
                ensure!(
                    !style.spdx().is_empty(),
                    "{}: its licence is {:?}, which is none of {}: leave the style out",
                    style.package,
                    style.license.name,
                    ALLOWED.map(|(name, _)| name).join(", ")
                );
                ensure!(styles.len() < 256, "more than 256 styles");
                Ok(Self::Style(style))
            }
            Read::Face { face, seed, split, svg } => {
                let class = styles.iter().position(|style| style.name == face);
                let class =
                    class.with_context(|| format!("a face of the style {face:?}, which did not come before it"))?;
                let split = if matches!(split, Part::Train) { Split::Train } else { Split::Test };
                Ok(Self::Face(Face { class: class as u8, split, seed, svg }))
            }
        }
    }
}
