//! Bytes from the page → tensors.

use burn::tensor::{Tensor, TensorData};
use ditscope_config::ConfigError;
use ditscope_core::generate::{Model, latent_shape};

/// Standardised latents of one picture or of `num_pictures`.
///
/// # Shapes
/// - result: `[1, C, h, w]` or `[num_pictures, C, h, w]`
///
/// # Errors
/// Bytes that are not of this model, or not of numbers.
pub fn parse(model: &Model, bytes: &[u8], num_pictures: usize) -> Result<Tensor<4>, ConfigError> {
    let one = 4 * latent_shape(model, 1).iter().product::<usize>();
    let allowed = [1, num_pictures].into_iter().find(|n| bytes.len() == n * one);
    let Some(n) = allowed else {
        let (value, allowed) = (bytes.len().to_string(), format!("{one} for this model: it is of another one"));
        return Err(ConfigError::OutOfRange { name: "bytes of a latent", value, allowed });
    };
    Ok(tensor(model, numbers(bytes)?, n))
}

/// Latents of `n` pictures.
///
/// # Shapes
/// - result: `[n, C, h, w]`
pub fn tensor(model: &Model, values: Vec<f32>, n: usize) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values, latent_shape(model, n)), &model.device)
}

/// A picture in the colours that the model knows.
///
/// # Shapes
/// - `bytes`: `[3, H, W]` or `[1, H, W]` in [−1, 1] of the model's size; result: `[1, C, H, W]`
///
/// # Errors
/// As [`parse`].
pub fn picture(model: &Model, bytes: &[u8]) -> Result<Tensor<4>, ConfigError> {
    let (side, channels) = (model.config.image_size(), model.config.image_channels());
    let plane = side * side;
    let values = numbers(bytes)?;
    let values = match (values.len() / plane, values.len() % plane, channels) {
        (given, 0, wanted) if given == wanted => values,
        (3, 0, 1) => (0..plane).map(|i| luma([values[i], values[plane + i], values[2 * plane + i]])).collect(),
        (1, 0, wanted) => values.repeat(wanted),
        _ => {
            let allowed = format!("{} (RGB) or {} (gray) for {side}x{side} pixels", 12 * plane, 4 * plane);
            return Err(ConfigError::OutOfRange {
                name: "bytes of a picture",
                value: bytes.len().to_string(),
                allowed,
            });
        }
    };
    Ok(Tensor::from_data(TensorData::new(values, [1, channels, side, side]), &model.device))
}

/// Brightness by ITU-R BT.709.
fn luma([red, green, blue]: [f32; 3]) -> f32 {
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn numbers(bytes: &[u8]) -> Result<Vec<f32>, ConfigError> {
    let values = ditscope_frames::numbers(bytes);
    match values.iter().find(|value| !value.is_finite()) {
        None => Ok(values),
        Some(value) => {
            let allowed = "finite numbers".into();
            Err(ConfigError::OutOfRange { name: "a number from the page", value: value.to_string(), allowed })
        }
    }
}
