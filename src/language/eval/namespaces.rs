//! Names where packages lie inside each other and a file declares in any number of them (C#): through types and namespaces from inside out,
//! then the directives of the file and those that its project hands on; and types that have parts.

use super::evaluation::{Aspect, Evaluation};
use super::facts::{Exported, FactScopeId, FactScopeKind, Flags, ImportFact, ImportId, NameSpace};
use super::names::Denoted;
use super::packages::{NameHere, Sought, without_arity};
use super::rules::{FileNo, Place};
use super::thing::{TypeArgs, no_args};
use super::view::{Item, NameNo, key, package_key};

/// What a name can be where a value is written; a name is looked up as all of them on each level.
const ALL_KINDS: &[Sought] = &[Sought::Variable, Sought::Method, Sought::Type];

impl Evaluation<'_> {
    /// What a name is, by the innermost level that knows it.
    pub(super) fn name_in_namespaces(
        &mut self,
        file: FileNo,
        scope: FactScopeId,
        name: NameNo,
        space: NameSpace,
    ) -> NameHere {
        let facts = self.world.view.facts(file);
        let kinds: &[Sought] = if space == NameSpace::Type { &[Sought::Type] } else { ALL_KINDS };
        let mut at = Some(scope);
        while let Some((scope, entry)) = at.and_then(|scope| Some((scope, facts.scope(scope)?))) {
            at = entry.parent;
            let denoted = match (entry.kind, entry.owner) {
                (FactScopeKind::Class, Some(binding)) => {
                    let class = self.whole(Item { file, binding });
                    if let Some(here) = self.member_on_level(class, name, kinds) {
                        return here;
                    }
                    continue;
                }
                (FactScopeKind::Package(text), _) => {
                    self.in_namespace(facts.text(text), name, file, space == NameSpace::Any)
                }
                (FactScopeKind::Module, _) => return self.in_directives(file, name, space, kinds),
                _ => {
                    let all = kinds.iter().flat_map(|&sought| self.declared_as(file, scope, name, sought));
                    all.map(Denoted::Item).collect()
                }
            };
            if !denoted.is_empty() {
                return NameHere { denoted, member: None };
            }
        }
        NameHere::default()
    }

    fn member_on_level(&mut self, class: Item, name: NameNo, kinds: &[Sought]) -> Option<NameHere> {
        kinds.iter().find_map(|&sought| {
            let found = self.find_sought(class, &no_args(), name, 0, sought)?;
            let denoted = self.said_parts(&found.items);
            let member = (sought != Sought::Type).then_some((class, found));
            Some(NameHere { denoted, member })
        })
    }

    /// The types, or the namespace, of that name in a namespace.
    fn in_namespace(&mut self, namespace: &str, name: NameNo, from: FileNo, can_qualify: bool) -> Vec<Denoted> {
        let types = self.types_in_namespace(namespace, name, from);
        if !types.is_empty() || !can_qualify {
            return types;
        }
        let place = self.world.project.resolve(namespace, from);
        let place = place.filter(|&place| self.world.project.package(place) == Some(namespace));
        let inside = place.and_then(|place| self.package_inside(place, name));
        inside.map(Denoted::Module).into_iter().collect()
    }

    pub(super) fn types_in_namespace(&mut self, namespace: &str, name: NameNo, from: FileNo) -> Vec<Denoted> {
        let world = self.world;
        let package = package_key(namespace);
        self.reads.insert(key(package, &[world.view.text(name).as_bytes()]));
        let all = world.view.joint(package, name).iter().copied();
        // What is internal elsewhere does not hide what is public and further away.
        let seen = |item: &Item| {
            let binding = world.view.binding(*item);
            binding.is_some_and(|one| {
                Sought::Type.is(one) && (!one.flags.has(Flags::INTERNAL) || world.project.sees_inside(from, item.file))
            })
        };
        if !all.clone().any(|item| seen(&item)) {
            return Vec::new();
        }
        let found = self.joint(package, name, from, seen);
        let found = self.one_type(found, from);
        self.said_parts(&found)
    }

    /// Of several types of one name, which are no parts of one, the closest.
    fn one_type(&self, found: Vec<Item>, from: FileNo) -> Vec<Item> {
        let is_part = |item: &Item| self.is_part(*item);
        if found.len() < 2 || found.iter().all(is_part) {
            return found;
        }
        let closest = found.iter().copied().max_by_key(|item| {
            // Of two in one file, the first.
            (self.world.project.closeness(from, item.file), std::cmp::Reverse(item.binding))
        });
        match closest {
            Some(closest) if is_part(&closest) => found.into_iter().filter(is_part).collect(),
            closest => closest.into_iter().collect(),
        }
    }

    fn is_part(&self, item: Item) -> bool {
        self.world.view.binding(item).is_some_and(|one| one.flags.has(Flags::PARTIAL))
    }

    /// Those parts of a type that say what it is: its bases, or attributes. If none does, the first stands for all.
    pub(super) fn said_parts(&self, items: &[Item]) -> Vec<Denoted> {
        if items.len() < 2 || !items.iter().all(|&item| self.is_part(item)) {
            return items.iter().copied().map(Denoted::Item).collect();
        }
        let says = |item: &&Item| {
            let binding = self.world.view.binding(**item);
            binding.is_some_and(|one| !one.bases.is_empty() || !one.decorators.is_empty())
        };
        let said: Vec<Denoted> = items.iter().filter(says).copied().map(Denoted::Item).collect();
        if said.is_empty() { items.iter().take(1).copied().map(Denoted::Item).collect() } else { said }
    }

    /// The parts of a type, the first of which stands for it.
    pub(super) fn parts_of(&mut self, class: Item) -> Vec<Item> {
        if !self.world.rules.has_namespaces() || !self.is_part(class) {
            return vec![class];
        }
        self.read_item(class);
        let world = self.world;
        let Some(binding) = world.view.binding(class) else { return vec![class] };
        let Some(around) = world.view.joint_key(class.file, binding.scope) else { return vec![class] };
        let name = world.view.name(class.file, binding.name);
        let is_part =
            |item: &Item| world.view.binding(*item).is_some_and(|one| Sought::Type.is(one)) && self.is_part(*item);
        let parts = self.joint(around, name, class.file, is_part);
        if parts.is_empty() { vec![class] } else { parts }
    }

    /// The part that stands for the whole of a type.
    pub(super) fn whole(&mut self, class: Item) -> Item {
        let has_parts = self.world.rules.has_namespaces() && self.is_part(class);
        if has_parts { self.parts_of(class).first().copied().unwrap_or(class) } else { class }
    }

    /// The class or base that declares what stands in a scope, in one of its parts, with its arguments.
    pub(super) fn declaring(
        &mut self,
        class: Item,
        args: &TypeArgs,
        (file, scope): (FileNo, FactScopeId),
    ) -> Option<(Item, TypeArgs)> {
        let order = self.order(class, args);
        let world = self.world;
        let declares =
            |part: &Item| part.file == file && world.view.binding(*part).and_then(|part| part.inner) == Some(scope);
        let whole = order.iter().find(|(class, _)| declares(class) || self.parts_of(*class).iter().any(declares));
        whole.cloned()
    }

    /// Whether other files may declare in a scope, too: the type around it has parts.
    pub(super) fn is_open_scope(&self, file: FileNo, scope: FactScopeId) -> bool {
        let owner = self.world.view.facts(file).scope(scope).and_then(|scope| scope.owner);
        owner.is_some_and(|binding| self.is_part(Item { file, binding }))
    }

    /// What a scope declares under a name; of a type with parts, what all of them do.
    pub(super) fn declared_together(
        &self,
        file: FileNo,
        scope: FactScopeId,
        name: NameNo,
        is_asked: impl Fn(&Item) -> bool,
    ) -> Vec<Item> {
        match self.world.view.joint_key(file, scope).filter(|_| self.is_open_scope(file, scope)) {
            Some(key) => self.joint(key, name, file, is_asked),
            None => self.world.view.declared(file, scope, name).filter(is_asked).collect(),
        }
    }

    /// The aliases of a file, then what its `using` directives bring; those that its project hands on count as well.
    fn in_directives(&mut self, file: FileNo, name: NameNo, space: NameSpace, kinds: &[Sought]) -> NameHere {
        for (giver, _) in self.directives(file) {
            self.read_scope(giver, 0, name);
            let aliases = self.declared_as(giver, 0, name, Sought::Type);
            let seen = aliases.into_iter().filter(|item| giver == file || self.is_handed_on(*item));
            let denoted: Vec<Denoted> =
                seen.collect::<Vec<_>>().into_iter().flat_map(|item| self.alias(item, space)).collect();
            if !denoted.is_empty() {
                return NameHere { denoted, member: None };
            }
        }
        for (giver, imports) in self.directives(file) {
            for import in imports {
                let here = self.through_using((giver, import), file, name, kinds);
                if !here.denoted.is_empty() || !self.spend() {
                    return here;
                }
            }
        }
        NameHere::default()
    }

    /// Whether an alias counts in the whole project.
    fn is_handed_on(&self, item: Item) -> bool {
        self.world.view.binding(item).is_some_and(|one| one.flags.has(Flags::EXPORTED))
    }

    /// The files whose directives count in a file, itself first, each with its star imports that do.
    pub(super) fn directives(&mut self, file: FileNo) -> Vec<(FileNo, Vec<ImportId>)> {
        let world = self.world;
        let mut all = vec![(file, self.stars_of(file))];
        for &giver in world.project.shared_imports(file).iter().filter(|&&giver| giver != file) {
            let exports = &world.view.facts(giver).exports;
            let is_given = |import: &ImportId| exports.iter().any(|export| export.of == Exported::From(*import));
            let stars = self.stars_of(giver).into_iter().filter(is_given).collect();
            all.push((giver, stars));
        }
        all
    }

    /// What an alias stands for: a namespace where one can be written, else a type, which it is itself.
    fn alias(&mut self, item: Item, space: NameSpace) -> Vec<Denoted> {
        let value = self.world.view.binding(item).and_then(|one| one.values.first().copied());
        let meant = self.once(item, Aspect::Key, |this| match value.filter(|_| space == NameSpace::Any) {
            Some(value) => Some(this.denoted(item.file, value)),
            None => Some(Vec::new()),
        });
        let Some(meant) = meant else { return Vec::new() };
        let modules: Vec<Denoted> = meant.into_iter().filter(|one| matches!(one, Denoted::Module(_))).collect();
        if modules.is_empty() { vec![Denoted::Item(item)] } else { modules }
    }

    /// What a directive, which may be one that another file hands on, brings to a file that writes a name.
    fn through_using(
        &mut self,
        (file, import): (FileNo, ImportId),
        from: FileNo,
        name: NameNo,
        kinds: &[Sought],
    ) -> NameHere {
        let is_of_types = self.world.view.facts(file).imports.get(import as usize).is_some_and(|one| one.is_type_only);
        for container in self.using_containers(file, import) {
            let here = match container {
                Denoted::Module(place) if is_of_types => {
                    let namespace = self.world.project.package(place).unwrap_or_default().to_owned();
                    let denoted = self.types_in_namespace(&namespace, name, from);
                    (!denoted.is_empty()).then_some(NameHere { denoted, member: None })
                }
                Denoted::Item(class) if !is_of_types => {
                    let class = self.whole(class);
                    self.member_on_level(class, name, kinds)
                }
                _ => None,
            };
            if let Some(here) = here {
                return here;
            }
        }
        NameHere::default()
    }

    /// The namespace or type of which a directive brings what is inside.
    pub(super) fn using_containers(&mut self, file: FileNo, import: ImportId) -> Vec<Denoted> {
        let world = self.world;
        let facts = world.view.facts(file);
        let (Some(fact), Some(place)) = (facts.imports.get(import as usize), self.target_of(file, import)) else {
            return Vec::new();
        };
        let Some(rest) = rest_of(facts.text(fact.specifier), world.project.package(place).unwrap_or_default()) else {
            return Vec::new();
        };
        // `using N;` means a namespace of that name, or none.
        if fact.is_type_only && !rest.is_empty() {
            return Vec::new();
        }
        self.containers_below(file, place, rest, fact)
    }

    fn containers_below(&mut self, file: FileNo, place: Place, rest: &str, fact: &ImportFact) -> Vec<Denoted> {
        let mut containers = vec![Denoted::Module(place)];
        for part in rest.split('.').filter(|part| !part.is_empty()) {
            let Some(name) = self.world.view.known_name(part) else { return Vec::new() };
            let mut inside = Vec::new();
            for container in containers {
                inside.extend(self.sought_in(container, name, Sought::Type, file));
            }
            if file == self.own {
                self.note_found(&inside, without_arity(part), fact.line);
            }
            containers = inside;
        }
        containers
    }
}

/// What of a specifier is behind a namespace; nothing if the specifier does not mean it.
fn rest_of<'s>(specifier: &'s str, namespace: &str) -> Option<&'s str> {
    let (mut around, written) = specifier.split_once(':').unwrap_or(("", specifier));
    loop {
        let below = || namespace.strip_prefix(around)?.strip_prefix('.');
        let inside = if around.is_empty() { Some(namespace) } else { below() }.filter(|inside| !inside.is_empty());
        let rest = inside.and_then(|inside| written.strip_prefix(inside));
        if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with('.')) {
            return Some(rest.trim_start_matches('.'));
        }
        if around.is_empty() {
            return written.is_empty().then_some("");
        }
        around = around.rsplit_once('.').map_or("", |(parent, _)| parent);
    }
}
