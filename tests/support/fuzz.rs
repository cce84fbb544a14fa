//! What comes from outside, and what must hold whatever it is: each target takes any bytes and panics if a promise is broken.
//!
//! The bytes are made by a mutator of its own from examples that are well formed, so that they get past the first check. A failure is
//! kept as an example in `tests/data/fuzz/<target>/`, which the gate replays.

use std::path::{Path, PathBuf};

use ra_agent::analyzer::llm::{Finish, Limits, Prompts, parse, render, repair, secrets};
use ra_agent::analyzer::{Analysis, FileSubject, Local};
use ra_agent::cli::hooks::{self, GitVersion, HookedRepo};
use ra_agent::config::Config;
use ra_agent::daemon::control::{ControlReply, read_request};
use ra_agent::domain::{AnalysisType, FilePath, Language, RepoId, Role};
use ra_agent::embedder::chunk::chunks;
use ra_agent::home::Home;
use ra_agent::outline::{Outline, outline};
use ra_agent::repo::FileSelection;
use ra_agent::worker::pipe::{Hint, Report};

pub use super::mutator::Mutator;

pub struct Target {
    pub name: &'static str,
    /// Well-formed inputs.
    pub examples: &'static [&'static str],
    /// Pieces that mean something to the reader.
    pub words: &'static [&'static str],
    pub run: fn(&[u8]),
}

const RUST: &[&str] = &[
    include_str!("../data/analyzer/smelly.rs"),
    include_str!("../data/analyzer/documented.rs"),
    include_str!("../data/analyzer/broken.rs"),
    "pub trait T<const N: usize>: Sized + 'static where Self: Clone { type A<'a>; fn f(&self) -> impl Iterator<Item = Self::A<'_>>; }\n",
    "macro_rules! m { ($($x:expr),* $(,)?) => { [$($x),*] }; }\npub(crate) use {a::{self as b, c::*}, super::d};\n",
    "#[cfg(test)] mod tests { use super::*; #[test] fn t() { assert_eq!(f(r#\"x\"#), '\\u{1f600}'); } }\n",
];
const RUST_WORDS: &[&str] = &[
    "pub ",
    "fn ",
    "impl ",
    "mod ",
    "use ",
    "struct ",
    "enum ",
    "trait ",
    "{",
    "}",
    "(",
    ")",
    "<",
    ">",
    "::",
    ";",
    "'a",
    "\"",
    "r#\"",
    "//",
    "/*",
    "*/",
    "///",
    "//!",
    "#[",
    "]",
    "macro_rules! ",
    "where ",
    "async ",
    "unsafe ",
    "\u{feff}",
    "\r\n",
    "\0",
    "ü",
    "🦀",
    "TODO",
    "b'",
    "\\",
    "$",
    "=>",
    "..=",
    "union ",
    "extern ",
    "crate",
    "super",
    "self",
    "Self",
    "dyn ",
    "&mut ",
    "@",
];

