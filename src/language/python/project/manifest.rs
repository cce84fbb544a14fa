//! `pyproject.toml`: where packages lie, as the build backends and pytest are told it. All else of it decides nothing here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::language::eval::facts::Facts;
use crate::language::{Outline, ParseError, Parsed, Symbol, SymbolKind, Visibility};

/// What a project says of where its modules lie; paths are relative to its folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PythonLayout {
    /// Folders from which modules are imported.
    pub roots: BTreeSet<String>,
    /// Packages that lie in a folder of another name.
    pub packages: BTreeMap<String, String>,
}

/// Lists of folders from which modules are imported: table and key.
const ROOTS: [(&[&str], &str); 6] = [
    (&["setuptools", "packages", "find"], "where"),
    (&["pytest", "ini_options"], "pythonpath"),
    (&["pyright"], "extraPaths"),
    (&["mypy"], "mypy_path"),
    (&["pdm", "build"], "package-dir"),
    (&["maturin"], "python-source"),
];

pub(in super::super) fn outline(parsed: &Parsed<'_>) -> (Outline, Vec<ParseError>) {
    let text = parsed.text.trim_start_matches('\u{feff}');
    let table = match text.parse::<Table>() {
        Ok(table) => table,
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
            let message = format!("not valid TOML: {}", error.message());
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            return (Outline::default(), vec![ParseError { line, message }]);
        }
    };
    let layout = layout(&table);
    let symbols = symbols(text, &table, &layout);
    let manifest = serde_json::to_string(&layout).ok();
    let facts = Some(Box::new(Facts { manifest, ..Facts::default() }));
    (Outline { symbols, facts, ..Outline::default() }, Vec::new())
}

fn layout(table: &Table) -> PythonLayout {
    let mut layout = PythonLayout::default();
    let Some(tools) = table.get("tool").and_then(Value::as_table) else { return layout };
    for (path, key) in ROOTS {
        let listed = at(tools, path).and_then(|table| table.get(key));
        layout
            .roots
            .extend(listed.into_iter().flat_map(texts).flat_map(|text| text.split([':', ',', ' ']).map(folder)));
    }
    let mapped = at(tools, &["setuptools"]).and_then(|table| table.get("package-dir")?.as_table());
    for (package, place) in mapped.into_iter().flatten() {
        layout.place(package, place.as_str());
    }
    let listed = at(tools, &["poetry"]).and_then(|table| table.get("packages")?.as_array());
    for entry in listed.into_iter().flatten().filter_map(|entry| entry.get("from")) {
        layout.roots.extend(entry.as_str().map(folder));
    }
    let wheel = at(tools, &["hatch", "build", "targets", "wheel"]);
    for package in wheel.and_then(|wheel| wheel.get("packages")).into_iter().flat_map(texts) {
        layout.roots.extend(folder(package).rsplit_once('/').map(|(root, _)| root.to_owned()));
    }
    match wheel.and_then(|wheel| wheel.get("sources")) {
        Some(Value::Table(sources)) => sources.iter().for_each(|(place, name)| {
            layout.place(name.as_str().unwrap_or_default(), Some(place));
        }),
        Some(sources) => layout.roots.extend(texts(sources).into_iter().map(folder)),
        None => {}
    }
    let root = at(tools, &["uv", "build-backend"]).and_then(|backend| backend.get("module-root")?.as_str());
    layout.roots.extend(root.map(folder));
    layout
}

impl PythonLayout {
    /// The folder of a package; of the nameless one it is a root.
    fn place(&mut self, package: &str, at: Option<&str>) {
        let Some(at) = at.map(folder) else { return };
        let package = package.replace('/', ".");
        if package.is_empty() {
            self.roots.insert(at);
        } else if at.rsplit('/').next() == package.rsplit('.').next() {
            // Only the folder above is news.
            let depth = package.split('.').count();
            let parts: Vec<&str> = at.split('/').collect();
            let is_same = package.split('.').rev().zip(parts.iter().rev()).all(|(name, part)| name == *part);
            match parts.len().checked_sub(depth).filter(|_| is_same) {
                Some(above) => drop(self.roots.insert(parts[..above].join("/"))),
                None => drop(self.packages.insert(package, at)),
            }
        } else {
            self.packages.insert(package, at);
        }
    }
}

fn at<'t>(table: &'t Table, path: &[&str]) -> Option<&'t Table> {
    path.iter().try_fold(table, |table, key| table.get(*key)?.as_table())
}

/// A text, or those of a list.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

/// A folder below the project's as the view writes paths; the project's own is empty.
fn folder(written: &str) -> String {
    let parts = written.trim().split('/').filter(|part| !matches!(*part, "" | "." | "$MYPY_CONFIG_FILE_DIR"));
    parts.collect::<Vec<_>>().join("/")
}

/// What the project is called, and where its modules lie.
fn symbols(text: &str, table: &Table, layout: &PythonLayout) -> Vec<Symbol> {
    let name = table.get("project").and_then(|project| project.get("name")?.as_str());
    let name = name.map(|name| ("name", format!("name: {name}")));
    let roots = layout.roots.iter().map(|root| ("root", format!("modules lie in: {root}/")));
    let packages = layout.packages.iter().map(|(name, place)| ("package", format!("{name} lies in: {place}/")));
    let symbol = |(name, signature): (&str, String)| {
        let quoted = signature.rsplit([' ', '/']).find(|part| !part.is_empty()).unwrap_or_default();
        let at = text.find(quoted).unwrap_or(0);
        let line = u32::try_from(text.get(..at).unwrap_or_default().matches('\n').count() + 1).unwrap_or(u32::MAX);
        Symbol {
            name: name.to_owned(),
            kind: SymbolKind::Const,
            visibility: Visibility::Public,
            signature,
            start_line: line,
            end_line: line,
            doc: false,
        }
    };
    name.into_iter().chain(roots).chain(packages).map(symbol).collect()
}
