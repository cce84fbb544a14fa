//! From what was written in each section to what it means: ranges, names, and what goes with what.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::edit;
use super::section::{Section, one_of};
use super::{
    AnalysisConfig, ApiFamily, Cache, ConfigError, Embedding, EmbeddingServer, IndexRules, Llm, Overrides, Price,
    Privacy, ProviderKind, SpendingLimits, Watch,
};
use crate::domain::AnalysisType;

pub(super) const PATH_EXPECTED: &str = "an absolute path, or one that begins with ~/";
pub(super) const STORE_EXPECTED: &str =
    "a store with a location of its own, neither inside another store or cache.location nor around it";
const DIRECTORY_EXPECTED: &str = "an absolute path, or one that begins with ~/, outside every repository";

pub(super) fn cache(mut section: Section<'_>, cache: &mut Cache) -> Result<(), ConfigError> {
    let strategy = section.choice("strategy", &["centralized", "local"], |name| match name {
        "centralized" => Some(false),
        "local" => Some(true),
        _ => None,
    })?;
    let location = section.text("location", DIRECTORY_EXPECTED, store_directory)?;
    cache.max_size_mb = section.whole_number("max_size_mb", 1..=1_000_000)?.unwrap_or(cache.max_size_mb);
    if strategy == Some(true) {
        let expected = "\"centralized\" here; to place one repository's store elsewhere write [repos.\"<path>\".cache] with \
                        strategy = \"local\" and its location";
        return Err(section.unfit("strategy", expected));
    }
    if let Some(location) = location {
        cache.location = location;
    }
    section.finish()
}

pub(super) fn analysis(mut section: Section<'_>, analysis: &mut AnalysisConfig) -> Result<(), ConfigError> {
    if let Some(types) = analysis_types(&mut section)? {
        analysis.types = types;
    }
    analysis.on_save = section.flag("analyze_on_save")?.unwrap_or(analysis.on_save);
    section.finish()
}

fn analysis_types(section: &mut Section<'_>) -> Result<Option<Vec<AnalysisType>>, ConfigError> {
    let names: Vec<&str> = AnalysisType::ALL.iter().map(|t| t.as_str()).collect();
    let types = section.list("types", &one_of(&names), AnalysisType::parse)?;
    Ok(types.map(|mut types| {
        types.sort_unstable();
        types.dedup();
        types
    }))
}

