//! A real repository, made by the real `git`, that ignores the configuration of this machine's user.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::fingerprint::{Fingerprint, fingerprint};

pub struct TestRepo {
    /// Holds the repository, an empty home, and what a story puts next to them.
    root: tempfile::TempDir,
    path: PathBuf,
    global_config: PathBuf,
    commits: Cell<u64>,
}

impl TestRepo {
    /// An empty repository with the branch `main`.
    pub fn new() -> Self {
        Self::with_init("repo", &[])
    }

    /// One in a directory of this name, made with more options for `git init`.
    pub fn with_init(name: &str, options: &[&str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("home")).unwrap();
        let path = root.path().canonicalize().unwrap().join(name);
        std::fs::create_dir(&path).unwrap();
        let repo = Self { root, path, global_config: PathBuf::from("/dev/null"), commits: Cell::new(0) };
        repo.git(&[&["init", "--quiet", "--initial-branch=main"], options].concat());
        repo
    }

    /// The repository with these files in a first commit.
    pub fn with_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let repo = Self::new();
        files.into_iter().for_each(|(path, content)| repo.write(path, content));
        repo.commit("first");
        repo
    }

    /// From now on `git` reads this file as the user's configuration.
    pub fn set_global_config(&mut self, path: &Path) {
        self.global_config = path.to_path_buf();
    }

    /// The work tree, canonical.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn git_dir(&self) -> PathBuf {
        self.path.join(".git")
    }

    /// A place next to the repository.
    pub fn outside(&self, name: &str) -> PathBuf {
        self.path.with_file_name(name)
    }

    /// A `git` with a clean environment, a fixed author, and a clock that each commit moves on by a minute.
    pub fn command(&self, args: &[&str]) -> Command {
        let now = format!("{} +0000", 1_700_000_000 + 60 * self.commits.get());
        let mut git = Command::new("git");
        git.current_dir(&self.path)
            .args(["-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "commit.gpgSign=false"])
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.root.path().join("home"))
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", &self.global_config)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_EDITOR", "true")
            .envs([("GIT_AUTHOR_NAME", "A"), ("GIT_AUTHOR_EMAIL", "a@example.org"), ("GIT_AUTHOR_DATE", &now)])
            .envs([("GIT_COMMITTER_NAME", "A"), ("GIT_COMMITTER_EMAIL", "a@example.org"), ("GIT_COMMITTER_DATE", &now)])
            .stdin(Stdio::null());
        git
    }

    /// Runs `git` and hands back how it went.
    pub fn try_git(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs `git`, which must succeed, and hands back what it said, without the last line end.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        let output = self.try_git(args);
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Writes a file as most editors do: next to it, then in its place. A watch over the work tree never sees half of it.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let (path, new) = (self.path.join(path), self.outside(".being-written"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&new, content).unwrap();
        std::fs::rename(new, path).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path.join(path)).unwrap()
    }

    /// Replaces a piece of a file that must be there.
    #[track_caller]
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let content = self.read(path);
        assert!(content.contains(from), "{path} has no {from:?}");
        self.write(path, content.replacen(from, to, 1));
    }

    /// Commits everything that is there, and hands back the commit's name.
    #[track_caller]
    pub fn commit(&self, message: &str) -> String {
        self.commits.set(self.commits.get() + 1);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    #[track_caller]
    pub fn rename(&self, from: &str, to: &str) {
        std::fs::create_dir_all(self.path.join(to).parent().unwrap()).unwrap();
        self.git(&["mv", from, to]);
    }

    #[track_caller]
    pub fn delete(&self, path: &str) {
        self.git(&["rm", "--quiet", path]);
    }

    /// Makes a branch here and switches to it.
    #[track_caller]
    pub fn branch(&self, name: &str) {
        self.git(&["switch", "--quiet", "--create", name]);
    }

    #[track_caller]
    pub fn checkout(&self, rev: &str) {
        self.git(&["checkout", "--quiet", rev]);
    }

    #[track_caller]
    pub fn revert(&self, rev: &str) -> String {
        self.commits.set(self.commits.get() + 1);
        self.git(&["revert", "--no-edit", rev]);
        self.head()
    }

    /// Of the work tree and the git directory in it.
    pub fn fingerprint(&self) -> Fingerprint {
        fingerprint(&self.path)
    }
}

/// First two numbers of the installed Git's version.
pub fn git_version() -> (u32, u32) {
    let output = Command::new("git").arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut numbers = text.trim_start_matches("git version ").split('.').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}
