//! Attention scores to attention weights where the distance between two tokens counts: linear biases, learned ones, windows.

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, bail};

use super::softmax::Softmax;
use super::{values_mut, vectorize};

/// Adds to each score what the distance says, then takes the softmax of each row.
pub struct DistanceSoftmax {
    /// Heads with biases of their own; 1: all have the same.
    heads: usize,
    /// The greatest distance.
    reach: usize,
    /// For each head the biases of the distances from `-reach` to `reach`.
    biases: Vec<f32>,
}

impl DistanceSoftmax {
    /// For texts of `tokens` tokens at the most. `bias` says what a head adds for a distance: how many places after the token that
    /// asks the other one stands.
    pub fn new(heads: usize, tokens: usize, bias: impl Fn(usize, i64) -> f32) -> Self {
        let reach = tokens.saturating_sub(1);
        let distances = -(reach as i64)..=reach as i64;
        let biases = (0..heads).flat_map(|head| distances.clone().map(move |distance| (head, distance)));
        Self { heads, reach, biases: biases.map(|(head, distance)| bias(head, distance)).collect() }
    }

    #[inline(always)]
    fn apply(&self, scores: &mut [f32], tokens: usize) {
        let span = 2 * self.reach + 1;
        for (at, row) in scores.chunks_exact_mut(tokens).enumerate() {
            let (token, head) = (at % tokens, at / tokens % self.heads);
            let first = head * span + self.reach - token;
            for (score, bias) in row.iter_mut().zip(&self.biases[first..first + tokens]) {
                *score += bias;
            }
        }
        Softmax::apply(scores, tokens);
    }
}

impl InplaceOp1 for DistanceSoftmax {
    fn name(&self) -> &'static str {
        "distance-softmax"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let &[.., heads, rows, tokens] = layout.dims() else {
            bail!("expected scores of heads, got {:?}", layout.shape());
        };
        if tokens == 0 || rows != tokens || tokens > self.reach + 1 || !heads.is_multiple_of(self.heads) {
            bail!("scores of {:?} do not fit {} heads and {} tokens", layout.shape(), self.heads, self.reach + 1);
        }
        let values = values_mut(storage, layout)?;
        vectorize(
            #[inline(always)]
            || self.apply(values, tokens),
        );
        Ok(())
    }
}

/// The biases of ALiBi (O. Press et al., "Train Short, Test Long", 2021), in both directions alike, as JinaBERT has them: the farther, the
/// less, and each head at its own rate.
pub fn alibi(heads: usize, tokens: usize) -> DistanceSoftmax {
    let slopes = alibi_slopes(heads);
    DistanceSoftmax::new(heads, tokens, |head, distance| -slopes[head] * distance.abs() as f32)
}

/// A geometric sequence for a power of two; else that of the next lower power, and every second of the next higher.
fn alibi_slopes(heads: usize) -> Vec<f32> {
    let of_power = |count: usize| (1..=count).map(move |n| 2.0_f64.powf(-8.0 * n as f64 / count as f64) as f32);
    let lower = if heads.is_power_of_two() { heads } else { heads.next_power_of_two() / 2 };
    of_power(lower).chain(of_power(2 * lower).step_by(2)).take(heads).collect()
}

/// Nothing for what is at most `reach` places away, and out of sight beyond.
pub fn window(reach: usize, tokens: usize) -> DistanceSoftmax {
    let in_sight = |distance: i64| distance.unsigned_abs() <= reach as u64;
    DistanceSoftmax::new(1, tokens, |_, distance| if in_sight(distance) { 0.0 } else { f32::NEG_INFINITY })
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    #[test]
    fn it_is_what_the_library_computes_with_a_bias_of_its_own() {
        let (texts, heads, tokens) = (2, 3, 19);
        let bias = |head: usize, distance: i64| (head as f32 + 1.0) * (distance as f32 * 0.7).sin();
        let x = Tensor::rand(-4_f32, 6.0, (texts, heads, tokens, tokens), &Device::Cpu).unwrap();
        let biases: Vec<f32> = (0..heads * tokens * tokens)
            .map(|at| bias(at / tokens / tokens, (at % tokens) as i64 - (at / tokens % tokens) as i64))
            .collect();
        let biases = Tensor::from_vec(biases, (heads, tokens, tokens), &Device::Cpu).unwrap();
        let expected = candle_nn::ops::softmax_last_dim(&x.broadcast_add(&biases).unwrap()).unwrap();
        x.inplace_op1(&DistanceSoftmax::new(heads, 64, bias)).unwrap();
        let worst = (x - expected).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
        assert!(worst.to_scalar::<f32>().unwrap() <= 1e-6, "{worst}");
    }

    #[test]
    fn beyond_a_window_there_is_nothing() {
        let x = Tensor::zeros((1, 7, 7), candle_core::DType::F32, &Device::Cpu).unwrap();
        x.inplace_op1(&window(1, 7)).unwrap();
        let rows = x.squeeze(0).unwrap().to_vec2::<f32>().unwrap();
        assert!(rows[3][..2].iter().chain(&rows[3][5..]).all(|weight| *weight < 1e-30), "{:?}", rows[3]);
        assert!(rows[3][2..5].iter().all(|weight| (weight - 1.0 / 3.0).abs() < 1e-6), "{:?}", rows[3]);
    }

    #[test]
    fn slopes_are_those_of_the_paper() {
        assert_eq!(alibi_slopes(8)[..3], [0.5, 0.25, 0.125]);
        let twelve = alibi_slopes(12);
        assert_eq!(twelve[..8], alibi_slopes(8)[..]);
        let half = 2.0_f32.powf(-0.5);
        assert!(twelve[8..].iter().enumerate().all(|(n, slope)| (slope - half / 2.0_f32.powi(n as i32)).abs() < 1e-6));
    }

    #[test]
    fn a_text_beyond_the_reach_is_refused() {
        let x = Tensor::zeros((3, 9, 9), candle_core::DType::F32, &Device::Cpu).unwrap();
        assert!(x.inplace_op1(&alibi(3, 8)).is_err() && x.inplace_op1(&alibi(2, 9)).is_err());
        assert!(x.inplace_op1(&alibi(3, 9)).is_ok());
    }
}
