//! Builds the app into `dist/`.

use crate::index::{Index, Link, Program};
use crate::offline::{self, WORKER};
use crate::program::{Plan, Ready};
use crate::{project, script, sizes, style, teaching, tools};
use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha384};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{panic, thread};

/// What the app is built from.
const SOURCES: [&str; 13] = [
    "src",
    "crates",
    "web",
    "assets",
    "docs/teaching.md",
    "docs/teaching.de.md",
    "xtask/src",
    "build.rs",
    "Cargo.toml",
    "Cargo.lock",
    "Trunk.toml",
    "rust-toolchain.toml",
    ".cargo/config.toml",
];

/// Builds what is out of date and shows the sizes.
pub fn build() -> Result<()> {
    make()?;
    sizes::check(&project::dist())
}

/// Builds the app, unless what lies in `dist/` was built from the present sources.
pub fn make() -> Result<()> {
    if is_up_to_date()? {
        return Ok(());
    }
    let before = sources_stamp();
    put_together(Plan::make)?;
    // Sources that changed during the build are out of date for the next time.
    if before == sources_stamp() {
        fs::create_dir_all(project::target())?;
        fs::write(stamp_file(), current_stamp())?;
    }
    Ok(())
}

/// The same, so far that it can be used. Whether something is left for [`make`].
pub fn make_soon() -> Result<bool> {
    if is_up_to_date()? {
        return Ok(false);
    }
    put_together(Plan::make_soon)?;
    Ok(true)
}

fn is_up_to_date() -> Result<bool> {
    tools::setup()?;
    let is = fs::read_to_string(stamp_file()).is_ok_and(|stamp| stamp == current_stamp());
    if is {
        println!("build: dist/ is up to date");
    }
    Ok(is)
}

