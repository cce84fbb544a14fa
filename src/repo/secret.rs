//! Files that may hold secrets: by their names, and where a name is only a hint, by what is written in them.

use std::sync::LazyLock;

use regex::Regex;

/// Directories that hold credentials.
const DENIED_DIRS: &[&str] = &[".aws", ".ssh", ".gnupg", ".kube"];

/// Names of files that hold credentials, in lower case.
const DENIED_NAMES: &[&str] = &[
    ".npmrc",
    ".pypirc",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".htpasswd",
    ".dockercfg",
    ".dockerconfigjson",
    "kubeconfig",
    "terraform.rc",
    ".terraformrc",
];

/// Beginnings of the names of SSH keys.
const KEY_NAMES: &[&str] = &["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_xmss"];

/// Extensions of keys, key stores and states that hold them, in lower case.
const DENIED_EXTENSIONS: &[&str] =
    &["pem", "key", "p12", "pfx", "jks", "keystore", "kdbx", "ppk", "gpg", "tfstate", "tfvars", "kubeconfig"];

/// Extensions of languages in which `credentials.rs` or `secrets.go` is a module that deals with secrets, not a file of them.
const MODULE_EXTENSIONS: &[&str] =
    &["rs", "go", "java", "kt", "c", "h", "cc", "cpp", "hpp", "cs", "swift", "scala", "zig", "ts", "tsx", "md"];

/// Extensions of scripts: a module that deals with secrets as often as a file of them.
const SCRIPT_EXTENSIONS: &[&str] = &[
    "py", "pyi", "js", "jsx", "mjs", "cjs", "rb", "php", "pl", "pm", "lua", "ex", "exs", "erl", "clj", "dart",
    "groovy", "r", "jl", "hs", "ml", "elm", "vue", "svelte", "coffee", "el", "sql", "html", "css", "scss", "erb",
    "mts", "cts", "m", "mm", "nim", "cr", "fs", "vb",
];

/// Of prose, a name may say what it is about.
const PROSE_EXTENSIONS: &[&str] = &["txt", "rst", "adoc", "asc", "markdown", "org", "tex"];

/// Ends of the names of examples: `.env.example`.
const EXAMPLES: &[&str] = &["example", "sample", "template", "dist", "defaults", "schema", "tmpl"];

/// What a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameHint {
    None,
    /// It may hold secrets, or deal with them: its content decides.
    Judged,
    /// It holds secrets.
    Secret,
}

/// What the name of a file says of secrets.
pub(super) fn hint(path: &[u8]) -> NameHint {
    let lower = path.to_ascii_lowercase();
    let (dirs, name) = split(&lower);
    let extension = extension(name);
    let is_one_of = |list: &[&str]| extension.is_some_and(|it| list.iter().any(|known| known.as_bytes() == it));
    let in_denied_dir = dirs.split(|&byte| byte == b'/').any(|dir| DENIED_DIRS.iter().any(|it| it.as_bytes() == dir));
    let is_module = is_one_of(MODULE_EXTENSIONS);
    let is_source = is_module || is_one_of(SCRIPT_EXTENSIONS);
    if in_denied_dir || DENIED_NAMES.iter().any(|known| known.as_bytes() == name) || is_one_of(DENIED_EXTENSIONS) {
        return NameHint::Secret;
    }
    if name.starts_with(b".env") {
        return if is_source || is_one_of(EXAMPLES) { NameHint::Judged } else { NameHint::Secret };
    }
    if name.windows(9).any(|part| part == b".tfstate.") {
        return if is_source { NameHint::Judged } else { NameHint::Secret };
    }
    if name.starts_with(b"id_") && extension.is_none_or(|it| it == b"pub") {
        let is_key = KEY_NAMES.iter().any(|known| name.starts_with(known.as_bytes()));
        return if is_key { NameHint::Secret } else { NameHint::Judged };
    }
    let is_hinted = name.starts_with(b"credentials") || stem(name) == b"secrets" || is_one_of(&["asc"]);
    if is_hinted && !is_module { NameHint::Judged } else { NameHint::None }
}

/// Directories (with their separators) and name.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    path.split_at(path.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1))
}

fn extension(name: &[u8]) -> Option<&[u8]> {
    name.iter().rposition(|&byte| byte == b'.').filter(|&dot| dot > 0).map(|dot| &name[dot + 1..])
}

/// The name up to its first dot.
fn stem(name: &[u8]) -> &[u8] {
    name.split(|&byte| byte == b'.').next().unwrap_or_default()
}

/// How a file is written, which decides what in it is a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A value is a literal.
    Source,
    /// Values stand without quotes, too.
    Settings,
    Prose,
}

