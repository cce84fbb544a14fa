//! Entries go in and come out by the byte, in the forms that users' files have and in generated ones.

use super::clients::{CLIENTS, ClientFormat, McpClient, OwnServer};
use super::document::{self, EditRefusal, EntryStanding};
use super::plan::{self, FileText, Left};
use super::record::{Installation, hash};

const PROGRAM: &str = "/opt/a b/ra-agent";

fn server(program: &str) -> OwnServer {
    OwnServer { program: program.to_owned(), home: None }
}

fn client(id: &str) -> &'static McpClient {
    McpClient::named(id).unwrap()
}

fn file(text: &str) -> FileText {
    FileText::read(text.as_bytes().to_vec()).unwrap()
}

/// The file with the entry, and the note of it.
fn installed(client: &'static McpClient, old: Option<&str>) -> Result<(String, Installation), EditRefusal> {
    let before = file(old.unwrap_or_default());
    let (standing, new) = plan::install(client, &before, None, &server(PROGRAM))?;
    assert_eq!(standing, EntryStanding::Absent, "{old:?}");
    let new = new.unwrap();
    let content = before.with_body(&new.body);
    let note = Installation {
        client: client.id.to_owned(),
        file: "/f".into(),
        made_file: old.is_none(),
        made_directories: Vec::new(),
        made_tables: new.made_tables,
        insertion: new.insertion,
        written: hash(&content),
    };
    Ok((String::from_utf8(content).unwrap(), note))
}

fn uninstalled(client: &'static McpClient, text: &str, note: Option<&Installation>) -> Left {
    match plan::uninstall(client, &file(text), note, &server(PROGRAM)).unwrap().1 {
        Left::Text(body) => Left::Text(String::from_utf8(file(text).with_body(&body)).unwrap()),
        left => left,
    }
}

/// In, again, and out: the same bytes, with the note of the installation.
#[track_caller]
fn in_and_out(client: &'static McpClient, old: &str) -> String {
    let (text, note) = installed(client, Some(old)).unwrap_or_else(|error| panic!("{error:?} in {old:?}"));
    let (standing, again) = plan::install(client, &file(&text), Some(&note), &server(PROGRAM)).unwrap();
    assert!(standing == EntryStanding::Current && again.is_none(), "twice is once: {old:?}");
    assert_eq!(uninstalled(client, &text, Some(&note)), Left::Text(old.to_owned()));
    // Without the note all that is said comes back, if not each blank.
    let Left::Text(left) = uninstalled(client, &text, None) else { panic!("{old:?}") };
    let said = |text: &str| document::meaning(client, &file(text).body).unwrap();
    let (mut before, mut after) = (said(old), said(&left));
    let table = client.table(&after);
    for steps in (1..=table.len()).rev() {
        let here = &table[..steps];
        if before.at(here).is_none() && after.at(here) == Some(&super::meaning::ConfigMeaning::nothing()) {
            after = after.with(here, None).unwrap();
        }
        if after.at(here).is_none() && before.at(here) == Some(&super::meaning::ConfigMeaning::nothing()) {
            before = before.with(here, None).unwrap();
        }
    }
    assert_eq!(before, after, "{old:?} -> {text:?} -> {left:?}");
    text
}

