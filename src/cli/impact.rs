//! `impact`, `deps`.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::output::{print, print_json};
use super::{Context, Failure};
use crate::domain::FilePath;
use crate::query::impact::{edges, may_depend, range as work_out};
use crate::query::view::for_terminal;
use crate::query::view::impact::{DepsView, ImpactView, MayDependView};
use crate::query::{Reader, canonical};

/// Shows what a range of commits touches.
pub fn impact(context: &Context, repo: &Path, range: Option<&str>, json: bool) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let repo = reader.repo(&repo.to_string_lossy())?;
    let view = ImpactView::new(&repo, &work_out(&reader, &repo, range)?);
    if json { print_json(&view) } else { print(&describe(&view)) }
}

fn describe(view: &ImpactView) -> String {
    let mut out = format!("{} file(s) changed", view.changed.len());
    out.push_str(&view.why_empty.as_ref().map_or_else(|| "\n".to_owned(), |why| format!(": {why}\n")));
    for file in &view.changed {
        match &file.from_path {
            Some(from) => out.push_str(&format!("  {:<13} {} -> {}\n", file.change, for_terminal(from), file.path)),
            None => out.push_str(&format!("  {:<13} {}\n", file.change, file.path)),
        }
    }
    out.push_str(&format!("{} dependent(s) to analyse again\n", view.dependents.len()));
    for dependent in &view.dependents {
        out.push_str(&format!("  {}\n", dependent.path));
        for cause in &dependent.because {
            let (symbol, file) = (&cause.symbol, for_terminal(&cause.file));
            out.push_str(&format!("      uses {symbol} of {file} ({})\n", cause.dependency_type));
        }
    }
    out.push_str(&format!("{} cut off: what they use has not changed\n", view.cut_off.len()));
    for cut in &view.cut_off {
        out.push_str(&format!("  {} (uses {})\n", cut.path, for_terminal(&cut.file)));
    }
    if !view.tests.is_empty() {
        out.push_str(&format!("{} file(s) of tests use what changed\n", view.tests.len()));
    }
    for test in &view.tests {
        out.push_str(&format!("  {test}\n"));
    }
    out.extend(view.may_depend.iter().map(may_depend_line));
    out
}

/// Shows the edges of a repository, or of one file.
pub fn deps(context: &Context, repo: &Path, file: Option<&Path>, json: bool) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let repo = reader.repo(&repo.to_string_lossy())?;
    let file = file.map(|file| relative(file, &repo.location.path));
    let edges = edges(&reader, &repo, file.as_ref())?;
    let may = may_depend(&reader, &repo, file.as_ref())?;
    let view = DepsView::new(&repo, &edges, &may);
    if json { print_json(&view) } else { print(&describe_deps(&view)) }
}

fn describe_deps(view: &DepsView) -> String {
    let edge = view.edges.iter().map(|edge| {
        let (user, used) = (for_terminal(&edge.dependent_file), for_terminal(&edge.source_file));
        format!("{user} uses {} of {used} ({})\n", edge.symbol_name, edge.dependency_type)
    });
    let why = view.why_empty.iter().map(|why| format!("{why}\n"));
    edge.chain(why).chain(view.may_depend.iter().map(may_depend_line)).collect()
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
