//! Which namespace a dotted name means, and which projects' files a file sees.
//!
//! A project is a folder with a project file; the files below it belong to the nearest one. It sees itself, the projects to which it
//! refers, theirs, and files without a project, which see all. What a type keeps inside its project is seen by it and its friends.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::language::eval::facts::{Exported, FactScopeKind, Facts};
use crate::language::eval::rules::{FileNo, FolderNo, Place, Project, ProjectFile};

/// What lines of a manifest begin with. Those of a source file are the namespaces in which it declares, its friends, and what it hands on.
pub(super) const REFERENCE: &str = "reference ";
pub(super) const FRIEND: &str = "friend ";
pub(super) const NAMED: &str = "named ";
pub(super) const DECLARES: &str = "declares ";
/// What is handed on to the whole project; the imports themselves say what it is.
pub(super) const GIVEN: &str = "given ";

/// The specifier that means the project of the file itself.
pub(super) const OWN_PROJECT: &str = ".";

/// Stands between the namespace in which a specifier is written, and what is written.
pub(super) const WRITTEN_IN: char = ':';

/// One project: all project files of a folder together.
#[derive(Default)]
struct ProjectFolder {
    folder: String,
    /// What it is called by others, without an end.
    names: BTreeSet<String>,
    references: BTreeSet<String>,
    friends: BTreeSet<String>,
    /// Projects that it sees, itself first.
    visible: BTreeSet<usize>,
    /// Files that hand imports on to the others.
    givers: Vec<FileNo>,
    /// Stands for all that decides what names mean in its files.
    identity: String,
}

pub(super) struct SharpProject {
    /// Of each file the project, if it has one.
    files: Vec<Option<usize>>,
    projects: Vec<ProjectFolder>,
    /// For files without a project.
    loose: ProjectFolder,
    /// Namespaces and all that they lie in, the global one first.
    namespaces: Vec<String>,
    numbers: FxHashMap<String, FolderNo>,
    by_namespace: FxHashMap<FolderNo, Vec<Place>>,
    declared: Vec<Vec<FolderNo>>,
    /// Among all files, those of later paths lower.
    ranks: Vec<u64>,
    folders: Vec<String>,
}

