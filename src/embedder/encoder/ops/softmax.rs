//! Attention scores to attention weights.

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, bail};

use super::exp::exp;
use super::{LANES, max, sum, values_mut, vectorize};

/// Softmax of each row.
pub struct Softmax;

impl Softmax {
    /// Rows are taken [`LANES`] at a time, so that the exponentials, which are most of the work, fill whole vectors whatever the
    /// rows' length.
    #[inline(always)]
    pub(super) fn apply(values: &mut [f32], width: usize) {
        for rows in values.chunks_mut(width * LANES) {
            for row in rows.chunks_exact_mut(width) {
                let greatest = max(row);
                row.iter_mut().for_each(|x| *x -= greatest);
            }
            rows.iter_mut().for_each(|x| *x = exp(*x));
            for row in rows.chunks_exact_mut(width) {
                let scale = 1.0 / sum(row, |x| x);
                row.iter_mut().for_each(|x| *x *= scale);
            }
        }
    }
}

impl InplaceOp1 for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let width = match layout.dims().last() {
            Some(&width) if width > 0 => width,
            _ => bail!("expected rows with values, got {:?}", layout.shape()),
        };
        let values = values_mut(storage, layout)?;
        vectorize(
            #[inline(always)]
            || Self::apply(values, width),
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    #[test]
    fn it_is_what_the_library_computes() {
        for width in [1, 15, 16, 77] {
            let x = Tensor::rand(-40_f32, 60.0, (2, 19, width), &Device::Cpu).unwrap();
            let expected = candle_nn::ops::softmax_last_dim(&x).unwrap();
            x.inplace_op1(&Softmax).unwrap();
            let worst = (x - expected).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            assert!(worst.to_scalar::<f32>().unwrap() <= 1e-6, "{width}: {worst}");
        }
    }
}
