//! What ends each half of a layer, in one pass: the bias of the product, the way around it, the layer norm.

use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout, Result, bail};

use super::{check_width, sum, values, values_mut, vectorize};

/// `norm(x + bias + residual) * weight + shift`, row by row; the norm is to mean 0 and variance 1.
pub struct ResidualNorm {
    pub bias: Vec<f32>,
    pub weight: Vec<f32>,
    pub shift: Vec<f32>,
    /// Added to the variance.
    pub epsilon: f32,
}

impl ResidualNorm {
    #[inline(always)]
    fn apply(&self, values: &mut [f32], residual: &[f32]) {
        let width = self.bias.len();
        for (row, residual) in values.chunks_exact_mut(width).zip(residual.chunks_exact(width)) {
            for ((x, bias), residual) in row.iter_mut().zip(&self.bias).zip(residual) {
                *x += bias + residual;
            }
            self.normalize(row);
        }
    }

    #[inline(always)]
    fn normalize(&self, row: &mut [f32]) {
        let count = row.len() as f32;
        let mean = sum(row, |x| x) / count;
        row.iter_mut().for_each(|x| *x -= mean);
        let variance = sum(row, |x| x * x) / count;
        let scale = 1.0 / (variance + self.epsilon).sqrt();
        for ((x, weight), shift) in row.iter_mut().zip(&self.weight).zip(&self.shift) {
            *x = *x * scale * weight + shift;
        }
    }
}

/// Without a way around.
impl InplaceOp1 for ResidualNorm {
    fn name(&self) -> &'static str {
        "norm"
    }

    fn cpu_fwd(&self, x: &mut CpuStorage, layout: &Layout) -> Result<()> {
        check_width(layout, self.bias.len())?;
        let x = values_mut(x, layout)?;
        vectorize(
            #[inline(always)]
            || {
                for row in x.chunks_exact_mut(self.bias.len()) {
                    row.iter_mut().zip(&self.bias).for_each(|(x, bias)| *x += bias);
                    self.normalize(row);
                }
            },
        );
        Ok(())
    }
}

/// `x + bias + residual`, row by row: what ends the half of a layer that has its norm in front.
pub struct Residual {
    pub bias: Vec<f32>,
}

impl InplaceOp2 for Residual {
    fn name(&self) -> &'static str {
        "residual"
    }

    fn cpu_fwd(&self, x: &mut CpuStorage, x_layout: &Layout, residual: &CpuStorage, layout: &Layout) -> Result<()> {
        check_width(x_layout, self.bias.len())?;
        if x_layout.dims() != layout.dims() {
            bail!("the residual has another shape: {:?}, not {:?}", layout.shape(), x_layout.shape());
        }
        let (x, residual) = (values_mut(x, x_layout)?, values(residual, layout)?);
        let width = self.bias.len();
        for (row, residual) in x.chunks_exact_mut(width).zip(residual.chunks_exact(width)) {
            for ((x, bias), residual) in row.iter_mut().zip(&self.bias).zip(residual) {
                *x += bias + residual;
            }
        }
        Ok(())
    }
}

/// The norms of queries and keys, in rows of queries, keys and values.
pub struct HeadNorms {
    pub queries: ResidualNorm,
    pub keys: ResidualNorm,
}

impl InplaceOp1 for HeadNorms {
    fn name(&self) -> &'static str {
        "head-norms"
    }

    fn cpu_fwd(&self, x: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let width = self.queries.weight.len();
        check_width(layout, 3 * width)?;
        let x = values_mut(x, layout)?;
        vectorize(
            #[inline(always)]
            || {
                for row in x.chunks_exact_mut(3 * width) {
                    let (queries, rest) = row.split_at_mut(width);
                    self.queries.normalize(queries);
                    self.keys.normalize(&mut rest[..width]);
                }
            },
        );
        Ok(())
    }
}

impl InplaceOp2 for ResidualNorm {
    fn name(&self) -> &'static str {
        "residual-norm"
    }

    fn cpu_fwd(&self, x: &mut CpuStorage, x_layout: &Layout, residual: &CpuStorage, layout: &Layout) -> Result<()> {
        check_width(x_layout, self.bias.len())?;
        if x_layout.dims() != layout.dims() {
            bail!("the residual has another shape: {:?}, not {:?}", layout.shape(), x_layout.shape());
        }
        let (x, residual) = (values_mut(x, x_layout)?, values(residual, layout)?);
        vectorize(
            #[inline(always)]
            || self.apply(x, residual),
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    #[test]
    fn it_is_what_the_library_computes_in_three_steps() {
        let width = 37;
        let random = |rows: usize| Tensor::rand(-3_f32, 5.0, (rows, width), &Device::Cpu).unwrap();
        let (x, residual) = (random(6), random(6));
        let [bias, weight, shift] = [(); 3].map(|()| random(1).squeeze(0).unwrap());
        let added = (x.broadcast_add(&bias).unwrap() + &residual).unwrap();
        let expected = candle_nn::ops::layer_norm(&added, &weight, &shift, 1e-12).unwrap();
        let [bias, weight, shift] = [bias, weight, shift].map(|tensor| tensor.to_vec1().unwrap());
        x.inplace_op2(&residual, &ResidualNorm { bias, weight, shift, epsilon: 1e-12 }).unwrap();
        let worst = (x - expected).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
        assert!(worst.to_scalar::<f32>().unwrap() <= 1e-5, "{worst}");
    }

    #[test]
    fn a_residual_of_another_shape_is_refused() {
        let zeros = |rows: usize| Tensor::zeros((rows, 3), candle_core::DType::F32, &Device::Cpu).unwrap();
        let row = || vec![0.0; 3];
        let norm = ResidualNorm { bias: row(), weight: row(), shift: row(), epsilon: 1e-12 };
        assert!(zeros(2).inplace_op2(&zeros(1), &norm).is_err());
    }
}
