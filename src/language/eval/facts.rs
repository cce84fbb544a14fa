//! The facts model: what one file of a language with an evaluator says, in flat tables that refer to each other by index. A frontend
//! lowers syntax to it; the evaluator reads nothing else. Rust has a model of its own ([`crate::language::facts`]).
//!
//! Everything with a name is a [`Binding`] of a scope; every expression and every written type is a [`Step`]. A frontend lowers all
//! that can lead to another file and leaves out the rest ([`NO_STEP`]). Lines stand apart, for they are no part of what a file says.

use serde::{Deserialize, Serialize};

/// Index into [`Facts::texts`].
pub(crate) type TextId = u32;
/// Index into [`Facts::scopes`].
pub(crate) type FactScopeId = u32;
/// Index into [`Facts::bindings`].
pub(crate) type BindingId = u32;
/// Index into [`Facts::imports`].
pub(crate) type ImportId = u32;
/// Index into [`Facts::steps`].
pub(crate) type StepId = u32;

/// An expression or type that the facts know nothing of.
pub(crate) const NO_STEP: StepId = u32::MAX;

/// How many arguments a method is called with, if it is not called.
pub(crate) const ANY_COUNT: u32 = u32::MAX;

/// What one file says to others and asks of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub texts: Vec<String>,
    /// Scope 0 is the module; empty tables are a file that says nothing.
    pub scopes: Vec<FactScope>,
    /// In the order of the text. Those with a [`Binding::symbol`] can be used by others.
    pub bindings: Vec<Binding>,
    pub imports: Vec<ImportFact>,
    /// What the module offers where a declaration alone does not export (`export`, `module.exports`). Python has none: all names of a
    /// module are seen.
    pub exports: Vec<Export>,
    pub steps: Vec<Step>,
    /// Line (1-based) of each step.
    pub step_lines: Vec<u32>,
    /// The names that a star import brings, if the file lists them (`__all__`).
    pub listed: Option<Vec<TextId>>,
    /// The file may define names that are not seen here (`__getattr__`, a computed `__all__`): a star import from it reaches whoever
    /// uses a name that nothing else explains.
    pub is_open: bool,
    /// What cannot be known by reading: the file may depend on more than its edges say.
    pub dynamics: Vec<Dynamic>,
    /// Text of a project file, for those who resolve specifiers.
    pub manifest: Option<String>,
}

/// A region in which names are looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FactScope {
    /// Lies before its children.
    pub parent: Option<FactScopeId>,
    pub kind: FactScopeKind,
    /// The class, function or namespace whose inside it is.
    pub owner: Option<BindingId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FactScopeKind {
    Module,
    /// Members of a class, interface or enum; its bindings are looked up by [`Step::Member`], lexically only as the rules say.
    Class,
    /// Parameters and variables of a function.
    Function,
    /// `{ .. }`, a comprehension.
    Block,
    /// `namespace N { .. }`
    Namespace,
    /// `declare global { .. }`, the top of a script that is no module: its bindings are seen everywhere.
    Global,
    /// `declare module 'specifier' { .. }`: its bindings are merged into that module's.
    Augmentation(TextId),
    /// Keys of an object literal or of a type literal.
    Record,
    /// What the files of a package declare together: its bindings, imports apart, are those of every file whose package has the same
    /// text. A text that begins with `./` counts within the file's folder.
    Package(TextId),
    /// Members that a file adds to the class of this name in the scope around it, wherever that is declared.
    Members(TextId),
}

/// Something with a name. One variable of a scope is one binding, however often it is assigned; functions and classes that share a name
/// (overloads, branches, merged declarations) are a binding each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Binding {
    pub name: TextId,
    /// Where the name is looked up. Attributes that a method gives to `self` or `this` belong to the class's scope.
    pub scope: FactScopeId,
    pub kind: BindingKind,
    /// Index into the outline's symbols; `None`: local, parameters included.
    pub symbol: Option<u32>,
    /// Scope of the members of a class, enum or namespace; of a function's parameters and body.
    pub inner: Option<FactScopeId>,
    /// The declared type; of a function, of its result. [`NO_STEP`]: none is written.
    pub ty: StepId,
    /// Values that are assigned; of a function without a result type, what it returns (of a generator, lists of what it yields). An alias: what it stands
    /// for, as a type.
    pub values: Vec<StepId>,
    /// Base classes, `extends` and `implements`; bounds of a type parameter.
    pub bases: Vec<StepId>,
    pub decorators: Vec<StepId>,
    /// Parameters of a function; type parameters of a generic class or alias come first.
    pub params: Vec<BindingId>,
    pub flags: Flags,
    /// 1-based
    pub line: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum BindingKind {
    Class,
    Interface,
    Enum,
    Function,
    Variable,
    Parameter,
    TypeParameter,
    /// `type X = ..`, `X: TypeAlias = ..`
    Alias,
    Namespace,
    /// A name that an import brings.
    Import(ImportId),
}

/// A set of what is said of a binding in passing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Flags(pub u32);

