//! What a step can evaluate to.

use std::rc::Rc;

use super::facts::{FactScopeId, StepId};
use super::rules::{FileNo, Place};
use super::types::TypeEnv;
use super::view::{Item, NameNo};

/// Different meanings that are kept of one value. More are rare, and multiply with each member.
const THINGS_MAX: usize = 8;

/// Things inside each other that are kept of one value, each counted as often as it is met. Values share their parts, so what a few
/// lines build up could take ages to compare: `x = (x, x)`, forty times.
const WEIGHT_MAX: u32 = 400;

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
    /// A type literal in which type parameters mean something.
    Shape(FileNo, FactScopeId, Rc<TypeEnv>),
    /// A value of a written function type.
    Signature(FileNo, StepId, Rc<TypeEnv>),
    /// A member of a container, which is called.
    HolderMember(Things, NameNo),
    /// What a member of a container calls, with one of what it holds; the flag says: with two.
    Callback(Things, bool),
    /// Something of which only that it can be called is known, and what that gives.
    Callable(Things),
    /// What iterating gives first, and what it holds: a map.
    Mapping(Things, Things),
}

impl Thing {
    /// How many things it is made of. A kind that holds things counts them.
    fn weight(&self) -> u32 {
        let sum = |parts: &[Things]| parts.iter().fold(1_u32, |sum, part| sum.saturating_add(part.weight));
        match self {
            Self::Class(_, args) | Self::Instance(_, args) | Self::Tuple(args) => sum(args),
            Self::Function(_, Some(receiver)) => receiver.weight().saturating_add(1),
            Self::Holder(held) | Self::Callable(held) | Self::HolderMember(held, _) | Self::Callback(held, _) => {
                held.weight.saturating_add(1)
            }
            Self::Shape(_, _, env) | Self::Signature(_, _, env) => {
                let own = env.own.as_ref().map_or(1, |own| own.weight().saturating_add(1));
                env.args.iter().fold(own, |sum, (_, things)| sum.saturating_add(things.weight))
            }
            Self::Mapping(keys, held) => keys.weight.saturating_add(held.weight).saturating_add(1),
            Self::Function(_, None) | Self::Module(_) | Self::Super(_) | Self::Record(..) => 1,
        }
    }
}

/// Arguments of a generic class, in the order of its parameters; empty if none are known.
pub(super) type TypeArgs = Rc<[Things]>;

/// All that a value can be, without repetitions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Things {
    all: Option<Rc<[Thing]>>,
    weight: u32,
}

impl Things {
    pub fn none() -> Self {
        Self::default()
    }

    pub fn one(thing: Thing) -> Self {
        std::iter::once(thing).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_none()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Thing> {
        self.all.iter().flat_map(|things| things.iter())
    }

    pub fn holder(self) -> Self {
        if self.is_empty() { self } else { Self::one(Thing::Holder(self)) }
    }
}

impl FromIterator<Thing> for Things {
    fn from_iter<I: IntoIterator<Item = Thing>>(things: I) -> Self {
        let mut all: Vec<Thing> = Vec::new();
        let mut weight = 0_u32;
        for thing in things {
            if all.len() == THINGS_MAX {
                break;
            }
            let heavier = weight.saturating_add(thing.weight());
            if heavier <= WEIGHT_MAX && !all.contains(&thing) {
                all.push(thing);
                weight = heavier;
            }
        }
        Self { all: (!all.is_empty()).then(|| all.into()), weight }
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
