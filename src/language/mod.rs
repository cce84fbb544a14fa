//! One room per language: what a file is by its name, and everything that is read off its text.
//!
//! A language is one record, its [`Spec`]: names, extensions, comment syntax, grammar and the functions that read it. The records are in
//! [`table`]; what a language needs beyond its record lives in a folder of its own. Nothing outside this module asks which language a
//! file has: it asks the record what the language can do.

pub mod comment;
mod cutter;
pub mod duplicate;
pub(crate) mod eval;
pub mod facts;
mod interner;
pub mod item;
pub mod lines;
pub mod markdown;
pub mod outline;
mod outlined;
pub mod resolve;
pub mod rust;
pub mod segment;
pub mod smell;
pub mod stored;
mod symbol;
pub mod syntax;
mod table;
pub mod window;

use std::cmp::Ordering;
use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::domain::{FilePath, Language, Role};

pub use outline::{Outline, ParseError};
pub use symbol::{Symbol, SymbolKind, Visibility};
pub use syntax::Parsed;

use comment::CommentSyntax;
use item::ParsedCode;
use markdown::Heading;
use resolve::Family;
use segment::Segment;
use syntax::{Grammar, TextReading};

/// What the files of a language are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextClass {
    /// A person wrote it for a machine to run.
    Code,
    /// Style sheets and pages: written by hand, without functions or items.
    Markup,
    /// Settings and values.
    Data,
    Prose,
}

impl TextClass {
    /// Whether a model is asked to judge such files: what a person wrote for a machine to run or show.
    pub fn is_judged(self) -> bool {
        matches!(self, Self::Code | Self::Markup)
    }
}

/// What the program knows of a language's files; each rung includes those below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// Text, cut into passages.
    Searched,
    /// Items, with their signatures.
    Outlined,
    /// Which file uses which symbol of which file.
    Linked,
}

impl Rung {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Searched => "searched",
            Self::Outlined => "outlined",
            Self::Linked => "linked",
        }
    }
}

/// Finds what a file says it is about, with its line.
pub type Describe = fn(&str) -> Option<(u32, String)>;

/// A text for people.
pub struct Prose {
    pub headings: Vec<Heading>,
    /// Its first words, with their line.
    pub summary: Option<(u32, String)>,
}

/// Everything that the program knows of one language.
pub struct Spec {
    /// Stored with files and results, so it never changes.
    pub language: Language,
    pub class: TextClass,
    /// Names that decide before any extension.
    pub file_names: &'static [&'static str],
    /// Beginnings and ends of names that decide likewise: `tsconfig` and `.json`.
    pub name_patterns: &'static [(&'static str, &'static str)],
    /// In lower case, without the dot.
    pub extensions: &'static [&'static str],
    /// Between the parts of a symbol's name.
    pub separator: &'static str,
    pub comments: Option<&'static CommentSyntax>,
    /// Raised whenever this language's outlines, chunks or analyses change and those of others do not.
    pub version: u32,
    pub role_of: fn(&FilePath) -> Role,
    /// `None`: the text is read line by line.
    pub grammar: Option<Grammar>,
    /// The query whose captures are what [`outlined`] knows of the language; `None`: it has code of its own, or no items.
    pub items: Option<&'static str>,
    /// Bytes at the start of a text that the grammar does not know; they end with a line.
    pub preamble: fn(&str) -> usize,
    /// Where in a page of markup the text that the grammar reads is; `None`: all of a file is.
    pub embedded: Option<fn(&str) -> Vec<tree_sitter::Range>>,
    /// How a text is read, where it decides about its grammar, or has to be prepared for it.
    pub reading: Option<fn(&str) -> TextReading>,
    /// Whose names it can use, and who resolves them; `None`: its files have no dependents.
    pub family: Option<&'static Family>,
    /// A family for which some of its files are settings, although nothing uses them by name.
    pub settings_of: Option<&'static Family>,
    /// What a file says to others. It never fails: what could not be read is in the errors.
    pub outline: fn(&Parsed<'_>) -> (Outline, Vec<ParseError>),
    /// The stretches along which a file is cut; `None`: at blank lines and little indentation.
    pub segments: fn(&Parsed<'_>) -> Option<Vec<Segment>>,
    /// What the local analyses see of a file; `None` if there is no tree.
    pub code: for<'t> fn(&Parsed<'t>, Role) -> Option<ParsedCode<'t>>,
    /// Headings and the opening words of a text for people.
    pub prose: Option<fn(&str) -> Prose>,
    /// What a file of settings says it is about, with its line.
    pub description: Option<Describe>,
    /// A valid text with something of everything, for the tests that every record passes.
    #[cfg(test)]
    pub sample: &'static str,
}

