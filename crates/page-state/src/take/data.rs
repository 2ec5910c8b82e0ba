//! A run as data, pure: its description as JSON, its tensors as a file that numerical libraries read.

use super::state::About;
use crate::film::{Film, Frame, origin, picture, place};
use ditscope_tensor_file::{self as file, Dtype, Entry};
use serde_json::{Map, Value};

/// Of the description; another one is not compatible.
const VERSION: u32 = 1;

type Latents = fn(&Frame) -> Option<&[f32]>;

/// The latents of a frame by the names they have in the papers.
const LATENTS: [(&str, Latents); 4] = [
    ("x_t", |frame| Some(&frame.x_t)),
    ("x0_hat", |frame| frame.x0_hat.as_deref()),
    ("eps_cond", |frame| frame.eps_cond.as_deref()),
    ("eps_uncond", |frame| frame.eps_uncond.as_deref()),
];

/// Everything about a run but its tensors. README.md has the fields.
pub fn description(film: &Film, about: &About) -> String {
    let info = &film.info;
    let mut run = Map::new();
    let mut put = |name: &str, value: Value| drop(run.insert(name.into(), value));
    put("format", "ditscope-run".into());
    put("format_version", VERSION.into());
    put("ditscope_version", env!("CARGO_PKG_VERSION").into());
    put("link", about.link.clone().into());
    put("model", film.model.clone().into());
    put("model_source", about.model_source.clone().into());
    put("model_license", about.license.clone().into());
    put("device", about.device.clone().into());
    put("class_label", film.label.clone().into());
    // These are plain numbers and names: their JSON cannot fail.
    put("settings", serde_json::to_value(&info.settings).unwrap_or_default());
    put("num_images", info.num_images.into());
    put("latent_shape", info.latent_shape.to_vec().into());
    put("image_shape", info.image_shape.to_vec().into());
    put("timesteps", info.timesteps.clone().into());
    put("alpha_bar", info.alpha_bar.clone().into());
    put("steps_skipped", info.steps_skipped.into());
    put("guidance_scales", info.guidance_scales.clone().into());
    put("guidance_channels", info.guidance_channels.into());
    let seeds: Vec<u64> = (0..info.num_images).map(|i| origin(info, i).1).collect();
    put("seeds", seeds.into());
    put("recorded", film.recorded.into());
    put("complete", film.is_complete().into());
    put("frames_made", film.received().into());
    put("frames", film.frames().iter().map(|frame| described(film, frame)).collect::<Vec<_>>().into());
    put("tensors", tensors(film).into_iter().map(|entry| (entry.name.clone(), shape(&entry))).collect());
    Value::Object(run).to_string()
}

fn described(film: &Film, frame: &Frame) -> Value {
    let (t, alpha_bar) = place(&film.info, frame.step);
    let mut map = Map::new();
    map.insert("step".into(), frame.step.into());
    map.insert("t".into(), t.into());
    map.insert("alpha_bar".into(), alpha_bar.into());
    map.insert("ms".into(), frame.ms.into());
    map.insert("preview".into(), frame.preview.into());
    // Only these have an `eps_uncond`.
    map.insert("unconditional".into(), frame.eps_uncond.is_some().into());
    Value::Object(map)
}

fn shape(entry: &Entry) -> Value {
    let mut map = Map::new();
    map.insert("dtype".into(), entry.dtype.name().into());
    map.insert("shape".into(), entry.shape.clone().into());
    Value::Object(map)
}

/// What is in the file, in its order: from wide types to narrow ones.
fn tensors(film: &Film) -> Vec<Entry> {
    let info = &film.info;
    let frames = film.frames().len();
    let mut entries = vec![
        Entry::new("alpha_bar", Dtype::F64, vec![frames]),
        Entry::new("step", Dtype::I64, vec![frames]),
        Entry::new("t", Dtype::I64, vec![frames]),
    ];
    let [c, h, w] = info.latent_shape;
    for (name, of) in LATENTS {
        let there = film.frames().iter().filter(|frame| of(frame).is_some()).count();
        if there > 0 {
            entries.push(Entry::new(name, Dtype::F32, vec![there, info.num_images, c, h, w]));
        }
    }
    if let Some(([height, width], _)) = pictures(film) {
        entries.push(Entry::new("pictures", Dtype::U8, vec![info.num_images, height, width, 3]));
    }
    entries
}

/// The newest pictures as RGB, all of one size: decoded if all of them are, else as they came.
fn pictures(film: &Film) -> Option<([usize; 2], Vec<u8>)> {
    let frame = film.frames().last()?;
    let count = film.info.num_images;
    let rgb = |rgba: &[u8]| rgba.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect::<Vec<u8>>();
    if (0..count).any(|i| frame.is_preview(i)) {
        return Some((frame.image_shape, rgb(&frame.x0)));
    }
    let whole = (0..count).flat_map(|i| rgb(&picture(&film.info, frame, i).rgba)).collect();
    Some((film.info.image_shape, whole))
}

