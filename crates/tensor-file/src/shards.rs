//! Which tensors share a file, and what it is called.

use crate::EXTENSION;
use std::ops::Range;

/// Which tensors share a shard: as many as fit in `most` bytes, in their order (a larger one has a shard of its own).
pub fn plan_shards(sizes: &[u64], most: u64) -> Vec<Range<usize>> {
    let mut shards: Vec<Range<usize>> = Vec::new();
    let mut bytes = 0;
    for (i, size) in sizes.iter().enumerate() {
        match shards.last_mut() {
            Some(shard) if bytes + size <= most => shard.end = i + 1,
            _ => {
                shards.push(i..i + 1);
                bytes = 0;
            }
        }
        bytes += size;
    }
    shards
}

/// The file name of shard `number` (from 1) of `count`.
pub fn shard_name(number: usize, count: usize) -> String {
    format!("model-{number:05}-of-{count:05}.{EXTENSION}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::cases;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(cases(400))]

        #[test]
        fn shards_keep_to_their_limit_and_are_as_few_as_the_order_allows(
            sizes in prop::collection::vec(0..100u64, 0..30), most in 0..200u64,
        ) {
            let shards = plan_shards(&sizes, most);
            let bytes = |shard: &Range<usize>| sizes[shard.clone()].iter().sum::<u64>();
            let all: Vec<usize> = shards.iter().cloned().flatten().collect();
            prop_assert_eq!(all, (0..sizes.len()).collect::<Vec<_>>());
            for shard in &shards {
                prop_assert!(bytes(shard) <= most || shard.len() == 1, "{:?} of {:?}", shard, sizes);
            }
            for pair in shards.windows(2) {
                prop_assert!(bytes(&pair[0]) + sizes[pair[1].start] > most, "{:?} of {:?}", pair, sizes);
            }
        }
    }

    #[test]
    fn names_sort_by_number() {
        assert_eq!(shard_name(2, 13), "model-00002-of-00013.safetensors");
        assert!(shard_name(9, 12) < shard_name(10, 12));
    }
}
