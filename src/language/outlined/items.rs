//! The items of a file: definitions with full names, signatures, documentation and the items around them.

use std::ops::Range;

use tree_sitter::Node;

use super::query::{self, Definition, ItemKind, Matches};
use crate::language::comment;
use crate::language::segment::one_line;
use crate::language::syntax::NoTree;
use crate::language::{ParseError, Parsed};

/// Bytes of a signature.
const SIGNATURE_BYTES: usize = 240;

/// Bytes of source, with comments, in which a name or a signature is read.
const SOURCE_BYTES: usize = 4_096;

/// Bytes of one part of a name.
const NAME_BYTES: usize = 160;

/// Bytes of a name with those of the items around it.
const FULL_NAME_BYTES: usize = 280;

/// Items inside each other; deeper ones come only from hostile text, and are left out.
const NESTING_MAX: usize = 40;

/// What a file defines.
pub struct FoundItems {
    /// In the order of the text, the outer first.
    pub(super) items: Vec<OutlinedItem>,
    pub(super) matches: Matches,
}

/// A definition with its place among the others.
pub(super) struct OutlinedItem {
    pub kind: &'static ItemKind,
    pub node: Range<usize>,
    /// With the names of the items around it.
    pub name: String,
    pub signature: String,
    /// With the comments and attributes that belong to it.
    pub range: Range<usize>,
    /// Without them, and without what was added to it.
    own: Range<usize>,
    /// The words of its documentation.
    pub doc: Option<String>,
    /// 1-based, of the definition itself.
    pub start_line: u32,
    pub end_line: u32,
    /// The item around it.
    pub parent: Option<usize>,
    pub has_body: bool,
    pub parameters: Option<u32>,
    pub is_private: bool,
    /// A test, or inside one.
    pub is_test: bool,
    is_clause: bool,
}

impl OutlinedItem {
    /// Equations of a function, say.
    pub fn is_several_nodes(&self) -> bool {
        self.own.end < self.range.end
    }
}

/// What a file defines, found when it is first asked for: outline, chunks and analyses share it.
///
/// # Errors
/// If there is no tree, or the language's query does not fit its grammar.
pub(super) fn find<'p>(parsed: &'p Parsed<'_>) -> Result<&'p FoundItems, ParseError> {
    let root = parsed.tree().map_err(NoTree::to_error)?.root_node();
    let found = parsed.items.get_or_init(|| search(parsed, root));
    found.as_ref().map_err(|message| ParseError { line: 1, message: message.clone() })
}

fn search(parsed: &Parsed<'_>, root: Node<'_>) -> Result<FoundItems, String> {
    let mut matches = query::of(parsed.language)?.matches(parsed.text, root);
    let separator = parsed.language.spec().separator;
    let mut finder =
        Finder { text: parsed.text, separator, before: before(&matches), items: Vec::new(), open: Vec::new() };
    let hidden = Hidden::new(&matches.scopes);
    for definition in std::mem::take(&mut matches.definitions) {
        if !hidden.holds(&definition.node) {
            finder.add(&definition, &matches.comments);
        }
    }
    Ok(FoundItems { items: finder.items, matches })
}

/// What may stand before an item and belong to it.
struct LeadingText {
    range: Range<usize>,
    /// The part of it that is documentation.
    doc: Option<Range<usize>>,
}

/// All of it, in the order of the text.
fn before(matches: &Matches) -> Vec<LeadingText> {
    let whole = |range: &Range<usize>| LeadingText { range: range.clone(), doc: Some(range.clone()) };
    let mut all: Vec<LeadingText> = matches.comments.iter().map(whole).collect();
    let mut docs = matches.docs.iter().peekable();
    for leading in &matches.leading {
        while let Some(doc) = docs.next_if(|doc| doc.start < leading.start) {
            all.push(whole(doc));
        }
        let inside = docs.next_if(|doc| doc.end <= leading.end);
        all.push(LeadingText { range: leading.clone(), doc: inside.cloned() });
    }
    all.extend(docs.map(whole));
    all.sort_by_key(|one| (one.range.start, one.range.end));
    all
}

