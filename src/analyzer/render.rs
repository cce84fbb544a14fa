//! The reports for people: compact, the worst first where order is free, and never silent about what was not covered.

use std::fmt::{Result, Write};

use super::{
    Analysis, CodeReport, Confidence, Coverage, DocItem, DocsReport, FunctionMetrics, Lines, RefactorReport, Severity,
    Smell, TodosReport, UsedSymbol,
};

/// Functions listed in a report on complexity; the rest are counted.
const FUNCTIONS_SHOWN: usize = 10;

/// Undocumented items listed by name.
const UNDOCUMENTED_SHOWN: usize = 20;

/// Smells, notes and used symbols listed, of each kind.
const FINDINGS_SHOWN: usize = 50;

/// Headings listed.
const HEADINGS_SHOWN: usize = 20;

/// Characters of a signature that are shown.
const SIGNATURE_SHOWN: usize = 120;

/// Writes a report for people: one line on the whole, then one line each, indented by two spaces. No colours, no path. Findings that
/// matter less than `least` are counted, not listed.
///
/// # Errors
/// Those of `out`.
pub fn render(analysis: &Analysis, least: Severity, out: &mut impl Write) -> Result {
    match analysis {
        Analysis::Refactor(report) => refactor(report, least, out),
        Analysis::Docs(report) => docs(report, out),
        Analysis::Analysis(report) => code(report, least, out),
        Analysis::Todos(report) => todos(report, least, out),
    }?;
    not_covered(analysis.seen(), out)
}

/// Ends every report, so that silence is not taken for a finding.
fn not_covered(seen: &Coverage, out: &mut impl Write) -> Result {
    if seen.seen_bytes < seen.file_bytes {
        writeln!(out, "  covers {} of {} bytes only", seen.seen_bytes, seen.file_bytes)?;
    }
    seen.redacted.iter().try_for_each(|(kind, count)| {
        writeln!(out, "  kept from the model: {}", counted(*count as usize, &format!("secret ({kind})")))
    })?;
    seen.not_covered.iter().try_for_each(|what| writeln!(out, "  not covered: {what}"))
}

fn nothing_to_see(seen: &Coverage) -> bool {
    seen.file_bytes == 0
}

/// Says how many findings matter too little to be listed.
fn unlisted(count: usize, noun: &str, out: &mut impl Write) -> Result {
    match count {
        0 => Ok(()),
        count => writeln!(out, "  … and {} of severity info (`--all` lists them)", counted(count, noun)),
    }
}

fn refactor(report: &RefactorReport, least: Severity, out: &mut impl Write) -> Result {
    let of = |severity| report.smells.iter().filter(|s| s.severity == severity).count();
    if nothing_to_see(&report.seen) {
        return writeln!(out, "the file is empty");
    }
    if report.smells.is_empty() {
        return writeln!(out, "no smells found in {}", counted(report.seen.seen_lines as usize, "line"));
    }
    let severities = [Severity::Error, Severity::Warning, Severity::Info];
    let parts = severities.into_iter().filter(|&s| of(s) > 0).map(|s| format!("{} {}", of(s), s.as_str()));
    let parts: Vec<String> = parts.collect();
    writeln!(out, "{} ({})", counted(report.smells.len(), "smell"), parts.join(", "))?;
    let shown = severities.into_iter().filter(|&severity| severity >= least);
    let worst_first: Vec<&Smell> =
        shown.flat_map(|s| report.smells.iter().filter(move |smell| smell.severity == s)).collect();
    worst_first.iter().take(FINDINGS_SHOWN).try_for_each(|s| smell(s, out))?;
    rest(worst_first.len(), FINDINGS_SHOWN, "smell", out)?;
    unlisted(report.smells.len() - worst_first.len(), "smell", out)
}

fn smell(smell: &Smell, out: &mut impl Write) -> Result {
    let item = smell.item.as_deref().map(|item| format!("{item}: ")).unwrap_or_default();
    let limit = smell.metric.map(|m| format!(" [{} > {}]", m.value, m.limit)).unwrap_or_default();
    let lines = span(smell.start_line, smell.end_line);
    writeln!(
        out,
        "  {:<7} {lines:<9} {:<20} {item}{}{limit}{}",
        smell.severity.as_str(),
        smell.kind.as_str(),
        smell.message,
        doubt(smell.confidence)
    )
}

/// What is said of a finding that its finder is not sure of.
const fn doubt(confidence: Option<Confidence>) -> &'static str {
    match confidence {
        Some(Confidence::Low) => " (low confidence)",
        Some(Confidence::Medium | Confidence::High) | None => "",
    }
}

fn span(start_line: u32, end_line: u32) -> String {
    if start_line == end_line { start_line.to_string() } else { format!("{start_line}-{end_line}") }
}

