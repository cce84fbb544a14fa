//! The coding agents that can be given our server: one record each. How a file is edited depends on its format alone.
//!
//! Every record follows the documentation of its client. Each names the page and when it was read.

use std::path::{Path, PathBuf};

use super::json_text::JsonForm;
use super::meaning::ConfigMeaning;

/// The name of our entry in every file.
pub(super) const ENTRY: &str = "ra-agent";

/// What an entry starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OwnServer {
    pub(super) program: String,
    /// The agent's home, where it is not the usual one: some clients hand few of their variables on.
    pub(super) home: Option<String>,
}

/// The user's home directory and what of the environment says where configuration files are.
pub(super) struct UserPlaces {
    pub(super) user_home: PathBuf,
    pub(super) variable: fn(&str) -> Option<PathBuf>,
}

/// Where a client's paths begin.
#[derive(Clone, Copy)]
pub(super) enum ClientRoot {
    /// The directory that a variable names, else the home directory.
    Home { variable: Option<&'static str>, else_below: &'static str },
    /// `$XDG_CONFIG_HOME`, else `~/.config`, on every system.
    Xdg,
    /// As `Xdg`; on macOS this directory below the home directory.
    System { mac: &'static str },
}

/// How a client reads its file.
#[derive(Clone, Copy, Debug)]
pub(super) enum ClientFormat {
    Json(JsonForm),
    Toml,
}

/// What stands at a key of our entry.
#[derive(Clone, Copy)]
pub(super) enum EntryPart {
    /// The program alone.
    Program,
    /// What it is given: `["mcp"]`.
    Arguments,
    /// Both, in one list.
    CommandLine,
    Text(&'static str),
    Flag(bool),
    List(&'static [&'static str]),
}

pub(super) struct McpClient {
    /// As `--agent` names it.
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) programs: &'static [&'static str],
    pub(super) root: ClientRoot,
    /// Below the root: if one of them is there, so is the client.
    pub(super) signs: &'static [&'static str],
    /// Below the root, the first that is there; else the first.
    pub(super) files: &'static [&'static str],
    pub(super) format: ClientFormat,
    /// Paths of keys to the table of servers: the first that is there; else the last, which is then made.
    pub(super) tables: &'static [&'static [&'static str]],
    pub(super) entry: &'static [(&'static str, EntryPart)],
    /// The key of the variables that the server gets.
    pub(super) environment: &'static str,
}

const STRICT: ClientFormat = ClientFormat::Json(JsonForm { comments: false, trailing_commas: false });
const WITH_COMMENTS: ClientFormat = ClientFormat::Json(JsonForm { comments: true, trailing_commas: false });
const LENIENT: ClientFormat = ClientFormat::Json(JsonForm { comments: true, trailing_commas: true });

const PROGRAM: (&str, EntryPart) = ("command", EntryPart::Program);
const ARGUMENTS: (&str, EntryPart) = ("args", EntryPart::Arguments);

