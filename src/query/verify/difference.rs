//! One place where what is recorded is not what it ought to be.

use std::fmt;

use crate::domain::FilePath;

/// Which part of the state differs, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    File,
    Directory,
    Outline,
    Place,
    Context,
    Edge,
    Reexport,
    Implementation,
    Key,
    Chunk,
    Analysis,
    Vector,
    Job,
}

impl Part {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Outline => "outline",
            Self::Place => "place in the module tree",
            Self::Context => "dependency context",
            Self::Edge => "edge",
            Self::Reexport => "re-export",
            Self::Implementation => "implementation",
            Self::Key => "current key",
            Self::Chunk => "chunk",
            Self::Analysis => "analysis",
            Self::Vector => "vector",
            Self::Job => "job",
        }
    }
}

/// A difference of one file (or directory).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    pub part: Part,
    pub path: FilePath,
    /// What is recorded; `None`: nothing.
    pub recorded: Option<String>,
    /// What it ought to be; `None`: nothing.
    pub expected: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, path, recorded, expected } = self;
        let part = part.as_str();
        match (recorded, expected) {
            (Some(recorded), Some(expected)) => {
                write!(f, "{path}: {part}: recorded is {recorded}, it ought to be {expected}")
            }
            (None, Some(expected)) => write!(f, "{path}: {part}: missing is {expected}"),
            (Some(recorded), None) => write!(f, "{path}: {part}: recorded is {recorded}, which ought not to be there"),
            (None, None) => write!(f, "{path}: {part}"),
        }
    }
}
