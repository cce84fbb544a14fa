//! The answers of `impact` and `deps`.

use std::collections::BTreeSet;

use serde::Serialize;

use super::freshness::Freshness;
use super::links::{ImplementsView, shown_links};
use super::{PathText, shown};
use crate::domain::{Change, Edge, FilePath, FileRecord, ObjectId, Role, SkipReason};
use crate::impact::{ReachingTest, SymbolAt, ThroughInterface, UnusedExport};
use crate::outline::{language_of, role_of};
use crate::query::empty::not_indexed;
use crate::query::impact::{
    AskedAbout, ChangedSymbol, CheckFailure, FailOn, FileEdges, MayDepend, RangeImpact, failures,
};
use crate::repo::registry::Registered;

/// What a range of commits changes, and which files use what changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImpactView {
    pub repo: String,
    pub from: Option<String>,
    pub to: Option<String>,
    /// What is saved and not committed lies on top of `to`.
    pub worktree: bool,
    /// What was asked for in the place of a range: any change of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<AskedView>,
    pub changed: Vec<ChangedFile>,
    pub dependents: Vec<DependentFile>,
    /// Files that use an interface of which an implementation changed. Nothing that they use changed, so they are not analysed again;
    /// but what they call may do something else now.
    pub through_interfaces: Vec<ThroughView>,
    /// Files that use a changed file, but nothing of it that changed.
    pub cut_off: Vec<CutOffFile>,
    /// Files of tests that changed, that use a file that changed, or that reach a symbol that changed; the nearest first.
    pub tests: Vec<TestView>,
    /// Files that changed, or were asked for, and are left out of the index: what uses them is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_covered: Vec<LeftOutFile>,
    /// Files that load modules by computed names, and may be dependents, too.
    pub may_depend: Vec<MayDependView>,
    /// Why nothing changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_empty: Option<String>,
    /// It is worked out from the repository and the disk, so it is current, or about files whose users are not known.
    pub answer_freshness: Freshness,
    /// Whether the change passes the gate, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<CheckView>,
}

/// A file that is left out of the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOutFile {
    #[serde(flatten)]
    pub path: PathText,
    /// `generated`, `denied`, `huge`, ...
    pub because: &'static str,
}

impl LeftOutFile {
    /// In words.
    pub fn line(&self) -> String {
        format!("{} is skipped ({}): what uses it is not known", self.path, self.because)
    }
}

/// What was asked for: any change of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AskedView {
    pub files: Vec<PathText>,
    pub symbols: Vec<SymbolView>,
}

/// A symbol of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SymbolView {
    pub file: String,
    pub symbol: String,
}

impl From<&SymbolAt> for SymbolView {
    fn from((file, symbol): &SymbolAt) -> Self {
        Self { file: file.for_json().0, symbol: symbol.clone() }
    }
}

/// A symbol of a changed file, and how it changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SymbolChangeView {
    pub symbol: String,
    /// `added`, `removed`, `signature` (others see it), `body` (they do not).
    pub change: &'static str,
}

/// A file that reaches a change through an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ThroughView {
    #[serde(flatten)]
    pub path: PathText,
    /// The member of the interface that it uses.
    pub interface: SymbolView,
    /// What changed.
    pub implementation: SymbolView,
    /// It is the only implementation in the repository, files of tests apart.
    pub only: bool,
}

impl From<&ThroughInterface> for ThroughView {
    fn from(one: &ThroughInterface) -> Self {
        Self {
            path: (&one.caller).into(),
            interface: (&one.interface).into(),
            implementation: (&one.implementation).into(),
            only: one.is_only,
        }
    }
}

/// A file with tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestView {
    #[serde(flatten)]
    pub path: PathText,
    /// The tests that reach what changed; none: the file as a whole does, or it only uses a changed file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<String>,
    /// What they reach.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reaches: Vec<SymbolView>,
    /// Files on the shortest way there: 0 is the changed file itself, 1 one that uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance: Option<u32>,
    /// The file through which the shortest way leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
}

impl TestView {
    fn reaching(test: &ReachingTest) -> Self {
        Self {
            path: (&test.file).into(),
            tests: test.tests.clone(),
            reaches: test.reaches.iter().map(SymbolView::from).collect(),
            distance: Some(test.distance),
            through: test.through.as_ref().map(|file| file.for_json().0),
        }
    }

    fn concerned(file: &FilePath) -> Self {
        Self { path: file.into(), tests: Vec::new(), reaches: Vec::new(), distance: None, through: None }
    }
}

/// What a gate says of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckView {
    pub fail_on: Vec<&'static str>,
    pub failed: bool,
    pub failures: Vec<FailureView>,
    /// Files that still have both sides of a merge. What they change is not known, so the change does not pass.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_conflict: Vec<PathText>,
}

/// One reason to refuse a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailureView {
    pub on: &'static str,
    #[serde(flatten)]
    pub path: PathText,
    pub symbol: SymbolView,
}