#[test]
fn json_is_extended_in_its_own_style() {
    let cursor = client("cursor");
    for (old, new) in [
        ("{}", "{\n  \"mcpServers\": {\n    \"ra-agent\": ENTRY4\n  }\n}"),
        ("{\n\t\"a\": 1\n}\n", "{\n\t\"a\": 1,\n\t\"mcpServers\": {\n\t\t\"ra-agent\": ENTRYT\n\t}\n}\n"),
        (
            "{\r\n    \"mcpServers\": {},\r\n    \"z\": []\r\n}",
            "{\r\n    \"mcpServers\": {\r\n        \"ra-agent\": ENTRYW\r\n    },\r\n    \"z\": []\r\n}",
        ),
        (
            "{\n  \"mcpServers\": {\n    \"x\": {\"command\": \"x\"}, // mine\n  },\n}\n",
            "{\n  \"mcpServers\": {\n    \"x\": {\"command\": \"x\"}, // mine\n    \"ra-agent\": ENTRY4,\n  },\n}\n",
        ),
        (
            "{\n  \"mcpServers\": {\n    \"x\": {\"command\": \"x\"} // last\n    // more to come\n  }\n}\n",
            "{\n  \"mcpServers\": {\n    \"x\": {\"command\": \"x\"}, // last\n    \"ra-agent\": ENTRY4\n    // more to come\n  }\n}\n",
        ),
        (
            "{\"mcpServers\":{\"x\":{\"command\":\"x\"}},\"n\":1}",
            "{\"mcpServers\":{\"x\":{\"command\":\"x\"},\"ra-agent\":ENTRY0},\"n\":1}",
        ),
        ("{\"n\": 1}", "{\"n\": 1, \"mcpServers\": {\"ra-agent\": ENTRY1}}"),
    ] {
        let entry = |indent: &str, unit: &str, newline: &str| {
            let fields = ["\"type\": \"stdio\"", "\"command\": \"/opt/a b/ra-agent\"", "\"args\": [\"mcp\"]"];
            let lines: Vec<String> = fields.iter().map(|field| format!("{newline}{indent}{unit}{field}")).collect();
            format!("{{{}{newline}{indent}}}", lines.join(","))
        };
        let new = new
            .replace("ENTRY4", &entry("    ", "  ", "\n"))
            .replace("ENTRYT", &entry("\t\t", "\t", "\n"))
            .replace("ENTRYW", &entry("        ", "    ", "\r\n"))
            .replace("ENTRY0", "{\"type\":\"stdio\",\"command\":\"/opt/a b/ra-agent\",\"args\":[\"mcp\"]}")
            .replace("ENTRY1", "{\"type\": \"stdio\", \"command\": \"/opt/a b/ra-agent\", \"args\": [\"mcp\"]}");
        assert_eq!(in_and_out(cursor, old), new, "{old:?}");
    }
}

#[test]
fn json_of_many_forms_comes_back_byte_for_byte() {
    let cursor = client("cursor");
    for old in [
        "",
        "\n",
        "  \r\n\r\n",
        "// only a remark",
        "/* one */\n// two\n",
        "{ }",
        "{\n}",
        "{\n\n}\n",
        "{ /* nothing yet */ }",
        "{\n  // nothing yet\n}\n",
        "{\n  \"mcpServers\": {\n    // none so far\n  }\n}\n",
        "{\"mcpServers\": {}}",
        "{\"mcpServers\": { /* none */ } }",
        "{\"a\": {\"b\": 1}, \"mcpServers\": {\"x\": {}}, }",
        "{\n  \"mcpServers\": {\"x\": {}}, \"y\": 1 }",
        "{\n  \"mcpServers\": { \"x\": {}\n  , \"y\": {}\n  }\n}",
        "{\"a\": \"}, // no comment\", \"b\": \"\\\"{\"}",
        "\u{feff}{\r\n  \"mcpServers\": {\r\n    \"x\": {} /* a */ // b\r\n  }\r\n}\r\n",
        "{\n  \"mcpServers\": {\n    \"x\": {}/* a\n b */\n  }\n}\n",
        "{\n    \"mcpServers\":\n    {\n        \"x\": {}\n    }\n}\n",
        "{\n\"mcpServers\": {\n\"x\": {}\n}\n}\n",
        "{\"ä\": \"😀\", \"mcpServers\": {\"日本\": {\"command\": \"x\"}}}",
    ] {
        in_and_out(cursor, old);
    }
}

#[test]
fn toml_of_many_forms_comes_back_byte_for_byte() {
    let codex = client("codex");
    let section = "[mcp_servers.ra-agent]\ncommand = \"/opt/a b/ra-agent\"\nargs = [\"mcp\"]\n";
    assert_eq!(in_and_out(codex, "model = \"x\" # mine\n"), format!("model = \"x\" # mine\n\n{section}"));
    assert_eq!(in_and_out(codex, ""), section);
    for old in [
        "# only a remark",
        "\u{feff}model = 'x'\r\n\r\n[tui]\r\nnotifications = true\r\n",
        "[mcp_servers.other]\ncommand = \"x\"\n\n[mcp_servers.other.env]\nA = \"b\"",
        "[mcp_servers]\n",
        "mcp_servers = {}\n",
        "mcp_servers = { other = { command = \"x\" } } # mine\n",
        "mcp_servers.other.command = \"x\"\nmodel = \"y\"\n",
        "[[array]]\na = 1\n[[array]]\nd = 1979-05-27T07:32:00Z\n",
        "x = '''\n[mcp_servers.ra-agent]\n'''\n",
        "[projects.\"/home/a b\"]\ntrust_level = \"trusted\"\n\n\n",
    ] {
        in_and_out(codex, old);
    }
}

