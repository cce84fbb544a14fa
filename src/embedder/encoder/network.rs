//! An encoder: tokens to one vector each. The families ([`super::families`]) say of which parts.
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

use super::attention::Attention;
use super::ops::gelu::BiasGelu;
use super::ops::glu::Glu;
use super::ops::norm::{Residual, ResidualNorm};

/// A network for one text at a time without padding.
pub struct Network {
    /// `[vocabulary, hidden]`
    pub words: Tensor,
    /// `None`: the layers know the places.
    pub positions: Option<Positions>,
    /// Its bias is the vector of the first segment: a single text has no second.
    pub norm: ResidualNorm,
    pub layers: Vec<Layer>,
    /// Behind the last layer.
    pub last_norm: Option<ResidualNorm>,
    /// Most tokens of a text.
    pub tokens_max: usize,
}

/// Vectors for the places of tokens.
pub struct Positions {
    /// `[positions, hidden]`
    pub table: Tensor,
    /// The token that fills up short texts, in the families that count places from its number on and leave it out.
    pub padding: Option<u32>,
}

impl Positions {
    /// Those of many texts of `group` tokens, one after the other.
    fn of(&self, tokens: &[u32], group: usize) -> Result<Tensor> {
        if let Some(padding) = self.padding {
            let places: Vec<u32> = tokens.chunks(group).flat_map(|text| places(text, padding)).collect();
            return self.table.index_select(&Tensor::new(&places[..], &Device::Cpu)?, 0);
        }
        let of_one = self.table.narrow(0, 0, group)?;
        if tokens.len() == group { Ok(of_one) } else { of_one.repeat((tokens.len() / group, 1)) }
    }
}

/// As RoBERTa counts them: the first token stands one behind the number of the padding.
fn places(text: &[u32], padding: u32) -> impl Iterator<Item = u32> {
    let mut last = padding;
    text.iter().map(move |&token| {
        if token == padding {
            return padding;
        }
        last += 1;
        last
    })
}

impl Network {
    /// Number of tokens that it knows.
    pub fn vocabulary(&self) -> usize {
        self.words.dims().first().copied().unwrap_or_default()
    }

    /// Length of a token's vector.
    pub fn width(&self) -> usize {
        self.words.dims().last().copied().unwrap_or_default()
    }

    /// The same as [`Network::forward`] for many short texts of `group` tokens each, one after the other.
    ///
    /// # Errors
    /// As there, or if the last text is shorter.
    pub fn forward_groups(&self, tokens: &[u32], group: usize) -> Result<Tensor> {
        if group == 0 || tokens.is_empty() || !tokens.len().is_multiple_of(group) {
            bail!("{} tokens are no texts of {group} tokens", tokens.len());
        }
        if group > self.tokens_max {
            bail!("a text of {group} tokens is longer than the model's {}", self.tokens_max);
        }
        let hidden = self.words.index_select(&Tensor::new(tokens, &Device::Cpu)?, 0)?;
        match &self.positions {
            Some(positions) => hidden.inplace_op2(&positions.of(tokens, group)?, &self.norm)?,
            None => hidden.inplace_op1(&self.norm)?,
        }
        let hidden = self.layers.iter().try_fold(hidden, |hidden, layer| layer.forward(hidden, group))?;
        if let Some(norm) = &self.last_norm {
            hidden.inplace_op1(norm)?;
        }
        Ok(hidden)
    }

    /// The vectors of a text's tokens, `[tokens, hidden]`.
    ///
    /// # Errors
    /// If there are no tokens, more than the model has positions for, or one that it does not know.
    pub fn forward(&self, tokens: &[u32]) -> Result<Tensor> {
        self.forward_groups(tokens, tokens.len())
    }
}

/// Attention, then a widening and narrowing step for each token by itself; each with a way around it and a norm.
pub struct Layer {
    pub attention: Attention,
    pub feed: FeedForward,
    pub norms: LayerNorms,
}

/// Where the norms of a layer stand.
pub enum LayerNorms {
    /// Behind each half, with the biases of the products before them.
    Behind {
        attention: ResidualNorm,
        /// A second one behind the attention, with the way around once more.
        again: Option<ResidualNorm>,
        feed: ResidualNorm,
    },
    /// In front of each half; the first layer may have none in front of its attention.
    Before { attention: Option<ResidualNorm>, attention_end: Residual, feed: ResidualNorm, feed_end: Residual },
}

impl Layer {
    /// `group`: tokens of one text.
    fn forward(&self, hidden: Tensor, group: usize) -> Result<Tensor> {
        match &self.norms {
            LayerNorms::Behind { attention, again, feed } => {
                let attended = self.attention.forward(&hidden, group)?;
                attended.inplace_op2(&hidden, attention)?;
                if let Some(again) = again {
                    attended.inplace_op2(&hidden, again)?;
                }
                let output = self.feed.forward(&attended)?;
                output.inplace_op2(&attended, feed)?;
                Ok(output)
            }
            LayerNorms::Before { attention, attention_end, feed, feed_end } => {
                let attended = match attention {
                    Some(norm) => self.attention.forward(&normed(&hidden, norm)?, group)?,
                    None => self.attention.forward(&hidden, group)?,
                };
                attended.inplace_op2(&hidden, attention_end)?;
                let output = self.feed.forward(&normed(&attended, feed)?)?;
                output.inplace_op2(&attended, feed_end)?;
                Ok(output)
            }
        }
    }
}

fn normed(hidden: &Tensor, norm: &ResidualNorm) -> Result<Tensor> {
    let copy = hidden.copy()?;
    copy.inplace_op1(norm)?;
    Ok(copy)
}

/// Widens each token's vector, activates, and narrows it, without the last bias.
pub struct FeedForward {
    pub widen: Tensor,
    pub activation: Activation,
    pub narrow: Tensor,
}

pub enum Activation {
    Gelu(BiasGelu),
    Gated(Glu),
}

impl FeedForward {
    fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        let wide = hidden.matmul(&self.widen)?;
        match &self.activation {
            Activation::Gelu(activate) => {
                wide.inplace_op1(activate)?;
                wide.matmul(&self.narrow)
            }
            Activation::Gated(gated) => wide.apply_op1_no_bwd(gated)?.matmul(&self.narrow),
        }
    }
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
