//! What the tools take. A name that is not known is an error: an agent that misspells an argument learns it.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{tools, wanted};
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
    // In the words of what the client has read; the types below are the program's own.
    let listed = tools::all().into_iter().find(|one| one.name == tool);
    if let Some(wrong) = listed.and_then(|listed| wanted::wrong(&listed.input_schema, &given)) {
        return Err(format!("{tool}: {wrong}"));
    }
    serde_json::from_value(Value::Object(given))
        .map_err(|error| format!("{tool}: the arguments are not understood: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text<T: DeserializeOwned>(tool: &str, text: &str) -> Result<T, String> {
        read(tool, serde_json::from_str(text).unwrap())
    }

    #[test]
    fn arguments_have_defaults_and_unknown_ones_are_errors() {
        let search: SearchArguments = read_text("search", r#"{"query":"x","repo":null}"#).unwrap();
        assert_eq!((search.limit, search.detail, search.wait), (5, Detail::Lines, true));
        let show: ShowArguments = read_text("show", r#"{"targets":["a"],"with":["source","users"]}"#).unwrap();
        assert_eq!(show.with, [ShowPart::Source, ShowPart::Users]);
        assert!(read_text::<ImpactArguments>("impact", "{}").unwrap().tests);
        assert!(read_text::<StatusArguments>("status", "{}").unwrap().repo.is_none());
    }

    #[test]
    fn a_wrong_argument_is_named_with_what_it_has_to_be() {
        let wrong_search = |text: &str| read_text::<SearchArguments>("search", text).unwrap_err();
        let wrong_show = |text: &str| read_text::<ShowArguments>("show", text).unwrap_err();
        for (told, parts) in [
            (wrong_search("{}"), ["query", "missing"]),
            (wrong_search(r#"{"query":"x","limit":"5"}"#), ["limit is \"5\"", "a whole number from 1 on"]),
            (wrong_search(r#"{"query":"x","limit":0}"#), ["limit is 0", "a whole number from 1 on"]),
            (wrong_search(r#"{"query":"x","limit":-1}"#), ["limit is -1", "a whole number from 1 on"]),
            (wrong_search(r#"{"query":"x","wait":"no"}"#), ["wait is \"no\"", "true or false"]),
            (wrong_search(r#"{"query":"x","detail":"all"}"#), ["detail is \"all\"", "one of names, lines, bodies"]),
            (wrong_search(r#"{"query":"x","limits":3}"#), ["limits is no argument", "did you mean limit?"]),
            (wrong_search(r#"{"query":7}"#), ["query is 7", "has to be a text"]),
            (wrong_show(r#"{"targets":"a"}"#), ["targets is \"a\"", "has to be a list"]),
            (wrong_show(r#"{"targets":["a",7]}"#), ["targets has 7", "has to be a text"]),
            (wrong_show(r#"{"targets":["a"],"with":["all"]}"#), ["with has \"all\"", "one of source, users"]),
        ] {
            assert!(parts.iter().all(|part| told.contains(part)), "{told}");
            assert!(!told.contains("usize") && !told.contains("expected"), "{told}");
        }
    }
}
