//! What an outline holds besides its symbols: scopes, imports, paths, types and the steps of bodies, in flat tables that refer
//! to each other by index. Names are resolved only when all files of a view are there; see [`crate::impact`].
//!
//! serde is here because an outline is kept in the store by its content's hash; the format is postcard, and
//! [`super::OUTLINE_VERSION`] is stored with it.

use serde::{Deserialize, Serialize};

/// Index into [`FileModel::names`].
pub(crate) type NameId = u32;
/// Index into [`FileModel::scopes`].
pub(crate) type ScopeId = u32;
/// Index into [`FileModel::paths`].
pub(crate) type PathId = u32;
/// Index into [`FileModel::types`].
pub(crate) type TypeId = u32;
/// Index into [`FileModel::patterns`].
pub(crate) type PatternId = u32;
/// Index into [`FileModel::defs`], which runs parallel to the outline's symbols.
pub(crate) type DefId = u32;
/// Index into [`FileModel::impls`].
pub(crate) type ImplId = u32;
/// Index of a step in its body; its value is what the step evaluates to.
pub(crate) type Value = u32;
/// Index of a local variable in its body.
pub(crate) type Slot = u32;

/// A value that the outline knows nothing of.
pub(crate) const NO_VALUE: Value = u32::MAX;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileModel {
    pub names: Vec<String>,
    pub scopes: Vec<NameScope>,
    pub defs: Vec<Def>,
    pub impls: Vec<Impl>,
    pub modules: Vec<ModDeclaration>,
    pub imports: Vec<Import>,
    pub extern_crates: Vec<ExternCrate>,
    pub includes: Vec<Include>,
    /// Scopes in which a macro stands in the place of an item: more may be declared there than is seen.
    pub item_macros: Vec<ScopeId>,
    pub paths: Vec<Path>,
    pub types: Vec<Type>,
    pub patterns: Vec<Pattern>,
    pub bodies: Vec<Body>,
}

/// A region in which names are looked up; scope 0 is the file's own module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NameScope {
    pub parent: Option<ScopeId>,
    pub kind: ScopeKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ScopeKind {
    File,
    /// `mod name { .. }`
    Module {
        name: NameId,
        def: DefId,
        /// `#[path = ".."]`: the folder in which its own modules lie.
        folder: Option<String>,
    },
    /// A block that holds items or imports of its own.
    Block,
    /// An item with generic parameters or a `Self`.
    Item {
        generics: Vec<Generic>,
        this: This,
    },
}

/// What `Self` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum This {
    Outer,
    Def(DefId),
    Impl(ImplId),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Generic {
    pub name: NameId,
    pub bounds: Vec<TypeId>,
}

/// What a symbol is made of, for those who use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Def {
    pub name: NameId,
    /// Where its name can be looked up.
    pub scope: ScopeId,
    /// Where its types are looked up: the scope that has its generic parameters.
    pub inner: ScopeId,
    pub owner: Owner,
    /// A function's result, a field's, const's or static's type, what an alias stands for.
    pub ty: Option<TypeId>,
    /// Parameters of a function (without `self`); of a trait, its supertraits.
    pub params: Vec<TypeId>,
    /// A function that can be called as a method.
    pub takes_self: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Owner {
    Scope,
    /// A field's struct or variant, a variant's enum, a trait item's trait.
    Def(DefId),
    Impl(ImplId),
    /// A macro in the place of an item, which may declare what its arguments name.
    Macro,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Impl {
    pub scope: ScopeId,
    pub this: TypeId,
    /// The trait, as a type (its generic arguments included).
    pub of: Option<TypeId>,
    /// Its tokens before the braces.
    pub header: String,
}

/// `mod name;`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ModDeclaration {
    pub scope: ScopeId,
    pub name: NameId,
    /// Values of `#[path = ".."]`, those under `cfg_attr` included.
    pub paths: Vec<String>,
    pub def: DefId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Import {
    pub scope: ScopeId,
    pub path: PathId,
    pub name: ImportName,
    /// Seen from outside its module.
    pub exported: bool,
    /// Its symbol, if others can see it.
    pub def: Option<DefId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ImportName {
    As(NameId),
    Glob,
    /// `as _`: only a trait's methods come into scope.
    Nameless,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExternCrate {
    pub name: NameId,
    pub alias: NameId,
    /// `#[macro_use]`: its macros come into scope everywhere.
    pub macro_use: bool,
}

/// `include!`, `include_str!`, `include_bytes!` of a path written as a literal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Include {
    pub scope: ScopeId,
    pub path: String,
    /// From the package's folder (`concat!(env!("CARGO_MANIFEST_DIR"), ..)`), not from the file's.
    pub from_package: bool,
    /// `include!`: the file's items become ours.
    pub source: bool,
    pub line: u32,
}

/// A path as written. Keywords (`crate`, `self`, `super`, `Self`) are segments like others; an absolute path (`::a`) begins with
/// an empty name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Path {
    pub segments: Vec<NameId>,
    /// `<Type as Trait>::segments`
    pub qualifier: Option<(TypeId, Option<TypeId>)>,
    /// Generic arguments, those of all segments together, bindings (`Item = T`) included.
    pub args: Vec<TypeId>,
    pub scope: ScopeId,
    pub space: Space,
    /// 1-based
    pub line: u32,
}

/// In which of the language's name spaces the last segment is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Space {
    Type,
    Value,
    Macro,
    /// All of them: an import.
    Any,
}

