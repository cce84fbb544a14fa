//! Who uses what of other files, as every family of languages answers it: one [`Resolver`] a family, over its own files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::stored::StoredOutline;
use super::{Outline, SymbolKind};
use crate::domain::{Edge, FilePath, Hash, Implements};

/// A file of a view with what it says.
pub type Outlined<'a> = (&'a FilePath, StoredOutline);

/// Builds what answers for a view.
pub type BuildResolver = fn(&[Outlined<'_>]) -> Box<dyn Resolver>;

/// Languages whose files can use each other, and what resolves their names.
pub struct Family {
    pub name: &'static str,
    /// Raised whenever the same outlines lead to other edges or contexts, so that files that did not change are resolved again.
    pub version: u32,
    /// Builds the resolver of a view. It gets every path of the view, for files of any kind can be included; files of other families
    /// come with empty outlines.
    pub resolver: BuildResolver,
}

impl Family {
    /// Whether the file's language belongs to the family.
    pub fn sees(&self, path: &FilePath) -> bool {
        super::of(path).spec().family.is_some_and(|family| family.name == self.name)
    }

    /// Whether what the file says is given to the resolver: it belongs to the family, or can be one of its settings.
    pub fn reads(&self, path: &FilePath) -> bool {
        let spec = super::of(path).spec();
        [spec.family, spec.settings_of].into_iter().flatten().any(|family| family.name == self.name)
    }
}

/// All files of a view, ready to be asked what they use of each other. It follows edits in place.
pub trait Resolver: Send + Sync {
    /// Takes in what some files say now, be they new, and that some files are gone, and returns whom that can reach; `None`: any
    /// file. A file of no language of the family may be named by its path: a text that is included, data that is imported.
    fn edit(&mut self, edits: &[(FilePath, Arc<Outline>)], gone: &BTreeSet<FilePath>) -> Option<Reach>;

    /// What some files use, or all. Files that the view does not have use nothing.
    fn uses(&self, files: Option<&BTreeSet<FilePath>>) -> Graph;

    /// The links from interfaces to implementations that some files make ([`Implements::declared_in`]), or all; sorted, without
    /// repetitions. What a file makes is a function of the view and the file, and [`Resolver::edit`] reaches each file whose links
    /// it can change.
    fn implements(&self, files: Option<&BTreeSet<FilePath>>) -> Vec<Implements>;

    /// Exported names that no other file of the view uses, as far as that is certain; `edges`: what its files use of each other.
    fn unused_exports(&self, _edges: &[Edge]) -> Vec<UnusedExport> {
        Vec::new()
    }

    /// Gives back memory that only the last questions needed.
    fn rest(&mut self) {}
}

/// A name that a file exports and no other file of the view uses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnusedExport {
    pub file: FilePath,
    /// 1-based line of the declaration.
    pub line: u32,
    /// As others would import it.
    pub name: String,
    /// The file itself uses it: only the export is too much.
    pub is_used_here: bool,
}

/// The files that have to be resolved again after some files changed, those themselves not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Those that write the name of something that is new, gone or another.
    pub files: BTreeSet<FilePath>,
    /// Those that used one of these before: the file that defines it, and its name.
    pub users_of: BTreeSet<(FilePath, String)>,
}

impl Reach {
    /// Adds what another family's resolver says.
    pub fn join(mut self, other: Self) -> Self {
        self.files.extend(other.files);
        self.users_of.extend(other.users_of);
        self
    }
}

/// One reference of a file to something that another file defines, or that should be there and is not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// As in the source: `config::Config`, `.load` for a member of a value.
    pub written: String,
    pub kind: SymbolKind,
    /// `None`: a name inside the view's crates that nothing defines.
    pub signature: Option<String>,
    pub defined_in: Option<FilePath>,
    /// Name of the symbol in the file that defines it.
    pub symbol: Option<String>,
    /// 1-based line of the first such reference.
    pub line: u32,
}

/// SHA-256 over the sorted set of (written, kind, signature): the dependency context as a part of a cache key. Paths and lines
/// do not count, unresolved references do.
pub fn deps_hash(uses: &[Use]) -> Hash {
    let mut parts: Vec<_> =
        uses.iter().map(|used| (used.written.as_str(), used.kind, used.signature.as_deref())).collect();
    parts.sort_unstable();
    parts.dedup();
    let fields = parts.iter().flat_map(|&(written, kind, signature)| {
        let resolved = if signature.is_some() { "resolved" } else { "unresolved" };
        [written, kind.as_str(), resolved, signature.unwrap_or_default()]
    });
    Hash::of_fields(fields.map(str::as_bytes))
}

/// The dependencies of a view: what each file uses of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    pub(super) edges: Vec<Edge>,
    pub(super) via: Vec<Edge>,
    pub(super) uses: BTreeMap<FilePath, Vec<Use>>,
    pub(super) module_paths: BTreeMap<FilePath, String>,
    pub(super) crate_roots: BTreeSet<FilePath>,
}

impl Graph {
    /// One edge per symbol and kind of use; sorted, without repetitions, without edges of a file to itself. A module that is
    /// named is an edge to the file that it is.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// The re-exports through which files reach what they use: `source_file` is the file that re-exports.
    pub fn via(&self) -> &[Edge] {
        &self.via
    }

    /// What the file uses of other files, as written in it, with the signature that it has at present. Names inside the view's
    /// crates that nothing defines are there, too, without a signature. Sorted as written.
    pub fn uses(&self, file: &FilePath) -> &[Use] {
        self.uses.get(file).map(Vec::as_slice).unwrap_or_default()
    }

    /// [`deps_hash`] of every file that uses anything; a file that is not there uses nothing.
    pub fn deps_hashes(&self) -> BTreeMap<FilePath, Hash> {
        self.uses.iter().map(|(file, uses)| (file.clone(), deps_hash(uses))).collect()
    }

    /// `my_crate::config`, if a crate reaches the file. A file of several crates has the library's path.
    pub fn module_path(&self, file: &FilePath) -> Option<&str> {
        self.module_paths.get(file).map(String::as_str)
    }

    /// The file is the root of a library, binary, test, example, benchmark or build script.
    pub fn is_crate_root(&self, file: &FilePath) -> bool {
        self.crate_roots.contains(file)
    }

    /// Adds the graph of another family: files of different families use nothing of each other.
    pub fn join(&mut self, other: Self) {
        if other.edges.is_empty()
            && other.uses.is_empty()
            && other.module_paths.is_empty()
            && other.crate_roots.is_empty()
        {
            return;
        }
        self.edges.extend(other.edges);
        self.edges.sort();
        self.via.extend(other.via);
        self.via.sort();
        self.uses.extend(other.uses);
        self.module_paths.extend(other.module_paths);
        self.crate_roots.extend(other.crate_roots);
    }
}
