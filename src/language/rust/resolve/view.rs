//! All files of a view side by side, with one numbering for names, files and definitions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use smallvec::SmallVec;

use crate::domain::FilePath;
use crate::language::facts::{Def, DefId, FileModel, NameId, Owner};
use crate::language::interner::Interner;
use crate::language::rust::manifest::Manifest;
use crate::language::stored::{LazyOutline, StoredOutline};
use crate::language::{Outline, Symbol, SymbolKind};

/// A name, the same number in every file.
pub(super) type Name = u32;
/// Number of a file in the view, in the order of paths. It has it as long as the view lives, so there are gaps for files that come.
pub(super) type File = u32;

/// Numbers from one file to the next where a view is built.
const GAP: u32 = 16;
/// Stands for a number that no file has.
const NO_SLOT: u32 = u32::MAX;

/// A definition; in the order of files, then of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct GlobalDef {
    file: File,
    def: DefId,
}

pub(super) struct FileEntry {
    pub path: FilePath,
    /// Unpacked while it is looked at: of most files only what stands below is.
    outline: LazyOutline,
    /// The outline's names in the view's numbering.
    names: Box<[Name]>,
    /// Of its definitions what is asked of many at once.
    briefs: Box<[Brief]>,
    /// The paths that it includes, as written.
    pub includes: Box<[String]>,
    /// The modules that it declares.
    modules: Box<[NameId]>,
    /// Names of the files in which it says that they lie (`#[path]`).
    pub placed: Box<[Box<[u8]>]>,
    pub manifest: Option<Box<Manifest>>,
}

/// What of a definition is at hand without its outline.
#[derive(Clone, Copy)]
struct Brief {
    kind: SymbolKind,
    takes_self: bool,
    owner: Owner,
}

impl FileEntry {
    fn new(path: FilePath, outline: LazyOutline) -> Self {
        let (names, briefs, includes, modules) = (Box::default(), Box::default(), Box::default(), Box::default());
        let mut entry =
            Self { path, outline, names, briefs, includes, modules, placed: Box::default(), manifest: None };
        entry.note_briefs();
        entry
    }

    fn note_briefs(&mut self) {
        let Outline { symbols, model, manifest, .. } = self.outline.get().as_ref();
        let brief =
            |(symbol, def): (&Symbol, &Def)| Brief { kind: symbol.kind, takes_self: def.takes_self, owner: def.owner };
        self.briefs = symbols.iter().zip(&model.defs).map(brief).collect();
        self.includes = model.includes.iter().map(|include| include.path.clone()).collect();
        self.modules = model.modules.iter().map(|module| module.name).collect();
        let placed = model.modules.iter().flat_map(|module| &module.paths);
        let file_name =
            |path: &String| path.as_bytes().rsplit(|&byte| matches!(byte, b'/' | b'\\')).next().map(Box::from);
        self.placed = placed.filter_map(file_name).collect();
        self.manifest = manifest.clone().map(Box::new);
    }
}

pub(super) struct View {
    entries: Vec<FileEntry>,
    /// The numbers of all files, ascending: in the order of their paths.
    order: Vec<File>,
    /// By number: the file's place in `entries`.
    slots: Vec<u32>,
    /// Places in `entries` whose files are gone.
    vacant: Vec<u32>,
    interner: Interner,
    /// The files that write a name, ascending.
    writers: Vec<SmallVec<[File; 4]>>,
    pub words: Words,
    /// Outlines that were unpacked since [`View::rest`].
    unpacked: AtomicUsize,
}

/// Outlines that may stay unpacked between two changes: those of a small repository all do.
const KEPT_UNPACKED: usize = 200;
/// Outlines that are unpacked at the same time where all are looked at.
pub(super) const UNPACKED_AT_ONCE: usize = 256;

/// Types of the standard library that values have without naming them. They are numbered in every view: what a file means must not
/// depend on whether another one writes `str`.
const UNWRITTEN: [&str; 3] = ["str", "Option", "Result"];

/// Numbers of the names that the language gives a meaning.
#[derive(Default)]
pub(super) struct Words {
    pub empty: Name,
    pub krate: Name,
    pub this_module: Name,
    pub parent: Name,
    pub this_type: Name,
    pub dollar_crate: Name,
}

