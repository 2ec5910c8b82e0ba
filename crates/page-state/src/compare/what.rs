//! What is compared: guidance scales, samplers or numbers of steps. Pure.
//!
//! In the address: `compare=guidance:1,2,4`, `samplers`, `samplers:ddim,dpm++`, `steps:5,10,20`.

use crate::address;
use ditscope_config::{RunSettings, SamplerKind};
use std::fmt;
use std::ops::RangeInclusive;

/// How many columns a comparison may have.
pub const COLUMNS: RangeInclusive<usize> = 2..=5;

const USUAL_STEPS: [usize; 4] = [5, 10, 20, 50];

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Guidance(Vec<f64>),
    /// All of those that are not for flow models.
    Samplers,
    SomeSamplers(Vec<SamplerKind>),
    Steps(Vec<usize>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    Guidance,
    Samplers,
    Steps,
}

impl Axis {
    pub const ALL: [Self; 3] = [Self::Guidance, Self::Samplers, Self::Steps];

    /// What is compared unless the visitor says otherwise.
    pub fn usual(self, defaults: &RunSettings) -> What {
        match self {
            Self::Guidance => What::Guidance(usual_scales(defaults.guidance_scale)),
            Self::Samplers => What::Samplers,
            Self::Steps => What::Steps(USUAL_STEPS.to_vec()),
        }
    }
}

/// From no extra push over the model's own scale to much more of it.
fn usual_scales(own: f64) -> Vec<f64> {
    let most = *RunSettings::GUIDANCE_SCALE.end();
    let own = if own > 1.0 && own < most { own } else { 2.0 };
    let push = own - 1.0;
    let rest = if 1.0 + 6.0 * push <= most { [1.0 + 3.0 * push, 1.0 + 6.0 * push] } else { [(own + most) / 2.0, most] };
    ordered(&[1.0, 1.0 + push / 2.0, own, rest[0], rest[1]], address::to_guidance)
}

/// What `kept` makes of the numbers, in order, each once, and the least of them where they are too many.
fn ordered(numbers: &[f64], kept: fn(f64) -> f64) -> Vec<f64> {
    let mut ordered: Vec<f64> = vec![];
    for number in numbers.iter().filter(|number| number.is_finite()) {
        let number = kept(*number);
        let at = ordered.iter().take_while(|other| **other < number).count();
        if ordered.get(at) != Some(&number) {
            ordered.insert(at, number);
            ordered.truncate(*COLUMNS.end());
        }
    }
    ordered
}

fn to_steps(number: f64) -> f64 {
    number.round().clamp(*RunSettings::STEPS.start() as f64, *RunSettings::STEPS.end() as f64)
}

impl What {
    pub fn axis(&self) -> Axis {
        match self {
            Self::Guidance(_) => Axis::Guidance,
            Self::Samplers | Self::SomeSamplers(_) => Axis::Samplers,
            Self::Steps(_) => Axis::Steps,
        }
    }

    /// In order, within what is possible, each once and not too many; nothing where fewer than two are left.
    pub fn sound(self) -> Option<Self> {
        let sound = match self {
            Self::Guidance(scales) => Self::Guidance(ordered(&scales, address::to_guidance)),
            Self::Steps(_) => {
                let steps = ordered(&self.numbers(), to_steps);
                Self::Steps(steps.into_iter().map(|steps| steps as usize).collect())
            }
            Self::Samplers => Self::Samplers,
            Self::SomeSamplers(samplers) => {
                // No model takes samplers of both kinds.
                let peers = samplers.first().map_or(&[][..], |kind| kind.peers());
                let chosen: Vec<_> = peers.iter().copied().filter(|kind| samplers.contains(kind)).collect();
                if chosen == SamplerKind::DIFFUSION { Self::Samplers } else { Self::SomeSamplers(chosen) }
            }
        };
        Some(sound).filter(|what| COLUMNS.contains(&what.columns()))
    }

