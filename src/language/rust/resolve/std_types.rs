//! What methods of the standard library's types give: containers, options, results, iterators, as far as the types of the view
//! pass through them.
//!
//! After the documentation of std 1.9x. An iterator, and whatever holds elements, is a type whose first argument is the element.

use std::rc::Rc;

use super::names::Names;
use super::types::{Ty, is_pointer};

/// Elements come in pairs.
fn is_map(name: &str) -> bool {
    matches!(name, "HashMap" | "BTreeMap" | "IndexMap" | "FxHashMap" | "AHashMap" | "DashMap" | "Entry")
}

impl Names<'_> {
    fn is_map(&self, ty: &Ty) -> bool {
        matches!(ty, Ty::External(name, _) if is_map(self.world.view.text(*name)))
    }

    fn is_named(&self, ty: &Ty, asked: &str) -> bool {
        matches!(ty, Ty::External(name, _) if self.world.view.text(*name) == asked)
    }

    fn holds(&self, args: impl Into<Rc<[Ty]>>) -> Ty {
        Ty::External(self.world.view.words.empty, args.into())
    }

    fn with_args(&self, like: &Ty, args: impl Into<Rc<[Ty]>>) -> Ty {
        match like {
            Ty::External(name, _) if !self.is_map(like) => Ty::External(*name, args.into()),
            _ => self.holds(args),
        }
    }

    /// What `?`, `[i]`, `unwrap` and the like take out of a wrapper; anything else is itself.
    pub(super) fn inner(&self, ty: &Ty) -> Ty {
        match ty {
            Ty::External(name, args) if is_pointer(self.world.view.text(*name)) => {
                args.first().map_or(Ty::Unknown, |inner| self.inner(inner))
            }
            Ty::External(_, args) if self.is_map(ty) => args.get(1).cloned().unwrap_or(Ty::Unknown),
            Ty::External(_, args) => args.first().cloned().unwrap_or(Ty::Unknown),
            Ty::Bounds(bounds) => {
                bounds.iter().map(|bound| self.inner(bound)).find(|ty| *ty != Ty::Unknown).unwrap_or(Ty::Unknown)
            }
            Ty::Adt(..) => self.indexed(ty).unwrap_or_else(|| ty.clone()),
            other => other.clone(),
        }
    }

    /// What iterating over a value gives.
    pub(super) fn element(&self, ty: &Ty) -> Ty {
        match ty {
            Ty::External(_, args) if self.is_map(ty) => Ty::Tuple(Rc::clone(args)),
            Ty::External(name, args) if args.len() == 2 => match self.world.view.text(*name) {
                "Values" | "ValuesMut" | "IntoValues" => args[1].clone(),
                "Iter" | "IterMut" | "IntoIter" | "Drain" | "Range" => Ty::Tuple(Rc::clone(args)),
                _ => args[0].clone(),
            },
            Ty::External(name, args) if is_pointer(self.world.view.text(*name)) => {
                args.first().map_or(Ty::Unknown, |inner| self.element(inner))
            }
            Ty::External(..) => self.inner(ty),
            Ty::Bounds(bounds) => {
                bounds.iter().map(|bound| self.element(bound)).find(|ty| *ty != Ty::Unknown).unwrap_or(Ty::Unknown)
            }
            Ty::Adt(..) => {
                let behind = || self.behind(ty).map(|inner| self.element(&inner));
                self.item_of(ty).or_else(behind).unwrap_or(Ty::Unknown)
            }
            _ => Ty::Unknown,
        }
    }

    fn error_of(&self, ty: &Ty) -> Ty {
        match ty {
            Ty::External(_, args) => args.get(1).cloned().unwrap_or(Ty::Unknown),
            _ => Ty::Unknown,
        }
    }

    /// The type of `receiver.name(args)` where the view defines no such method.
    pub(super) fn std_method(&self, receiver: &Ty, name: &str, args: &[Ty]) -> Ty {
        let through = self.through_pointers(receiver, name);
        let receiver = through.as_ref().unwrap_or(receiver);
        let element = || self.element(receiver);
        let arg = |index: usize| args.get(index).cloned().unwrap_or(Ty::Unknown);
        let result = |index: usize| match args.get(index) {
            Some(Ty::Function(_, result)) => (**result).clone(),
            Some(Ty::Item(def, this, turbofish)) => self.result_of(*def, this, turbofish, &[], self.first_mount(*def)),
            Some(Ty::Adt(..)) => arg(index),
            _ => Ty::Unknown,
        };
        match name {
            "len" | "is_empty" | "contains" | "contains_key" | "is_some" | "is_none" | "is_ok" | "is_err" | "any"
            | "all" | "count" | "position" | "push" | "push_str" | "starts_with" | "ends_with" | "as_str"
            | "as_bytes" | "to_string" | "is_some_and" | "is_none_or" | "is_ok_and" | "cmp" | "eq" | "join"
            | "capacity" | "hash" | "into" | "try_into" | "send" | "parse" | "chars" | "bytes" | "lines" | "trim"
            | "display" | "to_lowercase" | "fmt" => Ty::Unknown,
            "iter" | "iter_mut" | "into_iter" | "drain" if self.is_map(receiver) => self.holds([element()]),
            "keys" | "into_keys" => self.holds([self.key_of(receiver)]),
            "values" | "values_mut" | "into_values" => self.holds([self.inner(receiver)]),
            "get" | "get_mut" | "remove" | "insert" if self.is_map(receiver) => self.holds([self.inner(receiver)]),
            "or_default" | "or_insert" | "or_insert_with" | "or_insert_with_key" => self.inner(receiver),
            "first_key_value" | "last_key_value" | "pop_first" | "pop_last" | "get_key_value" | "remove_entry"
                if self.is_map(receiver) =>
            {
                self.holds([element()])
            }
            "unwrap" | "expect" | "unwrap_or" | "unwrap_or_else" | "unwrap_or_default" | "unwrap_unchecked" => {
                self.inner(receiver)
            }
            "unwrap_err" | "expect_err" => self.error_of(receiver),
            "err" => self.holds([self.error_of(receiver)]),
            "ok" => self.holds([self.inner(receiver)]),
            "next" | "next_back" | "pop" | "pop_front" | "pop_back" | "first" | "last" | "first_mut" | "last_mut"
            | "get" | "get_mut" | "peek" | "peek_mut" | "find" | "nth" | "max" | "min" | "max_by" | "min_by"
            | "max_by_key" | "min_by_key" | "front" | "back" | "front_mut" | "back_mut" | "reduce" | "next_if"
            | "recv" | "try_recv" | "rfind"
                if matches!(receiver, Ty::External(..) | Ty::Bounds(..)) || self.item_of(receiver).is_some() =>
            {
                self.holds([element()])
            }
            "remove" | "swap_remove" | "index" => self.inner(receiver),
            "borrow" | "borrow_mut" | "get_mut" | "into_inner" if self.is_named(receiver, "RefCell") => {
                self.inner(receiver)
            }
            "map" | "map_while" | "scan" => match receiver {
                Ty::External(_, parts) if parts.len() == 2 && !self.is_map(receiver) => {
                    self.with_args(receiver, [result(0), parts[1].clone()])
                }
                _ => self.with_args(receiver, [result(0)]),
            },
            "map_err" => self.with_args(receiver, [self.inner(receiver), result(0)]),
            "and_then" | "then" if !matches!(receiver, Ty::Unknown) => result(0),
            "then" | "then_some" => self.holds([if name == "then" { result(0) } else { arg(0) }]),
            "find_map" => result(0),
            "filter_map" | "flat_map" => self.holds([self.element(&result(0))]),
            "flatten" => self.holds([self.element(&element())]),
            "map_or" | "map_or_else" => {
                [result(1), arg(0), result(0)].into_iter().find(|ty| *ty != Ty::Unknown).unwrap_or(Ty::Unknown)
            }
            "fold" | "try_fold" => arg(0),
            "enumerate" => self.holds([Ty::Tuple(Rc::from([Ty::Unknown, element()]))]),
            "zip" => self.holds([Ty::Tuple(Rc::from([element(), self.element(&arg(0))]))]),
            "partition" | "unzip" => match (name, element()) {
                ("unzip", Ty::Tuple(parts)) => Ty::Tuple(parts.iter().map(|part| self.holds([part.clone()])).collect()),
                (_, element) => Ty::Tuple(Rc::from([self.holds([element.clone()]), self.holds([element])])),
            },
            "chunks" | "windows" | "chunks_exact" | "split" | "chunk_by" => self.holds([receiver.clone()]),
            "split_first" | "split_last" => self.holds([Ty::Tuple(Rc::from([element(), receiver.clone()]))]),
            "sum" | "product" => Ty::Unknown,
            // Whatever else there is passes its elements on: adaptors, copies, conversions, guards.
            _ => receiver.clone(),
        }
    }

    fn through_pointers(&self, receiver: &Ty, name: &str) -> Option<Ty> {
        match receiver {
            Ty::External(..) if name != "clone" => {
                let inner = self.behind(receiver)?;
                Some(self.through_pointers(&inner, name).unwrap_or(inner))
            }
            Ty::Adt(..) if !matches!(name, "clone" | "as_ref" | "as_mut" | "borrow" | "to_owned") => {
                self.behind(receiver)
            }
            _ => None,
        }
    }

    fn key_of(&self, ty: &Ty) -> Ty {
        match ty {
            Ty::External(_, args) => args.first().cloned().unwrap_or(Ty::Unknown),
            _ => Ty::Unknown,
        }
    }

    /// Type of a parameter of a closure that is handed to a method of the standard library.
    pub(super) fn std_closure_parameter(&self, receiver: &Ty, name: &str, index: u32) -> Ty {
        let parts = |ty: Ty| match ty {
            Ty::Tuple(parts) => parts.get(index as usize).cloned().unwrap_or(Ty::Unknown),
            other => other,
        };
        match (name, index) {
            ("map_err" | "unwrap_or_else" | "or_else" | "inspect_err" | "map_or_else", 0) => self.error_of(receiver),
            ("fold" | "try_fold" | "scan", 0) => Ty::Unknown,
            ("fold" | "try_fold" | "scan", _) => self.element(receiver),
            ("retain", _) if self.is_map(receiver) => parts(self.element(receiver)),
            ("and_modify", _) => self.inner(receiver),
            _ => self.element(receiver),
        }
    }

    /// A call of a function of another crate, by the names of its type and itself.
    pub(super) fn std_call(&self, of: &str, name: &str, explicit: &Rc<[Ty]>, args: &[Ty]) -> Ty {
        let first = args.first().cloned().unwrap_or(Ty::Unknown);
        match (of, name) {
            (_, "clone") | ("mem", "take" | "replace") | ("iter", "once" | "repeat") => first,
            (of, "new" | "from" | "pin")
                if is_pointer(of) || matches!(of, "Mutex" | "RwLock" | "RefCell" | "Cell" | "Some") =>
            {
                self.external_of(of, [first])
            }
            ("Vec" | "VecDeque" | "HashSet" | "BTreeSet", "from" | "from_iter") => {
                self.external_of(of, [self.element(&first)])
            }
            (_, "new" | "default" | "with_capacity" | "from" | "from_iter") => {
                self.external_of(of, Rc::clone(explicit))
            }
            _ => Ty::Unknown,
        }
    }

    /// `Some(x)`, `Ok(x)`, `Err(x)`; another crate's tuple struct.
    pub(super) fn std_constructor(&self, name: &str, args: &[Ty]) -> Ty {
        let first = args.first().cloned().unwrap_or(Ty::Unknown);
        match name {
            "Err" => self.external_of("Result", [Ty::Unknown, first]),
            "Ok" => self.external_of("Result", [first, Ty::Unknown]),
            "Some" => self.external_of("Option", [first]),
            _ => Ty::Unknown,
        }
    }

    fn external_of(&self, name: &str, args: impl Into<Rc<[Ty]>>) -> Ty {
        match self.world.view.known(name) {
            Some(name) => Ty::External(name, args.into()),
            None => self.holds(args),
        }
    }
}
