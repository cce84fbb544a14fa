//! Comparisons of work trees that were asked for and did not come about: Git was at work, or the worker failed. The next reconcile has
//! them in it.

use std::collections::{BTreeMap, BTreeSet};

use super::supervise::Asked;
use crate::domain::{FilePath, RepoId};

/// The files of each repository; `None`: all.
#[derive(Default)]
pub(super) struct Owed(BTreeMap<RepoId, Option<BTreeSet<FilePath>>>);

impl Owed {
    /// What was asked for did not come about. A commit of many files holds its lock for as long as it takes, and what was saved for it is
    /// noticed meanwhile: it is still only those files.
    pub fn put_off(&mut self, asked: &Asked) {
        let files = asked.files.as_ref().map(|files| files.iter().cloned().collect());
        self.add(&asked.repo, files);
    }

    /// The same where it is not known what was looked at: anything may differ.
    pub fn lose(&mut self, repo: &RepoId) {
        self.add(repo, None);
    }

    fn add(&mut self, repo: &RepoId, files: Option<BTreeSet<FilePath>>) {
        let owed = self.0.entry(repo.clone()).or_insert_with(|| Some(BTreeSet::new()));
        *owed = match (owed.take(), files) {
            (Some(mut before), Some(more)) => {
                before.extend(more);
                Some(before)
            }
            _ => None,
        };
    }

    pub fn forget(&mut self, repo: &RepoId) {
        self.0.remove(repo);
    }

    /// What is asked for, with what is owed.
    pub fn pay(&mut self, asked: Asked) -> Asked {
        let Some(owed) = self.0.remove(&asked.repo) else { return asked };
        let looks_at_all = asked.looks_at_tree() && asked.files.is_none();
        let files = match (owed, asked.files) {
            (None, _) => None,
            (Some(_), None) if looks_at_all => None,
            (Some(owed), files) => Some(owed.into_iter().chain(files.into_iter().flatten()).collect::<BTreeSet<_>>()),
        };
        let files = files.map(|files| files.into_iter().collect());
        Asked { repo: asked.repo, depth: asked.depth.at_least_changes(), files }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::pipe::Depth;

    fn asked(depth: Depth, files: Option<&[&str]>) -> Asked {
        let files = files.map(|files| files.iter().map(|&file| FilePath::from(file)).collect());
        Asked { repo: RepoId("r".to_owned()), depth, files }
    }

    fn paid(owed: &mut Owed, depth: Depth, files: Option<&[&str]>) -> (Depth, Option<Vec<String>>) {
        let paid = owed.pay(asked(depth, files));
        (paid.depth, paid.files.map(|files| files.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn few_files_that_were_put_off_stay_few() {
        let mut owed = Owed::default();
        owed.put_off(&asked(Depth::Changes, Some(&["a.rs"])));
        owed.put_off(&asked(Depth::Changes, Some(&["b.rs"])));
        let both = Some(vec!["a.rs".to_owned(), "b.rs".to_owned()]);
        assert_eq!(paid(&mut owed, Depth::Head, None), (Depth::Changes, both));
        assert_eq!(paid(&mut owed, Depth::Head, None), (Depth::Head, None), "it is paid once");
        owed.put_off(&asked(Depth::Changes, Some(&["a.rs"])));
        let both = Some(vec!["a.rs".to_owned(), "c.rs".to_owned()]);
        assert_eq!(paid(&mut owed, Depth::Changes, Some(&["c.rs"])), (Depth::Changes, both));
    }

    #[test]
    fn where_anything_may_differ_all_is_compared() {
        let mut owed = Owed::default();
        owed.put_off(&asked(Depth::Changes, None));
        owed.put_off(&asked(Depth::Changes, Some(&["a.rs"])));
        assert_eq!(paid(&mut owed, Depth::Changes, Some(&["b.rs"])), (Depth::Changes, None));
        owed.put_off(&asked(Depth::Changes, Some(&["a.rs"])));
        assert_eq!(paid(&mut owed, Depth::Full, None), (Depth::Full, None));
        owed.put_off(&asked(Depth::Changes, Some(&["a.rs"])));
        owed.lose(&RepoId("r".to_owned()));
        assert_eq!(paid(&mut owed, Depth::Head, None), (Depth::Changes, None));
        owed.lose(&RepoId("r".to_owned()));
        owed.forget(&RepoId("r".to_owned()));
        assert_eq!(paid(&mut owed, Depth::Head, None), (Depth::Head, None));
    }
}
