//! Rust source as a flat syntax tree: every node of the parse in preorder, in one vector.
//!
//! A node knows where its subtree ends, so all walks are loops over a range: no recursion, whatever the nesting.

use std::ops::Range;
use std::sync::OnceLock;

use tree_sitter::{Language, Tree, TreeCursor};

use crate::language::syntax::{NoTree, Parsed};

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($variant),+, Other }

        impl $name {
            fn of(text: &str) -> Self {
                match text { $($text => Self::$variant,)+ _ => Self::Other }
            }
        }
    };
}

names! {
    /// The node kinds of the grammar that rules speak of.
    Kind {
        Arguments = "arguments",
        AsyncBlock = "async_block",
        AttributeItem = "attribute_item",
        BinaryExpression = "binary_expression",
        Block = "block",
        BlockComment = "block_comment",
        BooleanLiteral = "boolean_literal",
        BreakExpression = "break_expression",
        CallExpression = "call_expression",
        ClosureExpression = "closure_expression",
        ConstItem = "const_item",
        ContinueExpression = "continue_expression",
        DeclarationList = "declaration_list",
        ElseClause = "else_clause",
        EnumItem = "enum_item",
        EnumVariant = "enum_variant",
        Error = "ERROR",
        ExpressionStatement = "expression_statement",
        FieldDeclaration = "field_declaration",
        FieldExpression = "field_expression",
        FieldIdentifier = "field_identifier",
        ForExpression = "for_expression",
        FunctionItem = "function_item",
        FunctionModifiers = "function_modifiers",
        FunctionSignature = "function_signature_item",
        Identifier = "identifier",
        IfExpression = "if_expression",
        ImplItem = "impl_item",
        InnerAttribute = "inner_attribute_item",
        Label = "label",
        LetChain = "let_chain",
        LetDeclaration = "let_declaration",
        LineComment = "line_comment",
        LoopExpression = "loop_expression",
        MacroDefinition = "macro_definition",
        MacroInvocation = "macro_invocation",
        MatchArm = "match_arm",
        MatchBlock = "match_block",
        MatchExpression = "match_expression",
        MatchPattern = "match_pattern",
        ModItem = "mod_item",
        Parameter = "parameter",
        Parenthesized = "parenthesized_expression",
        RawStringLiteral = "raw_string_literal",
        ReferenceExpression = "reference_expression",
        SelfKeyword = "self",
        SelfParameter = "self_parameter",
        Shebang = "shebang",
        StaticItem = "static_item",
        StringLiteral = "string_literal",
        StructItem = "struct_item",
        TokenTree = "token_tree",
        TraitItem = "trait_item",
        TryExpression = "try_expression",
        TypeIdentifier = "type_identifier",
        TypeItem = "type_item",
        UnionItem = "union_item",
        UnitExpression = "unit_expression",
        UnsafeBlock = "unsafe_block",
        UseDeclaration = "use_declaration",
        VisibilityModifier = "visibility_modifier",
        WhileExpression = "while_expression",
        And = "&&",
        Or = "||",
        Bang = "!",
        Dot = ".",
        Semicolon = ";",
        Unsafe = "unsafe",
    }
}

names! {
    /// The fields of the grammar that rules speak of.
    Field {
        Alias = "alias",
        Alternative = "alternative",
        Argument = "argument",
        Arguments = "arguments",
        Body = "body",
        Bounds = "bounds",
        Condition = "condition",
        Consequence = "consequence",
        DefaultType = "default_type",
        Element = "element",
        Member = "field",
        Function = "function",
        Left = "left",
        Length = "length",
        List = "list",
        Macro = "macro",
        Name = "name",
        Operator = "operator",
        Outer = "outer",
        Parameters = "parameters",
        Path = "path",
        Pattern = "pattern",
        ReturnType = "return_type",
        Right = "right",
        Trait = "trait",
        Type = "type",
        TypeArguments = "type_arguments",
        TypeParameters = "type_parameters",
        Value = "value",
    }
}

impl Kind {
    pub const fn is_comment(self) -> bool {
        matches!(self, Self::LineComment | Self::BlockComment)
    }
}

/// Index of a node; the root is 0.
pub type Id = usize;

/// One node of the tree.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    pub kind: Kind,
    pub field: Field,
    /// The grammar's number of its kind.
    symbol: u16,
    pub named: bool,
    /// It may stand anywhere: a comment, or what the parser skipped.
    extra: bool,
    /// A token that the parser had to invent.
    missing: bool,
    /// First byte and the byte after the last.
    pub start: u32,
    pub end: u32,
    /// Rows from 0; `last_row` is the row of the last byte.
    pub first_row: u32,
    pub last_row: u32,
    pub parent: u32,
    /// Id of the first node behind this one's subtree.
    pub next: u32,
    /// An `ERROR`, or a token the parser had to invent.
    pub broken: bool,
}

/// A parsed file, or a part of it.
pub struct Syntax<'a> {
    pub text: &'a str,
    nodes: Vec<Node>,
}

