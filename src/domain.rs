//! The nouns: newtypes and plain enums. No IO, no clock, no serialisation format.
//!
//! Where one of these has a text form that is stored or shown (`as_str`), that form is part of the database's schema: add
//! variants, never rename one.

use std::fmt;

/// An enum whose variants have one stored and shown name each.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

mod analysis;
mod file;
mod hash;
mod job;
mod path;

pub use analysis::{AnalysisSpec, AnalysisType};
pub use file::{FileRecord, Links, Used};
pub use hash::{Hash, ObjectId};
pub use job::{JobKind, JobState, Origin, Priority, StaleReason};
pub use path::{FilePath, composed, composed_bytes};

/// Identity of a registered repository: the first hex digits (8, more on a collision) of SHA-256(canonical path), computed once
/// at registration and then kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoId(pub String);

impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

named! {
    /// What a tree entry is.
    EntryMode {
        File = "file",
        Executable = "executable",
        Symlink = "symlink",
        Submodule = "submodule",
        /// A directory whose tree cannot be read. One that can be read is no entry.
        Directory = "directory",
    }
}

/// Language of a file: the name of a record in the table of `language`, which is also its stored and shown form. What a language is and
/// can do is said there, and there alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Language(&'static str);

impl Language {
    /// The language whose record has this name.
    pub const fn named(name: &'static str) -> Self {
        Self(name)
    }

    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

named! {
    /// What part a file plays in its package. It is part of the cache key: `unwrap` in a test is no smell.
    Role {
        Library = "library",
        Test = "test",
        Example = "example",
        Bench = "bench",
        BuildScript = "build-script",
        Generated = "generated",
    }
}

named! {
    /// Why a file of the tree is not read further.
    SkipReason {
        Binary = "binary",
        Huge = "huge",
        Generated = "generated",
        Vendored = "vendored",
        Denied = "denied",
        /// By a glob of `index.exclude`.
        Excluded = "excluded",
        Symlink = "symlink",
        Submodule = "submodule",
        LfsPointer = "lfs-pointer",
        /// Its object is not in the repository (a shallow or partial clone).
        Unavailable = "unavailable",
        /// Its object cannot be read; of a directory, its tree.
        Unreadable = "unreadable",
        Quarantined = "quarantined",
        /// It is gone from the work tree, and still in the tree at HEAD.
        Deleted = "deleted",
    }
}

named! {
    /// Where the content of an indexed file was read.
    Source {
        Commit = "commit",
        Worktree = "worktree",
    }
}

/// What happened to one file between two views.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Addition {
        path: FilePath,
    },
    Modification {
        path: FilePath,
    },
    Deletion {
        path: FilePath,
    },
    /// The file moved; its content may have changed on the way.
    Rename {
        from: FilePath,
        path: FilePath,
    },
}

impl Change {
    /// Where the file is now (a deleted file: where it was).
    pub fn path(&self) -> &FilePath {
        match self {
            Self::Addition { path }
            | Self::Modification { path }
            | Self::Deletion { path }
            | Self::Rename { path, .. } => path,
        }
    }

    /// Every path that the change is about: of a rename both.
    pub fn paths(&self) -> impl Iterator<Item = &FilePath> {
        let from = match self {
            Self::Rename { from, .. } => Some(from),
            Self::Addition { .. } | Self::Modification { .. } | Self::Deletion { .. } => None,
        };
        from.into_iter().chain([self.path()])
    }

    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Addition { .. } => "addition",
            Self::Modification { .. } => "modification",
            Self::Deletion { .. } => "deletion",
            Self::Rename { .. } => "rename",
        }
    }
}

named! {
    /// How one file depends on another: on its being a module, on a type (or trait, const, macro) of it, on a function of it.
    DependencyType {
        Module = "module",
        Type = "type",
        Function = "function",
    }
}

/// One file uses one symbol of another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Edge {
    /// The file that is depended upon: it defines the symbol.
    pub source_file: FilePath,
    /// The file that uses it.
    pub dependent_file: FilePath,
    pub dependency_type: DependencyType,
    /// Name of the symbol within `source_file`, as in its outline, e.g. `Config::load`.
    pub symbol_name: String,
}

/// A link from an interface to what implements it: of types, and of the members that each pair of them shares. It is no edge: neither
/// end has to name the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Implements {
    pub interface_file: FilePath,
    /// Name of the interface, trait or abstract class, or of a member of it, within its file.
    pub interface: String,
    pub implementation_file: FilePath,
    pub implementation: String,
    /// The file that makes the link: it declares the class, or holds the `impl`. The link comes and goes with what this file says. A
    /// member may be inherited from a class of another file.
    pub declared_in: FilePath,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_parses_back() {
        for language in Language::all() {
            assert_eq!(Language::parse(language.as_str()), Some(language));
        }
    }
}
