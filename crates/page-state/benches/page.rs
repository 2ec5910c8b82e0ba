//! What the page's state costs beside the model: `cargo bench -p ditscope-page-state --features fixtures`
//!
//! Runs have the shipped model's shape, latents of 4x8x8 and pictures of 32x32, and every part that a frame can bring.

use ditscope_page_state::film::Film;
use ditscope_page_state::fixtures;
use ditscope_page_state::{Choice, Event, Page, Visit, timeline};
use ditscope_protocol::{Backend, FrameInfo, FramePart, FromWorker, RunInfo, WeightsReport};
use divan::Bencher;
use divan::counter::BytesCount;

/// What the page offers.
const COUNTS: [usize; 3] = [1, 4, 16];
const STEPS: usize = 30;
const MOST_STEPS: usize = 250;

fn main() {
    divan::main();
}

fn info(steps: usize, pictures: usize) -> RunInfo {
    RunInfo { latent_shape: [4, 8, 8], image_shape: [32, 32], ..fixtures::info(steps, pictures) }
}

/// A frame of it, as the worker sends it.
fn frame(step: usize, pictures: usize) -> (FrameInfo, Vec<Vec<u8>>) {
    let parts = vec![FramePart::XT, FramePart::Pictures, FramePart::X0Hat, FramePart::EpsCond, FramePart::EpsUncond];
    // Four bytes for a number, and for a pixel.
    let size = |part: &FramePart| 4 * pictures * if *part == FramePart::Pictures { 32 * 32 } else { 4 * 8 * 8 };
    let buffers = parts.iter().map(|part| vec![7; size(part)]).collect();
    (FrameInfo { run: 1, step, ms: 40.0, image_shape: [32, 32], preview: false, parts }, buffers)
}

fn bytes(buffers: &[Vec<u8>]) -> BytesCount {
    BytesCount::new(buffers.iter().map(Vec::len).sum::<usize>())
}

fn heard(message: FromWorker, buffers: Vec<Vec<u8>>) -> Event {
    Event::Worker { message, buffers, now_ms: 0.0 }
}

fn frame_event(step: usize, pictures: usize) -> Event {
    let (frame, buffers) = frame(step, pictures);
    heard(FromWorker::Frame(frame), buffers)
}

/// A page in the middle of a run.
fn running(pictures: usize) -> Page {
    let (mut page, _) = Page::new("", "http://host/", Visit::default());
    let backend = Backend { name: "CPU".into(), detail: "flex".into() };
    let weights = WeightsReport::default();
    let loaded = FromWorker::Loaded { backend, notices: vec![], num_parameters: 1, weights };
    let started = FromWorker::Started { run: 1, info: info(STEPS, pictures) };
    let loading = FromWorker::Loading(1);
    let begin = [
        heard(FromWorker::Ready, vec![]),
        heard(loading, vec![]),
        heard(loaded, vec![]),
        Event::Generate,
        heard(started, vec![]),
    ];
    let frames = (0..STEPS / 2).map(|step| frame_event(step, pictures));
    for event in begin.into_iter().chain(frames) {
        page.update(event);
    }
    assert_eq!(page.shown().map(Film::received), Some(STEPS / 2));
    page
}

/// What every step of a run costs the page.
#[divan::bench(args = COUNTS)]
fn frame_into_page(bencher: Bencher, pictures: usize) {
    let page = running(pictures);
    let bencher = bencher.counter(bytes(&frame(0, pictures).1));
    bencher.with_inputs(|| (page.clone(), frame_event(STEPS / 2, pictures))).bench_local_values(|(mut page, event)| {
        let effects = page.update(event);
        assert_eq!(page.shown().map(Film::received), Some(STEPS / 2 + 1));
        (page, effects)
    });
}

/// The timeline is dragged.
#[divan::bench]
fn seek(bencher: Bencher) {
    let mut page = running(16);
    let mut position = 0;
    bencher.bench_local(|| {
        position = (position + 1) % (STEPS / 2);
        page.update(Event::Timeline(timeline::Event::Seek(position)))
    });
}

/// The guidance slider is dragged.
#[divan::bench]
fn choose(bencher: Bencher) {
    let mut page = running(16);
    let mut tenths = 10;
    bencher.bench_local(|| {
        tenths = 10 + (tenths + 1) % 90;
        page.update(Event::Choose(Choice::Guidance(f64::from(tenths) / 10.0)))
    });
}

fn empty_film(steps: usize) -> Film {
    Film::new(info(steps, 16), "Fashion".into(), "Ankle boot".into()).expect("a sound description")
}

/// A frame of 16 pictures, without the page around it.
#[divan::bench]
fn frame_into_film(bencher: Bencher) {
    let mut film = empty_film(STEPS);
    for (frame, buffers) in (0..STEPS / 2).map(|step| frame(step, 16)) {
        film.push(&frame, buffers).expect("a sound frame");
    }
    let bencher = bencher.counter(bytes(&frame(0, 16).1));
    bencher.with_inputs(|| (film.clone(), frame(STEPS / 2, 16))).bench_local_values(|(mut film, (frame, buffers))| {
        film.push(&frame, buffers).expect("a sound frame");
        film
    });
}

/// The longest run with 16 pictures, 32 MB: with room for all of it, and where room for a quarter has it thinned twice.
#[divan::bench(args = ["room for all", "room for a quarter"], sample_count = 10, sample_size = 1)]
fn whole_film(bencher: Bencher, room: &str) {
    // Shares of 256 MB.
    let among = if room == "room for all" { 1 } else { 32 };
    let frames = || (0..MOST_STEPS).map(|step| frame(step, 16)).collect::<Vec<_>>();
    let bencher = bencher.with_inputs(|| (empty_film(MOST_STEPS).sharing(among), frames()));
    bencher.bench_local_values(|(mut film, frames)| {
        for (frame, buffers) in frames {
            film.push(&frame, buffers).expect("a sound frame");
        }
        assert_eq!(film.stride() > 1, among > 1, "thinned where there is no room");
        film
    });
}
