//! Every content that a repository's history holds: for finding out whether an old one was ever committed.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::open::{Repo, RepoError, plain};
use super::tree::{TreeNode, join};
use crate::domain::{EntryMode, FilePath, ObjectId};

/// Is handed a path and the blob that was there; says whether to go on.
pub type Visit<'v> = dyn FnMut(&FilePath, &ObjectId) -> ControlFlow<()> + 'v;

impl Repo {
    /// Visits each blob that HEAD or any reference reaches, once, with one of the paths that it has had, until `visit` breaks. What is not there (of a shallow or partial clone), or cannot be read,
    /// is left out; nothing is fetched.
    ///
    /// # Errors
    /// If the references cannot be read.
    pub fn visit_history(&self, visit: &mut Visit<'_>) -> Result<(), RepoError> {
        let tips = self.tips()?;
        let mut ahead: Vec<ObjectId> = tips.iter().map(|tip| plain(tip)).collect();
        let mut met: HashSet<ObjectId> = ahead.iter().cloned().collect();
        let mut seen = SeenBlobs::default();
        while let Some(id) = ahead.pop() {
            let (tree, parents) = match self.commit(&id) {
                Err(error) if error.is_of_one_object() => continue,
                found => found?,
            };
            ahead.extend(parents.into_iter().filter(|parent| met.insert(parent.clone())));
            if self.walk_unseen(&tree, &mut seen, visit)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The commits that HEAD and the references name.
    fn tips(&self) -> Result<Vec<gix::ObjectId>, RepoError> {
        let failed =
            |error: &gix::Error| RepoError::Head { path: self.path().to_owned(), reason: RepoError::chain(error) };
        let mut tips: Vec<gix::ObjectId> = self.inner.head_id().ok().map(gix::Id::detach).into_iter().collect();
        let references = self.inner.references().map_err(|error| failed(&error))?;
        for mut reference in references.all().map_err(|error| failed(&error))?.flatten() {
            // One that names a tree, a blob or nothing has no history.
            if let Ok(commit) = reference.peel_to_commit() {
                tips.push(commit.id);
            }
        }
        Ok(tips)
    }

    /// Visits the files of a tree whose blobs, in trees, have not been seen.
    fn walk_unseen(
        &self,
        top: &ObjectId,
        seen: &mut SeenBlobs,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, RepoError> {
        let mut open = vec![(Vec::new(), top.clone())];
        while let Some((dir, id)) = open.pop() {
            if !seen.trees.insert(id.clone()) {
                continue;
            }
            let nodes = match self.read_tree(&id) {
                Err(error) if error.is_of_one_object() => continue,
                nodes => nodes?,
            };
            for node in nodes {
                match node {
                    TreeNode::Dir { name, id } => open.push((join(&dir, &name), id)),
                    TreeNode::File { name, id, mode: EntryMode::File | EntryMode::Executable } => {
                        let path = FilePath::new(join(&dir, &name));
                        if seen.blobs.insert(id.clone()) && visit(&path, &id).is_break() {
                            return Ok(ControlFlow::Break(()));
                        }
                    }
                    TreeNode::File { .. } => {}
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// What a walk has met.
#[derive(Default)]
struct SeenBlobs {
    trees: HashSet<ObjectId>,
    blobs: HashSet<ObjectId>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::Blob;
    use crate::repo::fixture::TestRepo;

    fn contents(repo: &TestRepo, limit: usize) -> Vec<String> {
        let open = repo.open();
        let mut found = Vec::new();
        let mut visit = |path: &FilePath, blob: &ObjectId| {
            let Ok(Blob::Content(bytes)) = open.blob(blob, 1 << 20) else { panic!("{path}") };
            found.push(format!("{path}: {}", String::from_utf8(bytes).unwrap()));
            if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        open.visit_history(&mut visit).unwrap();
        found.sort();
        found
    }

    #[test]
    fn every_content_of_every_branch_is_visited_once() {
        let repo = TestRepo::new();
        repo.write("src/a.rs", "one");
        repo.commit("first");
        repo.write("src/a.rs", "two");
        repo.write("copy.rs", "two");
        repo.commit("second");
        repo.git(&["switch", "--quiet", "--create", "other", "HEAD~1"]);
        repo.write("b.rs", "three");
        repo.commit("third");
        let before = repo.fingerprint();
        let found = contents(&repo, usize::MAX);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found.contains(&"src/a.rs: one".to_owned()) && found.contains(&"b.rs: three".to_owned()), "{found:?}");
        assert_eq!(contents(&repo, 2).len(), 2);
        assert_eq!(repo.fingerprint(), before);
    }

    #[test]
    fn a_repository_without_a_commit_has_no_content() {
        assert!(contents(&TestRepo::new(), usize::MAX).is_empty());
    }
}
