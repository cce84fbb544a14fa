//! The folders from which modules are imported, as far as projects say so: what their settings name, else `src`, else their own.

use rustc_hash::FxHashSet;

use super::manifest::PythonLayout;
use super::{joined, parent};
use crate::language::eval::rules::ProjectFile;

/// Folders of a project that hold no part of what it installs: those of one name in two projects have nothing to do with each other.
const APART: [&str; 10] =
    ["tests", "test", "testing", "docs", "doc", "examples", "example", "scripts", "tools", "benchmarks"];

/// Names of the files that make a folder a project.
const SETTINGS: [&str; 2] = ["pyproject.toml", "setup.py"];

#[derive(Default)]
pub(super) struct ImportRoots {
    /// Deepest first.
    all: Vec<String>,
    /// Those that the settings of their project name, or that are called `src`.
    named: FxHashSet<String>,
    /// Packages that lie in a folder of another name: name, folder.
    pub packages: Vec<(String, String)>,
}

impl ImportRoots {
    /// `has`: whether a folder has Python files below it.
    pub(super) fn of(files: &[ProjectFile<'_>], has: impl Fn(&str) -> bool) -> Self {
        let mut roots = Self::default();
        for file in files {
            let path = file.path.to_string();
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
            if !SETTINGS.contains(&name) {
                continue;
            }
            let manifest = file.facts.and_then(|facts| facts.manifest.as_ref());
            let layout: PythonLayout = manifest.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
            let inside = |path: &String| settled(&joined(folder, path));
            let src = joined(folder, "src");
            let named = layout.roots.iter().filter_map(inside).chain([src]);
            roots.named.extend(named.filter(|root| has(root)));
            roots.all.push(folder.to_owned());
            let packages = layout.packages.iter().filter_map(|(name, place)| Some((name.clone(), inside(place)?)));
            roots.packages.extend(packages);
        }
        roots.all.extend(roots.named.iter().cloned());
        roots.all.sort_by(|one, other| (other.len(), other).cmp(&(one.len(), one)));
        roots.all.dedup();
        roots.packages.sort();
        roots.packages.dedup();
        roots
    }

    /// Whether a project's settings say that modules are imported from this folder.
    pub(super) fn is_named(&self, folder: &str) -> bool {
        self.named.contains(folder)
    }

    /// The deepest such folder at or above a folder.
    pub(super) fn named_above<'f>(&self, folder: &'f str) -> Option<&'f str> {
        let mut at = Some(folder);
        while let Some(folder) = at {
            if self.named.contains(folder) {
                return Some(folder);
            }
            at = (!folder.is_empty()).then(|| parent(folder));
        }
        None
    }

    /// The folders of other projects that hold parts of the same namespace: those of the same path below their root.
    pub(super) fn portions<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = String> + 'a {
        let root = self.all.iter().map(String::as_str).find(|root| is_in(folder, root) && *root != folder);
        let inside = root.map(|root| if root.is_empty() { folder } else { &folder[root.len() + 1..] });
        let inside = inside.filter(|inside| !APART.contains(&inside.split('/').next().unwrap_or_default()));
        let others = self.all.iter().filter(move |other| Some(other.as_str()) != root);
        others.filter_map(move |other| Some(joined(other, inside?)))
    }
}

/// A path without `..`; nothing if it leaves the repository.
fn settled(path: &str) -> Option<String> {
    let mut at = String::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        if part == ".." {
            if at.is_empty() {
                return None;
            }
            at = parent(&at).to_owned();
        } else {
            at = joined(&at, part);
        }
    }
    Some(at)
}

fn is_in(folder: &str, root: &str) -> bool {
    root.is_empty() || folder.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
