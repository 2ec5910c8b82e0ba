//! The pages for teachers: docs/teaching*.md in web/teaching.html.
//!
//! What stands above the first rule of such a file is for those who read it as Markdown, where links lead to what
//! `cargo xtask serve` serves. On the page they lead to the app that it lies beside.

use crate::project;
use anyhow::{Context, Result, bail};
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// What the files in Markdown call the app.
const APP: &str = "http://127.0.0.1:8080/";
/// How the names of all that is written here begin.
pub const NAME: &str = "teaching.";

/// A page in one language: its code, the text, the file it becomes.
struct Page {
    language: &'static str,
    source: &'static str,
    file: &'static str,
    /// Words of the template that are not in the text.
    open: &'static str,
    printed: &'static str,
    /// The other language by its own name.
    other_name: &'static str,
}

const PAGES: [Page; 2] = [
    Page {
        language: "en",
        source: "docs/teaching.md",
        file: "teaching.html",
        open: "Open ditscope",
        printed: "Addresses in brackets go behind the address of the page, like ?model=fashion.",
        other_name: "Deutsch",
    },
    Page {
        language: "de",
        source: "docs/teaching.de.md",
        file: "teaching.de.html",
        open: "ditscope öffnen",
        printed: "Adressen in Klammern gehören hinter die Adresse der Seite, etwa ?model=fashion.",
        other_name: "English",
    },
];

/// Writes the pages and their style sheet into the folder of the app.
pub fn write(app: &Path) -> Result<()> {
    let read = |path: &str| {
        let path = project::root().join(path);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let template = read("web/teaching.html")?;
    for (page, other) in [(&PAGES[0], &PAGES[1]), (&PAGES[1], &PAGES[0])] {
        let made = page_of(&template, page, other, &read(page.source)?);
        fs::write(app.join(page.file), made.with_context(|| format!("cannot use {}", page.source))?)?;
    }
    let style = crate::style::read(&project::root().join("web/teaching.css"))?;
    Ok(fs::write(app.join("teaching.css"), style)?)
}

fn page_of(template: &str, page: &Page, other: &Page, markdown: &str) -> Result<String> {
    let (title, body) = body(markdown, page.language)?;
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    let fields = [
        ("%LANGUAGE%", page.language),
        ("%TITLE%", &title),
        ("%OPEN%", page.open),
        ("%PRINTED%", page.printed),
        ("%OTHER_LANGUAGE%", other.language),
        ("%OTHER_FILE%", other.file),
        ("%OTHER_NAME%", page.other_name),
        // Last: what it has is not looked at again.
        ("%BODY%", &body),
    ];
    Ok(fields.into_iter().fold(template.to_owned(), |made, (field, text)| made.replace(field, text)))
}

/// Title, as text, and what stands below the first rule, as HTML.
fn body(markdown: &str, language: &str) -> Result<(String, String)> {
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES).skip_while(|event| *event != Event::Rule).skip(1);
    let mut events: Vec<Event> = events.collect();
    let text = |events: &[Event]| {
        let heading = events.iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
        heading.filter_map(|event| if let Event::Text(text) = event { Some(&**text) } else { None }).collect::<String>()
    };
    let mut seen = HashMap::new();
    let mut title = None;
    for i in 0..events.len() {
        let said = text(&events[i..]);
        match &mut events[i] {
            Event::Start(Tag::Heading { level, id, .. }) => {
                if *level == HeadingLevel::H1 {
                    title.get_or_insert(said.clone());
                }
                *id = Some(anchor(&said, &mut seen).into());
            }
            Event::Start(Tag::Link { dest_url, .. }) => *dest_url = address(dest_url, language)?,
            Event::Html(raw) | Event::InlineHtml(raw) => bail!("HTML in the text: {raw}"),
            _ => {}
        }
    }
    let mut body = String::new();
    html::push_html(&mut body, events.into_iter());
    Ok((title.context("there is no title below the first rule")?, body))
}

/// Where a link of the text leads on the page: into the app in this language, within the page, or out.
fn address<'a>(link: &str, language: &str) -> Result<CowStr<'a>> {
    let address = match link.strip_prefix(APP) {
        Some("") => format!("./?lang={language}"),
        Some(query) if query.starts_with('?') => format!("./{query}&lang={language}"),
        None if link.starts_with('#') || link.starts_with("https://") => link.to_owned(),
        _ => bail!("the link {link} leads neither to {APP} nor to https://…"),
    };
    Ok(address.into())
}

/// The anchor that GitHub gives a heading, so that the text's own list of contents holds here, too.
fn anchor(heading: &str, seen: &mut HashMap<String, usize>) -> String {
    let kept = heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
    let plain = kept.replace(' ', "-");
    let count = seen.entry(plain.clone()).or_insert(0);
    *count += 1;
    if *count == 1 { plain } else { format!("{plain}-{}", *count - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# For GitHub\n\n[Deutsch](teaching.de.md)\n\n---\n\n# Five & more\n\n- [Lesson 1: Noise?](#lesson-1-noise)\n\n\
        ## Lesson 1: Noise?\n\n[Open](http://127.0.0.1:8080/?model=fashion&t=1) **Seed** *a* [x](https://arxiv.org/abs/1)\n\n\
        ### Goal\n\n### Goal\n";

    #[test]
    fn what_is_below_the_rule_becomes_the_page() {
        let (title, html) = body(TEXT, "de").expect("the text is understood");
        assert_eq!(title, "Five & more");
        assert!(!html.contains("GitHub") && !html.contains("<hr"), "{html}");
        assert!(
            html.contains(r##"<a href="#lesson-1-noise">"##) && html.contains(r#"<h2 id="lesson-1-noise">"#),
            "{html}"
        );
        assert!(html.contains(r#"<a href="./?model=fashion&amp;t=1&amp;lang=de">Open</a>"#), "{html}");
        assert!(html.contains(r#"<h3 id="goal">"#) && html.contains(r#"<h3 id="goal-1">"#), "{html}");
    }

    #[test]
    fn what_would_be_broken_on_the_page_is_refused() {
        let refused = |text: &str| format!("{:#}", body(text, "en").expect_err("it is refused"));
        assert!(refused("---\n# T\n\n[x](findings.md)").contains("findings.md"));
        assert!(refused("---\n# T\n\n[x](http://127.0.0.1:8080/assets)").contains("assets"));
        assert!(refused("---\n# T\n\n<script>x</script>\n").contains("HTML"));
        assert!(refused("# T").contains("no title"));
    }

    #[test]
    fn the_pages_of_this_project_are_whole() {
        let folder = project::target().join("teaching-test");
        project::empty_folder(&folder).expect("a folder");
        write(&folder).expect("the pages are written");
        for (page, other) in [(&PAGES[0], &PAGES[1]), (&PAGES[1], &PAGES[0])] {
            let html = fs::read_to_string(folder.join(page.file)).expect("the page is there");
            assert!(html.contains(&format!("<html lang=\"{}\">", page.language)), "{}", page.file);
            assert!(html.contains(&format!("href=\"./{}\"", other.file)) && html.contains("./teaching.css"));
            // A strict policy forbids both within a page, and no field of the template is left.
            for absent in ["<script", "style=", "<style", APP, "%TITLE%", "%BODY%"] {
                assert!(!html.contains(absent), "{} has {absent}", page.file);
            }
        }
    }
}
