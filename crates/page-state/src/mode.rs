//! What the stage shows: one of several ways to look at diffusion.

use crate::lab::Kind;

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
    /// Experiments on the model.
    Lab(Kind),
    /// What was found out with models of this size.
    Findings,
    /// A small one learns in the tab.
    Train,
}

impl Mode {
    /// What has a tab.
    pub const TABS: [Self; 7] = [
        Self::Denoise,
        Self::Compare,
        Self::Forward,
        Self::Inside,
        Self::Lab(Kind::OneStep),
        Self::Findings,
        Self::Train,
    ];
    pub const LAB: [Self; 5] = [
        Self::Lab(Kind::OneStep),
        Self::Lab(Kind::Paint),
        Self::Lab(Kind::Edit),
        Self::Lab(Kind::Break),
        Self::Lab(Kind::Ideal),
    ];

    /// Each of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::TABS.into_iter().chain(Self::LAB.into_iter().skip(1))
    }

    /// As in the address: `?view=forward`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Denoise => "denoise",
            Self::Compare => "compare",
            Self::Forward => "forward",
            Self::Inside => "inside",
            Self::Lab(Kind::OneStep) => "onestep",
            Self::Lab(Kind::Paint) => "paint",
            Self::Lab(Kind::Edit) => "edit",
            Self::Lab(Kind::Break) => "break",
            Self::Lab(Kind::Ideal) => "ideal",
            Self::Findings => "findings",
            Self::Train => "train",
        }
    }

    /// The one whose tab it is under.
    pub fn tab(self) -> Self {
        if let Self::Lab(_) = self { Self::LAB[0] } else { self }
    }

    /// Whether the stage shows what Generate makes.
    pub fn shows_run(self) -> bool {
        !matches!(self, Self::Forward | Self::Findings | Self::Train)
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|mode| mode.name() == name)
    }
}
