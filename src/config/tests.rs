use std::path::Path;
use std::time::Duration;

use super::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("/h/config.toml"), text, Path::new("/h"))
}

#[test]
fn nothing_written_means_the_defaults() {
    let missing = Config::load(Path::new("/no/such/config.toml"), Path::new("/h")).unwrap();
    assert_eq!(missing, Config::defaults(Path::new("/h")));
    assert_eq!(parse("").unwrap(), missing);
    assert_eq!(missing.cache.location, Path::new("/h/cache"));
    assert_eq!(missing.embedding.unload_after, Duration::from_secs(300));
    assert_eq!(missing.watch.debounce, Duration::from_millis(300));
    assert_eq!(missing.watch.poll, Duration::from_secs(60));
    assert_eq!(missing.budget.monthly, 3_000_000_000);
}

#[test]
fn every_key_is_read() {
    let config = parse(
        r#"
        [cache]
        strategy = "centralized"
        location = "/var/ra"
        max_size_mb = 10
        [analysis]
        types = ["todos", "docs", "todos"]
        analyze_on_save = true
        [llm]
        provider = "custom"
        base_url = "http://127.0.0.1:1/v1"
        model = "m"
        api_key_env = "KEY"
        requests_per_minute = 1
        tokens_per_minute = 2
        max_concurrency = 3
        max_output_tokens = 4
        timeout_secs = 5
        api_key_file = "/k/key"
        max_input_bytes = 2000
        max_context_bytes = 0
        [llm.prices."m.1"]
        input_usd_per_m = 0.2
        output_usd_per_m = 1
        [budget]
        monthly_usd = 0.1
        daily_usd = 0.000000001
        [embedding]
        model = "bge-small-en-v1.5"
        threads = 3
        unload_after_secs = 0
        [watch]
        tree = false
        debounce_ms = 1
        poll_secs = 2
        [privacy]
        deny = ["secret/**"]
        withhold = ["/internal/", "!public.rs"]
        "#,
    )
    .unwrap();
    assert_eq!(config.cache, Cache { location: "/var/ra".into(), max_size_mb: 10 });
    assert_eq!(config.analysis.types, [AnalysisType::Docs, AnalysisType::Todos]);
    assert_eq!(
        config.llm.prices["m.1"],
        Price { input: 200_000_000, cached_input: 200_000_000, cache_write: 200_000_000, output: 1_000_000_000 }
    );
    assert_eq!((config.llm.max_concurrency, config.llm.timeout), (3, Duration::from_secs(5)));
    assert_eq!((config.llm.max_input_bytes, config.llm.max_context_bytes), (2000, 0));
    assert_eq!(config.llm.api_key_file.as_deref(), Some(Path::new("/k/key")));
    assert_eq!(config.withhold, ["/internal/", "!public.rs"]);
    assert_eq!(config.budget, SpendingLimits { monthly: 100_000_000, daily: Some(1) });
    assert_eq!(config.embedding.model.as_deref(), Some("bge-small-en-v1.5"));
    assert_eq!((config.embedding.threads, config.embedding.unload_after), (3, Duration::ZERO));
    assert_eq!(config.watch, Watch { tree: false, debounce: Duration::from_millis(1), poll: Duration::from_secs(2) });
    assert_eq!(config.deny, ["secret/**"]);
}

