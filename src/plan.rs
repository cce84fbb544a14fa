//! Impact and what the cache holds → jobs, each with its reason and priority. Pure: what it needs to know is handed in.

use crate::cache::key::{AnalysisKey, StoredParts, embed_key, no_dependencies, no_options};
use crate::cache::view::FileRecord;
use crate::domain::{AnalysisType, FilePath, Hash, JobKind, Origin, Priority, Role, StaleReason};
use crate::queue::NewJob;

/// What makes a result, besides the file: part of every key. When it changes, every repository is planned in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The analyses to be kept, each with the analyzer's identity.
    pub analyses: Vec<AnalysisRecipe>,
    /// The embedding model; `None`: no vectors, search is lexical.
    pub embedding: Option<EmbeddingRecipe>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalysisRecipe {
    pub analysis_type: AnalysisType,
    pub model_id: String,
    pub prompt_hash: Hash,
    pub schema_version: u32,
    /// Whether this analyzer shows this type the dependency context.
    pub sees_dependencies: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingRecipe {
    pub model_id: String,
    pub chunker_version: u32,
}

impl Recipe {
    /// Hash of all of it: a repository planned under another one has to be planned anew.
    pub fn hash(&self) -> Hash {
        let mut fields: Vec<Vec<u8>> = Vec::new();
        for analysis in &self.analyses {
            fields.push(analysis.analysis_type.as_str().into());
            fields.push(analysis.model_id.as_str().into());
            fields.push(analysis.prompt_hash.as_bytes().to_vec());
            fields.push(analysis.schema_version.to_le_bytes().to_vec());
            fields.push(vec![u8::from(analysis.sees_dependencies)]);
        }
        if let Some(embedding) = &self.embedding {
            fields.push(embedding.model_id.as_str().into());
            fields.push(embedding.chunker_version.to_le_bytes().to_vec());
        }
        Hash::of_fields(fields.iter().map(Vec::as_slice))
    }
}

impl AnalysisRecipe {
    /// The key of this analysis of a file; `None` if the file was not read.
    pub fn key(&self, file: &FileRecord) -> Option<AnalysisKey> {
        let deps_hash = if self.sees_dependencies { file.links.deps_hash } else { None };
        Some(AnalysisKey {
            content_hash: file.content_hash?,
            language: file.language,
            role: file.role,
            analysis_type: self.analysis_type,
            model_id: self.model_id.clone(),
            prompt_hash: self.prompt_hash,
            schema_version: self.schema_version,
            config_hash: no_options(),
            deps_hash: deps_hash.unwrap_or_else(no_dependencies),
        })
    }
}

impl EmbeddingRecipe {
    /// The key of a file's vectors; `None` if the file was not read.
    pub fn key(&self, file: &FileRecord) -> Option<Hash> {
        let module_path = file.links.module_path.as_deref();
        Some(embed_key(&file.content_hash?, file.language, module_path, self.chunker_version, &self.model_id))
    }
}

/// How a file came to be planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It changed in this event.
    Changed,
    /// It uses a symbol that changed.
    Dependent { symbol: String, file: FilePath },
    /// Its place in the module tree is another.
    Moved,
    /// The whole repository is planned.
    Backfill,
}

/// What the stores hold.
pub trait Stored {
    type Error;
    /// Whether there is an analysis under this key.
    fn has(&self, key: &Hash) -> Result<bool, Self::Error>;
    /// What the newest analysis of this path and type was made from.
    fn newest(&self, path: &FilePath, analysis_type: AnalysisType) -> Result<Option<StoredParts>, Self::Error>;
    /// What the vectors of this path were made from.
    fn embedded(&self, path: &FilePath) -> Result<Option<Hash>, Self::Error>;
}

/// What is to be done for one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePlan {
    pub path: FilePath,
    /// The key that each result of the file has now.
    pub keys: Vec<(JobKind, Hash)>,
    /// Results that are there.
    pub settled: Vec<(JobKind, Hash)>,
    pub jobs: Vec<NewJob>,
}

