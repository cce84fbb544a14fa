//! How large a chunk may be, and where a stretch of text that is larger gets cut.

use std::ops::Range;

/// Most tokens that the body of a chunk may have, as [`tokens`] counts them. With its header (at most some 50) and the model's two
/// marks it stays below the 256 tokens that are embedded.
pub const BODY_TOKENS: usize = 192;

/// Most bytes that the body of a chunk may have, whatever it counts in tokens: white space has no token.
pub const BODY_BYTES: usize = 2_400;

/// Letters and digits that make one token on average. On Rust and Markdown of published crates, counting each run of `n` letters
/// or digits as `n / 5` rounded up and each other visible character as one was within 10 % of BERT's WordPiece count for 8 of 10
/// stretches of 900 bytes (bytes alone: 2.3 to 4.3 a token).
const LETTERS_PER_TOKEN: usize = 5;

/// Most tokens and lines that a piece repeats of the one before it.
const OVERLAP_TOKENS: usize = 24;
const OVERLAP_LINES: usize = 2;

/// Most tokens of closing brackets that the last piece of an item has beyond [`BODY_TOKENS`]: together no more than the 256 that are
/// embedded.
const CLOSING_TOKENS: usize = 64;

/// A place, always the start of a line, where a stretch may be cut; the lower its cost, the less is torn apart.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub at: usize,
    pub cost: u32,
}

/// Tokens of a text, estimated without a vocabulary.
pub fn tokens(text: &str) -> usize {
    let mut count = Count::default();
    text.chars().for_each(|c| count.add(c));
    count.tokens
}

/// True if the text counts at most `limit` tokens; reads no more of it than that takes.
pub fn is_within(text: &str, limit: usize) -> bool {
    reach(text, 0..text.len(), limit, usize::MAX) == text.len()
}

#[derive(Default)]
struct Count {
    tokens: usize,
    /// Letters and digits that belong to the token that has begun, if they come next.
    left: usize,
}

impl Count {
    fn add(&mut self, c: char) {
        if c.is_ascii_alphanumeric() {
            if self.left == 0 {
                self.tokens += 1;
                self.left = LETTERS_PER_TOKEN;
            }
            self.left -= 1;
        } else {
            self.tokens += usize::from(!c.is_whitespace());
            self.left = 0;
        }
    }
}

/// Where the text from `range.start` on has used up its tokens or bytes; at most `range.end`, always a character's border.
fn reach(text: &str, range: Range<usize>, token_limit: usize, byte_limit: usize) -> usize {
    let mut count = Count::default();
    for (offset, c) in text[range.clone()].char_indices() {
        count.add(c);
        if count.tokens > token_limit || offset + c.len_utf8() > byte_limit {
            return range.start + offset;
        }
    }
    range.end
}

/// Cuts a range into pieces that fit a chunk, in order, nothing left out. `cuts` are sorted by place.
pub fn pieces(text: &str, range: Range<usize>, cuts: &[Cut]) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let end = piece_end(text, start..range.end, cuts);
        pieces.push(start..end);
        start = end;
    }
    pieces
}

/// Pieces by size alone, for a text that would otherwise make too many.
pub fn coarse_pieces(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let limit = reach(text, start..text.len(), usize::MAX, BODY_BYTES);
        let end = if limit == text.len() { limit } else { border(text, start, start + (limit - start) / 2, limit) };
        pieces.push(start..end);
        start = end;
    }
    pieces
}

fn piece_end(text: &str, range: Range<usize>, cuts: &[Cut]) -> usize {
    let limit = reach(text, range.clone(), BODY_TOKENS, BODY_BYTES);
    if limit == range.end || is_closing(&text[limit..range.end]) {
        return range.end;
    }
    let half = reach(text, range.clone(), BODY_TOKENS / 2, BODY_BYTES / 2);
    best_cut(cuts, half, limit).unwrap_or_else(|| border(text, range.start, half, limit))
}

/// The cheapest cut in `(after, until]`; among equals the last.
fn best_cut(cuts: &[Cut], after: usize, until: usize) -> Option<usize> {
    let first = cuts.partition_point(|cut| cut.at <= after);
    let last = cuts.partition_point(|cut| cut.at <= until);
    cuts.get(first..last)?.iter().rev().min_by_key(|cut| cut.cost).map(|cut| cut.at)
}

