//! The Fréchet distance between two sets of feature vectors (Heusel et al. 2017, arXiv:1706.08500).

use nalgebra::{DMatrix, DVector};

/// Mean and covariance of feature vectors.
#[derive(Debug, Clone)]
pub struct Gaussian {
    mean: DVector<f64>,
    covariance: DMatrix<f64>,
}

impl Gaussian {
    /// Fits to `features`, vectors of length `dim` one after the other.
    ///
    /// # Panics
    /// With fewer than two vectors.
    pub fn fit(features: &[f32], dim: usize) -> Self {
        let count = features.len() / dim;
        assert!(count >= 2, "a covariance needs two vectors, got {count}");
        let rows = DMatrix::from_row_iterator(count, dim, features.iter().map(|v| f64::from(*v)));
        let mean = rows.row_mean().transpose();
        let mut centred = rows;
        centred.row_iter_mut().for_each(|mut row| row -= mean.transpose());
        let covariance = centred.transpose() * &centred / (count - 1) as f64;
        Self { mean, covariance }
    }

    /// `|μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2·(Σ₁^½·Σ₂·Σ₁^½)^½)`
    pub fn distance(&self, other: &Self) -> f64 {
        let root = square_root(&self.covariance);
        let cross = square_root(&(&root * &other.covariance * &root));
        (&self.mean - &other.mean).norm_squared() + self.covariance.trace() + other.covariance.trace()
            - 2.0 * cross.trace()
    }
}

/// Of a symmetric positive semi-definite matrix; rounding below zero is cut off.
fn square_root(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    let eigen = ((matrix + matrix.transpose()) / 2.0).symmetric_eigen();
    let roots = eigen.eigenvalues.map(|value| value.max(0.0).sqrt());
    &eigen.eigenvectors * DMatrix::from_diagonal(&roots) * eigen.eigenvectors.transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_at_distance_zero_from_itself() {
        let features: Vec<f32> = ditscope_noise::gaussian(3, 0, 4 * 500);
        let fit = Gaussian::fit(&features, 4);
        assert!(fit.distance(&fit).abs() < 1e-9);
    }

    #[test]
    fn shift_and_scale_of_independent_axes_have_the_known_distance() {
        let features: Vec<f32> = ditscope_noise::gaussian(3, 0, 2 * 4000);
        let changed: Vec<f32> = features.iter().map(|v| 3.0 * v + 1.0).collect();
        let (a, b) = (Gaussian::fit(&features, 2), Gaussian::fit(&changed, 2));
        // Σ₂ = 9·Σ₁: tr(Σ₁ + 9Σ₁ − 6Σ₁) = 4·tr(Σ₁); the means differ by 2·μ₁ + 1.
        let expected = a.mean.map(|m| (2.0 * m + 1.0).powi(2)).sum() + 4.0 * a.covariance.trace();
        assert!((a.distance(&b) - expected).abs() < 1e-4, "{} and {expected}", a.distance(&b));
    }
}
