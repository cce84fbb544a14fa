//! What a change of an implementation means for those who call its interface.
//!
//! They use the interface, which did not change: nothing that is stored of them is stale, and their keys stay true. So they are no
//! dependents. But a call through an interface runs the implementation, so a reader who follows a change must not stop there.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Edge, FilePath, Implements, Role};
use crate::language::role_of;

/// A symbol of a file.
pub type SymbolAt = (FilePath, String);

/// A file that reaches what changed through an interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ThroughInterface {
    pub caller: FilePath,
    /// The symbol of the interface that it uses.
    pub interface: SymbolAt,
    /// What changed.
    pub implementation: SymbolAt,
    /// It is the only implementation: the call can mean nothing else in this repository.
    pub is_only: bool,
}

/// Implementations of each interface, and of each member of one.
pub struct Implementations<'a> {
    of: BTreeMap<(&'a FilePath, &'a str), BTreeSet<(&'a FilePath, &'a str)>>,
}

impl<'a> Implementations<'a> {
    pub fn new(links: &'a [Implements]) -> Self {
        let mut of: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for link in links {
            let implementation = (&link.implementation_file, link.implementation.as_str());
            of.entry((&link.interface_file, link.interface.as_str())).or_default().insert(implementation);
        }
        Self { of }
    }

    /// Whether a link's implementation is the only one of its interface; those in files of tests do not count.
    pub fn is_only(&self, link: &Implements) -> bool {
        let implementation = (&link.implementation_file, link.implementation.as_str());
        let owner = link.interface.rsplit_once("::").or_else(|| link.interface.rsplit_once('.'));
        let is_alone = |interface: &str| self.counted(&link.interface_file, interface).len() <= 1;
        self.counted(&link.interface_file, &link.interface) == [implementation]
            && owner.is_none_or(|(owner, _)| is_alone(owner))
    }

    fn counted(&self, file: &FilePath, interface: &str) -> Vec<(&FilePath, &str)> {
        let all = self.of.get(&(file, interface)).into_iter().flatten();
        all.copied().filter(|(file, _)| role_of(file) != Role::Test).collect()
    }
}

/// The files that use an interface's members of which changed symbols are the implementation; `changed_files` are not among them.
pub fn through_interfaces(
    changed: &BTreeSet<SymbolAt>,
    changed_files: &BTreeSet<&FilePath>,
    edges: &[Edge],
    links: &[Implements],
) -> Vec<ThroughInterface> {
    let mut users: BTreeMap<(&FilePath, &str), BTreeSet<&FilePath>> = BTreeMap::new();
    for edge in edges.iter().filter(|edge| !changed_files.contains(&edge.dependent_file)) {
        users.entry((&edge.source_file, &edge.symbol_name)).or_default().insert(&edge.dependent_file);
    }
    let implementations = Implementations::new(links);
    let mut found = BTreeSet::new();
    for link in links {
        let implementation = (link.implementation_file.clone(), link.implementation.clone());
        if !changed.contains(&implementation) || !is_callable(link) {
            continue;
        }
        let callers = users.get(&(&link.interface_file, link.interface.as_str())).into_iter().flatten();
        found.extend(callers.map(|&caller| ThroughInterface {
            caller: caller.clone(),
            interface: (link.interface_file.clone(), link.interface.clone()),
            implementation: implementation.clone(),
            is_only: implementations.is_only(link),
        }));
    }
    found.into_iter().collect()
}

/// Whether what a link joins can be called: members, not types; or a function's declaration and its definition, which share a name.
fn is_callable(link: &Implements) -> bool {
    link.interface.contains(['.', ':']) || link.interface == link.implementation
}
