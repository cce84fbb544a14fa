//! Names of one file: what each means among the files that it sees.

use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::value::Meanings;
use super::view::{CDeclared, CFileNo, CView, key};
use super::visible::Visible;
use crate::language::eval::facts::{
    BindingKind, FactScopeId, FactScopeKind, Flags, ImportWhat, NameSpace, Step, StepId,
};
use crate::language::table::c::lower::{MACRO, USING};

/// Lookups that a file may cost. The largest file of the packages that were tried takes 300,000.
const BUDGET: u32 = 3_000_000;

/// Lookups inside each other; what goes deeper, a ring of aliases say, is cut.
const DEPTH_MAX: u32 = 60;

pub(super) struct CEvaluation<'w> {
    pub view: &'w CView,
    pub own: CFileNo,
    visible: Visible,
    context: Option<Visible>,
    /// Names are looked up in the context.
    is_in_context: bool,
    /// The keys that were looked up.
    pub reads: FxHashSet<u64>,
    pub values: FxHashMap<(CFileNo, StepId), Meanings>,
    denoted: FxHashMap<(CFileNo, StepId), Rc<[CDeclared]>>,
    /// What type parameters stand for.
    pub bound: Vec<(CDeclared, Meanings)>,
    depth: u32,
    budget: u32,
    /// `using namespace`: the scope in which each stands, and where it is written.
    usings: Vec<(u64, CFileNo, FactScopeId, u32)>,
    using_targets: FxHashMap<usize, Vec<u64>>,
    /// What the file uses, as written, with the first line.
    pub references: BTreeMap<(String, CDeclared), u32>,
    /// Macros whose text was gone through.
    pub expanded: FxHashSet<CDeclared>,
}

impl<'w> CEvaluation<'w> {
    pub(super) fn new(view: &'w CView, own: CFileNo) -> Self {
        let visible = Visible::of(view, own);
        let context = Visible::context_of(view, own, &visible);
        let mut evaluation = Self {
            view,
            own,
            visible,
            context,
            is_in_context: false,
            reads: FxHashSet::default(),
            values: FxHashMap::default(),
            denoted: FxHashMap::default(),
            bound: Vec::new(),
            depth: 0,
            budget: BUDGET,
            usings: Vec::new(),
            using_targets: FxHashMap::default(),
            references: BTreeMap::new(),
            expanded: FxHashSet::default(),
        };
        evaluation.usings = evaluation.directives();
        evaluation
    }

    /// The `using namespace` directives that the file sees.
    fn directives(&self) -> Vec<(u64, CFileNo, FactScopeId, u32)> {
        let mut files: Vec<CFileNo> = self.visible.files().collect();
        files.sort_by_key(|&file| self.visible.order(file));
        let mut all = Vec::new();
        for file in files {
            let Some(entry) = self.view.file(file) else { continue };
            for import in entry.facts().imports.iter().filter(|import| import.what == ImportWhat::All) {
                all.push((entry.scope_path(import.scope), file, import.scope, import.specifier));
            }
        }
        all
    }

    /// Runs with what the file itself includes alone.
    pub(super) fn without_context(&mut self, run: impl FnOnce(&mut Self)) {
        let context = self.context.take();
        run(self);
        self.context = context;
    }

    pub(super) fn is_exhausted(&self) -> bool {
        self.budget == 0
    }

    /// Runs what goes one level deeper; nothing where that is too deep, or the budget is spent.
    pub(super) fn deeper<T: Default>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        if self.depth >= DEPTH_MAX || self.budget == 0 {
            return T::default();
        }
        self.depth += 1;
        self.budget -= 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    /// How near the end a file stands, when all that is seen is put together.
    pub(super) fn order(&self, file: CFileNo) -> u32 {
        match &self.context {
            Some(context) if !self.visible.sees(file) => context.order(file),
            _ => self.visible.order(file) + 1_000_000,
        }
    }

