//! `help`: the verbs as clap describes them, and topics, which are Markdown files compiled into the program.

use std::path::Path;

use clap::{Command, CommandFactory};

use super::Failure;
use super::output::print;
use super::verbs::Cli;
use crate::query::suggest;

/// A page of help about something that concerns several verbs.
struct Topic {
    name: &'static str,
    page: &'static str,
}

const TOPICS: [Topic; 14] = [
    Topic { name: "agents", page: include_str!("help/agents.md") },
    Topic { name: "budget", page: include_str!("help/budget.md") },
    Topic { name: "privacy", page: include_str!("help/privacy.md") },
    Topic { name: "cache", page: include_str!("help/cache.md") },
    Topic { name: "index", page: include_str!("help/index.md") },
    Topic { name: "impact", page: include_str!("help/impact.md") },
    Topic { name: "report", page: include_str!("help/report.md") },
    Topic { name: "ui", page: include_str!("help/ui.md") },
    Topic { name: "hooks", page: include_str!("help/hooks.md") },
    Topic { name: "models", page: include_str!("help/models.md") },
    Topic { name: "languages", page: include_str!("help/languages.md") },
    Topic { name: "search", page: include_str!("help/search.md") },
    Topic { name: "team", page: include_str!("help/team.md") },
    Topic { name: "troubleshooting", page: include_str!("help/troubleshooting.md") },
];

/// What stands below the list of verbs.
pub const TOPIC_LIST: &str = "\
Topics: agents, budget, privacy, cache, index, impact, report, ui, hooks, models, languages, search, team, troubleshooting

`ra-agent help <topic>` shows a topic, `ra-agent help <verb>` the arguments of a verb.";

/// `help`, `help <topic>`, `help <verb> [<verb>]`.
pub fn help(named: &[String]) -> Result<(), Failure> {
    print(&page(named)?)
}

/// `help --man <dir>`, for packages: a manual page for each verb.
pub fn write_manual(dir: &Path) -> Result<(), Failure> {
    if !dir.is_dir() {
        return Err(Failure::Usage(format!("{} is not a directory; make it first: mkdir -p {0}", dir.display())));
    }
    let unwritable = |error| Failure::Failed(format!("the manual cannot be written to {}: {error}", dir.display()));
    clap_mangen::generate_to(Cli::command(), dir).map_err(unwritable)
}

/// A name that is both a topic and a verb gets both pages.
fn page(named: &[String]) -> Result<String, Failure> {
    let topic = match named {
        [name] => TOPICS.iter().find(|topic| topic.name == name),
        _ => None,
    };
    match (topic, verb(named)) {
        (Some(topic), Some(mut verb)) => Ok(format!("{}\n{}", topic.page, verb.render_long_help())),
        (Some(topic), None) => Ok(topic.page.to_owned()),
        (None, Some(mut verb)) => Ok(verb.render_long_help().to_string()),
        (None, None) => Err(Failure::Usage(unknown(named))),
    }
}

/// Returns the command with this name, e.g. `daemon start`; the program itself for no name.
fn verb(named: &[String]) -> Option<Command> {
    let mut command = Cli::command();
    command.build();
    named.iter().try_fold(command, |command, name| command.find_subcommand(name).cloned())
}

fn unknown(named: &[String]) -> String {
    let name = named.join(" ");
    let near = nearest(&name);
    let hint = match near.is_empty() {
        true => "`ra-agent help` lists the verbs and the topics".to_owned(),
        false => format!("did you mean {}?", near.join(" or ")),
    };
    format!("there is no verb or topic {name}; {hint}")
}

/// Returns the names of verbs and topics that are much like `name`, the nearest first.
fn nearest(name: &str) -> Vec<String> {
    let command = Cli::command();
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set()).map(|verb| verb.get_name().to_owned());
    let mut known: Vec<String> = verbs.chain(TOPICS.iter().map(|topic| topic.name.to_owned())).collect();
    known.sort();
    known.dedup();
    suggest::nearest(name, known.iter().map(String::as_str)).into_iter().map(str::to_owned).collect()
}

