//! What a change of a file can reach: fingerprints of all that evaluations read of it by name, and who imports whom.
//!
//! A fingerprint covers a declaration as others see it, and all of its inside that evaluating it can read: the steps of its types and
//! values, and through local names the steps of local variables. Other names it reads are noted when they are looked up, so they are
//! not covered. What a body does beyond that is in no fingerprint.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::mem::discriminant;

use rustc_hash::{FxHashMap, FxHashSet};

use super::evaluation::LISTED;
use super::facts::{
    Argument, Binding, BindingId, BindingKind, Exported, FactScopeId, FactScopeKind, Facts, ImportId, ImportWhat,
    NO_STEP, Step, StepId,
};
use super::implements::shape_keys;
use super::meanings::import_meanings;
use super::rules::{ClassFacts, FileNo, Place, Rules};
use super::view::{ViewFile, key};
use super::world::EvalBase;
use crate::language::Outline;

/// What changed, as evaluations read it.
#[derive(Default)]
pub(super) struct ChangedReads {
    pub keys: FxHashSet<u64>,
    /// The files that changed.
    pub sources: BTreeSet<FileNo>,
    /// Files that are concerned whatever they read.
    pub files: BTreeSet<FileNo>,
    /// A changed file declared something for files that do not import it.
    pub was_shared: bool,
    /// Any file may be concerned: something is added to a module from outside.
    pub is_everything: bool,
}

/// Whether a file declares something for files that do not import it.
pub(super) fn is_shared(facts: &Facts) -> bool {
    let kinds = facts.scopes.iter().map(|scope| scope.kind);
    kinds.into_iter().any(|kind| matches!(kind, FactScopeKind::Global | FactScopeKind::Augmentation(_)))
}

/// What a file's interfaces ask for: where classes implement them without naming them, that concerns files that do not import it.
pub(super) fn shapes<'o>(outline: &'o Outline, rules: &dyn Rules) -> BTreeSet<(&'o str, &'o str)> {
    let Some(facts) = outline.facts.as_deref() else { return BTreeSet::new() };
    let symbol = |binding: &Binding| outline.symbols.get(binding.symbol? as usize);
    let has_shape = |binding: &Binding| {
        let is_type = matches!(binding.kind, BindingKind::Interface | BindingKind::Class);
        is_type && rules.has_shape(&ClassFacts { facts, binding, symbol: symbol(binding) })
    };
    let shaped: BTreeSet<FactScopeId> =
        facts.bindings.iter().filter(|one| has_shape(one)).filter_map(|one| one.inner).collect();
    let is_part =
        |one: &&Binding| shaped.contains(&one.scope) || one.inner.is_some_and(|inner| shaped.contains(&inner));
    let parts = facts.bindings.iter().filter(is_part).filter_map(symbol);
    parts.map(|symbol| (symbol.name.as_str(), symbol.signature.as_str())).collect()
}

/// The modules to which a file adds from outside, as written.
pub(super) fn augmented_modules(facts: &Facts) -> BTreeSet<&str> {
    let specifier = |scope: &super::facts::FactScope| match scope.kind {
        FactScopeKind::Augmentation(specifier) => Some(facts.text(specifier)),
        _ => None,
    };
    facts.scopes.iter().filter_map(specifier).collect()
}

/// The fingerprint of everything that others can read of a file, by the key of the read.
pub(super) fn fingerprints(base: &EvalBase, file: FileNo) -> BTreeMap<u64, u64> {
    let Some(entry) = base.view.file(file) else { return BTreeMap::new() };
    let facts = entry.facts();
    let meanings = import_meanings(base, file);
    let mut hashers: BTreeMap<u64, DefaultHasher> = BTreeMap::new();
    let mut add = |scope: FactScopeId, name: u32, hash: u64| {
        let scope_key = entry.scope_keys.get(scope as usize).copied().unwrap_or_default();
        if scope_key != 0 {
            let key = key(scope_key, &[facts.text(name).as_bytes()]);
            hash.hash(hashers.entry(key).or_default());
        }
    };
    for (id, binding) in facts.bindings.iter().enumerate() {
        add(binding.scope, binding.name, Fingerprint::new(entry, &meanings).of_binding(id as BindingId));
    }
    for export in &facts.exports {
        let mut fingerprint = Fingerprint::new(entry, &meanings);
        fingerprint.export(export.of, export.symbol);
        add(0, export.name, fingerprint.finish());
    }
    let mut listed = DefaultHasher::new();
    let names = facts.listed.iter().flatten().map(|&text| facts.text(text));
    (facts.listed.is_some(), facts.is_open, facts.scopes.is_empty()).hash(&mut listed);
    names.for_each(|name| name.hash(&mut listed));
    for (_, import) in &entry.stars {
        meanings.get(*import as usize).hash(&mut listed);
        facts.imports.get(*import as usize).map(|import| import.is_type_only).hash(&mut listed);
    }
    // Names that imports bring without saying which.
    for (import, (target, meaning)) in facts.imports.iter().zip(entry.targets.iter().zip(&meanings)) {
        if import.what == ImportWhat::OwnName && target.is_some() {
            meaning.hash(&mut listed);
        }
    }
    hashers.insert(key(entry.path_key(), &[LISTED]), listed);
    for (key, names) in member_names(base, entry) {
        names.hash(hashers.entry(key).or_default());
    }
    for (key, interface) in shape_keys(base, file) {
        // A class that has one of its members reads which others it asks for.
        let binding = facts.binding(interface.binding);
        let asked = binding.and_then(|binding| binding.inner).map(|scope| asked_in(entry, scope)).unwrap_or_default();
        let name = binding.map(|binding| facts.text(binding.name));
        (&entry.path, name, asked).hash(hashers.entry(key).or_default());
    }
    hashers.into_iter().map(|(key, hasher)| (key, hasher.finish())).collect()
}

