//! Every English word of the page's changing parts: short, exact, the papers' terms with a plain gloss.

use super::film::{Film, place};
use super::models::StorageReport;
use super::state::{AppState, ModelState, Progress, RunState};
use crate::config::{CatalogEntry, RunSettings, SamplerKind};
use crate::protocol::{Backend, FailureKind, ModelSource, WeightsReport};

pub const TAGLINE: &str = "A Diffusion Transformer turns noise into a picture. Watch every step, here in this tab.";
pub const STARTING_WORKER: &str = "Starting the worker";
pub const NO_RUN_YET: &str = "Press Generate to watch a picture come out of noise.";
pub const RECORDED: &str = "Recorded";
pub const COPIED: &str = "Link copied: it holds all settings.";
pub const COPY_BY_HAND: &str = "Copy the address from the address bar: it holds all settings.";

pub const FOLDER_NOT_SHARED: &str =
    "Link copied, without the model: a folder on this device has no address for others.";

pub const ADD_HINT: &str = "A folder in ditscope's format, as “dit convert” writes it: config.json, the index and the \
    weights. An address must allow other sites to read it (CORS).";
pub const NO_ADDRESS: &str =
    "This is not the address of a folder: it begins with https:// or http:// and has no ? or #.";
pub const LISTING: &str = "Fetching the list of models";
pub const ALL_MODELS: &str = "All models";
pub const CANCEL_LOADING: &str = "Cancel loading";
pub const LOADING: &str = "Loading";
pub const NON_COMMERCIAL: &str = "Non-commercial use only";
pub const NO_STORAGE: &str = "This browser keeps no weights for this page (it needs a secure address, and private \
    windows may refuse). Models work; they are fetched anew on each visit.";
pub const NOTHING_STORED: &str = "No weights are stored yet.";
pub const KEPT: &str = "The browser keeps stored weights even when space runs short.";
pub const NOT_KEPT: &str = "The browser may delete stored weights when space runs short.";
pub const DECLINED: &str = "The browser has not promised to keep stored weights. It may once you have used this page \
    for a while or bookmarked it.";
pub const PERSIST: &str = "Keep even when space runs short";
pub const PREVIEW: &str = "linear preview";
pub const HINT_PREVIEW: &str = "A quick guess of the colours, straight from the latent; the decoder is too slow for \
    every step.";
pub const HINT_DECODE: &str = "Run the full decoder on the selected picture of this step";
pub const RESUME: &str = "What was loaded is kept: another try goes on from there.";

pub const HELP: &str = "Choose a class and press Generate. The model starts from pure noise and takes some of it away \
    at every step, always asking: what picture could this become? The large view shows its answer, the small one the \
    noisy latent it looks at. Drag the timeline to any step; run again with another guidance scale and compare.";
pub const PRIVACY: &str = "The model runs on this device. Nothing you do here is sent anywhere.";

pub const SHORT_GUIDANCE: &str = "How strongly the class steers each step: higher is clearer, less varied.";
pub const SHORT_STEPS: &str = "How often noise is taken away: more is finer and takes longer.";
pub const ABOUT_ALPHA_BAR: &str =
    "ᾱ is the share of the picture left in the mixture: near 0 at the start, 1 at the end.";
pub const ABOUT_X_T: &str =
    "The small coded picture that the Transformer works on, mixed with noise; one tile for each channel.";
pub const ABOUT_X0: &str = "What is left when all noise the model sees in xₜ is taken away at once, decoded to pixels. \
    Vague at first, sharper with each step.";
pub const ABOUT_GUIDANCE: &str =
    "Each step is predicted with the class and without it; the difference is taken that many times over.";

pub const HINT_CLASS: &str = "What the picture shall show: the label that the network is given at every step.";
pub const HINT_GUIDANCE: &str = "Guidance scale: how strongly the class label steers each step. Higher gives clearer, \
    more typical pictures with less variety; at 1 there is no extra push.";
pub const HINT_STEPS: &str = "How many times noise is taken away. More steps give finer pictures and take longer.";
pub const HINT_SAMPLER: &str = "How the next, less noisy latent is worked out from the predicted noise.";
pub const HINT_SEED: &str =
    "The number the first noise is drawn from. The same seed and settings give the same picture.";
