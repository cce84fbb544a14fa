//! What the evaluator asks of a language: which file an import means, and what its names and members mean by convention.

use std::collections::BTreeSet;

use super::facts::{Binding, BindingKind, Facts};
use crate::domain::FilePath;
use crate::language::Symbol;

/// Number of a file of the view.
pub(crate) type FileNo = u32;
/// Number of a folder of the view.
pub(crate) type FolderNo = u32;

/// What a module is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Place {
    File(FileNo),
    /// A folder that can be imported without a file of its own: a namespace package.
    Folder(FolderNo),
}

/// A file of the view as a project sees it.
pub(crate) struct ProjectFile<'a> {
    pub path: &'a FilePath,
    pub facts: Option<&'a Facts>,
    /// The file is of the family's languages; others are there because paths matter.
    pub is_own: bool,
}

/// What a file of no language of the family changes when it comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outsider {
    Nothing,
    /// What files mean whose specifiers, or whose settings, write its name.
    Named,
    /// What any file means: it says where modules are.
    Settings,
}

/// Which file a specifier means. Built again whenever a file comes or goes or a project file changes; then the specifiers of all files
/// are resolved again, and those whose meaning changed count as changed imports.
pub(crate) trait Project: Send + Sync {
    /// What a specifier means in a file; `None`: something outside the view.
    fn resolve(&self, specifier: &str, from: FileNo) -> Option<Place>;

    /// A module inside a package: what `package.name` means if the package's own file does not say. Languages whose modules are files
    /// alone have none.
    fn inside(&self, package: Place, name: &str) -> Option<Place>;

    /// The modules inside a package, those of its own file not counted.
    fn modules_in(&self, package: Place) -> Vec<Place>;

    /// Under what packages (by [`Project::identity`]) and names a file can be found, its folders included.
    fn entries_of(&self, file: FileNo) -> Vec<(String, String)>;

    /// The files of a name beside a file and in each folder above, nearest first, each with the package of the folder as
    /// [`Project::entries_of`] has it.
    fn beside(&self, _from: FileNo, _name: &str) -> Vec<(String, Option<FileNo>)> {
        Vec::new()
    }

    /// The files that are there for those outside the repository; `None`: the language has none.
    fn entries(&self) -> Option<BTreeSet<FileNo>> {
        None
    }

    /// The name of a module inside packages, innermost last: `app` of `flask.app`.
    fn name_of(&self, place: Place) -> String;

    /// A text that stands for the folder or file in every state of the view.
    fn identity(&self, place: Place) -> String;

    /// By what name others know the file: `flask.app`.
    fn module_path(&self, file: FileNo) -> Option<String>;

    /// The package whose files together are a module, as its scope is called ([`package_name`]); `None`: a module is a file.
    fn package(&self, _place: Place) -> Option<&str> {
        None
    }

    /// How near a file is to what another one declares in a package: of several files that declare one name, the nearest count. `None`:
    /// what the other one declares is not seen.
    fn nearness(&self, _from: FileNo, _declared_in: FileNo) -> Option<u64> {
        Some(0)
    }

    /// The files whose imports count in another one, too, as far as they hand them on: `global using`.
    fn shared_imports(&self, _from: FileNo) -> &[FileNo] {
        &[]
    }

    /// Whether a file sees what another one keeps inside its project.
    fn sees_inside(&self, _from: FileNo, _declared_in: FileNo) -> bool {
        true
    }

    /// Of several files that declare one name and are as near, which comes first: the highest.
    fn closeness(&self, _from: FileNo, _declared_in: FileNo) -> u64 {
        0
    }

    fn outsider(&self, _path: &FilePath) -> Outsider {
        Outsider::Nothing
    }

    /// Whether a specifier that resolves to nothing should have: it names something inside the view.
    fn is_missing(&self, specifier: &str, from: FileNo) -> bool;

    /// Whether a specifier surely means what it resolves to, instead of something of the same name outside the view.
    fn is_certain(&self, _specifier: &str, _from: FileNo) -> bool {
        true
    }

    /// The package in which all others lie, where files say which package they belong to.
    fn root(&self) -> Option<Place> {
        None
    }
}

/// How a package is called in every file of the view: one that is written `./name` belongs to its folder.
pub(crate) fn package_name(folder: &str, written: &str) -> String {
    if written.starts_with("./") { format!("{folder}/{written}") } else { written.to_owned() }
}

/// Builds the project of a view. File numbers are places in the slice.
pub(crate) type BuildProject = fn(&[ProjectFile<'_>]) -> Box<dyn Project>;

/// How a class's scope takes part in looking names up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClassNames {
    /// Members are reached through an object alone.
    Never,
    /// Statements of the class's body see them, functions inside do not.
    OwnBody,
}

/// What a written generic type means to those who use values of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeRole {
    /// Any of the arguments: `Optional`, `Union`.
    AnyOf,
    /// The first argument: `Annotated`.
    First,
    /// The class itself, not an instance: `type[A]`.
    ClassOf,
    /// Holds values of the arguments from this one on: `list` 0, `dict` 1.
    ContainerOf(u32),
    /// A map from values of the first argument to those of the second; iterating it gives pairs.
    Mapping,
    /// A tuple with a type for each place.
    Tuple,
    /// Holds values of this argument alone: `Generator[A, ..]`.
    ContainerOfOnly(u32),
    /// A function with this result: `Callable[[..], A]`.
    Function,
    /// The argument itself, awaited or not.
    Plain(u32),
    /// Nothing that members could be found by.
    Opaque,
}

