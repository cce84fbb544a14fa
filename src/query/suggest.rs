//! What a name that is not known was probably meant to be.

use crate::cache::words::folded;
use crate::cache::{RepoStore, view};
use crate::domain::{FilePath, FileRecord, SkipReason, composed_bytes};
use crate::repo::registry::Registered;

use super::present::{LeftOut, PresentFile, PresentFiles};
use super::{QueryError, Reader};

/// How alike an unknown name and a known one have to be.
const ALIKE: f64 = 0.8;
/// Suggestions for an unknown name.
const SUGGESTED: usize = 3;

/// The known names that are much like a name, the nearest first. Of paths, the last parts may be alike.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Vec<&'k str> {
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let name = folded(name.trim_end_matches('/'));
    let likeness = |known: &str| {
        let known = folded(known);
        let whole = strsim::jaro_winkler(&name, &known);
        let is_path = known.contains('/');
        if is_path { whole.max(strsim::jaro_winkler(&last(&name), &last(&known)) - 0.01) } else { whole }
    };
    let mut alike: Vec<(f64, &str)> = known.into_iter().map(|known| (likeness(known), known)).collect();
    alike.retain(|(likeness, _)| *likeness >= ALIKE);
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    alike.dedup_by(|a, b| a.1 == b.1);
    alike.into_iter().take(SUGGESTED).map(|(_, known)| known).collect()
}

/// `; did you mean a or b?`; nothing if no known name is like it.
pub fn hint<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let near = nearest(name, known);
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) }
}

/// The file of the view that a path means, however its characters are composed.
///
/// # Errors
/// If there is none, with why, or with the paths that are like it; or if the store cannot be read.
pub fn file_named(
    reader: &Reader<'_>,
    repo: &Registered,
    store: &RepoStore,
    path: &FilePath,
) -> Result<FileRecord, QueryError> {
    if let Some(file) = view::present(store.db(), path)? {
        return Ok(file);
    }
    let mut files = view::present_files(store.db())?;
    let wanted = composed_bytes(path.as_bytes());
    if let Some(place) = files.iter().position(|file| composed_bytes(file.path.as_bytes()) == wanted) {
        return Ok(files.swap_remove(place));
    }
    let top = repo.location.path.display();
    if path.as_bytes().is_empty() {
        return Err(QueryError::Invalid(format!("{top} is no file: it is a directory; name a file in it")));
    }
    let directory = [path.as_bytes(), b"/"].concat();
    let why = if files.iter().any(|file| file.path.as_bytes().starts_with(&directory)) {
        "it is a directory; name a file in it".to_owned()
    } else if let Some(submodule) = submodule_of(store, path)? {
        in_submodule(&submodule)
    } else {
        match PresentFiles::open(reader, repo, Some(store))?.read(path)? {
            PresentFile::Left(LeftOut::Skipped(reason)) => {
                format!("it is skipped ({reason}); `ra-agent status --skipped` says what brings it back")
            }
            PresentFile::Left(LeftOut::Ignored) => "Git ignores it".to_owned(),
            PresentFile::AsRecorded(_) | PresentFile::Changed(_) => {
                "it is not indexed yet (`ra-agent status`)".to_owned()
            }
            PresentFile::Left(LeftOut::Unreadable) | PresentFile::Gone { .. } => {
                let known: Vec<String> = files.iter().map(|file| file.path.to_string()).collect();
                let hint = hint(&path.to_string(), known.iter().map(String::as_str));
                format!("there is no such file that can be read{hint}")
            }
        }
    };
    Err(QueryError::Invalid(format!("{path} is not in the indexed view of {top}: {why}")))
}

/// The submodule that a path is in.
///
/// # Errors
/// If the store cannot be read.
pub(super) fn submodule_of(store: &RepoStore, path: &FilePath) -> Result<Option<FilePath>, QueryError> {
    let bytes = path.as_bytes();
    for end in (0..bytes.len()).filter(|&at| bytes[at] == b'/') {
        let above = FilePath::new(&bytes[..end]);
        if view::present(store.db(), &above)?.is_some_and(|file| file.skip == Some(SkipReason::Submodule)) {
            return Ok(Some(above));
        }
    }
    Ok(None)
}

/// Why what is in a submodule is not known.
pub(super) fn in_submodule(submodule: &FilePath) -> String {
    format!("it is in another repository, the submodule {submodule}; `ra-agent register` takes that by its path")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_like_a_name_is_suggested_nearest_first() {
        let known = ["function", "method", "module", "struct"];
        assert_eq!(nearest("fucntion", known), ["function"]);
        assert_eq!(nearest("MODUL", known), ["module"]);
        assert_eq!(hint("xyzzy", known), "");
        let paths = ["src/query/search.rs", "src/cli/search.rs", "README.md"];
        assert_eq!(nearest("src/query/serach.rs", paths)[0], "src/query/search.rs");
        assert_eq!(nearest("Readme.md", paths), ["README.md"]);
        assert_eq!(nearest("saerch.rs", paths), ["src/cli/search.rs", "src/query/search.rs"]);
    }
}
