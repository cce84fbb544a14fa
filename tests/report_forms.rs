//! The promise: a report is what its reader needs (text, Markdown, JSON, SARIF, a page), of any size, and whatever people and models
//! write appears in it as text.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::asking::Asking;
use crate::support::{Output, TestAgent, TestRepo, untouched};

const FORMATS: [&str; 5] = ["text", "md", "json", "sarif", "html"];

/// Prints the report of the last commit, from an agent that never ran.
#[track_caller]
fn printed(agent: &TestAgent, repo: &TestRepo, args: &[&str]) -> String {
    let args: Vec<&str> = ["report", repo.path().to_str().unwrap()].into_iter().chain(args.iter().copied()).collect();
    let Output { code, stdout, stderr } = untouched(repo.path(), || agent.run(&args));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    stdout
}

#[track_caller]
fn parsed(agent: &TestAgent, repo: &TestRepo, args: &[&str]) -> Value {
    let text = printed(agent, repo, args);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What SARIF 2.1.0 asks of a log of this form (its schema, sections 3.13 to 3.27), each as an assertion. The schema itself is not
/// part of this repository; that it holds is checked by hand whenever the form changes.
#[track_caller]
fn assert_sarif(log: &Value) {
    within(log, &["$schema", "version", "runs"]);
    assert_eq!(log["version"], json!("2.1.0"));
    assert!(text(&log["$schema"]).starts_with("https://"));
    let [run] = log["runs"].as_array().unwrap().as_slice() else { panic!("one run: {log:#}") };
    let known = [
        "tool",
        "automationDetails",
        "baselineGuid",
        "columnKind",
        "originalUriBaseIds",
        "invocations",
        "results",
        "properties",
    ];
    within(run, &known);
    for guid in [&run["baselineGuid"], &run["automationDetails"]["guid"]] {
        let guid = text(guid);
        let is_hex = guid.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        assert!(guid.len() == 36 && is_hex, "{guid}");
    }
    assert_eq!(run["columnKind"], json!("unicodeCodePoints"));
    let driver = &run["tool"]["driver"];
    within(driver, &["name", "semanticVersion", "rules"]);
    assert_eq!(driver["name"], json!("ra-agent"));
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        within(rule, &["id", "name", "shortDescription", "fullDescription", "help"]);
        for part in ["shortDescription", "fullDescription", "help"] {
            assert!(!text(&rule[part]["text"]).is_empty(), "{rule}");
        }
    }
    let names: BTreeSet<String> = rules.iter().map(|rule| text(&rule["id"])).collect();
    assert_eq!(names.len(), rules.len(), "each rule once");
    assert_eq!(run["invocations"][0]["executionSuccessful"], json!(true));
    assert_results(run, rules);
}

/// The text that a value is.
#[track_caller]
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// Fails if an object has a key that is not known.
#[track_caller]
fn within(value: &Value, known: &[&str]) {
    let unknown: Vec<&String> =
        value.as_object().unwrap().keys().filter(|key| !known.contains(&key.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?} in {value:#}");
}

#[track_caller]
fn assert_results(run: &Value, rules: &[Value]) {
    let mut fingerprints = BTreeSet::new();
    for result in run["results"].as_array().unwrap() {
        let known = [
            "ruleId",
            "ruleIndex",
            "level",
            "message",
            "locations",
            "partialFingerprints",
            "baselineState",
            "properties",
        ];
        within(result, &known);
        let place = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[place]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&text(&result["level"]).as_str()), "{result}");
        assert!(["new", "unchanged", "updated"].contains(&text(&result["baselineState"]).as_str()), "{result}");
        assert!(!text(&result["message"]["text"]).is_empty(), "{result}");
        let [location] = result["locations"].as_array().unwrap().as_slice() else { panic!("{result}") };
        let physical = &location["physicalLocation"];
        let uri = text(&physical["artifactLocation"]["uri"]);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte);
        assert!(uri.bytes().all(is_plain) && !uri.starts_with('/'), "{uri}");
        let base = text(&physical["artifactLocation"]["uriBaseId"]);
        assert!(run["originalUriBaseIds"][&base].is_object(), "{base}");
        let (start, end) = (physical["region"]["startLine"].as_u64(), physical["region"]["endLine"].as_u64());
        assert!(start >= Some(1) && end >= start, "{physical}");
        assert!(fingerprints.insert(text(&result["partialFingerprints"]["raAgentFinding/v1"])), "{result}");
    }
}

