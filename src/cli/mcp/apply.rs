//! Carries out what is planned, in the files of the user: one at a time, each replaced in one step, none in a registered repository.

use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::clients::{ENTRY, McpClient, OwnServer, UserPlaces};
use super::document::{self, EditRefusal, EntryStanding};
use super::json_text::Mistake;
use super::plan::{self, FileText, Left, NewText};
use super::record::{Installation, Installations, hash};
use crate::cli::{Context, Failure};
use crate::file;
use crate::home::Home;
use crate::lock;
use crate::query::Reader;
use crate::query::view::agents::{AgentView, EntryChange, EntryState, LineChange};

/// How often an edit is begun again because the file changed meanwhile.
const TRIES: usize = 5;
/// Mode of a file that was not there: such files may come to hold keys.
const NEW_FILE: u32 = 0o600;
const NEW_DIRECTORY: u32 = 0o700;

/// Why a file was left as it is.
#[derive(Debug, thiserror::Error)]
enum AgentFileError {
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("cannot write {path}: {source}; check who owns it and whether the disk is full")]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("{path} is read-only; make it writable, or have what writes it add the entry")]
    ReadOnly { path: PathBuf },
    #[error("{path}:{line}: {message}")]
    NotParsed { path: PathBuf, line: usize, message: String },
    #[error("no way was found to edit {path} without touching the rest; edit the entry yourself")]
    NotEditable { path: PathBuf },
    #[error(
        "{path} has an entry ra-agent that starts something else; it stays. Rename or remove it, then run this again"
    )]
    Foreign { path: PathBuf },
    #[error("you changed the entry ra-agent in {path} ({keys}); it stays. Remove it yourself")]
    Changed { path: PathBuf, keys: String },
    #[error("{path} keeps changing while it is edited; close the program that writes it, then run this again")]
    Busy { path: PathBuf },
    #[error("{path} is in the registered repository {repo}, where nothing is written; add the entry yourself")]
    InRepository { path: PathBuf, repo: PathBuf },
}

impl AgentFileError {
    /// Whether the way out is to paste the entry.
    const fn asks_to_paste(&self) -> bool {
        matches!(
            self,
            Self::NotParsed { .. } | Self::NotEditable { .. } | Self::InRepository { .. } | Self::ReadOnly { .. }
        )
    }
}

/// Edits the files of one user.
pub(super) struct Editor<'a> {
    context: &'a Context,
    places: UserPlaces,
    pub(super) server: OwnServer,
    /// Directories of the registered repositories.
    repos: Vec<PathBuf>,
    pub(super) dry_run: bool,
    /// Held as long as files are edited.
    _lock: Option<File>,
}

impl<'a> Editor<'a> {
    /// One that writes, unless it is for a dry run.
    pub(super) fn new(context: &'a Context, dry_run: bool) -> Result<Self, Failure> {
        let places = UserPlaces::from_env();
        let places = places.ok_or_else(|| Failure::Failed("no home directory is known: set HOME".to_owned()))?;
        let path = context.home.mcp_lock();
        // Without a home of the agent there is nothing to lock and no one who does.
        let lock = if dry_run || !context.home.run().is_dir() {
            None
        } else {
            let locked = lock::wait(&path);
            Some(locked.map_err(|error| Failure::Failed(format!("cannot lock {}: {error}", path.display())))?)
        };
        let repos = Reader::open(&context.home, &context.config)?.repos()?.into_iter();
        let repos = repos.flat_map(|repo| [repo.location.path, repo.location.common_dir]).collect();
        Ok(Self { context, places, server: own_server(context)?, repos, dry_run, _lock: lock })
    }

    pub(super) fn finds(&self, client: &McpClient) -> bool {
        client.is_there(&self.places)
    }

    /// How things stand with one client.
    pub(super) fn status(&self, client: &'static McpClient) -> AgentView {
        self.status_of(client, self.file_of(client))
    }

    fn status_of(&self, client: &'static McpClient, file: PathBuf) -> AgentView {
        let mut view = AgentView {
            agent: client.id,
            name: client.name,
            found: client.is_there(&self.places),
            entry: EntryState::Absent,
            program: None,
            done: None,
            lines: Vec::new(),
            note: None,
            snippet: None,
            file,
        };
        let standing = read(&view.file).and_then(|found| {
            let body = found.map(|found| found.body).unwrap_or_default();
            let meaning = document::meaning(client, &body).map_err(|mistake| not_parsed(&view.file, mistake))?;
            Ok(document::standing(client, &meaning, &self.server))
        });
        match standing {
            Ok(standing) => show(&mut view, &standing),
            Err(error) => {
                view.entry = EntryState::Unreadable;
                view.note = Some(error.to_string());
            }
        }
        view
    }

