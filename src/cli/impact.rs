//! impact, deps.

use std::path::Path;

use serde_json::{Value, json};

use super::output::{print, print_json};
use super::{Context, Failure};
use crate::domain::{Change, FilePath, ObjectId};
use crate::query::impact::{RangeImpact, edges, range as work_out};
use crate::query::{Reader, canonical};
use std::os::unix::ffi::OsStrExt;

pub fn impact(context: &Context, repo: &Path, range: Option<&str>, json: bool) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let repo = reader.repo(&repo.to_string_lossy())?;
    let found = work_out(&reader, &repo, range)?;
    if json { print_json(&as_json(&repo.location.path.to_string_lossy(), &found)) } else { print(&describe(&found)) }
}

/// An object with a path, and its bytes where it is not UTF-8.
fn with_path(path: &FilePath, mut rest: Value) -> Value {
    let (text, bytes) = path.for_json();
    rest["path"] = json!(text);
    if let Some(bytes) = bytes {
        rest["path_bytes"] = json!(bytes);
    }
    rest
}

fn as_json(repo: &str, found: &RangeImpact) -> Value {
    let id = |id: &Option<ObjectId>| id.as_ref().map(ToString::to_string);
    let changed = found.changes.iter().map(|change| match change {
        Change::Rename { from, path } => {
            with_path(path, json!({"change": change.as_str(), "from_path": from.for_json().0}))
        }
        other => with_path(other.path(), json!({"change": other.as_str()})),
    });
    let dependents = found.impact.dependents.iter().map(|(path, because)| {
        let because = because.iter().map(|cause| {
            json!({
                "file": cause.file.for_json().0,
                "symbol": cause.symbol,
                "dependency_type": cause.dependency_type.as_str(),
            })
        });
        with_path(path, json!({"because": because.collect::<Vec<_>>()}))
    });
    let cut_off = found.impact.cut_off.iter().map(|(path, file)| with_path(path, json!({"file": file.for_json().0})));
    json!({
        "repo": repo,
        "from": id(&found.from.commit),
        "to": id(&found.to.commit),
        "changed": changed.collect::<Vec<_>>(),
        "dependents": dependents.collect::<Vec<_>>(),
        "cut_off": cut_off.collect::<Vec<_>>(),
    })
}

fn describe(found: &RangeImpact) -> String {
    let mut out = format!("{} file(s) changed\n", found.changes.len());
    for change in &found.changes {
        match change {
            Change::Rename { from, path } => out.push_str(&format!("  rename        {from} -> {path}\n")),
            other => out.push_str(&format!("  {:<13} {}\n", other.as_str(), other.path())),
        }
    }
    out.push_str(&format!("{} dependent(s) to look at again\n", found.impact.dependents.len()));
    for (path, because) in &found.impact.dependents {
        out.push_str(&format!("  {path}\n"));
        for cause in because {
            out.push_str(&format!("      uses {} of {} ({})\n", cause.symbol, cause.file, cause.dependency_type));
        }
    }
    out.push_str(&format!("{} cut off: what they use has not changed\n", found.impact.cut_off.len()));
    for (path, file) in &found.impact.cut_off {
        out.push_str(&format!("  {path} (uses {file})\n"));
    }
    out
}

pub fn deps(context: &Context, repo: &Path, file: Option<&Path>, json: bool) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let repo = reader.repo(&repo.to_string_lossy())?;
    let file = file.map(|file| relative(file, &repo.location.path));
    let edges = edges(&reader, &repo, file.as_ref())?;
    if json {
        let edges: Vec<Value> = edges
            .iter()
            .map(|edge| {
                json!({
                    "source_file": edge.source_file.for_json().0,
                    "dependent_file": edge.dependent_file.for_json().0,
                    "dependency_type": edge.dependency_type.as_str(),
                    "symbol_name": edge.symbol_name,
                })
            })
            .collect();
        return print_json(&json!({"repo": repo.location.path.to_string_lossy(), "edges": edges}));
    }
    let mut out = String::new();
    for edge in &edges {
        out.push_str(&format!(
            "{} uses {} of {} ({})\n",
            edge.dependent_file, edge.symbol_name, edge.source_file, edge.dependency_type
        ));
    }
    if edges.is_empty() {
        out.push_str("no edge is recorded; `ra-agent status` tells whether the repository is indexed\n");
    }
    print(&out)
}

/// A file named by its path in the file system, or in the repository.
fn relative(file: &Path, repo: &Path) -> FilePath {
    let inside = canonical(file).and_then(|path| path.strip_prefix(repo).map(Path::to_owned).ok());
    let path = inside.as_deref().unwrap_or(file);
    FilePath::new(path.as_os_str().as_bytes())
}