pub(super) const CLIENTS: &[McpClient] = &[
    // https://code.claude.com/docs/en/mcp, read in November 2026: user scope is `mcpServers` of ~/.claude.json; `alwaysLoad` exempts a
    // server from tool search since 2.1.121, earlier versions ignore it. https://code.claude.com/docs/en/env-vars: CLAUDE_CONFIG_DIR.
    // The file is parsed as plain JSON.
    McpClient {
        id: "claude-code",
        name: "Claude Code",
        programs: &["claude"],
        root: ClientRoot::Home { variable: Some("CLAUDE_CONFIG_DIR"), else_below: "" },
        signs: &[".claude.json", ".claude"],
        files: &[".claude.json"],
        format: STRICT,
        tables: &[&["mcpServers"]],
        entry: &[("type", EntryPart::Text("stdio")), PROGRAM, ARGUMENTS, ("alwaysLoad", EntryPart::Flag(true))],
        environment: "env",
    },
    // https://github.com/openai/codex, docs/config.md as of December 2025, and https://developers.openai.com/docs/extend/mcp, read in
    // November 2026: `[mcp_servers.<name>]` of $CODEX_HOME/config.toml (~/.codex).
    McpClient {
        id: "codex",
        name: "Codex",
        programs: &["codex"],
        root: ClientRoot::Home { variable: Some("CODEX_HOME"), else_below: ".codex" },
        signs: &[""],
        files: &["config.toml"],
        format: ClientFormat::Toml,
        tables: &[&["mcp_servers"]],
        entry: &[PROGRAM, ARGUMENTS],
        environment: "env",
    },
    // https://cursor.com/docs/mcp, read in November 2026: `mcpServers` of ~/.cursor/mcp.json; a stdio server has `type`. The page does
    // not say whether comments are read, so they are kept and none is written.
    McpClient {
        id: "cursor",
        name: "Cursor",
        programs: &["cursor", "cursor-agent"],
        root: ClientRoot::Home { variable: None, else_below: ".cursor" },
        signs: &[""],
        files: &["mcp.json"],
        format: LENIENT,
        tables: &[&["mcpServers"]],
        entry: &[("type", EntryPart::Text("stdio")), PROGRAM, ARGUMENTS],
        environment: "env",
    },
    // https://code.visualstudio.com/docs/copilot/reference/mcp-configuration, approved in May 2026: `servers` of mcp.json in the user
    // profile; `type` is required. The profile is where the settings are (https://code.visualstudio.com/docs/configure/settings).
    McpClient {
        id: "vscode",
        name: "VS Code (Copilot)",
        programs: &["code"],
        root: ClientRoot::System { mac: "Library/Application Support" },
        signs: &["Code"],
        files: &["Code/User/mcp.json"],
        format: LENIENT,
        tables: &[&["servers"]],
        entry: &[("type", EntryPart::Text("stdio")), PROGRAM, ARGUMENTS],
        environment: "env",
    },
    // https://code.visualstudio.com/docs/agents/reference/mcp-configuration, read in November 2026: `mcpServers` of
    // $COPILOT_HOME/mcp-config.json (~/.copilot). `tools` is required; https://github.com/github/copilot-cli, changelog of 1.0.63 (June
    // 2026): `deferTools` keeps a server's tools available with tool search.
    McpClient {
        id: "copilot-cli",
        name: "Copilot CLI",
        programs: &["copilot"],
        root: ClientRoot::Home { variable: Some("COPILOT_HOME"), else_below: ".copilot" },
        signs: &[""],
        files: &["mcp-config.json"],
        format: LENIENT,
        tables: &[&["mcpServers"]],
        entry: &[
            ("type", EntryPart::Text("stdio")),
            PROGRAM,
            ARGUMENTS,
            ("tools", EntryPart::List(&["*"])),
            ("deferTools", EntryPart::Text("never")),
        ],
        environment: "env",
    },
    // https://github.com/google-gemini/gemini-cli, docs/tools/mcp-server.md and docs/reference/configuration.md as of August 2026:
    // `mcpServers` of ~/.gemini/settings.json, the home directory being $GEMINI_CLI_HOME if that is set. A server of `command` is stdio.
    // The file is parsed as JSON with comments, without trailing commas (packages/cli/src/config/settings.ts).
    McpClient {
        id: "gemini",
        name: "Gemini CLI",
        programs: &["gemini"],
        root: ClientRoot::Home { variable: Some("GEMINI_CLI_HOME"), else_below: "" },
        signs: &[".gemini"],
        files: &[".gemini/settings.json"],
        format: WITH_COMMENTS,
        tables: &[&["mcpServers"]],
        entry: &[PROGRAM, ARGUMENTS],
        environment: "env",
    },
    // https://opencode.ai/v1/docs/mcp-servers and https://opencode.ai/v2/docs/mcp-servers, read in November 2026: the file is
    // opencode.json or opencode.jsonc in ~/.config/opencode. Version 1 has servers in `mcp`, version 2 in `mcp.servers`; 2 reads the
    // form of 1 (https://opencode.ai/docs/migrate-v1), but 1 rejects that of 2, so 2's is written only where it is there already.
    McpClient {
        id: "opencode",
        name: "opencode",
        programs: &["opencode"],
        root: ClientRoot::Xdg,
        signs: &["opencode"],
        files: &["opencode/opencode.json", "opencode/opencode.jsonc"],
        format: LENIENT,
        tables: &[&["mcp", "servers"], &["mcp"]],
        entry: &[("type", EntryPart::Text("local")), ("command", EntryPart::CommandLine)],
        environment: "environment",
    },
    // https://zed.dev/docs/ai/mcp and https://zed.dev/docs/configuring-zed, read in November 2026: `context_servers` of settings.json
    // in ~/.config/zed, or on Linux in $XDG_CONFIG_HOME/zed. Comments and trailing commas are read.
    McpClient {
        id: "zed",
        name: "Zed",
        programs: &["zed", "zeditor"],
        root: ClientRoot::System { mac: ".config" },
        signs: &["zed"],
        files: &["zed/settings.json"],
        format: LENIENT,
        tables: &[&["context_servers"]],
        entry: &[PROGRAM, ARGUMENTS],
        environment: "env",
    },
    // https://docs.windsurf.com/windsurf/cascade/mcp, read in November 2026: `mcpServers` of ~/.codeium/windsurf/mcp_config.json, for
    // Cascade. The page calls it a JSON file.
    McpClient {
        id: "windsurf",
        name: "Windsurf",
        programs: &["windsurf"],
        root: ClientRoot::Home { variable: None, else_below: ".codeium/windsurf" },
        signs: &[""],
        files: &["mcp_config.json"],
        format: LENIENT,
        tables: &[&["mcpServers"]],
        entry: &[PROGRAM, ARGUMENTS],
        environment: "env",
    },
];

