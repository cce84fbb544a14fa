//! Which file a dotted name means.
//!
//! An import root is the nearest folder that is no package. So layouts with `src`, folders of tests and several projects in one
//! repository need no settings. Where several files fit, what `pyproject.toml` says of its project decides. A stub (`.pyi`) stands for
//! the module next to it. A namespace package has the modules of all folders that make it up.

pub(super) mod manifest;
mod roots;

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::stdlib::is_standard;
use roots::ImportRoots;

use crate::language::eval::rules::{FileNo, FolderNo, Place, Project, ProjectFile};

/// Longest dotted name that is looked up.
const PARTS_MAX: usize = 40;

struct Module {
    file: FileNo,
    /// Folders and name: `["src", "flask", "app"]`; of a package without `__init__`.
    parts: Vec<String>,
}

pub(super) struct PythonProject {
    /// Paths by number; of other languages' files they are empty.
    paths: Vec<String>,
    by_path: FxHashMap<String, FileNo>,
    modules: Vec<Module>,
    /// Modules by their last part, in the order of paths.
    by_tail: FxHashMap<String, Vec<usize>>,
    folders: Vec<String>,
    folder_numbers: FxHashMap<String, FolderNo>,
    /// Folders that are no packages, by their last part.
    spaces_by_tail: FxHashMap<String, Vec<FolderNo>>,
    /// Modules and folders by the folder that they lie in.
    by_folder: FxHashMap<String, Vec<Place>>,
    roots: ImportRoots,
}

impl PythonProject {
    pub(super) fn new(files: &[ProjectFile<'_>]) -> Self {
        let is_module = |path: &str| path.ends_with(".py") || path.ends_with(".pyi");
        let module = |file: &ProjectFile<'_>| Some(file.path.to_string()).filter(|path| file.is_own && is_module(path));
        let paths: Vec<String> = files.iter().map(|file| module(file).unwrap_or_default()).collect();
        let own = || paths.iter().enumerate().filter(|(_, path)| !path.is_empty());
        let by_path = own().map(|(file, path)| (path.clone(), file as FileNo)).collect();
        let mut folders: BTreeSet<String> = BTreeSet::new();
        for (_, path) in own() {
            let mut folder = parent(path);
            while folders.insert(folder.to_owned()) && !folder.is_empty() {
                folder = parent(folder);
            }
        }
        let roots = ImportRoots::of(files, |folder| folders.contains(folder));
        let folders: Vec<String> = folders.into_iter().collect();
        let folder_numbers = folders.iter().enumerate().map(|(at, folder)| (folder.clone(), at as FolderNo)).collect();
        let mut project = Self {
            by_path,
            modules: Vec::new(),
            by_tail: FxHashMap::default(),
            folders,
            folder_numbers,
            spaces_by_tail: FxHashMap::default(),
            by_folder: FxHashMap::default(),
            roots,
            paths: Vec::new(),
        };
        let mut sorted: Vec<(usize, &String)> = own().collect();
        sorted.sort_by_key(|&(_, path)| path);
        for (file, path) in sorted {
            project.add_module(file as FileNo, path);
        }
        for (at, folder) in project.folders.iter().enumerate() {
            if folder.is_empty() {
                continue;
            }
            project.by_folder.entry(parent(folder).to_owned()).or_default().push(Place::Folder(at as FolderNo));
            if project.package_file(folder).is_none() {
                project.spaces_by_tail.entry(last(folder).to_owned()).or_default().push(at as FolderNo);
            }
        }
        project.paths = paths;
        project
    }

    fn add_module(&mut self, file: FileNo, path: &str) {
        let stem = path.strip_suffix(".pyi").or_else(|| path.strip_suffix(".py")).unwrap_or(path);
        // The stub next to it stands for it.
        if path.ends_with(".py") && self.by_path.contains_key(&format!("{path}i")) {
            return;
        }
        let stem = if last(stem) == "__init__" { parent(stem) } else { stem };
        if stem.is_empty() {
            return;
        }
        self.by_folder.entry(parent(stem).to_owned()).or_default().push(Place::File(file));
        let parts: Vec<String> = stem.split('/').map(str::to_owned).collect();
        let tail = parts.last().cloned().unwrap_or_default();
        self.by_tail.entry(tail).or_default().push(self.modules.len());
        self.modules.push(Module { file, parts });
    }

    fn is_package(&self, folder: &str) -> bool {
        self.package_file(folder).is_some()
    }

    fn package_file(&self, folder: &str) -> Option<FileNo> {
        ["__init__.pyi", "__init__.py"].iter().find_map(|name| self.by_path.get(&joined(folder, name))).copied()
    }

    /// A module at a path without an extension: a file, a package, or a folder.
    fn at(&self, path: &str) -> Option<Place> {
        let file = [".pyi", ".py"].iter().find_map(|extension| self.by_path.get(&format!("{path}{extension}")));
        let package = || self.package_file(path);
        // A package stands before a module of the same name, as in CPython.
        if let Some(file) = package().or(file.copied()) {
            return Some(Place::File(file));
        }
        self.folder_numbers.get(path).map(|&folder| Place::Folder(folder))
    }

    /// `..a.b` from a file's folder.
    fn relative(&self, specifier: &str, from: &str) -> Option<Place> {
        let dots = specifier.len() - specifier.trim_start_matches('.').len();
        let mut folder = parent(from);
        for _ in 1..dots {
            if folder.is_empty() {
                return None;
            }
            folder = parent(folder);
        }
        let rest = specifier.trim_start_matches('.');
        if rest.is_empty() {
            return match self.package_file(folder) {
                Some(file) => Some(Place::File(file)),
                None => self.folder_numbers.get(folder).map(|&folder| Place::Folder(folder)),
            };
        }
        let rest = rest.replace('.', "/");
        let portions = || self.portions(folder).find_map(|folder| self.at(&joined(folder, &rest)));
        self.at(&joined(folder, &rest)).or_else(portions)
    }

    /// The other folders that hold modules of the same namespace as one that is no package.
    fn portions<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        let is_namespace = !folder.is_empty() && !self.is_package(folder);
        let others = is_namespace.then(|| self.roots.portions(folder)).into_iter().flatten();
        let known = others.filter_map(|other| self.folder(*self.folder_numbers.get(&other)?));
        known.filter(|other| !self.is_package(other))
    }

