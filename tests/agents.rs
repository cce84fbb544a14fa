//! The promise: a coding agent asks four tools over MCP, each answer is small and says how fresh it is, and the server is a good
//! neighbour: it starts what it needs once, and ends with its client.

#[cfg(target_os = "linux")]
use std::io::{BufRead, Write};
use std::path::Path;
#[cfg(target_os = "linux")]
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::mcp::{McpClient, told};
use crate::support::{TestAgent, TestRepo, untouched, wait_until};

/// Tokens: bytes of compact JSON / 4.
const LISTED_TOKENS_MAX: usize = 1_500;
const ANSWER_TOKENS_MAX: usize = 8_000;

/// Shorter than any timer of the agent.
const SOON: Duration = Duration::from_secs(20);

const FILES: [(&str, &str); 6] = [
    ("Cargo.toml", "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
    (".gitignore", "*.log\n"),
    ("src/lib.rs", "pub mod ferry;\npub mod harbour;\n"),
    (
        "src/ferry.rs",
        "/// Carries passengers over the water.\npub fn ferry(passengers: u32) -> u32 {\n    passengers\n}\n\npub struct Boat {\n    pub seats: u32,\n}\n\nimpl Boat {\n    pub fn board(&self, count: u32) -> bool {\n        count <= self.seats\n    }\n}\n",
    ),
    ("src/harbour.rs", "use crate::ferry::ferry;\n\npub fn depart() -> u32 {\n    ferry(3)\n}\n"),
    ("tests/trip.rs", "use demo::ferry::ferry;\n\n#[test]\nfn all_arrive() {\n    assert_eq!(ferry(2), 2);\n}\n"),
];

struct Port {
    agent: TestAgent,
    repo: TestRepo,
}

impl Port {
    fn open() -> Self {
        let mut agent = TestAgent::without_model();
        let repo = TestRepo::with_files(FILES);
        agent.start();
        agent.ok(["register", repo.path().to_str().unwrap()]);
        agent.wait();
        Self { agent, repo }
    }

    fn client(&self) -> McpClient {
        McpClient::start(&self.agent, self.repo.path())
    }
}

#[test]
fn each_tool_answers_with_places_and_says_it_is_current() {
    let port = Port::open();
    untouched(port.repo.path(), || {
        let mut client = port.client();
        let found = client.call("search", json!({"query": "ferry"}));
        assert!(found.is_current(), "{}", found.text);
        assert!(found.text.contains("src/ferry.rs:1-4 function ferry"), "{}", found.text);
        assert_eq!(found.meta["ra-agent/freshness"], json!({"state": "current"}));
        let names = client.call("search", json!({"query": "ferry", "detail": "names", "limit": 1}));
        assert!(names.bytes < found.bytes, "{} {}", names.text, found.text);
        let bodies = client.call("search", json!({"query": "board", "kind": "method", "detail": "bodies"}));
        assert!(bodies.text.contains("        count <= self.seats\n"), "{}", bodies.text);

        let shown = client.call("show", json!({"targets": ["ferry"]}));
        assert!(shown.is_current(), "{}", shown.text);
        for part in
            ["src/ferry.rs:1-4 function ferry\n", "    passengers\n}", "users:\n", " src/harbour.rs:", "4 depart"]
        {
            assert!(shown.text.contains(part), "{part}: {}", shown.text);
        }
        assert!(!shown.text.contains("all_arrive"), "tests come where they are asked for: {}", shown.text);
        let tests = client.call("show", json!({"targets": ["src/ferry.rs:3"], "with": ["tests", "uses", "analyses"]}));
        assert!(
            tests.text.contains("tests:\n tests/trip.rs:") && !tests.text.contains("passengers\n}"),
            "{}",
            tests.text
        );
        let outline = client.call("show", json!({"targets": ["src/ferry.rs"]}));
        assert!(outline.text.contains("src/ferry.rs (rust, linked, 14 lines)"), "{}", outline.text);
        assert!(outline.text.contains("11-13 pub fn board"), "{}", outline.text);
        let lines = client.call("show", json!({"targets": ["src/harbour.rs:3-4"], "with": ["source"]}));
        assert!(lines.text.contains("src/harbour.rs:3-4\npub fn depart() -> u32 {\n    ferry(3)"), "{}", lines.text);

        // Lines that are not there are not answered by others.
        for (place, why) in [
            ("src/ferry.rs:999", "src/ferry.rs has 14 line(s)"),
            ("src/ferry.rs:200-300", "src/ferry.rs has 14 line(s)"),
            ("src/ferry.rs:9-5", "write src/ferry.rs:5-9"),
        ] {
            let none = client.call("show", json!({"targets": [place]}));
            assert!(none.text.contains(&format!("{place}: not found: ")) && none.text.contains(why), "{}", none.text);
            assert_eq!(none.text.lines().count(), 2, "{}", none.text);
        }
        let end = client.call("show", json!({"targets": ["src/ferry.rs:13-99"]}));
        assert!(end.text.contains("src/ferry.rs:13-14\n") && end.text.contains("has 14 line(s)"), "{}", end.text);

        // What is Git's own is no file of the work tree.
        for place in [".git/config", ".git/HEAD"] {
            let none = client.call("show", json!({"targets": [place], "with": ["source"]}));
            assert!(
                none.text.contains(&format!("{place}: not found: ")) && !none.text.contains("[core]"),
                "{}",
                none.text
            );
        }

        let status = client.call("status", json!({}));
        assert!(status.is_current() && status.text.contains("daemon runs"), "{}", status.text);
        assert_eq!(client.close(), Some(0));
    });
}

#[test]
fn an_impact_names_dependents_and_the_tests_to_run() {
    let port = Port::open();
    let mut client = port.client();
    let none = client.call("impact", json!({}));
    assert!(none.is_current() && none.text.contains("nothing changed: the work tree"), "{}", none.text);
    let of_symbol = client.call("impact", json!({"symbol": "ferry"}));
    let of_file = client.call("impact", json!({"files": ["src/ferry.rs"]}));
    // it is saved and not committed, and not even indexed
    port.repo.edit("src/ferry.rs", "ferry(passengers: u32)", "ferry(passengers: u32, lorries: u32)");
    let saved = client.call("impact", json!({}));
    for answer in [&of_symbol, &of_file, &saved] {
        assert!(
            answer.is_current() && answer.text.contains(" src/harbour.rs uses ferry of src/ferry.rs"),
            "{}",
            answer.text
        );
        assert!(answer.text.contains(" tests/trip.rs: all_arrive"), "{}", answer.text);
    }
    assert!(saved.text.contains("modification src/ferry.rs: signature ferry"), "{}", saved.text);
    let range = client.call("impact", json!({"range": "HEAD..HEAD", "worktree": false}));
    assert!(range.text.contains("nothing changed"), "{}", range.text);
    let prose = client.call("impact", json!({"files": ["Cargo.toml"]}));
    assert!(!prose.is_error, "{}", prose.text);

    // Tests in the file itself are tests, and `show` and `impact` name the same ones.
    port.repo.write("src/lib.rs", "pub mod ferry;\npub mod harbour;\npub mod tide;\n");
    port.repo.write(
        "src/tide.rs",
        "pub fn mid() -> u8 {\n    1\n}\n\n#[cfg(test)]\nmod t {\n    #[test]\n    fn checks() {\n        assert_eq!(super::mid(), 1);\n    }\n}\n",
    );
    let reached = client.call("impact", json!({"symbol": "mid"}));
    let shown = client.call("show", json!({"targets": ["src/tide.rs:2"], "with": ["tests"]}));
    for answer in [&reached, &shown] {
        assert!(answer.text.ends_with("tests:\n src/tide.rs: t::checks"), "{}", answer.text);
    }
    let whole = client.call("show", json!({"targets": ["src/tide.rs"], "with": ["tests"]}));
    assert!(whole.text.contains("tests:\n src/tide.rs: t::checks"), "{}", whole.text);

    // Of a file that is not read nothing is known, which is not the same as that nothing uses it.
    port.repo.write("src/made.rs", "// @generated by a tool\npub fn made() {}\n");
    let made = client.call("impact", json!({"files": ["src/made.rs"]}));
    assert!(made.first().starts_with("not covered (src/made.rs: generated"), "{}", made.text);
    let saved = client.call("impact", json!({}));
    assert!(saved.is_current() && saved.text.contains("src/made.rs is skipped (generated)"), "{}", saved.text);
    let symbol = client.call("impact", json!({"symbol": "src/made.rs:made"}));
    assert!(symbol.is_error && symbol.text.contains("src/made.rs is skipped (generated)"), "{}", symbol.text);
    let path = port.repo.path().to_str().unwrap();
    let told = port.agent.ok(["impact", path, "--worktree", "--file", "src/made.rs"]);
    assert!(told.contains("not covered (src/made.rs: generated)"), "{told}");
}

#[test]
fn a_method_names_the_callers_of_its_interface() {
    let port = Port::open();
    port.repo.write("src/lib.rs", "pub mod ferry;\npub mod harbour;\npub mod vessel;\npub mod sloop;\n");
    port.repo.write("src/vessel.rs", "pub trait Vessel {\n    fn sail(&self) -> u32;\n}\n");
    let sloop = "use crate::vessel::Vessel;\n\npub struct Sloop;\n\nimpl Vessel for Sloop {\n    fn sail(&self) -> u32 {\n        7\n    }\n}\n";
    port.repo.write("src/sloop.rs", sloop);
    let caller = "use crate::vessel::Vessel;\n\npub fn voyage(vessel: &dyn Vessel) -> u32 {\n    vessel.sail()\n}\n";
    port.repo.write("src/harbour.rs", caller);
    port.repo.commit("an interface");
    port.agent.wait();
    let mut client = port.client();
    let shown = client.call("show", json!({"targets": ["Sloop::sail"]}));
    assert!(shown.is_current(), "{}", shown.text);
    assert!(shown.text.contains("implements Vessel::sail of src/vessel.rs, used by: src/harbour.rs"), "{}", shown.text);
    let interface = client.call("show", json!({"targets": ["Vessel::sail"]}));
    assert!(interface.text.contains("implemented by Sloop::sail of src/sloop.rs"), "{}", interface.text);
    assert!(interface.text.contains(" src/harbour.rs:4 voyage"), "{}", interface.text);
}

#[test]
fn the_tools_are_short_read_only_and_always_loaded() {
    let port = Port::open();
    let mut client = McpClient::spawn(&port.agent, port.repo.path());
    let hello = client.initialize("2025-11-25");
    let listed = client.request("tools/list", json!({}));
    let tools = listed["result"]["tools"].as_array().unwrap();
    let names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["search", "show", "impact", "status"]);
    for tool in tools {
        assert_eq!(tool["annotations"]["readOnlyHint"], json!(true), "{tool}");
        assert_eq!(tool["_meta"]["anthropic/alwaysLoad"], json!(true), "{tool}");
        assert!(tool.get("outputSchema").is_none(), "{tool}");
    }
    let instructions = hello["instructions"].as_str().unwrap();
    assert!(instructions.contains("Do not use it for"), "{instructions}");
    let tokens = (listed["result"].to_string().len() + json!(instructions).to_string().len()) / 4;
    assert!(tokens <= LISTED_TOKENS_MAX, "{tokens} tokens");
    assert_eq!(tools[1]["inputSchema"]["properties"]["targets"]["type"], json!("array"));
}

