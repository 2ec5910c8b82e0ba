//! From data to a model, pictures and a table of figures.

use crate::support::DataFiles;
use crate::{dit, picture};
use burn::tensor::Device;
use ditscope_config::PredictionType;
use ditscope_core::generate::Model;
use ditscope_core::weights::collect;
use ditscope_model_dir as model_dir;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A small data set and everything that a few steps of training make of it.
pub struct Trained {
    pub data: PathBuf,
    pub autoencoder: PathBuf,
    pub dit: PathBuf,
    pub classifier: PathBuf,
}

/// Options that make training short.
pub const SHORT: &str = "--batch-size 8 --micro-batch-size 8 --threads 1 --warmup-steps 1 --epochs 0.25";
/// And its models small.
pub const SMALL_AUTOENCODER: &str =
    "--encoder-widths 4,4,4 --encoder-blocks 0,0,0 --decoder-widths 4,4,4 --decoder-blocks 0,0,0";
pub const SMALL_DIT: &str = "--depth 1 --hidden-size 32 --num-heads 2";

/// Trained once for all tests.
pub static TRAINED: LazyLock<Trained> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli");
    let _ = std::fs::remove_dir_all(&folder);
    let data = DataFiles::new(64, 32).write(&folder.join("data"));
    let (autoencoder, dit_out, classifier) =
        (folder.join("autoencoder"), folder.join("dit"), folder.join("classifier"));
    dit(&format!("train autoencoder {SHORT} {SMALL_AUTOENCODER}"))
        .with("--data", &data)
        .with("--out", &autoencoder)
        .succeeds();
    dit(&format!("train dit {SHORT} {SMALL_DIT} --min-snr-gamma 5"))
        .with("--data", &data)
        .with("--autoencoder", &autoencoder)
        .with("--out", &dit_out)
        .succeeds();
    dit(&format!("train classifier {SHORT}")).with("--data", &data).with("--out", &classifier).succeeds();
    Trained { data, autoencoder, dit: dit_out, classifier }
});

/// The columns of `log.csv`, without its header.
pub fn log(out: &Path) -> Vec<Vec<f64>> {
    let text = std::fs::read_to_string(out.join("log.csv")).expect("log.csv");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("step,seconds,loss,grad_norm,lr,images_per_second"));
    lines.map(|line| line.split(',').map(|cell| cell.parse().expect("a number")).collect()).collect()
}

/// Its steps.
pub fn steps(out: &Path) -> Vec<usize> {
    log(out).iter().map(|line| line[0] as usize).collect()
}

#[test]
fn training_leaves_a_log_a_checkpoint_pictures_and_a_result() {
    for out in [&TRAINED.autoencoder, &TRAINED.dit, &TRAINED.classifier] {
        assert_eq!(steps(out), [1, 2], "{}", out.display());
        assert!(log(out).iter().flatten().all(|v| v.is_finite()));
        assert!(out.join("checkpoint/state.json").exists());
        assert!(!out.join("checkpoint.tmp").exists() && !out.join("checkpoint.old").exists());
    }
    // Ten rows of eight pictures of 32 pixels with gaps of two, enlarged twice.
    let (width, height, _) = picture(&TRAINED.dit.join("samples-000002.png"));
    assert_eq!((width, height), (2 * (8 * 34 - 2), 2 * (10 * 34 - 2)));
    assert!(TRAINED.autoencoder.join("reconstructions-000002.png").exists());
}

/// All random numbers are those of the training with them, so another loss is of the pictures; the first step's is not, as a fresh
/// network puts out zeros.
#[test]
fn mirror_images_can_be_left_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    dit(&format!("train dit {SHORT} {SMALL_DIT} --min-snr-gamma 5 --no-mirror"))
        .with("--data", &TRAINED.data)
        .with("--autoencoder", &TRAINED.autoencoder)
        .with("--out", folder.path())
        .succeeds();
    let second = |out: &Path| log(out)[1][2];
    let change = second(folder.path()) / second(&TRAINED.dit) - 1.0;
    assert!(change != 0.0 && change.abs() < 0.2, "{change}");
}

#[test]
fn a_trained_model_can_be_sampled_by_the_name_of_a_class() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = TRAINED.dit.join("model");
    let (by_name, by_number) = (folder.path().join("name.png"), folder.path().join("number.png"));
    for (class, out) in [("ankle boot", &by_name), ("9", &by_number)] {
        dit("sample --steps 3").with("--model", &model).with("--class", class).with("--out", out).succeeds();
    }
    assert_eq!((picture(&by_name).0, picture(&by_name).1), (32, 32));
    assert_eq!(picture(&by_name), picture(&by_number));
    let info = dit("info").with("--", &model).succeeds();
    assert!(info.contains("Fashion") && info.contains("latent       4x8x8"), "{info}");
}

