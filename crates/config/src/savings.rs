//! Ways to a cheaper run.

use super::ConfigError;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// What a run leaves out; by default nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Savings {
    /// Guidance acts only where t/T lies in this interval, outside of it the unconditional pass is saved
    /// (Kynkäänniemi et al. 2024, arXiv:2404.07724).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guidance_interval: Option<[f64; 2]>,
    /// The middle blocks are computed every so many steps, and their change is used again in between; 1: always.
    pub cache_interval: usize,
}

impl Default for Savings {
    fn default() -> Self {
        Self { guidance_interval: None, cache_interval: 1 }
    }
}

impl Savings {
    /// In steps.
    pub const CACHE_INTERVAL: RangeInclusive<usize> = 1..=1000;

    /// Whether every step is computed in full.
    pub fn is_off(&self) -> bool {
        *self == Self::default()
    }

    /// # Errors
    /// [`ConfigError::OutOfRange`] names the setting.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if let Some([from, to]) =
            self.guidance_interval.filter(|[from, to]| !(0.0 <= *from && from <= to && *to <= 1.0))
        {
            return Err(ConfigError::OutOfRange {
                name: "guidance interval",
                value: format!("{from},{to}"),
                allowed: "two shares of the timesteps, 0 to 1, the smaller first".into(),
            });
        }
        if !Self::CACHE_INTERVAL.contains(&self.cache_interval) {
            return Err(ConfigError::OutOfRange {
                name: "cache interval",
                value: self.cache_interval.to_string(),
                allowed: "1 to 1000".into(),
            });
        }
        Ok(())
    }

    /// Whether guidance acts at this timestep of `num_train_timesteps`.
    pub fn guides(&self, timestep: usize, num_train_timesteps: usize) -> bool {
        let share = timestep as f64 / (num_train_timesteps - 1).max(1) as f64;
        self.guidance_interval.is_none_or(|[from, to]| (from..=to).contains(&share))
    }

    /// Whether the middle blocks are computed at this step, counted from the run's first.
    pub fn computes_all(&self, step: usize) -> bool {
        step.is_multiple_of(self.cache_interval)
    }
}
