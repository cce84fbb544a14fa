//! The sources as the rules see them: tokens, paths, modules, functions and types, each with its line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tree_sitter::{Node, Parser, Tree};

/// A file of `src/`.
pub struct Source {
    /// From the root of the repository: `src/repo/open.rs`.
    pub path: String,
    /// `["repo", "open"]`; empty for `lib.rs`.
    pub module: Vec<String>,
    pub lines: usize,
    pub tokens: Vec<Token>,
    pub comments: Vec<Comment>,
    pub functions: Vec<Function>,
    pub types: Vec<Type>,
    declared: Vec<Declared>,
}

/// A word, a string or a sign of the code.
pub struct Token {
    pub text: String,
    pub line: usize,
    pub is_string: bool,
    /// Compiled for tests only.
    pub test: bool,
    /// Modules of the same file around it.
    inside: usize,
}

pub struct Comment {
    pub text: String,
    pub line: usize,
}

pub struct Function {
    pub name: String,
    pub line: usize,
    /// From `fn` to the closing brace.
    pub lines: usize,
    pub is_test: bool,
}

/// A struct, enum, union, trait or alias.
pub struct Type {
    pub name: String,
    pub line: usize,
    pub test: bool,
}

/// A path of the code, those of a `use` one by one: `["std", "fs", "read"]`.
pub struct Named {
    pub segments: Vec<String>,
    pub line: usize,
    pub test: bool,
    inside: usize,
}

/// `mod name;`
struct Declared {
    name: String,
    path: Option<String>,
    test: bool,
    inside: Vec<String>,
}

/// The attributes in front of an item, as far as they matter here.
#[derive(Clone, Default)]
struct Attributes {
    test_only: bool,
    is_test: bool,
    path: Option<String>,
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of `src/`, in the order of the paths.
pub fn all() -> &'static [Source] {
    static ALL: OnceLock<Vec<Source>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut files = BTreeMap::new();
        for path in files_below("src").iter().filter(|path| path.ends_with(".rs")) {
            files.insert(path.clone(), std::fs::read_to_string(root().join(path)).unwrap());
        }
        modules_of(&files, &["src/lib.rs", "src/main.rs"])
    })
}