impl UserPlaces {
    /// Of the user who runs this; `None` if no home directory is known.
    #[expect(clippy::disallowed_methods, reason = "the clients read these variables too")]
    pub(super) fn from_env() -> Option<Self> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Some(Self { user_home: variable("HOME").or_else(dirs::home_dir)?, variable })
    }

    /// Whether a program is on the PATH.
    fn has_program(&self, name: &str) -> bool {
        use std::os::unix::fs::PermissionsExt;
        let path = (self.variable)("PATH").unwrap_or_default();
        let is_program = |path: PathBuf| {
            std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        };
        std::env::split_paths(&path).any(|directory| is_program(directory.join(name)))
    }
}

impl McpClient {
    pub(super) fn named(id: &str) -> Option<&'static Self> {
        CLIENTS.iter().find(|client| client.id == id)
    }

    fn root(&self, places: &UserPlaces) -> PathBuf {
        let set = |name: &str| (places.variable)(name);
        match self.root {
            ClientRoot::Home { variable, else_below } => {
                variable.and_then(set).unwrap_or_else(|| below(&places.user_home, else_below))
            }
            ClientRoot::System { mac } if cfg!(target_os = "macos") => places.user_home.join(mac),
            // A path that is not absolute does not count (XDG Base Directory Specification).
            ClientRoot::Xdg | ClientRoot::System { .. } => set("XDG_CONFIG_HOME")
                .filter(|path| path.is_absolute())
                .unwrap_or_else(|| places.user_home.join(".config")),
        }
    }

    /// Whether the client is on this machine: its configuration or its program.
    pub(super) fn is_there(&self, places: &UserPlaces) -> bool {
        let root = self.root(places);
        let moved =
            matches!(self.root, ClientRoot::Home { variable: Some(name), .. } if (places.variable)(name).is_some());
        moved && root.exists()
            || self.signs.iter().any(|sign| below(&root, sign).exists())
            || self.programs.iter().any(|program| places.has_program(program))
    }

    /// The files that may have our entry, the one to write first.
    pub(super) fn files(&self, places: &UserPlaces) -> Vec<PathBuf> {
        let root = self.root(places);
        let mut files: Vec<PathBuf> = self.files.iter().map(|file| root.join(file)).collect();
        files.sort_by_key(|file| file.symlink_metadata().is_err());
        files
    }

    /// The keys that lead to the table of servers in a file that says `meaning`.
    pub(super) fn table(&self, meaning: &ConfigMeaning) -> &'static [&'static str] {
        let there = self.tables.iter().find(|table| meaning.at(table).is_some_and(|found| found.table().is_some()));
        there.or(self.tables.last()).copied().unwrap_or_default()
    }

    /// The keys and values of an entry that starts `server`.
    pub(super) fn entry(&self, server: &OwnServer) -> Vec<(&'static str, ConfigMeaning)> {
        let program = &server.program;
        let list = |parts: &[&str]| ConfigMeaning::List(parts.iter().map(|part| ConfigMeaning::text(part)).collect());
        let value = |part: EntryPart| match part {
            EntryPart::Program => ConfigMeaning::text(program),
            EntryPart::Arguments => list(&["mcp"]),
            EntryPart::CommandLine => list(&[program, "mcp"]),
            EntryPart::Text(text) => ConfigMeaning::text(text),
            EntryPart::Flag(flag) => ConfigMeaning::flag(flag),
            EntryPart::List(parts) => list(parts),
        };
        let home = server.home.as_deref().map(|home| {
            let variables = [("RA_AGENT_HOME".to_owned(), ConfigMeaning::text(home))];
            (self.environment, ConfigMeaning::Table(variables.into()))
        });
        self.entry.iter().map(|(key, part)| (*key, value(*part))).chain(home).collect()
    }

    /// The program that an entry starts, if that is ours (`own`, or one of its name) and it starts it as the server.
    pub(super) fn program(&self, entry: &ConfigMeaning, own: &str) -> Option<String> {
        let text =
            |value: &ConfigMeaning| if let ConfigMeaning::Text(text) = value { Some(text.clone()) } else { None };
        let list = |key: &str| match entry.at(&[key])? {
            ConfigMeaning::List(parts) => parts.iter().map(text).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        let words = match self.entry.iter().any(|(_, part)| matches!(part, EntryPart::CommandLine)) {
            true => list("command")?,
            false => [vec![text(entry.at(&["command"])?)?], list("args")?].concat(),
        };
        match &words[..] {
            [program, argument] if argument == "mcp" => {
                let is_ours = program == own || Path::new(program).file_name()? == ENTRY;
                is_ours.then(|| program.clone())
            }
            _ => None,
        }
    }
}

