//! BERT (J. Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers", 2018) and RoBERTa (Y. Liu et al., 2019), which counts
//! places from its padding on.

use candle_core::Result;

use super::{EncoderConfig, NetworkError, TOKENS_MAX, check_heads, expect, norm, projection};
use crate::embedder::encoder::attention::Attention;
use crate::embedder::encoder::network::{Activation, FeedForward, Layer, LayerNorms, Network, Positions};
use crate::embedder::encoder::ops::gelu::BiasGelu;
use crate::embedder::encoder::weights::Weights;

/// `padding`: see [`Positions`].
///
/// # Errors
/// If a tensor is missing or of another shape, or the activation is not GELU.
pub(super) fn load(
    weights: &Weights<'_>,
    config: &EncoderConfig,
    padding: Option<u32>,
) -> std::result::Result<Network, NetworkError> {
    expect("the activation", &config.hidden_act, "gelu")?;
    check_heads(config.hidden_size, config.num_attention_heads)?;
    let hidden = config.hidden_size;
    let table = |name: &str, rows: usize| weights.tensor(&format!("embeddings.{name}.weight"), &[rows, hidden]);
    let segments = table("token_type_embeddings", config.type_vocab_size)?;
    let layer = |index: usize| layer(weights, &format!("encoder.layer.{index}"), config);
    Ok(Network {
        words: table("word_embeddings", config.vocab_size)?,
        norm: norm(weights, "embeddings.LayerNorm", segments.get(0)?.to_vec1()?, config.layer_norm_eps)?,
        layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?,
        last_norm: None,
        tokens_max: places(config, padding),
        positions: Some(Positions { table: table("position_embeddings", config.max_position_embeddings)?, padding }),
    })
}

/// Tokens for which there are places.
pub(super) fn places(config: &EncoderConfig, padding: Option<u32>) -> usize {
    let before = padding.map_or(0, |padding| padding as usize + 1);
    config.max_position_embeddings.saturating_sub(before).min(TOKENS_MAX)
}

fn layer(weights: &Weights<'_>, name: &str, config: &EncoderConfig) -> Result<Layer> {
    let hidden = config.hidden_size;
    let own = |part: &str| projection(weights, &format!("{name}.attention.self.{part}"), hidden);
    let output = weights.matrix(&format!("{name}.attention.output.dense.weight"), hidden, hidden)?;
    let end = |of: &str| {
        let bias = weights.vector(&format!("{name}.{of}.dense.bias"), hidden)?;
        norm(weights, &format!("{name}.{of}.LayerNorm"), bias, config.layer_norm_eps)
    };
    Ok(Layer {
        attention: Attention::new(config.num_attention_heads, [own("query")?, own("key")?, own("value")?], output)?,
        feed: feed(weights, name, config)?,
        norms: LayerNorms::Behind { attention: end("attention.output")?, again: None, feed: end("output")? },
    })
}

/// The widening and narrowing step, without the last bias.
pub(super) fn feed(weights: &Weights<'_>, name: &str, config: &EncoderConfig) -> Result<FeedForward> {
    let (hidden, wide) = (config.hidden_size, config.intermediate_size);
    Ok(FeedForward {
        widen: weights.matrix(&format!("{name}.intermediate.dense.weight"), hidden, wide)?,
        activation: Activation::Gelu(BiasGelu::new(weights.vector(&format!("{name}.intermediate.dense.bias"), wide)?)),
        narrow: weights.matrix(&format!("{name}.output.dense.weight"), wide, hidden)?,
    })
}
