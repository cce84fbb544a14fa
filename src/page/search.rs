//! *Search*: as one types, with filters. Each state has its address.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::frame::{PageFrame, Screen, ScreenName};
use super::text::{last_part, line_link, without_secrets};
use super::{Fault, Page, PageQuestion, shown};
use crate::client::SearchBy;
use crate::embedder::chunk::KINDS;
use crate::query::rank::SearchQuestion;
use crate::query::search::{QUERY_MAX, SearchRequest};
use crate::query::view::search::{SearchHit, SearchView, WrittenView};
use crate::repo::registry::Registered;

const HITS: usize = 20;
/// Languages that are offered.
const LANGUAGES: usize = 40;

struct SearchPage {
    frame: PageFrame,
    query: String,
    repos: Vec<Choice>,
    kinds: Vec<Choice>,
    languages: Vec<Choice>,
    sources: Vec<Choice>,
    path: String,
    is_asked: bool,
    hits: Vec<HitRow>,
    note: String,
    why_empty: String,
    freshness: String,
}

impl Screen for SearchPage {
    fn frame(&self) -> &PageFrame {
        &self.frame
    }

    fn content(&self) -> Markup {
        html! {
            h1 { "Search" }
            (self.form())
            div id="results" data-live aria-live="polite" {
                @for note in [&self.note, &self.freshness] { @if !note.is_empty() { p.note { bdi { (note) } } } }
                @if self.is_asked && self.hits.is_empty() { p.panel.note { bdi { (self.why_empty) } } }
                ol.hits { @for hit in &self.hits { (hit.markup()) } }
            }
        }
    }
}

impl SearchPage {
    fn form(&self) -> Markup {
        let select = |label: &str, name: &str, choices: &[Choice]| {
            html! {
                label {
                    (label) " "
                    select name=(name) {
                        @for one in choices { option value=(one.value) selected[one.is_chosen] { (one.name) } }
                    }
                }
            }
        };
        html! {
            form.search action="/search" method="get" role="search" id="search" {
                label.hidden for="q" { "What you are looking for" }
                input id="q" name="q" type="search" value=(self.query) autocomplete="off" autofocus spellcheck="false"
                    placeholder="What you are looking for, in your own words";
                div.filters-form {
                    (select("Repository", "repo", &self.repos))
                    (select("Kind", "kind", &self.kinds))
                    (select("Language", "lang", &self.languages))
                    (select("Text", "source", &self.sources))
                    label {
                        "Path "
                        input name="path" value=(self.path) placeholder="src/**/*.rs" autocomplete="off" spellcheck="false";
                    }
                    button type="submit" { "Search" }
                }
            }
        }
    }
}

