//! What the repository ships works: models load, recorded runs are whole, the classifier is small.

use ditscope_test_support as support;

use burn::tensor::{Device, Tensor};
use ditscope_cli::classifier;
use ditscope_cli::image::pictures;
use ditscope_cli::index::{CATALOG_FILE, catalog};
use ditscope_config::{Catalog, SamplerKind};
use ditscope_convert::{Numbers, Plan, StoredType, convert};
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Model, Noise, Request, Run};
use ditscope_core::weights::sha256_hex;
use ditscope_data::fashion;
use ditscope_model_dir as model_dir;
use ditscope_ops::Ops;
use ditscope_page_state::film::Film;
use ditscope_page_state::growth::Growth;
use ditscope_page_state::{DEFAULT_MODEL, TOUR_MODEL};
use ditscope_protocol::{FramePart, RecordedRun};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets")
}

/// The folders in a folder of assets; there must be one at least.
fn folders(of: &str) -> Vec<PathBuf> {
    let parent = assets().join(of);
    let entries = std::fs::read_dir(&parent).unwrap_or_else(|error| panic!("{}: {error}", parent.display()));
    let found: Vec<PathBuf> =
        entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()).collect();
    assert!(!found.is_empty(), "{} holds nothing", parent.display());
    found
}

#[test]
fn every_model_loads_and_draws() {
    for folder in folders("models") {
        let model = model_dir::load(&folder, &Device::flex()).unwrap_or_else(|error| panic!("{error:#}"));
        let request = Request {
            classes: vec![model.config.defaults.class],
            noise: Noise::Seeded(vec![model.config.defaults.seed]),
            guidance_scales: vec![model.config.defaults.guidance_scale],
            guidance_channels: None,
            sampler: SamplerConfig::new(model.config.defaults.sampler, 5),
            start: None,
        };
        let mut run = Run::new(&model, request).expect("the model's own defaults");
        while !run.is_done() {
            run.step().expect("a step");
        }
        let latents = support::values(run.x_t().clone());
        assert!(latents.iter().all(|v| v.is_finite()), "{}: latents that are no numbers", folder.display());
        let picture = &pictures(model.decode(run.x_t().clone()))[0];
        assert_eq!(picture.width, model.config.image_size());
        let (least, most) = (picture.pixels.iter().min(), picture.pixels.iter().max());
        assert!(least < most, "{}: a picture of one shade", folder.display());
    }
}

#[test]
fn every_index_lists_exactly_the_shards_that_are_there() {
    for folder in folders("models") {
        let index = std::fs::read(folder.join(ditscope_core::weights::INDEX_FILE)).expect("an index");
        let index = ditscope_core::weights::WeightsIndex::parse("index", &index).expect("a good index");
        let listed: Vec<String> = index.metadata.shards.keys().cloned().collect();
        let names = std::fs::read_dir(&folder).expect("a folder").map(|e| e.expect("an entry").file_name());
        let mut there: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        there.retain(|name| name.ends_with(".safetensors"));
        there.sort();
        assert_eq!(there, listed, "{}", folder.display());
        // The page loads them before the visitor's patience ends.
        assert!(index.total_bytes() < 20_000_000, "{}: {} bytes", folder.display(), index.total_bytes());
    }
}

#[test]
fn the_index_of_the_models_is_what_dit_index_writes() {
    let models = assets().join("models");
    let json = std::fs::read(models.join(CATALOG_FILE)).expect("index.json");
    let listed: Catalog = serde_json::from_slice(&json).expect("a catalog");
    let first = listed.models.first().map(|entry| entry.id.as_str());
    assert_eq!(listed, catalog(&models, first).expect("models"), "run: dit index assets/models");
    assert_eq!(first, Some(DEFAULT_MODEL), "the page opens with it");
    let error = catalog(&models, Some("unheard-of")).expect_err("no such model").to_string();
    assert!(error.contains("unheard-of") && error.contains("--first"), "{error}");
}

