//! The key of a provider: from an environment variable or from a file that no other user may read; never from the command line, never
//! in a log.

use std::fmt;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Longest key, in bytes; the longest in use have some hundreds.
const LONGEST: u64 = 4 * 1024;

/// What stands in a text where the key stood.
const MASK: &str = "[key]";

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(
        "the environment variable {variable} does not hold a key: set it where the agent is started, then `ra-agent daemon restart`; \
         or write the key into a file of mode 0600 and name that in [llm] api_key_file"
    )]
    NotSet { variable: String },
    #[error("the key file {path} cannot be read ({source}); create it with `umask 077`, or correct [llm] api_key_file")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error(
        "the key file {path} {reason}; run `chmod 600` on it (it has to be a file of your own that no other user may read)"
    )]
    Exposed { path: PathBuf, reason: String },
    #[error("what {source_name} holds is no key: it has to be one line of visible ASCII characters")]
    Unfit { source_name: String },
}

/// A key. Its `Debug` and `Display` hide it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// # Errors
    /// If the variable is not set or holds no key.
    #[expect(clippy::disallowed_methods, reason = "a key may be in a variable")]
    pub fn from_env(variable: &str) -> Result<Self, KeyError> {
        let value = std::env::var(variable).map_err(|_| KeyError::NotSet { variable: variable.to_owned() })?;
        if value.trim().is_empty() {
            return Err(KeyError::NotSet { variable: variable.to_owned() });
        }
        Self::parse(&value, variable)
    }

    /// # Errors
    /// If the file cannot be read, others may read or write it, it is not the user's own, or it holds no key.
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        let unreadable = |source| KeyError::Unreadable { path: path.to_path_buf(), source };
        // NONBLOCK: a pipe in this place must not hold the agent
        let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file = std::fs::File::options().read(true).custom_flags(flags).open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if let Some(reason) = exposure(&metadata) {
            return Err(KeyError::Exposed { path: path.to_path_buf(), reason });
        }
        let mut text = String::new();
        file.take(LONGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
        Self::parse(&text, &path.display().to_string())
    }

    fn parse(text: &str, source_name: &str) -> Result<Self, KeyError> {
        let key = text.trim();
        let fit = !key.is_empty() && key.len() as u64 <= LONGEST && key.bytes().all(|byte| byte.is_ascii_graphic());
        fit.then(|| Self(key.to_owned())).ok_or_else(|| KeyError::Unfit { source_name: source_name.to_owned() })
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// The text without the key in it.
    pub fn mask(&self, text: &str) -> String {
        text.replace(&self.0, MASK)
    }
}

fn exposure(metadata: &std::fs::Metadata) -> Option<String> {
    let mode = metadata.mode() & 0o7777;
    let own = [rustix::process::geteuid().as_raw(), 0].contains(&metadata.uid());
    if !metadata.is_file() {
        Some("is no regular file".to_owned())
    } else if mode & 0o077 != 0 {
        Some(format!("has mode {mode:04o}, so that others can get at it"))
    } else if !own {
        Some(format!("belongs to the user {}", metadata.uid()))
    } else {
        None
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({MASK})")
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn write(dir: &Path, text: &str, mode: u32) -> PathBuf {
        let path = dir.join("key");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_file_of_ones_own_holds_the_key() {
        let dir = tempfile::tempdir().unwrap();
        for mode in [0o600, 0o400] {
            let path = write(dir.path(), "xai-abc123\n", mode);
            assert_eq!(ApiKey::from_file(&path).unwrap().expose(), "xai-abc123");
            std::fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for mode in [0o644, 0o640, 0o620, 0o604] {
            let path = write(dir.path(), "xai-abc123", mode);
            let message = ApiKey::from_file(&path).unwrap_err().to_string();
            assert!(message.contains(&format!("{mode:04o}")) && message.contains("chmod 600"), "{message}");
            assert!(!message.contains("abc123"), "{message}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["", " \n", "two\nlines", "späße", "a b", &"k".repeat(5_000)] {
            let error = ApiKey::from_file(&write(dir.path(), text, 0o600)).unwrap_err();
            assert!(matches!(error, KeyError::Unfit { .. }), "{error}");
        }
        assert!(matches!(ApiKey::from_file(&dir.path().join("none")), Err(KeyError::Unreadable { .. })));
        assert!(matches!(ApiKey::from_file(dir.path()), Err(KeyError::Exposed { .. } | KeyError::Unreadable { .. })));
        assert!(matches!(ApiKey::from_env("RA_AGENT_NO_SUCH_VARIABLE"), Err(KeyError::NotSet { .. })));
    }

    #[test]
    fn it_shows_itself_nowhere() {
        let key = ApiKey::parse("xai-abc123", "test").unwrap();
        assert!(!format!("{key} {key:?}").contains("abc123"));
        assert_eq!(key.mask("bad key xai-abc123!"), "bad key [key]!");
    }
}
