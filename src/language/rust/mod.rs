//! Rust and its Cargo manifests.

mod code;
mod complexity;
mod frontmatter;
mod items;
pub(super) mod manifest;
mod outline;
mod panics;
mod resolve;
mod segments;
mod smells;
pub(super) mod tree;
mod volume;

use super::resolve::Family;
use super::syntax::Grammar;
use super::{Spec, TextClass, comment};
use crate::domain::Language;

#[cfg(test)]
pub(crate) use resolve::assert_complete;

impl Language {
    pub const CARGO_MANIFEST: Self = CARGO_MANIFEST.language;
    pub const MARKDOWN: Self = super::markdown::SPEC.language;
    pub const RUST: Self = SPEC.language;
}

static FAMILY: Family = Family { name: "rust", version: resolve::VERSION, resolver: resolve::resolver };

pub static SPEC: Spec = Spec {
    extensions: &["rs"],
    separator: "::",
    comments: Some(&comment::RUST),
    version: 1,
    grammar: Some(Grammar { name: "Rust", language: || tree_sitter_rust::LANGUAGE.into() }),
    preamble: frontmatter::end,
    family: Some(&FAMILY),
    outline: outline::outline,
    segments: segments::segments,
    code: code::code,
    #[cfg(test)]
    sample: include_str!("sample.txt"),
    ..Spec::plain("rust", TextClass::Code)
};

pub static CARGO_MANIFEST: Spec = Spec {
    file_names: &["Cargo.toml"],
    version: 1,
    comments: Some(&comment::TOML),
    family: Some(&FAMILY),
    outline: |parsed| manifest::outline(parsed.text),
    description: Some(manifest::description),
    #[cfg(test)]
    sample: "[package]\nname = \"a\"\n\n[dependencies]\nb = \"1\"\n",
    ..Spec::plain("cargo-manifest", TextClass::Data)
};
