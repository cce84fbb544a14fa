//! Answers as an agent reads them: places, signatures and sources, and no word that says nothing.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::arguments::Detail;
use crate::query::view::for_terminal;
use crate::query::view::impact::{ImpactView, TestView, UsedChange};
use crate::query::view::search::{SearchHit, SearchView};
use crate::query::view::show::{FileUse, WorstFinding};
use crate::query::view::status::StatusView;
use crate::query::view::targets::{ItemLine, ShownItem, TargetView, TargetsView, UserFile, UserLine};

/// Files that are cut off and listed; the rest is counted.
const CUT_OFF_LISTED: usize = 5;
/// Files of tests that are listed, and tests of one.
const TEST_FILES_LISTED: usize = 12;
const TESTS_LISTED: usize = 6;

// Writing into a String cannot fail.

/// A text in which options of the command line that are arguments here, too, have their name alone.
pub(super) fn without_dashes(text: &str) -> String {
    let names = ["kind", "lang", "path", "source", "worktree"];
    names.iter().fold(text.to_owned(), |text, name| text.replace(&format!("--{name}"), name))
}

pub(super) fn search(view: &SearchView, detail: Detail) -> String {
    let mut out = String::new();
    if let Some(note) = &view.note {
        // How that is changed stands in the help.
        let _ = writeln!(out, "by words only: {}", note.split(';').next().unwrap_or_default());
    }
    for error in &view.errors {
        let _ = writeln!(out, "left out: {error}");
    }
    if let Some(line) = view.uncommitted_line() {
        let _ = writeln!(out, "{line}");
    }
    if view.hits.is_empty() {
        let why = without_dashes(view.why_empty.as_deref().unwrap_or("nothing matches"));
        let _ = writeln!(out, "nothing found: {why}");
    }
    for hit in &view.hits {
        add_hit(&mut out, hit, detail);
    }
    out
}

fn add_hit(out: &mut String, hit: &SearchHit, detail: Detail) {
    let SearchHit { start_line, end_line, entity_type, entity_name, .. } = hit;
    let path = for_terminal(&hit.path);
    if let Some(why) = &hit.stale {
        let _ = writeln!(out, "{path} {entity_type} {entity_name} ({why})");
        return;
    }
    let _ = writeln!(out, "{path}:{} {entity_type} {entity_name}", lines(*start_line, *end_line));
    if let Some(written) = &hit.written {
        let _ = writeln!(out, "  {}", written.line());
    }
    match (detail, &hit.body) {
        (Detail::Bodies, Some(body)) => {
            let _ = writeln!(out, "{body}\n");
        }
        (Detail::Names, _) => {}
        _ => {
            for line in &hit.snippet {
                let _ = writeln!(out, "  {}: {}", line.line, line.text.trim());
            }
        }
    }
}

/// `12` or `12-20`
fn lines(first: u32, last: u32) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

pub(super) fn targets(view: &TargetsView) -> String {
    let mut out = String::new();
    for target in &view.targets {
        add_target(&mut out, target);
    }
    out
}

fn add_target(out: &mut String, target: &TargetView) {
    if target.found.is_empty() {
        let why = target.why_empty.as_deref().unwrap_or("nothing is known of it");
        let _ = write!(out, "{}: not found: {why}", target.target);
        if !target.near.is_empty() {
            let _ = write!(out, "; nearest names: {}", target.near.join(", "));
        }
        out.push('\n');
    }
    for item in &target.found {
        add_item(out, item);
    }
    if target.more > 0 {
        let _ = writeln!(out, "{} more named {}; qualify it, e.g. Type::name", target.more, target.target);
    }
}