fn small() -> TestRepo {
    let repo = TestRepo::with_files([
        ("Cargo.toml", "[package]\nname = \"kept\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
        ("src/lib.rs", "//! Keeps things.\n\npub mod a;\n"),
        ("src/a.rs", "//! A.\n\n/// One.\npub fn one() {\n    // FIXME: one\n}\n\npub fn two() {}\n"),
    ]);
    repo.edit("src/a.rs", "    // FIXME: one\n", "    // TODO: look at one[0](x) and {0}\n    // XXX: two\n");
    repo.commit("one and two");
    repo
}

#[test]
fn people_see_warnings_and_programs_everything() {
    let (agent, repo) = (TestAgent::without_model(), small());
    let info = "look at one";
    for (format, all) in [("text", false), ("md", false), ("html", false), ("text", true), ("md", true), ("html", true)]
    {
        let args = ["--format", format, "--all"];
        let text = printed(&agent, &repo, if all { &args } else { &args[..2] });
        assert!(text.contains("XXX: two") && text.contains("FIXME: one"), "{text}");
        assert_eq!(text.contains(info), all, "{format}: {text}");
        assert_eq!(text.contains("of mere information: --all"), !all, "{format}: {text}");
    }
    for format in ["json", "sarif"] {
        assert!(printed(&agent, &repo, &["--format", format]).contains(info), "{format}");
    }
    let text = printed(&agent, &repo, &[]);
    for line in [
        "new          2 (1 warning, 1 info)",
        "fixed        1 (1 warning)",
        "still there  1 (1 info)",
        "  warning src/a.rs:6 xxx  one: XXX: two",
        "  warning src/a.rs:5 fixme  one: FIXME: one",
        "    + warning src/a.rs:6 xxx  one: XXX: two",
        "    - warning src/a.rs:5 fixme  one: FIXME: one",
        "no model is set up",
    ] {
        assert!(text.contains(line), "{line:?} in\n{text}");
    }
    assert_eq!(printed(&agent, &repo, &["--json"]), printed(&agent, &repo, &["--format", "json"]));
    let clean = TestRepo::with_files([("notes.txt", "nothing\n")]);
    assert!(printed(&agent, &clean, &[]).contains("nothing is found in 1 file(s)"));
}

#[test]
fn sarif_is_what_its_standard_asks_for() {
    let (agent, repo) = (TestAgent::without_model(), small());
    let log = parsed(&agent, &repo, &["--format", "sarif"]);
    assert_sarif(&log);
    let report = parsed(&agent, &repo, &["--format", "json"]);
    let results = log["runs"][0]["results"].as_array().unwrap();
    let told: Vec<(&Value, &Value, &Value)> =
        results.iter().map(|one| (&one["ruleId"], &one["level"], &one["baselineState"])).collect();
    let (new, kept) = (json!("new"), json!("unchanged"));
    assert_eq!(
        told,
        [
            (&json!("xxx"), &json!("warning"), &new),
            (&json!("todo"), &json!("note"), &new),
            (&json!("missing-doc"), &json!("note"), &kept)
        ],
        "what is fixed is no result: {log:#}"
    );
    assert_eq!(results[0]["partialFingerprints"]["raAgentFinding/v1"], report["new"][0]["fingerprint"]);
    assert_eq!(
        results[1]["message"]["text"],
        json!("TODO: look at one\\[0\\](x) and {{0}}"),
        "no link, no placeholder"
    );
    assert_eq!(results[0]["locations"][0]["physicalLocation"]["region"], json!({"startLine": 6, "endLine": 6}));
    // The two ends of a range have the same names in every report.
    let run =
        |log: &Value| (log["runs"][0]["baselineGuid"].clone(), log["runs"][0]["automationDetails"]["guid"].clone());
    repo.commit("nothing");
    let next = parsed(&agent, &repo, &["--format", "sarif"]);
    assert_sarif(&next);
    assert_eq!(run(&next).0, run(&log).1);
}

/// Escapes of terminals, text that turns around, markup, links.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m \u{202e}txt.exe\u{2066} <script>alert(1)</script><img src=x onerror=alert(2)> \
                       [x](javascript:alert(3)) `code` ``` @everyone #1 --> ]]> \u{feff}\u{200b}\u{2028}end";

/// Whether a character does something instead of being seen.
fn acts(c: char) -> bool {
    c.is_control() && c != '\n'
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{200b}')
}

/// The tags of a page, by their names, as a browser would see them.
fn tags(page: &str) -> BTreeSet<String> {
    let names = page.split('<').skip(1).map(|rest| {
        rest.trim_start_matches(['/', '!']).chars().take_while(char::is_ascii_alphanumeric).collect::<String>()
    });
    names.collect()
}

const TAGS: &[&str] = &[
    "bdi", "body", "code", "dd", "details", "div", "dl", "doctype", "dt", "h1", "h2", "h3", "h4", "head", "html", "li",
    "main", "meta", "p", "small", "style", "summary", "table", "tbody", "td", "th", "thead", "title", "tr", "ul",
];

#[track_caller]
fn assert_harmless(format: &str, text: &str) {
    assert_eq!(text.chars().find(|&c| acts(c)), None, "{format}: {text:?}");
    match format {
        "html" => {
            let unknown: Vec<String> = tags(text).into_iter().filter(|tag| !TAGS.contains(&tag.as_str())).collect();
            assert!(unknown.is_empty(), "{unknown:?}: {text}");
            assert!(!text.contains("onerror=alert(2)>") && !text.contains("http://"), "{text}");
            // A browser shows a tag in a title as it is written.
            let title = text.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap();
            assert!(title.contains("..") && !title.contains('<'), "{title}");
        }
        "md" => {
            for line in text.lines().filter(|line| line.contains("alert")) {
                assert!(outside_code(line).is_some_and(|rest| !rest.contains(['<', '@', '('])), "{line}");
            }
        }
        "json" => drop(serde_json::from_str::<Value>(text).unwrap()),
        "sarif" => assert_sarif(&serde_json::from_str(text).unwrap()),
        _ => {}
    }
}

/// What of a line of Markdown is in no code span (CommonMark 6.1); `None`: a span does not end.
fn outside_code(line: &str) -> Option<String> {
    let (mut outside, mut rest) = (String::new(), line);
    while let Some(start) = rest.find('`') {
        outside.push_str(&rest[..start]);
        let fence = rest[start..].chars().take_while(|&c| c == '`').count();
        let mut after = &rest[start + fence..];
        loop {
            let end = after.find('`')?;
            let ticks = after[end..].chars().take_while(|&c| c == '`').count();
            after = &after[end + ticks..];
            if ticks == fence {
                break;
            }
        }
        rest = after;
    }
    Some(outside + rest)
}

