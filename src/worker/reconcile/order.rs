//! In which order the files of one plan go into the queue. Inside one priority a job's place there decides, so a search that
//! runs while vectors are being made finds interfaces first; the order outlives a restart.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::compare::Comparison;
use crate::cache::outlines;
use crate::domain::{FilePath, FileRecord, JobKind, Role};
use crate::language;
use crate::outline::{Outline, StoredOutline, SymbolKind, Visibility};
use crate::plan::FilePlan;
use crate::store::Result;

/// The place of a file that is to be embedded, earliest first.
type FileRank = (FileTier, Reverse<u64>);

/// What a file is to one who searches. Tests and what is generated come last by their priority ([`crate::plan::priority`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum FileTier {
    Interface,
    /// Code that no other file sees, and prose.
    Inside,
    Example,
    Data,
}

/// Sorts plans by the files' places; those of equal place stay in the order of their paths. Only of what is to be embedded is anything
/// looked up: analyses take milliseconds.
///
/// # Errors
/// If the store cannot be read.
pub(super) fn arrange(
    plans: &mut [FilePlan],
    files: &BTreeMap<FilePath, FileRecord>,
    comparison: &Comparison,
    db: &rusqlite::Connection,
) -> Result<()> {
    let read: HashMap<&FilePath, &StoredOutline> =
        comparison.reads.iter().map(|file| (&file.record.path, &file.parse.outline)).collect();
    let mut places = HashMap::new();
    for plan in plans.iter().filter(|plan| plan.jobs.iter().any(|job| job.kind == JobKind::Embed)) {
        let Some(file) = files.get(&plan.path) else { continue };
        let public = match (read.get(&plan.path), file.content_hash) {
            (Some(outline), _) => Some((*outline).clone()),
            (None, Some(content)) => outlines::outline(db, &content, file.language)?,
            (None, None) => None,
        };
        let public = public.map_or(0, |outline| public_items(&outline.unpack_or_silence()));
        places.insert(plan.path.clone(), place(file, public));
    }
    plans.sort_by_key(|plan| places.get(&plan.path).copied());
    Ok(())
}

/// The more public items a byte, the earlier: each waits as short on average as whole files allow (W. E. Smith, "Various optimizers
/// for single-stage production", 1956: weight over duration).
fn place(file: &FileRecord, public: usize) -> FileRank {
    let class = match (file.role, file.language.class()) {
        (_, language::TextClass::Data) => FileTier::Data,
        (Role::Example | Role::Bench, _) => FileTier::Example,
        _ if public > 0 => FileTier::Interface,
        _ => FileTier::Inside,
    };
    (class, Reverse(((public as u64) << 20) / file.size_bytes.max(1)))
}

/// Items that other modules of the crate can see, or others than the crate; modules and what is merely passed on say nothing themselves.
fn public_items(outline: &Outline) -> usize {
    use SymbolKind::{
        Class as ClassSymbol, Const, Enum, Function, Macro, Method, Static, Struct, Trait, TypeAlias, Union,
    };
    let is_item = |kind| {
        matches!(
            kind,
            ClassSymbol | Const | Enum | Function | Macro | Method | Static | Struct | Trait | TypeAlias | Union
        )
    };
    outline.symbols().iter().filter(|symbol| symbol.visibility >= Visibility::Crate && is_item(symbol.kind)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EntryMode, Language, Links, ObjectId, Source};
    use crate::outline::{outline, role_of};

    /// The place of a file with this text.
    fn placed(path: &str, language: Language, text: &str) -> FileRank {
        let path = FilePath::from(path);
        let file = FileRecord {
            role: role_of(&path),
            path,
            blob: ObjectId(Vec::new()),
            mode: EntryMode::File,
            source: Source::Commit,
            size_bytes: text.len() as u64,
            language,
            skip: None,
            content_hash: None,
            links: Links::default(),
        };
        place(&file, public_items(&outline(language, text).0))
    }

    #[test]
    fn interfaces_come_before_internals_then_examples_then_data() {
        let body = "{ let a = 1; a + 1; }\n".repeat(3);
        let rust = |path, text: &str| placed(path, Language::RUST, text);
        let places = [
            rust("src/open.rs", "pub fn a() {}\npub(crate) struct B;\npub const C: u8 = 1;\n"),
            rust("src/long.rs", &format!("pub fn a() {{}}\nfn inside() {{ {body} }}\n")),
            rust("src/own.rs", "mod deep;\npub use deep::x;\nfn a() {}\n"),
            rust("examples/shown.rs", "pub fn a() {}\n"),
            placed("data.json", Language::JSON, "{}"),
        ];
        assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
        assert_eq!(places[2], placed("README.md", Language::MARKDOWN, "# Of use\n"));
        assert_eq!(placed("empty.rs", Language::RUST, ""), (FileTier::Inside, Reverse(0)));
    }
}
