//! Texts that are put together: the words are in `web/texts`, here is what goes into them.

use crate::{Words, say, say_with};
use ditscope_config::{CatalogEntry, RunSettings, SamplerKind, Savings};
use ditscope_page_state::film::{Film, Place, place};
use ditscope_page_state::models::StorageReport;
use ditscope_page_state::take::file_name::scales;
use ditscope_page_state::{Page, Progress, Status};
use ditscope_protocol::{Backend, FailureKind, LoadStage, ModelSource, WeightsReport};

pub fn sampler(kind: SamplerKind) -> Words {
    match kind {
        SamplerKind::Ddim => say("controls.ddim"),
        SamplerKind::Ddpm => say("controls.ddpm"),
        SamplerKind::DpmSolverPlusPlus => say("controls.dpm"),
        SamplerKind::UniPc => say("controls.unipc"),
        SamplerKind::Euler => say("controls.euler"),
        SamplerKind::Heun => say("controls.heun"),
    }
}

/// Names are the same in every language.
pub fn sampler_name(kind: SamplerKind) -> &'static str {
    match kind {
        SamplerKind::Ddim => "DDIM",
        SamplerKind::Ddpm => "DDPM",
        SamplerKind::DpmSolverPlusPlus => "DPM-Solver++",
        SamplerKind::UniPc => "UniPC",
        SamplerKind::Euler => "Euler",
        SamplerKind::Heun => "Heun",
    }
}

/// What a run leaves out.
pub fn savings(savings: &Savings) -> String {
    let Savings { guidance_interval, cache_interval } = savings;
    let reuse = (*cache_interval > 1).then(|| say_with("controls.reuse", &[("every", cache_interval)]));
    let interval = guidance_interval.map(|[from, to]| say_with("controls.interval", &[("from", &from), ("to", &to)]));
    match (reuse, interval) {
        (None, None) => say("controls.savings-off").into(),
        (Some(one), None) | (None, Some(one)) => one,
        (Some(reuse), Some(interval)) => format!("{reuse}; {interval}"),
    }
}

/// The name of a class, or its number while names are not known.
pub fn class_label(state: &Page, class: usize) -> String {
    state.label(class).map_or_else(|| say_with("run.class-number", &[("class", &class)]), str::to_owned)
}

/// One line that a screen reader says when it changes.
pub fn status(state: &Page) -> String {
    let plain = match state.status() {
        Status::ModelFailed => return say_with("run.failed-model", &[("model", &state.address.model.name())]),
        Status::RunFailed { frames: 0 } => say("run.failed"),
        Status::RunFailed { frames } => return say_with("run.failed-with", &[("frames", &frames)]),
        Status::Asking => say("run.asking"),
        Status::Offered => say("run.offered"),
        Status::Loading => say("run.loading"),
        Status::StoppingLoad => say("run.stopping-load"),
        Status::LoadStopped => say("run.stopped-load"),
        Status::Queued => say("run.queued"),
        Status::Mending => say("run.mending"),
        Status::Ready => say("run.ready"),
        Status::Generating => say("run.generating"),
        Status::Holding => say("timeline.holding"),
        Status::Held(step) => return say_with("timeline.held", &[("step", &step)]),
        Status::Stopping => say("run.stopping"),
        Status::DecodingStep => say("run.decoding-step"),
        Status::StoppingDecoder => say("run.stopping-decoder"),
        Status::Done { total_ms } => return done(state, total_ms),
        Status::Cancelled { frames: 0 } => say("run.cancelled"),
        Status::Cancelled { frames } => return say_with("run.cancelled-with", &[("frames", &frames)]),
    };
    plain.into()
}

fn done(state: &Page, total_ms: f64) -> String {
    let mut what = state.run.film.as_ref().map(|film| film.label.clone()).unwrap_or_default();
    let pictures = state.run.film.as_ref().map_or(1, |film| film.info.num_images);
    if pictures > 1 {
        what.push_str(&format!(" ×{pictures}"));
    }
    say_with("run.done", &[("what", &what), ("time", &seconds(total_ms))])
}

/// What the visitor can do about a failure.
pub fn cure(kind: FailureKind, cpu_is_left: bool) -> Words {
    match kind {
        FailureKind::Network => say("failures.cure-network"),
        FailureKind::Forbidden => say("failures.cure-forbidden"),
        FailureKind::BadModel => say("failures.cure-bad-model"),
        FailureKind::Device if cpu_is_left => say("failures.cure-device-or-cpu"),
        FailureKind::Device => say("failures.cure-device"),
        FailureKind::BadRequest => say("failures.cure-bad-request"),
        FailureKind::Page => say("failures.cure-page"),
        FailureKind::Browser => say("failures.cure-browser"),
    }
}

fn stage(stage: Option<LoadStage>) -> Words {
    match stage {
        None => say("run.stage-worker"),
        Some(LoadStage::Device) => say("run.stage-device"),
        Some(LoadStage::Weights) => say("run.stage-weights"),
        Some(LoadStage::StoredWeights) => say("run.stage-stored"),
    }
}