/// The names of what a scope declares, each with whether it is a method that others can mean.
fn asked_in(entry: &ViewFile, scope: FactScopeId) -> BTreeSet<(&str, bool)> {
    let facts = entry.facts();
    let declared = entry.declared_in(scope).filter_map(|(_, binding)| facts.binding(binding));
    let asked = |one: &Binding| one.kind == BindingKind::Function && one.symbol.is_some();
    declared.map(|one| (facts.text(one.name), asked(one))).collect()
}

/// The names of the members of each class that others can reach into, and which of them are abstract, by the key under which all of
/// them are read.
fn member_names<'e>(base: &EvalBase, entry: &'e ViewFile) -> BTreeMap<u64, BTreeSet<(&'e str, bool)>> {
    let facts = entry.facts();
    let mut names: BTreeMap<u64, BTreeSet<(&str, bool)>> = BTreeMap::new();
    for binding in &facts.bindings {
        let kind = facts.scope(binding.scope).map(|scope| scope.kind);
        let is_class = matches!(kind, Some(FactScopeKind::Class | FactScopeKind::Members(_)));
        let scope_key = entry.scope_keys.get(binding.scope as usize).copied().unwrap_or_default();
        if is_class && scope_key != 0 {
            let symbol = binding.symbol.and_then(|symbol| entry.outline.symbols.get(symbol as usize));
            let is_abstract = base.rules.is_abstract_member(&ClassFacts { facts, binding, symbol });
            names.entry(key(scope_key, &[LISTED])).or_default().insert((facts.text(binding.name), is_abstract));
        }
    }
    names
}

/// Adds the keys whose fingerprints differ.
pub(super) fn add_differing(before: &BTreeMap<u64, u64>, after: &BTreeMap<u64, u64>, keys: &mut FxHashSet<u64>) {
    keys.extend(before.iter().filter(|(key, hash)| after.get(key) != Some(hash)).map(|(&key, _)| key));
    keys.extend(after.keys().filter(|key| !before.contains_key(key)));
}

/// The files whose imports lead to one of some files, however far.
pub(super) fn importers(base: &EvalBase, sources: &BTreeSet<FileNo>) -> BTreeSet<FileNo> {
    let mut importers: FxHashMap<Place, Vec<Place>> = FxHashMap::default();
    let mut packages: FxHashSet<Place> = FxHashSet::default();
    for (file, entry) in base.view.files.iter().enumerate() {
        let (file, facts) = (file as FileNo, entry.facts());
        for (import, target) in facts.imports.iter().zip(&entry.targets) {
            let head = match import.what {
                ImportWhat::Head => base.project.resolve(base.rules.head_of(facts.text(import.specifier)), file),
                _ => None,
            };
            for place in [*target, head].into_iter().flatten() {
                importers.entry(place).or_default().push(Place::File(file));
                packages.insert(place);
            }
        }
        // A package names the modules inside without an import of its own.
        if base.rules.exports_all() {
            packages.insert(Place::File(file));
        }
        // What a module above gives is asked for without an import.
        let givers = base.rules.giver().map(|giver| base.project.beside(file, giver)).unwrap_or_default();
        for giver in givers.into_iter().filter_map(|(_, giver)| giver) {
            importers.entry(Place::File(giver)).or_default().push(Place::File(file));
        }
    }
    let mut todo: Vec<Place> = packages.into_iter().collect();
    let mut seen: FxHashSet<Place> = todo.iter().copied().collect();
    while let Some(package) = todo.pop() {
        for module in base.project.modules_in(package) {
            importers.entry(module).or_default().push(package);
            if seen.insert(module) {
                todo.push(module);
            }
        }
    }
    let mut reached: BTreeSet<Place> = sources.iter().map(|&file| Place::File(file)).collect();
    let mut queue: VecDeque<Place> = reached.iter().copied().collect();
    while let Some(place) = queue.pop_front() {
        for &importer in importers.get(&place).into_iter().flatten() {
            if reached.insert(importer) {
                queue.push_back(importer);
            }
        }
    }
    let files = reached.into_iter().filter_map(|place| match place {
        Place::File(file) => Some(file),
        Place::Folder(_) => None,
    });
    files.collect()
}

