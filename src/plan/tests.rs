use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use super::*;
use crate::cache::key::{embed_key, no_options};
use crate::domain::{AnalysisType, EntryMode, Language, Links, ObjectId, Source};

#[derive(Default)]
struct StoredResults {
    keys: HashSet<Hash>,
    parts: HashMap<JobKind, StoredParts>,
    current: HashMap<JobKind, Hash>,
    embedded: Option<Hash>,
}

impl Stored for StoredResults {
    type Error = Infallible;
    fn has(&self, key: &Hash) -> Result<bool, Infallible> {
        Ok(self.keys.contains(key))
    }
    fn newest(&self, _: &FilePath, kind: JobKind) -> Result<Option<StoredParts>, Infallible> {
        Ok(self.parts.get(&kind).cloned())
    }
    fn current(&self, _: &FilePath, kind: JobKind) -> Result<Option<Hash>, Infallible> {
        Ok(self.current.get(&kind).copied())
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
        prompt_hash_together: None,
        prompt_hash_parts: None,
        schema_version: 1,
        config_hash: no_options(),
        sees,
        sees_together: sees,
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
        embedding: Some(EmbeddingRecipe { model_id: "mini".into(), chunker_version: 1, is_remote: false }),
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
fn holding(file: &FileRecord) -> StoredResults {
    let mut held = StoredResults::default();
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
            has_items: false,
        };
        held.parts.insert(kind, parts);
    }
    held.embedded = recipe.embedding.unwrap().key(file);
    held
}

fn jobs(recipe: &Recipe, file: &FileRecord, cause: &PlanCause, held: &StoredResults) -> Vec<(JobKind, StaleReason)> {
    let plan = plan(recipe, file, cause, false, held).unwrap();
    plan.jobs.into_iter().map(|job| (job.kind, job.reason)).collect()
}

#[test]
fn a_renamed_file_with_stored_results_needs_no_job() {
    let held = holding(&file("a.rs", b"fn a() {}", b""));
    let renamed = file("b.rs", b"fn a() {}", b"");
    assert_eq!(jobs(&recipe(), &renamed, &PlanCause::Changed, &held), []);
}

#[test]
fn a_changed_signature_stales_only_what_sees_dependencies() {
    let held = holding(&file("a.rs", b"use b;", b"fn b()"));
    let cause = PlanCause::Dependent { symbol: "b".into(), file: "b.rs".into() };
    let reason = StaleReason::DependencyChanged { symbol: "b".into(), file: "b.rs".into() };
    assert_eq!(
        jobs(&recipe(), &file("a.rs", b"use b;", b"fn b(x: u8)"), &cause, &held),
        [(JobKind::Analyze(AnalysisType::Analysis), reason)]
    );
}

#[test]
fn each_stale_reason_follows_from_the_key_parts() {
    let before = file("a.rs", b"fn a() {}", b"");
    let held = holding(&before);
    let docs = JobKind::Analyze(AnalysisType::Docs);
    let first = |recipe: &Recipe, file: &FileRecord| jobs(recipe, file, &PlanCause::Backfill, &held).into_iter().next();
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
    embedding.embedding = Some(EmbeddingRecipe { model_id: "bge".into(), chunker_version: 1, is_remote: false });
    assert_eq!(first(&embedding, &before), Some((JobKind::Embed, StaleReason::ModelChanged)));
    let nothing = StoredResults::default();
    let all = jobs(&recipe(), &before, &PlanCause::Changed, &nothing);
    assert!(!all.is_empty() && all.iter().all(|job| job.1 == StaleReason::Missing));
}

#[test]
fn a_skipped_file_has_no_keys_and_no_jobs() {
    let skipped = FileRecord { skip: Some(crate::domain::SkipReason::Denied), ..file(".env", b"K=1", b"") };
    let plan = plan(&asking(), &skipped, &PlanCause::Changed, false, &StoredResults::default()).unwrap();
    assert!(plan.keys.is_empty() && plan.jobs.is_empty());
}