pub const HINT_PICTURES: &str = "How many pictures at once, with seeds counting up from this one. More take longer.";
pub const HINT_X_T: &str = "The latent the network sees at this step, one tile for each channel: noise at first.";
pub const HINT_X0: &str = "What the finished picture would be if all noise that the network sees now were taken away.";

pub fn sampler(kind: SamplerKind) -> &'static str {
    match kind {
        SamplerKind::Ddim => "DDIM: deterministic",
        SamplerKind::Ddpm => "DDPM: fresh noise each step",
        SamplerKind::DpmSolverPlusPlus => "DPM-Solver++: fewest steps",
    }
}

pub fn class_number(class: usize) -> String {
    format!("Class {class}")
}

pub fn class_clamped(class: usize, last: usize, label: &str) -> String {
    format!("class = {class} in the address was changed to {last} ({label}), the last this model has.")
}

/// One line that a screen reader says when it changes.
pub fn status(state: &AppState) -> String {
    match (&state.model, &state.run) {
        (ModelState::Failed(_), _) => format!("Failed: the model “{}” is not loaded", state.address.model.name()),
        (_, RunState::Failed(_)) => match state.film.as_ref().map(Film::received) {
            Some(frames) if frames > 0 => format!("Failed: the first {frames} frames are kept"),
            _ => "Failed: the run did not begin".into(),
        },
        (ModelState::Asking, RunState::Queued) => "Your run starts as soon as the model is there".into(),
        (ModelState::Asking, _) => "Looking the model up".into(),
        (ModelState::Offered, _) => "Model not loaded".into(),
        (ModelState::Loading(progress), _) if progress.stopping => "Stopping the download".into(),
        (ModelState::Loading(_), RunState::Queued) => "Your run starts as soon as the model is there".into(),
        (ModelState::Loading(_), _) => "Loading the model".into(),
        (ModelState::Stopped, _) => "Loading stopped".into(),
        (ModelState::Ready { .. }, RunState::Running { cancelling: true }) => "Stopping after this step".into(),
        (ModelState::Ready { .. }, RunState::Running { .. } | RunState::Queued) => "Generating".into(),
        (ModelState::Ready { .. }, _) if state.decoding.is_some_and(|decoding| decoding.cancelling) => {
            "Stopping the decoder".into()
        }
        (ModelState::Ready { .. }, _) if state.decoding.is_some() => "Decoding this step".into(),
        (ModelState::Ready { .. }, RunState::Done { total_ms }) => {
            let what = state.film.as_ref().map(|film| film.label.clone()).unwrap_or_default();
            let pictures = state.film.as_ref().map_or(1, |film| film.info.num_images);
            let times = if pictures > 1 { format!(" ×{pictures}") } else { String::new() };
            format!("Done: {what}{times} in {}", seconds(*total_ms))
        }
        (ModelState::Ready { .. }, RunState::Cancelled) => match state.film.as_ref().map(Film::received) {
            Some(frames) if frames > 0 => format!("Cancelled: the first {frames} frames are kept"),
            _ => "Cancelled".into(),
        },
        (ModelState::Ready { .. }, RunState::Idle) => "Ready".into(),
    }
}

/// What the visitor can do about a failure.
pub fn cure(kind: FailureKind, cpu_is_left: bool) -> &'static str {
    match kind {
        FailureKind::Network => "Check the connection and the address, then try again.",
        FailureKind::BadModel => "A file of the model is damaged or does not fit. Try again to fetch it anew.",
        FailureKind::Device if cpu_is_left => "Try again, or compute on the CPU: slower, and it works everywhere.",
        FailureKind::Device => "Close other heavy tabs and try again.",
        FailureKind::BadRequest => "Change the settings and try again.",
    }
}

pub fn load_detail(progress: &Progress) -> String {
    if progress.total_bytes == 0 {
        return progress.stage.clone();
    }
    let loaded = progress.loaded_bytes as f64 / 1e6;
    let amount = match progress.total_bytes {
        0..GIGABYTE => format!("{} · {loaded:.1} of {}", progress.stage, bytes(progress.total_bytes)),
        total => format!("{} · {} of {}", progress.stage, bytes(progress.loaded_bytes), bytes(total)),
    };
    match progress.bytes_per_second {
        Some(speed) => format!("{amount} · {}/s", bytes(speed as u64)),
        None => amount,
    }
}

