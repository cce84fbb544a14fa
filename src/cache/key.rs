//! What a result depends on, as one hash (DESIGN §3, CacheKey). No path is among the parts: a rename keeps its analyses.

use crate::domain::{AnalysisType, Hash, Language, Role, StaleReason};

/// Everything that an analysis depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalysisKey {
    pub content_hash: Hash,
    pub language: Language,
    pub role: Role,
    pub analysis_type: AnalysisType,
    pub model_id: String,
    pub prompt_hash: Hash,
    pub schema_version: u32,
    /// Of the options that can change this type's result.
    pub config_hash: Hash,
    /// Of the dependency context that this type is shown; [`no_dependencies`] for types that look at none.
    pub deps_hash: Hash,
}

impl AnalysisKey {
    pub fn hash(&self) -> Hash {
        Hash::of_fields([
            &b"analysis"[..],
            self.content_hash.as_bytes(),
            self.language.as_str().as_bytes(),
            self.role.as_str().as_bytes(),
            self.analysis_type.as_str().as_bytes(),
            self.model_id.as_bytes(),
            self.prompt_hash.as_bytes(),
            &self.schema_version.to_le_bytes(),
            self.config_hash.as_bytes(),
            self.deps_hash.as_bytes(),
        ])
    }

    /// Why a result with the parts of `stored` does not serve for this key; the first part that differs decides.
    pub fn stale_reason(&self, stored: &StoredParts) -> StaleReason {
        if stored.content_hash != self.content_hash {
            StaleReason::ContentChanged
        } else if stored.schema_version != self.schema_version {
            StaleReason::SchemaChanged
        } else if stored.model_id != self.model_id {
            StaleReason::ModelChanged
        } else if stored.prompt_hash != self.prompt_hash {
            StaleReason::PromptChanged
        } else if stored.config_hash != self.config_hash {
            StaleReason::ConfigChanged
        } else {
            // What is left is the dependency context, or language and role, which only a rename changes.
            StaleReason::Missing
        }
    }
}

/// The parts of the newest stored analysis of a path and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredParts {
    pub content_hash: Hash,
    pub model_id: String,
    pub prompt_hash: Hash,
    pub schema_version: u32,
    pub config_hash: Hash,
    pub deps_hash: Hash,
}

/// The deps_hash of a type that looks at no dependency.
pub fn no_dependencies() -> Hash {
    Hash::of(b"")
}

/// The config_hash of a type that no option changes.
pub fn no_options() -> Hash {
    Hash::of(b"")
}

/// Everything that the vectors of one file depend on.
pub fn embed_key(
    content_hash: &Hash,
    language: Language,
    module_path: Option<&str>,
    chunker_version: u32,
    model_id: &str,
) -> Hash {
    Hash::of_fields([
        &b"embed"[..],
        content_hash.as_bytes(),
        language.as_str().as_bytes(),
        module_path.unwrap_or_default().as_bytes(),
        &chunker_version.to_le_bytes(),
        model_id.as_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> AnalysisKey {
        AnalysisKey {
            content_hash: Hash::of(b"content"),
            language: Language::Rust,
            role: Role::Library,
            analysis_type: AnalysisType::Docs,
            model_id: "local".into(),
            prompt_hash: Hash::of(b"rules"),
            schema_version: 1,
            config_hash: no_options(),
            deps_hash: no_dependencies(),
        }
    }

    #[test]
    fn each_part_alone_changes_the_key() {
        let changes: [fn(&mut AnalysisKey); 9] = [
            |k| k.content_hash = Hash::of(b"other"),
            |k| k.language = Language::Python,
            |k| k.role = Role::Test,
            |k| k.analysis_type = AnalysisType::Todos,
            |k| k.model_id = "grok".into(),
            |k| k.prompt_hash = Hash::of(b"other"),
            |k| k.schema_version = 2,
            |k| k.config_hash = Hash::of(b"other"),
            |k| k.deps_hash = Hash::of(b"other"),
        ];
        let mut hashes: Vec<Hash> = changes
            .iter()
            .map(|change| {
                let mut changed = key();
                change(&mut changed);
                changed.hash()
            })
            .collect();
        hashes.push(key().hash());
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), changes.len() + 1);
    }
}
