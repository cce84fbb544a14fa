//! A report for a terminal.

use super::{because, caveats, listed, remark};
use crate::cli::output::short;
use crate::query::view::plain::visible;
use crate::query::view::report::{CommitFindings, FindingView, ReportView, SeverityCounts};

pub fn describe(view: &ReportView, all: bool) -> String {
    let mut out = String::new();
    let from = view.from.as_deref().map_or("the beginning", short);
    let to = view.to.as_deref().map_or("nothing", short);
    out.push_str(&format!("{}: {from}..{to}, {} commit(s)\n", visible(&view.repo), view.commits.len()));
    for (name, counts) in
        [("new", view.counts.new), ("fixed", view.counts.fixed), ("still there", view.counts.still_there)]
    {
        out.push_str(&format!("  {name:<12} {}\n", counted(counts)));
    }
    if let Some(why) = &view.why_empty {
        out.push_str(&format!("{why}\n"));
    }
    list(&mut out, "new", &view.new, all);
    list(&mut out, "fixed", &view.fixed, all);
    list(&mut out, "still there", &view.still_there, all);
    list(&mut out, "known of one end", &view.one_sided, all);
    describe_commits(&mut out, &view.commits, all);
    for caveat in caveats(view) {
        out.push_str(&format!("{caveat}\n"));
    }
    if let Some(check) = &view.check {
        let result = if check.failed { "does not pass" } else { "passes" };
        out.push_str(&format!("check ({}): {result}\n", check.fail_on));
    }
    out
}

/// `3 (1 error, 2 warning)`.
pub fn counted(counts: SeverityCounts) -> String {
    let parts = [("error", counts.error), ("warning", counts.warning), ("info", counts.info)];
    let parts: Vec<String> =
        parts.iter().filter(|(_, number)| *number > 0).map(|(name, number)| format!("{number} {name}")).collect();
    match counts.total() {
        0 => "0".to_owned(),
        total => format!("{total} ({})", parts.join(", ")),
    }
}

fn list(out: &mut String, title: &str, list: &[FindingView], all: bool) {
    if list.is_empty() {
        return;
    }
    let remark = remark(list, all);
    let remark = if remark.is_empty() { remark } else { format!(" ({remark})") };
    out.push_str(&format!("\n{title}{remark}\n"));
    listed(list, all).into_iter().for_each(|one| out.push_str(&format!("  {}\n", line(one))));
}

fn describe_commits(out: &mut String, commits: &[CommitFindings], all: bool) {
    let is_told = |commit: &&CommitFindings| {
        !listed(&commit.introduced, all).is_empty() || !listed(&commit.removed, all).is_empty()
    };
    // The newest first, as a log has it.
    let told: Vec<&CommitFindings> = commits.iter().rev().filter(is_told).collect();
    if told.is_empty() {
        return;
    }
    out.push_str("\ncommits\n");
    for commit in told {
        let day = commit.committed_at.get(..10).unwrap_or_default();
        let merge = if commit.is_merge { " (merge)" } else { "" };
        out.push_str(&format!("  {} {day} {}{merge}\n", short(&commit.commit), visible(&commit.subject)));
        listed(&commit.introduced, all).into_iter().for_each(|one| out.push_str(&format!("    + {}\n", line(one))));
        listed(&commit.removed, all).into_iter().for_each(|one| out.push_str(&format!("    - {}\n", line(one))));
    }
}

fn line(one: &FindingView) -> String {
    let item = one.item.as_deref().map(|item| format!("{}: ", visible(item))).unwrap_or_default();
    let moved = one.from_path.as_deref().map(|from| format!(", was in {}", visible(from))).unwrap_or_default();
    let was = one.severity_before.map(|severity| format!(", was {severity}")).unwrap_or_default();
    let by = if one.by == "local" { String::new() } else { format!(", by {}", visible(&one.by)) };
    let because = because(one).map(|because| format!(", {}", visible(&because))).unwrap_or_default();
    let (path, message) = (visible(&one.path.path), visible(&one.message));
    format!("{:<7} {path}:{} {}  {item}{message}{moved}{was}{by}{because}", one.severity, one.start_line, one.kind)
}
