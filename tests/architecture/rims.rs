//! Who may use what: the outer world is reached from a few rooms, each with its reason. Code for tests may use anything.

use super::source::{self, Source, Token};
use super::{Finding, check};

/// A part of the world, and the rooms that may touch it: a file, or a directory with its `/`.
struct Rim {
    what: &'static str,
    /// Parts of paths: `std::fs` is found in `use std::fs::File` and in `std::fs::read`.
    paths: &'static [&'static str],
    /// Methods that do the same on a value.
    methods: &'static [&'static str],
    remedy: &'static str,
    rooms: &'static [(&'static str, &'static str)],
}

const GIX: Rim = Rim {
    what: "gix",
    paths: &["gix"],
    methods: &[],
    remedy: "Put a function into repo/ that answers the question",
    rooms: &[("src/repo/", "the only room that opens a repository, with the options that run no foreign program")],
};

const CLOCK: Rim = Rim {
    what: "the clock",
    paths: &["SystemTime::now", "Instant::now", "Utc::now", "Local::now"],
    methods: &["elapsed"],
    remedy: "Take the time as a parameter, or ask clock.rs",
    rooms: &[("src/clock.rs", "the only place that asks the time, so that tests can move it")],
};

const FILES: Rim = Rim {
    what: "the file system",
    paths: &["std::fs", "tokio::fs", "rustix::fs"],
    methods: &["exists", "try_exists", "symlink_metadata", "canonicalize", "read_dir", "read_link"],
    remedy: "Take the content as a parameter, or move the access into one of the rooms that have it",
    rooms: &[
        ("src/analyzer/llm/key.rs", "reads the file that holds a provider's key"),
        ("src/analyzer/llm/template.rs", "reads the user's own prompts"),
        ("src/budget/seal.rs", "keeps the ledger's id beside agent.db"),
        ("src/cache/", "owns the directory of a repository's stores"),
        ("src/cli/", "installs hooks and services, reads what the user names"),
        ("src/clock.rs", "a debug build's clock is moved by a file"),
        ("src/config/", "reads and edits config.toml"),
        ("src/daemon/", "socket, log, its own executable"),
        ("src/compare/", "owns the directory of a comparison"),
        ("src/embedder/encoder.rs", "reads the model's weights"),
        ("src/embedder/install.rs", "writes the model that it downloads"),
        ("src/embedder/install/any.rs", "copies the model that a person names"),
        ("src/embedder/record.rs", "reads what was installed as a model"),
        ("src/embedder/rules.rs", "reads how the model's vectors are made"),
        ("src/embedder/table.rs", "reads the table that was made of a model"),
        ("src/event/", "watches directories, reads the inbox"),
        ("src/file.rs", "atomic and private files"),
        ("src/home.rs", "makes the agent's directories"),
        ("src/lock.rs", "locks are files"),
        ("src/query/mod.rs", "finds the real path of a file that a person names"),
        ("src/query/status.rs", "reads the worker's memory from /proc"),
        ("src/repo/", "reads repositories"),
        ("src/shared/", "keeps the key and the indexes of what machines share"),
        ("src/sandbox.rs", "names to Landlock what may be written"),
        ("src/store.rs", "opens databases"),
        ("src/vectors/", "owns the directory of the tables"),
        ("src/vectors.rs", "owns the directory of the tables"),
        ("src/worker/", "slots, socket and stores that were moved away"),
    ],
};

const NETWORK: Rim = Rim {
    what: "the network",
    paths: &[
        "reqwest",
        "object_store",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "UnixStream",
        "UnixListener",
        "UnixDatagram",
    ],
    methods: &[],
    remedy: "Nothing else leaves this machine; go through analyzer/llm or embedder/install",
    rooms: &[
        ("src/analyzer/llm/", "asks a provider"),
        ("src/daemon/control.rs", "the verbs' end of the control socket"),
        ("src/daemon/notify.rs", "reports to the service manager"),
        ("src/daemon/socket.rs", "the daemon's end of the control socket"),
        ("src/embedder/install.rs", "downloads the model when a person asks for it"),
        ("src/shared/", "asks the store that machines share results through"),
        ("src/embedder/install/any.rs", "downloads the model when a person asks for it"),
        ("src/page/wire.rs", "the page's end of the browser's connections, on loopback"),
        ("src/worker/", "the search socket"),
    ],
};

