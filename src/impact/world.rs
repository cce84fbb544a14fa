//! All files of a view with one resolver a family of languages, each over its own files: a change in one family never has another
//! resolve anything again.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::{Edge, FilePath, Implements};
use crate::language::resolve::{Family, Graph, Reach, Resolver, UnusedExport};
use crate::language::stored::StoredOutline;
use crate::language::{self, Outline};

/// All files of a view, ready to be asked what they use of each other. What an edit costs does not grow with their number.
pub struct World {
    resolvers: Vec<(&'static Family, Box<dyn Resolver>)>,
    /// The files that some family sees.
    files: BTreeSet<FilePath>,
    /// Stands for the outlines that a family does not see.
    silence: Arc<Outline>,
}

/// Versions of the rules by which names are resolved: a change of any has all files resolved again.
pub fn versions() -> impl Iterator<Item = u32> {
    language::families().into_iter().map(|family| family.version)
}

impl World {
    pub fn new<'a, O: Into<StoredOutline>>(files: impl IntoIterator<Item = (&'a FilePath, O)>) -> Self {
        let files: Vec<(&FilePath, StoredOutline)> =
            files.into_iter().map(|(path, outline)| (path, outline.into())).collect();
        let resolver = |family: &'static Family| {
            let seen = |(path, outline): &(&'a FilePath, StoredOutline)| {
                (*path, if family.reads(path) { outline.clone() } else { StoredOutline::default() })
            };
            let own: Vec<_> = files.iter().map(seen).collect();
            (family, (family.resolver)(&own))
        };
        let resolvers = language::families().into_iter().map(resolver).collect();
        let seen = files.iter().map(|(path, _)| *path).filter(|path| language::of(path).has_dependents());
        Self { resolvers, files: seen.cloned().collect(), silence: Arc::default() }
    }

    /// Gives back memory that only the last questions needed.
    pub fn rest(&mut self) {
        self.resolvers.iter_mut().for_each(|(_, resolver)| resolver.rest());
    }

    /// What all files use.
    pub fn graph(&self) -> Graph {
        self.uses(None)
    }

    /// What some files use. Files that the view does not have use nothing.
    pub fn graph_of(&self, files: &BTreeSet<FilePath>) -> Graph {
        self.uses(Some(files))
    }

    fn uses(&self, files: Option<&BTreeSet<FilePath>>) -> Graph {
        let mut graph = Graph::default();
        self.resolvers.iter().for_each(|(_, resolver)| graph.join(resolver.uses(files)));
        graph
    }

    /// The links from interfaces to implementations that some files make, or all; sorted, without repetitions.
    pub fn implements(&self, files: Option<&BTreeSet<FilePath>>) -> Vec<Implements> {
        let mut links: Vec<Implements> =
            self.resolvers.iter().flat_map(|(_, resolver)| resolver.implements(files)).collect();
        links.sort();
        links
    }

    /// Exported names that no other file uses, in the order of paths and lines.
    pub fn unused_exports(&self, edges: &[Edge]) -> Vec<UnusedExport> {
        let mut all: Vec<UnusedExport> =
            self.resolvers.iter().flat_map(|(_, resolver)| resolver.unused_exports(edges)).collect();
        all.sort();
        all
    }

    /// Takes in what some files say now, be they new, and returns whom that can reach; `None`: any file.
    pub fn edit(&mut self, edits: &[(FilePath, Arc<Outline>)]) -> Option<Reach> {
        self.follow(edits, &BTreeSet::new())
    }

    /// The same where some files are gone, too.
    pub fn follow(&mut self, edits: &[(FilePath, Arc<Outline>)], gone: &BTreeSet<FilePath>) -> Option<Reach> {
        let silence = &self.silence;
        let reach_in = |(family, resolver): &mut (&'static Family, Box<dyn Resolver>)| {
            let own =
                |(path, outline): &(FilePath, Arc<Outline>)| (path.clone(), seen_by(family, path, outline, silence));
            (*family, resolver.edit(&edits.iter().map(own).collect::<Vec<_>>(), gone))
        };
        // Every resolver takes the edits in, whatever another one says.
        let reached = self.resolvers.iter_mut().map(reach_in).collect();
        let seen = edits.iter().map(|(path, _)| path).filter(|path| language::of(path).has_dependents());
        self.files.extend(seen.cloned());
        for path in gone {
            self.files.remove(path);
        }
        self.joined(reached)
    }

    /// What all families say together. A family that may have to resolve any file means its own.
    fn joined(&self, reached: Vec<(&'static Family, Option<Reach>)>) -> Option<Reach> {
        let mut all = Reach::default();
        let mut is_everything = false;
        for (family, reach) in reached {
            all = all.join(reach.unwrap_or_else(|| {
                let own: BTreeSet<FilePath> = self.files.iter().filter(|path| family.sees(path)).cloned().collect();
                is_everything |= own.len() == self.files.len() && !own.is_empty();
                Reach { files: own, users_of: BTreeSet::new() }
            }));
        }
        (!is_everything).then_some(all)
    }
}

fn seen_by(family: &'static Family, path: &FilePath, outline: &Arc<Outline>, silence: &Arc<Outline>) -> Arc<Outline> {
    Arc::clone(if family.reads(path) { outline } else { silence })
}
