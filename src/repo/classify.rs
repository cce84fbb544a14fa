//! Which files are not read further, and why: decided by the name where that is enough, else by the content.

use globset::GlobSet;

use crate::domain::{FilePath, SkipReason, composed_bytes};

/// Largest file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

/// How far a NUL byte makes a file binary, in bytes: Git's `FIRST_FEW_BYTES` (xdiff-interface.c).
const BINARY_PROBE_BYTES: usize = 8_000;

/// Lines in which `@generated` counts; rustfmt's default for `generated_marker_line_search_limit`.
const MARKER_LINES: usize = 5;

/// Lines in which "Code generated ... DO NOT EDIT" counts. Go wants it before the first statement, after any licence.
const GO_MARKER_LINES: usize = 40;

/// Longest Git LFS pointer, in bytes (the LFS specification: a pointer file is less than 1024 bytes).
const LFS_POINTER_BYTES: usize = 1024;

/// Directories with code of others; in this spelling only, for `pods/` may be about pods.
const VENDORED_DIRS: &[&str] = &[
    "vendor",
    "vendored",
    "third_party",
    "third-party",
    "thirdparty",
    "node_modules",
    "bower_components",
    "jspm_packages",
    "site-packages",
    ".venv",
    "venv",
    "Pods",
    "Carthage",
    ".yarn",
];

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

/// Extensions of keys, key stores and states that hold them, in lower case.
const DENIED_EXTENSIONS: &[&str] =
    &["pem", "key", "p12", "pfx", "jks", "keystore", "kdbx", "ppk", "asc", "gpg", "tfstate", "tfvars", "kubeconfig"];

/// Extensions of languages in which `credentials.rs` or `secrets.go` is a module that deals with secrets, not a file of them. In
/// scripts and data (`secrets.py`, `credentials.json`) such a name announces the secrets themselves.
const MODULE_EXTENSIONS: &[&str] =
    &["rs", "go", "java", "kt", "c", "h", "cc", "cpp", "hpp", "cs", "swift", "scala", "zig", "ts", "tsx", "md"];

/// Lock files and other files that a tool writes, in lower case.
const GENERATED_NAMES: &[&str] = &[
    "cargo.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
    "deno.lock",
    "poetry.lock",
    "pipfile.lock",
    "uv.lock",
    "pdm.lock",
    "pixi.lock",
    "conda-lock.yml",
    "composer.lock",
    "gemfile.lock",
    "go.sum",
    "go.work.sum",
    "flake.lock",
    "mix.lock",
    "rebar.lock",
    "pubspec.lock",
    "podfile.lock",
    "package.resolved",
    "packages.lock.json",
    "gradle.lockfile",
    ".terraform.lock.hcl",
    "module.bazel.lock",
];

/// Ends of names that a tool writes, in lower case.
const GENERATED_ENDS: &[&str] = &[
    ".min.js",
    ".min.mjs",
    ".min.css",
    ".bundle.js",
    ".js.map",
    ".css.map",
    ".mjs.map",
    ".ts.map",
    ".pb.go",
    ".pb.gw.go",
    ".pb.cc",
    ".pb.h",
    ".pb.rs",
    ".pb.swift",
    "_pb2.py",
    "_pb2.pyi",
    "_pb2_grpc.py",
    "_pb.js",
    "_pb.d.ts",
    ".g.dart",
    ".freezed.dart",
    ".designer.cs",
    ".g.cs",
    ".generated.cs",
    "_generated.go",
    ".gen.go",
];

/// Names of files that editors write next to an edited file: Vim, Emacs, Kate, JetBrains, and `sed -i`.
pub fn is_scratch(path: &FilePath) -> bool {
    let name = path.file_name();
    let ends = [&b"~"[..], b".swp", b".swo", b".swx", b".kate-swp", b"___jb_tmp___", b"___jb_old___"];
    let is_sed = name.len() == 9 && name.starts_with(b"sed") && name[3..].iter().all(u8::is_ascii_alphanumeric);
    name == b"4913"
        || name.starts_with(b".#")
        || name.starts_with(b"#")
        || is_sed
        || ends.iter().any(|end| name.ends_with(end))
}

