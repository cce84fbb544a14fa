//! Which finding of a file is which of another state of it.

use std::collections::BTreeMap;

use super::finding::{FindingId, TracedFinding};

/// Most pairs of findings with one identity that are compared by their lines; more are taken in their order.
const MAX_CELLS: usize = 250_000;

/// What an item with another name weighs, in lines: more than any distance.
const OTHER_ITEM: u64 = 1 << 32;

/// What became of the findings of one file.
#[derive(Debug, Default)]
pub struct FileDelta<'a> {
    pub new: Vec<&'a TracedFinding>,
    pub fixed: Vec<&'a TracedFinding>,
    /// Before and after.
    pub kept: Vec<(&'a TracedFinding, &'a TracedFinding)>,
}

/// Compares the findings of two states of a file, each in the order of the file. Of several with one identity, those that are
/// nearest to each other are the same.
pub fn compare<'a>(before: &'a [TracedFinding], after: &'a [TracedFinding]) -> FileDelta<'a> {
    let mut groups: BTreeMap<FindingId<'a>, (Vec<&'a TracedFinding>, Vec<&'a TracedFinding>)> = BTreeMap::new();
    before.iter().for_each(|one| groups.entry(one.id()).or_default().0.push(one));
    after.iter().for_each(|one| groups.entry(one.id()).or_default().1.push(one));
    let mut delta = FileDelta::default();
    for (was, is) in groups.into_values() {
        let pairs = if was.len() <= is.len() {
            align(&was, &is)
        } else {
            align(&is, &was).into_iter().map(|(is, was)| (was, is)).collect()
        };
        let (mut was_left, mut is_left) = (vec![true; was.len()], vec![true; is.len()]);
        for (old, new) in pairs {
            (was_left[old], is_left[new]) = (false, false);
            delta.kept.push((was[old], is[new]));
        }
        let left = |all: Vec<&'a TracedFinding>, left: Vec<bool>| {
            all.into_iter().zip(left).filter(|(_, left)| *left).map(|(one, _)| one)
        };
        delta.fixed.extend(left(was, was_left));
        delta.new.extend(left(is, is_left));
    }
    let place = |one: &&TracedFinding| (one.start_line, one.kind, one.ordinal);
    delta.new.sort_by_key(place);
    delta.fixed.sort_by_key(place);
    delta.kept.sort_by_key(|(_, after)| place(after));
    delta
}

/// Each of the fewer with one of the more, in order, so that together they are as near as can be; as places in both.
fn align(fewer: &[&TracedFinding], more: &[&TracedFinding]) -> Vec<(usize, usize)> {
    let (rows, columns) = (fewer.len(), more.len());
    if rows == columns || rows.saturating_mul(columns) > MAX_CELLS {
        return (0..rows).map(|place| (place, place)).collect();
    }
    let cost = |row: usize, column: usize| {
        let (one, other) = (fewer[row], more[column]);
        let other_item = if one.item == other.item { 0 } else { OTHER_ITEM };
        u64::from(one.start_line.abs_diff(other.start_line)) + other_item
    };
    // least[row][column]: of the first `row` with some of the first `column`.
    let width = columns + 1;
    let mut least = vec![u64::MAX; (rows + 1) * width];
    least[..width].fill(0);
    for row in 1..=rows {
        for column in row..=columns {
            let without = least[row * width + column - 1];
            let with = least[(row - 1) * width + column - 1].saturating_add(cost(row - 1, column - 1));
            least[row * width + column] = without.min(with);
        }
    }
    let (mut row, mut column) = (rows, columns);
    let mut pairs = Vec::with_capacity(rows);
    while row > 0 {
        // Without this column it is no worse, or the column is needed.
        if column > row && least[row * width + column] == least[row * width + column - 1] {
            column -= 1;
        } else {
            (row, column) = (row - 1, column - 1);
            pairs.push((row, column));
        }
    }
    pairs.reverse();
    pairs
}

#[cfg(test)]
mod tests {
    use super::super::finding::{FoundBy, in_order};
    use super::*;
    use crate::analyzer::Severity;

    fn found(lines: &[(u32, &str, &str)]) -> Vec<TracedFinding> {
        let one = |&(line, item, text): &(u32, &str, &str)| TracedFinding {
            by: FoundBy::Local,
            kind: "todo",
            severity: Severity::Info,
            item: Some(item.to_owned()),
            start_line: line,
            end_line: line,
            message: text.to_owned(),
            text: text.to_owned(),
            ordinal: 0,
        };
        in_order(lines.iter().map(one).collect())
    }

    fn lines(found: &[&TracedFinding]) -> Vec<u32> {
        found.iter().map(|one| one.start_line).collect()
    }

    #[test]
    fn moved_lines_change_nothing() {
        let before = found(&[(1, "a", "x"), (5, "a", "y"), (9, "b", "x")]);
        let after = found(&[(21, "a", "x"), (25, "a", "y"), (29, "c", "x")]);
        let delta = compare(&before, &after);
        assert!(delta.new.is_empty() && delta.fixed.is_empty(), "{delta:?}");
        assert_eq!(delta.kept.len(), 3);
    }

    #[test]
    fn of_equal_ones_the_one_that_is_gone_is_named() {
        let before = found(&[(1, "a", "x"), (50, "b", "x"), (100, "c", "x")]);
        for (after, gone) in [
            (found(&[(50, "b", "x"), (100, "c", "x")]), 1),
            (found(&[(2, "a", "x"), (101, "c", "x")]), 50),
            (found(&[(70, "a", "x"), (120, "b", "x")]), 100),
        ] {
            let delta = compare(&before, &after);
            assert_eq!((lines(&delta.fixed), delta.new.len(), delta.kept.len()), (vec![gone], 0, 2));
            let back = compare(&after, &before);
            assert_eq!((lines(&back.new), back.fixed.len(), back.kept.len()), (vec![gone], 0, 2));
        }
    }

    /// Whatever is found, each finding is in one list, and as few as can be are new or fixed.
    #[test]
    fn numbers_are_those_of_multisets() {
        let mut state = 7_u32;
        let mut random = move |below: u32| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state % below
        };
        for _ in 0..300 {
            let mut some = |count: u32| {
                let texts = ["x", "y", "z"];
                let items = ["a", "b"];
                let one = |_| (1 + random(40), items[random(2) as usize], texts[random(3) as usize]);
                found(&(0..count).map(one).collect::<Vec<_>>())
            };
            let (before, after) = (some(9), some(7));
            let delta = compare(&before, &after);
            assert_eq!(delta.kept.len() + delta.fixed.len(), before.len());
            assert_eq!(delta.kept.len() + delta.new.len(), after.len());
            for text in ["x", "y", "z"] {
                let of = |all: &[TracedFinding]| all.iter().filter(|one| one.text == text).count();
                let kept = delta.kept.iter().filter(|(before, _)| before.text == text).count();
                assert_eq!(kept, of(&before).min(of(&after)), "{text}");
            }
            assert!(delta.kept.iter().all(|(before, after)| before.id() == after.id()));
        }
    }
}