const ENVIRONMENT: Rim = Rim {
    what: "the environment",
    paths: &["env::var", "env::var_os", "env::vars", "env::vars_os", "env::set_var", "env::remove_var"],
    methods: &[],
    remedy: "Make it a setting, or read it in one of the rooms that do",
    rooms: &[
        ("src/analyzer/llm/key.rs", "a provider's key may be in a variable"),
        ("src/cli/hooks/user_config.rs", "where Git's own configuration is"),
        ("src/cli/mcp/clients.rs", "where the configuration of coding agents is"),
        ("src/cli/service/systemd.rs", "where systemd's units are"),
        ("src/cli/try_out.rs", "whether a shell finds this program"),
        ("src/clock.rs", "a debug build's clock is moved by a file"),
        ("src/daemon/notify.rs", "the service manager's socket"),
        ("src/embedder/install.rs", "a mirror of Hugging Face"),
        ("src/home.rs", "RA_AGENT_HOME"),
        ("src/repo/user_config.rs", "where Git's own configuration is"),
    ],
};

const PROCESSES: Rim = Rim {
    what: "other processes",
    paths: &["Command::new"],
    methods: &[],
    remedy: "No foreign program runs for a repository; use a library",
    rooms: &[
        ("src/cli/doctor/mcp.rs", "starts its own server as a coding agent would"),
        ("src/cli/hooks/", "asks Git for its version, outside every repository"),
        ("src/cli/service/", "asks the service manager"),
        ("src/daemon/supervise.rs", "starts the worker"),
        ("src/daemon/upgrade.rs", "starts its own new version"),
        ("src/mcp/start.rs", "starts the daemon for the first question"),
        ("src/page/window.rs", "opens a window of the browser when a person asks for it"),
    ],
};

const MCP: Rim = Rim {
    what: "the library for MCP",
    paths: &["rmcp"],
    methods: &[],
    remedy: "Answer in query/ or client/; mcp/ hands answers on",
    rooms: &[(
        "src/mcp/",
        "the server for coding agents; its types stay there, so that a later version of it changes one room",
    )],
};

const RANDOMNESS: Rim = Rim {
    what: "randomness",
    paths: &["getrandom", "rand", "RandomState", "rustix::rand"],
    methods: &[],
    remedy: "Take the value as a parameter",
    rooms: &[
        ("src/analyzer/llm/random.rs", "spreads retries over time"),
        ("src/shared/key.rs", "makes keys"),
        ("src/page/guard.rs", "the token in the page's address"),
    ],
};

const OUTPUT: Rim = Rim {
    what: "standard output and standard error",
    paths: &["io::stdout", "io::stderr"],
    methods: &[],
    remedy: "Print with cli::output::print, or log with tracing",
    rooms: &[
        ("src/cli/daemon.rs", "log lines"),
        ("src/cli/output.rs", "the one way in which verbs print"),
        ("src/worker/process/mod.rs", "the pipe to the daemon"),
    ],
};

/// These panic where the output is closed or its disk full.
const PANICKING_MACROS: &[&str] = &["println", "print", "eprintln", "eprint", "dbg"];

/// Rooms with SQL. `migrations/` is SQL alone.
const SQL_ROOMS: &[(&str, &str)] = &[
    ("src/budget/", "the ledger"),
    ("src/cache/", "a repository's analysis.db"),
    ("src/queue/", "the jobs"),
    ("src/repo/registry.rs", "the repositories"),
    ("src/store.rs", "opens, migrates and checks databases"),
];

const SQL_WORDS: &[&str] = &[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "ALTER",
    "DROP",
    "REPLACE",
    "PRAGMA",
    "VACUUM",
    "ATTACH",
    "WITH",
    "BEGIN",
    "SAVEPOINT",
];

impl Rim {
    fn crossed(&self, source: &Source) -> Vec<Finding> {
        if may(source, self.rooms) {
            return Vec::new();
        }
        let key = || format!("{}: {}", self.what, source.path);
        let mut found = Vec::new();
        for named in source.paths().iter().filter(|named| !named.test) {
            let path = named.segments.join("::");
            let has = |part: &&&str| format!("::{path}::").contains(&format!("::{part}::"));
            if self.paths.iter().any(|part| has(&part)) {
                found.push(Finding::new(&source.path, named.line, key(), format!("`{path}`")));
            }
        }
        for four in source.tokens.windows(4).filter(|four| !four[1].test) {
            let [dot, method, open, close] = four else { continue };
            if (&*dot.text, &*open.text, &*close.text) == (".", "(", ")") && self.methods.contains(&&*method.text) {
                found.push(Finding::new(&source.path, method.line, key(), format!("`.{}()`", method.text)));
            }
        }
        found
    }

