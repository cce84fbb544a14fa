//! The steps between an encoder's matrix products, each in place and in one pass over its values.
//!
//! They are plain loops that the compiler turns into vector code; [`vectorize`] has them compiled for wider vectors than the
//! target's baseline and picks by what the processor has.

pub mod bias;
pub mod distance;
pub mod exp;
pub mod gelu;
pub mod glu;
pub mod norm;
pub mod rotary;
pub mod softmax;

use candle_core::{CpuStorage, Layout, Result, bail};

/// Sums and maxima are kept in so many places at once, so that they need no order: 16 `f32` fill the widest vector there is.
const LANES: usize = 16;

/// Runs `op` compiled for the widest vectors that this processor has: AVX-512, AVX2, or the target's baseline (NEON on aarch64,
/// SSE2 on x86-64). `op` and all that it calls must be `#[inline(always)]`.
#[inline(always)]
fn vectorize<F: FnOnce()>(op: F) {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(simd) = pulp::x86::V4::try_new() {
            return simd.vectorize(op);
        }
        if let Some(simd) = pulp::x86::V3::try_new() {
            return simd.vectorize(op);
        }
    }
    op();
}

/// The values of a tensor that is one piece in memory.
fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => bail!("expected f32 values in one piece, got {:?}", layout.shape()),
    }
}

/// As [`values`], to change.
fn values_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&mut values[start..end]),
        _ => bail!("expected f32 values in one piece, got {:?}", layout.shape()),
    }
}

/// Refuses a tensor whose rows are not `width` long, or empty.
fn check_width(layout: &Layout, width: usize) -> Result<()> {
    match layout.dims().last() {
        Some(&last) if last == width && width > 0 => Ok(()),
        _ => bail!("expected rows of {width} values, got {:?}", layout.shape()),
    }
}

/// The sum of what `of` makes of each value, in [`LANES`] partial sums.
#[inline(always)]
fn sum(values: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest: f32 = chunks.remainder().iter().map(|&value| of(value)).sum();
    for chunk in chunks {
        for (sum, &value) in sums.iter_mut().zip(chunk) {
            *sum += of(value);
        }
    }
    rest + sums.iter().sum::<f32>()
}

/// The greatest value; minus infinity if there is none.
#[inline(always)]
fn max(values: &[f32]) -> f32 {
    let greater = |a: f32, b: f32| if b > a { b } else { a };
    let mut maxima = [f32::NEG_INFINITY; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder().iter().copied().fold(f32::NEG_INFINITY, greater);
    for chunk in chunks {
        for (maximum, value) in maxima.iter_mut().zip(chunk) {
            *maximum = greater(*maximum, *value);
        }
    }
    maxima.into_iter().fold(rest, greater)
}
