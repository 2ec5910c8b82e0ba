//! What visitors download, held to limits.

use crate::offline::WORKER;
use crate::program::PLAIN;
use crate::{project, split, teaching, tools};
use anyhow::{Context, Result, ensure};
use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;

/// A part of the app that is loaded as one, as a visitor sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Shell,
    /// Parts of the page that come when they are first shown.
    Later,
    Worker,
    /// Its module for browsers without relaxed SIMD, in the place of the other.
    Plain,
    /// The worker that trains, fetched when the visitor starts a training.
    Trainer,
    /// The same on the graphics card.
    GpuTrainer,
    /// The pages for teachers.
    Teaching,
    /// The model that a visit begins with, and its recorded run.
    Model,
    /// What is fetched only when it is asked for: other models, the findings, films of trainings.
    Asked,
}

impl Part {
    /// `first` is the model that a visit begins with.
    fn of(path: &Path, first: &str) -> Self {
        let folders = path.parent().into_iter().flat_map(Path::components);
        let is_in = |name: &str| folders.clone().any(|folder| folder.as_os_str() == name);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_later = folders.clone().any(|folder| folder.as_os_str().to_string_lossy().starts_with("app-"));
        let is_code = matches!(path.extension().and_then(|e| e.to_str()), Some("html" | "css" | "js" | "wasm"));
        match is_code {
            true if name.ends_with(PLAIN) => Self::Plain,
            true if name.starts_with("worker") => Self::Worker,
            true if name.starts_with("trainer") => Self::Trainer,
            true if name.starts_with("gpu-trainer") => Self::GpuTrainer,
            true if name.starts_with(teaching::NAME) => Self::Teaching,
            true if [WORKER, "trouble.js", "keeper.js", "404.html"].contains(&&*name) => Self::Later,
            // The page itself imports what fetches the others.
            true if is_later && name != split::LINKS => Self::Later,
            true if !is_in("models") => Self::Shell,
            _ if is_in("findings")
                || name.starts_with("growth.")
                || name.starts_with("latents.")
                || (is_in("models") || is_in("runs")) && !is_in(first) && name != "index.json" =>
            {
                Self::Asked
            }
            _ => Self::Model,
        }
    }
}

/// A limit on what goes over the wire, with gzip, in bytes.
struct Limit {
    name: &'static str,
    parts: &'static [Part],
    most: u64,
}

/// What comes later comes one part at a time, so that each is to be small; the sum is held so that it is not forgotten.
const MOST_OF_ONE: u64 = 80_000;

const LIMITS: [Limit; 8] = [
    Limit { name: "page (html, css, js, wasm)", parts: &[Part::Shell], most: 400_000 },
    Limit { name: "parts of it that come later", parts: &[Part::Later], most: 600_000 },
    Limit { name: "worker (js, wasm)", parts: &[Part::Worker], most: 4_400_000 },
    Limit { name: "the same without relaxed SIMD", parts: &[Part::Plain], most: 4_400_000 },
    Limit { name: "trainer (js, wasm)", parts: &[Part::Trainer], most: 5_400_000 },
    Limit { name: "trainer on the graphics card (js, wasm)", parts: &[Part::GpuTrainer], most: 5_400_000 },
    Limit { name: "pages for teachers", parts: &[Part::Teaching], most: 60_000 },
    Limit {
        name: "first visit, with its model",
        parts: &[Part::Shell, Part::Later, Part::Worker, Part::Model],
        most: 20_000_000,
    },
];

/// Shows the sizes; with wasm-opt, which the limits are made for, holds them to the limits.
pub fn check(dist: &Path) -> Result<()> {
    let first = first_model(dist)?;
    let mut sizes = Vec::new();
    for path in project::files(dist) {
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let path = path.strip_prefix(dist).expect("a file of dist lies in dist");
        sizes.push((Part::of(path, &first), bytes.len() as u64, gzipped(&bytes)?));
    }
    println!("\n{:28} {:>12} {:>12} {:>12}", "size in bytes", "raw", "gzip", "limit");
    let mut exceeded = Vec::new();
    for limit in &LIMITS {
        let counted = sizes.iter().filter(|(part, ..)| limit.parts.contains(part));
        let (raw, gzip) = counted.fold((0, 0), |sum, size| (sum.0 + size.1, sum.1 + size.2));
        println!("{:28} {raw:>12} {gzip:>12} {:>12}", limit.name, limit.most);
        if gzip > limit.most {
            exceeded.push(limit.name);
        }
    }
    let largest = sizes.iter().filter(|(part, ..)| *part == Part::Later).map(|(_, _, gzip)| *gzip).max().unwrap_or(0);
    println!("{:28} {:>12} {largest:>12} {MOST_OF_ONE:>12}", "the largest of these", "");
    if largest > MOST_OF_ONE {
        exceeded.push("a part that comes later");
    }
    println!();
    if exceeded.is_empty() {
        return Ok(());
    }
    let exceeded = format!("larger than the limit: {}", exceeded.join("; "));
    ensure!(!tools::has_wasm_opt(), exceeded);
    println!("{exceeded} (without wasm-opt, so this is no error)");
    Ok(())
}

/// Folder of the model that a visit begins with.
fn first_model(dist: &Path) -> Result<String> {
    let path = dist.join("assets/models/index.json");
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let index: Value = serde_json::from_slice(&bytes).with_context(|| path.display().to_string())?;
    let first = index["models"][0]["id"].as_str();
    Ok(first.with_context(|| format!("{}: it has no model", path.display()))?.to_owned())
}

fn gzipped(bytes: &[u8]) -> Result<u64> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_belongs_to_a_part() {
        let part = |path: &str| Part::of(Path::new(path), "fashion");
        assert!(part("index.html") == Part::Shell);
        assert!(part("app-0123_bg.wasm") == Part::Shell);
        assert!(part("app-0123/split_tour.wasm") == Part::Later);
        assert!(part("app-0123/__wasm_split.js") == Part::Shell);
        assert!(part("sw.js") == Part::Later);
        assert!(part("worker_bg.wasm") == Part::Worker);
        assert!(part("worker_loader.js") == Part::Worker);
        assert!(part("worker-0123_plain.wasm") == Part::Plain);
        assert!(part("trainer-0123_bg.wasm") == Part::Trainer);
        assert!(part("trainer-0123_loader.js") == Part::Trainer);
        assert!(part("gpu-trainer-0123_bg.wasm") == Part::GpuTrainer);
        assert!(part("teaching.de.html") == Part::Teaching);
        assert!(part("teaching.css") == Part::Teaching);
        assert!(part("models/fashion/latents.json") == Part::Asked);
        assert!(part("models/fashion/latents.bin") == Part::Asked);
        assert!(part("models/fashion/model-00001-of-00002.safetensors") == Part::Model);
        assert!(part("models/index.json") == Part::Model);
        assert!(part("models/other/model-00001-of-00002.safetensors") == Part::Asked);
        assert!(part("findings/findings.json") == Part::Asked);
        assert!(part("runs/fashion/run.bin") == Part::Model);
        assert!(part("runs/other/run.bin") == Part::Asked);
        assert!(part("runs/fashion/growth.jpg") == Part::Asked);
    }
}
