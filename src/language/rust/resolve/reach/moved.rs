//! Whom files reach that came or went, and modules that are declared or no longer, before anything is resolved.
//!
//! Where a module comes or goes, a name means something else to a file for one of three reasons:
//!
//! 1. A path that it writes leads through that module. Then it writes the module's name, or a name that an import gives to the module
//!    or to something inside (by an import of all names: to anything inside).
//! 2. An impl in one of these files has an item of that name, or gives a type the items of a trait.
//! 3. It found something before whose type is another one now, for that is written with a name of the first kind. The recorded users
//!    of such symbols are known.
//!
//! Paths lead only to crates that a file's own crate depends on, so names of the first kind count in the crates that can see the
//! change.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::{
    DeclaredModule, NameSet, add_differing, differing, has_other_globs, identifiers, imports, modules, writers,
};
use crate::domain::FilePath;
use crate::language::facts::Owner;
use crate::language::rust::resolve::crates::Crate;
use crate::language::rust::resolve::members::{ImplFact, Members};
use crate::language::rust::resolve::modules::Modules;
use crate::language::rust::resolve::view::{File, GlobalDef, Name, View};
use crate::language::{Outline, Symbol, SymbolKind};

/// What the world holds when the files are what they are now, but for impls, which are resolved as they are reached.
#[derive(Clone, Copy)]
pub(in crate::language::rust::resolve) struct Scene<'w> {
    pub view: &'w View,
    pub modules: &'w Modules,
    pub members: &'w Members,
    pub crates: &'w [Crate],
}

/// Whom the moves of some files reach, as far as that is known.
#[derive(Default)]
pub(in crate::language::rust::resolve) struct MoveReach {
    /// Files that are modules now and were none, or the other way round.
    pub moved: BTreeSet<File>,
    /// Files that are resolved again.
    pub files: BTreeSet<File>,
    /// Symbols whose recorded users are.
    pub symbols: BTreeSet<(FilePath, String)>,
    /// Names that mean something else in a crate that sees the change.
    names: FxHashSet<Name>,
    /// Names of members that values may have now, or have no longer, in a crate that sees the change.
    members: FxHashSet<Name>,
    /// The same in any crate: members of foreign types.
    foreign: FxHashSet<Name>,
    /// Names of types that are others now.
    types: FxHashSet<Name>,
    /// Any file that sees the change may mean something else by any name.
    is_everything: bool,
    /// The crates that see the change; those of the change itself to begin with.
    crates: FxHashSet<usize>,
}