impl SharpProject {
    pub(super) fn new(files: &[ProjectFile<'_>]) -> Self {
        let paths: Vec<String> = files.iter().map(|file| file.path.to_string()).collect();
        let folders: Vec<String> = paths.iter().map(|path| folder_of(path).to_owned()).collect();
        let manifests: Vec<&str> = files.iter().map(manifest_of).collect();
        let (mut projects, owners) = projects_of(&paths, &folders, &manifests);
        let mut loose = ProjectFolder::default();
        for (at, file) in files.iter().enumerate() {
            if is_of_all_below(&paths[at]) {
                let manifest = manifests.get(at).copied().unwrap_or_default();
                let concerned =
                    projects.iter_mut().filter(|project| nearest_above(&paths, &manifests, &project.folder, at));
                concerned.for_each(|project| project.take(at as FileNo, file.facts, manifest));
                continue;
            }
            let project = owners.get(at).copied().flatten().and_then(|one| projects.get_mut(one));
            project.unwrap_or(&mut loose).take(
                at as FileNo,
                file.facts,
                manifests.get(at).copied().unwrap_or_default(),
            );
        }
        add_visible(&mut projects);
        let identities: Vec<String> = projects.iter().map(|one| one.identity_among(&projects, files)).collect();
        for (project, identity) in projects.iter_mut().zip(identities) {
            project.identity = identity;
        }
        loose.identity = loose.identity_among(&projects, files);
        let mut by_path: Vec<usize> = (0..files.len()).collect();
        by_path.sort_by(|&one, &other| paths[other].cmp(&paths[one]));
        let mut ranks = vec![0; files.len()];
        by_path.into_iter().enumerate().for_each(|(rank, file)| ranks[file] = rank as u64);
        let mut project = Self {
            files: owners,
            projects,
            loose,
            namespaces: Vec::new(),
            numbers: FxHashMap::default(),
            by_namespace: FxHashMap::default(),
            declared: Vec::new(),
            ranks,
            folders,
        };
        project.add_namespaces(&manifests);
        project
    }

    fn add_namespaces(&mut self, manifests: &[&str]) {
        let mut names: BTreeSet<String> = BTreeSet::from([String::new()]);
        for mut name in manifests.iter().flat_map(|manifest| lines(manifest, DECLARES)).map(str::to_owned) {
            while names.insert(name.clone()) {
                name.truncate(name.rfind('.').unwrap_or(0));
            }
        }
        self.namespaces = names.into_iter().collect();
        let numbered = self.namespaces.iter().enumerate();
        self.numbers = numbered.map(|(at, name)| (name.clone(), at as FolderNo)).collect();
        for (file, manifest) in manifests.iter().enumerate() {
            let own = lines(manifest, DECLARES).filter_map(|name| self.numbers.get(name).copied());
            let own: Vec<FolderNo> = own.collect();
            for &namespace in &own {
                self.by_namespace.entry(namespace).or_default().push(Place::File(file as FileNo));
            }
            self.declared.push(own);
        }
    }

    fn project_of(&self, file: FileNo) -> &ProjectFolder {
        let project = self.files.get(file as usize).copied().flatten();
        project.and_then(|project| self.projects.get(project)).unwrap_or(&self.loose)
    }

    fn name(&self, place: Place) -> Option<&str> {
        let folder = match place {
            Place::Folder(folder) => folder,
            Place::File(file) => *self.declared.get(file as usize)?.first()?,
        };
        self.namespaces.get(folder as usize).map(String::as_str)
    }

    /// The place of a project comes behind those of the namespaces.
    fn project_at(&self, folder: FolderNo) -> Option<&ProjectFolder> {
        match (folder as usize).checked_sub(self.namespaces.len())? {
            0 => Some(&self.loose),
            project => self.projects.get(project - 1),
        }
    }

    /// The longest beginning of a dotted name that is a namespace, if it is longer than so many bytes.
    fn longest(&self, name: &str, above: usize) -> Option<FolderNo> {
        let mut name = name;
        while name.len() > above {
            if let Some(&folder) = self.numbers.get(name) {
                return Some(folder);
            }
            name = name.rsplit_once('.').map_or("", |(parent, _)| parent);
        }
        None
    }

    fn is_same_project(&self, one: FileNo, other: FileNo) -> bool {
        self.files.get(one as usize) == self.files.get(other as usize)
    }
}

impl Project for SharpProject {
    fn resolve(&self, specifier: &str, from: FileNo) -> Option<Place> {
        if specifier == OWN_PROJECT {
            let project = self.files.get(from as usize).copied().flatten().map_or(0, |project| project + 1);
            return Some(Place::Folder((self.namespaces.len() + project) as FolderNo));
        }
        let (mut around, written) = specifier.split_once(WRITTEN_IN).unwrap_or(("", specifier));
        if written.is_empty() {
            return self.numbers.get("").map(|&folder| Place::Folder(folder));
        }
        loop {
            let whole = if around.is_empty() { written.to_owned() } else { format!("{around}.{written}") };
            if let Some(folder) = self.longest(&whole, around.len()) {
                return Some(Place::Folder(folder));
            }
            if around.is_empty() {
                return None;
            }
            around = around.rsplit_once('.').map_or("", |(parent, _)| parent);
        }
    }

    fn inside(&self, package: Place, name: &str) -> Option<Place> {
        let package = self.name(package)?;
        let inside = if package.is_empty() { name.to_owned() } else { format!("{package}.{name}") };
        self.numbers.get(&inside).map(|&folder| Place::Folder(folder))
    }

    fn modules_in(&self, package: Place) -> Vec<Place> {
        let Place::Folder(folder) = package else { return Vec::new() };
        if let Some(project) = self.project_at(folder) {
            return project.givers.iter().map(|&file| Place::File(file)).collect();
        }
        self.by_namespace.get(&folder).cloned().unwrap_or_default()
    }

    fn entries_of(&self, file: FileNo) -> Vec<(String, String)> {
        let mut entries = BTreeSet::new();
        for &namespace in self.declared.get(file as usize).into_iter().flatten() {
            let mut at = self.namespaces.get(namespace as usize).map_or("", String::as_str);
            while !at.is_empty() {
                let (parent, last) = at.rsplit_once('.').unwrap_or(("", at));
                entries.insert((parent.to_owned(), last.to_owned()));
                at = parent;
            }
        }
        entries.into_iter().collect()
    }

