//! Settings ↔ address bar, pure.
//!
//! The parameters are `model, class, guidance, steps, sampler, seed, n, reuse, interval, backend, view, compare, lang, present, embed,
//! tour`.
//! Whatever does not fit is clamped or left out, and said: an address never
//! leads to an error page.

use crate::compare::What;
use crate::tour::Tour;
use crate::{Allowed, Language, Mode, ModelRef, Notice};
use ditscope_config::{RunSettings, SamplerKind, Savings};
use ditscope_protocol::BackendChoice;
use std::ops::RangeInclusive;

/// The step of the guidance slider.
pub const GUIDANCE_STEP: f64 = 0.1;

/// What the visitor has chosen; the rest are the model's defaults.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chosen {
    pub class: Option<usize>,
    pub guidance_scale: Option<f64>,
    pub num_inference_steps: Option<usize>,
    pub sampler: Option<SamplerKind>,
    pub seed: Option<u64>,
    pub num_images: Option<usize>,
    pub savings: Option<Savings>,
}

impl Chosen {
    /// The settings of a run: what was chosen over `defaults`.
    pub fn over(&self, defaults: &RunSettings) -> RunSettings {
        RunSettings {
            class: self.class.unwrap_or(defaults.class),
            guidance_scale: self.guidance_scale.unwrap_or(defaults.guidance_scale),
            num_inference_steps: self.num_inference_steps.unwrap_or(defaults.num_inference_steps),
            sampler: self.sampler.unwrap_or(defaults.sampler),
            seed: self.seed.unwrap_or(defaults.seed),
            num_images: self.num_images.unwrap_or(defaults.num_images),
            savings: self.savings.unwrap_or(defaults.savings),
        }
    }
}

/// Everything an address can say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Address {
    pub model: ModelRef,
    pub backend: BackendChoice,
    pub chosen: Chosen,
    /// What the stage shows first.
    pub view: Mode,
    /// What was chosen to be compared.
    pub compare: Option<What>,
    /// Another language than the browser's.
    pub language: Option<Language>,
    /// Large, with few controls, for a lecture.
    pub present: bool,
    /// Small, as a part of another page.
    pub embed: bool,
    /// The open chapter of the tour; without a name it is the first.
    pub tour: Option<String>,
}

/// Reads a query string (with or without its `?`); the second part tells the visitor what was changed.
pub fn parse(query: &str) -> (Address, Vec<Notice>) {
    let mut address = Address::default();
    let mut notices = Vec::new();
    for pair in query.trim_start_matches('?').split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decode(key), decode(value));
        if let Err(notice) = read(&mut address, &key, &value) {
            notices.push(notice);
        }
    }
    (address, notices)
}

/// Takes one parameter into `address`; the error says what was ignored or changed.
fn read(address: &mut Address, key: &str, value: &str) -> Result<(), Notice> {
    let ignored = |allowed: Allowed| ignored(key, value, allowed);
    let chosen = &mut address.chosen;
    match key {
        "model" => {
            address.model = ModelRef::parse(value).ok_or_else(|| ignored(Allowed::Model))?;
            Ok(())
        }
        // The number of classes is the model's business; it is checked again when the model is known.
        "class" => whole(key, value, 0..=u32::MAX.into(), |class| chosen.class = Some(class as usize)),
        "guidance" => {
            let Some(number) = value.parse::<f64>().ok().filter(|number| number.is_finite()) else {
                return Err(ignored(range(RunSettings::GUIDANCE_SCALE)));
            };
            let kept = to_guidance(number);
            chosen.guidance_scale = Some(kept);
            if kept == number { Ok(()) } else { Err(changed(key, value, kept)) }
        }
        "steps" => whole(key, value, to_u64(RunSettings::STEPS), |n| chosen.num_inference_steps = Some(n as usize)),
        "seed" => whole(key, value, RunSettings::SEED, |seed| chosen.seed = Some(seed)),
        "n" => whole(key, value, to_u64(RunSettings::NUM_IMAGES), |n| chosen.num_images = Some(n as usize)),
        "reuse" => whole(key, value, to_u64(Savings::CACHE_INTERVAL), |n| {
            chosen.savings.get_or_insert_default().cache_interval = n as usize;
        }),
        "interval" => {
            let interval = value.split_once(',').and_then(|(from, to)| Some([from.parse().ok()?, to.parse().ok()?]));
            let savings = Savings { guidance_interval: interval, ..chosen.savings.unwrap_or_default() };
            if interval.is_none() || savings.validate().is_err() {
                return Err(ignored(Allowed::Interval));
            }
            chosen.savings = Some(savings);
            Ok(())
        }
        // A '+' typed by hand means a space in a query: `dpm++` arrives as `dpm  `.
        "sampler" => match value.replace(' ', "+").parse() {
            Ok(sampler) => {
                chosen.sampler = Some(sampler);
                Ok(())
            }
            Err(_) => Err(ignored(one_of(&SamplerKind::ALL.map(SamplerKind::name)))),
        },
        "backend" => {
            address.backend = match value {
                "auto" => BackendChoice::Auto,
                "webgpu" => BackendChoice::WebGpu,
                "cpu" => BackendChoice::Cpu,
                _ => return Err(ignored(one_of(&["auto", "webgpu", "cpu"]))),
            };
            Ok(())
        }
        "view" => {
            address.view = Mode::parse(value).ok_or_else(|| ignored(one_of(&Mode::ALL.map(Mode::name))))?;
            Ok(())
        }
        // The usual scales are the model's business.
        "compare" if value == "guidance" => {
            address.compare = None;
            Ok(())
        }
        "compare" => {
            let (what, is_changed) = What::parse(value).ok_or_else(|| ignored(Allowed::Compare))?;
            let notice = if is_changed { Err(changed(key, value, &what)) } else { Ok(()) };
            address.compare = Some(what);
            notice
        }
        "lang" => {
            let known = one_of(&Language::ALL.map(Language::code));
            address.language = Some(Language::from_tag(value).ok_or_else(|| ignored(known))?);
            Ok(())
        }
        // Which chapters there are is known when the tour is there.
        "tour" => {
            address.tour = Some(Tour::parse_chapter(value).ok_or_else(|| ignored(Allowed::Chapter))?);
            Ok(())
        }
        "present" | "embed" => {
            let yes = match value {
                "1" => true,
                "0" => false,
                _ => return Err(ignored(one_of(&["1", "0"]))),
            };
            *(if key == "present" { &mut address.present } else { &mut address.embed }) = yes;
            Ok(())
        }
        _ => Err(Notice::UnknownKey(shorten(key))),
    }
}

