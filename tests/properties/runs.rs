//! Runs that are watched, guided picture by picture, or begun with a picture.

use crate::cases;
use crate::support::{max_difference, random, random_model, tiny_config, tiny_model, values};
use burn::tensor::{Device, Tensor};
use ditscope_config::{AutoencoderConfig, DitConfig};
use ditscope_config::{ConfigError, DiffusionConfig, KlConfig, ModelConfig, PredictionType, SamplerKind};
use ditscope_core::diffusion::prediction::q_sample;
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Model, Noise, Request, Run, Start, Step, latent_shape};
use ditscope_model_dir as model_dir;
use ditscope_noise::gaussian;
use proptest::prelude::*;
use std::path::Path;

fn shipped() -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/models/fashion");
    model_dir::load(&folder, &Device::flex()).expect("the shipped model")
}

/// Three pictures with one class and seed.
fn request(scales: &[f64], sampler: SamplerConfig) -> Request {
    Request {
        classes: vec![1; 3],
        noise: Noise::Seeded(vec![5; 3]),
        guidance_scales: scales.to_vec(),
        guidance_channels: None,
        sampler,
        start: None,
    }
}

fn steps(model: &Model, request: Request, watched: bool) -> (Vec<Step>, Tensor<4>) {
    let mut run = Run::new(model, request).expect("a valid request");
    if watched {
        run = run.watched();
    }
    let mut steps = Vec::new();
    while !run.is_done() {
        steps.push(run.step().expect("a step"));
    }
    (steps, run.x_t().clone())
}

fn finished(model: &Model, request: Request) -> Tensor<4> {
    steps(model, request, false).1
}

proptest! {
    #![proptest_config(cases(12))]

    /// Whatever the network predicts, with and without clamping, on all channels and on some.
    #[test]
    fn what_a_watched_run_shows_fits_together(
        prediction in prop::sample::select(vec![PredictionType::Epsilon, PredictionType::Sample, PredictionType::VPrediction]),
        learn_sigma in any::<bool>(), clip in prop::option::of(0.5..4.0f64), channels in 1..=4usize,
        kind in prop::sample::select(SamplerKind::DIFFUSION.to_vec()), scale in 1.5..6.0f64,
    ) {
        let tiny = tiny_config();
        let scheduler = DiffusionConfig { prediction_type: prediction, clip_sample_range: clip, ..tiny.scheduler.clone() };
        let transformer = DitConfig { learn_sigma, ..tiny.transformer.clone() };
        let model = random_model(&ModelConfig { scheduler, transformer, ..tiny });
        let scales = [1.0, scale, 2.0 * scale];
        let request = Request { guidance_channels: Some(channels), ..request(&scales, SamplerConfig::new(kind, 4)) };
        check_watched(&model, request, channels);
    }
}

/// Guided ε and x̂0 of every step are what the formulas make of the rest.
fn check_watched(model: &Model, request: Request, channels: usize) {
    let run = Run::new(model, request.clone()).expect("a valid request");
    let (plain, end) = steps(model, request.clone(), false);
    let (watched, same_end) = steps(model, request.clone(), true);
    assert_eq!(max_difference(end, same_end), 0.0, "looking on changes nothing");
    for (i, (step, plain)) in watched.into_iter().zip(plain).enumerate() {
        assert!(plain.watched.is_none());
        assert_eq!(max_difference(plain.x0_hat, step.x0_hat.clone()), 0.0);
        let seen = step.watched.expect("a watched step");
        let eps_uncond = seen.eps_uncond.expect("scales that are not 1");
        let per_picture = step.x_t.shape().num_elements() / 3;
        let per_channel = per_picture / 4;
        let (eps, cond, uncond) = (values(seen.eps.clone()), values(seen.eps_cond), values(eps_uncond));
        for at in 0..eps.len() {
            let scale = request.guidance_scales[at / per_picture] as f32;
            let guided = at % per_picture / per_channel < channels;
            let expected = if guided { uncond[at] + scale * (cond[at] - uncond[at]) } else { cond[at] };
            let most = 1e-4 * (1.0 + cond[at].abs() + uncond[at].abs()) * scale;
            assert!((eps[at] - expected).abs() <= most, "step {i}: {} and {expected}", eps[at]);
        }
        let (signal, noise) = run.sampler().schedule().q_sample_factors(run.sampler().index(i));
        let x0 = (step.x_t.clone() - seen.eps * noise) / signal;
        let x0 = match model.config.scheduler.clip_sample_range {
            Some(range) => x0.clamp(-range, range),
            None => x0,
        };
        let most = values(x0.clone()).iter().fold(1.0f32, |most, v| most.max(v.abs()));
        let off = max_difference(x0, step.x0_hat);
        assert!(off <= 1e-3f64.max(1e-5 / signal) * f64::from(most), "step {i}: x̂0 is off by {off}");
    }
}

