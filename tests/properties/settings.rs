//! Configurations, settings and messages: through JSON and back, and never a panic on foreign ones.

use crate::cases;
use crate::support::{tiny_config, tiny_config_json};
use ditscope_config::{
    AutoencoderConfig, CatalogEntry, Clipping, ConfigError, DitConfig, ModelConfig, RunSettings, SamplerKind,
    TimestepSpacing,
};
use ditscope_protocol::{
    Answer, Ask, Backend, BackendChoice, FrameInfo, FramePart, FromWorker, LoadNotice, LoadStage, ModelSource, Reason,
    RunInfo, StartFrom, ToWorker, WeightsReport,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn settings() -> impl Strategy<Value = RunSettings> {
    let sampler = prop::sample::select(SamplerKind::ALL.to_vec());
    let spacing = prop::option::of(prop::sample::select(TimestepSpacing::ALL.to_vec()));
    (any::<usize>(), 0..200u32, any::<usize>(), (sampler, spacing), any::<u64>(), any::<usize>()).prop_map(
        |(class, tenths, num_inference_steps, (sampler, timestep_spacing), seed, num_images)| RunSettings {
            class,
            guidance_scale: f64::from(tenths) / 10.0,
            num_inference_steps,
            sampler,
            timestep_spacing,
            seed,
            num_images,
            ..RunSettings::default()
        },
    )
}

fn round_trip<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).expect("JSON")).expect("what was just written")
}

/// A JSON value of any small shape.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0..70_000u64).prop_map(Value::from),
        any::<i32>().prop_map(|n| Value::from(f64::from(n) / 64.0)),
        prop::sample::select(vec!["linear", "cosine", "epsilon", "learned_range", "ddim", "", "…"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z]", inner, 0..3).prop_map(|m| json!(m)),
        ]
    })
}

/// Addresses of all values in a configuration, e.g. `/transformer/depth`.
fn pointers(value: &Value, at: &str, into: &mut Vec<String>) {
    let mut enter = |name: &str, inner: &Value| {
        let at = format!("{at}/{name}");
        pointers(inner, &at, into);
        into.push(at);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(name, inner)| enter(name, inner)),
        Value::Array(list) => list.iter().enumerate().for_each(|(i, inner)| enter(&i.to_string(), inner)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn settings_survive_json(settings in settings()) {
        prop_assert_eq!(round_trip(&settings), settings.clone());
        let start = Some(StartFrom { step: 4 });
        let (guidance_scales, experiment) = (vec![1.0, 2.5], Some("{}".into()));
        let message = ToWorker::Generate { run: 3, settings, guidance_scales, start, resume: Some(4), experiment };
        prop_assert_eq!(round_trip(&message), message);
    }

    #[test]
    fn settings_are_valid_exactly_in_their_ranges(settings in settings(), num_classes in 0..12usize) {
        let right = settings.class < num_classes.max(1)
            && RunSettings::GUIDANCE_SCALE.contains(&settings.guidance_scale)
            && RunSettings::STEPS.contains(&settings.num_inference_steps)
            && RunSettings::SEED.contains(&settings.seed)
            && RunSettings::NUM_IMAGES.contains(&settings.num_images);
        prop_assert_eq!(settings.validate(num_classes).is_ok(), right);
    }

    #[test]
    fn a_foreign_configuration_is_refused_or_makes_sense(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 1..4),
    ) {
        let mut json = tiny_config_json();
        for (at, value) in changes {
            let mut all = Vec::new();
            pointers(&json, "", &mut all);
            *json.pointer_mut(at.get::<String>(&all)).expect("an address just found") = value;
        }
        let Ok(config) = serde_json::from_value::<ModelConfig>(json) else { return Ok(()) };
        match config.validate() {
            Err(error) => prop_assert!(!error.to_string().is_empty()),
            Ok(()) => {
                // What is accepted can be asked everything that sizes are derived from.
                prop_assert!(config.image_size() >= 1 && config.image_channels() >= 1);
                prop_assert!(config.transformer.num_tokens() >= 1);
                prop_assert!(config.transformer.num_params() >= 1 && config.transformer.flops() >= 1);
                prop_assert!(CatalogEntry::new("id", &config, u64::MAX, None).memory_bytes >= 1);
                prop_assert_eq!(config.labels.len(), config.transformer.num_classes);
                prop_assert_eq!(round_trip(&config), config);
            }
        }
    }

    #[test]
    fn a_foreign_message_is_an_error_and_not_a_panic(json in any_json(), text in ".{0,60}") {
        prop_assert!(serde_json::from_value::<ToWorker>(json.clone()).is_err());
        prop_assert!(serde_json::from_value::<FromWorker>(json).is_err());
        prop_assert!(serde_json::from_str::<ToWorker>(&text).is_err());
        prop_assert!(text.parse::<SamplerKind>().is_err() || SamplerKind::ALL.iter().any(|k| k.name() == text));
        prop_assert!(text.parse::<TimestepSpacing>().is_err() || TimestepSpacing::ALL.iter().any(|s| s.name() == text));
    }
}