#[test]
fn a_long_answer_comes_in_parts_that_a_cursor_joins() {
    let port = Port::open();
    let source: String =
        (0..2_500).map(|n| format!("/// \"Crowd\" {n}\npub fn crowd_{n}() -> u32 {{\n    {n}\n}}\n")).collect();
    port.repo.write("src/crowd.rs", &source);
    port.agent.wait();
    let mut client = port.client();
    let mut arguments = json!({"targets": ["src/crowd.rs"], "with": ["source"]});
    let (mut joined, mut parts) = (String::new(), 0);
    let cursor = loop {
        let answer = client.call("show", arguments.clone());
        assert!(!answer.is_error && answer.bytes / 4 <= ANSWER_TOKENS_MAX, "{} bytes", answer.bytes);
        assert_eq!(answer.first(), "current");
        parts += 1;
        let rest = answer.text.split_once('\n').unwrap().1;
        let Some((shown, end)) = rest.rsplit_once("\n[") else {
            joined.push_str(rest);
            break arguments["cursor"].clone();
        };
        joined.push_str(shown);
        joined.push('\n');
        arguments["cursor"] = json!(end.split("cursor \"").nth(1).unwrap().split('"').next().unwrap());
    };
    assert!(parts > 3, "{parts}");
    assert_eq!(joined.split_once('\n').unwrap().1.trim_end(), source.trim_end());
    // what it names a part of has changed
    port.repo.write("src/crowd.rs", source.replace("crowd_7()", "crowd_seven()"));
    arguments["cursor"] = cursor;
    let late = client.call("show", arguments);
    assert!(late.is_error && late.text.contains("changed"), "{}", late.text);
}