pub(super) fn llm(mut section: Section<'_>, defaults: Llm) -> Result<Llm, ConfigError> {
    let provider =
        section.choice("provider", &ProviderKind::names(), ProviderKind::parse)?.unwrap_or(defaults.provider);
    let api = section.choice("api", &ApiFamily::NAMES, ApiFamily::parse)?.unwrap_or(provider.api());
    let base_url = address(&mut section)?;
    let model = section.text("model", "the name of a model", non_empty)?;
    let api_key_env = key_variable(&mut section)?;
    let api_key_file = section.text("api_key_file", PATH_EXPECTED, absolute)?;
    let requests_per_minute = section.whole_number("requests_per_minute", 1..=100_000)?.map(narrow);
    let tokens_per_minute = section.whole_number("tokens_per_minute", 1..=1_000_000_000)?;
    let max_concurrency = section.whole_number("max_concurrency", 1..=64)?.map(narrow);
    let max_output_tokens = section.whole_number("max_output_tokens", 1..=1_000_000)?.map(narrow);
    let max_input_bytes = section.whole_number("max_input_bytes", 1_024..=1_048_576)?.map(narrow);
    let max_context_bytes = section.whole_number("max_context_bytes", 0..=262_144)?.map(narrow);
    let timeout = section.whole_number("timeout_secs", 1..=3_600)?.map(Duration::from_secs);
    let batch = section.choice("batch", &["off", "backfill"], |name| match name {
        "off" => Some(false),
        "backfill" => Some(true),
        _ => None,
    })?;
    let prices = section.entries("prices")?.into_iter();
    let prices = prices.map(|(model, section)| Ok((model.to_owned(), price(section, api)?)));
    let prices = prices.collect::<Result<BTreeMap<_, _>, ConfigError>>()?;
    if provider == ProviderKind::Custom && base_url.is_none() {
        return Err(section.missing("base_url", "the provider \"custom\" has no address of its own"));
    }
    if batch == Some(true) && !provider.has_batches() {
        return Err(section.unfit("batch", "\"off\" here: of the providers, xai, openai and anthropic take batches"));
    }
    let model = model.or_else(|| provider.default_model().map(str::to_owned));
    if provider != ProviderKind::None && model.is_none() {
        return Err(section.missing("model", "a provider was chosen, but not which of its models to ask"));
    }
    section.finish()?;
    Ok(Llm {
        provider,
        api,
        base_url: base_url.or_else(|| provider.base_url().map(str::to_owned)),
        model,
        api_key_env: api_key_env.or_else(|| provider.api_key_env().map(str::to_owned)),
        api_key_file,
        requests_per_minute: requests_per_minute.unwrap_or(defaults.requests_per_minute),
        tokens_per_minute,
        max_concurrency: max_concurrency.unwrap_or(defaults.max_concurrency),
        max_output_tokens: max_output_tokens.unwrap_or(defaults.max_output_tokens),
        max_input_bytes: max_input_bytes.map_or(defaults.max_input_bytes, |bytes| bytes as usize),
        max_context_bytes: max_context_bytes.map_or(defaults.max_context_bytes, |bytes| bytes as usize),
        timeout: timeout.unwrap_or(defaults.timeout),
        batch: batch.unwrap_or(defaults.batch),
        prices,
    })
}

fn price(mut section: Section<'_>, api: ApiFamily) -> Result<Price, ConfigError> {
    let input = section.usd("input_usd_per_m")?;
    let cached_input = section.usd("cached_input_usd_per_m")?;
    let cache_write = section.usd("cache_write_usd_per_m")?;
    let output = section.usd("output_usd_per_m")?;
    let unknown = "a price that is not known cannot be reserved";
    let input = input.ok_or_else(|| section.missing("input_usd_per_m", unknown))?;
    let output = output.ok_or_else(|| section.missing("output_usd_per_m", unknown))?;
    section.finish()?;
    let cache_write = cache_write.unwrap_or_else(|| api.cache_write(input));
    Ok(Price { input, cached_input: cached_input.unwrap_or(input), cache_write, output })
}

pub(super) fn budget(mut section: Section<'_>, budget: &mut SpendingLimits) -> Result<(), ConfigError> {
    budget.monthly = section.usd("monthly_usd")?.unwrap_or(budget.monthly);
    budget.daily = section.usd("daily_usd")?;
    section.finish()
}

pub(super) fn embedding(
    mut section: Section<'_>,
    embedding: &mut Embedding,
    defaults: &Llm,
) -> Result<(), ConfigError> {
    let provider = section.choice("provider", &EMBEDDING_PROVIDERS, embedding_provider)?.flatten();
    match provider {
        None => {
            let id = |id: &str| edit::is_model_id(id).then(|| id.to_owned());
            embedding.model = section.text("model", edit::MODEL_EXPECTED, id)?;
        }
        Some(provider) => {
            let server = embedding_server(&mut section, provider, defaults)?;
            embedding.model = Some(server.id());
            embedding.server = Some(server);
        }
    }
    if let Some(threads) = section.whole_number("threads", 1..=256)? {
        embedding.threads = usize::try_from(threads).unwrap_or(embedding.threads);
    }
    let unload_after = section.whole_number("unload_after_secs", 0..=86_400)?;
    embedding.unload_after = unload_after.map_or(embedding.unload_after, Duration::from_secs);
    section.finish()
}

