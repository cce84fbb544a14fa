//! Rotary positions: queries and keys are turned by an angle for each place (J. Su et al., "RoFormer", 2021), the two halves of a head
//! side by side, as in GPT-NeoX.

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, bail};

use super::{check_width, values_mut, vectorize};

/// The angles of all places.
pub struct Rotary {
    /// Values of a token's queries, and as many of its keys.
    width: usize,
    /// Half of a head's size.
    half: usize,
    /// `half` for each place.
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Rotary {
    /// For so many places; `base` is what the wave lengths grow to.
    ///
    /// # Errors
    /// If a head cannot be halved.
    pub fn new(width: usize, heads: usize, places: usize, base: f64) -> Result<Self> {
        let size = width.checked_div(heads).unwrap_or(0);
        if size == 0 || !size.is_multiple_of(2) || size * heads != width {
            bail!("{width} values in {heads} heads cannot be turned in pairs");
        }
        let half = size / 2;
        let angle = |at: usize| (at / half) as f64 / base.powf((at % half) as f64 / half as f64);
        let (sin, cos) =
            (0..places * half).map(angle).map(f64::sin_cos).map(|(sin, cos)| (sin as f32, cos as f32)).unzip();
        Ok(Self { width, half, cos, sin })
    }

    #[inline(always)]
    fn apply(&self, values: &mut [f32], group: usize) {
        for (at, row) in values.chunks_exact_mut(3 * self.width).enumerate() {
            let place = at % group * self.half;
            let (cos, sin) = (&self.cos[place..place + self.half], &self.sin[place..place + self.half]);
            for head in row[..2 * self.width].chunks_exact_mut(2 * self.half) {
                let (low, high) = head.split_at_mut(self.half);
                for (((low, high), cos), sin) in low.iter_mut().zip(high).zip(cos).zip(sin) {
                    (*low, *high) = (*low * cos - *high * sin, *high * cos + *low * sin);
                }
            }
        }
    }
}

/// Turns queries and keys in rows of queries, keys and values, for texts of `group` tokens one after the other.
pub struct Rotated<'a> {
    pub rotary: &'a Rotary,
    pub group: usize,
}

impl InplaceOp1 for Rotated<'_> {
    fn name(&self) -> &'static str {
        "rotary"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        check_width(layout, 3 * self.rotary.width)?;
        if self.group == 0 || self.group * self.rotary.half > self.rotary.cos.len() {
            bail!("a text of {} tokens is longer than the model has places", self.group);
        }
        let values = values_mut(storage, layout)?;
        vectorize(
            #[inline(always)]
            || self.rotary.apply(values, self.group),
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
        let (tokens, heads, size) = (9, 3, 8);
        let width = heads * size;
        let rotary = Rotary::new(width, heads, tokens, 1_000.0).unwrap();
        let x = Tensor::rand(-1_f32, 1.0, (tokens, 3 * width), &Device::Cpu).unwrap();
        let table = |values: &[f32]| Tensor::from_slice(values, (tokens, size / 2), &Device::Cpu).unwrap();
        let (cos, sin) = (table(&rotary.cos), table(&rotary.sin));
        let part = |x: &Tensor, index: usize| {
            let part = x.narrow(1, index * width, width).unwrap().reshape((1, tokens, heads, size)).unwrap();
            part.transpose(1, 2).unwrap().contiguous().unwrap()
        };
        let expected: Vec<Tensor> =
            (0..2).map(|index| candle_nn::rotary_emb::rope(&part(&x, index), &cos, &sin).unwrap()).collect();
        let values = part(&x, 2);
        x.inplace_op1(&Rotated { rotary: &rotary, group: tokens }).unwrap();
        for (index, expected) in expected.iter().chain([&values]).enumerate() {
            let worst = (part(&x, index) - expected).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            assert!(worst.to_scalar::<f32>().unwrap() <= 1e-6, "{index}: {worst}");
        }
    }

    #[test]
    fn every_text_begins_at_the_first_place() {
        let rotary = Rotary::new(4, 2, 3, 10_000.0).unwrap();
        let x = Tensor::ones((6, 12), candle_core::DType::F32, &Device::Cpu).unwrap();
        x.inplace_op1(&Rotated { rotary: &rotary, group: 3 }).unwrap();
        let rows = x.to_vec2::<f32>().unwrap();
        assert_eq!(rows[..3], rows[3..]);
        assert_ne!(rows[0], rows[1]);
        assert!(x.inplace_op1(&Rotated { rotary: &rotary, group: 6 }).is_err(), "more than there are places");
        assert!(Rotary::new(6, 2, 3, 10_000.0).is_err(), "heads of three");
    }
}
