//! What a `Cargo.toml`, or the frontmatter of a cargo script, says: the package's name, its targets, its workspace and its path
//! dependencies.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::language::{Outline, ParseError, Symbol, SymbolKind, Visibility};

/// The parts of a Cargo manifest from which crates and their names follow (The Cargo Book, "The Manifest Format", "Cargo Targets",
/// "Workspaces").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// `package.name`
    pub package: Option<String>,
    /// `package.edition`, where it is written: what is inherited from a workspace is newer than 2015.
    pub edition: Option<String>,
    pub inherits_edition: bool,
    /// `[lib]`
    pub lib_name: Option<String>,
    pub lib_path: Option<String>,
    /// `package.build`, if it names a file.
    pub build: Option<String>,
    /// `[[bin]]`, `[[test]]`, `[[example]]`, `[[bench]]` that name a path.
    pub target_paths: Vec<String>,
    /// Kinds of targets that are not looked for in their folders: `autobins = false` and the like.
    pub not_discovered: Vec<TargetKind>,
    /// Dependencies of every kind, target-specific ones included.
    pub dependencies: Vec<Dependency>,
    /// `workspace.dependencies`
    pub workspace_dependencies: Vec<Dependency>,
    /// `package.workspace`: the folder of the workspace, where it is not above.
    pub workspace: Option<String>,
    /// `[patch]` and `[replace]`: packages of other sources for which one in a folder stands.
    pub patches: Vec<Patch>,
}

/// A package for which another one stands, in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Patch {
    /// As [`Dependency::source`]; `None`: whatever the source.
    pub source: Option<String>,
    pub package: String,
    pub path: String,
}

/// The source of a dependency that names none.
const CRATES_IO: &str = "crates-io";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TargetKind {
    Bin,
    Test,
    Example,
    Bench,
}

const DISCOVERY: [(&str, TargetKind); 4] = [
    ("autobins", TargetKind::Bin),
    ("autotests", TargetKind::Test),
    ("autoexamples", TargetKind::Example),
    ("autobenches", TargetKind::Bench),
];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dependency {
    /// The name in the table: how source refers to it.
    pub alias: String,
    /// Name of the package: `package = ".."`, else the alias.
    pub package: String,
    pub path: Option<String>,
    /// `workspace = true`: package and path stand in the workspace's table.
    pub inherited: bool,
    /// Where it comes from if it has no path: a registry's name, or the address of a repository or registry without what does not
    /// matter.
    pub source: String,
}

pub fn outline(text: &str) -> (Outline, Vec<ParseError>) {
    let table = match text.parse::<Table>() {
        Ok(table) => table,
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            let line = 1 + text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count();
            let message = format!("not valid TOML: {}", error.message());
            return (Outline::default(), vec![ParseError { line: u32::try_from(line).unwrap_or(u32::MAX), message }]);
        }
    };
    let manifest = read(&table);
    let symbols = manifest.package.iter().map(|name| package_symbol(name, text)).collect();
    (Outline { symbols, manifest: Some(manifest), ..Outline::default() }, Vec::new())
}

/// What the manifest in a cargo script says; `None` if it is no TOML.
pub(super) fn of_script(text: &str) -> Option<Manifest> {
    Some(read(&text.parse::<Table>().ok()?))
}

fn package_symbol(name: &str, text: &str) -> Symbol {
    let line = text.lines().position(|line| line.trim_start().starts_with("[package]")).unwrap_or(0) as u32 + 1;
    Symbol {
        name: name.to_owned(),
        kind: SymbolKind::Module,
        visibility: Visibility::Public,
        signature: format!("package {name}"),
        start_line: line,
        end_line: line,
        doc: false,
    }
}

fn read(table: &Table) -> Manifest {
    let package = table.get("package").or_else(|| table.get("project")).and_then(Value::as_table);
    let lib = table.get("lib").and_then(Value::as_table);
    let workspace = table.get("workspace").and_then(Value::as_table);
    let targets =
        ["bin", "test", "example", "bench"].into_iter().filter_map(|kind| table.get(kind)?.as_array()).flatten();
    Manifest {
        package: package.and_then(|package| text_of(package, "name")),
        edition: package.and_then(|package| text_of(package, "edition")),
        inherits_edition: package.and_then(|package| package.get("edition")).is_some_and(Value::is_table),
        lib_name: lib.and_then(|lib| text_of(lib, "name")),
        lib_path: lib.and_then(|lib| text_of(lib, "path")),
        build: package.and_then(|package| text_of(package, "build")),
        target_paths: targets.filter_map(|target| text_of(target.as_table()?, "path")).collect(),
        not_discovered: DISCOVERY
            .into_iter()
            .filter(|(key, _)| package.and_then(|package| package.get(*key)).and_then(Value::as_bool) == Some(false))
            .map(|(_, kind)| kind)
            .collect(),
        dependencies: dependencies_of(table)
            .chain(
                table
                    .get("target")
                    .and_then(Value::as_table)
                    .into_iter()
                    .flatten()
                    .flat_map(|(_, target)| target.as_table().into_iter().flat_map(dependencies_of)),
            )
            .collect(),
        workspace_dependencies: workspace
            .map(|table| dependencies_in(table, "dependencies").collect())
            .unwrap_or_default(),
        workspace: package.and_then(|package| text_of(package, "workspace")),
        patches: patches(table),
    }
}