/// Hashes a declaration with what it can read of its own file without being noted, each part once, in the order in which it is met.
struct Fingerprint<'f> {
    entry: &'f ViewFile,
    facts: &'f Facts,
    meanings: &'f [String],
    hasher: DefaultHasher,
    steps: FxHashMap<StepId, u32>,
    bindings: FxHashMap<BindingId, u32>,
    todo: Vec<Unhashed>,
}

enum Unhashed {
    Step(StepId),
    Binding(BindingId),
}

impl<'f> Fingerprint<'f> {
    fn new(entry: &'f ViewFile, meanings: &'f [String]) -> Self {
        Self {
            entry,
            facts: entry.facts(),
            meanings,
            hasher: DefaultHasher::new(),
            steps: FxHashMap::default(),
            bindings: FxHashMap::default(),
            todo: Vec::new(),
        }
    }

    fn of_binding(mut self, binding: BindingId) -> u64 {
        self.refer_binding(binding);
        self.finish()
    }

    fn export(&mut self, of: Exported, symbol: Option<u32>) {
        self.symbol(symbol);
        match of {
            Exported::Local(text) => self.text(text),
            Exported::Value(step) => self.refer(step),
            Exported::From(import) => self.import(import),
        }
    }

    fn finish(mut self) -> u64 {
        while let Some(part) = self.todo.pop() {
            match part {
                Unhashed::Step(step) => self.step(step),
                Unhashed::Binding(binding) => self.binding(binding),
            }
        }
        self.hasher.finish()
    }

    fn text(&mut self, text: u32) {
        self.facts.text(text).hash(&mut self.hasher);
    }

    fn symbol(&mut self, symbol: Option<u32>) {
        let symbol = symbol.and_then(|symbol| self.entry.outline.symbols.get(symbol as usize));
        symbol.map(|one| (&one.name, one.kind, one.visibility, &one.signature)).hash(&mut self.hasher);
    }

    fn import(&mut self, import: ImportId) {
        self.meanings.get(import as usize).hash(&mut self.hasher);
        if let Some(fact) = self.facts.imports.get(import as usize) {
            discriminant(&fact.what).hash(&mut self.hasher);
            if let ImportWhat::Name(name) = fact.what {
                self.text(name);
            }
        }
    }

    /// Notes a step by the number under which it is hashed.
    fn refer(&mut self, step: StepId) {
        if step == NO_STEP {
            u32::MAX.hash(&mut self.hasher);
            return;
        }
        let next = self.steps.len() as u32;
        let number = *self.steps.entry(step).or_insert(next);
        number.hash(&mut self.hasher);
        if number == next {
            self.todo.push(Unhashed::Step(step));
        }
    }

    fn refer_all(&mut self, steps: &[StepId]) {
        steps.len().hash(&mut self.hasher);
        steps.iter().for_each(|&step| self.refer(step));
    }

    fn refer_binding(&mut self, binding: BindingId) {
        let next = self.bindings.len() as u32;
        let number = *self.bindings.entry(binding).or_insert(next);
        number.hash(&mut self.hasher);
        if number == next {
            self.todo.push(Unhashed::Binding(binding));
        }
    }

    fn binding(&mut self, id: BindingId) {
        let facts = self.facts;
        let Some(binding) = facts.binding(id) else { return };
        // Where arguments have no names, those of parameters say nothing.
        let is_packaged = matches!(facts.scopes.first().map(|top| top.kind), Some(FactScopeKind::Package(_)));
        if !(is_packaged && binding.kind == BindingKind::Parameter) {
            self.text(binding.name);
        }
        discriminant(&binding.kind).hash(&mut self.hasher);
        binding.flags.hash(&mut self.hasher);
        self.symbol(binding.symbol);
        if let BindingKind::Import(import) = binding.kind {
            self.import(import);
        }
        self.refer(binding.ty);
        self.refer_all(&binding.bases);
        self.refer_all(&binding.decorators);
        let is_inferred = binding.kind != BindingKind::Function || binding.ty == NO_STEP;
        if is_inferred {
            self.refer_all(&binding.values);
        }
        binding.params.iter().for_each(|&param| self.refer_binding(param));
        let key = binding.inner.and_then(|inner| self.entry.scope_keys.get(inner as usize));
        if binding.kind != BindingKind::Function && key == Some(&0) {
            binding.inner.into_iter().for_each(|inner| self.members(inner));
        }
    }

