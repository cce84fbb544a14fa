//! The answers of `impact` and `deps`.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{PathText, shown};
use crate::domain::{Change, Edge, FilePath, FileRecord, ObjectId, Role};
use crate::outline::role_of;
use crate::query::impact::{FileEdges, MayDepend, RangeImpact};
use crate::repo::registry::Registered;

/// What a range of commits changes, and which files use what changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImpactView {
    pub repo: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub changed: Vec<ChangedFile>,
    pub dependents: Vec<DependentFile>,
    /// Files that use a changed file, but nothing of it that changed.
    pub cut_off: Vec<CutOffFile>,
    /// Files of tests among all of these: they changed, or use a file that changed.
    pub tests: Vec<PathText>,
    /// Files that load modules by computed names, and may be dependents, too.
    pub may_depend: Vec<MayDependView>,
    /// Why nothing changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_empty: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedFile {
    #[serde(flatten)]
    pub path: PathText,
    pub change: &'static str,
    /// Where a renamed file was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_path: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DependentFile {
    #[serde(flatten)]
    pub path: PathText,
    pub because: Vec<UsedChange>,
}

/// A changed symbol that a dependent uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsedChange {
    pub file: String,
    pub symbol: String,
    pub dependency_type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CutOffFile {
    #[serde(flatten)]
    pub path: PathText,
    /// The changed file that it uses.
    pub file: String,
}

impl ImpactView {
    pub fn new(repo: &Registered, found: &RangeImpact) -> Self {
        let id = |id: &Option<ObjectId>| id.as_ref().map(ToString::to_string);
        let dependents = found.impact.dependents.iter().map(|(path, because)| {
            let because = because.iter().map(|cause| UsedChange {
                file: cause.file.for_json().0,
                symbol: cause.symbol.clone(),
                dependency_type: cause.dependency_type.as_str(),
            });
            DependentFile { path: path.into(), because: because.collect() }
        });
        let cut_off = found.impact.cut_off.iter();
        let concerned = found.changes.iter().filter(|change| !matches!(change, Change::Deletion { .. }));
        let concerned = concerned.map(Change::path).chain(found.impact.dependents.keys());
        let concerned = concerned.chain(found.impact.cut_off.iter().map(|(path, _)| path));
        let tests: BTreeSet<&FilePath> = concerned.filter(|path| role_of(path) == Role::Test).collect();
        Self {
            repo: shown(&repo.location.path),
            from: id(&found.from.commit),
            to: id(&found.to.commit),
            changed: found.changes.iter().map(ChangedFile::from).collect(),
            dependents: dependents.collect(),
            cut_off: cut_off.map(|(path, file)| CutOffFile { path: path.into(), file: file.for_json().0 }).collect(),
            tests: tests.into_iter().map(PathText::from).collect(),
            may_depend: found.may_depend.iter().map(MayDependView::from).collect(),
            why_empty: found.changes.is_empty().then(|| match &found.to.commit {
                Some(_) => "the two commits have the same files".to_owned(),
                None => "the repository has no commit yet".to_owned(),
            }),
        }
    }
}

impl From<&Change> for ChangedFile {
    fn from(change: &Change) -> Self {
        let from_path = match change {
            Change::Rename { from, .. } => Some(from.for_json().0),
            _ => None,
        };
        Self { path: change.path().into(), change: change.as_str(), from_path }
    }
}

/// Which files use which symbols of which files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DepsView {
    pub repo: String,
    pub edges: Vec<EdgeView>,
    /// What reading does not show: the files may depend on more than their edges say.
    pub may_depend: Vec<MayDependView>,
    /// Why there are no edges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_empty: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EdgeView {
    pub source_file: String,
    pub dependent_file: String,
    pub dependency_type: &'static str,
    pub symbol_name: String,
}

/// A place at which a file may depend on something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MayDependView {
    #[serde(flatten)]
    pub path: PathText,
    pub line: u32,
    /// As written: `importlib.import_module(name)`.
    pub written: String,
    /// Always `low`: it is not known what it leads to.
    pub confidence: &'static str,
}

impl From<&MayDepend> for MayDependView {
    fn from(one: &MayDepend) -> Self {
        Self { path: (&one.file).into(), line: one.line, written: one.written.clone(), confidence: "low" }
    }
}

impl DepsView {
    pub fn new(repo: &Registered, found: &FileEdges, may_depend: &[MayDepend]) -> Self {
        let FileEdges { file, edges } = found;
        let why = || match (&repo.indexed_commit, file) {
            (None, _) => "the repository is not indexed yet; `ra-agent wait` waits until it is".to_owned(),
            (Some(_), Some(FileRecord { path, skip: Some(reason), .. })) => {
                format!("{path} is skipped ({reason}), so nothing is known of what it uses")
            }
            (Some(_), Some(FileRecord { path, language, .. })) if !language.has_dependents() => {
                format!("{path} is {language}: what such files use is not known")
            }
            (Some(_), Some(FileRecord { path, .. })) => {
                format!("{path} uses no file of this repository, and no file uses it")
            }
            (Some(_), None) => "no file of this repository uses another one".to_owned(),
        };
        Self {
            repo: shown(&repo.location.path),
            edges: edges.iter().map(EdgeView::from).collect(),
            may_depend: may_depend.iter().map(MayDependView::from).collect(),
            why_empty: edges.is_empty().then(why),
        }
    }
}

impl From<&Edge> for EdgeView {
    fn from(edge: &Edge) -> Self {
        Self {
            source_file: edge.source_file.for_json().0,
            dependent_file: edge.dependent_file.for_json().0,
            dependency_type: edge.dependency_type.as_str(),
            symbol_name: edge.symbol_name.clone(),
        }
    }
}
