//! Hooks: how the agent learns of a commit at once. Git >= 2.54 takes hooks from its configuration, so one line in the user's own file
//! includes what is kept in the agent's home, and nothing is written in any repository. On an older Git nothing is installed: the
//! agent watches the git directories. A hook in one repository is written only when its user asks for it (`in_repo`).

mod git_config;
mod in_repo;
mod included;
mod script;
mod user_config;
pub(super) mod verb;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use in_repo::{InRepo, install_in_repo, uninstall_in_repo};
pub(in crate::cli) use script::shell_quoted;
pub use user_config::user_config_file;
pub use verb::of_registered;

use crate::domain::RepoId;
use crate::home::Home;
use crate::query::view::hooks::RepoHooksView;
pub use crate::query::view::hooks::RepoWay;
use crate::query::view::shown;

#[derive(Debug, thiserror::Error)]
pub enum HooksError {
    #[error("no home directory is known, so neither is Git's configuration; set HOME or GIT_CONFIG_GLOBAL")]
    NoUserHome,
    #[error("`git --version` did not answer: {reason}; install git, or put it on the PATH")]
    NoGit { reason: String },
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("cannot write {path}: {source}; check who owns it and whether the disk is full")]
    Unwritable { path: PathBuf, source: io::Error },
    #[error(
        "{path} is read-only; make it writable, or have what writes it add the line include.path (see `ra-agent hooks status`)"
    )]
    ReadOnly { path: PathBuf },
    #[error(
        "{path} is being written by a git command: {path}.lock is there; try again, or remove it if no git command runs"
    )]
    Locked { path: PathBuf },
    #[error("{path} cannot be parsed as a Git configuration; fix it first (`git config --global --list` says where)")]
    NotParsed { path: PathBuf },
    #[error("{path} cannot be changed without touching the rest; edit this yourself: {line}")]
    NotEditable { path: PathBuf, line: String },
    #[error(
        "{repo} takes its hooks from {hooks_path} (core.hooksPath), which is not the agent's to write in; the watch notices its commits"
    )]
    HooksElsewhere { repo: PathBuf, hooks_path: String },
    #[error("git could not read its configuration for {git_dir}: {reason}")]
    NotAsked { git_dir: PathBuf, reason: String },
    #[error("{path} is in the way: it was kept from an earlier hook; check it, then move it away")]
    ChainedInTheWay { path: PathBuf },
}

/// First two numbers of Git's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitVersion {
    pub major: u32,
    pub minor: u32,
}

impl GitVersion {
    /// The first Git that runs hooks named by its configuration (release notes of 2.54).
    pub const CONFIG_HOOKS: Self = Self { major: 2, minor: 54 };

    /// Parses the output of `git --version`, e.g. `git version 2.39.5 (Apple Git-154)`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.trim().strip_prefix("git version ")?.split('.');
        Some(Self { major: numbers.next()?.parse().ok()?, minor: numbers.next()?.parse().ok()? })
    }

    /// Asks the `git` on the PATH.
    ///
    /// # Errors
    /// If there is none, or it does not print a version.
    pub fn of_installed() -> Result<Self, HooksError> {
        let output =
            git().arg("--version").output().map_err(|error| HooksError::NoGit { reason: error.to_string() })?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Self::parse(&text).ok_or_else(|| HooksError::NoGit { reason: format!("it said {:?}", text.trim()) })
    }
}

impl fmt::Display for GitVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A registered repository, as the hooks see it. Paths are canonical.
#[derive(Clone, Debug)]
pub struct HookedRepo {
    pub id: RepoId,
    /// Work tree, or git directory of a bare repository.
    pub path: PathBuf,
    pub git_dir: PathBuf,
    /// The git directory that linked work trees share; `git_dir` itself elsewhere.
    pub common_dir: PathBuf,
}

/// How commits reach the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookWay {
    /// By hooks that Git's configuration names.
    Config {
        git: GitVersion,
        user_config: PathBuf,
        /// Repositories whose path no configuration can name; the watch serves them.
        left_out: Vec<PathBuf>,
    },
    /// By the watch on the git directories alone.
    Watch { git: GitVersion },
}

impl fmt::Display for HookWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config { git, user_config, left_out } => {
                write!(
                    f,
                    "git {git} takes hooks from its configuration: one include in {}, nothing in any repository",
                    user_config.display()
                )?;
                left_out
                    .iter()
                    .try_for_each(|path| write!(f, "\n{path:?} cannot be named there; the watch notices its commits"))
            }
            Self::Watch { git } => write!(
                f,
                "git {git} takes no hooks from its configuration (2.54 does), so none is installed: the agent watches the git \
                 directories and notices a commit within 2 s. For a hook in one repository: ra-agent hooks install --in-repo <repo>"
            ),
        }
    }
}

