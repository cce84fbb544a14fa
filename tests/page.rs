//! The promise: `ui` shows what a commit changed, whom it touched, what it cost; to the browser that was given its address and to no
//! other; what others wrote appears as text.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::ffi::OsStringExt;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::support::asking::Asking;
use crate::support::page::{TestPage, next_event};
use crate::support::{TestAgent, TestRepo, untouched, wait_until};

/// The paths of all screens, for one repository.
fn paths(repo: &str) -> Vec<String> {
    let below = |rest: &str| format!("/repo/{repo}{rest}");
    vec![
        "/".to_owned(),
        below(""),
        below("/findings?severity=all"),
        below("/commit/HEAD"),
        "/search".to_owned(),
        "/search?q=limit".to_owned(),
        "/queue".to_owned(),
        "/queue?state=done".to_owned(),
        "/money".to_owned(),
    ]
}

fn repo_id(agent: &TestAgent) -> String {
    agent.json(["repos"])["repos"][0]["id"].as_str().unwrap().to_owned()
}

/// A path as an address has it.
fn escaped(path: &str) -> String {
    path.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[test]
fn only_the_printed_address_lets_in() {
    let agent = TestAgent::without_model();
    let page = TestPage::open(&agent);
    let (host, cookie) = (format!("127.0.0.1:{}", page.port()), page.cookie());
    let (host, cookie) = (host.as_str(), cookie.as_str());
    let mut all = paths("0");
    all.extend(["/page.css", "/page.js", "/icon.svg", "/events", "/nowhere"].map(str::to_owned));
    for path in &all {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
            let refused = page.ask(method, path, &[("host", host)]);
            assert_eq!(refused.status, 403, "{method} {path}");
            assert!(refused.header("set-cookie").is_none() && refused.header("content-security-policy").is_some());
        }
        for (name, value) in [
            ("host", "evil.example"),
            ("host", "127.0.0.1"),
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("cookie", "ra_agent_1=x"),
        ] {
            let host = if name == "host" { value } else { host };
            let cookie = if name == "cookie" { value } else { cookie };
            let mut headers = vec![("host", host), ("cookie", cookie)];
            headers.extend((name == "origin").then_some((name, value)));
            assert_eq!(page.ask("GET", path, &headers).status, 403, "{path} {name}: {value}");
        }
    }
    let token = format!("/?token={}", page.token());
    let first = page.ask("GET", &token, &[("host", host)]);
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!(first.header("set-cookie"), Some(&*format!("{cookie}; Path=/; HttpOnly; SameSite=Strict")));
    assert!(first.body.contains("no repository is registered"), "{}", first.body);
    assert_eq!(page.ask("GET", &format!("{token}0"), &[("host", host)]).status, 403);
    for path in
        all.iter().filter(|path| !path.starts_with("/repo") && !["/events", "/nowhere"].contains(&path.as_str()))
    {
        let answer = page.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(page.ask("POST", path, &[("host", host), ("cookie", cookie)]).status, 405, "{path}");
        let head = page.ask("HEAD", path, &[("host", host), ("cookie", cookie)]);
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
    }
    assert_eq!(page.get("/nowhere").status, 404);
    assert_eq!(page.get("/repo/0").status, 404);
    assert_eq!(page.get("/queue?state=x").status, 400);
}

/// A commit that changes a signature, one that changes a body, and a finding that comes and goes.
fn history() -> Asking {
    let asking = Asking::answered();
    asking.repo.edit("src/limits.rs", "if n > 10 { 10 } else { n }", "n.min(10)");
    asking.commit("Clamp with min");
    asking.repo.edit("src/words.rs", "pub fn count", "// FIXME: count letters\npub fn count");
    asking.commit("Note what is missing");
    asking.repo.edit("src/limits.rs", "n: u32) -> u32", "n: u32) -> u64");
    asking.repo.edit("src/limits.rs", "n.min(10)", "n.min(10).into()");
    asking.repo.edit("src/words.rs", "// FIXME: count letters\n", "");
    asking.commit("Widen the limit");
    asking
}

#[track_caller]
fn assert_has(body: &str, what: &[&str]) {
    for one in what {
        assert!(body.contains(one), "{one:?} is not in {body}");
    }
}

