//! Go syntax as facts: packages, names and scopes, and the steps of expressions and types.
//!
//! Scope 0 is the file, which sees its imports; scope 1 is its package. The walk recurses to [`DEPTH_MAX`]; what nests deeper is left out.

mod declaration;
mod expression;
mod literal;
mod scopes;
mod statement;
mod types;

use rustc_hash::FxHashMap;
use tree_sitter::Node;

use super::node::{children, line, source};
use super::project::{CLAUSE, IGNORED, OWN};
use crate::language::eval::facts::{
    Binding, BindingId, BindingKind, FactScope, FactScopeId, FactScopeKind, Facts, Flags, ImportFact, ImportWhat,
    NO_STEP, Step, StepId, TextId,
};
use crate::language::{Parsed, Symbol};

/// Statements and expressions inside each other. Source written by hand stays below 60.
const DEPTH_MAX: u32 = 150;

/// Steps of a file; the tables of a file of 1 MiB of ordinary source have some 250,000.
const STEPS_MAX: usize = 400_000;

/// The scopes of the file and of its package.
const FILE: FactScopeId = 0;
const PACKAGE: FactScopeId = 1;

/// Symbols and facts of a file.
pub(super) fn lower(parsed: &Parsed<'_>, root: Node<'_>) -> (Vec<Symbol>, Facts) {
    let mut lowering = GoLowering {
        text: parsed.text,
        facts: Facts::default(),
        texts: FxHashMap::default(),
        symbols: Vec::new(),
        receivers: FxHashMap::default(),
        scope: PACKAGE,
        block: 0,
        blocks: 0,
        opened: 0,
        clock: 0,
        mentioned: FxHashMap::default(),
        declared: FxHashMap::default(),
        depth: 0,
    };
    lowering.file(root);
    (lowering.symbols, lowering.facts)
}

struct GoLowering<'t> {
    text: &'t str,
    facts: Facts,
    texts: FxHashMap<String, TextId>,
    symbols: Vec<Symbol>,
    /// The scopes of the methods of each type.
    receivers: FxHashMap<TextId, FactScopeId>,
    /// Where names are looked up now.
    scope: FactScopeId,
    /// The block as Go counts them: several of our scopes can make up one.
    block: u32,
    blocks: u32,
    /// When the scope was opened, in names that were written.
    opened: u32,
    clock: u32,
    /// When a name was last written.
    mentioned: FxHashMap<TextId, u32>,
    /// What each block declares.
    declared: FxHashMap<(u32, TextId), BindingId>,
    depth: u32,
}

impl<'t> GoLowering<'t> {
    fn file(&mut self, root: Node<'_>) {
        let clause = children(root).into_iter().find(|node| node.kind() == "package_clause");
        let name = clause.and_then(|clause| clause.named_child(0)).map_or("_", |name| self.source(name));
        let is_ignored = if self.is_ignored(clause) { IGNORED } else { "" };
        self.facts.manifest = Some(format!("{CLAUSE}{name}{is_ignored}"));
        let package = self.text_id(&format!("./{name}"));
        self.add_scope(None, FactScopeKind::Module, None);
        self.add_scope(Some(FILE), FactScopeKind::Package(package), None);
        let own = self.text_id(OWN);
        self.import(own, ImportWhat::Nothing, None, 1);
        for node in children(root) {
            self.deeper(|this| this.top(node));
        }
    }

    /// No build holds a file with `//go:build ignore` before its package clause: it is run by itself.
    fn is_ignored(&self, clause: Option<Node<'_>>) -> bool {
        let before = clause.and_then(|clause| self.text.get(..clause.start_byte())).unwrap_or_default();
        before.lines().any(|line| matches!(line.trim(), "//go:build ignore" | "// +build ignore"))
    }