impl View {
    /// Leaves room for files at paths that are to come. `take` sees each file while it is unpacked.
    pub(super) fn new<'a>(
        files: impl IntoIterator<Item = (&'a FilePath, &'a StoredOutline)>,
        coming: &[&FilePath],
        mut take: impl FnMut(&Self, File),
    ) -> Self {
        let mut sorted: Vec<_> = files.into_iter().collect();
        sorted.sort_by_key(|&(path, _)| path);
        sorted.dedup_by_key(|&mut (path, _)| path);
        let mut view = Self {
            entries: Vec::with_capacity(sorted.len()),
            order: Vec::with_capacity(sorted.len()),
            slots: Vec::with_capacity((sorted.len() + 1) * GAP as usize),
            vacant: Vec::new(),
            interner: Interner::default(),
            writers: Vec::new(),
            words: Words::default(),
            unpacked: AtomicUsize::new(0),
        };
        view.words = Words {
            empty: view.number(""),
            krate: view.number("crate"),
            this_module: view.number("self"),
            parent: view.number("super"),
            this_type: view.number("Self"),
            dollar_crate: view.number("$crate"),
        };
        for name in UNWRITTEN {
            view.number(name);
        }
        let mut coming = coming.iter().peekable();
        for part in sorted.chunks(UNPACKED_AT_ONCE) {
            let unpacked = |(_, stored): &(&FilePath, &StoredOutline)| {
                let lazy = LazyOutline::new((*stored).clone());
                lazy.get();
                lazy
            };
            let outlines: Vec<LazyOutline> = part.par_iter().map(unpacked).collect();
            let first = view.entries.len();
            for (&(path, _), outline) in part.iter().zip(outlines) {
                let mut file = view.number_after_all();
                while coming.next_if(|one| **one < path).is_some() {
                    file += 1;
                }
                view.seat(file, FileEntry::new(path.clone(), outline));
                view.write_names(file);
                take(&view, file);
            }
            view.entries[first..].iter_mut().for_each(|entry| entry.outline.pack());
        }
        view
    }

    /// Unpacks the outlines of some files side by side: they are about to be looked at.
    pub(super) fn unpack(&self, files: &[File]) {
        files.par_iter().for_each(|&file| {
            self.outline(file);
        });
    }

    /// Gives back what unpacked outlines take, if they are more than so many.
    pub(super) fn rest(&mut self, kept: usize) {
        if *self.unpacked.get_mut() > kept {
            self.entries.iter_mut().for_each(|entry| entry.outline.pack());
            *self.unpacked.get_mut() = 0;
        }
    }

    /// As after a change.
    pub(super) fn rest_between_changes(&mut self) {
        self.rest(KEPT_UNPACKED);
    }

    /// Paths and outlines, to build another view of.
    pub(super) fn into_stored(mut self) -> impl Iterator<Item = (FilePath, StoredOutline)> {
        // Of what is vacant nothing is left.
        let mut vacant = std::mem::take(&mut self.vacant);
        vacant.sort_unstable();
        let places = (0_u32..).zip(self.entries).filter(move |(slot, _)| vacant.binary_search(slot).is_err());
        places.map(|(_, entry)| (entry.path, entry.outline.stored().clone()))
    }

    /// Puts another outline in the place of a file's; hands out the one that was there.
    pub(super) fn replace(&mut self, file: File, outline: &Arc<Outline>) -> Arc<Outline> {
        self.unwrite_names(file);
        let entry = self.entry_mut(file);
        let before = Arc::clone(entry.outline.get());
        entry.outline = LazyOutline::of(outline);
        entry.note_briefs();
        self.write_names(file);
        before
    }

    /// Adds a file under a number of [`View::room_for`].
    pub(super) fn insert(&mut self, file: File, path: &FilePath, outline: &Arc<Outline>) {
        self.seat(file, FileEntry::new(path.clone(), LazyOutline::of(outline)));
        self.write_names(file);
    }

    /// Takes a file out. Nothing may lead to it any more.
    pub(super) fn remove(&mut self, file: File) {
        self.unwrite_names(file);
        let Some(slot) = self.slots.get_mut(file as usize) else { return };
        let slot = std::mem::replace(slot, NO_SLOT);
        if let Some(entry) = self.entries.get_mut(slot as usize) {
            *entry = FileEntry::new(FilePath::from(""), LazyOutline::default());
            self.vacant.push(slot);
        }
        if let Ok(at) = self.order.binary_search(&file) {
            self.order.remove(at);
        }
    }

    /// Numbers for paths that are not in the view, sorted; `None`: between two files there is no room for so many.
    pub(super) fn room_for(&self, paths: &[&FilePath]) -> Option<Vec<File>> {
        let mut numbers = Vec::with_capacity(paths.len());
        let place = |path: &&FilePath| self.order.partition_point(|&file| self.path(file) < *path);
        for group in paths.chunk_by(|one, other| place(one) == place(other)) {
            let at = place(group.first()?);
            let count = group.len() as u32;
            let before = at.checked_sub(1).and_then(|at| self.order.get(at)).copied();
            let low = before.map_or(0, |file| file + 1);
            let high = self.order.get(at).copied().unwrap_or_else(|| low + count * GAP);
            let free = high - low;
            if free < count {
                return None;
            }
            let spread = |nth: u32| u64::from(free) * u64::from(2 * nth + 1) / u64::from(2 * count);
            numbers.extend((0..count).map(|nth| low + spread(nth) as u32));
        }
        Some(numbers)
    }

    fn number_after_all(&self) -> File {
        self.order.last().map_or(GAP - 1, |last| last + GAP)
    }

    /// Gives a file its number.
    fn seat(&mut self, file: File, entry: FileEntry) {
        if self.slots.len() <= file as usize {
            self.slots.resize(file as usize + 1, NO_SLOT);
        }
        let slot = match self.vacant.pop() {
            Some(slot) => {
                self.entries[slot as usize] = entry;
                slot
            }
            None => {
                self.entries.push(entry);
                self.entries.len() as u32 - 1
            }
        };
        self.slots[file as usize] = slot;
        if let Err(at) = self.order.binary_search(&file) {
            self.order.insert(at, file);
        }
    }

    /// Notes which names a file writes.
    fn write_names(&mut self, file: File) {
        let outline = Arc::clone(self.entry(file).outline.get());
        let names = self.numbered(&outline);
        for &name in &names {
            let writers = &mut self.writers[name as usize];
            // in a first build everything comes in order
            match writers.last() {
                Some(&last) if last >= file => {
                    if let Err(at) = writers.binary_search(&file) {
                        writers.insert(at, file);
                    }
                }
                _ => writers.push(file),
            }
        }
        self.entry_mut(file).names = names.into();
    }

    fn unwrite_names(&mut self, file: File) {
        let names = std::mem::take(&mut self.entry_mut(file).names);
        for name in names {
            let writers = &mut self.writers[name as usize];
            if let Ok(at) = writers.binary_search(&file) {
                writers.remove(at);
            }
        }
    }

    /// Whether a file declares a module of this name.
    pub(super) fn declares(&self, file: File, name: Name) -> bool {
        self.entry(file).modules.iter().any(|&id| self.name(file, id) == name)
    }

    /// What is at hand of a file, if it is still there.
    pub(super) fn entry_of(&self, file: File) -> Option<&FileEntry> {
        let slot = *self.slots.get(file as usize)?;
        self.entries.get(slot as usize)
    }

    pub(super) fn entry(&self, file: File) -> &FileEntry {
        &self.entries[self.slots[file as usize] as usize]
    }

    fn entry_mut(&mut self, file: File) -> &mut FileEntry {
        &mut self.entries[self.slots[file as usize] as usize]
    }

    /// All files, in the order of their paths.
    pub(super) fn files(&self) -> &[File] {
        &self.order
    }

    /// The same, each with what is at hand of it.
    pub(super) fn all(&self) -> impl Iterator<Item = (File, &FileEntry)> {
        self.order.iter().map(|&file| (file, self.entry(file)))
    }

    fn numbered(&mut self, outline: &Outline) -> Vec<Name> {
        outline.model.names.iter().map(|name| self.number(name)).collect()
    }

    fn number(&mut self, text: &str) -> Name {
        let number = self.interner.number(text);
        self.writers.resize_with(self.interner.len(), SmallVec::new);
        number
    }

    /// Names that are numbered, those that no file writes any more included.
    pub(super) fn names(&self) -> usize {
        self.interner.len()
    }

    /// Number of a text that some file may have used.
    pub(super) fn known(&self, text: &str) -> Option<Name> {
        self.interner.get(text)
    }

    /// The files that write a name, ascending.
    pub(super) fn writers(&self, name: Name) -> &[File] {
        self.writers.get(name as usize).map(SmallVec::as_slice).unwrap_or_default()
    }

    pub(super) fn text(&self, name: Name) -> &str {
        self.interner.text(name)
    }

    pub(super) fn file_at(&self, path: &[u8]) -> Option<File> {
        let at = self.order.binary_search_by(|&file| self.path(file).as_bytes().cmp(path)).ok()?;
        self.order.get(at).copied()
    }

    /// The files in a folder and below.
    pub(super) fn files_below(&self, folder: &[u8]) -> impl Iterator<Item = (File, &FileEntry)> {
        let prefix = if folder.is_empty() { Vec::new() } else { [folder, b"/"].concat() };
        let first = self.order.partition_point(|&file| self.path(file).as_bytes() < prefix.as_slice());
        let files = self.order.iter().skip(first).map(|&file| (file, self.entry(file)));
        files.take_while(move |(_, entry)| entry.path.as_bytes().starts_with(&prefix))
    }

    pub(super) fn path(&self, file: File) -> &FilePath {
        &self.entry(file).path
    }

    pub(super) fn outline(&self, file: File) -> &Outline {
        let lazy = &self.entry(file).outline;
        if !lazy.is_unpacked() {
            self.unpacked.fetch_add(1, Ordering::Relaxed);
        }
        lazy.get()
    }

    pub(super) fn shared_outline(&self, file: File) -> Arc<Outline> {
        self.outline(file);
        Arc::clone(self.entry(file).outline.get())
    }

    pub(super) fn model(&self, file: File) -> &FileModel {
        &self.outline(file).model
    }

    pub(super) fn name(&self, file: File, id: NameId) -> Name {
        self.entry(file).names.get(id as usize).copied().unwrap_or(self.words.empty)
    }

    pub(super) fn global(&self, file: File, def: DefId) -> GlobalDef {
        GlobalDef { file, def }
    }

    pub(super) fn file_of(&self, def: GlobalDef) -> File {
        def.file
    }

    /// Place of a definition among those of its file.
    pub(super) fn index_of(&self, def: GlobalDef) -> usize {
        def.def as usize
    }

    pub(super) fn def(&self, def: GlobalDef) -> &Def {
        &self.model(def.file).defs[def.def as usize]
    }

    pub(super) fn symbol(&self, def: GlobalDef) -> &Symbol {
        &self.outline(def.file).symbols[def.def as usize]
    }

    pub(super) fn kind(&self, def: GlobalDef) -> SymbolKind {
        self.brief(def).kind
    }

    pub(super) fn takes_self(&self, def: GlobalDef) -> bool {
        self.brief(def).takes_self
    }

    pub(super) fn owner(&self, def: GlobalDef) -> Owner {
        self.brief(def).owner
    }

    fn brief(&self, def: GlobalDef) -> Brief {
        self.entry(def.file).briefs[def.def as usize]
    }
}

/// Joins a relative path of `/`-separated parts to a folder, resolving `.` and `..`; `None` if it leaves the repository.
pub(super) fn join(folder: &[u8], relative: &[u8]) -> Option<Vec<u8>> {
    if relative.starts_with(b"/") {
        return None;
    }
    let mut parts: Vec<&[u8]> = folder.split(|&byte| byte == b'/').filter(|part| !part.is_empty()).collect();
    for part in relative.split(|&byte| byte == b'/' || byte == b'\\') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join(&b'/'))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_path_outside_the_repository_is_none() {
        assert_eq!(super::join(b"a/b", b"../c.rs").as_deref(), Some(&b"a/c.rs"[..]));
        assert_eq!(super::join(b"", b"./src/lib.rs").as_deref(), Some(&b"src/lib.rs"[..]));
        assert_eq!(super::join(b"a", b"../../x"), None);
        assert_eq!(super::join(b"a", b"/etc/passwd"), None);
    }
}
