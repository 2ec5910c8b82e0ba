//! Training latents in 8 bits, small enough to be shipped with a model: `latents.json` says what they are, `latents.bin` has
//! a byte for each label, then a signed byte for each number.

use serde::{Deserialize, Serialize};

/// The description's file name in a model's folder.
pub const LATENTS_FILE: &str = "latents.json";
/// The file of the numbers beside it.
pub const LATENTS_DATA: &str = "latents.bin";

/// No file has more numbers: 64 MiB.
const MOST_NUMBERS: usize = 64 << 20;
/// The largest number of a byte; −128 is not used, so that the range is the same on both sides.
const LARGEST: f32 = 127.0;

/// What `latents.json` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatentsInfo {
    /// Of which pictures, for people.
    pub data: String,
    /// Of those pictures.
    pub license: String,
    /// How many there are.
    pub count: usize,
    /// One latent, `[C, h, w]`.
    pub shape: [usize; 3],
    /// Labels are below this.
    pub num_classes: usize,
    /// How they were standardised, for each channel: as the model's configuration has it.
    pub mean: Vec<f32>,
    pub std: Vec<f32>,
    /// A number of a channel is its byte times this.
    pub scales: Vec<f32>,
    /// Root mean square of what the 8 bits cost, in standard deviations.
    pub rms_error: f32,
    /// Share of the numbers that lay beyond the range of a byte and were brought into it.
    pub clamped: f32,
}

/// Standardised latents with their classes.
#[derive(Debug, Clone, PartialEq)]
pub struct LatentSet {
    pub info: LatentsInfo,
    /// `[count]`
    pub labels: Vec<u8>,
    /// `[count, C, h, w]`, in units of their channel's scale.
    pub numbers: Vec<i8>,
}

/// What is wrong with such files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LatentsError {
    #[error("not a description of latents: {0}")]
    Json(String),
    #[error("{0}")]
    Info(String),
    #[error("{found} bytes of latents, expected {expected}")]
    Size { found: usize, expected: usize },
    #[error("label {label}, expected 0 to {last}")]
    Label { label: u8, last: usize },
}

impl LatentsInfo {
    /// Numbers of one latent.
    pub fn latent_len(&self) -> usize {
        self.shape.iter().product()
    }

    /// # Errors
    /// [`LatentsError::Info`] names the field.
    fn validate(&self) -> Result<(), LatentsError> {
        let fail = |what: String| Err(LatentsError::Info(what));
        let sides = self.shape.iter().chain([&self.count]);
        let numbers = sides.clone().try_fold(1usize, |product, side| product.checked_mul(*side));
        if sides.clone().any(|side| *side == 0) || numbers.is_none_or(|numbers| numbers > MOST_NUMBERS) {
            return fail(format!("{} latents of {:?}: from 1 to {MOST_NUMBERS} numbers", self.count, self.shape));
        }
        if !(1..=256).contains(&self.num_classes) {
            return fail(format!("num_classes = {}: use 1 to 256", self.num_classes));
        }
        for (name, values, least) in [
            ("mean", &self.mean, f32::MIN),
            ("std", &self.std, f32::MIN_POSITIVE),
            ("scales", &self.scales, f32::MIN_POSITIVE),
        ] {
            if values.len() != self.shape[0] || values.iter().any(|value| !value.is_finite() || *value < least) {
                return fail(format!("{name} = {values:?}: one number for each of {} channels", self.shape[0]));
            }
        }
        Ok(())
    }
}

