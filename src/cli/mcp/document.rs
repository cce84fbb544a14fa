//! Our entry in the text of a client's file: how it stands, how it is put in and taken out. What was done is checked by parsing.

use std::collections::BTreeMap;
use std::ops::Range;

use super::clients::{ClientFormat, ENTRY, EntryPart, McpClient, OwnServer};
use super::insertion::Insertion;
use super::json_text::{self, Mistake};
use super::meaning::ConfigMeaning;
use super::toml_text;

/// What stands under our name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EntryStanding {
    Absent,
    /// What this program would write.
    Current,
    /// What an earlier version, or this one from another place, wrote.
    Outdated {
        program: String,
    },
    /// Ours, but the user changed it: the keys that are not as we write them.
    Changed {
        program: String,
        keys: Vec<String>,
    },
    /// It starts another program, or is no entry.
    Foreign,
}

/// Why a text is not edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EditRefusal {
    /// It is not in the client's format.
    Mistake(Mistake),
    /// No edit was found that changes our entry and nothing else.
    NotEditable,
}

/// A text with our entry in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WithEntry {
    pub(super) text: String,
    pub(super) insertion: Insertion,
    /// Tables on the way to the entry that were not there.
    pub(super) made_tables: usize,
}

pub(super) fn meaning(client: &McpClient, text: &str) -> Result<ConfigMeaning, Mistake> {
    match client.format {
        ClientFormat::Json(form) => json_text::meaning(text, form),
        ClientFormat::Toml => toml_text::meaning(text),
    }
}

/// How our entry stands in a file that says `meaning`.
pub(super) fn standing(client: &McpClient, meaning: &ConfigMeaning, server: &OwnServer) -> EntryStanding {
    let program = &server.program;
    let Some(entry) = meaning.at(client.table(meaning)).and_then(|table| table.at(&[ENTRY])) else {
        return EntryStanding::Absent;
    };
    let (Some(named), Some(found)) = (client.program(entry, program), entry.table()) else {
        return EntryStanding::Foreign;
    };
    let wanted: BTreeMap<&str, ConfigMeaning> =
        client.entry(&OwnServer { program: named.clone(), ..server.clone() }).into_iter().collect();
    let differs = |(key, value): &(&String, &ConfigMeaning)| wanted.get(key.as_str()) != Some(*value);
    let keys: Vec<String> = found.iter().filter(differs).map(|(key, _)| key.clone()).collect();
    match keys.is_empty() {
        false => EntryStanding::Changed { program: named, keys },
        true if named == *program && found.len() == wanted.len() => EntryStanding::Current,
        true => EntryStanding::Outdated { program: named },
    }
}

/// Puts our entry into a text that has none.
pub(super) fn add(client: &McpClient, text: &str, server: &OwnServer) -> Result<WithEntry, EditRefusal> {
    let before = meaning(client, text).map_err(EditRefusal::Mistake)?;
    let table = client.table(&before);
    let path = [table, &[ENTRY]].concat();
    let fields = client.entry(server);
    let made_tables = (1..=table.len()).filter(|steps| before.at(&table[..*steps]).is_none()).count();
    let entry = fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let wanted = before.with(&path, Some(ConfigMeaning::Table(entry))).ok_or(EditRefusal::NotEditable)?;
    let ways = match client.format {
        ClientFormat::Json(form) => json_text::insert(text, form, &path, &fields).into_iter().collect(),
        ClientFormat::Toml => toml_text::insertions(text, &path, &fields),
    };
    let done = ways.into_iter().filter_map(|insertion| Some((insertion.apply(text)?, insertion)));
    let mut right = done.filter(|(text, _)| meaning(client, text).as_ref() == Ok(&wanted));
    let (text, insertion) = right.next().ok_or(EditRefusal::NotEditable)?;
    Ok(WithEntry { text, insertion, made_tables })
}

