//! A symbol: something a file defines that has a name.

use serde::{Deserialize, Serialize};

use crate::domain::DependencyType;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symbol {
    /// Name within the file: `load`, `Config::load` for what belongs to a type, `tests::f` for what is in an inline module.
    pub name: String,
    pub kind: SymbolKind,
    pub visibility: Visibility,
    /// The declaration's tokens without body, comments and documentation, spaced in one way; attributes sorted.
    pub signature: String,
    /// 1-based line of the declaration (documentation and attributes not counted).
    pub start_line: u32,
    /// 1-based, inclusive.
    pub end_line: u32,
    /// It has a doc comment.
    pub doc: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SymbolKind {
    Module,
    Struct,
    Union,
    Enum,
    Variant,
    Field,
    Trait,
    TypeAlias,
    /// A type that belongs to a trait or impl.
    AssociatedType,
    Function,
    /// A function that belongs to a type or trait.
    Method,
    Const,
    Static,
    Macro,
    Impl,
    /// A `use` that others can see.
    Import,
    /// A file that is included as text or bytes.
    File,
    /// A name that should be there and is not; no symbol has this kind, only a use.
    Unresolved,
    Class,
    Interface,
    /// A part of a page or a style sheet that has a name.
    Section,
}

impl SymbolKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Module => "module",
            Self::Struct => "struct",
            Self::Union => "union",
            Self::Enum => "enum",
            Self::Variant => "variant",
            Self::Field => "field",
            Self::Trait => "trait",
            Self::TypeAlias => "type alias",
            Self::AssociatedType => "associated type",
            Self::Function => "function",
            Self::Method => "method",
            Self::Const => "const",
            Self::Static => "static",
            Self::Macro => "macro",
            Self::Impl => "impl",
            Self::Import => "import",
            Self::File => "file",
            Self::Unresolved => "unresolved",
            Self::Class => "class",
            Self::Interface => "interface",
            Self::Section => "section",
        }
    }
}

impl SymbolKind {
    /// What using such a symbol of another file is called.
    pub const fn dependency_type(self) -> DependencyType {
        match self {
            Self::Module | Self::File => DependencyType::Module,
            Self::Function | Self::Method => DependencyType::Function,
            _ => DependencyType::Type,
        }
    }
}

impl std::fmt::Display for SymbolKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who can see a symbol, widest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Visibility {
    /// The module and those inside it.
    Private,
    /// `pub(super)`, `pub(in path)`: some modules of the crate.
    Restricted,
    Crate,
    Public,
}

impl Visibility {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Restricted => "restricted",
            Self::Crate => "crate",
            Self::Public => "public",
        }
    }
}