    /// What the files that are seen declare under a key.
    pub(super) fn found(&mut self, scope: u64, name: &str) -> Vec<CDeclared> {
        let key = key(scope, name);
        self.reads.insert(key);
        let all = self.view.declared(key).iter().copied();
        let context = self.context.as_ref().filter(|_| self.is_in_context);
        let is_seen =
            |one: &CDeclared| self.visible.sees(one.file) || context.is_some_and(|context| context.sees(one.file));
        let mut seen: Vec<CDeclared> = all.filter(is_seen).collect();
        // A file that gives a context says macros alone: its declarations stand behind the include.
        if let Some(context) = context {
            let gives_macros = |one: &CDeclared| {
                !context.sees(one.file)
                    || !self
                        .view
                        .file(one.file)
                        .is_some_and(|entry| entry.includes().any(|included| included == self.own))
                    || self.view.binding(*one).is_some_and(|binding| binding.flags.has(MACRO))
            };
            seen.retain(gives_macros);
        }
        seen.sort_by_key(|one| (self.order(one.file), one.binding));
        seen
    }

    /// What a namespace declares, with the namespaces that it uses.
    pub(super) fn in_namespace(&mut self, scope: u64, name: &str, space: NameSpace) -> Vec<CDeclared> {
        let (mut seen, mut todo) = (vec![scope], vec![scope]);
        let mut at = 0;
        while let Some(&scope) = todo.get(at) {
            at += 1;
            let found = self.found(scope, name);
            let found = self.of_space(found, space);
            if !found.is_empty() {
                return found;
            }
            for target in self.used_by(scope) {
                if !seen.contains(&target) {
                    seen.push(target);
                    todo.push(target);
                }
            }
        }
        Vec::new()
    }

    /// The namespaces whose names count in another.
    fn used_by(&mut self, scope: u64) -> Vec<u64> {
        let mut targets = Vec::new();
        for at in 0..self.usings.len() {
            let (path, file, from, text) = self.usings[at];
            if path != scope {
                continue;
            }
            if !self.using_targets.contains_key(&at) {
                // A directive that needs itself leads nowhere.
                self.using_targets.insert(at, Vec::new());
                let written = self.view.facts(file).text(text).to_owned();
                let found = self.deeper(|this| this.namespaces_named(file, from, &written));
                self.using_targets.insert(at, found);
            }
            targets.extend(self.using_targets.get(&at).into_iter().flatten().copied());
        }
        targets
    }

    fn namespaces_named(&mut self, file: CFileNo, scope: FactScopeId, written: &str) -> Vec<u64> {
        let mut parts = written.split("::").filter(|part| !part.is_empty());
        let Some(head) = parts.next() else { return Vec::new() };
        let items = self.unqualified(file, scope, head, NameSpace::Type);
        let mut spaces = self.spaces_of(&items);
        for part in parts {
            let mut next = Vec::new();
            for space in spaces {
                let items = self.in_namespace(space, part, NameSpace::Type);
                next.extend(self.spaces_of(&items));
            }
            spaces = next;
        }
        spaces.dedup();
        spaces
    }

    fn spaces_of(&mut self, items: &[CDeclared]) -> Vec<u64> {
        let is_space =
            |item: &&CDeclared| self.view.binding(**item).is_some_and(|one| one.kind == BindingKind::Namespace);
        let mut spaces: Vec<u64> = items.iter().filter(is_space).map(|item| self.view.inside(*item)).collect();
        spaces.sort_unstable();
        spaces.dedup();
        spaces
    }

    /// The declarations that a name can mean where a type, or a value, is expected. Macros are either.
    fn of_space(&self, mut items: Vec<CDeclared>, space: NameSpace) -> Vec<CDeclared> {
        let kind = |item: &CDeclared| self.view.binding(*item).map(|binding| (binding.kind, binding.flags));
        let is_type = |item: &CDeclared| match kind(item) {
            Some((_, flags)) if flags.has(MACRO) => true,
            Some((kind, _)) => !matches!(kind, BindingKind::Variable | BindingKind::Parameter | BindingKind::Function),
            None => false,
        };
        let is_macro = |item: &CDeclared| kind(item).is_some_and(|(_, flags)| flags.has(MACRO));
        match space {
            NameSpace::Type => items.retain(is_type),
            NameSpace::Value => {
                if items.iter().any(|item| !is_type(item) || is_macro(item)) {
                    items.retain(|item| !is_type(item) || is_macro(item));
                }
            }
            NameSpace::Any => {}
        }
        items
    }

