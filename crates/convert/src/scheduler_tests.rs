use super::*;
use ditscope_config::Conditioning;
use serde_json::json;

fn transformer(learn_sigma: bool) -> DitConfig {
    DitConfig {
        sample_size: 4.into(),
        patch_size: 2,
        in_channels: 4,
        hidden_size: 16,
        depth: 1,
        num_heads: 2,
        mlp_ratio: 4,
        num_classes: 3,
        has_null_label: true,
        conditioning: Conditioning::AdaLnZero,
        learn_sigma,
        downscale_freq_shift: 1,
        mlp_norm_eps: 1e-5,
        qk_norm: false,
        block_embedders: true,
    }
}

/// What a file with this class and these settings is read as.
fn read_with(class: &str, settings: &Value) -> Result<Scheduler> {
    let mut config = settings.clone();
    config["_class_name"] = class.into();
    read(&config, &transformer(false), Numbers::Diffusers, None)
}

fn refused(class: &str, settings: &Value, words: &[&str]) {
    let error = format!("{:#}", read_with(class, settings).expect_err(&format!("{class} with {settings}")));
    for word in [&["scheduler_config.json"], words].concat() {
        assert!(error.contains(word), "{class} with {settings}: '{word}' is not in: {error}");
    }
}

const CLASSES: [&str; 4] = ["DDIMScheduler", "DDPMScheduler", "DPMSolverMultistepScheduler", "UniPCMultistepScheduler"];

#[test]
fn without_a_file_it_is_the_official_process() {
    let found = read(&Value::Null, &transformer(true), Numbers::Official, None).expect("the official one");
    let official = DiffusionConfig::new(BetaSchedule::Linear, PredictionType::Epsilon, VarianceType::LearnedRange);
    assert_eq!(found.diffusion, DiffusionConfig { guidance_channels: Some(3), ..official });
    assert_eq!((found.sampler, found.num_inference_steps, found.note), (SamplerKind::DpmSolverPlusPlus, 20, None));
}

/// What is absent has the default of the class.
#[test]
fn the_class_decides_sampler_spacing_and_clamp() {
    use TimestepSpacing::{Leading, Linspace};
    let expected = [
        (SamplerKind::Ddim, 50, Leading, Some(1.0)),
        (SamplerKind::Ddpm, 250, Leading, Some(1.0)),
        (SamplerKind::DpmSolverPlusPlus, 20, Linspace, None),
        (SamplerKind::UniPc, 20, Linspace, None),
    ];
    for (class, (sampler, steps, spacing, range)) in CLASSES.into_iter().zip(expected) {
        let found = read_with(class, &json!({})).expect("a scheduler");
        assert_eq!((found.sampler, found.num_inference_steps), (sampler, steps), "{class}");
        assert_eq!((found.diffusion.timestep_spacing, found.diffusion.clip_sample_range), (spacing, range), "{class}");
        assert_eq!(found.diffusion.clipping == Clipping::Diffusers, range.is_some(), "{class}");
        let note = found.note.expect("a note");
        assert!(note.contains(class) && note.contains(spacing.name()) && note.contains(&steps.to_string()), "{note}");
    }
}

#[test]
fn settings_are_taken_over() {
    let settings = json!({
        "beta_schedule": "squaredcos_cap_v2", "prediction_type": "v_prediction", "timestep_spacing": "trailing",
        "steps_offset": 1, "set_alpha_to_one": false, "clip_sample": true, "clip_sample_range": 2.5, "beta_start": 0.0001,
        "num_train_timesteps": 1000.0, "thresholding": false, "trained_betas": null, "some_new_setting": 7,
    });
    let diffusion = read_with("DDIMScheduler", &settings).expect("a scheduler").diffusion;
    let expected = DiffusionConfig {
        clip_sample_range: Some(2.5),
        clipping: Clipping::Diffusers,
        timestep_spacing: TimestepSpacing::Trailing,
        steps_offset: 1,
        set_alpha_to_one: false,
        ..DiffusionConfig::new(BetaSchedule::Cosine, PredictionType::VPrediction, VarianceType::FixedLarge)
    };
    assert_eq!(diffusion, expected);
    let unclamped = read_with("DDPMScheduler", &json!({ "clip_sample": false, "clip_sample_range": 2.5 }));
    assert_eq!(unclamped.expect("a scheduler").diffusion.clip_sample_range, None);
}

