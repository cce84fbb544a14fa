//! Which class implements which interface, as several answers show it.

use serde::Serialize;

use crate::domain::Implements;
use crate::impact::Implementations;

/// A link from an interface, or a member of one, to what implements it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImplementsView {
    pub interface_file: String,
    pub interface: String,
    pub implementation_file: String,
    pub implementation: String,
    /// It is the only implementation in the repository; those in files of tests do not count.
    pub only: bool,
}

/// Shows some links; `all`: those of the whole repository, which decide whether one is the only one.
pub fn shown_links(links: &[Implements], all: &[Implements]) -> Vec<ImplementsView> {
    let implementations = Implementations::new(all);
    let mut shown: Vec<ImplementsView> = links
        .iter()
        .map(|link| ImplementsView {
            interface_file: link.interface_file.for_json().0,
            interface: link.interface.clone(),
            implementation_file: link.implementation_file.for_json().0,
            implementation: link.implementation.clone(),
            only: implementations.is_only(link),
        })
        .collect();
    // Two files can make the same link.
    shown.dedup();
    shown
}
