//! How the model on the page grew: its pictures at moments of its training, with the loss. What is shown was made when it was
//! trained (`dit data growth`); a model without such a film has nothing here.

use crate::ui::controls::fill;
use crate::ui::dom;
use crate::ui::fetch::{fetch_image, fetch_text};
use crate::ui::live::{Live, Mount};
use crate::ui::store::Store;
use ditscope_page_state::ModelRef;
use ditscope_page_state::growth::{At, Event, Growth};
use ditscope_plots::geometry::number;
use ditscope_plots::growth as plot;
use ditscope_words::text::sampler_name;
use ditscope_words::{say, say_with};
use gloo::timers::callback::Interval;
use leptos::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlCanvasElement, HtmlImageElement, HtmlInputElement};

/// The film of a training, and what of it is looked at. A signal of a type of its own would be code of its own.
struct Film {
    growth: Growth,
    sheet: HtmlImageElement,
    at: Cell<At>,
    changed: RwSignal<()>,
}

/// What there is for the model on the page.
enum Found {
    Nothing,
    /// An address with something else.
    Misfit(String),
    Here(Rc<Film>),
}

#[component]
pub fn HowItGrew() -> impl IntoView {
    let store = Store::get();
    let model = store.memo(|state| match &state.address.model {
        ModelRef::Shipped(id) => id.clone(),
        ModelRef::Url(_) | ModelRef::Folder(_) => String::new(),
    });
    let (found, there) = (Rc::new(RefCell::new(Found::Nothing)), RwSignal::new(0));
    let come = found.clone();
    dom::effect(Box::new(move || {
        let (model, come) = (model.get(), come.clone());
        there.set(0);
        spawn_local(async move {
            let new = look_for(store, &model).await;
            // Another model may have been chosen meanwhile, or another part of the page.
            if store.try_peek(|state| state.address.model.key() == model) == Some(true) {
                let count = usize::from(!matches!(new, Found::Nothing));
                come.replace(new);
                let _ = there.try_set(count);
            }
        });
    }));
    let count = store.memo(move |_| there.get());
    let calm = store.peek(|state| state.reduced_motion);
    let section = move |_| match &*found.borrow() {
        Found::Nothing => Live::new("p", ""),
        Found::Misfit(address) => Live::new("p", "hint").saying(&say_with("growth.misfit", &[("address", address)])),
        Found::Here(film) => {
            play(film.clone(), calm);
            show(film)
        }
    };
    let live = Live::new("div", "").listing(count, Box::new(section));
    view! { <Mount live /> }
}

/// The film of a model of the page's own.
async fn look_for(store: Store, id: &str) -> Found {
    let base = store.try_peek(|state| state.base.clone()).filter(|_| !id.is_empty());
    let Some(base) = base else { return Found::Nothing };
    let [outline, sheet] = ["json", "jpg"].map(|ending| format!("{base}assets/runs/{id}/growth.{ending}"));
    let Some(text) = fetch_text(&outline).await else { return Found::Nothing };
    let Some(growth) = Growth::read(&text) else { return Found::Misfit(outline) };
    let fits =
        |image: &HtmlImageElement| growth.fits((image.natural_width() as usize, image.natural_height() as usize));
    match fetch_image(&sheet).await.filter(fits) {
        Some(image) => {
            let (at, changed) = (Cell::new(At::end(&growth)), RwSignal::new(()));
            Found::Here(Rc::new(Film { growth, sheet: image, at, changed }))
        }
        None => Found::Misfit(sheet),
    }
}

impl Film {
    /// What is looked at, tracked.
    fn at(&self) -> At {
        self.changed.track();
        self.at.get()
    }

    fn tell(&self, event: Event) {
        self.at.set(self.at.get().after(event, &self.growth));
        // It may be told once more when the page is already gone.
        let _ = self.changed.try_set(());
    }

    /// Cuts a picture out of the sheet.
    fn paint(&self, canvas: &HtmlCanvasElement, class: usize) {
        let [x, y] = self.growth.place_of(class, self.at()).map(|pixels| pixels as f64);
        let (width, height) = (self.growth.width as f64, self.growth.height as f64);
        if let Some(context) = dom::context(canvas) {
            let _ = context.draw_image_with_html_image_element_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
                &self.sheet,
                x,
                y,
                width,
                height,
                0.0,
                0.0,
                width,
                height,
            );
        }
    }

    /// A text that follows what is looked at.
    fn see(self: &Rc<Self>, text: fn(&Growth, At) -> String) -> Box<dyn Fn() -> String> {
        let film = self.clone();
        Box::new(move || text(&film.growth, film.at()))
    }
}

/// Ticks while the training plays.
fn play(film: Rc<Film>, reduced_motion: bool) {
    let (mut beat, mut clock) = (None, None::<Interval>);
    dom::effect(Box::new(move || {
        let now = film.at().beat(reduced_motion);
        if now != beat {
            beat = now;
            drop(clock.take());
            let film = film.clone();
            clock = now.map(|ms| Interval::new(ms, move || film.tell(Event::Tick)));
        }
    }));
}

