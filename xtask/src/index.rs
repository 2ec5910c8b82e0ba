//! Reads web/index.html, the one description of what goes into the app, and writes the page that comes of it.
//!
//! Its `<link data-trunk rel="…">` are Trunk's (<https://trunkrs.dev/assets>), so Trunk builds the same app. What is
//! understood here is what the page uses; anything else is refused rather than left out.

use crate::project;
use anyhow::{Context, Result, bail, ensure};
use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};
use regex::Regex;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The page's HTML and what it asks for, in the order of the file.
pub struct Index {
    html: String,
    /// Each with its place in the HTML.
    links: Vec<(Range<usize>, Link)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// The page's icon.
    Icon { href: PathBuf, mime: String },
    /// A style sheet.
    Css { href: PathBuf },
    /// A plain script.
    Script { href: PathBuf },
    /// A file that keeps its name.
    CopyFile { href: PathBuf },
    /// A folder, and where it goes.
    CopyDir { href: PathBuf, to: PathBuf },
    /// A program in WebAssembly.
    Rust(Program),
}

/// A program of the app, and how it is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub manifest: PathBuf,
    /// Its name; what it becomes is called after it.
    pub bin: String,
    pub profile: String,
    pub features: String,
    pub is_worker: bool,
    /// What wasm-opt is called with; nothing, if it is not called.
    pub wasm_opt: Vec<String>,
}

impl Index {
    /// Reads the description.
    pub fn read() -> Result<Self> {
        let path = project::root().join("web/index.html");
        let html = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(html, &project::root().join("web")).with_context(|| format!("cannot use {}", path.display()))
    }

    /// Addresses in the HTML are relative to its folder.
    fn parse(html: String, folder: &Path) -> Result<Self> {
        let mut emitter = DefaultEmitter::<usize>::new_with_span();
        // What looks like a tag within a script is none.
        emitter.naively_switch_states(true);
        let mut links = Vec::new();
        for token in Tokenizer::new_with_emitter(&html, emitter) {
            let Ok(Token::StartTag(tag)) = token else { continue };
            let is_script = *tag.name == *b"script";
            if (is_script || *tag.name == *b"link") && tag.attributes.contains_key(&b"data-trunk"[..]) {
                let place = tag.span.start..tag.span.end;
                let attributes = Attributes::new(&tag, folder)?;
                let link = if is_script { attributes.script() } else { attributes.link() };
                links.push((
                    place.clone(),
                    link.with_context(|| format!("what it asks for is not clear: {}", &html[place]))?,
                ));
            }
        }
        Ok(Self { html, links })
    }

    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.links.iter().map(|(_, link)| link)
    }

    pub fn programs(&self) -> impl Iterator<Item = &Program> {
        self.links().filter_map(|link| if let Link::Rust(program) = link { Some(program) } else { None })
    }

    /// The HTML with a text in the place of each link; where that is empty, the line goes.
    pub fn write(&self, texts: &[String]) -> String {
        let mut page = String::new();
        let mut rest = 0;
        for ((place, _), text) in self.links.iter().zip(texts) {
            page.push_str(&self.html[rest..place.start]);
            if text.is_empty() {
                page.truncate(page.trim_end().len());
            }
            page.push_str(text);
            rest = place.end;
        }
        // Comments are for those who read the source.
        let comment = Regex::new(r"\s*<!--(?s:.*?)-->").expect("the pattern is one");
        comment.replace_all(&(page + &self.html[rest..]), "").into_owned()
    }
}

/// What a link says, taken out one by one, so that what is left over is what nobody understands.
struct Attributes<'a> {
    left: Vec<(String, String)>,
    folder: &'a Path,
}

impl<'a> Attributes<'a> {
    fn new(tag: &StartTag<usize>, folder: &'a Path) -> Result<Self> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).context("an attribute is not UTF-8");
        let pairs = tag.attributes.iter().map(|(name, value)| Ok((text(name)?, text(&value.value)?)));
        Ok(Self { left: pairs.collect::<Result<_>>()?, folder })
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let place = self.left.iter().position(|(other, _)| other == name)?;
        Some(self.left.remove(place).1)
    }

    fn need(&mut self, name: &str) -> Result<String> {
        self.take(name).with_context(|| format!("it has no {name}"))
    }

    fn path(&mut self, name: &str) -> Result<PathBuf> {
        Ok(project::without_dots(&self.folder.join(self.need(name)?)))
    }

    fn script(mut self) -> Result<Link> {
        self.take("data-trunk");
        self.take("data-integrity");
        let link = Link::Script { href: self.path("src")? };
        self.end(link)
    }

    fn link(mut self) -> Result<Link> {
        self.take("data-trunk");
        // Trunk's alone: nothing here takes a digest.
        self.take("data-integrity");
        let link = match self.need("rel")?.as_str() {
            "icon" => Link::Icon { href: self.path("href")?, mime: self.need("type")? },
            "css" => Link::Css { href: self.path("href")? },
            "copy-file" => Link::CopyFile { href: self.path("href")? },
            "copy-dir" => Link::CopyDir { href: self.path("href")?, to: self.need("data-target-path")?.into() },
            "rust" => Link::Rust(self.program()?),
            other => {
                bail!(
                    "rel=\"{other}\" is not known here; known are icon, css, copy-file, copy-dir and rust (xtask/src/index.rs)"
                )
            }
        };
        self.end(link)
    }

