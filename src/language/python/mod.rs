//! Python: what a module defines, and the stretches along which it is cut. Names are not resolved: a file has no dependents yet.

mod code;
mod outline;
mod segments;
mod signature;
mod walk;

use crate::domain::{FilePath, Language, Role};
use crate::language::syntax::Grammar;
use crate::language::{Spec, TextClass, comment, role_by_folder};

impl Language {
    pub const PYTHON: Self = SPEC.language;
}

pub static SPEC: Spec = Spec {
    extensions: &["py", "pyi"],
    comments: Some(&comment::PYTHON),
    version: 1,
    role_of,
    grammar: Some(Grammar { name: "Python", language: || tree_sitter_python::LANGUAGE.into() }),
    outline: outline::outline,
    segments: segments::segments,
    code: code::code,
    #[cfg(test)]
    sample: include_str!("sample.py"),
    ..Spec::plain("python", TextClass::Code)
};

/// By folder, and by the names that pytest collects ("Changing standard (Python) test discovery").
fn role_of(path: &FilePath) -> Role {
    let name = path.file_name();
    let is_test = name.starts_with(b"test_") || name.ends_with(b"_test.py") || name == b"conftest.py";
    if is_test { Role::Test } else { role_by_folder(path) }
}

#[cfg(test)]
mod tests;