#[test]
fn every_recorded_run_is_whole() {
    for folder in folders("runs") {
        let json = std::fs::read(folder.join("run.json")).expect("run.json");
        let run: RecordedRun = serde_json::from_slice(&json).expect("a recorded run");
        let steps = run.info.settings.num_inference_steps;
        assert_eq!(run.info.timesteps.len(), steps);
        assert_eq!(run.info.alpha_bar.len(), steps);
        assert_eq!(run.frames.len(), steps + 1);
        // One picture, or one class and seed at several guidance scales.
        let is_comparison = folder.to_string_lossy().ends_with("-guidance");
        assert_eq!(run.info.num_images > 1, is_comparison);
        assert_eq!(run.info.guidance_scales.len(), run.info.num_images);
        assert!(!run.model.is_empty() && !run.label.is_empty());
        let [c, h, w] = run.info.latent_shape;
        let [height, width] = run.info.image_shape;
        let frames = std::fs::read(folder.join("run.bin")).expect("run.bin");
        let bytes = |part: &FramePart| if *part == FramePart::Pictures { height * width * 4 } else { c * h * w * 4 };
        let due: usize = run.frames.iter().flat_map(|frame| &frame.parts).map(bytes).sum();
        let due = due * run.info.num_images;
        assert_eq!(frames.len(), due, "{}", folder.display());
        let most = if is_comparison { 800_000 } else { 500_000 };
        assert!(due < most, "{}: it is there before the model, so it is small", folder.display());
        for (step, frame) in run.frames.iter().enumerate() {
            assert_eq!((frame.step, frame.image_shape, frame.preview), (step, run.info.image_shape, false));
            let predicted = frame.parts.contains(&FramePart::X0Hat) && frame.parts.contains(&FramePart::EpsUncond);
            assert_eq!(predicted, step < steps, "{}: frame {step} has {:?}", folder.display(), frame.parts);
        }
        assert_eq!(run.frames[0].parts[0], FramePart::XT);
        let latents = frames[..c * h * w * 4].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        assert!(latents.into_iter().all(f32::is_finite), "{}: noise that is no number", folder.display());
    }
}

/// Where there is a film of a model's training, the page can show it.
#[test]
fn every_film_of_a_training_is_whole_and_small() {
    for folder in folders("runs").into_iter().filter(|folder| folder.join("growth.json").exists()) {
        let [json, sheet] = ["growth.json", "growth.jpg"].map(|file| std::fs::read(folder.join(file)).expect("a file"));
        let growth = Growth::read(&String::from_utf8_lossy(&json)).expect("a film");
        let picture = image::load_from_memory_with_format(&sheet, image::ImageFormat::Jpeg).expect("a JPEG");
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        assert!(growth.fits((width, height)), "{}: {width}x{height} pixels", folder.display());
        assert!(json.len() + sheet.len() < 400_000, "{}: {} bytes", folder.display(), sheet.len());
    }
}

#[test]
fn the_tours_model_and_its_recorded_comparison_are_there() {
    for file in [format!("models/{TOUR_MODEL}/config.json"), format!("runs/{TOUR_MODEL}-guidance/run.json")] {
        assert!(assets().join(&file).is_file(), "{file}");
    }
}

/// The run of 8bd9671, when all was one package, byte for byte: it opens as it did.
#[test]
fn a_run_that_was_recorded_before_the_crates_opens_unchanged() {
    const HASHES: [&str; 2] = [
        "f5b195f6806bcfca3e14d2e673cfbe5f51e1bfafe6ca16f5f36a33d3294e63bd",
        "d692d1ec792da246f339c3d816ae69d7639d6c9224dbcf0cd5ccb1779a17cc42",
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/recorded-run");
    let [json, bytes] = ["run.json", "run.bin"].map(|file| std::fs::read(folder.join(file)).expect("a recording"));
    assert_eq!([&json, &bytes].map(|file| sha256_hex(file)), HASHES, "this one is to stay as it is");
    let run: RecordedRun = serde_json::from_slice(&json).expect("a description");
    let (steps, class) = (run.info.timesteps.len(), run.info.settings.class);
    let film = Film::from_recording(run, &bytes).expect("a sound recording");
    assert_eq!((film.is_complete(), film.steps(), film.label.as_str(), class), (true, steps, "Ankle boot", 9));
}

#[test]
fn the_classifier_loads_and_is_small() {
    let folder = assets().join("classifier");
    classifier::load("--classifier", &folder, &fashion(), &Device::flex()).unwrap_or_else(|error| panic!("{error:#}"));
    let bytes: usize = support::snapshot(&folder).values().map(Vec::len).sum();
    assert!(bytes < 1_000_000, "{bytes} bytes");
}

/// Whether numbers of its weights are stored in 8 bits.
fn is_in_8_bits(folder: &Path) -> bool {
    let file = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut shards = file.filter(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
    shards.any(|path| {
        let bytes = std::fs::read(path).expect("a file");
        let length = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes")) as usize;
        String::from_utf8_lossy(&bytes[8..8 + length]).contains("\"I8\"")
    })
}

/// The same weights have the same files, whichever version wrote them: what is known by its hash stays known.
#[test]
fn written_anew_the_files_keep_every_byte() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let compare = |start: &str, shipped: &Path, anew: &Path| {
        let names = |folder: &Path| -> BTreeSet<String> {
            let entries =
                std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
            entries.map(|name| name.to_string_lossy().into_owned()).filter(|name| name.starts_with(start)).collect()
        };
        assert_eq!(names(anew), names(shipped), "{}", shipped.display());
        for name in names(anew) {
            let same = std::fs::read(anew.join(&name)).ok() == std::fs::read(shipped.join(&name)).ok();
            assert!(same, "{}: {name} is another file", shipped.display());
        }
    };
    for folder in folders("models") {
        let anew = out.path().join(folder.file_name().expect("a name"));
        // A model in 8 bits was made of the one beside it; of weights that are not here it cannot be made anew.
        let beside = folder.to_string_lossy().strip_suffix("-int8").map(PathBuf::from).filter(|source| source.is_dir());
        let (source, dtype) = match beside {
            Some(source) => (source, StoredType::Int8),
            None if is_in_8_bits(&folder) => continue,
            None => (folder.clone(), StoredType::F16),
        };
        let plan = Plan {
            source,
            dtype,
            out: anew.clone(),
            autoencoder: None,
            num_heads: None,
            num_classes: None,
            labels: None,
            name: None,
            license: None,
            preview: false,
            device: Device::flex(),
            numbers: Numbers::default(),
            prediction_type: None,
        };
        convert(&plan, &|_| {}).unwrap_or_else(|error| panic!("{error:#}"));
        compare("model", &folder, &anew);
    }
    let (shipped, anew) = (assets().join("classifier"), out.path().join("classifier"));
    let loaded = classifier::load("--classifier", &shipped, &fashion(), &Device::flex()).expect("a classifier");
    classifier::save(&loaded, &anew).expect("a folder");
    // Its index is from before the number of parameters was written there.
    compare("model-", &shipped, &anew);
}

/// The first 200 test pictures of Fashion-MNIST: labels, and pixels `[200, 28, 28]`.
fn test_pictures() -> (Vec<usize>, Vec<u8>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/fashion-test-200.gz");
    let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).expect("a gzip file");
    let pixels = bytes.split_off(200);
    (bytes.into_iter().map(usize::from).collect(), pixels)
}