/// Why a file is not read, by its path: it may hold credentials (always, and by the globs of `privacy.deny`), it is
/// code of others, or a tool wrote it. Case does not matter but for directories of others' code.
pub fn skip_by_name(path: &FilePath, deny: &GlobSet) -> Option<SkipReason> {
    let lower = path.as_bytes().to_ascii_lowercase();
    if is_denied(&lower) || is_denied_by_globs(path, deny) {
        return Some(SkipReason::Denied);
    }
    let (dirs, name) = split(&lower);
    if any_dir(path.parent(), VENDORED_DIRS) {
        return Some(SkipReason::Vendored);
    }
    let is_generated = GENERATED_NAMES.iter().any(|known| known.as_bytes() == name)
        || GENERATED_ENDS.iter().any(|end| name.ends_with(end.as_bytes()))
        || any_dir(dirs, &[".rustassistant"]);
    is_generated.then_some(SkipReason::Generated)
}

fn is_denied(lower: &[u8]) -> bool {
    let (dirs, name) = split(lower);
    let extension = extension(name);
    let is_one_of = |list: &[&str]| extension.is_some_and(|it| list.iter().any(|known| known.as_bytes() == it));
    let is_module = is_one_of(MODULE_EXTENSIONS);
    name.starts_with(b".env")
        || DENIED_NAMES.iter().any(|known| known.as_bytes() == name)
        || is_one_of(DENIED_EXTENSIONS)
        || name.windows(9).any(|part| part == b".tfstate.")
        || (!is_module && (name.starts_with(b"credentials") || stem(name) == b"secrets"))
        || (name.starts_with(b"id_") && extension.is_none_or(|it| it == b"pub"))
        || any_dir(dirs, DENIED_DIRS)
}

/// A glob without a `/` is meant for the file name in any directory, as in `.gitignore`.
fn is_denied_by_globs(path: &FilePath, deny: &GlobSet) -> bool {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let holds = |path: &[u8]| deny.is_match(OsStr::from_bytes(&composed_bytes(path)));
    !deny.is_empty() && (holds(path.as_bytes()) || holds(path.file_name()))
}

/// Directories (with their separators) and name.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    path.split_at(path.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1))
}

fn any_dir(dirs: &[u8], list: &[&str]) -> bool {
    dirs.split(|&byte| byte == b'/').any(|dir| list.iter().any(|known| known.as_bytes() == dir))
}

fn extension(name: &[u8]) -> Option<&[u8]> {
    name.iter().rposition(|&byte| byte == b'.').filter(|&dot| dot > 0).map(|dot| &name[dot + 1..])
}

/// The name up to its first dot.
fn stem(name: &[u8]) -> &[u8] {
    name.split(|&byte| byte == b'.').next().unwrap_or_default()
}

/// Why a file is not read further, by its content: a Git LFS pointer stands for it, it is no UTF-8 text, it is too
/// large, or it says itself that a tool wrote it.
pub fn skip_by_content(path: &FilePath, bytes: &[u8]) -> Option<SkipReason> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Some(SkipReason::Huge);
    }
    if bytes.len() < LFS_POINTER_BYTES && bytes.starts_with(b"version https://git-lfs.github.com/spec/") {
        return Some(SkipReason::LfsPointer);
    }
    if bytes[..bytes.len().min(BINARY_PROBE_BYTES)].contains(&0) {
        return Some(SkipReason::Binary);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Some(SkipReason::Binary) };
    let is_prose = matches!(path.extension(), Some(b"md" | b"markdown" | b"rst" | b"txt" | b"adoc"));
    (!is_prose && says_generated(text)).then_some(SkipReason::Generated)
}