/// A type as far as members can be found by it: references and pointers are dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Type {
    Path(PathId),
    Slice(TypeId),
    Tuple(Vec<TypeId>),
    /// `dyn A + B`, `impl A + B`
    Bounds(Vec<TypeId>),
    /// Parameters and result of `fn(..) -> _`, `Fn(..) -> _`.
    Function(Vec<TypeId>, Option<TypeId>),
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Pattern {
    Bind(Slot, Option<PatternId>),
    Tuple(Vec<PatternId>),
    /// A tuple struct or variant, or a path alone.
    Variant(PathId, Vec<PatternId>),
    Struct(PathId, Vec<FieldPattern>),
    Slice(Vec<PatternId>),
    Or(Vec<PatternId>),
    /// `..`
    Rest,
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FieldPattern {
    pub name: NameId,
    pub line: u32,
    pub pattern: PatternId,
}

/// A function's body, a const's value: steps in the order in which types become known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Body {
    pub scope: ScopeId,
    pub slots: u32,
    pub steps: Vec<ChainStep>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ChainStep {
    Path(PathId),
    Local(Slot),
    This,
    Typed(TypeId),
    Text,
    Call {
        callee: Value,
        args: Vec<Value>,
    },
    Method {
        receiver: Value,
        name: NameId,
        args: Vec<Value>,
        turbofish: Option<TypeId>,
        line: u32,
    },
    Field {
        receiver: Value,
        name: NameId,
        line: u32,
    },
    Struct {
        path: PathId,
        fields: Vec<(NameId, u32)>,
    },
    /// An operator that a type of the view may define: the method of its trait (`add`, `not`, `index`).
    Operator {
        operand: Value,
        name: NameId,
        line: u32,
    },
    /// `?`, `[i]`: what the wrapper holds.
    Inner(Value),
    Await(Value),
    Tuple(Vec<Value>),
    Slice(Vec<Value>),
    /// Branches of one expression.
    OneOf(Vec<Value>),
    Closure {
        result: Value,
    },
    Bind {
        pattern: PatternId,
        value: Value,
        ty: Option<TypeId>,
        how: How,
    },
}

/// How a bound variable's type follows from the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum How {
    Same,
    /// `for x in value`
    Element,
    /// Parameter `index` of a closure that is argument `arg` of the method `name` of `value`.
    MethodClosure {
        name: NameId,
        arg: u32,
        index: u32,
    },
    /// Parameter `index` of a closure that is argument `arg` of the call of `value`.
    CallClosure {
        arg: u32,
        index: u32,
    },
}

impl FileModel {
    /// Where a scope is: the names of the inline modules around it, and whether it is inside a body.
    pub(crate) fn place(&self, scope: ScopeId) -> (Vec<&str>, bool) {
        let (mut modules, mut local) = (Vec::new(), false);
        let mut at = self.scopes.get(scope as usize);
        while let Some(scope) = at {
            match &scope.kind {
                ScopeKind::Module { name, .. } => modules.extend(self.names.get(*name as usize).map(String::as_str)),
                ScopeKind::Block => local = true,
                ScopeKind::File | ScopeKind::Item { .. } => {}
            }
            at = scope.parent.and_then(|parent| self.scopes.get(parent as usize));
        }
        (modules, local)
    }

    /// A path as it stands in the source, without generic arguments.
    pub(crate) fn written(&self, path: PathId) -> String {
        let Some(path) = self.paths.get(path as usize) else { return String::new() };
        let names: Vec<&str> =
            path.segments.iter().filter_map(|&id| self.names.get(id as usize)).map(String::as_str).collect();
        match path.qualifier {
            Some(_) => format!("<_>::{}", names.join("::")),
            None => names.join("::"),
        }
    }

    /// Every index that is followed without a check points into its table: stored bytes may be damaged.
    pub(crate) fn is_sound(&self, symbols: usize) -> bool {
        let within = |id: u32, len: usize| (id as usize) < len;
        let scope = |id: ScopeId| within(id, self.scopes.len());
        let ty = |id: TypeId| within(id, self.types.len());
        let def = |id: DefId| within(id, self.defs.len());
        let path = |id: PathId| within(id, self.paths.len());
        let block = |id: ImplId| within(id, self.impls.len());
        let sound_scope = |(at, entry): (usize, &NameScope)| {
            let kind = match &entry.kind {
                ScopeKind::Module { def: id, .. } | ScopeKind::Item { this: This::Def(id), .. } => def(*id),
                ScopeKind::Item { this: This::Impl(id), .. } => block(*id),
                ScopeKind::File | ScopeKind::Block | ScopeKind::Item { this: This::Outer, .. } => true,
            };
            kind && entry.parent.is_none_or(|parent| (parent as usize) < at)
        };
        let sound_def = |entry: &Def| {
            let owner = match entry.owner {
                Owner::Scope | Owner::Macro => true,
                Owner::Def(id) => def(id),
                Owner::Impl(id) => block(id),
            };
            owner && scope(entry.scope) && scope(entry.inner) && entry.ty.is_none_or(ty)
        };
        self.defs.len() == symbols
            && self.scopes.iter().enumerate().all(sound_scope)
            && self.defs.iter().all(sound_def)
            && self.impls.iter().all(|entry| scope(entry.scope) && ty(entry.this) && entry.of.is_none_or(ty))
            && self.modules.iter().all(|entry| scope(entry.scope) && def(entry.def))
            && self.imports.iter().all(|entry| scope(entry.scope) && path(entry.path) && entry.def.is_none_or(def))
            && self.includes.iter().all(|entry| scope(entry.scope))
            && self.paths.iter().all(|entry| scope(entry.scope))
            && self.types.iter().all(|entry| !matches!(entry, Type::Path(id) if !path(*id)))
            && self.bodies.iter().all(|entry| scope(entry.scope) && entry.slots as usize <= self.patterns.len())
    }
}
