//! Which crates there are, where their roots lie and by what names they see each other.
//!
//! After The Cargo Book: "Cargo Targets" (target auto-discovery), "Workspaces", "Specifying Dependencies".

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::view::{File, View, join};
use crate::domain::{FilePath, Language};
use crate::language::of;
use crate::language::rust::manifest::{Dependency, Manifest, Patch, TargetKind};

#[derive(PartialEq, Eq)]
pub(super) struct Crate {
    /// As its own paths are shown: the library's name, else the target's file name.
    pub name: String,
    pub root: File,
    /// Folder of its package.
    pub folder: Vec<u8>,
    /// Paths of `use` begin at the root.
    pub is_edition_2015: bool,
    /// Its package has no other target.
    pub is_alone: bool,
    /// Crates of the view that its source can name.
    pub externs: FxHashMap<String, usize>,
}

/// A package: a folder with a manifest, or one that looks like a package.
struct Package<'a> {
    folder: Vec<u8>,
    manifest: Option<&'a Manifest>,
    name: String,
    lib: Option<File>,
    /// Root and whether it sees the package's own library.
    others: BTreeMap<File, bool>,
}

impl Package<'_> {
    fn target(&self, name: String, root: File, externs: FxHashMap<String, usize>) -> Crate {
        let edition = |manifest: &Manifest| match manifest.edition.as_deref() {
            Some(edition) => edition == "2015",
            None => !manifest.inherits_edition,
        };
        Crate {
            name,
            root,
            folder: self.folder.clone(),
            is_edition_2015: self.manifest.is_some_and(edition),
            is_alone: usize::from(self.lib.is_some()) + self.others.len() == 1,
            externs,
        }
    }
}

/// All crates of the view, libraries before the targets that use them within a package.
pub(super) fn crates(view: &View) -> Vec<Crate> {
    let packages = packages(view);
    let mut crates = Vec::new();
    let mut libs: Vec<Option<usize>> = Vec::new();
    for package in &packages {
        libs.push(package.lib.map(|root| {
            crates.push(package.target(lib_name(package), root, FxHashMap::default()));
            crates.len() - 1
        }));
    }
    for (at, package) in packages.iter().enumerate() {
        let externs = externs(&package.folder, package.manifest, &packages, &libs);
        if let Some(lib) = libs[at] {
            crates[lib].externs.clone_from(&externs);
        }
        for (&root, &sees_lib) in &package.others {
            let mut externs = externs.clone();
            if let (Some(lib), true) = (libs[at], sees_lib) {
                externs.insert(lib_name(package), lib);
            }
            crates.push(package.target(target_name(view, root, package), root, externs));
        }
    }
    scripts(view, &mut crates, &packages, &libs);
    crates
}

/// Whether a file at this path can be the root of a crate, or make one, by its path alone or because a manifest names it.
pub(super) fn may_be_root(view: &View, path: &FilePath) -> bool {
    let is_target = |parts: &[&[u8]]| matches!(parts, [b"src", b"bin", ..] | [b"tests" | b"benches" | b"examples", ..]);
    let parts: Vec<&[u8]> = path.as_bytes().split(|&byte| byte == b'/').collect();
    let by_path = matches!(path.file_name(), b"Cargo.toml" | b"lib.rs" | b"main.rs" | b"build.rs")
        || (0..parts.len()).any(|at| parts.get(at..).is_some_and(|rest| is_target(rest) && target_kind_of(rest)));
    by_path
        || view
            .all()
            .any(|(_, entry)| entry.manifest.as_deref().is_some_and(|manifest| names(manifest, &entry.path, path)))
}

fn target_kind_of(parts: &[&[u8]]) -> bool {
    target_kind(&parts.join(&b'/')).is_some()
}

/// Whether a manifest names a file as the root of a target.
fn names(manifest: &Manifest, at: &FilePath, path: &FilePath) -> bool {
    let named = manifest.lib_path.iter().chain(&manifest.build).chain(&manifest.target_paths);
    named.into_iter().any(|one| join(at.parent(), one.as_bytes()).as_deref() == Some(path.as_bytes()))
}

