//! How far the loading of a model is.

use ditscope_protocol::LoadStage;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// Absent while the worker starts.
    pub stage: Option<LoadStage>,
    pub loaded_bytes: u64,
    pub total_bytes: u64,
    pub bytes_per_second: Option<f64>,
    /// The visitor asked to stop; the worker has not yet answered.
    pub stopping: bool,
    /// Time and bytes of the first report that had any: the speed is measured from here.
    since: Option<(f64, u64)>,
}

impl Progress {
    pub(super) fn report(&mut self, stage: LoadStage, loaded: u64, total: u64, now_ms: f64) {
        let (began, first) = *self.since.get_or_insert((now_ms, loaded));
        let seconds = (now_ms - began) / 1000.0;
        if seconds > 0.2 {
            let speed = loaded.saturating_sub(first) as f64 / seconds;
            self.bytes_per_second = (loaded < total && speed > 0.0).then_some(speed);
        }
        (self.stage, self.loaded_bytes, self.total_bytes) = (Some(stage), loaded.min(total), total);
    }

    /// 0 to 1, or nothing while the size is unknown.
    pub fn fraction(&self) -> Option<f64> {
        (self.total_bytes > 0).then(|| self.loaded_bytes as f64 / self.total_bytes as f64)
    }
}