/// Everything that reads what others wrote.
pub const TARGETS: &[Target] = &[
    Target { name: "outline", examples: RUST, words: RUST_WORDS, run: outline_of },
    Target { name: "chunks", examples: RUST, words: RUST_WORDS, run: chunks_of },
    Target { name: "local", examples: RUST, words: RUST_WORDS, run: local_analyses_of },
    Target { name: "prompt", examples: RUST, words: RUST_WORDS, run: prompt_of },
    Target { name: "stored-outline", examples: RUST, words: RUST_WORDS, run: stored_outline },
    Target {
        name: "frame",
        examples: &[
            r#"{"protocol":1,"request":{"do":"ping"}}"#,
            r#"{"protocol":1,"request":{"do":"reconcile","repo":"0123abcd","depth":"full"}}"#,
            r#"{"protocol":1,"request":{"do":"change","change":"retry","job":7}}"#,
            r#"{"protocol":1,"request":{"do":"change","change":"build","repo":"a","types":["docs"],"priority":null,"max_files":3}}"#,
            r#"{"answer":"pong","pid":1,"worker":null,"sandbox":"enforced","watches":3,"version":"0.1.0"}"#,
        ],
        words: JSON_WORDS,
        run: frame,
    },
    Target {
        name: "pipe",
        examples: &[
            r#"{"hint":"reconcile","repo":"0123abcd","depth":"changes","token":1}"#,
            r#"{"hint":"wake"}"#,
            r#"{"report":"reconciled","repo":"0123abcd","token":1,"held":null,"error":"e"}"#,
            r#"{"report":"maintained","token":1,"outcome":{"Err":"no"}}"#,
        ],
        words: JSON_WORDS,
        run: pipe,
    },
    Target {
        name: "reply",
        examples: &[
            r#"{"smells":[{"kind":"long-function","severity":"warning","start_line":2,"end_line":3,"item":"b","message":"long"}]}"#,
            r#"{"summary":"It does.","items":[{"kind":"fn","name":"a","line":1,"documented":false,"missing_sections":["Panics"],"suggestion":"Does a."}]}"#,
            r#"{"summary":"It does.","findings":[{"severity":"error","start_line":1.0,"end_line":null,"message":"off by one"}]}"#,
            "Here it is:\n```json\n{\"todos\":[{\"tag\":\"fixme\",\"line\":3,\"item\":null,\"owner\":\"ann\",\"text\":\"more\"}]}\n```\n",
            "<think>hm</think>{\"todos\":[]}",
        ],
        words: JSON_WORDS,
        run: reply,
    },
    Target {
        name: "config",
        examples: &[
            include_str!("../../install/config.example.toml"),
            "[cache]\nmax_size_mb = 500\n[llm]\nprovider = \"custom\"\nbase_url = \"http://h/v1\"\nmodel = \"m\"\n[budget]\nmonthly_usd = 3.00\n",
            "[repos.\"/a b\"]\nanalysis = { types = [\"docs\"] }\n[privacy]\ndeny = [\"*.pem\", \"**/x/[a-z]\"]\n",
        ],
        words: &[
            "[",
            "]",
            "=",
            "\"",
            "'",
            "\"\"\"",
            "#",
            "\n",
            ".",
            "-1",
            "1e999",
            "nan",
            "true",
            "{",
            "}",
            ",",
            "~",
            "[llm]",
            "[[",
            "model",
            "monthly_usd",
            "**",
            "0x",
            "1979-05-27",
            "\\u0000",
            "\u{feff}",
        ],
        run: config,
    },
    Target {
        name: "git-config",
        examples: &[
            "[user]\n\tname = A # me\n",
            "[hook \"mine\"]\r\n\tcommand = /x\r\n\tevent = post-commit\r\n",
            "\u{feff}[core]\n\tbare = false\n[include]\n\tpath = other\n",
            "[alias]\n\tx = \"!f() { \\\n echo; }; f\"\n[includeIf \"gitdir:/a/**\"] path = \"b\\\\c\"\n",
        ],
        words: &[
            "[",
            "]",
            "\"",
            "\\",
            "\n",
            "\r\n",
            "\t",
            "=",
            "#",
            ";",
            "[include]",
            "path = ",
            "\\\n",
            "\0",
            "[hook \"ra-agent\"]",
            "\u{feff}",
            "enabled",
            "[a.b]",
            "\\n",
            " ",
        ],
        run: git_config,
    },
    Target {
        name: "path",
        examples: &[
            "src/main.rs",
            "a b/%41/ü",
            "../../etc/passwd",
            ".git/config",
            "id_rsa",
            "x/.env.local",
            "target/debug/x.rs",
        ],
        words: &["/", "..", ".", "%", "%2f", "\0", "\n", ".git", ".rs", "\u{301}", "\u{202e}", "~", "C:", "\\"],
        run: path,
    },
    Target {
        name: "content",
        examples: RUST,
        words: &[
            "\0",
            "\u{feff}",
            "// @generated",
            "AKIAIOSFODNN7EXAMPLE",
            "-----BEGIN RSA PRIVATE KEY-----",
            "ghp_",
            "=\"",
            "\n",
            "token = \"",
        ],
        run: content,
    },
];