/// A pipeline whose scheduler was exchanged keeps the old one's settings in its file; diffusers passes over them.
#[test]
fn settings_of_another_class_are_none() {
    let left = json!({ "clip_sample": true, "clip_sample_range": 0.1, "set_alpha_to_one": false, "variance_type": "fixed_small" });
    for class in &CLASSES[2..] {
        let diffusion = read_with(class, &left).expect("a scheduler").diffusion;
        assert_eq!((diffusion.clip_sample_range, diffusion.set_alpha_to_one), (None, true), "{class}");
    }
    let solver = json!({ "use_karras_sigmas": true, "solver_order": 3, "algorithm_type": "sde-dpmsolver++" });
    for class in &CLASSES[..2] {
        read_with(class, &solver).expect("DDIM and DDPM have no such settings");
    }
    let swapped = json!({ "solver_type": "midpoint" });
    read_with("UniPCMultistepScheduler", &swapped).expect("its usual solver, as diffusers has it");
    read_with("DPMSolverMultistepScheduler", &json!({ "solver_type": "bh2" })).expect("its usual solver");
}

#[test]
fn the_variance_is_that_of_ddpm() {
    let variance = |name: &str, learn_sigma| {
        let config = json!({ "_class_name": "DDPMScheduler", "variance_type": name });
        read(&config, &transformer(learn_sigma), Numbers::Diffusers, None).map(|found| found.diffusion.variance_type)
    };
    for (name, expected) in [
        ("fixed_small", VarianceType::FixedSmall),
        ("fixed_small_log", VarianceType::FixedSmall),
        ("fixed_large", VarianceType::FixedLarge),
        ("learned_range", VarianceType::LearnedRange),
    ] {
        assert_eq!(variance(name, true).expect("a variance"), expected);
    }
    let absent = read_with("DDPMScheduler", &json!({})).expect("a scheduler");
    assert_eq!(absent.diffusion.variance_type, VarianceType::FixedSmall);
    for (name, learn_sigma) in [("learned", true), ("fixed_large_log", true), ("learned_range", false)] {
        let error = format!("{:#}", variance(name, learn_sigma).expect_err(name));
        assert!(error.contains("variance_type") && error.contains(name) && error.contains("fixed_small"), "{error}");
    }
}

#[test]
fn a_flow_scheduler_makes_the_path_straight() {
    let class = "FlowMatchEulerDiscreteScheduler";
    let found =
        read_with(class, &json!({ "shift": 3.0, "shift_terminal": null, "max_shift": 1.15 })).expect("a scheduler");
    let expected =
        DiffusionConfig { timestep_spacing: TimestepSpacing::Linspace, shift: 3.0, ..DiffusionConfig::flow() };
    assert_eq!((found.diffusion, found.sampler), (expected, SamplerKind::Euler));
    assert!(found.note.expect("a note").contains("shift 3"));
    assert_eq!(read_with(class, &json!({})).expect("a scheduler").diffusion.shift, 1.0);
    for (name, value) in [
        ("use_dynamic_shifting", json!(true)),
        ("use_karras_sigmas", json!(true)),
        ("use_exponential_sigmas", json!(true)),
        ("use_beta_sigmas", json!(true)),
        ("invert_sigmas", json!(true)),
        ("stochastic_sampling", json!(true)),
        ("shift_terminal", json!(0.1)),
        ("num_train_timesteps", json!(500)),
        ("shift", json!(0.0)),
        ("shift", json!("much")),
    ] {
        refused(class, &json!({ name: value }), &[name]);
    }
}

/// A checkpoint does not tell what it predicts, a scheduler's file does.
#[test]
fn what_is_predicted_can_be_said_of_a_checkpoint() {
    let asked = |config: &Value, kind| read(config, &transformer(true), Numbers::Official, Some(kind));
    let found = asked(&Value::Null, PredictionType::SitFlowPrediction).expect("SiT");
    let expected = DiffusionConfig {
        prediction_type: PredictionType::SitFlowPrediction,
        guidance_channels: Some(3),
        ..DiffusionConfig::flow()
    };
    assert_eq!((found.diffusion, found.sampler), (expected, SamplerKind::Heun));
    let v = asked(&Value::Null, PredictionType::VPrediction).expect("v").diffusion;
    assert_eq!((v.prediction_type, v.beta_schedule), (PredictionType::VPrediction, BetaSchedule::Linear));
    let file = json!({ "_class_name": CLASSES[0] });
    let error = asked(&file, PredictionType::VPrediction).expect_err("two that say it");
    assert!(format!("{error:#}").contains("--prediction-type"), "{error:#}");
}

