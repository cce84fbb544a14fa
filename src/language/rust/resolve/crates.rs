//! Which crates there are, where their roots lie and by what names they see each other.
//!
//! After The Cargo Book: "Cargo Targets" (target auto-discovery), "Workspaces", "Specifying Dependencies".

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::view::{File, View, join};
use crate::domain::Language;
use crate::language::of;
use crate::language::rust::manifest::{Manifest, TargetKind};

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
        let externs = externs(package, &packages, &libs);
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
    crates
}

fn packages<'a>(view: &'a View) -> Vec<Package<'a>> {
    let mut by_folder: BTreeMap<Vec<u8>, Option<&'a Manifest>> = BTreeMap::new();
    for entry in &view.files {
        let folder = entry.path.parent();
        match &entry.outline.manifest {
            Some(manifest) => {
                by_folder.insert(folder.to_vec(), Some(manifest));
            }
            None if matches!(entry.path.file_name(), b"lib.rs" | b"main.rs") && ends_with_src(folder) => {
                by_folder.entry(before_src(folder).to_vec()).or_default();
            }
            None => {}
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

fn externs(package: &Package<'_>, packages: &[Package<'_>], libs: &[Option<usize>]) -> FxHashMap<String, usize> {
    let mut externs = FxHashMap::default();
    let Some(manifest) = package.manifest else { return externs };
    for dependency in &manifest.dependencies {
        let target = match (&dependency.path, dependency.inherited) {
            (Some(path), _) => join(&package.folder, path.as_bytes()).map(|folder| (folder, &dependency.package)),
            (None, true) => inherited(&package.folder, packages_manifests(packages), &dependency.alias),
            (None, false) => None,
        };
        let Some((folder, name)) = target else { continue };
        let Some(at) = packages.iter().position(|package| package.folder == folder) else { continue };
        let Some(lib) = libs[at] else { continue };
        let renamed = dependency.alias != packages[at].name && dependency.alias != *name;
        let seen_as = if renamed { dependency.alias.replace('-', "_") } else { lib_name(&packages[at]) };
        externs.insert(seen_as, lib);
    }
    externs
}

fn packages_manifests<'p, 'a>(packages: &'p [Package<'a>]) -> impl Iterator<Item = (&'p [u8], &'a Manifest)> {
    packages.iter().filter_map(|package| Some((package.folder.as_slice(), package.manifest?)))
}

/// Folder and name of a dependency that the nearest workspace above defines.
fn inherited<'p, 'a: 'p>(
    folder: &[u8],
    manifests: impl Iterator<Item = (&'p [u8], &'a Manifest)>,
    alias: &str,
) -> Option<(Vec<u8>, &'a String)> {
    let above = manifests.filter(|(root, _)| root.is_empty() || below(folder, root).is_some() || folder == *root);
    let found = above.filter_map(|(root, manifest)| {
        let dependency = manifest.workspace_dependencies.iter().find(|dependency| dependency.alias == alias)?;
        let path = dependency.path.as_deref()?;
        Some((root.len(), join(root, path.as_bytes())?, &dependency.package))
    });
    found.max_by_key(|(depth, ..)| *depth).map(|(_, folder, package)| (folder, package))
}