const JSON_WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "null",
    "true",
    "-1",
    "1e999",
    "18446744073709551616",
    "\\u0000",
    "\\ud800",
    "\n",
    "```",
    "1.5",
    "\"protocol\"",
    "\"do\"",
    "\"line\"",
    "\"start_line\"",
    "\"end_line\"",
    "\"severity\"",
    "ü",
    "\0",
];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The language is the first byte's; the rest is the text.
fn in_a_language(bytes: &[u8]) -> (Language, String) {
    let languages: Vec<Language> = Language::all().collect();
    let language = languages[usize::from(*bytes.first().unwrap_or(&0)) % languages.len()];
    (language, text(bytes))
}

fn outline_of(bytes: &[u8]) {
    let text = text(bytes);
    let (first, errors) = outline(Language::RUST, &text);
    assert_eq!(
        (&first, &errors),
        (&outline(Language::RUST, &text).0, &outline(Language::RUST, &text).1),
        "the same text, the same outline"
    );
    assert_eq!(Outline::from_bytes(&first.to_bytes()).as_ref(), Some(&first), "what is stored comes back");
    // a line of its own at the end changes nothing that others see, if the text ends outside of everything
    if errors.is_empty() {
        let (longer, _) = outline(Language::RUST, &format!("{text}\n\n"));
        assert_eq!(longer.interface_hash(), first.interface_hash());
    }
}

fn stored_outline(bytes: &[u8]) {
    // bytes of a damaged store
    let _ = Outline::from_bytes(bytes);
    let mut stored = outline(Language::RUST, &text(bytes)).0.to_bytes();
    if let Some(at) = bytes.first().map(|&byte| usize::from(byte) % stored.len().max(1))
        && let Some(byte) = stored.get_mut(at)
    {
        *byte ^= 1 << (at % 8);
        let _ = Outline::from_bytes(&stored);
    }
}

fn chunks_of(bytes: &[u8]) {
    let (language, text) = in_a_language(bytes);
    for chunk in chunks(language, Some("crate::m"), &text) {
        let body = chunk.body();
        let lines: Vec<&str> = body.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()).collect();
        assert!(lines.iter().all(|line| text.contains(line.trim())), "a chunk is made of the text: {body:?}");
    }
}

fn local_analyses_of(bytes: &[u8]) {
    let (language, text) = in_a_language(bytes);
    let subject = FileSubject { language, role: Role::Library, text: &text, uses: &[] };
    let Ok(analyses) = Local.analyze_all(&subject) else { return };
    for (&analysis_type, analysis) in AnalysisType::ALL.iter().zip(analyses) {
        let stored = analysis.to_json().unwrap();
        assert_eq!(Analysis::from_json(analysis_type, &stored).unwrap(), analysis, "what is stored comes back");
    }
}

const LIMITS: Limits = Limits { max_input_bytes: 1_000, max_context_bytes: 100, max_output_tokens: 100 };

fn prompt_of(bytes: &[u8]) {
    let (language, text) = in_a_language(bytes);
    let subject = FileSubject { language, role: Role::Library, text: &text, uses: &[] };
    for &analysis_type in AnalysisType::ALL {
        let Ok(prompt) = render(&Prompts::built_in(), analysis_type, &subject, &LIMITS) else { continue };
        assert_eq!(
            render(&Prompts::built_in(), analysis_type, &subject, &LIMITS).unwrap().question(),
            prompt.question()
        );
    }
}

fn frame(bytes: &[u8]) {
    let line = text(bytes);
    if let Err(printed) = read_request(&line) {
        assert!(printed.contains("not understood") || printed.contains("daemon restart"), "{printed}");
    }
    let _ = serde_json::from_str::<ControlReply>(&line);
}

