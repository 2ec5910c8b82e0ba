//! The parameters of the address, one row each. README.md lists them; a test compares.

use super::values::{Problem, Read, count, one_of, switch, told, whole};
use super::{Address, to_guidance};
use crate::compare::What;
use crate::lab;
use crate::tour::Tour;
use crate::{Allowed, Language, Mode, ModelRef, PageDepth};
use ditscope_config::{RunSettings, SamplerKind, Savings, TimestepSpacing};
use ditscope_protocol::BackendChoice;

/// A parameter of the address.
pub struct Parameter {
    pub key: &'static str,
    /// Takes a value into the address.
    pub(super) read: fn(&mut Address, &str) -> Read,
    /// The value for these settings; nothing where it is the default.
    pub(super) write: fn(&Address, &RunSettings) -> Option<String>,
}

/// All of them, in the order in which they are written.
pub const PARAMETERS: &[Parameter] = &[
    Parameter { key: "model", read: read_model, write: |address, _| address.model.query_value() },
    Parameter {
        key: "class",
        // The number of classes is the model's business; it is checked again when the model is known.
        read: |address, value| whole(value, 0..=u32::MAX.into(), |class| address.chosen.class = Some(class as usize)),
        write: |_, settings| Some(settings.class.to_string()),
    },
    Parameter { key: "guidance", read: read_guidance, write: |_, settings| Some(settings.guidance_scale.to_string()) },
    Parameter {
        key: "steps",
        read: |address, value| count(value, RunSettings::STEPS, |n| address.chosen.num_inference_steps = Some(n)),
        write: |_, settings| Some(settings.num_inference_steps.to_string()),
    },
    Parameter { key: "sampler", read: read_sampler, write: |_, settings| Some(settings.sampler.name().into()) },
    Parameter {
        key: "spacing",
        read: |address, value| {
            let found = one_of(value.parse().ok(), &TimestepSpacing::ALL.map(TimestepSpacing::name))?;
            address.chosen.timestep_spacing = Some(found);
            Ok(())
        },
        write: |_, settings| settings.timestep_spacing.map(|spacing| spacing.name().into()),
    },
    Parameter {
        key: "seed",
        read: |address, value| whole(value, RunSettings::SEED, |seed| address.chosen.seed = Some(seed)),
        write: |_, settings| Some(settings.seed.to_string()),
    },
    Parameter {
        key: "n",
        read: |address, value| count(value, RunSettings::NUM_IMAGES, |n| address.chosen.num_images = Some(n)),
        write: |_, settings| Some(settings.num_images.to_string()),
    },
    Parameter {
        key: "reuse",
        read: |address, value| {
            count(value, Savings::CACHE_INTERVAL, |n| {
                address.chosen.savings.get_or_insert_default().cache_interval = n;
            })
        },
        write: |_, settings| {
            let every = settings.savings.cache_interval;
            (every > 1).then(|| every.to_string())
        },
    },
    Parameter {
        key: "interval",
        read: read_interval,
        write: |_, settings| settings.savings.guidance_interval.map(|[from, to]| format!("{from},{to}")),
    },
    Parameter { key: "backend", read: read_backend, write: |address, _| backend_name(address.backend) },
    Parameter {
        key: "view",
        read: read_view,
        write: |address, _| match address.view {
            Mode::Forward if address.asks_for_class => Some(ASK.into()),
            view => (view != Mode::default()).then(|| view.name().into()),
        },
    },
    Parameter { key: "compare", read: read_compare, write: |address, _| address.compare.as_ref().map(What::to_string) },
    Parameter {
        key: "t",
        // How many there are is the model's business.
        read: |address, value| whole(value, 0..=u32::MAX.into(), |t| address.noise_t = Some(t as usize)),
        write: |address, _| address.noise_t.filter(|_| address.view == Mode::Forward).map(|t| t.to_string()),
    },
    Parameter {
        key: "lab",
        read: |address, value| {
            address.lab = Some(lab::as_told(value).ok_or(Problem::Ignored(Allowed::Lab))?);
            Ok(())
        },
        write: |address, _| address.lab.clone().filter(|_| matches!(address.view, Mode::Lab(_))),
    },
    Parameter {
        key: "lang",
        read: |address, value| {
            address.language = Some(one_of(Language::from_tag(value), &Language::ALL.map(Language::code))?);
            Ok(())
        },
        write: |address, _| address.language.map(|language| language.code().into()),
    },
    Parameter {
        key: "depth",
        read: |address, value| {
            address.depth = Some(one_of(PageDepth::parse(value), &PageDepth::ALL.map(PageDepth::name))?);
            Ok(())
        },
        write: |address, _| address.depth.map(|depth| depth.name().into()),
    },
    Parameter {
        key: "present",
        read: |address, value| {
            address.present = switch(value)?;
            Ok(())
        },
        write: |address, _| address.present.then(|| "1".into()),
    },
    Parameter {
        key: "embed",
        read: |address, value| {
            address.embed = switch(value)?;
            Ok(())
        },
        write: |address, _| address.embed.then(|| "1".into()),
    },
    Parameter {
        key: "bench",
        read: |address, value| {
            address.bench = switch(value)?;
            Ok(())
        },
        write: |_, _| None,
    },
    Parameter {
        key: "tour",
        // Which chapters there are is known when the tour is there.
        read: |address, value| {
            address.tour = Some(Tour::parse_chapter(value).ok_or(Problem::Ignored(Allowed::Chapter))?);
            Ok(())
        },
        write: |address, _| address.tour.clone(),
    },
];