const EMBEDDING_PROVIDERS: [&str; 5] = ["local", "ollama", "llama-server", "openai", "custom"];

/// `Some(None)`: this program.
fn embedding_provider(name: &str) -> Option<Option<ProviderKind>> {
    match name {
        "local" => Some(None),
        name => EMBEDDING_PROVIDERS.contains(&name).then(|| ProviderKind::parse(name)),
    }
}

/// Texts of one request, if nothing else is written.
const TEXTS: usize = 32;

fn embedding_server(
    section: &mut Section<'_>,
    provider: ProviderKind,
    defaults: &Llm,
) -> Result<EmbeddingServer, ConfigError> {
    let model = section.text("model", "the name of a model", non_empty)?;
    let base_url = address(section)?;
    let api_key_env = key_variable(section)?;
    let api_key_file = section.text("api_key_file", PATH_EXPECTED, absolute)?;
    let requests_per_minute = section.whole_number("requests_per_minute", 1..=100_000)?.map(narrow);
    let tokens_per_minute = section.whole_number("tokens_per_minute", 1..=1_000_000_000)?;
    let timeout = section.whole_number("timeout_secs", 1..=600)?.map(Duration::from_secs);
    let texts = section.whole_number("texts_per_request", 1..=2_048)?;
    let input_price = section.usd("input_usd_per_m")?;
    let text = |text: &str| Some(text.to_owned());
    let query_prefix = section.text("query_prefix", "a text", text)?.unwrap_or_default();
    let passage_prefix = section.text("passage_prefix", "a text", text)?.unwrap_or_default();
    if model.is_none() {
        return Err(section.missing("model", "a provider was chosen, but not which of its models"));
    }
    let base_url = base_url.or_else(|| provider.base_url().map(str::to_owned));
    if base_url.is_none() {
        return Err(section.missing("base_url", "the provider \"custom\" has no address of its own"));
    }
    let llm = Llm {
        provider,
        base_url,
        model,
        api_key_env: api_key_env.or_else(|| provider.api_key_env().map(str::to_owned)),
        api_key_file,
        requests_per_minute: requests_per_minute.unwrap_or(defaults.requests_per_minute),
        tokens_per_minute,
        max_concurrency: 1,
        timeout: timeout.unwrap_or(defaults.timeout),
        ..defaults.clone()
    };
    let texts = texts.and_then(|texts| usize::try_from(texts).ok()).unwrap_or(TEXTS);
    Ok(EmbeddingServer { llm, input_price, texts, query_prefix, passage_prefix })
}

fn address(section: &mut Section<'_>) -> Result<Option<String>, ConfigError> {
    section.text("base_url", "an address that begins with http:// or https://", |url| {
        ["http://", "https://"]
            .iter()
            .any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
            .then(|| url.to_owned())
    })
}

fn key_variable(section: &mut Section<'_>) -> Result<Option<String>, ConfigError> {
    section.text("api_key_env", "the name of an environment variable (never the key itself)", variable_name)
}

pub(super) fn watch(mut section: Section<'_>, watch: &mut Watch) -> Result<(), ConfigError> {
    watch.tree = section.flag("tree")?.unwrap_or(watch.tree);
    watch.debounce = section.whole_number("debounce_ms", 0..=60_000)?.map_or(watch.debounce, Duration::from_millis);
    watch.poll = section.whole_number("poll_secs", 1..=86_400)?.map_or(watch.poll, Duration::from_secs);
    section.finish()
}

pub(super) fn privacy(mut section: Section<'_>) -> Result<Privacy, ConfigError> {
    let deny = section.list("deny", "a glob such as \"secrets/**\"", glob)?;
    let withhold = section.list("withhold", "a pattern as in a .gitignore, such as \"/internal/\"", ignore_pattern)?;
    section.finish()?;
    Ok(Privacy { deny: deny.unwrap_or_default(), withhold: withhold.unwrap_or_default() })
}