    /// Puts our entry into the file of one client.
    pub(super) fn install(&self, client: &'static McpClient) -> AgentView {
        let mut view = self.status(client);
        view.note = None;
        match self.try_install(client, &mut view) {
            Ok(change) => view.done = Some(change),
            Err(error) => {
                fail(&mut view, &error, "add");
                view.snippet = error.asks_to_paste().then(|| document::snippet(client, &self.server));
            }
        }
        view
    }

    /// Takes our entry out of the file of one client, and of those that it had when we wrote in them.
    pub(super) fn uninstall(&self, client: &'static McpClient) -> Vec<AgentView> {
        let here = self.file_of(client);
        let notes = self.installations();
        let elsewhere: Vec<PathBuf> = notes.files_of(client.id).filter(|file| **file != here).cloned().collect();
        std::iter::once(here).chain(elsewhere).map(|file| self.uninstall_in(client, file)).collect()
    }

    fn uninstall_in(&self, client: &'static McpClient, file: PathBuf) -> AgentView {
        let mut view = self.status_of(client, file);
        view.note = None;
        match self.try_uninstall(client, &mut view) {
            Ok(change) => view.done = change,
            // A file that was never ours may be as its user likes.
            Err(AgentFileError::Unreadable { path, .. }) if self.installations().of(&path).is_none() => {}
            Err(AgentFileError::NotParsed { path, .. })
                if self.installations().of(&path).is_none() && !mentions_us(&path) => {}
            Err(error) => fail(&mut view, &error, "remove"),
        }
        view
    }

    fn try_install(&self, client: &'static McpClient, view: &mut AgentView) -> Result<EntryChange, AgentFileError> {
        let path = view.file.clone();
        for _ in 0..TRIES {
            let found = read(&path)?;
            let file = found.clone().unwrap_or_default();
            let notes = self.installations();
            let past = notes.of(&path);
            let (standing, new) =
                plan::install(client, &file, past, &self.server).map_err(|refusal| refused(&path, refusal))?;
            show(view, &standing);
            let change = if standing == EntryStanding::Absent { EntryChange::Added } else { EntryChange::Updated };
            let Some(new) = new else {
                return match standing {
                    EntryStanding::Foreign => Err(AgentFileError::Foreign { path }),
                    _ => Ok(EntryChange::Kept),
                };
            };
            view.lines = lines_of(&new);
            self.check(&path)?;
            if self.dry_run || self.write(client, &path, found.as_ref(), &new, past)? {
                return Ok(change);
            }
        }
        Err(AgentFileError::Busy { path })
    }

    fn try_uninstall(
        &self,
        client: &'static McpClient,
        view: &mut AgentView,
    ) -> Result<Option<EntryChange>, AgentFileError> {
        let path = view.file.clone();
        for _ in 0..TRIES {
            let notes = self.installations();
            let past = notes.of(&path);
            let Some(file) = read(&path)? else {
                self.forget(past)?;
                return Ok(None);
            };
            let (standing, left) =
                plan::uninstall(client, &file, past, &self.server).map_err(|refusal| refused(&path, refusal))?;
            show(view, &standing);
            let new = match left {
                Left::AsItIs => return self.left_alone(past, path, standing),
                Left::Text(text) => Some(text),
                Left::Nothing => None,
            };
            view.lines = vec![removed(&file.body, new.as_deref().unwrap_or_default())];
            self.check(&path)?;
            if self.dry_run || self.write_back(&path, &file, new.as_deref(), past)? {
                return Ok(Some(EntryChange::Removed));
            }
        }
        Err(AgentFileError::Busy { path })
    }

    /// There is nothing of ours, or the user has made it his own.
    fn left_alone(
        &self,
        past: Option<&Installation>,
        path: PathBuf,
        standing: EntryStanding,
    ) -> Result<Option<EntryChange>, AgentFileError> {
        match standing {
            EntryStanding::Changed { keys, .. } => Err(AgentFileError::Changed { path, keys: keys.join(", ") }),
            EntryStanding::Foreign if past.is_some() => Err(AgentFileError::Foreign { path }),
            _ => self.forget(past).map(|()| None),
        }
    }