impl LatentSet {
    /// Rounds standardised latents to 8 bits. The range of a channel ends where all but one number in 20,000 lie within; those
    /// are brought into it. Scales and errors of `info` are filled in.
    ///
    /// # Shapes
    /// - `values`: `[count, C, h, w]`; `labels`: `[count]`
    ///
    /// # Errors
    /// [`LatentsError`] when they do not fit `info`, or one is not finite.
    pub fn round(mut info: LatentsInfo, labels: Vec<u8>, values: &[f32]) -> Result<Self, LatentsError> {
        const BEYOND: usize = 20_000;
        let [channels, height, width] = info.shape;
        let plane = (height * width).max(1);
        let expected = info.latent_len() * info.count;
        if values.len() != expected {
            return Err(LatentsError::Size { found: values.len(), expected });
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(LatentsError::Info("a latent that is not finite".into()));
        }
        info.scales = (0..channels)
            .map(|channel| {
                let of_channel = values.chunks_exact(plane).skip(channel).step_by(channels).flatten();
                let mut sizes: Vec<f32> = of_channel.map(|value| value.abs()).collect();
                sizes.sort_by(f32::total_cmp);
                let last = sizes.len().saturating_sub(1 + sizes.len() / BEYOND);
                (sizes.get(last).copied().unwrap_or(0.0) / LARGEST).max(f32::MIN_POSITIVE)
            })
            .collect();
        let scale = |i: usize| info.scales[i / plane % channels];
        let number = |(i, value): (usize, &f32)| (value / scale(i)).round().clamp(-LARGEST, LARGEST) as i8;
        let numbers: Vec<i8> = values.iter().enumerate().map(number).collect();
        let beyond =
            values.iter().enumerate().filter(|(i, value)| (*value / scale(*i)).abs().round() > LARGEST).count();
        let off = |(i, value): (usize, &f32)| f64::from(value - f32::from(numbers[i]) * scale(i)).powi(2);
        let squares: f64 = values.iter().enumerate().map(off).sum();
        info.clamped = beyond as f32 / expected.max(1) as f32;
        info.rms_error = (squares / expected.max(1) as f64).sqrt() as f32;
        let set = Self { info, labels, numbers };
        Self::read(&serde_json::to_string(&set.info).unwrap_or_default(), &set.data())
    }

    /// Reads what [`Self::description`] and [`Self::data`] wrote.
    ///
    /// # Errors
    /// [`LatentsError`] says what is wrong with them.
    pub fn read(description: &str, data: &[u8]) -> Result<Self, LatentsError> {
        let info: LatentsInfo =
            serde_json::from_str(description).map_err(|error| LatentsError::Json(error.to_string()))?;
        info.validate()?;
        let expected = info.count * (1 + info.latent_len());
        if data.len() != expected {
            return Err(LatentsError::Size { found: data.len(), expected });
        }
        let (labels, numbers) = data.split_at(info.count);
        if let Some(label) = labels.iter().find(|label| usize::from(**label) >= info.num_classes) {
            return Err(LatentsError::Label { label: *label, last: info.num_classes - 1 });
        }
        let numbers = numbers.iter().map(|byte| byte.cast_signed()).collect();
        Ok(Self { labels: labels.to_vec(), numbers, info })
    }

    /// What goes into [`LATENTS_FILE`].
    pub fn description(&self) -> String {
        // Plain data: its JSON cannot fail.
        serde_json::to_string_pretty(&self.info).unwrap_or_default() + "\n"
    }

    /// What goes into [`LATENTS_DATA`].
    pub fn data(&self) -> Vec<u8> {
        self.labels.iter().copied().chain(self.numbers.iter().map(|number| number.cast_unsigned())).collect()
    }

    /// One latent, standardised, `[C, h, w]`.
    pub fn latent(&self, index: usize) -> impl Iterator<Item = f32> {
        let [_, height, width] = self.info.shape;
        let len = self.info.latent_len();
        let numbers = self.numbers[index * len..][..len].iter().enumerate();
        numbers.map(move |(i, number)| f32::from(*number) * self.info.scales[i / (height * width)])
    }