    pub fn columns(&self) -> usize {
        match self {
            Self::Guidance(scales) => scales.len(),
            Self::Samplers | Self::SomeSamplers(_) => self.samplers().len(),
            Self::Steps(steps) => steps.len(),
        }
    }

    /// The samplers, where they are what is compared.
    pub fn samplers(&self) -> &[SamplerKind] {
        match self {
            Self::Samplers => &SamplerKind::DIFFUSION,
            Self::SomeSamplers(samplers) => samplers,
            Self::Guidance(_) | Self::Steps(_) => &[],
        }
    }

    /// The same, with all samplers for the model that this one is for, where others are compared.
    pub fn fitting(self, sampler: SamplerKind) -> Self {
        let peers = sampler.peers();
        if self.samplers().iter().all(|kind| peers.contains(kind)) {
            return self;
        }
        if peers == SamplerKind::DIFFUSION { Self::Samplers } else { Self::SomeSamplers(peers.to_vec()) }
    }

    /// The settings of each run; `settings` are the visitor's. Guidance scales are one run, all others one each.
    pub fn runs(&self, settings: &RunSettings) -> Vec<RunSettings> {
        // One picture each: the difference shall be in what is compared alone.
        let one = RunSettings { num_images: 1, ..settings.clone() };
        match self {
            Self::Guidance(_) => vec![one],
            Self::Samplers | Self::SomeSamplers(_) => {
                self.samplers().iter().map(|kind| RunSettings { sampler: *kind, ..one.clone() }).collect()
            }
            Self::Steps(steps) => {
                steps.iter().map(|n| RunSettings { num_inference_steps: *n, ..one.clone() }).collect()
            }
        }
    }

    /// The column that others are measured against: the least guidance, the first sampler, the most steps.
    pub fn reference(&self) -> usize {
        match self {
            Self::Guidance(_) | Self::Samplers | Self::SomeSamplers(_) => 0,
            Self::Steps(steps) => steps.len().saturating_sub(1),
        }
    }

    /// The numbers to be edited, where there are any.
    pub fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Guidance(scales) => scales.clone(),
            Self::Steps(steps) => steps.iter().map(|steps| *steps as f64).collect(),
            Self::Samplers | Self::SomeSamplers(_) => vec![],
        }
    }

    /// The same with other numbers, if they are as many as before once they are in order.
    pub fn with_numbers(&self, numbers: Vec<f64>) -> Option<Self> {
        let count = numbers.len();
        let new = match self {
            Self::Guidance(_) => Self::Guidance(numbers),
            // `as` saturates.
            Self::Steps(_) => Self::Steps(numbers.into_iter().map(|number| number.round() as usize).collect()),
            Self::Samplers | Self::SomeSamplers(_) => return None,
        };
        new.sound().filter(|new| new.columns() == count)
    }

    /// A number more: twice the largest, or in the middle of the widest gap.
    pub fn with_another(&self) -> Option<Self> {
        let numbers = self.numbers();
        let with = |another: f64| self.with_numbers(numbers.iter().copied().chain([another]).collect());
        let gaps = numbers.windows(2).map(|pair| (pair[1] - pair[0], (pair[0] + pair[1]) / 2.0));
        let widest = gaps.max_by(|a, b| a.0.total_cmp(&b.0));
        with(numbers.last()? * 2.0).or_else(|| with(widest?.1))
    }

    pub fn without(&self, at: usize) -> Option<Self> {
        let mut numbers = self.numbers();
        if at < numbers.len() {
            numbers.remove(at);
        }
        self.with_numbers(numbers)
    }

    /// From an address, with whether it had to be changed.
    pub fn parse(text: &str) -> Option<(Self, bool)> {
        let (name, list) = text.split_once(':').map_or((text, None), |(name, list)| (name, Some(list)));
        let parts = || list.unwrap_or_default().split(',');
        let numbers = || parts().map(|number| number.parse().ok()).collect::<Option<Vec<f64>>>();
        let what = match name {
            "samplers" if list.is_none() => Self::Samplers,
            "samplers" => {
                let samplers = parts().map(|name| name.replace(' ', "+").parse().ok());
                Self::SomeSamplers(samplers.collect::<Option<_>>()?)
            }
            "steps" if list.is_none() => Self::Steps(USUAL_STEPS.to_vec()),
            "guidance" => Self::Guidance(numbers()?),
            "steps" => {
                let numbers = numbers()?;
                let whole = numbers.iter().all(|number| number.fract() == 0.0 && *number >= 0.0);
                // `as` saturates.
                whole.then(|| Self::Steps(numbers.into_iter().map(|number| number as usize).collect()))?
            }
            _ => return None,
        };
        let asked = what.numbers();
        let sound = what.sound()?;
        let kept = sound.numbers();
        // Another order is no change.
        let changed = asked.len() != kept.len() || asked.iter().any(|number| !kept.contains(number));
        Some((sound, changed))
    }
}