/// The files below a directory of the repository, by path from its root.
pub fn files_below(directory: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from(directory)];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(root().join(&directory)).unwrap() {
            let entry = entry.unwrap();
            let path = directory.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                open.push(path);
            } else {
                found.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Follows `mod` declarations from the roots; panics for a file that no declaration names.
fn modules_of(files: &BTreeMap<String, String>, roots: &[&str]) -> Vec<Source> {
    let mut found = BTreeMap::new();
    let mut open: Vec<(String, Vec<String>, bool)> =
        roots.iter().map(|path| ((*path).to_owned(), Vec::new(), false)).collect();
    while let Some((path, module, test)) = open.pop() {
        let source = Source::read(&path, module, test, &files[&path]);
        // a file of `tests/` that unit tests share is no source
        let outside = |declared: &&Declared| declared.path.as_ref().is_some_and(|path| path.starts_with("../"));
        for declared in source.declared.iter().filter(|declared| !outside(declared)) {
            let child = source.file_of(declared, |path| files.contains_key(path));
            let child = child.unwrap_or_else(|| panic!("{path}: no file for `mod {}`", declared.name));
            let mut module = source.module.clone();
            module.extend(declared.inside.iter().chain([&declared.name]).cloned());
            open.push((child, module, test || declared.test));
        }
        found.insert(path, source);
    }
    let included: Vec<String> = found.values().flat_map(Source::included).collect();
    let unused: Vec<&String> =
        files.keys().filter(|path| !found.contains_key(*path) && !included.contains(path)).collect();
    assert!(unused.is_empty(), "no `mod` declares {unused:?}: delete them");
    found.into_values().collect()
}

impl Source {
    /// Reads a text as the file of a module; for the tests of the rules, too.
    pub fn read(path: &str, module: Vec<String>, test: bool, text: &str) -> Self {
        let mut source = Self {
            path: path.to_owned(),
            module,
            lines: text.lines().count(),
            tokens: Vec::new(),
            comments: Vec::new(),
            functions: Vec::new(),
            types: Vec::new(),
            declared: Vec::new(),
        };
        source.children(tree(text).root_node(), text, test, &mut Vec::new());
        source
    }

    /// A text that stands in this module, as the rules' own tests plant it.
    pub fn planted(module: &str, text: &str) -> Self {
        let path = format!("src/{}.rs", module.replace("::", "/"));
        Self::read(&path, module.split("::").map(str::to_owned).collect(), false, text)
    }

    /// The top-level module.
    pub fn room(&self) -> Option<&str> {
        self.module.first().map(String::as_str)
    }

    /// Whether the file is this one or below this directory.
    pub fn is_in(&self, place: &str) -> bool {
        self.path == place || place.ends_with('/') && self.path.starts_with(place)
    }

    /// The top-level module that a path of this file names.
    pub fn room_named(&self, named: &Named) -> Option<String> {
        let supers = named.segments.iter().take_while(|segment| *segment == "super").count();
        let at = match named.segments[0].as_str() {
            "crate" => 1,
            "super" if supers == self.module.len() + named.inside => supers,
            _ => return None,
        };
        named.segments.get(at).cloned()
    }

    fn children(&mut self, node: Node, text: &str, test: bool, inside: &mut Vec<String>) {
        let mut attributes = Attributes::default();
        for child in node.children(&mut node.walk()) {
            match child.kind() {
                "attribute_item" => {
                    attributes.add(&text[child.byte_range()]);
                    self.node(child, text, test, inside, &Attributes::default());
                }
                "line_comment" | "block_comment" => self.node(child, text, test, inside, &attributes),
                _ => {
                    let attributes = std::mem::take(&mut attributes);
                    self.node(child, text, test || attributes.test_only, inside, &attributes);
                }
            }
        }
    }

    fn node(&mut self, node: Node, text: &str, test: bool, inside: &mut Vec<String>, attributes: &Attributes) {
        let line = node.start_position().row + 1;
        let own = &text[node.byte_range()];
        let name =
            || node.child_by_field_name("name").map_or_else(String::new, |name| text[name.byte_range()].to_owned());
        let mut token = |is_string| {
            self.tokens.push(Token { text: own.to_owned(), line, is_string, test, inside: inside.len() });
        };
        match node.kind() {
            "line_comment" | "block_comment" => return self.comments.push(Comment { text: own.to_owned(), line }),
            "string_literal" | "raw_string_literal" | "char_literal" => return token(true),
            _ if node.child_count() == 0 => return token(false),
            "mod_item" if node.child_by_field_name("body").is_none() => {
                self.declared.push(Declared {
                    name: name(),
                    path: attributes.path.clone(),
                    test,
                    inside: inside.clone(),
                });
            }
            "mod_item" => {
                inside.push(name());
                self.children(node, text, test, inside);
                inside.pop();
                return;
            }
            "function_item" => {
                let lines = node.end_position().row + 2 - line;
                self.functions.push(Function { name: name(), line, lines, is_test: attributes.is_test });
            }
            "struct_item" | "enum_item" | "union_item" | "trait_item" => {
                self.types.push(Type { name: name(), line, test });
            }
            // those of a trait or an implementation belong to it
            "type_item" if node.parent().and_then(|list| list.parent()).is_none_or(|above| !is_impl(above)) => {
                self.types.push(Type { name: name(), line, test });
            }
            _ => {}
        }
        self.children(node, text, test, inside);
    }

    fn file_of(&self, declared: &Declared, exists: impl Fn(&str) -> bool) -> Option<String> {
        let path = Path::new(&self.path);
        let mut directory = path.parent()?.to_path_buf();
        if let Some(named) = &declared.path {
            return directory.join(named).to_str().map(str::to_owned).filter(|path| exists(path));
        }
        let stem = path.file_stem()?.to_str()?;
        if !["mod", "lib", "main"].contains(&stem) {
            directory.push(stem);
        }
        directory.extend(&declared.inside);
        let directory = directory.to_str()?;
        let both = [format!("{directory}/{}.rs", declared.name), format!("{directory}/{}/mod.rs", declared.name)];
        both.into_iter().find(|path| exists(path))
    }

    /// The files of its directory whose text it includes: data, not sources.
    fn included(&self) -> Vec<String> {
        let directory = Path::new(&self.path).parent().unwrap();
        let calls = self.tokens.windows(4).filter(|four| four[0].text == "include_str" && four[3].is_string);
        calls.map(|four| directory.join(four[3].text.trim_matches('"')).to_str().unwrap().to_owned()).collect()
    }

    /// Every path with at least two segments, in `use` and elsewhere.
    pub fn paths(&self) -> Vec<Named> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            at = self.path_from(at, &[], &mut found).max(at + 1);
        }
        found.retain(|named| named.segments.len() > 1);
        found
    }

    /// Reads a path, or a tree of paths, and returns where it ends.
    fn path_from(&self, mut at: usize, before: &[String], found: &mut Vec<Named>) -> usize {
        let text = |at: usize| self.tokens.get(at).map_or("", |token| if token.is_string { "" } else { &token.text });
        let mut segments = before.to_vec();
        let start = at;
        while is_word(text(at)) || text(at) == "*" && !segments.is_empty() {
            segments.push(text(at).to_owned());
            at += 1;
            if text(at) != "::" {
                break;
            }
            at += 1;
            if text(at) == "{" {
                return self.group_from(at + 1, &segments, found);
            }
        }
        if at > start {
            let Token { line, test, inside, .. } = self.tokens[start];
            found.push(Named { segments, line, test, inside });
        }
        at
    }

    /// What stands between the braces of a `use`.
    fn group_from(&self, mut at: usize, before: &[String], found: &mut Vec<Named>) -> usize {
        while let Some(token) = self.tokens.get(at) {
            match token.text.as_str() {
                "}" => return at + 1,
                "as" => at += 2,
                _ => at = self.path_from(at, before, found).max(at + 1),
            }
        }
        at
    }
}