fn says_generated(text: &str) -> bool {
    let is_go_marker = |line: &str| {
        line.split_once("Code generated ").is_some_and(|(_, rest)| rest.trim_end().contains("DO NOT EDIT"))
    };
    text.lines().take(MARKER_LINES).any(|line| line.contains("@generated"))
        || text.lines().take(GO_MARKER_LINES).any(is_go_marker)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_name(path: &str) -> Option<SkipReason> {
        skip_by_name(&FilePath::from(path), &GlobSet::empty())
    }

    #[test]
    fn f49_names_of_secrets_are_denied() {
        for path in [
            ".env",
            "app/.env.local",
            ".ENV",
            "a/server.pem",
            "tls.key",
            "id_rsa",
            "keys/id_ed25519.pub",
            "x.p12",
            "x.jks",
            ".npmrc",
            ".pypirc",
            ".netrc",
            "credentials",
            "credentials.json",
            "config/secrets.yml",
            "secrets.py",
            "prod.tfstate",
            "prod.tfstate.backup",
            "kubeconfig",
            ".aws/config",
            "home/.ssh/known_hosts",
        ] {
            assert_eq!(by_name(path), Some(SkipReason::Denied), "{path}");
        }
    }

    #[test]
    fn source_that_deals_with_secrets_is_source() {
        for path in
            ["src/credentials.rs", "src/secrets.rs", "src/id_map.rs", "src/environment.rs", "src/key.rs", "docs/ssh.md"]
        {
            assert_eq!(by_name(path), None, "{path}");
        }
    }

    #[test]
    fn a_persons_globs_deny_by_path_and_by_name() {
        let mut globs = globset::GlobSetBuilder::new();
        globs.add(globset::Glob::new("*.sqlite").unwrap()).add(globset::Glob::new("private/**").unwrap());
        let deny = globs.build().unwrap();
        for path in ["a/b.sqlite", "private/x/y.rs"] {
            assert_eq!(skip_by_name(&FilePath::from(path), &deny), Some(SkipReason::Denied), "{path}");
        }
        assert_eq!(skip_by_name(&FilePath::from("src/private.rs"), &deny), None);
        let patterns = ["pru\u{308}fung/**".to_owned(), "schl\u{fc}ssel.*".to_owned()];
        let deny = crate::repo::deny_globs(&patterns).unwrap();
        for path in ["pr\u{fc}fung/a.rs", "pru\u{308}fung/a.rs", "src/schl\u{fc}ssel.rs", "src/schlu\u{308}ssel.rs"] {
            assert_eq!(skip_by_name(&FilePath::from(path), &deny), Some(SkipReason::Denied), "{path}");
        }
    }

    #[test]
    fn vendored_and_generated_names_are_told_apart_from_source() {
        for path in ["vendor/a/src/lib.rs", "web/node_modules/x/index.js", "third_party/z.c", "ios/Pods/x.m"] {
            assert_eq!(by_name(path), Some(SkipReason::Vendored), "{path}");
        }
        for path in ["Cargo.lock", "web/package-lock.json", "dist/app.min.js", "api/v1.pb.go", ".rustassistant/x.json"]
        {
            assert_eq!(by_name(path), Some(SkipReason::Generated), "{path}");
        }
        for path in ["src/vendor.rs", "src/main.rs", "Cargo.toml", "README.md", "src/lock.rs", "pkg/pods/list.go"] {
            assert_eq!(by_name(path), None, "{path}");
        }
    }

    fn by_content(bytes: &[u8]) -> Option<SkipReason> {
        skip_by_content(&FilePath::from("src/a.rs"), bytes)
    }

    #[test]
    fn f47_content_tells_what_is_no_text() {
        assert_eq!(by_content(b"fn a() {}\n"), None);
        assert_eq!(by_content(b""), None);
        assert_eq!(by_content(b"fn\0"), Some(SkipReason::Binary));
        assert_eq!(by_content(b"\xff\xfef\0n\0"), Some(SkipReason::Binary));
        assert_eq!(by_content(b"caf\xe9"), Some(SkipReason::Binary));
        let mut late = vec![b'a'; BINARY_PROBE_BYTES];
        late.push(0);
        assert_eq!(by_content(&late), None, "as Git: a late NUL is text");
        assert_eq!(by_content(&vec![b'a'; 1 + MAX_FILE_BYTES as usize]), Some(SkipReason::Huge));
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
        assert_eq!(by_content(pointer), Some(SkipReason::LfsPointer));
    }

    #[test]
    fn a_generated_file_says_so_at_its_top() {
        let marker = concat!("// @", "generated by x\nfn a() {}\n");
        assert_eq!(by_content(marker.as_bytes()), Some(SkipReason::Generated));
        let go = b"// Copyright\n\n// Code generated by protoc-gen-go. DO NOT EDIT.\npackage a\n";
        assert_eq!(by_content(go), Some(SkipReason::Generated));
        let far = format!("{}{marker}", "fn a() {}\n".repeat(20));
        assert_eq!(by_content(far.as_bytes()), None);
        assert_eq!(skip_by_content(&FilePath::from("README.md"), marker.as_bytes()), None);
    }
}