#[test]
fn a_file_that_was_made_is_removed_again() {
    for client in CLIENTS {
        let (text, note) = installed(client, None).unwrap();
        assert_eq!(uninstalled(client, &text, Some(&note)), Left::Nothing, "{}", client.id);
        // Also after a formatter.
        let formatted = text.replace("  ", "\t").replace('\n', "\r\n");
        assert_eq!(uninstalled(client, &formatted, Some(&note)), Left::Nothing, "{}", client.id);
        assert_eq!(text, document::snippet(client, &server(PROGRAM)), "what is made is what is shown for pasting");
    }
}

#[test]
fn what_the_client_would_not_parse_is_not_touched() {
    let commented = "{\n  // mine\n  \"a\": 1\n}\n";
    let trailing = "{\n  \"a\": [1,],\n}\n";
    for (id, text, line) in [
        ("claude-code", commented, Some(2)),
        ("claude-code", trailing, Some(2)),
        ("gemini", commented, None),
        ("gemini", trailing, Some(2)),
        ("zed", commented, None),
        ("zed", trailing, None),
        ("vscode", "{\n \"a\": 'x'\n}", Some(2)),
        ("vscode", "{\n \"a\": 1\n \"b\": 2\n}", Some(2)),
        ("vscode", "{ a: 1 }", Some(1)),
        ("vscode", "{\n\n", Some(1)),
        ("codex", "a = 1\nb = \n", Some(2)),
        ("codex", "a = 1\na = 2\n", Some(2)),
    ] {
        let found = match installed(client(id), Some(text)) {
            Ok(_) => None,
            Err(EditRefusal::Mistake(mistake)) => Some(mistake.line),
            Err(other) => panic!("{id}: {text:?}: {other:?}"),
        };
        assert_eq!(found, line, "{id}: {text:?}");
    }
    assert_eq!(FileText::read(b"a\nb\xff".to_vec()).unwrap_err().line, 2);
}

#[test]
fn what_has_no_room_for_an_entry_is_not_touched() {
    for text in
        ["[]", "1", "{\"mcpServers\": []}", "{\"mcpServers\": null}", "{\"mcpServers\": {}, \"mcpServers\": {}}"]
    {
        assert_eq!(installed(client("cursor"), Some(text)).unwrap_err(), EditRefusal::NotEditable, "{text}");
    }
    assert_eq!(installed(client("codex"), Some("mcp_servers = 1\n")).unwrap_err(), EditRefusal::NotEditable);
}

#[test]
fn another_home_of_the_agent_is_handed_on() {
    let moved = OwnServer { program: PROGRAM.to_owned(), home: Some("/h 1".to_owned()) };
    for client in CLIENTS {
        for (old, other) in [("{\"a\": 1}", "# mine\n"), ("{\n  \"a\": 1\n}\n", "a = 1\n[b]\n")] {
            let old = if matches!(client.format, ClientFormat::Toml) { other } else { old };
            let (_, new) = plan::install(client, &file(old), None, &moved).unwrap();
            let new = new.unwrap();
            let entry = document::meaning(client, &new.body).unwrap();
            let key = if client.id == "opencode" { "environment" } else { "env" };
            let path = [client.tables[client.tables.len() - 1], &["ra-agent", key, "RA_AGENT_HOME"]].concat();
            assert_eq!(entry.at(&path), Some(&super::meaning::ConfigMeaning::text("/h 1")), "{}", new.body);
            assert_eq!(document::standing(client, &entry, &moved), EntryStanding::Current);
            let left = plan::uninstall(client, &file(&new.body), None, &moved).unwrap().1;
            assert!(matches!(left, Left::Text(text) if !text.contains("ra-agent")), "{}", client.id);
        }
    }
}

#[test]
fn opencode_is_written_in_the_form_that_it_has() {
    let opencode = client("opencode");
    let v1 = in_and_out(opencode, "{\"mcp\": {\"x\": {\"type\": \"local\"}}}");
    assert!(v1.contains("\"x\": {\"type\": \"local\"}, \"ra-agent\": {\"type\": \"local\", \"command\": [\"/opt/a b/ra-agent\", \"mcp\"]}"), "{v1}");
    let v2 = in_and_out(opencode, "{\"mcp\": {\"servers\": {}, \"timeout\": {}}}");
    assert!(v2.contains("\"servers\": {\"ra-agent\": {"), "{v2}");
}