#[test]
fn evaluation_writes_a_line_for_each_combination() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let json = folder.path().join("eval.json");
    let table = dit("eval --samples 20 --steps 2,3 --guidance-scales 1,4 --samplers ddim,dpm++")
        .with("--model", TRAINED.dit.join("model"))
        .with("--classifier", TRAINED.classifier.join("classifier"))
        .with("--data", &TRAINED.data)
        .with("--json", &json)
        .succeeds();
    assert!(table.contains("sampler") && table.contains("dpm++"), "{table}");
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).expect("eval.json")).expect("JSON");
    assert_eq!(report["samples"], 20);
    for figure in ["classifier_accuracy", "floor", "reconstruction"] {
        assert!(report[figure].as_f64().is_some_and(|v| v >= -1e-6), "{figure}: {}", report[figure]);
    }
    let rows = report["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 8);
    for row in rows {
        assert!((0.0..=1.0).contains(&row["class_accuracy"].as_f64().expect("an accuracy")));
        assert!(row["frechet_distance"].as_f64().expect("a distance").is_finite());
    }
}

#[test]
fn evaluation_refuses_what_it_cannot_judge() {
    let (_folder, tiny) = crate::with_tiny_model();
    let eval = |words: &str, model: &Path, classifier: &Path| {
        dit(&format!("eval {words}"))
            .with("--model", model)
            .with("--classifier", classifier)
            .with("--data", &TRAINED.data)
    };
    let (model, classifier) = (TRAINED.dit.join("model"), TRAINED.classifier.join("classifier"));
    eval("--samples 4 --steps 2", &tiny, &classifier).refuses(&["Tiny", "8x8", "32x32"]);
    eval("--samples 4 --steps 2", &model, &tiny).refuses(&["classifier.", "missing"]);
    eval("--samples 4 --steps 2", &model, Path::new("nowhere")).refuses(&["nowhere", "--classifier wants"]);
    eval("--samples 1", &model, &classifier).refuses(&["--samples 1", "at least 2"]);
    eval("--samples 4 --steps 0", &model, &classifier).refuses(&["steps = 0", "1 to 1000"]);
    eval("--samples 4 --samplers rk4", &model, &classifier).refuses(&["rk4", "ddim, ddpm, dpm++, unipc"]);
    eval("--samples 4 --samplers euler", &model, &classifier).refuses(&["euler", "ddim, ddpm, dpm++, unipc"]);
    eval("--samples 4 --steps 2 --guidance-scales nan", &model, &classifier).refuses(&["--guidance-scales", "finite"]);
    eval("--samples 4 --batch-size 0", &model, &classifier).refuses(&["--batch-size 0", "positive"]);
}

#[test]
fn how_pictures_look_can_count_while_an_autoencoder_learns() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let train = |out: &str, words: &str| {
        dit(&format!("train autoencoder {SHORT} {SMALL_AUTOENCODER} {words}"))
            .with("--data", &TRAINED.data)
            .with("--out", folder.path().join(out))
    };
    let network = TRAINED.classifier.join("classifier");
    train("plain", "").succeeds();
    train("looks", "--perceptual-weight 0.5").with("--perceptual", &network).succeeds();
    let losses = |out: &str| log(&folder.path().join(out)).iter().map(|line| line[2]).collect::<Vec<_>>();
    let (plain, looks) = (losses("plain"), losses("looks"));
    assert!(looks[0] > 1.01 * plain[0], "the first loss is of the same pictures and weights: {plain:?}, {looks:?}");
    train("a", "").with("--perceptual", "nowhere").refuses(&["nowhere", "--perceptual wants"]);
    train("b", "--perceptual-weight 0.5").refuses(&["--perceptual <DIR>"]);
    for weight in ["0", "-1", "nan", "inf"] {
        let refused = train("c", &format!("--perceptual-weight={weight}")).with("--perceptual", &network);
        refused.refuses(&["--perceptual-weight", "positive"]);
    }
}

#[test]
fn a_decoder_can_be_trained_on_with_its_encoder_frozen() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    dit(&format!("train autoencoder {SHORT}"))
        .with("--decoder-of", &TRAINED.autoencoder)
        .with("--data", &TRAINED.data)
        .with("--out", folder.path())
        .succeeds();
    let parts = |dir: &Path| {
        let (config, model) = model_dir::load_trainable_autoencoder(dir, &Device::flex()).expect("an autoencoder");
        let values = |t: Vec<ditscope_core::weights::NamedTensor>| t.into_iter().map(|t| t.values).collect::<Vec<_>>();
        (config, values(collect(&model.encoder, "")), values(collect(&model.decoder, "")))
    };
    let (before, after) = (parts(&TRAINED.autoencoder), parts(folder.path()));
    assert_eq!(before.0, after.0);
    assert_eq!(before.1, after.1, "the encoder is frozen");
    assert_ne!(before.2, after.2, "the decoder is trained");
}

