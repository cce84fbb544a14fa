//! What each file uses of others: the references as written, and the edges that follow.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::RustWorld;
use super::infer::Inference;
use super::modules::{MountId, RegionEntry};
use super::names::{Meaning, Names, Target};
use super::types::ResolvedEnd;
use super::view::{File, GlobalDef, Name};
use crate::domain::{DependencyType, Edge, FilePath};
use crate::language::SymbolKind;
use crate::language::resolve::{Graph, Use};

/// What a reference leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Aim {
    Def(GlobalDef),
    /// The file that a module is.
    Module(File),
    /// A file included as text.
    Embedded(File),
    Nothing,
}

impl Aim {
    pub(super) fn def(&self) -> Option<GlobalDef> {
        match self {
            Self::Def(def) => Some(*def),
            Self::Module(_) | Self::Embedded(_) | Self::Nothing => None,
        }
    }
}

/// References of one file, each with its first line.
#[derive(Default)]
pub(super) struct References {
    pub references: BTreeMap<(String, Aim), u32>,
    pub via: BTreeSet<GlobalDef>,
    /// Members of values of unknown type, with the mount they were met in and their line.
    pub unknown: BTreeMap<(Name, SymbolKind, MountId), u32>,
}

impl References {
    pub(super) fn add(&mut self, written: String, aim: Aim, line: u32) {
        let first = self.references.entry((written, aim)).or_insert(line);
        *first = line.min(*first);
    }
}

/// What the chosen files use.
pub(super) fn collect(world: &RustWorld, files: &[File]) -> Graph {
    let found: Vec<References> =
        files.par_iter().map_init(|| Names::new(world), |names, &file| references(names, file)).collect();
    let mut graph = Graph::default();
    let mut edges = BTreeSet::new();
    let mut via = BTreeSet::new();
    for (&file, found) in files.iter().zip(found) {
        add_file(world, file, found, &mut graph, &mut edges, &mut via);
    }
    graph.edges = edges.into_iter().collect();
    graph.via = via.into_iter().collect();
    graph
}

fn references(names: &Names<'_>, file: File) -> References {
    let world = names.world;
    let model = world.view.model(file);
    let mut references = References::default();
    for &mount in world.modules.mounts_of(file) {
        let mut inference = Inference::new(names, file, mount, &mut references);
        for (id, path) in model.paths.iter().enumerate() {
            let resolved = inference.resolved(id as u32);
            let segments: Vec<Name> = path.segments.iter().map(|&id| world.view.name(file, id)).collect();
            let up_to = |at: usize| written(world, segments.get(..=at).unwrap_or_default());
            for (at, found) in &resolved.steps {
                inference.found.found(world, up_to(*at), found, path.line);
            }
            for &(at, def) in &resolved.members {
                inference.found.found(world, up_to(at), &Meaning::def(def), path.line);
            }
            if matches!(resolved.end, ResolvedEnd::Missing) {
                inference.found.add(written(world, &segments), Aim::Nothing, path.line);
            }
        }
        for body in &model.bodies {
            inference.body(body);
        }
    }
    names.settle(&mut references);
    declared_modules(world, file, &mut references);
    for &(target, by, line) in world.modules.embedded.iter().filter(|&&(_, by, _)| by == file) {
        debug_assert_eq!(by, file);
        references.add(format!("include {}", world.view.path(target)), Aim::Embedded(target), line);
    }
    references
}

/// `mod x;` uses the file that is `x`.
fn declared_modules(world: &RustWorld, file: File, references: &mut References) {
    for &mount in world.modules.mounts_of(file) {
        for declaration in &world.view.model(file).modules {
            let name = world.view.name(file, declaration.name);
            let region = world.modules.nearest(&world.view, mount, declaration.scope);
            for entry in region.map(|region| world.modules.entries(region, name)).unwrap_or_default() {
                if let RegionEntry::Module(module) = *entry {
                    let line = world.view.symbol(world.view.global(file, declaration.def)).start_line;
                    references.add(
                        format!("mod {}", world.view.text(name)),
                        Aim::Module(world.modules.file_of(module)),
                        line,
                    );
                }
            }
        }
    }
}