/// The end of the last line between `half` and `limit`; failing that, of the last word; failing that, `limit`. Always beyond `start`.
fn border(text: &str, start: usize, half: usize, limit: usize) -> usize {
    let half = (half..=limit).find(|&at| text.is_char_boundary(at)).unwrap_or(limit);
    let tail = &text[half..limit];
    let line = tail.rfind('\n').map(|at| half + at + 1);
    let word = || tail.char_indices().rev().find(|(_, c)| c.is_whitespace()).map(|(at, c)| half + at + c.len_utf8());
    line.or_else(word).unwrap_or(limit).max(start + text[start..].chars().next().map_or(1, char::len_utf8))
}

/// What is left when a long item has been cut: brackets that would make a chunk of their own. Not more of them than are embedded with it.
fn is_closing(rest: &str) -> bool {
    rest.len() <= 256 && !rest.chars().any(char::is_alphanumeric) && is_within(rest, CLOSING_TOKENS)
}

/// Where a piece that follows `previous` begins when it repeats that one's last lines. Only whole lines are repeated.
pub fn overlap_start(text: &str, previous: &Range<usize>, start: usize) -> usize {
    if !text[..start].ends_with('\n') {
        return start;
    }
    let mut from = start;
    for _ in 0..OVERLAP_LINES {
        let line = text[previous.start..from.saturating_sub(1).max(previous.start)]
            .rfind('\n')
            .map_or(previous.start, |at| previous.start + at + 1);
        if line == previous.start || !is_within(&text[line..start], OVERLAP_TOKENS) {
            break;
        }
        from = line;
    }
    if text[from..start].chars().any(char::is_alphanumeric) { from } else { start }
}

/// Cuts for a text whose syntax is not known: before a line of little indentation, best after a blank line, never before a line
/// that closes a bracket if there is another.
pub fn line_cuts(text: &str, range: Range<usize>) -> Vec<Cut> {
    let mut at = range.start;
    let mut after_blank = true;
    let mut cuts = Vec::new();
    for line in text[range].split_inclusive('\n') {
        let content = line.trim();
        if !content.is_empty() {
            let closes = content.starts_with(['}', ')', ']']) || content == "end";
            let cost = 2 * indentation(line) + u32::from(!after_blank) + if closes { 200 } else { 0 };
            cuts.push(Cut { at, cost });
        }
        after_blank = content.is_empty();
        at += line.len();
    }
    cuts
}

/// Columns of white space before a line's text, a tab counted as four, at most 80.
fn indentation(line: &str) -> u32 {
    line.chars().take_while(|c| c.is_whitespace()).take(80).map(|c| if c == '\t' { 4 } else { 1 }).sum::<u32>().min(80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_follow_words_and_signs() {
        assert_eq!(tokens("let x = retries;"), 1 + 1 + 1 + 2 + 1);
        assert_eq!(tokens("   \n\t "), 0);
        assert!(is_within("a b c", 3) && !is_within("a b c", 2));
    }

    #[test]
    fn pieces_cover_the_range_and_fit() {
        let text = "word ".repeat(5_000) + &"x".repeat(9_000) + &"é—漢".repeat(3_000);
        let all = pieces(&text, 0..text.len(), &[]);
        assert_eq!(all.iter().map(|piece| &text[piece.clone()]).collect::<String>(), text);
        assert!(all.iter().all(|piece| piece.len() <= BODY_BYTES && is_within(&text[piece.clone()], BODY_TOKENS)));
    }

    #[test]
    fn a_blank_line_is_the_first_choice() {
        let text = format!("{}\n{}", "a b c d e f g h\n".repeat(20), "i j k l m n o p\n".repeat(20));
        let all = pieces(&text, 0..text.len(), &line_cuts(&text, 0..text.len()));
        assert!(text[all[1].clone()].starts_with("i j"), "{:?}", &text[all[1].clone()]);
    }

    #[test]
    fn closing_brackets_stay_with_their_piece() {
        let text = format!("{}\n}}\n}}\n", "a ".repeat(BODY_TOKENS));
        assert_eq!(pieces(&text, 0..text.len(), &[]).len(), 1);
    }
}
