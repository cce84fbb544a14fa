//! Which files are not read further, and why: decided by the name where that is enough, else by the content.

use super::secret::split;
use crate::domain::{FilePath, SkipReason};

/// Largest file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

/// Lines in which `@generated` counts; rustfmt's default for `generated_marker_line_search_limit`.
const MARKER_LINES: usize = 5;

/// Lines in which "Code generated ... DO NOT EDIT" counts. Go wants it before the first statement, after any licence.
const GO_MARKER_LINES: usize = 40;

/// Longest Git LFS pointer, in bytes (the LFS specification: a pointer file is less than 1024 bytes).
const LFS_POINTER_BYTES: usize = 1024;

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

/// Whether a tool wrote a file, by its path.
pub(super) fn is_generated_name(path: &FilePath) -> bool {
    let lower = path.as_bytes().to_ascii_lowercase();
    let (dirs, name) = split(&lower);
    GENERATED_NAMES.iter().any(|known| known.as_bytes() == name)
        || GENERATED_ENDS.iter().any(|end| name.ends_with(end.as_bytes()))
        || dirs.split(|&byte| byte == b'/').any(|dir| dir == b".rustassistant")
}

/// Why bytes are not taken for the content of a file: they are too many, or a Git LFS pointer stands for it.
pub(super) fn skip_by_bytes(bytes: &[u8]) -> Option<SkipReason> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Some(SkipReason::Huge);
    }
    let is_pointer = bytes.len() < LFS_POINTER_BYTES && bytes.starts_with(b"version https://git-lfs.github.com/spec/");
    is_pointer.then_some(SkipReason::LfsPointer)
}

/// Whether a file says itself that a tool wrote it.
pub(super) fn is_generated(path: &FilePath, text: &str) -> bool {
    let is_prose = matches!(path.extension(), Some(b"md" | b"markdown" | b"rst" | b"txt" | b"adoc"));
    !is_prose && says_generated(text)
}

fn says_generated(text: &str) -> bool {
    let is_go_marker = |line: &str| {
        line.split_once("Code generated ").is_some_and(|(_, rest)| rest.trim_end().contains("DO NOT EDIT"))
    };
    text.lines().take(MARKER_LINES).any(|line| line.contains("@generated"))
        || text.lines().take(GO_MARKER_LINES).any(is_go_marker)
}
