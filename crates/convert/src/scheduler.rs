//! What the transformer was trained to undo, and how its runs are sampled: diffusers' `scheduler_config.json`.
//!
//! A setting is honoured or refused by name. One that the scheduler's class does not have is none: a pipeline whose scheduler
//! was exchanged keeps the settings of the old one in its file.

use super::transformer::Numbers;
use anyhow::{Context, Result, bail, ensure};
use ditscope_config::{
    BetaSchedule, Clipping, DiffusionConfig, DitConfig, PredictionType, SamplerKind, TimestepSpacing, VarianceType,
};
use ditscope_schedule::training_schedule;
use serde_json::Value;

/// What a converted model is run with.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheduler {
    pub diffusion: DiffusionConfig,
    pub sampler: SamplerKind,
    pub num_inference_steps: usize,
    /// What was taken from the file, for people.
    pub note: Option<String>,
}

/// The schedulers that there is a sampler for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Ddim,
    Ddpm,
    DpmSolver,
    UniPc,
    FlowEuler,
}

/// The official process (linear β from 1e-4 to 0.02 in 1000 steps, ε-prediction unless another is `asked`) under DPM-Solver++, or
/// where a velocity is, the straight path under Heun's method; or, where there is a `scheduler_config.json`, what that says.
///
/// # Errors
/// Names a scheduler or a setting that is not supported, and what to do.
pub fn read(
    config: &Value,
    transformer: &DitConfig,
    numbers: Numbers,
    asked: Option<PredictionType>,
) -> Result<Scheduler> {
    let kind = asked.unwrap_or(PredictionType::Epsilon);
    let variance = if transformer.learn_sigma { VarianceType::LearnedRange } else { VarianceType::FixedLarge };
    let official = DiffusionConfig {
        // The official release steers 3 of the 4 latent channels; diffusers steers all.
        guidance_channels: (transformer.in_channels == 4 && numbers == Numbers::Official).then_some(3),
        ..DiffusionConfig::new(BetaSchedule::Linear, kind, variance)
    };
    if config.is_null() {
        let (diffusion, sampler, num_inference_steps) = match kind.is_flow() {
            true => (flow(official), SamplerKind::Heun, 25),
            false => (official, SamplerKind::DpmSolverPlusPlus, 20),
        };
        return Ok(Scheduler { diffusion, sampler, num_inference_steps, note: None });
    }
    ensure!(asked.is_none(), "--prediction-type: the scheduler_config.json of this folder says it, so leave it out");
    of_diffusers(config, official, transformer).context("scheduler_config.json")
}

/// The straight path, of whose velocity no variance is learned.
fn flow(official: DiffusionConfig) -> DiffusionConfig {
    DiffusionConfig { beta_schedule: BetaSchedule::Straight, variance_type: VarianceType::FixedSmall, ..official }
}

fn of_diffusers(config: &Value, official: DiffusionConfig, transformer: &DitConfig) -> Result<Scheduler> {
    let class = Class::of(config)?;
    let settings = Settings { config, class };
    if class == Class::FlowEuler {
        return settings.flow(official);
    }
    settings.refuse_flow()?;
    let beta_schedule = settings.named("beta_schedule", BetaSchedule::Linear, "linear or squaredcos_cap_v2")?;
    let prediction_type =
        settings.named("prediction_type", PredictionType::Epsilon, "epsilon, sample or v_prediction")?;
    let clip_sample_range = settings.clip()?;
    let diffusion = DiffusionConfig {
        beta_schedule,
        prediction_type,
        variance_type: settings.variance(official.variance_type, transformer)?,
        clip_sample_range,
        clipping: if clip_sample_range.is_some() { Clipping::Diffusers } else { Clipping::Consistent },
        timestep_spacing: settings.spacing()?,
        steps_offset: settings.offset()?,
        set_alpha_to_one: class != Class::Ddim || settings.flag("set_alpha_to_one", true)?,
        ..official
    };
    settings.refuse_others(&diffusion)?;
    let (sampler, num_inference_steps) = class.run();
    let clamp = clip_sample_range.map_or(String::new(), |range| format!(", x̂0 clamped to ±{range}"));
    let note = format!(
        "the scheduler is {}: a run takes {num_inference_steps} steps of {} unless told otherwise, with \
         timesteps '{}'{clamp}",
        class.name(),
        sampler.name(),
        diffusion.timestep_spacing.name()
    );
    Ok(Scheduler { diffusion, sampler, num_inference_steps, note: Some(note) })
}

impl Class {
    const ALL: [Self; 5] = [Self::Ddim, Self::Ddpm, Self::DpmSolver, Self::UniPc, Self::FlowEuler];

