//! Which package an import path means: a folder of the nearest module, of a module that is replaced by one in the repository, of what is
//! vendored, or of another module of the repository.
//!
//! A package is the files of a folder with the same package clause, whatever their build tags: so a folder can hold a package, its
//! external tests and a program that only `go run` sees.

pub(super) mod manifest;

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::language::eval::facts::Facts;
use crate::language::eval::rules::{FileNo, FolderNo, Place, Project, ProjectFile, package_name};
use manifest::directives;

/// What a Go file says to the project: its package clause, and that no build holds it.
pub(super) const CLAUSE: &str = "package ";
pub(super) const IGNORED: &str = " ignore";

/// How a file asks for its own package.
pub(super) const OWN: &str = ".";

struct GoPackage {
    /// The folder and the clause, as the scope is called.
    identity: String,
    name: String,
    /// In the order of paths.
    files: Vec<FileNo>,
}

/// The files of each folder and package clause: path, number, and whether no build holds it.
type Clauses = BTreeMap<(String, String), Vec<(String, FileNo, bool)>>;

/// A module of the view.
struct GoModule {
    folder: String,
    path: String,
    /// Import paths that folders stand for.
    replaced: Vec<(String, String)>,
    /// Modules that it takes from elsewhere.
    required: Vec<String>,
}

pub(super) struct GoProject {
    /// Paths by number; of other languages' files they are empty.
    paths: Vec<String>,
    packages: Vec<GoPackage>,
    /// The package of each file.
    package_of: FxHashMap<FileNo, FolderNo>,
    /// The package that importing a folder gives.
    by_folder: FxHashMap<String, FolderNo>,
    /// Folders with Go files, read or not.
    folders: FxHashSet<String>,
    /// The last names of folders that can be imported, and import paths that name none.
    tails: FxHashSet<String>,
    /// Longer folders first.
    modules: Vec<GoModule>,
    /// What workspaces say of all their modules.
    replaced: Vec<(String, String)>,
}

