//! The tour's chapters, read from `web/tour` (its README says what is in there). Pure.

use crate::Language;
use ditscope_config::{RunSettings, SamplerKind, Savings};
use serde_json::Value;
use std::sync::Arc;

/// The whole tour in one language.
#[derive(Debug, Clone, PartialEq)]
pub struct Book {
    pub language: Language,
    pub title: String,
    pub chapters: Vec<Chapter>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Chapter {
    /// The same in every language; in the address, too.
    pub id: String,
    pub title: String,
    pub words: Vec<String>,
    /// What the page shows.
    pub wish: Arc<Wish>,
    /// Steps to click: what to look at, and what the page shows then.
    pub pictures: Vec<(String, Arc<Wish>)>,
    pub maths: Vec<Formula>,
    /// Text and address.
    pub references: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    pub mathml: String,
    pub says: String,
    pub source: String,
}

/// What the page is to show.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    pub settings: RunSettings,
    /// Place in the run, 0 to 1.
    pub position: f64,
    pub look: Look,
    /// Where scales are compared.
    pub guidance_scales: Vec<f64>,
    /// Whose attention, where it is shown.
    pub block: Option<usize>,
    pub token: Option<usize>,
    /// What is set, where an experiment is shown.
    pub lab: Option<String>,
}

/// How a step is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    X0,
    XT,
    Channels,
    Guidance,
    Schedule,
    Forward,
    Attention,
    AdaLn,
    CompareGuidance,
    CompareSamplers,
    Train,
    OneStep,
    Paint,
    Edit,
    Ask,
    Break,
    Ideal,
}

impl Look {
    pub const ALL: [Self; 17] = [
        Self::X0,
        Self::XT,
        Self::Channels,
        Self::Guidance,
        Self::Schedule,
        Self::Forward,
        Self::Attention,
        Self::AdaLn,
        Self::CompareGuidance,
        Self::CompareSamplers,
        Self::Train,
        Self::OneStep,
        Self::Paint,
        Self::Edit,
        Self::Ask,
        Self::Break,
        Self::Ideal,
    ];

    /// As in `tour.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::X0 => "x0",
            Self::XT => "x_t",
            Self::Channels => "channels",
            Self::Guidance => "guidance",
            Self::Schedule => "schedule",
            Self::Forward => "forward",
            Self::Attention => "attention",
            Self::AdaLn => "adaln",
            Self::CompareGuidance => "compare-guidance",
            Self::CompareSamplers => "compare-samplers",
            Self::Train => "train",
            Self::OneStep => "onestep",
            Self::Paint => "paint",
            Self::Edit => "edit",
            Self::Ask => "ask",
            Self::Break => "break",
            Self::Ideal => "ideal",
        }
    }
}

impl Wish {
    /// The frame of a run of so many steps that is shown.
    pub fn frame(&self, steps: usize) -> usize {
        (self.position * steps as f64).round() as usize
    }
}

impl Book {
    /// Reads `tour.json` and the file of a language; nothing if they are damaged or do not fit each other.
    pub fn read(language: Language, tour: &str, words: &str) -> Option<Self> {
        let (tour, words): (Value, Value) = (parse(tour)?, parse(words)?);
        let chapters: Option<Vec<Chapter>> = list(&tour, "chapters")?
            .iter()
            .map(|chapter| {
                let found = list(&words, "chapters")?.iter().find(|words| words["id"] == chapter["id"]);
                self::chapter(chapter, found?)
            })
            .collect();
        let chapters = chapters.filter(|chapters| !chapters.is_empty())?;
        Some(Self { language, title: text(&words, "title")?, chapters })
    }

    /// Which chapter has this name.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.chapters.iter().position(|chapter| chapter.id == id)
    }
}