#[test]
fn hostile_names_and_notes_appear_as_text() {
    let (agent, repo) = (TestAgent::without_model(), TestRepo::new());
    let note = HOSTILE.replace('\u{2028}', " ");
    let name = "src/<img src=x onerror=alert(2)>\u{202e}\u{1b}[31m `x` [y](http:z) & 'q' \"r\".py";
    repo.write(name, format!("# FIXME: {note}\ndef f():\n    pass\n"));
    repo.write("src/plain.py", "# FIXME: alert\n");
    repo.commit(&format!("alert {}", HOSTILE.replace('\0', "")));
    let bytes = std::ffi::OsString::from_encoded(b"src/caf\xe9 alert.py");
    std::fs::write(repo.path().join(bytes), "# FIXME: alert\n").unwrap();
    repo.commit(&format!("second alert {HOSTILE}"));
    for format in FORMATS {
        for range in ["HEAD~1..HEAD", "9999w"] {
            let text = printed(&agent, &repo, &["--format", format, "--since", range, "--all"]);
            assert!(text.contains("alert"), "{format}: {text}");
            assert_harmless(format, &text);
        }
    }
    let report = parsed(&agent, &repo, &["--json", "--since", "9999w"]);
    let told = report["new"].as_array().unwrap().iter();
    let paths: BTreeSet<&str> = told.map(|one| one["path"].as_str().unwrap()).collect();
    assert!(paths.contains(name) && paths.contains("src/caf%E9 alert.py"), "{paths:?}");
    let log = parsed(&agent, &repo, &["--format", "sarif", "--since", "9999w"]).to_string();
    assert!(log.contains("src/caf%E9%20alert.py") && log.contains("src/%3Cimg%20src%3Dx"), "{log}");
}

