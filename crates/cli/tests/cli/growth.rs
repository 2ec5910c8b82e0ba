//! `dit data growth`: what a training keeps of its pictures on the way, and what the page gets of it.

use crate::checkpoints::train;
use crate::dit;
use crate::support::snapshot;
use crate::train::TRAINED;
use ditscope_config::{Growth, SamplerKind};
use std::path::Path;

/// Pictures of Fashion-MNIST are 32 pixels wide here.
const SIDE: u32 = 32;

/// The steps whose pictures are there.
fn kept(out: &Path) -> Vec<usize> {
    let files =
        std::fs::read_dir(out.join("growth")).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let step = |name: String| name.strip_prefix("step-")?.strip_suffix(".png")?.parse().ok();
    let mut steps: Vec<usize> = files.filter_map(|name| step(name.to_string_lossy().into_owned())).collect();
    steps.sort_unstable();
    steps
}

pub fn packed(folder: &Path) -> (Growth, image::DynamicImage) {
    let json = std::fs::read(folder.join("growth.json")).expect("growth.json");
    let sheet = std::fs::read(folder.join("growth.jpg")).expect("growth.jpg");
    assert!(sheet.len() < 400_000, "{} bytes", sheet.len());
    let sheet = image::load_from_memory_with_format(&sheet, image::ImageFormat::Jpeg).expect("a JPEG");
    (serde_json::from_slice(&json).expect("JSON"), sheet)
}

#[test]
fn a_training_keeps_moments_that_are_packed_for_the_page() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (run, out) = (folder.path().join("run"), folder.path().join("out"));
    train(5, &run).succeeds();
    assert_eq!(kept(&run), [0, 1, 2, 4, 5]);
    let one = image::open(run.join("growth/step-000004.png")).expect("a PNG");
    assert_eq!((one.width(), one.height()), (6 * SIDE, 8 * SIDE), "a run a row, of the first eight classes");

    let pack = |words: &str| dit(&format!("data growth {words}")).with("--run", &run).with("--out", &out);
    let said = pack("").succeeds();
    assert!(said.contains("5 moments to step 5, 8 classes"), "{said}");
    let (growth, sheet) = packed(&out);
    assert_eq!((sheet.width(), sheet.height()), (8 * 6 * SIDE, 5 * SIDE));
    assert!(!sheet.color().has_color(), "gray pictures make a gray sheet");
    assert_eq!((growth.steps.as_slice(), [growth.width, growth.height]), (&[0, 1, 2, 4, 5][..], [32, 32]));
    assert_eq!(growth.timesteps.len(), 5);
    assert!(growth.timesteps.windows(2).all(|pair| pair[0] > pair[1]), "{:?}", growth.timesteps);
    assert_eq!((growth.sampler, growth.num_inference_steps, growth.guidance_scale), (SamplerKind::Ddim, 20, 2.0));
    assert_eq!((growth.classes[7], growth.seeds[7], growth.labels[7].as_str()), (7, 7, "Sneaker"));
    let losses: Vec<usize> = growth.loss.iter().map(|(step, _)| *step).collect();
    assert_eq!(losses, [1, 2, 3, 4, 5]);
    // The same picture is in both, as far as JPEG goes.
    let far = |x: u32, y: u32, at: u32| {
        let [a, b] =
            [one.to_luma8().get_pixel(x, y).0[0], sheet.to_luma8().get_pixel(at + x, 3 * SIDE + y % SIDE).0[0]];
        a.abs_diff(b)
    };
    let pixels = (0..6 * SIDE).flat_map(|x| (2 * SIDE..3 * SIDE).map(move |y| (x, y)));
    let mean = pixels.map(|(x, y)| f64::from(far(x, y, 2 * 6 * SIDE))).sum::<f64>() / f64::from(6 * SIDE * SIDE);
    assert!(mean < 6.0, "class 2 after four steps: {mean} shades off");

    let before = snapshot(&out);
    pack("").succeeds();
    assert_eq!(before, snapshot(&out), "the same training, the same files");
    pack("--class sandal,0").succeeds();
    let (growth, sheet) = packed(&out);
    assert_eq!(
        (growth.labels.as_slice(), growth.seeds.as_slice()),
        (&["Sandal".into(), "T-shirt/top".into()][..], &[5, 0][..])
    );
    assert_eq!(sheet.width(), 2 * 6 * SIDE);
    // With little room, as many of the first as there is room for.
    pack("--kilobytes 2").succeeds();
    let (growth, sheet) = packed(&out);
    assert!(std::fs::metadata(out.join("growth.jpg")).expect("a file").len() <= 2_000);
    assert!((1..8).contains(&growth.labels.len()) && growth.labels[0] == "T-shirt/top", "{:?}", growth.labels);
    assert_eq!(sheet.width(), growth.labels.len() as u32 * 6 * SIDE);
}

#[test]
fn a_training_that_goes_on_has_every_moment_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (run, out) = (folder.path().join("run"), folder.path().join("out"));
    train(3, &run).succeeds();
    assert_eq!(kept(&run), [0, 1, 2, 3]);
    // A crash after the checkpoint leaves pictures of steps that will be taken again.
    std::fs::write(run.join("growth/step-000512.png"), "not of this training").expect("a file");
    train(9, &run).succeeds();
    assert_eq!(kept(&run), [0, 1, 2, 3, 4, 8, 9]);
    dit("data growth").with("--run", &run).with("--out", &out).succeeds();
    assert_eq!(packed(&out).0.steps, [0, 1, 2, 4, 8, 9], "an earlier end is no moment");
    // Begun anew, nothing of the old one is left.
    std::fs::remove_dir_all(run.join("checkpoint")).expect("a checkpoint");
    std::fs::remove_dir_all(run.join("model")).expect("a model");
    train(2, &run).succeeds();
    assert_eq!(kept(&run), [0, 1, 2]);
}

#[test]
fn what_cannot_become_a_film_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (run, out) = (folder.path().join("run"), folder.path().join("out"));
    let pack = |words: &str, run: &Path| dit(&format!("data growth {words}")).with("--run", run).with("--out", &out);
    pack("", &TRAINED.classifier).refuses(&["growth", "no pictures of a training", "samples-*.png"]);
    train(2, &run).succeeds();
    pack("--class 12", &run).refuses(&["12"]);
    pack("--kilobytes 0", &run).refuses(&["--kilobytes 0", "--class"]);
    let picture = run.join("growth/step-000001.png");
    std::fs::copy(run.join("samples-000002.png"), &picture).expect("a copy");
    pack("", &run).refuses(&["step-000001.png", "192x256", "Remove it"]);
    std::fs::write(&picture, "no picture").expect("a file");
    pack("", &run).refuses(&["step-000001.png", "not a PNG"]);
    for step in [1, 2] {
        std::fs::remove_file(run.join(format!("growth/step-{step:06}.png"))).expect("a file");
    }
    pack("", &run).refuses(&["fewer than two moments"]);
    assert!(!out.exists(), "nothing was written");
}
