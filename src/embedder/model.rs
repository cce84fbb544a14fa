//! The embedding models that are known: what they are called, how their vectors are made, which files they consist of.

/// How the vectors of a text's tokens become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The vector of the first token, `[CLS]`.
    Cls,
    /// The mean of all.
    Mean,
}

/// One file of a model, the same wherever it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelFile {
    pub name: &'static str,
    pub bytes: u64,
    /// Lower-case hex.
    pub sha256: &'static str,
}

/// A BERT that gives vectors of 384 dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelSpec {
    /// Name in the configuration, in the store and of the model's directory.
    pub id: &'static str,
    pub pooling: Pooling,
    /// What marks provisional vectors as those of its table, in the store.
    pub table_id: &'static str,
    /// What a query starts with; a chunk has no prefix.
    pub query_prefix: &'static str,
    pub files: [ModelFile; 3],
    /// Repository on the model hub and the commit that is downloaded.
    pub repository: &'static str,
    pub revision: &'static str,
    pub license: &'static str,
}

impl ModelSpec {
    /// Size of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Name of the weights file; the other two are named likewise in every model.
pub(super) const WEIGHTS: &str = "model.safetensors";
pub(super) const TOKENIZER: &str = "tokenizer.json";
pub(super) const CONFIG: &str = "config.json";

/// The default where the model hub can be reached.
pub const DEFAULT: &str = "bge-small-en-v1.5";

/// What a package registry offers, too.
pub const FALLBACK: &str = "all-MiniLM-L6-v2";

/// Every known model, the preferred first.
pub const KNOWN: &[ModelSpec] = &[
    ModelSpec {
        id: DEFAULT,
        table_id: "bge-small-en-v1.5/table-1",
        pooling: Pooling::Cls,
        query_prefix: "Represent this sentence for searching relevant passages: ",
        files: [
            ModelFile {
                name: WEIGHTS,
                bytes: 133_466_304,
                sha256: "3c9f31665447c8911517620762200d2245a2518d6e7208acc78cd9db317e21ad",
            },
            ModelFile {
                name: TOKENIZER,
                bytes: 711_396,
                sha256: "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
            },
            ModelFile {
                name: CONFIG,
                bytes: 743,
                sha256: "094f8e891b932f2000c92cfc663bac4c62069f5d8af5b5278c4306aef3084750",
            },
        ],
        repository: "BAAI/bge-small-en-v1.5",
        revision: "5c38ec7c405ec4b44b94cc5a9bb96e735b38267a",
        license: "MIT",
    },
    ModelSpec {
        id: FALLBACK,
        table_id: "all-MiniLM-L6-v2/table-1",
        pooling: Pooling::Mean,
        query_prefix: "",
        files: [
            ModelFile {
                name: WEIGHTS,
                bytes: 90_868_376,
                sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            },
            ModelFile {
                name: TOKENIZER,
                bytes: 466_247,
                sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            },
            ModelFile {
                name: CONFIG,
                bytes: 612,
                sha256: "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            },
        ],
        repository: "sentence-transformers/all-MiniLM-L6-v2",
        revision: "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
        license: "Apache-2.0",
    },
];

/// The model of this id.
pub fn spec(id: &str) -> Option<&'static ModelSpec> {
    KNOWN.iter().find(|spec| spec.id == id)
}
