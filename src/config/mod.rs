//! `config.toml`: what was written (`section`) becomes what it means ([`Config`]). A file that is not there means the defaults; an
//! unknown key is an error that suggests the nearest name.

mod edit;
mod error;
mod prices;
mod provider;
mod read;
mod section;
mod shared;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use edit::{set_embedding_model, set_limits};
pub use error::ConfigError;
pub use prices::UnknownPrice;
pub use provider::{ApiFamily, ProviderKind};
pub use shared::{SharedConfig, SharedScheme, TrustedKey};

use crate::domain::{AnalysisType, composed};
use section::{Document, Section};

/// The whole configuration, every value in its unit and in its range.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub cache: Cache,
    pub analysis: AnalysisConfig,
    pub llm: Llm,
    pub budget: SpendingLimits,
    pub embedding: Embedding,
    pub watch: Watch,
    /// Globs of paths that are never read, as well as the names that the agent always denies.
    pub deny: Vec<String>,
    /// Patterns in the syntax of a `.gitignore`: such files are analysed on this machine and never sent.
    pub withhold: Vec<String>,
    pub index: IndexRules,
    /// `None`: nothing is shared with other machines.
    pub shared: Option<SharedConfig>,
    /// By the work tree's canonical path.
    overrides: BTreeMap<PathBuf, Overrides>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Absolute directory of the stores that are kept centrally.
    pub location: PathBuf,
    /// In megabytes of 1,000,000 bytes.
    pub max_size_mb: u64,
}

impl Cache {
    pub const fn max_size_bytes(&self) -> u64 {
        self.max_size_mb.saturating_mul(1_000_000)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalysisConfig {
    /// Sorted, each once.
    pub types: Vec<AnalysisType>,
    pub on_save: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Llm {
    pub provider: ProviderKind,
    pub api: ApiFamily,
    /// Present unless the provider is `None`.
    pub base_url: Option<String>,
    /// Present unless the provider is `None`.
    pub model: Option<String>,
    /// Name of the environment variable that holds the key; the key itself is never in the configuration.
    pub api_key_env: Option<String>,
    /// File that holds the key and that no other user may read; it goes before the variable.
    pub api_key_file: Option<PathBuf>,
    pub requests_per_minute: u32,
    pub tokens_per_minute: Option<u64>,
    pub max_concurrency: u32,
    pub max_output_tokens: u32,
    /// Most bytes of a file that a model is shown; a larger file is cut at the end of a line.
    pub max_input_bytes: usize,
    /// Most bytes of signatures that a model is shown next to a file.
    pub max_context_bytes: usize,
    /// Of one request, from its first byte to the last of the reply.
    pub timeout: Duration,
    /// What no person waits for is sent in batches, which cost less.
    pub batch: bool,
    /// By model.
    pub prices: BTreeMap<String, Price>,
}

/// In nano-dollars for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    pub input: u64,
    /// As `input` where it is not written.
    pub cached_input: u64,
    /// Of input that the provider puts into its cache; as `input` where that is not billed.
    pub cache_write: u64,
    pub output: u64,
}

/// What remote models may cost, in nano-dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpendingLimits {
    /// For a UTC calendar month.
    pub monthly: u64,
    /// For a UTC day; `None`: no limit of its own.
    pub daily: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// `None` until a model was installed or named.
    pub model: Option<String>,
    /// Who makes the vectors instead of this program.
    pub server: Option<EmbeddingServer>,
    pub threads: usize,
    /// Idleness after which the worker exits.
    pub unload_after: Duration,
}

/// A server that makes vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingServer {
    /// Where and as whom it is asked, and how often: as questions are.
    pub llm: Llm,
    /// Nano-dollars for a million tokens; `None`: it is not written.
    pub input_price: Option<u64>,
    /// Most texts of one request.
    pub texts: usize,
    /// What a query and a piece of code begin with, as the model's publisher says.
    pub query_prefix: String,
    pub passage_prefix: String,
}

