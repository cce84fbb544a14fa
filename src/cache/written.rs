//! What a model wrote of files, as it is searched (`written_texts`, `written_words`): the summaries, suggested lines of documentation and
//! findings of the answers that the view refers to. A trigger takes them out with their answer, and when it is no longer that of its file.

use rusqlite::{Connection, params};

use super::analyses;
use super::words;
use crate::analyzer::Analysis;
use crate::analyzer::llm::secrets::redact;
use crate::domain::{FilePath, Hash, JobKind};
use crate::store::{Result, StoreError};

/// What kind of text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenKind {
    /// What the file is for.
    Summary,
    /// What an item's documentation could begin with.
    Doc,
    /// What is wrong or risky.
    Finding,
}

impl WrittenKind {
    /// The stored and shown name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Doc => "doc",
            Self::Finding => "finding",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Summary, Self::Doc, Self::Finding].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A text that a model wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenText {
    pub kind: WrittenKind,
    /// The item that it is about; `None`: the file.
    pub item: Option<String>,
    /// Where that stood in the text that the model read.
    pub line: u32,
    pub body: String,
}

/// One that has words of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenMatch {
    pub path: FilePath,
    pub text: WrittenText,
    /// BM25; higher is better.
    pub score: f64,
}

/// What of an answer is searched. What looks like a secret is replaced, although a model is shown none.
pub fn texts(answer: &Analysis) -> Vec<WrittenText> {
    let text = |kind, item: Option<&String>, line, body: &str| WrittenText {
        kind,
        item: item.cloned(),
        line,
        body: redact(body).text,
    };
    let mut texts: Vec<WrittenText> = match answer {
        Analysis::Docs(report) => {
            let summary = report.summary.iter().map(|one| text(WrittenKind::Summary, None, 1, &one.text));
            let items = report.items.iter().filter_map(|item| {
                let suggestion = item.suggestion.as_deref()?;
                Some(text(WrittenKind::Doc, Some(&item.name), item.line, suggestion))
            });
            summary.chain(items).collect()
        }
        Analysis::Analysis(report) => {
            let summary = report.summary.iter().map(|one| text(WrittenKind::Summary, None, 1, one));
            let finding = report
                .findings
                .iter()
                .map(|one| text(WrittenKind::Finding, one.item.as_ref(), one.start_line, &one.message));
            summary.chain(finding).collect()
        }
        Analysis::Refactor(report) => {
            let finding = |one: &crate::analyzer::Smell| {
                text(WrittenKind::Finding, one.item.as_ref(), one.start_line, &one.message)
            };
            report.smells.iter().map(finding).collect()
        }
        // They stand in the file.
        Analysis::Todos(_) => Vec::new(),
    };
    texts.retain(|text| !text.body.trim().is_empty());
    texts
}

/// Takes in the answers that the view refers to for one file, as far as they are stored.
///
/// # Errors
/// If the database cannot be read or written.
pub fn take_in(db: &Connection, path: &FilePath, keys: &[(JobKind, Hash)]) -> Result<()> {
    for (kind, key) in keys {
        if !matches!(kind, JobKind::Ask(_)) {
            continue;
        }
        // One that cannot be read is reported where it is asked for; here it has no text.
        let answer = match analyses::get(db, key) {
            Ok(None) => continue,
            Ok(Some(stored)) => Analysis::from_json(stored.analysis_type, &stored.json).ok(),
            Err(_) => None,
        };
        put(db, path, key, &answer.map_or_else(Vec::new, |answer| texts(&answer)))?;
    }
    Ok(())
}

/// The same of every file whose answers are not taken in.
///
/// # Errors
/// As [`take_in`].
pub fn catch_up(db: &Connection) -> Result<()> {
    let mut statement = db.prepare_cached(
        "SELECT k.file_path, k.kind, k.cache_key FROM current_keys k JOIN file_analysis a USING (cache_key)
         WHERE k.kind GLOB 'ask:*'
           AND NOT EXISTS (SELECT 1 FROM written_texts w WHERE w.file_path = k.file_path AND w.cache_key = k.cache_key)",
    )?;
    let mut rows = statement.query([])?;
    let mut missing = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get(1)?;
        let kind = JobKind::parse(&kind).ok_or_else(|| unreadable(kind))?;
        missing.push((FilePath::new(row.get::<_, Vec<u8>>(0)?), kind, analyses::hash(row, 2)?));
    }
    missing.into_iter().try_for_each(|(path, kind, key)| take_in(db, &path, &[(kind, key)]))
}

