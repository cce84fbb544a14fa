//! The answer of `hooks status`.

use std::fmt;

use serde::Serialize;

/// How the commits of each repository are noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HooksView {
    /// Version of the installed Git, e.g. `2.54`.
    pub git: String,
    pub repos: Vec<RepoHooksView>,
}

/// How the commits of one repository are noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RepoHooksView {
    pub repo: String,
    pub way: RepoWay,
    /// `false` if `hook.ra-agent.enabled` is off for this repository.
    pub enabled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepoWay {
    /// Git's configuration names our script, and the script is there.
    Config,
    /// Our script is in the repository's hook directory.
    InRepo,
    Watch,
    /// Git's configuration names our script, but it is gone: `ra-agent hooks install` writes it again.
    Broken,
}

impl fmt::Display for RepoWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Config => "config hook",
            Self::InRepo => "hook in the repository",
            Self::Watch => "watch",
            Self::Broken => "config hook, its script missing: run `ra-agent hooks install`",
        })
    }
}
