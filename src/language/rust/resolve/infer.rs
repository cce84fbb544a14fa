//! Bodies: the types of expressions, step by step, so that fields and methods find what they name.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::modules::MountId;
use super::names::Names;
use super::types::{Env, Resolved, ResolvedEnd, Ty};
use super::uses::{Aim, References};
use super::view::{File, GlobalDef, Name};
use crate::language::SymbolKind;
use crate::language::facts::{Body, ChainStep, How, NO_VALUE, NameId, PathId, Pattern, PatternId, Value};

const DEPTH_MAX: u32 = 12;

/// One file in one of its mounts.
pub(super) struct Inference<'n, 'w> {
    pub names: &'n Names<'w>,
    pub file: File,
    pub mount: MountId,
    pub found: &'n mut References,
    resolved: FxHashMap<PathId, Rc<Resolved>>,
    values: Vec<Ty>,
    slots: Vec<Ty>,
    this: Ty,
}

impl<'n, 'w> Inference<'n, 'w> {
    pub(super) fn new(names: &'n Names<'w>, file: File, mount: MountId, found: &'n mut References) -> Self {
        Self {
            names,
            file,
            mount,
            found,
            resolved: FxHashMap::default(),
            values: Vec::new(),
            slots: Vec::new(),
            this: Ty::Unknown,
        }
    }

    pub(super) fn resolved(&mut self, path: PathId) -> Rc<Resolved> {
        let (names, file, mount) = (self.names, self.file, self.mount);
        let resolve = || Rc::new(names.resolve(file, mount, path, &Env::default(), DEPTH_MAX));
        Rc::clone(self.resolved.entry(path).or_insert_with(resolve))
    }

    pub(super) fn body(&mut self, body: &Body) {
        self.values.clear();
        self.slots = vec![Ty::Unknown; body.slots as usize];
        self.this = self.names.this_in(self.file, self.mount, body.scope, DEPTH_MAX);
        for step in &body.steps {
            let value = self.step(step);
            self.values.push(value);
        }
    }

    fn value(&self, value: Value) -> Ty {
        if value == NO_VALUE { Ty::Unknown } else { self.values.get(value as usize).cloned().unwrap_or(Ty::Unknown) }
    }

    fn values(&self, values: &[Value]) -> Vec<Ty> {
        values.iter().map(|&value| self.value(value)).collect()
    }

    fn name(&self, id: NameId) -> Name {
        self.names.world.view.name(self.file, id)
    }

    fn lower(&self, ty: u32) -> Ty {
        self.names.lower(self.file, self.mount, ty, &Env::default(), DEPTH_MAX)
    }

    fn step(&mut self, step: &ChainStep) -> Ty {
        let names = self.names;
        match step {
            ChainStep::Path(path) => self.path(*path),
            ChainStep::Local(slot) => self.slots.get(*slot as usize).cloned().unwrap_or(Ty::Unknown),
            ChainStep::This => self.this.clone(),
            ChainStep::Typed(ty) => self.lower(*ty),
            ChainStep::Text => {
                names.world.view.known("str").map_or(Ty::Unknown, |name| Ty::External(name, Rc::from([])))
            }
            ChainStep::Call { callee, args } => self.call(*callee, args),
            ChainStep::Method { receiver, name, args, turbofish, line } => {
                self.method(*receiver, *name, args, *turbofish, *line)
            }
            ChainStep::Field { receiver, name, line } => self.field(*receiver, *name, *line),
            ChainStep::Struct { path, fields } => self.structure(*path, fields),
            ChainStep::Operator { operand, name, line } => self.operator(*operand, *name, *line),
            ChainStep::Inner(value) => names.inner(&self.value(*value)),
            ChainStep::Await(value) => self.awaited(*value),
            ChainStep::Tuple(values) => Ty::Tuple(self.values(values).into()),
            ChainStep::Slice(values) => {
                let known = self.values(values).into_iter().find(|ty| *ty != Ty::Unknown);
                Ty::External(names.world.view.words.empty, Rc::from([known.unwrap_or(Ty::Unknown)]))
            }
            ChainStep::OneOf(values) => {
                self.values(values).into_iter().find(|ty| *ty != Ty::Unknown).unwrap_or(Ty::Unknown)
            }
            ChainStep::Closure { result } => Ty::Function(Rc::from([]), Rc::new(self.value(*result))),
            ChainStep::Bind { pattern, value, ty, how } => {
                let bound = self.bound(*value, *ty, *how);
                self.take_apart(*pattern, &bound, DEPTH_MAX);
                Ty::Unknown
            }
        }
    }

