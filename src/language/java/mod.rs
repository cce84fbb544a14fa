//! Java: what a file defines, the stretches along which it is cut, and what it uses of other files.

mod code;
mod javadoc;
mod lower;
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
    pub const JAVA: Self = SPEC.language;
}

static FAMILY: Family = Family { name: "java", version: 3, resolver: |files| eval::resolver(files, DIALECTS) };

const DIALECTS: Dialects = Dialects {
    is_own: |path| FAMILY.sees(path),
    project: |files| Box::new(project::JavaProject::new(files)),
    rules: &rules::JavaRules,
};

pub static SPEC: Spec = Spec {
    extensions: &["java"],
    comments: Some(&comment::C),
    version: 3,
    role_of,
    family: Some(&FAMILY),
    grammar: Some(Grammar { name: "Java", language: || tree_sitter_java::LANGUAGE.into() }),
    outline: outline::outline,
    segments: segments::segments,
    code: code::code,
    #[cfg(test)]
    sample: include_str!("sample.java"),
    ..Spec::plain("java", TextClass::Code)
};

/// By the source sets of Maven and Gradle; elsewhere by folder, and by the names that Surefire and Failsafe run.
fn role_of(path: &FilePath) -> Role {
    let mut folders: Vec<&[u8]> = path.parent().split(|&byte| byte == b'/').collect();
    if let Some(at) = folders.iter().rposition(|folder| *folder == b"src")
        && folders.get(at + 2).is_some_and(|language| *language == b"java")
    {
        let set = folders.get(at + 1).copied().unwrap_or_default().to_ascii_lowercase();
        folders.truncate(at);
        return match set.as_slice() {
            b"main" if folders.iter().any(|folder| is_example(folder)) => Role::Example,
            b"main" => Role::Library,
            b"jmh" => Role::Bench,
            set if set.ends_with(b"test") || set.starts_with(b"test") || matches!(set, b"it" | b"functional") => {
                Role::Test
            }
            _ => Role::Library,
        };
    }
    let stem = path.file_name().strip_suffix(b".java").unwrap_or_default();
    let is_test_name =
        [b"Test".as_slice(), b"Tests", b"TestCase", b"IT", b"ITCase"].iter().any(|end| stem.ends_with(end));
    match () {
        () if is_test_name || folders.iter().any(|folder| matches!(*folder, b"test" | b"tests")) => Role::Test,
        () if folders.iter().any(|folder| is_example(folder)) => Role::Example,
        () => Role::Library,
    }
}

fn is_example(folder: &[u8]) -> bool {
    matches!(folder, b"example" | b"examples" | b"sample" | b"samples")
}

#[cfg(test)]
mod reach_tests;
#[cfg(test)]
mod resolve_tests;
#[cfg(test)]
mod tests;