#[test]
fn the_shipped_models_epsilon_and_x0_fit_together() {
    let model = shipped();
    check_watched(&model, request(&[1.0, 2.0, 4.0], SamplerConfig::new(SamplerKind::Ddim, 10)), 4);
}

#[test]
fn without_guidance_there_is_no_unconditional_epsilon() {
    let model = tiny_model();
    let sampler = SamplerConfig::new(SamplerKind::Ddim, 3);
    for step in steps(&model, request(&[1.0; 3], sampler), true).0 {
        let seen = step.watched.expect("a watched step");
        assert!(seen.eps_uncond.is_none());
        assert_eq!(max_difference(seen.eps, seen.eps_cond), 0.0);
    }
}

#[test]
fn a_batch_of_scales_gives_the_pictures_that_each_scale_gives_alone() {
    for (model, kinds) in [(tiny_model(), &SamplerKind::DIFFUSION[..]), (shipped(), &SamplerKind::DIFFUSION[..1])] {
        for kind in kinds {
            let sampler = SamplerConfig::new(*kind, 5);
            let scales = [1.0, 2.0, 4.0];
            let batch = finished(&model, request(&scales, sampler));
            for (i, scale) in scales.into_iter().enumerate() {
                let alone = finished(&model, request(&[scale], sampler));
                let of = |t: &Tensor<4>| t.clone().narrow(0, i, 1);
                let off = max_difference(of(&batch), of(&alone));
                assert!(off < 1e-3, "{} at scale {scale}: off by {off}", model.config.name);
            }
            assert!(max_difference(batch.clone().narrow(0, 1, 1), batch.narrow(0, 2, 1)) > 1e-2);
        }
    }
}

#[test]
fn scales_that_do_not_fit_are_refused() {
    let model = tiny_model();
    let sampler = SamplerConfig::new(SamplerKind::Ddim, 3);
    for (scales, name) in
        [(vec![], "guidance scales"), (vec![1.0, 2.0], "guidance scales"), (vec![f64::NAN; 3], "guidance scale")]
    {
        let refused = Run::new(&model, request(&scales, sampler)).expect_err("scales that do not fit");
        assert!(matches!(refused, ConfigError::OutOfRange { name: n, .. } if n == name), "{refused}");
    }
}

#[test]
fn a_run_from_a_picture_begins_with_its_noised_latents() {
    let model = tiny_model();
    let x0 = random(8, latent_shape(&model, 1));
    for kind in SamplerKind::DIFFUSION {
        for first in [0, 3, 7] {
            let sampler = SamplerConfig::new(kind, 8);
            let start = Start { step: first, x0: x0.clone() };
            let run = Run::new(&model, Request { start: Some(start), ..request(&[2.0], sampler) }).expect("a start");
            let shape = latent_shape(&model, 3);
            let noise: Vec<f32> = (0..3).flat_map(|_| gaussian(5, 0, shape[1..].iter().product())).collect();
            let index = run.sampler().index(first);
            let noise = crate::support::tensor(noise, shape);
            let expected = q_sample(run.sampler().schedule(), index, x0.clone().expand(shape), noise);
            assert_eq!(max_difference(run.x_t().clone(), expected), 0.0);
            assert_eq!(run.steps_left(), 8 - first);
            let info = run.outline();
            assert_eq!(info.timesteps.len(), 8 - first);
            assert_eq!(info.timesteps[0], run.sampler().timestep(first));
            assert_eq!(info.alpha_bar[0], run.sampler().alpha_bar(first));
            let mut run = run;
            while !run.is_done() {
                run.step().expect("a step");
            }
            assert!(values(run.x_t().clone()).iter().all(|v| v.is_finite()));
        }
    }
}

