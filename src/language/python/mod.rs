//! Python: what a module defines, the stretches along which it is cut, and what it uses of other modules.

mod code;
mod docstring;
mod lower;
mod outline;
mod project;
mod rules;
mod segments;
mod signature;
mod smells;
mod stdlib;
mod walk;

use crate::domain::{FilePath, Language, Role};
use crate::language::eval::{self, Dialects};
use crate::language::resolve::Family;
use crate::language::syntax::Grammar;
use crate::language::{Spec, TextClass, comment, role_by_folder};

impl Language {
    pub const PYTHON: Self = SPEC.language;
}

static FAMILY: Family = Family { name: "python", version: 4, resolver: |files| eval::resolver(files, DIALECTS) };

const DIALECTS: Dialects = Dialects {
    is_own: |path| FAMILY.sees(path),
    project: |files| Box::new(project::PythonProject::new(files)),
    rules: &rules::PythonRules,
};

pub static SPEC: Spec = Spec {
    extensions: &["py", "pyi"],
    comments: Some(&comment::PYTHON),
    version: 3,
    role_of,
    family: Some(&FAMILY),
    grammar: Some(Grammar { name: "Python", language: || tree_sitter_python::LANGUAGE.into() }),
    outline: outline::outline,
    segments: segments::segments,
    code: code::code,
    #[cfg(test)]
    sample: include_str!("sample.py"),
    ..Spec::plain("python", TextClass::Code)
};

pub static PROJECT: Spec = Spec {
    file_names: &["pyproject.toml"],
    comments: Some(&comment::TOML),
    version: 1,
    family: Some(&FAMILY),
    outline: project::manifest::outline,
    #[cfg(test)]
    sample: "[project]\nname = \"a\"\n\n[tool.setuptools.packages.find]\nwhere = [\"lib\"]\n",
    ..Spec::plain("python-project", TextClass::Data)
};

/// By folder, and by the names that pytest collects ("Changing standard (Python) test discovery") or Django's runner expects.
fn role_of(path: &FilePath) -> Role {
    let name = path.file_name();
    let is_test =
        name.starts_with(b"test_") || name.ends_with(b"_test.py") || matches!(name, b"conftest.py" | b"tests.py");
    if is_test { Role::Test } else { role_by_folder(path) }
}

#[cfg(test)]
mod reach_tests;
#[cfg(test)]
mod tests;
