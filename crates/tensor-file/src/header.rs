//! The header of a file, after which the bytes of each entry follow in the order in which the entries were given.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// One tensor of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
}

/// What is written here, from narrow types to wide ones. The format has more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dtype {
    U8,
    I8,
    F16,
    BF16,
    F32,
    F64,
    I64,
}

impl Dtype {
    /// As the format spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "U8",
            Self::I8 => "I8",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::F32 => "F32",
            Self::F64 => "F64",
            Self::I64 => "I64",
        }
    }

    /// Of one number.
    fn bytes(self) -> u64 {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::F16 | Self::BF16 => 2,
            Self::F32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }
}

impl Entry {
    pub fn new(name: impl Into<String>, dtype: Dtype, shape: Vec<usize>) -> Self {
        Self { name: name.into(), dtype, shape }
    }

    /// How many bytes of data it has.
    pub fn bytes(&self) -> u64 {
        self.shape.iter().map(|side| *side as u64).product::<u64>() * self.dtype.bytes()
    }
}

/// The beginning of a file, with all names in alphabetical order, whatever the order of the data.
///
/// Readers want the data aligned, so entries should go from wide types to narrow ones.
pub fn header(entries: &[Entry], metadata: &[(&str, &str)]) -> Vec<u8> {
    let mut header = Map::new();
    if !metadata.is_empty() {
        let texts = metadata.iter().map(|(name, text)| ((*name).to_owned(), Value::from(*text)));
        header.insert("__metadata__".into(), Value::Object(texts.collect()));
    }
    for (entry, offsets) in places(entries) {
        let mut described = Map::new();
        described.insert("dtype".into(), entry.dtype.name().into());
        described.insert("shape".into(), entry.shape.clone().into());
        described.insert("data_offsets".into(), offsets.to_vec().into());
        header.insert(entry.name.clone(), Value::Object(described));
    }
    framed(Value::Object(header).to_string().into_bytes())
}

/// The same in the order of the data, byte for byte as the `safetensors` library writes it when the entries go from
/// wide types to narrow ones and by name within a type. Readers take either header; there are two so that a file that
/// is made anew keeps the hash that it had.
pub fn ordered_header(entries: &[Entry]) -> Vec<u8> {
    #[derive(Serialize)]
    struct Described<'a> {
        dtype: &'static str,
        shape: &'a [usize],
        data_offsets: [u64; 2],
    }
    let mut text = Vec::new();
    let described = places(entries).map(|(entry, data_offsets)| {
        (&entry.name, Described { dtype: entry.dtype.name(), shape: &entry.shape, data_offsets })
    });
    serde_json::Serializer::new(&mut text).collect_map(described).expect("names and numbers, into memory");
    framed(text)
}

/// Each entry, and where its data begin and end.
fn places(entries: &[Entry]) -> impl Iterator<Item = (&Entry, [u64; 2])> {
    let mut end = 0;
    entries.iter().map(move |entry| {
        let start = end;
        end += entry.bytes();
        (entry, [start, end])
    })
}