#[test]
fn models_see_committed_text_unless_ask_on_save() {
    let committed = file("a.rs", b"fn a() {}", b"");
    let saved = FileRecord { source: Source::Worktree, ..file("a.rs", b"fn a() { 1 }", b"") };
    let keys = |recipe: &Recipe, committed: Option<&FileRecord>, overlaid: Option<&FileRecord>| {
        let layers = Layers { committed: committed.cloned(), overlaid: overlaid.cloned() };
        let plan =
            plan_layers(recipe, &layers, &PlanCause::Changed, false, &StoredResults::default()).unwrap().unwrap();
        assert_eq!(plan.jobs.len(), plan.keys.len());
        plan.jobs.into_iter().map(|job| (job.kind, job.blob)).collect::<Vec<_>>()
    };
    let is_ask = |kind: &JobKind| matches!(kind, JobKind::Ask(_));
    let both = keys(&asking(), Some(&committed), Some(&saved));
    assert_eq!(both.len(), 5);
    assert!(
        both.iter().all(|(kind, blob)| *blob == if is_ask(kind) { committed.blob.clone() } else { saved.blob.clone() })
    );
    let unborn = keys(&asking(), None, Some(&saved));
    assert!(!unborn.is_empty() && unborn.iter().all(|(kind, _)| !is_ask(kind)));
    let on_save = Recipe { ask_on_save: true, ..asking() };
    let all = keys(&on_save, Some(&committed), Some(&saved));
    assert!(all.len() == 5 && all.iter().all(|(_, blob)| *blob == saved.blob));
    assert_ne!(on_save.hash(), asking().hash());
    // Gone from the work tree: nothing is made of it here, and what is committed is still asked about.
    let gone = FileRecord { skip: Some(crate::domain::SkipReason::Deleted), ..committed.clone() };
    let gone = keys(&asking(), Some(&committed), Some(&gone));
    assert!(!gone.is_empty() && gone.iter().all(|(kind, _)| is_ask(kind)));
}

fn kinds(recipe: &Recipe, file: &FileRecord, withheld: bool) -> Vec<JobKind> {
    let plan = plan(recipe, file, &PlanCause::Backfill, withheld, &StoredResults::default()).unwrap();
    assert_eq!(plan.jobs.len(), plan.keys.len());
    plan.jobs.iter().map(|job| job.kind).filter(|kind| matches!(kind, JobKind::Ask(_))).collect()
}