fn below(root: &Path, path: &str) -> PathBuf {
    if path.is_empty() { root.to_path_buf() } else { root.join(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_record_has_its_own_name_and_an_entry_that_starts_us() {
        for (place, client) in CLIENTS.iter().enumerate() {
            assert!(CLIENTS[..place].iter().all(|other| other.id != client.id), "{}", client.id);
            assert!(!client.files.is_empty() && !client.tables.is_empty() && !client.signs.is_empty());
            let server = OwnServer { program: "/opt/ra-agent".to_owned(), home: Some("/h".to_owned()) };
            let entry = client.entry(&server).into_iter().map(|(key, value)| (key.to_owned(), value));
            let entry = ConfigMeaning::Table(entry.collect());
            assert_eq!(client.program(&entry, "").as_deref(), Some("/opt/ra-agent"), "{}", client.id);
        }
    }

    #[test]
    fn tools_are_loaded_at_once_where_the_client_can_be_asked() {
        let has = |id: &str, key: &str| McpClient::named(id).unwrap().entry.iter().any(|(name, _)| *name == key);
        assert!(has("claude-code", "alwaysLoad") && has("copilot-cli", "deferTools"));
    }

    #[test]
    fn variables_move_the_files() {
        let variable = |name: &str| match name {
            "CODEX_HOME" => Some(PathBuf::from("/c")),
            "CLAUDE_CONFIG_DIR" => Some(PathBuf::from("/k")),
            "XDG_CONFIG_HOME" => Some(PathBuf::from("relative")),
            _ => None,
        };
        let places = UserPlaces { user_home: "/h".into(), variable };
        let file = |id: &str| McpClient::named(id).unwrap().files(&places).remove(0);
        assert_eq!(file("codex"), Path::new("/c/config.toml"));
        assert_eq!(file("claude-code"), Path::new("/k/.claude.json"));
        assert_eq!(file("opencode"), Path::new("/h/.config/opencode/opencode.json"));
        assert_eq!(file("gemini"), Path::new("/h/.gemini/settings.json"));
        assert_eq!(file("windsurf"), Path::new("/h/.codeium/windsurf/mcp_config.json"));
    }
}
