//! The index beside the shards (Hugging Face's `model.safetensors.index.json`).

use crate::Entry;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The index's file name in a model folder.
pub const INDEX_FILE: &str = "model.safetensors.index.json";

/// Which tensor is in which shard, and what each shard must be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsIndex {
    pub metadata: IndexMetadata,
    /// Tensor name → shard file name.
    pub weight_map: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexMetadata {
    /// Bytes of all tensors.
    pub total_size: u64,
    /// Numbers in all tensors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_parameters: Option<u64>,
    /// Shard file name → size and hash of the whole file.
    pub shards: BTreeMap<String, ShardInfo>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardInfo {
    pub size: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

/// Why a file is no index. The message names it and the cure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: not a weights index ({reason}). Download or convert the model again.")]
pub struct IndexError {
    pub file: String,
    pub reason: String,
}

impl WeightsIndex {
    /// Reads and checks an index; `file` is for the message.
    ///
    /// # Errors
    /// Anything that is not JSON of this shape, a tensor in a shard that is not described, and shard names that could
    /// lead out of the model's folder.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, IndexError> {
        let bad = |reason: String| IndexError { file: file.to_owned(), reason };
        let index: Self = serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))?;
        if index.metadata.shards.is_empty() {
            return Err(bad("it lists no shard".into()));
        }
        if let Some(name) = index.metadata.shards.keys().find(|name| !is_plain_name(name)) {
            return Err(bad(format!("'{name}' is not a plain file name")));
        }
        if let Some((tensor, shard)) = index.weight_map.iter().find(|(_, s)| !index.metadata.shards.contains_key(*s)) {
            return Err(bad(format!("tensor '{tensor}' is in '{shard}', which metadata.shards does not list")));
        }
        Ok(index)
    }

    /// Lists a shard and what is in it.
    pub fn add(&mut self, file: &str, info: ShardInfo, entries: &[Entry]) {
        self.metadata.shards.insert(file.to_owned(), info);
        self.metadata.total_size += entries.iter().map(Entry::bytes).sum::<u64>();
        self.weight_map.extend(entries.iter().map(|entry| (entry.name.clone(), file.to_owned())));
    }

    /// Bytes of all shard files.
    pub fn total_bytes(&self) -> u64 {
        self.metadata.shards.values().map(|shard| shard.size).fold(0, u64::saturating_add)
    }
}

/// Whether a file of this name lies in the folder itself, whatever the system.
pub fn is_plain_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty() && name.chars().all(plain) && !name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::cases;
    use crate::{Dtype, shard_name};
    use proptest::prelude::*;
    use serde_json::json;

    /// As it is written: tensors of any names, some in each shard.
    fn index() -> impl Strategy<Value = WeightsIndex> {
        let shard = (any::<u64>(), "[0-9a-f]{64}", prop::collection::vec(("\\PC{0,8}", 0..9usize), 0..4));
        (prop::collection::vec(shard, 1..5), any::<Option<u64>>()).prop_map(|(shards, total_parameters)| {
            let mut index = WeightsIndex::default();
            index.metadata.total_parameters = total_parameters;
            for (i, (size, sha256, tensors)) in shards.iter().enumerate() {
                let info = ShardInfo { size: *size, sha256: sha256.clone() };
                let entry = |(name, side): &(String, usize)| Entry::new(name.as_str(), Dtype::F16, vec![*side]);
                let entries: Vec<Entry> = tensors.iter().map(entry).collect();
                index.add(&shard_name(i + 1, shards.len()), info, &entries);
            }
            index
        })
    }

    proptest! {
        #![proptest_config(cases(2000))]

        #[test]
        fn what_is_written_is_read(index in index()) {
            let json = serde_json::to_vec(&index).expect("JSON");
            prop_assert_eq!(WeightsIndex::parse("index", &json), Ok(index));
        }

        #[test]
        fn foreign_bytes_are_no_index(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let refused = WeightsIndex::parse("index 7", &bytes).expect_err("random bytes").to_string();
            prop_assert!(refused.starts_with("index 7: not a weights index"), "{}", refused);
        }

        #[test]
        fn a_changed_index_is_refused_or_still_sound(
            index in index(), at in any::<prop::sample::Index>(), to in any::<u8>(),
        ) {
            let mut bytes = serde_json::to_vec(&index).expect("JSON");
            let at = at.index(bytes.len());
            bytes[at] = to;
            if let Ok(index) = WeightsIndex::parse("index", &bytes) {
                prop_assert!(index.metadata.shards.keys().all(|name| !name.contains('/') && !name.starts_with('.')));
                prop_assert!(index.weight_map.values().all(|shard| index.metadata.shards.contains_key(shard)));
            }
        }
    }

    #[test]
    fn it_cannot_lead_out_of_its_folder() {
        for name in ["../secret", "/etc/passwd", ".hidden", "a\\b", "http://x", "a b", "…"] {
            let info = json!({ "size": 1, "sha256": "0" });
            let json = json!({
                "metadata": { "total_size": 1, "shards": { name: info } }, "weight_map": { "t": name },
            });
            let refused = WeightsIndex::parse("index.json", json.to_string().as_bytes()).expect_err(name).to_string();
            assert!(refused.contains("index.json") && refused.contains(name), "{refused}");
        }
    }

    #[test]
    fn it_lists_every_shard_that_it_names_and_at_least_one() {
        let parse = |json: serde_json::Value| {
            WeightsIndex::parse("index.json", json.to_string().as_bytes()).expect_err("it is wrong").reason
        };
        let none = parse(json!({ "metadata": { "total_size": 0, "shards": {} }, "weight_map": {} }));
        assert_eq!(none, "it lists no shard");
        let info = json!({ "size": 1, "sha256": "0" });
        let other = parse(json!({
            "metadata": { "total_size": 1, "shards": { "a": info } }, "weight_map": { "t": "b" },
        }));
        assert!(other.contains("'t'") && other.contains("'b'"), "{other}");
    }

    #[test]
    fn a_shard_is_added_with_what_is_in_it() {
        let mut index = WeightsIndex::default();
        let info = |size| ShardInfo { size, sha256: "00".into() };
        index.add("a", info(40), &[Entry::new("x", Dtype::F32, vec![2, 3]), Entry::new("y", Dtype::I8, vec![5])]);
        index.add("b", info(u64::MAX), &[Entry::new("z", Dtype::F16, vec![])]);
        assert_eq!(index.metadata.total_size, 24 + 5 + 2);
        assert_eq!(index.total_bytes(), u64::MAX, "sizes come from a file and need not be sane");
        assert_eq!((index.weight_map["y"].as_str(), index.weight_map["z"].as_str()), ("a", "b"));
    }
}
