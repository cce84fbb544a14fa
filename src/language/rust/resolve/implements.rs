//! Which types implement which traits of the view, by the impls of a file.

use std::collections::BTreeSet;

use super::RustWorld;
use super::view::{File, GlobalDef};
use crate::domain::{FilePath, Implements};
use crate::language::SymbolKind;
use crate::language::facts::{ImplId, Owner};

/// The links that the impls of some files make; sorted, without repetitions.
pub(super) fn links(world: &RustWorld, files: impl IntoIterator<Item = File>) -> Vec<Implements> {
    let mut links = BTreeSet::new();
    for file in files {
        for block in 0..world.view.model(file).impls.len() as ImplId {
            if let Some(of) = world.members.trait_of_impl((file, block)) {
                add_block(world, file, block, of, &mut links);
            }
        }
    }
    links.into_iter().collect()
}

fn add_block(world: &RustWorld, file: File, block: ImplId, of: GlobalDef, links: &mut BTreeSet<Implements>) {
    let (view, members) = (&world.view, &world.members);
    if view.kind(of) != SymbolKind::Trait {
        return;
    }
    let mut link = |interface: GlobalDef, (implementation_file, implementation): (FilePath, String)| {
        links.insert(Implements {
            interface_file: view.path(view.file_of(interface)).clone(),
            interface: view.symbol(interface).name.clone(),
            implementation_file,
            implementation,
            declared_in: view.path(file).clone(),
        });
    };
    let named = |def: GlobalDef| (view.path(view.file_of(def)).clone(), view.symbol(def).name.clone());
    let of_type = members.type_of_impl((file, block));
    if members.hands_on(view, (file, block), of) {
        return;
    }
    // `impl A for dyn B` says that a trait has another one, and makes nothing of the kind that `B` is.
    if of_type.is_some_and(|def| view.kind(def) == SymbolKind::Trait) {
        return;
    }
    let own = view.model(file).defs.iter().enumerate();
    let own =
        own.filter(|(_, def)| def.owner == Owner::Impl(block)).map(|(id, def)| (view.global(file, id as u32), def));
    for (id, def) in own {
        if view.kind(id) == SymbolKind::Impl {
            // A type that the view does not define has no name here but that of the impl.
            link(of, named(of_type.unwrap_or(id)));
        } else if let Some(wanted) = members.owned(of, view.name(file, def.name)) {
            link(wanted, named(id));
        }
    }
}
