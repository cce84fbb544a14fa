//! Conditions of the preprocessor. A grammar reads them where whole declarations or statements stand in each branch. Elsewhere one branch
//! is kept and the rest is blanked: what it says is lost, what stands around it is not.

use super::Mask;
use super::token::{Token, TokenKind};

/// Conditions inside each other that are looked into; each level reads its tokens again. Source written by hand stays below 12.
const DEPTH_MAX: usize = 40;

/// A condition whose end was not met yet.
struct OpenCondition {
    /// Places of its directives among the tokens: `#if`, each `#elif` and `#else`.
    directives: Vec<usize>,
    /// The sign before it, 0 at the start.
    before: u8,
    parens: u32,
    is_in_enum: bool,
}

struct Brackets {
    parens: u32,
    /// Whether each open brace is that of an `enum`.
    braces: Vec<(bool, u32)>,
}

/// Blanks what cannot be read, and returns the tokens that are left.
pub(super) fn resolve(text: &str, tokens: Vec<Token>, mask: &mut Mask) -> Vec<Token> {
    let mut is_gone = vec![false; tokens.len()];
    let mut open: Vec<OpenCondition> = Vec::new();
    let mut brackets = Brackets { parens: 0, braces: Vec::new() };
    let mut before = 0_u8;
    for (at, token) in tokens.iter().enumerate() {
        blank_header_name(text, token, mask);
        if token.kind != TokenKind::Directive {
            brackets.note(text, &tokens, at);
            before = if let TokenKind::Sign(sign) = token.kind { sign } else { b'a' };
            continue;
        }
        match name(token.text(text)) {
            "if" | "ifdef" | "ifndef" => open.push(OpenCondition {
                directives: vec![at],
                before,
                parens: brackets.parens,
                is_in_enum: brackets.braces.last().is_some_and(|&(is_enum, _)| is_enum),
            }),
            "else" | "elif" | "elifdef" | "elifndef" => {
                if let Some(condition) = open.last_mut() {
                    condition.directives.push(at);
                    before = condition.before;
                }
            }
            "endif" => {
                if let Some(mut condition) = open.pop() {
                    condition.directives.push(at);
                    if open.len() < DEPTH_MAX && !condition.is_readable(text, &tokens, &is_gone) {
                        let gone = condition.keep_one(text, &tokens, &mut is_gone, mask);
                        brackets = brackets_without(text, &tokens, &gone, brackets);
                    }
                }
            }
            _ => {}
        }
    }
    tokens.into_iter().zip(is_gone).filter(|(_, is_gone)| !is_gone).map(|(token, _)| token).collect()
}

/// The brackets that are open behind a condition: a branch that is gone has opened none.
fn brackets_without(text: &str, tokens: &[Token], gone: &[usize], mut brackets: Brackets) -> Brackets {
    for &at in gone.iter().rev() {
        match tokens[at].sign() {
            b'(' => brackets.parens = brackets.parens.saturating_sub(1),
            b')' => brackets.parens += 1,
            b'{' => {
                brackets.braces.pop();
            }
            b'}' => brackets.braces.push((is_enum(text, tokens, at), brackets.parens)),
            _ => {}
        }
    }
    brackets
}

impl Brackets {
    fn note(&mut self, text: &str, tokens: &[Token], at: usize) {
        match tokens[at].sign() {
            b'(' => self.parens += 1,
            b')' => self.parens = self.parens.saturating_sub(1),
            b'{' => {
                self.braces.push((is_enum(text, tokens, at), self.parens));
                self.parens = 0;
            }
            b'}' => self.parens = self.braces.pop().map_or(0, |(_, parens)| parens),
            _ => {}
        }
    }
}

/// Whether a brace opens the body of an `enum`.
fn is_enum(text: &str, tokens: &[Token], brace: usize) -> bool {
    let before = tokens.get(..brace).unwrap_or_default().iter().rev().take(8);
    let mut words = before.take_while(|token| !matches!(token.sign(), b';' | b'{' | b'}' | b')'));
    words.any(|token| token.kind == TokenKind::Word && token.text(text) == "enum")
}

