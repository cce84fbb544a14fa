//! The manifest at the top of a cargo script: `---`, some TOML, `---`, after a shebang if there is one (RFC 3503).

use std::ops::Range;

use super::manifest::{self, Manifest};

/// A block between two fences at the top of a file. The grammar does not know it.
struct Frontmatter {
    /// From the start of the file to the end of the closing fence's line.
    end: usize,
    body: Range<usize>,
    /// What stands behind the opening fence.
    info: Range<usize>,
}

/// Bytes at the start of a file that are no Rust; 0 if there is no frontmatter.
pub(super) fn end(text: &str) -> usize {
    find(text).map_or(0, |found| found.end)
}

/// The manifest that a script brings.
pub(super) fn manifest(text: &str) -> Option<Manifest> {
    let found = find(text)?;
    let is_cargos = matches!(text.get(found.info)?, "" | "cargo");
    manifest::of_script(text.get(found.body).filter(|_| is_cargos)?)
}

fn find(text: &str) -> Option<Frontmatter> {
    let mut at = text.len() - text.trim_start_matches('\u{feff}').len();
    let mut lines = text[at..].split_inclusive('\n').map(|line| {
        at += line.len();
        (at - line.len()..at, line)
    });
    let is_shebang = |line: &str| line.starts_with("#!") && !line[2..].trim_start().starts_with('[');
    let (mut opening, mut line) = lines.next()?;
    if is_shebang(line) {
        (opening, line) = lines.next()?;
    }
    while line.trim().is_empty() {
        (opening, line) = lines.next()?;
    }
    let dashes = line.bytes().take_while(|&byte| byte == b'-').count();
    if dashes < 3 {
        return None;
    }
    let behind = &line[dashes..];
    let info = opening.start + dashes + (behind.len() - behind.trim_start().len());
    let info = info..info + behind.trim().len();
    // Else it is an expression: `---x`, say.
    let is_word = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.' | ',');
    if !text[info.clone()].chars().all(is_word) {
        return None;
    }
    let closes = |line: &str| line.trim_end().len() == dashes && line.trim_end().bytes().all(|byte| byte == b'-');
    let (closing, _) = lines.find(|(_, line)| closes(line))?;
    Some(Frontmatter { end: closing.end, body: opening.end..closing.start, info })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frontmatter_is_found_behind_a_shebang_and_blank_lines() {
        for (text, rest) in [
            ("---\n[dependencies]\n---\nfn main() {}\n", "fn main() {}\n"),
            ("#!/usr/bin/env cargo\n---\n[dependencies]\n---\nfn main() {}\n", "fn main() {}\n"),
            ("#!/usr/bin/env cargo\n\n---cargo\r\n[dependencies]\r\n---\r\nfn main() {}\n", "fn main() {}\n"),
            ("\u{feff}--- cargo\n---\nfn main() {}", "fn main() {}"),
            ("-----\n---\n-----  \n", ""),
            ("---\n---", ""),
        ] {
            assert_eq!(&text[end(text)..], rest, "{text:?}");
        }
    }

    #[test]
    fn what_only_looks_like_frontmatter_is_source() {
        for text in [
            "",
            "fn main() {}\n---\n---\n",
            "--\n--\n",
            "---\nfn f() {}\n",
            "#![allow(x)]\n",
            "---(x)\n---\n",
            "----\n---\n",
            "#!/x",
        ] {
            assert_eq!(end(text), 0, "{text:?}");
        }
    }

    #[test]
    fn a_scripts_manifest_is_cargos_alone() {
        let dependencies = |text: &str| manifest(text).map(|manifest| manifest.dependencies.len());
        assert_eq!(dependencies("---\n[dependencies]\na = { path = \"a\" }\n---\n"), Some(1));
        assert_eq!(dependencies("---cargo\n[dependencies]\na = \"1\"\n---\n"), Some(1));
        assert_eq!(dependencies("---other\n[dependencies]\na = \"1\"\n---\n"), None);
        assert_eq!(dependencies("---\nnot = [toml\n---\n"), None);
        assert_eq!(dependencies("fn main() {}\n"), None);
    }
}
