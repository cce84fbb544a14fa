//! The nouns of DESIGN §3: newtypes and plain enums. No IO, no clock, no serialisation format.
//!
//! Where one of these has a text form that is stored or shown (`as_str`), that form is part of the database's schema: add
//! variants, never rename one.

use std::fmt;

use sha2::{Digest, Sha256};

/// Identity of a registered repository: the first hex digits (8, more on a collision) of SHA-256(canonical path), computed once
/// at registration and then kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoId(pub String);

impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Path of a file inside its repository, as Git has it: bytes, separated by `/`, relative to the work tree's top. It need not be
/// UTF-8, and is never used to build a path of the agent's own.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilePath(Vec<u8>);

impl FilePath {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as text if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The last component.
    pub fn file_name(&self) -> &[u8] {
        match self.0.iter().rposition(|&b| b == b'/') {
            Some(slash) => &self.0[slash + 1..],
            None => &self.0,
        }
    }

    /// Everything before the last `/`; empty for a file at the top.
    pub fn parent(&self) -> &[u8] {
        match self.0.iter().rposition(|&b| b == b'/') {
            Some(slash) => &self.0[..slash],
            None => b"",
        }
    }

    /// What follows the last dot of the file name, if the dot is not its first byte.
    pub fn extension(&self) -> Option<&[u8]> {
        let name = self.file_name();
        match name.iter().rposition(|&b| b == b'.') {
            Some(dot) if dot > 0 => Some(&name[dot + 1..]),
            _ => None,
        }
    }

    /// A text form that no two paths share: `%`, control characters and bytes that are not UTF-8 are percent-escaped. For stores
    /// that take text only.
    pub fn escaped(&self) -> String {
        let mut out = String::with_capacity(self.0.len());
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c == '%' || c.is_control() {
                    let mut buffer = [0; 4];
                    c.encode_utf8(&mut buffer).bytes().for_each(|byte| push_escape(&mut out, byte));
                } else {
                    out.push(c);
                }
            }
            chunk.invalid().iter().for_each(|&byte| push_escape(&mut out, byte));
        }
        out
    }

    /// Inverse of [`FilePath::escaped`].
    pub fn from_escaped(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let escaped = (bytes[at] == b'%')
                .then(|| bytes.get(at + 1..at + 3))
                .flatten()
                .and_then(|hex| std::str::from_utf8(hex).ok())
                .and_then(|hex| u8::from_str_radix(hex, 16).ok());
            match escaped {
                Some(byte) => {
                    out.push(byte);
                    at += 3;
                }
                None => {
                    out.push(bytes[at]);
                    at += 1;
                }
            }
        }
        Self(out)
    }
}

fn push_escape(out: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(HEX[usize::from(byte >> 4)]));
    out.push(char::from(HEX[usize::from(byte & 15)]));
}