/// Plans one file of the view.
///
/// # Errors
/// Whatever `stored` answers.
pub fn plan<S: Stored>(recipe: &Recipe, file: &FileRecord, cause: &Cause, stored: &S) -> Result<FilePlan, S::Error> {
    let mut plan = FilePlan { path: file.path.clone(), keys: Vec::new(), settled: Vec::new(), jobs: Vec::new() };
    if file.skip.is_some() {
        return Ok(plan);
    }
    let priority = priority(file, cause);
    let job = |kind, key, reason| NewJob {
        path: file.path.clone(),
        kind,
        key,
        blob: file.blob.clone(),
        priority,
        origin: origin(cause),
        reason,
    };
    for analysis in &recipe.analyses {
        let Some(key) = analysis.key(file) else { continue };
        let (kind, hash) = (JobKind::Analyze(analysis.analysis_type), key.hash());
        plan.keys.push((kind, hash));
        if stored.has(&hash)? {
            plan.settled.push((kind, hash));
        } else {
            let newest = stored.newest(&file.path, analysis.analysis_type)?;
            plan.jobs.push(job(kind, hash, analysis_reason(&key, newest.as_ref(), cause)));
        }
    }
    if let Some(key) = recipe.embedding.as_ref().and_then(|embedding| embedding.key(file)) {
        plan.keys.push((JobKind::Embed, key));
        match stored.embedded(&file.path)? {
            Some(embedded) if embedded == key => plan.settled.push((JobKind::Embed, key)),
            Some(_) => plan.jobs.push(job(JobKind::Embed, key, embed_reason(cause))),
            None => plan.jobs.push(job(JobKind::Embed, key, StaleReason::Missing)),
        }
    }
    Ok(plan)
}

fn analysis_reason(key: &AnalysisKey, newest: Option<&StoredParts>, cause: &Cause) -> StaleReason {
    let Some(newest) = newest else { return StaleReason::Missing };
    match (key.stale_reason(newest), cause) {
        (StaleReason::Missing, Cause::Dependent { symbol, file }) => {
            StaleReason::DependencyChanged { symbol: symbol.clone(), file: file.clone() }
        }
        (reason, _) => reason,
    }
}

/// Vectors of the path are there, made from something else: its content, or (planned in full) the model or the chunker.
const fn embed_reason(cause: &Cause) -> StaleReason {
    match cause {
        Cause::Changed | Cause::Dependent { .. } | Cause::Moved => StaleReason::ContentChanged,
        Cause::Backfill => StaleReason::ModelChanged,
    }
}

fn priority(file: &FileRecord, cause: &Cause) -> Priority {
    match (file.role, cause) {
        _ if file.links.crate_root => Priority::Critical,
        (Role::Test | Role::Generated, _) => Priority::Low,
        (_, Cause::Changed) => Priority::High,
        _ => Priority::Normal,
    }
}