impl CheckView {
    pub fn new(fail_on: &BTreeSet<FailOn>, found: &RangeImpact) -> Self {
        let failures = failures(found, fail_on);
        let failure = |one: &CheckFailure| FailureView {
            on: one.on.as_str(),
            path: (&one.file).into(),
            symbol: (&one.symbol).into(),
        };
        Self {
            fail_on: fail_on.iter().map(|one| one.as_str()).collect(),
            failed: !failures.is_empty() || !found.in_conflict.is_empty(),
            failures: failures.iter().map(failure).collect(),
            in_conflict: found.in_conflict.iter().map(PathText::from).collect(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedFile {
    #[serde(flatten)]
    pub path: PathText,
    pub change: &'static str,
    /// Where a renamed file was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_path: Option<String>,
    /// Its symbols that changed; of a removed file those that it had.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub symbols: Vec<SymbolChangeView>,
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
        Self {
            repo: shown(&repo.location.path),
            from: id(&found.from.commit),
            to: id(&found.to.commit),
            worktree: found.worktree,
            asked: found.asked.as_ref().map(AskedView::from),
            changed: found.changes.iter().map(|change| ChangedFile::new(change, &found.changed_symbols)).collect(),
            dependents: dependents.collect(),
            through_interfaces: found.through_interfaces.iter().map(ThroughView::from).collect(),
            cut_off: cut_off.map(|(path, file)| CutOffFile { path: path.into(), file: file.for_json().0 }).collect(),
            tests: tests(found),
            not_covered: found.left_out.iter().map(left_out).collect(),
            may_depend: found.may_depend.iter().map(MayDependView::from).collect(),
            why_empty: (found.changes.is_empty() && found.asked.is_none()).then(|| why_empty(found).to_owned()),
            answer_freshness: freshness(found),
            check: None,
        }
    }
}

fn freshness(found: &RangeImpact) -> Freshness {
    if let Some(path) = found.in_conflict.first() {
        return Freshness::NotCovered { because: format!("{path} is in conflict: it still has both sides of a merge") };
    }
    let asked = found.asked.iter().flat_map(|asked| &asked.files);
    let files: BTreeSet<&FilePath> = found.changes.iter().map(Change::path).chain(asked).collect();
    let is_known = |path: &FilePath| language_of(path).has_dependents() && !found.left_out.contains_key(path);
    match files.first().filter(|_| !files.iter().any(|&path| is_known(path))) {
        Some(path) => {
            let because = match found.left_out.get(*path) {
                Some(reason) => format!("{path}: {reason}"),
                None => format!("{path}: what uses files in {} is not known", language_of(path)),
            };
            Freshness::NotCovered { because }
        }
        None => Freshness::Current,
    }
}

fn left_out((path, reason): (&FilePath, &SkipReason)) -> LeftOutFile {
    LeftOutFile { path: path.into(), because: reason.as_str() }
}

fn why_empty(found: &RangeImpact) -> &'static str {
    match &found.to.commit {
        Some(_) if found.worktree => "the work tree has what the commit has",
        Some(_) => "the two commits have the same files",
        None => "the repository has no commit yet",
    }
}

/// The files of tests: those that reach what changed, then others that changed or use a changed file.
fn tests(found: &RangeImpact) -> Vec<TestView> {
    let Some(reaching) = &found.tests else { return Vec::new() };
    let concerned = found.changes.iter().filter(|change| !matches!(change, Change::Deletion { .. }));
    let concerned = concerned.map(Change::path).chain(found.impact.dependents.keys());
    let concerned = concerned.chain(found.impact.cut_off.iter().map(|(path, _)| path));
    let concerned: BTreeSet<&FilePath> = concerned.filter(|path| role_of(path) == Role::Test).collect();
    let known: BTreeSet<&FilePath> = reaching.iter().map(|test| &test.file).collect();
    let others = concerned.difference(&known).map(|file| TestView::concerned(file));
    reaching.iter().map(TestView::reaching).chain(others).collect()
}

impl From<&AskedAbout> for AskedView {
    fn from(asked: &AskedAbout) -> Self {
        Self {
            files: asked.files.iter().map(PathText::from).collect(),
            symbols: asked.symbols.iter().map(SymbolView::from).collect(),
        }
    }
}

impl ChangedFile {
    fn new(change: &Change, symbols: &[ChangedSymbol]) -> Self {
        let from_path = match change {
            Change::Rename { from, .. } => Some(from.for_json().0),
            _ => None,
        };
        let paths: Vec<&FilePath> = change.paths().collect();
        let own = symbols.iter().filter(|one| paths.contains(&&one.file));
        let own = own.map(|one| SymbolChangeView { symbol: one.symbol.clone(), change: one.how.as_str() });
        Self { path: change.path().into(), change: change.as_str(), from_path, symbols: own.collect() }
    }
}

/// Which files use which symbols of which files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DepsView {
    pub repo: String,
    pub edges: Vec<EdgeView>,
    /// Which class implements which interface; no edges, for neither has to name the other.
    pub implements: Vec<ImplementsView>,
    /// What reading does not show: the files may depend on more than their edges say.
    pub may_depend: Vec<MayDependView>,
    /// Exported names that no other file uses; there if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unused_exports: Option<Vec<UnusedExportView>>,
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

/// A name that a file exports and no other file uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnusedExportView {
    #[serde(flatten)]
    pub path: PathText,
    pub line: u32,
    pub name: String,
    /// The file itself uses it: only the export is too much.
    pub used_here: bool,
}

impl From<&UnusedExport> for UnusedExportView {
    fn from(one: &UnusedExport) -> Self {
        Self { path: (&one.file).into(), line: one.line, name: one.name.clone(), used_here: one.is_used_here }
    }
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
        let FileEdges { file, edges, implements, all_links } = found;
        let why = || match (&repo.reconciled_at, file) {
            (None, _) => not_indexed(repo),
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
            implements: shown_links(implements, all_links),
            may_depend: may_depend.iter().map(MayDependView::from).collect(),
            unused_exports: None,
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
