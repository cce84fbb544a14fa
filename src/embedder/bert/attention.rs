//! Self-attention: what each token takes over from the others.

use candle_core::{Result, Tensor};
use candle_transformers::models::bert::Config;

use super::ops::bias::Bias;
use super::ops::softmax::Softmax;
use super::weights::Weights;

/// The attention of one layer up to its last product, without that one's bias.
pub struct Attention {
    heads: usize,
    /// Queries, keys and values side by side, `[hidden, 3 * hidden]`. The queries are scaled by one over the square root of a
    /// head's size here, once, and not the scores in every text.
    projection: Tensor,
    bias: Bias,
    output: Tensor,
}

impl Attention {
    /// `name` is that of the layer's attention in the file.
    ///
    /// # Errors
    /// If a tensor is missing or of another shape.
    pub fn load(weights: &Weights<'_>, name: &str, config: &Config) -> Result<Self> {
        let hidden = config.hidden_size;
        let heads = config.num_attention_heads;
        let scale = 1.0 / ((hidden / heads) as f64).sqrt();
        let part = |part: &str| -> Result<(Tensor, Tensor)> {
            let weight = weights.matrix(&format!("{name}.self.{part}.weight"), hidden, hidden)?;
            let bias = weights.tensor(&format!("{name}.self.{part}.bias"), &[hidden])?;
            if part == "query" { Ok(((weight * scale)?, (bias * scale)?)) } else { Ok((weight, bias)) }
        };
        let (query, key, value) = (part("query")?, part("key")?, part("value")?);
        Ok(Self {
            heads,
            projection: Tensor::cat(&[query.0, key.0, value.0], 1)?,
            bias: Bias::new(Tensor::cat(&[query.1, key.1, value.1], 0)?.to_vec1()?),
            output: weights.matrix(&format!("{name}.output.dense.weight"), hidden, hidden)?,
        })
    }

    /// `[tokens, hidden]` to the same.
    ///
    /// # Errors
    /// If the shape is another.
    pub fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        let (tokens, width) = hidden.dims2()?;
        let projected = hidden.matmul(&self.projection)?;
        projected.inplace_op1(&self.bias)?;
        // Views; a product reads them where they are.
        let parts = projected.reshape((tokens, 3, self.heads, width / self.heads))?;
        let part = |index: usize| parts.narrow(1, index, 1)?.squeeze(1)?.transpose(0, 1);
        let (query, key, value) = (part(0)?, part(1)?, part(2)?);
        let weights = query.matmul(&key.transpose(1, 2)?)?;
        weights.inplace_op1(&Softmax)?;
        let context = weights.matmul(&value)?;
        context.transpose(0, 1)?.reshape((tokens, width))?.matmul(&self.output)
    }

    /// The same for many texts of `group` tokens each, one after the other.
    ///
    /// # Errors
    /// If the shape is another.
    pub fn forward_groups(&self, hidden: &Tensor, group: usize) -> Result<Tensor> {
        let (tokens, width) = hidden.dims2()?;
        let projected = hidden.matmul(&self.projection)?;
        projected.inplace_op1(&self.bias)?;
        let parts = projected.reshape((tokens / group, group, 3, self.heads, width / self.heads))?;
        let part = |index: usize| parts.narrow(2, index, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
        let (query, key, value) = (part(0)?, part(1)?, part(2)?);
        let weights = query.matmul(&key.transpose(2, 3)?.contiguous()?)?;
        weights.inplace_op1(&Softmax)?;
        let context = weights.matmul(&value)?;
        context.transpose(1, 2)?.reshape((tokens, width))?.matmul(&self.output)
    }
}
