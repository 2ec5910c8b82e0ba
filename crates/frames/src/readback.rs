//! Numbers from the device, always asynchronously: blocking would panic in a browser.

use burn::tensor::{Device, Tensor, TensorData};

/// Reads several tensors back in one go, as f32.
///
/// # Errors
/// What the device said, on one line.
pub async fn read<const K: usize>(tensors: [Tensor<4>; K]) -> Result<[Vec<f32>; K], String> {
    let values = read_all(tensors.into()).await?;
    values.try_into().map_err(|_| format!("{K} tensors were read, another number came back"))
}

/// The same for any number of tensors.
///
/// # Errors
/// As [`read`].
pub async fn read_all(tensors: Vec<Tensor<4>>) -> Result<Vec<Vec<f32>>, String> {
    // A browser maps a buffer for each tensor that is read: so they become one.
    let flat: Vec<Tensor<1>> = tensors.into_iter().map(|tensor| tensor.flatten(0, 3)).collect();
    let lengths: Vec<usize> = flat.iter().map(|tensor| tensor.dims()[0]).collect();
    let data = Tensor::cat(flat, 0).into_data_async().await.map_err(brief)?;
    let all = floats(data)?;
    let starts = lengths.iter().scan(0, |end, length| Some(std::mem::replace(end, *end + length)));
    Ok(starts.zip(&lengths).map(|(start, length)| all[start..start + length].to_vec()).collect())
}

/// Waits until the device has computed `x`, by reading one of its numbers.
///
/// # Errors
/// As [`read`].
pub async fn wait_for(x: &Tensor<4>) -> Result<(), String> {
    read([x.clone().slice([0..1, 0..1, 0..1, 0..1])]).await.map(drop)
}

/// Waits until the device has done all that it was given.
///
/// # Errors
/// As [`read`].
pub async fn wait(device: &Device) -> Result<(), String> {
    wait_for(&Tensor::from_data(TensorData::new(vec![0.0f32], [1, 1, 1, 1]), device)).await
}

/// f32, little-endian.
pub fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn floats(data: TensorData) -> Result<Vec<f32>, String> {
    data.convert::<f32>().try_into_vec().map_err(brief)
}

/// An error and its causes on one line, without the backtrace.
fn brief(error: impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    let causes = text.split("Backtrace").next().unwrap_or_default();
    let mut lines: Vec<&str> = causes.lines().map(str::trim).filter(|l| !l.is_empty() && *l != "Caused by:").collect();
    lines.dedup();
    lines.join(": ").trim_end_matches('.').to_owned()
}
