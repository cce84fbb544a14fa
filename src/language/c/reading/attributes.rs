//! Macros that stand for attributes, for the beginning of a namespace, or for a type: words in capitals where a grammar expects a type, a
//! name or the end of a declaration. Only what stands between declarations is touched; statements are read as they are.

use super::Mask;
use super::token::{Token, TokenKind};

/// What a pair of braces holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Braces {
    Declarations,
    Other,
}

pub(super) fn blank(text: &str, tokens: &[Token], mask: &mut Mask) {
    let mut search = MacroSearch { text, tokens, mask, braces: Vec::new(), parens: 0, is_start: true };
    let mut at = 0;
    while at < tokens.len() {
        at = search.step(at);
    }
}

struct MacroSearch<'a> {
    text: &'a str,
    tokens: &'a [Token],
    mask: &'a mut Mask,
    braces: Vec<Braces>,
    parens: u32,
    /// A declaration begins here.
    is_start: bool,
}

impl<'a> MacroSearch<'a> {
    /// Goes over one token, or over a macro with its arguments; returns where to go on.
    fn step(&mut self, at: usize) -> usize {
        let token = self.tokens[at];
        match token.kind {
            TokenKind::Directive => return at + 1,
            TokenKind::Sign(sign) => self.sign(at, sign),
            TokenKind::Literal => self.is_start = false,
            TokenKind::Word => return self.word(at),
        }
        at + 1
    }

    fn sign(&mut self, at: usize, sign: u8) {
        match sign {
            b'(' => self.parens += 1,
            b')' => self.parens = self.parens.saturating_sub(1),
            b'{' => {
                let kind = if self.is_declarative() { self.braces_at(at) } else { Braces::Other };
                self.braces.push(kind);
            }
            b'}' => {
                self.braces.pop();
                self.parens = 0;
            }
            _ => {}
        }
        let is_access = sign == b':' && matches!(self.before(at), "public" | "private" | "protected");
        let is_template = sign == b'>' && self.parens == 0 && self.is_template_head(at);
        self.is_start = matches!(sign, b';' | b'{' | b'}') || is_access || is_template;
    }

    fn is_declarative(&self) -> bool {
        self.braces.last().is_none_or(|&kind| kind == Braces::Declarations)
    }