    /// What must hold before a file is written.
    fn check(&self, path: &Path) -> Result<(), AgentFileError> {
        let directory = path.parent().unwrap_or(path);
        let real = path.canonicalize().or_else(|_| directory.canonicalize()).unwrap_or_else(|_| path.to_path_buf());
        if let Some(repo) = self.repos.iter().find(|repo| real.starts_with(repo)) {
            return Err(AgentFileError::InRepository { path: path.to_path_buf(), repo: repo.clone() });
        }
        // Root could write it all the same, but a file is read-only for a reason.
        if std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o222 == 0) {
            return Err(AgentFileError::ReadOnly { path: path.to_path_buf() });
        }
        Ok(())
    }

    /// Notes the installation first: whatever stops this, the note is compared with the file before it is believed.
    fn write(
        &self,
        client: &McpClient,
        path: &Path,
        found: Option<&FileText>,
        new: &NewText,
        past: Option<&Installation>,
    ) -> Result<bool, AgentFileError> {
        let unwritable = |source| AgentFileError::Unwritable { path: path.to_path_buf(), source };
        let made_now = make_directories(path).map_err(unwritable)?;
        let content = found.cloned().unwrap_or_default().with_body(&new.body);
        let installation = Installation {
            client: client.id.to_owned(),
            file: path.to_path_buf(),
            made_file: found.is_none() || past.is_some_and(|past| past.made_file),
            made_directories: if made_now.is_empty() {
                past.map(|past| past.made_directories.clone()).unwrap_or_default()
            } else {
                made_now
            },
            made_tables: new.made_tables,
            insertion: new.insertion.clone(),
            written: hash(&content),
        };
        self.note(path, Some(installation))?;
        let read = found.map(|found| &found.content[..]);
        let written = file::replace_unchanged(path, read, &content, NEW_FILE);
        if !matches!(written, Ok(true)) {
            self.note(path, past.cloned())?;
        }
        written.map_err(unwritable)
    }

    fn write_back(
        &self,
        path: &Path,
        file: &FileText,
        new: Option<&str>,
        past: Option<&Installation>,
    ) -> Result<bool, AgentFileError> {
        let done = match new {
            Some(text) => file::replace_unchanged(path, Some(&file.content), &file.with_body(text), NEW_FILE),
            None => file::remove_unchanged(path, &file.content),
        };
        let done = done.map_err(|source| AgentFileError::Unwritable { path: path.to_path_buf(), source })?;
        if done {
            self.forget(past)?;
        }
        Ok(done)
    }

    /// Drops the note, and the directories that were made if nothing is in them.
    fn forget(&self, past: Option<&Installation>) -> Result<(), AgentFileError> {
        let Some(past) = past.filter(|_| !self.dry_run) else { return Ok(()) };
        let path = self.context.home.mcp_installations();
        let mut notes = self.installations();
        notes.set(&past.file, None);
        for directory in past.made_directories.iter().rev() {
            // One that is in use stays; by another entry of ours, until that goes.
            if std::fs::remove_dir(directory).is_err() {
                notes.hand_over(directory);
            }
        }
        notes.save(&path).map_err(|source| AgentFileError::Unwritable { path, source })
    }

    fn note(&self, file: &Path, installation: Option<Installation>) -> Result<(), AgentFileError> {
        let path = self.context.home.mcp_installations();
        let mut notes = self.installations();
        notes.set(file, installation);
        let noted = notes.save(&path);
        noted.map_err(|source| AgentFileError::Unwritable { path, source })
    }

    fn installations(&self) -> Installations {
        Installations::load(&self.context.home.mcp_installations())
    }

    /// The file that has our entry, else the one that would get it.
    fn file_of(&self, client: &McpClient) -> PathBuf {
        let files = client.files(&self.places);
        let has_entry = |file: &&PathBuf| {
            let Ok(Some(found)) = read(file) else { return false };
            let meaning = document::meaning(client, &found.body);
            meaning.is_ok_and(|meaning| document::standing(client, &meaning, &self.server) != EntryStanding::Absent)
        };
        files.iter().find(has_entry).or(files.first()).cloned().unwrap_or_default()
    }
}

/// This program, as the entries name it.
fn own_server(context: &Context) -> Result<OwnServer, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::Failed(format!("cannot determine the path of this executable: {error}")))?;
    let home = context.home.root();
    let is_usual = Home::usual().is_some_and(|usual| usual == home);
    let home = if is_usual { None } else { Some(plain_path(home)?) };
    Ok(OwnServer { program: plain_path(&program)?, home })
}

