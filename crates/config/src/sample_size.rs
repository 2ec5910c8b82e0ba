//! The size of a model's latents: a number for squares, else height and width.

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Height and width of a latent. In files a square is its side, as diffusers and the official code have it; anything else
/// is `[height, width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleSize {
    pub height: usize,
    pub width: usize,
}

impl SampleSize {
    /// The side, where it is a square.
    pub fn side(self) -> Option<usize> {
        (self.height == self.width).then_some(self.width)
    }

    /// The longer side.
    pub fn longer(self) -> usize {
        self.height.max(self.width)
    }
}

impl From<usize> for SampleSize {
    fn from(side: usize) -> Self {
        Self { height: side, width: side }
    }
}

impl fmt::Display for SampleSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.height, self.width)
    }
}

impl Serialize for SampleSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.side() {
            Some(side) => side.serialize(serializer),
            None => [self.height, self.width].serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SampleSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

struct SizeVisitor;

impl<'de> Visitor<'de> for SizeVisitor {
    type Value = SampleSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number or [height, width]")
    }

    fn visit_u64<E: Error>(self, side: u64) -> Result<SampleSize, E> {
        usize::try_from(side).map(SampleSize::from).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sizes: A) -> Result<SampleSize, A::Error> {
        let mut next = |at| sizes.next_element()?.ok_or_else(|| A::Error::invalid_length(at, &self));
        let (height, width) = (next(0)?, next(1)?);
        match sizes.next_element::<usize>()? {
            None => Ok(SampleSize { height, width }),
            Some(_) => Err(A::Error::invalid_length(3, &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_are_a_number_in_files() {
        let word = SampleSize { height: 1, width: 16 };
        for (size, json) in [(SampleSize::from(8), "8"), (word, "[1,16]")] {
            assert_eq!(serde_json::to_string(&size).expect("JSON"), json);
            assert_eq!(serde_json::from_str::<SampleSize>(json).expect("a size"), size);
        }
        assert_eq!(serde_json::from_str::<SampleSize>("[8, 8]").expect("a square"), 8.into());
        assert_eq!((word.side(), word.longer(), word.to_string().as_str()), (None, 16, "1x16"));
    }

    #[test]
    fn other_things_are_refused() {
        for json in ["[1]", "[1,2,3]", "[]", "-1", "1.5", "\"8\"", "null", "[1,-2]"] {
            assert!(serde_json::from_str::<SampleSize>(json).is_err(), "{json}");
        }
    }
}