/// The device's own words, and how the weights lie on it.
pub fn device_detail(backend: &Backend, weights: &WeightsReport) -> String {
    match weights.dtype.as_str() {
        "" => backend.detail.clone(),
        dtype => format!("{} · weights in {dtype}", backend.detail),
    }
}

/// Where the weights came from, once they are there.
pub fn weights_origin(source: &ModelSource, weights: &WeightsReport) -> String {
    let place = match source {
        ModelSource::Url(_) => "from this browser's storage",
        ModelSource::Folder(_) => "from the folder",
    };
    match (weights.fetched_bytes, weights.stored_bytes) {
        (0, 0) => String::new(),
        (fetched, 0) => format!("{} fetched", bytes(fetched)),
        (0, stored) => format!("{} {place}", bytes(stored)),
        (fetched, stored) => format!("{} fetched, {} {place}", bytes(fetched), bytes(stored)),
    }
}

pub fn decoding((done, total): (usize, usize)) -> String {
    format!("Decoding {done} / {total}")
}

pub fn not_decoded(step: usize, why: &str) -> String {
    format!("Step {step} was not decoded: {why}")
}

/// On the button that loads a model: what it fetches.
pub fn load(to_fetch: u64) -> String {
    if to_fetch > 0 { format!("Load {}", bytes(to_fetch)) } else { "Use".into() }
}

pub fn loads_first(bytes: u64) -> String {
    format!("loads the model first: {}", self::bytes(bytes))
}

pub fn license(license: &str) -> String {
    if license.is_empty() { "Licence: not stated".into() } else { format!("Licence: {license}") }
}

pub fn model_license(license: &str) -> String {
    if license.is_empty() { String::new() } else { format!("Model: {license} ") }
}

pub fn stored(bytes: u64) -> String {
    format!("{} stored in this browser", self::bytes(bytes))
}

pub fn folder(name: &str) -> String {
    format!("Folder “{name}” on this device, until the page is closed")
}

pub fn no_listing(address: &str) -> String {
    format!("The list of models ({address}) is missing or damaged.")
}

pub fn asking(address: &str) -> String {
    format!("Looking at {address}")
}

pub fn added(entry: &CatalogEntry) -> String {
    format!("“{}” is in the list now: {}. {}.", entry.name, model_cost(entry), license(&entry.license))
}

pub fn really_delete(what: &str, bytes: u64) -> String {
    format!("Delete {what} ({}) from this browser? A later visit fetches it again.", self::bytes(bytes))
}

/// `675.1 M parameters · 1000 classes · 256 px`
pub fn model_shape(entry: &CatalogEntry) -> String {
    let (classes, size) = (entry.num_classes, entry.image_size);
    let classes = if classes == 1 { "1 class".into() } else { format!("{classes} classes") };
    format!("{} parameters · {classes} · {size} px", parameters(entry.num_parameters))
}

/// `1.4 GB download · needs about 3.1 GB of memory`
pub fn model_cost(entry: &CatalogEntry) -> String {
    format!("{} download · needs about {} of memory", bytes(entry.download_bytes), bytes(entry.memory_bytes))
}

/// What is in use of the site's storage, and what there is.
pub fn storage_use(report: &StorageReport) -> String {
    match (report.used, report.quota) {
        (Some(used), Some(quota)) => format!("{} used of about {} available", bytes(used), bytes(quota)),
        (Some(used), None) => format!("{} used", bytes(used)),
        _ => "The browser does not say how much is used.".into(),
    }
}

pub fn in_use(device: &str, dtype: &str) -> String {
    if dtype.is_empty() { format!("In use on {device}") } else { format!("In use on {device}, weights in {dtype}") }
}

pub fn search_classes(count: usize) -> String {
    format!("Search {count} classes")
}

pub fn matches(count: usize, of: usize) -> String {
    match count {
        0 => "No class has this in its name.".into(),
        _ if count == of => format!("{of} classes"),
        1 => format!("1 of {of} classes"),
        _ => format!("{count} of {of} classes"),
    }
}

/// `step 12 / 30 · t = 621 · ᾱ = 0.310`
pub fn readout(film: &Film, position: usize) -> String {
    let (t, alpha_bar) = place(&film.info, position);
    format!("step {position} / {} · t = {t} · ᾱ = {alpha_bar:.3}", film.steps())
}

