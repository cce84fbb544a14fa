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
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(ConfigError::Unreadable { path: path.to_path_buf(), source }),
    };
    let edited = with_model(Document { path, text: &text }, id)?;
    if edited == text {
        return Ok(());
    }
    file::replace(path, edited.as_bytes(), 0o600)
        .map_err(|source| ConfigError::Unwritable { path: path.to_path_buf(), source })
}

/// Tries the places where the key can stand, nearest first, and takes the first text that means what is wanted and nothing else.
fn with_model(document: Document<'_>, id: &str) -> Result<String, ConfigError> {
    let parsed = document.parse()?;
    let wanted = meaning(document.text).and_then(|table| with_model_set(table, id));
    let newline = if document.text.contains("\r\n") { "\r\n" } else { "\n" };
    let edits = replacements(document, parsed.get_ref(), id, newline);
    let edited = edits.into_iter().map(|(place, new)| {
        let mut text = document.text.to_owned();
        text.replace_range(place, &new);
        text
    });
    let mut edited = edited.filter(|text| wanted.is_some() && meaning(text) == wanted);
    edited.next().ok_or_else(|| ConfigError::NotEditable {
        path: document.path.to_path_buf(),
        key: "embedding.model".to_owned(),
        line_to_write: format!("[embedding] model = \"{id}\""),
    })
}

fn replacements(document: Document<'_>, table: &DeTable<'_>, id: &str, newline: &str) -> Vec<(Range<usize>, String)> {
    let text = document.text;
    let end = text.len();
    let gap = match text {
        "" => "",
        _ if text.ends_with('\n') => newline,
        _ => &newline.repeat(2),
    };
    let appended = (end..end, format!("{gap}[embedding]{newline}model = \"{id}\"{newline}"));
    let Some((key, embedding)) = table.get_key_value("embedding") else { return vec![appended] };
    if let Some(place) = model_of(embedding) {
        return vec![(place, format!("\"{id}\""))];
    }
    let after_header = line_end(text, embedding.span().start);
    let before_dotted = line_start(text, key.span().start);
    let inside_braces = embedding.span().start + 1;
    vec![
        (
            after_header..after_header,
            format!("{}model = \"{id}\"{newline}", if text[..after_header].ends_with('\n') { "" } else { newline }),
        ),
        (before_dotted..before_dotted, format!("embedding.model = \"{id}\"{newline}")),
        (inside_braces..inside_braces, format!(" model = \"{id}\" ")),
        (inside_braces..inside_braces, format!(" model = \"{id}\", ")),
        appended,
    ]
}

fn model_of(embedding: &Spanned<DeValue<'_>>) -> Option<Range<usize>> {
    match embedding.get_ref() {
        DeValue::Table(table) => table.get("model").map(Spanned::span),
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

fn with_model_set(mut table: Table, id: &str) -> Option<Table> {
    let embedding = table.entry("embedding").or_insert_with(|| Value::Table(Table::new()));
    embedding.as_table_mut()?.insert("model".to_owned(), Value::String(id.to_owned()));
    Some(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(text: &str) -> Result<String, ConfigError> {
        with_model(Document { path: Path::new("config.toml"), text }, "m-1")
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
    fn an_id_that_leads_elsewhere_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for id in ["../x", "", ".hidden", "a/b", "a b", "a\nb"] {
            assert!(set_embedding_model(&dir.path().join("config.toml"), id).is_err(), "{id:?}");
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
