//! The answer of `report`.

use std::collections::HashMap;

use serde::Serialize;

use super::impact::SymbolView;
use super::{PathText, shown};
use crate::analyzer::Severity;
use crate::domain::FilePath;
use crate::query::report::{
    CommitReport, FailOnNew, FindingRule, FoundBy, NotLooked, PlacedFinding, RangeReport, rule,
};
use crate::repo::Head;
use crate::repo::registry::Registered;

/// What is found between two commits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportView {
    pub repo: String,
    /// The commit that is compared with; `None`: the beginning of the history.
    pub from: Option<String>,
    pub to: Option<String>,
    /// Files at the end of the range.
    pub files: usize,
    pub counts: ListCounts,
    /// Found at the end of the range and not at its beginning, the worst first.
    pub new: Vec<FindingView>,
    /// Found at its beginning and not at its end; each is where it was.
    pub fixed: Vec<FindingView>,
    pub still_there: Vec<FindingView>,
    /// Findings of a model in files of which its answer is stored at one end alone: neither new nor fixed.
    pub one_sided: Vec<FindingView>,
    /// What each commit brought and removed, along first parents, the oldest first.
    pub commits: Vec<CommitFindings>,
    /// Older commits of the range, which were not compared one by one.
    pub commits_left_out: usize,
    /// The clone is shallow and lacks commits of the range.
    pub is_cut: bool,
    /// The rules of everything above.
    pub rules: Vec<RuleView>,
    /// The questions that this machine's analyzer answers of this repository.
    pub questions: Vec<&'static str>,
    /// The model whose stored answers count; `None`: none is set up.
    pub model: Option<String>,
    /// Files that were not looked at, by the reason.
    pub not_looked_at: Vec<NotLookedView>,
    /// Contents of files whose findings were stored.
    pub stored: usize,
    /// Contents that were analysed for this answer.
    pub made: usize,
    /// Why nothing is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_empty: Option<String>,
    /// Whether the range passes the gate, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<ReportCheckView>,
}

/// How many findings each list has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ListCounts {
    pub new: SeverityCounts,
    pub fixed: SeverityCounts,
    pub still_there: SeverityCounts,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SeverityCounts {
    pub error: usize,
    pub warning: usize,
    pub info: usize,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingView {
    /// Names this finding alone, as long as its file has its path.
    pub fingerprint: String,
    /// The same for the same finding in every file.
    pub identity: String,
    pub kind: &'static str,
    pub severity: &'static str,
    #[serde(flatten)]
    pub path: PathText,
    /// Where the file was at the other end, if it moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_path: Option<String>,
    pub start_line: u32,
    pub end_line: u32,
    /// The item it is in; none: the file itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    pub message: String,
    /// `local`, or the model.
    pub by: String,
    /// What it was at the other end, if it is worse or less bad now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity_before: Option<&'static str>,
    /// It is where it was at the beginning.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub at_beginning: bool,
    /// What the file uses and the commit changed, if the commit did not change the file itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<SymbolView>,
    #[serde(skip)]
    bytes: Vec<u8>,
}

impl FindingView {
    /// The path as Git has it.
    pub fn raw_path(&self) -> FilePath {
        FilePath::new(self.bytes.clone())
    }

    /// Whether it is more than mere information.
    pub fn is_shown(&self) -> bool {
        self.severity != Severity::Info.as_str()
    }
}

/// What one commit brought and removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommitFindings {
    pub commit: String,
    pub subject: String,
    pub author: String,
    pub committed_at: String,
    /// It has several parents, and is compared with the first: what it brought, its branches did.
    pub is_merge: bool,
    pub introduced: Vec<FindingView>,
    pub removed: Vec<FindingView>,
}

/// A rule, for readers who do not know its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RuleView {
    pub kind: &'static str,
    pub title: &'static str,
    pub help: &'static str,
}

/// Files that were not looked at for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotLookedView {
    pub because: &'static str,
    /// The question that the model has not answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<&'static str>,
    pub files: Vec<PathText>,
}

/// What the gate says of a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportCheckView {
    pub fail_on: &'static str,
    pub failed: bool,
    /// Fingerprints of the findings that are refused.
    pub refused: Vec<String>,
}

