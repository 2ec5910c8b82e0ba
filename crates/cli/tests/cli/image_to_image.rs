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

/// What a run from this picture gives, of which all is left.
fn whole(model: &Path, init: &Path) -> Vec<u8> {
    let out = init.with_extension("kept");
    let sample = dit("sample --class 1 --steps 1000 --strength 0.001 --seed 3").with("--model", model);
    sample.with("--init-image", init).with("--latents-out", &out).succeeds();
    read_tensor(&out, "latents").1
}

#[test]
fn transparent_parts_lie_on_the_ground_that_the_models_pictures_have() {
    let (folder, model) = with_tiny_model();
    let path = |name: &str| folder.path().join(name);
    // A gray disc in the middle of nothing, and the same on black and on white.
    let drawn = |name: &str, ground: [u8; 4]| {
        let inside = |x: u32, y: u32| (x as i32 - 8).pow(2) + (y as i32 - 8).pow(2) < 25;
        let pixel = |x, y| image::Rgba(if inside(x, y) { [90, 90, 90, 255] } else { ground });
        image::RgbaImage::from_fn(16, 16, pixel).save(path(name)).expect("a picture");
        whole(&model, &path(name))
    };
    let (black, white) = (drawn("black.png", [0, 0, 0, 255]), drawn("white.png", [255; 4]));
    assert_ne!(black, white);
    // Red that cannot be seen is none. What the model's pictures are on is not known: a dark thing lies on white.
    assert!(drawn("clear.png", [255, 0, 0, 0]) == white);
    for (ground, expected) in [(0, &black), (255, &white)] {
        let sheet = image::GrayImage::from_fn(32, 8, |x, y| {
            let is_border = |at: u32| [0, 7].contains(&(at % 8));
            image::Luma([if is_border(x) || is_border(y) { ground } else { 128 }])
        });
        sheet.save(model.join("training.png")).expect("a picture");
        assert!(&drawn("clear.png", [255, 0, 0, 0]) == expected, "on {ground}");
    }
}

#[test]
fn a_jpeg_is_read_upright_and_other_formats_name_the_cure() {
    let (folder, model) = with_tiny_model();
    let path = |name: &str| folder.path().join(name);
    let picture = image::RgbImage::from_fn(32, 32, |x, _| image::Rgb([if x < 16 { 20 } else { 230 }; 3]));
    picture.save(path("a.png")).expect("a picture");
    picture.save_with_format(path("b.jpg"), image::ImageFormat::Jpeg).expect("a picture");
    let numbers =
        |bytes: Vec<u8>| -> Vec<f32> { bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect() };
    let of = |name: &str| numbers(whole(&model, &path(name)));
    let far = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let (png, jpeg) = (of("a.png"), of("b.jpg"));
    // The camera was turned: the data says by how much.
    let bytes = std::fs::read(path("b.jpg")).expect("a file");
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x03\0\0\0\0\0\0\0";
    let segment = [b"\xff\xe1", (exif.len() as u16 + 2).to_be_bytes().as_slice(), exif].concat();
    std::fs::write(path("turned.jpg"), [&bytes[..2], &segment, &bytes[2..]].concat()).expect("a file");
    image::imageops::rotate180(&picture).save(path("c.png")).expect("a picture");
    let (turned, rotated) = (of("turned.jpg"), of("c.png"));
    assert!(far(&jpeg, &png) < 0.1 * far(&png, &rotated), "{} {}", far(&jpeg, &png), far(&png, &rotated));
    assert!(far(&turned, &rotated) < 0.1 * far(&png, &rotated), "{}", far(&turned, &rotated));

    std::fs::write(path("d.webp"), b"RIFF\x1a\0\0\0WEBPVP8L").expect("a file");
    let sample = dit("sample --class 1").with("--model", &model).with("--init-image", path("d.webp"));
    sample.with("--out", path("out.png")).refuses(&["d.webp", "PNG or JPEG", "Save the picture"]);
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
