//! The embedding models that are known by name: what they are for, where they come from, how their vectors are made.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// How the vectors of a text's tokens become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pooling {
    /// The vector of the first token, `[CLS]`.
    Cls,
    /// The mean of all.
    Mean,
    /// The greatest of each component.
    Max,
    /// The vector of the last token.
    Last,
}

/// How a model's vectors are made of its network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorRules {
    pub pooling: Pooling,
    /// What a query starts with.
    pub query_prefix: Cow<'static, str>,
    /// What a chunk starts with.
    pub passage_prefix: Cow<'static, str>,
    /// Tokens of a text that are embedded, the model's two marks included; what follows is left out.
    pub tokens_max: usize,
    /// Components that are kept of a vector (A. Kusupati et al., "Matryoshka Representation Learning", 2022); `None`: all.
    pub dimensions: Option<usize>,
    /// Whether the text is put in lower case before it is cut into tokens.
    pub lowercase: bool,
}

/// One file of a model, the same wherever it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelFile {
    pub name: &'static str,
    pub bytes: u64,
    /// Lower-case hex, computed from the file.
    pub sha256: &'static str,
}

/// A model that is known by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownModel {
    /// Name in the configuration, in the store and of the model's directory.
    pub id: &'static str,
    /// What it is good for, in a few words.
    pub purpose: &'static str,
    pub license: &'static str,
    /// Size of its files; about, where no file is pinned.
    pub bytes: u64,
    /// Length of its vectors.
    pub dimensions: usize,
    /// Repository on the model hub and what of it is downloaded.
    pub repository: &'static str,
    pub revision: &'static str,
    /// The files whose hash was computed. Those of the others are recorded when it is installed first, and checked from then on.
    pub files: &'static [ModelFile],
    /// `None`: its own files say it.
    pub rules: Option<VectorRules>,
    /// Whether this program has been run with its published weights.
    pub was_run: bool,
}

/// Name of the weights file; the other two are named likewise in every model.
pub(super) const WEIGHTS: &str = "model.safetensors";
pub(super) const TOKENIZER: &str = "tokenizer.json";
pub(super) const CONFIG: &str = "config.json";

/// The default where the model hub can be reached.
pub const DEFAULT: &str = "bge-small-en-v1.5";

/// What a package registry offers, too.
pub const FALLBACK: &str = "all-MiniLM-L6-v2";

/// Tokens that the first two models embed. They allow 512, at more than twice the time, and were trained on shorter texts. Their stored
/// vectors depend on it.
const SHORT: usize = 256;

const fn rules(pooling: Pooling, query_prefix: &'static str, tokens_max: usize) -> Option<VectorRules> {
    Some(VectorRules {
        pooling,
        query_prefix: Cow::Borrowed(query_prefix),
        passage_prefix: Cow::Borrowed(""),
        tokens_max,
        dimensions: None,
        lowercase: false,
    })
}

/// Every known model, the preferred first.
pub const KNOWN: &[KnownModel] = &[
    KnownModel {
        id: DEFAULT,
        purpose: "English text and code, small",
        license: "MIT",
        bytes: 134_178_443,
        dimensions: 384,
        repository: "BAAI/bge-small-en-v1.5",
        revision: "5c38ec7c405ec4b44b94cc5a9bb96e735b38267a",
        files: &[
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
        rules: rules(Pooling::Cls, "Represent this sentence for searching relevant passages: ", SHORT),
        was_run: false,
    },
    KnownModel {
        id: FALLBACK,
        purpose: "English text, smallest and quickest",
        license: "Apache-2.0",
        bytes: 91_335_235,
        dimensions: 384,
        repository: "sentence-transformers/all-MiniLM-L6-v2",
        revision: "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
        files: &[
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
        rules: rules(Pooling::Mean, "", SHORT),
        was_run: true,
    },
    KnownModel {
        id: "CodeRankEmbed",
        purpose: "code, by questions in English",
        license: "MIT",
        bytes: 547_000_000,
        dimensions: 768,
        repository: "nomic-ai/CodeRankEmbed",
        revision: "main",
        files: &[],
        rules: None,
        was_run: false,
    },
    KnownModel {
        id: "jina-embeddings-v2-base-code",
        purpose: "code and English text",
        license: "Apache-2.0",
        bytes: 322_000_000,
        dimensions: 768,
        repository: "jinaai/jina-embeddings-v2-base-code",
        revision: "main",
        files: &[],
        rules: None,
        was_run: false,
    },
    KnownModel {
        id: "granite-embedding-small-english-r2",
        purpose: "English text and code, small",
        license: "Apache-2.0",
        bytes: 95_000_000,
        dimensions: 384,
        repository: "ibm-granite/granite-embedding-small-english-r2",
        revision: "main",
        files: &[],
        rules: None,
        was_run: false,
    },
    KnownModel {
        id: "all-mpnet-base-v2",
        purpose: "English text, slower and better than all-MiniLM",
        license: "Apache-2.0",
        bytes: 438_438_000,
        dimensions: 768,
        repository: "sentence-transformers/all-mpnet-base-v2",
        revision: "main",
        files: &[ModelFile {
            name: WEIGHTS,
            bytes: 437_971_872,
            sha256: "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
        }],
        rules: None,
        was_run: true,
    },
];

/// The known model of this id.
pub fn known(id: &str) -> Option<&'static KnownModel> {
    KNOWN.iter().find(|known| known.id == id)
}

const TABLE_SUFFIX: &str = "/table-1";

/// What marks the provisional vectors of a model's table in the store. No id of a model has a slash.
pub fn table_id(id: &str) -> String {
    format!("{id}{TABLE_SUFFIX}")
}

/// Whether vectors of this id are provisional.
pub fn is_table_id(id: &str) -> bool {
    id.ends_with(TABLE_SUFFIX)
}
