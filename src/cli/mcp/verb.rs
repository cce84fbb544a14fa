//! mcp install, uninstall, status.

use super::apply::Editor;
use super::clients::{CLIENTS, McpClient};
use super::document;
use crate::cli::output::{print, print_json};
use crate::cli::verbs::McpAct;
use crate::cli::{Context, Failure};
use crate::query::suggest;
use crate::query::view::agents::{AgentView, AgentsView, EntryChange, EntryState, LineChange};
use crate::query::view::{for_terminal, shown};

#[derive(clap::Args)]
pub struct InstallArgs {
    /// Only this coding agent, even if it is not found: claude-code, codex, cursor, vscode, copilot-cli, gemini, opencode, zed, windsurf
    #[arg(long = "agent", value_name = "NAME")]
    agents: Vec<String>,
    /// Only show what would be written, and where
    #[arg(long)]
    dry_run: bool,
    /// Only print what to paste by hand
    #[arg(long, conflicts_with = "dry_run")]
    print: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub struct UninstallArgs {
    /// Only this coding agent
    #[arg(long = "agent", value_name = "NAME")]
    agents: Vec<String>,
    /// Only show what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn configure(context: &Context, act: McpAct) -> Result<(), Failure> {
    match act {
        McpAct::Install(args) if args.print => print_snippets(context, &args),
        McpAct::Install(args) => install(context, &args),
        McpAct::Uninstall(args) => uninstall(context, &args),
        McpAct::Status { json } => status(context, json),
    }
}

/// The coding agents that are on this machine or have our entry, and the path of this program.
pub fn installed(context: &Context) -> Result<(String, Vec<AgentView>), Failure> {
    let editor = Editor::new(context, true)?;
    let agents = CLIENTS.iter().map(|client| editor.status(client));
    let agents = agents.filter(|agent| agent.found || agent.entry != EntryState::Absent).collect();
    Ok((editor.server.program, agents))
}

/// The clients with these names; all of them for no name.
fn chosen(names: &[String]) -> Result<Vec<&'static McpClient>, Failure> {
    if names.is_empty() {
        return Ok(CLIENTS.iter().collect());
    }
    let known = || CLIENTS.iter().map(|client| client.id);
    let unknown = |name: &String| {
        let known_list = known().collect::<Vec<_>>().join(", ");
        Failure::Usage(format!("unknown agent {name}{}; known are {known_list}", suggest::hint(name, known())))
    };
    let mut chosen: Vec<&McpClient> = Vec::new();
    for name in names {
        let client = McpClient::named(name).ok_or_else(|| unknown(name))?;
        if !chosen.iter().any(|other| other.id == client.id) {
            chosen.push(client);
        }
    }
    Ok(chosen)
}

fn install(context: &Context, args: &InstallArgs) -> Result<(), Failure> {
    let chosen = chosen(&args.agents)?;
    if !args.dry_run {
        context.home.create()?;
    }
    let editor = Editor::new(context, args.dry_run)?;
    let is_meant = |client: &&McpClient| !args.agents.is_empty() || editor.finds(client);
    let agents: Vec<AgentView> = chosen.into_iter().filter(is_meant).map(|client| editor.install(client)).collect();
    let why_empty = agents.is_empty().then(|| {
        "no coding agent was found on this machine; name one with --agent, or see `ra-agent mcp install --print`"
            .to_owned()
    });
    finish(&view(&editor, agents, why_empty), args.json)
}

fn uninstall(context: &Context, args: &UninstallArgs) -> Result<(), Failure> {
    let chosen = chosen(&args.agents)?;
    let editor = Editor::new(context, args.dry_run)?;
    let agents = chosen.into_iter().flat_map(|client| editor.uninstall(client));
    let agents: Vec<AgentView> = agents.filter(|agent| agent.done.is_some()).collect();
    let why_empty = agents.is_empty().then(|| "no coding agent has the server".to_owned());
    finish(&view(&editor, agents, why_empty), args.json)
}

fn status(context: &Context, json: bool) -> Result<(), Failure> {
    let editor = Editor::new(context, true)?;
    let agents = CLIENTS.iter().map(|client| editor.status(client)).collect();
    let view = AgentsView { dry_run: false, ..view(&editor, agents, None) };
    if json { print_json(&view) } else { print(&view.agents.iter().map(describe_status).collect::<String>()) }
}