impl<'a> Syntax<'a> {
    /// The tree of a parsed Rust file: outline and analyses share it.
    ///
    /// # Errors
    /// As [`Parsed::tree`].
    pub fn of<'p>(parsed: &'p Parsed<'a>) -> Result<&'p Self, &'p NoTree> {
        let tree = parsed.tree()?;
        Ok(parsed.rust.get_or_init(|| Self::flat(parsed.text, tree)))
    }

    /// A tree of tree-sitter, flat; `text`: the whole file, also if the tree is one of a part.
    pub fn flat(text: &'a str, tree: &Tree) -> Self {
        Self { text, nodes: flatten(tree) }
    }

    pub fn root(&self) -> SyntaxNode<'_> {
        SyntaxNode { syntax: self, id: 0 }
    }

    pub fn has_errors(&self) -> bool {
        self.nodes.iter().any(|node| node.broken)
    }

    #[cfg(test)]
    pub fn parse(text: &'a str) -> Self {
        Self::flat(text, Parsed::new(crate::domain::Language::RUST, text).tree().unwrap())
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }

    pub fn kind(&self, id: Id) -> Kind {
        self.nodes[id].kind
    }

    pub fn source(&self, id: Id) -> &'a str {
        let node = &self.nodes[id];
        self.text.get(node.start as usize..node.end as usize).unwrap_or("")
    }

    /// 1-based first and last line.
    pub fn lines(&self, id: Id) -> (u32, u32) {
        let node = &self.nodes[id];
        (node.first_row + 1, node.last_row + 1)
    }

    /// The node itself and everything below it.
    pub fn subtree(&self, id: Id) -> Range<Id> {
        id..self.nodes[id].next as usize
    }

    pub fn parent(&self, id: Id) -> Option<Id> {
        (id > 0).then(|| self.nodes[id].parent as usize)
    }

    pub fn parent_kind(&self, id: Id) -> Option<Kind> {
        self.parent(id).map(|parent| self.kind(parent))
    }

    pub fn is_leaf(&self, id: Id) -> bool {
        self.nodes[id].next as usize == id + 1
    }

    pub fn children(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        let end = self.nodes[id].next as usize;
        let first = (id + 1 < end).then_some(id + 1);
        std::iter::successors(first, move |&child| {
            let next = self.nodes[child].next as usize;
            (next < end).then_some(next)
        })
    }

    /// Named children that are not comments.
    pub fn parts(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        self.children(id).filter(|&c| self.nodes[c].named && !self.nodes[c].kind.is_comment())
    }

    pub fn child_of_kind(&self, id: Id, kind: Kind) -> Option<Id> {
        self.children(id).find(|&child| self.kind(child) == kind)
    }

    pub fn child_in_field(&self, id: Id, field: Field) -> Option<Id> {
        self.children(id).find(|&child| self.nodes[child].field == field)
    }

    /// 1-based lines of the outermost passages that do not parse, in order.
    pub fn broken_lines(&self) -> Vec<u32> {
        let mut lines: Vec<u32> = Vec::new();
        let mut id = 0;
        while id < self.nodes.len() {
            let node = &self.nodes[id];
            let line = node.first_row + 1;
            if node.broken && lines.last() != Some(&line) {
                lines.push(line);
            }
            id = if node.broken { node.next as usize } else { id + 1 };
        }
        lines
    }
}

/// A node with its tree, for walks from node to node.
#[derive(Clone, Copy)]
pub struct SyntaxNode<'t> {
    syntax: &'t Syntax<'t>,
    id: Id,
}

impl PartialEq for SyntaxNode<'_> {
    /// Of one tree.
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<'t> SyntaxNode<'t> {
    fn node(self) -> &'t Node {
        self.syntax.node(self.id)
    }

    /// Its kind, as the grammar calls it.
    pub fn kind(self) -> &'static str {
        names().get(usize::from(self.node().symbol)).copied().unwrap_or("ERROR")
    }

    pub fn is_named(self) -> bool {
        self.node().named
    }

    /// Whether it may stand anywhere: a comment, or what the parser skipped.
    pub fn is_extra(self) -> bool {
        self.node().extra
    }

    /// Whether it is a token that the parser had to invent.
    pub fn is_missing(self) -> bool {
        self.node().missing
    }

    pub fn is_leaf(self) -> bool {
        self.syntax.is_leaf(self.id)
    }

    pub fn parent(self) -> Option<Self> {
        self.syntax.parent(self.id).map(|id| Self { id, ..self })
    }

    pub fn children(self) -> impl Iterator<Item = Self> + 't {
        self.syntax.children(self.id).map(move |id| Self { id, ..self })
    }

    pub fn named_children(self) -> impl Iterator<Item = Self> + 't {
        self.children().filter(|child| child.is_named())
    }

    pub fn first_named_child(self) -> Option<Self> {
        self.named_children().next()
    }

    /// The first child of that field.
    pub fn child_in(self, field: Field) -> Option<Self> {
        self.syntax.child_in_field(self.id, field).map(|id| Self { id, ..self })
    }

    /// Those below it, itself first, in the order of the text; one for which `is_entered` is false is shown, and none below it.
    pub fn walk(self, mut is_entered: impl FnMut(Self) -> bool) {
        let Range { start: mut id, end } = self.syntax.subtree(self.id);
        while id < end {
            let node = Self { id, ..self };
            id = if is_entered(node) { id + 1 } else { node.node().next as usize };
        }
    }

    pub fn byte_range(self) -> Range<usize> {
        self.node().start as usize..self.node().end as usize
    }

    /// From 0.
    pub fn first_row(self) -> u32 {
        self.node().first_row
    }

    /// From 0: the row of its last byte.
    pub fn last_row(self) -> u32 {
        self.node().last_row
    }
}

