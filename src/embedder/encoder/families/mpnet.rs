//! MPNet (K. Song et al., "MPNet: Masked and Permuted Pre-training", 2020): a RoBERTa without segments, whose layers share a learned bias for
//! the distance between two tokens, by the buckets of T5 (C. Raffel et al., 2020).

use std::sync::Arc;

use candle_core::Result;

use super::bert::{feed, places};
use super::{EncoderConfig, NetworkError, check_heads, expect, norm, projection};
use crate::embedder::encoder::attention::Attention;
use crate::embedder::encoder::network::{Layer, LayerNorms, Network, Positions};
use crate::embedder::encoder::ops::distance::DistanceSoftmax;
use crate::embedder::encoder::weights::Weights;

/// The number of the padding; places are counted from it.
const PADDING: u32 = 1;

/// Distance from which on all are in the last bucket.
const DISTANCE_MAX: f32 = 128.0;

/// # Errors
/// If a tensor is missing or of another shape, or the activation is not GELU.
pub(super) fn load(weights: &Weights<'_>, config: &EncoderConfig) -> std::result::Result<Network, NetworkError> {
    expect("the activation", &config.hidden_act, "gelu")?;
    check_heads(config.hidden_size, config.num_attention_heads)?;
    let (hidden, padding) = (config.hidden_size, config.pad_token_id.unwrap_or(PADDING));
    let table = |name: &str, rows: usize| weights.tensor(&format!("embeddings.{name}.weight"), &[rows, hidden]);
    let tokens_max = places(config, Some(padding));
    let distance = Arc::new(learned(weights, config, tokens_max)?);
    let layer = |index: usize| layer(weights, &format!("encoder.layer.{index}"), config, &distance);
    Ok(Network {
        words: table("word_embeddings", config.vocab_size)?,
        norm: norm(weights, "embeddings.LayerNorm", vec![0.0; hidden], config.layer_norm_eps)?,
        layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?,
        last_norm: None,
        tokens_max,
        positions: Some(Positions {
            table: table("position_embeddings", config.max_position_embeddings)?,
            padding: Some(padding),
        }),
    })
}

fn learned(weights: &Weights<'_>, config: &EncoderConfig, tokens: usize) -> Result<DistanceSoftmax> {
    let (heads, buckets) = (config.num_attention_heads, config.relative_attention_num_buckets);
    let biases = weights.tensor("encoder.relative_attention_bias.weight", &[buckets, heads])?.to_vec2::<f32>()?;
    Ok(DistanceSoftmax::new(heads, tokens, |head, distance| {
        biases.get(bucket(distance, buckets)).and_then(|of_heads| of_heads.get(head)).copied().unwrap_or_default()
    }))
}

/// Half of the buckets are for what stands behind. Small distances have one each, larger ones share them, by the logarithm.
fn bucket(distance: i64, buckets: usize) -> usize {
    let half = buckets / 2;
    let (first, away) = (if distance > 0 { half } else { 0 }, distance.unsigned_abs() as usize);
    let exact = half / 2;
    if away < exact {
        return first + away;
    }
    let share = (away as f32 / exact as f32).ln() / (DISTANCE_MAX / exact as f32).ln();
    first + (exact + (share * (half - exact) as f32) as usize).min(half - 1)
}

fn layer(weights: &Weights<'_>, name: &str, config: &EncoderConfig, distance: &Arc<DistanceSoftmax>) -> Result<Layer> {
    let hidden = config.hidden_size;
    let own = |part: &str| projection(weights, &format!("{name}.attention.attn.{part}"), hidden);
    let (output, output_bias) = own("o")?;
    let output_bias = output_bias.map_or_else(|| Ok(vec![0.0; hidden]), |bias| bias.to_vec1())?;
    let feed_bias = weights.vector(&format!("{name}.output.dense.bias"), hidden)?;
    let end = |of: &str, bias: Vec<f32>| norm(weights, &format!("{name}.{of}"), bias, config.layer_norm_eps);
    let attention = Attention::new(config.num_attention_heads, [own("q")?, own("k")?, own("v")?], output)?;
    Ok(Layer {
        attention: attention.with_distance(distance.clone()),
        feed: feed(weights, name, config)?,
        norms: LayerNorms::Behind {
            attention: end("attention.LayerNorm", output_bias)?,
            again: None,
            feed: end("output.LayerNorm", feed_bias)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_of_the_published_code() {
        let of = |distances: &[i64]| distances.iter().map(|&distance| bucket(distance, 32)).collect::<Vec<_>>();
        assert_eq!(of(&[0, -1, -7, -8, -11, -12, -127, -128, -500]), [0, 1, 7, 8, 8, 9, 15, 15, 15]);
        assert_eq!(of(&[1, 7, 8, 127, 500]), [17, 23, 24, 31, 31]);
    }
}