#[test]
fn what_cannot_be_answered_is_a_result_that_says_why() {
    let port = Port::open();
    let mut client = port.client();
    let cases = [
        ("index", json!({}), "there is no tool index"),
        ("search", json!({}), "query"),
        ("search", json!({"query": " "}), "the query is empty"),
        ("search", json!({"query": "x", "kind": "fonction"}), "did you mean function"),
        ("search", json!({"query": "x", "limits": 3}), "limits is no argument; did you mean limit?"),
        ("show", json!({"targets": "ferry"}), "targets is \"ferry\", and has to be a list"),
        ("search", json!({"query": "x", "limit": 0}), "limit is 0, and has to be a whole number from 1 on"),
        ("search", json!({"query": "x", "limit": "5"}), "limit is \"5\""),
        ("show", json!({"targets": []}), "1 to 20"),
        ("show", json!({"targets": ["ferry"], "with": ["bodies"]}), "with has \"bodies\""),
        ("show", json!({"targets": ["ferry"], "cursor": "12"}), "no cursor"),
        ("search", json!({"query": "x", "repo": "/nowhere"}), "registered: "),
        ("impact", json!({"range": "one-commit"}), "FROM..TO"),
        ("impact", json!({"symbol": "fery"}), "did you mean ferry"),
        ("impact", json!({"symbol": "ferry", "files": ["src/ferry.rs"]}), "name one of"),
    ];
    for (tool, arguments, why) in cases {
        let answer = client.call(tool, arguments.clone());
        assert!(answer.is_error && answer.text.contains(why), "{tool} {arguments}: {}", answer.text);
    }
    let mut elsewhere = McpClient::start(&port.agent, Path::new("/"));
    let answer = elsewhere.call("status", json!({}));
    assert!(answer.is_error && answer.text.contains(port.repo.path().to_str().unwrap()), "{}", answer.text);
    let named = elsewhere.call("status", json!({"repo": port.repo.path()}));
    assert!(named.is_current() && named.text.contains("in /"), "{}", named.text);
    assert_eq!(named.meta["ra-agent/repo"], json!(port.repo.path()));
}