/// What was written, and words that the message must hold.
const BAD: &[(&str, &[&str])] = &[
    ("[cahce]\n", &["config.toml:1", "`cahce`", "did you mean `cache`?"]),
    ("\n[watch]\ndebouce_ms = 1\n", &["config.toml:3", "`watch.debouce_ms`", "`debounce_ms`"]),
    ("[watch]\nqqq = 1\n", &["`watch.qqq`", "known here: tree, debounce_ms, poll_secs"]),
    ("watch = 3\n", &["config.toml:1", "`watch`", "the number 3", "a table"]),
    ("[watch]\ntree = \"yes\"\n", &["config.toml:2", "`watch.tree`", "the text \"yes\"", "true or false"]),
    ("[watch]\ndebounce_ms = -1\n", &["the number -1", "a whole number from 0 to 60000"]),
    ("[watch]\ndebounce_ms = 1.5\n", &["the number 1.5", "a whole number"]),
    ("[watch]\npoll_secs = 0\n", &["`watch.poll_secs`", "from 1 to"]),
    ("[cache]\nmax_size_mb = 99999999999999999999\n", &["max_size_mb"]),
    ("[cache]\nlocation = \"relative\"\n", &["`cache.location`", "absolute path"]),
    ("[cache]\nlocation = \"~someone/x\"\n", &["`cache.location`", "absolute path"]),
    ("[cache]\nstrategy = \"local\"\n", &["`cache.strategy`", "[repos.\"<path>\".cache]"]),
    ("[cache]\nstrategy = \"global\"\n", &["\"centralized\", \"local\""]),
    ("[analysis]\ntypes = \"docs\"\n", &["`analysis.types`", "a list"]),
    (
        "[analysis]\ntypes = [\n\"docs\",\n\"dosc\"]\n",
        &["config.toml:4", "a list with the text \"dosc\"", "\"refactor\""],
    ),
    ("[budget]\nmonthly_usd = -3\n", &["`budget.monthly_usd`", "dollars"]),
    ("[budget]\nmonthly_usd = nan\n", &["dollars"]),
    ("[budget]\nmonthly_usd = \"3 USD\"\n", &["the text \"3 USD\"", "dollars"]),
    ("[llm]\nprovider = \"clod\"\n", &["`llm.provider`", "\"ollama\""]),
    ("[llm]\nprovider = \"openai\"\n", &["`llm.model` is missing"]),
    ("[llm]\napi_key_file = \"key\"\n", &["`llm.api_key_file`", "absolute path"]),
    ("[privacy]\nwithhold = [\"# not a pattern\"]\n", &["`privacy.withhold`", "as in a .gitignore"]),
    ("[llm]\nprovider = \"custom\"\nmodel = \"m\"\n", &["`llm.base_url` is missing"]),
    ("[llm]\nbase_url = \"ftp://x\"\n", &["http://"]),
    ("[llm]\napi_key_env = \"sk-123\"\n", &["environment variable"]),
    ("[llm.prices.\"m\"]\ninput_usd_per_m = 1\n", &["`llm.prices.m.output_usd_per_m` is missing", "config.toml:1"]),
    ("[llm.prices.\"m.1\"]\nx = 1\n", &["missing"]),
    ("[embedding]\nmodel = \"../../etc\"\n", &["`embedding.model`", "id of a model"]),
    ("[embedding]\nthreads = 0\n", &["`embedding.threads`", "from 1 to 256"]),
    ("[privacy]\ndeny = [\"a/{b\"]\n", &["`privacy.deny` is a list with the text \"a/{b\"", "each a glob"]),
    ("[privacy]\ndeny = \"a\"\n", &["`privacy.deny` is the text \"a\"", "a list, each a glob"]),
    ("[index]\ninclude = [\"a/{b\"]\n", &["`index.include`", "a glob"]),
    ("[index]\nexclude = \"a\"\n", &["`index.exclude`", "a list"]),
    ("[index]\nincludes = []\n", &["did you mean `include`?"]),
    ("[repos.\"relative/x\"]\n", &["repos.\"relative/x\"", "absolute path"]),
    ("[repos.\"/x\"]\nllm = 1\n", &["`repos.\"/x\".llm`", "known here: analysis, watch, privacy, index, cache"]),
    ("[repos.\"/x\".cache]\nstrategy = \"local\"\n", &["location` is missing"]),
    ("[repos.\"/x\".cache]\nlocation = \"/y\"\n", &["strategy` is missing"]),
    (
        "[repos.\"/x\".cache]\nstrategy = \"local\"\nlocation = \"/y\"\n\
         [repos.\"/z\".cache]\nstrategy = \"local\"\nlocation = \"/y/z\"\n",
        &["`repos.\"/z\".cache`", "inside another store"],
    ),
    (
        "[cache]\nlocation = \"/c\"\n[repos.\"/x\".cache]\nstrategy = \"local\"\nlocation = \"/c/x\"\n",
        &["cache.location"],
    ),
    ("[shared]\nindex = true\n", &["`shared.url` is missing"]),
    ("[shared]\nurl = \"https://host/x\"\nindex = true\n", &["`shared.index`", "WebDAV"]),
    ("[cache]\nmax_size_mb = 1\nmax_size_mb = 2\n", &["config.toml:3", "not TOML"]),
    ("[cache\n", &["config.toml:1", "not TOML"]),
];