/// A name of a file that is not UTF-8.
trait FromEncoded {
    fn from_encoded(bytes: &[u8]) -> Self;
}

impl FromEncoded for std::ffi::OsString {
    fn from_encoded(bytes: &[u8]) -> Self {
        std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
    }
}

#[test]
fn what_a_model_writes_appears_as_text() {
    use crate::support::llm_server::{Reply, Script};
    let place = json!({"severity": "error", "start_line": 1, "end_line": 1, "item": HOSTILE, "message": format!("alert {HOSTILE}")});
    let answer = json!({"summary": HOSTILE, "findings": [place]}).to_string();
    let asking = Asking::scripted("3.00", |server| {
        server.otherwise(Script::Answer(Reply { text: Some(answer), ..Reply::default() }));
    });
    // Answers of another form than was asked for are refused, and their jobs given up.
    asking.agent.wait();
    assert!(asking.stored("SELECT count(*) FROM file_analysis WHERE model_id <> 'local'") > 0);
    let mut seen = 0;
    for format in FORMATS {
        let text = printed(&asking.agent, &asking.repo, &["--format", format]);
        assert_harmless(format, &text);
        seen += usize::from(text.contains("model-finding"));
    }
    assert_eq!(seen, FORMATS.len());
}

#[test]
fn a_hundred_thousand_findings_are_reported() {
    const FILES: usize = 400;
    const EACH: usize = 250;
    let (agent, repo) = (TestAgent::without_model(), TestRepo::new());
    for file in 0..FILES {
        let notes: String = (0..EACH).map(|note| format!("# FIXME: number {note} of {file}\n")).collect();
        repo.write(&format!("src/d{}/f{file}.py", file % 20), format!("{notes}def f():\n    pass\n"));
    }
    repo.commit("many");
    repo.edit("src/d0/f0.py", "# FIXME: number 7 of 0\n", "# FIXME: another one\n");
    repo.commit("one");
    let report = parsed(&agent, &repo, &["--json"]);
    let counts = |list: &str| report["counts"][list]["warning"].as_u64().unwrap();
    assert_eq!([counts("new"), counts("fixed"), counts("still_there")], [1, 1, (FILES * EACH) as u64 - 1]);
    let log = parsed(&agent, &repo, &["--format", "sarif"]);
    assert_eq!(
        log["runs"][0]["results"].as_array().unwrap().len(),
        report["new"].as_array().unwrap().len() + report["still_there"].as_array().unwrap().len()
    );
    assert_sarif(&log);
    for format in ["text", "md", "html"] {
        let text = printed(&agent, &repo, &["--format", format]);
        assert!(text.matches("FIXME: number").count() >= FILES * EACH, "{format}");
    }
}
