//! Gated linear units: the widening product gives twice as many values, and one half of them says how much of the other passes
//! (N. Shazeer, "GLU Variants Improve Transformer", 2020).

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape};

use super::exp::exp;
use super::gelu::gelu;
use super::{check_width, values, vectorize};

/// What a gate does to its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateKind {
    Gelu,
    Silu,
}

/// `[rows, 2 * width]` to `[rows, width]`: the first half of a row is the gate.
pub struct Glu {
    pub kind: GateKind,
    pub width: usize,
}

impl Glu {
    #[inline(always)]
    fn apply(&self, values: &[f32], into: &mut [f32], gate: impl Fn(f32) -> f32) {
        for (row, out) in values.chunks_exact(2 * self.width).zip(into.chunks_exact_mut(self.width)) {
            let (gates, plain) = row.split_at(self.width);
            for ((out, x), plain) in out.iter_mut().zip(gates).zip(plain) {
                *out = gate(*x) * plain;
            }
        }
    }
}

impl CustomOp1 for Glu {
    fn name(&self) -> &'static str {
        "glu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        check_width(layout, 2 * self.width)?;
        let values = values(storage, layout)?;
        let mut out = vec![0.0; values.len() / 2];
        let into = &mut out;
        match self.kind {
            GateKind::Gelu => vectorize(
                #[inline(always)]
                || self.apply(values, into, gelu),
            ),
            GateKind::Silu => vectorize(
                #[inline(always)]
                || self.apply(values, into, silu),
            ),
        }
        let rows = values.len() / (2 * self.width);
        Ok((CpuStorage::F32(out), Shape::from((rows, self.width))))
    }
}

/// `x` times the logistic function of `x`.
#[inline(always)]
fn silu(x: f32) -> f32 {
    let e = exp(-x.abs());
    let positive = if x < 0.0 { e } else { 1.0 };
    x * positive / (1.0 + e)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    #[test]
    fn it_is_what_the_library_computes_in_two_steps() {
        let (rows, width) = (5, 21);
        let x = Tensor::rand(-12_f32, 12.0, (rows, 2 * width), &Device::Cpu).unwrap();
        let (gate, plain) = (x.narrow(1, 0, width).unwrap(), x.narrow(1, width, width).unwrap());
        for (kind, gate) in [(GateKind::Gelu, gate.gelu_erf()), (GateKind::Silu, gate.silu())] {
            let expected = (gate.unwrap() * &plain).unwrap();
            let found = x.apply_op1_no_bwd(&Glu { kind, width }).unwrap();
            assert_eq!(found.dims(), [rows, width]);
            let worst = (found - expected).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            assert!(worst.to_scalar::<f32>().unwrap() <= 2e-5, "{kind:?}: {worst}");
        }
    }

    #[test]
    fn the_ends_are_the_identity_and_zero() {
        assert_eq!((silu(0.0), silu(90.0)), (0.0, 90.0));
        assert!(silu(-90.0).abs() < 1e-30 && silu(f32::NAN).is_nan());
    }
}
