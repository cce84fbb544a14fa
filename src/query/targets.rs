//! What is known of files, of places in them and of symbols. Every text and every line comes from the disk as it is at this moment.

mod file;
mod users;

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::empty::not_indexed;
use super::files;
use super::freshness::{Followed, ShownFiles, freshness};
use super::impact::StandingImpact;
use super::items::{TextItem, declaring, is_meant, item_at, items_of, near_names};
use super::present::{LeftOut, PresentFile, PresentFiles};
use super::suggest::{in_submodule, nearest, submodule_of};
use super::view::shown as shown_path;
use super::view::targets::{ItemLine, ShownItem, TargetView, TargetsView};
use super::{QueryError, Reader, canonical};
use crate::cache::{RepoStore, view};
use crate::domain::FilePath;
use crate::language;
use crate::repo::registry::Registered;
use std::os::unix::ffi::OsStrExt;

pub use file::{FileTarget, of_path};

/// A part of what is known of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShowPart {
    Source,
    Users,
    Uses,
    Analyses,
    Tests,
}

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetsRequest {
    /// A file, `file:line`, `file:first-last`, or a symbol.
    pub targets: Vec<String>,
    /// Empty: of a symbol its source and its users; of a file its items and its users.
    pub with: Vec<ShowPart>,
}

/// Most targets of one question.
pub const TARGETS_MAX: usize = 20;
/// Items of one name that are shown in full, and in one line.
const IN_FULL: usize = 3;
const IN_LINES: usize = 20;
/// Lines around a place that is in no item.
const AROUND: u32 = 10;

/// Answers what is asked about one repository.
///
/// # Errors
/// If there is no target or too many, or a store cannot be read.
pub fn targets(
    reader: &Reader<'_>,
    repo: &Registered,
    request: &TargetsRequest,
    followed: Followed,
) -> Result<TargetsView, QueryError> {
    if request.targets.is_empty() || request.targets.len() > TARGETS_MAX {
        return Err(QueryError::Invalid(format!(
            "targets has {} entries; name 1 to {TARGETS_MAX}: files, file:line or symbols",
            request.targets.len()
        )));
    }
    let store = reader.store(repo)?;
    let files = PresentFiles::open(reader, repo, store.as_ref())?;
    let mut show = Shower {
        reader,
        repo,
        store: store.as_ref(),
        files,
        seen: ShownFiles::default(),
        with: &request.with,
        standing: None,
    };
    let targets = request.targets.iter().map(|target| show.target(target)).collect::<Result<_, _>>()?;
    let answer_freshness = freshness(reader, repo, store.as_ref(), followed, &show.seen, false)?;
    Ok(TargetsView { repo: shown_path(&repo.location.path), answer_freshness, targets })
}

/// A target as it was written.
struct WrittenTarget {
    path: FilePath,
    lines: Option<(u32, u32)>,
}

struct Shower<'a> {
    reader: &'a Reader<'a>,
    repo: &'a Registered,
    store: Option<&'a RepoStore>,
    files: PresentFiles<'a>,
    seen: ShownFiles,
    with: &'a [ShowPart],
    /// Read for the first target of which the tests are asked for.
    standing: Option<StandingImpact<'a>>,
}

