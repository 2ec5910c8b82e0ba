//! A set of emojis as Iconify packs it: one JSON file with the pictures, one that says whose they are.

use super::read_json;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Licences whose pictures may be used and whose samples may be given on with attribution alone.
const ALLOWED: [&str; 6] = ["Apache-2.0", "MIT", "CC-BY-4.0", "CC-BY-3.0", "CC0-1.0", "ISC"];

/// One set.
#[derive(Debug)]
pub struct IconSet {
    /// The package's version, not the set's own.
    pub package_version: String,
    pub info: SetInfo,
    /// By name, hidden ones (kept by Iconify for old pages only) left out.
    pub icons: Vec<Icon>,
}

/// What `info.json` says of a set.
#[derive(Debug, Clone, Deserialize)]
pub struct SetInfo {
    pub prefix: String,
    pub name: String,
    pub version: Option<String>,
    pub author: Author,
    pub license: License,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Author {
    pub name: String,
    #[serde(default)]
    pub url: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct License {
    pub title: String,
    #[serde(default)]
    pub spdx: String,
    #[serde(default)]
    pub url: String,
}

/// One picture: the inside of an SVG and the part of the plane that it shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Icon {
    pub name: String,
    pub body: String,
    /// Left, top, width, height.
    pub view_box: [f32; 4],
}

#[derive(Deserialize)]
struct Icons {
    icons: BTreeMap<String, Body>,
    #[serde(flatten)]
    size: Size,
}

#[derive(Deserialize)]
struct Body {
    body: String,
    #[serde(default)]
    hidden: bool,
    #[serde(flatten)]
    size: Size,
}

/// Numbers that an icon has from its set where it has none.
#[derive(Deserialize)]
struct Size {
    left: Option<f32>,
    top: Option<f32>,
    width: Option<f32>,
    height: Option<f32>,
}

#[derive(Deserialize)]
struct Package {
    version: String,
}

impl IconSet {
    /// Reads a package from its folder.
    ///
    /// # Errors
    /// Names the file that is missing or is not what it should be, or the licence that is not allowed.
    pub fn load(dir: &Path) -> Result<Self> {
        let info: SetInfo = read_json(&dir.join("info.json"))?;
        ensure!(
            ALLOWED.contains(&info.license.spdx.as_str()),
            "{}: its licence is {} ({:?}), which is none of {}: leave the set out",
            dir.join("info.json").display(),
            info.license.title,
            info.license.spdx,
            ALLOWED.join(", ")
        );
        let path = dir.join("icons.json");
        let Icons { icons, size } = read_json(&path)?;
        let icons = icons.into_iter().filter(|(_, body)| !body.hidden);
        let icons: Result<Vec<Icon>> = icons.map(|(name, body)| Icon::new(name, body, &size)).collect();
        let Package { version: package_version } = read_json(&dir.join("package.json"))?;
        Ok(Self { package_version, info, icons: icons.with_context(|| path.display().to_string())? })
    }
}

impl Icon {
    fn new(name: String, body: Body, set: &Size) -> Result<Self> {
        const DEFAULT_SIDE: f32 = 16.0;
        let own = body.size;
        let width = own.width.or(set.width).unwrap_or(DEFAULT_SIDE);
        let height = own.height.or(set.height).unwrap_or(DEFAULT_SIDE);
        let (left, top) = (own.left.or(set.left).unwrap_or(0.0), own.top.or(set.top).unwrap_or(0.0));
        let view_box = [left, top, width, height];
        let sensible = view_box.iter().all(|n| n.is_finite()) && width > 0.0 && height > 0.0;
        ensure!(sensible, "{name}: it cannot be {width} wide and {height} high at {left}, {top}");
        Ok(Self { name, body: body.body, view_box })
    }
}