pub fn load_detail(progress: &Progress) -> String {
    let stage = stage(progress.stage);
    if progress.total_bytes == 0 {
        return stage.into();
    }
    let loaded = match progress.total_bytes {
        0..GIGABYTE => format!("{:.1}", progress.loaded_bytes as f64 / 1e6),
        _ => bytes(progress.loaded_bytes),
    };
    let amount = say_with("run.amount", &[("loaded", &loaded), ("total", &bytes(progress.total_bytes))]);
    match progress.bytes_per_second {
        Some(speed) => format!("{stage} · {amount} · {}/s", bytes(speed as u64)),
        None => format!("{stage} · {amount}"),
    }
}

/// The device's own words, and how the weights lie on it.
pub fn device_detail(backend: &Backend, weights: &WeightsReport) -> String {
    match weights.dtype.as_str() {
        "" => backend.detail.clone(),
        dtype => say_with("models.device-detail", &[("device", &backend.detail), ("dtype", &dtype)]),
    }
}

/// Where the weights came from, once they are there.
pub fn weights_origin(source: &ModelSource, weights: &WeightsReport) -> String {
    let place = match source {
        ModelSource::Url(_) => "models.from-storage",
        ModelSource::Folder(_) => "models.from-folder",
    };
    let parts = [(weights.fetched_bytes, "models.fetched"), (weights.stored_bytes, place)];
    let parts = parts.into_iter().filter(|(amount, _)| *amount > 0);
    let parts: Vec<String> = parts.map(|(amount, key)| with_amount(key, amount)).collect();
    parts.join(", ")
}

fn with_amount(key: &str, amount: u64) -> String {
    say_with(key, &[("amount", &bytes(amount))])
}

pub fn decoding((done, total): (usize, usize)) -> String {
    say_with("run.decoding", &[("done", &done), ("total", &total)])
}

/// On the button that loads a model: what it fetches.
pub fn load(to_fetch: u64) -> String {
    if to_fetch > 0 { with_amount("models.load", to_fetch) } else { say("models.use").into() }
}

pub fn loads_first(bytes: u64) -> String {
    with_amount("models.loads-first", bytes)
}

pub fn license(license: &str) -> String {
    if license.is_empty() {
        return say("models.no-license").into();
    }
    say_with("models.license", &[("license", &license)])
}

pub fn model_license(license: &str) -> String {
    if license.is_empty() {
        return String::new();
    }
    say_with("models.model-license", &[("license", &license)]) + " "
}

pub fn stored(bytes: u64) -> String {
    with_amount("models.stored", bytes)
}

pub fn folder(name: &str) -> String {
    say_with("models.folder", &[("name", &name)])
}

pub fn asking(address: &str) -> String {
    say_with("models.looking", &[("address", &address)])
}

pub fn added(entry: &CatalogEntry) -> String {
    let (cost, license) = (model_cost(entry), license(&entry.license));
    say_with("models.added", &[("model", &entry.name), ("cost", &cost), ("license", &license)])
}

pub fn really_delete(what: &str, bytes: u64) -> String {
    say_with("models.really-delete", &[("what", &what), ("amount", &self::bytes(bytes))])
}

/// `675.1 M parameters · 1000 classes · 256 px`
pub fn model_shape(entry: &CatalogEntry) -> String {
    let classes = match entry.num_classes {
        1 => say("models.one-class").into(),
        count => say_with("models.classes", &[("count", &count)]),
    };
    let parameters = parameters(entry.num_parameters);
    let (key, size) = match entry.letters {
        Some(letters) => ("models.shape-words", letters),
        None => ("models.shape", entry.image_size),
    };
    say_with(key, &[("parameters", &parameters), ("classes", &classes), ("size", &size)])
}

/// `1.4 GB download · needs about 3.1 GB of memory`
pub fn model_cost(entry: &CatalogEntry) -> String {
    let (download, memory) = (bytes(entry.download_bytes), bytes(entry.memory_bytes));
    say_with("models.cost", &[("download", &download), ("memory", &memory)])
}

/// What is in use of the site's storage, and what there is.
pub fn storage_use(report: &StorageReport) -> String {
    match (report.used.map(bytes), report.quota.map(bytes)) {
        (Some(used), Some(quota)) => say_with("models.use-of", &[("used", &used), ("quota", &quota)]),
        (Some(used), None) => say_with("models.used", &[("used", &used)]),
        _ => say("models.use-unknown").into(),
    }
}

pub fn in_use(device: &str, dtype: &str) -> String {
    if dtype.is_empty() {
        return say_with("models.in-use", &[("device", &device)]);
    }
    say_with("models.in-use-dtype", &[("device", &device), ("dtype", &dtype)])
}

pub fn search_classes(count: usize) -> String {
    say_with("controls.search", &[("count", &count)])
}

pub fn matches(count: usize, of: usize) -> String {
    match count {
        0 => say("controls.no-match").into(),
        _ if count == of => say_with("controls.all-match", &[("of", &of)]),
        _ => say_with("controls.matches", &[("count", &count), ("of", &of)]),
    }
}