    fn folder(&self, folder: FolderNo) -> Option<&str> {
        self.folders.get(folder as usize).map(String::as_str)
    }

    /// A package that lies in a folder of another name, or what is inside.
    fn renamed(&self, specifier: &str, from: &str) -> Option<Place> {
        let inside = |(name, folder): &(String, String)| {
            let rest = specifier.strip_prefix(name.as_str())?;
            let path = match rest.strip_prefix('.') {
                Some(rest) => joined(folder, &rest.replace('.', "/")),
                None if rest.is_empty() => folder.clone(),
                None => return None,
            };
            Some((common_parts(folder, from), self.at(&path)?))
        };
        self.roots.packages.iter().filter_map(inside).max_by_key(|(near, _)| *near).map(|(_, place)| place)
    }

    /// `a.b` as seen from a file: in the nearest import root that has it.
    fn absolute(&self, specifier: &str, from: &str) -> Option<Place> {
        let parts: Vec<&str> = specifier.split('.').collect();
        if parts.len() > PARTS_MAX || parts.contains(&"") {
            return None;
        }
        let (tail, head) = (parts.last()?, parts.first()?);
        let folder = parent(from);
        if let Some(place) = self.renamed(specifier, from) {
            return Some(place);
        }
        let mut best: Option<((bool, usize, bool, usize), FileNo)> = None;
        for &module in self.by_tail.get(*tail).map(Vec::as_slice).unwrap_or_default() {
            let Some(module) = self.modules.get(module) else { continue };
            let Some(outside) = module.parts.len().checked_sub(parts.len()) else { continue };
            let (base, inside) = module.parts.split_at(outside);
            if !inside.iter().zip(&parts).all(|(one, other)| one == other) {
                continue;
            }
            let base = base.join("/");
            let is_named = self.roots.is_named(&base);
            let is_inside_package = !is_named && self.is_package(&base);
            // Scripts see what lies next to them, but not in the place of the standard library.
            if is_inside_package && (base != folder || is_standard(head)) {
                continue;
            }
            let (near, shallow) = (common_parts(&base, folder), PARTS_MAX * 100 - module.parts.len());
            let score = (!is_inside_package, near, is_named, shallow);
            if best.is_none_or(|(known, _)| score > known) {
                best = Some((score, module.file));
            }
        }
        best.map(|(_, file)| Place::File(file)).or_else(|| self.namespace(&parts, folder))
    }

    /// The folder of a namespace package: the nearest to a folder.
    fn namespace(&self, parts: &[&str], from: &str) -> Option<Place> {
        let wanted = parts.join("/");
        let candidates = self.spaces_by_tail.get(*parts.last()?)?;
        let score = |&number: &FolderNo| {
            let path = self.folder(number)?;
            let base = path.strip_suffix(&wanted)?.trim_end_matches('/');
            let fits = joined(base, &wanted) == path && !self.is_package(base);
            let score = (common_parts(base, from), self.roots.is_named(base), std::cmp::Reverse(path));
            fits.then_some((score, number))
        };
        candidates.iter().filter_map(score).max().map(|(_, folder)| Place::Folder(folder))
    }

    fn path(&self, file: FileNo) -> &str {
        self.paths.get(file as usize).map_or("", String::as_str)
    }

    /// The folder whose modules a package has.
    fn folder_of(&self, package: Place) -> Option<&str> {
        match package {
            Place::Folder(folder) => self.folders.get(folder as usize).map(String::as_str),
            Place::File(file) => {
                let path = self.path(file);
                matches!(last(path), "__init__.py" | "__init__.pyi").then(|| parent(path))
            }
        }
    }
}

