//! Every English word of the page's changing parts: short, exact, the papers' terms with a plain gloss.

use super::film::{Film, place};
use super::state::{AppState, ModelState, Progress, RunState};
use crate::config::{RunSettings, SamplerKind};
use crate::protocol::FailureKind;

pub const TAGLINE: &str = "A Diffusion Transformer turns noise into a picture. Watch every step, here in this tab.";
pub const STARTING_WORKER: &str = "Starting the worker";
pub const NO_RUN_YET: &str = "Press Generate to watch a picture come out of noise.";
pub const RECORDED: &str = "Recorded";
pub const COPIED: &str = "Link copied: it holds all settings.";
pub const COPY_BY_HAND: &str = "Copy the address from the address bar: it holds all settings.";

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
        (ModelState::Failed(_), _) => format!("Failed: the model “{}” is not loaded", state.address.model),
        (_, RunState::Failed(_)) => match state.film.as_ref().map(|film| film.frames.len()) {
            Some(frames) if frames > 0 => format!("Failed: the first {frames} frames are kept"),
            _ => "Failed: the run did not begin".into(),
        },
        (ModelState::Loading(progress), _) if progress.stopping => "Stopping the download".into(),
        (ModelState::Loading(_), RunState::Queued) => "Your run starts as soon as the model is there".into(),
        (ModelState::Loading(_), _) => "Loading the model".into(),
        (ModelState::Stopped, _) => "Loading stopped".into(),
        (ModelState::Ready { .. }, RunState::Running { cancelling: true }) => "Stopping after this step".into(),
        (ModelState::Ready { .. }, RunState::Running { .. } | RunState::Queued) => "Generating".into(),
        (ModelState::Ready { .. }, RunState::Done { total_ms }) => {
            let what = state.film.as_ref().map(|film| film.label.clone()).unwrap_or_default();
            let pictures = state.film.as_ref().map_or(1, |film| film.info.num_images);
            let times = if pictures > 1 { format!(" ×{pictures}") } else { String::new() };
            format!("Done: {what}{times} in {}", seconds(*total_ms))
        }
        (ModelState::Ready { .. }, RunState::Cancelled) => match state.film.as_ref().map(|film| film.frames.len()) {
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
    let bytes = format!("{} · {loaded:.1} of {}", progress.stage, megabytes(progress.total_bytes));
    match progress.bytes_per_second {
        Some(speed) => format!("{bytes} · {}/s", megabytes(speed as u64)),
        None => bytes,
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

/// `ditscope-ankle-boot-g4-s7.png`; a picture that is not finished says its step.
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
    let slug = slug.trim_end_matches('-');
    format!("ditscope-{slug}-g{guidance_scale}-s{}{step}.png", seed + picture as u64)
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

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::film::tests::info;

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
    fn numbers_are_short() {
        assert_eq!(parameters(4_212_345), "4.2 M");
        assert_eq!(ms_per_step(45.4), "45 ms/step");
    }
}
