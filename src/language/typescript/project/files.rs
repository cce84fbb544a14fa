//! The files of a view, as the resolver of specifiers sees them: nothing is read from the disk. Packages of the view stand in
//! `node_modules` under their names, and what a build would make stands for what it is made of.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oxc_resolver::{FileMetadata, FileSystem, ResolveError};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use crate::language::eval::rules::{FileNo, ProjectFile};

/// Folders into which sources are built.
pub(super) const BUILT: [&str; 12] =
    ["dist", "lib", "build", "out", "esm", "cjs", "es", "types", "module", "output", ".output", "_build"];

/// Endings of sources, in the order in which they count.
const SOURCES: [&str; 9] = [".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".vue"];

/// Endings of what is built.
const BUILT_ENDINGS: [&str; 10] = [".d.ts", ".d.mts", ".d.cts", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts"];

/// A package of the view.
pub(super) struct ViewPackage {
    /// `/packages/a`; the root's is empty.
    pub folder: String,
    pub json: Value,
}

#[derive(Default)]
pub(super) struct ViewFiles {
    /// By absolute path: `/src/a.ts`.
    files: FxHashMap<String, FileNo>,
    folders: FxHashSet<String>,
    pub(super) texts: FxHashMap<String, String>,
    pub packages: BTreeMap<String, ViewPackage>,
    /// Folders of packages, longest first.
    package_folders: Vec<String>,
}

pub(super) enum Located {
    File(FileNo),
    Folder,
}

impl ViewFiles {
    pub(super) fn of(files: &[ProjectFile<'_>]) -> Self {
        let mut view = Self::default();
        view.folders.insert(String::new());
        for (number, file) in files.iter().enumerate() {
            let Ok(path) = std::str::from_utf8(file.path.as_bytes()) else { continue };
            let path = format!("/{path}");
            for (at, _) in path.match_indices('/').skip(1) {
                view.folders.insert(path[..at].to_owned());
            }
            if let Some(manifest) = file.facts.and_then(|facts| facts.manifest.as_ref()) {
                view.texts.insert(path.clone(), manifest.clone());
            }
            view.files.insert(path, u32::try_from(number).unwrap_or(u32::MAX));
        }
        view.find_packages();
        view.settle_configs();
        view
    }

    fn find_packages(&mut self) {
        let mut paths: Vec<&String> = self.texts.keys().filter(|path| path.ends_with("/package.json")).collect();
        paths.sort();
        for path in paths {
            let Ok(json) = serde_json::from_str::<Value>(&self.texts[path]) else { continue };
            let folder = path.trim_end_matches("/package.json").to_owned();
            self.package_folders.push(folder.clone());
            if let Some(name) = json.get("name").and_then(Value::as_str) {
                // Of two of one name the one nearer to the root counts, then the first.
                let name = name.to_owned();
                let depth = |folder: &str| folder.matches('/').count();
                match self.packages.get(&name) {
                    Some(known) if depth(&known.folder) <= depth(&folder) => {}
                    _ => drop(self.packages.insert(name, ViewPackage { folder, json })),
                }
            }
        }
        self.package_folders.sort_by_key(|folder| std::cmp::Reverse(folder.len()));
    }

    /// The configurations that stand in a folder or above, nearest first.
    pub(super) fn configs_above<'a>(&'a self, path: &'a str) -> impl Iterator<Item = String> + 'a {
        let ends = path.rmatch_indices('/').map(|(at, _)| &path[..at]);
        ends.flat_map(|folder| [format!("{folder}/tsconfig.json"), format!("{folder}/jsconfig.json")])
            .filter(|config| self.texts.contains_key(config))
    }

    /// The package in whose folder a path lies.
    pub(super) fn package_of(&self, path: &str) -> Option<&str> {
        let is_in = |folder: &&String| path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'));
        self.package_folders.iter().find(is_in).map(String::as_str)
    }

    /// The folders of all packages, those without a name, too.
    pub(super) fn package_folders(&self) -> impl Iterator<Item = &str> {
        self.package_folders.iter().map(String::as_str)
    }

    pub(super) fn manifest_in(&self, folder: &str) -> Option<Value> {
        serde_json::from_str(self.texts.get(&format!("{folder}/package.json"))?).ok()
    }

    /// What stands at an absolute path, as sources have it.
    pub(super) fn locate(&self, path: &str) -> Option<Located> {
        if let Some(&file) = self.files.get(path) {
            return Some(Located::File(file));
        }
        let path = path.strip_suffix('/').unwrap_or(path);
        if self.folders.contains(path) {
            return Some(Located::Folder);
        }
        if let Some(inside) = path.strip_prefix("/node_modules") {
            return self.installed(inside);
        }
        self.source_of(path).map(Located::File)
    }

    pub(super) fn exact(&self, path: &str) -> Option<FileNo> {
        self.files.get(path).copied()
    }

    /// `/@scope/name/rest`: a package of the view.
    fn installed(&self, inside: &str) -> Option<Located> {
        let inside = inside.strip_prefix('/').unwrap_or(inside);
        let name_end = match inside.strip_prefix('@') {
            Some(scoped) => scoped.match_indices('/').nth(1).map_or(inside.len(), |(at, _)| at + 1),
            None => inside.find('/').unwrap_or(inside.len()),
        };
        let (name, rest) = inside.split_at(name_end);
        if let Some(package) = self.packages.get(name) {
            return self.locate(&format!("{}{rest}", package.folder));
        }
        let is_scope = name.starts_with('@') && !name.contains('/');
        let holds_packages =
            name.is_empty() || is_scope && self.packages.keys().any(|known| known.starts_with(&format!("{name}/")));
        (holds_packages && !self.packages.is_empty()).then_some(Located::Folder)
    }

    /// `/a/dist/x.js` is made of `/a/src/x.ts`.
    fn source_of(&self, path: &str) -> Option<FileNo> {
        let folder = self.package_of(path)?;
        let inside: Vec<&str> = path[folder.len()..].split('/').filter(|part| !part.is_empty()).collect();
        let built = inside.iter().take_while(|part| BUILT.contains(part)).count();
        if built == 0 || built == inside.len() {
            return None;
        }
        let rest = inside[built..].join("/");
        let end = BUILT_ENDINGS.iter().find(|end| rest.ends_with(**end))?;
        let stem = &rest[..rest.len() - end.len()];
        let roots = [format!("{folder}/src/{stem}"), format!("{folder}/{stem}")];
        roots
            .iter()
            .flat_map(|root| SOURCES.iter().map(move |end| format!("{root}{end}")))
            .find_map(|path| self.exact(&path))
    }
}

/// A path without `.` and `..`.
pub(super) fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let mut joined = String::new();
    parts.iter().for_each(|part| joined.extend(["/", part]));
    joined
}

/// The view behind the resolver's trait.
#[derive(Clone, Default)]
pub(super) struct ViewFileSystem(pub Arc<ViewFiles>);

impl ViewFileSystem {
    fn text(&self, path: &Path) -> Option<&str> {
        let path = path.to_str()?;
        if let Some(inside) = path.strip_prefix("/node_modules/") {
            let package = self
                .0
                .packages
                .iter()
                .find(|(name, _)| inside.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('/')));
            let (name, package) = package?;
            return self.0.texts.get(&format!("{}{}", package.folder, &inside[name.len()..])).map(String::as_str);
        }
        let text = self.0.texts.get(path);
        text.or_else(|| {
            self.0.texts.get(&path.strip_suffix("tsconfig.json").map(|folder| format!("{folder}jsconfig.json"))?)
        })
        .map(String::as_str)
    }
}

fn absent() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

impl FileSystem for ViewFileSystem {
    fn new() -> Self {
        Self::default()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.text(path).map(|text| text.as_bytes().to_vec()).ok_or_else(absent)
    }

    fn read_to_string(&self, path: &Path) -> io::Result<String> {
        self.text(path).map(str::to_owned).ok_or_else(absent)
    }

    fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        let path = path.to_str().ok_or_else(absent)?;
        match self.0.locate(path) {
            Some(Located::File(_)) => Ok(FileMetadata::new(true, false, false)),
            Some(Located::Folder) => Ok(FileMetadata::new(false, true, false)),
            None if self.text(Path::new(path)).is_some() => Ok(FileMetadata::new(true, false, false)),
            None => Err(absent()),
        }
    }

    fn symlink_metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        self.metadata(path)
    }

    fn read_link(&self, _: &Path) -> Result<PathBuf, ResolveError> {
        Err(ResolveError::from(absent()))
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_owned())
    }
}