/// Installs the way that fits this Git. Installing twice is the same as once.
///
/// # Errors
/// If the agent's home or the user's Git configuration cannot be written; the latter is then as it was.
pub fn install(home: &Home, repos: &[HookedRepo], git: GitVersion, user_config: &Path) -> Result<HookWay, HooksError> {
    if git < GitVersion::CONFIG_HOOKS {
        return Ok(HookWay::Watch { git });
    }
    included::write_all(home, repos)?;
    user_config::add_include(user_config, &included::file(home))?;
    Ok(HookWay::Config { git, user_config: user_config.to_path_buf(), left_out: included::left_out(repos) })
}

/// Takes the include out of the user's Git configuration, then the files that it named out of the agent's home.
///
/// # Errors
/// If one of them cannot be written.
pub fn uninstall(home: &Home, user_config: &Path) -> Result<(), HooksError> {
    user_config::remove_include(user_config, &included::file(home))?;
    match std::fs::remove_dir_all(home.hooks()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(HooksError::Unwritable { path: home.hooks(), source: error })
        }
        _ => Ok(()),
    }
}

/// Whether the user's Git configuration includes the agent's hooks.
///
/// # Errors
/// If that file cannot be read or parsed.
pub fn is_installed(home: &Home, user_config: &Path) -> Result<bool, HooksError> {
    user_config::includes(user_config, &included::file(home))
}

/// Brings installed config hooks in step with what is registered; does nothing where none are installed.
///
/// # Errors
/// If the agent's home cannot be written.
pub fn sync(home: &Home, repos: &[HookedRepo]) -> Result<(), HooksError> {
    if included::file(home).exists() { included::write_all(home, repos) } else { Ok(()) }
}

/// Asks Git, for one of the registered repositories, which hook it would run.
///
/// # Errors
/// If Git cannot read its configuration there.
pub fn status(
    home: &Home,
    repo: &HookedRepo,
    repos: &[HookedRepo],
    git: GitVersion,
) -> Result<RepoHooksView, HooksError> {
    let script = included::script_of(home, repos, repo);
    let enabled = asked(&repo.git_dir, &["--type=bool", "--get", "hook.ra-agent.enabled"])?;
    let named = git >= GitVersion::CONFIG_HOOKS && asked(&repo.git_dir, &["--get", "hook.ra-agent.command"])?.is_some();
    let way = match script {
        Some(script) if named && script.exists() => RepoWay::Config,
        _ if in_repo::is_installed(repo) => RepoWay::InRepo,
        _ if named => RepoWay::Broken,
        _ => RepoWay::Watch,
    };
    Ok(RepoHooksView { repo: shown(&repo.path), way, enabled: enabled.as_deref() != Some("false") })
}

/// What `git config <args>` answers in a repository; `None` if the key is not set.
fn asked(git_dir: &Path, args: &[&str]) -> Result<Option<String>, HooksError> {
    let failed = |reason: String| HooksError::NotAsked { git_dir: git_dir.to_path_buf(), reason };
    let output = git().arg("--git-dir").arg(git_dir).arg("config").args(args).output();
    let output = output.map_err(|error| failed(error.to_string()))?;
    match output.status.code() {
        Some(0) => Ok(Some(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned())),
        // git-config(1): the section or key is invalid, or not there
        Some(1) => Ok(None),
        _ => Err(failed(String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; "))),
    }
}

/// Returns a `git` that opens no repository but the one that its arguments name.
#[expect(clippy::disallowed_methods, reason = "asks Git about hooks, outside every repository")]
fn git() -> Command {
    /// What `git rev-parse --local-env-vars` lists.
    const OF_A_REPOSITORY: [&str; 15] = [
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_CONFIG",
        "GIT_CONFIG_PARAMETERS",
        "GIT_CONFIG_COUNT",
        "GIT_OBJECT_DIRECTORY",
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_GRAFT_FILE",
        "GIT_INDEX_FILE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_REPLACE_REF_BASE",
        "GIT_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_COMMON_DIR",
    ];
    let mut git = Command::new("git");
    for name in OF_A_REPOSITORY {
        git.env_remove(name);
    }
    git
}

#[cfg(test)]
mod tests;
