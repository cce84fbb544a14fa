//! `[shared]`: the store that machines share results through.

use super::ConfigError;
use super::section::Section;
use crate::domain::Hash;

/// The store, and what this machine does with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SharedConfig {
    /// As it was written, without a `/` at its end.
    pub url: String,
    pub scheme: SharedScheme,
    /// `mode = "read-write"`: what is made here is given to others.
    pub may_write: bool,
    /// Vectors are given to the shared index, too.
    pub index: bool,
    /// Address of a self-hosted store.
    pub endpoint: Option<String>,
    /// Whose signatures count, besides the one of this machine's own key.
    pub trusted_keys: Vec<TrustedKey>,
}

/// What kind of store it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SharedScheme {
    #[default]
    File,
    S3,
    Gcs,
    Azure,
    /// A WebDAV server.
    Http,
}

/// A public key that entries may be signed with, and what its user calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    pub key: [u8; 32],
    /// Empty: it has no name.
    pub label: String,
}

impl TrustedKey {
    /// `<64 hex digits> [name]`, as in an authorized_keys file.
    pub fn parse(text: &str) -> Option<Self> {
        let (hex, label) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
        let is_line = !label.contains(char::is_control);
        let key = Hash::from_hex(hex).filter(|_| is_line && hex.len() == 64)?;
        Some(Self { key: *key.as_bytes(), label: label.trim().to_owned() })
    }
}

const URL_EXPECTED: &str = "an address such as s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, https://host/path or file:///directory";
const KEY_EXPECTED: &str =
    "the 64 hex digits that `ra-agent shared status` shows on the other machine, and a name for it if you like";

/// `None`: nothing is shared.
pub(super) fn shared(mut section: Section<'_>) -> Result<Option<SharedConfig>, ConfigError> {
    let url = section.text("url", URL_EXPECTED, address)?;
    let may_write = section.choice("mode", &["read", "read-write"], |name| match name {
        "read" => Some(false),
        "read-write" => Some(true),
        _ => None,
    })?;
    let index = section.flag("index")?;
    let endpoint = section.text("endpoint", "an address that begins with http:// or https://", |text| {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        host.is_some_and(|host| !host.is_empty()).then(|| text.to_owned())
    })?;
    let trusted_keys = section.list("trusted_keys", KEY_EXPECTED, TrustedKey::parse)?;
    let Some((url, scheme)) = url else {
        if may_write.is_some() || index.is_some() || endpoint.is_some() || trusted_keys.is_some() {
            return Err(section.missing("url", "the rest of [shared] says how a store is used, but not which"));
        }
        return section.finish().map(|()| None);
    };
    if endpoint.is_some() && !matches!(scheme, SharedScheme::S3 | SharedScheme::Azure) {
        return Err(section.unfit("endpoint", "absent here: it goes with s3:// and az:// addresses"));
    }
    let index = index.unwrap_or_default();
    if index && scheme == SharedScheme::Http {
        return Err(section
            .unfit("index", "false here: a WebDAV server cannot write only what is missing, which two writers need"));
    }
    section.finish()?;
    let may_write = may_write.unwrap_or_default();
    Ok(Some(SharedConfig { url, scheme, may_write, index, endpoint, trusted_keys: trusted_keys.unwrap_or_default() }))
}

fn address(text: &str) -> Option<(String, SharedScheme)> {
    let (name, rest) = text.split_once("://")?;
    let scheme = match name {
        "file" => SharedScheme::File,
        "s3" => SharedScheme::S3,
        "gs" => SharedScheme::Gcs,
        "az" => SharedScheme::Azure,
        "http" | "https" => SharedScheme::Http,
        _ => return None,
    };
    let is_plain = !rest.contains(['?', '#', '@']) && !rest.contains(char::is_whitespace);
    let fits = match scheme {
        // A directory may have any name, but it is an absolute one.
        SharedScheme::File => rest.starts_with('/') && rest.len() > 1,
        _ => is_plain && !rest.is_empty() && !rest.starts_with('/'),
    };
    fits.then(|| (text.trim_end_matches('/').to_owned(), scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_a_store() {
        for (text, expected) in [
            ("s3://bucket/team/", Some(("s3://bucket/team", SharedScheme::S3))),
            ("gs://bucket", Some(("gs://bucket", SharedScheme::Gcs))),
            ("az://container/x", Some(("az://container/x", SharedScheme::Azure))),
            ("https://host:8080/dav", Some(("https://host:8080/dav", SharedScheme::Http))),
            ("file:///srv/our team", Some(("file:///srv/our team", SharedScheme::File))),
            ("file://relative", None),
            ("s3://", None),
            ("s3:///x", None),
            ("s3://key:secret@bucket/x", None),
            ("/srv/shared", None),
            ("ftp://host/x", None),
        ] {
            let expected = expected.map(|(url, scheme)| (url.to_owned(), scheme));
            assert_eq!(address(text), expected, "{text}");
        }
    }

    #[test]
    fn a_trusted_key_may_have_a_name() {
        let hex = "ab".repeat(32);
        let named = TrustedKey::parse(&format!("{hex}  the build machine")).unwrap();
        assert_eq!((named.key, named.label.as_str()), ([0xab; 32], "the build machine"));
        assert_eq!(TrustedKey::parse(&hex).unwrap().label, "");
        assert_eq!(TrustedKey::parse("abcd the build machine"), None);
        assert_eq!(TrustedKey::parse(&format!("{hex} a\u{1b}[2J")), None, "no control characters");
    }
}