impl Project for PythonProject {
    fn resolve(&self, specifier: &str, from: FileNo) -> Option<Place> {
        let from = self.path(from);
        if specifier.starts_with('.') { self.relative(specifier, from) } else { self.absolute(specifier, from) }
    }

    fn inside(&self, package: Place, name: &str) -> Option<Place> {
        let folder = self.folder_of(package)?;
        let portions = || self.portions(folder).find_map(|folder| self.at(&joined(folder, name)));
        self.at(&joined(folder, name)).or_else(portions)
    }

    fn modules_in(&self, package: Place) -> Vec<Place> {
        let Some(folder) = self.folder_of(package) else { return Vec::new() };
        let folders = std::iter::once(folder).chain(self.portions(folder));
        folders.filter_map(|folder| self.by_folder.get(folder)).flatten().copied().collect()
    }

    fn entries_of(&self, file: FileNo) -> Vec<(String, String)> {
        let path = self.path(file);
        let stem = path.strip_suffix(".pyi").or_else(|| path.strip_suffix(".py")).unwrap_or(path);
        let mut entries = Vec::new();
        let mut at = if last(stem) == "__init__" { parent(stem) } else { stem };
        while !at.is_empty() {
            let folder = parent(at);
            let package = self.package_file(folder).map_or(folder, |package| self.path(package));
            entries.push((package.to_owned(), last(at).to_owned()));
            entries.extend(self.portions(folder).map(|portion| (portion.to_owned(), last(at).to_owned())));
            at = folder;
        }
        entries
    }

    fn beside(&self, from: FileNo, name: &str) -> Vec<(String, Option<FileNo>)> {
        let mut found = Vec::new();
        let mut folder = self.path(from);
        while !folder.is_empty() {
            folder = parent(folder);
            let package = self.package_file(folder).map_or(folder, |package| self.path(package));
            let path = joined(folder, name);
            let file = [".pyi", ".py"].iter().find_map(|end| self.by_path.get(&format!("{path}{end}")));
            found.push((package.to_owned(), file.copied()));
        }
        found
    }

    fn name_of(&self, place: Place) -> String {
        let path = match place {
            Place::File(file) => self.path(file),
            Place::Folder(folder) => self.folders.get(folder as usize).map_or("", String::as_str),
        };
        let stem = path.strip_suffix(".pyi").or_else(|| path.strip_suffix(".py")).unwrap_or(path);
        let stem = if last(stem) == "__init__" { parent(stem) } else { stem };
        last(stem).to_owned()
    }

    fn identity(&self, place: Place) -> String {
        match place {
            Place::File(file) => self.path(file).to_owned(),
            Place::Folder(folder) => self.folders.get(folder as usize).cloned().unwrap_or_default(),
        }
    }

    fn module_path(&self, file: FileNo) -> Option<String> {
        let path = self.path(file);
        let stem = path.strip_suffix(".pyi").or_else(|| path.strip_suffix(".py"))?;
        let is_package = last(stem) == "__init__";
        let own = if is_package { parent(stem) } else { stem };
        let mut parts = vec![last(own)];
        let mut folder = parent(own);
        while !folder.is_empty() && self.is_package(folder) {
            parts.push(last(folder));
            folder = parent(folder);
        }
        // Below a root that the settings name, a folder is a package without a file of its own.
        if let Some(root) = self.roots.named_above(folder) {
            while folder.len() > root.len() {
                parts.push(last(folder));
                folder = parent(folder);
            }
        }
        parts.reverse();
        Some(parts.join(".")).filter(|path| !path.is_empty())
    }

    fn is_missing(&self, specifier: &str, from: FileNo) -> bool {
        if specifier.starts_with('.') {
            return true;
        }
        specifier.contains('.') && self.is_certain(specifier, from)
    }

    /// A package that is not installed may lie anywhere in a repository, under the name of one that is: `tests/sphinx`.
    fn is_certain(&self, specifier: &str, from: FileNo) -> bool {
        if specifier.starts_with('.') {
            return true;
        }
        let path = self.path(from);
        let head = specifier.split('.').next().unwrap_or_default();
        let Some(Place::File(found)) = self.absolute(head, path).filter(|_| !is_standard(head)) else { return false };
        let own = self.path(found);
        let own = if own.contains("/__init__.py") { parent(own) } else { own };
        let base = parent(own);
        let is_above = base.is_empty() || path.strip_prefix(base).is_some_and(|rest| rest.starts_with('/'));
        found != from && (self.roots.is_named(base) || is_above && !self.is_package(base))
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn last(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, last)| last)
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// How many folders two paths share from the top.
fn common_parts(one: &str, other: &str) -> usize {
    one.split('/').zip(other.split('/')).take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests;