impl GoProject {
    pub(super) fn new(files: &[ProjectFile<'_>]) -> Self {
        let mut project = Self {
            paths: files.iter().map(|file| if file.is_own { file.path.to_string() } else { String::new() }).collect(),
            packages: Vec::new(),
            package_of: FxHashMap::default(),
            by_folder: FxHashMap::default(),
            folders: FxHashSet::default(),
            tails: FxHashSet::default(),
            modules: Vec::new(),
            replaced: Vec::new(),
        };
        let mut packages = Clauses::new();
        for (file, (path, one)) in project.paths.iter().zip(files).enumerate() {
            let said = one.facts.and_then(|facts: &Facts| facts.manifest.as_deref());
            if path.ends_with(".go") {
                project.folders.insert(parent(path).to_owned());
                let Some(clause) = said.and_then(|said| said.strip_prefix(CLAUSE)) else { continue };
                let (name, is_ignored) = match clause.strip_suffix(IGNORED) {
                    Some(name) => (name, true),
                    None => (clause, false),
                };
                let place = packages.entry((parent(path).to_owned(), name.to_owned())).or_default();
                place.push((path.clone(), file as FileNo, is_ignored));
            } else if let Some(said) = said {
                match last(path) {
                    "go.mod" => project.modules.extend(module(parent(path), said)),
                    _ => project.replaced.extend(replacements(parent(path), said)),
                }
            }
        }
        project.modules.sort_by(|one, other| {
            (other.folder.len(), &one.folder, &one.path).cmp(&(one.folder.len(), &other.folder, &other.path))
        });
        project.replaced.sort();
        project.number(packages);
        project
    }

    fn number(&mut self, packages: Clauses) {
        // The package of a folder that others import: that of most files that are built, tests and programs last.
        let mut best: BTreeMap<String, ((bool, usize), FolderNo)> = BTreeMap::new();
        for ((folder, name), mut files) in packages {
            files.sort();
            let number = self.packages.len() as FolderNo;
            let built = files.iter().filter(|(path, _, is_ignored)| !is_ignored && !is_test(path)).count();
            let rank = (name != "main", built);
            if built > 0 && best.get(&folder).is_none_or(|(known, _)| rank > *known) {
                best.insert(folder.clone(), (rank, number));
            }
            let files: Vec<FileNo> = files.into_iter().map(|(_, file, _)| file).collect();
            self.package_of.extend(files.iter().map(|&file| (file, number)));
            let identity = package_name(&folder, &format!("./{name}"));
            self.packages.push(GoPackage { identity, name, files });
        }
        self.by_folder = best.into_iter().map(|(folder, (_, number))| (folder, number)).collect();
        self.tails.extend(self.by_folder.keys().map(|folder| last(folder).to_owned()));
        let whole = self.modules.iter().map(|module| &module.path);
        let replaced = self.modules.iter().flat_map(|module| &module.replaced).chain(&self.replaced);
        self.tails.extend(whole.chain(replaced.map(|(path, _)| path)).cloned());
    }

    fn path(&self, file: FileNo) -> &str {
        self.paths.get(file as usize).map_or("", String::as_str)
    }

    fn at(&self, folder: &str) -> Option<Place> {
        self.by_folder.get(folder).map(|&package| Place::Folder(package))
    }

    /// The module that a folder belongs to.
    fn module_of(&self, folder: &str) -> Option<&GoModule> {
        self.modules.iter().find(|module| is_below(folder, &module.folder))
    }

    /// The folders that an import path can mean in a file, the likeliest first.
    fn candidates(&self, specifier: &str, from: &str) -> Vec<String> {
        let folder = parent(from);
        if specifier.starts_with("./") || specifier.starts_with("../") {
            return relative(folder, specifier).into_iter().collect();
        }
        let own = self.module_of(folder);
        let mut found = Vec::new();
        let replaced = own.map(|module| module.replaced.as_slice()).unwrap_or_default().iter().chain(&self.replaced);
        let mut replaced: Vec<(&str, String)> =
            replaced.filter_map(|(path, to)| Some((path.as_str(), joined(to, inside(specifier, path)?)))).collect();
        replaced.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        found.extend(replaced.into_iter().map(|(_, folder)| folder));
        // Other modules of the repository: the longest path first, then the nearest.
        let mut modules: Vec<&GoModule> =
            self.modules.iter().filter(|module| inside(specifier, &module.path).is_some()).collect();
        modules.sort_by_key(|module| {
            let is_own = own.is_some_and(|own| own.folder == module.folder);
            (std::cmp::Reverse(module.path.len()), !is_own, std::cmp::Reverse(common(&module.folder, folder)))
        });
        found
            .extend(modules.iter().filter_map(|module| Some(joined(&module.folder, inside(specifier, &module.path)?))));
        let mut around = Some(folder);
        while let Some(folder) = around {
            found.push(joined(folder, &format!("vendor/{specifier}")));
            around = (!folder.is_empty()).then(|| parent(folder));
        }
        if own.is_none() {
            // A workspace of the time before modules.
            let source = folder.find("src/").filter(|&at| at == 0 || folder[..at].ends_with('/'));
            found.push(joined(source.map_or("", |at| &folder[..at + 3]), specifier));
        }
        found
    }
}

fn module(folder: &str, said: &str) -> Option<GoModule> {
    let all = directives(said);
    let path = all.iter().find(|one| one.word == "module")?.arguments.first()?;
    let required = all.iter().filter(|one| one.word == "require").filter_map(|one| one.arguments.first());
    Some(GoModule {
        folder: folder.to_owned(),
        path: (*path).to_owned(),
        replaced: replacements(folder, said),
        required: required.map(|&path| path.to_owned()).collect(),
    })
}

/// The replacements by folders of the repository: `replace m => ../m`, `replace m v1 => ../m`.
fn replacements(folder: &str, said: &str) -> Vec<(String, String)> {
    let all = directives(said);
    let of = |arguments: &[&str]| {
        let arrow = arguments.iter().position(|&word| word == "=>")?;
        let (path, to) = (arguments.first()?, arguments.get(arrow + 1)?);
        Some(((*path).to_owned(), relative(folder, to)?))
    };
    all.iter().filter(|one| one.word == "replace").filter_map(|one| of(&one.arguments)).collect()
}

impl Project for GoProject {
    fn resolve(&self, specifier: &str, from: FileNo) -> Option<Place> {
        if specifier == OWN {
            return self.package_of.get(&from).map(|&package| Place::Folder(package));
        }
        // Most imports are of the standard library.
        if !self.tails.contains(last(specifier)) && !self.tails.contains(specifier) {
            return None;
        }
        self.candidates(specifier, self.path(from)).iter().find_map(|folder| self.at(folder))
    }

