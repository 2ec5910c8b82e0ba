//! How long each frame of a film is shown.

use crate::film::{Film, Frame};
use std::sync::Arc;

/// How the time of a film is given to its steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pacing {
    /// More of it to those after which much changes: most of a picture is decided in few steps, the early ones.
    #[default]
    ByChange,
    /// To each the same.
    Even,
}

impl Pacing {
    pub const ALL: [Self; 2] = [Self::ByChange, Self::Even];

    /// So much of the time is given to all steps alike, that none is passed over.
    fn even_share(self) -> f64 {
        match self {
            Self::ByChange => 0.25,
            Self::Even => 1.0,
        }
    }

    /// The share of a film's time that goes by from one of its steps to another.
    pub fn share(self, film: &Film, from: usize, to: usize) -> f64 {
        let last = film.last().max(1);
        let even = to.saturating_sub(from) as f64 / last as f64;
        let whole = film.change(0, last);
        let by_change = if whole > 0.0 { film.change(from, to) / whole } else { even };
        self.even_share() * even + (1.0 - self.even_share()) * by_change
    }

    /// The next of some frames that comes no sooner than `least_ms` after frame `here`, and when it comes.
    pub(super) fn next(
        self,
        film: &Film,
        frames: &[Arc<Frame>],
        here: usize,
        total_ms: f64,
        least_ms: f64,
    ) -> (usize, f64) {
        let due = |i: usize| total_ms * self.share(film, frames[here].step, frames[i].step);
        let last = frames.len() - 1;
        let next = (here + 1..last).find(|i| due(*i) >= least_ms).unwrap_or(last);
        (next, due(next))
    }

    /// Some frames of a film, and for how long each but the last is shown: in all `total_ms`, in tens of milliseconds.
    /// One that would be shown for less than `least_ms` is left out.
    pub fn plan(self, film: &Film, frames: &[Arc<Frame>], total_ms: f64, least_ms: f64) -> Vec<(Arc<Frame>, usize)> {
        let Some((last, before)) = frames.split_last() else { return vec![] };
        let (mut plan, mut here, mut shown) = (vec![], 0, 0);
        while here < before.len() {
            let (next, _) = self.next(film, frames, here, total_ms, least_ms);
            let end = total_ms * self.share(film, frames[0].step, frames[next].step);
            let end = (end / 10.0).round() as usize * 10;
            plan.push((frames[here].clone(), end - shown));
            (here, shown) = (next, end);
        }
        plan.push((last.clone(), 0));
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{frame, info};

    /// A film whose pictures are as bright as this.
    fn film(bright: &[u8]) -> Film {
        let mut film = Film::new(info(bright.len() - 1, 1), "m".into(), "l".into()).expect("a sound description");
        for (step, bright) in bright.iter().enumerate() {
            film.push(&frame(step), vec![vec![0; 64], vec![*bright; 36]]).expect("a sound frame");
        }
        film
    }

    fn times(film: &Film, pacing: Pacing, total_ms: f64, least_ms: f64) -> Vec<(usize, usize)> {
        let plan = pacing.plan(film, film.frames(), total_ms, least_ms);
        plan.into_iter().map(|(frame, ms)| (frame.step, ms)).collect()
    }

    #[test]
    fn time_goes_where_the_picture_changes() {
        let film = film(&[0, 60, 80, 80, 80]);
        assert_eq!(times(&film, Pacing::Even, 400.0, 0.0), [(0, 100), (1, 100), (2, 100), (3, 100), (4, 0)]);
        // A quarter of the time to all alike, three quarters as 60 : 20 : 0 : 0.
        assert_eq!(times(&film, Pacing::ByChange, 400.0, 0.0), [(0, 250), (1, 100), (2, 30), (3, 20), (4, 0)]);
    }

    #[test]
    fn frames_that_would_flicker_are_left_out_and_the_whole_takes_as_long() {
        let film = film(&[0, 60, 80, 80, 80]);
        assert_eq!(times(&film, Pacing::ByChange, 400.0, 40.0), [(0, 250), (1, 100), (2, 50), (4, 0)]);
        let long = self::film(&(0..=250).collect::<Vec<u8>>());
        for pacing in Pacing::ALL {
            let plan = times(&long, pacing, 4000.0, 30.0);
            assert_eq!(plan.iter().map(|(_, ms)| ms).sum::<usize>(), 4000);
            assert!(plan[..plan.len() - 1].iter().all(|(_, ms)| *ms >= 30));
        }
    }

    #[test]
    fn a_film_without_change_or_with_one_frame_is_played_too() {
        assert_eq!(times(&film(&[7, 7, 7]), Pacing::ByChange, 200.0, 0.0), [(0, 100), (1, 100), (2, 0)]);
        let film = film(&[7, 7]);
        assert_eq!(Pacing::ByChange.plan(&film, &film.frames()[..1], 200.0, 0.0).len(), 1);
        assert_eq!(Pacing::ByChange.plan(&film, &[], 200.0, 0.0), []);
    }
}
