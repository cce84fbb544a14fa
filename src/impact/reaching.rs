//! Which tests reach what changed: a walk from changed symbols to those who use them, through interfaces, until it arrives at tests.
//!
//! Edges say which file uses which symbol. Which symbol of that file does, its text says: those in whose own lines the name is
//! written. So the walk goes from symbol to symbol, and from file to file only where a name stands outside all symbols.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::links::SymbolAt;
use crate::domain::{Edge, FilePath, Implements, Role};
use crate::language::role_of;
use crate::outline::{Outline, Symbol, SymbolKind};

/// Steps of one walk; a change of what everything uses reaches every test, and which those are is clear long before.
const STEPS_MAX: usize = 100_000;

/// A file with tests that reach what changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReachingTest {
    pub file: FilePath,
    /// Its tests, if they have names; empty: the file as a whole.
    pub tests: Vec<String>,
    /// What they reach.
    pub reaches: Vec<SymbolAt>,
    /// Files on the shortest way: 0 is the changed file itself, 1 a file that uses it.
    pub distance: u32,
    /// The file through which the shortest way leads, if any.
    pub through: Option<FilePath>,
}

/// What a walk needs to know of a view.
pub struct Ways<'a> {
    pub edges: &'a [Edge],
    pub links: &'a [Implements],
    /// A file's outline and text, if it can be read.
    pub read: &'a dyn Fn(&FilePath) -> Option<(&'a Outline, String)>,
}

/// The tests that reach changed symbols, nearest first.
pub fn reaching_tests(changed: &BTreeSet<SymbolAt>, ways: &Ways<'_>) -> Vec<ReachingTest> {
    let mut walk = Walk::new(ways);
    for (label, (file, symbol)) in changed.iter().enumerate() {
        walk.arrive((file.clone(), symbol.clone()), &BTreeSet::from([label]), 0, None);
    }
    walk.go();
    walk.tests(&changed.iter().cloned().collect::<Vec<_>>())
}

/// What is known of a symbol that was reached.
#[derive(Default)]
struct ReachedAt {
    /// Numbers of the changed symbols that it reaches.
    labels: BTreeSet<usize>,
    distance: u32,
    through: Option<FilePath>,
}

/// A symbol, or with an empty name a file as a whole.
type Stop = SymbolAt;

struct Walk<'w, 'a> {
    ways: &'w Ways<'a>,
    users: BTreeMap<&'a FilePath, Vec<&'a Edge>>,
    interfaces: BTreeMap<(&'a FilePath, &'a str), Vec<&'a Implements>>,
    written: BTreeMap<FilePath, WordUse>,
    arrivals: BTreeMap<Stop, ReachedAt>,
    todo: VecDeque<Stop>,
    steps: usize,
}

impl<'w, 'a> Walk<'w, 'a> {
    fn new(ways: &'w Ways<'a>) -> Self {
        let mut users: BTreeMap<_, Vec<&Edge>> = BTreeMap::new();
        for edge in ways.edges {
            users.entry(&edge.source_file).or_default().push(edge);
        }
        let mut interfaces: BTreeMap<_, Vec<&Implements>> = BTreeMap::new();
        for link in ways.links {
            interfaces.entry((&link.implementation_file, link.implementation.as_str())).or_default().push(link);
        }
        let (written, arrivals, todo) = Default::default();
        Self { ways, users, interfaces, written, arrivals, todo, steps: 0 }
    }

    fn arrive(&mut self, stop: Stop, labels: &BTreeSet<usize>, distance: u32, through: Option<&FilePath>) {
        let known = self.arrivals.entry(stop.clone()).or_insert_with(|| ReachedAt {
            labels: BTreeSet::new(),
            distance,
            through: through.cloned(),
        });
        if distance < known.distance {
            (known.distance, known.through) = (distance, through.cloned());
        }
        if !labels.is_subset(&known.labels) {
            known.labels.extend(labels);
            self.todo.push_back(stop);
        }
    }

