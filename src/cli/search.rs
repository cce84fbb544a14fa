//! search.

use std::path::PathBuf;

use super::output::{print, print_json, short};
use super::{Context, Failure};
use crate::daemon::control::{self, Request};
use crate::query::Reader;
use crate::query::rank::{Parts, WEIGHTS};
use crate::query::search::{Answer, Request as Asked, Searcher};
use crate::worker;

/// Other names of entity types.
const KINDS: [(&str, &str); 4] = [("fn", "function"), ("mod", "module"), ("constant", "const"), ("doc", "section")];

pub fn search(context: &Context, mut asked: Asked, repo: Option<PathBuf>, json: bool) -> Result<(), Failure> {
    if let Some(path) = repo {
        asked.repo = Some(Reader::open(&context.home, &context.config)?.repo(&path.to_string_lossy())?.id.0);
    }
    let known =
        |kind: String| KINDS.iter().find(|(other, _)| *other == kind).map_or(kind, |(_, name)| (*name).to_owned());
    asked.filter.kind = asked.filter.kind.map(known);
    let answer = match worker::ask(&context.home, &asked) {
        Some(Ok(answer)) => answer,
        Some(Err(detail)) => return Err(Failure::Failed(detail)),
        None => here(context, &asked)?,
    };
    if json { print_json(&answer) } else { print(&describe(&answer)) }
}

/// With no worker up: searches in this process, and has the daemon warm one for the next time.
fn here(context: &Context, asked: &Asked) -> Result<Answer, Failure> {
    // With no daemon either, the next search is as slow as this one.
    let _ = control::ask(&context.home, Request::Warm);
    let model = worker::Model::new(&context.home, &context.config).get();
    Ok(Searcher::new(&context.home, &context.config)?.search(asked, model)?)
}

fn describe(answer: &Answer) -> String {
    let mut out = String::new();
    if let Some(note) = &answer.note {
        out.push_str(&format!("by words only: {note}\n"));
    }
    for error in &answer.errors {
        out.push_str(&format!("left out: {error}\n"));
    }
    if answer.hits.is_empty() {
        out.push_str("nothing was found\n");
    }
    let several = answer.freshness.len() > 1;
    for hit in &answer.hits {
        let path = if several { format!("{}/{}", hit.repo, hit.path) } else { hit.path.clone() };
        out.push_str(&format!("{path}:{}-{}  {} {}\n", hit.start_line, hit.end_line, hit.entity_type, hit.entity_name));
        if let Some(parts) = &hit.parts {
            out.push_str(&format!("    {}\n", explain(hit.score, parts)));
        }
    }
    for repo in &answer.freshness {
        if repo.head != repo.indexed_commit || repo.pending_files > 0 {
            let indexed = repo.indexed_commit.as_deref().map_or("nothing", short);
            out.push_str(&format!("{}: indexed is {indexed}, {} file(s) pending\n", repo.repo, repo.pending_files));
        }
    }
    out
}

/// `1.62 = meaning 0.91 + words 0.34 + ..`: what each part adds to the score.
fn explain(score: f64, parts: &Parts) -> String {
    let added = [
        ("meaning", parts.meaning * WEIGHTS.meaning),
        ("words", parts.words * WEIGHTS.words),
        ("name", parts.name * WEIGHTS.name),
        ("query", parts.query * WEIGHTS.query),
        ("definition", parts.definition * WEIGHTS.definition),
        ("test", -parts.test * WEIGHTS.test),
    ];
    let told: Vec<String> =
        added.iter().filter(|(_, part)| *part != 0.0).map(|(name, part)| format!("{name} {part:.2}")).collect();
    format!("{score:.2} = {}", told.join(" + "))
}