fn chapter(data: &Value, words: &Value) -> Option<Chapter> {
    let state = &data["state"];
    let steps = list(data, "pictures")?.iter().zip(list(words, "pictures")?);
    let formulas = list(data, "maths")?.iter().zip(list(words, "maths")?);
    Some(Chapter {
        id: text(data, "id")?,
        title: text(words, "title")?,
        words: texts(list(words, "words")?)?,
        wish: Arc::new(wish(&[state])?),
        pictures: steps
            .map(|(step, says)| Some((says.as_str()?.into(), Arc::new(wish(&[step, state])?))))
            .collect::<Option<_>>()?,
        maths: formulas
            .map(|(formula, words)| {
                let (says, source) = (text(words, "says")?, text(words, "source")?);
                Some(Formula { mathml: text(formula, "mathml")?, says, source })
            })
            .collect::<Option<_>>()?,
        references: list(data, "references")?
            .iter()
            .map(|reference| Some((text(reference, "text")?, text(reference, "url")?)))
            .collect::<Option<_>>()?,
    })
}

/// From the first of `layers` that says something to it.
fn wish(layers: &[&Value]) -> Option<Wish> {
    let value = |key: &str| layers.iter().map(|layer| &layer[key]).find(|value| !value.is_null());
    let whole = |key: &str| value(key)?.as_u64();
    let number = |key: &str| value(key)?.as_f64();
    let name = |key: &str| value(key)?.as_str();
    let sampler: SamplerKind = name("sampler")?.parse().ok()?;
    let look = Look::ALL.into_iter().find(|look| Some(look.name()) == name("view"))?;
    let scales = value("guidance_scales").and_then(Value::as_array);
    Some(Wish {
        settings: RunSettings {
            class: whole("class")? as usize,
            guidance_scale: number("guidance_scale")?,
            num_inference_steps: whole("num_inference_steps")? as usize,
            sampler,
            timestep_spacing: None,
            seed: whole("seed")?,
            num_images: whole("num_images")? as usize,
            savings: Savings::default(),
        },
        position: number("position")?.clamp(0.0, 1.0),
        look,
        guidance_scales: scales.into_iter().flatten().filter_map(Value::as_f64).collect(),
        lab: name("lab").map(str::to_owned),
        block: whole("block").map(|block| block as usize),
        token: whole("token").map(|token| token as usize),
    })
}

fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

fn list<'a>(value: &'a Value, key: &str) -> Option<&'a Vec<Value>> {
    value[key].as_array()
}

fn text(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::to_owned)
}

fn texts(values: &[Value]) -> Option<Vec<String>> {
    values.iter().map(|value| value.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// What is shipped.
    pub fn files(language: Language) -> (String, String) {
        let read = |name: &str| {
            let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/tour").join(name);
            std::fs::read_to_string(file).expect("a file of the tour")
        };
        (read("tour.json"), read(&format!("{}.json", language.code())))
    }

    pub fn book(language: Language) -> Book {
        let (tour, words) = files(language);
        Book::read(language, &tour, &words).expect("the shipped tour is sound")
    }

    #[test]
    fn the_shipped_tour_is_read_in_every_language() {
        let english = book(Language::English);
        assert_eq!(english.chapters.len(), 13);
        for language in Language::ALL {
            let book = book(language);
            for (chapter, other) in book.chapters.iter().zip(&english.chapters) {
                assert_eq!((&chapter.id, &chapter.wish), (&other.id, &other.wish));
                assert_eq!(chapter.pictures.len(), other.pictures.len());
                assert!(!chapter.words.is_empty() && !chapter.maths.is_empty() && !chapter.references.is_empty());
            }
        }
    }

    #[test]
    fn a_step_differs_from_its_chapter_only_in_what_it_says() {
        let book = book(Language::English);
        let guidance = &book.chapters[book.find("guidance").expect("a chapter on guidance")];
        assert_eq!(guidance.pictures[0].1, guidance.wish);
        let compared = &guidance.pictures[2].1;
        assert_eq!((compared.look, compared.guidance_scales.len()), (Look::CompareGuidance, 4));
        assert_eq!(compared.settings, guidance.wish.settings);
        assert_eq!((guidance.wish.frame(30), compared.frame(30)), (3, 30));
    }

    #[test]
    fn damaged_files_are_no_book() {
        let (tour, words) = files(Language::German);
        assert_eq!(Book::read(Language::German, &tour, &words[..words.len() / 2]), None);
        assert_eq!(Book::read(Language::German, "<!doctype html>", &words), None);
        assert_eq!(Book::read(Language::German, &tour.replace("\"adaln\"", "\"dance\""), &words), None);
        assert_eq!(Book::read(Language::German, "{\"chapters\": []}", &words), None);
    }
}