#[test]
fn what_was_added_next_to_our_entry_stays() {
    let cursor = client("cursor");
    let (text, note) = installed(cursor, None).unwrap();
    let more = text
        .replace("    \"ra-agent\"", "    // before\n    \"x\": {},\n    \"ra-agent\"")
        .replace("}\n  }", "},\n    \"y\": {} // after\n  }");
    let left = "{\n  \"mcpServers\": {\n    // before\n    \"x\": {},\n    \"y\": {} // after\n  }\n}\n";
    assert_eq!(uninstalled(cursor, &more, Some(&note)), Left::Text(left.to_owned()));
    let codex = client("codex");
    let (text, note) = installed(codex, Some("a = 1\n")).unwrap();
    let more = format!("{text}# mine\n[b]\nc = 1\n");
    assert_eq!(uninstalled(codex, &more, Some(&note)), Left::Text("a = 1\n# mine\n[b]\nc = 1\n".to_owned()));
}

#[test]
fn an_entry_that_the_user_changed_is_his() {
    for (id, old, new, key) in [
        ("claude-code", "\"alwaysLoad\": true", "\"alwaysLoad\": false", "alwaysLoad"),
        ("claude-code", "\"args\": [\"mcp\"]", "\"args\": [\"mcp\"], \"env\": {\"A\": \"b\"}", "env"),
        ("codex", "args = [\"mcp\"]", "args = [\"mcp\"]\nenabled = false", "enabled"),
    ] {
        let (text, note) = installed(client(id), None).unwrap();
        let changed = text.replace(old, new);
        assert_ne!(text, changed);
        let (standing, left) = plan::uninstall(client(id), &file(&changed), Some(&note), &server(PROGRAM)).unwrap();
        assert_eq!(standing, EntryStanding::Changed { program: PROGRAM.to_owned(), keys: vec![key.to_owned()] });
        assert_eq!(left, Left::AsItIs);
        // This program has moved: the entry follows, and keeps the change.
        let (_, moved) = plan::install(client(id), &file(&changed), Some(&note), &server("/new/ra-agent")).unwrap();
        assert_eq!(moved.unwrap().body, changed.replace(PROGRAM, "/new/ra-agent"));
    }
    let (text, _) = installed(client("cursor"), None).unwrap();
    for foreign in [text.replace("mcp\"]", "serve\"]"), text.replace("/ra-agent\"", "/node\"")] {
        let (standing, new) = plan::install(client("cursor"), &file(&foreign), None, &server(PROGRAM)).unwrap();
        assert!(standing == EntryStanding::Foreign && new.is_none(), "{foreign}");
    }
}

