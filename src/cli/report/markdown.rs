//! A report as Markdown. All that a repository or a model wrote stands in code spans: no link, no mention and no tag comes of it.

use super::text::counted;
use super::{because, caveats, listed, remark};
use crate::cli::output::short;
use crate::query::view::plain::visible;
use crate::query::view::report::{FindingView, ReportView};

pub fn page(view: &ReportView, all: bool) -> String {
    let mut out = String::new();
    let from = view.from.as_deref().map_or("the beginning", short);
    let to = view.to.as_deref().map_or("nothing", short);
    out.push_str(&format!("# Findings, {from}..{to}\n\n"));
    out.push_str(&format!("{}, {} commit(s)\n\n", code(&view.repo), view.commits.len()));
    let counts = view.counts;
    for (name, counts) in [("new", counts.new), ("fixed", counts.fixed), ("still there", counts.still_there)] {
        out.push_str(&format!("- **{name}**: {}\n", counted(counts)));
    }
    if let Some(why) = &view.why_empty {
        out.push_str(&format!("\n{why}\n"));
    }
    list(&mut out, "New", &view.new, all);
    list(&mut out, "Fixed", &view.fixed, all);
    list(&mut out, "Still there", &view.still_there, all);
    list(&mut out, "Known of one end", &view.one_sided, all);
    commits(&mut out, view, all);
    let caveats = caveats(view);
    if !caveats.is_empty() {
        out.push_str("\n## Not covered\n\n");
        caveats.iter().for_each(|caveat| out.push_str(&format!("- {caveat}\n")));
    }
    if let Some(check) = &view.check {
        let result = if check.failed { "does not pass" } else { "passes" };
        out.push_str(&format!("\nCheck ({}): **{result}**\n", check.fail_on));
    }
    out
}

fn list(out: &mut String, title: &str, list: &[FindingView], all: bool) {
    if list.is_empty() {
        return;
    }
    out.push_str(&format!("\n## {title}\n\n"));
    listed(list, all).into_iter().for_each(|one| out.push_str(&format!("- {}\n", item(one))));
    let remark = remark(list, all);
    if !remark.is_empty() {
        out.push_str(&format!("- {}\n", code(&remark)));
    }
}

fn commits(out: &mut String, view: &ReportView, all: bool) {
    let mut is_first = true;
    for commit in view.commits.iter().rev() {
        let (introduced, removed) = (listed(&commit.introduced, all), listed(&commit.removed, all));
        if introduced.is_empty() && removed.is_empty() {
            continue;
        }
        if std::mem::take(&mut is_first) {
            out.push_str("\n## Commits\n");
        }
        out.push_str(&format!("\n### {}\n\n{}\n\n", short(&commit.commit), code(&commit.subject)));
        introduced.into_iter().for_each(|one| out.push_str(&format!("- introduced {}\n", item(one))));
        removed.into_iter().for_each(|one| out.push_str(&format!("- removed {}\n", item(one))));
    }
}

fn item(one: &FindingView) -> String {
    let place = code(&format!("{}:{}", one.path.path, one.start_line));
    let item = one.item.as_deref().map(|item| format!(" {}", code(item))).unwrap_or_default();
    let mut line = format!("**{}** {place} {}{item}: {}", one.severity, one.kind, code(&one.message));
    if let Some(from) = &one.from_path {
        line.push_str(&format!(", was in {}", code(from)));
    }
    if let Some(severity) = one.severity_before {
        line.push_str(&format!(", was {severity}"));
    }
    if one.by != "local" {
        line.push_str(&format!(", by {}", code(&one.by)));
    }
    if let Some(because) = because(one) {
        line.push_str(&format!(", {}", code(&because)));
    }
    line
}

/// A code span, whatever the text has in it.
fn code(text: &str) -> String {
    let text = visible(text);
    let text = text.trim();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    match text {
        "" => String::new(),
        text if longest > 0 => format!("{fence} {text} {fence}"),
        text => format!("{fence}{text}{fence}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_span_ends_where_it_is_meant_to() {
        for (text, span) in [
            ("a", "`a`"),
            ("use `a`", "`` use `a` ``"),
            ("``` x", "```` ``` x ````"),
            ("[x](http://a) @b <i>", "`[x](http://a) @b <i>`"),
            ("a\n# b", "`a # b`"),
            (" ", ""),
        ] {
            assert_eq!(code(text), span);
        }
    }
}