#[test]
fn the_later_a_run_begins_the_more_of_the_picture_stays() {
    let model = shipped();
    let sampler = SamplerConfig::new(SamplerKind::Ddim, 20);
    let boot = finished(&model, Request { classes: vec![9; 3], ..request(&[2.0], sampler) });
    let off = |step| {
        let start = Some(Start { step, x0: boot.clone() });
        let noise = Noise::Seeded(vec![1, 2, 3]);
        let sneakers = finished(&model, Request { classes: vec![7; 3], noise, start, ..request(&[2.0], sampler) });
        let squares = (sneakers - boot.clone()).square();
        f64::from(values(squares.mean())[0])
    };
    let (early, middle, late) = (off(1), off(10), off(18));
    assert!(early > middle && middle > late && late < 0.1, "{early}, {middle}, {late}");
}

#[test]
fn the_noise_that_is_seen_in_a_picture_is_that_of_a_run_from_it() {
    let model = shipped();
    let sampler = SamplerConfig::new(SamplerKind::Ddim, 20);
    let noise = Noise::Seeded(vec![5]);
    let x0 = finished(&model, Request { classes: vec![9], noise, ..request(&[2.0], sampler) });
    let mut errors = vec![];
    for step in [2, 10, 18] {
        let noise = Noise::Seeded(vec![7]);
        let start = Some(Start { step, x0: x0.clone() });
        let (steps, _) = steps(&model, Request { classes: vec![9], noise, start, ..request(&[2.0], sampler) }, true);
        let watched = steps[0].watched.clone().expect("a watched step");
        let t = Run::new(&model, request(&[2.0], sampler)).expect("a run").sampler().timestep(step);
        let [noise, with, without] = model.seen_noise(x0.clone(), t, 7, 9).expect("in range");
        assert!(max_difference(with.clone(), watched.eps_cond) < 1e-3, "t = {t}");
        assert!(max_difference(without.clone(), watched.eps_uncond.expect("guided")) < 1e-3, "t = {t}");
        let x_t = model.noised(x0.clone(), t, &[7]).expect("in range");
        let error = |seen: Tensor<4>| f64::from(values((seen - noise.clone()).square().mean())[0]);
        assert!(max_difference(x_t, steps[0].x_t.clone()) < 1e-5);
        errors.push((error(with), error(without)));
    }
    // The less noise there is, the harder it is to see; and the class is a help where there is much.
    assert!(errors.windows(2).all(|pair| pair[0].0 < pair[1].0), "{errors:?}");
    assert!(errors[0].0 < errors[0].1, "{errors:?}");
    for (t, class, name) in [(1000, 9, "timestep"), (0, 10, "class")] {
        let refused = model.seen_noise(x0.clone(), t, 7, class).expect_err("out of range");
        assert!(matches!(refused, ConfigError::OutOfRange { name: n, .. } if n == name), "{refused}");
    }
}