fn put_together(make: fn(&Plan) -> Result<Ready>) -> Result<()> {
    let start = Instant::now();
    let index = Index::read()?;
    // All at once: each has long stretches on one core, at its link and in wasm-opt.
    let programs = thread::scope(|scope| {
        let make = |program: &Program| Ok((program.bin.clone(), make(&Plan::release(program))?));
        let started: Vec<_> = index.programs().map(|program| scope.spawn(move || make(program))).collect();
        let done = started.into_iter().map(|made| made.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
        done.collect::<Result<_>>()
    })?;
    let extras = Extras {
        folders: true,
        html: format!("\n    <meta name=\"offline\" content=\"./{WORKER}\" />"),
        offline: true,
    };
    assemble(&index, &programs, &project::dist(), &extras)?;
    println!("build: dist/ is ready after {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// What only some builds have.
#[derive(Default)]
pub struct Extras {
    /// The folders that the page asks for; who has them elsewhere leaves them out.
    pub folders: bool,
    /// HTML that goes after the page's program.
    pub html: String,
    /// With what serves the page without a network.
    pub offline: bool,
}

/// Puts the app together, and only then in the place of what is there.
///
/// `programs` are those of the index, by their names.
pub fn assemble(index: &Index, programs: &HashMap<String, Ready>, dist: &Path, extras: &Extras) -> Result<()> {
    let stage = dist.join(".stage");
    project::empty_folder(&stage)?;
    let place = |link: &Link| {
        Ok(match link {
            Link::Icon { href, mime } => {
                let bytes = fs::read(href).with_context(|| format!("cannot read {}", href.display()))?;
                let name = put_hashed(&bytes, href, &stage)?;
                format!("<link rel=\"icon\" type=\"{mime}\" href=\"./{name}\" />")
            }
            Link::Script { href } => {
                let script = fs::read_to_string(href).with_context(|| format!("cannot read {}", href.display()))?;
                format!(
                    "<script src=\"./{}\">",
                    put_hashed(script::minified(&script, false)?.as_bytes(), href, &stage)?
                )
            }
            Link::Css { href } => {
                let name = put_hashed(style::read(href)?.as_bytes(), href, &stage)?;
                format!("<link rel=\"stylesheet\" href=\"./{name}\" />")
            }
            Link::CopyFile { href } => {
                let name = href.file_name().with_context(|| format!("{} is no file", href.display()))?;
                fs::copy(href, stage.join(name)).with_context(|| format!("cannot copy {}", href.display()))?;
                String::new()
            }
            Link::CopyDir { href, to } => {
                if extras.folders {
                    project::copy_folder(href, &stage.join(to))?;
                }
                String::new()
            }
            Link::Rust(program) => {
                let ready = &programs[&program.bin];
                project::copy_folder(&ready.folder, &stage)?;
                match program.is_worker {
                    true => format!("<meta name=\"{}\" content=\"{}_loader.js\" />", program.bin, ready.name),
                    false => start(&ready.name, &stage)? + &extras.html,
                }
            }
        })
    };
    let texts: Vec<_> = index.links().map(place).collect::<Result<_>>()?;
    fs::write(stage.join("index.html"), index.write(&texts))?;
    teaching::write(&stage)?;
    if extras.offline {
        offline::write(&stage)?;
    }
    replace(dist, &stage)
}

/// What starts the page's program. Addresses are relative: the folder can be hosted under any path. The script is taken only as
/// it was built; other files have no digest, which in a sandboxed frame would keep them out.
fn start(name: &str, folder: &Path) -> Result<String> {
    let integrity = integrity(&folder.join(format!("{name}.js")))?;
    Ok(format!(
        r#"<link rel="preload" href="./{name}_bg.wasm" as="fetch" type="application/wasm" crossorigin />
    <script type="module" src="./{name}.js" integrity="{integrity}"></script>"#
    ))
}

/// A file's digest as browsers compare it (Subresource Integrity).
fn integrity(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(format!("sha384-{}", STANDARD.encode(Sha384::digest(bytes))))
}

/// Writes a file under a name that changes with its content, so that it may be kept for ever.
fn put_hashed(bytes: &[u8], path: &Path, folder: &Path) -> Result<String> {
    let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let name = format!("{}-{}.{}", part(path.file_stem()), project::hash(bytes), part(path.extension()));
    fs::write(folder.join(&name), bytes)?;
    Ok(name)
}

/// Moves everything out of the stage into the folder that it lies in, where nothing else is left.
fn replace(dist: &Path, stage: &Path) -> Result<()> {
    for old in fs::read_dir(dist)?.flatten().map(|entry| entry.path()).filter(|path| path != stage) {
        if old.is_dir() { fs::remove_dir_all(&old) } else { fs::remove_file(&old) }
            .with_context(|| format!("cannot remove {}", old.display()))?;
    }
    for new in fs::read_dir(stage)?.flatten() {
        fs::rename(new.path(), dist.join(new.file_name()))?;
    }
    Ok(fs::remove_dir(stage)?)
}

fn stamp_file() -> PathBuf {
    project::target().join("dist.stamp")
}

/// Ties `dist/` to the sources: its page names the hashes of all built files.
fn current_stamp() -> String {
    let page = fs::read(project::dist().join("index.html")).unwrap_or_default();
    format!("sources {}, page {}\n", sources_stamp(), project::hash(page))
}

fn sources_stamp() -> String {
    let files = SOURCES.into_iter().flat_map(|source| project::files(&project::root().join(source)));
    let changed = files.map(|path| {
        let changed = fs::metadata(&path).and_then(|data| Ok((data.len(), data.modified()?))).ok();
        (path, changed)
    });
    project::hash(changed.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hashed_file_keeps_its_ending_and_changes_its_name_with_its_content() {
        let folder = project::target().join("hashed-test");
        project::empty_folder(&folder).expect("a folder");
        let put = |bytes: &[u8]| put_hashed(bytes, Path::new("web/favicon.svg"), &folder).expect("the file is written");
        let (one, other) = (put(b"<svg/>"), put(b"<svg></svg>"));
        assert!(one.starts_with("favicon-") && one.ends_with(".svg"), "{one}");
        assert_ne!(one, other);
        assert_eq!(fs::read(folder.join(&one)).expect("it is there"), b"<svg/>");
    }

    #[test]
    fn what_was_there_before_is_gone() {
        let dist = project::target().join("replace-test");
        let stage = dist.join(".stage");
        project::empty_folder(&dist.join("app-old")).expect("a folder");
        fs::write(dist.join("app-old.js"), "").expect("a file");
        project::empty_folder(&stage.join("app-new")).expect("a folder");
        fs::write(stage.join("index.html"), "new").expect("a file");
        replace(&dist, &stage).expect("the old app is replaced");
        let mut names: Vec<_> = fs::read_dir(&dist).expect("it is there").flatten().map(|e| e.file_name()).collect();
        names.sort();
        assert_eq!(names, ["app-new", "index.html"]);
    }
}