/// `step 12/30 · t = 621 · ᾱ = 0.310`
pub fn readout(film: &Film, position: usize) -> String {
    let (t, alpha_bar) = place(&film.info, position);
    let alpha_bar = format!("{alpha_bar:.3}");
    let values: [(&str, &dyn ToString); 4] =
        [("step", &position), ("steps", &film.steps()), ("t", &t), ("alpha_bar", &alpha_bar)];
    say_with("run.readout", &values)
}

/// The timeline's value in words.
pub fn spoken_position(film: &Film, position: usize) -> String {
    spoken_place(&Place::of(film, position))
}

/// The same of a place that was noted.
pub fn spoken_place(Place { step, steps, t }: &Place) -> String {
    match t {
        None => say_with("run.spoken-end", &[("step", step), ("steps", steps)]),
        Some(t) => say_with("run.spoken", &[("step", step), ("steps", steps), ("t", t)]),
    }
}

/// `step 12 of 30`
pub fn step_of(film: &Film, position: usize) -> String {
    say_with("run.step-of", &[("step", &position), ("steps", &film.steps())])
}

/// Where a run is, and how fast.
pub fn run_progress(film: &Film) -> String {
    let step = step_of(film, film.received().min(film.steps()));
    film.ms_per_step().map_or(step.clone(), |ms| format!("{step} · {}", ms_per_step(ms)))
}

/// The sampler of a run, with the timesteps that it visits where they were chosen: `DDIM, leading`.
pub fn sampler_of(settings: &RunSettings) -> String {
    let name = sampler_name(settings.sampler);
    settings.timestep_spacing.map_or_else(|| name.into(), |spacing| format!("{name}, {}", spacing.name()))
}

/// The settings of a run but its class.
pub fn run_settings(settings: &RunSettings) -> String {
    let values: [(&str, &dyn ToString); 4] = [
        ("scale", &settings.guidance_scale),
        ("sampler", &sampler_of(settings)),
        ("steps", &settings.num_inference_steps),
        ("seed", &settings.seed),
    ];
    say_with("take.sheet-settings", &values)
}

/// What a run would be of now.
pub fn settings(state: &Page) -> String {
    let settings = state.settings();
    format!("{} · {}", class_label(state, settings.class), run_settings(&settings))
}

/// Caption of a film.
pub fn caption(film: &Film) -> String {
    let settings = &film.info.settings;
    let RunSettings { seed, savings: saved, .. } = settings;
    let guidance = scales(film, 0..film.info.num_images).join(", ");
    let values: [(&str, &dyn ToString); 5] = [
        ("model", &film.model),
        ("label", &film.label),
        ("guidance", &guidance),
        ("sampler", &sampler_of(settings)),
        ("seed", seed),
    ];
    let caption = say_with("run.caption", &values);
    if saved.is_off() { caption } else { format!("{caption} · {}", savings(saved)) }
}

pub fn parameters(count: u64) -> String {
    match count {
        0..1_000_000 => format!("{:.0} K", count as f64 / 1e3),
        _ => format!("{:.1} M", count as f64 / 1e6),
    }
}

pub fn ms_per_step(ms: f64) -> String {
    let ms = if ms < 10.0 { format!("{ms:.1}") } else { format!("{ms:.0}") };
    say_with("run.ms-per-step", &[("ms", &ms)])
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
    use ditscope_config::TimestepSpacing;
    use ditscope_page_state::fixtures::info;
    use ditscope_protocol::RunInfo;

    #[test]
    fn a_caption_names_what_a_run_left_out() {
        let mut run = info(2, 1);
        let caption_of =
            |run: RunInfo| caption(&Film::new(run, "m".into(), "Bag".into()).expect("a sound description"));
        assert_eq!(caption_of(run.clone()), "m · Bag · guidance 4 · DDIM · seed 7");
        let spaced = RunSettings { timestep_spacing: Some(TimestepSpacing::Leading), ..run.settings.clone() };
        let spaced = RunInfo { settings: spaced, ..run.clone() };
        assert_eq!(caption_of(spaced), "m · Bag · guidance 4 · DDIM, leading · seed 7");
        run.settings.savings.cache_interval = 2;
        assert_eq!(caption_of(run), "m · Bag · guidance 4 · DDIM · seed 7 · Middle blocks every 2 steps");
    }

    #[test]
    fn the_readout_is_as_in_the_papers() {
        let film = Film::new(info(3, 1), String::new(), String::new()).expect("a sound description");
        assert_eq!(readout(&film, 0), "step 0/3 · t\u{a0}=\u{a0}20 · ᾱ\u{a0}=\u{a0}0.250");
        assert_eq!(readout(&film, 3), "step 3/3 · t\u{a0}=\u{a0}0 · ᾱ\u{a0}=\u{a0}1.000");
        assert_eq!(spoken_position(&film, 3), "step 3 of 3, finished picture");
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