#[test]
fn the_autoencoder_of_a_model_serves_as_well() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (decoder, dit_out) = (folder.path().join("decoder"), folder.path().join("dit"));
    dit(&format!("train autoencoder {SHORT}"))
        .with("--decoder-of", TRAINED.dit.join("model"))
        .with("--data", &TRAINED.data)
        .with("--out", &decoder)
        .succeeds();
    dit(&format!("train dit {SHORT} {SMALL_DIT}"))
        .with("--autoencoder", TRAINED.dit.join("model"))
        .with("--data", &TRAINED.data)
        .with("--out", &dit_out)
        .succeeds();
    let of = |dir: &Path| model_dir::load_trainable_autoencoder(dir, &Device::flex()).expect("an autoencoder").0;
    assert_eq!(of(&decoder), of(&dit_out.join("model")));
}

/// Squares of pixels as channels, patches of one latent pixel, normalised queries and keys.
#[test]
fn other_shapes_are_trained_sampled_and_converted_as_well() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let autoencoder =
        "--patch-size 2 --encoder-widths 4,4 --encoder-blocks 0,0 --decoder-widths 4,4 --decoder-blocks 0,0";
    let train =
        |words: &str, out: &str| dit(&format!("train {words}")).with("--data", &TRAINED.data).with("--out", path(out));
    train(&format!("autoencoder {SHORT} {autoencoder}"), "autoencoder").succeeds();
    train(&format!("autoencoder {SHORT} --patch-size 3"), "none").refuses(&["patch_size", "1, 2, 4 or 8"]);
    train(&format!("dit {SHORT} {SMALL_DIT} --patch-size 1 --qk-norm"), "dit")
        .with("--autoencoder", path("autoencoder"))
        .succeeds();
    dit(&format!("convert --dtype int8 {}", path("dit/model").display())).with("--out", path("small")).succeeds();
    for model in ["dit/model", "small"] {
        let png = path("a.png");
        dit("sample --steps 2").with("--model", path(model)).with("--out", &png).succeeds();
        assert_eq!(picture(&png).0, 32);
    }
}

#[test]
fn a_training_can_start_from_a_model() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let init = TRAINED.dit.join("model");
    let train = |words: &str| {
        dit(&format!("train dit {SHORT} {words} --lr 1e-12"))
            .with("--data", &TRAINED.data)
            .with("--autoencoder", &init)
            .with("--init", &init)
            .with("--out", folder.path())
    };
    train("--depth 2 --hidden-size 32 --num-heads 2").refuses(&["--init", "depth: 1", "depth: 2", "trained with"]);
    train(&format!("{SMALL_DIT} --beta-schedule linear")).refuses(&["--init", "Cosine", "Linear"]);
    train(SMALL_DIT).succeeds();
    let load = |dir: &Path| model_dir::load(dir, &Device::flex()).expect("a model");
    let (before, after) = (load(&init), load(&folder.path().join("model")));
    assert_eq!(before.config.latents, after.config.latents);
    let values = |model: &Model| collect(&model.dit, "").into_iter().flat_map(|t| t.values).collect::<Vec<_>>();
    let pairs = values(&before).into_iter().zip(values(&after));
    let most = pairs.fold(0.0, |most: f32, (a, b)| most.max((a - b).abs()));
    assert!(most < 1e-6, "the weights moved by {most} at a learning rate of almost nothing");
    dit(&format!("train dit {SHORT}"))
        .with("--data", &TRAINED.data)
        .with("--autoencoder", &init)
        .with("--init", "nowhere")
        .with("--out", folder.path().join("out"))
        .refuses(&["--init wants a model", "nowhere"]);
    // The process must be the same, what is said of it need not.
    let turned = folder.path().join("turned");
    dit(&format!("train dit {SHORT} {SMALL_DIT} --prediction-type v"))
        .with("--data", &TRAINED.data)
        .with("--autoencoder", &init)
        .with("--init", &init)
        .with("--out", &turned)
        .succeeds();
    assert_eq!(load(&turned.join("model")).config.scheduler.prediction_type, PredictionType::VPrediction);
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let refused = |words: &str, says: &[&str]| {
        let (kind, options) = words.split_once(' ').expect("a kind and options");
        let mut command = dit(&format!("train {kind} {SHORT}")).with("--data", &TRAINED.data);
        if kind == "dit" {
            command = command.with("--autoencoder", &TRAINED.autoencoder);
        }
        command.0.arg("--out").arg(folder.path().join("out")).args(options.split_whitespace());
        command.refuses(says);
        assert!(!folder.path().join("out/model").exists(), "{words}");
    };
    refused("dit --preset XXL", &["preset 'XXL'", "S, B, L, XL"]);
    refused("dit --hidden-size 30 --num-heads 4", &["num_heads 4", "hidden_size 30"]);
    refused("dit --patch-size 3", &["patch_size 3", "sample_size 8"]);
    refused("dit --class-dropout 1", &["--class-dropout 1"]);
    refused("dit --min-snr-gamma=-1", &["--min-snr-gamma"]);
    refused("dit --clip-sample-range 0", &["clip_sample_range", "positive"]);
    refused("autoencoder --encoder-widths 4,4", &["number of stages"]);
    refused("autoencoder --latent-channels 0", &["width", "between 1 and 4096"]);
    let seven = "--encoder-widths 4,4,4,4,4,4,4 --encoder-blocks 0,0,0,0,0,0,0 \
                 --decoder-widths 4,4,4,4,4,4,4 --decoder-blocks 0,0,0,0,0,0,0";
    refused(&format!("autoencoder {seven}"), &["stages", "32"]);
    let trainer = |options: &str, says: &[&str]| refused(&format!("classifier {options}"), says);
    trainer("--checkpoint-minutes=-1", &["--checkpoint-minutes -1", "use"]);
    trainer("--sample-minutes inf", &["--sample-minutes inf", "use"]);
    trainer("--max-minutes 0", &["--max-minutes", "positive"]);
    trainer("--lr 0", &["--lr 0", "positive"]);
    trainer("--lr nan", &["--lr NaN", "positive"]);
    trainer("--ema-decay 1", &["--ema-decay 1"]);
}

