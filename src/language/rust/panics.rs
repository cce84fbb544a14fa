//! Calls that end the thread: `unwrap`, `expect`, `panic!` and what is not written yet.

use super::tree::{Field, Id, Kind, Syntax};

/// A call that can panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Panic {
    Unwrap,
    Expect,
    /// `panic!`.
    Explicit,
    /// `todo!` or `unimplemented!`.
    Unfinished,
}

impl Panic {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unwrap => "unwrap",
            Self::Expect => "expect",
            Self::Explicit => "panic!",
            Self::Unfinished => "todo!",
        }
    }
}

/// The panic at a node, if the node is a call or a token that makes one.
///
/// `lock().unwrap()` and the like are left out: the standard library's documentation of `Mutex` calls that the usual way to pass a
/// panic on. `expect` counts only with a text: parsers have an `expect(token)` of their own. `unreachable!` and `assert!` state what the
/// author holds for impossible and are left out too.
pub fn at(syntax: &Syntax, id: Id) -> Option<Panic> {
    match syntax.kind(id) {
        Kind::CallExpression => of_call(syntax, id),
        Kind::MacroInvocation => of_macro(syntax, id),
        Kind::Identifier if syntax.parent_kind(id) == Some(Kind::TokenTree) => of_token(syntax, id),
        _ => None,
    }
}

fn of_call(syntax: &Syntax, id: Id) -> Option<Panic> {
    let callee = syntax.child_in_field(id, Field::Function).filter(|&f| syntax.kind(f) == Kind::FieldExpression)?;
    let method = syntax.source(syntax.child_in_field(callee, Field::Member)?);
    let arguments = syntax.child_in_field(id, Field::Arguments)?;
    match method {
        "unwrap" if syntax.parts(arguments).next().is_none() && !is_lock(syntax, callee) => Some(Panic::Unwrap),
        "expect" if is_text(syntax, syntax.parts(arguments).next()?) => Some(Panic::Expect),
        _ => None,
    }
}

/// Whether the receiver of a method is `….lock()`, `….read()` or `….write()`.
fn is_lock(syntax: &Syntax, callee: Id) -> bool {
    let Some(receiver) = syntax.child_in_field(callee, Field::Value) else { return false };
    let Some(function) = syntax.child_in_field(receiver, Field::Function) else { return false };
    let Some(name) = syntax.child_in_field(function, Field::Member) else { return false };
    let empty = syntax.child_in_field(receiver, Field::Arguments).is_some_and(|a| syntax.parts(a).next().is_none());
    empty && matches!(syntax.source(name), "lock" | "read" | "write")
}

fn is_text(syntax: &Syntax, id: Id) -> bool {
    match syntax.kind(id) {
        Kind::StringLiteral | Kind::RawStringLiteral => true,
        Kind::ReferenceExpression => syntax.source(id).starts_with("&format!"),
        _ => false,
    }
}

fn of_macro(syntax: &Syntax, id: Id) -> Option<Panic> {
    match syntax.child_in_field(id, Field::Macro).map(|name| syntax.source(name))? {
        "panic" => Some(Panic::Explicit),
        "todo" | "unimplemented" => Some(Panic::Unfinished),
        _ => None,
    }
}

/// `.unwrap()` among the bare tokens of a macro call; the definition of a macro is left out.
fn of_token(syntax: &Syntax, id: Id) -> Option<Panic> {
    if syntax.source(id) != "unwrap" {
        return None;
    }
    let before = syntax.text.get(..syntax.node(id).start as usize)?.trim_end();
    let brackets = syntax.subtree(id).end;
    let called = brackets < syntax.len() && syntax.kind(brackets) == Kind::TokenTree && syntax.source(brackets) == "()";
    let locked =
        ["lock()", "read()", "write()"].iter().any(|lock| before.strip_suffix('.').is_some_and(|b| b.ends_with(lock)));
    (before.ends_with('.') && called && !locked).then_some(Panic::Unwrap)
}

/// `assert!`, `assert_eq!` and `assert_ne!`, which a caller should know of.
pub fn is_assertion(syntax: &Syntax, id: Id) -> bool {
    syntax.kind(id) == Kind::MacroInvocation
        && syntax
            .child_in_field(id, Field::Macro)
            .is_some_and(|m| matches!(syntax.source(m), "assert" | "assert_eq" | "assert_ne"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(body: &str) -> Vec<Panic> {
        let text = format!("fn f() {{ {body} }}");
        let syntax = Syntax::parse(&text);
        (0..syntax.len()).filter_map(|id| at(&syntax, id)).collect()
    }

    #[test]
    fn what_panics_is_told_from_what_looks_like_it() {
        assert_eq!(
            found("a.unwrap(); b.expect(\"x\"); panic!(); todo!()"),
            [Panic::Unwrap, Panic::Expect, Panic::Explicit, Panic::Unfinished]
        );
        assert_eq!(found("println!(\"{}\", a.b.unwrap())"), [Panic::Unwrap]);
        assert_eq!(found("a.lock().unwrap(); p.expect(Token::A)?; a.unwrap_or(1); unwrap(); unreachable!()"), []);
        assert_eq!(found("println!(\"{}\", a.lock().unwrap())"), []);
    }
}
