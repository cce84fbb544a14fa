//! `show`: the analyses of a file.

use std::fmt::Write;
use std::path::Path;

use super::impact::implements_line;
use super::output::{add_freshness, print, print_json, short};
use super::{Context, Failure};
use crate::analyzer::{Severity, render};
use crate::domain::Role;
use crate::query::view::links::ImplementsView;
use crate::query::view::plain::visible;
use crate::query::view::show::{AnalysisView, AnswerView, FileUse, LegacyView, ShowView, WorstFinding};

/// Files and symbols listed for people; `--json` lists all.
const FILES_LISTED: usize = 10;
const SYMBOLS_LISTED: usize = 8;

/// `show <file>`: for each question the answer to read first, with what it finds that matters; `all`: the other one and all findings, too.
pub fn show(context: &Context, file: &Path, all: bool, wait: bool, json: bool) -> Result<(), Failure> {
    let mut view = context.client(wait).file(file)?;
    let trusted = context.config.shared.as_ref().map(|shared| shared.trusted_keys.as_slice());
    view.name_signers(trusted.unwrap_or_default());
    if json { print_json(&view) } else { print(&describe(&view, all)) }
}

fn describe(view: &ShowView, all: bool) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _ = write_view(&mut out, view, all);
    add_freshness(view.answer_freshness.as_ref(), &mut out);
    out
}

fn write_view(out: &mut String, view: &ShowView, all: bool) -> std::fmt::Result {
    let commit = view.commit.as_ref().map_or_else(|| "at no commit".to_owned(), |id| format!("at {}", short(id)));
    let state = if view.source == "worktree" { format!("as saved in the work tree {commit}") } else { commit };
    let ShowView { language, rung, role, fan_in, fan_out, .. } = view;
    let path = view.shown_path();
    writeln!(out, "{path} ({language}, {rung}, {role}) {state}; used by {fan_in} file(s), uses {fan_out}")?;
    if let Some(reason) = view.skipped {
        let why = view.skipped_why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        return writeln!(out, "skipped: {reason}{why}");
    }
    if let Some(why) = &view.not_asked {
        writeln!(out, "no model is asked about it: {why}")?;
    }
    write_worst(out, &view.worst)?;
    write_uses(out, "uses", &view.uses)?;
    let (tests, others): (Vec<FileUse>, Vec<FileUse>) =
        view.used_by.iter().cloned().partition(|user| user.role == Role::Test.as_str());
    write_uses(out, "used by", &others)?;
    write_uses(out, "used by tests", &tests)?;
    write_links(out, "implements", &view.implements)?;
    write_links(out, "implemented by", &view.implemented_by)?;
    write_uses(out, "called through its interfaces by", &view.called_through)?;
    view.analyses.iter().try_for_each(|analysis| write_analysis(out, analysis, all))?;
    view.legacy.iter().try_for_each(|legacy| write_legacy(out, legacy))
}

fn write_worst(out: &mut String, worst: &[WorstFinding]) -> std::fmt::Result {
    if !worst.is_empty() {
        writeln!(out, "\nworst findings")?;
    }
    for one in worst {
        let item = one.item.as_deref().map(|item| format!("{}: ", visible(item))).unwrap_or_default();
        let lines = match one.end_line == one.start_line {
            true => one.start_line.to_string(),
            false => format!("{}-{}", one.start_line, one.end_line),
        };
        writeln!(out, "  {:<7} {lines:<9} {item}{} ({})", one.severity, visible(&one.message), one.analysis_type)?;
    }
    Ok(())
}

fn write_uses(out: &mut String, title: &str, files: &[FileUse]) -> std::fmt::Result {
    if !files.is_empty() {
        writeln!(out, "\n{title}")?;
    }
    for file in files.iter().take(FILES_LISTED) {
        let more = match file.symbols.len().saturating_sub(SYMBOLS_LISTED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let symbols: Vec<&str> = file.symbols.iter().take(SYMBOLS_LISTED).map(String::as_str).collect();
        writeln!(out, "  {:>3}  {}: {}{more}", file.symbols.len(), file.path, visible(&symbols.join(", ")))?;
    }
    match files.len().saturating_sub(FILES_LISTED) {
        0 => Ok(()),
        more => writeln!(out, "       and {more} more file(s)"),
    }
}

fn write_links(out: &mut String, title: &str, links: &[ImplementsView]) -> std::fmt::Result {
    if !links.is_empty() {
        writeln!(out, "\n{title}")?;
    }
    for link in links.iter().take(FILES_LISTED) {
        writeln!(out, "       {}", implements_line(link))?;
    }
    match links.len().saturating_sub(FILES_LISTED) {
        0 => Ok(()),
        more => writeln!(out, "       and {more} more"),
    }
}

fn write_analysis(out: &mut String, analysis: &AnalysisView, all: bool) -> std::fmt::Result {
    let made = match analysis {
        AnalysisView::Made(made) => made,
        AnalysisView::Missing(missing) => {
            let why = if missing.evicted {
                "removed to keep the cache small; a change of the file or `ra-agent cache build` makes it again"
            } else {
                "not made yet; `ra-agent queue list` shows whether it is queued"
            };
            return writeln!(out, "\n== {}: {why}", missing.analysis_type);
        }
    };
    let least = if all { Severity::Info } else { Severity::Warning };
    write_answer(out, &made.preferred, least)?;
    match &made.other {
        Some(other) if all => write_answer(out, other, least),
        Some(other) => writeln!(out, "   also: {} (`--all` shows it)", heading(other)),
        None => Ok(()),
    }
}

fn write_answer(out: &mut String, answer: &AnswerView, least: Severity) -> std::fmt::Result {
    writeln!(out, "\n== {} ({})", answer.analysis_type, heading(answer))?;
    if !answer.redacted.is_empty() {
        let kinds: Vec<String> = answer.redacted.iter().map(|(kind, number)| format!("{number} {kind}")).collect();
        writeln!(out, "   secrets kept from the model: {}", kinds.join(", "))?;
    }
    render(&answer.report, least, out)
}

fn heading(answer: &AnswerView) -> String {
    let state = if answer.fresh { "fresh" } else { "STALE" };
    let commit = answer.commit.as_ref().map_or_else(String::new, |id| format!(", at {}", short(id)));
    match &answer.shared_by {
        Some(by) if answer.cost_usd == 0.0 => format!("{state}, {}, from {by}", answer.model),
        Some(by) => format!("{state}, {}, $0 here: ${:.4} were paid by {by}", answer.model, answer.cost_usd),
        None => format!("{state}, {}{commit}, ${:.4}", answer.model, answer.cost_usd),
    }
}

fn write_legacy(out: &mut String, legacy: &LegacyView) -> std::fmt::Result {
    let LegacyView { analysis_type, model, created_at, same_content, .. } = legacy;
    let about = if *same_content { "this content" } else { "an earlier content" };
    writeln!(out, "\n== {analysis_type} (STALE, imported: {model} on {created_at}, about {about})\n{}", legacy.text())
}