    fn top(&mut self, node: Node<'_>) {
        match node.kind() {
            "import_declaration" => self.imports(node),
            "function_declaration" => self.function_declaration(node),
            "method_declaration" => self.method_declaration(node),
            "type_declaration" => self.type_declaration(node),
            "const_declaration" => self.const_declaration(node),
            "var_declaration" => self.var_declaration(node),
            "package_clause" | "comment" => {}
            "ERROR" => children(node).into_iter().for_each(|child| {
                self.deeper(|this| this.top(child));
            }),
            _ => self.statement(node),
        }
    }

    fn imports(&mut self, node: Node<'_>) {
        let mut todo = vec![node];
        while let Some(node) = todo.pop() {
            if node.kind() != "import_spec" {
                let mut inside = children(node);
                inside.reverse();
                todo.extend(inside);
                continue;
            }
            let Some(path) = node.child_by_field_name("path") else { continue };
            let written = self.source(path).trim_matches(['"', '`']);
            // What cgo brings is in no file.
            if matches!(written, "" | "C") {
                continue;
            }
            let specifier = self.text_id(written);
            let at = line(node.start_position().row);
            match node.child_by_field_name("name") {
                None => self.import(specifier, ImportWhat::OwnName, None, at),
                Some(name) if name.kind() == "dot" => self.import(specifier, ImportWhat::All, None, at),
                Some(name) if name.kind() == "blank_identifier" => {
                    self.import(specifier, ImportWhat::Nothing, None, at);
                }
                Some(name) => {
                    let id = self.facts.imports.len() as u32;
                    let alias = self.text_id(self.source(name));
                    let binding = self.bind(alias, BindingKind::Import(id), FILE, name);
                    self.import(specifier, ImportWhat::Whole, Some(binding), at);
                }
            }
        }
    }

    fn import(&mut self, specifier: TextId, what: ImportWhat, binding: Option<BindingId>, line: u32) {
        self.facts.imports.push(ImportFact { scope: FILE, specifier, what, binding, is_type_only: false, line });
    }

    fn source(&self, node: Node<'_>) -> &'t str {
        source(self.text, node)
    }

    fn text_id(&mut self, text: &str) -> TextId {
        if let Some(&id) = self.texts.get(text) {
            return id;
        }
        let id = self.facts.texts.len() as TextId;
        self.facts.texts.push(text.to_owned());
        self.texts.insert(text.to_owned(), id);
        id
    }

    fn add_scope(&mut self, parent: Option<FactScopeId>, kind: FactScopeKind, owner: Option<BindingId>) -> FactScopeId {
        self.facts.scopes.push(FactScope { parent, kind, owner });
        self.facts.scopes.len() as FactScopeId - 1
    }

    fn step(&mut self, step: Step, node: Node<'_>) -> StepId {
        if self.facts.steps.len() >= STEPS_MAX {
            return NO_STEP;
        }
        self.facts.steps.push(step);
        self.facts.step_lines.push(line(node.start_position().row));
        self.facts.steps.len() as StepId - 1
    }

    /// A step of another, where that can lead anywhere.
    fn derived(&mut self, of: StepId, make: impl FnOnce(StepId) -> Step, node: Node<'_>) -> StepId {
        if of == NO_STEP { NO_STEP } else { self.step(make(of), node) }
    }

    fn bind(&mut self, name: TextId, kind: BindingKind, scope: FactScopeId, node: Node<'_>) -> BindingId {
        self.facts.bindings.push(Binding {
            name,
            scope,
            kind,
            symbol: None,
            inner: None,
            ty: NO_STEP,
            values: Vec::new(),
            bases: Vec::new(),
            decorators: Vec::new(),
            params: Vec::new(),
            flags: Flags::default(),
            line: line(node.start_position().row),
        });
        self.facts.bindings.len() as BindingId - 1
    }

    fn binding(&mut self, id: BindingId) -> Option<&mut Binding> {
        self.facts.bindings.get_mut(id as usize)
    }

    fn symbol(&mut self, symbol: Symbol) -> u32 {
        self.symbols.push(symbol);
        self.symbols.len() as u32 - 1
    }

    /// Runs what goes one level deeper; `None` where that is too deep.
    fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        Some(result)
    }
}
