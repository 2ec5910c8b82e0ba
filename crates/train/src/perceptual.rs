//! How different two pictures look, beyond their numbers.

use crate::Classifier;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// LPIPS (Zhang et al. 2018, arXiv:1801.03924, equation 1) with all channels weighing the same, in the feature maps of a
/// classifier of our own. A squared error alone is least for the mean of all pictures that a latent may stand for, which is
/// blurred; in such features that mean is far from each of them.
#[derive(Debug, Clone)]
pub struct Perceptual {
    network: Classifier,
    /// What it counts for beside the squared error per number.
    weight: f64,
}

impl Perceptual {
    pub fn new(network: Classifier, weight: f64) -> Self {
        Self { network: network.no_grad(), weight }
    }

    /// The same on another device.
    pub fn on(&self, device: &Device) -> Self {
        Self { network: self.network.clone().to_device(device), weight: self.weight }
    }

    /// # Shapes
    /// - `found`, `wanted`: `[N, C, side, side]` in [−1, 1], of the classifier's data set
    /// - result: `[1]`, the weighted sum over the pictures
    pub fn loss(&self, found: Tensor<4>, wanted: Tensor<4>) -> Tensor<1> {
        let pairs = self.network.maps(found).into_iter().zip(self.network.maps(wanted));
        let distances = pairs.map(|(found, wanted)| {
            let [_, _, height, width] = found.dims();
            (unit(found) - unit(wanted)).square().sum() / (height * width) as f64
        });
        distances.reduce(|a, b| a + b).expect("a classifier has convolutions") * self.weight
    }
}

/// Scaled to length 1 over the channels, at each pixel.
fn unit(map: Tensor<4>) -> Tensor<4> {
    // Where a map is zero, the slope of a root has no value.
    let length = (map.clone().square().sum_dim(1) + 1e-6).sqrt();
    map / length
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DatasetInfo;
    use burn::tensor::TensorData;
    use ditscope_noise::gaussian;

    fn pictures(seed: u64, device: &Device) -> Tensor<4> {
        let values = gaussian(seed, 0, 2 * 3 * 16 * 16).into_iter().map(|x| (x / 3.0).clamp(-1.0, 1.0)).collect();
        Tensor::from_data(TensorData::new::<f32, _>(values, [2, 3, 16, 16]), device)
    }

    fn perceptual(device: &Device, weight: f64) -> Perceptual {
        let info = DatasetInfo {
            name: "colours".into(),
            channels: 3,
            side: 16,
            labels: vec!["a".into(), "b".into()],
            mirror: false,
            license: String::new(),
            audio: None,
            text: None,
        };
        Perceptual::new(Classifier::new(&info, device), weight)
    }

    fn value(loss: Tensor<1>) -> f64 {
        f64::from(loss.into_scalar::<f32>())
    }

    #[test]
    fn a_picture_is_at_no_distance_from_itself_and_pictures_add_up() {
        let device = Device::flex();
        let (a, b, it) = (pictures(1, &device), pictures(2, &device), perceptual(&device, 0.5));
        assert_eq!(value(it.loss(a.clone(), a.clone())), 0.0);
        let both = value(it.loss(a.clone(), b.clone()));
        let each = |i| value(it.loss(a.clone().narrow(0, i, 1), b.clone().narrow(0, i, 1)));
        assert!(both > 0.01 && (both - each(0) - each(1)).abs() < 1e-4 * both, "{both}");
        // The maps are not negative, so two unit vectors are at most √2 apart; two convolutions, two pictures, half of it.
        assert!(both <= 0.5 * 2.0 * 2.0 * 2.0, "{both}: a mean over the pixels");
        let twice = Perceptual { weight: 1.0, ..it.clone() };
        assert!((value(twice.loss(a, b)) - 2.0 * both).abs() < 1e-4 * both);
    }

    #[test]
    fn only_the_direction_over_the_channels_counts() {
        let device = Device::flex();
        let map = pictures(4, &device);
        let lengths = unit(map.clone()).square().sum_dim(1).into_data().try_into_vec::<f32>().expect("f32");
        assert!(lengths.iter().all(|length| (length - 1.0).abs() < 1e-2), "{lengths:?}");
        let apart = (unit(map.clone() * 3.0) - unit(map)).abs().max().into_scalar::<f32>();
        assert!(apart < 1e-2, "{apart}");
    }

    #[test]
    fn gradients_reach_the_picture_and_are_numbers_where_maps_are_zero() {
        let device = Device::flex().autodiff();
        let it = perceptual(&device, 1.0);
        // Black all over: every map is constant, and some are zero.
        let found = Tensor::<4>::full([1, 3, 16, 16], -1.0, &device).require_grad();
        let wanted = pictures(3, &device).narrow(0, 0, 1);
        let gradients = it.loss(found.clone(), wanted).backward();
        let gradient = found.grad(&gradients).expect("a gradient").into_data().try_into_vec::<f32>().expect("f32");
        assert!(gradient.iter().all(|x| x.is_finite()) && gradient.iter().any(|x| *x != 0.0));
    }
}
