use super::figures::Extrapolated;
use super::what::xl2;
use super::*;
use crate::fixtures::info;
use crate::{ModelRef, Notice};
use ditscope_config::{ModelConfig, SamplerKind};
use ditscope_protocol::{
    Backend, BackendChoice, FrameInfo, FromWorker, LoadStage, ModelSource, Reason, ToWorker, WeightsReport,
};
use serde_json::Value;

fn offer(subject: Subject, name: &str) -> Offer {
    Offer { subject, name: name.into(), to_fetch: 7, chosen: true }
}

fn two() -> Vec<Offer> {
    vec![offer(Subject::Model(ModelRef::Shipped("a".into())), "A"), offer(Subject::Xl2, "DiT-XL/2")]
}

/// A measuring, with the clock and the worker in the test's hand.
struct Desk {
    state: State,
    now_ms: f64,
    /// Milliseconds of a step.
    pace: f64,
    done: Vec<Effect>,
}

impl Desk {
    fn start(offers: Vec<Offer>, device: Option<&str>) -> Self {
        let mut desk = Self { state: State::default(), now_ms: 0.0, pace: 20.0, done: vec![] };
        desk.tell(Event::Offered(offers));
        let (backend, base, date) = (BackendChoice::Auto, "http://a/".to_owned(), "today".to_owned());
        desk.tell(Event::Start { backend, device: device.map(str::to_owned), base, date, now_ms: 0.0 });
        desk
    }

    fn tell(&mut self, event: Event) {
        self.done = self.state.update(event);
    }

    fn hear(&mut self, message: FromWorker) {
        self.now_ms += 10.0;
        self.tell(Event::Heard { message, now_ms: self.now_ms });
    }

    fn sent(&self) -> Option<ToWorker> {
        self.done.iter().find_map(|effect| match effect {
            Effect::Send(message) => Some(message.clone()),
            _ => None,
        })
    }

    /// The worker that was started loads what it is told to.
    fn load(&mut self, device: &str, config: ModelConfig) -> ToWorker {
        assert!(self.done.contains(&Effect::StartWorker), "{:?}", self.done);
        self.hear(FromWorker::Ready);
        let load = self.sent().expect("a load");
        self.hear(FromWorker::Config(Box::new(config)));
        self.hear(FromWorker::LoadProgress { stage: LoadStage::Weights, loaded_bytes: 3, total_bytes: 9 });
        assert_eq!(self.state.progress().expect("progress").2, Stage::Loading { loaded: 3, total: 9 });
        let backend = Backend { name: device.into(), detail: "a card".into() };
        let weights = WeightsReport { dtype: "f32".into(), fetched_bytes: 9, stored_bytes: 0 };
        self.hear(FromWorker::Loaded { backend, notices: vec![], num_parameters: 5, weights });
        load
    }

    /// The run that was asked for comes to its end; its number of steps.
    fn run(&mut self) -> usize {
        let Some(ToWorker::Generate { run, settings, .. }) = self.sent() else { panic!("no run: {:?}", self.done) };
        let steps = settings.num_inference_steps;
        assert_eq!((settings.guidance_scale, settings.sampler), (2.0, SamplerKind::Ddim));
        self.hear(FromWorker::Started { run, info: info(steps, 1) });
        self.hear(FromWorker::Shared { run, workers: 3 });
        for step in 0..=steps {
            self.now_ms += self.pace - 10.0;
            let (ms, image_shape) = (self.pace - 1.0, [8, 8]);
            self.hear(FromWorker::Frame(FrameInfo { run, step, ms, image_shape, preview: false, parts: vec![] }));
        }
        if self.state.is_measuring() && self.sent().is_none() {
            self.hear(FromWorker::Done { run, total_ms: 1.0 });
        }
        steps
    }

    fn wait(&mut self) {
        self.now_ms += 500.0;
        self.tell(Event::Waited { now_ms: self.now_ms });
    }

    /// All of a model that is loaded.
    fn measure(&mut self) {
        self.run();
        assert_eq!(self.done, [Effect::Wait(400)], "others get ready");
        self.wait();
        while self.sent().is_some() {
            self.run();
        }
    }
}

fn config() -> ModelConfig {
    ModelConfig::untrained("A", xl2(Some(2))).expect("a configuration")
}

#[test]
fn a_model_is_warmed_up_and_then_timed_until_there_are_enough_times() {
    let mut desk = Desk::start(vec![two().remove(0)], None);
    let load = desk.load("CPU", config());
    let source = ModelSource::Url("http://a/assets/models/a".into());
    assert_eq!(load, ToWorker::Load { source, backend: BackendChoice::Auto, load: 0 });
    assert_eq!(desk.run(), 3);
    desk.wait();
    // 30 steps of 20 ms are over too soon: they are taken again.
    let runs = [desk.run(), desk.run(), desk.run()];
    assert_eq!(runs, [30, 30, 30]);
    assert_eq!((desk.done.clone(), desk.state.is_measuring()), (vec![Effect::StopWorker], false));
    let (_, outcome) = desk.state.results().next().expect("a row");
    let figures = outcome.as_ref().expect("figures");
    assert_eq!((figures.step.median, figures.told_ms, figures.count), (20.0, 19.0, 3 * 29));
    assert_eq!((figures.workers, figures.dtype.as_str(), figures.fetched_bytes), (3, "f32", 9));
    assert!(figures.first_picture_ms > figures.load_ms && figures.extrapolated.is_none());
}