/// The query string that reproduces a run, without `?`. A folder on the visitor's disk is not in it.
pub fn query(address: &Address, settings: &RunSettings) -> String {
    let Address { model, backend, view, compare, language, present, embed, tour, chosen: _ } = address;
    let RunSettings { class, guidance_scale, num_inference_steps, sampler, seed, num_images, savings } = settings;
    let sampler = sampler.name().replace('+', "%2B");
    let model = model.query_value().map(|model| format!("model={model}&")).unwrap_or_default();
    let mut query = format!(
        "{model}class={class}&guidance={guidance_scale}&steps={num_inference_steps}\
         &sampler={sampler}&seed={seed}&n={num_images}"
    );
    if savings.cache_interval > 1 {
        query.push_str(&format!("&reuse={}", savings.cache_interval));
    }
    if let Some([from, to]) = savings.guidance_interval {
        query.push_str(&format!("&interval={from},{to}"));
    }
    match backend {
        BackendChoice::Auto => {}
        BackendChoice::WebGpu => query.push_str("&backend=webgpu"),
        BackendChoice::Cpu => query.push_str("&backend=cpu"),
    }
    if *view != Mode::default() {
        query.push_str(&format!("&view={}", view.name()));
    }
    if let Some(what) = compare {
        query.push_str(&format!("&compare={}", what.to_string().replace('+', "%2B")));
    }
    if let Some(language) = language {
        query.push_str(&format!("&lang={}", language.code()));
    }
    for (name, yes) in [("present", present), ("embed", embed)] {
        if *yes {
            query.push_str(&format!("&{name}=1"));
        }
    }
    if let Some(chapter) = tour {
        query.push_str(&format!("&tour={chapter}"));
    }
    query
}

/// The nearest guidance scale that the slider can show.
pub fn to_guidance(number: f64) -> f64 {
    let steps = (number / GUIDANCE_STEP).round() / GUIDANCE_STEP.recip();
    steps.clamp(*RunSettings::GUIDANCE_SCALE.start(), *RunSettings::GUIDANCE_SCALE.end())
}

/// The folder of a page, with a slash at its end: what relative addresses hang on.
pub fn folder_of(page: &str) -> &str {
    let end = page.find(['?', '#']).unwrap_or(page.len());
    let slash = page[..end].rfind('/').map_or(0, |at| at + 1);
    &page[..slash]
}

fn whole(key: &str, value: &str, range: RangeInclusive<u64>, mut take: impl FnMut(u64)) -> Result<(), Notice> {
    let Ok(number) = value.parse::<i128>() else {
        return Err(ignored(key, value, Allowed::WholeNumber(*range.start(), *range.end())));
    };
    let kept = number.clamp((*range.start()).into(), (*range.end()).into());
    take(kept as u64);
    if kept == number { Ok(()) } else { Err(changed(key, value, kept)) }
}

fn ignored(key: &str, value: &str, allowed: Allowed) -> Notice {
    Notice::Ignored { key: key.into(), value: shorten(value), allowed }
}

fn one_of(names: &[&'static str]) -> Allowed {
    Allowed::OneOf(names.to_vec())
}

fn changed(key: &str, value: &str, kept: impl ToString) -> Notice {
    Notice::Changed { key: key.into(), value: shorten(value), kept: kept.to_string() }
}

fn range(range: RangeInclusive<f64>) -> Allowed {
    Allowed::Range(*range.start(), *range.end())
}

fn to_u64(range: RangeInclusive<usize>) -> RangeInclusive<u64> {
    *range.start() as u64..=*range.end() as u64
}

/// What came from an address is quoted, but not at any length.
fn shorten(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

/// Percent-decoding as in HTML forms; broken escapes stay as they are.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = || std::str::from_utf8(bytes.get(at + 1..at + 3)?).ok().and_then(|h| u8::from_str_radix(h, 16).ok());
        match bytes[at] {
            b'+' => out.push(b' '),
            b'%' => {
                if let Some(byte) = hex() {
                    out.push(byte);
                    at += 2;
                } else {
                    out.push(b'%');
                }
            }
            byte => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