impl Flags {
    /// Reading it calls it: a property, an accessor.
    pub const PROPERTY: Self = Self(1);
    /// Its first parameter is the class.
    pub const CLASS_METHOD: Self = Self(1 << 1);
    /// Belongs to the class itself, not to its instances.
    pub const STATIC: Self = Self(1 << 2);
    pub const ASYNC: Self = Self(1 << 3);
    /// A generator that a decorator makes a context manager: entering it gives what it yields.
    pub const CONTEXT_MANAGER: Self = Self(1 << 5);
    /// Collects several arguments: `*args`, `...rest`.
    pub const VARIADIC: Self = Self(1 << 6);
    /// Collects keyword arguments: `**kwargs`.
    pub const KEYWORDS: Self = Self(1 << 7);
    /// One of several declarations of a function; its body is another one.
    pub const OVERLOAD: Self = Self(1 << 8);
    /// Exported where it is declared.
    pub const EXPORTED: Self = Self(1 << 9);
    pub const DEFAULT_EXPORT: Self = Self(1 << 10);
    /// The fields of the class are the parameters of its constructor: a dataclass, a `NamedTuple`.
    pub const FIELDS_CONSTRUCT: Self = Self(1 << 11);
    /// Declared for type checkers only: `if TYPE_CHECKING`, `declare`.
    pub const TYPE_ONLY: Self = Self(1 << 12);
    /// A decorator may have made it something else.
    pub const WRAPPED: Self = Self(1 << 13);
    /// It has a default or is optional.
    pub const OPTIONAL: Self = Self(1 << 14);
    /// A method without a body; a class of which there are no instances but those of its subclasses.
    pub const ABSTRACT: Self = Self(1 << 15);
    /// Can be called as a member of what its first parameter takes, which stands among its bases and not among its parameters.
    pub const EXTENSION: Self = Self(1 << 16);
    /// A type that other projects do not see.
    pub const INTERNAL: Self = Self(1 << 17);
    /// Stands for a member of an interface alone: it is no member of its class.
    pub const EXPLICIT: Self = Self(1 << 18);
    /// One of the parts that are a type together.
    pub const PARTIAL: Self = Self(1 << 19);
    /// Its parameters get what functions of their names give: a test or a fixture of pytest.
    pub const INJECTED: Self = Self(1 << 20);
    /// Gives parameters of its name their value.
    pub const FIXTURE: Self = Self(1 << 21);

    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What is asked of another module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImportFact {
    /// Where its name is declared; the scope of the statement if it declares none.
    pub scope: FactScopeId,
    /// As written: `a.b`, `..m`, `./m.js`, `pkg/sub`.
    pub specifier: TextId,
    pub what: ImportWhat,
    /// The binding that it declares, if any.
    pub binding: Option<BindingId>,
    /// Only types come through it, or only type checkers see it.
    pub is_type_only: bool,
    pub line: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ImportWhat {
    /// The module itself: `import a.b as c`, `import * as ns`, `require('x')`, `import('x')`.
    Whole,
    /// `import a.b`: binds `a`, and `a.b` is loaded.
    Head,
    /// One name of the module.
    Name(TextId),
    /// The default export.
    Default,
    /// All names that the module offers: `from m import *`, `export * from 'm'`.
    All,
    /// It is run and gives nothing: `import 'x'`.
    Nothing,
    /// The module itself, under the name that it gives itself ([`super::rules::Project::name_of`]): `import "a/b"` in Go.
    OwnName,
}

/// One name that the module offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Export {
    /// `default` for the default export, `export=` for what the whole module is (`export =`, `module.exports =`). Of `export *` it is empty.
    pub name: TextId,
    pub of: Exported,
    pub is_type_only: bool,
    /// The outline's symbol that stands for a re-export.
    pub symbol: Option<u32>,
    pub line: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Exported {
    /// A name of the module's own scope.
    Local(TextId),
    /// `export default expression`, `exports.x = expression`
    Value(StepId),
    /// What an import without a binding asks for: `export { a } from`, `export * as n from`, `export * from`.
    From(ImportId),
}

/// An expression or a written type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    /// A name, looked up from the scope outwards.
    Name {
        text: TextId,
        scope: FactScopeId,
        space: NameSpace,
    },
    /// `of.text`
    Member {
        of: StepId,
        text: TextId,
    },
    Call {
        callee: StepId,
        args: Vec<Argument>,
    },
    /// `new callee(..)`
    New {
        callee: StepId,
        args: Vec<Argument>,
    },
    /// `of[index]`; of a generic class as a value, the class with arguments.
    Index {
        of: StepId,
        index: StepId,
    },
    Await(StepId),
    /// What iterating gives: `for x in of`, `for (x of of)`.
    Element(StepId),
    /// `with of as x`
    Enter(StepId),
    /// `except of as x`: an instance of the class, or of one of a tuple.
    Caught(StepId),
    /// The value at a place of a tuple that is taken apart.
    Slot {
        of: StepId,
        at: u32,
    },
    /// `{ text } = of`: a member that a pattern names.
    Key {
        of: StepId,
        text: TextId,
    },
    /// `this`; in Python the first parameter of a method, by its scope.
    This(FactScopeId),
    Super(FactScopeId),
    Literal(LiteralKind),
    /// A list, set, or the values of a dictionary.
    List(Vec<StepId>),
    Tuple(Vec<StepId>),
    /// An object literal or a type literal: the bindings of its scope.
    Record(FactScopeId),
    /// A function expression, arrow function or lambda.
    Function(BindingId),
    /// A class expression.
    Class(BindingId),
    /// One of several: branches, `a or b`.
    OneOf(Vec<StepId>),
    /// A value known to be of a type where it stands: inside `if isinstance(of, to)`, `of as to`, `to` being written as a value or type.
    Narrowed {
        of: StepId,
        to: StepId,
    },
    /// A value of the written type: `cast(T, x)`, `x as T`, `x satisfies T`.
    Typed(StepId),
    /// The module that an import without a binding names: `require('x')`, `import('x').T`, `importlib.import_module("x")`.
    Module(ImportId),
    /// What `of`, a function, expects as an argument at a place: the declared type of its parameter.
    Parameter {
        of: StepId,
        at: u32,
    },
    /// What the parameter of a function, itself argument `argument` of a call, gets by the callee's declaration.
    Expected {
        call: StepId,
        argument: u32,
        parameter: u32,
    },
    /// A generic type with its arguments: `dict[str, A]`, `Map<K, V>`.
    Apply {
        base: StepId,
        args: Vec<StepId>,
    },
    /// A union or an intersection: a member may be any's.
    Union(Vec<StepId>),
    /// The type of a function.
    Signature {
        params: Vec<StepId>,
        result: StepId,
    },
    /// `typeof of` in a type.
    TypeOf(StepId),
    /// The key of a literal of what `of` is: a member of that, or a name if it has none.
    Label {
        of: StepId,
        text: TextId,
        scope: FactScopeId,
    },
    /// What iterating gives first where it gives pairs: the keys of a map.
    Keys(StepId),
    /// A type whose iteration gives these: `map[K]V`.
    Mapping {
        key: StepId,
        value: StepId,
    },
    /// A method where methods have names of their own: `of.text(..)`, or [`NO_STEP`] for one of the classes around or of a static import.
    /// With [`ANY_COUNT`] arguments it is not called: `A::m`. `call` is its call, where the arguments' types may say which method it is.
    Method {
        of: StepId,
        text: TextId,
        scope: FactScopeId,
        args: u32,
        call: StepId,
    },
    /// A type that no file declares, by its name, or a value of it: a primitive type, a literal.
    Plain(TextId),
}

/// One argument of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Argument {
    /// `name=value`
    pub name: Option<TextId>,
    pub value: StepId,
    /// `*value`, `...value`
    pub is_spread: bool,
}