#[test]
fn settings_that_are_not_numbers_are_refused() {
    for guidance_scale in [f64::NAN, f64::INFINITY, -1.0] {
        let refused = RunSettings { guidance_scale, ..RunSettings::default() }.validate(10);
        assert!(matches!(refused, Err(ConfigError::OutOfRange { name: "guidance scale", .. })), "{guidance_scale}");
    }
}

#[test]
fn every_message_survives_json() {
    // Long: a list of every message.
    let settings = RunSettings::default();
    let info = RunInfo {
        settings: settings.clone(),
        num_images: 2,
        latent_shape: [4, 8, 8],
        image_shape: [32, 32],
        timesteps: vec![999, 500, 0],
        alpha_bar: vec![0.0, 0.5, 0.999],
        steps_skipped: 1,
        guidance_scales: vec![1.0, 4.0],
        guidance_channels: 3,
    };
    let to_worker = [
        ToWorker::Load { source: ModelSource::Url("models/fashion".into()), backend: BackendChoice::WebGpu, load: 7 },
        ToWorker::LoadRandom { transformer: "{}".into(), backend: BackendChoice::Cpu },
        ToWorker::Inspect { source: ModelSource::Folder("fashion".into()) },
        ToWorker::CancelLoad,
        ToWorker::Generate { run: 1, settings, guidance_scales: vec![], start: None, resume: None, experiment: None },
        ToWorker::Cancel,
        ToWorker::Pause,
        ToWorker::StepOnce,
        ToWorker::Resume,
        ToWorker::Ask { id: 1, ask: Ask::Encode },
        ToWorker::Ask { id: 2, ask: Ask::QSample { t: 999, seed: u32::MAX.into() } },
        ToWorker::Ask { id: 3, ask: Ask::Trace { t: 5, class: None, block: 2 } },
        ToWorker::Ask { id: 8, ask: Ask::SeeNoise { t: 3, seed: u64::MAX, class: 9 } },
        ToWorker::Ask { id: 9, ask: Ask::Measure { what: "{}".into() } },
        ToWorker::Ask { id: 4, ask: Ask::Modulation { class: Some(9), timesteps: vec![999, 0] } },
        ToWorker::Ask { id: 5, ask: Ask::DecodePicture { run: 1 } },
    ];
    for message in to_worker {
        assert_eq!(round_trip(&message), message);
    }
    let parts = vec![FramePart::XT, FramePart::Pictures, FramePart::X0Hat, FramePart::EpsCond, FramePart::EpsUncond];
    let entry = CatalogEntry::new("tiny", &tiny_config(), 5, None);
    let backend = Backend { name: "CPU".into(), detail: "flex".into() };
    let notices =
        vec![LoadNotice::CpuInstead(Reason::NoWebGpu.into()), LoadNotice::NotKept(Reason::StorageFull.into())];
    let from_worker = [
        FromWorker::Ready,
        FromWorker::Loading(7),
        FromWorker::Config(Box::new(tiny_config())),
        FromWorker::LoadProgress { stage: LoadStage::Weights, loaded_bytes: 3, total_bytes: u64::MAX },
        FromWorker::Started { run: 1, info },
        FromWorker::Shared { run: 1, workers: 4 },
        FromWorker::Frame(FrameInfo { run: 1, step: 2, ms: 0.5, image_shape: [8, 8], preview: true, parts }),
        FromWorker::Paused { run: 1, step: 3 },
        FromWorker::Answered { id: 1, result: Ok(Answer::Encoded { latent_shape: [4, 8, 8] }) },
        FromWorker::Answered {
            id: 2,
            result: Ok(Answer::QSampled {
                latent_shape: [4, 8, 8],
                image_shape: [32, 32],
                preview: false,
                alpha_bar: 0.25,
            }),
        },
        FromWorker::Answered { id: 3, result: Ok(Answer::Traced { block: 2, heads: 6, depth: 6, grid: [4, 4] }) },
        FromWorker::Answered { id: 8, result: Ok(Answer::NoiseSeen { latent_shape: [4, 8, 8] }) },
        FromWorker::Answered { id: 4, result: Ok(Answer::Modulated { timesteps: 2, depth: 6 }) },
        FromWorker::Answered { id: 5, result: Err(Reason::NoEncoder.into()) },
        FromWorker::Inspected { source: ModelSource::Url("fashion".into()), result: Ok(entry) },
        FromWorker::Inspected {
            source: ModelSource::Folder("fashion".into()),
            result: Err(Reason::NoFile.of("fashion", "config.json", "")),
        },
        FromWorker::Answered { id: 6, result: Ok(Answer::PictureDecoded) },
        FromWorker::Loaded { backend, notices, num_parameters: 1, weights: WeightsReport::default() },
        FromWorker::Failed { run: None, why: Reason::BadFile.found("…") },
    ];
    for message in from_worker {
        assert_eq!(round_trip(&message), message);
    }
}