fn form(path: &[u8], text: &str) -> Form {
    let lower = path.to_ascii_lowercase();
    let (_, name) = split(&lower);
    let is_one_of = |list: &[&str]| extension(name).is_some_and(|it| list.iter().any(|known| known.as_bytes() == it));
    let is_shell = text.lines().next().is_some_and(|line| line.starts_with("#!") && line.contains("sh"));
    if is_one_of(PROSE_EXTENSIONS) || is_one_of(&["md"]) {
        Form::Prose
    } else if !is_shell && (is_one_of(SCRIPT_EXTENSIONS) || is_one_of(MODULE_EXTENSIONS) || text.starts_with("#!")) {
        Form::Source
    } else {
        Form::Settings
    }
}

/// Whether a file holds a secret, as far as its text shows. `is_asked_for`: a person wants it indexed, so that only what is clearly
/// a secret counts; else any value of a name that says "secret" does in a file of settings.
pub(super) fn holds_secret(path: &[u8], text: &str, is_asked_for: bool) -> bool {
    let Some(patterns) = PATTERNS.as_ref() else { return true };
    if patterns.known.is_match(text) {
        return true;
    }
    let form = form(path, text);
    let is_strict = form == Form::Settings && !is_asked_for;
    let assigned = |found: regex::Captures<'_>| {
        let name = found.get(1).map_or("", |name| name.as_str()).to_ascii_lowercase();
        let quoted = found.get(2).or_else(|| found.get(3));
        let bare = found.get(4).filter(|_| form == Form::Settings);
        let Some(value) = quoted.or(bare).map(|value| value.as_str().trim()) else { return false };
        if is_placeholder(value, &name) {
            false
        } else if is_strict {
            true
        } else {
            !is_about(&name) && is_random(value)
        }
    };
    match form {
        Form::Prose => false,
        Form::Source => patterns.assigned.captures_iter(text).any(assigned),
        Form::Settings => {
            patterns.assigned.captures_iter(text).any(assigned)
                || (is_strict && patterns.random.find_iter(text).any(|found| is_random(found.as_str())))
        }
    }
}

struct SecretPatterns {
    known: Regex,
    assigned: Regex,
    random: Regex,
}

static PATTERNS: LazyLock<Option<SecretPatterns>> = LazyLock::new(|| {
    let known = concat!(
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY|-----BEGIN PGP |PuTTY-User-Key-File|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        r"|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{22}|\bglpat-[\w-]{20}|\bxox[abprs]-[\w-]{10}",
        r"|\bsk_(?:live|test)_[0-9A-Za-z]{16}|\bAIza[0-9A-Za-z_-]{35}|\bnpm_[A-Za-z0-9]{36}|\bya29\.[\w-]{20}",
        r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}|\bssh-(?:rsa|ed25519) AAAA[0-9A-Za-z+/]{40}",
    );
    let assigned = concat!(
        r#"(?i)["']?([\w.-]*(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key"#,
        r#"|account[_-]?key|credential)[\w.-]*)["']?[ \t]*(?::=|=>|[:=])[ \t]*(?:"([^"\n]*)"|'([^'\n]*)'|([^\s"',;(){}\[\]]+))"#,
    );
    let compiled = SecretPatterns {
        known: Regex::new(known).ok()?,
        assigned: Regex::new(assigned).ok()?,
        random: Regex::new(r"[A-Za-z0-9+/=_-]{32,}").ok()?,
    };
    Some(compiled)
});

/// What stands in the place of a secret in an example, or comes from elsewhere: nothing, a reference, a word for it, its own name.
fn is_placeholder(value: &str, name: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let bare: String = lower.chars().filter(char::is_ascii_alphanumeric).collect();
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let words =
        ["change", "replace", "your", "example", "placeholder", "dummy", "todo", "insert", "sample", "redacted"];
    bare.is_empty()
        || bare == name
        || name.ends_with(&bare)
        || bare.chars().all(|char| char == 'x')
        || matches!(
            &*bare,
            "null" | "none" | "nil" | "true" | "false" | "string" | "undefined" | "optional" | "required"
        )
        || words.iter().any(|word| lower.starts_with(word))
        || lower.starts_with(['<', '$', '%', '*'])
        || lower.contains("{{")
        || lower.contains("${")
        || (lower.contains("://") && !lower.contains('@'))
}

