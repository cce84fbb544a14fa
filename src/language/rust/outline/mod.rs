//! Outline of a Rust file: one walk over tree-sitter's tree.

mod associated;
mod attributes;
mod body;
mod branches;
mod data;
mod declared;
mod imports;
mod item;
mod macros;
mod pattern;
mod signature;
mod types;
mod use_tree;

use crate::language::rust::tree::{Field, Syntax, SyntaxNode};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::language::facts::{
    Body, ChainStep, DefId, FileModel, NameId, NameScope, Path, PathId, PatternId, ScopeId, ScopeKind, Slot, Space,
    Value,
};
use crate::language::rust::frontmatter;
use crate::language::syntax::{NoTree, Parsed, PartParser, errors_of};
use crate::language::{Outline, ParseError, Symbol};

/// Deepest recursion of the walk. Brackets nest at most some 50 deep in source, chains of calls or operators some hundred; what
/// lies deeper is left out. The hostile forms of the tests take less than 1.5 MiB of stack in an unoptimised build at a depth of
/// 300, 0.5 MiB in an optimised one (measured), of the 2 MiB that a thread has.
const WALK_DEPTH_MAX: u32 = 250;

pub(super) fn outline(parsed: &Parsed<'_>) -> (Outline, Vec<ParseError>) {
    let text = parsed.text;
    let made = || Ok((errors_of(parsed.tree()?.root_node(), "Rust"), Syntax::of(parsed)?.root(), parsed.parts()?));
    let (errors, root, parser) = match made() {
        Ok(made) => made,
        Err(reason) => return (Outline::default(), vec![NoTree::to_error(reason)]),
    };
    let mut walk = OutlineWalk::new(text, parser);
    walk.exposes_private = root.named_children().any(|node| declares_file(text, node));
    walk.items(root);
    (Outline { manifest: frontmatter::manifest(text), ..walk.finish() }, errors)
}

/// `mod x;`, also in a macro that declares items: its file sees what is private here.
fn declares_file(text: &str, node: SyntaxNode<'_>) -> bool {
    match node.kind() {
        "mod_item" => node.child_in(Field::Body).is_none(),
        "macro_invocation" | "expression_statement" => {
            text.get(node.byte_range()).is_some_and(|text| text.contains("mod "))
        }
        _ => false,
    }
}

/// 1-based
fn line_of(node: SyntaxNode<'_>) -> u32 {
    node.first_row() + 1
}

fn named_children<'t>(node: SyntaxNode<'t>) -> Vec<SyntaxNode<'t>> {
    node.named_children().collect()
}

/// Named children and `_`, which is a pattern without a name in the grammar.
fn pattern_children<'t>(node: SyntaxNode<'t>) -> Vec<SyntaxNode<'t>> {
    node.children().filter(|child| child.is_named() || child.kind() == "_").collect()
}

/// State of the walk over one file.
struct OutlineWalk<'s> {
    text: &'s str,
    parser: PartParser,
    symbols: Vec<Symbol>,
    model: FileModel,
    name_ids: FxHashMap<&'s str, NameId>,
    scope: ScopeId,
    /// Prefix of the names of symbols: inline modules and the owning type.
    prefix: Vec<String>,
    depth: u32,
    /// Macros' arguments within macros' arguments.
    rereads: u32,
    /// Where what is read ends: a semicolon behind it ends no statement of it.
    reread_to: usize,
    /// The body that is being walked, if any.
    body: Option<OpenBody>,
    /// A child module in another file sees private things.
    exposes_private: bool,
    /// Blocks of code around what is walked.
    blocks: u32,
    /// Names that stand in the types of declarations as values: lengths, arguments, discriminants.
    values_in_types: FxHashSet<&'s str>,
    /// Values of constants, by their symbol.
    constants: Vec<(DefId, String)>,
}

/// A body under construction; `locals` is the lexical environment, innermost last.
#[derive(Default)]
struct OpenBody {
    scope: ScopeId,
    steps: Vec<ChainStep>,
    slots: u32,
    locals: Vec<(NameId, Slot)>,
}

