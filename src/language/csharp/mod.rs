//! C#: what a file declares, the stretches along which it is cut, and what it uses of its project and of those that it refers to.
//!
//! Namespaces are the packages of the evaluator. A project is the folder of the nearest project file above, and it sees the projects to
//! which it refers; files without one are a project together.

mod code;
mod docs;
mod lower;
mod manifest;
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
use crate::language::{Spec, TextClass, comment};

impl Language {
    pub const C_SHARP: Self = SPEC.language;
}

static FAMILY: Family = Family { name: "csharp", version: 3, resolver: |files| eval::resolver(files, DIALECTS) };

const DIALECTS: Dialects = Dialects {
    is_own: |path| FAMILY.sees(path),
    project: |files| Box::new(project::SharpProject::new(files)),
    rules: &rules::SharpRules,
};

pub static SPEC: Spec = Spec {
    extensions: &["cs"],
    comments: Some(&comment::C),
    version: 2,
    role_of,
    family: Some(&FAMILY),
    grammar: Some(Grammar { name: "C#", language: || tree_sitter_c_sharp::LANGUAGE.into() }),
    outline: outline::outline,
    segments: segments::segments,
    code: code::code,
    #[cfg(test)]
    sample: include_str!("sample.cs"),
    ..Spec::plain("csharp", TextClass::Code)
};

/// Project files decide who sees whom.
pub static PROJECT: Spec = Spec {
    file_names: &["Directory.Build.props", "Directory.Build.targets"],
    extensions: &["csproj"],
    comments: Some(&comment::MARKUP),
    version: 1,
    family: Some(&FAMILY),
    outline: manifest::outline,
    #[cfg(test)]
    sample: "<Project>\n  <ItemGroup>\n    <ProjectReference Include=\"..\\a\\a.csproj\" />\n  </ItemGroup>\n</Project>\n",
    ..Spec::plain("csharp-project", TextClass::Data)
};

/// By the names of projects, folders and files: `Shop.Tests/CartTests.cs`.
fn role_of(path: &FilePath) -> Role {
    let whole = path.to_string();
    let folders: Vec<&str> = whole.rsplit('/').skip(1).collect();
    let stem = whole.rsplit('/').next().and_then(|name| name.strip_suffix(".cs")).unwrap_or_default();
    let has_word = |names: &[&str]| {
        let last = |folder: &str| folder.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        folders.iter().any(|folder| names.contains(&last(folder).as_str()))
    };
    let tests = ["test", "tests", "unittest", "unittests", "integrationtest", "integrationtests", "specs", "spec"];
    let is_test_folder = folders.iter().any(|folder| folder.ends_with("Tests") || folder.ends_with(".Test"));
    match () {
        () if has_word(&["benchmark", "benchmarks"]) => Role::Bench,
        () if has_word(&tests) || is_test_folder || stem.ends_with("Tests") || stem.ends_with("Test") => Role::Test,
        () if has_word(&["example", "examples", "sample", "samples"]) => Role::Example,
        () => Role::Library,
    }
}

#[cfg(test)]
mod reach_tests;
#[cfg(test)]
mod resolve_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod value_tests;
