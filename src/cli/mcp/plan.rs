//! What an installation or an uninstallation makes of a file's content. Reads and writes nothing.

use super::clients::{McpClient, OwnServer};
use super::document::{self, EditRefusal, EntryStanding, WithEntry};
use super::insertion::Insertion;
use super::json_text::Mistake;
use super::record::Installation;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The content of a client's file.
#[derive(Clone, Debug, Default)]
pub(super) struct FileText {
    pub(super) content: Vec<u8>,
    mark: &'static str,
    pub(super) body: String,
}

impl FileText {
    pub(super) fn read(content: Vec<u8>) -> Result<Self, Mistake> {
        let text = std::str::from_utf8(&content).map_err(|error| {
            let good = content.get(..error.valid_up_to()).unwrap_or_default();
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
            Mistake { line, message: "it is not UTF-8".to_owned() }
        })?;
        let (mark, body) = match text.strip_prefix(BYTE_ORDER_MARK) {
            Some(body) => (BYTE_ORDER_MARK, body.to_owned()),
            None => ("", text.to_owned()),
        };
        Ok(Self { content, mark, body })
    }

    /// The bytes of a file with another text, its mark kept.
    pub(super) fn with_body(&self, body: &str) -> Vec<u8> {
        [self.mark.as_bytes(), body.as_bytes()].concat()
    }
}

/// A file's new text, and what undoes it.
#[derive(Debug)]
pub(super) struct NewText {
    pub(super) body: String,
    /// The text that `insertion` was put into.
    pub(super) base: String,
    pub(super) insertion: Option<Insertion>,
    pub(super) made_tables: usize,
}

/// How the entry stands, and the text with it as it should be; `None` if it is so already.
pub(super) fn install(
    client: &McpClient,
    file: &FileText,
    past: Option<&Installation>,
    server: &OwnServer,
) -> Result<(EntryStanding, Option<NewText>), EditRefusal> {
    let meaning = document::meaning(client, &file.body).map_err(EditRefusal::Mistake)?;
    let standing = document::standing(client, &meaning, server);
    let new = match &standing {
        EntryStanding::Current | EntryStanding::Foreign => None,
        EntryStanding::Changed { program: named, .. } if *named == server.program => None,
        EntryStanding::Absent => Some(added(client, file.body.clone(), 0, server)?),
        EntryStanding::Outdated { .. } => {
            let undone = past.and_then(|past| past.undone(&file.content, &file.body));
            let (base, made_tables) = match undone {
                Some(base) => (base, 0),
                None => (document::remove(client, &file.body, 0)?, past.map_or(0, |past| past.made_tables)),
            };
            Some(added(client, base, made_tables, server)?)
        }
        EntryStanding::Changed { .. } => Some(NewText {
            body: document::with_program(client, &file.body, &server.program)?,
            base: file.body.clone(),
            insertion: None,
            made_tables: past.map_or(0, |past| past.made_tables),
        }),
    };
    Ok((standing, new))
}

/// `made_tables`: those that an earlier installation made and this one finds.
fn added(client: &McpClient, base: String, made_tables: usize, server: &OwnServer) -> Result<NewText, EditRefusal> {
    let WithEntry { text, insertion, made_tables: made_now } = document::add(client, &base, server)?;
    Ok(NewText { body: text, base, insertion: Some(insertion), made_tables: made_tables.max(made_now) })
}

/// What is left of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It has no entry of ours that could be taken out.
    AsItIs,
    Text(String),
    /// The file was made by us and holds nothing else.
    Nothing,
}

/// How the entry stands, and what is left of the file without it.
pub(super) fn uninstall(
    client: &McpClient,
    file: &FileText,
    past: Option<&Installation>,
    server: &OwnServer,
) -> Result<(EntryStanding, Left), EditRefusal> {
    let made_file = past.is_some_and(|past| past.made_file);
    let meaning = document::meaning(client, &file.body).map_err(EditRefusal::Mistake)?;
    let standing = document::standing(client, &meaning, server);
    if !matches!(standing, EntryStanding::Current | EntryStanding::Outdated { .. }) {
        return Ok((standing, Left::AsItIs));
    }
    let left = match past.and_then(|past| past.undone(&file.content, &file.body)) {
        Some(before) => before,
        None => document::remove(client, &file.body, past.map_or(0, |past| past.made_tables))?,
    };
    let is_nothing = made_file && document::is_blank(&left);
    Ok((standing, if is_nothing { Left::Nothing } else { Left::Text(left) }))
}