fn add_item(out: &mut String, item: &ShownItem) {
    let at = format!("{}:{}", item.path, lines(item.start_line, item.end_line));
    match item.kind.as_str() {
        "file" => {
            let _ = writeln!(out, "{} ({}, {}, {} lines)", item.path, item.language, item.rung, item.end_line);
        }
        "lines" => {
            let _ = writeln!(out, "{at}");
        }
        kind => {
            let _ = writeln!(out, "{at} {kind} {}", item.name);
        }
    }
    match &item.source {
        Some(source) => {
            let _ = writeln!(out, "{source}");
        }
        None if !item.signature.is_empty() => {
            let _ = writeln!(out, "  {}", item.signature);
        }
        None => {}
    }
    for one in &item.items {
        add_item_line(out, one);
    }
    if let Some(users) = &item.users {
        add_users(out, users);
    }
    if let Some(tests) = &item.tests {
        add_tests(out, tests);
    }
    if let Some(uses) = &item.uses {
        add_uses(out, uses);
    }
    if let Some(findings) = &item.findings {
        add_findings(out, findings);
    }
    if item.tests.is_none() && !item.test_users.is_empty() {
        let _ = writeln!(out, "tests that use it: {} file(s); `with` tests lists them", item.test_users.len());
    }
    for note in &item.notes {
        let _ = writeln!(out, "{note}");
    }
}

fn add_item_line(out: &mut String, item: &ItemLine) {
    let at = lines(item.start_line, item.end_line);
    let _ = match item.signature.is_empty() {
        true => writeln!(out, "{at} {} {}", item.kind, item.name),
        false => writeln!(out, "{at} {}", item.signature),
    };
}

fn add_users(out: &mut String, users: &[UserFile]) {
    let _ = writeln!(out, "{}", if users.is_empty() { "users: none known" } else { "users:" });
    for user in users {
        let places = places(&user.lines);
        let _ = match (places.is_empty(), user.symbols.is_empty()) {
            (false, _) => writeln!(out, " {}:{places}", user.path),
            (true, false) => writeln!(out, " {}: {}", user.path, user.symbols.join(", ")),
            (true, true) => writeln!(out, " {}", user.path),
        };
    }
}

/// `12,15 run; 30 main`: lines by the item that they stand in.
fn places(lines: &[UserLine]) -> String {
    let mut by_item: Vec<(Option<&str>, Vec<String>)> = Vec::new();
    for UserLine { line, item } in lines {
        match by_item.last_mut() {
            Some((last, lines)) if *last == item.as_deref() => lines.push(line.to_string()),
            _ => by_item.push((item.as_deref(), vec![line.to_string()])),
        }
    }
    let place = |(item, lines): &(Option<&str>, Vec<String>)| match item {
        Some(item) => format!("{} {item}", lines.join(",")),
        None => lines.join(","),
    };
    by_item.iter().map(place).collect::<Vec<_>>().join("; ")
}

fn add_uses(out: &mut String, uses: &[FileUse]) {
    let _ = writeln!(out, "{}", if uses.is_empty() { "uses: nothing of other files" } else { "uses:" });
    for one in uses {
        let _ = writeln!(out, " {}: {}", one.path, one.symbols.join(", "));
    }
}

fn add_findings(out: &mut String, findings: &[WorstFinding]) {
    let _ = writeln!(out, "{}", if findings.is_empty() { "findings: no warning, no error" } else { "findings:" });
    for one in findings {
        let item = one.item.as_deref().map(|item| format!("{item}: ")).unwrap_or_default();
        let _ = writeln!(out, " {} {} {item}{}", lines(one.start_line, one.end_line), one.severity, one.message);
    }
}

