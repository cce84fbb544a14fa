//! Editing TOML by places in its text: what is not ours keeps every byte. Several edits may say the same; the first that is right is
//! taken, and what is right is found by parsing.

use std::ops::Range;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::insertion::Insertion;
use super::json_text::Mistake;
use super::meaning::ConfigMeaning;

/// What a text says.
pub(super) fn meaning(text: &str) -> Result<ConfigMeaning, Mistake> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        Mistake { line, message: error.message().to_owned() }
    })?;
    Ok(meaning_of(&Value::Table(table)))
}

fn meaning_of(value: &Value) -> ConfigMeaning {
    match value {
        Value::String(text) => ConfigMeaning::text(text),
        Value::Array(parts) => ConfigMeaning::List(parts.iter().map(meaning_of).collect()),
        Value::Table(table) => {
            ConfigMeaning::Table(table.iter().map(|(key, value)| (key.clone(), meaning_of(value))).collect())
        }
        other => ConfigMeaning::Plain(other.to_string()),
    }
}

/// Ways to put `fields` at the end of `path`, which has two keys: a table and an entry in it.
pub(super) fn insertions(text: &str, path: &[&str], fields: &[(&'static str, ConfigMeaning)]) -> Vec<Insertion> {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let gap = match text {
        "" => "",
        _ if text.ends_with('\n') => newline,
        _ => &newline.repeat(2),
    };
    let [table, name] = path else { return Vec::new() };
    let mut ways = vec![(text.len(), format!("{gap}{}", section(path, fields, newline)))];
    let found = DeTable::parse(text).ok();
    if let Some((key, found)) = found.as_ref().and_then(|top| top.get_ref().get_key_value(*table)) {
        let inline = format!("{name} = {{ {} }}", assignments(fields).join(", "));
        let before_dotted = line_start(text, key.span().start);
        let inside_braces = found.span().start + 1;
        ways.push((before_dotted, format!("{table}.{inline}{newline}")));
        ways.push((inside_braces, format!(" {inline} ")));
        ways.push((inside_braces, format!(" {inline},")));
    }
    ways.into_iter().map(|piece| Insertion::new(vec![piece])).collect()
}

/// Our entry as a table of its own.
pub(super) fn section(path: &[&str], fields: &[(&'static str, ConfigMeaning)], newline: &str) -> String {
    let lines = assignments(fields).join(newline);
    format!("[{}]{newline}{lines}{newline}", path.join("."))
}

fn assignments(fields: &[(&'static str, ConfigMeaning)]) -> Vec<String> {
    fields.iter().map(|(key, value)| format!("{key} = {}", value_text(value))).collect()
}

/// A value as TOML.
pub(super) fn value_text(value: &ConfigMeaning) -> String {
    match value {
        ConfigMeaning::Text(text) => Value::String(text.clone()).to_string(),
        ConfigMeaning::Plain(plain) => plain.clone(),
        ConfigMeaning::List(parts) => format!("[{}]", parts.iter().map(value_text).collect::<Vec<_>>().join(", ")),
        ConfigMeaning::Table(table) => {
            let members = table.iter().map(|(key, value)| format!("{key} = {}", value_text(value)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// What could be cut so that the entry at the end of `path` is gone, the best way first.
pub(super) fn cuts(text: &str, path: &[&str]) -> Vec<Vec<Range<usize>>> {
    let Some(places) = places(text, path) else { return Vec::new() };
    let header = line(text, places.key.clone());
    let mut lines = vec![header.clone()];
    lines.extend(places.values.iter().map(|place| line(text, place.clone())));
    lines.sort_by_key(|line| line.start);
    lines.dedup();
    let blank_before = header.start.checked_sub(1).map(|newline| line(text, newline..newline));
    let blank_before = blank_before.filter(|before| text[before.clone()].trim().is_empty());
    let mut ways = Vec::new();
    if let Some(blank) = blank_before {
        ways.push([vec![blank], lines.clone()].concat());
    }
    ways.push(lines);
    // Between braces: with the comma after it, with the one before it, or alone.
    let Range { start, .. } = places.key;
    let end = places.end.max(start);
    let next = text[end..].find(',').map(|comma| end + comma + 1);
    let previous = text[..start].rfind(',');
    let between = [next.map(|next| start..next), previous.map(|previous| previous..end), Some(start..end)];
    ways.extend(between.into_iter().flatten().map(|place| vec![place]));
    ways
}

/// Where the text of a value of the entry stands.
pub(super) fn place_of(text: &str, path: &[&str], field: &str) -> Option<Range<usize>> {
    let top = DeTable::parse(text).ok()?;
    let entry = entry(top.get_ref(), path)?.1;
    Some(table(entry)?.get(field)?.span())
}

/// Where an entry stands: its key, its values, and where the last of it ends.
struct EntryPlaces {
    key: Range<usize>,
    values: Vec<Range<usize>>,
    end: usize,
}

fn places(text: &str, path: &[&str]) -> Option<EntryPlaces> {
    let top = DeTable::parse(text).ok()?;
    let (key, value) = entry(top.get_ref(), path)?;
    let values: Vec<_> = table(value)?.iter().map(|(key, value)| key.span().start..value.span().end).collect();
    let end = values.iter().map(|place| place.end).chain([value.span().end]).max()?;
    Some(EntryPlaces { key: key.span(), values, end })
}

type KeyedEntry<'t, 'a> = (&'t Spanned<std::borrow::Cow<'a, str>>, &'t Spanned<DeValue<'a>>);

fn entry<'t, 'a>(top: &'t DeTable<'a>, path: &[&str]) -> Option<KeyedEntry<'t, 'a>> {
    let (name, tables) = path.split_last()?;
    let mut here = top;
    for key in tables {
        here = table(here.get(*key)?)?;
    }
    here.get_key_value(*name)
}

fn table<'t, 'a>(value: &'t Spanned<DeValue<'a>>) -> Option<&'t DeTable<'a>> {
    match value.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

/// The lines, with their ends, that a place is on.
fn line(text: &str, place: Range<usize>) -> Range<usize> {
    let end = text[place.end..].find('\n').map_or(text.len(), |newline| place.end + newline + 1);
    line_start(text, place.start)..end
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}