impl OpenCondition {
    /// The tokens of each branch that are left.
    fn branches<'a>(&'a self, tokens: &'a [Token], is_gone: &'a [bool]) -> impl Iterator<Item = Vec<&'a Token>> {
        self.directives.windows(2).map(move |pair| {
            let inside = (pair[0] + 1)..pair[1];
            let left = inside.filter(|&at| !is_gone[at] && tokens[at].kind != TokenKind::Directive);
            left.map(|at| &tokens[at]).collect()
        })
    }

    /// Whether whole declarations, statements or members stand in each branch.
    fn is_readable(&self, text: &str, tokens: &[Token], is_gone: &[bool]) -> bool {
        if tokens.get(self.directives[0]).is_some_and(|first| is_never(first.text(text))) {
            return false;
        }
        let is_between = matches!(self.before, 0 | b';' | b'{' | b'}' | b':' | b')');
        let is_in_list = self.is_in_enum && matches!(self.before, b'{' | b',' | b'a');
        let is_whole = |branch: Vec<&Token>| {
            let Some(last) = branch.last() else { return is_between || is_in_list };
            let ends = match last.sign() {
                b';' | b'}' | b':' => is_between,
                b',' => is_in_list,
                // A macro that stands for a declaration.
                b')' => is_between && self.before != b')',
                _ => false,
            };
            ends && balance(&branch)
        };
        self.parens == 0 && self.branches(tokens, is_gone).all(is_whole)
    }

    /// Blanks all but one branch; returns the tokens that are gone.
    fn keep_one(&self, text: &str, tokens: &[Token], is_gone: &mut [bool], mask: &mut Mask) -> Vec<usize> {
        let mut gone = Vec::new();
        let kept = usize::from(is_never(tokens[self.directives[0]].text(text)));
        for (branch, pair) in self.directives.windows(2).enumerate() {
            let (directive, end) = (&tokens[pair[0]], &tokens[pair[1]]);
            mask.blank(directive.start, directive.end);
            is_gone[pair[0]] = true;
            if branch != kept {
                mask.blank(directive.end, end.start);
                gone.extend((pair[0]..pair[1]).filter(|&at| !is_gone[at]));
                is_gone[pair[0]..pair[1]].fill(true);
            }
        }
        if let Some(&last) = self.directives.last() {
            mask.blank(tokens[last].start, tokens[last].end);
            is_gone[last] = true;
        }
        gone
    }
}

fn balance(branch: &[&Token]) -> bool {
    let mut depths = [0_i32; 2];
    for token in branch {
        match token.sign() {
            b'{' => depths[0] += 1,
            b'}' => depths[0] -= 1,
            b'(' => depths[1] += 1,
            b')' => depths[1] -= 1,
            _ => {}
        }
        if depths.iter().any(|&depth| depth < 0) {
            return false;
        }
    }
    depths == [0, 0]
}

/// `__has_include(<a.h>)` and macros for it: no expression has a header's name.
fn blank_header_name(text: &str, token: &Token, mask: &mut Mask) {
    let written = token.text(text);
    if token.kind != TokenKind::Directive || !matches!(name(written), "if" | "elif") {
        return;
    }
    let mut from = 0;
    while let Some(open) = written.get(from..).and_then(|rest| rest.find("(<")).map(|open| from + open + 1) {
        let length = written.get(open..).and_then(|rest| rest.find('>')).unwrap_or(0);
        mask.blank(token.start + open, token.start + open + length + 1);
        from = open + length + 1;
    }
}

/// `if` of `#  if X`
fn name(directive: &str) -> &str {
    let rest = directive.trim_start_matches(['#', ' ', '\t']);
    rest.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default()
}

/// `#if 0`
fn is_never(directive: &str) -> bool {
    let rest = directive.trim_start_matches(['#', ' ', '\t']);
    rest.strip_prefix("if").is_some_and(|condition| condition.split_whitespace().next() == Some("0"))
}
