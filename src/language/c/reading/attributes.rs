//! Macros that stand for attributes, for the beginning of a namespace, or for a type: words where a grammar expects a type, a name or the
//! end of a declaration. Of statements only loops that a macro makes (`FOREACH(x, list) {`) get the semicolon that the grammar misses.

mod argument;
mod declared;

use argument::ArgumentForm;

use super::Mask;
use super::token::{Token, TokenKind};

/// What a pair of braces holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Braces {
    Declarations,
    /// The members of a class: declarations, some of which have no type.
    Members,
    Enumerators,
    /// The body of a function.
    Statements,
    Values,
}

pub(super) fn blank(text: &str, tokens: &[Token], is_cpp: bool, mask: &mut Mask) {
    let mut search = MacroSearch { text, tokens, mask, is_cpp, braces: Vec::new(), parens: 0, is_start: true };
    let mut at = 0;
    while at < tokens.len() {
        at = search.step(at);
    }
}

struct MacroSearch<'a> {
    text: &'a str,
    tokens: &'a [Token],
    mask: &'a mut Mask,
    is_cpp: bool,
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
                let kind = self.braces_at(at);
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

    /// What stands here.
    fn holding(&self) -> Braces {
        self.braces.last().copied().unwrap_or(Braces::Declarations)
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
        let (mut has_list, mut has_value, mut holds, mut is_class) = (false, false, false, false);
        for token in head.filter(|token| token.kind != TokenKind::Directive) {
            has_list |= token.sign() == b')' && !holds;
            has_value |= token.sign() == b'=' && !holds;
            holds |= matches!(token.text(self.text), "namespace" | "class" | "struct" | "union" | "\"C\"" | "\"C++\"")
                && !has_list
                && !has_value;
            is_class |= matches!(token.text(self.text), "class" | "struct" | "union") && holds;
            if token.text(self.text) == "enum" && !has_list {
                return Braces::Enumerators;
            }
        }
        match (holds, self.holding()) {
            (true, _) if is_class => Braces::Members,
            (true, _) => Braces::Declarations,
            (false, Braces::Declarations | Braces::Members) if has_value && !has_list => Braces::Values,
            (false, Braces::Declarations | Braces::Members | Braces::Statements) => Braces::Statements,
            (false, _) => Braces::Values,
        }
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
        match self.holding() {
            Braces::Declarations | Braces::Members if self.parens > 0 => self.in_parameters(at),
            Braces::Declarations | Braces::Members => self.in_declarations(at, is_start),
            Braces::Enumerators => self.in_enumerators(at),
            Braces::Statements if is_start => self.in_statements(at),
            Braces::Statements | Braces::Values => at + 1,
        }
    }

    /// A name that no keyword is.
    fn is_name(&self, at: usize) -> bool {
        self.is_word(at) && !KEYWORDS.contains(&self.text_at(at)) && !DECLARING.contains(&self.text_at(at))
    }

    /// `f(__unused int a, Foo FAR *b)`
    fn in_parameters(&mut self, at: usize) -> usize {
        let word = self.text_at(at);
        let is_type = DECLARING.contains(&self.text_at(at + 1))
            || self.text_at(at + 1) == "const" && self.is_word(at + 2)
            || self.is_name(at + 1) && (self.is_name(at + 2) || self.sign_at(at + 2) == b'*');
        let is_attribute = matches!(self.before(at), "(" | ",") && is_type;
        if is_macro(word) && (is_attribute || self.is_between_type_and_name(at)) {
            self.blank_to(at, at + 1);
        }
        at + 1
    }

    /// `Foo FAR *a`
    fn is_between_type_and_name(&self, at: usize) -> bool {
        at.checked_sub(1).is_some_and(|before| self.is_type_at(before))
            && (self.is_name(at + 1) || matches!(self.sign_at(at + 1), b'*' | b'&'))
    }

    fn is_type_at(&self, at: usize) -> bool {
        self.is_name(at) || matches!(self.text_at(at), "int" | "char" | "void" | "long" | "short" | "double")
    }

    /// `KEY(UP),` among enumerators.
    fn in_enumerators(&mut self, at: usize) -> usize {
        let behind = self.behind_arguments(at);
        if behind == at + 1 || !matches!(self.before(at), "{" | ",") {
            return at + 1;
        }
        let end = if self.sign_at(behind) == b',' { behind + 1 } else { behind };
        self.blank_to(at, end);
        end
    }

    /// `FOREACH(x, list) {`
    fn in_statements(&mut self, at: usize) -> usize {
        let behind = self.behind_arguments(at);
        if behind > at + 1 && self.sign_at(behind) == b'{' && self.is_name(at) {
            self.mask.put_semicolon(self.tokens[behind - 1].end, self.tokens[behind].start);
        }
        at + 1
    }

    fn in_declarations(&mut self, at: usize, is_start: bool) -> usize {
        let word = self.text_at(at);
        let behind = self.behind_arguments(at);
        if is_macro(word) && matches!(self.before(at), "class" | "struct" | "union" | "enum") && !is_start {
            if self.is_word(behind) && self.text_at(behind) != "final" {
                self.blank_to(at, behind);
            }
            return behind;
        }
        if is_start {
            return if is_macro(word) { self.at_start(at, behind) } else { self.name_at_start(at) };
        }
        // `int f OF((int a));`: the declarations of old compilers.
        let is_prototype = self.sign_at(at + 1) == b'('
            && self.sign_at(at + 2) == b'('
            && behind > at + 2
            && self.sign_at(behind - 2) == b')';
        if is_prototype && is_macro(word) && at.checked_sub(1).is_some_and(|before| self.is_name(before)) {
            self.blank_to(at, at + 2);
            self.blank_to(behind - 1, behind);
            return at + 2;
        }
        if let Some(next) = self.name_inside(at).or_else(|| self.behind_specifier(at, behind)) {
            return next;
        }
        let is_behind_list = matches!(self.before(at), ")" | "const" | "override" | "noexcept" | "final");
        let may_end = matches!(self.sign_at(behind), b';' | b'{' | b':' | b'=' | b'-' | b',')
            || matches!(self.text_at(behind), "const" | "override" | "noexcept" | "final")
            || is_macro(self.text_at(behind));
        // `void printflike(1, 2) f(`
        let is_attribute = behind > at + 1
            && self.is_name(at)
            && self.is_name(behind)
            && self.sign_at(behind + 1) == b'('
            && !is_macro(self.text_at(behind));
        if is_macro(word) && is_behind_list && may_end || is_attribute {
            self.blank_to(at, behind);
            return behind;
        }
        if is_macro(word) && self.is_between_type_and_name(at) {
            self.blank_to(at, at + 1);
        }
        at + 1
    }

    /// A name where a declaration begins, and no type can be: `local int f(void);`
    fn name_at_start(&mut self, at: usize) -> usize {
        if !self.is_name(at) {
            return at + 1;
        }
        let behind = self.behind_arguments(at);
        if self.is_cpp && behind > at + 1 {
            // Of C a grammar reads `Api(int) f(void);`.
            let is_type = self.form(at + 2..behind - 1) == ArgumentForm::Type
                && self.holding() == Braces::Declarations
                && !is_macro(self.text_at(behind))
                && !self.is_line_end(behind);
            let next = if is_type { self.type_inside(at, behind) } else { None };
            return next.unwrap_or(at + 1);
        }
        let next = self.text_at(at + 1);
        let is_declaring = |word: &str| DECLARING.contains(&word) && !matches!(word, "std" | "size_t" | "auto");
        let is_attribute = is_declaring(next)
            || next == "const" && is_declaring(self.text_at(at + 2))
            || self.is_name(at + 1) && (self.is_name(at + 2) || matches!(self.sign_at(at + 2), b'*' | b'&'));
        if is_attribute {
            self.blank_to(at, at + 1);
            self.is_start = true;
        }
        at + 1
    }

    /// A macro where a declaration begins.
    fn at_start(&mut self, at: usize, behind: usize) -> usize {
        let has_arguments = behind > at + 1;
        let next = self.text_at(behind);
        let is_line_end = self.is_line_end(behind);
        let is_type_behind = |at: usize| self.is_word(at) || matches!(self.sign_at(at), b'*' | b'&' | b':' | b'<');
        if has_arguments {
            if self.sign_at(behind) == b'{' || self.sign_at(behind) == b';' {
                return self.declaration_inside(at, behind).unwrap_or(at + 1);
            }
            if let Some(next) = self.type_inside(at, behind) {
                return next;
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
            _ if self.sign_at(behind) == b'~' => true,
            _ if is_macro(next) && self.has_type_behind(behind) => true,
            _ => is_line_end && !(self.is_word(behind) && self.sign_at(behind + 1) == b'('),
        };
        if is_attribute && !matches!(self.sign_at(behind), b'=' | b'(' | b'*' | b'&' | b'<' | b':') {
            self.blank_to(at, behind);
            self.is_start = true;
        }
        at + 1
    }

    /// Whether nothing follows on the line.
    fn is_line_end(&self, behind: usize) -> bool {
        let next = self.tokens.get(behind);
        next.is_none_or(|token| token.row > self.tokens[behind - 1].row || token.kind == TokenKind::Directive)
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

/// Words that stand before the type of a declaration.
const SPECIFIERS: [&str; 7] = ["static", "extern", "inline", "virtual", "constexpr", "__inline", "\"C\""];

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

/// Other words that are no names.
const KEYWORDS: [&str; 52] = [
    "const",
    "volatile",
    "return",
    "if",
    "else",
    "for",
    "while",
    "do",
    "switch",
    "case",
    "default",
    "break",
    "continue",
    "goto",
    "sizeof",
    "register",
    "restrict",
    "new",
    "delete",
    "this",
    "operator",
    "public",
    "private",
    "protected",
    "override",
    "final",
    "noexcept",
    "throw",
    "try",
    "catch",
    "mutable",
    "thread_local",
    "consteval",
    "constinit",
    "concept",
    "requires",
    "co_return",
    "co_await",
    "co_yield",
    "asm",
    "export",
    "alignas",
    "decltype",
    "static_assert",
    "true",
    "false",
    "nullptr",
    "defined",
    "__attribute__",
    "__declspec",
    "__extension__",
    "__asm__",
];

/// A word as macros for attributes are called: capitals, or two underscores before it.
fn is_macro(word: &str) -> bool {
    const RESERVED: [&str; 12] = [
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
    let is_reserved = word.starts_with("__") && !word.starts_with("__int") && !RESERVED.contains(&word);
    is_capital || is_reserved
}