impl MoveReach {
    /// What some files say otherwise than before, where modules may have come or gone; `None`: any file may be reached.
    pub fn of_edits<'a>(scene: &Scene<'_>, edited: &'a [(File, &'a Outline, &'a Outline)]) -> Option<Self> {
        let (mut reach, mut names) = (Self::default(), NameSet::default());
        for (file, before, after) in edited {
            let moved = moved_modules(before, after);
            reach.names.extend(moved.iter().filter_map(|name| scene.view.known(name)));
            if !moved.is_empty() || has_other_globs(before, after) {
                reach.is_everything = true;
                reach.crates.extend(scene.modules.crates_of(*file));
            }
            let resigned = add_differing(before, after, &moved, &mut names)?;
            let path = scene.view.path(*file);
            reach.symbols.extend(resigned.into_iter().map(|name| (path.clone(), name.to_owned())));
        }
        reach.files = writers(scene.view, names);
        Some(reach)
    }

    /// Notes which files moved.
    pub fn add_moved(&mut self, scene: &Scene<'_>, moved: BTreeSet<File>) {
        for (name, krate) in scene.modules.places_of(&moved) {
            self.names.extend(name);
            self.crates.insert(krate);
        }
        // By names alone fewer files would do; all of the crates that see it are certain.
        self.is_everything |= !moved.is_empty();
        self.moved = moved;
    }

    /// Notes what a file held that is no module any more, or was another one.
    pub fn add_former(
        &mut self,
        scene: &Scene<'_>,
        file: File,
        outline: &Outline,
        impls: &[ImplFact],
        path: &FilePath,
    ) {
        if self.moved.contains(&file) {
            self.symbols.extend(outline.symbols.iter().map(|symbol| (path.clone(), symbol.name.clone())));
            self.add_file(scene, outline, impls);
        }
    }

    /// Notes what a moved file holds, or held, and what its impls were found to be.
    pub fn add_file(&mut self, scene: &Scene<'_>, outline: &Outline, impls: &[ImplFact]) {
        let known = |name: &str| scene.view.known(name);
        for symbol in &outline.symbols {
            let Some(name) = identifiers(&symbol.name).last().and_then(known) else { continue };
            match symbol.kind {
                // Macros go by the text, not by modules.
                SymbolKind::Macro => self.names.extend([name]),
                // A value of unknown type has a trait's method if no type has one of that name.
                SymbolKind::Method if scene.members.extensions.contains_key(&name) => self.foreign.extend([name]),
                _ => {}
            }
        }
        for (block, fact) in impls.iter().enumerate() {
            self.add_impl(scene, outline, block as u32, fact);
        }
    }

    /// Notes what an impl of a file gives to values, if it came, went or is another one.
    pub fn add_impl(&mut self, scene: &Scene<'_>, outline: &Outline, block: u32, fact: &ImplFact) {
        let Scene { view, members, .. } = scene;
        if fact.is_unknown() {
            return;
        }
        let has_trait = outline.model.impls.get(block as usize).is_some_and(|block| block.of.is_some());
        let of_type = fact.of_type();
        let of_moved = of_type.is_some_and(|def| self.moved.contains(&view.file_of(def)));
        // Values of a type that moved are had only by what leads to it. What a foreign trait gives a foreign type is not ours.
        if of_moved || of_type.is_none() && has_trait && fact.of.is_none() {
            return;
        }
        let own = outline.symbols.iter().zip(&outline.model.defs).filter(|(_, def)| def.owner == Owner::Impl(block));
        let own: Vec<&Symbol> = own.map(|(symbol, _)| symbol).collect();
        let names = own.iter().filter_map(|symbol| view.known(identifiers(&symbol.name).last()?));
        let names = names.chain(fact.of.into_iter().flat_map(|of| members.items_of(view, of)));
        let Some(def) = of_type else {
            self.foreign.extend(names);
            return;
        };
        self.members.extend(names);
        self.crates.extend(scene.modules.crates_of(view.file_of(def)));
        if own.iter().any(|symbol| symbol.kind == SymbolKind::AssociatedType) {
            self.add_type(scene, def);
        }
    }

    /// A type that dereferences, iterates or works with operators otherwise than before.
    fn add_type(&mut self, scene: &Scene<'_>, def: GlobalDef) {
        let view = scene.view;
        let Some(entry) = view.entry_of(view.file_of(def)) else { return };
        let Some(symbol) = view.outline(view.file_of(def)).symbols.get(view.index_of(def)) else { return };
        self.symbols.insert((entry.path.clone(), symbol.name.clone()));
        self.types.extend(identifiers(&symbol.name).last().and_then(|name| view.known(name)));
        self.files.insert(view.file_of(def));
    }

    /// Follows the names as far as they go, and returns the reached files.
    pub fn spread(&mut self, scene: &Scene<'_>) -> &BTreeSet<File> {
        loop {
            let size = self.size();
            self.see_dependents(scene.crates);
            let mut looked_at = BTreeSet::new();
            for &name in &self.foreign {
                self.files.extend(scene.view.writers(name));
            }
            if self.is_everything {
                let all = scene.view.files().iter().copied();
                let seen: Vec<File> = all.filter(|&file| self.is_seen(scene, file)).collect();
                self.files.extend(seen);
            }
            let mut writers = self.seen_writers(scene, &self.members);
            looked_at.extend(self.seen_writers(scene, &self.names));
            writers.extend(&looked_at);
            self.files.append(&mut writers);
            looked_at.extend(self.seen_writers(scene, &self.types));
            for file in looked_at {
                self.look_at(scene, file);
            }
            if self.size() == size {
                return &self.files;
            }
        }
    }

    /// The files that write one of some names, in the crates that see the change.
    fn seen_writers(&self, scene: &Scene<'_>, names: &FxHashSet<Name>) -> BTreeSet<File> {
        let writers = names.iter().flat_map(|&name| scene.view.writers(name)).copied();
        writers.filter(|&file| self.is_seen(scene, file)).collect()
    }

    /// Grows whenever anything is noted.
    fn size(&self) -> [usize; 8] {
        [
            self.files.len(),
            self.symbols.len(),
            self.names.len(),
            self.members.len(),
            self.foreign.len(),
            self.types.len(),
            self.crates.len(),
            usize::from(self.is_everything),
        ]
    }

    /// Adds the crates that depend on those that see the change.
    fn see_dependents(&mut self, crates: &[Crate]) {
        loop {
            let sees = |krate: &Crate| krate.externs.values().any(|seen| self.crates.contains(seen));
            let new: Vec<usize> =
                (0..crates.len()).filter(|at| !self.crates.contains(at) && sees(&crates[*at])).collect();
            if new.is_empty() {
                return;
            }
            self.crates.extend(new);
        }
    }

    fn is_seen(&self, scene: &Scene<'_>, file: File) -> bool {
        scene.modules.crates_of(file).any(|krate| self.crates.contains(&krate))
    }

    /// Notes what of a file mentions the names: other names for them, and symbols of which they are a part.
    fn look_at(&mut self, scene: &Scene<'_>, file: File) {
        let (view, outline) = (scene.view, scene.view.outline(file));
        let known = |name: &str| view.known(name);
        if !self.moved.contains(&file) {
            for import in imports(outline) {
                let mut segments = import.segments.iter().copied().filter_map(known);
                if !segments.any(|name| self.is_noted(name)) {
                    continue;
                }
                self.names.extend(import.name.and_then(known));
                // Where a module is missing, its glob may bring anything; so may a glob inside it.
                self.is_everything |= import.is_glob;
            }
        }
        self.add_items_of_traits(scene, outline);
        let mut mentions = false;
        for symbol in &outline.symbols {
            if matches!(symbol.kind, SymbolKind::Import | SymbolKind::Impl | SymbolKind::Module) {
                continue;
            }
            let mut words = identifiers(&symbol.signature).filter_map(known);
            if !words.any(|name| self.is_noted(name)) {
                continue;
            }
            mentions = true;
            self.symbols.insert((view.path(file).clone(), symbol.name.clone()));
            let parts = identifiers(&symbol.name).filter_map(known);
            match symbol.kind {
                SymbolKind::AssociatedType => self.types.extend(parts),
                kind if is_type(kind) => self.types.extend(parts.last()),
                _ => {}
            }
        }
        let mut headers = outline.model.impls.iter().flat_map(|block| identifiers(&block.header)).filter_map(known);
        if mentions || headers.any(|name| self.is_noted(name)) {
            self.files.insert(file);
        }
    }

    /// A trait that comes into scope somewhere else gives its items to values there.
    fn add_items_of_traits(&mut self, scene: &Scene<'_>, outline: &Outline) {
        let name = |symbol: &Symbol| identifiers(&symbol.name).last().and_then(|name| scene.view.known(name));
        let is_noted = |symbol: &Symbol| {
            symbol.kind == SymbolKind::Trait && name(symbol).is_some_and(|name| self.names.contains(&name))
        };
        let items = outline.symbols.iter().zip(&outline.model.defs).filter(|(_, def)| match def.owner {
            Owner::Def(owner) => outline.symbols.get(owner as usize).is_some_and(is_noted),
            _ => false,
        });
        let items: Vec<Name> = items.filter_map(|(symbol, _)| name(symbol)).collect();
        self.members.extend(items);
    }

    fn is_noted(&self, name: Name) -> bool {
        self.names.contains(&name) || self.types.contains(&name)
    }
}

fn is_type(kind: SymbolKind) -> bool {
    use SymbolKind::{Const, Enum, Macro, Static, Struct, Trait, TypeAlias, Union, Variant};
    matches!(kind, Struct | Union | Enum | Variant | Trait | TypeAlias | Const | Static | Macro)
}

/// The names of modules that a file declares and did not, or no longer, or elsewhere.
fn moved_modules<'a>(before: &'a Outline, after: &'a Outline) -> NameSet<'a> {
    let (before, after) = (modules(before), modules(after));
    let named = |modules: &[DeclaredModule<'a>]| modules.iter().filter_map(|(name, ..)| *name).collect();
    match differing(&before, &after) {
        Some(moved) => named(&moved),
        // The order decides which of two is mounted first.
        None => before.iter().chain(&after).filter_map(|(name, ..)| *name).collect(),
    }
}
