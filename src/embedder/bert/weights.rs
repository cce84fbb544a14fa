//! The weights of a BERT as the network wants them, out of a safetensors file.

use candle_core::safetensors::SliceSafetensors;
use candle_core::{DType, Device, Result, Tensor, bail};

/// A file's tensors, each read when it is asked for.
pub struct Weights<'a> {
    tensors: SliceSafetensors<'a>,
    /// What the names start with: nothing, or `bert.` where the network was saved as a part of a larger one.
    prefix: &'static str,
}

impl<'a> Weights<'a> {
    /// # Errors
    /// If the bytes are no safetensors file.
    pub fn new(file: &'a [u8]) -> Result<Self> {
        let tensors = SliceSafetensors::new(file)?;
        let prefix = if tensors.get("bert.embeddings.word_embeddings.weight").is_ok() { "bert." } else { "" };
        Ok(Self { tensors, prefix })
    }

    /// A tensor of this shape, as `f32`.
    ///
    /// # Errors
    /// If there is none, or it has another shape.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let tensor = self.tensors.load(&format!("{}{name}", self.prefix), &Device::Cpu)?;
        if tensor.dims() != shape {
            bail!("the tensor {name} has the shape {:?}, not {shape:?}", tensor.dims());
        }
        tensor.to_dtype(DType::F32)
    }

    /// A vector of this length.
    ///
    /// # Errors
    /// As [`Weights::tensor`].
    pub fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>> {
        self.tensor(name, &[length])?.to_vec1()
    }

    /// The matrix of a linear step, from so many inputs to so many outputs, laid out as `[inputs, outputs]`: the file has it the
    /// other way round, and each product would turn it again.
    ///
    /// # Errors
    /// As [`Weights::tensor`].
    pub fn matrix(&self, name: &str, inputs: usize, outputs: usize) -> Result<Tensor> {
        self.tensor(name, &[outputs, inputs])?.t()?.contiguous()
    }
}
