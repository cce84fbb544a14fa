//! What can be wrong with a configuration file, each with its place and the way out.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}: {source}; make it readable, or move it away to run with the defaults")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("cannot write {path}: {source}; make it writable, or set the key there yourself")]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("{path}:{line}: this is not TOML: {message}")]
    Syntax { path: PathBuf, line: usize, message: String },
    #[error("{path}:{line}: unknown key `{key}`; {hint}")]
    UnknownKey { path: PathBuf, line: usize, key: String, hint: String },
    #[error("{path}:{line}: `{key}` is {found}, but has to be {expected}")]
    BadValue { path: PathBuf, line: usize, key: String, found: String, expected: String },
    #[error("{path}:{line}: `{key}` is missing: {reason}")]
    MissingKey { path: PathBuf, line: usize, key: String, reason: String },
    #[error(
        "{id:?} cannot be the id of a model: it has to be letters, digits, `.`, `_` and `-`, a letter or digit first"
    )]
    BadModelId { id: String },
    #[error(
        "{path}: no way was found to set `{key}` there without touching the rest; write `{line_to_write}` yourself"
    )]
    NotEditable { path: PathBuf, key: String, line_to_write: String },
}
