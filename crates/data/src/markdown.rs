//! Pieces of the ATTRIBUTION.md files.

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