impl Shower<'_> {
    fn target(&mut self, target: &str) -> Result<TargetView, QueryError> {
        let mut view =
            TargetView { target: target.to_owned(), found: Vec::new(), why_empty: None, near: Vec::new(), more: 0 };
        if target.trim().is_empty() {
            view.why_empty = Some("it is empty; name a file, file:line or a symbol".to_owned());
            return Ok(view);
        }
        let written = self.written(target.trim());
        for path in self.paths(&written.path)? {
            match self.seen.compare(&mut self.files, &path)? {
                PresentFile::Gone { .. } => view.why_empty = Some(format!("{path} is not on the disk any more")),
                PresentFile::Left(why) => view.why_empty = Some(self.left_out(&path, why)?),
                PresentFile::AsRecorded(text) | PresentFile::Changed(text) => {
                    match written.lines.and_then(|lines| no_such_lines(&path, &text, lines)) {
                        Some(why) => view.why_empty = Some(why),
                        None => view.found.push(self.file(&path, &text, written.lines)?),
                    }
                }
            }
        }
        if view.found.is_empty() && view.why_empty.is_none() {
            self.symbol(target.trim(), &mut view)?;
        }
        Ok(view)
    }

    /// `path`, `path:12`, `path:12-20`; a path in the file system, or in the repository.
    fn written(&self, target: &str) -> WrittenTarget {
        let number = |text: &str| text.parse::<u32>().ok().filter(|line| *line > 0);
        let range = |text: &str| match text.split_once('-') {
            Some((first, last)) => Some((number(first)?, number(last)?)),
            None => number(text).map(|line| (line, line)),
        };
        let (path, lines) = match target.rsplit_once(':').and_then(|(path, rest)| Some((path, range(rest)?))) {
            Some((path, lines)) => (path, Some(lines)),
            None => (target, None),
        };
        let absolute = Path::new(path).is_absolute().then(|| canonical(Path::new(path))).flatten();
        let inside = absolute.as_ref().and_then(|path| path.strip_prefix(&self.repo.location.path).ok());
        let path = match inside {
            Some(inside) => FilePath::new(inside.as_os_str().as_bytes()),
            None => FilePath::new(path.trim_start_matches("./").as_bytes()),
        };
        WrittenTarget { path, lines }
    }

    /// The files that a path means: itself, or those whose paths end with it.
    fn paths(&mut self, written: &FilePath) -> Result<Vec<FilePath>, QueryError> {
        if written.as_bytes().is_empty() || written.as_bytes().starts_with(b"/") {
            return Ok(Vec::new());
        }
        if self.files.recorded(written)?.is_some()
            || self.files.read(written)? != (PresentFile::Gone { is_recorded: false })
        {
            return Ok(vec![written.clone()]);
        }
        let Some(store) = self.store.filter(|_| written.extension().is_some()) else { return Ok(Vec::new()) };
        let ending = [b"/", written.as_bytes()].concat();
        let all = view::present_files(store.db())?.into_iter().map(|file| file.path);
        Ok(all.filter(|path| path.as_bytes().ends_with(&ending)).take(IN_FULL).collect())
    }

    fn left_out(&self, path: &FilePath, why: LeftOut) -> Result<String, QueryError> {
        if let Some(submodule) = self.store.map(|store| submodule_of(store, path)).transpose()?.flatten() {
            return Ok(format!("{path} is not indexed: {}", in_submodule(&submodule)));
        }
        let skipped = match why {
            LeftOut::Skipped(_) => "; `ra-agent status --skipped` says what brings it back",
            LeftOut::Ignored | LeftOut::Unreadable => "",
        };
        Ok(format!("{path} is not indexed: {}{skipped}; read it from the disk", why.as_str()))
    }

    /// A file, or lines of it.
    fn file(&mut self, path: &FilePath, text: &str, lines: Option<(u32, u32)>) -> Result<ShownItem, QueryError> {
        let items = items_of(language::of(path), text);
        let count = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
        if let Some((first, last)) = lines {
            let item = if first == last { item_at(&items, first) } else { None };
            if let Some(item) = item {
                return self.item(path, text, item, true);
            }
            let is_cut = last > count;
            let (first, last) =
                if first == last { (first.saturating_sub(AROUND), last.saturating_add(AROUND)) } else { (first, last) };
            let (first, last) = (first.clamp(1, count.max(1)), last.min(count));
            let mut shown = shown_item(path, "lines", "", "", first, last);
            shown.source = Some(cut(text, first, last));
            shown.notes.extend(is_cut.then(|| format!("{path} has {count} line(s)")));
            return Ok(shown);
        }
        let mut shown = shown_item(path, "file", "", "", 1, count);
        if self.with.contains(&ShowPart::Source) {
            shown.source = Some(text.to_owned());
        } else {
            shown.items = items.iter().map(ItemLine::from).collect();
        }
        self.add_parts_of_file(path, text, &mut shown)?;
        Ok(shown)
    }

    /// The items that a name means. What is like it is offered, never shown.
    fn symbol(&mut self, name: &str, view: &mut TargetView) -> Result<(), QueryError> {
        let Some(store) = self.store else {
            view.why_empty = Some(not_indexed(self.repo));
            return Ok(());
        };
        let mut found: Vec<(FilePath, String, TextItem)> = Vec::new();
        let mut vanished = Vec::new();
        for path in declaring(store, name)? {
            let file = self.seen.compare(&mut self.files, &path)?;
            let items = file.text().map(|text| items_of(language::of(&path), text)).unwrap_or_default();
            let meant: Vec<TextItem> = items.into_iter().filter(|item| is_meant(&item.name, name)).collect();
            if meant.is_empty() && !file.is_as_recorded() {
                vanished.push(path.clone());
            }
            let text = file.text().unwrap_or_default();
            found.extend(meant.into_iter().map(|item| (path.clone(), text.to_owned(), item)));
        }
        // What it is comes before what belongs to it, and that before tests.
        found.sort_by_key(|(path, _, item)| {
            (item.kind == "impl", language::role_of(path) != crate::domain::Role::Library, item.kind == "test")
        });
        view.more = found.len().saturating_sub(IN_LINES) as u64;
        for (nth, (path, text, item)) in found.iter().take(IN_LINES).enumerate() {
            let in_full = nth < IN_FULL && (item.kind != "impl" || nth == 0);
            view.found.push(self.item(path, text, item, in_full)?);
        }
        if found.is_empty() {
            view.near = self.near(store, name)?;
            view.why_empty = Some(match vanished.first() {
                Some(path) => format!("{path} declared it and does not any more"),
                None => "no indexed file declares it, and no file has this path".to_owned(),
            });
        }
        Ok(())
    }

    fn near(&self, store: &RepoStore, name: &str) -> Result<Vec<String>, QueryError> {
        let mut near = near_names(store, name)?;
        if name.contains(['/', '.']) {
            let files = view::present_files(store.db())?;
            let paths: Vec<String> = files.iter().map(|file| file.path.to_string()).collect();
            near.extend(nearest(name, paths.iter().map(String::as_str)).into_iter().map(str::to_owned));
        }
        Ok(near)
    }

    fn item(&mut self, path: &FilePath, text: &str, item: &TextItem, in_full: bool) -> Result<ShownItem, QueryError> {
        let mut shown = shown_item(path, &item.kind, &item.name, &item.signature, item.start_line, item.end_line);
        if !in_full {
            return Ok(shown);
        }
        if self.wants(ShowPart::Source, true) {
            shown.source = Some(cut(text, item.start_line, item.end_line));
        }
        self.add_parts_of_item(path, text, item, &mut shown)?;
        Ok(shown)
    }

    fn wants(&self, part: ShowPart, by_default: bool) -> bool {
        if self.with.is_empty() { by_default } else { self.with.contains(&part) }
    }

    /// The worst findings of a file; those of an item, by its lines.
    fn findings(&self, path: &FilePath, lines: Option<(u32, u32)>, shown: &mut ShownItem) -> Result<(), QueryError> {
        let (Some(store), true) = (self.store, self.with.contains(&ShowPart::Analyses)) else { return Ok(()) };
        if !self.seen.has_as_recorded(path) {
            shown.notes.push("analyses: of an earlier text of the file, so they are left out".to_owned());
            return Ok(());
        }
        let (mut findings, not_covered) = files::worst_of(store, path)?;
        if let Some((first, last)) = lines {
            findings.retain(|one| one.start_line <= last && one.end_line >= first);
        }
        shown.findings = Some(findings);
        shown.notes.extend(not_covered);
        Ok(())
    }
}

