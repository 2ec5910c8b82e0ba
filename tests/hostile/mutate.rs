//! Damage with a fixed seed.

/// SplitMix64 (Steele et al. 2014).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `end`; 0 when that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// Headers and directories lie this near to a file's ends.
const ENDS: usize = 4096;

/// One to eight injuries: bits, bytes, numbers, pieces that are lost, doubled, moved, or words of the format.
pub fn damage(bytes: &mut Vec<u8>, words: &[&[u8]], random: &mut Random) {
    for _ in 0..[1, 1, 1, 2, 3, 8][random.below(6)] {
        let near = random.below(bytes.len().min(ENDS));
        let at = match random.below(4) {
            0 => near,
            1 => bytes.len() - near.max(1).min(bytes.len()),
            _ => random.below(bytes.len()),
        };
        let piece = at..(at + 1 + random.below(24)).min(bytes.len());
        match random.below(10) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 if !bytes.is_empty() => bytes[at] = random.next() as u8,
            // Numbers at the edges, as lengths and offsets have them.
            2 => overwrite(bytes, at, &[[0, 1, 0x7f, 0x80, 0xff][random.below(5)]]),
            3 => overwrite(bytes, at, &[0, 1, u32::MAX, i32::MAX as u32][random.below(4)].to_le_bytes()),
            4 => overwrite(bytes, at, &[0, u64::MAX, i64::MAX as u64, 1 << 61][random.below(4)].to_le_bytes()),
            5 => bytes.truncate(at),
            6 => drop(bytes.drain(piece)),
            7 => {
                let (copy, to) = (bytes[piece].to_vec(), random.below(bytes.len() + 1));
                drop(bytes.splice(to..to, copy));
            }
            8 if !words.is_empty() => overwrite(bytes, at, words[random.below(words.len())]),
            _ if !words.is_empty() => drop(bytes.splice(at..at, words[random.below(words.len())].iter().copied())),
            _ => {}
        }
    }
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    bytes.iter_mut().skip(at).zip(with).for_each(|(byte, new)| *byte = *new);
}
