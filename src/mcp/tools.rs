//! What a client reads of the tools, before any question: short, because every session pays for it.

use std::sync::Arc;

use rmcp::model::{MetaObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

pub(super) const INSTRUCTIONS: &str = "\
An index of this machine's registered Git repositories, kept current on every save and commit. \
Paths are relative to the repository's top. The first line of an answer says how fresh it is: \
`current`; `catching up (..)`: changed files are not in yet; `stale because ..`; `not covered (..)`: read the file yourself. \
Use search to find code that you can describe but not name, show for definitions with their users \
(instead of reading whole files), impact before you change a signature and after an edit: it names the callers and the tests to run. \
Do not use it for an exact string (grep), for a file that you will edit whole (read it), or for files outside the repository. \
A name that means nothing is answered by the nearest names, never by another's code.";

/// Every tool.
pub(super) fn all() -> Vec<Tool> {
    let text = |what: &str| json!({"type": "string", "description": what});
    let plain = || json!({"type": "string"});
    let list = |what: &str| json!({"type": "array", "items": {"type": "string"}, "description": what});
    let repo = || text("registered path; default: the one that holds the working directory");
    let wait = || json!({"type": "boolean", "default": true, "description": "up to 400 ms for the last save"});
    let cursor = || text("of a cut answer; repeat the other arguments");
    let yes = |what: &str| json!({"type": "boolean", "default": true, "description": what});
    let with = json!({"type": "array", "items": {"enum": ["source", "users", "uses", "analyses", "tests"]},
        "description": "default: a symbol's source and users, a file's outline and users"});
    vec![
        tool(
            "search",
            "Find code by meaning and by words: functions, types, sections, each with path and lines.",
            json!({"query": text("a description, or a name"), "repo": repo(), "path": text("file, directory or glob"),
                "kind": text("function, method, test, class, struct, enum, trait, type, const, module, macro, section"),
                "lang": plain(), "limit": {"type": "integer", "minimum": 1, "default": 5},
                "detail": {"enum": ["names", "lines", "bodies"], "default": "lines"}, "wait": wait(), "cursor": cursor()}),
            &["query"],
        ),
        tool(
            "show",
            "Show files, places and symbols as they are on the disk: source, users with lines, what they use, findings, tests.",
            json!({"targets": list("file, file:line, file:first-last, or symbol (Type::name)"), "with": with,
                "repo": repo(), "wait": wait(), "cursor": cursor()}),
            &["targets"],
        ),
        tool(
            "impact",
            "What a change reaches: dependents with the symbols they use, and tests. Name one of range, files, symbol; \
             without any: what is not committed.",
            json!({"range": text("A..B"), "files": list("paths"), "symbol": plain(),
                "worktree": yes("with what is not committed"), "tests": yes("with the tests that reach it"),
                "repo": repo(), "cursor": cursor()}),
            &[],
        ),
        tool(
            "status",
            "Which repositories are indexed, how fresh, and what is left out.",
            json!({"repo": repo(), "cursor": cursor()}),
            &[],
        ),
    ]
}

/// A tool that only reads.
fn tool(name: &'static str, description: &'static str, properties: Value, required: &[&str]) -> Tool {
    let mut schema = serde_json::Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), properties);
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    let mut meta = serde_json::Map::new();
    // Claude Code defers tools of a server otherwise, and an agent does not call what it does not see.
    meta.insert("anthropic/alwaysLoad".to_owned(), json!(true));
    Tool::new(name, description, Arc::new(schema))
        .with_annotations(ToolAnnotations::new().read_only(true).idempotent(true).open_world(false))
        .with_meta(MetaObject(meta))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens: bytes of compact JSON / 4.
    const LISTED_TOKENS_MAX: usize = 1_500;

    #[test]
    fn tools_and_instructions_have_at_most_1500_tokens() {
        let listed = serde_json::to_string(&all()).unwrap().len() + INSTRUCTIONS.len();
        assert!(listed / 4 <= LISTED_TOKENS_MAX, "{} tokens", listed / 4);
    }

    #[test]
    fn every_tool_only_reads_and_is_always_loaded() {
        let names: Vec<String> = all().iter().map(|tool| tool.name.to_string()).collect();
        assert_eq!(names, ["search", "show", "impact", "status"]);
        for tool in all() {
            let json = serde_json::to_value(&tool).unwrap();
            assert_eq!(json["annotations"]["readOnlyHint"], json!(true), "{json}");
            assert_eq!(json["_meta"]["anthropic/alwaysLoad"], json!(true), "{json}");
            assert!(json.get("outputSchema").is_none(), "{json}");
        }
    }
}