    fn go(&mut self) {
        while let Some((file, symbol)) = self.todo.pop_front() {
            self.steps += 1;
            if self.steps > STEPS_MAX {
                return;
            }
            let Some(arrival) = self.arrivals.get(&(file.clone(), symbol.clone())) else { continue };
            let (labels, distance) = (arrival.labels.clone(), arrival.distance);
            self.go_on_inside(&file, &symbol, &labels, distance);
            for (user, used) in self.users_of(&file, &symbol) {
                let names = self.written_in(&user).using(&used);
                let through = (distance > 0).then_some(&file);
                if names.is_empty() {
                    self.arrive((user.clone(), String::new()), &labels, distance + 1, through);
                }
                for name in names {
                    self.arrive((user.clone(), name), &labels, distance + 1, through);
                }
            }
        }
    }

    /// In the same file: symbols that write the name, and in any file the interface that the symbol implements.
    fn go_on_inside(&mut self, file: &FilePath, symbol: &str, labels: &BTreeSet<usize>, distance: u32) {
        if symbol.is_empty() {
            return;
        }
        for name in self.written_in(file).using_own(symbol) {
            self.arrive((file.clone(), name), labels, distance, None);
        }
        for link in self.interfaces.get(&(file, symbol)).cloned().unwrap_or_default() {
            let stop = (link.interface_file.clone(), link.interface.clone());
            self.arrive(stop, labels, distance, Some(file).filter(|_| distance > 0));
        }
    }

    /// Who uses a symbol, or anything of a file.
    fn users_of(&self, file: &FilePath, symbol: &str) -> BTreeSet<(FilePath, String)> {
        let edges = self.users.get(file).into_iter().flatten();
        let of_symbol = edges.filter(|edge| symbol.is_empty() || edge.symbol_name == symbol);
        of_symbol.map(|edge| (edge.dependent_file.clone(), edge.symbol_name.clone())).collect()
    }

    fn written_in(&mut self, file: &FilePath) -> &WordUse {
        let ways = self.ways;
        self.written.entry(file.clone()).or_insert_with(|| {
            let is_in_tests = role_of(file) == Role::Test;
            (ways.read)(file).map(|(outline, text)| WordUse::new(outline, &text, is_in_tests)).unwrap_or_default()
        })
    }

    fn tests(self, changed: &[SymbolAt]) -> Vec<ReachingTest> {
        let mut found: BTreeMap<FilePath, (ReachedAt, BTreeSet<String>)> = BTreeMap::new();
        for ((file, symbol), arrival) in self.arrivals {
            let written = self.written.get(&file);
            let is_test = written.is_some_and(|written| written.tests.contains(&symbol));
            if !is_test && role_of(&file) != Role::Test {
                continue;
            }
            let (all, names) = found
                .entry(file)
                .or_insert_with(|| (ReachedAt { distance: u32::MAX, ..ReachedAt::default() }, BTreeSet::new()));
            all.labels.extend(arrival.labels);
            if arrival.distance < all.distance {
                (all.distance, all.through) = (arrival.distance, arrival.through);
            }
            names.extend(Some(symbol).filter(|_| is_test));
        }
        let mut tests: Vec<ReachingTest> = found
            .into_iter()
            .map(|(file, (arrival, tests))| ReachingTest {
                file,
                tests: tests.into_iter().collect(),
                reaches: arrival.labels.iter().filter_map(|&label| changed.get(label)).cloned().collect(),
                distance: arrival.distance,
                through: arrival.through,
            })
            .collect();
        tests.sort_by(|one, other| (one.distance, &one.file).cmp(&(other.distance, &other.file)));
        tests
    }
}

/// Which symbols of a file write which words, and which of them are tests.
#[derive(Default)]
struct WordUse {
    by_word: BTreeMap<String, BTreeSet<String>>,
    /// Words behind a dot or colons: members of something.
    by_member: BTreeMap<String, BTreeSet<String>>,
    /// Functions that belong to a type.
    methods: BTreeSet<String>,
    tests: BTreeSet<String>,
}

impl WordUse {
    fn new(outline: &Outline, text: &str, is_in_tests: bool) -> Self {
        let mut found = Self::default();
        for (name, lines) in own_lines(outline, text) {
            for (word, is_member) in lines.iter().flat_map(|line| words(line)) {
                found.by_word.entry(word.to_owned()).or_default().insert(name.to_owned());
                if is_member {
                    found.by_member.entry(word.to_owned()).or_default().insert(name.to_owned());
                }
            }
        }
        let is_method = |symbol: &&Symbol| is_callable(symbol) && symbol.name.contains(['.', ':']);
        found.methods = outline.symbols().iter().filter(is_method).map(|symbol| symbol.name.clone()).collect();
        let named = |is_test: fn(&Symbol) -> bool| -> BTreeSet<String> {
            outline.symbols().iter().filter(|symbol| is_test(symbol)).map(|symbol| symbol.name.clone()).collect()
        };
        found.tests = named(is_marked_test);
        if found.tests.is_empty() && is_in_tests {
            found.tests = named(is_test_by_name);
        }
        found
    }