impl EmbeddingServer {
    /// The id under which its vectors are kept.
    pub fn id(&self) -> String {
        format!("{}/{}", self.llm.provider.as_str(), self.llm.model.as_deref().unwrap_or_default())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Whether the work tree is watched, not only the git directory.
    pub tree: bool,
    pub debounce: Duration,
    pub poll: Duration,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Overrides {
    types: Option<Vec<AnalysisType>>,
    on_save: Option<bool>,
    tree: Option<bool>,
    debounce: Option<Duration>,
    poll: Option<Duration>,
    privacy: Privacy,
    index: IndexRules,
    store: Option<PathBuf>,
}

/// What an `[index]` table says: globs of paths that are indexed whatever a guess says, and of those that are not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexRules {
    pub include: Vec<String>,
    pub exclude: Vec<String>,
}

/// What a `[privacy]` table says.
#[derive(Clone, Debug, Default, PartialEq)]
struct Privacy {
    deny: Vec<String>,
    withhold: Vec<String>,
}

/// What holds for one repository.
#[derive(Clone, Debug, PartialEq)]
pub struct RepoConfig {
    pub analysis: AnalysisConfig,
    pub watch: Watch,
    /// The general globs and the repository's own.
    pub deny: Vec<String>,
    /// The general patterns and then the repository's own, which may take a file out again (`!name`).
    pub withhold: Vec<String>,
    /// The repository's own rules, then the general ones: the first that says something of a path holds.
    pub index: [IndexRules; 2],
    /// Directory of this repository's store, if it is not to be below `cache.location`.
    pub store: Option<PathBuf>,
}

impl RepoConfig {
    /// The denied globs as one matcher for paths relative to the repository's top; `*` matches `/`, too, so `*.pem` denies such a
    /// file anywhere.
    ///
    /// # Errors
    /// If the globs, each fine alone, are too much for one matcher.
    pub fn deny_set(&self) -> Result<globset::GlobSet, globset::Error> {
        let mut set = globset::GlobSetBuilder::new();
        for glob in &self.deny {
            set.add(globset::Glob::new(&composed(glob))?);
        }
        set.build()
    }
}

impl Config {
    /// The configuration of an agent with no settings.
    pub fn defaults(agent_home: &Path) -> Self {
        /// More threads than this hardly help an embedding and take a small machine away from its user.
        const MOST_THREADS: usize = 4;
        Self {
            cache: Cache { location: agent_home.join("cache"), max_size_mb: 500 },
            analysis: AnalysisConfig { types: all_types(), on_save: false },
            llm: Llm {
                provider: ProviderKind::None,
                api: ApiFamily::ChatCompletions,
                base_url: None,
                model: None,
                api_key_env: None,
                api_key_file: None,
                requests_per_minute: 60,
                tokens_per_minute: None,
                max_concurrency: 2,
                max_output_tokens: 2048,
                max_input_bytes: 48 * 1024,
                max_context_bytes: 6 * 1024,
                timeout: Duration::from_secs(120),
                batch: false,
                prices: BTreeMap::new(),
            },
            budget: SpendingLimits { monthly: 3_000_000_000, daily: None },
            embedding: Embedding {
                model: None,
                server: None,
                threads: std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS),
                unload_after: Duration::from_secs(300),
            },
            watch: Watch { tree: true, debounce: Duration::from_millis(300), poll: Duration::from_secs(60) },
            deny: Vec::new(),
            withhold: Vec::new(),
            index: IndexRules::default(),
            shared: None,
            overrides: BTreeMap::new(),
        }
    }

