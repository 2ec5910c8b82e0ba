//! Whose pictures they are: pieces of the ATTRIBUTION.md files.

/// Licences, named as SPDX does, in one expression.
pub fn licenses<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<&str> = all.collect();
    all.sort_unstable();
    all.dedup();
    all.join(" AND ")
}

/// A link, or the text alone where there is no address.
pub fn link(text: &str, url: &str) -> String {
    match url {
        "" => cell(text),
        url => format!("[{}]({})", cell(text), cell(url)),
    }
}

/// Text that does not end a table's cell.
pub fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
