//! `impact`, `deps`.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::output::{add_freshness, print, print_json};
use super::values::fail_on;
use super::{Context, Failure};
use crate::domain::FilePath;
use crate::query::impact::{FailOn, ImpactQuestion, Subject, edges, may_depend, of, unused_exports};
use crate::query::view::for_terminal;
use crate::query::view::impact::{
    CheckView, DepsView, ImpactView, MayDependView, TestView, ThroughView, UnusedExportView,
};
use crate::query::view::links::ImplementsView;
use crate::query::view::plain::visible;
use crate::query::{Reader, canonical};

/// Files and tests that are listed for people; `--json` lists all.
const LISTED: usize = 30;
const NAMES_LISTED: usize = 4;

#[derive(clap::Args)]
pub struct ImpactOptions {
    /// What is saved and not committed, too; without a range: that alone
    #[arg(long)]
    pub worktree: bool,
    /// Instead of a range: any change of this file. Can be repeated
    #[arg(long, value_name = "PATH", conflicts_with_all = ["range", "symbol"])]
    pub file: Vec<PathBuf>,
    /// Instead of a range: any change of this symbol, e.g. `load`, `Config::load`, `src/config.rs:load`
    #[arg(long, value_name = "NAME", conflicts_with = "range")]
    pub symbol: Option<String>,
    /// Do not look for tests
    #[arg(long)]
    pub no_tests: bool,
    /// Exit with 6 if the change does not pass, e.g. in CI (`ra-agent help impact`)
    #[arg(long)]
    pub check: bool,
    /// What does not pass: callers-outside (the default), untested
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = fail_on, requires = "check")]
    pub fail_on: Vec<FailOn>,
}

/// Shows what a change touches, and whether it passes the gate.
pub fn impact(
    context: &Context,
    repo: &Path,
    range: Option<String>,
    options: ImpactOptions,
    json: bool,
) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let repo = reader.repo_or_clone(&repo)?;
    let fail_on: BTreeSet<FailOn> = match options.fail_on.is_empty() {
        true => BTreeSet::from([FailOn::CallersOutside]),
        false => options.fail_on.iter().copied().collect(),
    };
    let question = ImpactQuestion {
        of: subject(range, &options, &repo.location.path),
        worktree: options.worktree,
        tests: !options.no_tests || options.check && fail_on.contains(&FailOn::Untested),
    };
    let found = of(&reader, &repo, &question)?;
    let mut view = ImpactView::new(&repo, &found);
    view.check = options.check.then(|| CheckView::new(&fail_on, &found));
    let printed = if json { print_json(&view) } else { print(&describe(&view)) };
    printed?;
    match view.check {
        Some(check) if check.failed => Err(Failure::Refused(refusal(&check))),
        _ => Ok(()),
    }
}

fn subject(range: Option<String>, options: &ImpactOptions, top: &Path) -> Subject {
    if !options.file.is_empty() {
        return Subject::Files(options.file.iter().map(|file| relative(file, top)).collect());
    }
    let Some(symbol) = &options.symbol else { return Subject::Range(range) };
    // `src/config.rs:load`, but `Config::load` and `load` name no file.
    match symbol.rsplit_once(':') {
        Some((file, name)) if !file.ends_with(':') && file.contains(['.', '/']) => {
            Subject::Symbol { file: Some(relative(Path::new(file), top)), name: name.to_owned() }
        }
        _ => Subject::Symbol { file: None, name: symbol.clone() },
    }
}

/// One line; the list stands in the answer.
fn refusal(check: &CheckView) -> String {
    let number = check.failures.len() + check.in_conflict.len();
    format!("{number} reason(s) to refuse this change ({}); they are listed in the answer", check.fail_on.join(", "))
}