fn packages<'a>(view: &'a View) -> Vec<Package<'a>> {
    let mut by_folder: BTreeMap<Vec<u8>, Option<&'a Manifest>> = BTreeMap::new();
    for (_, entry) in view.all() {
        let folder = entry.path.parent();
        match entry.manifest.as_deref() {
            Some(manifest) if of(&entry.path) == Language::CARGO_MANIFEST => {
                by_folder.insert(folder.to_vec(), Some(manifest));
            }
            _ if matches!(entry.path.file_name(), b"lib.rs" | b"main.rs") && ends_with_src(folder) => {
                by_folder.entry(before_src(folder).to_vec()).or_default();
            }
            _ => {}
        }
    }
    let folders: BTreeSet<Vec<u8>> = by_folder.keys().cloned().collect();
    let made = by_folder.into_iter().map(|(folder, manifest)| package(view, folder, manifest, &folders));
    made.collect()
}

fn ends_with_src(folder: &[u8]) -> bool {
    folder == b"src" || folder.ends_with(b"/src")
}

fn before_src(folder: &[u8]) -> &[u8] {
    folder.strip_suffix(b"src").map_or(folder, |rest| rest.strip_suffix(b"/").unwrap_or(rest))
}

fn package<'a>(
    view: &'a View,
    folder: Vec<u8>,
    manifest: Option<&'a Manifest>,
    folders: &BTreeSet<Vec<u8>>,
) -> Package<'a> {
    let at = |relative: &str| join(&folder, relative.as_bytes()).and_then(|path| view.file_at(&path));
    let lib = at(manifest.and_then(|manifest| manifest.lib_path.as_deref()).unwrap_or("src/lib.rs"));
    let mut others = BTreeMap::new();
    others.extend(at("src/main.rs").map(|root| (root, true)));
    let build = manifest.and_then(|manifest| manifest.build.as_deref()).unwrap_or("build.rs");
    others.extend(at(build).map(|root| (root, false)));
    let named = manifest.map(|manifest| manifest.target_paths.as_slice()).unwrap_or_default();
    others.extend(named.iter().filter_map(|path| at(path)).map(|root| (root, true)));
    for (file, entry) in view.files_below(&folder) {
        if let Some(inside) = below(entry.path.as_bytes(), &folder)
            && target_kind(inside).is_some_and(|kind| manifest.is_none_or(|m| !m.not_discovered.contains(&kind)))
            && !is_in_nested_package(entry.path.parent(), &folder, folders)
        {
            others.insert(file, true);
        }
    }
    others.retain(|&root, _| Some(root) != lib && of(view.path(root)) == Language::RUST);
    let by_folder =
        String::from_utf8_lossy(folder.rsplit(|&byte| byte == b'/').next().unwrap_or_default()).into_owned();
    let name = manifest.and_then(|manifest| manifest.package.clone()).unwrap_or(by_folder);
    Package { folder, manifest, name, lib, others }
}

fn below<'p>(path: &'p [u8], folder: &[u8]) -> Option<&'p [u8]> {
    if folder.is_empty() { Some(path) } else { path.strip_prefix(folder)?.strip_prefix(b"/") }
}

fn is_in_nested_package(parent: &[u8], folder: &[u8], folders: &BTreeSet<Vec<u8>>) -> bool {
    let mut at = parent;
    while at != folder {
        if folders.contains(at) {
            return true;
        }
        match at.iter().rposition(|&byte| byte == b'/') {
            Some(slash) => at = &at[..slash],
            None => return false,
        }
    }
    false
}

/// `src/bin/*.rs`, `tests/*.rs`, `examples/*/main.rs` and the like.
fn target_kind(inside: &[u8]) -> Option<TargetKind> {
    let parts: Vec<&[u8]> = inside.split(|&byte| byte == b'/').collect();
    let (kind, rest) = match parts.as_slice() {
        [b"src", b"bin", rest @ ..] => (TargetKind::Bin, rest),
        [b"tests", rest @ ..] => (TargetKind::Test, rest),
        [b"benches", rest @ ..] => (TargetKind::Bench, rest),
        [b"examples", rest @ ..] => (TargetKind::Example, rest),
        _ => return None,
    };
    let is_root = match rest {
        [file] => file.ends_with(b".rs"),
        [_, file] => *file == b"main.rs",
        _ => false,
    };
    is_root.then_some(kind)
}

fn lib_name(package: &Package<'_>) -> String {
    let named = package.manifest.and_then(|manifest| manifest.lib_name.as_deref());
    named.unwrap_or(&package.name).replace('-', "_")
}

fn target_name(view: &View, root: File, package: &Package<'_>) -> String {
    let path = view.path(root);
    let stem = String::from_utf8_lossy(path.file_name()).trim_end_matches(".rs").to_owned();
    match stem.as_str() {
        "main" if ends_with_src(path.parent()) => package.name.replace('-', "_"),
        "main" => {
            let folder = path.parent().rsplit(|&byte| byte == b'/').next().unwrap_or_default();
            String::from_utf8_lossy(folder).replace('-', "_")
        }
        _ => stem.replace('-', "_"),
    }
}