impl Attributes {
    fn add(&mut self, attribute: &str) {
        let dense: String = attribute.split_whitespace().collect();
        self.is_test |= dense == "#[test]" || dense.starts_with("#[tokio::test");
        self.test_only |= self.is_test || dense == "#[cfg(test)]" || dense.starts_with("#[cfg(all(test,");
        if let Some(path) = dense.strip_prefix("#[path=\"").and_then(|rest| rest.strip_suffix("\"]")) {
            self.path = Some(path.to_owned());
        }
    }
}

fn is_impl(node: Node) -> bool {
    matches!(node.kind(), "impl_item" | "trait_item")
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_') && text != "as"
}

fn tree(text: &str) -> Tree {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_rust::LANGUAGE.into()).unwrap();
    parser.parse(text, None).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_of_use_is_read_path_by_path() {
        let text =
            "use crate::{a, b::{self, c as d}, e::*};\nfn f() { x::y(crate::z::w); log!(\"{}\", crate::v::u()); }";
        let named: Vec<String> =
            Source::planted("m", text).paths().iter().map(|named| named.segments.join("::")).collect();
        let expected = "crate::a crate::b::self crate::b::c crate::e::* x::y crate::z::w crate::v::u";
        assert_eq!(named.join(" "), expected);
    }

    #[test]
    fn super_is_followed_to_the_top() {
        let text = "use super::a;\nuse super::super::b;\nmod inner { use super::super::super::c; use super::d; }";
        let source = Source::planted("m::n", text);
        let rooms: Vec<_> = source.paths().iter().map(|named| source.room_named(named)).collect();
        assert_eq!(rooms, [None, Some("b".into()), Some("c".into()), None]);
    }

    #[test]
    fn code_for_tests_is_known_as_such() {
        let text =
            "fn a() {}\n#[cfg(test)]\n#[path = \"b_tests.rs\"]\nmod b;\n#[cfg(test)]\nmod c { fn d() {} }\nfn e() {}";
        let source = Source::planted("m", text);
        let test: Vec<&str> =
            source.tokens.iter().filter(|token| token.test).map(|token| token.text.as_str()).collect();
        assert_eq!(test, ["mod", "b", ";", "mod", "c", "{", "fn", "d", "(", ")", "{", "}", "}"]);
        assert_eq!(source.declared[0].path.as_deref(), Some("b_tests.rs"));
    }

    #[test]
    fn a_module_is_found_where_the_compiler_finds_it() {
        let files = [("src/lib.rs", "mod a; const T: &str = include_str!(\"text.rs\");"), ("src/text.rs", "")];
        let above = [("src/a.rs", "mod b; #[cfg(test)] #[path = \"t.rs\"] mod tests;")];
        let below = [("src/a/b/mod.rs", "fn f() {}"), ("src/t.rs", "fn g() {}")];
        let files = files
            .into_iter()
            .chain(above)
            .chain(below)
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .collect();
        let found = modules_of(&files, &["src/lib.rs"]);
        let modules: Vec<_> = found.iter().map(|source| (source.module.join("::"), source.functions.len())).collect();
        assert_eq!(modules, [("a".into(), 0), ("a::b".into(), 1), (String::new(), 0), ("a::tests".into(), 1)]);
        assert!(found[3].tokens.iter().all(|token| token.test));
    }
}