/// The outermost nodes whose insides are local.
struct Hidden(Vec<Range<usize>>);

impl Hidden {
    fn new(scopes: &[Range<usize>]) -> Self {
        let mut outermost: Vec<Range<usize>> = Vec::new();
        for scope in scopes {
            if outermost.last().is_none_or(|last| scope.start >= last.end) {
                outermost.push(scope.clone());
            }
        }
        Self(outermost)
    }

    /// Whether the node lies inside one of them, and is none itself.
    fn holds(&self, node: &Range<usize>) -> bool {
        let after = self.0.partition_point(|scope| scope.start <= node.start);
        let scope = after.checked_sub(1).and_then(|last| self.0.get(last));
        scope.is_some_and(|scope| node.end <= scope.end && node != scope)
    }
}

struct Finder<'s> {
    text: &'s str,
    separator: &'static str,
    before: Vec<LeadingText>,
    items: Vec<OutlinedItem>,
    /// The items around the present place, and the functions whose insides are left out.
    open: Vec<OpenItem>,
}

struct OpenItem {
    end: usize,
    /// `None`: what stands inside is local.
    item: Option<usize>,
}

impl Finder<'_> {
    fn add(&mut self, definition: &Definition, comments: &[Range<usize>]) {
        let Range { start, end } = definition.range;
        while self.open.last().is_some_and(|open| open.end <= start) {
            self.open.pop();
        }
        let parent = match self.open.last() {
            Some(OpenItem { item: None, .. }) => return,
            Some(OpenItem { item, .. }) => *item,
            None => None,
        };
        // Two names of one node stand next to each other.
        let parent = match parent {
            Some(at) if self.items[at].own == definition.range => self.items[at].parent,
            parent => parent,
        };
        let own = own_name(self.text, definition, self.separator, comments);
        if own.is_empty() || !self.is_declared_here(definition.kind, parent) {
            return;
        }
        let name = self.full_name(&own, parent);
        if definition.is_clause && self.extend_last(definition, parent, &name) {
            return;
        }
        let head = definition.body.as_ref().map_or(end, |body| body.start).clamp(start, end);
        let (from, doc) = self.with_leading(start);
        let at = self.items.len();
        self.items.push(OutlinedItem {
            kind: definition.kind,
            node: definition.node.clone(),
            name,
            signature: signature(self.text, start..head, comments),
            range: from..end,
            own: start..end,
            doc,
            start_line: line(definition.rows.0),
            end_line: line(definition.rows.1),
            parent,
            has_body: definition.body.is_some(),
            parameters: definition.parameters,
            is_private: definition.is_private,
            is_test: definition.kind.entity == "test" || parent.is_some_and(|at| self.items[at].is_test),
            is_clause: definition.is_clause,
        });
        let holds_locals = definition.kind.is_function || self.open.len() >= NESTING_MAX;
        self.open.push(OpenItem { end, item: (!holds_locals).then_some(at) });
    }

    /// Values inside a value are parts of it; functions are not.
    fn is_declared_here(&self, kind: &ItemKind, parent: Option<usize>) -> bool {
        let is_value = |kind: &ItemKind| kind.entity == "const";
        !(is_value(kind) && parent.is_some_and(|at| is_value(self.items[at].kind)))
    }

    fn full_name(&self, own: &str, parent: Option<usize>) -> String {
        let outer = std::iter::successors(parent, |&at| self.items[at].parent);
        let outer = outer.map(|at| &self.items[at]).find(|item| item.kind.is_qualifier);
        match outer {
            Some(outer) if outer.name.len() + own.len() < FULL_NAME_BYTES => {
                format!("{}{}{own}", outer.name, self.separator)
            }
            _ => own.to_owned(),
        }
    }

    /// Adds a further equation to the function that the last one began.
    fn extend_last(&mut self, definition: &Definition, parent: Option<usize>, name: &str) -> bool {
        let Some(last) = self.items.last_mut() else { return false };
        let is_same = last.is_clause && last.name == name && last.parent == parent;
        if !is_same || last.parameters != definition.parameters {
            return false;
        }
        last.range.end = last.range.end.max(definition.range.end);
        last.end_line = last.end_line.max(line(definition.rows.1));
        last.has_body |= definition.body.is_some();
        self.open.push(OpenItem { end: definition.range.end, item: None });
        true
    }

    /// Where the comments and attributes begin that stand right before a place, and the words of the documentation among them.
    fn with_leading(&self, start: usize) -> (usize, Option<String>) {
        let mut start = start;
        let mut documented: Vec<Range<usize>> = Vec::new();
        let last = self.before.partition_point(|one| one.range.start < start);
        for one in self.before[..last].iter().rev() {
            let between = self.text.get(one.range.end..start).unwrap_or("-");
            let ends_line = self.text.get(one.range.clone()).is_some_and(|text| text.ends_with('\n'));
            let line_feeds = between.matches('\n').count() + usize::from(ends_line);
            if !between.trim().is_empty() || line_feeds > 1 || !self.leads_its_line(one.range.start) {
                break;
            }
            start = one.range.start;
            documented.extend(one.doc.clone());
        }
        documented.reverse();
        (start, self.words(start, &documented))
    }

    /// The words of comments and texts that begin behind a place.
    fn words(&self, start: usize, documented: &[Range<usize>]) -> Option<String> {
        let text = self.text.get(start..)?;
        let comments = comment::at(text, documented.iter().map(|range| range.start - start..range.end - start));
        let is_script = |one: &comment::Comment<'_>| start == 0 && one.row == 0 && one.whole.starts_with("#!");
        // `-- |` and `#'` begin documentation; quotes are those of a text.
        let bare = |one: &comment::Comment<'_>| {
            one.text.trim_start_matches(['|', '^', '\'']).trim_matches('"').trim().to_owned()
        };
        let words = comments.iter().filter(|one| !is_script(one)).map(bare);
        let words = words.collect::<Vec<_>>().join("\n").trim().to_owned();
        (!words.is_empty()).then_some(words)
    }

    fn leads_its_line(&self, at: usize) -> bool {
        let before = self.text.get(..at).unwrap_or_default().trim_end_matches([' ', '\t']);
        before.is_empty() || before.ends_with('\n')
    }
}

