//! Stored numbers → numbers in use: widened and transposed in one pass.

use half::{bf16, f16};
use safetensors::Dtype;

/// Little-endian numbers of a float type, widened; `None` for another type.
pub fn widen(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    read_f32(dtype, bytes, None)
}

/// The same; with `Some([rows, columns])` they are transposed on the way.
pub(super) fn read_f32(dtype: Dtype, bytes: &[u8], transposed: Option<[usize; 2]>) -> Option<Vec<f32>> {
    match dtype {
        Dtype::F32 => Some(read(bytes, transposed, f32::from_le_bytes)),
        Dtype::F16 => Some(read(bytes, transposed, |b| f16::from_le_bytes(b).to_f32())),
        Dtype::BF16 => Some(read(bytes, transposed, |b| bf16::from_le_bytes(b).to_f32())),
        _ => None,
    }
}

/// f16 as it is, transposed.
pub(super) fn read_f16(bytes: &[u8], [rows, columns]: [usize; 2]) -> Vec<f16> {
    read(bytes, Some([rows, columns]), f16::from_le_bytes)
}

/// Whether all numbers of a float type are finite; `None` for another type.
pub(super) fn all_finite(dtype: Dtype, bytes: &[u8]) -> Option<bool> {
    match dtype {
        Dtype::F32 => Some(bytes.as_chunks().0.iter().all(|b| f32::from_le_bytes(*b).is_finite())),
        Dtype::F16 => Some(bytes.as_chunks().0.iter().all(|b| f16::from_le_bytes(*b).is_finite())),
        Dtype::BF16 => Some(bytes.as_chunks().0.iter().all(|b| bf16::from_le_bytes(*b).is_finite())),
        _ => None,
    }
}

/// `[rows, columns]` → `[columns, rows]`.
///
/// # Panics
/// When there are fewer values than that.
pub(crate) fn transpose<S: Copy, T: Copy + Default>(
    values: &[S],
    [rows, columns]: [usize; 2],
    convert: impl Fn(S) -> T,
) -> Vec<T> {
    // In tiles, so that a line of the cache that is read or written once is used whole.
    const TILE: usize = 32;
    let mut out = vec![T::default(); rows * columns];
    for top in (0..rows).step_by(TILE) {
        for left in (0..columns).step_by(TILE) {
            for column in left..(left + TILE).min(columns) {
                for row in top..(top + TILE).min(rows) {
                    out[column * rows + row] = convert(values[row * columns + column]);
                }
            }
        }
    }
    out
}

fn read<T: Copy + Default, const BYTES: usize>(
    bytes: &[u8],
    transposed: Option<[usize; 2]>,
    number: impl Fn([u8; BYTES]) -> T,
) -> Vec<T> {
    let (stored, _) = bytes.as_chunks();
    match transposed {
        None => stored.iter().map(|b| number(*b)).collect(),
        Some(shape) => transpose(stored, shape, number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_transpose_what_they_cover_and_what_is_left_over() {
        for [rows, columns] in [[1, 1], [3, 70], [64, 32], [65, 33]] {
            let values: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            let turned = read_f32(Dtype::F32, &bytes, Some([rows, columns])).expect("floats");
            let expected = (0..columns).flat_map(|c| (0..rows).map(move |r| (r * columns + c) as f32));
            assert!(turned.iter().copied().eq(expected), "{rows}x{columns}");
            assert_eq!(widen(Dtype::F32, &bytes), Some(values));
        }
    }
}