impl References {
    pub(super) fn found(&mut self, world: &RustWorld, written: String, found: &Meaning, line: u32) {
        self.via.extend(found.via.iter().copied());
        for &twin in &found.twins {
            self.target(world, written.clone(), twin, line);
        }
        self.target(world, written, found.target, line);
    }

    fn target(&mut self, world: &RustWorld, written: String, target: Target, line: u32) {
        match target {
            Target::Def(def) => self.add(written, Aim::Def(def), line),
            Target::Module(region) => {
                let entry = world.modules.region(region);
                match (entry.def, entry.parent) {
                    (Some(def), _) => self.add(written, Aim::Def(def), line),
                    (None, Some(_)) => self.add(written, Aim::Module(world.modules.file_of(region)), line),
                    // `crate` means another file in each target of a package; it is the name of one where there is but one.
                    (None, None) if world.crates[world.modules.crate_of(region)].is_alone => {
                        self.add(written, Aim::Module(world.modules.file_of(region)), line);
                    }
                    (None, None) => {}
                }
            }
            Target::External => {}
        }
    }
}

pub(super) fn written(world: &RustWorld, segments: &[Name]) -> String {
    let names: Vec<&str> = segments.iter().map(|&name| world.view.text(name)).collect();
    names.join("::")
}

fn add_file(
    world: &RustWorld,
    file: File,
    found: References,
    graph: &mut Graph,
    edges: &mut BTreeSet<Edge>,
    via: &mut BTreeSet<Edge>,
) {
    let dependent = world.view.path(file);
    let mut uses = Vec::new();
    for ((written, aim), line) in found.references {
        let Some(edge) = edge(world, aim, dependent) else {
            uses.push(Use {
                written,
                kind: SymbolKind::Unresolved,
                signature: None,
                defined_in: None,
                symbol: None,
                line,
            });
            continue;
        };
        if edge.source_file == *dependent {
            continue;
        }
        if let Aim::Def(def) = aim {
            let symbol = world.view.symbol(def);
            uses.push(Use {
                written,
                kind: symbol.kind,
                signature: Some(symbol.signature.clone()),
                defined_in: Some(edge.source_file.clone()),
                symbol: Some(symbol.name.clone()),
                line,
            });
        }
        edges.insert(edge);
    }
    for def in found.via {
        via.extend(edge(world, Aim::Def(def), dependent).filter(|edge| edge.source_file != *dependent));
    }
    if !uses.is_empty() {
        uses.sort();
        graph.uses.insert(dependent.clone(), uses);
    }
}

/// The edge to what is used; none for what does not exist.
fn edge(world: &RustWorld, aim: Aim, dependent: &FilePath) -> Option<Edge> {
    let (source, dependency_type, symbol_name) = match aim {
        Aim::Def(def) => {
            let symbol = world.view.symbol(def);
            (world.view.file_of(def), symbol.kind.dependency_type(), symbol.name.clone())
        }
        Aim::Module(file) => (file, DependencyType::Module, module_name(world, file)),
        Aim::Embedded(file) => (file, DependencyType::Module, world.view.path(file).to_string()),
        Aim::Nothing => return None,
    };
    let dependent_file = dependent.clone();
    Some(Edge { source_file: world.view.path(source).clone(), dependent_file, dependency_type, symbol_name })
}

/// Name by which a crate declares the file; as a crate's root it is `crate`.
fn module_name(world: &RustWorld, file: File) -> String {
    let named = |&mount: &u32| world.modules.region(world.modules.region_of(mount, 0)?).name;
    let name = world.modules.mounts_of(file).iter().find_map(named);
    name.map_or("crate", |name| world.view.text(name)).to_owned()
}