fn show(film: &Rc<Film>) -> Live {
    let how = say_with(
        "growth.how",
        &[
            ("sampler", &sampler_name(film.growth.sampler)),
            ("steps", &film.growth.sampling_steps),
            ("guidance", &film.growth.guidance_scale),
        ],
    );
    let repeated = if film.growth.repeated { say("growth.repeated") } else { "".into() };
    let curve = Live::svg("plot", plot::SIZE).live("html", film.see(draw));
    let curve =
        Live::new("div", "growth-loss").with("role", "img").live("aria-label", film.see(spoken_plot)).of(vec![curve]);
    let pictures = (0..film.growth.labels.len()).map(|class| picture(film, class)).collect();
    Live::new("section", "stage growth").of(vec![
        Live::new("h2", "").saying(&say("growth.title")),
        Live::new("p", "").saying(&say("growth.words")),
        Live::new("div", "growth-body").of(vec![Live::new("div", "growth-pictures").of(pictures), curve]),
        sliders(film),
        Live::new("p", "hint").saying(&how),
        Live::new("p", "hint").saying(&repeated),
    ])
}

fn sliders(film: &Rc<Film>) -> Live {
    let (moments, places) = (film.growth.steps.len() - 1, film.growth.places() - 1);
    let training = slider(film, moments, |at| at.moment, Event::Moment)
        .with("aria-label", &say("growth.training"))
        .live("aria-valuetext", film.see(moment));
    let level = slider(film, places, |at| at.place, Event::Place)
        .with("aria-label", &say("growth.level"))
        .live("aria-valuetext", film.see(place));
    let row = |slider: Live, name: &str, value| {
        let parts = vec![Live::new("span", "").saying(name), Live::new("span", "numbers").live("text", value)];
        Live::new("label", "").of(vec![Live::new("span", "growth-name").of(parts), slider])
    };
    Live::new("div", "growth-sliders").of(vec![
        play_button(film),
        row(training, &say("growth.training"), film.see(moment)),
        row(level, &say("growth.level"), film.see(place)),
    ])
}

fn slider(film: &Rc<Film>, last: usize, value: fn(At) -> usize, event: fn(usize) -> Event) -> Live {
    let [filled, shown, told] = [(); 3].map(|()| film.clone());
    let choose = move |input: web_sys::Event| {
        let input = input.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        if let Some(value) = input.and_then(|input| input.value().parse().ok()) {
            told.tell(event(value));
        }
    };
    Live::new("input", "")
        .with("type", "range")
        .with("min", "0")
        .with("max", &last.to_string())
        .live("style", Box::new(move || fill(value(filled.at()) as f64, 0.0, last as f64)))
        .live("value", Box::new(move || value(shown.at()).to_string()))
        .on("input", Box::new(choose))
}

fn play_button(film: &Rc<Film>) -> Live {
    let icon = |_: &Growth, at: At| {
        let path = if at.playing { "M8 5v14M16 5v14" } else { "M8 5l11 7-11 7z" };
        format!(
            "<path d=\"{path}\" fill=\"currentColor\" stroke=\"currentColor\" stroke-width=\"2\" stroke-linejoin=\"round\"/>"
        )
    };
    let name = |_: &Growth, at: At| say(if at.playing { "growth.pause" } else { "growth.play" }).into_owned();
    let icon = Live::svg("growth-icon", (24.0, 24.0)).live("html", film.see(icon));
    let button =
        Live::new("button", "icon play").with("type", "button").live("aria-label", film.see(name)).of(vec![icon]);
    let told = film.clone();
    button.on("click", Box::new(move |_| told.tell(Event::TogglePlay)))
}

/// One class, as it is at what is looked at.
fn picture(film: &Rc<Film>, class: usize) -> Live {
    let (drawn, named) = (film.clone(), film.clone());
    let name = move || {
        let (growth, at) = (&named.growth, named.at());
        let (step, place) = (growth.step(at), place(growth, at));
        say_with("growth.picture", &[("label", &growth.labels[class]), ("step", &step), ("place", &place)])
    };
    let [width, height] = [film.growth.width, film.growth.height].map(|pixels| pixels.to_string());
    let canvas = Live::new("canvas", "").with("role", "img").with("width", &width).with("height", &height);
    let canvas = canvas.live("aria-label", Box::new(name)).painted(Box::new(move |canvas| drawn.paint(canvas, class)));
    let caption = Live::new("figcaption", "").saying(&film.growth.labels[class]);
    Live::new("figure", "").of(vec![canvas, caption])
}

/// `step 64 of 5000, loss 0.213`
fn moment(growth: &Growth, at: At) -> String {
    let step = growth.step(at);
    let (last, loss) = (growth.step(At::end(growth)), growth.loss_at(step).map(number));
    match loss {
        Some(loss) => say_with("growth.step-loss", &[("step", &step), ("last", &last), ("loss", &loss)]),
        None => say_with("growth.step", &[("step", &step), ("last", &last)]),
    }
}

fn place(growth: &Growth, at: At) -> String {
    match growth.timesteps.get(at.place) {
        Some(t) => say_with("growth.t", &[("t", t)]),
        None => say("growth.done").into_owned(),
    }
}

fn draw(growth: &Growth, at: At) -> String {
    let (step, last) = (growth.step(at), growth.step(At::end(growth)) as f64);
    let names = (&*say("growth.steps"), &*say("growth.loss"));
    plot::growth(&growth.loss, (step as f64, growth.loss_at(step)), last, names)
}

fn spoken_plot(growth: &Growth, at: At) -> String {
    say_with("growth.plot", &[("here", &moment(growth, at))])
}