impl<'s> OutlineWalk<'s> {
    fn new(text: &'s str, parser: PartParser) -> Self {
        let mut model = FileModel::default();
        model.scopes.push(NameScope { parent: None, kind: ScopeKind::File });
        Self {
            text,
            parser,
            symbols: Vec::new(),
            model,
            name_ids: FxHashMap::default(),
            scope: 0,
            prefix: Vec::new(),
            depth: 0,
            rereads: 0,
            reread_to: usize::MAX,
            body: None,
            exposes_private: false,
            blocks: 0,
            values_in_types: FxHashSet::default(),
            constants: Vec::new(),
        }
    }

    fn finish(mut self) -> Outline {
        // A constant's value is private, unless it is part of a type that others see. The file itself shows that; in
        // another file's types it is a value like others.
        for (def, value) in std::mem::take(&mut self.constants) {
            let Some(symbol) = self.symbols.get_mut(def as usize) else { continue };
            let name = symbol.name.rsplit("::").next().unwrap_or_default();
            if self.values_in_types.contains(name) {
                symbol.signature.push_str(&format!(" = {value}"));
            }
        }
        Outline { symbols: self.symbols, model: self.model, manifest: None, facts: None }
    }

    fn text(&self, node: SyntaxNode<'_>) -> &'s str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn name(&mut self, text: &'s str) -> NameId {
        let text = text.strip_prefix("r#").unwrap_or(text);
        if let Some(&id) = self.name_ids.get(text) {
            return id;
        }
        let id = self.model.names.len() as NameId;
        self.model.names.push(text.to_owned());
        self.name_ids.insert(text, id);
        id
    }

    fn name_of(&mut self, node: SyntaxNode<'_>) -> NameId {
        let text = self.text(node);
        self.name(text)
    }

    /// Runs `f` one level deeper; `None` where the walk has gone deep enough.
    fn deeper<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= WALK_DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        let result = f(self);
        self.depth -= 1;
        Some(result)
    }

    /// Runs `f` in a new scope inside the present one.
    fn in_scope<T>(&mut self, kind: ScopeKind, f: impl FnOnce(&mut Self, ScopeId) -> T) -> T {
        let outer = self.scope;
        let id = self.model.scopes.len() as ScopeId;
        self.model.scopes.push(NameScope { parent: Some(outer), kind });
        self.scope = id;
        let result = f(self, id);
        self.scope = outer;
        result
    }

    /// Walks a body of its own: the local variables around it are not seen in it.
    fn in_body(&mut self, f: impl FnOnce(&mut Self)) {
        let outer = self.body.replace(OpenBody { scope: self.scope, ..OpenBody::default() });
        f(self);
        if let Some(body) = std::mem::replace(&mut self.body, outer)
            && !body.steps.is_empty()
        {
            self.model.bodies.push(Body { scope: body.scope, slots: body.slots, steps: body.steps });
        }
    }

    fn push_path(&mut self, segments: Vec<NameId>, space: Space, line: u32) -> PathId {
        let path = Path { segments, qualifier: None, args: Vec::new(), scope: self.scope, space, line };
        self.model.paths.push(path);
        self.model.paths.len() as PathId - 1
    }

    fn push_step(&mut self, step: ChainStep) -> Value {
        match &mut self.body {
            Some(body) => {
                body.steps.push(step);
                body.steps.len() as Value - 1
            }
            None => crate::language::facts::NO_VALUE,
        }
    }

    fn push_pattern(&mut self, pattern: crate::language::facts::Pattern) -> PatternId {
        self.model.patterns.push(pattern);
        self.model.patterns.len() as PatternId - 1
    }

    fn local(&self, name: NameId) -> Option<Slot> {
        let body = self.body.as_ref()?;
        body.locals.iter().rev().find(|&&(local, _)| local == name).map(|&(_, slot)| slot)
    }

    fn declare_local(&mut self, name: NameId) -> Slot {
        match &mut self.body {
            Some(body) => {
                let slot = body.slots;
                body.slots += 1;
                body.locals.push((name, slot));
                slot
            }
            None => 0,
        }
    }

    /// Local variables declared by `f` end with it.
    fn with_locals<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.body.as_ref().map_or(0, |body| body.locals.len());
        let result = f(self);
        if let Some(body) = &mut self.body {
            body.locals.truncate(before);
        }
        result
    }
}