#[test]
fn each_screen_shows_what_is_there() {
    let asking = history();
    let (agent, id) = (&asking.agent, repo_id(&asking.agent));
    let page = TestPage::open(agent);
    untouched(asking.repo.path(), || {
        let commit = |spec: &str| format!("/repo/{id}/commit/{}", asking.repo.git(&["rev-parse", spec]));
        let repos = page.settled("/");
        assert_has(
            &repos,
            &["dot fresh", ">current<", &commit("HEAD"), &format!("/repo/{id}/findings"), "running, pid", "$0."],
        );

        let repo = page.settled(&format!("/repo/{id}"));
        assert_has(&repo, &["Widen the limit", "Clamp with min", ">first<", "+1<", "−1<"]);

        let widened = page.settled(&commit("HEAD"));
        let dependents =
            widened.split("Dependents analysed again").nth(1).unwrap().split("Dependents cut off").next().unwrap();
        for user in ["src/report.rs", "src/retry.rs"] {
            assert_has(dependents, &[user]);
        }
        assert_has(dependents, &["because it uses", ">clamp<", "function of <bdi>src/limits.rs"]);
        let fixed = widened.split("Fixed findings").nth(1).unwrap().split("<h2").next().unwrap();
        assert_has(fixed, &["FIXME: count letters", "src/words.rs"]);
        assert_has(&widened, &["signature", "question(s) to a model"]);

        let clamped = page.settled(&commit("HEAD~2"));
        let cut = clamped.split("Dependents cut off").nth(1).unwrap();
        assert_has(cut, &["src/report.rs", "src/retry.rs", "uses"]);
        assert_has(&clamped, &["file(s) not analysed again, about $", "none: no file uses what changed"]);
        let noted = page.settled(&commit("HEAD~1"));
        assert_has(
            noted.split("New findings").nth(1).unwrap().split("Fixed findings").next().unwrap(),
            &["FIXME: count letters"],
        );
        assert_has(&page.settled(&commit("HEAD~3")), &["addition", "src/limits.rs"]);

        page.settled(&format!("/repo/{id}/findings"));
        let file = page.get(&format!("/repo/{id}/file?path=src%2Fretry%2Ers")).ok();
        assert_has(
            &file,
            &["Used by", "src/limits.rs", "uses clamp of src/limits.rs", "pub fn attempts", "Analyses", "scripted"],
        );
        let words = page.get(&format!("/repo/{id}/file?path=src%2Fwords%2Ers")).ok();
        let past = words.split("History of its findings").nth(1).unwrap();
        assert_has(past, &["Widen the limit", "Note what is missing", "FIXME: count letters"]);

        let symbol = page.get(&format!("/repo/{id}/file?path=src%2Flimits%2Ers&symbol=clamp")).ok();
        let users = symbol.split("Used by").nth(1).unwrap().split(">Source<").next().unwrap();
        assert_has(users, &["src/report.rs", "src/retry.rs", "4: attempts"]);
        assert_has(&symbol, &["n.min(10).into()"]);
        assert!(
            !symbol.contains("mod tests")
                && page.get(&format!("/repo/{id}/file?path=src%2Flimits%2Ers&symbol=nothing")).status == 400
        );

        let found = page.get("/search?q=keeps+a+number+below+the+limit").ok();
        assert_has(&found, &["clamp", "src%2Flimits%2Ers", "<mark>"]);
        let filtered = page.get("/search?q=limit&kind=nonsense").ok();
        assert_has(&filtered, &["nonsense"]);

        let done = page.get("/queue?state=done").ok();
        assert_has(&done, &["dependency-changed", ">clamp<", "of <bdi>src/limits.rs"]);
        assert_has(&page.get("/queue").ok(), &["nothing waits"]);

        let money = page.get("/money").ok();
        assert_has(&money, &["of $3.00 spent", "scripted", "<svg class=\"chart\"", &commit("HEAD")]);
    });
}

