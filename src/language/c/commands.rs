//! `compile_commands.json`: which folders each source is compiled with.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::Hash;
use crate::language::eval::facts::Facts;
use crate::language::{Outline, ParseError, Parsed, Symbol, SymbolKind, Visibility};

#[derive(Deserialize)]
struct CompileCommand {
    directory: String,
    file: String,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    command: String,
}

/// What the project reads of it: `dir` lines with folders, and for each source a `use` line with their numbers.
pub(super) fn outline(parsed: &Parsed<'_>) -> (Outline, Vec<ParseError>) {
    let commands: Vec<CompileCommand> = match serde_json::from_str(parsed.text) {
        Ok(commands) => commands,
        Err(error) => {
            let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
            return (
                Outline::default(),
                vec![ParseError { line, message: "not a list of compile commands".to_owned() }],
            );
        }
    };
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let (mut dirs, mut uses) = (String::new(), String::new());
    for command in &commands {
        let mut used = Vec::new();
        for folder in folders(command) {
            let next = numbers.len();
            let number = *numbers.entry(folder.clone()).or_insert_with(|| {
                dirs.push_str(&format!("dir\t{folder}\n"));
                next
            });
            used.push(number.to_string());
        }
        uses.push_str(&format!("use\t{}\t{}\n", used.join(","), absolute(&command.directory, &command.file)));
    }
    let manifest = dirs + &uses;
    let symbol = Symbol {
        name: "include folders".to_owned(),
        kind: SymbolKind::Module,
        visibility: Visibility::Public,
        signature: Hash::of_fields([manifest.as_bytes()]).to_string(),
        start_line: 1,
        end_line: 1,
        doc: false,
    };
    let facts = Facts { manifest: Some(manifest), ..Facts::default() };
    (Outline { symbols: vec![symbol], facts: Some(Box::new(facts)), ..Outline::default() }, Vec::new())
}

fn folders(command: &CompileCommand) -> Vec<String> {
    let words: Vec<String> = if command.arguments.is_empty() {
        command.command.split_whitespace().map(|word| word.trim_matches('"').to_owned()).collect()
    } else {
        command.arguments.clone()
    };
    let mut found = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        for flag in ["-I", "-iquote", "-isystem", "/I"] {
            let Some(rest) = word.strip_prefix(flag) else { continue };
            let folder = if rest.is_empty() { words.next().map(String::as_str) } else { Some(rest) };
            found.extend(folder.map(|folder| absolute(&command.directory, folder)));
            break;
        }
    }
    found
}

fn absolute(directory: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{directory}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
