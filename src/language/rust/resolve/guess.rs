//! Members of values whose type is not known: which of the view's members they may be.

use rustc_hash::FxHashSet;

use super::RustWorld;
use super::modules::MountId;
use super::names::{End, Names};
use super::uses::{Aim, References};
use super::view::{File, GlobalDef, Name};
use crate::language::SymbolKind;
use crate::language::facts::{ImportName, Owner, Space};

/// In the order of the alphabet. Names that so many types of the standard library and of common crates have as methods that a value of unknown type says
/// nothing by them.
const COMMON: &[&str] = &[
    "add",
    "all",
    "any",
    "append",
    "arg",
    "args",
    "as_bytes",
    "as_mut",
    "as_path",
    "as_ref",
    "as_slice",
    "as_str",
    "build",
    "bytes",
    "chain",
    "chars",
    "clear",
    "clone",
    "close",
    "cmp",
    "collect",
    "contains",
    "contains_key",
    "count",
    "create",
    "default",
    "display",
    "drain",
    "drop",
    "end",
    "entry",
    "enumerate",
    "eq",
    "err",
    "expect",
    "extend",
    "file_name",
    "file_type",
    "filter",
    "find",
    "finish",
    "first",
    "flush",
    "fmt",
    "fold",
    "format",
    "from",
    "get",
    "get_mut",
    "hash",
    "id",
    "index",
    "insert",
    "into",
    "into_inner",
    "into_iter",
    "is_dir",
    "is_empty",
    "is_err",
    "is_file",
    "is_none",
    "is_ok",
    "is_some",
    "iter",
    "iter_mut",
    "join",
    "key",
    "keys",
    "kind",
    "last",
    "len",
    "line",
    "lines",
    "lock",
    "map",
    "max",
    "message",
    "metadata",
    "min",
    "name",
    "new",
    "next",
    "ok",
    "open",
    "output",
    "parent",
    "parse",
    "path",
    "peek",
    "pop",
    "position",
    "push",
    "push_str",
    "read",
    "recv",
    "remove",
    "replace",
    "reset",
    "resize",
    "rev",
    "run",
    "send",
    "set",
    "skip",
    "sort",
    "source",
    "spawn",
    "split",
    "start",
    "status",
    "take",
    "text",
    "then",
    "to_owned",
    "to_path_buf",
    "to_str",
    "to_string",
    "trim",
    "type",
    "unwrap",
    "update",
    "value",
    "values",
    "wait",
    "with",
    "write",
    "zip",
];

/// See [`COMMON`].
pub(super) fn is_common(name: &str) -> bool {
    COMMON.binary_search(&name).is_ok()
}

impl Names<'_> {
    /// A method that a trait of the view, in scope in this file, adds to foreign types, if only one file has such a method.
    pub(super) fn extension(&self, name: Name, file: File, mount: MountId) -> Option<GlobalDef> {
        let members = &self.world.members;
        let found = members.extensions.get(&name)?;
        let (&first, rest) = found.split_first()?;
        let view = &self.world.view;
        if !view.takes_self(first) {
            return None;
        }
        let one_file = rest.iter().all(|&other| view.file_of(other) == view.file_of(first));
        let Owner::Impl(block) = view.owner(first) else { return None };
        let of = *members.trait_of.get(&(view.file_of(first), block))?;
        (one_file && self.sees_trait(of, file, mount)).then_some(first)
    }

    /// The same for a value that may be of any type: no type of the view has a method of that name of its own.
    pub(super) fn sole_extension(&self, name: Name, file: File, mount: MountId) -> Option<GlobalDef> {
        let RustWorld { view, members, .. } = self.world;
        let found = self.extension(name, file, mount)?;
        let of = members.trait_of_member(view, found)?;
        let all = members.by_name.get(&name).map(Vec::as_slice).unwrap_or_default();
        let others = |&&other: &&GlobalDef| {
            let owner = members.trait_of_member(view, other).or_else(|| members.type_of_member(view, other));
            view.kind(other) == SymbolKind::Method && owner != Some(of)
        };
        all.iter().find(others).is_none().then_some(found)
    }

    pub(super) fn sees_trait(&self, of: GlobalDef, file: File, mount: MountId) -> bool {
        let view = &self.world.view;
        let name = view.name(view.file_of(of), view.def(of).name);
        if self.walk(mount, 0, &[name], Space::Type).end == End::Def(of) {
            return true;
        }
        let model = view.model(file);
        model.imports.iter().any(|import| {
            let path = &model.paths[import.path as usize];
            matches!(import.name, ImportName::As(_) | ImportName::Nameless)
                && path.segments.last().is_some_and(|&last| view.name(file, last) == name)
        })
    }

    /// Settles the members of unknown values, once it is known what else the file uses: the one member of that name among the
    /// types that the file uses, unless its name is a common one.
    pub(super) fn settle(&self, references: &mut References) {
        let unknown = std::mem::take(&mut references.unknown);
        let defs = references.references.keys().filter_map(|(_, aim)| aim.def());
        let mut used: FxHashSet<GlobalDef> = defs.collect();
        for ((name, kind, mount), line) in unknown {
            if is_common(self.world.view.text(name)) {
                continue;
            }
            let mut candidates = self.candidates(&used, name, kind, mount);
            if let (Some(def), None) = (candidates.next(), candidates.next()) {
                drop(candidates);
                references.add(format!(".{}", self.world.view.text(name)), Aim::Def(def), line);
                used.insert(def);
            }
        }
    }

    /// Members of that name and kind that the crate can see, of types that the file uses: few of those that all crates have.
    fn candidates<'n>(
        &'n self,
        used: &'n FxHashSet<GlobalDef>,
        name: Name,
        kind: SymbolKind,
        mount: MountId,
    ) -> impl Iterator<Item = GlobalDef> + 'n {
        let RustWorld { view, modules, crates, members, .. } = self.world;
        let krate = modules.mounts[mount as usize].krate;
        let of_used = |&def: &GlobalDef| members.type_of_member(view, def).is_some_and(|owner| used.contains(&owner));
        let sees = move |&def: &GlobalDef| {
            modules.mounts_of(view.file_of(def)).iter().any(|&mount| {
                let of = modules.mounts[mount as usize].krate;
                of == krate || crates[krate].externs.values().any(|&seen| seen == of)
            })
        };
        let all = members.by_name.get(&name).map(Vec::as_slice).unwrap_or_default();
        all.iter()
            .copied()
            .filter(of_used)
            .filter(move |&def| view.kind(def) == kind && (kind == SymbolKind::Field || view.takes_self(def)))
            .filter(sees)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn common_names_stand_in_the_order_in_which_they_are_looked_up() {
        assert!(super::COMMON.is_sorted());
    }
}