/// Why a text does not have the lines that are asked for: others are never shown in their place.
fn no_such_lines(path: &FilePath, text: &str, (first, last): (u32, u32)) -> Option<String> {
    let count = text.lines().count();
    if first > last {
        return Some(format!("line {first} comes after line {last}; write {path}:{last}-{first}"));
    }
    (first as usize > count).then(|| format!("{path} has {count} line(s)"))
}

fn shown_item(path: &FilePath, kind: &str, name: &str, signature: &str, start_line: u32, end_line: u32) -> ShownItem {
    ShownItem {
        path: path.into(),
        language: language::of(path).as_str(),
        rung: language::of(path).rung().as_str(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        signature: signature.to_owned(),
        start_line,
        end_line,
        source: None,
        items: Vec::new(),
        users: None,
        test_users: Vec::new(),
        tests: None,
        uses: None,
        findings: None,
        notes: Vec::new(),
    }
}

impl From<&TextItem> for ItemLine {
    fn from(item: &TextItem) -> Self {
        let TextItem { kind, name, signature, start_line, end_line, .. } = item.clone();
        Self { kind, name, signature, start_line, end_line }
    }
}

/// Some lines of a text.
pub(super) fn cut(text: &str, first: u32, last: u32) -> String {
    let lines = text.lines().skip(first.saturating_sub(1) as usize);
    let lines: Vec<&str> = lines.take((last + 1).saturating_sub(first) as usize).collect();
    lines.join("\n")
}