    /// What a name means in a scope and those around it.
    pub(super) fn unqualified(
        &mut self,
        file: CFileNo,
        scope: FactScopeId,
        name: &str,
        space: NameSpace,
    ) -> Vec<CDeclared> {
        let found = self.outwards(file, scope, name, space);
        if !found.is_empty() || file != self.own || self.context.is_none() || self.is_in_context {
            return found;
        }
        // What no file says that this one includes, one may say that is included before it. Where they disagree, nothing is known.
        self.is_in_context = true;
        let mut found = self.outwards(file, scope, name, space);
        self.is_in_context = false;
        let first = found.first().map(|item| item.file);
        if found.iter().any(|item| Some(item.file) != first) {
            found.clear();
        }
        found
    }

    fn outwards(&mut self, file: CFileNo, scope: FactScopeId, name: &str, space: NameSpace) -> Vec<CDeclared> {
        let view = self.view;
        let Some(entry) = view.file(file) else { return Vec::new() };
        let mut at = Some(scope);
        while let Some(scope) = at {
            let Some(fact) = entry.facts().scope(scope) else { break };
            at = fact.parent;
            let path = entry.scope_path(scope);
            let found = match fact.kind {
                FactScopeKind::Namespace | FactScopeKind::Module if path != 0 => self.in_namespace(path, name, space),
                FactScopeKind::Class => {
                    let class = fact.owner.map(|binding| CDeclared { file, binding });
                    class.map(|class| self.in_class(class, name, space)).unwrap_or_default()
                }
                FactScopeKind::Members(_) => self.in_qualifier(file, fact.owner, name, space),
                _ => {
                    let local = entry.declared_named(scope, name).into_iter();
                    self.of_space(local.map(|binding| CDeclared { file, binding }).collect(), space)
                }
            };
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    fn in_class(&mut self, class: CDeclared, name: &str, space: NameSpace) -> Vec<CDeclared> {
        let found = self.members(class, name);
        self.of_space(found, space)
    }

    /// The inside of what a definition is qualified with: the class and what is around it, or a namespace.
    fn in_qualifier(&mut self, file: CFileNo, owner: Option<u32>, name: &str, space: NameSpace) -> Vec<CDeclared> {
        let qualifier = owner.and_then(|owner| self.view.facts(file).binding(owner)?.decorators.first().copied());
        let Some(qualifier) = qualifier else { return Vec::new() };
        for item in self.denoted(file, qualifier, None).iter().copied() {
            let Some(binding) = self.view.binding(item) else { continue };
            if binding.kind == BindingKind::Namespace {
                let inside = self.view.inside(item);
                let found = self.in_namespace(inside, name, space);
                if !found.is_empty() {
                    return found;
                }
                continue;
            }
            let found = self.in_class(item, name, space);
            if !found.is_empty() {
                return found;
            }
            let around = binding.scope;
            let found = self.deeper(|this| this.outwards(item.file, around, name, space));
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// The members of a class under a name, inherited ones where it has none itself.
    pub(super) fn members(&mut self, class: CDeclared, name: &str) -> Vec<CDeclared> {
        let (mut seen, mut todo) = (vec![class], vec![class]);
        let mut at = 0;
        while let Some(&class) = todo.get(at) {
            at += 1;
            let found = self.own_members(class, name);
            if !found.is_empty() || at > 64 {
                return found;
            }
            for base in self.bases(class) {
                if !seen.contains(&base) {
                    seen.push(base);
                    todo.push(base);
                }
            }
        }
        Vec::new()
    }

    fn own_members(&mut self, class: CDeclared, name: &str) -> Vec<CDeclared> {
        let view = self.view;
        let Some(binding) = view.binding(class) else { return Vec::new() };
        if view.name(class) == name && binding.kind == BindingKind::Class {
            return vec![class];
        }
        let Some(entry) = view.file(class.file) else { return Vec::new() };
        if binding.kind == BindingKind::Enum && binding.inner.is_none() {
            let around = entry.scope_path(binding.scope);
            let mut found = if around == 0 { Vec::new() } else { self.found(around, name) };
            found.retain(|one| view.binding(*one).is_some_and(|one| one.flags.has(Flags::STATIC)));
            return found;
        }
        match (view.inside(class), binding.inner) {
            (0, Some(inner)) => {
                let local = entry.declared_named(inner, name).into_iter();
                local.map(|binding| CDeclared { file: class.file, binding }).collect()
            }
            (0, None) => Vec::new(),
            (inside, _) => self.found(inside, name),
        }
    }

    /// The classes from which one inherits, as any declaration of it says.
    pub(super) fn bases(&mut self, class: CDeclared) -> Vec<CDeclared> {
        let view = self.view;
        let mut all = vec![class];
        let around = view.binding(class).and_then(|binding| Some(view.file(class.file)?.scope_path(binding.scope)));
        if let Some(around) = around.filter(|&around| around != 0) {
            all.extend(self.found(around, view.name(class)));
        }
        let mut bases = Vec::new();
        for one in all {
            let Some(binding) = view.binding(one).filter(|binding| binding.kind == BindingKind::Class) else {
                continue;
            };
            for &base in &binding.bases {
                let classes = self.deeper(|this| this.value(one.file, base));
                bases
                    .extend(classes.classes().filter(|base| *base != one && !bases.contains(base)).collect::<Vec<_>>());
            }
        }
        bases
    }

    /// What a name, qualified name or member denotes; `count` arguments choose among functions. A step of the file itself is noted.
    pub(super) fn denoted(&mut self, file: CFileNo, step: StepId, count: Option<u32>) -> Rc<[CDeclared]> {
        if let Some(known) = self.denoted.get(&(file, step)).filter(|_| self.bound.is_empty()) {
            return Rc::clone(known);
        }
        let view = self.view;
        let found: Vec<CDeclared> = match view.step(file, step) {
            Some(Step::Name { text, scope, space }) => {
                let name = view.facts(file).text(*text);
                let found = self.deeper(|this| this.unqualified(file, *scope, name, *space));
                self.followed(found)
            }
            Some(Step::Member { of, text }) => {
                let name = view.facts(file).text(*text);
                let of = self.value(file, *of);
                let found = self.deeper(|this| this.members_of(&of, name));
                self.followed(found)
            }
            Some(Step::Apply { base, .. }) => return self.denoted(file, *base, count),
            _ => Vec::new(),
        };
        let found = self.of_count(found, count);
        if file == self.own {
            self.note_step(step, &found);
        }
        let found: Rc<[CDeclared]> = found.into();
        if self.bound.is_empty() {
            self.denoted.insert((file, step), Rc::clone(&found));
        }
        found
    }

    /// What `using` declarations stand for.
    fn followed(&mut self, items: Vec<CDeclared>) -> Vec<CDeclared> {
        let mut followed = Vec::with_capacity(items.len());
        for item in items {
            let Some(binding) = self.view.binding(item) else { continue };
            if !binding.flags.has(USING) {
                followed.push(item);
                continue;
            }
            for &value in &binding.values {
                let found = self.deeper(|this| this.denoted(item.file, value, None).to_vec());
                followed.extend(found);
            }
        }
        followed
    }

    /// Functions that take a number of arguments; all of them if none does.
    pub(super) fn of_count(&self, items: Vec<CDeclared>, count: Option<u32>) -> Vec<CDeclared> {
        let Some(count) = count else { return items };
        let takes = |item: &CDeclared| {
            let Some(binding) = self.view.binding(*item) else { return false };
            if binding.kind != BindingKind::Function {
                return true;
            }
            let facts = self.view.facts(item.file);
            let is_optional =
                |param: &&u32| facts.binding(**param).is_some_and(|param| param.flags.has(Flags::OPTIONAL));
            let most = binding.params.len() as u32;
            let least = most - binding.params.iter().filter(is_optional).count() as u32;
            count >= least && (count <= most || binding.flags.has(Flags::VARIADIC))
        };
        if items.iter().any(takes) { items.into_iter().filter(takes).collect() } else { items }
    }
}