    fn check(&self) {
        let found: Vec<Finding> = source::all().iter().flat_map(|source| self.crossed(source)).collect();
        check(&format!("Only some rooms use {} (tests/architecture/rims.rs)", self.what), self.remedy, &found, &[]);
        // a room that no longer needs its permission loses it
        for (room, _) in self.rooms {
            let used = |source: &Source| source.is_in(room) && !Rim { rooms: &[], ..*self }.crossed(source).is_empty();
            assert!(source::all().iter().any(used), "{room} may use {} and does not: delete its entry", self.what);
        }
    }

    fn finds(&self, line: &str) -> bool {
        !self.crossed(&Source::planted("outline::part", &format!("fn f() {{ {line} }}"))).is_empty()
    }
}

fn may(source: &Source, rooms: &[(&str, &str)]) -> bool {
    rooms.iter().any(|(room, _)| source.is_in(room))
}

fn sql(source: &Source) -> Vec<Finding> {
    let found = source.tokens.iter().filter(|token| !token.test && is_sql(token));
    found
        .map(|token| {
            let start: String = token.text.chars().take(40).collect();
            Finding::new(&source.path, token.line, format!("SQL: {}", source.path), start)
        })
        .collect()
}

fn is_sql(token: &Token) -> bool {
    let text = token.text.trim_start_matches(['r', '#', '"', 'c']).trim_start();
    let starts = |word: &&str| text.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '\n', '\\']));
    token.is_string && SQL_WORDS.iter().any(starts)
}

#[test]
fn only_repo_uses_gix() {
    GIX.check();
}

#[test]
fn only_clock_asks_the_time() {
    CLOCK.check();
}

#[test]
fn only_the_rim_uses_the_file_system() {
    FILES.check();
}

#[test]
fn only_the_rim_uses_the_network() {
    NETWORK.check();
}

#[test]
fn only_the_rim_reads_the_environment() {
    ENVIRONMENT.check();
}

#[test]
fn only_the_rim_starts_processes() {
    PROCESSES.check();
}

#[test]
fn only_mcp_uses_the_library_for_mcp() {
    MCP.check();
}

#[test]
fn only_the_rim_is_random() {
    RANDOMNESS.check();
}

#[test]
fn only_stores_write_sql() {
    let outside = source::all().iter().filter(|source| !may(source, SQL_ROOMS));
    let found: Vec<Finding> = outside.flat_map(sql).collect();
    check("Only stores write SQL", "Put a function into the store that owns the table", &found, &[]);
}

fn panicking_prints(source: &Source) -> Vec<Finding> {
    let prints = |two: &&[Token]| {
        !two[0].test && !two[0].is_string && two[1].text == "!" && PANICKING_MACROS.contains(&two[0].text.as_str())
    };
    let found = source.tokens.windows(2).filter(prints);
    found
        .map(|two| {
            Finding::new(&source.path, two[0].line, format!("printing: {}", source.path), format!("`{}!`", two[0].text))
        })
        .collect()
}

#[test]
fn there_is_one_way_of_printing() {
    OUTPUT.check();
    let found: Vec<Finding> = source::all().iter().flat_map(panicking_prints).collect();
    check("No macro prints, for it panics into a closed pipe", "Print with cli::output::print", &found, &[]);
}

/// How languages differ is a field or a function of their records: nothing else branches on which one it is.
fn branches_on_language(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for two in source.tokens.windows(2).filter(|two| !two[0].test && !source.is_in("src/language/")) {
        let (first, second) = (two[0].text.as_str(), two[1].text.as_str());
        let what = match (first, second) {
            ("match", "language") => "`match language`",
            ("set_language", "(") => "`set_language`",
            _ => continue,
        };
        found.push(Finding::new(&source.path, two[0].line, format!("language: {}", source.path), what));
    }
    found
}

