//! The promise: text is found whatever its encoding, on the right line, and a file that `git status` reports as clean is clean.

use serde_json::{Value, json};

use crate::support::{TestAgent, TestRepo, untouched};

fn utf16(mark: &[u8], text: &str) -> Vec<u8> {
    [mark, &text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()].concat()
}

#[test]
fn f47_text_in_any_encoding_is_found_on_its_line() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::new();
    let attributes = "*.u16 text eol=crlf working-tree-encoding=UTF-16LE-BOM\n*.sjis text working-tree-encoding=SHIFT-JIS\n\
                      *.l1 text working-tree-encoding=ISO-8859-1\n";
    // Each has a function `in_<name>` on its third line.
    let code = |name: &str, end: &str| format!("// one{end}{end}int in_{name}(void) {{ return 1; }}{end}");
    let latin = |name: &str| [&b"/* d\xe9j\xe0 vu */\n"[..], &code(name, "\n").as_bytes()[7..]].concat();
    let files: [(&str, Vec<u8>); 11] = [
        ("latin.c", latin("latin")),
        ("bom.c", [b"\xef\xbb\xbf", code("bom", "\r\n").as_bytes()].concat()),
        ("le.c", utf16(b"\xff\xfe", &code("le", "\r\n"))),
        ("bare.c", utf16(b"", &code("bare", "\n"))),
        ("mac.c", code("mac", "\r").into_bytes()),
        ("nel.c", code("nel", "\n").replace("one", "one \u{85} one \u{2028} one").into_bytes()),
        (
            "cookie.py",
            [b"# -*- coding: euc-jp -*-\n# \xc6\xfc\xcb\xdc\ndef in_cookie():\n    return 1\n".as_slice()].concat(),
        ),
        ("dots.c", [b"/* caf\xe9\x85 */\n\n".as_slice(), &code("dots", "\n").as_bytes()[8..]].concat()),
        ("declared.u16", utf16(b"\xff\xfe", &code("declared", "\r\n"))),
        ("declared.sjis", [b"// \x93\xfa\x96\x7b\n\nint in_sjis(void) { return 1; }\n".as_slice()].concat()),
        ("declared.l1", [b"// \x85\xe9\n\nint in_l1(void) { return 1; }\n".as_slice()].concat()),
    ];
    repo.write(".gitattributes", attributes);
    files.iter().for_each(|(path, bytes)| repo.write(path, bytes));
    repo.write("data.bin", [b"\x7fELF\x02\x01\x01\0".as_slice(), &[0xe9; 400]].concat());
    repo.commit("all");
    // Written again: the index remembers other times, the content is the same.
    files.iter().for_each(|(path, bytes)| repo.write(path, bytes));
    agent.start();
    untouched(repo.path(), || {
        agent.ok(["register", repo.path().to_str().unwrap()]);
        agent.wait();
    });
    let status = || agent.json(["status"])["repos"][0].clone();
    assert_eq!((&status()["saved"], &status()["skipped"]), (&json!(0), &json!(1)), "{}", status());
    let line_of = |name: &str, path: &str| -> Option<u64> {
        let found = agent.json(["search", &format!("in_{name}"), "--limit", "20"]);
        let hit = found["hits"].as_array().unwrap().iter().find(|hit| hit["path"] == json!(path))?.clone();
        let lines = hit["snippet"].as_array().unwrap().iter();
        let mut named = lines.filter(|line| line["text"].as_str().unwrap().contains(&format!("in_{name}")));
        named.next()?["line"].as_u64()
    };
    for (path, _) in &files {
        let (stem, extension) = path.split_once('.').unwrap();
        let name = if stem == "declared" && extension != "u16" { extension } else { stem };
        assert_eq!(line_of(name, path), Some(3), "{path}");
    }
    assert_eq!(agent.json(["show", repo.path().join("data.bin").to_str().unwrap()])["skipped"], json!("binary"));

    // An edit in the declared encoding is one edit, found as it is saved, and clean again once it is put back.
    repo.write("declared.u16", utf16(b"\xff\xfe", &code("edited", "\r\n")));
    untouched(repo.path(), || agent.wait());
    assert_eq!(status()["saved"], json!(1));
    assert_eq!(line_of("edited", "declared.u16"), Some(3));
    repo.write("declared.u16", &files[8].1);
    untouched(repo.path(), || agent.wait());
    assert_eq!(status()["saved"], json!(0));
    let output = agent.run(["cache", "verify"]);
    assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
    let hits = agent.json(["search", "d\u{e9}j\u{e0}"])["hits"].clone();
    assert!(hits.as_array().unwrap().iter().any(|hit: &Value| hit["path"] == json!("latin.c")), "{hits}");
}
