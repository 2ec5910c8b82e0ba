//! What is read of the films in tests, whose latents are 4x2x2, taken for words of two letters.

use super::*;
use crate::fixtures::frame;
use crate::timeline;
use crate::update::tests::{running, some_config, take_message};
use crate::{Event, Page};
use ditscope_config::{ModelConfig, SampleSize, TextConfig};
use ditscope_protocol::{FrameInfo, FramePart, FromWorker, RunInfo};

fn config() -> ModelConfig {
    let mut config = some_config(10);
    (config.transformer.in_channels, config.transformer.patch_size) = (2, 1);
    config.transformer.sample_size = SampleSize { height: 1, width: 2 };
    config.text = Some(TextConfig { alphabet: " abc".into() });
    (config.latents.mean, config.latents.std) = (vec![0.0; 2], vec![1.0; 2]);
    config
}

/// A run of two steps whose frames bring these latents.
fn finished(x0_hat: [f32; 4], x_t: [f32; 4]) -> Page {
    let mut page = running();
    page.shared.models.config = Some(config());
    let info = RunInfo { latent_shape: [2, 1, 2], ..crate::fixtures::info(2, 1) };
    take_message(&mut page, FromWorker::Started { run: 1, info });
    let bytes = |latent: [f32; 4]| latent.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let parts = vec![FramePart::XT, FramePart::X0Hat, FramePart::Pictures];
    for step in 0..2 {
        let message = FromWorker::Frame(FrameInfo { parts: parts.clone(), ..frame(step) });
        let buffers = vec![bytes([9.0; 4]), bytes(x0_hat), vec![0; 36]];
        page.update(Event::Worker { message, buffers, now_ms: 0.0 });
    }
    let (message, buffers) = (FromWorker::Frame(frame(2)), vec![bytes(x_t), vec![0; 36]]);
    page.update(Event::Worker { message, buffers, now_ms: 0.0 });
    take_message(&mut page, FromWorker::Done { run: 1, total_ms: 1.0 });
    page
}

fn read(page: &Page) -> Vec<(char, f32)> {
    letters(page).expect("a word").iter().map(|letter| (letter.symbol, letter.confidence)).collect()
}

#[test]
fn letters_are_those_of_the_prediction_and_at_the_end_of_what_is_finished() {
    let mut page = finished([0.5, -1.0, -1.0, 0.0], [1.0, 1.0, -1.0, 1.0]);
    assert_eq!(read(&page), [('a', 1.0), ('c', 1.0)]);
    page.update(Event::Timeline(timeline::Event::Seek(0)));
    assert_eq!(read(&page), [('a', 0.75), (' ', 0.5)]);
    // Standardised latents are brought back first.
    let stats = &mut page.shared.models.config.as_mut().expect("a model").latents;
    (stats.mean[0], stats.std[0]) = (0.5, 1.0);
    assert_eq!(read(&page), [('a', 1.0), (' ', 0.75 * 0.5)]);
}

#[test]
fn pictures_and_films_of_other_models_have_no_letters() {
    let mut page = finished([1.0; 4], [1.0; 4]);
    page.shared.models.config.as_mut().expect("a model").transformer.sample_size.width = 4;
    assert_eq!(letters(&page), None);
    page.shared.models.config = Some(some_config(10));
    assert_eq!(letters(&page), None);
    assert_eq!(letters(&running()), None);
}
