//! Writing one key into the user's file and keeping every other byte of it.

use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::ConfigError;
use super::section::Document;
use crate::file;

pub(super) const MODEL_EXPECTED: &str =
    "the id of a model: letters, digits, `.`, `_` and `-`, beginning with a letter or digit";

/// An id also names a directory, so it must not lead out of one.
pub(super) fn is_model_id(id: &str) -> bool {
    const LONGEST: usize = 100;
    id.len() <= LONGEST
        && id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// Sets `[embedding] model = "<id>"` in the file at `path`, which is created if it is missing. All other bytes stay as they are; the
/// file is replaced in one step.
///
/// # Errors
/// If the file cannot be read or written or is not TOML, if `id` is no model id, or if the key cannot be set without touching the rest.
pub fn set_embedding_model(path: &Path, id: &str) -> Result<(), ConfigError> {
    if !is_model_id(id) {
        return Err(ConfigError::BadModelId { id: id.to_owned() });
    }
    edit_file(path, &[(Key { table: "embedding", key: "model" }, Some(Value::String(id.to_owned())))])
}

/// Sets `[budget] monthly_usd` and `daily_usd` to amounts of nano-dollars, those that are given; `Some(None)`: no daily limit. Otherwise as
/// [`set_embedding_model`].
///
/// # Errors
/// If the file cannot be read or written or is not TOML, or if a key cannot be set without touching the rest.
pub fn set_limits(path: &Path, monthly: Option<u64>, daily: Option<Option<u64>>) -> Result<(), ConfigError> {
    // An amount that the configuration can hold is below 2⁵³ nano-dollars, so it comes back to the nano-dollar.
    let dollars = |nano: u64| Value::Float(nano as f64 / 1e9);
    let monthly = monthly.map(|nano| (Key { table: "budget", key: "monthly_usd" }, Some(dollars(nano))));
    let daily = daily.map(|nano| (Key { table: "budget", key: "daily_usd" }, nano.map(dollars)));
    edit_file(path, &[monthly, daily].into_iter().flatten().collect::<Vec<_>>())
}

#[derive(Clone, Copy)]
struct Key {
    table: &'static str,
    key: &'static str,
}

/// Sets keys, or takes them out where the value is `None`.
fn edit_file(path: &Path, edits: &[(Key, Option<Value>)]) -> Result<(), ConfigError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(ConfigError::Unreadable { path: path.to_path_buf(), source }),
    };
    let mut edited = text.clone();
    for (key, value) in edits {
        edited = with_value(Document { path, text: &edited }, *key, value.as_ref())?;
    }
    if edited == text {
        return Ok(());
    }
    file::replace(path, edited.as_bytes(), 0o600)
        .map_err(|source| ConfigError::Unwritable { path: path.to_path_buf(), source })
}

/// Tries the places where the key can stand, nearest first, and takes the first text that means what is wanted and nothing else.
fn with_value(document: Document<'_>, key: Key, value: Option<&Value>) -> Result<String, ConfigError> {
    let parsed = document.parse()?;
    let Some(before) = meaning(document.text) else { return Err(not_editable(document, key, value)) };
    let wanted = with_value_set(before.clone(), key, value);
    if wanted.as_ref() == Some(&before) {
        return Ok(document.text.to_owned());
    }
    let edits = match value {
        Some(value) => replacements(document.text, parsed.get_ref(), key, &value.to_string()),
        None => removals(document.text, parsed.get_ref(), key),
    };
    let edited = edits.into_iter().map(|(place, new)| {
        let mut text = document.text.to_owned();
        text.replace_range(place, &new);
        text
    });
    let wanted = wanted.map(|wanted| without_empty(wanted, key.table));
    let means = |text: &String| meaning(text).map(|meant| without_empty(meant, key.table));
    let mut edited = edited.filter(|text| wanted.is_some() && means(text) == wanted);
    edited.next().ok_or_else(|| not_editable(document, key, value))
}

