//! What the stage shows: one of six ways to look at diffusion.

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// The reverse process, step by step.
    #[default]
    Denoise,
    /// One seed with several settings beside each other.
    Compare,
    /// Noise a picture; denoise it from there.
    Forward,
    /// What goes on in the Transformer at the step on the timeline.
    Inside,
    /// What was found out with models of this size.
    Findings,
    /// A small one learns in the tab.
    Train,
}

impl Mode {
    pub const ALL: [Self; 6] = [Self::Denoise, Self::Compare, Self::Forward, Self::Inside, Self::Findings, Self::Train];

    /// As in the address: `?view=forward`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Denoise => "denoise",
            Self::Compare => "compare",
            Self::Forward => "forward",
            Self::Inside => "inside",
            Self::Findings => "findings",
            Self::Train => "train",
        }
    }

    /// Whether the stage shows what Generate makes.
    pub fn shows_run(self) -> bool {
        matches!(self, Self::Denoise | Self::Compare | Self::Inside)
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}