fn describe(view: &ImpactView) -> String {
    let mut out = String::new();
    match &view.asked {
        Some(asked) => {
            out.push_str(&format!("any change of {} symbol(s)\n", asked.symbols.len()));
            let symbols =
                asked.symbols.iter().map(|one| format!("{} of {}", visible(&one.symbol), for_terminal(&one.file)));
            list(&mut out, symbols);
        }
        None => describe_changes(&mut out, view),
    }
    out.push_str(&format!("{} dependent(s) to analyse again\n", view.dependents.len()));
    for dependent in &view.dependents {
        out.push_str(&format!("  {}\n", dependent.path));
        for cause in &dependent.because {
            let (symbol, file) = (visible(&cause.symbol), for_terminal(&cause.file));
            out.push_str(&format!("      uses {symbol} of {file} ({})\n", cause.dependency_type));
        }
    }
    if !view.through_interfaces.is_empty() {
        out.push_str(&format!("{} through the interface: not analysed again\n", view.through_interfaces.len()));
    }
    list(&mut out, view.through_interfaces.iter().map(through_line));
    if view.asked.is_none() {
        out.push_str(&format!("{} cut off: what they use has not changed\n", view.cut_off.len()));
    }
    for cut in &view.cut_off {
        out.push_str(&format!("  {} (uses {})\n", cut.path, for_terminal(&cut.file)));
    }
    if !view.tests.is_empty() {
        out.push_str(&format!("{} file(s) of tests use what changed\n", view.tests.len()));
    }
    list(&mut out, view.tests.iter().map(test_line));
    out.extend(view.may_depend.iter().map(may_depend_line));
    out.extend(view.not_covered.iter().map(|one| format!("{}\n", one.line())));
    add_freshness(Some(&view.answer_freshness), &mut out);
    if let Some(check) = &view.check {
        describe_check(&mut out, check);
    }
    out
}

fn describe_changes(out: &mut String, view: &ImpactView) {
    let on_top = if view.worktree { ", the work tree included" } else { "" };
    out.push_str(&format!("{} file(s) changed{on_top}", view.changed.len()));
    out.push_str(&view.why_empty.as_ref().map_or_else(|| "\n".to_owned(), |why| format!(": {why}\n")));
    for file in &view.changed {
        match &file.from_path {
            Some(from) => out.push_str(&format!("  {:<13} {} -> {}\n", file.change, for_terminal(from), file.path)),
            None => out.push_str(&format!("  {:<13} {}\n", file.change, file.path)),
        }
        for kind in ["added", "removed", "signature", "body"] {
            let names = file.symbols.iter().filter(|one| one.change == kind).map(|one| one.symbol.as_str());
            let names: Vec<&str> = names.collect();
            if !names.is_empty() {
                out.push_str(&format!("      {kind}: {}\n", shortened(&names)));
            }
        }
    }
}

fn describe_check(out: &mut String, check: &CheckView) {
    let result = if check.failed { "does not pass" } else { "passes" };
    out.push_str(&format!("check ({}): {result}\n", check.fail_on.join(", ")));
    let in_conflict = check.in_conflict.iter();
    list(out, in_conflict.map(|path| format!("{path} is in conflict: what it changes is not known")));
    list(
        out,
        check.failures.iter().map(|one| {
            let (symbol, file) = (visible(&one.symbol.symbol), for_terminal(&one.symbol.file));
            match one.on {
                "untested" => format!("{file}: no test reaches {symbol}"),
                _ => format!("{} is outside the change and uses {symbol} of {file}", one.path),
            }
        }),
    );
}

/// Indented lines, the first ones.
fn list(out: &mut String, lines: impl ExactSizeIterator<Item = String>) {
    let more = lines.len().saturating_sub(LISTED);
    lines.take(LISTED).for_each(|line| out.push_str(&format!("  {line}\n")));
    if more > 0 {
        out.push_str(&format!("  and {more} more\n"));
    }
}

/// Names in one line, the first ones.
fn shortened(names: &[&str]) -> String {
    match names.len().saturating_sub(NAMES_LISTED) {
        0 => visible(&names.join(", ")),
        more => format!("{} and {more} more", visible(&names[..NAMES_LISTED].join(", "))),
    }
}