    /// Standardised latents of these classes and their labels, counted among these classes.
    ///
    /// # Shapes
    /// - results: `[N, C, h, w]`, `[N]`
    pub fn of_classes(&self, classes: &[usize]) -> (Vec<f32>, Vec<u8>) {
        let place = |label: u8| classes.iter().position(|class| *class == usize::from(label));
        let chosen = self.labels.iter().enumerate().filter_map(|(i, label)| Some((i, place(*label)?)));
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        for (i, place) in chosen {
            values.extend(self.latent(i));
            labels.push(place as u8);
        }
        (values, labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> LatentsInfo {
        LatentsInfo {
            data: "Made up".into(),
            license: "MIT".into(),
            count: 3,
            shape: [2, 1, 2],
            num_classes: 2,
            mean: vec![0.0, 1.0],
            std: vec![1.0, 2.0],
            scales: vec![],
            rms_error: 0.0,
            clamped: 0.0,
        }
    }

    const VALUES: [f32; 12] = [0.5, -1.0, 2.0, 3.0, 1.27, 0.0, -4.0, 1.0, -0.3, 0.1, 0.0, 2.5];

    fn set() -> LatentSet {
        LatentSet::round(info(), vec![0, 1, 0], &VALUES).expect("a set")
    }

    #[test]
    fn numbers_come_back_to_half_a_step() {
        let set = set();
        let read = LatentSet::read(&set.description(), &set.data()).expect("what was written");
        assert_eq!(read, set);
        assert_eq!(set.info.scales, [1.27 / 127.0, 4.0 / 127.0]);
        let back: Vec<f32> = (0..3).flat_map(|i| set.latent(i).collect::<Vec<_>>()).collect();
        for (i, (back, value)) in back.iter().zip(VALUES).enumerate() {
            assert!((back - value).abs() <= 0.5001 * set.info.scales[i / 2 % 2], "{back} for {value}");
        }
        assert!(set.info.rms_error > 0.0 && set.info.rms_error < 0.02 && set.info.clamped == 0.0);
    }

    #[test]
    fn classes_are_chosen_and_counted_anew() {
        let (values, labels) = set().of_classes(&[1]);
        assert_eq!((values.len(), labels), (4, vec![0]));
        assert!((values[2] + 4.0).abs() < 0.02, "{values:?}");
        let (values, labels) = set().of_classes(&[1, 0]);
        assert_eq!((values.len(), labels), (12, vec![1, 0, 1]));
    }

    #[test]
    fn far_numbers_are_brought_into_the_range() {
        let mut values = vec![0.0; 40_000];
        values[7] = 50.0;
        values.iter_mut().skip(8).for_each(|value| *value = 1.0);
        let info = LatentsInfo { count: 40_000, shape: [1, 1, 1], mean: vec![0.0], std: vec![1.0], ..info() };
        let set = LatentSet::round(info, vec![0; 40_000], &values).expect("a set");
        assert_eq!(set.info.scales, [1.0 / 127.0]);
        assert!((set.info.clamped - 1.0 / 40_000.0).abs() < 1e-9 && set.numbers[7] == 127);
    }

    #[test]
    fn what_is_not_right_is_refused() {
        let good = set();
        let (text, data) = (good.description(), good.data());
        assert!(matches!(LatentSet::read("", &data), Err(LatentsError::Json(_))));
        assert!(matches!(LatentSet::read("[]", &data), Err(LatentsError::Json(_))));
        assert_eq!(LatentSet::read(&text, &data[1..]), Err(LatentsError::Size { found: 14, expected: 15 }));
        let mut labels = data.clone();
        labels[1] = 2;
        assert_eq!(LatentSet::read(&text, &labels), Err(LatentsError::Label { label: 2, last: 1 }));
        let wrong: [fn(&mut LatentsInfo); 8] = [
            |info| info.count = 0,
            |info| info.count = usize::MAX,
            |info| info.shape = [usize::MAX, usize::MAX, 2],
            |info| info.shape[1] = 0,
            |info| info.num_classes = 257,
            |info| info.scales[0] = -1.0,
            |info| info.std = vec![1.0],
            |info| info.mean[1] = f32::MAX * 2.0,
        ];
        for (i, change) in wrong.into_iter().enumerate() {
            let mut info = good.info.clone();
            change(&mut info);
            let text = serde_json::to_string(&info).expect("JSON");
            assert!(LatentSet::read(&text, &data).is_err(), "{i}");
        }
        assert!(LatentSet::round(info(), vec![0, 1, 0], &VALUES[1..]).is_err());
        assert!(LatentSet::round(info(), vec![0, 1, 0], &[f32::NAN; 12]).is_err());
    }

    proptest::proptest! {
        #![proptest_config(crate::tests::cases(200))]
        #[test]
        fn no_bytes_make_it_fall(text in ".{0,200}", data in proptest::collection::vec(0u8.., 0..40)) {
            assert!(LatentSet::read(&text, &data).is_err());
            if let Ok(read) = LatentSet::read(&set().description(), &data) {
                assert_eq!(read.data(), data);
            }
        }
    }
}