/// For people: the path as it is where a terminal can show it, else [`FilePath::escaped`].
impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_str() {
            Some(text) if !text.chars().any(char::is_control) => f.pad(text),
            _ => f.pad(&self.escaped()),
        }
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl From<&str> for FilePath {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Hash of one byte string.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Hash of several fields, each preceded by its length (u64, little-endian), so that no field's content can pass for a border.
    pub fn of_fields<'a>(fields: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = Sha256::new();
        for field in fields {
            hasher.update((field.len() as u64).to_le_bytes());
            hasher.update(field);
        }
        Self(hasher.finalize().into())
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// From 64 hex digits, in either case.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        let byte = |pair: &[u8]| u8::try_from(digit(pair.first()?)? * 16 + digit(pair.get(1)?)?).ok();
        Self::from_bytes(&text.as_bytes().chunks(2).map(byte).collect::<Option<Vec<u8>>>()?)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Name of a Git object: 20 bytes (SHA-1) or 32 (SHA-256), as the repository has them.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(pub Vec<u8>);

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

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

named! {
    /// What a tree entry is.
    EntryMode {
        File = "file",
        Executable = "executable",
        Symlink = "symlink",
        Submodule = "submodule",
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
        Symlink = "symlink",
        Submodule = "submodule",
        LfsPointer = "lfs-pointer",
        Unavailable = "unavailable",
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

named! {
    /// The four questions that an analysis answers.
    AnalysisType {
        Refactor = "refactor",
        Docs = "docs",
        Analysis = "analysis",
        Todos = "todos",
    }
}

/// What a job does: at most one result, one cache key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JobKind {
    Embed,
    /// The local analyzer's answer.
    Analyze(AnalysisType),
    /// A model's answer to the same question. A kind of its own, because both are kept and either may wait alone.
    Ask(AnalysisType),
}

impl JobKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embed => "embed",
            Self::Analyze(AnalysisType::Refactor) => "analyze:refactor",
            Self::Analyze(AnalysisType::Docs) => "analyze:docs",
            Self::Analyze(AnalysisType::Analysis) => "analyze:analysis",
            Self::Analyze(AnalysisType::Todos) => "analyze:todos",
            Self::Ask(AnalysisType::Refactor) => "ask:refactor",
            Self::Ask(AnalysisType::Docs) => "ask:docs",
            Self::Ask(AnalysisType::Analysis) => "ask:analysis",
            Self::Ask(AnalysisType::Todos) => "ask:todos",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None => (text == "embed").then_some(Self::Embed),
            Some(("analyze", analysis_type)) => AnalysisType::parse(analysis_type).map(Self::Analyze),
            Some(("ask", analysis_type)) => AnalysisType::parse(analysis_type).map(Self::Ask),
            Some(_) => None,
        }
    }

    /// Which question it answers; none for embeddings.
    pub const fn analysis_type(self) -> Option<AnalysisType> {
        match self {
            Self::Embed => None,
            Self::Analyze(analysis_type) | Self::Ask(analysis_type) => Some(analysis_type),
        }
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

named! {
    JobState {
        Queued = "queued",
        Running = "running",
        Parked = "parked",
        Done = "done",
        Discarded = "discarded",
        Superseded = "superseded",
        Quarantined = "quarantined",
    }
}

/// Order of work; lower runs first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    Critical = 0,
    High = 1,
    Normal = 2,
    Low = 3,
}

impl Priority {
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Low];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == text)
    }
}

/// Who caused a job; inside one priority, lower runs first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    Person = 0,
    Changed = 1,
    Dependent = 2,
    Backfill = 3,
}

impl Origin {
    pub const ALL: [Self; 4] = [Self::Person, Self::Changed, Self::Dependent, Self::Backfill];
}

/// Why a result has to be made again. Kept on the job and shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StaleReason {
    Missing,
    ContentChanged,
    DependencyChanged { symbol: String, file: FilePath },
    PromptChanged,
    ModelChanged,
    ConfigChanged,
    SchemaChanged,
    Expired,
}

impl StaleReason {
    /// The variant's stored name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::ContentChanged => "content-changed",
            Self::DependencyChanged { .. } => "dependency-changed",
            Self::PromptChanged => "prompt-changed",
            Self::ModelChanged => "model-changed",
            Self::ConfigChanged => "config-changed",
            Self::SchemaChanged => "schema-changed",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for StaleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DependencyChanged { symbol, file } => write!(f, "dependency-changed: {symbol} of {file}"),
            other => f.write_str(other.code()),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_survives_its_text_form() {
        for bytes in [&b"src/main.rs"[..], b"a\nb\t\"%41 c", b"caf\xe9/\xff.rs", "naïve/ü.rs".as_bytes()] {
            let path = FilePath::new(bytes);
            assert!(!path.to_string().chars().any(char::is_control), "{path}");
            assert_eq!(FilePath::from_escaped(&path.escaped()), path);
        }
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        assert_ne!(Hash::of_fields([&b"ab"[..], b"c"]), Hash::of_fields([&b"a"[..], b"bc"]));
    }

    #[test]
    fn every_name_parses_back() {
        for &t in AnalysisType::ALL {
            for kind in [JobKind::Analyze(t), JobKind::Ask(t)] {
                assert_eq!(JobKind::parse(kind.as_str()), Some(kind));
            }
        }
        assert_eq!(JobKind::parse("embed"), Some(JobKind::Embed));
        assert_eq!(JobKind::parse("embed:docs"), None);
    }
}
