//! A file, or an item of one, by its path as it is: nothing of the path is taken for a line or a name.

use super::super::freshness::{Followed, ShownFiles, freshness};
use super::super::items::{is_meant, items_of};
use super::super::present::{PresentFile, PresentFiles};
use super::super::suggest::hint;
use super::super::view::freshness::Freshness;
use super::super::view::targets::{ItemLine, ShownItem};
use super::super::{QueryError, Reader};
use super::{ShowPart, Shower, shown_item};
use crate::domain::FilePath;
use crate::language;
use crate::repo::registry::Registered;

/// A file as it is on the disk, or an item of it, with who uses it and what it uses.
pub struct FileTarget {
    pub shown: ShownItem,
    /// What the whole file declares.
    pub items: Vec<ItemLine>,
    pub answer_freshness: Freshness,
}

/// Answers what is known of a file, or of what it declares under a name.
///
/// # Errors
/// If the file is not there or not indexed, it declares no such thing, or a store cannot be read.
pub fn of_path(
    reader: &Reader<'_>,
    repo: &Registered,
    path: &FilePath,
    item: Option<&str>,
    followed: Followed,
) -> Result<FileTarget, QueryError> {
    let with = [ShowPart::Source, ShowPart::Users, ShowPart::Uses, ShowPart::Analyses];
    let store = reader.store(repo)?;
    let files = PresentFiles::open(reader, repo, store.as_ref())?;
    let mut show =
        Shower { reader, repo, store: store.as_ref(), files, seen: ShownFiles::default(), with: &with, standing: None };
    let text = match show.seen.compare(&mut show.files, path)? {
        PresentFile::AsRecorded(text) | PresentFile::Changed(text) => text,
        PresentFile::Gone { .. } => return Err(QueryError::Invalid(format!("{path} is not on the disk"))),
        PresentFile::Left(why) => return Err(QueryError::Invalid(show.left_out(path, why)?)),
    };
    let items = items_of(language::of(path), &text);
    let shown = match item {
        None => {
            let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
            let mut shown = shown_item(path, "file", "", "", 1, lines);
            show.add_parts_of_file(path, &text, &mut shown)?;
            shown.source = Some(text);
            shown
        }
        Some(name) => {
            let exactly = items.iter().find(|one| one.name == name);
            let meant = exactly.or_else(|| items.iter().find(|one| is_meant(&one.name, name)));
            let Some(meant) = meant else {
                let hint = hint(name, items.iter().map(|one| one.name.as_str()));
                return Err(QueryError::Invalid(format!("{path} declares no {name}{hint}")));
            };
            show.item(path, &text, meant, true)?
        }
    };
    let answer_freshness = freshness(reader, repo, store.as_ref(), followed, &show.seen, false)?;
    Ok(FileTarget { shown, items: items.iter().map(ItemLine::from).collect(), answer_freshness })
}
