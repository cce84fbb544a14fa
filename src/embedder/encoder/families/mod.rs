//! The families of encoders: what a `config.json` says and how a family calls its tensors, to one [`Network`] of shared parts.

mod bert;
mod jina;
mod modernbert;
mod mpnet;
mod nomic;

use candle_core::{Result, Tensor};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::network::Network;
use super::ops::norm::ResidualNorm;
use super::weights::Weights;

/// Most tokens of a text, the model's marks included, whatever a model allows: the time of a text grows faster than its length, and chunks
/// are cut for less.
pub const TOKENS_MAX: usize = 512;

/// Why a model cannot be loaded: a text for people.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The model is sound; this program has no code for it.
    #[error("{0}")]
    Unsupported(String),
    #[error("{0}")]
    Weights(#[from] candle_core::Error),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncoderFamily {
    Bert,
    Roberta,
    Mpnet,
    JinaBert,
    NomicBert,
    ModernBert,
}

impl EncoderFamily {
    /// What a configuration (`config.json`) is of.
    ///
    /// # Errors
    /// If it is of none that is known; the error says what is missing.
    pub fn of(config: &Value) -> std::result::Result<Self, NetworkError> {
        let text = |key: &str| config.get(key).and_then(Value::as_str);
        let class = config.pointer("/architectures/0").and_then(Value::as_str).unwrap_or_default();
        let positions = text("position_embedding_type").unwrap_or("absolute");
        let family = match text("model_type") {
            Some("bert" | "jina_bert") if positions == "alibi" => Self::JinaBert,
            Some("bert") => Self::Bert,
            Some("roberta" | "xlm-roberta" | "camembert") => Self::Roberta,
            Some("mpnet") => Self::Mpnet,
            Some("nomic_bert") => Self::NomicBert,
            Some("modernbert") => Self::ModernBert,
            Some(other) => return Err(unknown(&format!("the family {other} (model_type in config.json)"))),
            None => return Err(unknown("models whose config.json has no model_type")),
        };
        if matches!(family, Self::Bert | Self::Roberta) && positions != "absolute" {
            let missing = format!("position_embedding_type {positions} of the family {}", family.name());
            return Err(NetworkError::Unsupported(format!(
                "{missing} is not supported, only absolute (and alibi for JinaBERT)"
            )));
        }
        if class.ends_with("Decoder") || config.get("is_decoder").and_then(Value::as_bool) == Some(true) {
            return Err(NetworkError::Unsupported(format!("{class} is a decoder; only encoders are supported")));
        }
        Ok(family)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Bert => "BERT",
            Self::Roberta => "RoBERTa",
            Self::Mpnet => "MPNet",
            Self::JinaBert => "JinaBERT",
            Self::NomicBert => "NomicBERT",
            Self::ModernBert => "ModernBERT",
        }
    }

    /// How the family calls the vectors of its vocabulary.
    const fn words(self) -> &'static str {
        match self {
            Self::ModernBert => "embeddings.tok_embeddings.weight",
            _ => "embeddings.word_embeddings.weight",
        }
    }
}

fn unknown(what: &str) -> NetworkError {
    let known = "BERT, RoBERTa (and XLM-RoBERTa, CamemBERT), MPNet, JinaBERT, NomicBERT, ModernBERT";
    NetworkError::Unsupported(format!("{what} is not supported; supported are {known}"))
}

/// Loads the network that a configuration describes out of the contents of its safetensors files.
///
/// # Errors
/// If the family or something that the configuration asks for is unknown, or a tensor is missing or of another shape.
pub fn load(config: &Value, files: &[Vec<u8>]) -> std::result::Result<Network, NetworkError> {
    let family = EncoderFamily::of(config)?;
    let weights = Weights::new(files, family.words())?;
    let network = load_family(family, &weights, config)?;
    let layers = network.layers.len();
    if layers == 0 || weights.has_layer(layers) {
        return Err(NetworkError::Unsupported(format!(
            "config.json says that it has {layers} layers, and its weights are of another number"
        )));
    }
    Ok(network)
}

fn load_family(
    family: EncoderFamily,
    weights: &Weights<'_>,
    config: &Value,
) -> std::result::Result<Network, NetworkError> {
    match family {
        EncoderFamily::Bert => bert::load(weights, &read(config)?, None),
        EncoderFamily::Roberta => {
            let config: EncoderConfig = read(config)?;
            bert::load(weights, &config, Some(config.pad_token_id.unwrap_or(1)))
        }
        EncoderFamily::Mpnet => mpnet::load(weights, &read(config)?),
        EncoderFamily::JinaBert => jina::load(weights, &read(config)?),
        EncoderFamily::NomicBert => nomic::load(weights, &read(config)?),
        EncoderFamily::ModernBert => modernbert::load(weights, &read(config)?),
    }
}

/// What the families after BERT have of its configuration.
#[derive(Clone, Debug, Deserialize)]
struct EncoderConfig {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    #[serde(default = "gelu")]
    hidden_act: String,
    max_position_embeddings: usize,
    #[serde(default)]
    type_vocab_size: usize,
    #[serde(default = "epsilon")]
    layer_norm_eps: f64,
    pad_token_id: Option<u32>,
    /// MPNet's.
    #[serde(default = "buckets")]
    relative_attention_num_buckets: usize,
    /// JinaBERT's.
    feed_forward_type: Option<String>,
}

fn gelu() -> String {
    "gelu".to_owned()
}

const fn epsilon() -> f64 {
    1e-12
}

const fn buckets() -> usize {
    32
}

fn read<T: DeserializeOwned>(config: &Value) -> std::result::Result<T, NetworkError> {
    serde_json::from_value(config.clone())
        .map_err(|error| NetworkError::Unsupported(format!("config.json cannot be read: {error}")))
}

/// Refuses what is not `wanted`.
fn expect(what: &str, found: &str, wanted: &str) -> std::result::Result<(), NetworkError> {
    if found == wanted {
        return Ok(());
    }
    Err(NetworkError::Unsupported(format!("{what} {found} is not supported, only {wanted}")))
}

fn check_heads(hidden: usize, heads: usize) -> std::result::Result<(), NetworkError> {
    if heads > 0 && hidden > 0 && hidden.is_multiple_of(heads) {
        return Ok(());
    }
    Err(NetworkError::Unsupported(format!("{hidden} values cannot be shared by {heads} heads")))
}

/// A norm, with the bias of the product before it.
fn norm(weights: &Weights<'_>, name: &str, bias: Vec<f32>, epsilon: f64) -> Result<ResidualNorm> {
    let width = bias.len();
    Ok(ResidualNorm {
        weight: weights.vector(&format!("{name}.weight"), width)?,
        shift: weights.vector_or_zeros(&format!("{name}.bias"), width)?,
        bias,
        epsilon: epsilon as f32,
    })
}

/// A square linear step with its bias.
fn projection(weights: &Weights<'_>, name: &str, hidden: usize) -> Result<(Tensor, Option<Tensor>)> {
    let bias = weights.tensor(&format!("{name}.bias"), &[hidden])?;
    Ok((weights.matrix(&format!("{name}.weight"), hidden, hidden)?, Some(bias)))
}

/// The matrix of a linear step that gives two halves, the second of which is put first.
fn halves_turned(matrix: &Tensor) -> Result<Tensor> {
    let half = matrix.dim(1)? / 2;
    Tensor::cat(&[matrix.narrow(1, half, half)?, matrix.narrow(1, 0, half)?], 1)
}