    /// The members of a scope that others reach through a value alone.
    fn members(&mut self, scope: FactScopeId) {
        let mut members: Vec<BindingId> = self.entry.declared_in(scope).map(|(_, binding)| binding).collect();
        members.sort_unstable();
        members.into_iter().for_each(|binding| self.refer_binding(binding));
    }

    fn step(&mut self, id: StepId) {
        let facts = self.facts;
        let Some(step) = facts.step(id) else { return };
        discriminant(step).hash(&mut self.hasher);
        match step {
            Step::Name { text, scope, space } => {
                space.hash(&mut self.hasher);
                self.name(*text, *scope);
            }
            Step::Member { of, text } | Step::Key { of, text } => {
                self.text(*text);
                self.refer(*of);
            }
            Step::Call { callee, args } | Step::New { callee, args } => self.call(*callee, args),
            Step::Index { of, index } => self.refer_all(&[*of, *index]),
            Step::Await(of)
            | Step::Element(of)
            | Step::Keys(of)
            | Step::Enter(of)
            | Step::Caught(of)
            | Step::Typed(of)
            | Step::TypeOf(of) => self.refer(*of),
            Step::Label { of, text, scope } => self.named_in(*of, *text, *scope),
            Step::Mapping { key, value } => self.refer_all(&[*key, *value]),
            Step::Slot { of, at } => {
                at.hash(&mut self.hasher);
                self.refer(*of);
            }
            Step::This(scope) | Step::Super(scope) => self.class_around(*scope),
            Step::Literal(kind) => kind.hash(&mut self.hasher),
            Step::List(parts) | Step::Tuple(parts) | Step::OneOf(parts) | Step::Union(parts) => self.refer_all(parts),
            Step::Parameter { of, at } => {
                at.hash(&mut self.hasher);
                self.refer(*of);
            }
            Step::Record(scope) => self.members(*scope),
            Step::Function(binding) | Step::Class(binding) => self.refer_binding(*binding),
            Step::Narrowed { of, to } => self.refer_all(&[*of, *to]),
            Step::Module(import) => self.import(*import),
            Step::Expected { call, argument, parameter } => {
                (argument, parameter).hash(&mut self.hasher);
                self.refer(*call);
            }
            Step::Apply { base, args } => {
                self.refer(*base);
                self.refer_all(args);
            }
            Step::Signature { params, result } => {
                self.refer_all(params);
                self.refer(*result);
            }
            Step::Plain(text) => self.text(*text),
            // The call is what leads here.
            Step::Method { of, text, scope, args, call: _ } => {
                args.hash(&mut self.hasher);
                self.named_in(*of, *text, *scope);
            }
        }
    }

    /// A name that is a member of a value, or one of the scope.
    fn named_in(&mut self, of: StepId, text: u32, scope: FactScopeId) {
        self.refer(of);
        self.name(text, scope);
    }

    fn call(&mut self, callee: StepId, args: &[Argument]) {
        self.refer(callee);
        for arg in args {
            arg.is_spread.hash(&mut self.hasher);
            arg.name.map(|name| self.facts.text(name)).hash(&mut self.hasher);
            self.refer(arg.value);
        }
    }

    /// A name: the local variable that it is, else the text and the scope from which it is looked up further, which is noted.
    fn name(&mut self, text: u32, scope: FactScopeId) {
        self.text(text);
        let (facts, mut at) = (self.facts, Some(scope));
        while let Some(scope) = at {
            let key = self.entry.scope_keys.get(scope as usize).copied().unwrap_or_default();
            key.hash(&mut self.hasher);
            if key != 0 {
                return;
            }
            let local: Vec<BindingId> = self.entry.declared_as(scope, text).collect();
            if !local.is_empty() {
                local.into_iter().for_each(|binding| self.refer_binding(binding));
                return;
            }
            at = facts.scope(scope).and_then(|scope| scope.parent);
        }
    }

    fn class_around(&mut self, scope: FactScopeId) {
        let facts = self.facts;
        let function = facts.scope(scope).and_then(|scope| scope.owner).and_then(|owner| facts.binding(owner));
        function.map(|function| function.flags).hash(&mut self.hasher);
        let mut at = Some(scope);
        while let Some(scope) = at {
            let Some(entry) = facts.scope(scope) else { return };
            if entry.kind == FactScopeKind::Class {
                self.entry.scope_keys.get(scope as usize).hash(&mut self.hasher);
                let is_local = self.entry.scope_keys.get(scope as usize) == Some(&0);
                entry.owner.filter(|_| is_local).into_iter().for_each(|owner| self.refer_binding(owner));
                return;
            }
            at = entry.parent;
        }
    }
}
