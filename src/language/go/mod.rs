//! Go: what a file declares, the stretches along which it is cut, and what it uses of its package and of others.

mod code;
mod lower;
mod measure;
mod node;
mod outline;
mod project;
mod rules;
mod segments;
mod signature;
mod smells;
mod walk;

use crate::domain::{FilePath, Language, Role};
use crate::language::eval::{self, Dialects};
use crate::language::resolve::Family;
use crate::language::syntax::Grammar;
use crate::language::{Spec, TextClass, comment, role_by_folder};

impl Language {
    pub const GO: Self = SPEC.language;
}

static FAMILY: Family = Family { name: "go", version: 1, resolver: |files| eval::resolver(files, DIALECTS) };

const DIALECTS: Dialects = Dialects {
    is_own: |path| FAMILY.sees(path),
    project: |files| Box::new(project::GoProject::new(files)),
    rules: &rules::GoRules,
};

pub static SPEC: Spec = Spec {
    extensions: &["go"],
    comments: Some(&comment::GO),
    version: 1,
    role_of,
    family: Some(&FAMILY),
    grammar: Some(Grammar { name: "Go", language: || tree_sitter_go::LANGUAGE.into() }),
    outline: outline::outline,
    segments: segments::segments,
    code: code::code,
    #[cfg(test)]
    sample: include_str!("sample.go"),
    ..Spec::plain("go", TextClass::Code)
};

pub static MANIFEST: Spec = Spec {
    file_names: &["go.mod", "go.work"],
    comments: Some(&comment::C),
    version: 1,
    family: Some(&FAMILY),
    outline: project::manifest::outline,
    #[cfg(test)]
    sample: "module example.com/a\n\ngo 1.22\n\nrequire example.com/b v1.0.0\n",
    ..Spec::plain("go-manifest", TextClass::Data)
};

/// By the name that `go test` collects, and by folder.
fn role_of(path: &FilePath) -> Role {
    let folders = || path.parent().split(|&byte| byte == b'/');
    if path.file_name().ends_with(b"_test.go") || folders().any(|folder| folder == b"testdata") {
        return Role::Test;
    }
    if folders().any(|folder| folder == b"_examples") {
        return Role::Example;
    }
    match role_by_folder(path) {
        // `src` has no meaning here, nor has `test.go`.
        Role::BuildScript => Role::Library,
        role => role,
    }
}

#[cfg(test)]
mod collision_tests;
#[cfg(test)]
mod reach_tests;
#[cfg(test)]
mod tests;