/// In which of the name spaces a name is looked up; languages with one have `Any`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum NameSpace {
    Any,
    Value,
    Type,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum LiteralKind {
    Text,
    Number,
    Truth,
    Nothing,
    Bytes,
    Pattern,
}

/// A place at which the file may depend on something that reading does not show.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Dynamic {
    /// As written, cut: `importlib.import_module(name)`.
    pub written: String,
    pub line: u32,
}

impl Facts {
    pub(crate) fn text(&self, id: TextId) -> &str {
        self.texts.get(id as usize).map(String::as_str).unwrap_or_default()
    }

    pub(crate) fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.get(id as usize)
    }

    pub(crate) fn binding(&self, id: BindingId) -> Option<&Binding> {
        self.bindings.get(id as usize)
    }

    pub(crate) fn scope(&self, id: FactScopeId) -> Option<&FactScope> {
        self.scopes.get(id as usize)
    }

    /// The same facts wherever they stand in the file.
    pub(crate) fn without_lines(&self) -> Self {
        let mut facts = self.clone();
        facts.step_lines.clear();
        facts.bindings.iter_mut().for_each(|binding| binding.line = 0);
        facts.imports.iter_mut().for_each(|import| import.line = 0);
        facts.exports.iter_mut().for_each(|export| export.line = 0);
        facts.dynamics.iter_mut().for_each(|dynamic| dynamic.line = 0);
        facts
    }

    /// Parents lie before their children, and symbols are those of the outline: stored bytes may be damaged. All other indices are
    /// followed with a check.
    pub(crate) fn is_sound(&self, symbols: usize) -> bool {
        let is_before = |(at, scope): (usize, &FactScope)| scope.parent.is_none_or(|parent| (parent as usize) < at);
        let has_symbol = |symbol: Option<u32>| symbol.is_none_or(|symbol| (symbol as usize) < symbols);
        self.scopes.iter().enumerate().all(is_before)
            && self.bindings.iter().all(|binding| has_symbol(binding.symbol))
            && self.exports.iter().all(|export| has_symbol(export.symbol))
            && self.step_lines.len() == self.steps.len()
    }
}
