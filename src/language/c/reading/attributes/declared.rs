//! Macros that have a type, a name or a whole declaration between their parentheses: what is inside stays where it is.

use std::ops::Range;

use super::argument::{self, ArgumentForm};
use super::{Braces, DECLARING, KEYWORDS, MacroSearch, SPECIFIERS, is_macro};

impl MacroSearch<'_> {
    /// `API(int) f(void);`: a type. Returns where to go on, or `None` if what is inside is none.
    pub(super) fn type_inside(&mut self, at: usize, behind: usize) -> Option<usize> {
        let form = self.form(at + 2..behind - 1);
        let mut name = behind;
        while matches!(self.sign_at(name), b'*' | b'&') {
            name += 1;
        }
        let has_sign = name > behind;
        let is_convention = is_macro(self.text_at(name)) && self.is_name(name + 1) && self.sign_at(name + 2) == b'(';
        let convention = is_convention.then_some(name);
        name += usize::from(is_convention);
        let first = name;
        while self.sign_at(name + 1) == b':' && self.sign_at(name + 2) == b':' && self.is_word(name + 3) {
            name += 3;
        }
        if !self.is_name(name) {
            return None;
        }
        let is_line_end = self.is_line_end(behind);
        let is_capital = is_macro(self.text_at(name));
        let end = self.list_end(name);
        let next = end.map_or(0, |end| self.sign_at(end));
        let ends = end.is_some_and(|end| {
            let word = self.text_at(end);
            !self.is_word(end) || is_macro(word) || KEYWORDS.contains(&word)
        });
        // A constructor has no type, so that a macro before it may be an attribute.
        let may_be_constructor = self.holding() == Braces::Members || name > first;
        let is_inside = match form {
            ArgumentForm::Type if end.is_none() => {
                !is_line_end && matches!(self.sign_at(name + 1), b';' | b'=' | b',' | b'[')
            }
            ArgumentForm::Type if is_line_end => !may_be_constructor && !is_capital && matches!(next, b'{' | b';'),
            ArgumentForm::Type => true,
            _ if end.is_none() || is_capital || is_convention => false,
            ArgumentForm::Name if has_sign => !is_line_end,
            _ if may_be_constructor || has_sign => false,
            ArgumentForm::Name if is_line_end => next == b'{',
            // Nothing else can be the type.
            ArgumentForm::Name | ArgumentForm::Text => ends && !is_line_end,
        };
        if !is_inside {
            return None;
        }
        if form == ArgumentForm::Text {
            self.mask.put_type(self.tokens[at].start, self.tokens[behind - 1].end);
        } else {
            self.blank_to(at, at + 2);
            self.blank_to(behind - 1, behind);
        }
        if let Some(convention) = convention {
            self.blank_to(convention, convention + 1);
        }
        // A function in capitals is no macro behind a list.
        let is_own_name = end.is_some_and(|end| is_capital && !self.is_word(end));
        Some(if is_own_name { name + 1 } else { convention.map_or(behind, |at| at + 1) })
    }

    /// The place behind the parameters of a function: `f(int a)`, `f OF((int a))`.
    fn list_end(&self, name: usize) -> Option<usize> {
        let is_old = is_macro(self.text_at(name + 1)) && self.sign_at(name + 3) == b'(';
        let before = if is_old { name + 1 } else { name };
        let end = self.behind_arguments(before);
        (end > before + 1).then_some(end)
    }

    /// `int API(f)(int a);`: the name of a function. Returns where to go on.
    pub(super) fn name_inside(&mut self, at: usize) -> Option<usize> {
        let before = at.checked_sub(1)?;
        let is_typed = matches!(self.sign_at(before), b'*' | b'&') || self.is_type_at(before);
        let is_name = self.sign_at(at + 1) == b'(' && self.is_name(at + 2) && self.sign_at(at + 3) == b')';
        let has_list = self.sign_at(at + 4) == b'(' && self.sign_at(at + 5) != b'*';
        if !(is_macro(self.text_at(at)) && is_typed && is_name && has_list) {
            return None;
        }
        self.blank_to(at, at + 2);
        self.blank_to(at + 3, at + 4);
        Some(at + 4)
    }

    /// `EXPORT(1, int, f, (void));`: a type, a name and parameters. Returns where to go on.
    pub(super) fn declaration_inside(&mut self, at: usize, behind: usize) -> Option<usize> {
        let all = self.arguments(at, behind);
        let is_list =
            |one: &Range<usize>| self.sign_at(one.start) == b'(' && self.behind_arguments(one.start - 1) == one.end;
        let place = all.iter().position(is_list)?;
        let [ty, name] = all.get(place.checked_sub(2)?..place)? else { return None };
        let list = all.get(place)?;
        let last = name.end - 1;
        let is_name = !name.is_empty() && self.is_name(last) && name.clone().all(|one| self.is_word(one));
        if !is_name || self.form(ty.clone()) == ArgumentForm::Text {
            return None;
        }
        self.blank_to(at, ty.start);
        self.blank_to(ty.end, last);
        self.blank_to(name.end, list.start);
        self.blank_to(list.end, behind);
        Some(list.start)
    }

    /// The arguments of a macro, as places of tokens.
    fn arguments(&self, at: usize, behind: usize) -> Vec<Range<usize>> {
        let (mut all, mut from, mut depth) = (Vec::new(), at + 2, 0_i32);
        for place in at + 2..behind - 1 {
            match self.sign_at(place) {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b',' if depth == 0 => {
                    all.push(from..place);
                    from = place + 1;
                }
                _ => {}
            }
        }
        all.push(from..behind - 1);
        all
    }

    /// Whether the type of a declaration follows a macro with arguments, or is one of them.
    pub(super) fn has_type_behind(&self, at: usize) -> bool {
        let behind = self.behind_arguments(at);
        let is_name = self.is_name(behind) && !is_macro(self.text_at(behind));
        let is_type = DECLARING.contains(&self.text_at(behind))
            || is_name && (self.is_name(behind + 1) || self.sign_at(behind + 1) == b'*')
            || is_name && self.form(at + 2..behind - 1) == ArgumentForm::Type;
        behind > at + 1 && is_type
    }

    /// A macro with arguments behind `static` or its like. Returns where to go on.
    pub(super) fn behind_specifier(&mut self, at: usize, behind: usize) -> Option<usize> {
        let is_asked = self.is_name(at) && (is_macro(self.text_at(at)) || !is_macro(self.text_at(behind)));
        if behind == at + 1 || !is_asked || !SPECIFIERS.contains(&self.before(at)) {
            return None;
        }
        if let Some(next) = self.type_inside(at, behind) {
            return Some(next);
        }
        let is_attribute = is_macro(self.text_at(at)) && self.has_type_behind(at);
        is_attribute.then(|| {
            self.blank_to(at, behind);
            behind
        })
    }

    pub(super) fn form(&self, argument: Range<usize>) -> ArgumentForm {
        argument::form(self.text, self.tokens.get(argument).unwrap_or_default())
    }
}
