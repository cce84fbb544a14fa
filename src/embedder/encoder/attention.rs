//! Self-attention: what each token takes over from the others.

use std::sync::Arc;

use candle_core::{Result, Tensor};

use super::ops::bias::Bias;
use super::ops::distance::DistanceSoftmax;
use super::ops::norm::{HeadNorms, ResidualNorm};
use super::ops::rotary::{Rotary, Rotated};
use super::ops::softmax::Softmax;

/// The attention of one layer up to its last product, without that one's bias.
pub struct Attention {
    heads: usize,
    /// Queries, keys and values side by side, `[hidden, 3 * hidden]`. The queries are scaled by one over the square root of a
    /// head's size here, once, and not the scores in every text.
    projection: Tensor,
    bias: Option<Bias>,
    /// Norms of the queries and of the keys; the first has the scale then.
    norms: Option<HeadNorms>,
    rotary: Option<Arc<Rotary>>,
    /// What the distance between two tokens adds to a score.
    distance: Option<Arc<DistanceSoftmax>>,
    output: Tensor,
}

/// The projection of queries, keys or values: a matrix `[hidden, hidden]` as [`super::weights::Weights::matrix`] gives it, and its bias.
pub type Projection = (Tensor, Option<Tensor>);

impl Attention {
    /// # Errors
    /// If a tensor has another shape than the others.
    pub fn new(heads: usize, [query, key, value]: [Projection; 3], output: Tensor) -> Result<Self> {
        let scale = head_scale(output.dim(0)?, heads);
        let scaled = (query.0 * scale)?;
        let bias = match (query.1, key.1, value.1) {
            (Some(query), Some(key), Some(value)) => {
                Some(Bias::new(Tensor::cat(&[(query * scale)?, key, value], 0)?.to_vec1()?))
            }
            _ => None,
        };
        Ok(Self {
            heads,
            projection: Tensor::cat(&[scaled, key.0, value.0], 1)?,
            bias,
            norms: None,
            rotary: None,
            distance: None,
            output,
        })
    }

    /// With a norm over all queries of a token and one over its keys. What the queries were scaled by is lost in their norm, and is put
    /// behind it.
    pub fn with_norms(mut self, mut queries: ResidualNorm, keys: ResidualNorm) -> Self {
        let scale = head_scale(queries.weight.len(), self.heads) as f32;
        // The variance is that of the scaled queries, and so is what is added to it.
        queries.epsilon *= scale * scale;
        queries.weight.iter_mut().chain(&mut queries.shift).for_each(|value| *value *= scale);
        self.norms = Some(HeadNorms { queries, keys });
        self
    }

    pub fn with_rotary(self, rotary: Arc<Rotary>) -> Self {
        Self { rotary: Some(rotary), ..self }
    }

    pub fn with_distance(self, distance: Arc<DistanceSoftmax>) -> Self {
        Self { distance: Some(distance), ..self }
    }

    /// `[tokens, hidden]` to the same, for one text, or many of `group` tokens each, one after the other.
    ///
    /// # Errors
    /// If the shape is another.
    pub fn forward(&self, hidden: &Tensor, group: usize) -> Result<Tensor> {
        let (tokens, width) = hidden.dims2()?;
        let projected = self.project(hidden, group)?;
        if tokens != group {
            return self.forward_groups(&projected, tokens / group, group);
        }
        // Views; a product reads them where they are.
        let parts = projected.reshape((tokens, 3, self.heads, width / self.heads))?;
        let part = |index: usize| parts.narrow(1, index, 1)?.squeeze(1)?.transpose(0, 1);
        let (query, key, value) = (part(0)?, part(1)?, part(2)?);
        let weights = query.matmul(&key.transpose(1, 2)?)?;
        self.to_weights(&weights)?;
        let context = weights.matmul(&value)?;
        context.transpose(0, 1)?.reshape((tokens, width))?.matmul(&self.output)
    }

    fn forward_groups(&self, projected: &Tensor, groups: usize, group: usize) -> Result<Tensor> {
        let width = projected.dim(1)? / 3;
        let parts = projected.reshape((groups, group, 3, self.heads, width / self.heads))?;
        let part = |index: usize| parts.narrow(2, index, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
        let (query, key, value) = (part(0)?, part(1)?, part(2)?);
        let weights = query.matmul(&key.transpose(2, 3)?.contiguous()?)?;
        self.to_weights(&weights)?;
        let context = weights.matmul(&value)?;
        context.transpose(1, 2)?.reshape((groups * group, width))?.matmul(&self.output)
    }

    fn project(&self, hidden: &Tensor, group: usize) -> Result<Tensor> {
        let projected = hidden.matmul(&self.projection)?;
        if let Some(bias) = &self.bias {
            projected.inplace_op1(bias)?;
        }
        if let Some(norms) = &self.norms {
            projected.inplace_op1(norms)?;
        }
        if let Some(rotary) = &self.rotary {
            projected.inplace_op1(&Rotated { rotary, group })?;
        }
        Ok(projected)
    }

    fn to_weights(&self, scores: &Tensor) -> Result<()> {
        match &self.distance {
            Some(distance) => scores.inplace_op1(&**distance),
            None => scores.inplace_op1(&Softmax),
        }
    }
}

fn head_scale(hidden: usize, heads: usize) -> f64 {
    1.0 / ((hidden / heads) as f64).sqrt()
}