/// Names of things about a secret: where it is asked for, how it is called, how long it lives.
fn is_about(name: &str) -> bool {
    let ends = [
        "url", "uri", "endpoint", "header", "name", "type", "path", "file", "field", "param", "id", "len", "length",
        "size", "prefix",
    ];
    ends.iter().any(|end| name.ends_with(end))
        || ["pattern", "regex", "expir", "ttl", "limit", "format"].iter().any(|part| name.contains(part))
}

/// What is written only as a password or a token: no word of a program.
fn is_random(value: &str) -> bool {
    let has = |of: fn(&char) -> bool| value.chars().any(|char| of(&char));
    value.len() >= 6
        && !value.contains(char::is_whitespace)
        && !value.contains("://")
        && has(char::is_ascii_digit)
        && (has(char::is_ascii_lowercase) || has(char::is_ascii_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_told_from_names_that_may_be() {
        for path in [
            ".env",
            "app/.env.local",
            ".ENV",
            "a/server.pem",
            "tls.key",
            "id_rsa",
            "keys/id_ed25519.pub",
            ".npmrc",
            "x.jks",
            ".aws/a",
        ] {
            assert_eq!(hint(path.as_bytes()), NameHint::Secret, "{path}");
        }
        for path in [
            "credentials",
            "credentials.json",
            "secrets.py",
            ".env.example",
            "id_map",
            "guide.asc",
            "lib/credentials_refresher.rb",
        ] {
            assert_eq!(hint(path.as_bytes()), NameHint::Judged, "{path}");
        }
        for path in
            ["src/credentials.rs", "src/secrets.rs", "src/id_map.rs", "src/environment.rs", "src/key.rs", "docs/ssh.md"]
        {
            assert_eq!(hint(path.as_bytes()), NameHint::None, "{path}");
        }
    }

    #[test]
    fn source_that_deals_with_secrets_holds_none() {
        for (path, text) in [
            (
                "src/credentials_provider.js",
                "export function loadCredentialsChain() { return process.env.API_TOKEN }\n",
            ),
            (
                "credentials_provider.js",
                "const TOKEN_URL = 'https://oauth2.example.com/token';\nconst tokenType = 'bearer1';\n",
            ),
            ("lib/credentials_refresher.rb", "class CredentialsRefresher\n  def refresh(token: nil); end\nend\n"),
            ("secrets.py", "password = os.environ['DB_PASSWORD']\nTOKEN = get_token()\nSECRET = \"\"\n"),
            ("secrets.py", "API_KEY = 'your-api-key-1'\nSECRET_KEY = \"<secret>\"\n"),
            ("credentials.php", "<?php $password = $config['password']; $token_name = 'csrf2';\n"),
            (".env.example", "DB_PASSWORD=\nAPI_KEY=changeme\nTOKEN=${TOKEN}\nPORT=8080\n"),
            (
                "credentials.schema.json",
                "{\"type\": \"object\", \"properties\": {\"password\": {\"type\": \"string\"}}}\n",
            ),
            ("locales/credentials.json", "{\"title\": \"Log in\", \"password\": \"Password\"}\n"),
            ("guide.asc", "= Guide\n\nThe password = hunter2 is bad.\n"),
        ] {
            assert!(!holds_secret(path.as_bytes(), text, false), "{path}: {text}");
        }
    }

    #[test]
    fn a_file_that_holds_a_secret_is_seen_by_what_it_says() {
        for (path, text) in [
            ("credentials.json", "{\"private_key\": \"hunter2secret\"}\n"),
            ("credentials.json", "{\"auth\": \"c2VjcmV0c2VjcmV0MTIzNDU2Nzg5MGFiY2RlZg==\"}\n"),
            ("credentials", "[default]\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG\n"),
            ("config/secrets.yml", "production:\n  secret_key_base: correcthorse\n"),
            ("secrets.py", "DB_PASSWORD = 'hunter2'\n"),
            ("credentials.js", "export const apiKey = \"a8f5f167f44f4964\";\n"),
            (".env.example", "API_KEY=a8f5f167f44f\n"),
            ("id_deploy", "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n"),
            ("release.asc", "-----BEGIN PGP SIGNATURE-----\n"),
        ] {
            assert!(holds_secret(path.as_bytes(), text, false), "{path}: {text}");
        }
    }

    #[test]
    fn what_is_asked_for_stays_out_only_with_a_clear_secret() {
        assert!(!holds_secret(b"credentials.json", "{\"password\": \"Passwort\"}\n", true));
        assert!(holds_secret(b"credentials.json", "{\"password\": \"Passwort\"}\n", false));
        assert!(holds_secret(b".env", "PASSWORD=hunter2secret\n", true));
        assert!(holds_secret(b"server.pem", "-----BEGIN RSA PRIVATE KEY-----\n", true));
    }
}