/// As in the address.
impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, list) = match self {
            Self::Guidance(scales) => ("guidance", scales.iter().map(f64::to_string).collect()),
            Self::Samplers => return f.write_str("samplers"),
            Self::SomeSamplers(samplers) => ("samplers", samplers.iter().map(|kind| kind.name().to_string()).collect()),
            Self::Steps(steps) => ("steps", steps.iter().map(usize::to_string).collect::<Vec<_>>()),
        };
        write!(f, "{name}:{}", list.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SamplerKind::{Ddim, Ddpm, DpmSolverPlusPlus, Euler, Heun, UniPc};

    #[test]
    fn the_usual_scales_are_made_of_the_models_own() {
        assert_eq!(usual_scales(2.0), [1.0, 1.5, 2.0, 4.0, 7.0]);
        assert_eq!(usual_scales(4.0), [1.0, 2.5, 4.0, 7.0, 10.0]);
        for own in [1.0, 1.1, 1.5, 3.3, 9.9, 10.0, f64::NAN] {
            let scales = usual_scales(own);
            assert!(scales.is_sorted() && (4..=5).contains(&scales.len()), "{own}: {scales:?}");
            assert_eq!(What::Guidance(scales.clone()).sound(), Some(What::Guidance(scales)));
        }
    }

    #[test]
    fn what_is_compared_is_made_sound() {
        let guidance = |scales: &[f64]| What::Guidance(scales.to_vec()).sound();
        assert_eq!(guidance(&[7.0, 1.0, 99.0, 7.04]), Some(What::Guidance(vec![1.0, 7.0, 10.0])));
        assert_eq!(guidance(&[2.0, f64::NAN]), None);
        assert_eq!(guidance(&[3.0, 3.0]), None);
        assert_eq!(guidance(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), guidance(&[5.0, 4.0, 3.0, 2.0, 1.0]));
        assert_eq!(What::Steps(vec![0, 900, 20, 1]).sound(), Some(What::Steps(vec![1, 20, 250])));
        assert_eq!(What::Steps(vec![]).sound(), None);
        assert_eq!(What::SomeSamplers(vec![Ddpm, UniPc, DpmSolverPlusPlus, Ddim]).sound(), Some(What::Samplers));
        assert_eq!(What::SomeSamplers(vec![Ddpm, Ddpm]).sound(), None);
        assert_eq!(What::SomeSamplers(vec![Heun, Ddpm, Euler]).sound(), Some(What::SomeSamplers(vec![Euler, Heun])));
        assert_eq!(What::SomeSamplers(vec![Ddpm, Ddim]).sound(), Some(What::SomeSamplers(vec![Ddim, Ddpm])));
    }

    #[test]
    fn samplers_that_are_for_other_models_are_replaced() {
        let flow = What::SomeSamplers(vec![Euler, Heun]);
        assert_eq!(What::Samplers.fitting(Heun), flow);
        assert_eq!(What::SomeSamplers(vec![Ddim, UniPc]).fitting(Euler), flow);
        assert_eq!(flow.clone().fitting(Euler), flow);
        assert_eq!(flow.fitting(Ddpm), What::Samplers);
        let some = What::SomeSamplers(vec![Ddim, UniPc]);
        assert_eq!(some.clone().fitting(Ddpm), some);
        assert_eq!(What::Steps(vec![5, 10]).fitting(Euler), What::Steps(vec![5, 10]));
    }

    #[test]
    fn runs_differ_in_what_is_compared_alone() {
        let settings = RunSettings { num_images: 4, seed: 5, num_inference_steps: 12, ..RunSettings::default() };
        let one = RunSettings { num_images: 1, ..settings.clone() };
        assert_eq!(What::Guidance(vec![1.0, 2.0]).runs(&settings), std::slice::from_ref(&one));
        let samplers: Vec<_> = What::Samplers.runs(&settings);
        assert_eq!(samplers.iter().map(|s| s.sampler).collect::<Vec<_>>(), SamplerKind::DIFFUSION);
        assert!(samplers.into_iter().all(|s| RunSettings { sampler: one.sampler, ..s } == one));
        let steps = What::Steps(vec![5, 10]).runs(&settings);
        assert_eq!(steps.iter().map(|s| s.num_inference_steps).collect::<Vec<_>>(), [5, 10]);
        assert_eq!(steps[0].seed, 5);
    }

    #[test]
    fn numbers_are_added_edited_and_removed() {
        let scales = What::Guidance(vec![1.0, 2.0]);
        let three = scales.with_another().expect("room for a third");
        assert_eq!(three, What::Guidance(vec![1.0, 2.0, 4.0]));
        assert_eq!(What::Guidance(vec![1.0, 10.0]).with_another(), Some(What::Guidance(vec![1.0, 5.5, 10.0])));
        assert_eq!(What::Guidance(vec![1.0, 1.1, 1.2, 1.3, 1.4]).with_another(), None, "five are enough");
        assert_eq!(What::Steps(vec![249, 250]).with_another(), None, "there is nothing between");
        assert_eq!(three.without(0), Some(What::Guidance(vec![2.0, 4.0])));
        assert_eq!(scales.without(0), None, "one alone is no comparison");
        assert_eq!(scales.with_numbers(vec![2.0, 2.0]), None);
        assert_eq!(What::Steps(vec![5, 10]).with_numbers(vec![30.2, 10.0]), Some(What::Steps(vec![10, 30])));
        assert_eq!(What::Samplers.with_another(), None);
    }

    #[test]
    fn addresses_are_read() {
        assert_eq!(What::parse("samplers"), Some((What::Samplers, false)));
        assert_eq!(What::parse("steps"), Some((What::Steps(vec![5, 10, 20, 50]), false)));
        assert_eq!(What::parse("guidance:4,1,2"), Some((What::Guidance(vec![1.0, 2.0, 4.0]), false)));
        assert_eq!(What::parse("guidance:0,99"), Some((What::Guidance(vec![1.0, 10.0]), true)));
        assert_eq!(What::parse("steps:20,20,5"), Some((What::Steps(vec![5, 20]), true)));
        assert_eq!(What::parse("steps:1,2,3,4,5,6"), Some((What::Steps(vec![1, 2, 3, 4, 5]), true)));
        assert_eq!(
            What::parse("samplers:dpm  ,ddim"),
            Some((What::SomeSamplers(vec![Ddim, DpmSolverPlusPlus]), false))
        );
        for bad in
            ["", "guidance:", "guidance:1", "guidance:1,x", "guidance:1,NaN", "steps:5", "steps:5,-1", "seeds:1,2"]
        {
            assert_eq!(What::parse(bad), None, "{bad}");
        }
    }
}
