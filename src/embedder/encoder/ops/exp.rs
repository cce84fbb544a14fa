//! The exponential of many values at once.

/// `1.5 * 2^23`: added to a small number it leaves that number, rounded, in the lowest bits.
const ROUNDING: f32 = 12_582_912.0;

/// ln 2 in two parts; the first has so few bits that its products with whole numbers are exact.
const LN_2_HIGH: f32 = 355.0 / 512.0;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// Below, the result is no normal number.
const LEAST: f32 = -87.0;

/// `e^x` for `x <= 0`, to a relative error of 2e-7; `e^-87` (1.6e-38) for all that is less.
///
/// The reduction `x = n ln 2 + r` and the polynomial for `e^r` are those of `expf` in S. L. Moshier's Cephes Mathematical Library
/// 2.2 (1992), without branches or table, so that it can be computed on vectors.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = if x < LEAST { LEAST } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUNDING;
    let n = shifted - ROUNDING;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let e_to_r = p * (r * r) + r + 1.0;
    // Times 2^n: n is added to the exponent's bits.
    f32::from_bits(e_to_r.to_bits().wrapping_add(shifted.to_bits() << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_exponential_to_2e_7() {
        let worst = (0..=870_000)
            .map(|step| -1e-4 * step as f32)
            .map(|x| (f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs())
            .fold(0.0, f64::max);
        assert!(worst <= 2e-7, "{worst}");
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn the_far_end_is_almost_zero_and_nan_stays() {
        assert!(exp(f32::NEG_INFINITY) <= 2e-38 && exp(-1e30) <= 2e-38);
        assert!(exp(f32::NAN).is_nan());
    }
}
