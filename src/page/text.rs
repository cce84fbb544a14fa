//! Text from repositories and models on a page: escaped, without what acts in it, and without what may be a secret.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::analyzer::llm::secrets;
use crate::domain::FilePath;
use crate::query::view::plain::acts;
pub(super) use crate::query::view::words::{dollars, grouped, last_part, minute, short_commit as short};

/// A whole page, in which what would act in the place of being seen is spelt out: `\u{202e}`. Its own markup has nothing of that, so
/// whatever has comes from others. Line ends and tabs stay; a page shows them as space.
pub(super) fn spelt(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    for c in page.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if acts(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// A text in which each secret that is found is replaced. It has as many lines as before.
pub(super) fn without_secrets(text: &str) -> String {
    secrets::redact(text).text
}

/// A value in an address.
pub(super) fn percent(value: &str) -> String {
    utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
}

/// A path in an address: a text that no two paths share.
pub(super) fn path_value(path: &FilePath) -> String {
    percent(&path.escaped())
}

/// A path of a view, which is escaped if it is not UTF-8.
pub(super) fn file_path(path: &str, bytes: Option<&String>) -> FilePath {
    match bytes {
        Some(_) => FilePath::from_escaped(path),
        None => FilePath::new(path.as_bytes()),
    }
}

/// The address of a file, or of something in it.
pub(super) fn file_link(repo: &str, path: &FilePath) -> String {
    format!("/repo/{repo}/file?path={}", path_value(path))
}

pub(super) fn symbol_link(repo: &str, path: &FilePath, symbol: &str) -> String {
    format!("{}&symbol={}", file_link(repo, path), percent(symbol))
}

/// The address of a line of a file.
pub(super) fn line_link(repo: &str, path: &FilePath, line: u32) -> String {
    format!("{}&line={line}#L{line}", file_link(repo, path))
}

pub(super) fn commit_link(repo: &str, commit: &str) -> String {
    format!("/repo/{repo}/commit/{commit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shown_is_markup_or_acts() {
        let written = "</td><script>\"&\u{1b}[2J\u{202e}x\u{0}\r\n\t\u{feff}größe";
        let shown = spelt(&maud::html! { (written) }.into_string());
        assert!(!shown.contains(['<', '>', '"']) && !shown.chars().any(|c| acts(c) && !"\n\t".contains(c)));
        assert!(shown.contains("\\u{1b}[2J\\u{202e}x\\u{0}\\u{d}\n\t") && shown.ends_with("größe"), "{shown}");
    }

    #[test]
    fn an_address_holds_any_path() {
        for bytes in [&b"a b/c&d=e#f?.rs"[..], b"caf\xe9%", "größe/\u{202e}x".as_bytes(), b"<script>"] {
            let path = FilePath::new(bytes);
            let value = path_value(&path);
            assert!(value.chars().all(|c| c.is_ascii_alphanumeric() || c == '%'), "{value}");
            let back = percent_encoding::percent_decode_str(&value).decode_utf8().unwrap();
            assert_eq!(FilePath::from_escaped(&back), path);
        }
    }
}
