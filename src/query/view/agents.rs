//! The answers of `mcp install`, `mcp uninstall` and `mcp status`.

use std::path::PathBuf;

use serde::Serialize;

/// The coding agents, and the server's entry in the configuration of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentsView {
    /// The command of an entry: this program and its arguments.
    pub command: Vec<String>,
    /// Nothing was written.
    pub dry_run: bool,
    pub agents: Vec<AgentView>,
    /// Why nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_empty: Option<String>,
}

/// One coding agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentView {
    /// As `--agent` names it.
    pub agent: &'static str,
    pub name: &'static str,
    /// Its configuration or its program is on this machine.
    pub found: bool,
    /// Its configuration file, which may be missing.
    pub file: PathBuf,
    pub entry: EntryState,
    /// The program that the entry starts, before a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// What was done, or of a dry run would be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<EntryChange>,
    /// Where the file changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineChange>,
    /// What stands in the way, or is to be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What to paste by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
}

/// How our entry stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryState {
    Absent,
    Installed,
    /// It starts another copy of this program, or was written by an earlier version.
    Outdated,
    /// The user changed it.
    Changed,
    /// Something else has our name.
    Foreign,
    /// The file cannot be read or parsed.
    Unreadable,
}

/// What was done with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryChange {
    Added,
    Updated,
    Removed,
    /// It is as it should be.
    Kept,
    Failed,
}

/// A piece of text that goes into a file or out of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineChange {
    /// The line of the file before the change, counted from 1.
    pub line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<String>,
}

impl AgentsView {
    /// How many agents could not be given the server, or not be rid of it.
    pub fn failed(&self) -> usize {
        self.agents.iter().filter(|agent| agent.done == Some(EntryChange::Failed)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_apply_is_left_out_of_the_json() {
        let agent = AgentView {
            agent: "codex",
            name: "Codex",
            found: true,
            file: "/h/.codex/config.toml".into(),
            entry: EntryState::Absent,
            program: None,
            done: None,
            lines: Vec::new(),
            note: None,
            snippet: None,
        };
        let view = AgentsView {
            command: vec!["/b".into(), "mcp".into()],
            dry_run: false,
            agents: vec![agent],
            why_empty: None,
        };
        let json = serde_json::to_string(&view.agents).unwrap();
        let expected =
            r#"[{"agent":"codex","name":"Codex","found":true,"file":"/h/.codex/config.toml","entry":"absent"}]"#;
        assert_eq!(json, expected);
        assert_eq!(view.failed(), 0);
    }
}