/// What calling something outside the view gives, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallRole {
    /// A container of what iterating the first argument gives: `list(x)`, `sorted(x)`.
    Collect,
    /// One of what iterating the first argument gives: `next(x)`, `max(x)`.
    Pick,
    /// Containers of containers: `enumerate(x)`, `zip(a, b)`.
    Pairs,
    /// The first argument itself: `iter`, `copy.copy`.
    Same,
    /// A value of the type that the first argument writes: `cast`.
    Cast,
    /// A container of the arguments: `List.of(x)`.
    Hold,
}

/// What a member of a container gives when it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContainerRole {
    /// What it holds: `get`, `pop`.
    Held,
    /// The container again: `values`, `copy`.
    Same,
    /// A container of containers: `items`.
    Pairs,
    /// A container of what the callback gives: `map`.
    Mapped,
    /// What the callback gives, in one container: `flatMap`.
    Flat,
}

/// What a member of a map, or of one of its pairs, gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapRole {
    /// The first of a pair.
    Key,
    /// The second of a pair; of a map one of its values.
    Value,
    Keys,
    Values,
}

/// A class or a member of one, as its own file declares it.
pub(crate) struct ClassFacts<'a> {
    pub facts: &'a Facts,
    pub binding: &'a Binding,
    pub symbol: Option<&'a Symbol>,
}

/// What names mean by a language's conventions.
pub(crate) trait Rules: Send + Sync {
    fn class_names(&self) -> ClassNames;

    /// Types are structural: values have members by the shape that is written, declarations merge, classes have two sides.
    fn is_structural(&self) -> bool {
        false
    }

    /// Values have the members of what their type embeds, the nearest first, and named types are made of others (Go). Such a language
    /// is structural, too.
    fn has_embedding(&self) -> bool {
        false
    }

    /// A class can have members that other files of its package declare ([`super::facts::FactScopeKind::Members`]).
    fn has_open_classes(&self) -> bool {
        false
    }

    /// Files say which package they belong to, and share its types; classes see the names that they inherit; methods have names of their
    /// own, and are told apart by how many arguments they take.
    fn is_packaged(&self) -> bool {
        false
    }

    /// A file declares in any number of packages, which lie inside each other, and looks names up in each, from inside out; a type may have
    /// parts; methods and variables share their names; functions can be called as if they were members (C#). Such a language is packaged,
    /// and its classes are open.
    fn has_namespaces(&self) -> bool {
        false
    }

    /// All names of a module are seen from outside, not only what [`Facts::exports`] lists.
    fn exports_all(&self) -> bool;

    /// Whether a star import without a list brings this name.
    fn star_brings(&self, name: &str) -> bool;

    /// The member that makes instances: `__init__`, `constructor`.
    fn constructors(&self) -> &'static [&'static str];

    /// The members that a call of an instance calls.
    fn call_members(&self) -> &'static [&'static str];

    /// The members by which iterating, indexing and entering an instance work, in the order in which they count.
    fn element_members(&self) -> &'static [&'static str];
    fn next_members(&self) -> &'static [&'static str];
    fn index_members(&self) -> &'static [&'static str];
    fn enter_members(&self) -> &'static [&'static str];

    /// What the type of this last name does with its arguments; `None`: a class of the view, or unknown.
    fn type_role(&self, name: &str) -> Option<TypeRole>;

    /// What a call of this name gives where the view does not define it.
    fn call_role(&self, name: &str) -> Option<CallRole>;

    fn container_role(&self, member: &str) -> Option<ContainerRole>;

    /// What a member of a [`TypeRole::Mapping`] or of one of its pairs gives.
    fn map_role(&self, _member: &str) -> Option<MapRole> {
        None
    }

    /// The name of the type of whoever the method belongs to: `Self`, `this`.
    fn is_own_type(&self, name: &str) -> bool;

    /// Whether a class stands for others that implement it: an interface, an abstract class, a protocol. It is no implementation
    /// itself. Where this follows from its members, too, the language is one that implements by shape: then they are read.
    fn is_interface(&self, class: &ClassFacts<'_>) -> bool;

    /// Whether a member of a class that is no interface is declared without being made: an abstract method.
    fn is_abstract_member(&self, _member: &ClassFacts<'_>) -> bool {
        false
    }

    /// Whether a class that implements what declares the member has to have it.
    fn must_be_made(&self, member: &ClassFacts<'_>) -> bool {
        self.is_abstract_member(member)
    }

    /// A class implements an interface whose members it has, without naming it: those of Go, protocols of Python.
    fn implements_by_shape(&self) -> bool {
        false
    }

    /// Whether an interface is one that classes implement by having its members.
    fn has_shape(&self, interface: &ClassFacts<'_>) -> bool {
        self.implements_by_shape() && interface.binding.kind == BindingKind::Interface
    }

    /// The members of an interface that no file of the view declares, by its name as written.
    fn members_outside(&self, _written: &str) -> Option<&'static [&'static str]> {
        None
    }

    /// How well a parameter takes an argument, the less the better, by the names of types that no file declares; no name is that of a type
    /// of the view, or an array. `None`: it does not.
    fn fit(&self, _given: Option<&str>, _taken: Option<&str>) -> Option<u32> {
        Some(0)
    }

    /// Whether a member can stand for an interface's member of the same name, where that is not written down.
    fn is_same_shape(&self, _wanted: &Symbol, _offered: &Symbol) -> bool {
        true
    }

    /// The module of this name beside a file, or above, gives values to parameters: `conftest`.
    fn giver(&self) -> Option<&'static str> {
        None
    }

    /// What parts a dotted specifier loads besides what it binds, outermost first: `a`, `a.b` of `import a.b`. Others load themselves.
    fn head_of<'s>(&self, specifier: &'s str) -> &'s str;
}