const fn origin(cause: &Cause) -> Origin {
    match cause {
        Cause::Changed => Origin::Changed,
        Cause::Dependent { .. } | Cause::Moved => Origin::Dependent,
        Cause::Backfill => Origin::Backfill,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::convert::Infallible;

    use super::*;
    use crate::cache::view::Links;
    use crate::domain::{EntryMode, Language, ObjectId, Source};

    #[derive(Default)]
    struct Held {
        keys: HashSet<Hash>,
        parts: HashMap<AnalysisType, StoredParts>,
        embedded: Option<Hash>,
    }

    impl Stored for Held {
        type Error = Infallible;
        fn has(&self, key: &Hash) -> Result<bool, Infallible> {
            Ok(self.keys.contains(key))
        }
        fn newest(&self, _: &FilePath, analysis_type: AnalysisType) -> Result<Option<StoredParts>, Infallible> {
            Ok(self.parts.get(&analysis_type).cloned())
        }
        fn embedded(&self, _: &FilePath) -> Result<Option<Hash>, Infallible> {
            Ok(self.embedded)
        }
    }

    fn recipe() -> Recipe {
        let analysis = |analysis_type, sees_dependencies| AnalysisRecipe {
            analysis_type,
            model_id: "local".into(),
            prompt_hash: Hash::of(b"rules"),
            schema_version: 1,
            sees_dependencies,
        };
        Recipe {
            analyses: vec![analysis(AnalysisType::Docs, false), analysis(AnalysisType::Analysis, true)],
            embedding: Some(EmbeddingRecipe { model_id: "mini".into(), chunker_version: 1 }),
        }
    }

    fn file(path: &str, content: &[u8], deps: &[u8]) -> FileRecord {
        FileRecord {
            path: path.into(),
            blob: ObjectId(content.to_vec()),
            mode: EntryMode::File,
            source: Source::Commit,
            size_bytes: content.len() as u64,
            language: Language::Rust,
            role: Role::Library,
            skip: None,
            content_hash: Some(Hash::of(content)),
            links: Links { deps_hash: Some(Hash::of(deps)), ..Links::default() },
        }
    }

    /// A store that holds everything planned for a file.
    fn holding(file: &FileRecord) -> Held {
        let mut held = Held::default();
        for analysis in &recipe().analyses {
            let key = analysis.key(file).unwrap();
            held.keys.insert(key.hash());
            let parts = StoredParts {
                content_hash: key.content_hash,
                model_id: key.model_id.clone(),
                prompt_hash: key.prompt_hash,
                schema_version: key.schema_version,
                config_hash: key.config_hash,
                deps_hash: key.deps_hash,
            };
            held.parts.insert(analysis.analysis_type, parts);
        }
        held.embedded = recipe().embedding.unwrap().key(file);
        held
    }

    fn jobs(recipe: &Recipe, file: &FileRecord, cause: &Cause, held: &Held) -> Vec<(JobKind, StaleReason)> {
        let plan = plan(recipe, file, cause, held).unwrap();
        plan.jobs.into_iter().map(|job| (job.kind, job.reason)).collect()
    }

    #[test]
    fn a_file_that_is_held_costs_nothing_even_under_another_name() {
        let held = holding(&file("a.rs", b"fn a() {}", b""));
        let renamed = file("b.rs", b"fn a() {}", b"");
        assert_eq!(jobs(&recipe(), &renamed, &Cause::Changed, &held), []);
    }

    #[test]
    fn a_changed_signature_elsewhere_stales_only_what_looks_at_dependencies() {
        let held = holding(&file("a.rs", b"use b;", b"fn b()"));
        let cause = Cause::Dependent { symbol: "b".into(), file: "b.rs".into() };
        let reason = StaleReason::DependencyChanged { symbol: "b".into(), file: "b.rs".into() };
        assert_eq!(
            jobs(&recipe(), &file("a.rs", b"use b;", b"fn b(x: u8)"), &cause, &held),
            [(JobKind::Analyze(AnalysisType::Analysis), reason)]
        );
    }

    #[test]
    fn each_reason_is_told_from_the_parts() {
        let before = file("a.rs", b"fn a() {}", b"");
        let held = holding(&before);
        let docs = JobKind::Analyze(AnalysisType::Docs);
        let first = |recipe: &Recipe, file: &FileRecord| jobs(recipe, file, &Cause::Backfill, &held).into_iter().next();
        assert_eq!(first(&recipe(), &file("a.rs", b"fn b() {}", b"")), Some((docs, StaleReason::ContentChanged)));
        let mut prompt = recipe();
        prompt.analyses[0].prompt_hash = Hash::of(b"new rules");
        assert_eq!(first(&prompt, &before), Some((docs, StaleReason::PromptChanged)));
        let mut schema = recipe();
        schema.analyses[0].schema_version = 2;
        assert_eq!(first(&schema, &before), Some((docs, StaleReason::SchemaChanged)));
        let mut model = recipe();
        model.analyses[0].model_id = "grok".into();
        assert_eq!(first(&model, &before), Some((docs, StaleReason::ModelChanged)));
        let mut embedding = recipe();
        embedding.embedding = Some(EmbeddingRecipe { model_id: "bge".into(), chunker_version: 1 });
        assert_eq!(first(&embedding, &before), Some((JobKind::Embed, StaleReason::ModelChanged)));
        let nothing = Held::default();
        assert!(jobs(&recipe(), &before, &Cause::Changed, &nothing).iter().all(|job| job.1 == StaleReason::Missing));
    }

    #[test]
    fn a_skipped_file_asks_for_nothing() {
        let skipped = FileRecord { skip: Some(crate::domain::SkipReason::Denied), ..file(".env", b"K=1", b"") };
        let plan = plan(&recipe(), &skipped, &Cause::Changed, &Held::default()).unwrap();
        assert!(plan.keys.is_empty() && plan.jobs.is_empty());
    }
}