#[test]
fn every_protocol_version_is_spoken() {
    let port = Port::open();
    for version in ["2025-06-18", "2025-11-25"] {
        let mut client = McpClient::spawn(&port.agent, port.repo.path());
        assert_eq!(client.initialize(version)["protocolVersion"], json!(version));
        assert_eq!(client.request("ping", json!({}))["result"], json!({}));
        assert!(client.call("show", json!({"targets": ["depart"]})).is_current());
    }
    // the newest has no handshake: each request says who asks
    let mut client = McpClient::stateless(&port.agent, port.repo.path(), "2026-07-28");
    let listed = client.request("tools/list", json!({}));
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(4), "{listed}");
    assert!(client.call("show", json!({"targets": ["depart"]})).is_current());
    let mut client = McpClient::stateless(&port.agent, port.repo.path(), "2026-07-28");
    let discovered = client.request("server/discover", json!({}));
    assert!(discovered["result"]["supportedVersions"].to_string().contains("2026-07-28"), "{discovered}");
    // one that nobody knows is answered with one that is known
    let mut client = McpClient::spawn(&port.agent, port.repo.path());
    assert_eq!(client.initialize("2031-01-01")["protocolVersion"], json!("2025-11-25"));
}

#[test]
fn malformed_frames_and_cancellations_end_nothing() {
    let port = Port::open();
    let mut client = port.client();
    for frame in ["", "garbage", "{\"jsonrpc\":\"2.0\"", "[1,2]", "{\"jsonrpc\":\"2.0\",\"id\":7}", "\u{0}\u{1}"] {
        client.send(frame);
    }
    client.send(&format!("{{\"jsonrpc\":\"2.0\",\"id\":\"{}\"", "x".repeat(1 << 20)));
    assert!(client.call("show", json!({"targets": ["ferry"]})).is_current());
    let unknown = client.request("tools/fly", json!({}));
    assert_eq!(unknown["error"]["code"], json!(-32601), "{unknown}");
    for _ in 0..20 {
        let id = client.ask("tools/call", json!({"name": "search", "arguments": {"query": "water"}}));
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
        client.send(&cancel.to_string());
    }
    let after = client.ask("tools/call", json!({"name": "show", "arguments": {"targets": ["ferry"]}}));
    assert!(told(&client.answer_to(after)).is_current());
    // many at once, answered in any order
    let ids: Vec<i64> = (0..30)
        .map(|_| client.ask("tools/call", json!({"name": "show", "arguments": {"targets": ["board"]}})))
        .collect();
    let mut open: Vec<i64> = ids;
    while !open.is_empty() {
        let answer = client.receive();
        open.retain(|id| answer["id"] != json!(id));
    }
}

