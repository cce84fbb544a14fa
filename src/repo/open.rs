//! Opening a repository so that nothing in it can act: isolated configuration, reduced trust, no replaced objects.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::domain::ObjectId;
use crate::repo::Location;
use crate::repo::salvage::Salvage;

/// Most bytes that one object may make the object database allocate, in each of several threads. What needs more is read by
/// [`Salvage`], one at a time.
const ALLOCATION_LIMIT: u64 = 64 << 20;

#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    #[error("the repository {path} cannot be opened: {reason}; `git -C {path} status` shows what Git says")]
    Open { path: PathBuf, reason: String },
    #[error("HEAD of {path} cannot be read: {reason}; nothing is assumed about the repository until it can")]
    Head { path: PathBuf, reason: String },
    #[error(
        "HEAD of {path} names {branch}, which does not exist though the repository has a history; nothing is taken for deleted: \
         commit on that branch, or switch to one that exists"
    )]
    HeadMissing { path: PathBuf, branch: String },
    #[error(
        "the object {id} is not in the repository (a shallow or partial clone, or a damaged one); it is not fetched"
    )]
    MissingObject { id: ObjectId },
    #[error("the object {id} cannot be read: {reason}")]
    Unreadable { id: ObjectId, reason: String },
    #[error(
        "the object {id} is not read: it, or what it is stored as a difference of, has {} MB, more than {} MB are not unpacked",
        .bytes >> 20,
        .limit >> 20
    )]
    TooLargeToRead { id: ObjectId, bytes: u64, limit: u64 },
    #[error("the object {id} is a {found}, expected was a {expected}")]
    WrongKind { id: ObjectId, found: String, expected: &'static str },
    #[error("the tree {tree} has more than {limit} entries; a tree of that size is not indexed")]
    TooManyFiles { tree: ObjectId, limit: usize },
    #[error("the work tree of {path} cannot be compared: {reason}; `git -C {path} status` shows what Git says")]
    WorkTree { path: PathBuf, reason: String },
    #[error(
        "{spec} names no commit of {path}: no branch, tag or commit is called that, several are, or the history is shorter; \
         `git -C {path} log {spec}` shows what Git says"
    )]
    Revision { path: PathBuf, spec: String },
}

impl RepoError {
    /// Whether it costs only the files that need the object.
    pub const fn is_of_one_object(&self) -> bool {
        matches!(
            self,
            Self::MissingObject { .. } | Self::Unreadable { .. } | Self::TooLargeToRead { .. } | Self::WrongKind { .. }
        )
    }

    /// An error's messages, outermost first, in one line.
    pub(super) fn chain(error: &dyn std::error::Error) -> String {
        let mut text = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            next = cause.source();
        }
        text.replace('\n', " ")
    }
}

/// Content of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blob {
    Content(Vec<u8>),
    /// It is larger than was asked for, and was not loaded.
    TooLarge {
        bytes: u64,
    },
}

/// An open repository. It can be sent to another thread, not shared by two: a clone is cheap and shares what was opened.
#[derive(Clone)]
pub struct Repo {
    pub(super) inner: gix::Repository,
    path: PathBuf,
    opened_as: OpenedAs,
    /// Opened for the first object that the database cannot give.
    pub(super) salvage: Arc<OnceLock<Salvage>>,
}

/// What an open repository was made from: device, inode and, of a file, the time of its last change, in nanoseconds.
#[derive(Clone, PartialEq, Eq)]
struct OpenedAs {
    location: Location,
    directories: [Option<(u64, u64)>; 3],
    files: [Option<(u64, u64, i64, i64)>; 4],
}

impl OpenedAs {
    fn now(location: &Location) -> Self {
        let Location { git_dir, common_dir, .. } = location;
        let directory = |path: &Path| path.metadata().ok().map(|found| (found.dev(), found.ino()));
        let file = |path: PathBuf| {
            path.metadata().ok().map(|found| (found.dev(), found.ino(), found.mtime(), found.mtime_nsec()))
        };
        Self {
            location: location.clone(),
            directories: [directory(git_dir), directory(common_dir), directory(&common_dir.join("objects"))],
            files: [
                file(common_dir.join("config")),
                file(git_dir.join("config.worktree")),
                file(common_dir.join("objects/info/alternates")),
                file(common_dir.join("shallow")),
            ],
        }
    }
}

