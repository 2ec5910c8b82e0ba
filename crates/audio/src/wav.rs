//! A sound as a WAV file: a RIFF header of 44 bytes, then the samples.

/// The bytes of a WAV file: one channel, 16 bits. `samples` in [−1, 1]; what lies beyond is clipped, NaN is silence.
pub fn encode(samples: &[f32], sample_rate: u32) -> Vec<u8> {
    const HEADER: usize = 44;
    const PCM: u16 = 1;
    const CHANNELS: u16 = 1;
    const SAMPLE_BYTES: u16 = 2;
    let size = samples.len() * usize::from(SAMPLE_BYTES);
    let mut bytes = Vec::with_capacity(HEADER + size);
    bytes.extend(b"RIFF");
    bytes.extend(((HEADER - 8 + size) as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes()); // bytes of what follows up to "data"
    bytes.extend([PCM, CHANNELS].map(u16::to_le_bytes).concat());
    bytes.extend([sample_rate, sample_rate * u32::from(SAMPLE_BYTES)].map(u32::to_le_bytes).concat());
    bytes.extend([SAMPLE_BYTES, 8 * SAMPLE_BYTES].map(u16::to_le_bytes).concat());
    bytes.extend(b"data");
    bytes.extend((size as u32).to_le_bytes());
    bytes.extend(samples.iter().flat_map(|sample| ((sample * f32::from(i16::MAX)).round() as i16).to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_can_be_read_back() {
        let bytes = encode(&[0.0, 0.5, -1.0, 2.0, f32::NAN], 16_000);
        let mut reader = hound::WavReader::new(&bytes[..]).expect("a WAV file");
        assert_eq!((reader.spec().sample_rate, reader.spec().channels), (16_000, 1));
        let samples: Vec<i16> = reader.samples().map(|sample| sample.expect("a sample")).collect();
        assert_eq!(samples, [0, 16_384, -32_767, 32_767, 0]);
    }
}
