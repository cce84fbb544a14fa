//! The hook inbox: each repository's hooks touch the file that is named by its id.

use std::path::Path;

use notify::EventKind;
use notify::event::ModifyKind;

use crate::domain::RepoId;

/// The repository whose hook wrote, if this is what a hook does: it truncates its file, which is there already. Creating the file
/// is what `register` does, and is no event.
pub(super) fn hooked(kind: EventKind, path: &Path) -> Option<RepoId> {
    let is_written = matches!(kind, EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any));
    let name = path.file_name()?.to_str()?;
    (is_written && is_repo_id(name)).then(|| RepoId(name.to_owned()))
}

/// Anything else in the inbox is ignored: an editor's file, a temporary one.
fn is_repo_id(name: &str) -> bool {
    (8..=64).contains(&name.len()) && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{AccessKind, AccessMode, CreateKind, DataChange};

    #[test]
    fn only_a_write_to_a_repositorys_file_is_a_hook() {
        let write = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let hooked = |kind, name: &str| hooked(kind, &Path::new("/run/inbox").join(name)).is_some();
        assert!(hooked(write, "0123abcd"));
        for name in ["0123abc", "0123ABCD", "0123abcd.tmp", "..", &"a".repeat(65)] {
            assert!(!hooked(write, name), "{name}");
        }
        assert!(!hooked(EventKind::Create(CreateKind::File), "0123abcd"));
        assert!(!hooked(EventKind::Access(AccessKind::Close(AccessMode::Write)), "0123abcd"));
    }
}
