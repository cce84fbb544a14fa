//! An outline without the numbers of its lines: what is left decides what a file uses and what others see of it.

use super::Outline;
use crate::language::facts::{ChainStep, Pattern};

impl Outline {
    /// Whether the other outline says and asks the same, be it on other lines.
    pub fn is_same_but_for_lines(&self, other: &Self) -> bool {
        self == other || self.without_lines() == other.without_lines()
    }

    fn without_lines(&self) -> Self {
        let mut bare = self.clone();
        for symbol in &mut bare.symbols {
            (symbol.start_line, symbol.end_line, symbol.doc) = (0, 0, false);
        }
        bare.facts = bare.facts.map(|facts| Box::new(facts.without_lines()));
        bare.model.includes.iter_mut().for_each(|include| include.line = 0);
        bare.model.paths.iter_mut().for_each(|path| path.line = 0);
        for pattern in &mut bare.model.patterns {
            if let Pattern::Struct(_, fields) = pattern {
                fields.iter_mut().for_each(|field| field.line = 0);
            }
        }
        for step in bare.model.bodies.iter_mut().flat_map(|body| &mut body.steps) {
            match step {
                ChainStep::Method { line, .. } | ChainStep::Field { line, .. } | ChainStep::Operator { line, .. } => {
                    *line = 0
                }
                ChainStep::Struct { fields, .. } => fields.iter_mut().for_each(|(_, line)| *line = 0),
                _ => {}
            }
        }
        bare
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::Language;
    use crate::outline::outline;

    const TEXT: &str = "use a::S;\nfn f(s: S) -> u8 {\n    let S { x, .. } = s;\n    S { x }.g(s.y)\n}\nconst A: &str = include_str!(\"a\");\n";

    #[test]
    fn comments_and_empty_lines_keep_it_equal_and_a_use_does_not() {
        let of = |text: &str| outline(Language::RUST, text).0;
        let moved = format!("// a comment\n\n{}", TEXT.replace("    S {", "\n    // why\n    S {"));
        assert_ne!(of(TEXT), of(&moved));
        assert!(of(TEXT).is_same_but_for_lines(&of(&moved)));
        for (from, to) in [("s.y", "s.z"), ("a::S", "b::S"), ("s: S", "s: &mut S"), ("\"a\"", "\"b\"")] {
            assert!(!of(TEXT).is_same_but_for_lines(&of(&TEXT.replacen(from, to, 1))), "{from} -> {to}");
        }
    }
}
