//! The layout: controls, stage with timeline, inspector. On a phone they follow each other, stage first.

use super::compare::CompareStage;
use super::controls::{Controls, GenerateBar};
use super::findings::FindingsStage;
use super::forward::ForwardStage;
use super::growth::HowItGrew;
use super::header::Header;
use super::help::HelpContent;
use super::inside::InsideStage;
use super::inspector::Inspector;
use super::lab::LabStage;
use super::later::{Coming, Later, Make, later, once};
use super::modal::Modal;
use super::mode::{ModePanel, ModeTabs};
use super::model_dialog::Models;
use super::pace::MeasureContent;
use super::run_bar::{FailurePanel, Notices, RunBar, RunLink};
use super::shortcuts;
use super::stage::Stage;
use super::store::Store;
use super::take::{PresentBar, SaveContent, Shown};
use super::timeline::Timeline;
use super::tour::TourPanel;
use super::training::TrainStage;
use super::{dom, effects, language, window_events};
use ditscope_page_state::Mode;
use ditscope_words::{Words, say};
use leptos::mount::mount_to;
use leptos::prelude::*;
use std::any::Any;

later! {
    compare compare: Make = |_| {
        ditscope_words::add(ditscope_words::compare());
        dom::add_style(include_str!("compare/compare.later.css"));
        dom::add_style(include_str!("compare/settings.later.css"));
        view! { <CompareStage /> }.into_any()
    };
    forward forward: Make = |_| {
        ditscope_words::add(ditscope_words::forward());
        dom::add_style(include_str!("forward/forward.later.css"));
        dom::add_style(include_str!("forward/pad.later.css"));
        dom::add_style(include_str!("plots/plots.later.css"));
        view! { <ForwardStage /> }.into_any()
    };
    findings findings: Make = |_| {
        ditscope_words::add(ditscope_words::findings());
        dom::add_style(include_str!("findings/findings.later.css"));
        dom::add_style(include_str!("plots/plots.later.css"));
        view! { <FindingsStage /> }.into_any()
    };
    growth growth: Make = |_| {
        ditscope_words::add(ditscope_words::growth());
        dom::add_style(include_str!("growth.later.css"));
        dom::add_style(include_str!("plots/plots.later.css"));
        view! { <HowItGrew /> }.into_any()
    };
    inside inside: Make = |_| {
        ditscope_words::add(ditscope_words::inside());
        dom::add_style(include_str!("inside/inside.later.css"));
        dom::add_style(include_str!("inside/attention.later.css"));
        dom::add_style(include_str!("inside/maps.later.css"));
        view! { <InsideStage /> }.into_any()
    };
    lab lab: Make = |_| {
        ditscope_words::add(ditscope_words::lab());
        dom::add_style(include_str!("lab/lab.later.css"));
        dom::add_style(include_str!("plots/plots.later.css"));
        view! { <LabStage /> }.into_any()
    };
    training training: Make = |_| {
        ditscope_words::add(ditscope_words::training());
        dom::add_style(include_str!("training/training.later.css"));
        dom::add_style(include_str!("plots/plots.later.css"));
        view! { <TrainStage /> }.into_any()
    };
    tour tour: Make = |opened_before| {
        ditscope_words::add(ditscope_words::guide());
        dom::add_style(include_str!("tour/tour.later.css"));
        ditscope_words::add(ditscope_words::plots());
        dom::add_style(include_str!("plots/plots.later.css"));
        view! { <TourPanel opened_before /> }.into_any()
    };
    dialogs models: Make = |open| {
        ditscope_words::add(ditscope_words::picker());
        dom::add_style(include_str!("model_dialog/model_dialog.later.css"));
        view! { <Models open /> }.into_any()
    };
    dialogs help: Make = |_| {
        ditscope_words::add(ditscope_words::keys());
        view! { <HelpContent /> }.into_any()
    };
    pace pace: Make = |open| {
        ditscope_words::add(ditscope_words::pace());
        dom::add_style(include_str!("pace/pace.later.css"));
        view! { <MeasureContent open /> }.into_any()
    };
    save save: Make = |_| {
        ditscope_words::add(ditscope_words::save());
        dom::add_style(include_str!("take/take.later.css"));
        view! { <SaveContent /> }.into_any()
    };
}

/// What the stage shows in a mode.
fn panel(mode: Mode, models: RwSignal<bool>) -> AnyView {
    let part = match mode {
        Mode::Denoise => return view! { <Stage models /> }.into_any(),
        Mode::Compare => compare,
        Mode::Forward => forward,
        Mode::Inside => inside,
        Mode::Lab(_) => lab,
        Mode::Findings => findings,
        Mode::Train => training,
    };
    let film = matches!(mode, Mode::Findings | Mode::Train);
    let film = film.then(|| view! { <Later class="later" part=growth with=models /> });
    view! { <Later class="stage" part with=models /> {film} }.into_any()
}

/// A dialog, whose content comes when it is first opened.
fn dialog(id: &'static str, title: Words, part: fn() -> Coming<Make>, open: RwSignal<bool>) -> AnyView {
    let opened = once(open.into());
    let content = move || opened.get().then(|| view! { <Later class="later" part with=open /> });
    view! { <Modal id title open>{content}</Modal> }.into_any()
}

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    let store = Store::start(language::signal(), effects::carry_out);
    let (help, models) = (RwSignal::new(false), RwSignal::new(false));
    shortcuts::listen(store, help, models);
    window_events::listen(store);
    // The message of index.html that the page is loading.
    if let Some(boot) = document().get_element_by_id("boot") {
        boot.remove();
    }
    // Words are looked up when a view is made: in another language all are made anew, and the state stays. Mounted
    // by hand, because a view that leptos puts in the place of another has code for the change of each of its parts.
    let mut shown: Option<Box<dyn Any>> = None;
    dom::effect(Box::new(move || {
        store.language.track();
        // The old page is removed before the new one is mounted: each id may be there once only.
        drop(shown.take());
        if let Some(body) = document().body() {
            shown = Some(Box::new(mount_to(body, move || page(help, models))));
        }
    }));
}

fn page(help: RwSignal<bool>, models: RwSignal<bool>) -> impl IntoView {
    let store = Store::get();
    effects::start_tour(store);
    effects::prepare_saving(store);
    let touring = store.memo(|state| state.tour_is_open());
    let (toured, touring_before) = (once(touring.into()), RwSignal::new(touring.get_untracked()));
    let tour_panel = move || toured.get().then(|| view! { <Later class="tour" part=self::tour with=touring_before /> });
    view! {
        <Header help models />
        <main class="layout" class:touring=touring>
            <section class="centre" aria-label=say("page.stage")>
                <PresentBar />
                <RunBar />
                <FailurePanel />
                <ModeTabs />
                <RunLink />
                <ModePanel panel=move |mode| panel(mode, models) />
                <Timeline />
            </section>
            <Notices />
            {tour_panel}
            <Controls />
            <Inspector />
        </main>
        <GenerateBar />
        {dialog("models", say("models.title"), self::models, models)}
        {dialog("measure", say("page.measure"), pace, store.measuring)}
        {dialog("save", say("take.title"), save, store.saving)}
        <Shown />
        {dialog("help", say("page.help"), self::help, help)}
    }
}
