//! The answer of `model list`.

use serde::Serialize;

/// The embedding models that this version knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelsView {
    pub models: Vec<ModelView>,
}

/// One embedding model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelView {
    pub model: &'static str,
    pub installed: bool,
    pub in_use: bool,
    /// Size of its files.
    pub bytes: u64,
    pub license: &'static str,
}
