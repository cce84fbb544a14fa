//! What results are made with, and the keys that follow from it.

use crate::cache::key::{AnalysisKey, StoredParts, embed_key, no_dependencies};
use crate::domain::{AnalysisType, FileRecord, Hash, JobKind, Links};

/// Bytes from which a file that is asked about again is asked about in parts: what has changed, with the signatures of the rest. By replay of
/// four histories; below it the questions themselves are most of a request.
pub const PARTS_FROM: u64 = 6 * 1024;

/// What makes a result, besides the file: part of every key. When it changes, every repository is planned in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The analyses to be kept, each with the analyzer's identity.
    pub analyses: Vec<AnalysisRecipe>,
    /// What a model is asked as well; empty: no model is set up.
    pub asks: Vec<AnalysisRecipe>,
    /// A model is asked about a file as it was saved, not as it was committed.
    pub ask_on_save: bool,
    /// Patterns of files that no model is shown.
    pub withhold: Vec<String>,
    /// The embedding model; `None`: no vectors, search is lexical.
    pub embedding: Option<EmbeddingRecipe>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalysisRecipe {
    pub analysis_type: AnalysisType,
    pub model_id: String,
    pub prompt_hash: Hash,
    /// The same of a question that is asked together with others about the file; `None`: it never is.
    pub prompt_hash_together: Option<Hash>,
    /// The same of questions about the parts of a file that have changed since it was answered; `None`: they are never asked so.
    pub prompt_hash_parts: Option<Hash>,
    pub schema_version: u32,
    /// Of the options that can change this type's result.
    pub config_hash: Hash,
    pub sees: Sees,
    /// What a request shows that asks this together with others: an answer may depend on all of it.
    pub sees_together: Sees,
    /// The analyzer has rules for single languages, so that the version of a file's language is part of its key.
    pub rules_by_language: bool,
}

/// What of its dependencies an analysis of a file looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sees {
    Nothing,
    /// Every reference of the file.
    Dependencies,
    /// The references that fit into a prompt.
    Context,
}