/// The timeline's value in words.
pub fn spoken_position(film: &Film, position: usize) -> String {
    if position >= film.steps() {
        return format!("step {position} of {}, finished picture", film.steps());
    }
    format!("step {position} of {}, t = {}", film.steps(), place(&film.info, position).0)
}

/// Caption of a film.
pub fn caption(film: &Film) -> String {
    let RunSettings { guidance_scale, seed, .. } = film.info.settings;
    format!("{} · {} · guidance {guidance_scale} · seed {seed}", film.model, film.label)
}

/// `ditscope-ankle-boot-g4-s7.png`; a picture that is not finished says its step, and whether it is a preview.
pub fn file_name(film: &Film, picture: usize, position: usize) -> String {
    let mut slug = String::new();
    for c in film.label.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let RunSettings { guidance_scale, seed, .. } = film.info.settings;
    let step = if position < film.steps() { format!("-step{position}") } else { String::new() };
    let preview = film.at(position).is_some_and(|frame| frame.is_preview(picture));
    let preview = if preview { "-preview" } else { "" };
    let slug = slug.trim_end_matches('-');
    format!("ditscope-{slug}-g{guidance_scale}-s{}{step}{preview}.png", seed + picture as u64)
}

pub fn parameters(count: u64) -> String {
    match count {
        0..1_000_000 => format!("{:.0} K", count as f64 / 1e3),
        _ => format!("{:.1} M", count as f64 / 1e6),
    }
}

pub fn ms_per_step(ms: f64) -> String {
    if ms < 10.0 { format!("{ms:.1} ms/step") } else { format!("{ms:.0} ms/step") }
}

fn seconds(ms: f64) -> String {
    format!("{:.1} s", ms / 1000.0)
}

const GIGABYTE: u64 = 1_000_000_000;

/// `8.0 MB`, `1.4 GB`
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..100_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        100_000..GIGABYTE => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::film::tests::{info, preview};

    #[test]
    fn downloads_have_names_that_say_what_they_are() {
        let film = Film::new(info(2, 3), "Fashion".into(), "T-shirt/top".into()).expect("a sound description");
        assert_eq!(file_name(&film, 0, 2), "ditscope-t-shirt-top-g4-s7.png");
        assert_eq!(file_name(&film, 2, 1), "ditscope-t-shirt-top-g4-s9-step1.png");
    }

    #[test]
    fn the_readout_is_as_in_the_papers() {
        let film = Film::new(info(3, 1), String::new(), String::new()).expect("a sound description");
        assert_eq!(readout(&film, 0), "step 0 / 3 · t = 20 · ᾱ = 0.250");
        assert_eq!(readout(&film, 3), "step 3 / 3 · t = 0 · ᾱ = 1.000");
        assert_eq!(spoken_position(&film, 3), "step 3 of 3, finished picture");
    }

    #[test]
    fn a_downloaded_preview_says_so() {
        let mut film = Film::new(info(3, 1), "m".into(), "Cat".into()).expect("a sound description");
        film.push(&preview(0), vec![vec![0; 64], vec![0; 16], vec![0; 64]]).expect("a sound preview");
        assert_eq!(file_name(&film, 0, 0), "ditscope-cat-g4-s7-step0-preview.png");
        film.put_decoded(0, 0, vec![0; 36]).expect("a sound picture");
        assert_eq!(file_name(&film, 0, 0), "ditscope-cat-g4-s7-step0.png");
    }

    #[test]
    fn the_origin_of_the_weights_is_told() {
        let weights = |fetched_bytes, stored_bytes| WeightsReport { dtype: "f32".into(), fetched_bytes, stored_bytes };
        let (url, folder) = (ModelSource::Url("http://a/m".into()), ModelSource::Folder("m".into()));
        assert_eq!(weights_origin(&url, &weights(8_000_000, 0)), "8.0 MB fetched");
        assert_eq!(weights_origin(&url, &weights(0, 8_000_000)), "8.0 MB from this browser's storage");
        assert_eq!(weights_origin(&folder, &weights(0, 8_000_000)), "8.0 MB from the folder");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            ["4096", "8000000", "999949999", "1351000000"].map(|n| bytes(n.parse().unwrap_or(0))),
            ["4.1 kB", "8.0 MB", "999.9 MB", "1.4 GB"]
        );
        assert_eq!(parameters(4_212_345), "4.2 M");
        assert_eq!(ms_per_step(45.4), "45 ms/step");
    }
}
