//! What somebody needs who sees the page for the first time: what is on the stage, and what the sliders do.

use crate::{Words, say, say_with};
use ditscope_page_state::{Mode, Page};

/// What is to be seen on the stage, for somebody who has never seen it.
pub fn seeing(state: &Page) -> String {
    match state.mode() {
        Mode::Denoise => {}
        Mode::Compare => return say("inspector.seeing-compare").into(),
        Mode::Forward => return say("inspector.seeing-forward").into(),
        Mode::Inside => return say("inspector.seeing-inside").into(),
        Mode::Lab(_) => return say("inspector.seeing-lab").into(),
        Mode::Findings => return say("inspector.seeing-findings").into(),
        Mode::Train => return say("modes.hint-train").into(),
    }
    let film = state.shown().filter(|film| !film.is_empty());
    match film.map(|film| (film, state.timeline.position)) {
        None => say("inspector.seeing-nothing").into(),
        Some((film, 0)) => say_with("inspector.seeing-start", &[("label", &film.label)]),
        Some((film, position)) if position < film.steps() => say("inspector.seeing-middle").into(),
        Some(_) => say("inspector.seeing-end").into(),
    }
}

/// What a guidance scale does; the end of the slider has a word of its own (tests/tour/claims.rs).
pub fn guidance_hint(scale: f64) -> Words {
    if scale < HIGH_GUIDANCE { say("controls.guidance-short") } else { say("controls.guidance-high") }
}

/// What a number of steps does; so has the beginning of this slider.
pub fn steps_hint(steps: usize) -> Words {
    if steps > FEW_STEPS { say("controls.steps-short") } else { say("controls.steps-few") }
}

/// From here on guidance overdrives the pictures of the shipped model …
pub const HIGH_GUIDANCE: f64 = 7.0;
/// … and in no more steps its seeds give nearly the same picture.
pub const FEW_STEPS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_sliders_have_a_word_of_their_own() {
        assert_ne!(guidance_hint(HIGH_GUIDANCE), guidance_hint(4.0));
        assert_eq!(guidance_hint(10.0), guidance_hint(HIGH_GUIDANCE));
        assert_ne!(steps_hint(FEW_STEPS), steps_hint(30));
        assert_eq!((steps_hint(1), steps_hint(3)), (steps_hint(FEW_STEPS), steps_hint(250)));
    }
}