fn docs(report: &DocsReport, out: &mut impl Write) -> Result {
    match &report.summary {
        Some(summary) => {
            let item = summary.item.as_deref().map(|item| format!("{item}: ")).unwrap_or_default();
            writeln!(out, "{item}{}", summary.text)?;
        }
        None if nothing_to_see(&report.seen) => return writeln!(out, "the file is empty"),
        None => writeln!(out, "no summary found")?,
    }
    if let Some(coverage) = report.coverage_percent {
        let documented = report.items.iter().filter(|item| item.documented).count();
        write!(out, "  documented: {documented} of {} ({coverage} %)", counted(report.items.len(), "public item"))?;
        match report.members.total {
            0 => writeln!(out)?,
            total => {
                writeln!(out, ", {} of {}", report.members.documented, counted(total as usize, "field or variant"))?
            }
        }
    }
    doc_items(report, out)?;
    for heading in report.headings.iter().take(HEADINGS_SHOWN) {
        writeln!(
            out,
            "  {:<5} {}{}",
            heading.line,
            "  ".repeat(usize::from(heading.level.saturating_sub(1))),
            heading.text
        )?;
    }
    rest(report.headings.len(), HEADINGS_SHOWN, "heading", out)
}

fn doc_items(report: &DocsReport, out: &mut impl Write) -> Result {
    let bare: Vec<&DocItem> = report.items.iter().filter(|item| !item.documented).collect();
    for item in bare.iter().take(UNDOCUMENTED_SHOWN) {
        let suggestion = item.suggestion.as_deref().map(|text| format!(" (could say: {text})")).unwrap_or_default();
        writeln!(out, "  {:<5} undocumented: {} {}{suggestion}", item.line, item.kind, item.name)?;
    }
    rest(bare.len(), UNDOCUMENTED_SHOWN, "undocumented item", out)?;
    for item in report.items.iter().filter(|item| !item.missing_sections.is_empty()) {
        let shown = |part: &String| if part.contains(' ') { part.clone() } else { format!("`# {part}`") };
        let sections: Vec<String> = item.missing_sections.iter().map(shown).collect();
        writeln!(out, "  {:<5} {} lacks {}", item.line, item.name, sections.join(", "))?;
    }
    Ok(())
}

fn rest(all: usize, shown: usize, noun: &str, out: &mut impl Write) -> Result {
    match all.saturating_sub(shown) {
        0 => Ok(()),
        more => writeln!(out, "  … and {}", counted(more, &format!("more {noun}"))),
    }
}

fn code(report: &CodeReport, least: Severity, out: &mut impl Write) -> Result {
    if let Some(summary) = &report.summary {
        writeln!(out, "{summary}")?;
    }
    write_lines(report.lines, out)?;
    match report.maintainability {
        Some(index) => writeln!(out, "; maintainability {index} of 100")?,
        None => writeln!(out)?,
    }
    let surface: Vec<String> = report.public_surface.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    if !surface.is_empty() {
        writeln!(out, "  public: {}", surface.join(", "))?;
    }
    let mut findings: Vec<_> = report.findings.iter().filter(|finding| finding.severity >= least).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for finding in findings.iter().take(FINDINGS_SHOWN) {
        let item = finding.item.as_deref().map(|item| format!("{item}: ")).unwrap_or_default();
        let lines = span(finding.start_line, finding.end_line);
        let sure = doubt(finding.confidence);
        writeln!(out, "  {:<7} {lines:<9} {item}{}{sure}", finding.severity.as_str(), finding.message)?;
    }
    rest(findings.len(), FINDINGS_SHOWN, "finding", out)?;
    unlisted(report.findings.len() - findings.len(), "finding", out)?;
    functions(&report.functions, out)?;
    symbols("uses", &report.uses, out)?;
    symbols("resolves to nothing", &report.unresolved, out)
}

/// A model's report knows how many lines there are, not what is on them.
fn write_lines(lines: Lines, out: &mut impl Write) -> Result {
    write!(out, "{}", counted(lines.total as usize, "line"))?;
    if lines.total > 0 && lines.code + lines.comment + lines.blank == 0 {
        return Ok(());
    }
    write!(out, ": {} code, {} comment, {} blank", lines.code, lines.comment, lines.blank)
}

