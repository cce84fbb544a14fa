//! ModernBERT (B. Warner et al., "Smarter, Better, Faster, Longer", 2024): norms in front, rotary places, gated linear units; most layers
//! see only what is near.

use std::sync::Arc;

use candle_core::Result;
use serde::Deserialize;
use serde_json::Value;

use super::nomic::three;
use super::{NetworkError, TOKENS_MAX, check_heads, expect, gelu, norm};
use crate::embedder::encoder::attention::Attention;
use crate::embedder::encoder::network::{Activation, FeedForward, Layer, LayerNorms, Network};
use crate::embedder::encoder::ops::distance::{DistanceSoftmax, window};
use crate::embedder::encoder::ops::glu::{GateKind, Glu};
use crate::embedder::encoder::ops::norm::Residual;
use crate::embedder::encoder::ops::rotary::Rotary;
use crate::embedder::encoder::weights::Weights;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct ModernBertConfig {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    max_position_embeddings: usize,
    #[serde(default = "epsilon")]
    norm_eps: f64,
    #[serde(default = "gelu")]
    hidden_activation: String,
    #[serde(default = "every_third")]
    global_attn_every_n_layers: usize,
    #[serde(default = "local_attention")]
    local_attention: usize,
    #[serde(default = "global_theta")]
    global_rope_theta: f64,
    /// `None`: that of the others.
    local_rope_theta: Option<f64>,
    /// Newer files have the waves here, and say of each layer what it sees.
    rope_parameters: Option<RopeKinds>,
    layer_types: Option<Vec<String>>,
    rope_scaling: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
struct RopeKinds {
    full_attention: RopeKind,
    sliding_attention: RopeKind,
}

#[derive(Clone, Debug, Deserialize)]
struct RopeKind {
    rope_theta: f64,
    rope_type: Option<String>,
}

impl ModernBertConfig {
    /// What the wave lengths of the layers that see all grow to, and of those that see what is near.
    fn bases(&self) -> std::result::Result<[f64; 2], NetworkError> {
        let scaling = self.rope_scaling.as_ref().map_or("null".to_owned(), Value::to_string);
        expect("rope_scaling", &scaling, "null")?;
        let Some(kinds) = &self.rope_parameters else {
            return Ok([self.global_rope_theta, self.local_rope_theta.unwrap_or(self.global_rope_theta)]);
        };
        for kind in [&kinds.full_attention, &kinds.sliding_attention] {
            expect("rope_type", kind.rope_type.as_deref().unwrap_or("default"), "default")?;
        }
        Ok([kinds.full_attention.rope_theta, kinds.sliding_attention.rope_theta])
    }

    /// Refuses layers of a kind that is not known, and a list that is not of all layers.
    fn check_layers(&self) -> std::result::Result<(), NetworkError> {
        let Some(kinds) = &self.layer_types else { return Ok(()) };
        if kinds.len() != self.num_hidden_layers {
            let what = format!("{} kinds (layer_types) for {} layers", kinds.len(), self.num_hidden_layers);
            return Err(NetworkError::Unsupported(format!("{what} are not supported")));
        }
        match kinds.iter().find(|kind| !matches!(kind.as_str(), "full_attention" | "sliding_attention")) {
            Some(kind) => Err(NetworkError::Unsupported(format!(
                "a layer of the kind {kind} is not supported, only full_attention and sliding_attention"
            ))),
            None => Ok(()),
        }
    }

    fn sees_all(&self, layer: usize) -> bool {
        match self.layer_types.as_ref().and_then(|types| types.get(layer)) {
            Some(kind) => kind == "full_attention",
            None => layer.is_multiple_of(self.global_attn_every_n_layers.max(1)),
        }
    }
}

const fn epsilon() -> f64 {
    1e-5
}

const fn every_third() -> usize {
    3
}

const fn local_attention() -> usize {
    128
}

const fn global_theta() -> f64 {
    160_000.0
}

/// What the layers of one kind share: those that see all, and those that see what is near.
struct LayerSight {
    rotary: Arc<Rotary>,
    distance: Option<Arc<DistanceSoftmax>>,
}

/// # Errors
/// If a tensor is missing or of another shape, or the activation is not GELU.
pub(super) fn load(weights: &Weights<'_>, config: &ModernBertConfig) -> std::result::Result<Network, NetworkError> {
    expect("the activation", &config.hidden_activation, "gelu")?;
    check_heads(config.hidden_size, config.num_attention_heads)?;
    config.check_layers()?;
    let hidden = config.hidden_size;
    let tokens_max = config.max_position_embeddings.min(TOKENS_MAX);
    let rotary =
        |base: f64| Ok::<_, NetworkError>(Arc::new(Rotary::new(hidden, config.num_attention_heads, tokens_max, base)?));
    let [all, near] = config.bases()?;
    let global = LayerSight { rotary: rotary(all)?, distance: None };
    let local =
        LayerSight { rotary: rotary(near)?, distance: Some(Arc::new(window(config.local_attention / 2, tokens_max))) };
    let layer = |index: usize| layer(weights, index, config, if config.sees_all(index) { &global } else { &local });
    let zeros = || vec![0.0; hidden];
    Ok(Network {
        words: weights.tensor("embeddings.tok_embeddings.weight", &[config.vocab_size, hidden])?,
        positions: None,
        norm: norm(weights, "embeddings.norm", zeros(), config.norm_eps)?,
        layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?,
        last_norm: Some(norm(weights, "final_norm", zeros(), config.norm_eps)?),
        tokens_max,
    })
}

fn layer(weights: &Weights<'_>, index: usize, config: &ModernBertConfig, sight: &LayerSight) -> Result<Layer> {
    let (hidden, wide) = (config.hidden_size, config.intermediate_size);
    let name = format!("layers.{index}");
    let front = |of: &str| norm(weights, &format!("{name}.{of}"), vec![0.0; hidden], config.norm_eps);
    let end = |of: &str| {
        Ok::<_, candle_core::Error>(Residual { bias: weights.vector_or_zeros(&format!("{name}.{of}.bias"), hidden)? })
    };
    if weights.has(&format!("{name}.mlp.Wi.bias")) {
        candle_core::bail!("{name}.mlp.Wi.bias: biases inside gated linear units (mlp_bias) are not supported");
    }
    let matrix = |of: &str, inputs, outputs| weights.matrix(&format!("{name}.{of}.weight"), inputs, outputs);
    let parts = three(weights, &format!("{name}.attn.Wqkv"), hidden)?;
    let attention = Attention::new(config.num_attention_heads, parts, matrix("attn.Wo", hidden, hidden)?)?;
    let attention = attention.with_rotary(sight.rotary.clone());
    // What comes out of the vocabulary's norm is not normed again.
    let attention_front = if index == 0 { None } else { Some(front("attn_norm")?) };
    Ok(Layer {
        attention: match &sight.distance {
            Some(distance) => attention.with_distance(distance.clone()),
            None => attention,
        },
        feed: FeedForward {
            widen: matrix("mlp.Wi", hidden, 2 * wide)?,
            activation: Activation::Gated(Glu { kind: GateKind::Gelu, width: wide }),
            narrow: matrix("mlp.Wo", wide, hidden)?,
        },
        norms: LayerNorms::Before {
            attention: attention_front,
            attention_end: end("attn.Wo")?,
            feed: front("mlp_norm")?,
            feed_end: end("mlp.Wo")?,
        },
    })
}
