//! The service worker: web/sw.js with the files of a build.

use crate::program::PLAIN;
use crate::{plain, project, teaching};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Its file in the app.
pub const WORKER: &str = "sw.js";

/// Writes it into the folder of an app that is complete. Weights are not among its files: the page keeps them itself.
pub fn write(app: &Path) -> Result<()> {
    let source = project::root().join("web").join(WORKER);
    let source = fs::read_to_string(&source).with_context(|| format!("cannot read {}", source.display()))?;
    let (mut files, mut later) = (vec!["./".to_owned()], vec![]);
    let mut contents = vec![];
    for path in project::files(app) {
        let name = path.strip_prefix(app).expect("a file of the app lies in it").to_string_lossy().replace('\\', "/");
        if ["index.html", "404.html", "robots.txt"].contains(&&*name)
            || name.ends_with(".safetensors")
            || name.ends_with(".md")
        {
            continue;
        }
        contents.push(project::hash(fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?));
        if is_for_few(&name) { &mut later } else { &mut files }.push(name);
    }
    files.sort();
    later.sort();
    // The page names the build, so that the two are known to belong together.
    let page = fs::read_to_string(app.join("index.html"))?;
    let build = project::hash((&files, contents, &page));
    let page = page.replace("</head>", &format!("  <meta name=\"build\" content=\"{build}\" />\n  </head>"));
    fs::write(app.join("index.html"), page)?;
    let list =
        |files: &[String]| format!("[\n{}]", files.iter().map(|file| format!("  \"{file}\",\n")).collect::<String>());
    let script = source.replace("%BUILD%", &build).replace("%FILES%", &list(&files)).replace("%LATER%", &list(&later));
    let script = script.replace("%PROBE%", &plain::probe()).replace("%PLAIN%", PLAIN);
    Ok(fs::write(app.join(WORKER), script)?)
}

/// What is kept only once it has been asked for: the trainer, what it learns from, and the pages for teachers.
fn is_for_few(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.starts_with("trainer")
        || file.starts_with("gpu-trainer")
        || file.starts_with("latents.")
        || file.starts_with(teaching::NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_few_need_is_not_kept_for_everybody() {
        for name in [
            "teaching.html",
            "teaching.css",
            "trainer-0123_bg.wasm",
            "trainer-0123_loader.js",
            "assets/models/fashion/latents.bin",
        ] {
            assert!(is_for_few(name), "{name}");
        }
        assert!(!is_for_few("worker-0123_bg.wasm") && !is_for_few("assets/models/fashion/training.png"));
    }
}