fn read_model(address: &mut Address, value: &str) -> Read {
    address.model = ModelRef::parse(value).ok_or(Problem::Ignored(Allowed::Model))?;
    Ok(())
}

/// The forward process, where the model is asked which class it sees.
const ASK: &str = "ask";

fn read_view(address: &mut Address, value: &str) -> Read {
    let names: Vec<&str> = Mode::all().map(Mode::name).chain([ASK]).collect();
    address.asks_for_class = value == ASK;
    address.view = one_of(if value == ASK { Some(Mode::Forward) } else { Mode::parse(value) }, &names)?;
    Ok(())
}

fn read_guidance(address: &mut Address, value: &str) -> Read {
    let range = RunSettings::GUIDANCE_SCALE;
    let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
    let number = number.ok_or(Problem::Ignored(Allowed::Range(*range.start(), *range.end())))?;
    let kept = to_guidance(number);
    address.chosen.guidance_scale = Some(kept);
    told(kept == number, &kept)
}

/// A '+' typed by hand means a space in a query: `dpm++` arrives as `dpm  `.
fn read_sampler(address: &mut Address, value: &str) -> Read {
    let found = value.replace(' ', "+").parse().ok();
    address.chosen.sampler = Some(one_of(found, &SamplerKind::ALL.map(SamplerKind::name))?);
    Ok(())
}

fn read_interval(address: &mut Address, value: &str) -> Read {
    let interval = value.split_once(',').and_then(|(from, to)| Some([from.parse().ok()?, to.parse().ok()?]));
    let savings = Savings { guidance_interval: interval, ..address.chosen.savings.unwrap_or_default() };
    if interval.is_none() || savings.validate().is_err() {
        return Err(Problem::Ignored(Allowed::Interval));
    }
    address.chosen.savings = Some(savings);
    Ok(())
}

fn read_backend(address: &mut Address, value: &str) -> Read {
    let found = match value {
        "auto" => Some(BackendChoice::Auto),
        "webgpu" => Some(BackendChoice::WebGpu),
        "cpu" => Some(BackendChoice::Cpu),
        _ => None,
    };
    address.backend = one_of(found, &["auto", "webgpu", "cpu"])?;
    Ok(())
}

fn backend_name(backend: BackendChoice) -> Option<String> {
    match backend {
        BackendChoice::Auto => None,
        BackendChoice::WebGpu => Some("webgpu".into()),
        BackendChoice::Cpu => Some("cpu".into()),
    }
}

/// The usual scales are the model's: `guidance` alone names no numbers.
fn read_compare(address: &mut Address, value: &str) -> Read {
    if value == "guidance" {
        address.compare = None;
        return Ok(());
    }
    let (what, is_changed) = What::parse(value).ok_or(Problem::Ignored(Allowed::Compare))?;
    let told = told(!is_changed, &what);
    address.compare = Some(what);
    told
}