    /// The link, if nothing is left over.
    fn end(self, link: Link) -> Result<Link> {
        let names: Vec<_> = self.left.iter().map(|(name, _)| name.as_str()).collect();
        ensure!(names.is_empty(), "it has {}, which xtask/src/index.rs does not know", names.join(", "));
        Ok(link)
    }

    fn program(&mut self) -> Result<Program> {
        let is_worker = match self.take("data-type").as_deref() {
            None | Some("main") => false,
            Some("worker") => true,
            Some(other) => bail!("data-type=\"{other}\" is neither main nor worker"),
        };
        // A worker is started by its loader, and the page has no other.
        let target = self.take("data-bindgen-target").unwrap_or(if is_worker { "no-modules" } else { "web" }.into());
        ensure!(target == "web", "only data-bindgen-target=\"web\" is known here, not {target}");
        ensure!(
            self.take("data-loader-shim").is_some() == is_worker,
            "data-loader-shim belongs to a worker, and to each"
        );
        let level = self.take("data-wasm-opt").unwrap_or_default();
        let parameters = self.take("data-wasm-opt-params").unwrap_or_default();
        let wasm_opt = match level.as_str() {
            "0" => vec![],
            level => {
                [format!("-O{level}")].into_iter().chain(parameters.split_whitespace().map(str::to_owned)).collect()
            }
        };
        Ok(Program {
            manifest: self.path("href")?,
            bin: self.need("data-bin")?,
            profile: self.take("data-cargo-profile").unwrap_or("release".into()),
            features: self.take("data-cargo-features").unwrap_or_default(),
            is_worker,
            wasm_opt,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(html: &str) -> Result<Index> {
        Index::parse(html.to_owned(), Path::new("/app/web"))
    }

    fn refused(link: &str) -> String {
        format!("{:#}", parse(link).err().expect("the link is refused"))
    }

    #[test]
    fn the_links_of_a_page_are_read() {
        let index = parse(
            r#"<link rel="preload" href="other.css">
            <script>var text = '<link data-trunk rel="css" href="no.css">';</script>
            <link data-trunk rel="icon" type="image/svg+xml" href="favicon.svg" />
            <LINK data-trunk rel=copy-dir href=../assets/runs data-target-path=assets/runs>"#,
        );
        let links: Vec<_> = index.expect("the page is read").links().cloned().collect();
        let icon = Link::Icon { href: "/app/web/favicon.svg".into(), mime: "image/svg+xml".into() };
        assert_eq!(links, [icon, Link::CopyDir { href: "/app/assets/runs".into(), to: "assets/runs".into() }]);
    }

    #[test]
    fn a_program_is_read_with_its_options() {
        let index = parse(
            r#"<link data-trunk rel="rust" href="../Cargo.toml" data-bin="app" data-cargo-profile="page" data-wasm-opt="0">
            <link data-trunk rel="rust" href="../Cargo.toml" data-bin="worker" data-type="worker" data-loader-shim
              data-bindgen-target="web" data-cargo-features="worker" data-wasm-opt="1" data-wasm-opt-params="--a  --b">"#,
        );
        let programs: Vec<_> = index.expect("the page is read").programs().cloned().collect();
        let app = Program {
            manifest: "/app/Cargo.toml".into(),
            bin: "app".into(),
            profile: "page".into(),
            features: String::new(),
            is_worker: false,
            wasm_opt: vec![],
        };
        let worker = Program {
            bin: "worker".into(),
            profile: "release".into(),
            features: "worker".into(),
            is_worker: true,
            wasm_opt: ["-O1", "--a", "--b"].map(str::to_owned).into(),
            ..app.clone()
        };
        assert_eq!(programs, [app, worker]);
    }

    #[test]
    fn each_link_is_replaced_and_nothing_else() {
        let index =
            parse("<p>ü</p>\n  <link data-trunk rel=css href=a.css>\n  <link data-trunk rel=css href=b.css>\n<p>");
        let page = index.expect("the page is read").write(&[String::new(), "<b>".to_owned()]);
        assert_eq!(page, "<p>ü</p>\n  <b>\n<p>");
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let said = refused(r#"<link data-trunk rel="sass" href="a.scss">"#);
        assert!(
            said.contains(r#"rel="sass" is not known here; known are icon, css, copy-file, copy-dir and rust"#),
            "{said}"
        );
        assert!(said.contains(r#"<link data-trunk rel="sass" href="a.scss">"#), "{said}");
        let said = refused("<link data-trunk rel=css href=a.css data-inline>");
        assert!(said.contains("it has data-inline, which"), "{said}");
        assert!(refused("<link data-trunk rel=css>").contains("it has no href"));
        assert!(refused("<link data-trunk href=a.css>").contains("it has no rel"));
        let said =
            refused("<link data-trunk rel=rust href=Cargo.toml data-bin=worker data-type=worker data-loader-shim>");
        assert!(said.contains("not no-modules"), "{said}");
    }

    #[test]
    fn the_page_of_this_project_is_understood() {
        let index = Index::read().expect("web/index.html is read");
        let programs: Vec<_> = index.programs().map(|program| (program.bin.as_str(), program.is_worker)).collect();
        assert_eq!(programs, [("app", false), ("worker", true), ("trainer", true), ("gpu-trainer", true)]);
    }
}
