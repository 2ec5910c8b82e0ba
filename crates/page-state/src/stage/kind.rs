//! The ways to look at a step.

/// What a view shows of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ViewKind {
    /// The picture that the model predicts.
    X0,
    /// The noisy latent, channel by channel.
    XT,
    /// The noisy latent through the decoder.
    XTDecoded,
    /// The predicted latent.
    X0Latent,
    /// The predicted noise with the class …
    EpsCond,
    /// … without it …
    EpsUncond,
    /// … the one minus the other …
    EpsDiff,
    /// … and what guidance makes of them.
    EpsGuided,
    /// What is different in x̂0 since the frame before.
    Change,
}

impl ViewKind {
    pub const ALL: [Self; 9] = [
        Self::X0,
        Self::XT,
        Self::XTDecoded,
        Self::X0Latent,
        Self::EpsCond,
        Self::EpsUncond,
        Self::EpsDiff,
        Self::EpsGuided,
        Self::Change,
    ];

    /// What goes into the model and what comes out of it, up to the picture.
    pub const STRIP: [Self; 4] = [Self::XT, Self::EpsGuided, Self::X0Latent, Self::X0];

    /// What can be opened behind a part of the strip: of the model, what it predicts with the class and without; of the
    /// decoder, what it makes of the noisy latent.
    pub fn behind(self) -> &'static [Self] {
        match self {
            Self::XT => &[Self::EpsCond, Self::EpsUncond, Self::EpsDiff],
            Self::X0Latent => &[Self::XTDecoded],
            _ => &[],
        }
    }

    /// Stable: in the tour's data and in the page's elements.
    pub fn name(self) -> &'static str {
        match self {
            Self::X0 => "x0",
            Self::XT => "x_t",
            Self::XTDecoded => "x_t-decoded",
            Self::X0Latent => "x0-latent",
            Self::EpsCond => "eps-cond",
            Self::EpsUncond => "eps-uncond",
            Self::EpsDiff => "eps-diff",
            Self::EpsGuided => "eps-guided",
            Self::Change => "change",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