#[test]
fn models_see_neither_withheld_nor_generated_nor_empty_nor_data() {
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
fn crate_roots_come_first_and_tests_last() {
    let mut root = file("a.rs", b"fn a() {}", b"");
    root.links.crate_root = true;
    assert_eq!(priority(&root, &PlanCause::Backfill), Priority::Critical);
    let of = |role| priority(&FileRecord { role, ..root.clone() }, &PlanCause::Backfill);
    assert_eq!((of(Role::Test), of(Role::Bench)), (Priority::Low, Priority::Normal));
    root.links.crate_root = false;
    assert_eq!(priority(&root, &PlanCause::Changed), Priority::High);
}

#[test]
fn a_new_model_is_asked_everything_again() {
    let code = file("a.rs", b"fn a() {}", b"");
    let mut held = holding(&code);
    assert_eq!(jobs(&asking(), &code, &PlanCause::Backfill, &held), []);
    let mut other = asking();
    other.asks.iter_mut().for_each(|ask| ask.model_id = "ollama/small".into());
    let reasons = jobs(&other, &code, &PlanCause::Backfill, &held);
    assert_eq!(reasons.len(), 2, "the local analyses stay");
    assert!(reasons.iter().all(|(_, reason)| *reason == StaleReason::ModelChanged), "{reasons:?}");
    held.parts.retain(|kind, _| !matches!(kind, JobKind::Ask(_)));
    let reasons = jobs(&other, &code, &PlanCause::Backfill, &held);
    assert!(!reasons.is_empty() && reasons.iter().all(|(_, reason)| *reason == StaleReason::Missing), "{reasons:?}");
}

#[test]
fn a_change_outside_the_prompt_asks_nothing_again() {
    let held = holding(&file("a.rs", b"use b;", b"fn b()"));
    let mut changed = file("a.rs", b"use b;", b"fn b(x: u8)");
    let cause = PlanCause::Dependent { symbol: "b".into(), file: "b.rs".into() };
    let reason = StaleReason::DependencyChanged { symbol: "b".into(), file: "b.rs".into() };
    let asked = (JobKind::Ask(AnalysisType::Analysis), reason.clone());
    assert!(jobs(&asking(), &changed, &cause, &held).contains(&asked));
    changed.links.context_hash = Some(Hash::of(b"fn b()"));
    let local = (JobKind::Analyze(AnalysisType::Analysis), reason);
    assert_eq!(jobs(&asking(), &changed, &cause, &held), [local]);
}

#[test]
fn what_is_stored_is_settled_and_made_no_second_time() {
    let code = file("a.rs", b"fn a() {}", b"");
    let held = holding(&code);
    let alone = plan(&asking(), &code, &PlanCause::Changed, false, &held).unwrap();
    assert_eq!((alone.settled.len(), alone.jobs.len()), (5, 0));
    assert_eq!(alone.settled, alone.keys);
    let layers = Layers { committed: Some(code.clone()), overlaid: Some(code) };
    let both = plan_layers(&asking(), &layers, &PlanCause::Changed, false, &held).unwrap().unwrap();
    assert_eq!((both.settled.len(), both.jobs.len()), (5, 0));
    assert_eq!(both.settled, both.keys);
}

#[test]
fn a_committed_file_without_an_overlay_gets_every_result() {
    let layers = Layers { committed: Some(file("a.rs", b"fn a() {}", b"")), overlaid: None };
    let plan = plan_layers(&asking(), &layers, &PlanCause::Changed, false, &StoredResults::default()).unwrap().unwrap();
    assert_eq!(plan.jobs.len(), 5);
    let nothing = plan_layers(&asking(), &Layers::default(), &PlanCause::Changed, false, &StoredResults::default());
    assert_eq!(nothing.unwrap(), None);
}

#[test]
fn the_cause_decides_the_origin_and_the_reason_of_vectors() {
    let code = file("a.rs", b"fn a() {}", b"");
    let mut held = holding(&code);
    held.embedded = Some(Hash::of(b"other vectors"));
    let dependent = PlanCause::Dependent { symbol: "b".into(), file: "b.rs".into() };
    for (cause, origin, reason) in [
        (PlanCause::Changed, Origin::Changed, StaleReason::ContentChanged),
        (dependent, Origin::Dependent, StaleReason::ContentChanged),
        (PlanCause::Moved, Origin::Dependent, StaleReason::ContentChanged),
        (PlanCause::Backfill, Origin::Backfill, StaleReason::ModelChanged),
    ] {
        let jobs = plan(&recipe(), &code, &cause, false, &held).unwrap().jobs;
        let found: Vec<_> = jobs.into_iter().map(|job| (job.kind, job.origin, job.reason)).collect();
        assert_eq!(found, [(JobKind::Embed, origin, reason)], "{cause:?}");
    }
}

#[test]
fn a_change_makes_neither_roots_nor_tests_of_another_rank() {
    let mut root = file("a.rs", b"fn a() {}", b"");
    root.links.crate_root = true;
    assert_eq!(priority(&root, &PlanCause::Changed), Priority::Critical);
    for role in [Role::Test, Role::Generated] {
        for cause in [PlanCause::Changed, PlanCause::Backfill] {
            assert_eq!(priority(&FileRecord { role, ..root.clone() }, &cause), Priority::Low, "{role:?} {cause:?}");
        }
    }
}

#[test]
fn a_file_that_is_skipped_is_not_asked_about() {
    let code = file("a.rs", b"fn a() {}", b"");
    assert!(is_asked_about(&code));
    assert!(!is_asked_about(&FileRecord { skip: Some(crate::domain::SkipReason::Denied), ..code }));
}

#[test]
fn every_part_of_a_recipe_is_part_of_its_hash() {
    let edits: [fn(&mut Recipe); 13] = [
        |_| {},
        |recipe| recipe.analyses[0].analysis_type = AnalysisType::Todos,
        |recipe| recipe.analyses[0].model_id = "other".into(),
        |recipe| recipe.analyses[0].prompt_hash = Hash::of(b"other"),
        |recipe| recipe.analyses[0].schema_version = 9,
        |recipe| recipe.analyses[0].config_hash = Hash::of(b"other"),
        |recipe| recipe.analyses[0].sees = Sees::Context,
        |recipe| recipe.asks[0].model_id = "other".into(),
        |recipe| recipe.ask_on_save = true,
        |recipe| recipe.withhold = vec!["secret/**".into()],
        |recipe| recipe.embedding = None,
        |recipe| recipe.embedding.as_mut().unwrap().model_id = "other".into(),
        |recipe| recipe.embedding.as_mut().unwrap().chunker_version = 9,
    ];
    let hashes: HashSet<Hash> = edits
        .iter()
        .map(|edit| {
            let mut recipe = asking();
            edit(&mut recipe);
            recipe.hash()
        })
        .collect();
    assert_eq!(hashes.len(), edits.len());
}

#[test]
fn a_kind_names_the_analysis_that_its_job_makes() {
    let recipe = asking();
    for analysis_type in [AnalysisType::Docs, AnalysisType::Analysis] {
        let local = recipe.analysis(JobKind::Analyze(analysis_type)).unwrap();
        assert_eq!((local.analysis_type, local.model_id.as_str()), (analysis_type, "local"));
        let asked = recipe.analysis(JobKind::Ask(analysis_type)).unwrap();
        assert_eq!((asked.analysis_type, asked.model_id.as_str()), (analysis_type, "xai/grok"));
    }
    assert_eq!(recipe.analysis(JobKind::Embed), None);
    assert_eq!(recipe.analysis(JobKind::Analyze(AnalysisType::Todos)), None);
}

#[test]
fn a_key_holds_role_language_options_and_rules() {
    let code = file("a.rs", b"a = 1", b"");
    let python = FileRecord { language: Language::PYTHON, ..code.clone() };
    let plain = analysis(AnalysisType::Docs, "local", Sees::Nothing);
    let options = AnalysisRecipe { config_hash: Hash::of(b"strict"), ..plain.clone() };
    let by_language = AnalysisRecipe { rules_by_language: true, ..plain.clone() };
    let key = |recipe: &AnalysisRecipe, file: &FileRecord| recipe.key(file).unwrap().hash();
    let first = key(&plain, &code);
    assert_ne!(key(&plain, &FileRecord { role: Role::Test, ..code.clone() }), first);
    assert_ne!(key(&options, &code), first);
    let same_prompt = |file: &FileRecord| by_language.key(file).unwrap().prompt_hash == plain.prompt_hash;
    let plain_text = FileRecord { language: Language::TEXT, ..code.clone() };
    assert!(same_prompt(&plain_text), "a language of version 0 has no rules of its own yet");
    assert!(!same_prompt(&python));
    assert_eq!(plain.key(&python).unwrap().prompt_hash, plain.prompt_hash);
    assert_eq!(plain.key(&python).unwrap().language, Language::PYTHON);
}

#[test]
fn vectors_follow_the_module_path_and_the_language_version() {
    let code = file("a.py", b"a = 1", b"");
    let embedding = EmbeddingRecipe { model_id: "mini".into(), chunker_version: 7, is_remote: false };
    let mut moved = code.clone();
    moved.links.module_path = Some("a::b".into());
    assert_ne!(embedding.key(&moved), embedding.key(&code));
    let python = FileRecord { language: Language::PYTHON, ..code };
    let version = 7 + 1_000 * Language::PYTHON.spec().version;
    let expected = embed_key(&python.content_hash.unwrap(), Language::PYTHON, None, version, "mini");
    assert_eq!(embedding.key(&python), Some(expected));
    assert!(version > 1_000, "Python's rules have a version");
}

/// A recipe whose two questions to a model may be asked together.
fn asking_together() -> Recipe {
    let mut recipe = asking();
    for ask in &mut recipe.asks {
        ask.prompt_hash_together = Some(Hash::of(b"frame"));
    }
    recipe
}

fn ask_keys(recipe: &Recipe, file: &FileRecord, stored: &StoredResults) -> Vec<(JobKind, bool)> {
    let Ok(plan) = plan(recipe, file, &PlanCause::Changed, false, stored);
    let is_together = |kind: JobKind, key: Hash| {
        let analysis = recipe.analysis(kind).unwrap();
        assert!([analysis.key(file), analysis.key_together(file)].into_iter().flatten().any(|one| one.hash() == key));
        analysis.key_together(file).is_some_and(|together| together.hash() == key)
    };
    let asks = plan.jobs.iter().filter(|job| matches!(job.kind, JobKind::Ask(_)));
    asks.map(|job| (job.kind, is_together(job.kind, job.key))).collect()
}

#[test]
fn questions_that_are_due_together_have_keys_of_their_own() {
    let (recipe, file) = (asking_together(), file("src/a.rs", b"content", b"uses"));
    let (docs, analysis) = (JobKind::Ask(AnalysisType::Docs), JobKind::Ask(AnalysisType::Analysis));
    let mut stored = StoredResults::default();
    assert_eq!(ask_keys(&recipe, &file, &stored), [(docs, true), (analysis, true)]);
    let of = |kind, together: bool| {
        let analysis = recipe.analysis(kind).unwrap();
        if together { analysis.key_together(&file) } else { analysis.key(&file) }.unwrap().hash()
    };
    // An answer serves, whichever way it was asked for; the question that is left is asked alone ...
    for together in [true, false] {
        stored.keys = HashSet::from([of(docs, together)]);
        assert_eq!(ask_keys(&recipe, &file, &stored), [(analysis, false)], "{together}");
    }
    // ... unless it is asked for already.
    stored.current = HashMap::from([(analysis, of(analysis, true))]);
    assert_eq!(ask_keys(&recipe, &file, &stored), [(analysis, true)]);
    stored.keys.insert(of(analysis, false));
    assert_eq!(ask_keys(&recipe, &file, &stored), []);
}

/// A file that is large enough is asked about in parts once it is known what its newest answer is about.
#[test]
fn a_large_file_is_asked_about_in_parts_once_it_was_answered() {
    let mut recipe = asking_together();
    for ask in &mut recipe.asks {
        ask.prompt_hash_parts = Some(Hash::of(b"parts"));
    }
    let text = vec![b'x'; PARTS_FROM as usize];
    let (large, small) = (file("src/a.rs", &text, b"uses"), file("src/a.rs", b"content", b"uses"));
    let (docs, analysis) = (JobKind::Ask(AnalysisType::Docs), JobKind::Ask(AnalysisType::Analysis));
    let key_of = |file: &FileRecord, stored: &StoredResults| {
        let Ok(plan) = plan(&recipe, file, &PlanCause::Changed, false, stored);
        plan.jobs.iter().filter(|job| job.kind == docs).map(|job| job.key).next()
    };
    let ask = recipe.analysis(docs).unwrap();
    let of = |key: Option<crate::cache::key::AnalysisKey>| key.map(|key| key.hash());
    let mut stored = StoredResults::default();
    assert_eq!(key_of(&large, &stored), of(ask.key_together(&large)), "never answered");
    let earlier = |has_items, model: &str| StoredParts {
        content_hash: Hash::of(b"before"),
        model_id: model.into(),
        prompt_hash: Hash::of(b"frame"),
        schema_version: 1,
        config_hash: no_options(),
        deps_hash: Hash::of(b"uses"),
        has_items,
    };
    for (parts, in_parts) in [
        (earlier(false, "xai/grok"), false),
        (earlier(true, "xai/other"), false),
        (StoredParts { prompt_hash: Hash::of(b"old rules"), ..earlier(true, "xai/grok") }, false),
        (earlier(true, "xai/grok"), true),
    ] {
        stored.parts = HashMap::from([(docs, parts.clone()), (analysis, parts.clone())]);
        let expected = if in_parts { ask.key_in_parts(&large) } else { ask.key_together(&large) };
        assert_eq!(key_of(&large, &stored), of(expected), "{parts:?}");
        assert_eq!(key_of(&small, &stored), of(ask.key_together(&small)), "{parts:?}");
    }
    let Ok(planned) = plan(&recipe, &large, &PlanCause::Changed, false, &stored);
    let job = planned.jobs.iter().find(|job| job.kind == docs).unwrap();
    assert_eq!(job.reason, StaleReason::ContentChanged);
    // What is there holds, in whatever way it was asked for.
    for key in ask.stored_keys(&large) {
        stored.keys = HashSet::from([key.hash()]);
        assert_eq!(key_of(&large, &stored), None);
    }
    stored.keys.clear();
    stored.current = HashMap::from([(docs, of(ask.key_together(&large)).unwrap())]);
    assert_eq!(key_of(&large, &stored), of(ask.key_together(&large)), "what is asked for stays as it is");
}
