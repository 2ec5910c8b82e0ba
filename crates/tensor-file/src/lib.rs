//! Writing the safetensors format (<https://github.com/huggingface/safetensors>), for who has bytes and no tensor
//! library: a header, and then the bytes of each entry in the order of the header.

use serde_json::{Map, Value};

/// What the names of such files end with.
pub const EXTENSION: &str = "safetensors";

/// One tensor of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: &'static str,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    U8,
    F32,
    F64,
    I64,
}

impl Dtype {
    /// As the format spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "U8",
            Self::F32 => "F32",
            Self::F64 => "F64",
            Self::I64 => "I64",
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::F32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }
}

impl Entry {
    /// How many bytes of data it has.
    pub fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype.bytes()
    }
}

/// The beginning of a file. Readers want the data aligned, so entries should go from wide types to narrow ones.
pub fn header(entries: &[Entry], metadata: &[(&str, &str)]) -> Vec<u8> {
    let mut header = Map::new();
    let texts = metadata.iter().map(|(name, text)| ((*name).to_owned(), Value::from(*text)));
    header.insert("__metadata__".into(), Value::Object(texts.collect()));
    let mut offset = 0;
    for entry in entries {
        let end = offset + entry.bytes();
        let mut described = Map::new();
        described.insert("dtype".into(), entry.dtype.name().into());
        described.insert("shape".into(), entry.shape.clone().into());
        described.insert("data_offsets".into(), vec![offset, end].into());
        header.insert(entry.name.into(), Value::Object(described));
        offset = end;
    }
    let mut text = Value::Object(header).to_string();
    // Blanks, until the data begin at a multiple of eight.
    text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text.into_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_aligned_and_has_every_offset() {
        let entry = |name, dtype, shape: &[usize]| Entry { name, dtype, shape: shape.to_vec() };
        let entries = [entry("a", Dtype::F64, &[3]), entry("b", Dtype::U8, &[2, 5])];
        let bytes = header(&entries, &[("k", "v \"quoted\"")]);
        let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
        assert_eq!((bytes.len(), bytes.len() % 8), (8 + length, 0));
        let read: Value = serde_json::from_slice(&bytes[8..]).expect("JSON, and blanks");
        assert_eq!(read["__metadata__"]["k"], "v \"quoted\"");
        assert_eq!(read["a"]["data_offsets"], serde_json::json!([0, 24]));
        assert_eq!(read["b"], serde_json::json!({ "dtype": "U8", "shape": [2, 5], "data_offsets": [24, 34] }));
    }
}