#[test]
fn every_conditioning_can_be_trained_and_sampled() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for conditioning in ["in_context", "cross_attention", "adaln"] {
        let out = folder.path().join(conditioning);
        dit(&format!("train dit {SHORT} {SMALL_DIT} --conditioning {conditioning} --prediction-type v"))
            .with("--data", &TRAINED.data)
            .with("--autoencoder", &TRAINED.autoencoder)
            .with("--out", &out)
            .succeeds();
        let png = out.join("a.png");
        dit("sample --steps 2").with("--model", out.join("model")).with("--out", &png).succeeds();
        assert_eq!(picture(&png).0, 32);
    }
    dit(&format!("train dit {SHORT} --conditioning film"))
        .with("--data", &TRAINED.data)
        .with("--autoencoder", &TRAINED.autoencoder)
        .with("--out", folder.path().join("none"))
        .refuses(&["film", "in_context, cross_attention, adaln, adaln_zero"]);
}

#[test]
fn a_model_is_pruned_and_distilled() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let train = |options: &str, out: &str| {
        dit(&format!("train dit {SHORT} --hidden-size 32 --num-heads 2 {options}"))
            .with("--data", &TRAINED.data)
            .with("--autoencoder", &TRAINED.autoencoder)
            .with("--out", path(out))
    };
    train("--depth 3", "whole").succeeds();
    let whole = path("whole").join("model");
    let prune = |depth: usize| {
        dit(&format!("prune --depth {depth} --pictures 16"))
            .with("--model", &whole)
            .with("--data", &TRAINED.data)
            .with("--out", path("pruned"))
    };
    prune(3).refuses(&["--depth 3", "3 blocks", "1 to 2"]);
    let said = prune(2).succeeds();
    assert!(said.contains("3 blocks: loss") && said.contains("2 blocks: loss"), "{said}");
    assert_eq!(model_dir::read_config(&path("pruned")).expect("a model").transformer.depth, 2);
    train("--depth 2", "distilled").with("--init", path("pruned")).with("--teacher", &whole).succeeds();
    dit("sample --steps 2").with("--model", path("distilled").join("model")).with("--out", path("a.png")).succeeds();
    let other = train("--depth 2 --beta-schedule linear", "other").with("--teacher", &whole);
    other.refuses(&["--teacher", "noise of that model"]);
}

#[test]
fn samples_are_shown_beside_their_nearest_training_pictures() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let png = folder.path().join("pairs.png");
    let said = dit("neighbours --samples 10 --steps 2")
        .with("--model", TRAINED.dit.join("model"))
        .with("--data", &TRAINED.data)
        .with("--out", &png)
        .succeeds();
    assert!(said.contains("10 samples: median") && said.contains("10 held-out pictures"), "{said}");
    assert_eq!((picture(&png).0, picture(&png).1), (2 * (8 * 34 - 2), 2 * (3 * 34 - 2)));
    let (_folder, tiny) = crate::with_tiny_model();
    let other = dit("neighbours --samples 2").with("--model", &tiny).with("--data", &TRAINED.data);
    other.refuses(&["Tiny", "another size"]);
}
