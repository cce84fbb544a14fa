//! What a model is shown of the other files that a file uses: each reference as written, with its kind and its present signature.
//! No path. What is shown, and nothing else, is the dependency part of the cache key: a signature that was left out for want of room
//! cannot make an answer stale.

use crate::analyzer::{DependencyUse, UsedSymbol};
use crate::domain::{AnalysisType, Hash};

/// Longest signature that is shown whole, in bytes; a longer one ends in `…`.
const LONGEST_SIGNATURE: usize = 400;

/// How a reference to a file that is included as text begins; what follows is a path, which no prompt shows.
const INCLUDE: &str = "include ";

/// The references of one file, as a prompt shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileContext {
    /// One line each.
    pub text: String,
    /// What the lines speak of.
    pub shown: Vec<UsedSymbol>,
    /// How many there was no room for.
    pub left_out: usize,
}

impl FileContext {
    /// The deps_hash of an analysis that is shown this. If nothing is shown, it is that of a file without dependencies.
    pub fn hash(&self) -> Hash {
        Hash::of(self.text.as_bytes())
    }
}

/// The context of a question: empty for the types that see none. At most `max_bytes` long; what resolves comes first, then in the
/// order of the alphabet, up to the first line that does not fit, so that the same references give the same bytes everywhere.
pub fn context(analysis_type: AnalysisType, uses: &[DependencyUse], max_bytes: usize) -> FileContext {
    if !analysis_type.spec().model_sees_dependencies {
        return FileContext::default();
    }
    let mut symbols: Vec<UsedSymbol> = uses.iter().map(symbol).collect();
    symbols.sort_by(|a, b| (a.signature.is_none(), a).cmp(&(b.signature.is_none(), b)));
    symbols.dedup();
    let all = symbols.len();
    let mut context = FileContext::default();
    for symbol in symbols {
        let line = line(&symbol);
        if context.text.len() + line.len() > max_bytes {
            break;
        }
        context.text.push_str(&line);
        context.shown.push(symbol);
    }
    context.left_out = all - context.shown.len();
    context
}

fn symbol(used: &DependencyUse) -> UsedSymbol {
    let written = if used.written.starts_with(INCLUDE) { INCLUDE.trim_end() } else { &used.written };
    UsedSymbol {
        written: one_line(written),
        kind: used.kind.clone(),
        signature: used.signature.as_deref().map(|signature| shortened(&one_line(signature))),
    }
}

fn line(symbol: &UsedSymbol) -> String {
    match &symbol.signature {
        Some(signature) => format!("{} {} = {signature}\n", symbol.kind, symbol.written),
        None => format!("{} = (defined nowhere in this repository)\n", symbol.written),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cut between words, never within one: half of a secret looks like none.
fn shortened(text: &str) -> String {
    if text.len() <= LONGEST_SIGNATURE {
        return text.to_owned();
    }
    let start = &text[..text.floor_char_boundary(LONGEST_SIGNATURE)];
    format!("{} …", start.rsplit_once(' ').map_or("", |(words, _)| words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(written: &str, signature: Option<&str>) -> DependencyUse {
        DependencyUse { written: written.into(), kind: "function".into(), signature: signature.map(Into::into) }
    }

    fn shown(uses: &[DependencyUse], max_bytes: usize) -> FileContext {
        context(AnalysisType::Analysis, uses, max_bytes)
    }

    #[test]
    fn resolved_references_come_first_whatever_the_order_given() {
        let (a, b, gone) = (used("a", Some("fn a()")), used("b", Some("fn b()")), used("aa", None));
        let one = shown(&[gone.clone(), b.clone(), a.clone(), a.clone()], 1_000);
        assert_eq!(one, shown(&[a, b, gone], 1_000));
        assert_eq!(one.text, "function a = fn a()\nfunction b = fn b()\naa = (defined nowhere in this repository)\n");
    }

    #[test]
    fn only_what_is_shown_counts() {
        let narrow = |second: &str| shown(&[used("a", Some("fn a()")), used("b", Some(second))], 25);
        assert_eq!(narrow("fn b()").hash(), narrow("fn b(x: u8)").hash());
        assert_eq!((narrow("fn b()").shown.len(), narrow("fn b()").left_out), (1, 1));
        let wide = |second: &str| shown(&[used("a", Some("fn a()")), used("b", Some(second))], 1_000);
        assert_ne!(wide("fn b()").hash(), wide("fn b(x: u8)").hash());
    }

    #[test]
    fn types_that_see_nothing_have_the_hash_of_nothing() {
        let none = context(AnalysisType::Docs, &[used("a", Some("fn a()"))], 1_000);
        assert_eq!(none.hash(), Hash::of(b""));
        assert_eq!(shown(&[], 1_000).hash(), Hash::of(b""));
    }

    #[test]
    fn no_path_of_an_included_file_is_shown() {
        let text = shown(&[used("include src/private/notes.txt", Some("text"))], 1_000).text;
        assert!(!text.contains("notes.txt"), "{text}");
    }

    #[test]
    fn a_signature_is_one_line_of_bounded_length() {
        let text = shown(&[used("a", Some(&format!("fn a(\n  x: {}\n)", "é ".repeat(1_000))))], 10_000).text;
        assert_eq!(text.lines().count(), 1);
        assert!(text.len() < LONGEST_SIGNATURE + 40);
    }

    #[test]
    fn no_word_is_shown_in_half() {
        let text = shown(&[used("a", Some(&format!("const A: &str = {}", "k".repeat(1_000))))], 10_000).text;
        assert_eq!(text, "function a = const A: &str = …\n");
    }
}
