//! Settings ↔ address bar.
//!
//! Every parameter is a row of [`PARAMETERS`]: its key, how it is read, how it is written. Whatever does not fit is brought
//! to what is possible or left out, and told: an address never leads to an error page.

mod parameters;
mod values;

pub use parameters::{PARAMETERS, Parameter};

use crate::compare::What;
use crate::{Language, Mode, ModelRef, Notice, PageDepth};
use ditscope_config::{RunSettings, SamplerKind, Savings, TimestepSpacing};
use ditscope_protocol::BackendChoice;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// The step of the guidance slider.
pub const GUIDANCE_STEP: f64 = 0.1;

/// What a query string cannot have as it is: what separates parameters, and what means something else in one.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'&').add(b'+').add(b'<').add(b'>');

/// What the visitor has chosen; the rest are the model's defaults.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chosen {
    pub class: Option<usize>,
    pub guidance_scale: Option<f64>,
    pub num_inference_steps: Option<usize>,
    pub sampler: Option<SamplerKind>,
    pub timestep_spacing: Option<TimestepSpacing>,
    pub seed: Option<u64>,
    pub num_images: Option<usize>,
    pub savings: Option<Savings>,
}

impl Chosen {
    /// The settings of a run: what was chosen over `defaults`, but for a sampler that is for other models.
    pub fn over(&self, defaults: &RunSettings) -> RunSettings {
        RunSettings {
            class: self.class.unwrap_or(defaults.class),
            guidance_scale: self.guidance_scale.unwrap_or(defaults.guidance_scale),
            num_inference_steps: self.num_inference_steps.unwrap_or(defaults.num_inference_steps),
            sampler: self.sampler.filter(|kind| defaults.sampler.peers().contains(kind)).unwrap_or(defaults.sampler),
            timestep_spacing: self.timestep_spacing.or(defaults.timestep_spacing),
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
    /// The noise level of the forward process, where one was chosen.
    pub noise_t: Option<usize>,
    /// Whether the model is asked which class it sees in the picture of the forward process.
    pub asks_for_class: bool,
    /// What is set in the experiment that the stage shows, as the part that shows it writes it.
    pub lab: Option<String>,
    /// Another language than the browser's.
    pub language: Option<Language>,
    /// How much of the page there is, where that was chosen.
    pub depth: Option<PageDepth>,
    /// Large, with few controls, for a lecture.
    pub present: bool,
    /// Small, as a part of another page.
    pub embed: bool,
    /// Whether the panel that measures the device is open first. No link of the page's own says so.
    pub bench: bool,
    /// The open chapter of the tour; without a name it is the first.
    pub tour: Option<String>,
}

impl Address {
    /// Whether it says what is to be seen, and not only how the page is shown.
    pub(crate) fn names_run(&self) -> bool {
        self.chosen != Chosen::default() || self.compare.is_some() || self.view == Mode::Compare
    }
}

/// More is not told of one address, and no longer one is read: every setting at its longest is shorter.
const MOST_NOTICES: usize = 12;
const MOST_BYTES: usize = 1 << 14;

/// Reads a query string (with or without its `?`); the second part tells the visitor what was changed.
pub fn parse(query: &str) -> (Address, Vec<Notice>) {
    let (mut address, mut notices, mut names_model) = (Address::default(), Vec::new(), false);
    if query.len() > MOST_BYTES {
        return (address, vec![Notice::AddressTooLong { bytes: query.len() }]);
    }
    for (key, value) in form_urlencoded::parse(query.trim_start_matches('?').as_bytes()) {
        let read = match PARAMETERS.iter().find(|parameter| parameter.key == key) {
            Some(parameter) => (parameter.read)(&mut address, &value).map_err(|problem| problem.notice(&key, &value)),
            None => Err(Notice::UnknownKey(values::shorten(&key))),
        };
        names_model |= key == "model";
        notices.extend(read.err());
    }
    // What the page opens with makes way for the model that the tour speaks of.
    if address.tour.is_some() && !names_model {
        address.model = ModelRef::of_tour();
    }
    if notices.len() > MOST_NOTICES {
        let more = notices.split_off(MOST_NOTICES).len();
        notices.push(Notice::MoreOfAddress { more });
    }
    (address, notices)
}

/// The query string that reproduces a run, without `?`. A folder on the visitor's disk is not in it.
pub fn query(address: &Address, settings: &RunSettings) -> String {
    let pair = |parameter: &Parameter| {
        let value = (parameter.write)(address, settings)?;
        Some(format!("{}={}", parameter.key, utf8_percent_encode(&value, ESCAPED)))
    };
    PARAMETERS.iter().filter_map(pair).collect::<Vec<_>>().join("&")
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

#[cfg(test)]
mod tests;
