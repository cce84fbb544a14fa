//! What a result depends on, as one hash. No path is among the parts: a rename keeps its analyses.

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
    /// It is known which items of the file it answers for.
    pub has_items: bool,
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
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn key() -> AnalysisKey {
        AnalysisKey {
            content_hash: Hash::of(b"content"),
            language: Language::RUST,
            role: Role::Library,
            analysis_type: AnalysisType::Docs,
            model_id: "local".into(),
            prompt_hash: Hash::of(b"rules"),
            schema_version: 1,
            config_hash: no_options(),
            deps_hash: no_dependencies(),
        }
    }

    /// What an entry under this key records of it.
    fn stored(key: &AnalysisKey) -> StoredParts {
        StoredParts {
            content_hash: key.content_hash,
            model_id: key.model_id.clone(),
            prompt_hash: key.prompt_hash,
            schema_version: key.schema_version,
            config_hash: key.config_hash,
            deps_hash: key.deps_hash,
            has_items: false,
        }
    }

    type KeyChange = (&'static str, fn(&mut AnalysisKey), StaleReason);

    /// Each part of a key, a change of it alone, and what the change is called. That of the dependency context is called by the symbol
    /// that changed, which planning knows and the key does not; language and role change with a rename, as if nothing had been there.
    const PARTS: [KeyChange; 9] = [
        ("content", |key| key.content_hash = Hash::of(b"other"), StaleReason::ContentChanged),
        ("language", |key| key.language = Language::PYTHON, StaleReason::Missing),
        ("role", |key| key.role = Role::Test, StaleReason::Missing),
        ("type", |key| key.analysis_type = AnalysisType::Todos, StaleReason::Missing),
        ("model", |key| key.model_id = "grok".into(), StaleReason::ModelChanged),
        ("prompt", |key| key.prompt_hash = Hash::of(b"other"), StaleReason::PromptChanged),
        ("schema", |key| key.schema_version = 2, StaleReason::SchemaChanged),
        ("options", |key| key.config_hash = Hash::of(b"other"), StaleReason::ConfigChanged),
        ("dependencies", |key| key.deps_hash = Hash::of(b"other"), StaleReason::Missing),
    ];

    #[test]
    fn each_part_alone_changes_the_key_and_has_its_reason() {
        let mut hashes = BTreeMap::from([(key().hash(), "nothing")]);
        for (part, change, reason) in PARTS {
            let mut changed = key();
            change(&mut changed);
            assert_eq!(changed.stale_reason(&stored(&key())), reason, "{part}");
            let twin = hashes.insert(changed.hash(), part);
            assert_eq!(twin, None, "{part}");
        }
    }

    #[test]
    fn parts_with_equal_values_do_not_stand_for_each_other() {
        let one = Hash::of(b"one");
        let with = |set: fn(&mut AnalysisKey, Hash)| {
            let mut changed = key();
            set(&mut changed, one);
            changed.hash()
        };
        let hashes = BTreeSet::from([
            with(|key, hash| key.content_hash = hash),
            with(|key, hash| key.prompt_hash = hash),
            with(|key, hash| key.config_hash = hash),
            with(|key, hash| key.deps_hash = hash),
        ]);
        assert_eq!(hashes.len(), 4);
    }

    #[test]
    fn each_part_alone_changes_the_key_of_vectors() {
        let content = Hash::of(b"content");
        let keys = BTreeSet::from([
            embed_key(&content, Language::RUST, Some("a::b"), 1, "mini"),
            embed_key(&Hash::of(b"other"), Language::RUST, Some("a::b"), 1, "mini"),
            embed_key(&content, Language::TEXT, Some("a::b"), 1, "mini"),
            embed_key(&content, Language::RUST, Some("a::c"), 1, "mini"),
            embed_key(&content, Language::RUST, None, 1, "mini"),
            embed_key(&content, Language::RUST, Some("a::b"), 2, "mini"),
            embed_key(&content, Language::RUST, Some("a::b"), 1, "bge"),
        ]);
        assert_eq!(keys.len(), 7);
    }
}
