//! Repositories for this module's tests, made by the `git` program in a hermetic environment.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::domain::Hash;
use crate::repo::{Location, Repo, locate};

pub struct TestRepo {
    dir: tempfile::TempDir,
    path: PathBuf,
}

impl TestRepo {
    pub fn new() -> Self {
        Self::with_init(&[])
    }

    pub fn with_init(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap().join("repo");
        fs::create_dir(&path).unwrap();
        let repo = Self { dir, path };
        repo.git(&[&["init", "-q", "-b", "main"], options].concat());
        repo
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path next to the repository.
    pub fn outside(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.current_dir(&self.path).args(args).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.dir.path()).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "t").env(format!("GIT_{role}_EMAIL"), "t@example.org");
        }
        command
    }

    pub fn try_git(&self, args: &[&str]) -> bool {
        self.command(args).output().unwrap().status.success()
    }

    /// Runs git, which must succeed, and returns what it printed, trimmed.
    pub fn git(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Runs git, which must succeed, and returns the bytes that it printed.
    pub fn git_bytes(&self, args: &[&str]) -> Vec<u8> {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Runs git with standard input.
    pub fn git_with_input(&self, args: &[&str], input: &[u8]) -> String {
        use std::io::Write;
        use std::process::Stdio;
        let mut child =
            self.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "git {args:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
    }

    pub fn location(&self) -> Location {
        locate(&self.path, Path::new("/nonexistent/home"), Path::new("/nonexistent/cache")).unwrap()
    }

    pub fn open(&self) -> Repo {
        Repo::open(&self.location()).unwrap()
    }

    /// Everything below the repository, by path.
    pub fn fingerprint(&self) -> BTreeMap<PathBuf, Print> {
        let mut found = BTreeMap::new();
        let mut open = vec![self.path.clone()];
        while let Some(path) = open.pop() {
            let metadata = fs::symlink_metadata(&path).unwrap();
            if metadata.is_dir() {
                open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
            let print = Print {
                mode: metadata.mode(),
                size: metadata.size(),
                mtime: (metadata.mtime(), metadata.mtime_nsec()),
                inode: metadata.ino(),
                content: metadata.is_file().then(|| Hash::of(&fs::read(&path).unwrap())),
            };
            found.insert(path, print);
        }
        found
    }
}

/// The seeds of a generated test: from 1 to `usual`, or as `RA_AGENT_SEEDS` says (`100`, `7-7`).
pub fn seeds(usual: u64) -> std::ops::RangeInclusive<u64> {
    let Ok(text) = std::env::var("RA_AGENT_SEEDS") else { return 1..=usual };
    let (first, last) = text.split_once('-').unwrap_or(("1", &text));
    first.parse().unwrap()..=last.parse().unwrap()
}

/// The choices of a generated test: the same ones for the same seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    pub fn one<'a, T: ?Sized>(&mut self, among: &[&'a T]) -> &'a T {
        among[self.roll(among.len())]
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }
}

/// What one file or directory is.
#[derive(Debug, PartialEq, Eq)]
pub struct Print {
    mode: u32,
    size: u64,
    mtime: (i64, i64),
    inode: u64,
    content: Option<Hash>,
}
