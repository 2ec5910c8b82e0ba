//! How a model's pictures grew during its training: what `dit data growth` wrote, and which moment is looked at. Pure.

use ditscope_config::SamplerKind;
use serde_json::Value;

/// Pictures that are larger, or more of them, are none of a film.
const MOST: usize = 1024;
/// Milliseconds for a moment while the training is played.
const BEAT_MS: u32 = 600;
/// And for who wants little motion.
const CALM_BEAT_MS: u32 = 1500;

/// What is shown of `config::Growth`. A reader of all of it would weigh more than this.
#[derive(Debug, Clone, PartialEq)]
pub struct Growth {
    /// Of a picture, in pixels.
    pub width: usize,
    pub height: usize,
    /// Names of the classes.
    pub labels: Vec<String>,
    pub sampler: SamplerKind,
    pub sampling_steps: usize,
    pub guidance_scale: f64,
    /// Where in a run the predictions are taken; after them comes the finished picture.
    pub timesteps: Vec<usize>,
    /// The moments: steps of the training.
    pub steps: Vec<usize>,
    /// Step of the training and mean of the loss around it.
    pub loss: Vec<(f64, f64)>,
    /// Of the same network trained again, not of the model on the page.
    pub repeated: bool,
}

impl Growth {
    /// `None` when it is not what `dit data growth` writes.
    pub fn read(text: &str) -> Option<Self> {
        let all: Value = serde_json::from_str(text).ok()?;
        let list = |name: &str| all.get(name)?.as_array();
        let numbers = |name: &str| list(name)?.iter().map(whole).collect::<Option<Vec<_>>>();
        let label = |label: &Value| Some(label.as_str()?.to_owned());
        let point = |point: &Value| Some((point.get(0)?.as_f64()?, point.get(1)?.as_f64()?));
        let growth = Self {
            width: whole(all.get("width")?)?,
            height: whole(all.get("height")?)?,
            labels: list("labels")?.iter().map(label).collect::<Option<_>>()?,
            sampler: all.get("sampler")?.as_str()?.parse().ok()?,
            sampling_steps: whole(all.get("num_inference_steps")?)?,
            guidance_scale: all.get("guidance_scale")?.as_f64()?,
            timesteps: numbers("timesteps")?,
            steps: numbers("steps")?,
            loss: list("loss")?.iter().map(point).collect::<Option<_>>()?,
            repeated: all.get("repeated").is_some_and(|repeated| repeated == true),
        };
        growth.is_sound().then_some(growth)
    }

    fn is_sound(&self) -> bool {
        let counts = [self.width, self.height, self.labels.len(), self.places(), self.steps.len(), self.loss.len()];
        counts.iter().all(|count| (1..=MOST).contains(count))
            && self.steps.is_sorted_by(|a, b| a < b)
            && self.loss.is_sorted_by(|a, b| a.0 < b.0)
    }

    /// Pictures of a run.
    pub fn places(&self) -> usize {
        self.timesteps.len() + 1
    }

    /// Whether a sheet of pictures has the width and height that this one's has.
    pub fn fits(&self, size: (usize, usize)) -> bool {
        size == (self.labels.len() * self.places() * self.width, self.steps.len() * self.height)
    }

    /// Where the left and upper edge of a picture lie in the sheet.
    pub fn place_of(&self, class: usize, at: At) -> [usize; 2] {
        [(class * self.places() + at.place) * self.width, at.moment * self.height]
    }

    /// The step of the training that is looked at.
    pub fn step(&self, at: At) -> usize {
        self.steps.get(at.moment).copied().unwrap_or(0)
    }

    /// The loss at a step: the nearest that is known on a log scale; at the very first there is none yet.
    pub fn loss_at(&self, step: usize) -> Option<f64> {
        let far = |point: &&(f64, f64)| (point.0.max(1.0) / step as f64).ln().abs();
        let nearest = self.loss.iter().min_by(|a, b| far(a).total_cmp(&far(b)));
        nearest.filter(|_| step > 0).map(|point| point.1)
    }
}

fn whole(value: &Value) -> Option<usize> {
    value.as_u64().map(|value| value as usize)
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    pub moment: usize,
    /// Which picture of a run.
    pub place: usize,
    pub playing: bool,
}

/// What can happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Moment(usize),
    Place(usize),
    TogglePlay,
    Tick,
}

impl At {
    /// The finished pictures of the finished training.
    pub fn end(growth: &Growth) -> Self {
        Self { moment: growth.steps.len() - 1, place: growth.places() - 1, playing: false }
    }

