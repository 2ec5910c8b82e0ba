//! What downloads are called: the class and the settings that made them.

use crate::film::{Film, origin};
use ditscope_config::{RunSettings, Savings};
use std::ops::Range;

/// `ditscope-ankle-boot-g4-ddim30-s7.png`; a picture that is not finished says its step, and whether it is a preview.
pub fn of_picture(film: &Film, picture: usize, position: usize) -> String {
    let step = if position < film.steps() { format!("-step{position}") } else { String::new() };
    let preview = film.at(position).is_some_and(|frame| frame.is_preview(picture));
    let preview = if preview { "-preview" } else { "" };
    format!("{}{step}{preview}.png", stem(film, picture..picture + 1))
}

/// What a file of some of the pictures is called: their class, the settings, and the first one's seed.
pub fn stem(film: &Film, pictures: Range<usize>) -> String {
    let RunSettings { sampler, num_inference_steps, timestep_spacing, savings, .. } = &film.info.settings;
    let sampler = sampler.name().replace("++", "pp");
    let spacing = timestep_spacing.map(|spacing| format!("-{}", spacing.name())).unwrap_or_default();
    let (label, saved) = (slug(&film.label), saved(savings));
    let seed = origin(&film.info, pictures.start).1;
    let guidance = scales(film, pictures).join("-");
    format!("ditscope-{label}-g{guidance}-{sampler}{num_inference_steps}{spacing}{saved}-s{seed}")
}

/// Small letters and digits, and a dash for all between them.
fn slug(label: &str) -> String {
    let mut slug = String::new();
    for c in label.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').into()
}

/// What a run left out, by the names of the address.
fn saved(savings: &Savings) -> String {
    let Savings { guidance_interval, cache_interval } = savings;
    let reuse = if *cache_interval > 1 { format!("-reuse{cache_interval}") } else { String::new() };
    let interval = guidance_interval.map(|[from, to]| format!("-interval{from}-{to}"));
    reuse + &interval.unwrap_or_default()
}

/// The guidance scales of some of the pictures; once where all have the same.
pub fn scales(film: &Film, pictures: Range<usize>) -> Vec<String> {
    let mut scales: Vec<String> = pictures.map(|i| origin(&film.info, i).0.to_string()).collect();
    scales.dedup();
    scales
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{info, preview};
    use ditscope_config::{SamplerKind, TimestepSpacing};

    #[test]
    fn downloads_have_names_that_say_what_they_are() {
        let film = Film::new(info(2, 3), "Fashion".into(), "T-shirt/top".into()).expect("a sound description");
        assert_eq!(of_picture(&film, 0, 2), "ditscope-t-shirt-top-g4-ddim2-s7.png");
        assert_eq!(of_picture(&film, 2, 1), "ditscope-t-shirt-top-g4-ddim2-s9-step1.png");
    }

    #[test]
    fn names_tell_two_ways_of_sampling_apart() {
        let mut run = info(20, 1);
        run.settings.sampler = SamplerKind::DpmSolverPlusPlus;
        run.settings.savings = Savings { guidance_interval: Some([0.0, 0.7]), cache_interval: 2 };
        let film = Film::new(run, "Fashion".into(), "Bag".into()).expect("a sound description");
        assert_eq!(of_picture(&film, 0, 20), "ditscope-bag-g4-dpmpp20-reuse2-interval0-0.7-s7.png");
        let mut run = info(20, 1);
        run.settings.timestep_spacing = Some(TimestepSpacing::Trailing);
        let film = Film::new(run, "Fashion".into(), "Bag".into()).expect("a sound description");
        assert_eq!(of_picture(&film, 0, 20), "ditscope-bag-g4-ddim20-trailing-s7.png");
    }

    #[test]
    fn a_downloaded_preview_says_so() {
        let mut film = Film::new(info(3, 1), "m".into(), "Cat".into()).expect("a sound description");
        film.push(&preview(0), vec![vec![0; 64], vec![0; 16], vec![0; 64]]).expect("a sound preview");
        assert_eq!(of_picture(&film, 0, 0), "ditscope-cat-g4-ddim3-s7-step0-preview.png");
        film.put_decoded(0, 0, vec![0; 36]).expect("a sound picture");
        assert_eq!(of_picture(&film, 0, 0), "ditscope-cat-g4-ddim3-s7-step0.png");
    }
}
