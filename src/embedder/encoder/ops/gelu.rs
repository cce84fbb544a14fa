//! The bias of the widening product and the activation behind it, in one pass.

use candle_core::{CpuStorage, InplaceOp1, Layout, Result};

use super::exp::exp;
use super::{check_width, values_mut, vectorize};

/// `gelu(x + bias)` with the bias of a column.
pub struct BiasGelu {
    bias: Vec<f32>,
}

impl BiasGelu {
    pub fn new(bias: Vec<f32>) -> Self {
        Self { bias }
    }

    #[inline(always)]
    fn apply(&self, values: &mut [f32]) {
        for row in values.chunks_exact_mut(self.bias.len()) {
            for (x, bias) in row.iter_mut().zip(&self.bias) {
                *x = gelu(*x + bias);
            }
        }
    }
}

impl InplaceOp1 for BiasGelu {
    fn name(&self) -> &'static str {
        "bias-gelu"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        check_width(layout, self.bias.len())?;
        let values = values_mut(storage, layout)?;
        vectorize(
            #[inline(always)]
            || self.apply(values),
        );
        Ok(())
    }
}

/// The Gaussian error linear unit `x Φ(x)`, to an absolute error of `1e-7 |x|`, computed as `max(x, 0) - |x| Φ(-|x|)`.
///
/// `Φ(-|x|)` is half the complementary error function of `|x| / √2`, for which this is formula 7.1.26 (absolute error at most
/// 1.5e-7) of M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions, 1964.
#[inline(always)]
pub(super) fn gelu(x: f32) -> f32 {
    let size = x.abs();
    let t = 1.0 / (1.0 + size * (0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2));
    let mut p = 1.061_405_4;
    p = p * t - 1.453_152;
    p = p * t + 1.421_413_7;
    p = p * t - 0.284_496_74;
    p = p * t + 0.254_829_6;
    let tail = 0.5 * (p * t) * exp(-0.5 * size * size);
    let positive = if x > 0.0 { x } else { 0.0 };
    positive - size * tail
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    #[test]
    fn it_is_what_the_library_computes_in_two_steps() {
        let (rows, width) = (7, 33);
        let x = Tensor::rand(-12_f32, 12.0, (rows, width), &Device::Cpu).unwrap();
        let bias = Tensor::rand(-2_f32, 2.0, width, &Device::Cpu).unwrap();
        let expected = x.broadcast_add(&bias).unwrap().gelu_erf().unwrap();
        x.inplace_op1(&BiasGelu::new(bias.to_vec1().unwrap())).unwrap();
        let worst = (x - expected).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
        assert!(worst.to_scalar::<f32>().unwrap() <= 2e-6, "{worst}");
    }

    #[test]
    fn the_ends_are_the_identity_and_zero() {
        assert_eq!((gelu(0.0), gelu(30.0), gelu(1e20)), (0.0, 30.0, 1e20));
        assert!(gelu(-30.0).abs() < 1e-30 && gelu(f32::NAN).is_nan());
    }

    #[test]
    fn a_row_of_another_width_is_refused() {
        let x = Tensor::zeros((2, 3), candle_core::DType::F32, &Device::Cpu).unwrap();
        assert!(x.inplace_op1(&BiasGelu::new(vec![0.0; 4])).is_err());
    }
}
