//! The guided tour (`web/tour`): whole in every language, its states can be shown, its formulas are right.

use ditscope_test_support as support;

/// Makes a test of each named function and lists them in `TESTED`: the formula `x0-hat` is checked by `x0_hat`.
macro_rules! formulas {
    ($($name:ident)*) => {
        pub const TESTED: &[&str] = &[$(stringify!($name)),*];

        mod each {
            $(#[test] fn $name() { super::$name(); })*
        }
    };
}

mod claims;
mod experiments;
mod mathml;
mod network;
mod process;

use ditscope_config::{ModelConfig, RunSettings};
use ditscope_core::diffusion::sampler::{Sampler, SamplerConfig};
use ditscope_core::generate::Model;
use ditscope_model_dir as model_dir;
use ditscope_page_state::lab::bench::Bench;
use ditscope_page_state::lab::{Kind, as_told};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const LANGUAGES: [&str; 2] = ["en", "de"];

/// `tour.json`: what is the same in every language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tour {
    chapters: Vec<Chapter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chapter {
    id: String,
    state: serde_json::Value,
    pictures: Vec<serde_json::Value>,
    maths: Vec<Formula>,
    references: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Formula {
    id: String,
    mathml: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    text: String,
    url: String,
}

/// `en.json`, `de.json`: words only, in the same order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    language: String,
    title: String,
    chapters: Vec<ChapterWords>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChapterWords {
    id: String,
    title: String,
    words: Vec<String>,
    pictures: Vec<String>,
    maths: Vec<FormulaWords>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormulaWords {
    id: String,
    says: String,
    source: String,
}

/// What the page shows: a chapter's state, with a picture's differences put over it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    class: usize,
    guidance_scale: f64,
    num_inference_steps: usize,
    sampler: ditscope_config::SamplerKind,
    seed: u64,
    num_images: usize,
    position: f64,
    view: View,
    guidance_scales: Option<Vec<f64>>,
    block: Option<usize>,
    token: Option<usize>,
    lab: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum View {
    X0,
    #[serde(rename = "x_t")]
    XT,
    Channels,
    Guidance,
    Schedule,
    Forward,
    Attention,
    #[serde(rename = "adaln")]
    AdaLn,
    CompareGuidance,
    CompareSamplers,
    Train,
    #[serde(rename = "onestep")]
    OneStep,
    Paint,
    Edit,
    Ask,
    Break,
    Ideal,
}

impl State {
    fn settings(&self) -> RunSettings {
        RunSettings {
            class: self.class,
            guidance_scale: self.guidance_scale,
            num_inference_steps: self.num_inference_steps,
            sampler: self.sampler,
            seed: self.seed,
            num_images: self.num_images,
            ..RunSettings::default()
        }
    }
}

impl Chapter {
    /// The chapter's own state and that of each picture.
    fn states(&self) -> Vec<State> {
        let nothing = serde_json::json!({});
        let merged = [&nothing].into_iter().chain(&self.pictures).map(|differences| {
            let mut state = self.state.as_object().expect("an object").clone();
            state.extend(differences.as_object().expect("an object").clone());
            serde_json::from_value(state.into()).unwrap_or_else(|error| panic!("{}: {error}", self.id))
        });
        merged.collect()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn model_folder() -> PathBuf {
    root().join("assets/models/fashion")
}

fn shipped_config() -> ModelConfig {
    model_dir::read_config(&model_folder()).expect("the shipped model's configuration")
}

fn shipped_model() -> Model {
    model_dir::load(&model_folder(), &burn::tensor::Device::flex()).expect("the shipped model")
}

fn read<T: DeserializeOwned>(name: &str) -> T {
    let path = root().join("web/tour").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn tour() -> Tour {
    read("tour.json")
}

fn words(language: &str) -> Words {
    read(&format!("{language}.json"))
}

fn assert_close(name: &str, found: f64, expected: f64, tolerance: f64) {
    let difference = (found - expected).abs();
    assert!(difference <= tolerance * expected.abs().max(1e-12), "{name}: {found} is not {expected}");
}

#[test]
fn every_language_has_words_for_everything() {
    let tour = tour();
    for language in LANGUAGES {
        let words = words(language);
        assert_eq!(words.language, language);
        assert!(!words.title.is_empty());
        assert_eq!(words.chapters.len(), tour.chapters.len(), "{language}");
        for (words, chapter) in words.chapters.iter().zip(&tour.chapters) {
            let place = format!("{language}, {}", chapter.id);
            assert_eq!(words.id, chapter.id, "{place}");
            assert_eq!(words.pictures.len(), chapter.pictures.len(), "{place}");
            let ids: Vec<&String> = words.maths.iter().map(|formula| &formula.id).collect();
            assert_eq!(ids, chapter.maths.iter().map(|formula| &formula.id).collect::<Vec<_>>(), "{place}");
            let maths = words.maths.iter().flat_map(|formula| [&formula.says, &formula.source]);
            let mut all = maths.chain(&words.words).chain(&words.pictures).chain([&words.title]);
            assert!(!words.words.is_empty() && all.all(|text| !text.trim().is_empty()), "{place}");
        }
    }
}

#[test]
fn languages_have_the_same_paragraphs_in_other_words() {
    let [en, de] = LANGUAGES.map(words);
    for (en, de) in en.chapters.iter().zip(&de.chapters) {
        assert_eq!(en.words.len(), de.words.len(), "{}", en.id);
        let both = en.words.iter().zip(&de.words).chain(en.pictures.iter().zip(&de.pictures));
        both.for_each(|(en, de)| assert_ne!(en, de));
        en.maths.iter().zip(&de.maths).for_each(|(en, de)| assert_ne!(en.says, de.says));
    }
}

#[test]
fn every_state_can_be_shown_with_the_shipped_model() {
    let config = shipped_config();
    for (chapter, state) in tour().chapters.iter().flat_map(|c| c.states().into_iter().map(|s| (c.id.clone(), s))) {
        let validate = |settings: RunSettings| {
            settings.validate(config.labels.len()).unwrap_or_else(|error| panic!("{chapter}: {error}"));
        };
        validate(state.settings());
        Sampler::new(&config.scheduler, SamplerConfig::new(state.sampler, state.num_inference_steps))
            .unwrap_or_else(|error| panic!("{chapter}: {error}"));
        assert!((0.0..=1.0).contains(&state.position), "{chapter}: position {}", state.position);
        // The finished picture is no step: the network was not asked there.
        let asked = !matches!(state.view, View::Guidance | View::Attention) || state.position < 1.0;
        assert!(asked, "{chapter}: {:?} at the end of the run", state.view);
        // At scale 1 there is no unconditional pass, so nothing to take a difference of.
        assert!(state.view != View::Guidance || state.guidance_scale > 1.0, "{chapter}: guidance at scale 1");
        assert!(state.view != View::CompareGuidance || state.guidance_scales.is_some(), "{chapter}: which scales?");
        if let Some(scales) = &state.guidance_scales {
            assert!((3..=5).contains(&scales.len()) && state.view == View::CompareGuidance, "{chapter}: {scales:?}");
            scales.iter().for_each(|scale| validate(RunSettings { guidance_scale: *scale, ..state.settings() }));
        }
        let inside = state.block.is_some() || state.token.is_some();
        assert!(!inside || state.view == View::Attention, "{chapter}: block and token belong to attention");
        assert!(state.block.is_none_or(|block| block < config.transformer.depth), "{chapter}");
        assert!(state.token.is_none_or(|token| token < config.transformer.num_tokens()), "{chapter}");
        let Some(lab) = state.lab else { continue };
        let kind = match state.view {
            View::OneStep => Kind::OneStep,
            View::Paint => Kind::Paint,
            View::Edit => Kind::Edit,
            View::Break => Kind::Break,
            other => panic!("{chapter}: nothing is set in {other:?}"),
        };
        let foreign = Bench::default().set_as_told(kind, &config.transformer, &lab);
        assert!(foreign.is_empty() && as_told(&lab).is_some(), "{chapter}: {foreign:?}");
    }
}

#[test]
fn every_view_has_its_place_in_the_tour() {
    let shown: BTreeSet<View> = tour().chapters.iter().flat_map(Chapter::states).map(|state| state.view).collect();
    assert_eq!(shown.len(), View::Ideal as usize + 1, "{shown:?}");
}

/// Accuracy in percent and distance, from the row of the shipped model's card that begins so.
fn measured(row: &str) -> (f64, f64) {
    let card = fs::read_to_string(model_folder().join("README.md")).expect("the model has a card");
    let begin = format!("| {row} | ");
    let row = card.lines().find_map(|line| line.strip_prefix(&begin)).expect("a row in the card");
    let (accuracy, distance) = row.split_once(" % | ").expect("a percentage");
    let number = |text: &str| text.trim_matches([' ', '|']).parse::<f64>().expect("a number");
    (number(accuracy), number(distance))
}

/// In every language there is a paragraph with all of these figures.
fn assert_told(figures: &[String]) {
    for language in LANGUAGES {
        let text = fs::read_to_string(root().join(format!("web/tour/{language}.json"))).expect("a language's words");
        let text = text.replace(',', ".");
        let is_there = text.lines().any(|paragraph| figures.iter().all(|figure| paragraph.contains(figure)));
        assert!(is_there, "{language}: no paragraph has all of {figures:?}");
    }
}

#[test]
fn what_guidance_does_is_what_was_measured() {
    let mut figures = Vec::new();
    for scale in [1, 2, 4] {
        let (accuracy, distance) = measured(&format!("DDIM | 30 | {scale}"));
        // The words round: what is not near 100 % to whole percents.
        let digits = usize::from(accuracy > 99.0);
        figures.extend([format!(" {accuracy:.digits$} %"), format!(" {distance:.1}")]);
    }
    assert_told(&figures);
}

#[test]
fn what_samplers_reach_is_what_was_measured() {
    let distance = |sampler: &str| format!(" {:.1}", measured(&format!("{sampler} | 10 | 2")).1);
    assert_told(&["DDIM", "DPM-Solver++", "UniPC"].map(distance));
}

#[test]
fn references_are_links_to_papers() {
    for chapter in tour().chapters {
        assert!(!chapter.references.is_empty(), "{}", chapter.id);
        for reference in chapter.references {
            let id = reference.url.strip_prefix("https://arxiv.org/abs/").unwrap_or_default();
            assert!(id.len() == 10 && id.chars().all(|c| c.is_ascii_digit() || c == '.'), "{}", reference.url);
            assert!(reference.text.ends_with(')'), "{}: no year", reference.text);
        }
    }
}

#[test]
fn formulas_are_well_formed_mathml_core() {
    for formula in tour().chapters.iter().flat_map(|chapter| &chapter.maths) {
        mathml::check(&formula.mathml).unwrap_or_else(|error| panic!("{}: {error}", formula.id));
    }
}

#[test]
fn every_formula_is_computed() {
    let chapters = tour().chapters;
    let formulas: Vec<String> = chapters.into_iter().flat_map(|chapter| chapter.maths).map(|f| f.id).collect();
    let shown: BTreeSet<String> = formulas.iter().cloned().collect();
    assert_eq!(shown.len(), formulas.len(), "an id appears twice: {formulas:?}");
    let tested =
        process::TESTED.iter().chain(network::TESTED).chain(experiments::TESTED).map(|name| name.replace('_', "-"));
    assert_eq!(tested.collect::<BTreeSet<String>>(), shown);
}

/// The mixtures that the forward chapter names are those of the schedule.
#[test]
fn the_mixtures_in_the_words_are_those_of_the_schedule() {
    let tour = tour();
    let at = tour.chapters.iter().position(|chapter| chapter.id == "forward").expect("the forward process");
    let mut checked = 0;
    for language in LANGUAGES {
        let words = words(language);
        for (state, text) in tour.chapters[at].states().iter().skip(1).zip(&words.chapters[at].pictures) {
            if state.view != View::Forward || state.position == 1.0 {
                continue;
            }
            let config = SamplerConfig::new(state.sampler, state.num_inference_steps);
            let sampler = Sampler::new(&shipped_config().scheduler, config).expect("a valid sampler");
            let step = (state.position * sampler.num_steps() as f64).round() as usize;
            let mut place = format!("t = {}, ᾱ = {:.2}", sampler.timestep(step), sampler.alpha_bar(step));
            if language == "de" {
                place = place.replace('.', ",");
            }
            assert!(text.starts_with(&place), "{text}: it is {place}");
            checked += 1;
        }
    }
    assert_eq!(checked, 6);
}