    fn path(&mut self, path: PathId) -> Ty {
        match &self.resolved(path).end {
            ResolvedEnd::Def(def, before) => self.names.value_of(*def, before.clone(), self.mount),
            ResolvedEnd::Type(ty) | ResolvedEnd::External(ty) => ty.clone(),
            ResolvedEnd::Module | ResolvedEnd::Missing => Ty::Unknown,
        }
    }

    fn call(&mut self, callee: Value, args: &[Value]) -> Ty {
        let names = self.names;
        let view = &names.world.view;
        let args = self.values(args);
        match self.value(callee) {
            Ty::Item(def, this, turbofish) => {
                // `Foo::method(value)` passes `self` as an argument.
                let params = view.def(def).params.len();
                let args = args.get(args.len().saturating_sub(params)..).unwrap_or_default();
                names.result_of(def, &this, &turbofish, args, self.mount)
            }
            Ty::Function(_, result) => (*result).clone(),
            Ty::ExternalItem(of, name, explicit) => names.std_call(view.text(of), view.text(name), &explicit, &args),
            Ty::External(name, _) => names.std_constructor(view.text(name), &args),
            // A tuple struct or variant builds its type.
            built @ Ty::Adt(..) => built,
            Ty::Bounds(bounds) => bounds
                .iter()
                .find_map(|bound| match bound {
                    Ty::Function(_, result) => Some((**result).clone()),
                    _ => None,
                })
                .unwrap_or(Ty::Unknown),
            Ty::Unknown | Ty::Tuple(_) => Ty::Unknown,
        }
    }

    fn method(&mut self, receiver: Value, name: NameId, args: &[Value], turbofish: Option<u32>, line: u32) -> Ty {
        let names = self.names;
        let receiver = self.value(receiver);
        let name = self.name(name);
        let args = self.values(args);
        if let Some((def, this)) = names.method(&receiver, name, self.mount) {
            self.note(name, def, line);
            let turbofish: Vec<Ty> = turbofish.map(|ty| self.lower(ty)).into_iter().collect();
            return names.result_of(def, &this, &turbofish, &args, self.mount);
        }
        let text = names.world.view.text(name);
        if receiver == Ty::Unknown && text != "then" {
            if let Some(def) = names.sole_extension(name, self.file, self.mount) {
                self.note(name, def, line);
                return names.result_of(def, &receiver, &[], &args, self.mount);
            }
            return self.guess(name, line, SymbolKind::Method);
        }
        // What a type of the view implements is known; only others may have what the view adds to foreign ones.
        if !matches!(receiver, Ty::Adt(..))
            && let Some(def) = names.extension(name, self.file, self.mount)
        {
            self.note(name, def, line);
            return names.result_of(def, &receiver, &[], &args, self.mount);
        }
        let given = names.std_method(&receiver, text, &args);
        match turbofish.map(|ty| self.lower(ty)) {
            Some(explicit) if matches!(text, "collect" | "sum" | "product" | "into") => self.filled(explicit, &given),
            Some(explicit) if text == "parse" => Ty::External(names.world.view.words.empty, Rc::from([explicit])),
            _ => given,
        }
    }

    /// An operator that the operand's type defines; others give what they are given.
    fn operator(&mut self, operand: Value, name: NameId, line: u32) -> Ty {
        let names = self.names;
        let (operand, name) = (self.value(operand), self.name(name));
        let Ty::Adt(def, _) = &operand else { return operand };
        let Some(&method) = names.world.members.of_type.get(&(*def, name)).and_then(|found| found.first()) else {
            return operand;
        };
        self.note(name, method, line);
        match names.result_of(method, &operand, &[], &[], self.mount) {
            Ty::Unknown => operand,
            known => known,
        }
    }

