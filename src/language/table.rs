//! The table of languages: one record each.

use super::comment;
use super::outlined::{dockerfile_reading, make_reading, outlined};
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
    &DART,
    &DOCKERFILE,
    &ELIXIR,
    &go::SPEC,
    &go::MANIFEST,
    &GRAPH_QL,
    &HASKELL,
    &HTML,
    &java::SPEC,
    &typescript::JAVA_SCRIPT,
    &typescript::PACKAGE,
    &typescript::CONFIG,
    &JSON,
    &JULIA,
    &KOTLIN,
    &LUA,
    &MAKE,
    &NIX,
    &NOTEBOOK,
    &O_CAML,
    &PERL,
    &PHP,
    &PROTOBUF,
    &python::SPEC,
    &python::PROJECT,
    &R,
    &RUBY,
    &SASS,
    &SCALA,
    &SHELL,
    &FISH,
    &SQL,
    &SWIFT,
    &TERRAFORM,
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
    pub const FISH: Self = FISH.language;
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

/// A configuration of scripts may extend one of any name.
static JSON: Spec = Spec {
    extensions: &["json", "jsonc", "json5"],
    version: 1,
    settings_of: Some(&typescript::FAMILY),
    outline: typescript::base_config,
    ..data("json")
};
/// What is read of it is what a person wrote in its cells (`repo::content`).
static NOTEBOOK: Spec = Spec { extensions: &["ipynb"], ..code("notebook") };
static TOML: Spec = Spec {
    file_names: &["Cargo.lock", "Pipfile", "poetry.lock"],
    extensions: &["toml"],
    comments: Some(&comment::TOML),
    ..data("toml")
};
static YAML: Spec = Spec { extensions: &["yml", "yaml"], comments: Some(&comment::SHELL), ..data("yaml") };
static SASS: Spec = Spec {
    extensions: &["scss", "sass", "less"],
    comments: Some(&comment::C),
    ..Spec::plain("sass", TextClass::Markup)
};
static SQL: Spec = Spec { extensions: &["sql"], comments: Some(&comment::SQL), ..code("sql") };
static JULIA: Spec = Spec { extensions: &["jl"], comments: Some(&comment::JULIA), ..code("julia") };
static O_CAML: Spec = Spec { extensions: &["ml", "mli"], comments: Some(&comment::OCAML), ..code("ocaml") };
static HASKELL: Spec = Spec { extensions: &["hs"], comments: Some(&comment::HASKELL), ..code("haskell") };
static FISH: Spec = Spec { extensions: &["fish"], comments: Some(&comment::SHELL), ..code("fish") };
static TEXT: Spec = Spec::plain("text", TextClass::Prose);

// Outlined: each is a record here, a query and a sample in `outlined/`.

