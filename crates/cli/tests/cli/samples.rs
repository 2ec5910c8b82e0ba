//! `dit data samples`: training pictures for the page.

use crate::dit;
use crate::support::DataFiles;

#[test]
fn the_first_pictures_of_each_class_lie_in_its_row() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = DataFiles::new(25, 10).write(&folder.path().join("data"));
    let out = folder.path().join("training.png");
    dit("data samples --per-class 2").with("--data", &data).with("--out", &out).succeeds();
    let sheet = image::open(&out).expect("a PNG").into_luma8();
    assert_eq!(sheet.dimensions(), (64, 320));
    // Picture 13 is the second of class 3: padded by two, then as in the file.
    let pixel = |x: u32, y: u32| (13 * 7 + x * 3 * 3 + y * 5) as u8;
    assert_eq!(sheet.get_pixel(32 + 1, 3 * 32 + 5).0, [0]);
    assert_eq!(sheet.get_pixel(32 + 2 + 9, 3 * 32 + 2 + 20).0, [pixel(9, 20)]);
    let again = folder.path().join("again.png");
    dit("data samples --per-class 2").with("--data", &data).with("--out", &again).succeeds();
    assert_eq!(std::fs::read(&out).expect("a file"), std::fs::read(&again).expect("a file"));
    dit("data samples --per-class 3").with("--data", &data).with("--out", &out).refuses(&["class 5", "--per-class 2"]);
    dit("data samples --per-class 0").with("--data", &data).with("--out", &out).refuses(&["--per-class 0"]);
}