    fn name_of(&self, place: Place) -> String {
        let name = self.name(place).unwrap_or_default();
        name.rsplit('.').next().unwrap_or_default().to_owned()
    }

    fn identity(&self, place: Place) -> String {
        let project = match place {
            Place::Folder(folder) => self.project_at(folder),
            Place::File(_) => None,
        };
        project.map_or_else(|| self.name(place).unwrap_or_default().to_owned(), |project| project.identity.clone())
    }

    fn module_path(&self, file: FileNo) -> Option<String> {
        self.name(Place::File(file)).map(str::to_owned).filter(|name| !name.is_empty())
    }

    /// A namespace that no file has is one of a library.
    fn is_missing(&self, _: &str, _: FileNo) -> bool {
        false
    }

    fn root(&self) -> Option<Place> {
        Some(Place::Folder(0))
    }

    fn package(&self, place: Place) -> Option<&str> {
        self.name(place)
    }

    /// Its own project, then those that it sees, then files without one; nothing else.
    fn nearness(&self, from: FileNo, declared_in: FileNo) -> Option<u64> {
        if self.is_same_project(from, declared_in) {
            return Some(2);
        }
        match (self.files.get(from as usize)?, self.files.get(declared_in as usize)?) {
            (Some(from), Some(of)) => self.projects.get(*from)?.visible.contains(of).then_some(1),
            _ => Some(0),
        }
    }

    fn shared_imports(&self, from: FileNo) -> &[FileNo] {
        &self.project_of(from).givers
    }

    fn sees_inside(&self, from: FileNo, declared_in: FileNo) -> bool {
        // What no project declares is inside none.
        if self.is_same_project(from, declared_in) || self.files.get(declared_in as usize) == Some(&None) {
            return true;
        }
        let (of, from) = (self.project_of(declared_in), self.project_of(from));
        let is_friend = |friend: &String| {
            let name = friend.split(',').next().unwrap_or_default().trim();
            let written_for = |own: &String| {
                let name = name.replace("$(AssemblyName)", own).replace("$(MSBuildProjectName)", own);
                from.names.contains(&name)
            };
            of.names.iter().any(written_for)
        };
        of.friends.iter().any(is_friend)
    }

    /// How much of their folders two files share; of as near ones the first by its path.
    fn closeness(&self, from: FileNo, declared_in: FileNo) -> u64 {
        if from == declared_in {
            return u64::MAX;
        }
        let folder = |file: FileNo| self.folders.get(file as usize).map_or("", String::as_str).split('/');
        let shared = folder(from).zip(folder(declared_in)).take_while(|(one, other)| one == other).count();
        (shared as u64) << 32 | self.ranks.get(declared_in as usize).copied().unwrap_or_default()
    }
}

impl ProjectFolder {
    /// Adds what a file of the project says to it.
    fn take(&mut self, number: FileNo, facts: Option<&Facts>, manifest: &str) {
        self.friends.extend(lines(manifest, FRIEND).map(str::to_owned));
        self.names.extend(lines(manifest, NAMED).map(str::to_owned));
        let exports = facts.map(|facts| facts.exports.as_slice()).unwrap_or_default();
        if !exports.is_empty() {
            self.givers.push(number);
        }
    }

