//! What the tools take. A name that is not known is an error: an agent that misspells an argument learns it.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::query::targets::ShowPart;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchArguments {
    pub query: String,
    pub repo: Option<String>,
    pub path: Option<String>,
    pub kind: Option<String>,
    pub lang: Option<String>,
    #[serde(default = "limit")]
    pub limit: usize,
    #[serde(default)]
    pub detail: Detail,
    #[serde(default = "yes")]
    pub wait: bool,
    pub cursor: Option<String>,
}

/// How much of a hit is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Detail {
    Names,
    #[default]
    Lines,
    Bodies,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShowArguments {
    pub targets: Vec<String>,
    #[serde(default)]
    pub with: Vec<ShowPart>,
    pub repo: Option<String>,
    #[serde(default = "yes")]
    pub wait: bool,
    pub cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImpactArguments {
    pub range: Option<String>,
    pub files: Option<Vec<String>>,
    pub symbol: Option<String>,
    #[serde(default = "yes")]
    pub worktree: bool,
    #[serde(default = "yes")]
    pub tests: bool,
    pub repo: Option<String>,
    pub cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusArguments {
    pub repo: Option<String>,
    pub cursor: Option<String>,
}

const fn limit() -> usize {
    5
}

const fn yes() -> bool {
    true
}

/// Reads the arguments of a tool.
///
/// # Errors
/// What is wrong with them, for the agent.
pub(super) fn read<T: DeserializeOwned>(tool: &str, arguments: Option<Map<String, Value>>) -> Result<T, String> {
    let mut given = arguments.unwrap_or_default();
    // Some clients send every argument, null where it is not given.
    given.retain(|_, value| !value.is_null());
    serde_json::from_value(Value::Object(given))
        .map_err(|error| format!("{tool}: the arguments are not understood: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text<T: DeserializeOwned>(text: &str) -> Result<T, String> {
        read("tool", serde_json::from_str(text).unwrap())
    }

    #[test]
    fn arguments_have_defaults_and_unknown_ones_are_errors() {
        let search: SearchArguments = read_text(r#"{"query":"x","repo":null}"#).unwrap();
        assert_eq!((search.limit, search.detail, search.wait), (5, Detail::Lines, true));
        let show: ShowArguments = read_text(r#"{"targets":["a"],"with":["source","users"]}"#).unwrap();
        assert_eq!(show.with, [ShowPart::Source, ShowPart::Users]);
        assert!(read_text::<ShowArguments>(r#"{"targets":"a"}"#).unwrap_err().contains("sequence"));
        assert!(read_text::<SearchArguments>(r#"{"query":"x","filter":1}"#).unwrap_err().contains("expected one of"));
        assert!(read_text::<SearchArguments>("{}").unwrap_err().contains("query"));
        assert!(read_text::<ImpactArguments>("{}").unwrap().tests);
    }
}
