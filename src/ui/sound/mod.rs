//! Playing a picture that is a spectrogram: a button, and the browser's own player.

use super::live::{Live, Mount};
use super::store::Store;
use ditscope_page_state::{Event, Page};
use ditscope_words::notices::notice;
use ditscope_words::text;
use ditscope_words::{say, say_with};
use js_sys::{Array, Uint8Array};
use leptos::prelude::*;
use web_sys::{Blob, BlobPropertyBag, Url};

/// The button, the player and the name of what is played; hidden for a model whose pictures are no sounds.
#[component]
pub fn Sound() -> impl IntoView {
    let store = Store::get();
    let [has, can, heard] = [
        |state: &Page| state.has_sound(),
        |state: &Page| state.listening.can_listen(state),
        |state: &Page| state.listening.heard().is_some(),
    ]
    .map(|part: fn(&Page) -> bool| store.memo(part));
    let words = store.memo(said);
    let axes = store.memo(axes);
    let times = store.memo(|state| state.listening.times());
    let button = Live::new("button", "listen").with("type", "button").with("title", &say("sound.listen-hint"));
    let button = button.saying(&say("sound.listen")).live("disabled", Box::new(move || (!can.get()).to_string()));
    let button = button.on("click", Box::new(move |_| store.dispatch(Event::Listen)));
    // It plays as soon as it is given a sound, which is never unasked.
    let player = Live::new("audio", "").with("controls", "").with("autoplay", "");
    let player = player.live("hidden", Box::new(move || (!heard.get()).to_string()));
    let player = player.live("aria-label", Box::new(move || say_with("sound.player", &[("sound", &words.get())])));
    let address = StoredValue::new(String::new());
    let renew = move |new: String| {
        let _ = Url::revoke_object_url(&address.get_value());
        address.set_value(new.clone());
        new
    };
    let player = player.live(
        "src",
        Box::new(move || {
            times.get();
            renew(
                store
                    .peek(|state| state.listening.heard().and_then(|heard| object_url(&heard.wav)).unwrap_or_default()),
            )
        }),
    );
    let told = Live::new("p", "").with("role", "status").live("text", Box::new(move || words.get()));
    let about = Live::new("p", "dim").live("text", Box::new(move || axes.get()));
    let row = Live::new("div", "sound").of(vec![button, player, told, about]);
    view! { <Mount live=row.live("hidden", Box::new(move || (!has.get()).to_string())) /> }
}

/// The name of what is played, or why nothing is.
fn said(state: &Page) -> String {
    match state.listening.outcome() {
        _ if state.listening.waits() => say("sound.making").into(),
        Some(Ok(heard)) => format!("{}, {}", heard.of.label, text::spoken_place(&heard.of.place)),
        Some(Err(why)) => notice(why),
        None => String::new(),
    }
}

/// What is across and what is up in the picture.
fn axes(state: &Page) -> String {
    let Some(audio) = state.models.config.as_ref().and_then(|config| config.audio.as_ref()) else {
        return String::new();
    };
    let seconds = format!("{:.1}", audio.seconds());
    let hz = |hz: f64| format!("{hz:.0}");
    say_with("sound.axes", &[("seconds", &seconds), ("low", &hz(audio.f_min)), ("high", &hz(audio.f_max))])
}

fn object_url(wav: &[u8]) -> Option<String> {
    let options = BlobPropertyBag::new();
    options.set_type("audio/wav");
    let parts = Array::of1(&Uint8Array::from(wav));
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &options).ok()?;
    Url::create_object_url_with_blob(&blob).ok()
}