/// Puts the texts of a file's answer in the place of those that it had.
///
/// # Errors
/// If the database cannot be written.
pub fn put(db: &Connection, path: &FilePath, key: &Hash, texts: &[WrittenText]) -> Result<()> {
    db.prepare_cached("DELETE FROM written_texts WHERE file_path = ?1 AND cache_key = ?2")?
        .execute(params![path.as_bytes(), key.as_bytes()])?;
    let mut row = db.prepare_cached(
        "INSERT INTO written_texts (file_path, cache_key, kind, item, line, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    if texts.is_empty() {
        // So that it is not read again.
        row.execute(params![path.as_bytes(), key.as_bytes(), "", None::<String>, 0, ""])?;
        return Ok(());
    }
    let mut indexed = db.prepare_cached("INSERT INTO written_words (rowid, body) VALUES (?1, ?2)")?;
    for WrittenText { kind, item, line, body } in texts {
        row.execute(params![path.as_bytes(), key.as_bytes(), kind.as_str(), item, line, body])?;
        indexed.execute(params![db.last_insert_rowid(), words::indexed(body)])?;
    }
    Ok(())
}

/// The texts that have words of a query, best first.
///
/// # Errors
/// If the database cannot be read.
pub fn search(db: &Connection, query: &str, limit: usize) -> Result<Vec<WrittenMatch>> {
    let Some(query) = words::any_of(query) else { return Ok(Vec::new()) };
    let mut statement = db.prepare_cached(
        "SELECT t.file_path, t.kind, t.item, t.line, t.body, -bm25(written_words) AS score
         FROM written_words JOIN written_texts t ON t.written_no = written_words.rowid
         WHERE written_words MATCH ?1 ORDER BY score DESC, t.written_no LIMIT ?2",
    )?;
    let mut rows = statement.query(params![query, limit as i64])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get(1)?;
        let kind = WrittenKind::parse(&kind).ok_or_else(|| unreadable(&kind))?;
        let text = WrittenText { kind, item: row.get(2)?, line: row.get(3)?, body: row.get(4)? };
        found.push(WrittenMatch { path: FilePath::new(row.get::<_, Vec<u8>>(0)?), text, score: row.get(5)? });
    }
    Ok(found)
}

fn unreadable(detail: impl ToString) -> StoreError {
    StoreError::Unreadable { what: "text that a model wrote", detail: detail.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzer::{DocItem, DocsReport};
    use crate::cache::view;
    use crate::domain::AnalysisType;
    use crate::store::{Database, open_writer};

    const DOCS: JobKind = JobKind::Ask(AnalysisType::Docs);

    fn text(kind: WrittenKind, item: Option<&str>, body: &str) -> WrittenText {
        WrittenText { kind, item: item.map(str::to_owned), line: 3, body: body.to_owned() }
    }

    fn bodies(db: &Connection, query: &str) -> Vec<String> {
        search(db, query, 10).unwrap().into_iter().map(|found| found.text.body).collect()
    }

    #[test]
    fn texts_are_found_by_stems_until_their_answer_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let db = open_writer(&dir.path().join("a.db"), Database::Analysis).unwrap();
        let (path, other) = (FilePath::from("src/a.rs"), FilePath::from("src/b.rs"));
        let (key, next) = (Hash::of(b"1"), Hash::of(b"2"));
        for path in [&path, &other] {
            view::put_current_keys(&db, path, &[(DOCS, key)]).unwrap();
            put(&db, path, &key, &[text(WrittenKind::Doc, Some("go"), "Retries the request")]).unwrap();
        }
        assert_eq!(bodies(&db, "retrying requests").len(), 2);
        put(&db, &path, &key, &[text(WrittenKind::Summary, None, "Sends mail")]).unwrap();
        assert_eq!(bodies(&db, "retry mail"), ["Sends mail", "Retries the request"]);
        view::put_current_keys(&db, &path, &[(DOCS, next)]).unwrap();
        assert_eq!(bodies(&db, "retry mail"), ["Retries the request"]);
        view::forget(&db, &other).unwrap();
        assert!(bodies(&db, "retry mail").is_empty());
        let left: i64 = db.query_row("SELECT count(*) FROM written_words", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0);
    }

    #[test]
    fn an_answer_without_a_text_is_noted_and_finds_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let db = open_writer(&dir.path().join("a.db"), Database::Analysis).unwrap();
        put(&db, &FilePath::from("a.rs"), &Hash::of(b"1"), &[]).unwrap();
        let noted: i64 = db.query_row("SELECT count(*) FROM written_texts", [], |row| row.get(0)).unwrap();
        assert_eq!((noted, bodies(&db, "a")), (1, Vec::new()));
    }

    #[test]
    fn a_secret_that_a_model_repeats_is_not_searched() {
        let secret = format!("gh{}_{}", "p", "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8");
        let item = DocItem {
            kind: "fn".into(),
            name: "go".into(),
            line: 7,
            documented: false,
            first_line: None,
            missing_sections: Vec::new(),
            suggestion: Some(format!("Sends {secret} along.")),
        };
        let report = DocsReport { items: vec![item], ..DocsReport::default() };
        let found = texts(&Analysis::Docs(report));
        assert_eq!((found.len(), found[0].line), (1, 7));
        assert!(!found[0].body.contains(&secret) && found[0].body.contains("REDACTED"), "{}", found[0].body);
    }
}
