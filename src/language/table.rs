//! The table of languages: one record each.

use super::comment;
use super::{Spec, TextClass, markdown, rust};
use crate::domain::Language;

// A language's folder is declared next to its record, so that a new one touches no other file here.
#[path = "c/mod.rs"]
mod c;
#[path = "csharp/mod.rs"]
mod csharp;
#[path = "go/mod.rs"]
mod go;
#[path = "java/mod.rs"]
mod java;
#[path = "python/mod.rs"]
mod python;
#[path = "typescript/mod.rs"]
mod typescript;

/// Every language. Its order is that of lists that people see; the last record is that of all other text.
pub(super) static TABLE: &[&Spec] = &[
    &rust::SPEC,
    &rust::CARGO_MANIFEST,
    &markdown::SPEC,
    &c::C,
    &c::CPP,
    &c::COMMANDS,
    &csharp::SPEC,
    &csharp::PROJECT,
    &CSS,
    &go::SPEC,
    &go::MANIFEST,
    &HTML,
    &java::SPEC,
    &typescript::JAVA_SCRIPT,
    &typescript::PACKAGE,
    &typescript::CONFIG,
    &JSON,
    &KOTLIN,
    &LUA,
    &NOTEBOOK,
    &PHP,
    &python::SPEC,
    &python::PROJECT,
    &RUBY,
    &SCALA,
    &SHELL,
    &SQL,
    &SWIFT,
    &TOML,
    &typescript::SVELTE,
    &typescript::TSX,
    &typescript::TYPE_SCRIPT,
    &typescript::VUE,
    &YAML,
    &ZIG,
    &TEXT,
];

/// The languages that code outside this module names, in tests most of all.
impl Language {
    pub const HTML: Self = HTML.language;
    pub const JSON: Self = JSON.language;
    pub const LUA: Self = LUA.language;
    pub const SHELL: Self = SHELL.language;
    pub const SQL: Self = SQL.language;
    pub const TEXT: Self = TEXT.language;
    pub const TOML: Self = TOML.language;
    pub const YAML: Self = YAML.language;
}

const fn code(name: &'static str) -> Spec {
    Spec::plain(name, TextClass::Code)
}

const fn data(name: &'static str) -> Spec {
    Spec::plain(name, TextClass::Data)
}

static CSS: Spec = Spec {
    extensions: &["css", "scss", "sass", "less"],
    comments: Some(&comment::CSS),
    ..Spec::plain("css", TextClass::Markup)
};
static HTML: Spec = Spec {
    extensions: &["html", "htm", "xhtml"],
    comments: Some(&comment::MARKUP),
    ..Spec::plain("html", TextClass::Markup)
};
/// A configuration of scripts may extend one of any name.
static JSON: Spec = Spec {
    extensions: &["json", "jsonc", "json5"],
    version: 1,
    settings_of: Some(&typescript::FAMILY),
    outline: typescript::base_config,
    ..data("json")
};
static KOTLIN: Spec = Spec { extensions: &["kt", "kts"], comments: Some(&comment::NESTED), ..code("kotlin") };
static LUA: Spec = Spec { extensions: &["lua"], comments: Some(&comment::LUA), ..code("lua") };
/// What is read of it is what a person wrote in its cells (`repo::content`).
static NOTEBOOK: Spec = Spec { extensions: &["ipynb"], ..code("notebook") };
static PHP: Spec = Spec { extensions: &["php"], separator: "::", comments: Some(&comment::PHP), ..code("php") };
static RUBY: Spec = Spec {
    file_names: &["Rakefile", "Gemfile"],
    extensions: &["rb"],
    separator: "::",
    comments: Some(&comment::SHELL),
    ..code("ruby")
};
static SCALA: Spec = Spec { extensions: &["scala", "sc"], comments: Some(&comment::NESTED), ..code("scala") };
static SHELL: Spec = Spec {
    file_names: &[".bashrc", ".profile", ".zshrc"],
    extensions: &["sh", "bash", "zsh", "fish"],
    comments: Some(&comment::SHELL),
    ..code("shell")
};
static SQL: Spec = Spec { extensions: &["sql"], comments: Some(&comment::SQL), ..code("sql") };
static SWIFT: Spec = Spec { extensions: &["swift"], comments: Some(&comment::NESTED), ..code("swift") };
static TOML: Spec = Spec {
    file_names: &["Cargo.lock", "Pipfile", "poetry.lock"],
    extensions: &["toml"],
    comments: Some(&comment::TOML),
    ..data("toml")
};
static YAML: Spec = Spec { extensions: &["yml", "yaml"], comments: Some(&comment::SHELL), ..data("yaml") };
static ZIG: Spec = Spec { extensions: &["zig"], comments: Some(&comment::ZIG), ..code("zig") };
static TEXT: Spec = Spec::plain("text", TextClass::Prose);