fn patches(table: &Table) -> Vec<Patch> {
    let sources = table.get("patch").and_then(Value::as_table).into_iter().flatten();
    let patched = sources.filter_map(|(source, packages)| Some((source_of(source), packages.as_table()?)));
    let patched = patched.flat_map(|(source, packages)| {
        let entries = packages.iter().filter_map(|(name, value)| Some((name, value.as_table()?)));
        let source = source.clone();
        entries
            .filter_map(move |(name, details)| {
                let package = text_of(details, "package").unwrap_or_else(|| name.clone());
                Some(Patch { source: Some(source.clone()), package, path: text_of(details, "path")? })
            })
            .collect::<Vec<_>>()
    });
    let replaced = table.get("replace").and_then(Value::as_table).into_iter().flatten();
    // `"name:1.0.2"`, or the address of the package with that at its end.
    let replaced = replaced.filter_map(|(id, value)| {
        let name = id.rsplit(['#', '/']).next().unwrap_or(id).split([':', '@']).next().unwrap_or(id);
        Some(Patch { source: None, package: name.to_owned(), path: text_of(value.as_table()?, "path")? })
    });
    patched.chain(replaced).collect()
}

/// A registry's name, or an address as Cargo compares them: without the end that does not matter, in lower case.
fn source_of(written: &str) -> String {
    if !written.contains("://") {
        return written.to_owned();
    }
    let plain = written.strip_prefix("git+").or_else(|| written.strip_prefix("registry+")).unwrap_or(written);
    let plain = plain.split(['?', '#']).next().unwrap_or(plain).trim_end_matches('/');
    let plain = plain.strip_suffix(".git").unwrap_or(plain).to_ascii_lowercase();
    if plain.ends_with("github.com/rust-lang/crates.io-index") { CRATES_IO.to_owned() } else { plain }
}

fn text_of(table: &Table, key: &str) -> Option<String> {
    table.get(key)?.as_str().map(str::to_owned)
}

fn dependencies_of(table: &Table) -> impl Iterator<Item = Dependency> {
    // The names with `_` are those of old manifests.
    ["dependencies", "dev-dependencies", "build-dependencies", "dev_dependencies", "build_dependencies"]
        .into_iter()
        .flat_map(|kind| dependencies_in(table, kind))
}

fn dependencies_in<'a>(table: &'a Table, kind: &str) -> impl Iterator<Item = Dependency> + use<'a> {
    let entries = table.get(kind).and_then(Value::as_table);
    entries.into_iter().flatten().map(|(alias, value)| {
        let details = value.as_table();
        Dependency {
            alias: alias.clone(),
            package: details.and_then(|details| text_of(details, "package")).unwrap_or_else(|| alias.clone()),
            path: details.and_then(|details| text_of(details, "path")),
            inherited: details.and_then(|details| details.get("workspace")).and_then(Value::as_bool).unwrap_or(false),
            source: details
                .and_then(|details| {
                    ["git", "registry", "registry-index"].into_iter().find_map(|key| text_of(details, key))
                })
                .map_or_else(|| CRATES_IO.to_owned(), |written| source_of(&written)),
        }
    })
}

/// The `description` of the package, with its line.
pub fn description(text: &str) -> Option<(u32, String)> {
    let mut lines = (1_u32..).zip(text.lines());
    let (line, value) = lines.find_map(|(line, text)| {
        let value = text.trim_start().strip_prefix("description")?.trim_start().strip_prefix('=')?;
        Some((line, value.trim().trim_matches(['"', '\'']).trim()))
    })?;
    let written = if value.is_empty() { text.lines().nth(line as usize)?.trim() } else { value };
    Some((line, written.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_says_its_targets_and_dependencies() {
        let (outline, errors) = super::outline(
            "[package]\nname = \"a-b\"\n[lib]\npath = \"x.rs\"\n[[bin]]\nname = \"c\"\npath = \"c.rs\"\n\
             [dependencies]\nserde = \"1\"\nother = { package = \"real\", path = \"../real\" }\n\
             [target.'cfg(unix)'.dev-dependencies]\nw = { workspace = true }\n",
        );
        assert_eq!(Outline::from_bytes(&outline.to_bytes()).as_ref(), Some(&outline));
        let manifest = outline.manifest.unwrap();
        assert!(errors.is_empty());
        assert_eq!(manifest.package.as_deref(), Some("a-b"));
        assert_eq!(manifest.target_paths, ["c.rs"]);
        let other = manifest.dependencies.iter().find(|dependency| dependency.alias == "other").unwrap();
        assert_eq!((other.package.as_str(), other.path.as_deref()), ("real", Some("../real")));
        assert!(manifest.dependencies.iter().any(|dependency| dependency.alias == "w" && dependency.inherited));
    }

    #[test]
    fn a_broken_manifest_says_where() {
        let (outline, errors) = super::outline("[package]\nname = \n");
        assert_eq!(outline, Outline::default());
        assert_eq!(errors[0].line, 2);
    }
}