fn pipe(bytes: &[u8]) {
    let line = text(bytes);
    if let Ok(hint) = serde_json::from_str::<Hint>(&line) {
        let again = serde_json::to_string(&hint).unwrap();
        assert_eq!(serde_json::from_str::<Hint>(&again).unwrap(), hint);
    }
    if let Ok(report) = serde_json::from_str::<Report>(&line) {
        let again = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&again).unwrap(), report);
    }
}

fn reply(bytes: &[u8]) {
    const LINES: u32 = 3;
    let said = text(bytes);
    let subject = FileSubject {
        language: Language::RUST,
        role: Role::Library,
        text: "fn a() {}\nfn b() {}\nfn c() {}\n",
        uses: &[],
    };
    for &analysis_type in AnalysisType::ALL {
        let prompt = render(&Prompts::built_in(), analysis_type, &subject, &LIMITS).unwrap();
        match parse(&prompt, &said, Finish::Stopped) {
            Ok(analysis) => {
                if let Analysis::Refactor(report) = &analysis {
                    let within = |smell: &ra_agent::analyzer::Smell| 1 <= smell.start_line && smell.end_line <= LINES;
                    assert!(report.smells.iter().all(within), "lines that were not shown: {report:?}");
                }
                let stored = analysis.to_json().unwrap();
                assert_eq!(Analysis::from_json(analysis_type, &stored).unwrap(), analysis);
            }
            Err(malformed) => drop(repair(&prompt, &malformed, &said)),
        }
    }
}

fn config(bytes: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, bytes).unwrap();
    match Config::load(&file, dir.path()) {
        Ok(config) => {
            assert_eq!(Config::load(&file, dir.path()).unwrap(), config);
            let _ = config.for_repo(Path::new("/a b")).deny_set();
        }
        Err(error) => assert!(error.to_string().contains("config.toml"), "{error}"),
    }
}

/// Hooks go into the user's configuration and out again by the byte, or not at all.
fn git_config(bytes: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let user_config = dir.path().join("gitconfig");
    std::fs::write(&user_config, bytes).unwrap();
    let home = Home::at(dir.path().join("h")).unwrap();
    home.create().unwrap();
    // the bytes are the repository's path, too
    let name: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != 0 && byte != b'/').take(200).collect();
    let path = dir.path().join(path_of(&name));
    let repo =
        HookedRepo { id: RepoId("0123abcd".into()), git_dir: path.join(".git"), common_dir: path.join(".git"), path };
    let installed = hooks::install(&home, &[repo], GitVersion::CONFIG_HOOKS, &user_config);
    if installed.is_ok() {
        let with_it = std::fs::read(&user_config).unwrap();
        let (mark, top) = (b"\xef\xbb\xbf", bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
        assert!(with_it.ends_with(top) && with_it.starts_with(mark) == bytes.starts_with(mark), "what was there stays");
        hooks::uninstall(&home, &user_config).unwrap();
    }
    assert_eq!(std::fs::read(&user_config).unwrap(), bytes, "{installed:?}");
}

fn path_of(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(name))
}

fn path(bytes: &[u8]) {
    let path = FilePath::new(bytes);
    let escaped = path.escaped();
    assert_eq!(FilePath::from_escaped(&escaped).as_bytes(), bytes, "no byte is lost");
    assert!(!escaped.chars().any(char::is_control), "{escaped:?}");
    let shown = path.to_string();
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    let _ = FileSelection::default().skip_by_name(&path);
    let _ = (path.file_name(), path.parent(), path.extension());
}

fn content(bytes: &[u8]) {
    let _ = FileSelection::default().text(&FilePath::new("src/lib.rs"), bytes.to_vec());
    let _ = FileSelection::default().text(&FilePath::new("credentials.json"), bytes.to_vec());
    let once = secrets::redact(&text(bytes));
    assert_eq!(secrets::redact(&once.text).text, once.text, "what was taken out once leaves nothing to take out");
}

/// Inputs that broke something once, and some that are hostile by design.
pub fn kept(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz").join(target.name);
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}
