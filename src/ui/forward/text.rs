//! The words of this part that depend on its state.

use ditscope_page_state::Page;
use ditscope_page_state::forward::picture::{MOST_BYTES, MOST_PIXELS, Unreadable};
use ditscope_page_state::forward::{Note, Source, can_encode};
use ditscope_plots::geometry::fixed;
use ditscope_words::notices::notice;
use ditscope_words::text::class_label;
use ditscope_words::{Words, say, say_with};

/// What a screen reader says when it changes: what goes on, or what went wrong.
pub fn note(state: &Page) -> String {
    match &state.forward.note {
        Some(Note::NoEncoder) => no_encoder(state).into(),
        Some(note) => note_words(note),
        None if state.forward.is_busy() => say("forward.encoding").into(),
        None => String::new(),
    }
}

fn note_words(note: &Note) -> String {
    let words = match note {
        Note::NoModelYet => say("forward.no-model-yet"),
        Note::NoEncoder => say("forward.no-encoder"),
        Note::NothingGenerated => say("forward.nothing-generated"),
        Note::NoPicture => say("forward.no-picture"),
        Note::NoStepLeft => say("forward.no-step-left"),
        Note::Failed(why) => return say_with("forward.failed", &[("message", &notice(why))]),
        Note::NotRead(name, why) => return not_read(name, why),
    };
    words.into()
}

fn no_encoder(state: &Page) -> Words {
    if state.has_text() { say("forward.no-letters") } else { say("forward.no-encoder") }
}

fn not_read(name: &str, why: &Unreadable) -> String {
    let megabytes = MOST_BYTES / 1e6;
    let megapixels = MOST_PIXELS / 1e6;
    let values: &[(&str, &dyn ToString)] = &[("name", &name), ("megabytes", &megabytes), ("megapixels", &megapixels)];
    match why {
        Unreadable::NoFile => say("forward.no-file").into(),
        Unreadable::Empty => say_with("forward.empty", values),
        Unreadable::TooManyBytes => say_with("forward.too-many-bytes", values),
        Unreadable::NotAPicture => say_with("forward.not-a-picture", values),
        Unreadable::Broken => say_with("forward.broken", values),
        Unreadable::TooLarge(width, height) => {
            let size = [("width", width as &dyn ToString), ("height", height)];
            say_with("forward.too-large", &[values, &size].concat())
        }
        Unreadable::NoSize => say_with("forward.no-size", values),
        Unreadable::Altered => say_with("forward.altered", values),
    }
}

/// Where the picture on the stage comes from.
pub fn source(state: &Page) -> String {
    match &state.forward.source {
        None => "\u{a0}".into(),
        Some(Source::Training(i)) => {
            let (_, of_class) = state.forward.training(state);
            let label = i.checked_div(of_class).map(|class| class_label(state, class)).unwrap_or_default();
            say_with("forward.from-training", &[("label", &label)])
        }
        Some(Source::Generated) => say("forward.from-model").into(),
        Some(Source::Own(own)) if own.animated => say_with("forward.first-of", &[("name", &own.name)]),
        Some(Source::Own(own)) => own.name.clone(),
    }
}

/// What the visitor should know about a picture of his own before he wonders.
pub fn advice(state: &Page) -> String {
    let Some(config) = &state.models.config else { return "\u{a0}".into() };
    let words = match &state.forward.source {
        _ if !can_encode(config) => no_encoder(state),
        Some(Source::Own(own)) if own.light_background && !own.inverted && config.image_channels() == 1 => {
            say("forward.light-background")
        }
        _ if state.address.model.key().starts_with("fashion") => say("forward.about-fashion"),
        _ => say("forward.about-model"),
    };
    words.into()
}

/// `x₄₀₀ noised, decoded`
pub fn noised(state: &Page) -> String {
    let noised = state.forward.noised.as_ref();
    let preview = if noised.is_some_and(|n| n.preview) { "forward.noised-preview" } else { "forward.noised" };
    format!("x{} {}", subscript(noised.map_or(state.forward.t(state), |n| n.t)), say_with(preview, &[]))
}

/// The formula with numbers put in, in general, and the signal-to-noise ratio.
pub fn formula(state: &Page) -> [String; 3] {
    let t = subscript(state.forward.t(state));
    let Some([signal, noise, alpha_bar, snr]) = state.forward.factors(state) else {
        return ["\u{a0}".into(), String::new(), String::new()];
    };
    let decibels = 10.0 * snr.log10();
    let digits = if snr < 10.0 { 2 } else { 0 };
    let is_flow = state.models.config.as_ref().is_some_and(|config| config.scheduler.prediction_type.is_flow());
    let general = match is_flow {
        true => format!("(1−σ) · x₀ + σ · ε, σ = {noise:.3}"),
        false => format!("√ᾱ · x₀ + √(1−ᾱ) · ε, ᾱ = {alpha_bar:.3}"),
    };
    // All noise has no decibels.
    let ratio = if snr > 0.0 { format!("SNR = {snr:.digits$} ({} dB)", fixed(decibels, 0)) } else { "SNR = 0".into() };
    [format!("x{t} = {signal:.3} · x₀ + {noise:.3} · ε"), general, ratio]
}

/// The slider's value in words.
pub fn spoken_level(state: &Page) -> String {
    let [_, _, alpha_bar, _] = state.forward.factors(state).unwrap_or_default();
    let percent = |share: f64| (share * 100.0).round() as usize;
    let values: [(&str, &dyn ToString); 3] =
        [("t", &state.forward.t(state)), ("signal", &percent(alpha_bar)), ("noise", &percent(1.0 - alpha_bar))];
    say_with("forward.spoken-level", &values)
}

fn subscript(number: usize) -> String {
    number.to_string().bytes().filter_map(|digit| char::from_u32(0x2080 + u32::from(digit - b'0'))).collect()
}

/// Where denoising begins, and what this much noise leaves.
pub fn beginning(state: &Page) -> String {
    if state.models.config.is_none() {
        return "\u{a0}".into();
    }
    let Some(beginning) = state.forward.beginning(state) else { return say("forward.no-step-left").into() };
    let left = beginning.steps - beginning.step;
    let values: [(&str, &dyn ToString); 3] = [("t", &beginning.t), ("left", &left), ("steps", &beginning.steps)];
    format!("{} {}", say_with("forward.beginning", &values), strength(beginning.strength()))
}

fn strength(strength: usize) -> Words {
    match strength {
        0 => say("forward.strength-0"),
        1 => say("forward.strength-1"),
        2 => say("forward.strength-2"),
        3 => say("forward.strength-3"),
        _ => say("forward.strength-4"),
    }
}
