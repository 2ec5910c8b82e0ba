//! Data sets with something wrong: the error names the file and the cure.

use crate::dit;
use crate::support::{DataFiles, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, gz, idx};
use crate::train::{SHORT, SMALL_AUTOENCODER, TRAINED};

fn small() -> DataFiles {
    DataFiles::new(10, 10)
}

/// What every command that reads data says about this set.
fn refused(data: &DataFiles, words: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, out) = (data.write(&folder.path().join("data")), folder.path().join("out"));
    for kind in ["classifier", "autoencoder"] {
        dit(&format!("train {kind} {SHORT}")).with("--data", &data).with("--out", &out).refuses(words);
        assert!(!out.exists(), "nothing is begun");
    }
}

#[test]
fn a_missing_folder_or_file_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let train = |kind: &str| dit(&format!("train {kind} {SHORT}")).with("--out", &out);
    let words = ["nowhere/train-images-idx3-ubyte.gz", "--data wants the folder with the four .gz files"];
    train("classifier").with("--data", "nowhere").refuses(&words);
    train("autoencoder").with("--data", "nowhere").refuses(&words);
    train("dit").with("--data", "nowhere").with("--autoencoder", &TRAINED.autoencoder).refuses(&words);
    let autoencoder = ["autoencoder.json", "expected an autoencoder: a model, or what 'dit train autoencoder'"];
    train("dit").with("--data", &TRAINED.data).with("--autoencoder", "nowhere").refuses(&autoencoder);
    let data = small().write(&folder.path().join("data"));
    std::fs::remove_file(data.join(TEST_LABELS)).expect("a file");
    train("classifier").with("--data", &data).refuses(&[TEST_LABELS, "cannot open it", "--data wants"]);
}

#[test]
fn a_wrong_magic_number_is_named() {
    let swapped = small().get(TRAIN_LABELS).to_vec();
    refused(&small().with(TRAIN_IMAGES, swapped), &[TRAIN_IMAGES, "magic number", "expected [00, 00, 08, 03]"]);
    let mut floats = idx(&[10], &[0; 10]);
    floats[2] = 0x0d;
    refused(&small().with(TRAIN_LABELS, gz(&floats)), &[TRAIN_LABELS, "magic number", "[00, 00, 0d, 01]"]);
}

#[test]
fn a_truncated_file_is_named() {
    let whole = small().get(TRAIN_IMAGES).to_vec();
    let cut = whole[..whole.len() / 2].to_vec();
    refused(&small().with(TRAIN_IMAGES, cut), &[TRAIN_IMAGES, "not a whole gzip file", "Download it again"]);
    refused(&small().with(TEST_IMAGES, Vec::new()), &[TEST_IMAGES, "not a whole gzip file"]);
    let page = b"<html>404 Not Found</html>".to_vec();
    refused(&small().with(TEST_LABELS, page), &[TEST_LABELS, "not a whole gzip file"]);
    let short = gz(&idx(&[10, 28, 28], &[0; 5000]));
    refused(&small().with(TRAIN_IMAGES, short), &[TRAIN_IMAGES, "[10, 28, 28]", "5000 bytes", "truncated"]);
    refused(&small().with(TRAIN_LABELS, gz(&[0, 0, 8])), &[TRAIN_LABELS, "3 bytes are too few"]);
}

#[test]
fn labels_and_pictures_that_do_not_fit_are_named() {
    refused(&small().with(TRAIN_LABELS, gz(&idx(&[10], &[10; 10]))), &[TRAIN_LABELS, "label 10", "0 to 9"]);
    let nine = gz(&idx(&[9], &[0; 9]));
    refused(&small().with(TRAIN_LABELS, nine), &["9 labels", "10 pictures", TRAIN_LABELS, TRAIN_IMAGES]);
    let large = gz(&idx(&[10, 33, 28], &[0; 10 * 33 * 28]));
    refused(&small().with(TRAIN_IMAGES, large), &[TRAIN_IMAGES, "33x28", "32x32"]);
    let none = DataFiles::new(0, 10);
    refused(&none, &[TRAIN_IMAGES, "no picture"]);
    let vast = gz(&idx(&[usize::MAX, usize::MAX, usize::MAX], &[]));
    refused(&small().with(TRAIN_IMAGES, vast), &[TRAIN_IMAGES, "do not fit 0 bytes"]);
}

#[test]
fn very_few_pictures_are_enough() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = DataFiles::new(3, 1).write(&folder.path().join("data"));
    let out = folder.path().join("out");
    dit(&format!("train autoencoder {SHORT} {SMALL_AUTOENCODER}")).with("--data", &data).with("--out", &out).succeeds();
    // One picture has no spread to measure a distance with.
    dit("eval --samples 4 --steps 2")
        .with("--model", TRAINED.dit.join("model"))
        .with("--classifier", TRAINED.classifier.join("classifier"))
        .with("--data", &data)
        .refuses(&["test pictures", "at least 2"]);
}
