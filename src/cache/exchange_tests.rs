use super::*;
use crate::analyzer::TodosReport;
use crate::cache::analyses::{Bill, NewAnalysis, insert};
use crate::cache::key::{no_dependencies, no_options};
use crate::domain::{Language, Role};
use crate::store::{Database, open_writer};

struct TwoStores {
    _dir: tempfile::TempDir,
    from: Connection,
    to: Connection,
}

fn stores() -> TwoStores {
    let dir = tempfile::tempdir().unwrap();
    let open = |name: &str| open_writer(&dir.path().join(name), Database::Analysis).unwrap();
    TwoStores { from: open("from.db"), to: open("to.db"), _dir: dir }
}

fn key(model_id: &str) -> AnalysisKey {
    AnalysisKey {
        content_hash: Hash::of(b"fn main() {}"),
        language: Language::RUST,
        role: Role::Library,
        analysis_type: AnalysisType::Todos,
        model_id: model_id.to_owned(),
        prompt_hash: Hash::of(b"rules"),
        schema_version: 1,
        config_hash: no_options(),
        deps_hash: no_dependencies(),
    }
}

fn report() -> String {
    Analysis::Todos(TodosReport::default()).to_json().unwrap()
}

fn put(db: &Connection, key: &AnalysisKey, json: &str) {
    let new = NewAnalysis {
        key,
        path: &FilePath::from("secret/place.rs"),
        json,
        packed: None,
        generation_time_ms: 7,
        repo_id: "r",
        repo_path: b"/home/someone/r",
        commit: None,
        bill: Bill { cost: 40, answer_cost: 30, input_tokens: 10, output_tokens: 3 },
        is_piece: false,
    };
    insert(db, &new, Timestamp(5)).unwrap();
}

fn planned(key: &AnalysisKey) -> PlannedAnalysis {
    PlannedAnalysis { path: FilePath::from("here.rs"), key: key.clone() }
}

fn taken(entry: SharedEntry) -> TakenEntry {
    TakenEntry { entry, signer: PublicKey([0xab; 32]) }
}

#[test]
fn an_answer_crosses_whole_and_says_nothing_of_where_it_was() {
    let (stores, key) = (stores(), key("xai/grok"));
    put(&stores.from, &key, &report());
    let entry = export(&stores.from, &planned(&key).wanted()).unwrap().unwrap();
    let text = String::from_utf8(entry.content.clone()).unwrap();
    assert!(!text.contains("secret") && !text.contains("someone") && !text.contains("place"), "{text}");
    let mut local = LocalResults::new(&stores.to, [vec![planned(&key)]], Timestamp(9));
    assert_eq!(local.lacks(&[planned(&key).wanted()]).unwrap().len(), 1);
    assert_eq!(local.put(vec![taken(entry.clone()), taken(entry)]).unwrap(), 2, "twice is as once");
    assert_eq!(local.lacks(&[planned(&key).wanted()]).unwrap().len(), 0);
    let found = analyses::get(&stores.to, &key.hash()).unwrap().unwrap();
    assert_eq!((found.json, found.bill.cost, found.created_at), (report(), 40, Timestamp(5)));
    assert_eq!(super::taken(&stores.to).unwrap(), TakenSums { answers: 1, cost: 40, analyses: 1 });
    let by: String = stores.to.query_row("SELECT repo_id FROM file_analysis", [], |row| row.get(0)).unwrap();
    assert_eq!(by, format!("shared:{}", "ab".repeat(32)));
    assert_eq!(shareable(&stores.to, |_| false).unwrap(), [], "what was taken is not given on");
}

#[test]
fn what_was_made_from_something_else_is_not_used() {
    let (stores, key) = (stores(), key("xai/grok"));
    put(&stores.from, &key, &report());
    let entry = export(&stores.from, &planned(&key).wanted()).unwrap().unwrap();
    let text = String::from_utf8(entry.content.clone()).unwrap();
    let content = Hash::of(b"fn main() {}").to_string();
    for (from, to) in [
        (content.as_str(), "00".repeat(32).as_str()),
        ("\"schema_version\":1", "\"schema_version\":2"),
        ("xai/grok", "xai/other"),
        ("\"todos\"", "\"docs\""),
        ("\"cost\":40", "\"cost\":-40"),
        ("{", ""),
    ] {
        assert!(text.contains(from), "{from}: {text}");
        let changed = SharedEntry { content: text.replacen(from, to, 1).into_bytes(), ..entry.clone() };
        let mut local = LocalResults::new(&stores.to, [vec![planned(&key)]], Timestamp(9));
        assert_eq!(local.put(vec![taken(changed)]).unwrap(), 0, "{from}");
        let rows: u64 = stores.to.query_row("SELECT count(*) FROM file_analysis", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{from}");
    }
}

#[test]
fn an_analysis_with_a_secret_stays_here() {
    let (stores, key) = (stores(), key("local"));
    let token = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    put(&stores.from, &key, &report().replacen('{', &format!("{{\"note\":\"{token}\","), 1));
    assert_eq!(export(&stores.from, &planned(&key).wanted()).unwrap(), None);
}

#[test]
fn a_result_that_is_here_under_one_key_is_wanted_under_no_other() {
    let (stores, one, other) =
        (stores(), key("xai/grok"), AnalysisKey { prompt_hash: Hash::of(b"other"), ..key("xai/grok") });
    let third = AnalysisKey { prompt_hash: Hash::of(b"third"), ..key("xai/grok") };
    put(&stores.to, &one, &report());
    let groups = [vec![planned(&one), planned(&other)], vec![planned(&third)]];
    let wanted: Vec<WantedEntry> = groups.iter().flatten().map(PlannedAnalysis::wanted).collect();
    let mut local = LocalResults::new(&stores.to, groups, Timestamp(9));
    assert_eq!(local.lacks(&wanted).unwrap(), [planned(&third).wanted()]);
}
