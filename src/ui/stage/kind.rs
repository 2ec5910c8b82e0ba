//! The ways to look at a step.

use crate::ui::words::{Words, say};

/// What a view shows of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
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

impl Kind {
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

    /// The symbol, with a word where one is needed.
    pub fn label(self) -> Words {
        say(self.keys()[0])
    }

    /// In words.
    pub fn title(self) -> Words {
        say(self.keys()[1])
    }

    /// What is to be seen in it.
    pub fn hint(self) -> Words {
        say(self.keys()[2])
    }

    fn keys(self) -> [&'static str; 3] {
        match self {
            Self::X0 => ["stage.x0", "stage.x0-title", "stage.x0-hint"],
            Self::XT => ["stage.x-t", "stage.x-t-title", "stage.x-t-hint"],
            Self::XTDecoded => ["stage.x-t-decoded", "stage.x-t-decoded-title", "stage.x-t-decoded-hint"],
            Self::X0Latent => ["stage.x0-latent", "stage.x0-latent-title", "stage.x0-latent-hint"],
            Self::EpsCond => ["stage.eps-cond", "stage.eps-cond-title", "stage.eps-cond-hint"],
            Self::EpsUncond => ["stage.eps-uncond", "stage.eps-uncond-title", "stage.eps-uncond-hint"],
            Self::EpsDiff => ["stage.eps-diff", "stage.eps-diff-title", "stage.eps-diff-hint"],
            Self::EpsGuided => ["stage.eps-guided", "stage.eps-guided-title", "stage.eps-guided-hint"],
            Self::Change => ["stage.change", "stage.change-title", "stage.change-hint"],
        }
    }
}
