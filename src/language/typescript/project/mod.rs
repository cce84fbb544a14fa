//! Which file a specifier means: relative paths, packages of the view by name, `paths` and `baseUrl` of the nearest configuration,
//! `exports` and `imports` of a package, in the order and with the substitutions of TypeScript's own resolution.

mod configs;
mod entries;
mod files;
pub(super) mod manifest;

use std::collections::BTreeSet;
use std::sync::Arc;

use oxc_resolver::{ResolveOptions, ResolverGeneric, TsConfig, TsconfigDiscovery};
use serde_json::Value;

use crate::domain::FilePath;
use crate::language::eval::rules::{FileNo, Outsider, Place, Project, ProjectFile};

use files::{Located, ViewFileSystem, ViewFiles, normal};

/// Conditions of `exports` and `imports` that count, besides `types` and `default`.
const CONDITIONS: [&str; 8] =
    ["source", "development", "import", "require", "node", "module", "browser", "react-native"];

/// Endings of files that are imported with them, and are no script.
const SCRIPT_ENDINGS: [&str; 8] = [".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"];

/// Folders that builds fill by convention, and that are seldom committed.
const BUILT: [&str; 10] = ["dist", "build", "out", "lib", "esm", "cjs", "umd", "es", "generated", "__generated__"];

pub(super) struct ScriptProject {
    /// Absolute paths by number; empty for one that is not UTF-8.
    paths: Vec<String>,
    view: Arc<ViewFiles>,
    resolver: ResolverGeneric<ViewFileSystem>,
}

