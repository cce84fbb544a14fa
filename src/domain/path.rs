//! Paths inside a repository.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

/// Path of a file inside its repository, as Git has it: bytes, separated by `/`, relative to the work tree's top. It need not be
/// UTF-8, and is never used to build a path of the agent's own.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
// Shared, for a path stands in many edges, jobs and records at the same time.
pub struct FilePath(Arc<[u8]>);

impl FilePath {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into().into())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as text if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The last component.
    pub fn file_name(&self) -> &[u8] {
        match self.0.iter().rposition(|&b| b == b'/') {
            Some(slash) => &self.0[slash + 1..],
            None => &self.0,
        }
    }

    /// Everything before the last `/`; empty for a file at the top.
    pub fn parent(&self) -> &[u8] {
        match self.0.iter().rposition(|&b| b == b'/') {
            Some(slash) => &self.0[..slash],
            None => b"",
        }
    }

    /// What follows the last dot of the file name, if the dot is not its first byte.
    pub fn extension(&self) -> Option<&[u8]> {
        let name = self.file_name();
        match name.iter().rposition(|&b| b == b'.') {
            Some(dot) if dot > 0 => Some(&name[dot + 1..]),
            _ => None,
        }
    }

    /// A text form that no two paths share: `%`, control characters and bytes that are not UTF-8 are percent-escaped. For stores
    /// that take text only.
    pub fn escaped(&self) -> String {
        let mut out = String::with_capacity(self.0.len());
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c == '%' || c.is_control() {
                    let mut buffer = [0; 4];
                    c.encode_utf8(&mut buffer).bytes().for_each(|byte| push_escape(&mut out, byte));
                } else {
                    out.push(c);
                }
            }
            chunk.invalid().iter().for_each(|&byte| push_escape(&mut out, byte));
        }
        out
    }

    /// For JSON: the path as it is if it is UTF-8; else percent-escaped, with its bytes in hex.
    pub fn for_json(&self) -> (String, Option<String>) {
        match self.as_str() {
            Some(text) => (text.to_owned(), None),
            None => (self.escaped(), Some(self.0.iter().map(|byte| format!("{byte:02x}")).collect())),
        }
    }

    /// Inverse of [`FilePath::escaped`].
    pub fn from_escaped(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let escaped = (bytes[at] == b'%')
                .then(|| bytes.get(at + 1..at + 3))
                .flatten()
                .and_then(|hex| std::str::from_utf8(hex).ok())
                .and_then(|hex| u8::from_str_radix(hex, 16).ok());
            match escaped {
                Some(byte) => {
                    out.push(byte);
                    at += 3;
                }
                None => {
                    out.push(bytes[at]);
                    at += 1;
                }
            }
        }
        Self(out.into())
    }
}

/// Text whose characters are composed (NFC): a name is the same however a file system, an editor or a keyboard writes its accents.
pub fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// The same of a path; bytes that are not UTF-8 stay as they are.
pub fn composed_bytes(path: &[u8]) -> Cow<'_, [u8]> {
    match std::str::from_utf8(path) {
        Ok(text) if !text.is_ascii() => Cow::Owned(composed(text).into_owned().into_bytes()),
        _ => Cow::Borrowed(path),
    }
}

fn push_escape(out: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(HEX[usize::from(byte >> 4)]));
    out.push(char::from(HEX[usize::from(byte & 15)]));
}

/// For people: the path as it is where a terminal can show it, else [`FilePath::escaped`].
impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_str() {
            Some(text) if !text.chars().any(char::is_control) => f.pad(text),
            _ => f.pad(&self.escaped()),
        }
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl From<&str> for FilePath {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_survives_its_text_form() {
        for bytes in [&b"src/main.rs"[..], b"a\nb\t\"%41 c", b"caf\xe9/\xff.rs", "naïve/ü.rs".as_bytes()] {
            let path = FilePath::new(bytes);
            assert!(!path.to_string().chars().any(char::is_control), "{path}");
            assert_eq!(FilePath::from_escaped(&path.escaped()), path);
        }
    }
}
