//! The bias of a product.

use candle_core::{CpuStorage, InplaceOp1, Layout, Result};

use super::{check_width, values_mut, vectorize};

/// `x + bias` with the bias of a column.
pub struct Bias {
    bias: Vec<f32>,
}

impl Bias {
    pub fn new(bias: Vec<f32>) -> Self {
        Self { bias }
    }

    #[inline(always)]
    fn apply(&self, values: &mut [f32]) {
        for row in values.chunks_exact_mut(self.bias.len()) {
            for (x, bias) in row.iter_mut().zip(&self.bias) {
                *x += bias;
            }
        }
    }
}

impl InplaceOp1 for Bias {
    fn name(&self) -> &'static str {
        "bias"
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

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    #[test]
    fn it_is_added_to_every_row() {
        let x = Tensor::rand(-1_f32, 1.0, (3, 21), &Device::Cpu).unwrap();
        let bias = Tensor::rand(-1_f32, 1.0, 21, &Device::Cpu).unwrap();
        let expected = x.broadcast_add(&bias).unwrap().to_vec2::<f32>().unwrap();
        x.inplace_op1(&Bias::new(bias.to_vec1().unwrap())).unwrap();
        assert_eq!(x.to_vec2::<f32>().unwrap(), expected);
    }
}
