//! One file's evaluation: what it remembers, what it read of other files, and how much it may still do.
//!
//! It starts with nothing, so its result is a function of the view and the file. What it reads of other files it notes by name: a change
//! reaches the file only if it changes something that is noted. (Two evaluations that read the same do the same; so the first thing that
//! they do differently follows a read of something that changed, and that read is noted in both.)

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::facts::{FactScopeId, StepId};
use super::names::Denoted;
use super::rules::{FileNo, Place};
use super::thing::{Things, TypeArgs};
use super::types::TypeEnv;
use super::view::{Item, NameNo, key};
use super::world::EvalBase;
use crate::language::SymbolKind;

/// Steps that are evaluated for one file, those of other files included. The largest of the files of 20 packages takes 60,000.
const SPENT_MAX: u32 = 400_000;

/// Evaluations inside each other.
const NESTING_MAX: u32 = 60;

/// No evaluation under way was needed again.
const NOTHING: u32 = u32::MAX;

/// What is behind a name for keys of reads that are no name of the language.
pub(super) const LISTED: &[u8] = b"*";
pub(super) const INSIDE: &[u8] = b"/";
/// Interfaces by the name of a member, and by the name of an interface that they embed.
pub(super) const SHAPE: &[u8] = b"shape";
pub(super) const EMBEDS: &[u8] = b"embeds";

/// What a reference leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Found {
    Item(Item),
    Module(FileNo),
    /// A parameter, which is known by its function and name.
    Parameter(Item),
    Nothing,
}

/// References of one file, each with its first line.
#[derive(Default)]
pub(super) struct FoundReferences {
    pub references: BTreeMap<(String, Found), u32>,
    /// Re-exports and implied members on the way: file, symbol, kind.
    pub via: BTreeSet<(FileNo, String, SymbolKind)>,
    /// Members that are used without being written: constructors, `__enter__`, what a class implements.
    pub implied: BTreeSet<Item>,
}

/// Classes in the order in which members are looked up, each with its arguments.
pub(super) type BaseOrder = Rc<[(Item, TypeArgs)]>;

pub(super) struct Evaluation<'w> {
    pub world: &'w EvalBase,
    pub own: FileNo,
    pub found: FoundReferences,
    pub reads: FxHashSet<u64>,
    pub(super) values: FxHashMap<(FileNo, StepId), Things>,
    /// What types stand for that are written where no parameter means anything.
    pub(super) types: FxHashMap<(FileNo, StepId), Things>,
    /// What aliases stand for, by what parameters mean.
    pub(super) aliases: FxHashMap<Item, FxHashMap<TypeEnv, Things>>,
    /// What names denote.
    pub(super) denoted: FxHashMap<(FileNo, StepId), Rc<[Denoted]>>,
    pub(super) variables: FxHashMap<Item, Things>,
    pub(super) results: FxHashMap<Item, Things>,
    /// Classes with their bases.
    pub(super) orders: FxHashMap<(Item, TypeArgs), BaseOrder>,
    /// Instances of the bases of classes, where types are structural.
    pub(super) bases: FxHashMap<(Item, TypeArgs), Things>,
    /// What is under way and may need itself, each with its place among them, from 1.
    busy: FxHashMap<(Item, Aspect), u32>,
    /// The outermost of these that was needed again, so far; 0: something was cut short. What depends on it is not remembered.
    needed: u32,
    spent: u32,
    nesting: u32,
}

/// Of what of an item the evaluation is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Aspect {
    Value,
    Type,
    Result,
    Bases,
    /// What the key of an object of exports stands for.
    Key,
}

impl<'w> Evaluation<'w> {
    pub fn new(world: &'w EvalBase, own: FileNo) -> Self {
        Self {
            world,
            own,
            found: FoundReferences::default(),
            reads: FxHashSet::default(),
            values: FxHashMap::default(),
            types: FxHashMap::default(),
            aliases: FxHashMap::default(),
            denoted: FxHashMap::default(),
            variables: FxHashMap::default(),
            results: FxHashMap::default(),
            orders: FxHashMap::default(),
            bases: FxHashMap::default(),
            busy: FxHashMap::default(),
            needed: NOTHING,
            spent: 0,
            nesting: 0,
        }
    }

    /// Counts a step; false once they are used up.
    pub(super) fn spend(&mut self) -> bool {
        self.spent += 1;
        let is_left = self.spent <= SPENT_MAX;
        if !is_left {
            self.cut();
        }
        is_left
    }