#[test]
fn bad_input_names_its_place_and_the_way_out() {
    for (text, words) in BAD {
        let message = match parse(text) {
            Ok(_) => panic!("accepted: {text:?}"),
            Err(error) => error.to_string(),
        };
        for word in *words {
            assert!(message.contains(word), "{text:?} gives {message:?}, which lacks {word:?}");
        }
    }
}

#[test]
fn a_file_that_is_no_text_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, b"\xff\xfe").unwrap();
    assert!(matches!(Config::load(&path, dir.path()), Err(ConfigError::Unreadable { .. })));
    assert!(matches!(Config::load(dir.path(), dir.path()), Err(ConfigError::Unreadable { .. })));
}

#[test]
fn a_repository_overrides_what_it_names_and_denies_more() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().join("real");
    std::fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, dir.path().join("link")).unwrap();
    let text = format!(
        "[privacy]\ndeny = [\"a\"]\n[repos.{:?}]\nanalysis.types = []\nwatch.tree = false\nprivacy.deny = [\"b\"]\nprivacy.withhold = [\"c/\"]\n\
         cache = {{ strategy = \"local\", location = \"/elsewhere/store\" }}\n",
        dir.path().join("link")
    );
    let config = parse(&text).unwrap();
    let own = config.for_repo(&real.canonicalize().unwrap());
    assert!(own.analysis.types.is_empty());
    assert_eq!(own.watch, Watch { tree: false, ..config.watch });
    assert_eq!(own.deny, ["a", "b"]);
    assert_eq!(own.withhold, ["c/"]);
    let set = own.deny_set().unwrap();
    assert!(set.is_match("b") && !set.is_match("c"));
    assert_eq!(own.store.as_deref(), Some(Path::new("/elsewhere/store")));
    assert_eq!(config.local_stores().count(), 1);
    let other = config.for_repo(Path::new("/other"));
    assert_eq!((other.watch, other.deny.len(), other.store), (config.watch, 1, None));
}

#[test]
fn a_repositorys_index_rules_come_before_the_general_ones() {
    let config =
        parse("[index]\ninclude = [\"a\"]\n[repos.\"/x\"]\nindex = { include = [\"b\"], exclude = [\"c\"] }\n")
            .unwrap();
    let [own, general] = config.for_repo(Path::new("/x")).index;
    assert_eq!((own.include, own.exclude, general.include), (vec!["b".into()], vec!["c".into()], vec!["a".to_owned()]));
    assert_eq!(config.for_repo(Path::new("/y")).index[0], IndexRules::default());
    assert!(config.selects_as(&config) && !config.selects_as(&parse("[index]\ninclude = [\"a\"]\n").unwrap()));
    let defaults = parse("").unwrap();
    assert!(defaults.selects_as(&parse("[watch]\npoll_secs = 5\n[repos.\"/x\"]\nwatch.tree = false\n").unwrap()));
    assert!(!defaults.selects_as(&parse("[privacy]\ndeny = [\"a\"]\n").unwrap()));
}

#[test]
fn no_store_inside_a_repository() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("w/.git")).unwrap();
    std::fs::create_dir_all(dir.path().join("bare/objects")).unwrap();
    std::fs::create_dir_all(dir.path().join("bare/refs")).unwrap();
    std::fs::write(dir.path().join("bare/HEAD"), "ref: refs/heads/main\n").unwrap();
    for inside in ["w", "w/deep/cache", "w/.git/cache", "bare/cache"] {
        let text = format!("[cache]\nlocation = {:?}\n", dir.path().join(inside));
        let message = parse(&text).unwrap_err().to_string();
        assert!(message.contains("outside every repository"), "{message}");
    }
    assert!(parse(&format!("[cache]\nlocation = {:?}\n", dir.path().join("free"))).is_ok());
}