impl HitRow {
    fn markup(&self) -> Markup {
        html! {
            li.hit data-row {
                h2 { a.go href=(self.href) { bdi { (self.name) } } " " span.tag { (self.kind) } }
                p.where {
                    bdi { (self.repo) } " " bdi { (self.path) } " " span { (self.lines) }
                    @if !self.remark.is_empty() { " " span { bdi { (self.remark) } } }
                }
                @if !self.snippet.is_empty() {
                    div.code.snippet tabindex="0" role="region" aria-label={ "Lines of " (self.name) } {
                        @for row in &self.snippet {
                            div.line {
                                span.n { (row.line) }
                                code dir="ltr" {
                                    @for piece in &row.pieces {
                                        @if piece.is_match { mark { (piece.text) } } @else { (piece.text) }
                                    }
                                    "\n"
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A value that a filter can have.
struct Choice {
    value: String,
    name: String,
    is_chosen: bool,
}

struct HitRow {
    href: String,
    name: String,
    kind: String,
    repo: String,
    path: String,
    lines: String,
    snippet: Vec<SnippetRow>,
    remark: String,
}

struct SnippetRow {
    line: u32,
    pieces: Vec<SnippetPiece>,
}

struct SnippetPiece {
    text: String,
    is_match: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct SearchAsked {
    q: String,
    repo: String,
    kind: String,
    lang: String,
    path: String,
    source: String,
}

pub(super) async fn screen(State(page): State<Arc<Page>>, Query(question): Query<SearchAsked>) -> Response {
    shown(page, move |asked| search(asked, &question)).await
}

fn search(asked: &PageQuestion<'_>, question: &SearchAsked) -> Result<SearchPage, Fault> {
    let repos = asked.reader.repos()?;
    let title = if question.q.is_empty() { "Search".to_owned() } else { format!("Search: {}", question.q) };
    let mut page = SearchPage {
        frame: PageFrame::new(title, ScreenName::Search),
        query: question.q.clone(),
        repos: choices("all repositories", repos.iter().map(|repo| (repo.id.0.clone(), name_of(repo))), &question.repo),
        kinds: choices("any kind", same(KINDS.iter().map(|kind| (*kind).to_owned())), &question.kind),
        languages: choices("any language", same(languages(asked)?.into_iter()), &question.lang),
        sources: choices(
            "committed and saved",
            [("commit", "committed"), ("worktree", "saved, not committed")]
                .into_iter()
                .map(|(value, name)| (value.to_owned(), name.to_owned())),
            &question.source,
        ),
        path: question.path.clone(),
        is_asked: !question.q.trim().is_empty(),
        hits: Vec::new(),
        note: String::new(),
        why_empty: String::new(),
        freshness: String::new(),
    };
    if !page.is_asked {
        return Ok(page);
    }
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let request = SearchRequest {
        query: cut(&question.q).to_owned(),
        repo: some(&question.repo),
        limit: HITS,
        kind: some(&question.kind),
        path: some(&question.path),
        language: some(&question.lang),
        source: some(&question.source),
        explain: false,
    };
    match asked.client().search(&request, SearchBy::Words, false) {
        Ok(answer) => fill(&mut page, &answer, &repos),
        // As one types, a filter may be half written: that is no failure of the page.
        Err(error) => page.why_empty = error.to_string(),
    }
    Ok(page)
}

/// The longest question that is answered.
fn cut(query: &str) -> &str {
    let mut end = query.len().min(QUERY_MAX);
    while !query.is_char_boundary(end) {
        end -= 1;
    }
    &query[..end]
}

fn fill(page: &mut SearchPage, answer: &SearchView, repos: &[Registered]) {
    let question = SearchQuestion::new(&answer.query);
    page.hits = answer.hits.iter().map(|hit| hit_row(hit, &question, repos)).collect();
    page.note = answer.note.as_ref().map(|note| format!("by words only: {note}")).unwrap_or_default();
    for error in &answer.errors {
        page.note.push_str(&format!(" left out: {error}"));
    }
    page.why_empty = answer.why_empty.clone().unwrap_or_default();
    let freshness = answer.answer_freshness.as_ref().filter(|freshness| !freshness.is_current());
    page.freshness = freshness.map(ToString::to_string).unwrap_or_default();
}

fn hit_row(hit: &SearchHit, question: &SearchQuestion, repos: &[Registered]) -> HitRow {
    let repo = repos.iter().find(|repo| repo.location.path.to_string_lossy() == hit.repo);
    let href = repo.map(|repo| line_link(&repo.id.0, &hit.file(), hit.start_line)).unwrap_or_default();
    let mut remarks = Vec::new();
    if hit.source == "worktree" {
        remarks.push("not committed".to_owned());
    }
    remarks.extend(hit.stale.clone());
    remarks.extend(hit.written.as_ref().map(WrittenView::line));
    if !hit.also_in.is_empty() {
        remarks.push(format!("also in {}", hit.also_in.join(", ")));
    }
    HitRow {
        href,
        name: if hit.entity_name.is_empty() { last_part(&hit.path).to_owned() } else { hit.entity_name.clone() },
        kind: hit.entity_type.clone(),
        repo: last_part(&hit.repo).to_owned(),
        path: hit.path.clone(),
        lines: format!("{}–{}", hit.start_line, hit.end_line),
        snippet: hit
            .snippet
            .iter()
            .map(|line| snippet_row(line.line, &without_secrets(&line.text), question))
            .collect(),
        remark: remarks.join(" · "),
    }
}

/// A line in pieces: what of it was asked for stands out.
fn snippet_row(line: u32, text: &str, question: &SearchQuestion) -> SnippetRow {
    let (mut pieces, mut at) = (Vec::new(), 0);
    let piece = |text: &str, is_match| SnippetPiece { text: text.to_owned(), is_match };
    for range in question.matches(text) {
        pieces.push(piece(&text[at..range.start], false));
        pieces.push(piece(&text[range.clone()], true));
        at = range.end;
    }
    pieces.push(piece(&text[at..], false));
    pieces.retain(|piece| !piece.text.is_empty());
    SnippetRow { line, pieces }
}

fn name_of(repo: &Registered) -> String {
    last_part(&repo.location.path.to_string_lossy()).to_owned()
}

fn same(values: impl Iterator<Item = String>) -> impl Iterator<Item = (String, String)> {
    values.map(|value| (value.clone(), value))
}

fn choices(all: &str, values: impl Iterator<Item = (String, String)>, chosen: &str) -> Vec<Choice> {
    let every = std::iter::once((String::new(), all.to_owned()));
    every.chain(values).map(|(value, name)| Choice { is_chosen: value == chosen, value, name }).collect()
}

/// The languages of what is indexed, those with most files first.
fn languages(asked: &PageQuestion<'_>) -> Result<Vec<String>, Fault> {
    let Some(status) = asked.status()? else { return Ok(Vec::new()) };
    let mut files: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    for one in status.repos.iter().flat_map(|repo| &repo.languages) {
        *files.entry(&one.language).or_default() += one.files;
    }
    let mut languages: Vec<(&str, u64)> = files.into_iter().collect();
    languages.sort_by_key(|(_, files)| std::cmp::Reverse(*files));
    Ok(languages.into_iter().take(LANGUAGES).map(|(language, _)| language.to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_cut_between_characters() {
        let long = "ä".repeat(QUERY_MAX);
        assert_eq!(cut(&long).len(), QUERY_MAX);
        assert_eq!(cut(&format!("a{long}")).len(), QUERY_MAX - 1);
        assert_eq!(cut("short"), "short");
    }

    #[test]
    fn the_pieces_of_a_snippet_are_its_line() {
        let row = snippet_row(3, "fn retry_request() { retry(); }", &SearchQuestion::new("retry"));
        let whole: String = row.pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(whole, "fn retry_request() { retry(); }");
        assert!(row.pieces.iter().any(|piece| piece.is_match && piece.text.contains("retry")));
    }
}
