//! Depth behind the picture: the schedule, and what the terms mean.

use super::film;
use super::models::non_commercial;
use super::plots::SchedulePlot;
use super::store::Store;
use super::text;
use leptos::prelude::*;

#[component]
pub fn Inspector() -> impl IntoView {
    let store = Store::get();
    let shares = store.memo(|state| {
        let film = state.shown().filter(|film| !film.is_empty())?;
        let (_, alpha_bar) = film::place(&film.info, state.view.position);
        Some((alpha_bar.sqrt(), (1.0 - alpha_bar).max(0.0).sqrt()))
    });
    let licence = store.memo(|state| text::model_license(state.license()));
    let mark = store.memo(|state| {
        let restricted = non_commercial(state.license());
        if restricted { text::NON_COMMERCIAL.to_string() } else { String::new() }
    });
    view! {
        <aside class="inspector" aria-label="Inspector">
            <details open>
                <summary>"Noise schedule"</summary>
                <SchedulePlot />
                <p class="formula">
                    {move || match shares.get() {
                        Some((signal, noise)) => format!("xₜ = {signal:.2} · x₀ + {noise:.2} · ε"),
                        None => "xₜ = √ᾱ · x₀ + √(1 − ᾱ) · ε".into(),
                    }}
                </p>
                <p class="dim">{text::ABOUT_ALPHA_BAR}</p>
            </details>
            <details open>
                <summary>"What you see"</summary>
                <dl class="terms">
                    <dt><var>"xₜ"</var>" · noisy latent"</dt>
                    <dd>{text::ABOUT_X_T}</dd>
                    <dt><var>"x̂₀"</var>" · predicted picture"</dt>
                    <dd>{text::ABOUT_X0}</dd>
                    <dt>"guidance scale"</dt>
                    <dd>{text::ABOUT_GUIDANCE}</dd>
                </dl>
            </details>
            <p class="dim licence">
                {licence}
                <span class="tag warn">{mark}</span>
            </p>
        </aside>
    }
}