    fn text_at(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| token.text(self.text))
    }

    fn sign_at(&self, at: usize) -> u8 {
        self.tokens.get(at).map_or(0, Token::sign)
    }

    fn is_word(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == TokenKind::Word)
    }

    fn before(&self, at: usize) -> &'a str {
        at.checked_sub(1).map_or("", |before| self.text_at(before))
    }

    /// What an open brace holds, by what stands before it since the last declaration.
    fn braces_at(&self, brace: usize) -> Braces {
        let before = self.tokens.get(..brace).unwrap_or_default().iter().rev().take(200);
        let head = before.take_while(|token| !matches!(token.sign(), b';' | b'{' | b'}'));
        let (mut has_list, mut holds) = (false, false);
        for token in head.filter(|token| token.kind != TokenKind::Directive) {
            has_list |= matches!(token.sign(), b')' | b'=') && !holds;
            holds |= matches!(token.text(self.text), "namespace" | "class" | "struct" | "union" | "\"C\"" | "\"C++\"")
                && !has_list;
            if token.text(self.text) == "enum" {
                return Braces::Other;
            }
        }
        if holds { Braces::Declarations } else { Braces::Other }
    }

    /// Whether a `>` ends `template <..>`.
    fn is_template_head(&self, at: usize) -> bool {
        let before = self.tokens.get(..at).unwrap_or_default().iter().rev().take(120);
        let mut depth = 1_i32;
        let mut rest = before.skip_while(|token| {
            depth += i32::from(token.sign() == b'>') - i32::from(token.sign() == b'<');
            depth > 0
        });
        rest.next();
        rest.next().is_some_and(|token| token.text(self.text) == "template")
    }

    fn word(&mut self, at: usize) -> usize {
        let is_start = std::mem::replace(&mut self.is_start, false);
        let word = self.text_at(at);
        if !is_macro(word) || !self.is_declarative() || self.parens > 0 {
            return at + 1;
        }
        let behind = self.behind_arguments(at);
        if matches!(self.before(at), "class" | "struct" | "union" | "enum") && !is_start {
            if self.is_word(behind) && self.text_at(behind) != "final" {
                self.blank_to(at, behind);
            }
            return behind;
        }
        if is_start {
            return self.at_start(at, behind);
        }
        let is_behind_list = matches!(self.before(at), ")" | "const" | "override" | "noexcept" | "final");
        let may_end = matches!(self.sign_at(behind), b';' | b'{' | b':' | b'=' | b'-' | b',')
            || matches!(self.text_at(behind), "const" | "override" | "noexcept" | "final")
            || is_macro(self.text_at(behind));
        if is_behind_list && may_end {
            self.blank_to(at, behind);
            return behind;
        }
        at + 1
    }

    /// A macro where a declaration begins.
    fn at_start(&mut self, at: usize, behind: usize) -> usize {
        let has_arguments = behind > at + 1;
        let next = self.text_at(behind);
        let is_line_end = self
            .tokens
            .get(behind)
            .is_none_or(|token| token.row > self.tokens[behind - 1].row || token.kind == TokenKind::Directive);
        let is_type_behind = |at: usize| self.is_word(at) || matches!(self.sign_at(at), b'*' | b'&' | b':' | b'<');
        if has_arguments {
            if self.sign_at(behind) == b'{' || self.sign_at(behind) == b';' {
                return at + 1;
            }
            if is_line_end {
                self.blank_to(at, behind);
                self.is_start = true;
                return behind;
            }
            if self.is_word(behind) && matches!(self.sign_at(behind + 1), b';' | b'=' | b',' | b'[') {
                self.mask.put_type(self.tokens[at].start, self.tokens[behind - 1].end);
                return behind;
            }
            if self.is_word(behind) {
                self.blank_to(at, behind);
                self.is_start = true;
                return behind;
            }
            return at + 1;
        }
        let is_convention = |word: &str| {
            is_macro(word) && (word.ends_with("API") || word.ends_with("CALL") || word.ends_with("CALLBACK"))
        };
        if is_convention(next) && self.is_word(behind + 1) && self.sign_at(behind + 2) == b'(' {
            self.mask.blank(self.tokens[behind].start, self.tokens[behind].end);
            return behind + 1;
        }
        let is_attribute = match next {
            "const" | "volatile" => self.is_word(behind + 1) && is_type_behind(behind + 2),
            _ if DECLARING.contains(&next) => true,
            _ if self.is_word(behind) && is_type_behind(behind + 1) => true,
            _ => is_line_end && !(self.is_word(behind) && self.sign_at(behind + 1) == b'('),
        };
        if is_attribute && !matches!(self.sign_at(behind), b'=' | b'(' | b'*' | b'&' | b'<' | b':') {
            self.blank_to(at, behind);
            self.is_start = true;
        }
        at + 1
    }

    /// The place behind a word and its arguments, if it has any.
    fn behind_arguments(&self, at: usize) -> usize {
        if self.sign_at(at + 1) != b'(' {
            return at + 1;
        }
        let mut depth = 0_i32;
        for (place, token) in self.tokens.iter().enumerate().skip(at + 1).take(2_000) {
            match token.sign() {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'{' | b'}' if depth == 0 => break,
                _ => {}
            }
            if depth == 0 {
                return place + 1;
            }
        }
        at + 1
    }

    /// Blanks the tokens before a place.
    fn blank_to(&mut self, at: usize, behind: usize) {
        self.mask.blank(self.tokens[at].start, self.tokens[behind - 1].end);
    }
}

/// Words with which a declaration begins, or goes on.
const DECLARING: [&str; 30] = [
    "static",
    "inline",
    "extern",
    "typedef",
    "struct",
    "class",
    "union",
    "enum",
    "void",
    "int",
    "char",
    "short",
    "long",
    "float",
    "double",
    "unsigned",
    "signed",
    "bool",
    "auto",
    "template",
    "virtual",
    "explicit",
    "constexpr",
    "friend",
    "using",
    "typename",
    "std",
    "size_t",
    "_Bool",
    "namespace",
];

/// A word as macros for attributes are called: capitals, or two underscores before it.
fn is_macro(word: &str) -> bool {
    const KEYWORDS: [&str; 12] = [
        "__attribute__",
        "__attribute",
        "__declspec",
        "__extension__",
        "__inline",
        "__inline__",
        "__restrict",
        "__restrict__",
        "__asm__",
        "__asm",
        "__volatile__",
        "__const",
    ];
    let is_capital = word.len() > 1
        && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        && word.bytes().any(|byte| byte.is_ascii_uppercase());
    let is_reserved = word.starts_with("__") && !word.starts_with("__int") && !KEYWORDS.contains(&word);
    is_capital || is_reserved
}
