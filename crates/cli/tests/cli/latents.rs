//! `dit data latents`, and training on what it makes: on the command line, and as the page's trainer does.

use crate::dit;
use crate::support;
use crate::train::{TRAINED, log};
use burn::tensor::Device;
use ditscope_config::PredictionType;
use ditscope_core::dit::Dit;
use ditscope_model_dir as model_dir;
use ditscope_protocol::training::Setup;
use ditscope_tensor_file::LatentSet;
use ditscope_train::{DitTask, Latents, Recipe, Session};
use pollster::block_on;
use std::path::{Path, PathBuf};

fn latents(out: &Path, count: usize) -> PathBuf {
    dit(&format!("data latents --count {count}"))
        .with("--model", TRAINED.dit.join("model"))
        .with("--data", &TRAINED.data)
        .with("--out", out)
        .succeeds();
    out.to_owned()
}

fn read(folder: &Path) -> LatentSet {
    let text = std::fs::read_to_string(folder.join("latents.json")).expect("a description");
    let data = std::fs::read(folder.join("latents.bin")).expect("numbers");
    LatentSet::read(&text, &data).expect("latents")
}

#[test]
fn latents_are_the_first_pictures_of_each_class_in_eight_bits() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = latents(folder.path(), 40);
    let set = read(&out);
    let config = model_dir::read_config(&TRAINED.dit.join("model")).expect("a model");
    assert_eq!((set.info.count, set.info.shape, set.info.num_classes), (40, [4, 8, 8], 10));
    assert_eq!((&set.info.mean, &set.info.std), (&config.latents.mean, &config.latents.std));
    assert!((0..10).all(|class| set.labels.iter().filter(|label| **label == class).count() == 4));
    assert!(set.info.rms_error > 0.0 && set.info.rms_error < 0.02, "{}", set.info.rms_error);
    let before = std::fs::read(out.join("latents.bin")).expect("a file");
    latents(folder.path(), 40);
    assert_eq!(std::fs::read(out.join("latents.bin")).expect("a file"), before, "the same pictures give the same file");
    let refused = |count: usize, words: &[&str]| {
        dit(&format!("data latents --count {count}"))
            .with("--model", TRAINED.dit.join("model"))
            .with("--data", &TRAINED.data)
            .with("--out", folder.path())
            .refuses(words);
    };
    refused(15, &["--count 15", "multiple of 10"]);
    refused(1000, &["class 0", "use --count"]);
}

#[test]
fn the_latents_that_are_shipped_are_of_their_models_and_small() {
    const MOST_BYTES: usize = 2_000_000;
    let models = std::fs::read_dir(support::root().join("assets/models")).expect("the models");
    let folders = models.map(|entry| entry.expect("an entry").path()).filter(|path| path.join("latents.json").exists());
    let folders: Vec<PathBuf> = folders.collect();
    assert!(!folders.is_empty(), "there is something to train on in the page");
    for folder in folders {
        let (set, config) = (read(&folder), model_dir::read_config(&folder).expect("a model"));
        let dit = &config.transformer;
        assert_eq!(set.info.shape, dit.latent_shape(), "{}", folder.display());
        assert_eq!((&set.info.mean, &set.info.std), (&config.latents.mean, &config.latents.std));
        assert_eq!(set.info.num_classes, config.labels.len());
        let each = set.info.count / set.info.num_classes;
        let counted = |class: usize| set.labels.iter().filter(|label| usize::from(**label) == class).count();
        assert!((0..config.labels.len()).all(|class| counted(class) == each), "evenly by class");
        assert!(set.data().len() <= MOST_BYTES, "{}: {} bytes", folder.display(), set.data().len());
    }
}

#[test]
fn the_pages_trainer_has_the_losses_of_the_command_line() {
    const STEPS: usize = 20;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = TRAINED.dit.join("model");
    let (kept, out) = (latents(folder.path(), 40), folder.path().join("run"));
    let options = "--depth 2 --hidden-size 32 --num-heads 1 --prediction-type v --batch-size 16 --micro-batch-size 8 \
                   --threads 1 --warmup-steps 5 --epochs 8 --lr 2e-3 --ema-decay 0.9 --class-dropout 0.2 --seed 3";
    dit(&format!("train dit {options}"))
        .with("--latents", &kept)
        .with("--autoencoder", &model)
        .with("--out", &out)
        .succeeds();
    let expected: Vec<f64> = log(&out).iter().map(|line| line[2]).collect();
    assert_eq!(expected.len(), STEPS);

    let (set, config) = (read(&kept), model_dir::read_config(&model).expect("a model"));
    let mut setup = Setup {
        hidden_size: 32,
        depth: 2,
        prediction_type: PredictionType::VPrediction,
        batch_size: 16,
        seed: 3,
        ..Setup::suggested(&config)
    };
    (setup.knobs.lr, setup.knobs.class_dropout, setup.knobs.goal) = (2e-3, 0.2, STEPS * 16);
    setup.validate(&config).expect("a setup");
    let trained = setup.config(&config);
    let device = Device::flex().autodiff();
    device.seed(setup.seed);
    // The process's one generator: no other test here draws from it (`random_model` has numbers of its own).
    let dit = Dit::new(&trained.transformer, &device);
    let (values, labels) = set.of_classes(&setup.classes);
    let task = DitTask::new(&trained, Latents::new(values, set.info.shape), labels, &device);
    let task = DitTask { class_dropout: setup.knobs.class_dropout, ..task };
    let recipe = Recipe {
        batch_size: setup.batch_size,
        micro_batch_size: 8,
        lr: setup.knobs.lr,
        warmup_steps: 5,
        ema_decay: 0.9,
        clip_norm: 1.0,
        total_steps: setup.total_steps(),
    };
    let mut session = Session::new(task, recipe, dit, setup.seed);
    let losses: Vec<f64> = (0..STEPS).map(|_| block_on(session.step()).expect("a finite loss").loss).collect();
    let off = losses.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(off < 1e-3, "{off}: {losses:?} and {expected:?}");
    assert!(session.is_done());
}

#[test]
fn latents_of_something_else_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let kept = latents(folder.path(), 40);
    let train =
        || dit("train dit --epochs 1 --batch-size 8").with("--latents", &kept).with("--out", folder.path().join("out"));
    train().with("--autoencoder", &TRAINED.autoencoder).refuses(&["--latents", "--autoencoder"]);
    train().with("--autoencoder", TRAINED.dit.join("model")).with("--data", &TRAINED.data).refuses(&["--data"]);
    std::fs::write(kept.join("latents.bin"), b"short").expect("a file");
    train().with("--autoencoder", TRAINED.dit.join("model")).refuses(&["latents.json", "5 bytes"]);
    std::fs::remove_file(kept.join("latents.json")).expect("a file");
    train().with("--autoencoder", TRAINED.dit.join("model")).refuses(&["latents.json"]);
    dit("train dit --epochs 1").with("--autoencoder", &TRAINED.autoencoder).with("--out", &kept).refuses(&["--data"]);
}
