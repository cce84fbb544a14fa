//! Which package a dotted name means, and which of several files that define one name of a package.
//!
//! A file belongs to the package that its first clause names, wherever it lies; so source folders, generated sources and several modules
//! in one repository need no settings. Folders matter in one case: where two files define the same name, a file's own source folder
//! comes first, then its module, then what lies nearest.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::domain::FilePath;
use crate::language::eval::rules::{FileNo, FolderNo, Outsider, Place, Project, ProjectFile};

/// Files that make the folder in which they lie a module of its own.
const BUILD_FILES: &[&str] = &["pom.xml", "build.gradle", "build.gradle.kts", "build.xml", "BUILD", "BUILD.bazel"];

/// Folders inside a module, above its source folders.
const SOURCE_FOLDERS: &[&str] = &["src", "target", "build", "out", "gen", "generated"];

/// Where a file's package begins.
#[derive(Clone, Default)]
struct SourceRoot {
    /// `core/src/main/java`
    folder: String,
    /// `core`
    module: String,
    is_test: bool,
    /// Among all files, those of later paths lower.
    rank: u64,
}

pub(super) struct JavaProject {
    /// Package and source folder of each file; `None`: of another language.
    files: Vec<Option<(FolderNo, SourceRoot)>>,
    /// Names of packages and of all that they lie in, the unnamed package first.
    packages: Vec<String>,
    numbers: FxHashMap<String, FolderNo>,
    by_package: FxHashMap<FolderNo, Vec<Place>>,
}

impl JavaProject {
    pub(super) fn new(files: &[ProjectFile<'_>]) -> Self {
        let package = |file: &ProjectFile<'_>| file.facts.and_then(|facts| facts.manifest.clone());
        let mut names: BTreeSet<String> = BTreeSet::from([String::new()]);
        for mut name in files.iter().filter(|file| file.is_own).filter_map(package) {
            while names.insert(name.clone()) {
                name.truncate(name.rfind('.').unwrap_or(0));
            }
        }
        let packages: Vec<String> = names.into_iter().collect();
        let numbers: FxHashMap<String, FolderNo> =
            packages.iter().enumerate().map(|(at, name)| (name.clone(), at as FolderNo)).collect();
        let modules: FxHashSet<String> = files.iter().filter_map(|file| module_of(&file.path.to_string())).collect();
        let mut by_package: FxHashMap<FolderNo, Vec<Place>> = FxHashMap::default();
        let mut by_path: Vec<usize> = (0..files.len()).collect();
        by_path.sort_by(|&one, &other| files[other].path.cmp(files[one].path));
        let mut ranks = vec![0; files.len()];
        by_path.into_iter().enumerate().for_each(|(rank, file)| ranks[file] = rank as u64);
        let mut rooted = Vec::with_capacity(files.len());
        for (at, file) in files.iter().enumerate() {
            let number = package(file).filter(|_| file.is_own).and_then(|name| numbers.get(&name).copied());
            rooted.push(number.map(|number| {
                by_package.entry(number).or_default().push(Place::File(at as FileNo));
                let name = packages.get(number as usize).map_or("", String::as_str);
                let root = source_root(&file.path.to_string(), name, &modules);
                (number, SourceRoot { rank: ranks[at], ..root })
            }));
        }
        Self { files: rooted, packages, numbers, by_package }
    }

    fn rooted(&self, file: FileNo) -> Option<&(FolderNo, SourceRoot)> {
        self.files.get(file as usize).and_then(Option::as_ref)
    }

    fn name(&self, place: Place) -> Option<&str> {
        let folder = match place {
            Place::Folder(folder) => folder,
            Place::File(file) => self.rooted(file)?.0,
        };
        self.packages.get(folder as usize).map(String::as_str)
    }

    /// The longest beginning of a dotted name that is a package with files.
    fn longest(&self, specifier: &str) -> Option<FolderNo> {
        let mut name = specifier;
        loop {
            let folder = self.numbers.get(name).copied().filter(|folder| self.by_package.contains_key(folder));
            if folder.is_some() || name.is_empty() {
                return folder;
            }
            name = name.rsplit_once('.').map_or("", |(parent, _)| parent);
        }
    }
}

impl Project for JavaProject {
    fn resolve(&self, specifier: &str, _: FileNo) -> Option<Place> {
        let folder = self.longest(specifier)?;
        // The unnamed package has no name by which others could import from it.
        (folder != 0 || specifier.is_empty()).then_some(Place::Folder(folder))
    }