#[cfg(target_os = "linux")]
fn is_alive(pid: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    state.is_some_and(|stat| !stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')))
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_ends_with_a_client_that_is_killed() {
    let port = Port::open();
    // The test holds the pipe open, so that only the parent's end can be noticed.
    let (held, writer) = std::io::pipe().unwrap();
    let plain = port.agent.command(["mcp"]);
    let mut shell = std::process::Command::new("sh")
        .args(["-c", "exec 3<&0; \"$0\" mcp <&3 & echo $!; wait"])
        .arg(plain.get_program())
        .env_clear()
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(port.repo.path())
        .stdin(held)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = std::io::BufReader::new(shell.stdout.take().unwrap()).lines();
    let pid: u32 = said.next().unwrap().unwrap().trim().parse().unwrap();
    // It is served before its client dies.
    let hello =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "s", "version": "1"}});
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello});
    writeln!(&writer, "{hello}").unwrap();
    assert!(said.next().unwrap().unwrap().contains("instructions"));
    shell.kill().unwrap();
    shell.wait().unwrap();
    wait_until(SOON, "the server is gone", || !is_alive(pid));
    drop(writer);
}

#[test]
fn the_first_of_many_clients_starts_one_daemon() {
    let agent = TestAgent::without_model();
    let repo = TestRepo::with_files(FILES);
    agent.ok(["register", repo.path().to_str().unwrap()]);
    let mut clients: Vec<McpClient> = (0..20).map(|_| McpClient::start(&agent, repo.path())).collect();
    let ids: Vec<i64> = clients
        .iter_mut()
        .map(|client| client.ask("tools/call", json!({"name": "show", "arguments": {"targets": ["ferry"]}})))
        .collect();
    let answers: Vec<Value> = clients.iter_mut().zip(ids).map(|(client, id)| client.answer_to(id)).collect();
    assert!(answers.iter().any(|answer| told(answer).text.contains("started the ra-agent daemon")), "{answers:?}");
    for client in &mut clients {
        let again = client.call("show", json!({"targets": ["ferry"]}));
        assert!(!again.text.contains("started the ra-agent daemon"), "it is said once: {}", again.text);
    }
    wait_until(SOON, "it is indexed", || clients[0].call("show", json!({"targets": ["ferry"]})).is_current());
    let log = agent.log();
    assert_eq!(log.matches("running pid=").count(), 1, "one daemon: {log}");
    let reconciled = agent.json(["status"]);
    assert_eq!(reconciled["daemon"]["running"], json!(true));
}