pub(super) fn index(mut section: Section<'_>) -> Result<IndexRules, ConfigError> {
    let include = section.list("include", "a glob such as \"vendor/ours/**\"", glob)?.unwrap_or_default();
    let exclude = section.list("exclude", "a glob such as \"fixtures/**\"", glob)?.unwrap_or_default();
    section.finish()?;
    Ok(IndexRules { include, exclude })
}

fn glob(text: &str) -> Option<String> {
    globset::Glob::new(text).ok().filter(|_| !text.is_empty()).map(|glob| glob.glob().to_owned())
}

/// One pattern on one line; an empty one or a comment would withhold nothing although something was meant.
fn ignore_pattern(text: &str) -> Option<String> {
    let means_something = !text.trim().is_empty() && !text.starts_with('#') && !text.contains(['\n', '\r']);
    means_something.then(|| text.to_owned())
}

pub(super) fn overrides(mut section: Section<'_>) -> Result<Overrides, ConfigError> {
    let mut analysis = section.section("analysis")?;
    let mut watch = section.section("watch")?;
    let own = Overrides {
        types: analysis_types(&mut analysis)?,
        on_save: analysis.flag("analyze_on_save")?,
        tree: watch.flag("tree")?,
        debounce: watch.whole_number("debounce_ms", 0..=60_000)?.map(Duration::from_millis),
        poll: watch.whole_number("poll_secs", 1..=86_400)?.map(Duration::from_secs),
        privacy: privacy(section.section("privacy")?)?,
        index: index(section.section("index")?)?,
        store: store(section.section("cache")?)?,
    };
    analysis.finish()?;
    watch.finish()?;
    section.finish()?;
    Ok(own)
}

fn store(mut section: Section<'_>) -> Result<Option<PathBuf>, ConfigError> {
    let local = section.choice("strategy", &["centralized", "local"], |name| match name {
        "centralized" => Some(false),
        "local" => Some(true),
        _ => None,
    })?;
    let location = section.text("location", DIRECTORY_EXPECTED, store_directory)?;
    match (local.unwrap_or(false), &location) {
        (true, None) => Err(section.missing("location", "a store of its own needs a directory")),
        (false, Some(_)) => Err(section.missing("strategy", "a location of its own goes with strategy = \"local\"")),
        _ => section.finish().map(|()| location),
    }
}

/// A directory that stores may be kept in: never inside a repository.
fn store_directory(written: &str) -> Option<PathBuf> {
    let inside = |path: &Path| path.ancestors().any(is_repository);
    // Also where a symbolic link leads.
    let resolved = |path: &Path| path.ancestors().find_map(|ancestor| ancestor.canonicalize().ok());
    absolute(written).filter(|path| !inside(path) && !resolved(path).is_some_and(|path| inside(&path)))
}

/// Whether a store would be in another one, or around it: each is measured, pruned and removed alone.
pub(super) fn overlaps(store: &Path, others: &[&Path]) -> bool {
    others.iter().any(|other| store.starts_with(other) || other.starts_with(store))
}

/// Whether a directory is the top of a work tree or a git directory, by the signs that `git` goes by.
fn is_repository(directory: &Path) -> bool {
    directory.join(".git").exists()
        || (directory.join("HEAD").exists() && directory.join("objects").is_dir() && directory.join("refs").is_dir())
}

/// The path with a leading `~` replaced; `None` if it is not absolute then.
pub(super) fn absolute(written: &str) -> Option<PathBuf> {
    let path = match written.strip_prefix('~') {
        Some("") => dirs::home_dir()?,
        Some(rest) => dirs::home_dir()?.join(rest.strip_prefix('/')?.trim_start_matches('/')),
        None => PathBuf::from(written),
    };
    path.is_absolute().then_some(path)
}

fn non_empty(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

fn variable_name(text: &str) -> Option<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(word)).then(|| text.to_owned())
}

/// For numbers whose range was checked to be below `u32::MAX`.
fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
