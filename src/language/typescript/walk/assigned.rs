//! What assignments and calls declare: exports of CommonJS, members of a prototype, fields that `this` gets.

use std::rc::Rc;

use tree_sitter::Node;

use super::super::node::{PrototypeCall, owner_of_prototype, prototype_call};
use super::{
    DeclarationWalk, Declared, DeclaredKind, PREFIX_BYTES, ScriptPlace, is_exports, is_function, of, property_name,
};

impl<'t> DeclarationWalk<'_, 't> {
    /// The place inside what was found last: in a function that is used as a class, `this` is one of that.
    pub(super) fn of_constructor(&self, place: &Rc<ScriptPlace<'t>>) -> Rc<ScriptPlace<'t>> {
        let last = self.found.last().filter(|last| !last.is_local && self.constructors.contains(last.name.as_str()));
        match last.filter(|last| last.kind == DeclaredKind::Function) {
            Some(last) => {
                let class = Some(Rc::new((last.name.clone(), last.is_public)));
                Rc::new(ScriptPlace { class, ..(**place).clone() })
            }
            None => Rc::clone(place),
        }
    }

    /// `module.exports = ..`, `exports.a = ..`, `A.prototype.b = ..`, `A.b = ..`
    pub(super) fn assigned(&mut self, node: Node<'t>, place: &Rc<ScriptPlace<'t>>) {
        let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right")) else {
            return;
        };
        let written = of(self.text, left);
        // A node's parent is found from the root down: only what may be a declaration is asked.
        let is_statement = || {
            node.parent().is_some_and(|parent| {
                matches!(parent.kind(), "expression_statement" | "assignment_expression" | "variable_declarator")
            })
        };
        let name = match written.strip_prefix("module.exports").or_else(|| written.strip_prefix("exports")) {
            Some("") => Some("module.exports".to_owned()),
            Some(rest) => rest.strip_prefix('.').map(str::to_owned),
            None => Some(written.replace(".prototype.", ".")),
        };
        if let (Some(own), Some(class)) = (written.strip_prefix("this."), place.class.clone()) {
            self.assigned_to_this(node, own, &class);
        }
        let prototype = owner_of_prototype(self.text, left).filter(|_| right.kind() == "object" && !place.is_local);
        if let Some(owner) = prototype {
            let inside = self.of_prototype(owner, place);
            return self.push_children(right, &inside);
        }
        let is_path = left.kind() == "member_expression" && written.len() < PREFIX_BYTES && !written.contains('\n');
        match name.filter(|name| {
            !place.is_local && (is_path || written == "exports") && !name.starts_with("this.") && is_statement()
        }) {
            Some(name) => {
                let owner = written.split('.').next().unwrap_or_default();
                let is_public = is_exports(written) || self.is_script || self.exported.contains(owner);
                let outer = ScriptPlace { is_public, whole: node.parent(), ..(**place).clone() };
                let class = self.constructors.contains(owner).then(|| Rc::new((owner.to_owned(), is_public)));
                let is_method = class.is_some() && written.contains(".prototype.");
                let class = if is_method { class } else { outer.class.clone() };
                let outer = Rc::new(ScriptPlace { prefix: String::new(), class, ..outer });
                let is_name = right.kind() == "identifier";
                if is_exports(written) && is_name {
                    return self.push(DeclaredKind::Constant, node, None, &name, &outer);
                }
                let kind = if is_exports(written) { DeclaredKind::Constant } else { DeclaredKind::Field };
                self.value(kind, node, right, &name, &outer);
            }
            None if is_function(right) => {
                let name = written.rsplit('.').next().unwrap_or_default().to_owned();
                self.push(DeclaredKind::Anonymous, node, Some(right), &name, place);
                self.body(right, name, place);
            }
            None => {
                let hidden = self.hidden(place);
                self.todo.push((right, hidden));
            }
        }
    }

    /// `this.name = value` in a method declares a field, if the class does not.
    fn assigned_to_this(&mut self, node: Node<'t>, own: &str, class: &(String, bool)) {
        let name = format!("{}.{own}", class.0);
        let since = self.found.iter().rev().take_while(|one| one.name != class.0);
        if own.contains(['.', '[', '(']) || since.into_iter().any(|one| one.name == name) {
            return;
        }
        self.found.push(Declared {
            kind: DeclaredKind::Field,
            node,
            whole: node,
            function: None,
            name,
            own: own.to_owned(),
            is_public: class.1 && !own.starts_with('#'),
            is_default: false,
            is_test: false,
            is_local: false,
        });
    }

    /// The place of the members of a prototype.
    fn of_prototype(&self, owner: &str, place: &ScriptPlace<'t>) -> Rc<ScriptPlace<'t>> {
        let is_public = self.is_script || self.exported.contains(owner);
        Rc::new(ScriptPlace {
            prefix: owner.to_owned(),
            is_public,
            whole: None,
            is_body: true,
            class: Some(Rc::new((owner.to_owned(), is_public))),
            ..place.clone()
        })
    }

    /// `Object.assign(A.prototype, { .. })`, `Object.defineProperty(A.prototype, "b", ..)`; false for any other call.
    pub(super) fn prototype_call(&mut self, node: Node<'t>, place: &Rc<ScriptPlace<'t>>) -> bool {
        let Some((kind, owner, rest)) = prototype_call(self.text, node).filter(|_| !place.is_local) else {
            return false;
        };
        let inside = self.of_prototype(owner, place);
        match (kind, rest.first()) {
            (PrototypeCall::Assign, _) => {
                for object in rest.into_iter().rev() {
                    match object.kind() {
                        "object" => self.push_children(object, &inside),
                        _ => self.todo.push((object, self.hidden(place))),
                    }
                }
                true
            }
            (PrototypeCall::Define, Some(name)) => {
                let name = property_name(self.text, *name).to_owned();
                self.push(DeclaredKind::Field, node, None, &name, &inside);
                let hidden = self.hidden(place);
                self.todo.extend(rest.into_iter().skip(1).map(|part| (part, Rc::clone(&hidden))));
                true
            }
            _ => false,
        }
    }
}
