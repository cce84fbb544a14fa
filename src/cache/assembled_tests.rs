use super::*;
use crate::analyzer::items::CutFile;
use crate::analyzer::{Coverage, Severity, Todo, TodoTag, TodosReport};
use crate::cache::evict::{inventory, remove};
use crate::cache::key::{AnalysisKey, no_dependencies, no_options};
use crate::cache::prune::{Identity, Strategy};
use crate::cache::{RepoStore, clear, evicted, share, view};
use crate::domain::{AnalysisType, Language, RepoId, Role};
use crate::home::StoreDir;

const ASKED_KIND: JobKind = JobKind::Ask(AnalysisType::Todos);

fn key(content: &[u8]) -> AnalysisKey {
    AnalysisKey {
        content_hash: Hash::of(content),
        language: Language::RUST,
        role: Role::Library,
        analysis_type: AnalysisType::Todos,
        model_id: "xai/grok".into(),
        prompt_hash: Hash::of(b"rules"),
        schema_version: 1,
        config_hash: no_options(),
        deps_hash: no_dependencies(),
    }
}

fn report(line: u32, text: &str) -> String {
    let todo =
        Todo { tag: TodoTag::Todo, line, severity: Severity::Info, item: None, owner: None, text: text.to_owned() };
    Analysis::Todos(TodosReport { seen: Coverage::default(), todos: vec![todo] }).to_json().unwrap()
}

fn new<'a>(key: &'a AnalysisKey, path: &'a FilePath, json: &'a str, cost: u64) -> NewAnalysis<'a> {
    NewAnalysis {
        key,
        path,
        json,
        packed: None,
        generation_time_ms: 3,
        repo_id: "r",
        repo_path: b"/r",
        commit: None,
        bill: Bill { cost, answer_cost: cost, input_tokens: cost, output_tokens: 1 },
        is_piece: false,
    }
}

/// A store with an answer about a file of two items, and one that is put together from it and from one about the first item.
struct Edited {
    _dir: tempfile::TempDir,
    store: RepoStore,
    path: FilePath,
    first: AnalysisKey,
    piece: AnalysisKey,
    whole: AnalysisKey,
}

fn text(word: &str) -> String {
    format!("fn a() {{\n    {word}();\n{}}}\n\nfn b() {{\n{}}}\n", "    x();\n".repeat(60), "    y();\n".repeat(60))
}

fn edited() -> Edited {
    let dir = tempfile::tempdir().unwrap();
    let store = RepoStore::open(&RepoId("r".into()), StoreDir::local(dir.path().to_owned())).unwrap();
    let path = FilePath::from("a.rs");
    let (first, piece, whole) = (key(b"first"), key(b"piece"), key(b"whole"));
    let seen = |text: &str| Coverage { seen_lines: text.lines().count() as u32, ..Coverage::default() };
    let (before, after) = (text("one"), text("one();\n    two"));
    let cut = CutFile::new(Language::RUST, &before).unwrap();
    let base = cut.map(&first.hash(), &vec![true; cut.items.len()], None, &[], &seen(&before));
    let db = store.db();
    analyses::insert(db, &new(&first, &path, &report(66, "of b"), 40), Timestamp(1)).unwrap();
    put_map(db, &first.hash(), &base).unwrap();

    let cut = CutFile::new(Language::RUST, &after).unwrap();
    let shown = cut.to_show(&[Some(&base)], &[], u32::MAX);
    assert!(shown.contains(&true) && shown.contains(&false), "{shown:?}");
    let map = cut.map(&piece.hash(), &shown, Some(&base), &[], &seen(&after));
    let json = report(2, "of a");
    let answer = NewAnalysis { is_piece: true, ..new(&piece, &path, &json, 2) };
    analyses::insert(db, &answer, Timestamp(2)).unwrap();
    let assembled = new(&whole, &path, "", 2);
    put(db, &assembled, &map, |db, new| analyses::insert(db, new, Timestamp(2))).unwrap();
    view::put_current_keys(db, &path, &[(ASKED_KIND, whole.hash())]).unwrap();
    Edited { _dir: dir, store, path, first, piece, whole }
}

fn lines(json: &str) -> Vec<(u32, String)> {
    let Ok(Analysis::Todos(report)) = Analysis::from_json(AnalysisType::Todos, json) else { panic!("{json}") };
    report.todos.into_iter().map(|todo| (todo.line, todo.text)).collect()
}