static CSS: Spec = Spec {
    class: TextClass::Markup,
    extensions: &["css"],
    comments: Some(&comment::CSS),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.css"),
    ..outlined("css", "CSS", || tree_sitter_css::LANGUAGE.into(), include_str!("outlined/css.scm"))
};
static DART: Spec = Spec {
    extensions: &["dart"],
    comments: Some(&comment::NESTED),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.dart"),
    ..outlined("dart", "Dart", || tree_sitter_dart::LANGUAGE.into(), include_str!("outlined/dart.scm"))
};
static DOCKERFILE: Spec = Spec {
    file_names: &["Dockerfile", "Containerfile"],
    name_patterns: &[("Dockerfile.", ""), ("Containerfile.", "")],
    extensions: &["dockerfile", "containerfile"],
    comments: Some(&comment::SHELL),
    reading: Some(dockerfile_reading),
    #[cfg(test)]
    sample: include_str!("outlined/samples/Dockerfile"),
    ..outlined(
        "dockerfile",
        "Dockerfile",
        || tree_sitter_containerfile::LANGUAGE.into(),
        include_str!("outlined/dockerfile.scm"),
    )
};
static ELIXIR: Spec = Spec {
    extensions: &["ex", "exs"],
    comments: Some(&comment::HASH),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.ex"),
    ..outlined("elixir", "Elixir", || tree_sitter_elixir::LANGUAGE.into(), include_str!("outlined/elixir.scm"))
};
static GRAPH_QL: Spec = Spec {
    extensions: &["graphql", "gql", "graphqls"],
    comments: Some(&comment::HASH),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.graphql"),
    ..outlined("graphql", "GraphQL", || tree_sitter_graphql::LANGUAGE.into(), include_str!("outlined/graphql.scm"))
};
static HTML: Spec = Spec {
    class: TextClass::Markup,
    extensions: &["html", "htm", "xhtml"],
    comments: Some(&comment::MARKUP),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.html"),
    ..outlined("html", "HTML", || tree_sitter_html::LANGUAGE.into(), include_str!("outlined/html.scm"))
};
static KOTLIN: Spec = Spec {
    extensions: &["kt", "kts"],
    comments: Some(&comment::NESTED),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.kt"),
    ..outlined("kotlin", "Kotlin", || tree_sitter_kotlin_ng::LANGUAGE.into(), include_str!("outlined/kotlin.scm"))
};
static LUA: Spec = Spec {
    extensions: &["lua"],
    comments: Some(&comment::LUA),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.lua"),
    ..outlined("lua", "Lua", || tree_sitter_lua::LANGUAGE.into(), include_str!("outlined/lua.scm"))
};
static MAKE: Spec = Spec {
    file_names: &["Makefile", "makefile", "GNUmakefile"],
    name_patterns: &[("Makefile.", "")],
    extensions: &["mk", "mak"],
    comments: Some(&comment::SHELL),
    reading: Some(make_reading),
    #[cfg(test)]
    sample: include_str!("outlined/samples/Makefile"),
    ..outlined("make", "Make", || tree_sitter_make::LANGUAGE.into(), include_str!("outlined/make.scm"))
};
static NIX: Spec = Spec {
    extensions: &["nix"],
    comments: Some(&comment::NIX),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.nix"),
    ..outlined("nix", "Nix", || tree_sitter_nix::LANGUAGE.into(), include_str!("outlined/nix.scm"))
};
static PERL: Spec = Spec {
    extensions: &["pl", "pm", "t"],
    separator: "::",
    comments: Some(&comment::SHELL),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.pl"),
    ..outlined("perl", "Perl", || ts_parser_perl::LANGUAGE.into(), include_str!("outlined/perl.scm"))
};
static PHP: Spec = Spec {
    extensions: &["php", "phtml"],
    separator: "::",
    comments: Some(&comment::PHP),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.php"),
    ..outlined("php", "PHP", || tree_sitter_php::LANGUAGE_PHP.into(), include_str!("outlined/php.scm"))
};
static PROTOBUF: Spec = Spec {
    extensions: &["proto"],
    comments: Some(&comment::C),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.proto"),
    ..outlined("protobuf", "Protobuf", || tree_sitter_proto::LANGUAGE.into(), include_str!("outlined/proto.scm"))
};
static R: Spec = Spec {
    extensions: &["r"],
    comments: Some(&comment::HASH),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.R"),
    ..outlined("r", "R", || tree_sitter_r::LANGUAGE.into(), include_str!("outlined/r.scm"))
};
static RUBY: Spec = Spec {
    file_names: &["Rakefile", "Gemfile"],
    extensions: &["rb", "rake", "gemspec"],
    separator: "::",
    comments: Some(&comment::SHELL),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.rb"),
    ..outlined("ruby", "Ruby", || tree_sitter_ruby::LANGUAGE.into(), include_str!("outlined/ruby.scm"))
};
static SCALA: Spec = Spec {
    extensions: &["scala", "sc", "sbt"],
    comments: Some(&comment::NESTED),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.scala"),
    ..outlined("scala", "Scala", || tree_sitter_scala::LANGUAGE.into(), include_str!("outlined/scala.scm"))
};
static SHELL: Spec = Spec {
    file_names: &[".bashrc", ".profile", ".zshrc"],
    extensions: &["sh", "bash", "zsh"],
    comments: Some(&comment::SHELL),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.sh"),
    ..outlined("shell", "shell", || tree_sitter_bash::LANGUAGE.into(), include_str!("outlined/shell.scm"))
};
static SWIFT: Spec = Spec {
    extensions: &["swift"],
    comments: Some(&comment::NESTED),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.swift"),
    ..outlined("swift", "Swift", || tree_sitter_swift::LANGUAGE.into(), include_str!("outlined/swift.scm"))
};
static TERRAFORM: Spec = Spec {
    extensions: &["tf", "tfvars", "hcl"],
    comments: Some(&comment::HCL),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.tf"),
    ..outlined("terraform", "Terraform", || tree_sitter_hcl::LANGUAGE.into(), include_str!("outlined/hcl.scm"))
};
static ZIG: Spec = Spec {
    extensions: &["zig"],
    comments: Some(&comment::ZIG),
    #[cfg(test)]
    sample: include_str!("outlined/samples/sample.zig"),
    ..outlined("zig", "Zig", || tree_sitter_zig::LANGUAGE.into(), include_str!("outlined/zig.scm"))
};