/// A path as text of a configuration. Several clients take `$` for the start of a variable, and none can say that it is not.
fn plain_path(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().filter(|text| !text.contains(|c: char| c.is_control() || c == '$'));
    text.map(str::to_owned).ok_or_else(|| {
        Failure::Failed(format!(
            "the path {path:?} cannot stand in an agent's configuration; move it to one of plain characters"
        ))
    })
}

/// `remedy`: what to do with the entry by hand.
fn fail(view: &mut AgentView, error: &AgentFileError, remedy: &str) {
    view.done = Some(EntryChange::Failed);
    view.note = Some(match error {
        AgentFileError::NotParsed { .. } => format!("{error}; fix that line, or {remedy} the entry yourself"),
        _ => error.to_string(),
    });
}

fn mentions_us(path: &Path) -> bool {
    let content = std::fs::read(path).unwrap_or_default();
    content.windows(ENTRY.len()).any(|window| window == ENTRY.as_bytes())
}

fn show(view: &mut AgentView, standing: &EntryStanding) {
    let (entry, program, note) = match standing {
        EntryStanding::Absent => (EntryState::Absent, None, None),
        EntryStanding::Current => (EntryState::Installed, None, None),
        EntryStanding::Outdated { program } => (EntryState::Outdated, Some(program), None),
        EntryStanding::Changed { program, keys } => {
            (EntryState::Changed, Some(program), Some(format!("you changed: {}", keys.join(", "))))
        }
        EntryStanding::Foreign => (EntryState::Foreign, None, Some("another server has the name ra-agent".to_owned())),
    };
    (view.entry, view.program, view.note) = (entry, program.cloned(), note);
}

/// `None` if the file is missing.
fn read(path: &Path) -> Result<Option<FileText>, AgentFileError> {
    let unreadable = |source| AgentFileError::Unreadable { path: path.to_path_buf(), source };
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => return Err(unreadable(io::Error::other("it is not a regular file"))),
        Ok(_) => {}
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(error)),
    }
    let content = std::fs::read(path).map_err(unreadable)?;
    FileText::read(content).map(Some).map_err(|mistake| not_parsed(path, mistake))
}

fn not_parsed(path: &Path, Mistake { line, message }: Mistake) -> AgentFileError {
    AgentFileError::NotParsed { path: path.to_path_buf(), line, message }
}

fn refused(path: &Path, refusal: EditRefusal) -> AgentFileError {
    match refusal {
        EditRefusal::Mistake(mistake) => not_parsed(path, mistake),
        EditRefusal::NotEditable => AgentFileError::NotEditable { path: path.to_path_buf() },
    }
}

/// Makes the directories above a file, and returns those that were missing, the outermost first.
fn make_directories(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut missing: Vec<PathBuf> =
        path.ancestors().skip(1).take_while(|directory| !directory.exists()).map(Path::to_path_buf).collect();
    missing.reverse();
    for directory in &missing {
        std::fs::DirBuilder::new().mode(NEW_DIRECTORY).create(directory)?;
    }
    Ok(missing)
}

fn lines_of(new: &NewText) -> Vec<LineChange> {
    let Some(insertion) = &new.insertion else {
        return vec![removed(&new.base, &new.body), added(&new.base, &new.body)];
    };
    let line = |(line, text): (usize, &str)| LineChange { line, added: Some(text.to_owned()), removed: None };
    insertion.by_line(&new.base).map(line).collect()
}

/// What of `old` is not in `new`.
fn removed(old: &str, new: &str) -> LineChange {
    let (line, text) = difference(old, new);
    LineChange { line, added: None, removed: Some(text) }
}

fn added(old: &str, new: &str) -> LineChange {
    let (line, text) = difference(new, old);
    LineChange { line, added: Some(text), removed: None }
}

/// The stretch of `one` in which it differs from `other`, and its line.
fn difference(one: &str, other: &str) -> (usize, String) {
    let same = |(a, b): &(char, char)| a == b;
    let start: usize = one.chars().zip(other.chars()).take_while(same).map(|(a, _)| a.len_utf8()).sum();
    let (rest, other) = (one.get(start..).unwrap_or_default(), other.get(start..).unwrap_or_default());
    let end: usize = rest.chars().rev().zip(other.chars().rev()).take_while(same).map(|(a, _)| a.len_utf8()).sum();
    let line = 1 + one.bytes().take(start).filter(|byte| *byte == b'\n').count();
    (line, rest.get(..rest.len() - end).unwrap_or_default().to_owned())
}
