//! Files, written so that nothing is lost.
//!
//! A plain file is replaced by a rename, once the new one is whole. Links are followed. What is no plain file (a device,
//! a pipe) is written to as it is: a rename would put a file in its place.

use anyhow::{Context, Result, bail, ensure};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Where the bytes for a path go.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    /// A plain file, or nothing yet: a new file takes its place.
    Replaced(PathBuf),
    /// A device, a pipe, or what this program itself has open.
    Through(PathBuf),
}

/// Writes a file by way of a temporary one beside it, so that what was there is lost only when the new one is whole.
///
/// # Errors
/// Names the file: folder missing, no permission, disk full, or it is a folder.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    write_files(&[(path, bytes)])
}

/// The same for several files that belong together: none is replaced before all are written.
pub(crate) fn write_files<P: AsRef<Path>, B: AsRef<[u8]>>(files: &[(P, B)]) -> Result<()> {
    let targets = files.iter().map(|(path, _)| target(path.as_ref())).collect::<Result<Vec<_>>>()?;
    let each = |action: &dyn Fn(&Target, &[u8]) -> std::io::Result<()>| {
        files.iter().zip(&targets).try_for_each(|((path, bytes), target)| {
            action(target, bytes.as_ref()).with_context(|| {
                format!(
                    "{}: cannot write it ({} bytes). Is there room on the disk, and may you write there?",
                    path.as_ref().display(),
                    bytes.as_ref().len()
                )
            })
        })
    };
    each(&Target::write).and_then(|()| each(&|target, _| target.finish())).inspect_err(|_| {
        // Best effort: the error that matters is the one being reported.
        targets.iter().for_each(Target::give_up);
    })
}

/// Whether a file can be written there as far as can be told without writing: so that a mistake is told before hours of
/// work.
///
/// # Errors
/// It is a folder, or the folder that it is to lie in does not exist.
pub fn check_file(path: &Path) -> Result<()> {
    if let Target::Replaced(file) = target(path)? {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        ensure!(folder.is_dir(), "{}: cannot write it: there is no folder {}", path.display(), folder.display());
    }
    Ok(())
}

/// Whether there is a plain file, or nothing yet: not a device, a pipe or a folder.
pub fn is_plain(path: &Path) -> bool {
    matches!(target(path), Ok(Target::Replaced(_)))
}

/// The file or folder that a chain of links ends at, whether or not it exists; a path that is no link is itself.
pub fn followed(path: &Path) -> PathBuf {
    // As many as the kernel follows.
    const MOST: usize = 40;
    let next = |path: &PathBuf| {
        let to = std::fs::read_link(path).ok()?;
        Some(path.parent().unwrap_or(Path::new("")).join(to))
    };
    std::iter::successors(Some(path.to_owned()), next).take(MOST).last().unwrap_or_else(|| path.to_owned())
}

fn target(path: &Path) -> Result<Target> {
    let cannot_write = || format!("{}: cannot write it", path.display());
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => bail!("{}: it is a folder. Name a file in it", cannot_write()),
        Ok(found) if found.is_file() && !is_own(path) => Ok(Target::Replaced(followed(path))),
        Ok(_) => Ok(Target::Through(path.to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Target::Replaced(followed(path))),
        Err(error) => Err(error).with_context(cannot_write),
    }
}

/// Names of what this program has open, a plain file among them that a shell opened for it.
fn is_own(path: &Path) -> bool {
    ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"].iter().any(|own| path.starts_with(own))
}

impl Target {
    fn write(&self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Replaced(path) => {
                let temporary = temporary(path);
                // What a killed program left; were it a link, another file would be written.
                match std::fs::remove_file(&temporary) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
                let mut file = File::create_new(&temporary)?;
                file.write_all(bytes)?;
                file.sync_all()
            }
            Self::Through(path) => OpenOptions::new().write(true).open(path)?.write_all(bytes),
        }
    }

    fn finish(&self) -> std::io::Result<()> {
        match self {
            Self::Replaced(path) => std::fs::rename(temporary(path), path),
            Self::Through(_) => Ok(()),
        }
    }

    fn give_up(&self) {
        if let Self::Replaced(path) = self {
            drop(std::fs::remove_file(temporary(path)));
        }
    }
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

/// Writes pretty JSON with a newline at the end.
///
/// # Errors
/// Names the file that could not be written.
pub fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    write_file(path, &json(value)?)
}

pub(crate) fn json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value).context("encoding JSON")?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// # Errors
/// Names the file that could not be read.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{}: cannot read it", path.display()))
}