#[test]
fn the_class_with_the_smallest_error_is_the_pictures() {
    let model = shipped();
    let sampler = SamplerConfig::new(SamplerKind::Ddim, 20);
    let classes: Vec<usize> = (0..10).collect();
    for class in [1, 5, 8] {
        let noise = Noise::Seeded(vec![3]);
        let x0 = finished(&model, Request { classes: vec![class], noise, ..request(&[2.0], sampler) });
        let mut sums = vec![0.0; 10];
        for (t, seed) in [(300, 1), (500, 2), (600, 3), (700, 4), (800, 5)] {
            let errors = values(model.class_errors(x0.clone(), t, seed, &classes).expect("in range"));
            let [noise, with, _] = model.seen_noise(x0.clone(), t, seed, class).expect("in range");
            let alone = values((with - noise).square().mean())[0];
            assert!((errors[class] - alone).abs() < 1e-4, "{} is not {alone}", errors[class]);
            sums.iter_mut().zip(&errors).for_each(|(sum, error)| *sum += f64::from(*error));
        }
        let best = (0..10).min_by(|a, b| sums[*a].total_cmp(&sums[*b])).expect("ten classes");
        assert_eq!(best, class, "{sums:?}");
    }
    for (t, class, name) in [(1000, 9, "timestep"), (0, 10, "class")] {
        let refused = model.class_errors(random(1, [1, 4, 8, 8]), t, 7, &[class]).expect_err("out of range");
        assert!(matches!(refused, ConfigError::OutOfRange { name: n, .. } if n == name), "{refused}");
    }
}

#[test]
fn a_start_that_does_not_fit_is_refused() {
    let model = tiny_model();
    let refused = |step, shape| {
        let start = Some(Start { step, x0: random(1, shape) });
        let sampler = SamplerConfig::new(SamplerKind::Ddim, 8);
        Run::new(&model, Request { start, ..request(&[1.0], sampler) }).expect_err("no start").to_string()
    };
    assert!(refused(8, [1, 4, 4, 4]).contains("first step = 8"));
    assert!(refused(0, [2, 4, 4, 4]).contains("[2, 4, 4, 4]"));
    assert!(refused(0, [1, 4, 8, 8]).contains("[1, 4, 8, 8]"));
}

#[test]
fn strength_is_the_share_of_the_steps_that_are_taken() {
    let first = |strength| Start::step_for(strength, 30);
    assert_eq!([first(0.0), first(0.01), first(0.1), first(0.5), first(1.0)], [30, 30, 27, 15, 0]);
}

#[test]
fn pictures_come_back_from_their_latents() {
    let model = shipped();
    let picture = model.decode(finished(&model, request(&[2.0], SamplerConfig::new(SamplerKind::Ddim, 20))));
    let back = model.decode(model.encode(picture.clone()).expect("an encoder"));
    let error = values((back - picture).square().mean())[0];
    assert!(error < 0.04, "{error}");
}

#[test]
fn what_cannot_be_encoded_is_refused_in_words() {
    let mut model = tiny_model();
    let picture = || random(3, [1, 1, 8, 8]);
    assert_eq!(model.encode(picture()).expect("an encoder").dims(), [1, 4, 4, 4]);
    let refused = |model: &Model, x: Tensor<4>| model.encode(x).expect_err("no latents").to_string();
    for shape in [[1, 3, 8, 8], [1, 1, 4, 8]] {
        assert!(refused(&model, random(3, shape)).contains("[N, 1, 8, 8]"));
    }
    (model.autoencoder, model.config.autoencoder) = (None, None);
    assert!(refused(&model, random(3, [1, 3, 4, 4])).contains("no autoencoder"));
    let mut pixels = tiny_config();
    (pixels.autoencoder, pixels.transformer.in_channels) = (None, 1);
    (pixels.latents.mean, pixels.latents.std) = (vec![0.5], vec![0.25]);
    let x = random(4, [1, 1, 4, 4]);
    let encoded = random_model(&pixels).encode(x.clone()).expect("pixels are their own latents");
    assert!(max_difference(encoded, (x - 0.5) / 0.25) < 1e-6);
    let mut heavy = tiny_config();
    let kl: KlConfig = serde_json::from_value(serde_json::json!({
        "latent_channels": 4, "out_channels": 3, "block_out_channels": [32, 32], "layers_per_block": 1,
        "norm_num_groups": 32, "scaling_factor": 0.18215,
    }))
    .expect("a decoder");
    heavy.autoencoder = Some(AutoencoderConfig::Kl(kl));
    let message = refused(&random_model(&heavy), random(3, [1, 3, 8, 8]));
    assert!(message.contains("AutoencoderKL") && message.contains("only a decoder"), "{message}");
}