/// The length, the text, and blanks until the data begin at a multiple of eight.
fn framed(mut text: Vec<u8>) -> Vec<u8> {
    text.resize(text.len().next_multiple_of(8), b' ');
    [(text.len() as u64).to_le_bytes().as_slice(), &text].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::cases;
    use proptest::prelude::*;
    use safetensors::SafeTensors;
    use safetensors::tensor::{Dtype as Theirs, TensorView};
    use std::cmp::Reverse;
    use std::collections::BTreeMap;

    const DTYPES: [(Dtype, Theirs); 7] = [
        (Dtype::U8, Theirs::U8),
        (Dtype::I8, Theirs::I8),
        (Dtype::F16, Theirs::F16),
        (Dtype::BF16, Theirs::BF16),
        (Dtype::F32, Theirs::F32),
        (Dtype::F64, Theirs::F64),
        (Dtype::I64, Theirs::I64),
    ];

    fn theirs(dtype: Dtype) -> Theirs {
        DTYPES.into_iter().find(|(ours, _)| *ours == dtype).expect("all are listed").1
    }

    /// Any names, in any order; some tensors are empty.
    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let one = (0..DTYPES.len(), prop::collection::vec(0..4usize, 0..4));
        let map = prop::collection::btree_map("(\\PC|[\"\\\\\n\t\u{0}]){0,8}", one, 0..12);
        let entry = |(name, (dtype, shape)): (String, (usize, _))| Entry::new(name, DTYPES[dtype].0, shape);
        map.prop_map(move |map| map.into_iter().map(entry).collect::<Vec<_>>()).prop_shuffle()
    }

    /// Data that tell whose they are.
    fn data(entries: &[Entry]) -> Vec<Vec<u8>> {
        let of = |(i, entry): (usize, &Entry)| (0..entry.bytes()).map(|at| (i as u64 * 31 + at) as u8).collect();
        entries.iter().enumerate().map(of).collect()
    }

    proptest! {
        #![proptest_config(cases(400))]

        #[test]
        fn the_library_reads_what_was_meant(entries in entries(), text in "\\PC{0,20}") {
            let data = data(&entries);
            let metadata = [("one", text.as_str()), ("two", "v \"quoted\"")];
            for header in [header(&entries, &metadata), header(&entries, &[]), ordered_header(&entries)] {
                prop_assert_eq!(header.len() % 8, 0);
                let file = [header, data.concat()].concat();
                let read = SafeTensors::deserialize(&file).expect("a safetensors file");
                prop_assert_eq!(read.len(), entries.len());
                for (entry, data) in entries.iter().zip(&data) {
                    let view = read.tensor(&entry.name).expect("it is there");
                    let found = (view.dtype(), view.shape(), view.data());
                    prop_assert_eq!(found, (theirs(entry.dtype), entry.shape.as_slice(), data.as_slice()));
                }
            }
            let with = [header(&entries, &metadata), data.concat()].concat();
            let (_, read) = SafeTensors::read_metadata(&with).expect("a header");
            let read: BTreeMap<_, _> = read.metadata().clone().expect("metadata").into_iter().collect();
            let given = metadata.map(|(name, text)| (name.to_owned(), text.to_owned()));
            prop_assert_eq!(read, BTreeMap::from(given));
        }

        #[test]
        fn the_ordered_header_is_the_librarys(mut entries in entries()) {
            entries.sort_by(|a, b| (Reverse(a.dtype), &a.name).cmp(&(Reverse(b.dtype), &b.name)));
            let data = data(&entries);
            let views = entries.iter().zip(&data).map(|(entry, data)| {
                let view = TensorView::new(theirs(entry.dtype), entry.shape.clone(), data).expect("bytes fit the shape");
                (&entry.name, view)
            });
            let file = safetensors::serialize(views, None).expect("in memory");
            prop_assert_eq!([ordered_header(&entries), data.concat()].concat(), file);
        }
    }

    #[test]
    fn names_are_in_alphabetical_order_and_metadata_only_where_there_are_some() {
        let entries = [Entry::new("b", Dtype::F64, vec![3]), Entry::new("a", Dtype::U8, vec![2, 5])];
        let text = |bytes: Vec<u8>| String::from_utf8(bytes[8..].to_vec()).expect("a text").trim_end().to_owned();
        let (a, b) = (
            r#""a":{"data_offsets":[24,34],"dtype":"U8","shape":[2,5]}"#,
            r#""b":{"data_offsets":[0,24],"dtype":"F64","shape":[3]}"#,
        );
        assert_eq!(text(header(&entries, &[])), format!("{{{a},{b}}}"));
        assert_eq!(text(header(&entries, &[("k", "v")])), format!(r#"{{"__metadata__":{{"k":"v"}},{a},{b}}}"#));
        assert_eq!(
            text(ordered_header(&entries)),
            r#"{"b":{"dtype":"F64","shape":[3],"data_offsets":[0,24]},"a":{"dtype":"U8","shape":[2,5],"data_offsets":[24,34]}}"#
        );
    }
}