    /// What decides what names mean in the project's files: whom it sees, and what is handed on to all of them.
    fn identity_among(&self, projects: &[Self], files: &[ProjectFile<'_>]) -> String {
        let mut identity = format!("project {} {:?}", self.folder, self.names);
        for &one in &self.visible {
            let seen = projects.get(one);
            identity.push_str(&format!(" sees {:?}", seen.map(|one| (&one.folder, &one.friends, &one.names))));
        }
        for &giver in &self.givers {
            let Some(facts) = files.get(giver as usize).and_then(|file| file.facts) else { continue };
            for export in &facts.exports {
                let given = match export.of {
                    Exported::From(import) => facts
                        .imports
                        .get(import as usize)
                        .map(|import| format!("{} {}", facts.text(import.specifier), import.is_type_only)),
                    _ => Some(facts.text(export.name).to_owned()),
                };
                identity.push_str(&format!(" given {given:?}"));
            }
        }
        identity
    }
}

/// A file of settings for the projects below it.
fn is_of_all_below(path: &str) -> bool {
    path.ends_with("Directory.Build.props") || path.ends_with("Directory.Build.targets")
}

/// Whether such a file is the nearest of its name at or above a folder.
fn nearest_above(paths: &[String], manifests: &[&str], folder: &str, file: usize) -> bool {
    let parts = |path: &str| {
        path.rsplit_once('/').map_or((String::new(), path.to_owned()), |(a, b)| (a.to_owned(), b.to_owned()))
    };
    let (own, name) = parts(&paths[file]);
    let is_above = |above: &str| {
        above.is_empty() || folder == above || folder.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
    };
    let is_nearer = |(path, manifest): (&String, &&str)| {
        let (other, other_name) = parts(path);
        other_name == name && !manifest.is_empty() && is_above(&other) && other.len() > own.len()
    };
    is_above(&own) && !paths.iter().zip(manifests).any(is_nearer)
}

/// The projects of a view, and to which each file belongs.
fn projects_of(paths: &[String], folders: &[String], manifests: &[&str]) -> (Vec<ProjectFolder>, Vec<Option<usize>>) {
    let mut projects: Vec<ProjectFolder> = Vec::new();
    let mut numbers: FxHashMap<&str, usize> = FxHashMap::default();
    for ((path, folder), manifest) in paths.iter().zip(folders).zip(manifests) {
        let Some(stem) = path.rsplit('/').next().and_then(|name| name.strip_suffix(".csproj")) else { continue };
        // One that was deleted says nothing.
        if manifest.is_empty() {
            continue;
        }
        let number = *numbers.entry(folder).or_insert_with(|| {
            projects.push(ProjectFolder { folder: folder.clone(), ..ProjectFolder::default() });
            projects.len() - 1
        });
        let Some(project) = projects.get_mut(number) else { continue };
        project.names.insert(stem.to_owned());
        let references = lines(manifest, REFERENCE).filter_map(|path| joined(folder, folder_of(path)));
        project.references.extend(references);
    }
    let owner = |folder: &String| {
        let mut at = folder.as_str();
        loop {
            if let Some(&number) = numbers.get(at) {
                return Some(number);
            }
            if at.is_empty() {
                return None;
            }
            at = folder_of(at);
        }
    };
    let owners = folders.iter().map(owner).collect();
    (projects, owners)
}

/// Follows the references of each project.
fn add_visible(projects: &mut [ProjectFolder]) {
    let number: FxHashMap<String, usize> =
        projects.iter().enumerate().map(|(at, project)| (project.folder.clone(), at)).collect();
    let direct: Vec<Vec<usize>> = projects
        .iter()
        .map(|project| project.references.iter().filter_map(|folder| number.get(folder).copied()).collect())
        .collect();
    for (at, project) in projects.iter_mut().enumerate() {
        let mut todo = vec![at];
        while let Some(one) = todo.pop() {
            if project.visible.insert(one) {
                todo.extend(direct.get(one).into_iter().flatten());
            }
        }
    }
}

fn manifest_of<'a>(file: &ProjectFile<'a>) -> &'a str {
    file.facts.and_then(|facts| facts.manifest.as_deref()).unwrap_or_default()
}

/// What is behind a word, of the lines that begin with it.
fn lines<'m>(manifest: &'m str, word: &'m str) -> impl Iterator<Item = &'m str> {
    manifest.lines().filter_map(move |line| line.strip_prefix(word))
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path seen from a folder; nothing where it leads out of the repository.
fn joined(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The namespaces in which a file declares types.
pub(super) fn declared_namespaces(facts: &Facts) -> BTreeSet<&str> {
    let of = |binding: &crate::language::eval::facts::Binding| match facts.scope(binding.scope)?.kind {
        FactScopeKind::Package(text) => Some(facts.text(text)),
        _ => None,
    };
    facts.bindings.iter().filter_map(of).collect()
}