fn functions(functions: &[FunctionMetrics], out: &mut impl Write) -> Result {
    let mut worst: Vec<&FunctionMetrics> = functions.iter().filter(|f| !f.test).collect();
    worst.sort_by_key(|f| (std::cmp::Reverse((f.cognitive, f.cyclomatic, f.code_lines)), f.start_line));
    let tests = functions.len() - worst.len();
    if !functions.is_empty() {
        writeln!(
            out,
            "  {}, {}; cognitive and cyclomatic complexity, code lines, parameters, nesting:",
            counted(worst.len(), "function"),
            counted(tests, "test")
        )?;
    }
    for f in worst.iter().take(FUNCTIONS_SHOWN) {
        let lines = span(f.start_line, f.end_line);
        writeln!(
            out,
            "  {lines:<9} {:>4} {:>4} {:>5} {:>3} {:>3}  {}",
            f.cognitive, f.cyclomatic, f.code_lines, f.parameters, f.nesting, f.name
        )?;
    }
    rest(worst.len(), FUNCTIONS_SHOWN, "function", out)
}

fn symbols(title: &str, symbols: &[UsedSymbol], out: &mut impl Write) -> Result {
    for symbol in symbols.iter().take(FINDINGS_SHOWN) {
        write!(out, "  {title}: {} {}", symbol.kind, symbol.written)?;
        match &symbol.signature {
            Some(signature) => writeln!(out, "  =  {}", shortened(signature))?,
            None => writeln!(out)?,
        }
    }
    rest(symbols.len(), FINDINGS_SHOWN, "symbol", out)
}

fn shortened(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(SIGNATURE_SHOWN) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

fn todos(report: &TodosReport, least: Severity, out: &mut impl Write) -> Result {
    match report.todos.len() {
        0 if nothing_to_see(&report.seen) => writeln!(out, "the file is empty")?,
        0 => writeln!(out, "no notes found in {}", counted(report.seen.seen_lines as usize, "line"))?,
        n => writeln!(out, "{}", counted(n, "note"))?,
    }
    let shown: Vec<_> = report.todos.iter().filter(|todo| todo.severity >= least).collect();
    for todo in shown.iter().take(FINDINGS_SHOWN) {
        let owner = todo.owner.as_deref().map(|owner| format!("({owner})")).unwrap_or_default();
        let item = todo.item.as_deref().map(|item| format!("{item}: ")).unwrap_or_default();
        writeln!(out, "  {:<5} {}{owner}  {item}{}", todo.line, todo.tag.as_str(), todo.text)?;
    }
    rest(shown.len(), FINDINGS_SHOWN, "note", out)?;
    unlisted(report.todos.len() - shown.len(), "note", out)
}

fn counted(count: usize, noun: &str) -> String {
    match (count, noun) {
        (1, _) => format!("1 {noun}"),
        (_, secret) if secret.starts_with("secret (") => format!("{count} secrets{}", &secret["secret".len()..]),
        (_, "field or variant") => format!("{count} fields and variants"),
        _ => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzer::{Analyzer, FileSubject, Local};
    use crate::domain::{AnalysisType, Language, Role};

    fn shown(language: Language, analysis_type: AnalysisType, text: &str) -> String {
        let analysis =
            Local.analyze(analysis_type, &FileSubject { language, role: Role::Library, text, uses: &[] }).unwrap();
        let mut out = String::new();
        render(&analysis, Severity::Info, &mut out).unwrap();
        out
    }

    #[test]
    fn nothing_found_is_not_the_same_as_not_looked_at() {
        assert_eq!(shown(Language::RUST, AnalysisType::Refactor, "fn f() {}\n"), "no smells found in 1 line\n");
        assert_eq!(shown(Language::RUST, AnalysisType::Refactor, ""), "the file is empty\n");
        assert!(shown(Language::JSON, AnalysisType::Refactor, "{}").contains("not covered: smells"));
        assert!(shown(Language::RUST, AnalysisType::Refactor, "fn f( {{{").contains("not covered: 1 passage"));
    }

    #[test]
    fn what_matters_little_is_counted_and_listed_when_asked_for() {
        let smell = |severity| {
            crate::language::smell::noted(super::super::SmellKind::Other, severity, (1, 1), None, "m".into())
        };
        let smells = vec![smell(Severity::Info), smell(Severity::Warning), smell(Severity::Info)];
        let seen = Coverage { seen_lines: 1, seen_bytes: 1, file_bytes: 1, ..Coverage::default() };
        let report = Analysis::Refactor(RefactorReport { seen, smells });
        let shown = |least| {
            let mut out = String::new();
            render(&report, least, &mut out).unwrap();
            out
        };
        let brief = shown(Severity::Warning);
        assert!(brief.starts_with("3 smells (1 warning, 2 info)\n  warning"), "{brief}");
        assert!(brief.ends_with("  … and 2 smells of severity info (`--all` lists them)\n"), "{brief}");
        assert_eq!(shown(Severity::Info).lines().count(), 4);
    }

    #[test]
    fn a_note_is_one_line() {
        let text = "fn f() {\n    // TODO(ann): more\n}\n";
        assert_eq!(shown(Language::RUST, AnalysisType::Todos, text), "1 note\n  2     TODO(ann)  f: more\n");
    }
}