/// As the model was trained on them: padded to 32x32, in [−1, 1]; `[1, 1, 32, 32]`.
fn padded(pixels: &[u8]) -> Tensor<4> {
    let at = |i: usize| {
        let (row, column) = ((i / 32).wrapping_sub(2), (i % 32).wrapping_sub(2));
        let is_inside = row < 28 && column < 28;
        if is_inside { f32::from(pixels[row * 28 + column]) / 127.5 - 1.0 } else { -1.0 }
    };
    support::tensor((0..32 * 32).map(at).collect(), [1, 1, 32, 32])
}

fn shipped_fashion() -> Model {
    let model = model_dir::load(&assets().join("models/fashion"), &Device::flex());
    model.unwrap_or_else(|error| panic!("{error:#}")).fused(Ops::of(&Device::flex()))
}

/// A model that paints is a classifier: the class with which it finds the noise best (Li et al. 2023, arXiv:2303.16203).
#[test]
fn the_model_names_four_of_five_test_pictures() {
    const NOISES: usize = 8;
    let model = shipped_fashion();
    let (labels, pixels) = test_pictures();
    let classes: Vec<usize> = (0..10).collect();
    let is_named = |(label, pixels): (&usize, &[u8])| {
        let latent = model.encode(padded(pixels)).expect("an encoder");
        let mut sums = [0.0; 10];
        for noise in 0..NOISES {
            let t = 150 + 600 * noise / NOISES;
            let errors = model.class_errors(latent.clone(), t, noise as u64, &classes).expect("its own classes");
            sums.iter_mut().zip(support::values(errors)).for_each(|(sum, error)| *sum += error);
        }
        let best = (0..10).min_by(|a, b| sums[*a].total_cmp(&sums[*b]));
        best == Some(*label)
    };
    let right = labels.iter().zip(pixels.chunks_exact(28 * 28)).filter(|picture| is_named(*picture)).count();
    println!("{right} of 200 test pictures are named right, with {NOISES} noises each");
    assert!(right >= 160, "{right} of 200");
}

/// The more steps, the nearer a test picture comes back from its noise.
#[test]
fn a_test_picture_comes_back_from_its_noise() {
    let model = shipped_fashion();
    let (labels, pixels) = test_pictures();
    let error = |steps: usize| {
        let pictures = labels.iter().zip(pixels.chunks_exact(28 * 28)).take(6);
        let squares = pictures.map(|(label, pixels)| {
            let latent = model.encode(padded(pixels)).expect("an encoder");
            let noise = model.inverted(latent.clone(), *label, steps).expect("a class of its own");
            let request = Request {
                classes: vec![*label],
                noise: Noise::Begun { start: noise, seeds: vec![0] },
                guidance_scales: vec![1.0],
                guidance_channels: None,
                sampler: SamplerConfig::new(SamplerKind::Ddim, steps),
                start: None,
            };
            let mut run = Run::new(&model, request).expect("a sound request");
            while !run.is_done() {
                run.step().expect("a step");
            }
            support::values((run.x_t().clone() - latent).square().mean())[0]
        });
        (squares.sum::<f32>() / 6.0).sqrt()
    };
    let errors = [10, 30, 100].map(error);
    println!("inversion, root mean square of the latents with 10, 30, 100 steps: {errors:?}");
    assert!(errors.is_sorted_by(|a, b| a > b), "{errors:?}");
    assert!(errors[2] < 0.15, "{errors:?}");
}