#[test]
fn slow_steps_are_few_and_a_model_takes_no_longer_than_it_may() {
    let mut desk = Desk::start(vec![two().remove(0)], None);
    desk.load("CPU", config());
    desk.pace = 4_500.0;
    desk.run();
    desk.wait();
    assert_eq!(desk.run(), 4);
    assert!(!desk.state.is_measuring());
    let (_, outcome) = desk.state.results().next().expect("a row");
    assert_eq!(outcome.as_ref().map(|figures| figures.count), Ok(2), "after ten seconds it is enough");
}

#[test]
fn on_the_cpu_xl2_is_extrapolated_from_few_blocks() {
    let mut desk = Desk::start(vec![two().remove(1)], Some("CPU"));
    for (blocks, pace) in [(2, 300.0), (4, 500.0)] {
        assert_eq!(desk.state.progress().expect("progress").1, Some(blocks));
        let load = desk.load("CPU", config_of(blocks));
        let ToWorker::LoadRandom { transformer, .. } = load else { panic!("{load:?}") };
        assert_eq!(
            serde_json::from_str::<ditscope_config::DitConfig>(&transformer).expect("a shape"),
            xl2(Some(blocks))
        );
        desk.pace = pace;
        desk.measure();
    }
    let (_, outcome) = desk.state.results().next().expect("a row");
    let figures = outcome.as_ref().expect("figures");
    assert_eq!(figures.extrapolated, Some(Extrapolated { from: [(2, 300.0), (4, 500.0)], to: 28 }));
    assert_eq!(figures.step.median, 2900.0);
}

fn config_of(blocks: usize) -> ModelConfig {
    ModelConfig::untrained("A", xl2(Some(blocks))).expect("a configuration")
}

/// Where the device is not known before, the first load tells it.
#[test]
fn on_a_graphics_card_xl2_is_measured_whole() {
    for device in [None, Some("WebGPU")] {
        let mut desk = Desk::start(vec![two().remove(1)], device);
        if device.is_none() {
            assert_eq!(desk.state.progress().expect("progress").1, Some(2));
            desk.load("WebGPU", config_of(2));
        }
        assert_eq!(desk.state.progress().expect("progress").1, None);
        let load = desk.load("WebGPU", config_of(28));
        assert!(matches!(load, ToWorker::LoadRandom { transformer, .. } if transformer.contains("\"depth\":28")));
        desk.measure();
        let (_, outcome) = desk.state.results().next().expect("a row");
        assert_eq!(outcome.as_ref().map(|figures| figures.extrapolated), Ok(None));
    }
}

#[test]
fn what_fails_is_a_row_with_its_reason_and_the_others_go_on() {
    let offers = vec![two().remove(0), offer(Subject::Model(ModelRef::Shipped("b".into())), "B"), two().remove(1)];
    let mut desk = Desk::start(offers, Some("WebGPU"));
    desk.hear(FromWorker::Ready);
    desk.hear(FromWorker::Failed { run: None, why: Reason::NotServed.found(404) });
    assert!(desk.done.contains(&Effect::StartWorker), "a new worker for the next one");
    desk.load("WebGPU", config());
    desk.tell(Event::Lost(Notice::WorkerScript));
    desk.load("WebGPU", config_of(28));
    // Two minutes without a word.
    desk.now_ms += 60_000.0;
    desk.tell(Event::Waited { now_ms: desk.now_ms });
    assert_eq!(desk.done, [Effect::Wait(60_000)]);
    desk.now_ms += 60_000.0;
    desk.tell(Event::Waited { now_ms: desk.now_ms });
    assert_eq!(desk.done, [Effect::StopWorker]);
    let failures: Vec<Failure> = desk.state.results().filter_map(|(_, outcome)| outcome.clone().err()).collect();
    let first = Failure::Told(Notice::Refused(Reason::NotServed.found(404)));
    assert_eq!(failures, [first, Failure::Told(Notice::WorkerScript), Failure::Silent(120)]);
    // And as JSON.
    let json: Value = serde_json::from_str(&json(&desk.state, &Here::default(), &|_| "why".into())).expect("JSON");
    assert_eq!(json["rows"][0], serde_json::json!({ "model": "A", "failed": "why" }));
    assert_eq!((&json["backend"], &json["adapter"]), (&"WebGPU".into(), &"a card".into()));
}

#[test]
fn what_is_stopped_keeps_what_came_before_and_hears_no_more() {
    let mut desk = Desk::start(two(), Some("WebGPU"));
    desk.load("WebGPU", config());
    desk.measure();
    assert_eq!(desk.state.share(), (1, 2));
    desk.tell(Event::Toggle(0));
    assert!(desk.state.rows[0].offer.chosen, "not while it measures");
    desk.tell(Event::Stop);
    assert_eq!(desk.done, [Effect::StopWorker]);
    assert!(desk.state.stopped && !desk.state.is_measuring());
    desk.hear(FromWorker::Ready);
    desk.wait();
    assert_eq!((desk.done.clone(), desk.state.results().count()), (vec![], 1));
    let json: Value = serde_json::from_str(&json(&desk.state, &Here::default(), &|_| String::new())).expect("JSON");
    assert_eq!((json["rows"][0]["step_ms"].as_f64(), json["rows"][0]["workers"].as_u64()), (Some(20.0), Some(3)));
}

#[test]
fn what_was_chosen_stays_when_the_list_is_told_anew() {
    let mut state = State::default();
    assert!(!state.can_start());
    state.update(Event::Offered(two()));
    state.update(Event::Toggle(1));
    state.update(Event::Offered(two()));
    assert_eq!(state.rows.iter().map(|row| row.offer.chosen).collect::<Vec<_>>(), [true, false]);
    state.update(Event::Toggle(0));
    assert!(!state.can_start(), "nothing is chosen");
    assert_eq!(state.update(Event::Stop), []);
    assert!(!state.stopped);
}