impl ReportView {
    pub fn new(repo: &Registered, report: &RangeReport, fail_on: Option<FailOnNew>) -> Self {
        let id = |head: &Head| head.commit.as_ref().map(ToString::to_string);
        let views = Views { model: report.model.as_deref().unwrap_or_default() };
        let is_empty = report.new.is_empty() && report.fixed.is_empty() && report.still_there.is_empty();
        Self {
            repo: shown(&repo.location.path),
            from: id(&report.from),
            to: id(&report.to),
            files: report.files,
            counts: ListCounts {
                new: count(&report.new),
                fixed: count(&report.fixed),
                still_there: count(&report.still_there),
            },
            new: views.all(&report.new),
            fixed: views.all(&report.fixed),
            still_there: views.all(&report.still_there),
            one_sided: views.all(&report.one_sided),
            commits: report.commits.iter().map(|commit| views.commit(commit)).collect(),
            commits_left_out: report.commits_left_out,
            is_cut: report.is_cut,
            rules: rules(report),
            questions: report.questions.iter().map(|question| question.as_str()).collect(),
            model: report.model.clone(),
            not_looked_at: report.not_looked.iter().map(|(why, files)| not_looked(*why, files)).collect(),
            stored: report.stored,
            made: report.made,
            why_empty: is_empty.then(|| why_empty(report)),
            check: fail_on.map(|fail_on| check(fail_on, report)),
        }
    }
}

/// How findings are shown.
struct Views<'a> {
    model: &'a str,
}

impl Views<'_> {
    fn all(&self, list: &[PlacedFinding]) -> Vec<FindingView> {
        list.iter().map(|one| self.one(one)).collect()
    }

    fn one(&self, one: &PlacedFinding) -> FindingView {
        let finding = &one.finding;
        FindingView {
            fingerprint: finding.fingerprint(&one.path).to_string(),
            identity: finding.identity().to_string(),
            kind: finding.kind,
            severity: finding.severity.as_str(),
            path: (&one.path).into(),
            from_path: one.from.as_ref().map(|from| from.for_json().0),
            start_line: finding.start_line.max(1),
            end_line: finding.end_line.max(finding.start_line).max(1),
            item: finding.item.clone(),
            message: finding.message.clone(),
            by: match finding.by {
                FoundBy::Local => "local".to_owned(),
                FoundBy::Model(_) => self.model.to_owned(),
            },
            severity_before: one.severity_before.map(Severity::as_str),
            at_beginning: one.at_beginning,
            because: one.because.iter().map(SymbolView::from).collect(),
            bytes: one.path.as_bytes().to_vec(),
        }
    }

    fn commit(&self, report: &CommitReport) -> CommitFindings {
        CommitFindings {
            commit: report.commit.id.to_string(),
            subject: report.commit.subject.clone(),
            author: report.commit.author.clone(),
            committed_at: report.commit.committed_at.to_rfc3339(),
            is_merge: report.commit.parents.len() > 1,
            introduced: self.all(&report.introduced),
            removed: self.all(&report.removed),
        }
    }
}

fn count(list: &[PlacedFinding]) -> SeverityCounts {
    let of = |severity| list.iter().filter(|one| one.finding.severity == severity).count();
    SeverityCounts { error: of(Severity::Error), warning: of(Severity::Warning), info: of(Severity::Info) }
}

impl SeverityCounts {
    pub const fn total(self) -> usize {
        self.error + self.warning + self.info
    }
}

/// The rules that anything in a report is of, by their names.
fn rules(report: &RangeReport) -> Vec<RuleView> {
    let of_commits = report.commits.iter().flat_map(|commit| commit.introduced.iter().chain(&commit.removed));
    let lists = [&report.new, &report.fixed, &report.still_there, &report.one_sided];
    let all = lists.into_iter().flatten().chain(of_commits);
    let mut used: HashMap<&'static str, RuleView> = HashMap::new();
    for one in all {
        used.entry(one.finding.kind).or_insert_with(|| {
            let FindingRule { id, title, help } = rule(one.finding.kind);
            RuleView { kind: id, title, help }
        });
    }
    let mut rules: Vec<RuleView> = used.into_values().collect();
    rules.sort_by_key(|rule| rule.kind);
    rules
}

fn not_looked(why: NotLooked, files: &[FilePath]) -> NotLookedView {
    let question = match why {
        NotLooked::Unanswered(question) => Some(question.as_str()),
        NotLooked::Quarantined | NotLooked::Unreadable | NotLooked::Failed => None,
    };
    NotLookedView { because: why.as_str(), question, files: files.iter().map(PathText::from).collect() }
}

fn why_empty(report: &RangeReport) -> String {
    match &report.to.commit {
        None => "the repository has no commit yet".to_owned(),
        Some(_) => format!("nothing is found in {} file(s)", report.files),
    }
}

fn check(fail_on: FailOnNew, report: &RangeReport) -> ReportCheckView {
    let refused = fail_on.refused(report);
    ReportCheckView {
        fail_on: fail_on.as_str(),
        failed: !refused.is_empty(),
        refused: refused.iter().map(|one| one.finding.fingerprint(&one.path).to_string()).collect(),
    }
}
