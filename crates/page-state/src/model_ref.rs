//! Which model: its name in the address bar, in storage and for the worker. Pure.

use ditscope_protocol::ModelSource;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The model that is shown when the address names none: the first of `assets/models/index.json` (see build.rs).
pub const DEFAULT_MODEL: &str = env!("DITSCOPE_FIRST_MODEL");

/// The model that the tour speaks of, and whose guidance scales were recorded side by side: the smallest pictures are the
/// easiest to follow.
pub const TOUR_MODEL: &str = "fashion";

/// Longer addresses are nonsense.
const MAX_URL: usize = 2000;
/// Its folder is meant when a file of it is named.
const FILE_OF_A_FOLDER: [&str; 2] = ["/config.json", "/README.md"];

/// A model, as the page names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ModelRef {
    /// A folder beside the page's own models.
    Shipped(String),
    /// Absolute address of a folder, without a slash at its end.
    Url(String),
    /// A folder on the visitor's disk, chosen since the page was opened.
    Folder(String),
}

impl Default for ModelRef {
    fn default() -> Self {
        Self::Shipped(DEFAULT_MODEL.into())
    }
}

impl ModelRef {
    /// Reads what an address bar may hold: a name or the address of a folder.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !text.is_empty() && text.chars().all(plain) && !text.chars().all(|c| c == '.') {
            return Some(Self::Shipped(text.into()));
        }
        Self::parse_url(text)
    }

    /// Reads the address of a folder; the address of its `config.json` will do.
    pub fn parse_url(text: &str) -> Option<Self> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let rest = &files_of_page(rest);
        let path = FILE_OF_A_FOLDER.iter().find_map(|file| rest.strip_suffix(file)).unwrap_or(rest);
        let path = path.trim_end_matches('/');
        let host = path.split('/').next().unwrap_or_default();
        let fits = |c: char| c.is_ascii_graphic() && !"\"'<>\\^`{|}?#@".contains(c);
        let host_fits = host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c))
            && host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
        let sound = ["http", "https"].contains(&scheme.as_str())
            && text.len() <= MAX_URL
            && host_fits
            && path.chars().all(fits)
            && !path.split('/').any(|part| part == "..");
        sound.then(|| Self::Url(format!("{scheme}://{path}")))
    }

    /// How it is named in a query string; a folder of the visitor's has no name for others.
    pub fn query_value(&self) -> Option<String> {
        match self {
            Self::Shipped(text) | Self::Url(text) => Some(text.clone()),
            Self::Folder(_) => None,
        }
    }

    /// Where the worker finds it; `base` is the folder of the page, with a slash at its end.
    pub fn source(&self, base: &str) -> ModelSource {
        match self {
            Self::Shipped(id) => ModelSource::Url(format!("{base}assets/models/{id}")),
            Self::Url(url) => ModelSource::Url(url.clone()),
            Self::Folder(name) => ModelSource::Folder(name.clone()),
        }
    }

    /// What it is called while its description is not known.
    pub fn name(&self) -> &str {
        match self {
            Self::Shipped(name) | Self::Folder(name) => name,
            // A repository's files lie under its name and a revision.
            Self::Url(url) => {
                let folder = url.split_once("/resolve/").map_or(&url[..], |(repository, _)| repository);
                folder.rsplit('/').next().unwrap_or(url)
            }
        }
    }

    /// Names it in messages and keys: unlike [`Self::name`], of one model only.
    pub fn key(&self) -> &str {
        match self {
            Self::Shipped(text) | Self::Url(text) | Self::Folder(text) => text,
        }
    }

    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub fn of_tour() -> Self {
        Self::Shipped(TOUR_MODEL.into())
    }

    pub fn is_of_tour(&self) -> bool {
        *self == Self::of_tour()
    }
}