#[test]
fn left_out_fields_take_the_documented_defaults() {
    let mut json = tiny_config_json();
    for (part, field) in [("transformer", "mlp_ratio"), ("scheduler", "num_train_timesteps")] {
        json[part].as_object_mut().expect("an object").remove(field);
    }
    json.as_object_mut().expect("an object").remove("defaults");
    let config: ModelConfig = serde_json::from_value(json).expect("all required fields are there");
    assert_eq!(config.transformer.mlp_ratio, 4);
    assert_eq!(config.scheduler.num_train_timesteps, 1000);
    assert_eq!(config.scheduler.clip_sample_range, None);
    assert_eq!(
        (config.scheduler.clipping, config.scheduler.timestep_spacing),
        (Clipping::Consistent, TimestepSpacing::Uniform)
    );
    assert_eq!((config.scheduler.steps_offset, config.scheduler.set_alpha_to_one), (0, true));
    assert_eq!(config.defaults, RunSettings::default());
    assert_eq!(config.defaults.timestep_spacing, None);
    // Files of before have none of these, and are written as they were.
    let written = serde_json::to_string(&config).expect("JSON");
    for name in ["clipping", "timestep_spacing", "steps_offset", "set_alpha_to_one"] {
        assert!(!written.contains(name), "{name} is in {written}");
    }
    let Some(AutoencoderConfig::Tiny(autoencoder)) = config.autoencoder else { panic!("{:?}", config.autoencoder) };
    assert_eq!(autoencoder.latent_magnitude, 3.0);
}

#[test]
fn names_of_other_projects_are_understood() {
    let mut json = tiny_config_json();
    json["scheduler"]["beta_schedule"] = "squaredcos_cap_v2".into();
    let size = json["transformer"].as_object_mut().expect("an object").remove("sample_size").expect("a size");
    json["transformer"]["input_size"] = size;
    let config: ModelConfig = serde_json::from_value(json).expect("official and diffusers names");
    assert_eq!(config.transformer.sample_size, 4.into());
}

#[test]
fn presets_are_the_papers_and_unknown_ones_are_refused() {
    let with = |name: &str| tiny_config().transformer.with_preset(name);
    for (name, depth, hidden_size, num_heads) in DitConfig::PRESETS {
        let config = with(&name.to_lowercase()).expect("a preset");
        assert_eq!((config.depth, config.hidden_size, config.num_heads), (depth, hidden_size, num_heads));
        config.validate().expect("presets are valid");
    }
    let refused = with("XXL").expect_err("no such preset").to_string();
    assert!(refused.contains("XXL") && refused.contains("S, B, L, XL"), "{refused}");
}