    fn name(self) -> &'static str {
        match self {
            Self::Ddim => "DDIMScheduler",
            Self::Ddpm => "DDPMScheduler",
            Self::DpmSolver => "DPMSolverMultistepScheduler",
            Self::UniPc => "UniPCMultistepScheduler",
            Self::FlowEuler => "FlowMatchEulerDiscreteScheduler",
        }
    }

    fn of(config: &Value) -> Result<Self> {
        let known = Self::ALL.map(Self::name).join(", ");
        let name = config["_class_name"]
            .as_str()
            .with_context(|| format!("it has no _class_name, and model_index.json names no scheduler: {known}"))?;
        let instead = if name.starts_with("FlowMatch") { Self::FlowEuler } else { Self::Ddim };
        Self::ALL.into_iter().find(|class| class.name() == name).with_context(|| {
            format!(
                "{name} is not supported, only {known}. Save the pipeline with one of them, which gives other \
                 pictures: {}",
                saved(instead.name(), "")
            )
        })
    }

    /// The sampler, and the steps of a run: DiTPipeline's own number for DDIM, the paper's for DDPM, fewer where fewer do.
    fn run(self) -> (SamplerKind, usize) {
        match self {
            Self::Ddim => (SamplerKind::Ddim, 50),
            Self::Ddpm => (SamplerKind::Ddpm, 250),
            Self::DpmSolver => (SamplerKind::DpmSolverPlusPlus, 20),
            Self::UniPc => (SamplerKind::UniPc, 20),
            Self::FlowEuler => (SamplerKind::Euler, 50),
        }
    }

    fn is_multistep(self) -> bool {
        matches!(self, Self::DpmSolver | Self::UniPc)
    }
}

/// The file's settings, of which those of its class count.
struct Settings<'c> {
    config: &'c Value,
    class: Class,
}