    /// A type as written, its `_` filled from the value.
    fn filled(&self, written: Ty, value: &Ty) -> Ty {
        match (&written, value) {
            (Ty::Unknown, _) => value.clone(),
            (Ty::External(name, args), Ty::External(_, given)) if args.contains(&Ty::Unknown) || args.is_empty() => {
                let filled = args.iter().enumerate().map(|(at, arg)| match given.get(at) {
                    Some(given) => self.filled(arg.clone(), given),
                    None => arg.clone(),
                });
                Ty::External(*name, filled.collect())
            }
            _ => written,
        }
    }

    fn field(&mut self, receiver: Value, name: NameId, line: u32) -> Ty {
        let names = self.names;
        let receiver = self.value(receiver);
        let name = self.name(name);
        if let Ty::Tuple(parts) = &receiver {
            let index = names.world.view.text(name).parse::<usize>();
            return index.ok().and_then(|index| parts.get(index).cloned()).unwrap_or(Ty::Unknown);
        }
        match names.field(&receiver, name, self.mount) {
            Some((def, ty)) => {
                self.note(name, def, line);
                ty
            }
            // `.0` says nothing of the type that has it.
            None if receiver == Ty::Unknown && names.world.view.text(name).parse::<usize>().is_err() => {
                self.guess(name, line, SymbolKind::Field)
            }
            None => Ty::Unknown,
        }
    }

    /// A member of a value whose type is not known, to be resolved with the file's other references.
    fn guess(&mut self, name: Name, line: u32, kind: SymbolKind) -> Ty {
        self.found.unknown.insert((name, kind, self.mount), line);
        Ty::Unknown
    }

    fn structure(&mut self, path: PathId, fields: &[(NameId, u32)]) -> Ty {
        let (owner, ty) = self.owner_of_fields(path);
        if let Some(owner) = owner {
            for &(name, line) in fields {
                let name = self.name(name);
                if let Some(field) = self.names.world.members.owned(owner, name) {
                    self.note(name, field, line);
                }
            }
        }
        ty
    }

    /// The struct or variant that a struct expression or pattern names, and its type.
    fn owner_of_fields(&mut self, path: PathId) -> (Option<GlobalDef>, Ty) {
        match &self.resolved(path).end {
            ResolvedEnd::Def(def, before) => {
                let ty = self.names.value_of(*def, before.clone(), self.mount);
                match (self.names.world.view.kind(*def), &ty) {
                    (SymbolKind::TypeAlias | SymbolKind::AssociatedType, Ty::Adt(of, _)) => (Some(*of), ty),
                    _ => (Some(*def), ty),
                }
            }
            ResolvedEnd::Type(ty) => match ty {
                Ty::Adt(def, _) => (Some(*def), ty.clone()),
                _ => (None, ty.clone()),
            },
            _ => (None, Ty::Unknown),
        }
    }

    fn awaited(&self, value: Value) -> Ty {
        let ty = self.value(value);
        match &ty {
            Ty::External(name, args) if matches!(self.names.world.view.text(*name), "Future" | "JoinHandle") => {
                args.first().cloned().unwrap_or(Ty::Unknown)
            }
            _ => ty,
        }
    }

    fn bound(&mut self, value: Value, ty: Option<u32>, how: How) -> Ty {
        let names = self.names;
        let given = match how {
            How::Same => self.value(value),
            How::Element => names.element(&self.value(value)),
            How::MethodClosure { name, arg, index } => {
                let receiver = self.value(value);
                let name = self.name(name);
                match names.method(&receiver, name, self.mount) {
                    Some((def, this)) => names.closure_parameter(def, &this, arg, index, self.mount),
                    None => names.std_closure_parameter(&receiver, names.world.view.text(name), index),
                }
            }
            How::CallClosure { arg, index } => match self.value(value) {
                Ty::Item(def, this, _) => names.closure_parameter(def, &this, arg, index, self.mount),
                _ => Ty::Unknown,
            },
        };
        match ty {
            Some(ty) => self.filled(self.lower(ty), &given),
            None => given,
        }
    }