#[test]
fn a_daemon_that_dies_is_started_by_the_next_question() {
    let mut port = Port::open();
    let mut client = port.client();
    assert!(client.call("show", json!({"targets": ["ferry"]})).is_current());
    for (from, to) in [("ferry(3)", "ferry(4)"), ("ferry(4)", "ferry(5)")] {
        let running = |port: &Port| port.agent.json(["status"])["daemon"].clone();
        let dead = running(&port)["pid"].as_i64().unwrap();
        // the first is the story's own child, the second one was started by a question
        port.agent.kill9_daemon();
        let _ = kill_process(Pid::from_raw(i32::try_from(dead).unwrap()).unwrap(), Signal::KILL);
        wait_until(SOON, "the daemon is dead", || running(&port)["running"] == json!(false));
        port.repo.edit("src/harbour.rs", from, to);
        let started = client.call("show", json!({"targets": ["depart"]}));
        assert!(started.text.contains("started the ra-agent daemon"), "{to}: {}", started.text);
        assert!(started.text.contains(to), "{}", started.text);
        let again = client.call("show", json!({"targets": ["depart"]}));
        assert!(!again.text.contains("started the ra-agent daemon"), "{to}: it is said once: {}", again.text);
        assert_ne!(running(&port)["pid"].as_i64().unwrap(), dead);
        wait_until(SOON, "it is indexed", || client.call("show", json!({"targets": ["depart"]})).is_current());
    }
}

/// A function that is cut into several chunks is shown whole, once, and what is too long for one answer by a cursor.
#[test]
fn a_long_function_is_shown_whole() {
    let port = Port::open();
    let long = |name: &str, lines: usize| {
        let body: String =
            (0..lines).map(|n| format!("    total += {name}_weigh(cargo[{n}], \"{name} crate {n}\");\n")).collect();
        format!("pub fn {name}(cargo: &[u32]) -> u32 {{\n    let mut total = 0;\n{body}    total\n}}\n")
    };
    port.repo.write("src/lib.rs", "pub mod ferry;\npub mod harbour;\npub mod hold;\n");
    let (stow, haul) = (long("stow", 200), long("haul", 1_200));
    port.repo.write("src/hold.rs", format!("{stow}\n{haul}"));
    port.agent.wait();
    let mut client = port.client();
    for query in ["stow", "stow crate 150", "stow weigh cargo"] {
        let found = client.call("search", json!({"query": query, "path": "src/hold.rs", "detail": "bodies"}));
        assert!(found.is_current(), "{}", found.text);
        assert!(found.bytes / 4 <= ANSWER_TOKENS_MAX, "{} bytes", found.bytes);
        assert_eq!(found.text.matches(stow.trim_end()).count(), 1, "{query}: {}", found.text);
    }
    let mut arguments = json!({"query": "haul crate 700", "path": "src/hold.rs", "detail": "bodies", "limit": 1});
    let (mut joined, mut parts) = (String::new(), 0);
    loop {
        let part = client.call("search", arguments.clone());
        assert!(!part.is_error && part.bytes / 4 <= ANSWER_TOKENS_MAX, "{} bytes", part.bytes);
        parts += 1;
        let rest = part.text.split_once('\n').unwrap().1.to_owned();
        let Some((shown, end)) = rest.rsplit_once("\n[") else {
            joined.push_str(&rest);
            break;
        };
        joined.push_str(shown);
        joined.push('\n');
        arguments["cursor"] = json!(end.split("cursor \"").nth(1).unwrap().split('"').next().unwrap());
    }
    assert!(parts > 1 && joined.contains(haul.trim_end()), "{parts} parts");
}

/// Kilobytes of a process that it does not share, and its part of what it does.
#[cfg(target_os = "linux")]
fn pss_kib(pid: u32) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn fifty_idle_servers_are_small_and_watch_nothing() {
    const TOGETHER_KIB_MAX: u64 = 250 * 1_024;
    let port = Port::open();
    let clients: Vec<McpClient> = (0..50).map(|_| port.client()).collect();
    let watches = |pid: u32| {
        let infos = std::fs::read_dir(format!("/proc/{pid}/fdinfo")).unwrap();
        let infos = infos.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
        infos.map(|text| text.matches("inotify wd:").count()).sum::<usize>()
    };
    assert_eq!(clients.iter().map(|client| watches(client.pid())).sum::<usize>(), 0);
    let together: u64 = clients.iter().map(|client| pss_kib(client.pid())).sum();
    assert!(together < TOGETHER_KIB_MAX, "{} MB", together / 1_024);
}