    fn inside(&self, _package: Place, _name: &str) -> Option<Place> {
        None
    }

    fn modules_in(&self, package: Place) -> Vec<Place> {
        let Place::Folder(package) = package else { return Vec::new() };
        let files = self.packages.get(package as usize).map(|package| package.files.as_slice()).unwrap_or_default();
        files.iter().map(|&file| Place::File(file)).collect()
    }

    fn entries_of(&self, _file: FileNo) -> Vec<(String, String)> {
        Vec::new()
    }

    fn name_of(&self, place: Place) -> String {
        match place {
            Place::Folder(package) => self.packages.get(package as usize).map(|one| one.name.clone()),
            Place::File(file) => self.package_of.get(&file).map(|&package| self.name_of(Place::Folder(package))),
        }
        .unwrap_or_default()
    }

    fn identity(&self, place: Place) -> String {
        match place {
            Place::Folder(_) => self.package(place).unwrap_or_default().to_owned(),
            Place::File(file) => self.path(file).to_owned(),
        }
    }

    fn module_path(&self, file: FileNo) -> Option<String> {
        let path = self.path(file);
        let name = self.name_of(Place::Folder(*self.package_of.get(&file)?));
        let folder = parent(path);
        let import = match self.module_of(folder) {
            Some(module) => joined(&module.path, folder.strip_prefix(&module.folder)?.trim_start_matches('/')),
            None => folder.to_owned(),
        };
        let is_external = is_test(path) && name.ends_with("_test");
        Some(if is_external { format!("{import}_test") } else { import }).filter(|path| !path.is_empty())
    }

    fn package(&self, place: Place) -> Option<&str> {
        let Place::Folder(package) = place else { return None };
        self.packages.get(package as usize).map(|package| package.identity.as_str())
    }

    /// What tests declare is seen by the tests of their folder alone.
    fn nearness(&self, from: FileNo, declared_in: FileNo) -> Option<u64> {
        let (from, declared_in) = (self.path(from), self.path(declared_in));
        (!is_test(declared_in) || is_test(from) && parent(from) == parent(declared_in)).then_some(0)
    }

    fn is_missing(&self, specifier: &str, from: FileNo) -> bool {
        let from = self.path(from);
        let Some(own) = self.module_of(parent(from)).filter(|_| specifier != OWN) else { return false };
        let Some(rest) = inside(specifier, &own.path) else { return false };
        if self.candidates(specifier, from).iter().any(|folder| self.folders.contains(folder)) {
            return false;
        }
        // `m/v2` is another module than `m`, and so is one that is required or lies in the repository by itself.
        let first = rest.split('/').next().unwrap_or_default();
        let is_major = first.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        let is_longer = |path: &str| path.len() > own.path.len() && inside(specifier, path).is_some();
        !is_major && !own.required.iter().any(|path| is_longer(path))
    }
}

fn is_test(path: &str) -> bool {
    path.ends_with("_test.go")
}

/// What an import path names inside a module.
fn inside<'p>(specifier: &'p str, module: &str) -> Option<&'p str> {
    // The standard library's packages are named without their module.
    if module == "std" {
        return Some(specifier);
    }
    let rest = specifier.strip_prefix(module)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

fn is_below(folder: &str, above: &str) -> bool {
    above.is_empty() || folder.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `../a` as seen from a folder; `None`: outside the repository.
fn relative(folder: &str, written: &str) -> Option<String> {
    if !written.starts_with('.') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in written.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn last(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, last)| last)
}

fn joined(folder: &str, name: &str) -> String {
    match (folder.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => folder.to_owned(),
        _ => format!("{folder}/{name}"),
    }
}

/// How many folders two paths share from the top.
fn common(one: &str, other: &str) -> usize {
    let shared: BTreeSet<(usize, &str)> = one.split('/').enumerate().collect();
    other.split('/').enumerate().take_while(|part| shared.contains(part)).count()
}
