//! C and C++: what a file declares, the stretches along which it is cut, and what it uses of the files that it includes.
//!
//! # What an edge is
//!
//! An edge leads from a file to the header that *declares* what it uses: there stands the signature, and there a change concerns its users.
//! What a compiler reads of a header is part of that signature: the text of a macro, the body of an inline function or template, the layout
//! of a struct. An `#include` is an edge to the header as a module.
//!
//! The source that *defines* what a header declares is joined to the declaration by a link, as a class is to its interface. A body that
//! changes in a source file changes nothing for those who compile against the header, so it touches nobody; who calls it is shown as reached
//! through the declaration. The definition itself uses its declaration, for it must agree with it. Overriding members are linked likewise.
//!
//! # What is seen
//!
//! A name means what the files that are included, however far, declare under it; nothing is found by name alone in files that no include
//! leads to. A header also sees what its includers include before it, where they agree, since many headers are written that way. Which
//! branch of a condition is compiled is not known: all count.
//!
//! What a macro writes is used by the files that use the macro. Members are found by the types of values that are written or constructed.
//! Functions are told apart by name and number of arguments.
//!
//! # Headers
//!
//! A `.h` file counts as C, since its name does not say more. Its text decides by which grammar it is read: as C++ if it has a namespace,
//! class, template or another word that C does not know ([`reading`]).

mod code;
mod commands;
mod lower;
mod measure;
mod node;
mod outline;
mod reading;
mod resolve;
mod segments;
mod signature;
mod smells;
mod walk;

use crate::domain::{FilePath, Language, Role};
use crate::language::resolve::Family;
use crate::language::syntax::Grammar;
use crate::language::{Spec, TextClass, comment, role_by_folder};

impl Language {
    pub const C: Self = C.language;
    pub const CPP: Self = CPP.language;
}

static FAMILY: Family = Family { name: "c", version: 2, resolver: resolve::resolver };

fn c_grammar() -> tree_sitter::Language {
    tree_sitter_c::LANGUAGE.into()
}

fn cpp_grammar() -> tree_sitter::Language {
    tree_sitter_cpp::LANGUAGE.into()
}

pub static C: Spec = Spec {
    extensions: &["c", "h"],
    grammar: Some(Grammar { name: "C", language: c_grammar }),
    reading: Some(reading::c),
    #[cfg(test)]
    sample: include_str!("sample.c"),
    ..family("c")
};

pub static CPP: Spec = Spec {
    extensions: &["cc", "cpp", "cxx", "c++", "hh", "hpp", "hxx", "h++", "ipp", "inl", "tcc", "tpp"],
    grammar: Some(Grammar { name: "C++", language: cpp_grammar }),
    reading: Some(reading::cpp),
    #[cfg(test)]
    sample: include_str!("sample.cpp"),
    ..family("cpp")
};

pub static COMMANDS: Spec = Spec {
    file_names: &["compile_commands.json"],
    version: 1,
    family: Some(&FAMILY),
    outline: commands::outline,
    #[cfg(test)]
    sample: "[{\"directory\": \"/b\", \"file\": \"/b/a.c\", \"command\": \"cc -I../include -c a.c\"}]\n",
    ..Spec::plain("compile-commands", TextClass::Data)
};

const fn family(name: &'static str) -> Spec {
    Spec {
        separator: "::",
        comments: Some(&comment::C),
        version: 2,
        role_of,
        family: Some(&FAMILY),
        outline: outline::outline,
        segments: segments::segments,
        code: code::code,
        ..Spec::plain(name, TextClass::Code)
    }
}

/// By the folders in which tests lie, and by the names that frameworks and build files collect.
fn role_of(path: &FilePath) -> Role {
    for folder in path.parent().split(|&byte| byte == b'/') {
        match folder.to_ascii_lowercase().as_slice() {
            b"test" | b"tests" | b"unittest" | b"unittests" | b"testing" | b"gtest" | b"testsuite" | b"t" => {
                return Role::Test;
            }
            b"bench" | b"benches" | b"benchmark" | b"benchmarks" => return Role::Bench,
            b"example" | b"examples" | b"samples" | b"demo" | b"demos" => return Role::Example,
            _ => {}
        }
    }
    let name = String::from_utf8_lossy(path.file_name()).to_ascii_lowercase();
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    let words: Vec<&str> = stem.split(['_', '-', '.']).collect();
    let is_named = |word: &str| words.first() == Some(&word) || words.last() == Some(&word);
    if is_named("test") || is_named("tests") || is_named("unittest") {
        return Role::Test;
    }
    if is_named("bench") || is_named("benchmark") {
        return Role::Bench;
    }
    match role_by_folder(path) {
        Role::BuildScript => Role::Library,
        role => role,
    }
}

#[cfg(test)]
mod reach_tests;
#[cfg(test)]
mod resolve_tests;
#[cfg(test)]
mod tests;