/// Prints the completion script for a shell.
pub fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "ra-agent", &mut script);
    print(&String::from_utf8_lossy(&script))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../install/config.example.toml");

    fn of(text: &str) -> Result<String, Failure> {
        page(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn every_topic_prints_and_is_listed() {
        for topic in &TOPICS {
            let page = of(topic.name).unwrap();
            assert!(page.starts_with(&format!("# {}", topic.name)), "{}: {page}", topic.name);
            assert!(TOPIC_LIST.contains(topic.name), "{}", topic.name);
            assert!(of("").unwrap().contains(topic.name), "{}", topic.name);
        }
    }

    #[test]
    fn every_verb_has_a_manual_page() {
        let dir = tempfile::tempdir().unwrap();
        write_manual(dir.path()).unwrap();
        for name in ["ra-agent", "ra-agent-search", "ra-agent-daemon-start"] {
            let page = std::fs::read_to_string(dir.path().join(format!("{name}.1"))).unwrap();
            assert!(page.contains(".SH NAME"), "{name}: {page}");
        }
        assert!(!dir.path().join("ra-agent-worker.1").exists(), "it is hidden");
        assert_eq!(write_manual(&dir.path().join("none")).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn a_verb_prints_its_arguments() {
        assert!(of("wait").unwrap().contains("--timeout"));
        assert!(of("daemon start").unwrap().contains("--require-sandbox"));
        let both = of("cache").unwrap();
        assert!(both.starts_with("# cache") && both.contains("migrate"), "the topic, then the verb: {both}");
    }

    #[test]
    fn an_unknown_name_is_a_usage_error_with_near_names() {
        for (name, near) in
            [("privcay", "privacy"), ("langauges", "languages"), ("serch", "search"), ("stauts", "status")]
        {
            let failure = of(name).unwrap_err();
            assert_eq!(failure.exit_code(), 2);
            assert!(failure.to_string().contains(&format!("did you mean {near}")), "{failure}");
        }
        assert!(of("xyzzy").unwrap_err().to_string().contains("lists the verbs"));
        assert!(of("daemon xyzzy").is_err());
        assert!(!nearest("worker").contains(&"worker".to_owned()), "it is hidden");
    }

    /// Commands as they are written in the pages: `ra-agent <verb> [<verb>] [--flag]..`.
    #[test]
    fn pages_name_existing_verbs_and_flags_only() {
        for topic in &TOPICS {
            for line in topic.page.lines() {
                for written in line.split("ra-agent ").skip(1) {
                    let written = written.split(['`', '#', ';', '|']).next().unwrap_or_default();
                    assert_eq!(mistake(written), None, "{}: ra-agent {written}", topic.name);
                }
            }
        }
        assert!(mistake("cache prune --max-sizes 2G").is_some() && mistake("prune").is_some());
    }

    /// The first word that names nothing.
    fn mistake(written: &str) -> Option<String> {
        let mut command = Cli::command();
        command.build();
        let word = |word: &str| word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-').to_owned();
        for word in written.split_whitespace().map(word) {
            if let Some(flag) = word.strip_prefix("--") {
                let flag = flag.split('=').next().unwrap_or_default();
                let knows = |command: &Command| command.get_arguments().any(|one| one.get_long() == Some(flag));
                if !knows(&command) {
                    return Some(word);
                }
            } else if command.get_name() == "help" {
                return of(&word).err().map(|_| word);
            } else if command.has_subcommands() {
                match command.find_subcommand(&word) {
                    Some(found) => command = found.clone(),
                    None => return Some(word),
                }
            }
        }
        None
    }

    /// Keys as they are written in the pages: `[section] key`.
    #[test]
    fn pages_name_existing_configuration_keys_only() {
        for topic in &TOPICS {
            for written in topic.page.split("`[").skip(1).filter_map(|rest| rest.split('`').next()) {
                let Some((section, key)) = written.split_once("] ") else { continue };
                let key = key.split([' ', '=']).next().unwrap_or_default();
                let body = EXAMPLE.split(&format!("[{section}]\n")).nth(1).and_then(|rest| rest.split("\n#[").next());
                let is_known = body.is_some_and(|body| {
                    body.lines().any(|line| line.trim_start_matches(['#', ' ']).starts_with(&format!("{key} =")))
                });
                assert!(is_known, "{}: [{written}", topic.name);
            }
        }
    }
}
