//! How large the latents of a run are at each step. Pure.

use ditscope_page_state::film::{Film, Frame, of_picture};
use ditscope_protocol::RunInfo;
use std::sync::Arc;

/// The lines: x_t, the guided ε, x̂0.
pub const LINES: usize = 3;

/// Root mean squares at one step: 1 is what standard normal noise has. What is not known is absent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sizes {
    pub step: usize,
    pub values: [Option<f64>; LINES],
}

/// The sizes of one picture of a film. Frames that come are added; those that were seen are not read again.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    run: Option<Arc<RunInfo>>,
    picture: usize,
    sizes: Vec<Sizes>,
}

impl Seen {
    /// Looks at what is new in the film.
    pub fn look(&mut self, film: &Film, picture: usize) -> &[Sizes] {
        let same = self.picture == picture && self.run.as_ref().is_some_and(|run| Arc::ptr_eq(run, &film.info));
        if !same {
            *self = Self { run: Some(film.info.clone()), picture, sizes: vec![] };
        }
        // A long film gives up frames, and a newest one that is not kept gives way to the next.
        self.sizes.retain(|sizes| film.at(sizes.step).is_some_and(|frame| frame.step == sizes.step));
        let seen = self.sizes.last().map(|sizes| sizes.step);
        let new = film.frames().iter().filter(|frame| seen.is_none_or(|seen| frame.step > seen));
        self.sizes.extend(new.map(|frame| sizes(&film.info, frame, picture)));
        &self.sizes
    }
}

fn sizes(info: &RunInfo, frame: &Frame, picture: usize) -> Sizes {
    let of = |latents: &Option<Vec<f32>>| root_mean_square(of_picture(info, latents.as_deref()?, picture)?);
    let x_t = of_picture(info, &frame.x_t, picture).and_then(root_mean_square);
    let eps = guided(info, frame, picture).as_deref().and_then(root_mean_square);
    Sizes { step: frame.step, values: [x_t, eps, of(&frame.x0_hat)] }
}

/// The noise that is taken away: see [`RunInfo::guidance_channels`].
fn guided(info: &RunInfo, frame: &Frame, picture: usize) -> Option<Vec<f32>> {
    let cond = of_picture(info, frame.eps_cond.as_deref()?, picture)?;
    let Some(uncond) = frame.eps_uncond.as_deref() else { return Some(cond.to_vec()) };
    let uncond = of_picture(info, uncond, picture)?;
    let scale = info.guidance_scales.get(picture).copied()? as f32;
    let steered = info.guidance_channels.saturating_mul(info.latent_shape[1] * info.latent_shape[2]);
    let guide = |(i, (cond, uncond)): (usize, (&f32, &f32))| {
        if i < steered { uncond + scale * (cond - uncond) } else { *cond }
    };
    Some(cond.iter().zip(uncond).enumerate().map(guide).collect())
}

fn root_mean_square(values: &[f32]) -> Option<f64> {
    let sum = values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
    Some((sum / values.len() as f64).sqrt()).filter(|mean| mean.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ditscope_page_state::fixtures::{frame, info};
    use ditscope_protocol::{FrameInfo, FramePart};

    fn bytes(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// A film of a latent `[4, 2, 2]`; every part of a frame has one value everywhere.
    fn film(guidance_channels: usize) -> Film {
        let info = RunInfo { guidance_channels, guidance_scales: vec![3.0], ..info(2, 1) };
        Film::new(info, "m".into(), "l".into()).expect("a sound description")
    }

    fn push(film: &mut Film, step: usize, [x_t, x0_hat, cond, uncond]: [f32; 4]) {
        let parts =
            vec![FramePart::XT, FramePart::X0Hat, FramePart::EpsCond, FramePart::EpsUncond, FramePart::Pictures];
        let mut buffers: Vec<Vec<u8>> = [x_t, x0_hat, cond, uncond].iter().map(|v| bytes(&[*v; 16])).collect();
        buffers.push(vec![0; 36]);
        film.push(&FrameInfo { parts, ..frame(step) }, buffers).expect("a sound frame");
    }

    #[test]
    fn noise_has_size_one_and_guidance_is_counted() {
        let mut film = film(4);
        push(&mut film, 0, [1.0, -0.5, 1.0, 0.5]);
        let mut seen = Seen::default();
        // 0.5 + 3 · (1 − 0.5)
        assert_eq!(seen.look(&film, 0), [Sizes { step: 0, values: [Some(1.0), Some(2.0), Some(0.5)] }]);
        let mut half = self::film(2);
        push(&mut half, 0, [1.0, -0.5, 1.0, 0.5]);
        let expected = ((4.0 + 1.0) / 2.0f64).sqrt();
        assert_eq!(Seen::default().look(&half, 0)[0].values[1], Some(expected), "half of the channels are steered");
    }

    #[test]
    fn what_is_absent_is_left_out() {
        let mut film = film(4);
        film.push(&frame(0), vec![bytes(&[2.0; 16]), vec![0; 36]]).expect("a sound frame");
        let mut seen = Seen::default();
        assert_eq!(seen.look(&film, 0)[0].values, [Some(2.0), None, None]);
        assert_eq!(seen.look(&film, 7)[0].values, [None; 3], "there is no such picture");
    }

    #[test]
    fn only_new_frames_are_read() {
        let mut film = film(4);
        push(&mut film, 0, [1.0, 0.0, 1.0, 1.0]);
        let mut seen = Seen::default();
        seen.look(&film, 0);
        seen.sizes[0].values[0] = Some(9.0);
        push(&mut film, 1, [2.0, 0.0, 1.0, 1.0]);
        let found: Vec<_> = seen.look(&film, 0).iter().map(|sizes| (sizes.step, sizes.values[0])).collect();
        assert_eq!(found, [(0, Some(9.0)), (1, Some(2.0))]);
        let another = film.clone();
        let mut other = self::film(4);
        push(&mut other, 0, [3.0, 0.0, 1.0, 1.0]);
        assert_eq!(seen.look(&other, 0)[0].values[0], Some(3.0), "another run is read anew");
        assert_eq!(seen.look(&another, 0).len(), 2);
    }
}
