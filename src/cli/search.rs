//! search.

use std::path::{Path, PathBuf};

use super::output::{add_freshness, item, print_json, print_styled, short};
use super::{Context, Failure};
use crate::client::SearchBy;
use crate::query::Reader;
use crate::query::rank::{Parts, SearchQuestion, WEIGHTS};
use crate::query::search::{SearchRequest, is_place, path_in_repo};
use crate::query::view::for_terminal;
use crate::query::view::plain::visible;
use crate::query::view::search::{SearchHit, SearchView};

/// The arguments of a search but for the query.
pub struct SearchOptions {
    pub repo: Option<PathBuf>,
    pub limit: usize,
    pub kind: Option<String>,
    pub path: Option<String>,
    pub language: Option<String>,
    pub source: Option<String>,
    pub explain: bool,
    /// For what was saved a moment ago.
    pub wait: bool,
}

pub fn search(context: &Context, query: Vec<String>, options: SearchOptions, json: bool) -> Result<(), Failure> {
    let SearchOptions { repo, limit, kind, path, language, source, explain, wait } = options;
    let (repo, path) = place(context, repo.as_deref(), path)?;
    let asked = SearchRequest { query: query.join(" "), repo, limit, kind, path, language, source, explain };
    asked.check()?;
    let answer = context.client(wait).search(&asked, SearchBy::Meaning, false)?;
    if json { print_json(&answer) } else { print_styled(&describe(&answer)) }
}

/// Id of the repository that is searched, and the path in it. A path of the file system names its repository, too.
fn place(
    context: &Context,
    named: Option<&Path>,
    path: Option<String>,
) -> Result<(Option<String>, Option<String>), Failure> {
    let written = path.as_deref().filter(|path| is_place(path));
    if named.is_none() && written.is_none() {
        return Ok((None, path));
    }
    let reader = Reader::open(&context.home, &context.config)?;
    let here = std::env::current_dir().unwrap_or_default();
    let repo = match (named, written) {
        (Some(named), _) => reader.repo(named)?,
        (None, written) => reader.repo_at(&here.join(written.unwrap_or_default()))?,
    };
    let top = &repo.location.path;
    let here = if here.starts_with(top) { &here } else { top };
    let path = path.map(|path| path_in_repo(&path, &repo, here)).transpose()?.flatten();
    Ok((Some(repo.id.0), path))
}

fn describe(answer: &SearchView) -> String {
    let mut out = String::new();
    if let Some(note) = &answer.note {
        out.push_str(&format!("by words only: {}\n", visible(note)));
    }
    for error in &answer.errors {
        out.push_str(&format!("left out: {}\n", visible(error)));
    }
    if let Some(line) = answer.uncommitted_line() {
        out.push_str(&format!("{}\n", visible(&line)));
    }
    if answer.hits.is_empty() {
        let why = answer.why_empty.as_deref().map_or_else(String::new, |why| format!(": {}", visible(why)));
        out.push_str(&format!("nothing was found{why}\n"));
    }
    let question = SearchQuestion::new(&answer.query);
    let here = std::env::current_dir().unwrap_or_default();
    for hit in &answer.hits {
        let path = visible(&for_terminal(&from_here(&here, &Path::new(&hit.repo).join(&hit.path))));
        let saved = if hit.source == "worktree" { "  (not committed)" } else { "" };
        let SearchHit { start_line, end_line, .. } = hit;
        let item = item(&hit.entity_type, &hit.entity_name);
        match &hit.stale {
            Some(why) => out.push_str(&format!("{path}  {item}  ({})\n", visible(why))),
            None => out.push_str(&format!("{path}:{start_line}-{end_line}  {item}{saved}\n")),
        }
        if !hit.also_in.is_empty() {
            out.push_str(&format!("      also in {}\n", visible(&for_terminal(&hit.also_in.join(", ")))));
        }
        if let Some(written) = &hit.written {
            out.push_str(&format!("      {}\n", highlighted(&visible(&written.line()), &question)));
        }
        add_snippet(hit, &question, &mut out);
        if let Some(parts) = &hit.parts {
            out.push_str(&format!("      {:.3} = {}\n", hit.score, explained(parts)));
        }
    }
    for repo in &answer.freshness {
        let name = visible(&for_terminal(&repo.repo));
        if repo.head != repo.indexed_commit || repo.pending_files > 0 {
            let indexed = repo.indexed_commit.as_deref().map_or("nothing", short);
            out.push_str(&format!("{name}: indexed is {indexed}, {} file(s) pending\n", repo.pending_files));
        }
    }
    for repo in answer.freshness.iter().filter(|repo| repo.provisional_files > 0 && answer.note.is_none()) {
        let count = repo.provisional_files;
        out.push_str(&format!(
            "{}: {count} file(s) are ranked by provisional vectors until the model's are made\n",
            visible(&for_terminal(&repo.repo))
        ));
    }
    add_freshness(answer.answer_freshness.as_ref(), &mut out);
    out
}

fn add_snippet(hit: &SearchHit, question: &SearchQuestion, out: &mut String) {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let common = hit.snippet.iter().map(|line| indent(&line.text)).min().unwrap_or_default();
    for line in &hit.snippet {
        let text = visible(&line.text.chars().skip(common).collect::<String>());
        out.push_str(&format!("  {:>6}  {}\n", line.line, highlighted(&text, question)));
    }
}

/// The words of the question stand out, where the terminal can show that and `NO_COLOR` is not set.
fn highlighted(text: &str, question: &SearchQuestion) -> String {
    let mut out = String::new();
    let mut at = 0;
    for range in question.matches(text) {
        out.push_str(&text[at..range.start]);
        out.push_str(&console::style(&text[range.clone()]).bold().yellow().to_string());
        at = range.end;
    }
    out + &text[at..]
}

/// `meaning +0.312  words +0.440 ..`: each part by its weight, those that are nothing left out.
fn explained(parts: &Parts) -> String {
    let weighed =
        Parts::NAMES.iter().zip(parts.values()).zip(WEIGHTS).map(|((name, value), weight)| (name, value * weight));
    let shown: Vec<String> =
        weighed.filter(|(_, value)| *value != 0.0).map(|(name, value)| format!("{name} {value:+.3}")).collect();
    shown.join("  ")
}

/// A path that a terminal can open from where the user stands.
fn from_here(here: &Path, path: &Path) -> String {
    let mut up = PathBuf::new();
    for base in here.ancestors().take(UP_MAX) {
        if let Ok(rest) = path.strip_prefix(base) {
            return up.join(rest).display().to_string();
        }
        up.push("..");
    }
    path.display().to_string()
}

/// Further up, a whole path is easier to read.
const UP_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_as_it_is_opened_from_here() {
        let shown = |here: &str| from_here(Path::new(here), Path::new("/home/a/src/repo/src/lib.rs"));
        assert_eq!(shown("/home/a/src/repo"), "src/lib.rs");
        assert_eq!(shown("/home/a/src/other"), "../repo/src/lib.rs");
        assert_eq!(shown("/var/log/deep/er"), "/home/a/src/repo/src/lib.rs");
    }

    #[test]
    fn an_explanation_leaves_out_what_is_nothing() {
        let parts = Parts { meaning: 0.25, prose: 1.0, ..Parts::default() };
        assert_eq!(explained(&parts), "meaning +0.250  prose -0.100");
    }
}
