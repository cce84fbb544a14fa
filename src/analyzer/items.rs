//! Answers item by item: which items of a file an answer is about, and answers that are put together from several, each about items that
//! have not changed since it was given.
//!
//! An item is kept if its text is the same, and so is each signature that it names, of this file or of another. This is a border, so serde
//! lives here: an [`ItemMap`] is a stored value.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{
    Analysis, CodeReport, Coverage, DependencyUse, DocItem, DocsReport, Finding, Lines, RefactorReport, Smell, Todo,
    TodosReport, UsedSymbol,
};
use crate::domain::{Hash, Language};
use crate::language::Parsed;

/// How a report says that the end of a file was not shown.
pub const BEYOND: &str = "what follows line";

/// Answers that one may be put together from. More would be about a file that has become another one.
const MOST_SOURCES: usize = 12;

/// Of a hundred bytes of a file, so many that a question about parts of it may show, signatures included; else all of it is shown.
const MOST_SHOWN_PERCENT: usize = 80;

/// Longest line that stands for an item that is not shown, in bytes.
const LONGEST_HEAD: usize = 160;

/// Hex digits of a hash that is compared within one file.
const SHORT_HASH: usize = 32;

/// A file cut into its items. They cover all of its lines.
#[derive(Clone, Debug)]
pub struct CutFile {
    pub items: Vec<CutItem>,
    bytes: usize,
}

/// One of the items of a file, with what stands before it and belongs to none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutItem {
    /// From 1, inclusive.
    pub start: u32,
    pub end: u32,
    text: Range<usize>,
    hash: String,
    /// What stands for it where it is not shown: the signatures that it declares, else its first words.
    pub heads: Vec<String>,
    words: HashSet<u64>,
    /// Last part of the name and signature of what it declares.
    declares: Vec<(String, String)>,
}

/// Which answers the items of a file take theirs from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemMap {
    /// Keys of answers in hex, the newest first; it has the last word on the file as a whole.
    pub sources: Vec<String>,
    pub items: Vec<MappedItem>,
    /// Hashes of the signatures that the items were judged with, by the last part of a name.
    signatures: BTreeMap<String, String>,
    /// How much of the file all of them are about.
    pub seen: Coverage,
    /// What the file uses of others, as it was shown.
    #[serde(default)]
    pub uses: Vec<UsedSymbol>,
}

/// Where the answer about an item is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedItem {
    hash: String,
    start: u32,
    end: u32,
    source: usize,
    /// The line where the item begins in the file that the source is about.
    source_start: u32,
}

impl CutFile {
    /// Cuts a file along the syntax of its language; `None`: it has no items.
    pub fn new(language: Language, text: &str) -> Option<Self> {
        let parsed = Parsed::new(language, text);
        let segments = (language.spec().segments)(&parsed)?;
        let mut starts: Vec<usize> = segments
            .iter()
            .zip(std::iter::once(false).chain(segments.iter().map(|segment| segment.is_opening)))
            .filter(|(_, is_opened)| !is_opened)
            .map(|(segment, _)| line_of(text, &segment.range))
            .collect();
        if let Some(first) = starts.first_mut() {
            *first = 0;
        }
        starts.dedup();
        let (outline, _) = (language.spec().outline)(&parsed);
        let mut items = Vec::new();
        let mut line = 1;
        for (at, &start) in starts.iter().enumerate() {
            let end = starts.get(at + 1).copied().unwrap_or(text.len());
            let own = text.get(start..end).filter(|own| !own.is_empty())?;
            let next = line + u32::try_from(own.matches('\n').count()).ok()?;
            let last = if own.ends_with('\n') { next - 1 } else { next };
            let declared = outline.symbols().iter().filter(|symbol| (line..=last).contains(&symbol.start_line));
            let declares = declared.map(|symbol| (last_word(&symbol.name).to_owned(), symbol.signature.clone()));
            items.push(CutItem::new(own, start..end, line..=last, declares.collect()));
            line = next;
        }
        (!items.is_empty()).then_some(Self { items, bytes: text.len() })
    }

