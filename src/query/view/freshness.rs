//! How fresh an answer is: computed for the files that it shows.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How fresh an answer is. Its text is the first line of an answer to a coding agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Freshness {
    /// It describes what is on the disk, and nothing that was saved or committed waits to be indexed.
    Current,
    /// Something waits, and the agent is at it.
    CatchingUp {
        /// Files that wait; 0 if they are not counted yet.
        files: u64,
        /// When the first of them changed; RFC 3339.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        since: Option<String>,
    },
    /// Something differs, and stays so until a person does something.
    Stale { because: String },
    /// The index does not have what was asked for, and will not.
    NotCovered { because: String },
}

impl Freshness {
    /// Whether the answer describes what is on the disk.
    pub fn is_current(&self) -> bool {
        *self == Self::Current
    }
}

impl fmt::Display for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("current"),
            Self::CatchingUp { files, since } => {
                let files = match files {
                    0 => "first index".to_owned(),
                    1 => "1 file".to_owned(),
                    files => format!("{files} files"),
                };
                let since = since.as_ref().map(|since| format!(", since {since}")).unwrap_or_default();
                write!(f, "catching up ({files}{since})")
            }
            Self::Stale { because } => write!(f, "stale because {because}"),
            Self::NotCovered { because } => write!(f, "not covered ({because})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_one_line_and_survives_json() {
        let since = Some("2026-11-27T12:00:00Z".to_owned());
        for (freshness, line) in [
            (Freshness::Current, "current"),
            (Freshness::CatchingUp { files: 0, since: None }, "catching up (first index)"),
            (Freshness::CatchingUp { files: 1, since }, "catching up (1 file, since 2026-11-27T12:00:00Z)"),
            (Freshness::Stale { because: "no daemon runs".to_owned() }, "stale because no daemon runs"),
            (Freshness::NotCovered { because: "a.bin: binary".to_owned() }, "not covered (a.bin: binary)"),
        ] {
            assert_eq!(freshness.to_string(), line);
            let json = serde_json::to_string(&freshness).unwrap();
            assert_eq!(serde_json::from_str::<Freshness>(&json).unwrap(), freshness, "{json}");
        }
    }
}