#[test]
fn the_page_ends_at_a_signal_with_open_streams() {
    for signal in [Signal::TERM, Signal::INT] {
        let agent = TestAgent::without_model();
        let page = TestPage::open(&agent);
        let mut streams = [page.events(), page.events()];
        assert_eq!(page.end(signal), Some(0));
        for stream in &mut streams {
            assert!(!next_event(stream, "changed"), "it goes on");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernel_holds_the_page_to_reading() {
    let mut agent = TestAgent::without_model();
    agent.start();
    let is_enforced = agent.json(["status"])["daemon"]["sandbox"] == json!("enforced");
    let page = TestPage::open(&agent);
    let status = std::fs::read_to_string(format!("/proc/{}/status", page.pid())).unwrap();
    // What a process gives up together with the rest, for Landlock alone.
    assert_eq!(status.contains("NoNewPrivs:\t1"), is_enforced, "{status}");
}

#[test]
fn open_pages_hear_of_a_commit_and_of_a_save() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files([("src/lib.rs", "pub fn one() {}\n")]);
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    let page = TestPage::open(&agent);
    let mut events = page.events();
    let id = repo_id(&agent);
    repo.write("src/lib.rs", "pub fn two() {}\n");
    let head = repo.commit("Rename it");
    assert!(next_event(&mut events, "changed"));
    wait_until(Duration::from_secs(60), "the commit is shown", || {
        page.get("/").ok().contains(&format!("/repo/{id}/commit/{head}"))
    });
    agent.wait();
    repo.write("src/lib.rs", "pub fn three() {}\n");
    assert!(next_event(&mut events, "changed"));
    wait_until(Duration::from_secs(60), "what was saved is found", || {
        page.get("/search?q=three").ok().contains("not committed")
    });
}

/// Escapes of terminals, text that turns around, markup.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m \u{202e}txt.exe\u{2066} <script>alert(1)</script><img src=x onerror=alert(2)> \
                       \"' onmouseover=alert(3) {{ 7 }} {% raw %} &amp; &#x3c; --> ]]> \u{feff}\u{200b}\u{2028}end";

/// The tags that templates have.
const TAGS: &[&str] = &[
    "a", "article", "bdi", "body", "button", "circle", "code", "dd", "details", "div", "dl", "doctype", "dt", "footer",
    "form", "h1", "h2", "h3", "head", "header", "html", "img", "input", "kbd", "label", "li", "link", "main", "mark",
    "meta", "nav", "noscript", "ol", "option", "p", "path", "pre", "rect", "script", "section", "select", "span",
    "summary", "svg", "table", "tbody", "td", "th", "thead", "title", "tr", "ul",
];

#[track_caller]
fn assert_harmless(path: &str, body: &str) {
    let acts = |c: &char| {
        c.is_control() && !"\n\t".contains(*c)
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{200b}')
    };
    assert_eq!(body.chars().find(acts), None, "{path}: {body:?}");
    for rest in body.split('<').skip(1) {
        let tag: String = rest
            .to_lowercase()
            .trim_start_matches(['/', '!'])
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        assert!(TAGS.contains(&tag.as_str()), "{path}: <{tag}: {body}");
        let inside = rest.split('>').next().unwrap();
        // What stands between quotation marks is a value.
        let outside: String = inside.split('"').step_by(2).collect();
        let words: BTreeSet<&str> = outside.split_whitespace().filter_map(|word| word.split('=').next()).collect();
        assert!(!words.iter().any(|word| word.starts_with("on") || *word == "style"), "{path}: {inside}");
        assert!(tag != "script" || inside.contains("/page.js") || inside.starts_with('/'), "{path}: {inside}");
        assert!(tag != "img" || inside.contains("src=\"/icon.svg\""), "{path}: {inside}");
        assert!(!inside.to_lowercase().contains("javascript:"), "{path}: {inside}");
    }
}

#[test]
fn what_others_wrote_appears_as_text() {
    let note = HOSTILE.replace('\u{2028}', " ");
    let name = "src/<img src=x onerror=alert(2)>\u{202e}\u{1b}[31m & 'q' \"r\" {{x}}.py";
    let repo = TestRepo::new();
    let text = format!("# FIXME: {note}\n# needle {note}\ndef hostile(a):\n    '''needle {note}'''\n    return a\n");
    repo.write(name, &text);
    repo.write("src/plain.py", "# FIXME: alert\ndef f(): pass\n");
    repo.commit(&format!("alert {}", HOSTILE.replace('\0', "")));
    let bytes = std::ffi::OsString::from_vec(b"src/caf\xe9 alert.py".to_vec());
    std::fs::write(repo.path().join(bytes), "# FIXME: alert\n").unwrap();
    repo.commit(&format!("second alert {HOSTILE}"));
    let answer = json!({"summary": HOSTILE, "findings": [
        {"severity": "error", "start_line": 1, "end_line": 1, "item": HOSTILE, "message": format!("alert {HOSTILE}")}]});
    let asking = Asking::about(repo, "3.00", "", |server| {
        use crate::support::llm_server::{Reply, Script};
        server.otherwise(Script::Answer(Reply { text: Some(answer.to_string()), ..Reply::default() }));
    });
    asking.agent.wait();
    let (page, id) = (TestPage::open(&asking.agent), repo_id(&asking.agent));
    let file = |path: &str| format!("/repo/{id}/file?path={path}");
    let escaped_name = escaped(&name.replace('%', "%25").replace('\u{1b}', "%1B"));
    let hostile = escaped(HOSTILE);
    let mut all = paths(&id);
    all.extend([
        file(&escaped_name),
        format!("{}&symbol=hostile", file(&escaped_name)),
        format!("{}&symbol={hostile}", file(&escaped_name)),
        file("src%2Fcaf%25E9%20alert%2Epy"),
        file(&hostile),
        format!("/repo/{id}/commit/{}", asking.repo.git(&["rev-parse", "HEAD~1"])),
        "/search?q=needle+alert".to_owned(),
        format!("/search?q={hostile}&path={hostile}"),
        format!("/queue?state={hostile}"),
        format!("/repo/{hostile}"),
        format!("/repo/{id}/commit/{hostile}"),
    ]);
    let mut shown = String::new();
    for path in &all {
        wait_until(Duration::from_secs(60), path, || {
            shown = page.get(path).body;
            !shown.contains("data-pending")
        });
        assert_harmless(path, &shown);
    }
    let body = page.get(&file(&escaped_name)).ok();
    assert_has(&body, &["\\u{202e}", "\\u{1b}[2J", "&lt;script&gt;alert(1)", "def hostile"]);
    assert_has(&page.get(&file("src%2Fcaf%25E9%20alert%2Epy")).ok(), &["src/caf%E9 alert.py", "FIXME: alert"]);
    assert_has(&page.settled(&format!("/repo/{id}/findings?severity=all")), &["FIXME", "\\u{202e}txt.exe"]);
}

#[test]
fn secrets_are_not_shown() {
    let key = "AKIAQ3EGRZ2YHV6KJ7PW";
    let repo =
        TestRepo::with_files([("src/a.py", &*format!("# FIXME: drop {key}\ndef needle():\n    return '{key}'\n"))]);
    let mut agent = TestAgent::without_model();
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    let (page, id) = (TestPage::open(&agent), repo_id(&agent));
    for path in [
        format!("/repo/{id}/file?path=src%2Fa%2Epy"),
        format!("/repo/{id}/findings?severity=all"),
        format!("/repo/{id}/commit/HEAD"),
        "/search?q=needle".to_owned(),
    ] {
        let body = page.settled(&path);
        assert!(!body.contains(key), "{path}: {body}");
        assert!(path.starts_with("/search") || body.contains("[REDACTED"), "{path}: {body}");
    }
}

#[test]
fn a_page_that_cannot_say_where_it_is_ends() {
    let agent = TestAgent::without_model();
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let output = agent.command(["ui"]).stdout(full()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("standard output"), "{said}");
    let page = TestPage::open(&agent);
    let taken = agent.run(["ui", "--port", page.port().to_string().as_str()]);
    assert_eq!(taken.code, Some(1));
    assert!(taken.stderr.contains("name another port with --port"), "{}", taken.stderr);
    assert_eq!(agent.run(["ui", "--port", "70000"]).code, Some(2));
}

#[test]
fn a_watched_status_is_printed_again_when_it_changes() {
    use std::io::{BufRead, BufReader};
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files([("src/lib.rs", "pub fn one() {}\n")]);
    agent.start();
    let mut watching = agent.command(["status", "--watch", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<serde_json::Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["repos"], json!([]));
    agent.ok(["register", repo.path().to_str().unwrap()]);
    // Every line is a whole status; one of the next ones says that the file is indexed.
    while next()["repos"][0]["fresh"] != json!(1) {}
    watching.kill().unwrap();
    watching.wait().unwrap();
}

#[test]
fn findings_and_jobs_come_in_parts() {
    let repo = TestRepo::new();
    for file in 0..30 {
        let notes: String = (0..10).map(|note| format!("# FIXME: number {note} of {file}\n")).collect();
        repo.write(&format!("src/f{file:02}.py"), format!("{notes}def f():\n    pass\n"));
    }
    repo.commit("many");
    let mut agent = TestAgent::without_model();
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    let (page, id) = (TestPage::open(&agent), repo_id(&agent));
    let mut target = format!("/repo/{id}/findings?severity=warning&page=0");
    let mut met: Vec<String> = Vec::new();
    for part in 1_usize.. {
        let body = page.settled(&target);
        let own = body.split("FIXME: number ").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned());
        met.extend(own);
        assert_eq!(met.len(), (100 * part).min(300), "{target}");
        match body.split("rel=\"next\" href=\"").nth(1) {
            Some(rest) => target = rest.split('"').next().unwrap().replace("&amp;", "&"),
            None => break,
        }
    }
    assert_eq!((met.len(), met.iter().collect::<BTreeSet<_>>().len()), (300, 300));
    let jobs = page.get("/queue?state=done").ok();
    assert!(jobs.matches("data-row").count() == 100 && jobs.contains("rel=\"next\""), "{jobs}");
}