impl Spec {
    /// A language that is only searched: no grammar, no outline.
    pub const fn plain(name: &'static str, class: TextClass) -> Self {
        Self {
            language: Language::named(name),
            class,
            file_names: &[],
            name_patterns: &[],
            extensions: &[],
            separator: ".",
            comments: None,
            version: 0,
            role_of: role_by_folder,
            grammar: None,
            items: None,
            preamble: |_| 0,
            embedded: None,
            reading: None,
            family: None,
            settings_of: None,
            outline: |_| (Outline::default(), Vec::new()),
            segments: |_| None,
            code: |_, _| None,
            prose: None,
            description: None,
            #[cfg(test)]
            sample: "one\n\ntwo {\n  three\n}\n",
        }
    }
}

impl Language {
    /// Every language, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        table::TABLE.iter().map(|spec| spec.language)
    }

    /// The language of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|language| language.as_str() == name)
    }

    /// Its record.
    pub fn spec(self) -> &'static Spec {
        table::TABLE[self.place()]
    }

    pub fn class(self) -> TextClass {
        self.spec().class
    }

    pub fn rung(self) -> Rung {
        match self.spec() {
            Spec { family: Some(_), .. } => Rung::Linked,
            Spec { grammar: Some(_), .. } => Rung::Outlined,
            _ => Rung::Searched,
        }
    }

    /// Whether files of this language can be used by others, so that a change of one concerns more than itself.
    pub fn has_dependents(self) -> bool {
        self.spec().family.is_some()
    }

    fn place(self) -> usize {
        table::TABLE.iter().position(|spec| spec.language == self).unwrap_or(table::TABLE.len() - 1)
    }
}

/// In the order of the table.
impl Ord for Language {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialOrd for Language {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Language of a file, by its name and extension alone; [`Language::TEXT`] where they say nothing.
pub fn of(path: &FilePath) -> Language {
    static BY_NAME: LazyLock<FxHashMap<&[u8], Language>> = LazyLock::new(|| by_key(|spec| spec.file_names));
    static PATTERNS: LazyLock<Vec<((&str, &str), Language)>> = LazyLock::new(|| {
        let all = table::TABLE.iter();
        all.flat_map(|spec| spec.name_patterns.iter().map(|&pattern| (pattern, spec.language))).collect()
    });
    static BY_EXTENSION: LazyLock<FxHashMap<&[u8], Language>> = LazyLock::new(|| by_key(|spec| spec.extensions));
    if let Some(&language) = BY_NAME.get(path.file_name()) {
        return language;
    }
    let is_named = |(begin, end): &(&str, &str)| {
        path.file_name().starts_with(begin.as_bytes()) && path.file_name().ends_with(end.as_bytes())
    };
    if let Some((_, language)) = PATTERNS.iter().find(|(pattern, _)| is_named(pattern)) {
        return *language;
    }
    let extension = path.extension().map(<[u8]>::to_ascii_lowercase);
    extension.and_then(|extension| BY_EXTENSION.get(extension.as_slice()).copied()).unwrap_or(Language::TEXT)
}

fn by_key(keys: fn(&Spec) -> &'static [&'static str]) -> FxHashMap<&'static [u8], Language> {
    let entries = table::TABLE.iter().flat_map(|spec| keys(spec).iter().map(|key| (key.as_bytes(), spec.language)));
    entries.collect()
}

/// Part that a file plays in its package, by its path.
pub fn role_of(path: &FilePath) -> Role {
    (of(path).spec().role_of)(path)
}

/// Every family once, in the order of the table.
pub fn families() -> Vec<&'static Family> {
    let mut families: Vec<&'static Family> = Vec::new();
    for family in table::TABLE.iter().filter_map(|spec| spec.family) {
        if !families.iter().any(|known| known.name == family.name) {
            families.push(family);
        }
    }
    families
}

/// Versions of what is peculiar to single languages: a change of any has every file read again.
pub fn versions() -> impl Iterator<Item = u32> {
    let changed = table::TABLE.iter().filter(|spec| spec.version > 0);
    changed.map(|spec| spec.version)
}

/// The role by Cargo's conventional folders, at the top or inside any package of a workspace. A folder of that name *below* a `src` is
/// a module like any other, except that `tests.rs` and `tests/` hold tests wherever they are.
pub fn role_by_folder(path: &FilePath) -> Role {
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
mod conformance;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decide_before_extensions() {
        for (path, language) in [
            ("a/Cargo.toml", Language::CARGO_MANIFEST),
            ("a/poetry.lock", Language::TOML),
            ("src/LIB.RS", Language::RUST),
            ("include/x.h", Language::C),
            ("Makefile", Language::parse("make").unwrap()),
            ("LICENSE", Language::TEXT),
            (".rs", Language::TEXT),
        ] {
            assert_eq!(of(&path.into()), language, "{path}");
        }
    }

    #[test]
    fn a_language_stands_on_one_rung() {
        for (language, rung) in [
            (Language::RUST, Rung::Linked),
            (Language::CARGO_MANIFEST, Rung::Linked),
            (Language::PYTHON, Rung::Linked),
            (Language::SHELL, Rung::Outlined),
            (Language::TOML, Rung::Searched),
            (Language::TEXT, Rung::Searched),
        ] {
            assert_eq!(language.rung(), rung, "{language:?}");
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