fn grammar() -> &'static Language {
    static GRAMMAR: OnceLock<Language> = OnceLock::new();
    GRAMMAR.get_or_init(|| tree_sitter_rust::LANGUAGE.into())
}

/// Names of kinds by the grammar's numbers.
fn names() -> &'static [&'static str] {
    static NAMES: OnceLock<Vec<&'static str>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let ids = (0..grammar().node_kind_count()).map_while(|id| u16::try_from(id).ok());
        ids.map(|id| grammar().node_kind_for_id(id).unwrap_or_default()).collect()
    })
}

/// Kinds by the grammar's numbers, so that no node costs a comparison of strings.
fn kinds() -> &'static [Kind] {
    static KINDS: OnceLock<Vec<Kind>> = OnceLock::new();
    KINDS.get_or_init(|| names().iter().copied().map(Kind::of).collect())
}

fn fields() -> &'static [Field] {
    static FIELDS: OnceLock<Vec<Field>> = OnceLock::new();
    FIELDS.get_or_init(|| {
        let ids = (0..=grammar().field_count()).map_while(|id| u16::try_from(id).ok());
        ids.map(|id| grammar().field_name_for_id(id).map_or(Field::Other, Field::of)).collect()
    })
}

fn flatten(tree: &Tree) -> Vec<Node> {
    let (kinds, fields) = (kinds(), fields());
    let mut nodes: Vec<Node> = Vec::with_capacity(tree.root_node().descendant_count());
    let mut cursor = tree.walk();
    let mut open: Vec<Id> = Vec::new();
    loop {
        let parent = open.last().copied().unwrap_or(0);
        open.push(nodes.len());
        nodes.push(node_at(&cursor, parent, kinds, fields));
        if cursor.goto_first_child() {
            continue;
        }
        close(&mut nodes, &mut open);
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return nodes;
            }
            close(&mut nodes, &mut open);
        }
    }
}

/// Ends the innermost open subtree behind the last node.
fn close(nodes: &mut [Node], open: &mut Vec<Id>) {
    let next = index(nodes.len());
    if let Some(node) = open.pop().and_then(|id| nodes.get_mut(id)) {
        node.next = next;
    }
}

/// tree-sitter's number of an `ERROR`, in every grammar.
const ERROR: u16 = u16::MAX;

fn node_at(cursor: &TreeCursor, parent: usize, kinds: &[Kind], fields: &[Field]) -> Node {
    let node = cursor.node();
    let (start, end) = (node.start_position(), node.end_position());
    // A line comment of the grammar may include its line break: then its last byte is on the row above its end.
    let last_row = if end.column == 0 && end.row > start.row { end.row - 1 } else { end.row };
    let field = cursor.field_id().and_then(|id| fields.get(usize::from(id.get()))).copied();
    let symbol = node.kind_id();
    let is_error = symbol == ERROR;
    let kind = if is_error { Kind::Error } else { kinds.get(usize::from(symbol)).copied().unwrap_or(Kind::Other) };
    let missing = node.is_missing();
    Node {
        kind,
        field: field.unwrap_or(Field::Other),
        symbol,
        named: node.is_named(),
        extra: node.is_extra(),
        missing,
        start: index(node.start_byte()),
        end: index(node.end_byte()),
        first_row: index(start.row),
        last_row: index(last_row),
        parent: index(parent),
        next: 0,
        broken: is_error || missing,
    }
}

/// tree-sitter itself counts bytes in 32 bits, so nothing that it parsed is cut here.
fn index(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_flat_and_whole() {
        let syntax = Syntax::parse("fn f(a: u8) -> u8 { if a > 1 { 2 } else { 3 } }");
        assert_eq!(syntax.subtree(0), 0..syntax.len());
        for id in 1..syntax.len() {
            let parent = syntax.parent(id).unwrap();
            assert!(syntax.subtree(parent).contains(&id), "{id}");
            assert!(syntax.children(parent).any(|c| c == id), "{id}");
        }
        let function = syntax.child_of_kind(0, Kind::FunctionItem).unwrap();
        assert_eq!(syntax.source(syntax.child_in_field(function, Field::Name).unwrap()), "f");
        assert!(syntax.child_in_field(function, Field::ReturnType).is_some());
    }

    #[test]
    fn broken_source_names_its_lines() {
        let syntax = Syntax::parse("fn ok() {}\n\nfn broken( {\n}\n");
        assert!(!syntax.broken_lines().is_empty());
        assert!(Syntax::parse("fn ok() {}").broken_lines().is_empty());
    }
}
