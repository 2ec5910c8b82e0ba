//! The README.md of a converted model.

use super::checkpoint::Checkpoint;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs::File;
use std::io::Read;

/// What a card says.
#[derive(Debug)]
pub struct Card<'a> {
    pub name: &'a str,
    pub what: String,
    pub license: &'a str,
    pub dtype: &'static str,
    /// Whose code gives the same numbers.
    pub numbers: &'static str,
    /// What was converted, part by part.
    pub sources: Vec<(&'static str, &'a Checkpoint)>,
    pub notes: &'a [String],
}

impl Card<'_> {
    /// The text. Hashes the source files for it, which reads them once more.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub fn text(&self) -> Result<String> {
        let mut text = format!("# {}\n\n{}\n\n**Licence:** {}\n\n", self.name, self.what, self.license);
        writeln!(
            text,
            "Stored as {}; the numbers it gives are those of {}, up to rounding.\n",
            self.dtype, self.numbers
        )?;
        writeln!(text, "## Source\n\n| part | file | SHA-256 |\n|---|---|---|")?;
        for (part, checkpoint) in &self.sources {
            for file in &checkpoint.files {
                let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
                writeln!(text, "| {part} | {name} | `{}` |", hash(file)?)?;
            }
        }
        if !self.notes.is_empty() {
            writeln!(text, "\n## Notes\n")?;
            self.notes.iter().try_for_each(|note| writeln!(text, "- {note}"))?;
        }
        // Options and file names only: folders are nobody else's business.
        let words = std::env::args().skip(1).map(|word| match word.starts_with('-') {
            true => word,
            false => word.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or_default().to_owned(),
        });
        let words = words.map(|word| if word.contains(' ') { format!("'{word}'") } else { word });
        writeln!(text, "\n## Made with\n\n```sh\ndit {}\n```", words.collect::<Vec<_>>().join(" "))?;
        Ok(text)
    }
}

fn hash(path: &std::path::Path) -> Result<String> {
    let cannot_read = || format!("{}: cannot read it", path.display());
    let mut file = File::open(path).with_context(cannot_read)?;
    let (mut hash, mut bytes) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut bytes).with_context(cannot_read)? {
            0 => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            length => hash.update(&bytes[..length]),
        }
    }
}
