//! What of a work tree is neither tracked nor ignored, and passed over by its name.

use gix::bstr::BStr;
use rustix::fs::FileType;

use super::conflicts::entry_of;
use super::{DIRECTORIES_MAX, WorkTree};
use crate::domain::{FilePath, SkipReason};
use crate::repo::is_scratch;
use crate::repo::tree::join;

impl WorkTree {
    /// The files that Git would add and the view never has, each with the reason; a directory that is passed over as a whole stands for
    /// what is in it, with a `/` at its end.
    pub fn passed_over(&mut self) -> Vec<(FilePath, SkipReason)> {
        let (mut found, mut ahead) = (Vec::new(), vec![Vec::new()]);
        for _ in 0..DIRECTORIES_MAX {
            let Some(dir) = ahead.pop() else { break };
            let Some(names) = self.disk.list(&dir).filter(|_| self.rules_are_files(&dir)) else { continue };
            for (name, kind) in names.into_iter().filter(|(name, _)| name != b".git") {
                let path = FilePath::new(join(&dir, &name));
                match kind {
                    FileType::Directory if self.is_tracked(&path) || self.is_entered(&path) => {
                        ahead.push(path.as_bytes().to_vec());
                    }
                    FileType::Directory => found.extend(self.passed_directory(&path)),
                    FileType::RegularFile => found.extend(self.passed_file(path)),
                    _ => {}
                }
            }
        }
        found.sort();
        found
    }

    fn is_tracked(&self, dir: &FilePath) -> bool {
        self.index.path_is_directory(BStr::new(dir.as_bytes()))
    }

    fn passed_directory(&mut self, dir: &FilePath) -> Option<(FilePath, SkipReason)> {
        let is_passed = self.selection.passes_over(dir) && !self.is_ignored(dir, true);
        let reason = self.selection.skip_by_name(&FilePath::new(join(dir.as_bytes(), b"x"))).filter(|_| is_passed)?;
        Some((FilePath::new([dir.as_bytes(), b"/"].concat()), reason))
    }

    fn passed_file(&mut self, path: FilePath) -> Option<(FilePath, SkipReason)> {
        let reason = self.selection.skip_by_name(&path)?;
        let is_new = entry_of(&self.index, &path).is_none() && !is_scratch(&path);
        (is_new && !self.is_ignored(&path, false)).then_some((path, reason))
    }
}