    /// The symbols that write the name of another file's symbol. What is a member may come without a dot: a key, an argument.
    fn using(&self, symbol: &str) -> Vec<String> {
        let members = self.by_member.get(last(symbol)).filter(|_| symbol.contains(['.', ':']));
        members.or_else(|| self.by_word.get(last(symbol))).into_iter().flatten().cloned().collect()
    }

    /// The other symbols that write the name of one of this file. Only what is a member can mean a method.
    fn using_own(&self, symbol: &str) -> Vec<String> {
        let words = if self.methods.contains(symbol) { &self.by_member } else { &self.by_word };
        words.get(last(symbol)).into_iter().flatten().filter(|one| *one != symbol).cloned().collect()
    }
}

/// A test by its own declaration.
fn is_marked_test(symbol: &Symbol) -> bool {
    let attributes = symbol.signature.strip_prefix("#[").into_iter().flat_map(|rest| rest.split("] "));
    let mut paths = attributes.filter_map(|attribute| attribute.split('(').next());
    paths.any(|path| path.ends_with("test")) || symbol.signature.contains("@Test ") || is_test_macro(&symbol.signature)
}

/// `TEST(Suite, Name)` of the frameworks of C and C++.
fn is_test_macro(signature: &str) -> bool {
    let word = signature.split('(').next().unwrap_or_default();
    matches!(word, "SCENARIO" | "BOOST_AUTO_TEST_CASE" | "TYPED_TEST") || word == "TEST" || word.starts_with("TEST_")
}

/// A test by its name, in a file of tests.
fn is_test_by_name(symbol: &Symbol) -> bool {
    last(&symbol.name).starts_with("test") || last(&symbol.name).starts_with("Test")
}

/// The lines of each symbol that are no other symbol's inside it, by its name. What a function gives to an object is its own, too.
pub fn own_lines<'t>(outline: &'t Outline, text: &'t str) -> BTreeMap<&'t str, Vec<&'t str>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut symbols: Vec<&Symbol> = outline.symbols().iter().collect();
    // What is inside comes later, and takes its lines over.
    symbols.sort_by_key(|symbol| (symbol.start_line, std::cmp::Reverse(symbol.end_line)));
    let mut owners: Vec<[Option<&Symbol>; 2]> = vec![[None; 2]; lines.len()];
    for symbol in symbols {
        let first = (symbol.start_line as usize).saturating_sub(1);
        let until = (symbol.end_line as usize).min(lines.len());
        for owner in owners.get_mut(first..until).into_iter().flatten() {
            *owner = match owner[0] {
                // What an import names is used elsewhere.
                _ if symbol.kind == SymbolKind::Import => [None; 2],
                Some(function) if is_callable(function) && !is_callable(symbol) => [Some(function), Some(symbol)],
                _ => [Some(symbol), None],
            };
        }
    }
    let mut own: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (owners, line) in owners.into_iter().zip(lines) {
        for owner in owners.into_iter().flatten() {
            own.entry(owner.name.as_str()).or_default().push(line.trim());
        }
    }
    own
}

fn is_callable(symbol: &Symbol) -> bool {
    matches!(symbol.kind, SymbolKind::Function | SymbolKind::Method)
}

/// The words of a line, each with whether it stands behind a dot or colons.
fn words(line: &str) -> Vec<(&str, bool)> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '#');
    let (mut found, mut start) = (Vec::new(), None);
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        match start {
            None if is_part(c) => start = Some(at),
            Some(from) if !is_part(c) => {
                let (before, word) = (line.get(..from).unwrap_or_default(), line.get(from..at).unwrap_or_default());
                found.push((word, before.ends_with(['.', ':'])));
                start = None;
            }
            _ => {}
        }
    }
    found
}

fn last(name: &str) -> &str {
    name.rsplit(['.', ':']).next().unwrap_or(name)
}