/// The name that a definition gives, without quotes.
fn own_name(text: &str, definition: &Definition, separator: &str, comments: &[Range<usize>]) -> String {
    let is_section = definition.kind.entity == "section";
    let part = |name: &Range<usize>| {
        let written = without_comments(text, name.clone(), comments);
        let bare = unquoted(written.trim()).trim();
        one_line(if is_section { bare } else { bare.trim_start_matches(':') }, NAME_BYTES)
    };
    let parts: Vec<String> = definition.names.iter().map(part).filter(|part| !part.is_empty()).collect();
    parts.join(separator)
}

/// What stands between two quotes; a name may have one at its end.
fn unquoted(name: &str) -> &str {
    let within = |quote: char| name.strip_prefix(quote)?.strip_suffix(quote);
    ['"', '\'', '`'].into_iter().find_map(within).unwrap_or(name)
}

/// A declaration in one line, without comments and what opens its body.
fn signature(text: &str, range: Range<usize>, comments: &[Range<usize>]) -> String {
    let line = one_line(&without_comments(text, range, comments), SIGNATURE_BYTES);
    line.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '{' | '=' | ';' | ',')).to_owned()
}

/// The beginning of a stretch, without the comments in it.
fn without_comments(text: &str, range: Range<usize>, comments: &[Range<usize>]) -> String {
    let mut written = String::new();
    let mut at = range.start;
    let end = text.floor_char_boundary(range.end.min(range.start + SOURCE_BYTES));
    let first = comments.partition_point(|comment| comment.end <= range.start);
    for comment in comments.iter().skip(first).take_while(|comment| comment.start < end) {
        written.push_str(text.get(at..comment.start.max(at)).unwrap_or_default());
        written.push(' ');
        at = comment.end.clamp(at, end.max(at));
    }
    written.push_str(text.get(at..end).unwrap_or_default());
    written
}

/// 1-based
pub(super) fn line(row: usize) -> u32 {
    u32::try_from(row + 1).unwrap_or(u32::MAX)
}
