use std::collections::BTreeSet;

use super::*;

#[path = "../../../../tests/support/planted.rs"]
mod planted;

#[test]
fn every_pattern_compiles() {
    for (kind, pattern, _) in rules::formats() {
        assert!(regex::Regex::new(pattern).is_ok(), "{kind}: {pattern}");
    }
    assert_eq!(rules::all().len(), rules::formats().len());
}

#[test]
fn every_kind_is_found_and_named() {
    for planted in planted::planted() {
        let redacted = redact(&planted.text);
        assert!(!redacted.text.contains(&planted.secret), "{}: {}", planted.kind, redacted.text);
        assert_eq!(redacted.redactions, Redactions::from([(planted.kind.to_owned(), 1)]), "{}", planted.text);
    }
    let planted: BTreeSet<&str> = planted::planted().iter().map(|planted| planted.kind).collect();
    assert_eq!(planted, rules::all().iter().map(|rule| rule.kind).collect(), "each kind is planted");
}

#[test]
fn a_file_keeps_its_lines_and_all_else() {
    let all = planted::planted();
    let text: String = all.iter().map(|planted| format!("// before\r\n{}\nfn after() {{}}\n", planted.text)).collect();
    let redacted = redact(&text);
    assert_eq!(redacted.text.matches('\n').count(), text.matches('\n').count());
    assert_eq!(redacted.text.matches("fn after() {}\n").count(), all.len());
    assert!(all.iter().all(|planted| !redacted.text.contains(&planted.secret)));
    assert_eq!(redact(&redacted.text).text, redacted.text, "a marker is no secret");
}

#[test]
fn ordinary_code_stays_as_it_is() {
    for text in [
        "fn token(&self) -> Token { self.tokens[self.at].clone() }",
        "let password = prompt(\"Password: \")?;",
        "struct Login { user: String, password: String, token: Option<Token> }",
        "password: String,\n    api_key: ApiKey,\n",
        "token = parser.next_token()\nsecret = os.environ[\"SECRET\"]\n",
        "let key = std::env::var(\"AWS_SECRET_ACCESS_KEY\")?;",
        "url = \"https://example.org:8080/path@2\"",
        "\"postgres://${USER}:${PASSWORD}@localhost/db\"",
        "format!(\"https://{user}:{password}@{host}\")",
        "assert_eq!(hash, \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\");",
        "checksum = \"9807af0e638c12e753aa1b4e601791bf2a8f71274023c8bbeec12fc149950857\"",
        "class=\"sk-loading-spinner-container-large\"",
        "if header == \"-----BEGIN PRIVATE KEY-----\" { return parse(rest); }",
        "pub const TOKEN_KIND: &str = \"identifier\";",
        "let fields = [\"token\", \"signature_of_2\", \"password\", \"scope\"];",
        "def sign(private_key: \"_EllipticCurvePrivateKey\")",
        "use crate::secrets::{redact, rules};",
        "// the secret: it never leaves",
    ] {
        assert_eq!(redact(text).text, text);
    }
}

#[test]
fn hostile_text_costs_time_in_proportion() {
    for piece in
        ["-----BEGIN PRIVATE KEY-----", "password=\"", "eyJ", "://a:", "twilio ", "secret_key=", "\u{0}é\u{202e}", "a."]
    {
        let text = piece.repeat(20_000 / piece.len());
        assert_eq!(redact(&text).text.matches('\n').count(), 0);
    }
    assert_eq!(redact("").text, "");
}
