//! Bodies: expressions and statements as steps, in the order in which their types become known.

use crate::language::rust::tree::{Field, SyntaxNode};

use super::item::Before;
use super::{OutlineWalk, line_of, named_children, pattern_children};
use crate::language::facts::{ChainStep, How, NO_VALUE, NameId, ScopeKind, Space, Value};

impl OutlineWalk<'_> {
    /// A block: its own variables; a scope of its own if it holds items or imports.
    pub(super) fn block(&mut self, node: SyntaxNode<'_>) -> Value {
        let declares = named_children(node).into_iter().any(|child| is_item(child.kind()));
        self.blocks += 1;
        let value = self.with_locals(|walk| {
            if declares {
                walk.in_scope(ScopeKind::Block, |walk, _| walk.statements(node))
            } else {
                walk.statements(node)
            }
        });
        self.blocks -= 1;
        value
    }

    /// Statements in order; the value of the last one, if it is an expression without a semicolon.
    pub(super) fn statements(&mut self, node: SyntaxNode<'_>) -> Value {
        let mut before = Before::default();
        let mut last = NO_VALUE;
        for child in named_children(node) {
            if before.take(self.text, child) {
                continue;
            }
            last = match child.kind() {
                "label" => NO_VALUE,
                "let_declaration" => self.let_declaration(child),
                "expression_statement" => self.expression_statement(child),
                kind if is_item(kind) => {
                    self.item(child, &before);
                    NO_VALUE
                }
                _ => self.expr(child),
            };
            before = Before::default();
        }
        last
    }

    /// An `if` or `match` at a block's end is an expression statement without a semicolon, too.
    fn expression_statement(&mut self, node: SyntaxNode<'_>) -> Value {
        let value = node.first_named_child().map_or(NO_VALUE, |inner| self.expr(inner));
        let ends = node
            .children()
            .last()
            .is_some_and(|last| last.kind() == ";" && !last.is_missing() && last.byte_range().start < self.reread_to);
        if ends { NO_VALUE } else { value }
    }

    fn let_declaration(&mut self, node: SyntaxNode<'_>) -> Value {
        let ty = node.child_in(Field::Type).map(|ty| self.ty(ty));
        let value = node.child_in(Field::Value).map_or(NO_VALUE, |value| self.expr(value));
        if let Some(alternative) = node.child_in(Field::Alternative) {
            self.block(alternative);
        }
        if let Some(pattern) = node.child_in(Field::Pattern) {
            self.bind(pattern, value, ty);
        }
        NO_VALUE
    }

    pub(super) fn expr(&mut self, node: SyntaxNode<'_>) -> Value {
        self.deeper(|walk| walk.expr_of_kind(node)).unwrap_or(NO_VALUE)
    }

    fn expr_of_kind(&mut self, node: SyntaxNode<'_>) -> Value {
        match node.kind() {
            "identifier" => self.name_expr(node),
            "self" => self.push_step(ChainStep::This),
            "scoped_identifier" => {
                let path = self.path(node, Space::Value);
                self.push_step(ChainStep::Path(path))
            }
            "generic_function" => self.generic_function(node).1,
            "call_expression" => self.call(node),
            "field_expression" => self.field_access(node),
            "struct_expression" => self.struct_expr(node),
            "closure_expression" => self.closure(node, None),
            "macro_invocation" => self.macro_call(node),
            "match_expression" => self.match_expr(node),
            "if_expression" => self.if_expr(node),
            "for_expression" => self.for_expr(node),
            "while_expression" => self.while_expr(node),
            "let_condition" => self.let_condition(node),
            "block" => self.block(node),
            "unsafe_block"
            | "async_block"
            | "const_block"
            | "gen_block"
            | "try_block"
            | "else_clause"
            | "parenthesized_expression" => self.last_of(node),
            "try_expression" => {
                let inner = self.last_of(node);
                self.push_step(ChainStep::Inner(inner))
            }
            "await_expression" => {
                let inner = self.last_of(node);
                self.push_step(ChainStep::Await(inner))
            }
            "index_expression" => {
                let values = self.all_of(node);
                let value = values.first().copied().unwrap_or(NO_VALUE);
                self.operator(node, value, "index");
                self.push_step(ChainStep::Inner(value))
            }
            "reference_expression" => self.last_of(node),
            "unary_expression" => self.unary(node),
            "binary_expression" | "compound_assignment_expr" => self.binary(node),
            "tuple_expression" => {
                let values = self.all_of(node);
                self.push_step(ChainStep::Tuple(values))
            }
            "array_expression" => {
                let values = self.all_of(node);
                self.push_step(ChainStep::Slice(values))
            }
            "range_expression" => {
                let values = self.all_of(node);
                self.push_step(ChainStep::Slice(values))
            }
            "type_cast_expression" => {
                self.all_values(node.child_in(Field::Value));
                match node.child_in(Field::Type) {
                    Some(ty) => {
                        let ty = self.ty(ty);
                        self.typed(ty)
                    }
                    None => NO_VALUE,
                }
            }
            "string_literal" | "raw_string_literal" => self.push_step(ChainStep::Text),
            "line_comment"
            | "block_comment"
            | "attribute_item"
            | "label"
            | "integer_literal"
            | "boolean_literal"
            | "char_literal"
            | "float_literal"
            | "unit_expression"
            | "continue_expression" => NO_VALUE,
            "let_declaration" | "expression_statement" => self.statements_of_one(node),
            _ => {
                self.all_of(node);
                NO_VALUE
            }
        }
    }

    fn statements_of_one(&mut self, node: SyntaxNode<'_>) -> Value {
        if node.kind() == "let_declaration" { self.let_declaration(node) } else { self.expression_statement(node) }
    }

    pub(super) fn all_values(&mut self, node: Option<SyntaxNode<'_>>) -> Value {
        node.map_or(NO_VALUE, |node| self.expr(node))
    }

    fn all_of(&mut self, node: SyntaxNode<'_>) -> Vec<Value> {
        let parts =
            named_children(node).into_iter().filter(|child| !child.is_extra() && child.kind() != "attribute_item");
        parts.map(|child| self.statement_or_expr(child)).collect()
    }

    /// Broken source and macros' arguments have statements where expressions should be.
    fn statement_or_expr(&mut self, node: SyntaxNode<'_>) -> Value {
        if is_item(node.kind()) {
            self.item(node, &Before::default());
            return NO_VALUE;
        }
        self.expr(node)
    }

    fn last_of(&mut self, node: SyntaxNode<'_>) -> Value {
        self.all_of(node).last().copied().unwrap_or(NO_VALUE)
    }

    fn name_expr(&mut self, node: SyntaxNode<'_>) -> Value {
        let name = self.name_of(node);
        if let Some(slot) = self.local(name) {
            return self.push_step(ChainStep::Local(slot));
        }
        let path = self.push_path(vec![name], Space::Value, line_of(node));
        self.push_step(ChainStep::Path(path))
    }

    /// `path::<T>` or `value.method::<T>`: the types, then the value.
    fn generic_function(&mut self, node: SyntaxNode<'_>) -> (Vec<u32>, Value) {
        let mut args = Vec::new();
        if let Some(list) = node.child_in(Field::TypeArguments) {
            self.type_arguments(list, &mut args);
        }
        let value = match node.child_in(Field::Function) {
            Some(function) if function.kind() == "scoped_identifier" || function.kind() == "identifier" => {
                let path = self.path(function, Space::Value);
                self.model.paths[path as usize].args.extend(args.iter().copied());
                self.push_step(ChainStep::Path(path))
            }
            Some(function) => self.expr(function),
            None => NO_VALUE,
        };
        (args, value)
    }

    fn call(&mut self, node: SyntaxNode<'_>) -> Value {
        let Some(function) = node.child_in(Field::Function) else { return NO_VALUE };
        let arguments = node.child_in(Field::Arguments).map(named_children).unwrap_or_default();
        let (method, turbofish) = self.method_of(function);
        if let Some(method) = method {
            return self.method_call(method, turbofish, &arguments);
        }
        let callee = self.expr(function);
        let args = self.arguments(&arguments, |arg, index| (callee, How::CallClosure { arg, index }));
        self.push_step(ChainStep::Call { callee, args })
    }

    /// The field expression of `value.method(..)`, `value.method::<T>(..)`.
    fn method_of<'t>(&mut self, function: SyntaxNode<'t>) -> (Option<SyntaxNode<'t>>, Option<u32>) {
        match function.kind() {
            "field_expression" => (Some(function), None),
            "generic_function" => {
                let inner = function.child_in(Field::Function).filter(|inner| inner.kind() == "field_expression");
                if inner.is_none() {
                    return (None, None);
                }
                let mut args = Vec::new();
                if let Some(list) = function.child_in(Field::TypeArguments) {
                    self.type_arguments(list, &mut args);
                }
                (inner, args.first().copied())
            }
            _ => (None, None),
        }
    }

    fn method_call(&mut self, method: SyntaxNode<'_>, turbofish: Option<u32>, arguments: &[SyntaxNode<'_>]) -> Value {
        let receiver = self.all_values(method.child_in(Field::Value));
        let Some(field) = method.child_in(Field::Member) else { return NO_VALUE };
        let (name, line) = (self.name_of(field), line_of(field));
        let args = self.arguments(arguments, |arg, index| (receiver, How::MethodClosure { name, arg, index }));
        self.push_step(ChainStep::Method { receiver, name, args, turbofish, line })
    }

    fn arguments(&mut self, arguments: &[SyntaxNode<'_>], how: impl Fn(u32, u32) -> (Value, How)) -> Vec<Value> {
        let arguments = arguments.iter().filter(|node| !node.is_extra() && node.kind() != "attribute_item");
        arguments
            .enumerate()
            .map(|(at, &node)| match node.kind() {
                "closure_expression" => self.closure(node, Some(&|index| how(at as u32, index))),
                _ => self.statement_or_expr(node),
            })
            .collect()
    }

    fn field_access(&mut self, node: SyntaxNode<'_>) -> Value {
        let receiver = self.all_values(node.child_in(Field::Value));
        let Some(field) = node.child_in(Field::Member) else { return receiver };
        let (name, line) = (self.name_of(field), line_of(field));
        self.push_step(ChainStep::Field { receiver, name, line })
    }

    fn struct_expr(&mut self, node: SyntaxNode<'_>) -> Value {
        let Some(name) = node.child_in(Field::Name) else { return NO_VALUE };
        let path = self.path(name, Space::Type);
        let mut fields: Vec<(NameId, u32)> = Vec::new();
        for child in node.child_in(Field::Body).map(named_children).unwrap_or_default() {
            match child.kind() {
                "field_initializer" => {
                    if let Some(field) = child.child_in(Field::Member) {
                        fields.push((self.name_of(field), line_of(field)));
                    }
                    self.all_values(child.child_in(Field::Value));
                }
                "shorthand_field_initializer" => {
                    for part in named_children(child) {
                        if part.kind() == "identifier" {
                            fields.push((self.name_of(part), line_of(part)));
                            self.name_expr(part);
                        }
                    }
                }
                "base_field_initializer" => {
                    self.last_of(child);
                }
                _ => {}
            }
        }
        self.push_step(ChainStep::Struct { path, fields })
    }

    fn closure(&mut self, node: SyntaxNode<'_>, how: Option<&dyn Fn(u32) -> (Value, How)>) -> Value {
        let result = self.with_locals(|walk| {
            let parameters = node.child_in(Field::Parameters).map(pattern_children).unwrap_or_default();
            let parameters =
                parameters.into_iter().filter(|node| !node.is_extra() && node.kind() != "mutable_specifier");
            for (index, parameter) in parameters.enumerate() {
                let (value, how) = how.map_or((NO_VALUE, How::Same), |how| how(index as u32));
                if parameter.kind() == "parameter" {
                    let ty = parameter.child_in(Field::Type).map(|ty| walk.ty(ty));
                    if let Some(pattern) = parameter.child_in(Field::Pattern) {
                        walk.bind_how(pattern, value, ty, how);
                    }
                } else {
                    walk.bind_how(parameter, value, None, how);
                }
            }
            let ty = node.child_in(Field::ReturnType).map(|ty| walk.ty(ty));
            let value = walk.all_values(node.child_in(Field::Body));
            ty.map_or(value, |ty| walk.typed(ty))
        });
        self.push_step(ChainStep::Closure { result })
    }

    fn binary(&mut self, node: SyntaxNode<'_>) -> Value {
        let left = self.all_values(node.child_in(Field::Left));
        self.all_values(node.child_in(Field::Right));
        let operator = node.child_in(Field::Operator).map_or("", |operator| operator.kind());
        let Some(method) = operator_method(operator) else { return NO_VALUE };
        let value = self.operator(node, left, method);
        if method == "eq" || method.ends_with("_assign") { NO_VALUE } else { value }
    }

    fn unary(&mut self, node: SyntaxNode<'_>) -> Value {
        let operand = self.last_of(node);
        let method = match node.children().next().map(SyntaxNode::kind) {
            Some("*") => "deref",
            Some("!") => "not",
            Some("-") => "neg",
            _ => return operand,
        };
        self.operator(node, operand, method)
    }

    fn operator(&mut self, node: SyntaxNode<'_>, operand: Value, method: &'static str) -> Value {
        if operand == NO_VALUE {
            return NO_VALUE;
        }
        let name = self.name(method);
        self.push_step(ChainStep::Operator { operand, name, line: line_of(node) })
    }
}