/// Of the page of a repository that a visitor copied, the address under which its files can be read by other pages.
fn files_of_page(rest: &str) -> Cow<'_, str> {
    let page = rest.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let parts: Vec<&str> = page.split('/').collect();
    let files = match &parts[..] {
        ["huggingface.co" | "www.huggingface.co", user, name] => format!("huggingface.co/{user}/{name}/resolve/main"),
        ["huggingface.co" | "www.huggingface.co", user, name, "tree" | "blob" | "resolve", inner @ ..] => {
            format!("huggingface.co/{user}/{name}/resolve/{}", inner.join("/"))
        }
        ["github.com" | "www.github.com", user, name, "tree" | "blob" | "raw", inner @ ..] => {
            format!("raw.githubusercontent.com/{user}/{name}/{}", inner.join("/"))
        }
        _ => return rest.into(),
    };
    files.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Option<ModelRef> {
        Some(ModelRef::Url(text.into()))
    }

    #[test]
    fn names_and_addresses_are_told_apart() {
        assert_eq!(ModelRef::parse("a-model_1.0"), Some(ModelRef::Shipped("a-model_1.0".into())));
        assert_eq!(ModelRef::parse("https://a.b/c"), url("https://a.b/c"));
        assert_eq!(ModelRef::parse_url("fashion"), None);
    }

    #[test]
    fn pages_of_repositories_become_their_files() {
        let main = url("https://huggingface.co/user/repo/resolve/main");
        for page in [
            "https://huggingface.co/user/repo",
            "https://huggingface.co/user/repo/",
            "https://www.huggingface.co/user/repo/tree/main",
            "https://huggingface.co/user/repo/blob/main/config.json",
            "https://huggingface.co/user/repo/resolve/main/config.json?download=true",
            "https://huggingface.co/user/repo/resolve/main",
        ] {
            assert_eq!(ModelRef::parse_url(page), main, "{page}");
        }
        assert_eq!(main.as_ref().map(ModelRef::name), Some("repo"));
        let inner = "https://huggingface.co/user/repo/tree/v1.0/models/boots";
        assert_eq!(ModelRef::parse_url(inner), url("https://huggingface.co/user/repo/resolve/v1.0/models/boots"));
        let github = "https://github.com/user/repo/tree/main/assets/models/boots";
        let raw = "https://raw.githubusercontent.com/user/repo/main/assets/models/boots";
        assert_eq!(ModelRef::parse_url(github), url(raw));
        assert_eq!(ModelRef::parse_url("https://huggingface.co/user/repo/blob/main/../x"), None);
        assert_eq!(ModelRef::parse_url("https://a.b/c?d"), None, "other questions are no addresses of folders");
    }

    #[test]
    fn an_address_is_brought_into_one_form() {
        for text in ["https://a.b/c/d", " https://a.b/c/d// ", "HTTPS://a.b/c/d/config.json"] {
            assert_eq!(ModelRef::parse_url(text), url("https://a.b/c/d"), "{text}");
        }
        assert_eq!(ModelRef::parse("http://[::1]:8080/m%20x"), url("http://[::1]:8080/m%20x"));
    }

    #[test]
    fn nonsense_is_refused() {
        let long = format!("https://a.b/{}", "x".repeat(MAX_URL));
        let nonsense = [
            "",
            "..",
            "../secret",
            "a/b",
            "ftp://a.b/c",
            "javascript://a",
            "https://",
            "https:///c",
            "https://a b/c",
            "https://a.b/c?d",
            "https://a.b/c#d",
            "https://user@a.b/c",
            "https://a.b/\"c",
            "https://a.b/../c",
            "https://ä.b/c",
            &long,
        ];
        for text in nonsense {
            assert_eq!(ModelRef::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_folder_is_not_in_the_address() {
        assert_eq!(ModelRef::Folder("mine".into()).query_value(), None);
        assert_eq!(ModelRef::Url("https://a.b/c%20d".into()).query_value().as_deref(), Some("https://a.b/c%20d"));
        assert_eq!(ModelRef::Url("https://a.b/c".into()).name(), "c");
    }
}
