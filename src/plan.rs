//! Impact and what the cache holds → jobs, each with its reason and priority. Pure: what it needs to know is handed in.

use crate::cache::key::{AnalysisKey, StoredParts, embed_key, no_dependencies};
use crate::cache::view::{FileRecord, Links};
use crate::domain::{AnalysisType, FilePath, Hash, JobKind, Origin, Priority, Role, StaleReason};
use crate::queue::NewJob;

/// What makes a result, besides the file: part of every key. When it changes, every repository is planned in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The analyses to be kept, each with the analyzer's identity.
    pub analyses: Vec<AnalysisRecipe>,
    /// What a model is asked beside them; empty: no model is set up.
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
    pub schema_version: u32,
    /// Of the options that can change this type's result.
    pub config_hash: Hash,
    pub sees: Sees,
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
}

impl Recipe {
    /// Hash of all of it: a repository planned under another one has to be planned anew.
    pub fn hash(&self) -> Hash {
        let mut fields: Vec<Vec<u8>> = Vec::new();
        for analysis in self.analyses.iter().chain(&self.asks) {
            fields.push(analysis.analysis_type.as_str().into());
            fields.push(analysis.model_id.as_str().into());
            fields.push(analysis.prompt_hash.as_bytes().to_vec());
            fields.push(analysis.schema_version.to_le_bytes().to_vec());
            fields.push(analysis.config_hash.as_bytes().to_vec());
            fields.push(vec![analysis.sees.tag()]);
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
    fn of_saved(&self) -> Self {
        let asks = if self.ask_on_save { self.asks.clone() } else { Vec::new() };
        Self { asks, ..self.clone() }
    }

    /// What is made of a file at HEAD over which another lies.
    fn of_covered(&self) -> Self {
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
        Some(AnalysisKey {
            content_hash: file.content_hash?,
            language: file.language,
            role: file.role,
            analysis_type: self.analysis_type,
            model_id: self.model_id.clone(),
            prompt_hash: self.prompt_hash_for(file),
            schema_version: self.schema_version,
            config_hash: self.config_hash,
            deps_hash: self.sees.hash(&file.links).unwrap_or_else(no_dependencies),
        })
    }
}

impl AnalysisRecipe {
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
    /// What the newest result of this path and kind was made from.
    fn newest(&self, path: &FilePath, kind: JobKind) -> Result<Option<StoredParts>, Self::Error>;
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

/// Whether a model is asked about a file at all: about code that a person wrote and that is not empty. Data and settings have
/// nothing to judge, and what a tool wrote is not mended by hand.
pub fn is_asked_about(file: &FileRecord) -> bool {
    file.language.class().is_judged() && file.role != Role::Generated && file.skip.is_none() && file.size_bytes > 0
}

/// Plans one file of the view. `withheld`: no model may be shown it.
///
/// # Errors
/// Whatever `stored` answers.
pub fn plan<S: Stored>(
    recipe: &Recipe,
    file: &FileRecord,
    cause: &Cause,
    withheld: bool,
    stored: &S,
) -> Result<FilePlan, S::Error> {
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
    let asks: &[AnalysisRecipe] = if withheld || !is_asked_about(file) { &[] } else { &recipe.asks };
    let local = recipe.analyses.iter().map(|analysis| (JobKind::Analyze(analysis.analysis_type), analysis));
    let remote = asks.iter().map(|ask| (JobKind::Ask(ask.analysis_type), ask));
    for (kind, analysis) in local.chain(remote) {
        let Some(key) = analysis.key(file) else { continue };
        let hash = key.hash();
        plan.keys.push((kind, hash));
        if stored.has(&hash)? {
            plan.settled.push((kind, hash));
        } else {
            let newest = stored.newest(&file.path, kind)?;
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

/// A file of the view: what HEAD has of it, and what lies over that in the work tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    pub committed: Option<FileRecord>,
    pub overlaid: Option<FileRecord>,
}

/// Plans one file of the view: what is made on this machine, of what lies on top; what a model is asked, of what is committed.
/// `None`: there is no such file.
///
/// # Errors
/// Whatever `stored` answers.
pub fn plan_layers<S: Stored>(
    recipe: &Recipe,
    layers: &Layers,
    cause: &Cause,
    withheld: bool,
    stored: &S,
) -> Result<Option<FilePlan>, S::Error> {
    match layers {
        Layers { committed: None, overlaid: None } => Ok(None),
        Layers { committed: Some(file), overlaid: None } => plan(recipe, file, cause, withheld, stored).map(Some),
        Layers { committed, overlaid: Some(file) } => {
            let mut top = plan(&recipe.of_saved(), file, cause, withheld, stored)?;
            if let Some(covered) = committed {
                let below = plan(&recipe.of_covered(), covered, cause, withheld, stored)?;
                top.keys.extend(below.keys);
                top.settled.extend(below.settled);
                top.jobs.extend(below.jobs);
            }
            Ok(Some(top))
        }
    }
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

/// Place of a file's jobs in the order of work.
pub fn priority(file: &FileRecord, cause: &Cause) -> Priority {
    match (file.role, cause) {
        // Each file of tests is the root of a crate, too; it is not what others build on.
        (Role::Test | Role::Generated, _) => Priority::Low,
        (Role::Library, _) if file.links.crate_root => Priority::Critical,
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
    use crate::cache::key::no_options;
    use crate::domain::{EntryMode, Language, ObjectId, Source};

    #[derive(Default)]
    struct Held {
        keys: HashSet<Hash>,
        parts: HashMap<JobKind, StoredParts>,
        embedded: Option<Hash>,
    }

    impl Stored for Held {
        type Error = Infallible;
        fn has(&self, key: &Hash) -> Result<bool, Infallible> {
            Ok(self.keys.contains(key))
        }
        fn newest(&self, _: &FilePath, kind: JobKind) -> Result<Option<StoredParts>, Infallible> {
            Ok(self.parts.get(&kind).cloned())
        }
        fn embedded(&self, _: &FilePath) -> Result<Option<Hash>, Infallible> {
            Ok(self.embedded)
        }
    }

    fn analysis(analysis_type: AnalysisType, model_id: &str, sees: Sees) -> AnalysisRecipe {
        AnalysisRecipe {
            analysis_type,
            model_id: model_id.into(),
            prompt_hash: Hash::of(b"rules"),
            schema_version: 1,
            config_hash: no_options(),
            sees,
            rules_by_language: false,
        }
    }

    /// The recipe with a model that is asked the same two questions.
    fn asking() -> Recipe {
        let asks = vec![
            analysis(AnalysisType::Docs, "xai/grok", Sees::Nothing),
            analysis(AnalysisType::Analysis, "xai/grok", Sees::Context),
        ];
        Recipe { asks, ..recipe() }
    }

    fn recipe() -> Recipe {
        Recipe {
            analyses: vec![
                analysis(AnalysisType::Docs, "local", Sees::Nothing),
                analysis(AnalysisType::Analysis, "local", Sees::Dependencies),
            ],
            asks: Vec::new(),
            ask_on_save: false,
            withhold: Vec::new(),
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
            language: Language::RUST,
            role: Role::Library,
            skip: None,
            content_hash: Some(Hash::of(content)),
            links: Links { deps_hash: Some(Hash::of(deps)), context_hash: Some(Hash::of(deps)), ..Links::default() },
        }
    }

    /// A store that holds everything planned for a file.
    fn holding(file: &FileRecord) -> Held {
        let mut held = Held::default();
        let recipe = asking();
        let local = recipe.analyses.iter().map(|one| (JobKind::Analyze(one.analysis_type), one));
        let remote = recipe.asks.iter().map(|one| (JobKind::Ask(one.analysis_type), one));
        for (kind, analysis) in local.chain(remote) {
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
            held.parts.insert(kind, parts);
        }
        held.embedded = recipe.embedding.unwrap().key(file);
        held
    }

    fn jobs(recipe: &Recipe, file: &FileRecord, cause: &Cause, held: &Held) -> Vec<(JobKind, StaleReason)> {
        let plan = plan(recipe, file, cause, false, held).unwrap();
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
        let plan = plan(&asking(), &skipped, &Cause::Changed, false, &Held::default()).unwrap();
        assert!(plan.keys.is_empty() && plan.jobs.is_empty());
    }

    #[test]
    fn what_is_saved_is_looked_at_here_and_a_model_is_asked_about_what_is_committed_unless_the_user_said_otherwise() {
        let committed = file("a.rs", b"fn a() {}", b"");
        let saved = FileRecord { source: Source::Worktree, ..file("a.rs", b"fn a() { 1 }", b"") };
        let keys = |recipe: &Recipe, committed: Option<&FileRecord>, overlaid: Option<&FileRecord>| {
            let layers = Layers { committed: committed.cloned(), overlaid: overlaid.cloned() };
            let plan = plan_layers(recipe, &layers, &Cause::Changed, false, &Held::default()).unwrap().unwrap();
            assert_eq!(plan.jobs.len(), plan.keys.len());
            plan.jobs.into_iter().map(|job| (job.kind, job.blob)).collect::<Vec<_>>()
        };
        let is_ask = |kind: &JobKind| matches!(kind, JobKind::Ask(_));
        let both = keys(&asking(), Some(&committed), Some(&saved));
        assert_eq!(both.len(), 5);
        assert!(
            both.iter()
                .all(|(kind, blob)| *blob == if is_ask(kind) { committed.blob.clone() } else { saved.blob.clone() })
        );
        assert!(keys(&asking(), None, Some(&saved)).iter().all(|(kind, _)| !is_ask(kind)));
        let on_save = Recipe { ask_on_save: true, ..asking() };
        let all = keys(&on_save, Some(&committed), Some(&saved));
        assert!(all.len() == 5 && all.iter().all(|(_, blob)| *blob == saved.blob));
        assert_ne!(on_save.hash(), asking().hash());
        // Gone from the work tree: nothing is made of it here, and what is committed is still asked about.
        let gone = FileRecord { skip: Some(crate::domain::SkipReason::Deleted), ..committed.clone() };
        assert!(keys(&asking(), Some(&committed), Some(&gone)).iter().all(|(kind, _)| is_ask(kind)));
    }

    fn kinds(recipe: &Recipe, file: &FileRecord, withheld: bool) -> Vec<JobKind> {
        let plan = plan(recipe, file, &Cause::Backfill, withheld, &Held::default()).unwrap();
        assert_eq!(plan.jobs.len(), plan.keys.len());
        plan.jobs.iter().map(|job| job.kind).filter(|kind| matches!(kind, JobKind::Ask(_))).collect()
    }

    #[test]
    fn a_model_is_asked_beside_the_local_analyses_and_about_nothing_that_is_withheld_generated_empty_or_data() {
        let code = file("a.rs", b"fn a() {}", b"");
        let both = [JobKind::Ask(AnalysisType::Docs), JobKind::Ask(AnalysisType::Analysis)];
        assert_eq!(kinds(&asking(), &code, false), both);
        assert_eq!(kinds(&recipe(), &code, false), []);
        assert_eq!(kinds(&asking(), &code, true), []);
        assert_eq!(kinds(&asking(), &FileRecord { role: Role::Generated, ..code.clone() }, false), []);
        assert_eq!(kinds(&asking(), &file("a.rs", b"", b""), false), []);
        assert_eq!(kinds(&asking(), &FileRecord { language: Language::JSON, ..code }, false), []);
    }

    #[test]
    fn roots_come_first_and_tests_last_although_each_is_a_root() {
        let mut root = file("a.rs", b"fn a() {}", b"");
        root.links.crate_root = true;
        assert_eq!(priority(&root, &Cause::Backfill), Priority::Critical);
        let of = |role| priority(&FileRecord { role, ..root.clone() }, &Cause::Backfill);
        assert_eq!((of(Role::Test), of(Role::Bench)), (Priority::Low, Priority::Normal));
        root.links.crate_root = false;
        assert_eq!(priority(&root, &Cause::Changed), Priority::High);
    }

    #[test]
    fn a_freshly_set_up_model_has_everything_to_answer_and_another_one_again() {
        let code = file("a.rs", b"fn a() {}", b"");
        let mut held = holding(&code);
        assert_eq!(jobs(&asking(), &code, &Cause::Backfill, &held), []);
        let mut other = asking();
        other.asks.iter_mut().for_each(|ask| ask.model_id = "ollama/small".into());
        let reasons = jobs(&other, &code, &Cause::Backfill, &held);
        assert_eq!(reasons.len(), 2, "the local analyses stay");
        assert!(reasons.iter().all(|(_, reason)| *reason == StaleReason::ModelChanged), "{reasons:?}");
        held.parts.retain(|kind, _| !matches!(kind, JobKind::Ask(_)));
        let reasons = jobs(&other, &code, &Cause::Backfill, &held);
        assert!(reasons.iter().all(|(_, reason)| *reason == StaleReason::Missing), "{reasons:?}");
    }

    #[test]
    fn what_does_not_fit_into_the_prompt_asks_nothing_again() {
        let held = holding(&file("a.rs", b"use b;", b"fn b()"));
        let mut changed = file("a.rs", b"use b;", b"fn b(x: u8)");
        let cause = Cause::Dependent { symbol: "b".into(), file: "b.rs".into() };
        let reason = StaleReason::DependencyChanged { symbol: "b".into(), file: "b.rs".into() };
        let asked = (JobKind::Ask(AnalysisType::Analysis), reason.clone());
        assert!(jobs(&asking(), &changed, &cause, &held).contains(&asked));
        changed.links.context_hash = Some(Hash::of(b"fn b()"));
        let local = (JobKind::Analyze(AnalysisType::Analysis), reason);
        assert_eq!(jobs(&asking(), &changed, &cause, &held), [local]);
    }
}