#[test]
fn only_the_language_room_tells_languages_apart() {
    let mut found: Vec<Finding> = source::all().iter().flat_map(branches_on_language).collect();
    // nor is there a second parser in there, with limits of its own
    let parses = |token: &&Token| !token.test && token.text == "set_language";
    let parsers = source::all().iter().filter_map(|source| Some((source, source.tokens.iter().find(parses)?)));
    found.extend(parsers.skip(1).map(|(source, token)| {
        Finding::new(&source.path, token.line, "language: parsers", "another file that parses")
    }));
    check("Only language/ branches on a language", "Make it a field or a function of the record", &found, &[]);
}

/// What the verbs print as JSON is serialised from a type.
fn json_by_hand(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    if !source.is_in("src/cli/") {
        return found;
    }
    for two in source.tokens.windows(2).filter(|two| !two[0].test && two[0].text == "json" && two[1].text == "!") {
        found.push(Finding::new(&source.path, two[0].line, format!("json: {}", source.path), "`json!`"));
    }
    for named in source.paths().iter().filter(|named| !named.test) {
        if named.segments.starts_with(&["serde_json".into(), "Value".into()]) {
            found.push(Finding::new(&source.path, named.line, format!("json: {}", source.path), "`serde_json::Value`"));
        }
    }
    found
}

#[test]
fn no_verb_builds_json_by_hand() {
    let found: Vec<Finding> = source::all().iter().flat_map(json_by_hand).collect();
    check("A verb builds no JSON by hand", "Derive Serialize for the answer's type in query/view", &found, &[]);
}

#[test]
fn a_crossed_rim_is_found() {
    assert!(GIX.finds("use gix::open;") && GIX.finds("gix::open(p);") && !GIX.finds("crate::repo::open(p);"));
    assert!(CLOCK.finds("std::time::Instant::now();") && CLOCK.finds("t.elapsed();") && !CLOCK.finds("clock::now();"));
    assert!(FILES.finds("use std::{fs, io};") && FILES.finds("p.exists();") && !FILES.finds("use std::io;"));
    assert!(NETWORK.finds("use std::os::unix::net::{UnixStream};") && !NETWORK.finds("use std::net::IpAddr;"));
    assert!(ENVIRONMENT.finds("info!(\"{}\", std::env::var(n));") && !ENVIRONMENT.finds("std::env::current_exe();"));
    assert!(PROCESSES.finds("std::process::Command::new(n);") && !PROCESSES.finds("std::process::exit(1);"));
    assert!(OUTPUT.finds("writeln!(std::io::stdout(), \"x\");") && !OUTPUT.finds("std::io::sink();"));
    let prints = |line: &str| panicking_prints(&Source::planted("cli::part", &format!("fn f() {{ {line} }}"))).len();
    assert_eq!((prints("println!(\"x\"); eprint!(\"y\");"), prints("print(\"println!\"); writeln!(out);")), (2, 0));
    assert!(RANDOMNESS.finds("rustix::rand::getrandom(b);") && !RANDOMNESS.finds("random::share();"));
}

#[test]
fn code_for_tests_crosses_any_rim() {
    let text = "#[cfg(test)]\nmod tests { use std::fs; fn f() { sql(\"DELETE FROM x\"); } }";
    let source = Source::planted("outline", text);
    assert!(FILES.crossed(&source).is_empty() && sql(&source).is_empty());
}

#[test]
fn sql_is_found() {
    let lines = |text: &str| sql(&Source::planted("query", text)).len();
    assert_eq!(lines("const A: &str = \"SELECT 1\"; const B: &str = r#\"\n  DELETE\n FROM x\"#;"), 2);
    assert_eq!(lines("// \"SELECT 1\"\nconst A: &str = \"CREATED by\"; const B: &str = \"select one\";"), 0);
}

#[test]
fn a_branch_on_the_language_is_found() {
    assert_eq!(
        branches_on_language(&Source::planted("outline", "fn f() { match language { _ => p.set_language(l) } }")).len(),
        2
    );
    assert!(branches_on_language(&Source::planted("language::table", "fn f() { match language {} }")).is_empty());
}

#[test]
fn json_by_hand_is_found() {
    let text = "use serde_json::{Value, json};\nfn f() -> serde_json::Value { json!({}) }\nfn g() { serde_json::to_string(v); }";
    assert_eq!(json_by_hand(&Source::planted("cli::show", text)).len(), 3);
    assert!(json_by_hand(&Source::planted("query::view", text)).is_empty());
}
