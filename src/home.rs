//! The one place that knows the paths below `~/.rustassistant`.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::domain::RepoId;

/// Longest path of a Unix socket in bytes, its final NUL not counted (`sun_path` is 108 bytes on Linux, 104 on macOS).
const SOCKET_PATH_MAX: usize = if cfg!(target_os = "macos") { 103 } else { 107 };

#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("no home directory is known: set HOME, or RA_AGENT_HOME to the directory that the agent shall use")]
    Unknown,
    #[error(
        "the agent's home {path} cannot be used: {source}; check who owns it, or set RA_AGENT_HOME to another directory"
    )]
    Unusable { path: PathBuf, source: io::Error },
    #[error(
        "the agent's home {path} is too deep: a socket path may have {SOCKET_PATH_MAX} bytes; set RA_AGENT_HOME to a shorter path"
    )]
    TooDeep { path: PathBuf },
}

/// The agent's own directory. Everything it writes is below it (or below `cache.location`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// `$RA_AGENT_HOME` if set, else `~/.rustassistant`. Creates nothing.
    ///
    /// # Errors
    /// If no home directory is known, or the sockets below it would have too long a path.
    #[expect(clippy::disallowed_methods, reason = "where the agent lives is asked before any setting is read")]
    pub fn from_env() -> Result<Self, HomeError> {
        let root = match std::env::var_os("RA_AGENT_HOME").filter(|value| !value.is_empty()) {
            Some(path) => std::path::absolute(path)
                .map_err(|source| HomeError::Unusable { path: PathBuf::from("$RA_AGENT_HOME"), source })?,
            None => Self::usual().ok_or(HomeError::Unknown)?,
        };
        Self::at(root)
    }

    /// Where the home is unless `$RA_AGENT_HOME` says otherwise.
    pub fn usual() -> Option<PathBuf> {
        Some(dirs::home_dir()?.join(".rustassistant"))
    }

    /// The home at a given directory.
    ///
    /// # Errors
    /// If the sockets below it would have too long a path.
    pub fn at(root: impl Into<PathBuf>) -> Result<Self, HomeError> {
        let home = Self { root: root.into() };
        if home.worker_socket().as_os_str().as_bytes().len() > SOCKET_PATH_MAX {
            return Err(HomeError::TooDeep { path: home.root });
        }
        Ok(home)
    }

    /// Creates the directories (0700) that are missing.
    ///
    /// # Errors
    /// If one cannot be created.
    pub fn create(&self) -> Result<(), HomeError> {
        let run = [self.run(), self.inbox(), self.slots(), self.barrier(), self.tmp()];
        for dir in [self.root.clone()].into_iter().chain(run).chain([self.logs(), self.models()]) {
            let unusable = |source| HomeError::Unusable { path: dir.clone(), source };
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(unusable)?;
        }
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(&self.root, private)
            .map_err(|source| HomeError::Unusable { path: self.root.clone(), source })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn config_file(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// Registry, jobs and ledger.
    pub fn agent_db(&self) -> PathBuf {
        self.root.join("agent.db")
    }

    /// Says which ledger this home has spent from.
    pub fn ledger_seal(&self) -> PathBuf {
        self.root.join("ledger.seal")
    }

    /// Locks, sockets, hook inbox, slots, temporary files.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// Held by the daemon as long as it lives; holds its pid for display.
    pub fn agent_lock(&self) -> PathBuf {
        self.run().join("agent.lock")
    }

    /// Held by the worker as long as it lives.
    pub fn worker_lock(&self) -> PathBuf {
        self.run().join("worker.lock")
    }

    pub fn agent_socket(&self) -> PathBuf {
        self.run().join("agent.sock")
    }

    pub fn worker_socket(&self) -> PathBuf {
        self.run().join("worker.sock")
    }

    pub fn inbox(&self) -> PathBuf {
        self.run().join("inbox")
    }

    /// The file that a repository's hooks touch. `register` creates it, so a hook of an unregistered repository does nothing.
    pub fn inbox_file(&self, repo: &RepoId) -> PathBuf {
        self.inbox().join(&repo.0)
    }

    /// One file per worker thread: the job that it is at work on.
    pub fn slots(&self) -> PathBuf {
        self.run().join("slots")
    }

    /// TMPDIR of the agent's processes: lance builds indexes in the temporary directory.
    /// Where the daemon touches files to see that notifications have arrived.
    pub fn barrier(&self) -> PathBuf {
        self.run().join("barrier")
    }

    pub fn tmp(&self) -> PathBuf {
        self.run().join("tmp")
    }

    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    pub fn log_file(&self) -> PathBuf {
        self.logs().join("agent.log")
    }

    pub fn models(&self) -> PathBuf {
        self.root.join("models")
    }

    pub fn model(&self, model_id: &str) -> PathBuf {
        self.models().join(model_id)
    }

    /// What the user has a model asked instead of the built-in questions; one `<type>.txt` each.
    pub fn prompts(&self) -> PathBuf {
        self.root.join("prompts")
    }

    /// What `mcp install` wrote into the configuration of coding agents.
    pub fn mcp_installations(&self) -> PathBuf {
        self.root.join("mcp-installations.json")
    }

    /// Held while configuration of coding agents is edited.
    pub fn mcp_lock(&self) -> PathBuf {
        self.run().join("mcp.lock")
    }

    /// Names and signs what machines share.
    pub fn shared_key(&self) -> PathBuf {
        self.root.join("shared.key")
    }

    /// What is known of shared stores.
    pub fn shared(&self) -> PathBuf {
        self.root.join("shared")
    }

    /// Hook scripts and the Git config file that names them.
    pub fn hooks(&self) -> PathBuf {
        self.root.join("hooks")
    }

    /// Default of `cache.location`.
    pub fn default_cache(&self) -> PathBuf {
        self.root.join("cache")
    }
}

/// One repository's store below `cache.location`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreDir(PathBuf);

impl StoreDir {
    pub fn centralized(cache_location: &Path, repo: &RepoId) -> Self {
        Self(cache_location.join("repos").join(&repo.0))
    }

    /// A store in a directory that the user names (`strategy = "local"`).
    pub fn local(dir: PathBuf) -> Self {
        Self(dir)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn meta_json(&self) -> PathBuf {
        self.0.join("meta.json")
    }

    pub fn analysis_db(&self) -> PathBuf {
        self.0.join("analysis.db")
    }

    /// Removes what the agent keeps here. In a directory that a person named nothing else goes, and it goes itself only if it is empty.
    ///
    /// # Errors
    /// If something cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        let own = ["meta.json", "analysis.db", "embeddings.lance", "kept"];
        for entry in std::fs::read_dir(&self.0)? {
            let entry = entry?;
            let name = entry.file_name();
            if own.iter().any(|own| name.as_bytes().starts_with(own.as_bytes())) {
                let path = entry.path();
                if entry.file_type()?.is_dir() { std::fs::remove_dir_all(path)? } else { std::fs::remove_file(path)? }
            }
        }
        // What is left is not the agent's, or the directory above is not the agent's to write in.
        let _ = std::fs::remove_dir(&self.0);
        Ok(())
    }

    /// Directory of the first LanceDB database; its table is `code_chunks`. Those of further models have a name that begins alike.
    pub fn vectors(&self) -> PathBuf {
        self.0.join("embeddings.lance")
    }

    /// The directories of all LanceDB databases that are in use.
    pub fn all_vectors(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.0).into_iter().flatten().flatten();
        let is_one = |name: &str| name.starts_with("embeddings.lance") && !name.contains(".damaged-");
        let is_one = |entry: &std::fs::DirEntry| entry.file_name().to_str().is_some_and(is_one);
        entries.filter(is_one).map(|entry| entry.path()).collect()
    }
}
