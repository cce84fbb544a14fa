//! The measures of a file, and what it uses of others.

use std::collections::BTreeMap;

use super::maintainability::{self, Sample};
use super::source::{self, SourceFile};
use crate::analyzer::{CodeReport, DependencyUse, FunctionMetrics, UsedSymbol};
use crate::language::item::{Function, ParsedCode};

pub fn report(source: &SourceFile) -> CodeReport {
    let mut report = measured(source);
    add_uses(&mut report, source.subject.uses);
    report
}

/// Writes what a file uses of others into its report.
pub fn add_uses(report: &mut CodeReport, uses: &[DependencyUse]) {
    let (unresolved, uses) = uses.iter().map(used).partition(|symbol| symbol.signature.is_none());
    report.uses = sorted(uses);
    report.unresolved = sorted(unresolved);
}

/// What is read off the file alone.
fn measured(source: &SourceFile) -> CodeReport {
    let mut report =
        CodeReport { seen: source.seen(true), lines: source::tally(source.lines()), ..CodeReport::default() };
    match &source.code {
        Some(code) => {
            report.functions = code.functions.iter().map(metrics).collect();
            report.maintainability = maintainability::index(&samples(code));
            report.public_surface = public_surface(code);
        }
        None if source.is_prose_or_data() => {}
        None => report.seen.not_covered.push(match source.subject.language.spec() {
            spec if spec.grammar.is_some() => "functions: they are read off the syntax tree".to_owned(),
            spec => format!("functions, complexity and what it uses of other files: {} is not parsed", spec.language),
        }),
    }
    report
}

fn used(dependency: &DependencyUse) -> UsedSymbol {
    UsedSymbol {
        written: dependency.written.clone(),
        kind: dependency.kind.clone(),
        signature: dependency.signature.clone(),
    }
}

fn sorted(mut symbols: Vec<UsedSymbol>) -> Vec<UsedSymbol> {
    symbols.sort();
    symbols.dedup();
    symbols
}

fn metrics(function: &Function) -> FunctionMetrics {
    FunctionMetrics {
        name: function.name.clone(),
        start_line: function.start_line,
        end_line: function.end_line,
        code_lines: function.code_lines,
        parameters: function.parameters,
        cyclomatic: function.complexity.cyclomatic,
        cognitive: function.complexity.cognitive,
        nesting: function.complexity.nesting,
        test: function.is_test,
    }
}

/// The functions that the maintainability index speaks of: tests are long and flat and would flatter it.
fn samples(code: &ParsedCode<'_>) -> Vec<Sample> {
    let product = code.functions.iter().filter(|function| !function.is_test);
    product
        .map(|function| Sample {
            volume: function.volume,
            cyclomatic: function.complexity.cyclomatic,
            code_lines: function.code_lines,
        })
        .collect()
}

fn public_surface(code: &ParsedCode<'_>) -> BTreeMap<String, u32> {
    let mut surface: BTreeMap<String, u32> = BTreeMap::new();
    for item in code.items.iter().filter(|item| item.is_surface) {
        *surface.entry(item.kind.to_owned()).or_default() += 1;
    }
    if code.re_exports > 0 {
        surface.insert("use".to_owned(), code.re_exports);
    }
    surface
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzer::FileSubject;
    use crate::domain::{Language, Role};

    #[test]
    fn a_changed_signature_changes_the_report() {
        let text = "use crate::config::load;\nfn f() { load() }\n";
        let with = |signature: Option<&str>| {
            let uses = [DependencyUse {
                written: "crate::config::load".into(),
                kind: "function".into(),
                signature: signature.map(str::to_owned),
            }];
            report(
                &SourceFile::read(FileSubject { language: Language::RUST, role: Role::Library, text, uses: &uses })
                    .unwrap(),
            )
        };
        let (before, after, gone) = (with(Some("fn load()")), with(Some("fn load(a: u8)")), with(None));
        assert_ne!(before, after);
        assert_eq!(before.uses[0].signature.as_deref(), Some("fn load()"));
        assert_eq!((gone.uses.len(), gone.unresolved.len()), (0, 1));
    }

    #[test]
    fn functions_and_surface_are_measured() {
        let text = "pub struct S;\nimpl S {\n    pub fn f(&self, a: u8) -> u8 {\n        // no\n        if a > 1 { 2 } else { 3 }\n    }\n}\nimpl Drop for S {\n    fn drop(&mut self) {}\n}\n#[test]\nfn t() {}\n";
        let report = report(
            &SourceFile::read(FileSubject { language: Language::RUST, role: Role::Library, text, uses: &[] }).unwrap(),
        );
        let f = &report.functions[0];
        assert_eq!((f.name.as_str(), f.start_line, f.end_line, f.code_lines, f.parameters), ("S::f", 3, 6, 3, 2));
        assert_eq!((f.cyclomatic, f.cognitive, f.nesting, f.test), (2, 2, 1, false));
        assert!(report.functions[2].test);
        assert_eq!(report.public_surface, BTreeMap::from([("fn".to_owned(), 1), ("struct".to_owned(), 1)]));
        assert!(report.maintainability.is_some_and(|m| m > 50.0));
    }

    #[test]
    fn an_empty_file_is_measured_as_empty() {
        let report = report(
            &SourceFile::read(FileSubject { language: Language::RUST, role: Role::Library, text: "", uses: &[] })
                .unwrap(),
        );
        assert_eq!((report.seen.seen_bytes, report.lines.total, report.maintainability), (0, 0, None));
    }
}
