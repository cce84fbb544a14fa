//! The weights of a network as it wants them, out of one safetensors file or several.

use candle_core::safetensors::SliceSafetensors;
use candle_core::{DType, Device, Result, Tensor, bail};

/// The tensors of a model's files, each read when it is asked for.
pub struct Weights<'a> {
    files: Vec<SliceSafetensors<'a>>,
    /// What the names start with: nothing, or e.g. `bert.` where the network was saved as a part of a larger one.
    prefix: String,
}

impl<'a> Weights<'a> {
    /// `words` is how the family calls the vectors of its vocabulary; what stands before it in the files is the prefix of all names.
    ///
    /// # Errors
    /// If the bytes are no safetensors files.
    pub fn new(files: &'a [Vec<u8>], words: &str) -> Result<Self> {
        let files = files.iter().map(|file| SliceSafetensors::new(file)).collect::<Result<Vec<_>>>()?;
        let names = files.iter().flat_map(SliceSafetensors::tensors).map(|(name, _)| name);
        let before = names.filter_map(|name| name.strip_suffix(words).map(str::to_owned));
        let prefix = before.filter(|prefix| prefix.is_empty() || prefix.ends_with('.')).min_by_key(String::len);
        Ok(Self { files, prefix: prefix.unwrap_or_default() })
    }

    pub fn has(&self, name: &str) -> bool {
        let name = format!("{}{name}", self.prefix);
        self.files.iter().any(|file| file.get(&name).is_ok())
    }

    /// Whether there are tensors of a layer with this number.
    pub fn has_layer(&self, number: usize) -> bool {
        let marks = [format!("layer.{number}."), format!("layers.{number}.")];
        let mut names = self.files.iter().flat_map(SliceSafetensors::tensors).map(|(name, _)| name);
        names.any(|name| {
            name.strip_prefix(&*self.prefix).is_some_and(|name| marks.iter().any(|mark| name.contains(mark.as_str())))
        })
    }

    /// A tensor of this shape, as `f32`.
    ///
    /// # Errors
    /// If there is none, or it has another shape or numbers that are no floats.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let full = format!("{}{name}", self.prefix);
        let Some(file) = self.files.iter().find(|file| file.get(&full).is_ok()) else {
            bail!("the tensor {full} is missing");
        };
        let tensor = file.load(&full, &Device::Cpu)?;
        if tensor.dims() != shape {
            bail!("the tensor {name} has the shape {:?}, not {shape:?}", tensor.dims());
        }
        if !matches!(tensor.dtype(), DType::F32 | DType::F16 | DType::BF16) {
            bail!("the tensor {name} has numbers of the type {:?}; f32, f16 and bf16 are supported", tensor.dtype());
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

    /// The same, or zeros if there is none.
    ///
    /// # Errors
    /// As [`Weights::tensor`].
    pub fn vector_or_zeros(&self, name: &str, length: usize) -> Result<Vec<f32>> {
        if self.has(name) { self.vector(name, length) } else { Ok(vec![0.0; length]) }
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