fn print_snippets(context: &Context, args: &InstallArgs) -> Result<(), Failure> {
    let chosen = chosen(&args.agents)?;
    let editor = Editor::new(context, true)?;
    let with_snippet = |client: &'static McpClient| {
        let snippet = Some(document::snippet(client, &editor.server));
        AgentView { snippet, ..editor.status(client) }
    };
    let mut agents: Vec<AgentView> = chosen.into_iter().map(with_snippet).collect();
    if args.agents.is_empty() && agents.iter().any(|agent| agent.found) {
        agents.retain(|agent| agent.found);
    }
    let view = view(&editor, agents, None);
    if args.json { print_json(&view) } else { print(&view.agents.iter().map(describe_snippet).collect::<String>()) }
}

fn view(editor: &Editor<'_>, agents: Vec<AgentView>, why_empty: Option<String>) -> AgentsView {
    let command = vec![editor.server.program.clone(), "mcp".to_owned()];
    AgentsView { command, dry_run: editor.dry_run, agents, why_empty }
}

fn finish(view: &AgentsView, json: bool) -> Result<(), Failure> {
    if json {
        print_json(view)?
    } else {
        print(&describe(view))?
    }
    match view.failed() {
        0 => Ok(()),
        1 => Err(Failure::Failed("1 file was left as it is".to_owned())),
        n => Err(Failure::Failed(format!("{n} files were left as they are"))),
    }
}

fn describe(view: &AgentsView) -> String {
    if let Some(why) = &view.why_empty {
        return format!("{why}\n");
    }
    let mut out: String = view.agents.iter().map(|agent| describe_change(agent, view.dry_run)).collect();
    let changed = |agent: &AgentView| !matches!(agent.done, Some(EntryChange::Kept | EntryChange::Failed));
    if !view.dry_run && view.agents.iter().any(changed) {
        out.push_str("an agent that runs reads its configuration after a restart\n");
    }
    out
}

fn describe_change(agent: &AgentView, dry_run: bool) -> String {
    let would = if dry_run { "would be " } else { "" };
    let file = file_of(agent);
    let what = match agent.done {
        Some(EntryChange::Added) => format!("{would}added to {file}"),
        Some(EntryChange::Updated) => match &agent.program {
            Some(program) => format!("{would}updated in {file} (it started {})", for_terminal(program)),
            None => format!("{would}updated in {file}"),
        },
        Some(EntryChange::Removed) => format!("{would}removed from {file}"),
        Some(EntryChange::Kept) => format!("installed already ({file})"),
        Some(EntryChange::Failed) => "NOT CHANGED".to_owned(),
        None => "nothing to do".to_owned(),
    };
    let mut out = format!("{:<18} {what}\n", agent.name);
    if dry_run {
        agent.lines.iter().for_each(|change| out.push_str(&describe_lines(change)));
    }
    if let Some(note) = &agent.note {
        out.push_str(&format!("{:18} {}\n", "", for_terminal(note)));
    }
    if let Some(snippet) = &agent.snippet {
        out.push_str(&indented(snippet));
    }
    out
}

fn describe_lines(change: &LineChange) -> String {
    let mut out = String::new();
    let mut place = format!("line {}", change.line);
    for (sign, text) in [("-", &change.removed), ("+", &change.added)] {
        for line in text.iter().flat_map(|text| text.trim_matches(['\r', '\n']).lines()) {
            out.push_str(&format!("  {place:<10} {sign} {}\n", for_terminal(&line.replace('\t', "    "))));
            place.clear();
        }
    }
    out
}

fn describe_status(agent: &AgentView) -> String {
    let state = match (agent.entry, agent.found) {
        (EntryState::Absent, false) => "not found",
        (EntryState::Absent, true) => "not installed",
        (EntryState::Installed, _) => "installed",
        (EntryState::Outdated, _) => "outdated: run `ra-agent mcp install`",
        (EntryState::Changed, _) => "installed, with your changes",
        (EntryState::Foreign, _) => "another server has our name",
        (EntryState::Unreadable, _) => "unreadable",
    };
    let file = if agent.found || agent.entry != EntryState::Absent { file_of(agent) } else { String::new() };
    let mut out = format!("{:<18} {state}  {file}", agent.name).trim_end().to_owned();
    out.push('\n');
    if let Some(program) = &agent.program {
        out.push_str(&format!("{:18} it starts {}\n", "", for_terminal(program)));
    }
    if let Some(note) = &agent.note {
        out.push_str(&format!("{:18} {}\n", "", for_terminal(note)));
    }
    out
}

fn describe_snippet(agent: &AgentView) -> String {
    let snippet = agent.snippet.as_deref().unwrap_or_default();
    format!("{} (--agent {}), in {}:\n{}\n", agent.name, agent.agent, file_of(agent), indented(snippet))
}

fn file_of(agent: &AgentView) -> String {
    for_terminal(&shown(&agent.file))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
