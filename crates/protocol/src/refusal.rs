//! Why the worker did not do something, without words: the page has them, in the visitor's language.

use ditscope_config::ConfigError;
use serde::{Deserialize, Serialize};

/// Why something was not done or went wrong, with what there is to say about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub reason: Reason,
    /// What it is about: a setting, a file, a device.
    pub of: String,
    /// What was found there: a value, a size, or the words of the browser, the device or a library, in English.
    pub found: String,
    /// What would be right.
    pub allowed: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    // The question came at the wrong time.
    NoModel,
    /// A run is under way and not held, or begins, or goes on.
    RunFirst,
    /// One of its kind took its place.
    Newer,
    /// By the visitor.
    #[default]
    Stopped,

    // The question made no sense.
    OutOfRange,
    /// A message between page and worker is not understood.
    Message,
    /// The class comes to the model as a token, or in another way that modulates nothing.
    NoAdaLn,
    /// The model's pictures are no sounds.
    NoSound,
    NoEncoder,

    // Files.
    /// The connection or the disk broke off.
    NotRead,
    /// Nothing came for so many seconds.
    Silent,
    /// The page's content security policy does not allow the address.
    Policy,
    /// The server answers, but lets no other site read.
    NotShared,
    /// The server answered with another status.
    NotServed,
    /// A folder has no such file.
    NoFile,
    /// A file is not what it should be, in the words of what reads it.
    BadFile,
    /// Sizes do not fit one another.
    Mismatch,
    /// The model is larger than any that a tab can run.
    TooLarge,
    /// The browser kept no weights.
    NotStored,
    /// What was kept of a training is not there, or another tab has it.
    NoCheckpoint,
    StorageFull,

    // The device.
    NoWebGpu,
    /// The page came over plain http.
    NotSecure,
    NoAdapter,
    /// It is slower than the CPU.
    SoftwareWebGpu,
    Device,
    /// The model is larger than what this device can run.
    NoRoom,
    /// The worker itself stopped.
    Crashed,

    /// Page and worker come from different builds: some cache kept an old file.
    OtherBuild,
}

impl Reason {
    pub const ALL: [Self; 29] = [
        Self::NoModel,
        Self::RunFirst,
        Self::Newer,
        Self::Stopped,
        Self::OutOfRange,
        Self::Message,
        Self::NoAdaLn,
        Self::NoSound,
        Self::NoEncoder,
        Self::NotRead,
        Self::Silent,
        Self::Policy,
        Self::NotShared,
        Self::NotServed,
        Self::NoFile,
        Self::BadFile,
        Self::Mismatch,
        Self::TooLarge,
        Self::NotStored,
        Self::NoCheckpoint,
        Self::StorageFull,
        Self::NoWebGpu,
        Self::NotSecure,
        Self::NoAdapter,
        Self::SoftwareWebGpu,
        Self::Device,
        Self::NoRoom,
        Self::Crashed,
        Self::OtherBuild,
    ];
}

/// What kind of thing went wrong: decides what the page offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// A file is missing or the connection broke: try again.
    Network,
    /// An address must not be read from here: take another one.
    Forbidden,
    /// A file is there and wrong: corrupt, truncated, of another shape.
    BadModel,
    /// No device, or it was lost or ran out of memory: try again, or take the CPU.
    Device,
    /// The request made no sense.
    BadRequest,
    /// A file of the page itself is missing or of another build: reload the page.
    Page,
    /// The browser, or the frame around the page, does not let it work.
    Browser,
}

impl Reason {
    pub fn kind(self) -> FailureKind {
        match self {
            Self::NotRead
            | Self::Silent
            | Self::NotServed
            | Self::NotStored
            | Self::NoCheckpoint
            | Self::StorageFull => FailureKind::Network,
            Self::Policy | Self::NotShared => FailureKind::Forbidden,
            Self::NoFile | Self::BadFile | Self::Mismatch | Self::TooLarge => FailureKind::BadModel,
            Self::NoWebGpu
            | Self::NotSecure
            | Self::NoAdapter
            | Self::SoftwareWebGpu
            | Self::Device
            | Self::NoRoom
            | Self::Crashed => FailureKind::Device,
            Self::OtherBuild => FailureKind::Page,
            _ => FailureKind::BadRequest,
        }
    }

    /// With what was found.
    pub fn found(self, found: impl ToString) -> Refusal {
        self.of("", found, "")
    }

    /// With what it is about, what was found there and what would be right.
    pub fn of(self, of: impl ToString, found: impl ToString, allowed: impl ToString) -> Refusal {
        Refusal { reason: self, of: of.to_string(), found: found.to_string(), allowed: allowed.to_string() }
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        reason.found("")
    }
}

impl From<ConfigError> for Refusal {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::OutOfRange { name, value, allowed } => Reason::OutOfRange.of(name, value, allowed),
            other => Reason::BadFile.found(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_crosses_as_it_is() {
        for refusal in [Reason::NoAdaLn.into(), Reason::OutOfRange.of("steps", 0, "1 to 250")] {
            let json = serde_json::to_string(&refusal).expect("JSON");
            assert_eq!(serde_json::from_str::<Refusal>(&json).expect(&json), refusal);
        }
    }

    #[test]
    fn a_setting_out_of_range_is_a_bad_request_and_a_bad_configuration_a_bad_model() {
        let error = ConfigError::OutOfRange { name: "class", value: "9".into(), allowed: "0 to 2".into() };
        let refusal = Refusal::from(error);
        assert_eq!(refusal, Reason::OutOfRange.of("class", 9, "0 to 2"));
        assert_eq!(refusal.reason.kind(), FailureKind::BadRequest);
        let refusal = Refusal::from(ConfigError::Model("no labels".into()));
        assert!(refusal.reason.kind() == FailureKind::BadModel && refusal.found.contains("no labels"));
    }
}