#[test]
fn an_entry_of_another_copy_is_brought_up_to_date() {
    for client in CLIENTS {
        let old = if matches!(client.format, ClientFormat::Toml) { "# mine\n" } else { "{\n    \"a\": {}\n}\n" };
        let (text, note) = installed(client, Some(old)).unwrap();
        for note in [Some(&note), None] {
            let (standing, new) = plan::install(client, &file(&text), note, &server("/new/ra-agent")).unwrap();
            assert_eq!(standing, EntryStanding::Outdated { program: PROGRAM.to_owned() });
            let new = new.unwrap();
            assert!(new.body.contains("/new/ra-agent") && !new.body.contains(PROGRAM), "{}", new.body);
            assert_eq!(
                document::standing(client, &document::meaning(client, &new.body).unwrap(), &server("/new/ra-agent")),
                EntryStanding::Current
            );
            assert!(note.is_none() || new.base == old, "{}", new.base);
        }
    }
    let (text, _) = installed(client("claude-code"), None).unwrap();
    let earlier = text.replace(",\n      \"alwaysLoad\": true", "");
    assert_ne!(text, earlier);
    let (standing, new) = plan::install(client("claude-code"), &file(&earlier), None, &server(PROGRAM)).unwrap();
    assert_eq!((standing, new.unwrap().body), (EntryStanding::Outdated { program: PROGRAM.to_owned() }, text));
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }

    /// What may stand between two tokens.
    fn blank(&mut self, newline: &str) -> String {
        let pieces = ["", "", "", " ", "  ", "\t", "N", "N  ", "N\t", " // }{,\"N", "/* , } */", " /* aN b */N", "NN"];
        self.pick(&pieces).replace('N', newline)
    }

    fn json(&mut self, depth: usize, newline: &str) -> String {
        let (open, close, named) = match self.below(if depth == 0 { 4 } else { 6 }) {
            0 => return self.pick(&["1", "-2.5e3", "true", "null"]).to_owned(),
            1..=3 => return format!("\"{}\"", self.pick(&["", "a", "{", "// x", "\\\"", "ä😀", "\\u00e9", ",}"])),
            4 => ('[', ']', false),
            _ => ('{', '}', true),
        };
        self.members(depth, newline, (open, close), named.then_some(0), &[])
    }

    /// A list, or an object with these members among others.
    fn members(
        &mut self,
        depth: usize,
        newline: &str,
        (open, close): (char, char),
        named: Option<usize>,
        more: &[String],
    ) -> String {
        let mut members: Vec<String> = (0..self.below(4))
            .map(|n| {
                let name = if named.is_some() {
                    format!("\"k{n}\"{}:{}", self.blank(newline), self.blank(newline))
                } else {
                    String::new()
                };
                format!("{name}{}", self.json(depth.saturating_sub(1), newline))
            })
            .collect();
        for one in more {
            let at = self.below(members.len() + 1);
            members.insert(at, one.clone());
        }
        let mut text = open.to_string();
        let count = members.len();
        for (n, member) in members.into_iter().enumerate() {
            let comma = if n + 1 < count || self.below(4) == 0 { "," } else { "" };
            text.push_str(&format!("{}{member}{}{comma}", self.blank(newline), self.blank(newline)));
        }
        text.push_str(&self.blank(newline));
        text.push(close);
        text
    }
}

#[test]
fn random_json_comes_back_byte_for_byte() {
    let mut dice = Dice(1);
    for round in 0..4_000 {
        let newline = dice.pick(&["\n", "\r\n"]);
        let client = client(dice.pick(&["cursor", "vscode", "zed", "opencode", "windsurf", "copilot-cli"]));
        let table = client.tables[client.tables.len() - 1][0];
        let more = match dice.below(3) {
            0 => Vec::new(),
            _ => {
                let servers = dice.members(2, newline, ('{', '}'), Some(0), &[]);
                vec![format!("\"{table}\"{}:{}{servers}", dice.blank(newline), dice.blank(newline))]
            }
        };
        let mark = dice.pick(&["", "", "\u{feff}"]);
        let root = dice.members(3, newline, ('{', '}'), Some(0), &more);
        let text = format!("{mark}{}{root}{}", dice.blank(newline), dice.blank(newline));
        println!("{round}: {} {text:?}", client.id);
        in_and_out(client, &text);
    }
}

#[test]
fn random_toml_comes_back_byte_for_byte() {
    let mut dice = Dice(2);
    for round in 0..2_000 {
        let newline = dice.pick(&["\n", "\r\n"]);
        let mut text = dice.pick(&["", "\u{feff}", "# remarkN", "N"]).to_owned();
        for n in 0..dice.below(4) {
            let value = dice.pick(&[
                "1",
                "'a'",
                "\"[mcp_servers]\"",
                "[1, 2,N 3]",
                "{ a = 1, b = 'x' }",
                "'''N[x]N'''",
                "1979-05-27",
            ]);
            text.push_str(&format!("k{n} = {value}{}N", dice.pick(&["", " # [x]", "  "])));
        }
        text.push_str(dice.pick(&[
            "",
            "",
            "mcp_servers.a.command = 'x'N",
            "mcp_servers = {}N",
            "mcp_servers = { a = { command = 'x' } } # eN",
        ]));
        let is_inline = text.contains("mcp_servers =") || text.contains("mcp_servers.");
        for n in 0..dice.below(4) {
            let name = if is_inline { "t" } else { dice.pick(&["t", "mcp_servers.s", "\"a b\".c"]) };
            text.push_str(&format!("{}[{name}{n}]{}N", dice.pick(&["", "N", "# aboutN"]), dice.pick(&["", " # head"])));
            text.push_str(dice.pick(&["", "command = 'x'N", "  args = [ 'a', # oneN  ]N", "N"]));
        }
        let mut text = text.replace('N', newline);
        if dice.below(4) == 0 {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        println!("{round}: {text:?}");
        in_and_out(client("codex"), &text);
    }
}