/// Options under which no file outside the repository's own is read as configuration, no environment variable counts, and no
/// setting of the repository that names a program, a path or another object is believed.
pub(super) fn options() -> gix::open::Options {
    options_with(Vec::new())
}

/// The same with further settings, in the form `name=value`.
pub(super) fn options_with(settings: Vec<String>) -> gix::open::Options {
    let own = [
        // A replaced object would change a tree's content without changing its name, by which equal trees are skipped.
        "core.useReplaceRefs=false".to_owned(),
        // An auxiliary file that is damaged must not hide a commit; few commits are read.
        "core.commitGraph=false".to_owned(),
        format!("gitoxide.objects.allocLimitIfReducedTrust={ALLOCATION_LIMIT}"),
    ];
    let isolated = gix::open::Options::isolated().with(gix::sec::Trust::Reduced);
    isolated.config_overrides(settings.into_iter().chain(own))
}

impl Repo {
    /// Opens a located repository.
    ///
    /// # Errors
    /// If there is no repository any more at its git directory, or it cannot be read.
    pub fn open(location: &Location) -> Result<Self, RepoError> {
        let failed = |reason| RepoError::Open { path: location.path.clone(), reason };
        if location.common_dir.join("reftable").is_dir() {
            return Err(failed("unsupported: reftable".to_owned()));
        }
        refuse_special_files(&location.git_dir, &location.common_dir).map_err(failed)?;
        let opened_as = OpenedAs::now(location);
        let usable = is_multi_pack_index_usable(&location.common_dir);
        let options = options_with(vec![format!("core.multiPackIndex={usable}")]);
        let inner = gix::ThreadSafeRepository::open_opts(&location.git_dir, options.open_path_as_is(true))
            .map_err(|error| failed(RepoError::chain(&error)))?
            .to_thread_local();
        Ok(Self { inner, path: location.path.clone(), opened_as, salvage: Arc::default() })
    }

    /// Whether what was opened is still what is there, so that it need not be opened again: the same git directory with the same
    /// configuration, of nothing but files.
    pub fn is_current(&self, location: &Location) -> bool {
        self.opened_as == OpenedAs::now(location)
            && !location.common_dir.join("reftable").is_dir()
            && refuse_special_files(&location.git_dir, &location.common_dir).is_ok()
    }