    fn take_apart(&mut self, pattern: PatternId, ty: &Ty, depth: u32) {
        let Some(depth) = depth.checked_sub(1) else { return };
        let Some(pattern) = self.names.world.view.model(self.file).patterns.get(pattern as usize) else { return };
        match pattern {
            Pattern::Bind(slot, inner) => {
                if let Some(slot) = self.slots.get_mut(*slot as usize) {
                    *slot = ty.clone();
                }
                if let Some(inner) = inner {
                    self.take_apart(*inner, ty, depth);
                }
            }
            Pattern::Tuple(parts) => {
                let count = if let Ty::Tuple(types) = ty { Some(types.len()) } else { None };
                for (at, part) in self.placed(parts, count) {
                    let ty = match (ty, at) {
                        (Ty::Tuple(types), Some(at)) => types.get(at).cloned().unwrap_or(Ty::Unknown),
                        _ => Ty::Unknown,
                    };
                    self.take_apart(part, &ty, depth);
                }
            }
            Pattern::Variant(path, parts) => self.take_variant_apart(*path, parts, ty, depth),
            Pattern::Struct(path, fields) => {
                let (owner, own) = self.owner_of_fields(*path);
                let ty = if matches!(ty, Ty::Adt(..)) { ty.clone() } else { own };
                for field in fields {
                    let name = self.name(field.name);
                    let def = owner.and_then(|owner| self.names.world.members.owned(owner, name));
                    let field_ty = def.map_or(Ty::Unknown, |def| self.names.type_of_field(def, &ty, self.mount));
                    if let Some(def) = def {
                        self.note(name, def, field.line);
                    }
                    self.take_apart(field.pattern, &field_ty, depth);
                }
            }
            Pattern::Slice(parts) => {
                let element = self.names.element(ty);
                for &part in parts {
                    self.take_apart(part, &element, depth);
                }
            }
            Pattern::Or(parts) => {
                for &part in parts {
                    self.take_apart(part, ty, depth);
                }
            }
            Pattern::Rest | Pattern::Other => {}
        }
    }

    /// Parts of a pattern with their places among `count`: behind a `..` they count from the end.
    fn placed(&self, parts: &[PatternId], count: Option<usize>) -> Vec<(Option<usize>, PatternId)> {
        let patterns = &self.names.world.view.model(self.file).patterns;
        let is_rest = |part: &PatternId| matches!(patterns.get(*part as usize), Some(Pattern::Rest));
        let rest = parts.iter().position(is_rest).unwrap_or(parts.len());
        let place = |at: usize| if at < rest { Some(at) } else { (count? + at).checked_sub(parts.len()) };
        parts.iter().enumerate().map(|(at, &part)| (place(at), part)).collect()
    }

    fn take_variant_apart(&mut self, path: PathId, parts: &[PatternId], ty: &Ty, depth: u32) {
        let names = self.names;
        let view = &names.world.view;
        match &self.resolved(path).end {
            ResolvedEnd::External(Ty::External(name, _)) => {
                let inner = match (view.text(*name), ty) {
                    ("Err" | "Break", Ty::External(_, args)) => args.get(1).cloned().unwrap_or(Ty::Unknown),
                    ("Some" | "Ok" | "Continue" | "Ready", ty) => names.inner(ty),
                    _ => Ty::Unknown,
                };
                for &part in parts {
                    self.take_apart(part, &inner, depth);
                }
            }
            _ => {
                let (owner, own) = self.owner_of_fields(path);
                let ty = if matches!(ty, Ty::Adt(..)) { ty } else { &own };
                for (at, part) in self.placed(parts, None) {
                    let name = at.and_then(|at| view.known(&at.to_string()));
                    let def = owner.and_then(|owner| names.world.members.owned(owner, name?));
                    let part_ty = def.map_or(Ty::Unknown, |def| names.type_of_field(def, ty, self.mount));
                    self.take_apart(part, &part_ty, depth);
                }
            }
        }
    }

    fn note(&mut self, name: Name, def: GlobalDef, line: u32) {
        let written = format!(".{}", self.names.world.view.text(name));
        self.found.add(written, Aim::Def(def), line);
    }
}