fn is_item(kind: &str) -> bool {
    kind.ends_with("_item") && kind != "attribute_item" && kind != "inner_attribute_item"
        || matches!(kind, "use_declaration" | "macro_definition" | "extern_crate_declaration")
}

/// An item, or what stands around items.
pub(super) fn may_stand_among_items(kind: &str) -> bool {
    is_item(kind)
        || matches!(
            kind,
            "attribute_item" | "inner_attribute_item" | "line_comment" | "block_comment" | "macro_invocation"
        )
}

/// The method of `std::ops` and `std::cmp` that an operator calls.
fn operator_method(operator: &str) -> Option<&'static str> {
    Some(match operator {
        "+" => "add",
        "-" => "sub",
        "*" => "mul",
        "/" => "div",
        "%" => "rem",
        "&" => "bitand",
        "|" => "bitor",
        "^" => "bitxor",
        "<<" => "shl",
        ">>" => "shr",
        "+=" => "add_assign",
        "-=" => "sub_assign",
        "*=" => "mul_assign",
        "/=" => "div_assign",
        "%=" => "rem_assign",
        "&=" => "bitand_assign",
        "|=" => "bitor_assign",
        "^=" => "bitxor_assign",
        "<<=" => "shl_assign",
        ">>=" => "shr_assign",
        "==" | "!=" => "eq",
        _ => return None,
    })
}
