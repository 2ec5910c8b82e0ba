//! The layout: controls, stage with timeline, inspector. On a phone they follow each other, stage first.

use super::compare::CompareStage;
use super::controls::{Controls, GenerateBar};
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
use super::timeline::Timeline;
use super::tour::TourPanel;
use leptos::prelude::*;

/// What the stage shows in a mode.
fn panel(mode: Mode, models: RwSignal<bool>) -> AnyView {
    match mode {
        Mode::Denoise => view! { <Stage models /> }.into_any(),
        Mode::Compare => view! { <CompareStage /> }.into_any(),
        Mode::Forward => view! { <ForwardStage /> }.into_any(),
        Mode::Inside => view! { <InsideStage /> }.into_any(),
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
    let touring = store.memo(AppState::tour_is_open);
    view! {
        <Header help models />
        <main class="layout" class:touring=touring>
            <section class="centre" aria-label="Stage">
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
        <Help open=help />
    }
}
