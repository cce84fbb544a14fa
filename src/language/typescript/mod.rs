//! TypeScript and JavaScript: one family of five languages, the scripts inside Vue and Svelte pages among them.

mod code;
mod embedded;
mod lower;
mod measure;
mod node;
mod outline;
mod project;
mod rules;
mod segments;
mod signature;
mod smells;
mod source;
mod walk;

use crate::domain::{FilePath, Language, Role};
use crate::language::eval::{self, Dialects};
use crate::language::resolve::Family;
use crate::language::syntax::Grammar;
use crate::language::{Spec, TextClass, comment, role_by_folder};
pub(super) use project::manifest::base_config;

impl Language {
    pub const JAVA_SCRIPT: Self = JAVA_SCRIPT.language;
    pub const TYPE_SCRIPT: Self = TYPE_SCRIPT.language;
}

/// Raised whenever the outlines, chunks or analyses of scripts change.
const VERSION: u32 = 4;

/// Version of the rules by which names are resolved.
const RULES_VERSION: u32 = 4;

pub(super) static FAMILY: Family = Family {
    name: "script",
    version: RULES_VERSION,
    resolver: |files| {
        eval::resolver(
            files,
            Dialects { is_own: |path| FAMILY.sees(path), project: project::project, rules: &rules::RULES },
        )
    },
};

const fn script(name: &'static str) -> Spec {
    Spec {
        comments: Some(&comment::SCRIPT),
        version: VERSION,
        role_of,
        family: Some(&FAMILY),
        outline: outline::outline,
        segments: segments::segments,
        code: code::code,
        ..Spec::plain(name, TextClass::Code)
    }
}

pub static TYPE_SCRIPT: Spec = Spec {
    extensions: &["ts", "mts", "cts"],
    grammar: Some(Grammar { name: "TypeScript", language: || tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into() }),
    #[cfg(test)]
    sample: include_str!("sample.ts"),
    ..script("typescript")
};

pub static TSX: Spec = Spec {
    extensions: &["tsx"],
    grammar: Some(Grammar { name: "TSX", language: || tree_sitter_typescript::LANGUAGE_TSX.into() }),
    #[cfg(test)]
    sample: include_str!("sample.tsx"),
    ..script("tsx")
};

pub static JAVA_SCRIPT: Spec = Spec {
    extensions: &["js", "mjs", "cjs", "jsx"],
    grammar: Some(Grammar { name: "JavaScript", language: || tree_sitter_javascript::LANGUAGE.into() }),
    #[cfg(test)]
    sample: include_str!("sample.js"),
    ..script("javascript")
};

pub static VUE: Spec = Spec {
    extensions: &["vue"],
    comments: Some(&comment::PAGE),
    embedded: Some(embedded::scripts),
    grammar: Some(Grammar { name: "TypeScript", language: || tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into() }),
    #[cfg(test)]
    sample: include_str!("sample.vue"),
    ..script("vue")
};

pub static SVELTE: Spec = Spec {
    extensions: &["svelte"],
    comments: Some(&comment::PAGE),
    embedded: Some(embedded::scripts),
    grammar: Some(Grammar { name: "TypeScript", language: || tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into() }),
    #[cfg(test)]
    sample: include_str!("sample.svelte"),
    ..script("svelte")
};

pub static PACKAGE: Spec = Spec {
    file_names: &["package.json"],
    version: VERSION,
    family: Some(&FAMILY),
    outline: project::manifest::package,
    #[cfg(test)]
    sample: "{\n  \"name\": \"a\",\n  \"main\": \"./b.js\"\n}\n",
    ..Spec::plain("package-manifest", TextClass::Data)
};

pub static CONFIG: Spec = Spec {
    name_patterns: &[("tsconfig", ".json"), ("jsconfig", ".json")],
    version: VERSION,
    family: Some(&FAMILY),
    outline: project::manifest::config,
    #[cfg(test)]
    sample: "{\n  \"compilerOptions\": {\n    \"baseUrl\": \".\"\n  }\n}\n",
    ..Spec::plain("script-config", TextClass::Data)
};

/// By folder, and by the names that jest, vitest, mocha and node:test take for tests by default.
fn role_of(path: &FilePath) -> Role {
    let name = path.file_name();
    let has = |part: &[u8]| name.windows(part.len()).any(|window| window == part);
    if has(b".test.") || has(b".spec.") || has(b".cy.") || has(b".e2e.") || name.starts_with(b"test.") {
        return Role::Test;
    }
    if has(b".bench.") {
        return Role::Bench;
    }
    let folders = || path.parent().split(|&byte| byte == b'/');
    if folders().any(|folder| matches!(folder, b"__tests__" | b"test" | b"spec" | b"e2e" | b"__mocks__" | b"cypress")) {
        return Role::Test;
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