/// The file with the tensors, piece by piece: a long film should not be in memory twice.
pub fn tensor_file(film: &Film, about: &About, mut write: impl FnMut(&[u8])) {
    let entries = tensors(film);
    write(&file::header(&entries, &[("ditscope_run", &description(film, about))]));
    let places = || film.frames().iter().map(|frame| place(&film.info, frame.step));
    write(&places().flat_map(|(_, alpha_bar)| alpha_bar.to_le_bytes()).collect::<Vec<u8>>());
    write(&film.frames().iter().flat_map(|frame| (frame.step as i64).to_le_bytes()).collect::<Vec<u8>>());
    write(&places().flat_map(|(t, _)| (t as i64).to_le_bytes()).collect::<Vec<u8>>());
    for (_, of) in LATENTS {
        for values in film.frames().iter().filter_map(|frame| of(frame)) {
            write(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>());
        }
    }
    if let Some((_, pictures)) = pictures(film) {
        write(&pictures);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::film;
    use crate::fixtures::{info, preview};

    fn about() -> About {
        About { link: "http://host/?seed=7".into(), model_source: "fashion".into(), ..About::default() }
    }

    fn file(film: &Film) -> Vec<u8> {
        let mut bytes = Vec::new();
        tensor_file(film, &about(), |piece| bytes.extend_from_slice(piece));
        bytes
    }

    /// The header, and the data of a tensor.
    fn read<'a>(bytes: &'a [u8], name: &str) -> (Value, &'a [u8]) {
        let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
        let (header, data) = bytes[8..].split_at(length);
        let header: Value = serde_json::from_slice(header).expect("JSON");
        let offset = |i: usize| header[name]["data_offsets"][i].as_u64().expect("an offset") as usize;
        let data = &data[offset(0)..offset(1)];
        (header, data)
    }

    #[test]
    fn the_description_has_what_reproduces_the_run() {
        let run: Value = serde_json::from_str(&description(&film(3, 2, 4), &about())).expect("JSON");
        assert_eq!(run["settings"]["seed"], 7);
        assert_eq!(run["settings"]["sampler"], "ddim");
        assert_eq!(run["timesteps"], serde_json::json!([20, 10, 0]));
        assert_eq!((run["alpha_bar"][0].as_f64(), &run["complete"]), (Some(0.25), &Value::Bool(true)));
        assert_eq!(run["seeds"], serde_json::json!([7, 8]));
        assert_eq!(
            run["frames"][3],
            serde_json::json!({"step": 3, "t": 0, "alpha_bar": 1.0, "ms": 40.0, "preview": false, "unconditional": false})
        );
        assert_eq!(run["tensors"]["x_t"]["shape"], serde_json::json!([4, 2, 4, 2, 2]));
        assert_eq!(run["ditscope_version"], env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn the_file_has_every_latent_in_its_place() {
        let film = film(3, 2, 4);
        let bytes = file(&film);
        let (header, x0_hat) = read(&bytes, "x0_hat");
        assert_eq!(header["x0_hat"]["shape"], serde_json::json!([3, 2, 4, 2, 2]), "the last frame has none");
        let value = |at: usize| f32::from_le_bytes(x0_hat[4 * at..4 * at + 4].try_into().expect("four bytes"));
        assert_eq!((value(0), value(32), value(95)), (100_000.0, 101_000.0, 102_031.0));
        let (_, pictures) = read(&bytes, "pictures");
        assert_eq!((pictures.len(), &pictures[..3], &pictures[27..30]), (54, &[3, 3, 3][..], &[3, 3, 4][..]));
        let (_, step) = read(&bytes, "step");
        assert_eq!(step[24..], 3i64.to_le_bytes());
        let end = header["pictures"]["data_offsets"][1].as_u64().expect("an offset") as usize;
        let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
        assert_eq!(bytes.len(), 8 + length + end, "nothing after the last tensor");
        let run = header["__metadata__"]["ditscope_run"].as_str().expect("a text");
        assert_eq!(run, description(&film, &about()));
    }

    #[test]
    fn a_cancelled_run_and_previews_are_data_too() {
        let cancelled = film(9, 1, 2);
        let (header, _) = read(&file(&cancelled), "x_t");
        assert_eq!(header["x0_hat"]["shape"][0], 2);
        let mut previews = Film::new(info(3, 1), "m".into(), "l".into()).expect("a sound description");
        previews.push(&preview(0), vec![vec![0; 64], vec![9; 16], vec![0; 64]]).expect("a sound preview");
        let bytes = file(&previews);
        let (header, pictures) = read(&bytes, "pictures");
        assert_eq!((&header["pictures"]["shape"], pictures.len()), (&serde_json::json!([1, 2, 2, 3]), 12));
        assert!(header.get("eps_cond").is_none(), "what did not come is not there");
    }
}