pub(super) fn impact(view: &ImpactView, tests: bool) -> String {
    let mut out = String::new();
    if let Some(why) = &view.why_empty {
        let _ = writeln!(out, "nothing changed: {why}");
    }
    for file in &view.changed {
        let from = file.from_path.as_ref().map(|from| format!(" (was {})", for_terminal(from))).unwrap_or_default();
        let symbols: Vec<String> = file.symbols.iter().map(|one| format!("{} {}", one.change, one.symbol)).collect();
        let symbols = if symbols.is_empty() { String::new() } else { format!(": {}", symbols.join(", ")) };
        let _ = writeln!(out, "{} {}{from}{symbols}", file.change, file.path);
    }
    let _ = writeln!(out, "dependents: {}", view.dependents.len());
    for dependent in &view.dependents {
        let _ = writeln!(out, " {} uses {}", dependent.path, causes(&dependent.because));
    }
    for one in &view.through_interfaces {
        let (interface, class) = (&one.interface.symbol, &one.implementation.symbol);
        let _ = writeln!(out, " {} calls {interface}, which {class} implements", one.path);
    }
    if tests {
        add_tests(&mut out, &view.tests);
    }
    if !view.cut_off.is_empty() {
        // A file may use several that changed.
        let files: BTreeSet<String> = view.cut_off.iter().map(|cut| cut.path.to_string()).collect();
        let listed: Vec<&str> = files.iter().take(CUT_OFF_LISTED).map(String::as_str).collect();
        let more = match files.len().saturating_sub(CUT_OFF_LISTED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = writeln!(out, "not reached, what they use is unchanged: {}{more}", listed.join(", "));
    }
    for may in &view.may_depend {
        let _ = writeln!(out, "{}:{} may depend on more: {}", may.path, may.line, for_terminal(&may.written));
    }
    for one in &view.not_covered {
        let _ = writeln!(out, "{}", one.line());
    }
    out
}

/// `a, b of src/x.rs; c of src/y.rs`
fn causes(because: &[UsedChange]) -> String {
    let mut files: Vec<(&str, Vec<&str>)> = Vec::new();
    for cause in because {
        match files.iter_mut().find(|(file, _)| *file == cause.file) {
            // One symbol may be used as a type and as a function.
            Some((_, symbols)) if symbols.contains(&cause.symbol.as_str()) => {}
            Some((_, symbols)) => symbols.push(&cause.symbol),
            None => files.push((&cause.file, vec![&cause.symbol])),
        }
    }
    let of_file = |(file, symbols): &(&str, Vec<&str>)| format!("{} of {}", symbols.join(", "), for_terminal(file));
    files.iter().map(of_file).collect::<Vec<_>>().join("; ")
}

/// The nearest come first.
fn add_tests(out: &mut String, tests: &[TestView]) {
    let _ = writeln!(out, "{}", if tests.is_empty() { "tests: none known" } else { "tests:" });
    for test in tests.iter().take(TEST_FILES_LISTED) {
        let names: Vec<&str> = test.tests.iter().take(TESTS_LISTED).map(String::as_str).collect();
        let more = match test.tests.len().saturating_sub(TESTS_LISTED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = match names.is_empty() {
            true => writeln!(out, " {}", test.path),
            false => writeln!(out, " {}: {}{more}", test.path, names.join(", ")),
        };
    }
    match tests.len().saturating_sub(TEST_FILES_LISTED) {
        0 => {}
        more => {
            let _ = writeln!(out, " and {more} more files, further away (`ra-agent impact --json` lists all)");
        }
    }
}

/// `id`: the repository that is told in full.
pub(super) fn status(view: &StatusView, id: &str) -> String {
    let mut out = String::new();
    let daemon = if view.daemon.running { "runs" } else { "does not run" };
    let by = if view.embedding.model.is_some() { "by meaning and words" } else { "by words" };
    let _ = writeln!(
        out,
        "daemon {daemon}; search {by}; queue {} queued, {} running",
        view.queue.queued, view.queue.running
    );
    for repo in &view.repos {
        let head = |id: &Option<String>| id.as_ref().map_or("none", |id| id.get(..12).unwrap_or(id)).to_owned();
        if repo.id != id {
            let _ = writeln!(out, "also registered: {}", repo.repo);
            continue;
        }
        let _ = writeln!(out, "{}: HEAD {}, indexed {}", repo.repo, head(&repo.head), head(&repo.indexed_commit));
        let _ = writeln!(
            out,
            " {} files, {} analysed, {} pending, {} skipped (`ra-agent status --skipped` says why), {} saved and not committed",
            repo.files, repo.fresh, repo.pending, repo.skipped, repo.saved
        );
        for note in [&repo.not_followed, &repo.blocked, &repo.held, &repo.error].into_iter().flatten() {
            let _ = writeln!(out, " {note}");
        }
    }
    out
}
