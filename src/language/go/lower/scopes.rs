//! Blocks and what they declare. A name is seen from the end of its declaration on: where a block wrote the name before it declares it
//! (`x := x`), the rest of the block is a scope of its own.

use tree_sitter::Node;

use super::GoLowering;
use crate::language::eval::facts::{BindingId, BindingKind, FactScopeId, FactScopeKind, NO_STEP, StepId, TextId};

impl GoLowering<'_> {
    /// Runs what is a block of its own.
    pub(super) fn in_block<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        let scope = self.scope;
        self.in_scope(Some(scope), FactScopeKind::Block, None, run)
    }

    /// Runs what stands in a new scope, which is a block.
    pub(super) fn in_scope<T>(
        &mut self,
        parent: Option<FactScopeId>,
        kind: FactScopeKind,
        owner: Option<BindingId>,
        run: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = (self.scope, self.block, self.opened);
        self.scope = self.add_scope(parent, kind, owner);
        self.blocks += 1;
        self.block = self.blocks;
        self.opened = self.clock;
        let result = run(self);
        (self.scope, self.block, self.opened) = before;
        result
    }

    /// Notes that a name is written here.
    pub(super) fn mention(&mut self, name: TextId) {
        self.clock += 1;
        self.mentioned.insert(name, self.clock);
    }

    /// Declares a name in the block, seen from here on.
    pub(super) fn declare(&mut self, name: TextId, kind: BindingKind, node: Node<'_>) -> BindingId {
        if self.mentioned.get(&name).is_some_and(|&at| at > self.opened) {
            self.scope = self.add_scope(Some(self.scope), FactScopeKind::Block, None);
            self.opened = self.clock;
        }
        let binding = self.bind(name, kind, self.scope, node);
        self.declared.insert((self.block, name), binding);
        binding
    }

    /// A variable with what is known of it.
    pub(super) fn variable(&mut self, name: Node<'_>, ty: StepId, value: StepId) {
        let written = self.source(name);
        if written == "_" || !matches!(name.kind(), "identifier") {
            return;
        }
        let id = self.text_id(written);
        let binding = self.declare(id, BindingKind::Variable, name);
        if let Some(binding) = self.binding(binding) {
            binding.ty = ty;
            binding.values.extend((value != NO_STEP && ty == NO_STEP).then_some(value));
        }
    }

    /// Whether the block declares the name already, so that `:=` assigns to it.
    pub(super) fn is_declared(&self, name: TextId) -> bool {
        self.declared.contains_key(&(self.block, name))
    }
}
