//! NomicBERT (Z. Nussbaum et al., "Nomic Embed", 2024): a BERT with rotary places and gated linear units, without biases.

use std::sync::Arc;

use candle_core::{Result, Tensor};
use serde::Deserialize;

use super::{NetworkError, TOKENS_MAX, check_heads, expect, norm};
use crate::embedder::encoder::attention::{Attention, Projection};
use crate::embedder::encoder::network::{Activation, FeedForward, Layer, LayerNorms, Network};
use crate::embedder::encoder::ops::glu::{GateKind, Glu};
use crate::embedder::encoder::ops::rotary::Rotary;
use crate::embedder::encoder::weights::Weights;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct NomicConfig {
    vocab_size: usize,
    n_embd: usize,
    n_head: usize,
    n_layer: usize,
    n_inner: Option<usize>,
    n_positions: usize,
    type_vocab_size: usize,
    layer_norm_epsilon: f64,
    activation_function: String,
    #[serde(default)]
    prenorm: bool,
    #[serde(default)]
    use_rms_norm: Option<bool>,
    #[serde(default)]
    rotary_emb_interleaved: bool,
    rotary_emb_fraction: f64,
    rotary_emb_base: f64,
    #[serde(default)]
    moe_every_n_layers: Option<usize>,
}

/// # Errors
/// If a tensor is missing or of another shape, or the configuration asks for a variant that is not supported.
pub(super) fn load(weights: &Weights<'_>, config: &NomicConfig) -> std::result::Result<Network, NetworkError> {
    expect("the activation", &config.activation_function, "swiglu")?;
    expect("prenorm", &config.prenorm.to_string(), "false")?;
    expect("use_rms_norm", &config.use_rms_norm.unwrap_or_default().to_string(), "false")?;
    expect("rotary_emb_interleaved", &config.rotary_emb_interleaved.to_string(), "false")?;
    expect("rotary_emb_fraction", &config.rotary_emb_fraction.to_string(), "1")?;
    expect("moe_every_n_layers", &config.moe_every_n_layers.unwrap_or(0).to_string(), "0")?;
    check_heads(config.n_embd, config.n_head)?;
    let hidden = config.n_embd;
    let table = |name: &str, rows: usize| weights.tensor(&format!("embeddings.{name}.weight"), &[rows, hidden]);
    let segment = match config.type_vocab_size {
        0 => vec![0.0; hidden],
        rows => table("token_type_embeddings", rows)?.get(0)?.to_vec1()?,
    };
    let tokens_max = config.n_positions.min(TOKENS_MAX);
    let rotary = Arc::new(Rotary::new(hidden, config.n_head, tokens_max, config.rotary_emb_base)?);
    let layer = |index: usize| layer(weights, &format!("encoder.layers.{index}"), config, &rotary);
    Ok(Network {
        words: table("word_embeddings", config.vocab_size)?,
        positions: None,
        norm: norm(weights, "emb_ln", segment, config.layer_norm_epsilon)?,
        layers: (0..config.n_layer).map(layer).collect::<Result<_>>()?,
        last_norm: None,
        tokens_max,
    })
}

fn layer(weights: &Weights<'_>, name: &str, config: &NomicConfig, rotary: &Arc<Rotary>) -> Result<Layer> {
    let (hidden, wide) = (config.n_embd, config.n_inner.unwrap_or(4 * config.n_embd));
    let matrix = |of: &str, inputs, outputs| weights.matrix(&format!("{name}.{of}.weight"), inputs, outputs);
    let end = |of: &str, product: &str| {
        let bias = weights.vector_or_zeros(&format!("{name}.{product}.bias"), hidden)?;
        norm(weights, &format!("{name}.{of}"), bias, config.layer_norm_epsilon)
    };
    for part in ["mlp.fc11.bias", "mlp.fc12.bias"] {
        if weights.has(&format!("{name}.{part}")) {
            candle_core::bail!("{name}.{part}: biases inside gated linear units (mlp_fc1_bias) are not supported");
        }
    }
    let (gate, plain) = (matrix("mlp.fc12", hidden, wide)?, matrix("mlp.fc11", hidden, wide)?);
    let parts = three(weights, &format!("{name}.attn.Wqkv"), hidden)?;
    let output = matrix("attn.out_proj", hidden, hidden)?;
    Ok(Layer {
        attention: Attention::new(config.n_head, parts, output)?.with_rotary(rotary.clone()),
        feed: FeedForward {
            widen: Tensor::cat(&[gate, plain], 1)?,
            activation: Activation::Gated(Glu { kind: GateKind::Silu, width: wide }),
            narrow: matrix("mlp.fc2", wide, hidden)?,
        },
        norms: LayerNorms::Behind {
            attention: end("norm1", "attn.out_proj")?,
            again: None,
            feed: end("norm2", "mlp.fc2")?,
        },
    })
}

/// Queries, keys and values that are one linear step in the file, with a bias or without.
pub(super) fn three(weights: &Weights<'_>, name: &str, hidden: usize) -> Result<[Projection; 3]> {
    let matrix = weights.matrix(&format!("{name}.weight"), hidden, 3 * hidden)?;
    let bias = format!("{name}.bias");
    let bias = weights.has(&bias).then(|| weights.tensor(&bias, &[3 * hidden])).transpose()?;
    let part = |index: usize| -> Result<Projection> {
        let of_bias = bias.as_ref().map(|bias| bias.narrow(0, index * hidden, hidden)).transpose()?;
        Ok((matrix.narrow(1, index * hidden, hidden)?, of_bias))
    };
    Ok([part(0)?, part(1)?, part(2)?])
}