#[test]
fn a_server_of_embeddings_has_the_address_of_its_provider() {
    let server = |text: &str| parse(&format!("[embedding]\n{text}\n")).unwrap().embedding;
    let ollama = server("provider = \"ollama\"\nmodel = \"all-minilm:33m\"");
    assert_eq!(ollama.model.as_deref(), Some("ollama/all-minilm:33m"));
    let of_ollama = ollama.server.unwrap();
    assert_eq!(of_ollama.llm.base_url.as_deref(), Some("http://127.0.0.1:11434/v1"));
    assert_eq!((of_ollama.texts, of_ollama.input_price), (32, None));
    let openai = server("provider = \"openai\"\nmodel = \"m\"\ninput_usd_per_m = 0.02\ntexts_per_request = 100");
    let openai = openai.server.unwrap();
    assert_eq!((openai.texts, openai.input_price), (100, Some(20_000_000)));
    assert_eq!(openai.llm.api_key_env.as_deref(), Some("OPENAI_API_KEY"));
    let here = server("provider = \"local\"\nmodel = \"all-MiniLM-L6-v2\"");
    assert_eq!((here.model.as_deref(), here.server), (Some("all-MiniLM-L6-v2"), None));
    for (text, said) in [
        ("provider = \"ollama\"", "`embedding.model`"),
        ("provider = \"custom\"\nmodel = \"m\"", "`embedding.base_url`"),
        ("provider = \"xai\"\nmodel = \"m\"", "\"llama-server\""),
        ("model = \"m\"\ntexts_per_request = 3", "texts_per_request"),
    ] {
        let message = parse(&format!("[embedding]\n{text}\n")).unwrap_err().to_string();
        assert!(message.contains(said), "{text}: {message}");
    }
}

#[test]
fn a_tilde_is_the_users_home() {
    let user_home = dirs::home_dir().unwrap();
    let config = parse("[cache]\nlocation = \"~/x/y\"\n").unwrap();
    assert_eq!(config.cache.location, user_home.join("x/y"));
}

const EXAMPLE: &str = include_str!("../../install/config.example.toml");

/// The example with what stands behind `mark` taken for written.
fn uncommented(mark: &str) -> String {
    let is_toml = |line: &&str| line.starts_with("[") || line.starts_with(|c: char| c.is_ascii_lowercase());
    EXAMPLE.lines().filter_map(|line| line.strip_prefix(mark)).filter(is_toml).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_shows_the_defaults() {
    let user_home = dirs::home_dir().unwrap();
    let agent_home = user_home.join(".rustassistant");
    let example = Config::parse(Path::new("config.example.toml"), &uncommented("#"), &agent_home).unwrap();
    assert_eq!(example, Config::defaults(&agent_home));
}

#[test]
fn the_example_shows_every_key() {
    for key in [
        "strategy",
        "location",
        "max_size_mb",
        "types",
        "analyze_on_save",
        "provider",
        "api",
        "base_url",
        "model",
        "api_key_env",
        "requests_per_minute",
        "tokens_per_minute",
        "max_concurrency",
        "max_output_tokens",
        "timeout_secs",
        "batch",
        "api_key_file",
        "max_input_bytes",
        "max_context_bytes",
        "input_usd_per_m",
        "cached_input_usd_per_m",
        "cache_write_usd_per_m",
        "output_usd_per_m",
        "monthly_usd",
        "daily_usd",
        "threads",
        "unload_after_secs",
        "texts_per_request",
        "query_prefix",
        "passage_prefix",
        "tree",
        "debounce_ms",
        "poll_secs",
        "deny",
        "withhold",
        "include",
        "exclude",
        "url",
        "mode",
        "endpoint",
        "trusted_keys",
    ] {
        let shown = |line: &str| line.trim_start_matches(['#', ' ']).starts_with(&format!("{key} = "));
        assert!(EXAMPLE.lines().any(shown), "{key}");
    }
    // what has no default is right, too
    let of_one_repository: Vec<&str> = EXAMPLE.lines().skip_while(|line| !line.starts_with("# [repos.")).collect();
    let text: Vec<&str> = of_one_repository.iter().filter_map(|line| line.strip_prefix("# ")).collect();
    assert_eq!(parse(&text.join("\n")).unwrap().local_stores().count(), 1);
}