#[test]
fn other_schedulers_are_refused_by_name() {
    for class in ["EulerDiscreteScheduler", "HeunDiscreteScheduler", "PNDMScheduler", "DPMSolverSinglestepScheduler"] {
        refused(class, &json!({}), &[class, "DDIMScheduler, DDPMScheduler", "from_config", "save_pretrained"]);
    }
    for class in ["FlowMatchHeunDiscreteScheduler", "FlowMatchLCMScheduler"] {
        refused(class, &json!({}), &[class, "pipe.scheduler = FlowMatchEulerDiscreteScheduler.from_config"]);
    }
    let error = read(&json!({}), &transformer(false), Numbers::Diffusers, None).expect_err("no class");
    assert!(format!("{error:#}").contains("_class_name"), "{error:#}");
}

#[test]
fn what_would_compute_otherwise_is_refused_by_name() {
    let [ddim, ddpm, dpm, unipc] = CLASSES;
    for class in CLASSES {
        for (name, value) in [
            ("beta_start", json!(0.001)),
            ("beta_end", json!(0.012)),
            ("num_train_timesteps", json!(4000)),
            ("trained_betas", json!([0.1])),
            ("rescale_betas_zero_snr", json!(true)),
            ("beta_schedule", json!("scaled_linear")),
        ] {
            refused(class, &json!({ name: value }), &[name, "trained with it"]);
        }
        refused(class, &json!({ "thresholding": true }), &["thresholding = true", class, "thresholding=False"]);
        refused(class, &json!({ "prediction_type": "flow_prediction" }), &["flow matching"]);
        refused(class, &json!({ "timestep_spacing": "karras" }), &["timestep_spacing", "leading, trailing, linspace"]);
        refused(class, &json!({ "timestep_spacing": "uniform" }), &["timestep_spacing"]);
        refused(class, &json!({ "steps_offset": -1 }), &["steps_offset = -1", "0 to 999"]);
    }
    for class in [dpm, unipc] {
        refused(class, &json!({ "use_flow_sigmas": true }), &["use_flow_sigmas", "flow matching"]);
        for name in ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_dynamic_shifting"] {
            refused(class, &json!({ name: true }), &[&format!("{name} = true"), class, &format!("{name}=False")]);
        }
        refused(class, &json!({ "solver_order": 3 }), &["solver_order = 3", "solver_order=2"]);
        refused(class, &json!({ "final_sigmas_type": "sigma_min" }), &["final_sigmas_type", "zero"]);
    }
    for (class, name, value) in [
        (ddim, "clip_sample", json!("yes")),
        (ddpm, "clip_sample_range", json!(0.0)),
        (ddim, "set_alpha_to_one", json!(1)),
        (dpm, "use_lu_lambdas", json!(true)),
        (dpm, "algorithm_type", json!("sde-dpmsolver++")),
        (dpm, "solver_type", json!("heun")),
        (dpm, "variance_type", json!("learned_range")),
        (dpm, "lambda_min_clipped", json!(-4.0)),
        (dpm, "lambda_min_clipped", json!("NaN")),
        (unipc, "solver_type", json!("bh1")),
        (unipc, "predict_x0", json!(false)),
        (unipc, "lower_order_final", json!(false)),
        (unipc, "disable_corrector", json!([0])),
        (unipc, "solver_p", json!({})),
    ] {
        refused(class, &json!({ name: value }), &[name]);
    }
    // The usual bound for cosine schedules lies beyond the end of the linear one. −∞ is no JSON.
    for least in [json!(-5.1), json!("-Infinity"), Value::Null] {
        read_with(dpm, &json!({ "lambda_min_clipped": least })).expect("nothing is cut off");
    }
    let cosine = json!({ "lambda_min_clipped": -5.1, "beta_schedule": "squaredcos_cap_v2" });
    refused(dpm, &cosine, &["lambda_min_clipped = -5.1", "inf"]);
}