    /// Begins to count again, for another question about the same file; what it noted of the first is handed out.
    pub fn begin_again(&mut self) -> FoundReferences {
        self.spent = 0;
        std::mem::take(&mut self.found)
    }

    /// Whether the file asks for more than is done for one.
    pub fn is_exhausted(&self) -> bool {
        self.spent > SPENT_MAX
    }

    /// Runs an evaluation inside another; nothing where they nest too deep.
    pub(super) fn deeper<T: Default>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        if self.nesting >= NESTING_MAX || !self.spend() {
            self.cut();
            return T::default();
        }
        self.nesting += 1;
        let things = run(self);
        self.nesting -= 1;
        things
    }

    /// Notes that something is not evaluated to its end.
    pub(super) fn cut(&mut self) {
        self.needed = 0;
    }

    /// Runs what may need itself: the second time round it gives nothing.
    pub(super) fn once<T: Default>(&mut self, item: Item, part: Aspect, run: impl FnOnce(&mut Self) -> T) -> T {
        if let Some(&place) = self.busy.get(&(item, part)) {
            self.needed = self.needed.min(place);
            return T::default();
        }
        self.busy.insert((item, part), self.busy.len() as u32 + 1);
        let made = self.deeper(run);
        self.busy.remove(&(item, part));
        made
    }

    pub(super) fn is_busy(&self, item: Item, part: Aspect) -> bool {
        self.busy.contains_key(&(item, part))
    }

    /// Runs an evaluation, and says whether its result holds wherever it is asked for: nothing was cut short, and what needed itself
    /// began inside it.
    pub(super) fn complete<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> (T, bool) {
        let before = std::mem::replace(&mut self.needed, NOTHING);
        let under_way = self.busy.len() as u32;
        let made = run(self);
        let is_complete = self.needed > under_way;
        self.needed = if is_complete { before } else { before.min(self.needed) };
        (made, is_complete)
    }

    /// Notes that a name of a scope was read. Local scopes belong to the item through which they are read.
    pub(super) fn read_scope(&mut self, file: FileNo, scope: FactScopeId, name: NameNo) {
        let base = self.world.view.file(file).and_then(|entry| entry.scope_keys.get(scope as usize)).copied();
        // What other files declare in a scope of the file's own counts as well.
        let is_other = |_: &u64| file != self.own || self.world.view.joint_key(file, scope).is_some();
        if let Some(base) = base.filter(|&base| base != 0).filter(is_other) {
            self.reads.insert(key(base, &[self.world.view.text(name).as_bytes()]));
        }
    }

    /// Notes that an item's declaration was read.
    pub(super) fn read_item(&mut self, item: Item) {
        if let Some(binding) = self.world.view.binding(item) {
            let name = self.world.view.name(item.file, binding.name);
            self.read_scope(item.file, binding.scope, name);
        }
    }

    pub(super) fn read_listed(&mut self, file: FileNo) {
        if let Some(entry) = self.world.view.file(file).filter(|_| file != self.own) {
            self.reads.insert(key(entry.path_key(), &[LISTED]));
        }
    }

    pub(super) fn read_inside(&mut self, package: Place, name: NameNo) {
        let identity = self.world.project.identity(package);
        let name = self.world.view.text(name);
        self.reads.insert(key(0, &[INSIDE, identity.as_bytes(), name.as_bytes()]));
    }

    pub(super) fn note(&mut self, written: String, found: Found, line: u32) {
        let first = self.found.references.entry((written, found)).or_insert(line);
        *first = line.min(*first);
    }

    /// Notes a re-export that was passed on the way.
    pub(super) fn note_via(&mut self, file: FileNo, symbol: Option<u32>) {
        let symbols = self.world.view.file(file).map(|entry| entry.outline.symbols.as_slice()).unwrap_or_default();
        if let Some(symbol) = symbol.and_then(|symbol| symbols.get(symbol as usize)).filter(|_| file != self.own) {
            self.found.via.insert((file, symbol.name.clone(), symbol.kind));
        }
    }

    pub(super) fn note_star(&mut self, file: FileNo) {
        self.found.via.insert((file, "*".to_owned(), SymbolKind::Import));
    }

    pub(super) fn note_implied(&mut self, item: Item) {
        if item.file != self.own {
            self.found.implied.insert(item);
        }
    }
}
