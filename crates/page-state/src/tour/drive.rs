//! From what a chapter shows to events of the page. Pure.
//!
//! The one file that knows both the tour's looks and the parts of the stage.

use super::book::{Look, Wish};
use crate::Mode;
use crate::compare::What;
use crate::inside::Panel;
use crate::lab::{self, Kind};
use crate::stage::{Content, Scene, Sight, ViewKind, content};
use crate::{Choice, Event, Shared};
use crate::{compare, film, forward, inside, stage, timeline};
use ditscope_protocol::RunInfo;

/// The mode that has a look.
pub fn mode(look: Look) -> Mode {
    match look {
        Look::X0 | Look::XT | Look::Channels | Look::Guidance | Look::Schedule => Mode::Denoise,
        Look::CompareGuidance | Look::CompareSamplers => Mode::Compare,
        Look::Forward | Look::Ask => Mode::Forward,
        Look::Attention | Look::AdaLn => Mode::Inside,
        Look::Train => Mode::Train,
        Look::OneStep => Mode::Lab(Kind::OneStep),
        Look::Paint => Mode::Lab(Kind::Paint),
        Look::Edit => Mode::Lab(Kind::Edit),
        Look::Break => Mode::Lab(Kind::Break),
        Look::Ideal => Mode::Lab(Kind::Ideal),
    }
}

/// The events that bring the stage to a look, before there is a run.
fn views(wish: &Wish) -> Vec<Event> {
    let step = |kinds: &[ViewKind]| vec![Event::Views(stage::Event::Set(kinds.to_vec()))];
    let views = match wish.look {
        // The last latent is no noisy one.
        Look::Channels if wish.position == 1.0 => step(&[ViewKind::X0, ViewKind::X0Latent]),
        Look::X0 | Look::Channels | Look::Schedule => step(&[ViewKind::X0, ViewKind::XT]),
        Look::XT => step(&[ViewKind::X0, ViewKind::XTDecoded]),
        Look::Guidance => step(&[ViewKind::X0, ViewKind::EpsCond, ViewKind::EpsUncond, ViewKind::EpsDiff]),
        Look::CompareGuidance | Look::CompareSamplers => {
            compared(wish).map(|what| Event::Compare(compare::Event::Set(what))).into_iter().collect()
        }
        Look::Attention => [
            Some(inside::Event::Panel(Panel::Attention)),
            wish.block.map(inside::Event::Block),
            Some(inside::Event::Token(wish.token)),
            Some(inside::Event::Head(None)),
        ]
        .into_iter()
        .flatten()
        .map(Event::Inside)
        .collect(),
        Look::AdaLn => vec![Event::Inside(inside::Event::Panel(Panel::Modulation))],
        Look::Forward | Look::Ask => {
            vec![Event::Forward(forward::Event::AskForClass(wish.look == Look::Ask))]
        }
        Look::OneStep | Look::Paint | Look::Edit | Look::Break => {
            vec![Event::Lab(lab::Event::Wish(wish.lab.clone()))]
        }
        Look::Ideal | Look::Train => vec![],
    };
    [Event::Show(mode(wish.look))].into_iter().chain(views).collect()
}

/// Settings and views: what can be done at once.
pub fn at_once(wish: &Wish) -> Vec<Event> {
    let settings = &wish.settings;
    let choices = [
        Choice::Class(settings.class),
        Choice::Guidance(settings.guidance_scale),
        Choice::Steps(settings.num_inference_steps),
        Choice::Sampler(settings.sampler),
        Choice::Spacing(settings.timestep_spacing),
        Choice::Seed(settings.seed),
        Choice::NumImages(settings.num_images),
        Choice::Savings(settings.savings),
    ];
    // The texts describe the picture with the settings' seed: the first.
    let selected = Event::Timeline(timeline::Event::Select(0));
    choices.into_iter().map(Event::Choose).chain([selected]).chain(views(wish)).collect()
}

/// What is compared, where the run is the comparison's to plan, and not a plain one.
pub fn compared(wish: &Wish) -> Option<What> {
    match wish.look {
        Look::CompareGuidance => What::Guidance(wish.guidance_scales.clone()).sound(),
        Look::CompareSamplers => Some(What::Samplers),
        _ => None,
    }
}

/// Whether a run with this description shows what is wished.
pub fn fits(info: &RunInfo, wish: &Wish) -> bool {
    let RunInfo { settings, guidance_scales: scales, steps_skipped, .. } = info;
    let num_images = settings.num_images;
    match wish.look {
        // Its pictures are as many as there are scales, whatever the settings say.
        Look::CompareGuidance => {
            let wished = ditscope_config::RunSettings { num_images, ..wish.settings.clone() };
            (settings, scales) == (&wished, &wish.guidance_scales)
        }
        // It takes several runs.
        Look::CompareSamplers => false,
        _ => {
            let plain = scales.iter().all(|scale| *scale == settings.guidance_scale);
            plain && *steps_skipped == 0 && *settings == wish.settings && scales.len() == num_images
        }
    }
}

/// What a step is about, as a small picture for each of the run's: of a film that is there and fits.
pub fn previews(shared: &Shared, wish: &Wish) -> Option<Vec<Content>> {
    let films = [shared.run.film.as_ref(), shared.run.recorded.as_ref()].into_iter().flatten();
    let film = films.into_iter().find(|film| fits(&film.info, wish))?;
    let at = wish.frame(film.steps());
    let kind = match wish.look {
        Look::X0 => ViewKind::X0,
        // Without noise it is the picture.
        Look::XT | Look::Channels | Look::Forward if at < film.steps() => ViewKind::XT,
        Look::Channels => ViewKind::X0Latent,
        Look::XT | Look::Forward | Look::Ask => ViewKind::X0,
        Look::Guidance => ViewKind::EpsDiff,
        _ => return None,
    };
    let (info, frame) = (&film.info, film.at(at)?);
    let scene = |picture| {
        let (info, frame) = (info.clone(), frame.clone());
        Scene { info, frame, before: None, picture, sight: Sight::Awaited(None) }
    };
    Some((0..info.num_images).map(|picture| content(kind, &scene(picture), false)).collect())
}

/// How many frames must have come before [`arrive`].
pub fn due(wish: &Wish, steps: usize) -> usize {
    match wish.look {
        // The finished picture is what is noised.
        Look::Forward | Look::Ask => steps + 1,
        _ => wish.frame(steps) + 1,
    }
}

/// The events that bring the page to its place in the run.
pub fn arrive(wish: &Wish, info: &RunInfo) -> Vec<Event> {
    let frame = wish.frame(info.timesteps.len());
    let seek = Event::Timeline(timeline::Event::Seek(frame));
    if !matches!(wish.look, Look::Forward | Look::Ask) {
        return vec![seek];
    }
    let (t, _) = film::place(info, frame);
    vec![seek, Event::Forward(forward::Event::UseGenerated), Event::Forward(forward::Event::SetT(t))]
}
