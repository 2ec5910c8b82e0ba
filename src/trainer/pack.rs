//! A checkpoint as one file: a length, a header as JSON, and parts of bytes.

use ditscope_protocol::training::{SamplesInfo, Setup};
use ditscope_train::{Checkpoint, Progress};
use serde::{Deserialize, Serialize};

/// Everything that going on needs, and what the page has shown of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub setup: Setup,
    pub progress: Progress,
    pub checkpoint: Checkpoint,
    /// A number a step.
    pub losses: Vec<f32>,
    pub samples: Vec<(SamplesInfo, Vec<u8>)>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    setup: Setup,
    progress: Progress,
    samples: Vec<SamplesInfo>,
    /// Bytes of the parts, in their order.
    parts: Vec<usize>,
}

impl Kept {
    pub fn pack(&self) -> Vec<u8> {
        let losses = ditscope_frames::bytes(&self.losses);
        let samples = self.samples.iter().map(|(_, pixels)| pixels);
        let parts: Vec<&Vec<u8>> = self.checkpoint.iter().chain([&losses]).chain(samples).collect();
        let header = Header {
            setup: self.setup.clone(),
            progress: self.progress,
            samples: self.samples.iter().map(|(info, _)| info.clone()).collect(),
            parts: parts.iter().map(|part| part.len()).collect(),
        };
        // Plain data: its JSON cannot fail.
        let header = serde_json::to_vec(&header).unwrap_or_default();
        let mut bytes = (header.len() as u32).to_le_bytes().to_vec();
        bytes.extend(header);
        parts.into_iter().for_each(|part| bytes.extend(part));
        bytes
    }

    /// Nothing, if it is damaged or of another build.
    pub fn unpack(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (header, mut rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let header: Header = serde_json::from_slice(header).ok()?;
        let mut parts = vec![];
        for length in &header.parts {
            let (part, after) = rest.split_at_checked(*length)?;
            parts.push(part.to_vec());
            rest = after;
        }
        let mut parts = parts.into_iter();
        let checkpoint = [parts.next()?, parts.next()?, parts.next()?];
        let losses = ditscope_frames::numbers(&parts.next()?);
        let is_whole = rest.is_empty() && parts.len() == header.samples.len() && losses.len() == header.progress.step;
        let samples = header.samples.into_iter().zip(parts).collect();
        is_whole.then_some(Self { setup: header.setup, progress: header.progress, checkpoint, losses, samples })
    }
}
