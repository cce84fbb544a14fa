//! Queries from commits: the subject of a small commit is the query, the functions that it changed and that are still there its answers.

use std::collections::HashMap;

use super::documented::is_function;
use super::{CompareError, CompareWatch, KnownQuery, LabSource, RightAnswer, sample};
use crate::domain::{Change, FilePath, Language, ObjectId};
use crate::index::read;
use crate::language;
use crate::outline;
use crate::repo::{CommitNote, FileChange, RecordedView, Repo};

/// Commits that are read, the newest first.
const COMMITS_MAX: usize = 400;
/// Functions that a commit may have changed: of more, its subject is about none of them.
const FUNCTIONS_MAX: usize = 5;
const FILES_MAX: usize = 8;
const WORDS: std::ops::RangeInclusive<usize> = 3..=30;
const QUERIES_MAX: usize = 100;
/// First words of subjects that machines write.
const MADE: [&str; 5] = ["merge", "revert", "bump", "release", "update"];

/// The queries of the history before a commit.
pub(super) fn queries(
    git: &Repo,
    newest: Option<&ObjectId>,
    sources: &[LabSource],
    watch: &CompareWatch<'_>,
) -> Result<Vec<KnownQuery>, CompareError> {
    let Some(newest) = newest else { return Ok(Vec::new()) };
    let mut read = 0;
    let history = git.first_parents(newest, |_| {
        read += 1;
        read > COMMITS_MAX
    })?;
    let present: HashMap<&FilePath, &LabSource> = sources.iter().map(|source| (&source.file.path, source)).collect();
    let mut functions: HashMap<&FilePath, HashMap<String, FunctionText>> = HashMap::new();
    let mut view = RecordedView::default();
    if let Some(commit) = history.commits.first() {
        let diff = git.diff(&view, Some(&commit.tree))?;
        view.apply(&diff);
    }
    let mut found = Vec::new();
    for (done, pair) in history.commits.windows(2).enumerate() {
        watch.at("reading the history", done, history.commits.len())?;
        let [commit, parent] = pair else { continue };
        // From a commit to its parent: what is old is the commit's.
        let back = git.diff(&view, Some(&parent.tree))?;
        view.apply(&back);
        if !is_query(commit) || back.changes.len() > FILES_MAX {
            continue;
        }
        let mut answers = Vec::new();
        for change in &back.changes {
            for name in changed(git, change)? {
                let path = change.change.path();
                let Some((path, source)) = present.get_key_value(path) else { continue };
                let now = functions.entry(*path).or_insert_with(|| functions_of(source.file.language, &source.text));
                answers.extend(now.get(&name).map(|function| function.answer(path)));
            }
        }
        if !answers.is_empty() && answers.len() <= FUNCTIONS_MAX {
            found.push(KnownQuery { text: commit.subject.clone(), answers });
        }
    }
    let mut count: HashMap<String, usize> = HashMap::new();
    found.iter().for_each(|query| *count.entry(query.text.to_lowercase()).or_default() += 1);
    found.retain(|query| count.get(&query.text.to_lowercase()) == Some(&1));
    sample(&mut found, QUERIES_MAX);
    Ok(found)
}

fn is_query(commit: &CommitNote) -> bool {
    let mut words = commit.subject.split_whitespace();
    let first = words.next().unwrap_or_default().to_lowercase();
    let is_made = MADE.contains(&first.trim_end_matches(':'));
    commit.parents.len() == 1 && !is_made && WORDS.contains(&(words.count() + 1))
}

/// A function of a file.
struct FunctionText {
    start_line: u32,
    end_line: u32,
    text: String,
}

impl FunctionText {
    fn answer(&self, path: &FilePath) -> RightAnswer {
        RightAnswer { path: path.clone(), start_line: self.start_line, end_line: self.end_line }
    }
}

/// The names of the functions that a commit changed or added in a file; `change` leads back to its parent.
fn changed(git: &Repo, change: &FileChange) -> Result<Vec<String>, CompareError> {
    let path = change.change.path();
    let (Change::Modification { .. } | Change::Deletion { .. }, Some(after)) = (&change.change, &change.old) else {
        return Ok(Vec::new());
    };
    let language = language::of(path);
    let Some(after) = read::text(git, path, after)? else { return Ok(Vec::new()) };
    let before = match &change.new {
        Some(before) => read::text(git, path, &before.id)?.unwrap_or_default(),
        None => String::new(),
    };
    let before = functions_of(language, &before);
    let is_changed = |(name, now): &(String, FunctionText)| before.get(name).is_none_or(|was| was.text != now.text);
    let mut names: Vec<String> =
        functions_of(language, &after).into_iter().filter(is_changed).map(|(name, _)| name).collect();
    names.sort_unstable();
    Ok(names)
}

fn functions_of(language: Language, text: &str) -> HashMap<String, FunctionText> {
    let lines: Vec<&str> = text.split('\n').collect();
    let (outline, _) = outline::outline(language, text);
    let functions = outline.symbols.into_iter().filter(is_function);
    functions
        .map(|symbol| {
            let (first, last) = ((symbol.start_line as usize).saturating_sub(1), symbol.end_line as usize);
            let text = lines.get(first..last.min(lines.len()).max(first)).unwrap_or_default().join("\n");
            (symbol.name, FunctionText { start_line: symbol.start_line, end_line: symbol.end_line, text })
        })
        .collect()
}
