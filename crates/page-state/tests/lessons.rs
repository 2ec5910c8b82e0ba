//! The lessons for teachers (docs/teaching*.md) hold what they promise: every link opens the page as it says, every name of
//! what is pressed is one that the page has, and both languages have the same.

use ditscope_page_state::address::parse;
use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Language, file, the headings of each lesson in their order, and how an answer begins.
const LANGUAGES: [(&str, &str, [&str; 7], &str); 2] = [
    (
        "en",
        "docs/teaching.md",
        ["Goal", "What is needed", "Time", "What to do", "Questions and answers", "Exercise", "Pitfalls"],
        "   *Answer.* ",
    ),
    (
        "de",
        "docs/teaching.de.md",
        ["Ziel", "Was gebraucht wird", "Zeitplan", "Ablauf", "Fragen und Antworten", "Übung", "Stolpersteine"],
        "   *Antwort.* ",
    ),
];
/// Which of the headings has the questions.
const QUESTIONS: usize = 4;
const APP: &str = "http://127.0.0.1:8080/";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What leads into the app.
fn links(markdown: &str) -> Vec<String> {
    let links = Parser::new(markdown).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. }) => Some(dest_url.into_string()),
        _ => None,
    });
    links.filter(|link| link.starts_with(APP)).collect()
}

/// What is printed bold: the names of what is on the page.
fn names(markdown: &str) -> Vec<String> {
    let (mut names, mut is_name) = (Vec::new(), false);
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::Strong) => {
                names.push(String::new());
                is_name = true;
            }
            Event::End(TagEnd::Strong) => is_name = false,
            Event::Text(text) if is_name => names.last_mut().expect("it has begun").push_str(&text),
            _ => {}
        }
    }
    names
}

/// The parts of a text that begin with a heading of this kind, each with its heading.
fn parts<'a>(text: &'a str, mark: &str) -> Vec<(&'a str, &'a str)> {
    let mark = format!("\n{mark} ");
    text.split(&mark).skip(1).map(|part| part.split_once('\n').expect("something follows a heading")).collect()
}

/// Whether a text of the page, like `Block %{number}`, can read so.
fn reads(pattern: &str, name: &str) -> bool {
    let mut fixed = pattern.split("%{").enumerate().map(|(i, part)| match i {
        0 => part,
        _ => part.split_once('}').map_or(part, |(_, after)| after),
    });
    let Some(mut rest) = fixed.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut last = "";
    for part in fixed {
        let Some(at) = rest.find(part) else { return false };
        (rest, last) = (&rest[at + part.len()..], part);
    }
    // A text that ends with what is put in may go on.
    rest.is_empty() || pattern.ends_with('}') && last.is_empty()
}

#[test]
fn a_text_with_gaps_reads_as_it_may() {
    assert!(reads("Seed", "Seed") && !reads("Seed", "Seeds") && !reads("Seeds", "Seed"));
    assert!(reads("Block %{number}", "Block 3") && !reads("Block %{number}", "Head 3"));
    assert!(reads("%{count} pictures", "40,000 pictures") && !reads("%{count} pictures", "pictures seen"));
}

#[test]
fn every_link_is_understood_and_names_a_model_and_a_class_that_are_there() {
    let models = json("assets/models/index.json");
    for (_, file, ..) in LANGUAGES {
        let links = links(&read(file));
        assert!(links.len() > 20, "{file} has {} links", links.len());
        for link in links {
            let (address, notices) = parse(link.strip_prefix(APP).expect("it leads into the app"));
            assert!(notices.is_empty(), "{file}: {link}: {notices:?}");
            let query = link.split_once('?').map_or("", |(_, query)| query);
            let value = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
            let Some(id) = value("model") else { continue };
            let model = models["models"].as_array().expect("a list").iter().find(|model| model["id"] == id);
            let model = model.unwrap_or_else(|| panic!("{file}: {link}: no model {id}"));
            let classes = model["num_classes"].as_u64().expect("a number") as usize;
            assert!(address.chosen.class.is_none_or(|class| class < classes), "{file}: {link}: no such class");
            assert!(value("lang").is_none(), "{file}: {link}: the page for teachers adds the language");
        }
    }
}

#[test]
fn both_languages_have_the_same_links_lessons_questions_and_answers() {
    let [english, german] = LANGUAGES.map(|(_, file, headings, answer)| {
        let text = read(file);
        let lessons = parts(&text, "##");
        assert_eq!(lessons.len(), 5, "{file}");
        let shape: Vec<_> = lessons.iter().map(|(lesson, body)| shape(file, lesson, body, &headings, answer)).collect();
        (links(&text), shape)
    });
    assert_eq!(english, german);
}

/// Links and number of questions of a lesson, which has its headings in order and an answer to each question.
fn shape(file: &str, lesson: &str, body: &str, headings: &[&str], answer: &str) -> (Vec<String>, usize) {
    let body = format!("\n{body}");
    let parts = parts(&body, "###");
    assert_eq!(parts.iter().map(|(heading, _)| *heading).collect::<Vec<_>>(), headings, "{file}: {lesson}");
    assert!(parts.iter().all(|(_, text)| !text.trim().is_empty()), "{file}: {lesson}: a part is empty");
    let lines = || parts[QUESTIONS].1.lines();
    let is_numbered = |line: &&str| line.split_once(". ").is_some_and(|(number, _)| number.parse::<usize>().is_ok());
    let questions = lines().filter(is_numbered).count();
    let answers = lines().filter(|line| line.starts_with(answer)).count();
    assert!(questions >= 3 && questions == answers, "{file}: {lesson}: {questions} questions, {answers} answers");
    (links(&body), questions)
}

#[test]
fn what_is_to_be_pressed_has_the_name_it_has_on_the_page() {
    let models = json("assets/models/index.json");
    let models = models["models"].as_array().expect("a list").clone();
    let folders = models.iter().filter_map(|model| model["id"].as_str());
    let labels = folders.flat_map(|id| json(&format!("assets/models/{id}/config.json"))["labels"].as_array().cloned());
    let of_models: Vec<Value> = models.iter().map(|model| model["name"].clone()).chain(labels.flatten()).collect();
    for (language, file, ..) in LANGUAGES {
        let texts = fs::read_dir(root().join("web/texts")).expect("the texts").map(|file| file.expect("a file").path());
        let texts = texts.filter(|path| path.to_string_lossy().ends_with(&format!(".{language}.json")));
        let texts = texts.map(|path| json(&format!("web/texts/{}", path.file_name().expect("a name").display())));
        let texts = texts.flat_map(|file| file.as_object().cloned().unwrap_or_default()).map(|(_, text)| text);
        // A text that is all gap would read as anything.
        let known: Vec<Value> = texts.chain(of_models.iter().cloned()).collect();
        let known: Vec<&str> = known.iter().filter_map(Value::as_str).filter(|text| !text.starts_with("%{")).collect();
        let names = names(&read(file));
        assert!(names.len() > 30, "{file} has {} names", names.len());
        for name in names {
            assert!(known.iter().any(|text| reads(text, &name)), "{file}: the page has nothing called “{name}”");
        }
    }
}
