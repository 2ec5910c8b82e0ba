//! How much noise: the slider, the numbers behind it, and the filmstrip.

use super::state::{Event, MARKS};
use super::{steps, text};
use crate::diffusion::schedule::training_schedule;
use crate::ui::controls::fill;
use crate::ui::stage::PixelCanvas;
use crate::ui::state as app;
use crate::ui::store::Store;
use crate::ui::words::{say, say_with};
use leptos::prelude::*;

fn tell(store: Store, event: Event) {
    store.dispatch(app::Event::Forward(event));
}

#[component]
pub fn Level() -> impl IntoView {
    let store = Store::get();
    let t = store.memo(|state| state.forward_t());
    let last = store.memo(|state| state.forward_last_t());
    let scheduler = store.memo(|state| state.config.as_ref().map(|config| config.scheduler.clone()));
    let schedule = Memo::new(move |_| scheduler.get().map(|scheduler| training_schedule(&scheduler)));
    let playing = store.memo(|state| state.forward_beat().is_some());
    let nothing = store.memo(|state| state.forward.latent.is_none());
    // Factors of the picture and of the noise, ᾱ, and their ratio.
    let numbers = Memo::new(move |_| {
        let i = t.get();
        schedule.with(|schedule| {
            let schedule = schedule.as_ref().filter(|schedule| i < schedule.len())?;
            let (signal, noise) = schedule.q_sample_factors(i);
            Some((signal, noise, schedule.alphas_cumprod[i], schedule.snr(i)))
        })
    });
    let number = move |of: fn((f64, f64, f64, f64)) -> f64| {
        move || numbers.get().map_or_else(|| "–".into(), |numbers| format!("{:.3}", of(numbers)))
    };
    let ratio = move || numbers.get().map_or_else(|| "–".into(), |(.., snr)| in_words(snr));
    let spoken = move || {
        let (signal, noise, ..) = numbers.get().unwrap_or_default();
        let values: [(&str, &dyn ToString); 3] =
            [("t", &t.get()), ("signal", &format!("{signal:.2}")), ("noise", &format!("{noise:.2}"))];
        say_with("forward.spoken-level", &values)
    };
    let beginning = store.memo(text::beginning);
    view! {
        <div class="noise-level">
            <button
                type="button"
                class="icon play"
                aria-label=move || if playing.get() { say("forward.pause") } else { say("forward.play") }
                title=say("forward.hint-play")
                disabled=nothing
                on:click=move |_| tell(store, Event::TogglePlay)
            >
                <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
                    <path
                        d=move || if playing.get() { "M8 5v14M16 5v14" } else { "M8 5l11 7-11 7z" }
                        fill="currentColor"
                        stroke="currentColor"
                        stroke-width="2"
                        stroke-linejoin="round"
                    />
                </svg>
            </button>
            <input
                type="range"
                aria-label=say("forward.level")
                aria-valuetext=spoken
                title=say("forward.hint-level")
                min="0"
                max=move || last.get().to_string()
                step="1"
                style=move || fill(t.get() as f64, 0.0, last.get() as f64)
                prop:value=move || t.get().to_string()
                on:input=move |event| {
                    if let Ok(t) = event_target_value(&event).parse() {
                        tell(store, Event::SetT(t));
                    }
                }
            />
            <p class="noise-formula numbers" title=say("forward.hint-formula")>
                <span>
                    <var>"x"<sub>{t}</sub></var>
                    " = " {number(|(signal, ..)| signal)} " · " <var>"x"<sub>"0"</sub></var>
                    " + " {number(|(_, noise, ..)| noise)} " · " <var>"ε"</var>
                </span>
                <span class="dim">"√ᾱ · x₀ + √(1−ᾱ) · ε, ᾱ = " {number(|(_, _, alpha_bar, _)| alpha_bar)}</span>
                <span class="dim">"SNR = " {ratio}</span>
            </p>
            <p class="hint denoise-from">{beginning}</p>
        </div>
    }
}

/// `1.82 (2.6 dB)`
fn in_words(snr: f64) -> String {
    let decibels = 10.0 * snr.log10();
    match snr {
        100.0.. => format!("{snr:.0} ({decibels:.0} dB)"),
        0.01.. => format!("{snr:.2} ({decibels:.1} dB)"),
        _ => format!("{snr:.1e} ({decibels:.0} dB)"),
    }
}

/// The picture at even distances from none to all of the noise.
#[component]
pub fn Strip() -> impl IntoView {
    let store = Store::get();
    let last = store.memo(|state| state.forward_last_t());
    let t = store.memo(|state| state.forward_t());
    let across: Signal<usize> = store.memo(|state| state.config.as_ref().map_or(32, |c| c.image_size())).into();
    let one = move |i: usize| {
        let noised = store.memo(move |state| state.forward.strip[i].clone());
        let pixels = Signal::derive(move || noised.with(|noised| noised.as_ref().map(|n| n.picture.clone())));
        let mark = move || steps::mark(i, MARKS, last.get());
        view! {
            <button
                type="button"
                class="noise-mark"
                aria-label=move || say_with("forward.mark", &[("t", &mark())])
                aria-pressed=move || (t.get() == mark()).to_string()
                on:click=move |_| tell(store, Event::SetT(mark()))
            >
                <span class="picture-place"><PixelCanvas pixels available=Signal::derive(|| 64.0) across /></span>
                <span class="hint" aria-hidden="true">{mark}</span>
            </button>
        }
    };
    view! {
        <div class="noise-strip" role="group" aria-label=say("forward.strip")>
            {(0..MARKS).map(one).collect_view()}
        </div>
    }
}