    fn inside(&self, package: Place, name: &str) -> Option<Place> {
        let package = self.name(package)?;
        let inside = if package.is_empty() { name.to_owned() } else { format!("{package}.{name}") };
        self.numbers.get(&inside).map(|&folder| Place::Folder(folder))
    }

    fn modules_in(&self, package: Place) -> Vec<Place> {
        match package {
            Place::Folder(folder) => self.by_package.get(&folder).cloned().unwrap_or_default(),
            Place::File(_) => Vec::new(),
        }
    }

    fn entries_of(&self, file: FileNo) -> Vec<(String, String)> {
        let mut entries = Vec::new();
        let mut at = self.name(Place::File(file)).unwrap_or_default();
        while !at.is_empty() {
            let (parent, last) = at.rsplit_once('.').unwrap_or(("", at));
            entries.push((parent.to_owned(), last.to_owned()));
            at = parent;
        }
        entries
    }

    fn name_of(&self, place: Place) -> String {
        let name = self.name(place).unwrap_or_default();
        name.rsplit('.').next().unwrap_or_default().to_owned()
    }

    fn identity(&self, place: Place) -> String {
        self.name(place).unwrap_or_default().to_owned()
    }

    fn module_path(&self, file: FileNo) -> Option<String> {
        self.name(Place::File(file)).map(str::to_owned).filter(|name| !name.is_empty())
    }

    /// A type that a package of the repository should have. By convention names of types begin with a capital letter, those of packages do not.
    fn is_missing(&self, specifier: &str, _: FileNo) -> bool {
        let Some(folder) = self.longest(specifier).filter(|&folder| folder != 0) else { return false };
        let package = self.packages.get(folder as usize).map_or("", String::as_str);
        let rest = specifier.get(package.len()..).unwrap_or_default().trim_start_matches('.');
        rest.starts_with(char::is_uppercase)
    }

    fn outsider(&self, path: &FilePath) -> Outsider {
        if module_of(&path.to_string()).is_some() { Outsider::Settings } else { Outsider::Nothing }
    }

    fn root(&self) -> Option<Place> {
        Some(Place::Folder(0))
    }

    fn package(&self, place: Place) -> Option<&str> {
        self.name(place)
    }

    /// One file alone is the nearest: itself, else by folders, else the first by its path.
    fn nearness(&self, from: FileNo, declared_in: FileNo) -> Option<u64> {
        if from == declared_in {
            return Some(u64::MAX);
        }
        let (Some((_, from)), Some((_, of))) = (self.rooted(from), self.rooted(declared_in)) else { return Some(0) };
        let shared = from.folder.split('/').zip(of.folder.split('/')).take_while(|(one, other)| one == other).count();
        // Tests see what they test; nothing else sees tests.
        let is_seen = u64::from(!of.is_test || from.is_test);
        let (is_root, is_module) = (u64::from(from.folder == of.folder), u64::from(from.module == of.module));
        Some(1 << 52 | is_seen << 51 | is_root << 50 | is_module << 49 | (shared as u64) << 32 | of.rank)
    }
}

/// The folder that a build file makes a module.
fn module_of(path: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    BUILD_FILES.contains(&name).then(|| folder.to_owned())
}

fn source_root(path: &str, package: &str, modules: &FxHashSet<String>) -> SourceRoot {
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let folders = package.replace('.', "/");
    let folder = parent.strip_suffix(&folders).map_or(parent, |root| root.trim_end_matches('/')).to_owned();
    let mut module = folder.as_str();
    while !modules.contains(module) && !module.is_empty() {
        module = module.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
    let module = if modules.contains(module) { module.to_owned() } else { above_sources(&folder) };
    let inside = folder.strip_prefix(&module).unwrap_or(&folder);
    let is_test = inside.split('/').any(|part| part.to_ascii_lowercase().contains("test"));
    SourceRoot { folder, module, is_test, rank: 0 }
}

/// `core` of `core/src/main/java`.
fn above_sources(folder: &str) -> String {
    let parts: Vec<&str> = folder.split('/').collect();
    let inside = parts.iter().position(|part| SOURCE_FOLDERS.contains(part)).unwrap_or(parts.len());
    parts.get(..inside).unwrap_or_default().join("/")
}