fn not_editable(document: Document<'_>, Key { table, key }: Key, value: Option<&Value>) -> ConfigError {
    ConfigError::NotEditable {
        path: document.path.to_path_buf(),
        key: format!("{table}.{key}"),
        line_to_write: match value {
            Some(value) => format!("[{table}] {key} = {value}"),
            None => format!("[{table}], without {key},"),
        },
    }
}

fn replacements(text: &str, top: &DeTable<'_>, Key { table, key }: Key, value: &str) -> Vec<(Range<usize>, String)> {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let end = text.len();
    let gap = match text {
        "" => "",
        _ if text.ends_with('\n') => newline,
        _ => &newline.repeat(2),
    };
    let appended = (end..end, format!("{gap}[{table}]{newline}{key} = {value}{newline}"));
    let Some((name, found)) = top.get_key_value(table) else { return vec![appended] };
    if let Some((_, place)) = entry(found, key) {
        return vec![(place, value.to_owned())];
    }
    let after_header = line_end(text, found.span().start);
    let before_dotted = line_start(text, name.span().start);
    let inside_braces = found.span().start + 1;
    vec![
        (
            after_header..after_header,
            format!("{}{key} = {value}{newline}", if text[..after_header].ends_with('\n') { "" } else { newline }),
        ),
        (before_dotted..before_dotted, format!("{table}.{key} = {value}{newline}")),
        (inside_braces..inside_braces, format!(" {key} = {value} ")),
        (inside_braces..inside_braces, format!(" {key} = {value}, ")),
        appended,
    ]
}

/// A key on a line of its own becomes a comment, so that remarks on the line stay. Between braces the entry is removed, with a comma.
fn removals(text: &str, top: &DeTable<'_>, Key { table, key }: Key) -> Vec<(Range<usize>, String)> {
    let Some((name, value)) = top.get(table).and_then(|found| entry(found, key)) else { return Vec::new() };
    let line = line_start(text, name.start);
    let next = text[value.end..].find(',').map(|comma| value.end + comma + 1);
    let previous = text[..name.start].rfind(',');
    let mut removals = vec![(line..line, "# ".to_owned())];
    removals.extend(next.map(|next| (name.start..next, String::new())));
    removals.extend(previous.map(|previous| (previous..value.end, String::new())));
    removals.push((name.start..value.end, String::new()));
    removals
}

/// Places of a key and of its value.
fn entry(table: &Spanned<DeValue<'_>>, key: &str) -> Option<(Range<usize>, Range<usize>)> {
    match table.get_ref() {
        DeValue::Table(table) => table.get_key_value(key).map(|(key, value)| (key.span(), value.span())),
        _ => None,
    }
}

fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |newline| at + newline + 1)
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

fn meaning(text: &str) -> Option<Table> {
    text.parse().ok()
}

/// A table with nothing in it says as much as none.
fn without_empty(mut top: Table, table: &str) -> Table {
    if top.get(table).and_then(Value::as_table).is_some_and(Table::is_empty) {
        top.remove(table);
    }
    top
}

