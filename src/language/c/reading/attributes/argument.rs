//! What a macro has between its parentheses: a type, or text for an attribute.

use super::super::token::{Token, TokenKind};

/// How far an argument is a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArgumentForm {
    /// `printf, 1, 2`: no type.
    Text,
    /// `foo`: a type, or a word that an attribute knows.
    Name,
    /// `int`, `struct s`, `Foo *`: nothing but a type.
    Type,
}

pub(super) fn form(text: &str, argument: &[Token]) -> ArgumentForm {
    let (mut names, mut depth) = (0_u32, 0_i32);
    let (mut is_sure, mut is_tagged, mut is_plain, mut has_sign) = (false, false, false, false);
    let mut before = "";
    for token in argument {
        let word = token.text(text);
        match (token.kind, word) {
            (TokenKind::Literal | TokenKind::Directive, _) => return ArgumentForm::Text,
            (_, "<") => depth += 1,
            (_, ">") => depth -= 1,
            _ if depth > 0 => is_sure = true,
            (_, ":") => {}
            (_, "const" | "volatile") => is_sure = true,
            (_, "*" | "&") if names > 0 || is_plain => has_sign = true,
            // `int *name` is a parameter.
            (TokenKind::Sign(_), _) => return ArgumentForm::Text,
            _ if has_sign => return ArgumentForm::Text,
            (_, "struct" | "union" | "enum" | "class" | "typename") => is_tagged = true,
            _ if PLAIN.contains(&word) => is_plain = true,
            _ => {
                names += u32::from(before != ":");
                is_sure |= word.ends_with("_t");
            }
        }
        before = word;
    }
    match (names, is_plain) {
        _ if depth != 0 => ArgumentForm::Text,
        (0, true) if !is_tagged => ArgumentForm::Type,
        (1, false) if is_sure || is_tagged || has_sign => ArgumentForm::Type,
        (1, false) => ArgumentForm::Name,
        _ => ArgumentForm::Text,
    }
}

/// Types without a declaration.
const PLAIN: [&str; 13] = [
    "void", "int", "char", "short", "long", "float", "double", "unsigned", "signed", "bool", "_Bool", "size_t",
    "wchar_t",
];
