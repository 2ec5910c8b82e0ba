//! `dit sample` that begins with a picture, and what looking inside costs.

use crate::{dit, picture, read_tensor, with_tiny_model};
use std::path::Path;

/// A gray ramp that is wider than high.
fn write_ramp(path: &Path) {
    let ramp = image::RgbImage::from_fn(40, 20, |x, y| image::Rgb([(x * 5) as u8, (y * 9) as u8, 128]));
    ramp.save_with_format(path, image::ImageFormat::Png).expect("a picture");
}

#[test]
fn a_picture_is_the_beginning_and_strength_says_how_much_of_it_goes() {
    let (folder, model) = with_tiny_model();
    let path = |name: &str| folder.path().join(name);
    write_ramp(&path("ramp.png"));
    let sample = || dit("sample --class 1 --steps 8 --seed 3").with("--model", &model);
    for (strength, out) in [("1", "whole"), ("0.5", "half"), ("0.5", "again")] {
        let from = sample().with("--init-image", path("ramp.png")).with("--strength", strength);
        from.with("--latents-out", path(out)).with("--out", path(&format!("{out}.png"))).succeeds();
    }
    let latents = |name: &str| read_tensor(&path(name), "latents");
    assert_eq!(latents("half"), latents("again"));
    assert_ne!(latents("half"), latents("whole"));
    assert_eq!(picture(&path("half.png")).0, 8, "the model's size, not the picture's");
}

#[test]
fn pictures_and_strengths_that_make_no_sense_are_refused() {
    let (folder, model) = with_tiny_model();
    let path = |name: &str| folder.path().join(name);
    write_ramp(&path("ramp.png"));
    std::fs::write(path("text.png"), "no picture").expect("a file");
    let refused = |file: &str, strength: &str, says: &[&str]| {
        let sample = dit("sample --class 1 --steps 8").with("--model", &model).with("--out", path("out.png"));
        sample.with("--init-image", path(file)).with("--strength", strength).refuses(says);
        assert!(!path("out.png").exists());
    };
    refused("missing.png", "0.5", &["missing.png", "cannot read"]);
    refused("text.png", "0.5", &["text.png", "PNG"]);
    refused("ramp.png", "1.5", &["--strength 1.5", "0 to 1"]);
    refused("ramp.png", "nan", &["--strength NaN", "0 to 1"]);
    refused("ramp.png", "0.1", &["--strength 0.1", "0.125 or more"]);
    let alone = dit("sample --class 1 --strength 0.5").with("--model", &model).with("--out", path("out.png"));
    alone.refuses(&["--init-image"]);
}

#[test]
fn each_picture_may_have_a_scale_of_its_own() {
    let (folder, model) = with_tiny_model();
    let path = |name: &str| folder.path().join(name);
    let sample = || dit("sample --class 1 --steps 3").with("--model", &model);
    sample().with("--seed", "3").with("--guidance-scale", "1,2,6").with("--latents-out", path("all")).succeeds();
    assert_eq!(read_tensor(&path("all"), "latents").0, [3, 4, 4, 4]);
    let wrong = sample().with("--seed", "1,2,3").with("--guidance-scale", "1,2").with("--latents-out", path("all"));
    wrong.refuses(&["--guidance-scale", "2 entries for 3 pictures"]);
}

#[test]
fn the_benchmark_prints_ratios() {
    let (_folder, model) = with_tiny_model();
    let text = dit("bench --steps 3").with("--model", &model).succeeds();
    assert!(text.contains("ratio") && text.contains("forward, traced") && text.contains("step, watched"), "{text}");
    dit("bench --steps 0").with("--model", &model).refuses(&["--steps 0", "positive"]);
    dit("bench --batch-size 0").with("--model", &model).refuses(&["--batch-size 0", "positive"]);
}
