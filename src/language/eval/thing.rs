//! What a step can evaluate to.

use std::rc::Rc;

use super::facts::FactScopeId;
use super::rules::{FileNo, Place};
use super::view::Item;

/// Different meanings that are kept of one value. More are rare, and multiply with each member.
const THINGS_MAX: usize = 8;

/// One thing that a value can be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Thing {
    Module(Place),
    /// The class itself.
    Class(Item, TypeArgs),
    Instance(Item, TypeArgs),
    /// A function, with what it was reached through.
    Function(Item, Option<Rc<Thing>>),
    /// A container, iterable or awaitable of what it holds.
    Holder(Things),
    Tuple(Rc<[Things]>),
    /// Members behind a class in its order of bases.
    Super(Item),
    Record(FileNo, FactScopeId),
    /// Something of which only that it can be called is known, and what that gives.
    Callable(Things),
}

/// Arguments of a generic class, in the order of its parameters; empty if none are known.
pub(super) type TypeArgs = Rc<[Things]>;

/// All that a value can be, without repetitions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Things(Option<Rc<[Thing]>>);

impl Things {
    pub fn none() -> Self {
        Self(None)
    }

    pub fn one(thing: Thing) -> Self {
        Self(Some(Rc::new([thing])))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Thing> {
        self.0.iter().flat_map(|things| things.iter())
    }

    pub fn holder(self) -> Self {
        if self.is_empty() { self } else { Self::one(Thing::Holder(self)) }
    }
}

impl FromIterator<Thing> for Things {
    fn from_iter<I: IntoIterator<Item = Thing>>(things: I) -> Self {
        let mut all: Vec<Thing> = Vec::new();
        for thing in things {
            if all.len() == THINGS_MAX {
                break;
            }
            if !all.contains(&thing) {
                all.push(thing);
            }
        }
        Self((!all.is_empty()).then(|| all.into()))
    }
}

/// All that any of several values can be.
pub(super) fn joined(parts: impl IntoIterator<Item = Things>) -> Things {
    let mut parts = parts.into_iter().filter(|part| !part.is_empty());
    let Some(first) = parts.next() else { return Things::none() };
    let Some(second) = parts.next() else { return first };
    let rest: Vec<Things> = parts.collect();
    let all = [first, second].into_iter().chain(rest);
    all.flat_map(|part| part.iter().cloned().collect::<Vec<_>>()).collect()
}

/// Classes and instances without arguments.
pub(super) fn no_args() -> TypeArgs {
    Rc::new([])
}