impl Settings<'_> {
    /// A setting that is there; diffusers takes the default for one that is not.
    fn get(&self, name: &str) -> Option<&Value> {
        self.config.get(name).filter(|value| !value.is_null())
    }

    fn named<T: serde::de::DeserializeOwned>(&self, name: &str, default: T, known: &str) -> Result<T> {
        match self.get(name) {
            None => Ok(default),
            Some(value) => serde_json::from_value(value.clone())
                .with_context(|| format!("{name} = {value} is not supported, only {known}. {TRAINED}")),
        }
    }

    fn flag(&self, name: &str, default: bool) -> Result<bool> {
        let Some(value) = self.get(name) else { return Ok(default) };
        value.as_bool().with_context(|| format!("{name} = {value} is neither true nor false"))
    }

    fn refuse_flow(&self) -> Result<()> {
        let predicts_flow = self.get("prediction_type").is_some_and(|kind| kind == "flow_prediction");
        let has_sigmas = self.class.is_multistep() && self.flag("use_flow_sigmas", false)?;
        ensure!(
            !predicts_flow && !has_sigmas,
            "{}: this transformer was trained by flow matching. Save the pipeline with the scheduler of that: {}",
            if has_sigmas { "use_flow_sigmas" } else { "prediction_type flow_prediction" },
            saved(Class::FlowEuler.name(), "")
        );
        Ok(())
    }

    /// Of FlowMatchEulerDiscreteScheduler: its σ, with a constant shift.
    fn flow(&self, official: DiffusionConfig) -> Result<Scheduler> {
        for name in [
            "use_dynamic_shifting",
            "use_karras_sigmas",
            "use_exponential_sigmas",
            "use_beta_sigmas",
            "invert_sigmas",
            "stochastic_sampling",
        ] {
            self.only(name, |value| value == false, "False")?;
        }
        self.only("shift_terminal", |_| false, "None")?;
        self.trained_only("num_train_timesteps", &1000.into())?;
        let shift = self.get("shift").map_or(Some(1.0), Value::as_f64).filter(|shift| *shift > 0.0);
        let shift = shift.with_context(|| format!("shift = {} is not a positive number", self.config["shift"]))?;
        let diffusion = DiffusionConfig {
            prediction_type: PredictionType::FlowPrediction,
            timestep_spacing: TimestepSpacing::Linspace,
            shift,
            ..flow(official)
        };
        let (sampler, num_inference_steps) = self.class.run();
        let note = format!(
            "the scheduler is {}, for a model that was trained by flow matching: a run takes {num_inference_steps} steps of {} \
             unless told otherwise, with shift {shift}",
            self.class.name(),
            sampler.name()
        );
        Ok(Scheduler { diffusion, sampler, num_inference_steps, note: Some(note) })
    }

    /// DDIM and DDPM clamp x̂0 unless told otherwise; the others have no such setting.
    fn clip(&self) -> Result<Option<f64>> {
        if self.class.is_multistep() || !self.flag("clip_sample", true)? {
            return Ok(None);
        }
        let Some(value) = self.get("clip_sample_range") else { return Ok(Some(1.0)) };
        let range = value.as_f64().filter(|range| *range > 0.0);
        Ok(Some(range.with_context(|| format!("clip_sample_range = {value} is not a positive number"))?))
    }

    fn spacing(&self) -> Result<TimestepSpacing> {
        let Some(value) = self.get("timestep_spacing") else {
            return Ok(if self.class.is_multistep() { TimestepSpacing::Linspace } else { TimestepSpacing::Leading });
        };
        let found = value.as_str().and_then(|name| name.parse().ok());
        let found = found.filter(|spacing| *spacing != TimestepSpacing::Uniform);
        found.with_context(|| format!("timestep_spacing = {value} is none of leading, trailing, linspace"))
    }

    fn offset(&self) -> Result<usize> {
        let Some(value) = self.get("steps_offset") else { return Ok(0) };
        let offset = value.as_u64().filter(|offset| *offset < 1000);
        Ok(offset.with_context(|| format!("steps_offset = {value} is not a number from 0 to 999"))? as usize)
    }

    /// The others' variance matters only to a run with another sampler than theirs.
    fn variance(&self, official: VarianceType, transformer: &DitConfig) -> Result<VarianceType> {
        if self.class != Class::Ddpm {
            return Ok(official);
        }
        let name = self.get("variance_type").map_or(Some("fixed_small"), Value::as_str);
        Ok(match name {
            Some("fixed_small" | "fixed_small_log") => VarianceType::FixedSmall,
            Some("fixed_large") => VarianceType::FixedLarge,
            Some("learned_range") if transformer.learn_sigma => VarianceType::LearnedRange,
            Some("learned_range") => bail!(
                "variance_type = \"learned_range\", but the transformer puts out no variance. {}",
                self.cure("variance_type", "\"fixed_small\"")
            ),
            _ => bail!(
                "variance_type = {} is not supported, only fixed_small, fixed_small_log, fixed_large, learned_range. {}",
                self.config["variance_type"],
                self.cure("variance_type", "\"fixed_small\"")
            ),
        })
    }

    /// Everything that would make other numbers than ours.
    fn refuse_others(&self, diffusion: &DiffusionConfig) -> Result<()> {
        for (name, only) in [
            ("beta_start", 1e-4.into()),
            ("beta_end", 0.02.into()),
            ("num_train_timesteps", 1000.into()),
            ("trained_betas", Value::Null),
            ("rescale_betas_zero_snr", false.into()),
        ] {
            self.trained_only(name, &only)?;
        }
        self.only("thresholding", |value| value == false, "False")?;
        if self.class.is_multistep() {
            self.refuse_other_solvers(diffusion)?;
        }
        Ok(())
    }

    fn refuse_other_solvers(&self, diffusion: &DiffusionConfig) -> Result<()> {
        for name in ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_dynamic_shifting"] {
            self.only(name, |value| value == false, "False")?;
        }
        self.only("solver_order", |value| value == 2, "2")?;
        self.only("final_sigmas_type", |value| value == "zero", "\"zero\"")?;
        if self.class == Class::UniPc {
            // The names of other solvers mean its usual one to it.
            self.only("solver_type", |value| value != "bh1", "\"bh2\"")?;
            self.only("predict_x0", |value| value == true, "True")?;
            self.only("lower_order_final", |value| value == true, "True")?;
            self.only("disable_corrector", |value| value.as_array().is_some_and(Vec::is_empty), "[]")?;
            return self.only("solver_p", |_| false, "None");
        }
        self.only("use_lu_lambdas", |value| value == false, "False")?;
        self.only("algorithm_type", |value| value == "dpmsolver++", "\"dpmsolver++\"")?;
        self.only("solver_type", |value| value != "heun", "\"midpoint\"")?;
        let is_learned = |value: &Value| value == "learned" || value == "learned_range";
        self.only("variance_type", |value| !is_learned(value), "None")?;
        // Below the noisiest timestep's λ = log(α/σ) it cuts nothing off. JSON has no −∞: it is a word, or null.
        let last = training_schedule(diffusion).snr(diffusion.num_train_timesteps - 1);
        let cuts_nothing =
            |value: &Value| value == "-Infinity" || value.as_f64().is_some_and(|least| least < 0.5 * last.ln());
        self.only("lambda_min_clipped", cuts_nothing, "-float(\"inf\")")
    }

    /// Refuses a setting that the transformer was trained with.
    fn trained_only(&self, name: &str, only: &Value) -> Result<()> {
        match self.get(name).filter(|value| !is_same(value, only)) {
            Some(value) => bail!("{name} = {value} is not supported, only {only}. {TRAINED}"),
            None => Ok(()),
        }
    }

    /// Refuses a setting that can be changed without training anew; `python` is what would be right.
    fn only(&self, name: &str, is_right: impl Fn(&Value) -> bool, python: &str) -> Result<()> {
        match self.get(name).filter(|value| !is_right(value)) {
            Some(value) => bail!("{name} = {value} is not supported. {}", self.cure(name, python)),
            None => Ok(()),
        }
    }

    fn cure(&self, name: &str, python: &str) -> String {
        let save = saved(self.class.name(), &format!(", {name}={python}"));
        format!("Save the pipeline without it, which gives other pictures: {save}")
    }
}

const TRAINED: &str = "The transformer was trained with it, so that another scheduler would not help";

fn saved(class: &str, argument: &str) -> String {
    format!("pipe.scheduler = {class}.from_config(pipe.scheduler.config{argument}); pipe.save_pretrained(DIR)")
}

/// 1 and 1.0 are the same.
fn is_same(value: &Value, expected: &Value) -> bool {
    value == expected || value.as_f64().is_some_and(|number| Some(number) == expected.as_f64())
}

#[cfg(test)]
#[path = "scheduler_tests.rs"]
mod tests;