    /// Reads the file at `path`; one that does not exist means the defaults. `agent_home` is [`crate::home::Home::root`]; a
    /// leading `~` in a path that was written is the user's home directory.
    ///
    /// # Errors
    /// If the file cannot be read, is not TOML, has a key that is not known, or a value that is not of its kind or in its range:
    /// each says file, line, key and what is expected.
    pub fn load(path: &Path, agent_home: &Path) -> Result<Self, ConfigError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text, agent_home),
            // If the home cannot be a directory, the code that makes it reports that.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Ok(Self::defaults(agent_home))
            }
            Err(source) => Err(ConfigError::Unreadable { path: path.to_path_buf(), source }),
        }
    }

    fn parse(path: &Path, text: &str, agent_home: &Path) -> Result<Self, ConfigError> {
        let document = Document { path, text };
        let table = document.parse()?;
        let mut top = Section::top(document, table.get_ref());
        let mut config = Self::defaults(agent_home);
        read::cache(top.section("cache")?, &mut config.cache)?;
        read::analysis(top.section("analysis")?, &mut config.analysis)?;
        config.llm = read::llm(top.section("llm")?, config.llm)?;
        read::budget(top.section("budget")?, &mut config.budget)?;
        read::embedding(top.section("embedding")?, &mut config.embedding, &Self::defaults(agent_home).llm)?;
        read::watch(top.section("watch")?, &mut config.watch)?;
        Privacy { deny: config.deny, withhold: config.withhold } = read::privacy(top.section("privacy")?)?;
        config.index = read::index(top.section("index")?)?;
        config.shared = shared::shared(top.section("shared")?)?;
        for (name, section) in top.entries("repos")? {
            let path = read::absolute(name).ok_or_else(|| section.misnamed(read::PATH_EXPECTED))?;
            // the registry knows a repository by its canonical path; one that is not there (yet) is known as it was written
            let path = std::fs::canonicalize(&path).unwrap_or(path);
            let overlapping = section.unfit("cache", read::STORE_EXPECTED);
            let own = read::overrides(section)?;
            let others: Vec<&Path> =
                std::iter::once(config.cache.location.as_path()).chain(config.local_stores()).collect();
            if own.store.as_ref().is_some_and(|store| read::overlaps(store, &others)) {
                return Err(overlapping);
            }
            config.overrides.insert(path, own);
        }
        top.finish()?;
        Ok(config)
    }

    /// What holds for the repository whose work tree (or git directory, if it has none) has this canonical path.
    pub fn for_repo(&self, path: &Path) -> RepoConfig {
        let own = self.overrides.get(path).cloned().unwrap_or_default();
        RepoConfig {
            analysis: AnalysisConfig {
                types: own.types.unwrap_or_else(|| self.analysis.types.clone()),
                on_save: own.on_save.unwrap_or(self.analysis.on_save),
            },
            watch: Watch {
                tree: own.tree.unwrap_or(self.watch.tree),
                debounce: own.debounce.unwrap_or(self.watch.debounce),
                poll: own.poll.unwrap_or(self.watch.poll),
            },
            // a repository can deny more, never less: what is private in general stays private
            deny: self.deny.iter().chain(&own.privacy.deny).cloned().collect(),
            withhold: self.withhold.iter().chain(&own.privacy.withhold).cloned().collect(),
            index: [own.index, self.index.clone()],
            store: own.store,
        }
    }

    /// The repositories that have settings of their own, by their paths.
    pub fn repos_named(&self) -> impl Iterator<Item = &Path> {
        self.overrides.keys().map(PathBuf::as_path)
    }

    /// Whether another configuration selects the same files of every repository.
    pub fn selects_as(&self, other: &Self) -> bool {
        let own = |config: &Self| -> Vec<(PathBuf, Vec<String>, IndexRules)> {
            let own = config.overrides.iter();
            let own = own.map(|(path, own)| (path.clone(), own.privacy.deny.clone(), own.index.clone()));
            own.filter(|(_, deny, index)| !deny.is_empty() || *index != IndexRules::default()).collect()
        };
        self.deny == other.deny && self.index == other.index && own(self) == own(other)
    }

    /// The store directories that are outside `cache.location`.
    pub fn local_stores(&self) -> impl Iterator<Item = &Path> {
        self.overrides.values().filter_map(|own| own.store.as_deref())
    }
}

fn all_types() -> Vec<AnalysisType> {
    let mut types = AnalysisType::ALL.to_vec();
    types.sort_unstable();
    types
}

#[cfg(test)]
mod tests;
