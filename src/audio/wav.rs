//! A sound as a WAV file.

use std::io::Cursor;

/// The bytes of a WAV file: one channel, 16 bits. `samples` in [−1, 1]; what lies beyond is clipped, NaN is silence.
pub fn encode(samples: &[f32], sample_rate: u32) -> Vec<u8> {
    let spec =
        hound::WavSpec { channels: 1, sample_rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut bytes = Cursor::new(Vec::with_capacity(44 + 2 * samples.len()));
    let written = hound::WavWriter::new(&mut bytes, spec).and_then(|mut writer| {
        for sample in samples {
            writer.write_sample((sample * f32::from(i16::MAX)).round() as i16)?;
        }
        writer.finalize()
    });
    written.expect("memory takes what is written");
    bytes.into_inner()
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