fn through_line(one: &ThroughView) -> String {
    let (interface, of) = (visible(&one.interface.symbol), for_terminal(&one.interface.file));
    let (implementation, by) = (visible(&one.implementation.symbol), for_terminal(&one.implementation.file));
    let only = if one.only { ", its only implementation" } else { "" };
    format!("{} uses {interface} of {of}; {implementation} of {by} changed{only}", one.path)
}

fn test_line(test: &TestView) -> String {
    let names: Vec<&str> = test.tests.iter().map(String::as_str).collect();
    let of_tests = if names.is_empty() { String::new() } else { format!(": {}", shortened(&names)) };
    let reached: Vec<&str> = test.reaches.iter().map(|one| one.symbol.as_str()).collect();
    let reaches = if reached.is_empty() { String::new() } else { format!(" (reaches {})", shortened(&reached)) };
    let through = test.through.as_ref().map(|file| format!(" through {}", for_terminal(file))).unwrap_or_default();
    format!("{}{of_tests}{reaches}{through}", test.path)
}

/// Shows the edges of a repository, or of one file; `unused`: what it exports in vain, too.
pub fn deps(context: &Context, repo: &Path, file: Option<&Path>, unused: bool, json: bool) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let repo = reader.repo(&repo)?;
    let file = file.map(|file| relative(file, &repo.location.path));
    let edges = edges(&reader, &repo, file.as_ref())?;
    let may = may_depend(&reader, &repo, file.as_ref())?;
    let mut view = DepsView::new(&repo, &edges, &may);
    if unused {
        let unused = unused_exports(&reader, &repo, file.as_ref())?;
        view.unused_exports = Some(unused.iter().map(UnusedExportView::from).collect());
    }
    if json { print_json(&view) } else { print(&describe_deps(&view)) }
}

fn describe_deps(view: &DepsView) -> String {
    if let Some(unused) = &view.unused_exports {
        let none = unused.is_empty().then(|| "no exported name is unused, as far as that is certain\n".to_owned());
        return unused.iter().map(unused_line).chain(none).collect();
    }
    let edge = view.edges.iter().map(|edge| {
        let (user, used) = (for_terminal(&edge.dependent_file), for_terminal(&edge.source_file));
        format!("{user} uses {} of {used} ({})\n", visible(&edge.symbol_name), edge.dependency_type)
    });
    let why = view.why_empty.iter().map(|why| format!("{why}\n"));
    let link = view.implements.iter().map(|link| format!("{}\n", implements_line(link)));
    edge.chain(why).chain(link).chain(view.may_depend.iter().map(may_depend_line)).collect()
}

/// A link, as `deps` and `show` tell it.
pub(super) fn implements_line(link: &ImplementsView) -> String {
    let (by, of) = (for_terminal(&link.implementation_file), for_terminal(&link.interface_file));
    let only = if link.only { " (its only implementation)" } else { "" };
    format!("{} of {by} implements {} of {of}{only}", visible(&link.implementation), visible(&link.interface))
}

fn unused_line(one: &UnusedExportView) -> String {
    let what = if one.used_here { "only its own file uses it" } else { "no file uses it" };
    format!("{}:{} exports {}: {what}\n", one.path, one.line, for_terminal(&one.name))
}

fn may_depend_line(one: &MayDependView) -> String {
    format!("{}:{} may depend on more: {} (low confidence)\n", one.path, one.line, for_terminal(&one.written))
}

/// A file named by its path in the file system, or in the repository.
fn relative(file: &Path, repo: &Path) -> FilePath {
    let inside = canonical(file).and_then(|path| path.strip_prefix(repo).map(Path::to_owned).ok());
    let path = inside.as_deref().unwrap_or(file);
    FilePath::new(path.as_os_str().as_bytes())
}
