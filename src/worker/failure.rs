//! What went wrong while a model was loaded or used, and of which kind it is.

use ditscope_protocol::{FailureKind, FromWorker};

/// A failure in words; the kind decides what the page offers.
#[derive(Debug)]
pub struct Failure {
    pub kind: FailureKind,
    pub message: String,
}

impl Failure {
    pub fn network(message: impl ToString) -> Self {
        Self { kind: FailureKind::Network, message: message.to_string() }
    }

    pub fn bad_model(message: impl ToString) -> Self {
        Self { kind: FailureKind::BadModel, message: message.to_string() }
    }

    pub fn device(message: impl ToString) -> Self {
        Self { kind: FailureKind::Device, message: message.to_string() }
    }

    /// The device, in the middle of its work.
    pub fn lost(error: String) -> Self {
        Self::device(format!("The device failed: {error}. Retry starts it again."))
    }

    pub fn bad_request(message: impl ToString) -> Self {
        Self { kind: FailureKind::BadRequest, message: message.to_string() }
    }

    /// Tells the page; `run` is absent for a load.
    pub fn post(self, run: Option<u32>) {
        super::post::post(&FromWorker::Failed { run, kind: self.kind, message: self.message });
    }
}
