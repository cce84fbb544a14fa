//! JinaBERT (M. Günther et al., "Jina Embeddings 2", 2023): a BERT without places, whose scores fall with the distance (ALiBi), and with
//! gated linear units. The model of code has norms of its queries and keys besides, and one more behind its attention.

use std::sync::Arc;

use candle_core::Result;

use super::{EncoderConfig, NetworkError, TOKENS_MAX, check_heads, expect, halves_turned, norm, projection};
use crate::embedder::encoder::attention::Attention;
use crate::embedder::encoder::network::{Activation, FeedForward, Layer, LayerNorms, Network};
use crate::embedder::encoder::ops::distance::{DistanceSoftmax, alibi};
use crate::embedder::encoder::ops::glu::{GateKind, Glu};
use crate::embedder::encoder::weights::Weights;

/// # Errors
/// If a tensor is missing or of another shape, or the units are not gated by GELU.
pub(super) fn load(weights: &Weights<'_>, config: &EncoderConfig) -> std::result::Result<Network, NetworkError> {
    expect("the activation", &config.hidden_act, "gelu")?;
    expect("feed_forward_type", config.feed_forward_type.as_deref().unwrap_or("geglu"), "geglu")?;
    check_heads(config.hidden_size, config.num_attention_heads)?;
    let hidden = config.hidden_size;
    let table = |name: &str, rows: usize| weights.tensor(&format!("embeddings.{name}.weight"), &[rows, hidden]);
    let segments = table("token_type_embeddings", config.type_vocab_size)?;
    let tokens_max = config.max_position_embeddings.min(TOKENS_MAX);
    let distance = Arc::new(alibi(config.num_attention_heads, tokens_max));
    let layer = |index: usize| layer(weights, &format!("encoder.layer.{index}"), config, &distance);
    Ok(Network {
        words: table("word_embeddings", config.vocab_size)?,
        positions: None,
        norm: norm(weights, "embeddings.LayerNorm", segments.get(0)?.to_vec1()?, config.layer_norm_eps)?,
        layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?,
        last_norm: None,
        tokens_max,
    })
}

fn layer(weights: &Weights<'_>, name: &str, config: &EncoderConfig, distance: &Arc<DistanceSoftmax>) -> Result<Layer> {
    let (hidden, wide) = (config.hidden_size, config.intermediate_size);
    let own = |part: &str| projection(weights, &format!("{name}.attention.self.{part}"), hidden);
    let named = |of: &str, bias: Vec<f32>| norm(weights, &format!("{name}.{of}"), bias, config.layer_norm_eps);
    let bias = |of: &str| weights.vector(&format!("{name}.{of}.bias"), hidden);
    let matrix = |of: &str, inputs, outputs| weights.matrix(&format!("{name}.{of}.weight"), inputs, outputs);
    let output = matrix("attention.output.dense", hidden, hidden)?;
    let attention = Attention::new(config.num_attention_heads, [own("query")?, own("key")?, own("value")?], output)?;
    let attention = attention.with_distance(distance.clone());
    let attended = named("attention.output.LayerNorm", bias("attention.output.dense")?)?;
    let activation = Activation::Gated(Glu { kind: GateKind::Gelu, width: wide });
    if !weights.has(&format!("{name}.mlp.up_gated_layer.weight")) {
        return Ok(Layer {
            attention,
            feed: FeedForward {
                widen: matrix("mlp.gated_layers", hidden, 2 * wide)?,
                activation,
                narrow: matrix("mlp.wo", wide, hidden)?,
            },
            norms: LayerNorms::Behind {
                attention: attended,
                again: None,
                feed: named("mlp.layernorm", bias("mlp.wo")?)?,
            },
        });
    }
    let zeros = || vec![0.0; hidden];
    let own_norm = |of: &str| named(&format!("attention.self.layer_norm_{of}"), zeros());
    Ok(Layer {
        attention: attention.with_norms(own_norm("q")?, own_norm("k")?),
        feed: FeedForward {
            widen: halves_turned(&matrix("mlp.up_gated_layer", hidden, 2 * wide)?)?,
            activation,
            narrow: matrix("mlp.down_layer", wide, hidden)?,
        },
        norms: LayerNorms::Behind {
            attention: attended,
            again: Some(named("layer_norm_1", zeros())?),
            feed: named("layer_norm_2", bias("mlp.down_layer")?)?,
        },
    })
}
