//! What a path tells about a file: its language by name, its role by place.

use crate::domain::{FilePath, Language, Role};

/// Language of a file, told by its name and extension alone; [`Language::Text`] where they say nothing.
pub fn language_of(path: &FilePath) -> Language {
    let name = path.file_name();
    by_name(name).or_else(|| path.extension().and_then(by_extension)).unwrap_or(Language::Text)
}

fn by_name(name: &[u8]) -> Option<Language> {
    match name {
        b"Cargo.toml" => Some(Language::CargoManifest),
        b"Cargo.lock" | b"Pipfile" | b"poetry.lock" => Some(Language::Toml),
        b"Rakefile" | b"Gemfile" => Some(Language::Ruby),
        b".bashrc" | b".profile" | b".zshrc" => Some(Language::Shell),
        _ => None,
    }
}

fn by_extension(extension: &[u8]) -> Option<Language> {
    let lower = extension.to_ascii_lowercase();
    Some(match lower.as_slice() {
        b"rs" => Language::Rust,
        b"md" | b"markdown" | b"mdx" => Language::Markdown,
        b"c" | b"h" => Language::C,
        b"cc" | b"cpp" | b"cxx" | b"hh" | b"hpp" | b"hxx" | b"ipp" => Language::Cpp,
        b"cs" => Language::CSharp,
        b"css" | b"scss" | b"sass" | b"less" => Language::Css,
        b"go" => Language::Go,
        b"html" | b"htm" | b"xhtml" => Language::Html,
        b"java" => Language::Java,
        b"js" | b"mjs" | b"cjs" | b"jsx" => Language::JavaScript,
        b"json" | b"jsonc" | b"json5" => Language::Json,
        b"kt" | b"kts" => Language::Kotlin,
        b"lua" => Language::Lua,
        b"php" => Language::Php,
        b"py" | b"pyi" => Language::Python,
        b"rb" => Language::Ruby,
        b"scala" | b"sc" => Language::Scala,
        b"sh" | b"bash" | b"zsh" | b"fish" => Language::Shell,
        b"sql" => Language::Sql,
        b"swift" => Language::Swift,
        b"toml" => Language::Toml,
        b"ts" | b"tsx" | b"mts" | b"cts" => Language::TypeScript,
        b"yml" | b"yaml" => Language::Yaml,
        b"zig" => Language::Zig,
        _ => return None,
    })
}

/// Part that a file plays in its package, told by its place: Cargo's conventional folders, at the top or inside any package of
/// a workspace. A folder of that name *below* a `src` is a module like any other, except that `tests.rs` and `tests/` hold tests
/// wherever they are.
pub fn role_of(path: &FilePath) -> Role {
    let mut below_src = false;
    for folder in path.parent().split(|&byte| byte == b'/') {
        match folder {
            b"src" => below_src = true,
            b"tests" => return Role::Test,
            b"benches" if !below_src => return Role::Bench,
            b"examples" if !below_src => return Role::Example,
            _ => {}
        }
    }
    match path.file_name() {
        b"build.rs" if !below_src => Role::BuildScript,
        b"tests.rs" | b"test.rs" if below_src => Role::Test,
        _ => Role::Library,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decide_before_extensions() {
        for (path, language) in [
            ("a/Cargo.toml", Language::CargoManifest),
            ("a/pyproject.toml", Language::Toml),
            ("src/LIB.RS", Language::Rust),
            ("include/x.h", Language::C),
            ("Makefile", Language::Text),
            (".rs", Language::Text),
        ] {
            assert_eq!(language_of(&path.into()), language, "{path}");
        }
    }

    #[test]
    fn roles_hold_inside_any_package_of_a_workspace() {
        for (path, role) in [
            ("src/lib.rs", Role::Library),
            ("tests/it.rs", Role::Test),
            ("crates/a/tests/common/mod.rs", Role::Test),
            ("crates/a/benches/b.rs", Role::Bench),
            ("examples/e.rs", Role::Example),
            ("src/examples/mod.rs", Role::Library),
            ("src/parser/tests.rs", Role::Test),
            ("crates/a/build.rs", Role::BuildScript),
            ("src/build.rs", Role::Library),
        ] {
            assert_eq!(role_of(&path.into()), role, "{path}");
        }
    }
}
