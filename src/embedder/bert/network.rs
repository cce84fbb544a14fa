//! A BERT: tokens to one vector each.
//!
//! The products are candle's. The steps between them are our own, because on a processor they took as long as the products: in the
//! library each is several passes, each with a new tensor, and GELU asks for one error function after the other. Milliseconds for
//! a text of 128 tokens (256 tokens) in the six layers of all-MiniLM-L6-v2, on one core of an AMD EPYC with AVX-512:
//!
//! | step | candle's | here | how |
//! |---|---|---|---|
//! | products with weights | 17.1 (29.5) | 13.8 (25.5) | [`Weights::matrix`] turns a matrix once, not for each text |
//! | bias and GELU | 8.3 (17.5) | 0.4 (0.9) | [`BiasGelu`]: one pass, on vectors |
//! | scale, mask, softmax | 2.5 (12.3) | 0.4 (1.4) | [`super::ops::softmax`]: no mask without padding, the scale is in the weights |
//! | bias, residual, norm | 0.6 (1.5) | 0.1 (0.3) | [`ResidualNorm`]: one pass over a row while it is near |
//! | biases and copies of queries, keys, values | 0.2 (0.3) | 0.0 (0.1) | one product for the three, whose parts are read where they are |
//! | products inside the attention | 0.7 (2.8) | 0.8 (2.9) | |
//! | all | 29.4 (63.9) | 15.5 (31.1) | |
//!
//! Without the choice of vectors at run time ([`super::ops`]) it would be 2.2 (5.7) more on that processor.

use candle_core::{Device, Result, Tensor, bail};
use candle_transformers::models::bert::{Config, HiddenAct};

use super::attention::Attention;
use super::ops::gelu::BiasGelu;
use super::ops::norm::ResidualNorm;
use super::weights::Weights;

/// The network of J. Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers", 2018, for one text at a time without
/// padding. It computes what candle's own `BertModel` computes.
pub struct Network {
    /// `[vocabulary, hidden]`
    words: Tensor,
    /// `[positions, hidden]`
    positions: Tensor,
    /// Its bias is the vector of the first segment: a single text has no second.
    norm: ResidualNorm,
    layers: Vec<Layer>,
}

impl Network {
    /// # Errors
    /// If a tensor is missing or of another shape, or the configuration is not that of a BERT with GELU.
    pub fn load(weights: &Weights<'_>, config: &Config) -> Result<Self> {
        if config.hidden_act != HiddenAct::Gelu {
            bail!("the activation {:?} is not supported, only gelu", config.hidden_act);
        }
        let hidden = config.hidden_size;
        if config.num_attention_heads == 0 || !hidden.is_multiple_of(config.num_attention_heads) {
            bail!("{hidden} values cannot be shared by {} heads", config.num_attention_heads);
        }
        let table = |name: &str, rows: usize| weights.tensor(&format!("embeddings.{name}.weight"), &[rows, hidden]);
        let segments = table("token_type_embeddings", config.type_vocab_size)?;
        Ok(Self {
            words: table("word_embeddings", config.vocab_size)?,
            positions: table("position_embeddings", config.max_position_embeddings)?,
            norm: read_norm(weights, "embeddings.LayerNorm", segments.get(0)?.to_vec1()?, config)?,
            layers: (0..config.num_hidden_layers)
                .map(|index| Layer::load(weights, &format!("encoder.layer.{index}"), config))
                .collect::<Result<_>>()?,
        })
    }

    /// Number of tokens that it knows.
    pub fn vocabulary(&self) -> usize {
        self.words.dims().first().copied().unwrap_or_default()
    }

    /// The same as [`Network::forward`] for many short texts of `group` tokens each, one after the other.
    ///
    /// # Errors
    /// As there, or if the last text is shorter.
    pub fn forward_groups(&self, tokens: &[u32], group: usize) -> Result<Tensor> {
        let hidden = self.words.index_select(&Tensor::new(tokens, &Device::Cpu)?, 0)?;
        let positions = self.positions.narrow(0, 0, group)?.repeat((tokens.len() / group.max(1), 1))?;
        hidden.inplace_op2(&positions, &self.norm)?;
        self.layers.iter().try_fold(hidden, |hidden, layer| layer.forward(&hidden, group))
    }

    /// The vectors of a text's tokens, `[tokens, hidden]`.
    ///
    /// # Errors
    /// If there are no tokens, more than the model has positions for, or one that it does not know.
    pub fn forward(&self, tokens: &[u32]) -> Result<Tensor> {
        let hidden = self.words.index_select(&Tensor::new(tokens, &Device::Cpu)?, 0)?;
        hidden.inplace_op2(&self.positions.narrow(0, 0, tokens.len())?, &self.norm)?;
        self.layers.iter().try_fold(hidden, |hidden, layer| layer.forward(&hidden, tokens.len()))
    }
}

/// Attention, then a widening and narrowing step for each token by itself; each with a way around it and a norm behind it.
struct Layer {
    attention: Attention,
    attention_norm: ResidualNorm,
    widen: Tensor,
    activate: BiasGelu,
    narrow: Tensor,
    output_norm: ResidualNorm,
}

impl Layer {
    fn load(weights: &Weights<'_>, name: &str, config: &Config) -> Result<Self> {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let bias = |of: &str, length| weights.vector(&format!("{name}.{of}.dense.bias"), length);
        let norm = |of: &str| read_norm(weights, &format!("{name}.{of}.LayerNorm"), bias(of, hidden)?, config);
        let matrix = |of: &str, inputs, outputs| weights.matrix(&format!("{name}.{of}.dense.weight"), inputs, outputs);
        Ok(Self {
            attention: Attention::load(weights, &format!("{name}.attention"), config)?,
            attention_norm: norm("attention.output")?,
            widen: matrix("intermediate", hidden, wide)?,
            activate: BiasGelu::new(bias("intermediate", wide)?),
            narrow: matrix("output", wide, hidden)?,
            output_norm: norm("output")?,
        })
    }

    /// `group`: tokens of one text.
    fn forward(&self, hidden: &Tensor, group: usize) -> Result<Tensor> {
        let is_one = hidden.dims().first() == Some(&group);
        let attended =
            if is_one { self.attention.forward(hidden)? } else { self.attention.forward_groups(hidden, group)? };
        attended.inplace_op2(hidden, &self.attention_norm)?;
        let wide = attended.matmul(&self.widen)?;
        wide.inplace_op1(&self.activate)?;
        let output = wide.matmul(&self.narrow)?;
        output.inplace_op2(&attended, &self.output_norm)?;
        Ok(output)
    }
}

/// A norm with the bias of the product before it.
fn read_norm(weights: &Weights<'_>, name: &str, bias: Vec<f32>, config: &Config) -> Result<ResidualNorm> {
    let vector = |of: &str| weights.vector(&format!("{name}.{of}"), config.hidden_size);
    Ok(ResidualNorm { bias, weight: vector("weight")?, shift: vector("bias")?, epsilon: config.layer_norm_eps as f32 })
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