pub(super) fn project(files: &[ProjectFile<'_>]) -> Box<dyn Project> {
    Box::new(ScriptProject::of(files))
}

impl ScriptProject {
    pub(super) fn of(files: &[ProjectFile<'_>]) -> Self {
        let view = Arc::new(ViewFiles::of(files));
        let options = ResolveOptions {
            tsconfig: Some(TsconfigDiscovery::Auto),
            condition_names: CONDITIONS.iter().map(|&name| name.to_owned()).collect(),
            symlinks: false,
            node_path: false,
            ..ResolveOptions::default()
        };
        let path = |file: &ProjectFile<'_>| std::str::from_utf8(file.path.as_bytes()).map(|path| format!("/{path}"));
        Self {
            paths: files.iter().map(|file| path(file).unwrap_or_default()).collect(),
            resolver: ResolverGeneric::new_with_file_system(ViewFileSystem(Arc::clone(&view)), options),
            view,
        }
    }

    fn config(&self, from: &str) -> Option<Arc<TsConfig>> {
        if let Ok(Some(owner)) = self.resolver.find_tsconfig(from) {
            return Some(owner);
        }
        // None says that the file is its: the nearest is still better than none.
        self.view.configs_above(from).find_map(|config| self.resolver.resolve_tsconfig(config).ok())
    }

    fn find(&self, specifier: &str, from: &str) -> Option<FileNo> {
        let specifier = match specifier.starts_with('#') {
            true => specifier,
            false => specifier.split(['?', '#']).next().unwrap_or_default(),
        };
        if let Some(path) = relative(specifier, from) {
            return self.at(&path, from);
        }
        let config = self.config(from);
        let aliases = config.map(|config| config.resolve_path_alias_or_base_url(specifier)).unwrap_or_default();
        let alias = aliases.iter().filter_map(|path| path.to_str()).find_map(|path| self.at(&normal(path), from));
        alias.or_else(|| self.resolved(from, specifier)).or_else(|| self.by_package(specifier, from))
    }

    /// The file that an absolute path without or with an ending means.
    fn at(&self, path: &str, from: &str) -> Option<FileNo> {
        let is_script = SCRIPT_ENDINGS.iter().any(|end| path.ends_with(end));
        if !is_script && let Some(file) = self.view.exact(path) {
            return Some(file);
        }
        let path = if path.is_empty() { "/" } else { path };
        self.resolved(from, path).or_else(|| self.view.exact(path)).or_else(|| {
            let pages = [".vue", ".svelte", ".json", "/index.vue", "/index.svelte"];
            pages.iter().find_map(|end| self.view.exact(&format!("{path}{end}")))
        })
    }

    fn resolved(&self, from: &str, specifier: &str) -> Option<FileNo> {
        let found = self.resolver.resolve_dts(from, specifier).ok()?;
        match self.view.locate(found.path().to_str()?)? {
            Located::File(file) => Some(file),
            Located::Folder => None,
        }
    }

    /// A package whose `exports` name only what is built in a way that is not seen, or that has no entry at all: any file that its
    /// manifest names for the path, then the conventional ones.
    fn by_package(&self, specifier: &str, from: &str) -> Option<FileNo> {
        if specifier.starts_with('#') {
            let folder = self.view.package_of(from)?;
            let manifest = self.view.manifest_in(folder)?;
            return self.mapped(manifest.get("imports")?, specifier, folder, from);
        }
        let (name, sub) = split_package(specifier);
        let package = self.view.packages.get(name)?;
        let path = if sub.is_empty() { ".".to_owned() } else { format!("./{sub}") };
        let mapped = package.json.get("exports").and_then(|exports| self.mapped(exports, &path, &package.folder, from));
        mapped.or_else(|| {
            let entries = ["source", "types", "module", "main"];
            let named = entries.iter().filter_map(|&key| package.json.get(key)?.as_str());
            let conventional = if sub.is_empty() {
                named.chain(["src/index", "src", "index"]).map(str::to_owned).collect()
            } else {
                vec![sub.to_owned(), format!("src/{sub}")]
            };
            conventional.iter().find_map(|entry| self.at(&normal(&format!("{}/{entry}", package.folder)), from))
        })
    }

    /// Any target that a map of `exports` or `imports` has for a key.
    fn mapped(&self, map: &Value, key: &str, folder: &str, from: &str) -> Option<FileNo> {
        let entries = map.as_object()?.iter();
        let matches = entries.filter_map(|(pattern, target)| {
            let middle = match pattern.split_once('*') {
                Some((before, after)) => key.strip_prefix(before)?.strip_suffix(after)?,
                None => (pattern == key).then_some("")?,
            };
            Some(targets(target).into_iter().map(move |target| target.replace('*', middle)))
        });
        matches.flatten().find_map(|target| self.at(&normal(&format!("{folder}/{target}")), from))
    }

    /// Whether a path leads into a folder of what a build makes, of which the repository has nothing.
    fn is_product(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(end, _)| end);
        ends.map(|end| &path[..=end]).any(|folder| {
            let name = folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            BUILT.contains(&name) && !self.paths.iter().any(|path| path.starts_with(folder))
        })
    }

    fn path(&self, file: FileNo) -> Option<&str> {
        self.paths.get(file as usize).map(String::as_str).filter(|path| !path.is_empty())
    }
}

/// Every path that a target of `exports` names, whatever the condition.
fn targets(target: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    let mut todo = vec![target];
    while let Some(value) = todo.pop() {
        match value {
            Value::String(path) => found.push(path.as_str()),
            Value::Array(all) => todo.extend(all.iter().rev()),
            Value::Object(all) => todo.extend(all.values().collect::<Vec<_>>().into_iter().rev()),
            _ => {}
        }
    }
    found
}

fn relative(specifier: &str, from: &str) -> Option<String> {
    let is_relative =
        specifier == "." || specifier == ".." || specifier.starts_with("./") || specifier.starts_with("../");
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    is_relative.then(|| normal(&format!("{folder}/{specifier}")))
}

/// Name of a package, and the path inside it.
fn split_package(specifier: &str) -> (&str, &str) {
    let skip = specifier.starts_with('@').then(|| specifier.find('/')).flatten().map_or(0, |at| at + 1);
    match specifier[skip..].find('/') {
        Some(at) => (&specifier[..skip + at], &specifier[skip + at + 1..]),
        None => (specifier, ""),
    }
}

impl Project for ScriptProject {
    fn resolve(&self, specifier: &str, from: FileNo) -> Option<Place> {
        self.find(specifier, self.path(from)?).map(Place::File)
    }

    fn outsider(&self, _: &FilePath) -> Outsider {
        Outsider::Named
    }

    fn inside(&self, _: Place, _: &str) -> Option<Place> {
        None
    }

    fn modules_in(&self, _: Place) -> Vec<Place> {
        Vec::new()
    }

    fn entries_of(&self, _: FileNo) -> Vec<(String, String)> {
        Vec::new()
    }

    /// A specifier names the module as a whole.
    fn name_of(&self, _: Place) -> String {
        "module".to_owned()
    }

    fn identity(&self, place: Place) -> String {
        match place {
            Place::File(file) => self.path(file).unwrap_or_default().to_owned(),
            Place::Folder(_) => String::new(),
        }
    }

    fn module_path(&self, _: FileNo) -> Option<String> {
        None
    }

    fn entries(&self) -> Option<BTreeSet<FileNo>> {
        self.package_entries()
    }

    fn is_missing(&self, specifier: &str, from: FileNo) -> bool {
        let Some(from) = self.path(from) else { return false };
        relative(specifier, from).is_some_and(|path| !specifier.contains('?') && !self.is_product(&path))
    }
}

#[cfg(test)]
mod tests;