#[test]
fn every_reader_gets_the_answer_put_together() {
    let edited = edited();
    let db = edited.store.db();
    for found in [analyses::get(db, &edited.whole.hash()), analyses::newest(db, &edited.path, ASKED_KIND)] {
        let found = found.unwrap().unwrap();
        assert_eq!(lines(&found.json), [(2, "of a".to_owned()), (67, "of b".to_owned())]);
        assert_eq!((found.bill.cost, found.bill.input_tokens, found.bill.answer_cost), (42, 42, 2));
        assert_eq!((found.key, found.created_at), (edited.whole.hash(), Timestamp(2)));
    }
    let parts = analyses::newest_parts(db, &edited.path, ASKED_KIND).unwrap().unwrap();
    assert_eq!((parts.content_hash, parts.has_items), (edited.whole.content_hash, true));
    assert_eq!(newest_map(db, &edited.path, ASKED_KIND).unwrap().unwrap().sources.len(), 2);
    assert!(crate::cache::unreadable::unreadable_analyses(db).unwrap().is_empty());
    let paid: i64 = db.query_row("SELECT sum(cost) FROM file_analysis", [], |row| row.get(0)).unwrap();
    assert_eq!(paid, 42, "nothing is counted twice");
}

#[test]
fn what_is_put_together_goes_and_stays_with_its_sources() {
    for lost in ["first", "piece", "whole"] {
        let mut edited = edited();
        let items = inventory(&edited.store, 0, &Default::default()).unwrap();
        assert!(items.iter().all(|item| item.live && item.nano_dollars > 0), "the view refers to all of it: {items:?}");
        let key = match lost {
            "first" => edited.first.hash(),
            "piece" => edited.piece.hash(),
            _ => edited.whole.hash(),
        };
        let is_it = |item: &&crate::cache::prune::PruneItem| matches!(item.identity, Identity::Analysis { key: found, .. } if found == key);
        let item = items.iter().find(is_it).unwrap().clone();
        // Not of a file in the view: the marks are looked at before orphans go.
        let db = edited.store.db();
        mark_evicted(db, &key, Timestamp(9)).unwrap();
        let marked = lost != "whole";
        assert_eq!(evicted::contains(db, &edited.whole.hash()).unwrap(), marked, "{lost}");
        remove(&mut edited.store, &[item], Strategy::CostAware, 0, Timestamp(9)).unwrap();
        let db = edited.store.db();
        assert!(analyses::get(db, &edited.whole.hash()).unwrap().is_none(), "{lost}");
        assert_eq!(analyses::contains(db, &edited.first.hash()).unwrap(), lost != "first");
        let left: i64 = db.query_row("SELECT count(*) FROM answer_sources", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "{lost}");
    }
}

#[test]
fn a_copy_brings_what_it_is_put_together_from() {
    let edited = edited();
    let dir = tempfile::tempdir().unwrap();
    let to = RepoStore::open(&RepoId("to".into()), StoreDir::local(dir.path().to_owned())).unwrap();
    assert!(share::copy(edited.store.db(), to.db(), &edited.whole.hash(), Timestamp(3)).unwrap());
    let found = analyses::get(to.db(), &edited.whole.hash()).unwrap().unwrap();
    assert_eq!(lines(&found.json).len(), 2);
    assert!(newest_map(to.db(), &edited.path, ASKED_KIND).unwrap().is_some(), "the next edit follows it");
}

#[test]
fn what_a_person_forgets_of_a_type_is_forgotten_with_its_parts() {
    let mut edited = edited();
    let tx = edited.store.write().unwrap();
    let of = |analysis_type| clear::Selection { analysis_type: Some(analysis_type), file: None };
    assert_eq!(clear::forget(&tx, &of(AnalysisType::Docs), Timestamp(5)).unwrap().entries, 0);
    let forgotten = clear::forget(&tx, &of(AnalysisType::Todos), Timestamp(5)).unwrap();
    assert_eq!((forgotten.entries, forgotten.nano_dollars), (3, 42));
    assert!(evicted::contains(&tx, &edited.whole.hash()).unwrap(), "it is not paid for again unasked");
}

#[test]
fn what_was_removed_meanwhile_is_left_out_and_said() {
    let edited = edited();
    let (db, whole) = (edited.store.db(), edited.whole.hash());
    let map = newest_map(db, &edited.path, ASKED_KIND).unwrap().unwrap();
    analyses::remove(db, &edited.first.hash()).unwrap();
    put(db, &new(&edited.whole, &edited.path, "", 2), &map, |db, new| analyses::insert(db, new, Timestamp(3))).unwrap();
    let found = analyses::get(db, &whole).unwrap().unwrap();
    assert_eq!(lines(&found.json), [(2, "of a".to_owned())]);
    assert!(found.json.contains("removed from the cache"), "{}", found.json);

    // The next question about the file is also about what was left out.
    let next = newest_map(db, &edited.path, ASKED_KIND).unwrap().unwrap();
    let cut = CutFile::new(Language::RUST, &text("one();\n    two")).unwrap();
    let shown = cut.to_show(&[Some(&next)], &[], u32::MAX);
    assert_eq!((shown.first(), shown.last()), (Some(&false), Some(&true)), "{shown:?}");
}