/// Takes our entry out of a text; of the tables that lead to it, up to `made_tables` that are then empty.
pub(super) fn remove(client: &McpClient, text: &str, made_tables: usize) -> Result<String, EditRefusal> {
    let before = meaning(client, text).map_err(EditRefusal::Mistake)?;
    let table = client.table(&before);
    let mut text = without(client, text, &[table, &[ENTRY]].concat())?;
    for steps in (1..=table.len()).rev().take(made_tables) {
        let here = &table[..steps];
        let left = meaning(client, &text).map_err(EditRefusal::Mistake)?;
        // In TOML a table goes with its last entry.
        if left.at(here) == Some(&ConfigMeaning::nothing()) {
            text = without(client, &text, here)?;
        }
    }
    Ok(text)
}

fn without(client: &McpClient, text: &str, path: &[&str]) -> Result<String, EditRefusal> {
    let wanted =
        meaning(client, text).map_err(EditRefusal::Mistake)?.with(path, None).ok_or(EditRefusal::NotEditable)?;
    let ways: Vec<Vec<Range<usize>>> = match client.format {
        ClientFormat::Json(form) => json_text::cuts(text, form, path).into_iter().collect(),
        ClientFormat::Toml => toml_text::cuts(text, path),
    };
    let cut = ways.iter().filter_map(|cuts| cut(text, cuts));
    let mut right = cut.filter(|text| is_same(meaning(client, text), &wanted, path));
    right.next().ok_or(EditRefusal::NotEditable)
}

/// Whether a text says what is wanted. Without its last entry a table of TOML may be gone.
fn is_same(found: Result<ConfigMeaning, Mistake>, wanted: &ConfigMeaning, path: &[&str]) -> bool {
    let Ok(found) = found else { return false };
    let table = path.split_last().map_or(path, |(_, table)| table);
    found == *wanted
        || !table.is_empty()
            && wanted.at(table) == Some(&ConfigMeaning::nothing())
            && found.at(table).is_none()
            && wanted.clone().with(table, None).as_ref() == Some(&found)
}

/// The text without these places, which ascend and do not overlap.
fn cut(text: &str, places: &[Range<usize>]) -> Option<String> {
    let mut left = String::with_capacity(text.len());
    let mut done = 0;
    for place in places {
        left.push_str(text.get(done..place.start)?);
        done = place.end;
    }
    left.push_str(text.get(done..)?);
    Some(left)
}

/// Has our entry start another program, and keeps all else of it.
pub(super) fn with_program(client: &McpClient, text: &str, program: &str) -> Result<String, EditRefusal> {
    let before = meaning(client, text).map_err(EditRefusal::Mistake)?;
    let path = [client.table(&before), &[ENTRY, "command"]].concat();
    let in_list = client.entry.iter().any(|(_, part)| matches!(part, EntryPart::CommandLine));
    let value = ConfigMeaning::text(program);
    let (place, written) = match client.format {
        ClientFormat::Json(form) => {
            (json_text::place_of(text, form, &path, in_list.then_some(0)), json_text::value_text(&value))
        }
        ClientFormat::Toml => {
            let (field, entry) = path.split_last().ok_or(EditRefusal::NotEditable)?;
            (toml_text::place_of(text, entry, field), toml_text::value_text(&value))
        }
    };
    let mut edited = text.to_owned();
    edited.replace_range(place.ok_or(EditRefusal::NotEditable)?, &written);
    let after = meaning(client, &edited).map_err(|_| EditRefusal::NotEditable)?;
    let entry = after.at(&path[..path.len() - 1]).and_then(|entry| client.program(entry, program));
    if entry.as_deref() == Some(program) { Ok(edited) } else { Err(EditRefusal::NotEditable) }
}

/// The text to paste where the file cannot be edited: all of a file that has nothing else.
pub(super) fn snippet(client: &McpClient, server: &OwnServer) -> String {
    let path = [client.table(&ConfigMeaning::nothing()), &[ENTRY]].concat();
    match client.format {
        ClientFormat::Json(_) => json_text::document(&path, &client.entry(server)),
        ClientFormat::Toml => toml_text::section(&path, &client.entry(server), "\n"),
    }
}

/// Whether nothing but an empty document is left.
pub(super) fn is_blank(text: &str) -> bool {
    let left: String = text.split_whitespace().collect();
    left.is_empty() || left == "{}"
}
