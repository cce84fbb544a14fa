//! A report as one page: no script, nothing from elsewhere, light and dark.

use super::text::counted;
use super::{because, caveats, listed, remark};
use crate::cli::output::short;
use crate::query::view::plain::visible;
use crate::query::view::report::{FindingView, ReportView};

const STYLE: &str = include_str!("page.css");

pub fn page(view: &ReportView, all: bool) -> String {
    let from = view.from.as_deref().map_or("the beginning", short);
    let to = view.to.as_deref().map_or("nothing", short);
    let range = format!("{from}..{to}");
    // A title has no markup.
    let (title, range) = (escaped(&range), text(&range));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Findings, {title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Findings, {range}</h1>\n<p>{}, {} commit(s)</p>\n",
        quoted(&view.repo),
        view.commits.len()
    );
    let counts = view.counts;
    out.push_str("<dl>\n");
    for (name, counts) in [("new", counts.new), ("fixed", counts.fixed), ("still there", counts.still_there)] {
        out.push_str(&format!("<div><dt>{name}</dt><dd>{}</dd></div>\n", counted(counts)));
    }
    out.push_str("</dl>\n");
    if let Some(check) = &view.check {
        let (class, result) = if check.failed { ("error", "does not pass") } else { ("passes", "passes") };
        out.push_str(&format!("<p class=\"{class}\">Check ({}): {result}</p>\n", check.fail_on));
    }
    if let Some(why) = &view.why_empty {
        out.push_str(&format!("<p>{}</p>\n", text(why)));
    }
    section(&mut out, "New", &view.new, all);
    section(&mut out, "Fixed", &view.fixed, all);
    section(&mut out, "Still there", &view.still_there, all);
    section(&mut out, "Known of one end", &view.one_sided, all);
    commits(&mut out, view, all);
    let caveats = caveats(view);
    if !caveats.is_empty() {
        out.push_str("<h2>Not covered</h2>\n<ul>\n");
        caveats.iter().for_each(|caveat| out.push_str(&format!("<li>{}</li>\n", text(caveat))));
        out.push_str("</ul>\n");
    }
    rules(&mut out, view);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn section(out: &mut String, title: &str, list: &[FindingView], all: bool) {
    if list.is_empty() {
        return;
    }
    out.push_str(&format!("<h2>{title}</h2>\n"));
    table(out, &listed(list, all));
    let remark = remark(list, all);
    if !remark.is_empty() {
        out.push_str(&format!("<p>{}</p>\n", text(&remark)));
    }
}

fn table(out: &mut String, list: &[&FindingView]) {
    if list.is_empty() {
        return;
    }
    out.push_str(
        "<table>\n<thead><tr><th>Severity</th><th>Place</th><th>Rule</th><th>What</th></tr></thead>\n<tbody>\n",
    );
    for one in list {
        let place = quoted(&format!("{}:{}", one.path.path, one.start_line));
        let item = one.item.as_deref().map(|item| format!("{}: ", quoted(item))).unwrap_or_default();
        out.push_str(&format!(
            "<tr><td class=\"{0}\">{0}</td><td>{place}</td><td>{1}</td><td>{item}{2}{3}</td></tr>\n",
            one.severity,
            one.kind,
            text(&one.message),
            remarks(one)
        ));
    }
    out.push_str("</tbody>\n</table>\n");
}

fn remarks(one: &FindingView) -> String {
    let mut remarks = Vec::new();
    remarks.extend(one.from_path.as_deref().map(|from| format!("was in {}", quoted(from))));
    remarks.extend(one.severity_before.map(|severity| format!("was {severity}")));
    if one.by != "local" {
        remarks.push(format!("by {}", quoted(&one.by)));
    }
    remarks.extend(because(one).map(|because| text(&because)));
    if remarks.is_empty() { String::new() } else { format!(" <small>{}</small>", remarks.join(", ")) }
}

fn commits(out: &mut String, view: &ReportView, all: bool) {
    let mut is_first = true;
    for commit in view.commits.iter().rev() {
        let (introduced, removed) = (listed(&commit.introduced, all), listed(&commit.removed, all));
        if introduced.is_empty() && removed.is_empty() {
            continue;
        }
        if std::mem::take(&mut is_first) {
            out.push_str("<h2>Commits</h2>\n");
        }
        let merge = if commit.is_merge { " (merge)" } else { "" };
        out.push_str(&format!(
            "<h3><code>{}</code> {}{merge}</h3>\n<p><small>{}, {}</small></p>\n",
            short(&commit.commit),
            text(&commit.subject),
            text(&commit.author),
            commit.committed_at
        ));
        for (title, list) in [("Introduced", introduced), ("Removed", removed)] {
            if !list.is_empty() {
                out.push_str(&format!("<h4>{title}</h4>\n"));
                table(out, &list);
            }
        }
    }
}

fn rules(out: &mut String, view: &ReportView) {
    if view.rules.is_empty() {
        return;
    }
    out.push_str("<details>\n<summary>Rules</summary>\n<dl class=\"rules\">\n");
    for rule in &view.rules {
        out.push_str(&format!("<dt>{}</dt><dd>{}. {}</dd>\n", rule.kind, text(rule.title), text(rule.help)));
    }
    out.push_str("</dl>\n</details>\n");
}

/// Text that somebody else wrote: escaped, and a line of its own to whatever direction it has.
fn text(written: &str) -> String {
    format!("<bdi>{}</bdi>", escaped(written))
}

fn quoted(written: &str) -> String {
    format!("<code><bdi>{}</bdi></code>", escaped(written))
}

fn escaped(written: &str) -> String {
    let written = visible(written);
    let mut out = String::with_capacity(written.len());
    for c in written.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_written_becomes_markup() {
        let written = "</td><script>alert(1)</script>&amp; \"'\u{202e}x";
        let shown = text(written);
        let inner = shown.strip_prefix("<bdi>").and_then(|rest| rest.strip_suffix("</bdi>")).unwrap();
        assert!(!inner.contains(['<', '>', '"', '\'', '\u{202e}']), "{inner}");
        assert!(inner.contains("&amp;amp;") && inner.contains("\\u{202e}x"), "{inner}");
    }
}