    #[must_use]
    pub fn after(self, event: Event, growth: &Growth) -> Self {
        let end = Self::end(growth);
        let at = match event {
            Event::Moment(moment) => Self { moment: moment.min(end.moment), playing: false, ..self },
            Event::Place(place) => Self { place: place.min(end.place), ..self },
            // From the end it plays once more.
            Event::TogglePlay if !self.playing && self.moment == end.moment => {
                Self { moment: 0, playing: true, ..self }
            }
            Event::TogglePlay => Self { playing: !self.playing, ..self },
            Event::Tick if self.playing => Self { moment: end.moment.min(self.moment + 1), ..self },
            Event::Tick => self,
        };
        Self { playing: at.playing && at.moment < end.moment, ..at }
    }

    /// Milliseconds to the next tick, while it plays.
    pub fn beat(self, reduced_motion: bool) -> Option<u32> {
        self.playing.then_some(if reduced_motion { CALM_BEAT_MS } else { BEAT_MS })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ditscope_config::Growth as Written;

    fn written() -> Written {
        Written {
            model: "M".into(),
            width: 8,
            height: 4,
            classes: vec![3, 5],
            labels: vec!["Coat".into(), "Bag".into()],
            seeds: vec![3, 5],
            sampler: SamplerKind::Ddim,
            num_inference_steps: 20,
            guidance_scale: 2.0,
            timesteps: vec![950, 550],
            steps: vec![0, 1, 2, 4, 5],
            loss: vec![(1, 1.0), (2, 0.75), (5, 0.5)],
            repeated: false,
        }
    }

    fn read(written: &Written) -> Option<Growth> {
        Growth::read(&serde_json::to_string(written).expect("JSON"))
    }

    #[test]
    fn what_dit_data_growth_writes_is_read() {
        let growth = read(&written()).expect("a film");
        assert!(!growth.repeated);
        assert!(read(&Written { repeated: true, ..written() }).expect("a film").repeated);
        assert_eq!((growth.labels[1].as_str(), growth.places()), ("Bag", written().places()));
        let at = At { moment: 3, place: 2, playing: false };
        assert_eq!(growth.step(at), 4);
        assert_eq!(
            [0, 1, 2, 4, 5].map(|step| growth.loss_at(step)),
            [None, Some(1.0), Some(0.75), Some(0.5), Some(0.5)]
        );
    }

    #[test]
    fn pictures_lie_in_the_sheet_by_moment_class_and_place() {
        let growth = read(&written()).expect("a film");
        assert!(growth.fits((2 * 3 * 8, 5 * 4)) && !growth.fits((2 * 3 * 8, 5 * 8)));
        let at = At { moment: 3, place: 2, playing: false };
        assert_eq!((growth.place_of(0, at), growth.place_of(1, at)), ([16, 12], [40, 12]));
        assert_eq!(growth.place_of(1, At::end(&growth)), [2 * 3 * 8 - 8, 5 * 4 - 4], "the last one");
    }

    #[test]
    fn what_is_something_else_is_not_read() {
        for text in ["", "[]", "{}", r#"{"width": 8}"#] {
            assert_eq!(Growth::read(text), None, "{text}");
        }
        let wrong: [fn(&mut Written); 7] = [
            |growth| growth.width = 0,
            |growth| growth.height = 0,
            |growth| growth.width = 1 << 40,
            |growth| growth.labels.clear(),
            |growth| growth.steps.clear(),
            |growth| growth.steps.reverse(),
            |growth| growth.loss.clear(),
        ];
        for (i, change) in wrong.into_iter().enumerate() {
            let mut growth = written();
            change(&mut growth);
            assert_eq!(read(&growth), None, "{i}");
        }
    }

    #[test]
    fn a_training_is_walked_through_and_played_to_its_end() {
        let growth = read(&written()).expect("a film");
        let end = At::end(&growth);
        assert_eq!((end.moment, end.place), (4, 2));
        let after = |at: At, event| at.after(event, &growth);
        assert_eq!(after(end, Event::Moment(99)).moment, 4);
        assert_eq!(after(end, Event::Place(99)).place, 2);
        assert_eq!(after(end, Event::Tick), end, "nothing plays");
        // From the end it begins at the beginning, and stops at the end.
        let mut at = after(after(end, Event::Place(1)), Event::TogglePlay);
        assert_eq!((at.moment, at.place, at.playing), (0, 1, true));
        assert!(at.beat(true) > at.beat(false));
        for _ in 0..4 {
            at = after(at, Event::Tick);
        }
        assert_eq!(at, At { moment: 4, place: 1, playing: false });
        assert_eq!(at.beat(false), None);
        // A hand on the slider stops it, and so does the button; it goes on from there.
        let at = after(after(end, Event::TogglePlay), Event::Moment(2));
        assert_eq!((at.moment, at.playing), (2, false));
        let on = after(at, Event::TogglePlay);
        assert_eq!((on.moment, on.playing, after(on, Event::TogglePlay).playing), (2, true, false));
        assert!(after(on, Event::Place(0)).playing, "t may be changed meanwhile");
    }
}