    /// The path that the repository is registered by.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether the index over all packs can be opened; without it each pack's own index is used.
fn is_multi_pack_index_usable(common_dir: &Path) -> bool {
    let path = common_dir.join("objects/pack/multi-pack-index");
    match path.metadata() {
        Ok(found) if found.is_file() => gix::odb::pack::multi_index::File::at(&path, None).is_ok(),
        Ok(_) => false,
        Err(_) => true,
    }
}

/// Opening a named pipe waits for a writer that may never come, so what opening reads must be files.
///
/// # Errors
/// The reason, if one of them is something else.
pub(super) fn refuse_special_files(git_dir: &Path, common_dir: &Path) -> Result<(), String> {
    let own = ["HEAD", "commondir", "gitdir", "config.worktree", "logs/HEAD", "index"].map(|name| git_dir.join(name));
    let shared =
        ["config", "packed-refs", "shallow", "objects/info/alternates", "info/exclude", "info/attributes", "index"]
            .map(|name| common_dir.join(name));
    let is_special = |path: &&PathBuf| path.metadata().is_ok_and(|metadata| !metadata.is_file());
    match own.iter().chain(&shared).find(is_special) {
        Some(path) => Err(format!("{} is not a regular file", path.display())),
        None => Ok(()),
    }
}

pub(super) fn native(id: &ObjectId) -> Result<gix::ObjectId, RepoError> {
    gix::oid::try_from_bytes(&id.0).map(ToOwned::to_owned).map_err(|_| RepoError::Unreadable {
        id: id.clone(),
        reason: format!("{} bytes are no object name", id.0.len()),
    })
}

pub(super) fn plain(id: &gix::oid) -> ObjectId {
    ObjectId(id.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::RecordedView;
    use crate::repo::fixture::TestRepo;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_blob_is_measured_before_it_is_loaded() {
        let repo = TestRepo::new();
        repo.write("a.txt", "hello\r\n");
        repo.commit("one");
        let id = ObjectId(bytes_of_hex(&repo.git(&["rev-parse", "HEAD:a.txt"])));
        let open = repo.open();
        assert_eq!(open.blob(&id, 7).unwrap(), Blob::Content(b"hello\r\n".to_vec()));
        assert_eq!(open.blob(&id, 6).unwrap(), Blob::TooLarge { bytes: 7 });
        let tree = ObjectId(bytes_of_hex(&repo.git(&["rev-parse", "HEAD^{tree}"])));
        assert!(matches!(open.blob(&tree, 100), Err(RepoError::WrongKind { .. })));
        assert!(matches!(open.blob(&ObjectId(vec![7; 20]), 9), Err(RepoError::MissingObject { .. })));
        assert!(matches!(open.blob(&ObjectId(vec![7; 3]), 9), Err(RepoError::Unreadable { .. })));
    }

    fn bytes_of_hex(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    /// Everything this module can do, once.
    fn read_all(repo: &Repo) {
        let head = repo.head().unwrap();
        repo.root_commit().unwrap();
        repo.rev("HEAD").unwrap();
        let diff = repo.diff(&RecordedView::default(), head.tree.as_ref()).unwrap();
        for change in &diff.changes {
            repo.blob(&change.new.as_ref().unwrap().id, 1 << 20).unwrap();
        }
        assert!(!diff.changes.is_empty());
    }

    #[test]
    fn reading_changes_nothing_in_work_tree_or_git_directory() {
        let repo = TestRepo::new();
        repo.write("src/a.rs", "fn a() {}\n");
        repo.write("b.md", "# b\n");
        repo.commit("one");
        repo.write("src/a.rs", "fn a() { b() }\n");
        repo.commit("two");
        repo.git(&["gc", "-q"]);
        repo.write("b.md", "# dirty\n");
        let before = repo.fingerprint();
        read_all(&repo.open());
        assert_eq!(repo.fingerprint(), before);
    }

    #[test]
    fn f42_programs_named_in_a_repositorys_config_never_run() {
        let repo = TestRepo::new();
        let (canary, script) = (repo.outside("canary"), repo.outside("hostile.sh"));
        std::fs::write(&script, format!("#!/bin/sh\ntouch {}\ncat\n", canary.display())).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        repo.write("a.rs", "fn a() {}\n");
        repo.write("old.rs", "fn one() {}\nfn two() {}\nfn three() {}\n");
        repo.commit("one");
        let recorded = {
            let open = repo.open();
            let head = open.head().unwrap();
            let mut view = RecordedView::default();
            view.apply(&open.diff(&view, head.tree.as_ref()).unwrap());
            view
        };
        repo.git(&["mv", "old.rs", "new.rs"]);
        repo.write("new.rs", "fn one() {}\nfn two() {}\nfn four() {}\n");
        repo.write(".gitattributes", "* filter=evil diff=evil\n");
        repo.commit("two");
        let script = script.display();
        let hostile = format!(
            "[core]\n\tfsmonitor = {script}\n\thooksPath = {script}\n\tsshCommand = {script}\n\tworktree = /\n\tpager = {script}\n\
             [filter \"evil\"]\n\tclean = {script}\n\tsmudge = {script}\n\tprocess = {script}\n\trequired = true\n\
             [diff]\n\texternal = {script}\n[diff \"evil\"]\n\ttextconv = {script}\n\tcommand = {script}\n\
             [include]\n\tpath = {script}\n[alias]\n\tstatus = !{script}\n[safe]\n\tdirectory = *\n"
        );
        let config = repo.path().join(".git/config");
        let honest = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, honest + &hostile).unwrap();

        assert_eq!(repo.location().path, repo.path(), "core.worktree is not believed");
        let open = repo.open();
        read_all(&open);
        let diff = open.diff(&recorded, open.head().unwrap().tree.as_ref()).unwrap();
        assert!(diff.changes.iter().any(|change| change.change.as_str() == "rename"));
        assert!(!canary.exists());
    }

    #[test]
    fn f37_sha256_repositories_are_read() {
        let repo = TestRepo::with_init(&["--object-format=sha256"]);
        repo.write("a.rs", "fn a() {}\n");
        repo.commit("one");
        let head = repo.open().head().unwrap();
        assert_eq!(head.commit.unwrap().to_string(), repo.git(&["rev-parse", "HEAD"]));
        read_all(&repo.open());
    }

    #[test]
    fn f40_a_blobless_clone_reads_what_is_there_and_fetches_nothing() {
        let origin = TestRepo::new();
        origin.git(&["config", "uploadpack.allowFilter", "true"]);
        origin.write("a.rs", "fn a() {}\n");
        origin.commit("one");
        let clone = TestRepo::new();
        let url = format!("file://{}", origin.path().display());
        clone.git(&["remote", "add", "origin", &url]);
        clone.git(&["fetch", "-q", "--filter=blob:none", "origin"]);
        clone.git(&["update-ref", "refs/heads/main", "refs/remotes/origin/main"]);
        let before = clone.fingerprint();
        let open = clone.open();
        let diff = open.diff(&RecordedView::default(), open.head().unwrap().tree.as_ref()).unwrap();
        let id = &diff.changes[0].new.as_ref().unwrap().id;
        assert!(matches!(open.blob(id, 100), Err(RepoError::MissingObject { .. })));
        assert_eq!(clone.fingerprint(), before);
    }

    #[test]
    fn an_open_repository_is_reused_until_it_or_its_config_changes() {
        let repo = TestRepo::new();
        repo.write("a.rs", "fn a() {}\n");
        repo.commit("one");
        let (location, open) = (repo.location(), repo.open());
        repo.write("b.rs", "fn b() {}\n");
        repo.commit("two");
        let second = repo.git(&["rev-parse", "HEAD"]);
        assert!(open.is_current(&location), "a commit changes nothing of how it was opened");
        assert_eq!(open.head().unwrap().commit.unwrap().to_string(), second);
        repo.git(&["config", "core.bare", "true"]);
        assert!(!open.is_current(&location));
        let open = Repo::open(&location).unwrap();
        let git_dir = repo.path().join(".git");
        let copy = repo.outside("copy");
        assert!(std::process::Command::new("cp").arg("-a").args([&git_dir, &copy]).status().unwrap().success());
        std::fs::rename(&git_dir, repo.outside("old")).unwrap();
        assert!(!open.is_current(&location));
        std::fs::rename(&copy, &git_dir).unwrap();
        assert!(!open.is_current(&location), "the same content in another directory");
        let open = Repo::open(&location).unwrap();
        std::fs::remove_file(git_dir.join("HEAD")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(git_dir.join("HEAD")).status().unwrap().success());
        assert!(!open.is_current(&location), "what would hang is not read");
    }

    #[test]
    fn f44_a_pipe_in_the_git_directory_is_refused_not_waited_for() {
        let repo = TestRepo::new();
        repo.commit("one");
        let location = repo.location();
        let pipe = repo.path().join(".git/packed-refs");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(matches!(Repo::open(&location), Err(RepoError::Open { reason, .. }) if reason.contains("packed-refs")));
        let nowhere = Path::new("/nonexistent");
        let refused = crate::repo::locate(repo.path(), nowhere, nowhere);
        assert!(matches!(refused, Err(crate::repo::LocateError::Broken { .. })));
    }

    #[test]
    fn f46_alternates_to_nowhere_and_in_a_cycle_do_no_harm() {
        let repo = TestRepo::new();
        repo.write("a.rs", "fn a() {}\n");
        repo.commit("one");
        let (objects, open) = (repo.path().join(".git/objects"), repo.open());
        std::fs::write(objects.join("info/alternates"), "/nonexistent/objects\n").unwrap();
        read_all(&open);
        std::fs::write(objects.join("info/alternates"), format!("{}\n", objects.display())).unwrap();
        let location = Location {
            kind: crate::repo::LocationKind::Worktree,
            path: repo.path().to_owned(),
            git_dir: repo.path().join(".git"),
            common_dir: repo.path().join(".git"),
        };
        assert!(matches!(Repo::open(&location), Err(RepoError::Open { reason, .. }) if reason.contains("cycle")));
    }
}