impl Sees {
    const fn tag(self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Dependencies => 1,
            Self::Context => 2,
        }
    }

    const fn hash(self, links: &Links) -> Option<Hash> {
        match self {
            Self::Nothing => None,
            Self::Dependencies => links.deps_hash,
            Self::Context => links.context_hash,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingRecipe {
    pub model_id: String,
    pub chunker_version: u32,
    /// Texts leave this machine: only what is committed, and nothing that is withheld from models.
    pub is_remote: bool,
}

impl Recipe {
    /// Hash of all of it: a repository planned under another one has to be planned again.
    pub fn hash(&self) -> Hash {
        let mut fields: Vec<Vec<u8>> = Vec::new();
        for analysis in self.analyses.iter().chain(&self.asks) {
            fields.push(analysis.analysis_type.as_str().into());
            fields.push(analysis.model_id.as_str().into());
            fields.push(analysis.prompt_hash.as_bytes().to_vec());
            let shared = analysis.prompt_hash_together.iter().chain(&analysis.prompt_hash_parts);
            fields.extend(shared.map(|hash| hash.as_bytes().to_vec()));
            fields.push(analysis.schema_version.to_le_bytes().to_vec());
            fields.push(analysis.config_hash.as_bytes().to_vec());
            fields.push(vec![analysis.sees.tag(), analysis.sees_together.tag()]);
        }
        if self.ask_on_save {
            fields.push(b"ask on save".to_vec());
        }
        fields.extend(self.withhold.iter().map(|pattern| format!("withhold {pattern}").into_bytes()));
        if let Some(embedding) = &self.embedding {
            fields.push(embedding.model_id.as_str().into());
            fields.push(embedding.chunker_version.to_le_bytes().to_vec());
        }
        Hash::of_fields(fields.iter().map(Vec::as_slice))
    }

    /// What is made of a file of the work tree that is not committed as it is: a model is shown it only if the user said so.
    pub(super) fn of_saved(&self) -> Self {
        let asks = if self.ask_on_save { self.asks.clone() } else { Vec::new() };
        let embedding = self.embedding.clone().filter(|embedding| !embedding.is_remote);
        Self { asks, embedding, ..self.clone() }
    }

    /// What is made of a file at HEAD over which another lies.
    pub(super) fn of_covered(&self) -> Self {
        let asks = if self.ask_on_save { Vec::new() } else { self.asks.clone() };
        Self { analyses: Vec::new(), embedding: None, asks, ..self.clone() }
    }

    /// The analysis that a job of this kind makes, if it is still wanted.
    pub fn analysis(&self, kind: JobKind) -> Option<&AnalysisRecipe> {
        let (recipes, analysis_type) = match kind {
            JobKind::Embed => return None,
            JobKind::Analyze(analysis_type) => (&self.analyses, analysis_type),
            JobKind::Ask(analysis_type) => (&self.asks, analysis_type),
        };
        recipes.iter().find(|recipe| recipe.analysis_type == analysis_type)
    }
}

impl AnalysisRecipe {
    /// The key of this analysis of a file; `None` if the file was not read.
    pub fn key(&self, file: &FileRecord) -> Option<AnalysisKey> {
        self.key_with(file, self.prompt_hash_for(file), self.sees)
    }

    /// The key of the answer to this question if it is asked together with others. What it is about is the same, but all that stands in
    /// the request is read before an answer is written: the signatures that any of the questions shows.
    pub fn key_together(&self, file: &FileRecord) -> Option<AnalysisKey> {
        self.key_with(file, self.prompt_hash_together?, self.sees_together)
    }

    /// The key of an answer that is put together from earlier ones and one about what has changed since; `None`: the file is asked about as
    /// a whole, for that costs less.
    pub fn key_in_parts(&self, file: &FileRecord) -> Option<AnalysisKey> {
        let prompt_hash = self.prompt_hash_parts.filter(|_| file.size_bytes >= PARTS_FROM)?;
        self.key_with(file, prompt_hash, self.sees_together)
    }

    /// Every key that a question about a file may have, the one about all of it first.
    pub fn keys(&self, file: &FileRecord) -> impl Iterator<Item = AnalysisKey> {
        [self.key_together(file), self.key(file), self.key_in_parts(file)].into_iter().flatten()
    }

    /// Every key under which an answer that holds may be stored: as well as these, the one that earlier versions gave to a question that
    /// is about the file alone, whatever was asked together with it. What was paid for stays.
    pub fn stored_keys(&self, file: &FileRecord) -> impl Iterator<Item = AnalysisKey> {
        let earlier = self.prompt_hash_together.and_then(|prompt| self.key_with(file, prompt, self.sees));
        self.keys(file).chain(earlier.filter(|_| self.sees != self.sees_together))
    }

    /// Whether an answer that was made from this can serve for what has not changed since.
    pub fn is_like(&self, earlier: &StoredParts) -> bool {
        let asked = [Some(self.prompt_hash), self.prompt_hash_together, self.prompt_hash_parts];
        earlier.model_id == self.model_id
            && earlier.schema_version == self.schema_version
            && earlier.config_hash == self.config_hash
            && asked.contains(&Some(earlier.prompt_hash))
    }

    fn key_with(&self, file: &FileRecord, prompt_hash: Hash, sees: Sees) -> Option<AnalysisKey> {
        Some(AnalysisKey {
            content_hash: file.content_hash?,
            language: file.language,
            role: file.role,
            analysis_type: self.analysis_type,
            model_id: self.model_id.clone(),
            prompt_hash,
            schema_version: self.schema_version,
            config_hash: self.config_hash,
            deps_hash: sees.hash(&file.links).unwrap_or_else(no_dependencies),
        })
    }

    fn prompt_hash_for(&self, file: &FileRecord) -> Hash {
        match file.language.spec().version {
            version @ 1.. if self.rules_by_language => {
                Hash::of_fields([&self.prompt_hash.as_bytes()[..], &version.to_le_bytes()])
            }
            _ => self.prompt_hash,
        }
    }
}

impl EmbeddingRecipe {
    /// The key of a file's vectors; `None` if the file was not read.
    pub fn key(&self, file: &FileRecord) -> Option<Hash> {
        let module_path = file.links.module_path.as_deref();
        // The low digits are the version that all languages share.
        let version = self.chunker_version + 1_000 * file.language.spec().version;
        Some(embed_key(&file.content_hash?, file.language, module_path, version, &self.model_id))
    }
}