fn with_value_set(mut top: Table, Key { table, key }: Key, value: Option<&Value>) -> Option<Table> {
    let Some(value) = value else {
        if let Some(found) = top.get_mut(table) {
            found.as_table_mut()?.remove(key);
        }
        return Some(top);
    };
    let found = top.entry(table).or_insert_with(|| Value::Table(Table::new()));
    found.as_table_mut()?.insert(key.to_owned(), value.clone());
    Some(top)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(text: &str) -> Result<String, ConfigError> {
        let model = Value::String("m-1".to_owned());
        with_value(
            Document { path: Path::new("config.toml"), text },
            Key { table: "embedding", key: "model" },
            Some(&model),
        )
    }

    #[test]
    fn every_other_byte_stays() {
        for (before, after) in [
            ("", "[embedding]\nmodel = \"m-1\"\n"),
            ("# mine\n", "# mine\n\n[embedding]\nmodel = \"m-1\"\n"),
            ("[watch]\ntree = true", "[watch]\ntree = true\n\n[embedding]\nmodel = \"m-1\"\n"),
            (
                "[embedding] # e\nmodel  =  'old'   # why\n[watch]\n",
                "[embedding] # e\nmodel  =  \"m-1\"   # why\n[watch]\n",
            ),
            ("[embedding]\r\nthreads = 2\r\n", "[embedding]\r\nmodel = \"m-1\"\r\nthreads = 2\r\n"),
            ("[embedding]", "[embedding]\nmodel = \"m-1\"\n"),
            ("embedding.threads = 2\n[watch]\n", "embedding.model = \"m-1\"\nembedding.threads = 2\n[watch]\n"),
            ("embedding = { threads = 2 }\n", "embedding = { model = \"m-1\",  threads = 2 }\n"),
            ("embedding = {}\n", "embedding = { model = \"m-1\" }\n"),
            ("[watch]\n# [embedding]\n", "[watch]\n# [embedding]\n\n[embedding]\nmodel = \"m-1\"\n"),
        ] {
            assert_eq!(edit(before).unwrap(), after, "{before:?}");
            assert_eq!(edit(after).unwrap(), after, "a second time changes nothing");
        }
    }

    #[test]
    fn what_cannot_be_edited_is_refused() {
        assert!(matches!(edit("embedding = 3\n"), Err(ConfigError::NotEditable { .. })));
        assert!(matches!(edit("[embedding\n"), Err(ConfigError::Syntax { line: 1, .. })));
    }

    #[test]
    fn limits_are_set_and_taken_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        for (before, monthly, daily, after) in [
            ("", Some(3_000_000_000), None, "[budget]\nmonthly_usd = 3.0\n"),
            ("", Some(1), Some(Some(500_000_000)), "[budget]\ndaily_usd = 0.5\nmonthly_usd = 0.000000001\n"),
            ("[budget]\nmonthly_usd = 5 # mine\n", Some(2_500_000_000), None, "[budget]\nmonthly_usd = 2.5 # mine\n"),
            (
                "[budget]\ndaily_usd = 1 # why\n[watch]\n",
                None,
                Some(None),
                "[budget]\n# daily_usd = 1 # why\n[watch]\n",
            ),
            ("budget = { daily_usd = 1, monthly_usd = 2 }\n", None, Some(None), "budget = {  monthly_usd = 2 }\n"),
            ("budget = { monthly_usd = 2, daily_usd = 1 }\n", None, Some(None), "budget = { monthly_usd = 2 }\n"),
            ("budget = { daily_usd = 1 }\n", None, Some(None), "# budget = { daily_usd = 1 }\n"),
            ("budget.daily_usd = 1\n", None, Some(None), "# budget.daily_usd = 1\n"),
            ("[watch]\n", None, Some(None), "[watch]\n"),
        ] {
            std::fs::write(&path, before).unwrap();
            set_limits(&path, monthly, daily).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), after, "{before:?}");
        }
    }

    #[test]
    fn every_amount_comes_back_to_the_nano_dollar() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        for nano in [0, 1, 3_000_000_000, 123_456_789, 999_999_999_999_999, 1_000_000_000_000_000] {
            set_limits(&path, Some(nano), Some(Some(nano))).unwrap();
            let limits = crate::config::Config::load(&path, dir.path()).unwrap().budget;
            assert_eq!((limits.monthly, limits.daily), (nano, Some(nano)));
        }
    }

    #[test]
    fn an_id_that_leads_elsewhere_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for id in ["../x", "", ".hidden", "a/b", "a b", "a\nb"] {
            assert!(set_embedding_model(&dir.path().join("config.toml"), id).is_err(), "{id:?}");
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
