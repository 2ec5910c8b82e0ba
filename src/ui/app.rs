//! The layout: controls, stage with timeline, inspector. On a phone they follow each other, stage first.

use super::compare::CompareStage;
use super::controls::{Controls, GenerateBar};
use super::dom;
use super::findings::FindingsStage;
use super::forward::ForwardStage;
use super::header::Header;
use super::help::Help;
use super::inside::InsideStage;
use super::inspector::Inspector;
use super::mode::{Mode, ModePanel, ModeTabs};
use super::model_dialog::ModelDialog;
use super::run_bar::{FailurePanel, Notices, RunBar};
use super::shortcuts;
use super::stage::Stage;
use super::state::AppState;
use super::store::Store;
use super::take::{PresentBar, SaveDialog, Shown};
use super::timeline::Timeline;
use super::tour::TourPanel;
use super::words::say;
use leptos::mount::mount_to;
use leptos::prelude::*;
use std::any::Any;

/// What the stage shows in a mode.
fn panel(mode: Mode, models: RwSignal<bool>) -> AnyView {
    match mode {
        Mode::Denoise => view! { <Stage models /> }.into_any(),
        Mode::Compare => view! { <CompareStage /> }.into_any(),
        Mode::Forward => view! { <ForwardStage /> }.into_any(),
        Mode::Inside => view! { <InsideStage /> }.into_any(),
        Mode::Findings => view! { <FindingsStage /> }.into_any(),
    }
}

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    let store = Store::start();
    let (help, models) = (RwSignal::new(false), RwSignal::new(false));
    shortcuts::listen(store, help, models);
    // The inline boot message has done its work.
    if let Some(boot) = document().get_element_by_id("boot") {
        boot.remove();
    }
    // Words are looked up when a view is made: in another language all are made anew, and the state stays. Mounted
    // by hand, because a view that leptos puts in the place of another has code for the change of each of its parts.
    let mut shown: Option<Box<dyn Any>> = None;
    dom::effect(Box::new(move || {
        store.language.track();
        // The old page goes before the new one comes: ids are there once.
        drop(shown.take());
        if let Some(body) = document().body() {
            shown = Some(Box::new(mount_to(body, move || page(help, models))));
        }
    }));
}

fn page(help: RwSignal<bool>, models: RwSignal<bool>) -> impl IntoView {
    let touring = Store::get().memo(AppState::tour_is_open);
    view! {
        <Header help models />
        <main class="layout" class:touring=touring>
            <section class="centre" aria-label=say("page.stage")>
                <PresentBar />
                <RunBar />
                <FailurePanel />
                <ModeTabs />
                <ModePanel panel=move |mode| panel(mode, models) />
                <Timeline />
                <Notices />
            </section>
            <TourPanel />
            <Controls />
            <Inspector />
        </main>
        <GenerateBar />
        <ModelDialog open=models />
        <SaveDialog />
        <Shown />
        <Help open=help />
    }
}
