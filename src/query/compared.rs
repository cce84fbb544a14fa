//! Hits compared with the disk: each has the lines that its item has now, or says that it has not.

use std::collections::BTreeSet;

use super::freshness::{Followed, ShownFiles, freshness, worst};
use super::items::{TextItem, items_of};
use super::present::{PresentFile, PresentFiles};
use super::rank::SearchQuestion;
use super::snippet::snippet_of;
use super::targets::cut;
use super::view::freshness::Freshness;
use super::view::search::{SearchHit, SearchView};
use super::view::shown;
use super::{QueryError, Reader};
use crate::language;

/// Of more repositories, only those that have hits are compared; of the others counts what the daemon knows.
const COMPARED_MAX: usize = 8;

/// Compares the files of all hits with the disk, and says how fresh the answer is. `bodies`: hits are of
/// whole items, and have their text.
///
/// # Errors
/// If agent.db or a configured glob cannot be read.
pub fn compare_hits(
    reader: &Reader<'_>,
    view: &mut SearchView,
    followed: Followed,
    bodies: bool,
) -> Result<(), QueryError> {
    let question = SearchQuestion::new(&view.query);
    let mut all = Vec::new();
    let repos: Vec<_> = reader
        .repos()?
        .into_iter()
        .filter(|repo| view.freshness.iter().any(|one| one.repo == shown(&repo.location.path)))
        .collect();
    let is_many = repos.len() > COMPARED_MAX;
    if followed == Followed::Not && is_many {
        let because = "no daemon runs, so what was saved since is not known (`ra-agent daemon start`)".to_owned();
        all.push(Freshness::Stale { because });
    }
    for repo in repos {
        let path = shown(&repo.location.path);
        if is_many && !view.hits.iter().any(|hit| hit.repo == path) {
            continue;
        }
        // One that cannot be read is among the errors.
        let Ok(store) = reader.store(&repo) else { continue };
        let mut files = PresentFiles::open(reader, &repo, store.as_ref())?;
        let mut seen = ShownFiles::default();
        for hit in view.hits.iter_mut().filter(|hit| hit.repo == path) {
            let file = seen.compare(&mut files, &hit.file())?;
            compare(hit, &file, &question, bodies);
        }
        all.push(freshness(reader, &repo, store.as_ref(), followed, &seen, view.mode == "hybrid")?);
    }
    // Of an item that is found by several of its parts, one hit has the text.
    let mut told = BTreeSet::new();
    for hit in view.hits.iter_mut().filter(|hit| hit.body.is_some()) {
        if !told.insert((hit.repo.clone(), hit.path.clone(), hit.start_line, hit.end_line)) {
            hit.body = None;
        }
    }
    view.answer_freshness = Some(worst(all));
    Ok(())
}

fn compare(hit: &mut SearchHit, file: &PresentFile, question: &SearchQuestion, bodies: bool) {
    let text = match file {
        PresentFile::AsRecorded(text) => text,
        PresentFile::Changed(text) => match moved(hit, text) {
            Some((first, last)) => {
                (hit.start_line, hit.end_line) = (first, last);
                hit.snippet = snippet_of(text, first, last, question);
                text
            }
            None => return outdate(hit, "the file changed since it was indexed, and does not have this any more"),
        },
        PresentFile::Gone { .. } => return outdate(hit, "the file is gone"),
        PresentFile::Left(_) => return outdate(hit, "the file is not indexed any more"),
    };
    if bodies {
        if let Some((first, last)) = whole(hit, text) {
            (hit.start_line, hit.end_line) = (first, last);
        }
        hit.body = Some(cut(text, hit.start_line, hit.end_line));
    }
}

/// The lines of the item of which a hit is a part. Members of a class or module are hits of their own, so those stay as they are.
fn whole(hit: &SearchHit, text: &str) -> Option<(u32, u32)> {
    let items = items_of(language::of(&hit.file()), text);
    let is_hit = |item: &&TextItem| {
        item.name == hit.entity_name && item.start_line <= hit.end_line && hit.start_line <= item.end_line
    };
    let found = items.iter().find(is_hit)?;
    let is_inside = |item: &TextItem| found.start_line < item.start_line && item.end_line <= found.end_line;
    let is_code = matches!(found.kind.as_str(), "function" | "method" | "test" | "macro");
    (is_code || !items.iter().any(is_inside)).then_some((found.start_line, found.end_line))
}

/// What it showed is of another text, so it shows nothing.
fn outdate(hit: &mut SearchHit, why: &str) {
    hit.stale = Some(why.to_owned());
    hit.snippet.clear();
    hit.body = None;
}

/// The lines of a hit in another text: those of the items with its names, or those that its snippet still has.
fn moved(hit: &SearchHit, text: &str) -> Option<(u32, u32)> {
    let is_named = !hit.entity_name.is_empty() && hit.entity_type != "text";
    if is_named {
        let items = items_of(language::of(&hit.file()), text);
        let named = |name: &str| items.iter().find(|item| item.name == name);
        let found: Option<Vec<&TextItem>> = hit.entity_name.split(", ").map(named).collect();
        let found = found?;
        return Some((found.iter().map(|item| item.start_line).min()?, found.iter().map(|item| item.end_line).max()?));
    }
    let first = hit.snippet.first()?;
    let at = text.lines().position(|line| line.starts_with(&first.text) && !first.text.trim().is_empty())?;
    let at = u32::try_from(at + 1).ok()?;
    let (before, size) = (first.line - hit.start_line, hit.end_line - hit.start_line);
    let start = at.saturating_sub(before).max(1);
    let count = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
    Some((start, (start + size).min(count)))
}