/// Crates that a manifest in a folder lets source name.
fn externs(
    folder: &[u8],
    manifest: Option<&Manifest>,
    packages: &[Package<'_>],
    libs: &[Option<usize>],
) -> FxHashMap<String, usize> {
    let mut externs = FxHashMap::default();
    let Some(manifest) = manifest else { return externs };
    for dependency in &manifest.dependencies {
        let Some((folder, name)) = place(folder, manifest, dependency, packages) else { continue };
        let Some(at) = packages.iter().position(|package| package.folder == folder) else { continue };
        let Some(lib) = libs[at] else { continue };
        let renamed = dependency.alias != packages[at].name && dependency.alias != *name;
        let seen_as = if renamed { dependency.alias.replace('-', "_") } else { lib_name(&packages[at]) };
        externs.insert(seen_as, lib);
    }
    externs
}

/// Folder and name of a dependency: its own path, else that of the workspace's entry, else that of what is patched in its place.
fn place<'a>(
    folder: &[u8],
    manifest: &Manifest,
    dependency: &'a Dependency,
    packages: &[Package<'a>],
) -> Option<(Vec<u8>, &'a String)> {
    if let Some(path) = &dependency.path {
        return Some((join(folder, path.as_bytes())?, &dependency.package));
    }
    let roots = roots(folder, manifest, packages);
    let written = if dependency.inherited {
        let entries = roots.iter().find_map(|(root, manifest)| {
            let named = |entry: &&Dependency| entry.alias == dependency.alias;
            Some((*root, manifest.workspace_dependencies.iter().find(named)?))
        });
        let (root, entry) = entries?;
        if let Some(path) = &entry.path {
            return Some((join(root, path.as_bytes())?, &entry.package));
        }
        entry
    } else {
        dependency
    };
    let patch = roots.iter().find_map(|(root, manifest)| {
        let is_patched = |patch: &&Patch| {
            patch.package == written.package && patch.source.as_ref().is_none_or(|source| *source == written.source)
        };
        Some((*root, manifest.patches.iter().find(is_patched)?))
    });
    let (root, patch) = patch?;
    Some((join(root, patch.path.as_bytes())?, &written.package))
}

/// The manifests that can be the workspace of a folder, the nearest first: the one that is named, else those above and its own.
fn roots<'p, 'a>(folder: &[u8], manifest: &Manifest, packages: &'p [Package<'a>]) -> Vec<(&'p [u8], &'a Manifest)> {
    let named = manifest.workspace.as_ref().and_then(|path| join(folder, path.as_bytes()));
    let manifests = packages.iter().filter_map(|package| Some((package.folder.as_slice(), package.manifest?)));
    let mut roots: Vec<(&[u8], &Manifest)> = manifests
        .filter(|(root, _)| match &named {
            Some(named) => root == named,
            None => root.is_empty() || below(folder, root).is_some() || folder == *root,
        })
        .collect();
    roots.sort_by_key(|(root, _)| std::cmp::Reverse(root.len()));
    roots
}

/// Targets that are a file with a manifest of its own: `cargo run tool.rs`.
fn scripts(view: &View, crates: &mut Vec<Crate>, packages: &[Package<'_>], libs: &[Option<usize>]) {
    for (file, entry) in view.all() {
        let Some(manifest) = entry.manifest.as_deref().filter(|_| of(&entry.path) == Language::RUST) else {
            continue;
        };
        let folder = entry.path.parent();
        let externs = externs(folder, Some(manifest), packages, libs);
        let mut roots = crates.iter_mut().filter(|known| known.root == file).peekable();
        if roots.peek().is_some() {
            // It is a target of a package as well.
            roots.for_each(|known| known.externs.extend(externs.iter().map(|(name, lib)| (name.clone(), *lib))));
            continue;
        }
        let stem = String::from_utf8_lossy(entry.path.file_name()).trim_end_matches(".rs").replace('-', "_");
        crates.push(Crate {
            name: manifest.package.as_ref().map_or(stem, |name| name.replace('-', "_")),
            root: file,
            folder: folder.to_vec(),
            is_edition_2015: manifest.edition.as_deref() == Some("2015"),
            is_alone: true,
            externs,
        });
    }
}