    /// Every line that can stand for an item.
    pub fn heads(&self) -> String {
        self.items.iter().flat_map(|item| &item.heads).map(|head| head.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// The items that a question has to show, given the answers that there are to each type of it; all of them if that costs hardly more.
    pub fn to_show(&self, bases: &[Option<&ItemMap>], uses: &[DependencyUse], lines: u32) -> Vec<bool> {
        let whole = vec![true; self.items.len()];
        let now = self.signatures(uses);
        let mut shown = vec![false; self.items.len()];
        for base in bases {
            let Some(base) = base.filter(|base| base.sources.len() < MOST_SOURCES) else { return whole };
            let known: HashSet<&str> = base.items.iter().map(|item| item.hash.as_str()).collect();
            let changed = changed_words(&base.signatures, &now);
            for (item, shown) in self.items.iter().zip(&mut shown) {
                let is_kept = known.contains(item.hash.as_str()) && item.words.is_disjoint(&changed);
                *shown |= !is_kept && item.start <= lines;
            }
        }
        let bytes: usize = self.items.iter().zip(&shown).map(|(item, &shown)| item.shown_bytes(shown)).sum();
        let is_most = bytes * 100 > self.bytes * MOST_SHOWN_PERCENT;
        if is_most && shown.contains(&true) { whole } else { shown }
    }

    /// The map of an answer about some items, `source`, and for the rest of earlier answers. `seen`: how much of the file is shown.
    pub fn map(
        &self,
        source: &Hash,
        shown: &[bool],
        base: Option<&ItemMap>,
        uses: &[DependencyUse],
        seen: &Coverage,
    ) -> ItemMap {
        let mut map = ItemMap { signatures: self.signatures(uses), seen: seen.clone(), ..ItemMap::default() };
        if shown.contains(&true) {
            map.sources.push(source.to_string());
        } else {
            // Nothing is asked: what was said last of the file as a whole still holds.
            map.sources.extend(base.and_then(|base| base.sources.first().cloned()));
        }
        let mut known: HashMap<&str, Vec<&MappedItem>> = HashMap::new();
        base.iter()
            .flat_map(|base| base.items.iter().rev())
            .for_each(|item| known.entry(&item.hash).or_default().push(item));
        for (item, &is_shown) in self.items.iter().zip(shown).filter(|(item, _)| item.end <= seen.seen_lines) {
            let (source, source_start) = match (is_shown, known.get_mut(item.hash.as_str())) {
                (true, _) => (0, item.start),
                (false, Some(places)) => {
                    let place = if places.len() > 1 { places.pop() } else { places.last().copied() };
                    let Some((place, key)) = place.and_then(|one| Some((one, base?.sources.get(one.source)?))) else {
                        continue;
                    };
                    (map.number_of(key), place.source_start)
                }
                (false, None) => continue,
            };
            let (hash, start, end) = (item.hash.clone(), item.start, item.end);
            map.items.push(MappedItem { hash, start, end, source, source_start });
        }
        map
    }

    fn signatures(&self, uses: &[DependencyUse]) -> BTreeMap<String, String> {
        let declared =
            self.items.iter().flat_map(|item| &item.declares).map(|(name, text)| (name.as_str(), text.as_str()));
        let used = uses.iter().map(|one| (last_word(&one.written), one.signature.as_deref().unwrap_or_default()));
        let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        declared.chain(used).for_each(|(name, signature)| by_name.entry(name).or_default().push(signature));
        let hash = |mut signatures: Vec<&str>| {
            signatures.sort_unstable();
            short(Hash::of_fields(signatures.iter().map(|one| one.as_bytes())))
        };
        by_name.into_iter().map(|(name, signatures)| (name.to_owned(), hash(signatures))).collect()
    }
}

impl CutItem {
    fn new(
        text: &str,
        range: Range<usize>,
        lines: std::ops::RangeInclusive<u32>,
        declares: Vec<(String, String)>,
    ) -> Self {
        let heads = match declares.is_empty() {
            true => vec![one_line(text)],
            false => declares.iter().map(|(_, signature)| one_line(signature)).collect(),
        };
        Self {
            start: *lines.start(),
            end: *lines.end(),
            text: range,
            hash: short(Hash::of(text.trim_end().as_bytes())),
            heads: heads.into_iter().filter(|head| !head.is_empty()).collect(),
            words: words(text).map(number_of).collect(),
            declares,
        }
    }

    fn shown_bytes(&self, is_shown: bool) -> usize {
        let head = |head: &String| head.len().min(LONGEST_HEAD) + 2;
        if is_shown { self.text.len() } else { self.heads.iter().map(head).sum() }
    }

    /// A line that stands for it, cut between words: half of a secret looks like none.
    pub fn shortened(head: &str) -> String {
        if head.len() <= LONGEST_HEAD {
            return head.to_owned();
        }
        let start = &head[..head.floor_char_boundary(LONGEST_HEAD)];
        format!("{} …", start.rsplit_once(' ').map_or("", |(words, _)| words))
    }
}

impl ItemMap {
    /// Keys of the answers that the items take theirs from.
    pub fn source_keys(&self) -> impl Iterator<Item = Hash> {
        self.sources.iter().filter_map(|key| Hash::from_hex(key))
    }

    /// The same without what is taken from answers that are gone; it says how much that was. What is left out is shown to the model the next
    /// time that the file is asked about.
    pub fn without(mut self, is_gone: impl Fn(&str) -> bool) -> Self {
        let (all, mut lines) = (std::mem::take(&mut self.sources), 0);
        self.sources.extend(all.iter().filter(|key| !is_gone(key)).cloned());
        for item in std::mem::take(&mut self.items) {
            let kept = all.get(item.source).and_then(|key| self.sources.iter().position(|one| one == key));
            match kept {
                Some(source) => self.items.push(MappedItem { source, ..item }),
                None => lines += item.end + 1 - item.start,
            }
        }
        if lines > 0 {
            self.seen.not_covered.push(format!(
                "{lines} lines that had not changed: what was said of them was removed from the cache meanwhile"
            ));
        }
        self
    }

    fn number_of(&mut self, key: &str) -> usize {
        self.sources.iter().position(|one| one == key).unwrap_or_else(|| {
            self.sources.push(key.to_owned());
            self.sources.len() - 1
        })
    }

    /// Puts an answer together from those that the items take theirs from, in their order; `None`: they are not of one type.
    pub fn put_together(&self, sources: &[Analysis]) -> Option<Analysis> {
        let all = || self.items.iter().filter_map(|item| Some((item, sources.get(item.source)?)));
        let seen = self.seen_with(sources);
        Some(match sources.first()? {
            Analysis::Refactor(_) => {
                let mut smells = Vec::new();
                for (item, source) in all() {
                    let Analysis::Refactor(report) = source else { return None };
                    for smell in report.smells.iter().filter(|smell| item.has(smell.start_line)) {
                        let (start_line, end_line) = item.moved(smell.start_line, smell.end_line);
                        smells.push(Smell { start_line, end_line, ..smell.clone() });
                    }
                }
                Analysis::Refactor(RefactorReport { seen, smells })
            }
            Analysis::Docs(newest) => {
                let mut items = Vec::new();
                for (item, source) in all() {
                    let Analysis::Docs(report) = source else { return None };
                    for entry in report.items.iter().filter(|entry| item.has(entry.line)) {
                        items.push(DocItem { line: item.moved(entry.line, entry.line).0, ..entry.clone() });
                    }
                }
                Analysis::Docs(DocsReport { seen, items, ..newest.clone() })
            }
            Analysis::Analysis(newest) => {
                let mut findings = Vec::new();
                for (item, source) in all() {
                    let Analysis::Analysis(report) = source else { return None };
                    for finding in report.findings.iter().filter(|finding| item.has(finding.start_line)) {
                        let (start_line, end_line) = item.moved(finding.start_line, finding.end_line);
                        findings.push(Finding { start_line, end_line, ..finding.clone() });
                    }
                }
                let (unresolved, uses) = self.uses.iter().cloned().partition(|symbol| symbol.signature.is_none());
                let lines = Lines { total: seen.seen_lines, ..newest.lines };
                Analysis::Analysis(CodeReport { seen, findings, uses, unresolved, lines, ..newest.clone() })
            }
            Analysis::Todos(_) => {
                let mut todos = Vec::new();
                for (item, source) in all() {
                    let Analysis::Todos(report) = source else { return None };
                    for todo in report.todos.iter().filter(|todo| item.has(todo.line)) {
                        todos.push(Todo { line: item.moved(todo.line, todo.line).0, ..todo.clone() });
                    }
                }
                Analysis::Todos(TodosReport { seen, todos })
            }
        })
    }

    /// What was left out of any of the answers was left out of the whole.
    fn seen_with(&self, sources: &[Analysis]) -> Coverage {
        let mut seen = self.seen.clone();
        for said in sources.iter().flat_map(|source| &source.seen().not_covered) {
            if !said.starts_with(BEYOND) && !seen.not_covered.contains(said) {
                seen.not_covered.push(said.clone());
            }
        }
        seen
    }
}

impl MappedItem {
    /// Whether a line of the source is one of this item.
    fn has(&self, line: u32) -> bool {
        (self.source_start..=self.source_start + (self.end - self.start)).contains(&line)
    }

    /// Lines of the source, as they are in the present file.
    fn moved(&self, start: u32, end: u32) -> (u32, u32) {
        let to_here = |line: u32| (line + self.start).saturating_sub(self.source_start);
        (to_here(start), to_here(end).min(self.end).max(to_here(start)))
    }
}

/// Names whose signatures differ, as their words are counted in items.
fn changed_words(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> HashSet<u64> {
    let differ = |name: &&String| before.get(*name) != now.get(*name);
    before.keys().chain(now.keys()).filter(differ).map(|name| number_of(name)).collect()
}

/// Where the line of a segment's first visible character begins.
fn line_of(text: &str, range: &Range<usize>) -> usize {
    let own = text.get(range.clone()).unwrap_or_default();
    let first = range.end - own.trim_start().len();
    text.get(..first).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The last part of a name that is written with separators: `clamp` of `crate::limits::clamp`.
fn last_word(name: &str) -> &str {
    words(name).last().unwrap_or(name)
}

fn number_of(word: &str) -> u64 {
    let hash = Hash::of(word.as_bytes());
    u64::from_le_bytes(std::array::from_fn(|at| hash.as_bytes()[at]))
}

fn short(hash: Hash) -> String {
    hash.to_string()[..SHORT_HASH].to_owned()
}

/// The first line that says something, of an item that declares nothing; all of it if it is short.
fn one_line(text: &str) -> String {
    text.split_whitespace().take(40).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "items_tests.rs"]
mod tests;
