//! All files of a view side by side, with one numbering for names, files and definitions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::domain::FilePath;
use crate::language::facts::{Def, DefId, FileModel, NameId, Owner};
use crate::language::rust::manifest::Manifest;
use crate::language::stored::{LazyOutline, StoredOutline};
use crate::language::{Outline, Symbol, SymbolKind};

/// A name, the same number in every file.
pub(super) type Name = u32;
/// Index of a file in the view, in the order of paths.
pub(super) type File = u32;

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
    fn new(path: FilePath, outline: LazyOutline, names: Vec<Name>) -> Self {
        let (names, briefs, includes) = (names.into(), Box::default(), Box::default());
        let mut entry = Self { path, outline, names, briefs, includes, manifest: None };
        entry.note_briefs();
        entry
    }

    fn note_briefs(&mut self) {
        let Outline { symbols, model, manifest, .. } = self.outline.get().as_ref();
        let brief =
            |(symbol, def): (&Symbol, &Def)| Brief { kind: symbol.kind, takes_self: def.takes_self, owner: def.owner };
        self.briefs = symbols.iter().zip(&model.defs).map(brief).collect();
        self.includes = model.includes.iter().map(|include| include.path.clone()).collect();
        self.manifest = manifest.clone().map(Box::new);
    }
}

pub(super) struct View {
    /// In the order of their paths.
    pub files: Vec<FileEntry>,
    texts: Vec<Arc<str>>,
    numbers: FxHashMap<Arc<str>, Name>,
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
    /// `take` sees each file while it is unpacked.
    pub(super) fn new<'a>(
        files: impl IntoIterator<Item = (&'a FilePath, &'a StoredOutline)>,
        mut take: impl FnMut(&Self, File),
    ) -> Self {
        let mut sorted: Vec<_> = files.into_iter().collect();
        sorted.sort_by_key(|&(path, _)| path);
        sorted.dedup_by_key(|&mut (path, _)| path);
        let mut view = Self {
            files: Vec::with_capacity(sorted.len()),
            texts: Vec::new(),
            numbers: FxHashMap::default(),
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
        for part in sorted.chunks(UNPACKED_AT_ONCE) {
            let unpacked = |(_, stored): &(&FilePath, &StoredOutline)| {
                let lazy = LazyOutline::new((*stored).clone());
                lazy.get();
                lazy
            };
            let outlines: Vec<LazyOutline> = part.par_iter().map(unpacked).collect();
            let first = view.files.len();
            for ((path, _), outline) in part.iter().zip(outlines) {
                let file = view.files.len() as File;
                let names = view.numbered(outline.get());
                for &name in &names {
                    let writers = &mut view.writers[name as usize];
                    if writers.last() != Some(&file) {
                        writers.push(file);
                    }
                }
                view.files.push(FileEntry::new((*path).clone(), outline, names));
                take(&view, file);
            }
            view.files[first..].iter_mut().for_each(|entry| entry.outline.pack());
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
            self.files.iter_mut().for_each(|entry| entry.outline.pack());
            *self.unpacked.get_mut() = 0;
        }
    }

    /// As after a change.
    pub(super) fn rest_between_changes(&mut self) {
        self.rest(KEPT_UNPACKED);
    }

    /// Paths and outlines, to build another view of.
    pub(super) fn into_stored(self) -> impl Iterator<Item = (FilePath, StoredOutline)> {
        self.files.into_iter().map(|entry| (entry.path, entry.outline.stored().clone()))
    }

    /// Puts another outline in the place of a file's; hands out the one that was there.
    pub(super) fn replace(&mut self, file: File, outline: &Arc<Outline>) -> Arc<Outline> {
        let names = self.numbered(outline);
        let entry = &mut self.files[file as usize];
        let before = Arc::clone(entry.outline.get());
        let former = std::mem::replace(&mut entry.names, names.into());
        for name in former {
            let writers = &mut self.writers[name as usize];
            if let Ok(at) = writers.binary_search(&file) {
                writers.remove(at);
            }
        }
        for &name in entry.names.iter() {
            let writers = &mut self.writers[name as usize];
            if let Err(at) = writers.binary_search(&file) {
                writers.insert(at, file);
            }
        }
        entry.outline = LazyOutline::of(outline);
        entry.note_briefs();
        before
    }

    fn numbered(&mut self, outline: &Outline) -> Vec<Name> {
        outline.model.names.iter().map(|name| self.number(name)).collect()
    }

    fn number(&mut self, text: &str) -> Name {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.texts.len() as Name;
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        self.writers.push(SmallVec::new());
        number
    }

    /// Names that are numbered, those that no file writes any more included.
    pub(super) fn names(&self) -> usize {
        self.texts.len()
    }

    /// Number of a text that some file may have used.
    pub(super) fn known(&self, text: &str) -> Option<Name> {
        self.numbers.get(text).copied()
    }

    /// The files that write a name, ascending.
    pub(super) fn writers(&self, name: Name) -> &[File] {
        self.writers.get(name as usize).map(SmallVec::as_slice).unwrap_or_default()
    }

    pub(super) fn text(&self, name: Name) -> &str {
        self.texts.get(name as usize).map(AsRef::as_ref).unwrap_or_default()
    }

    pub(super) fn file_at(&self, path: &[u8]) -> Option<File> {
        self.files.binary_search_by(|entry| entry.path.as_bytes().cmp(path)).ok().map(|at| at as File)
    }

    /// The files in a folder and below.
    pub(super) fn files_below(&self, folder: &[u8]) -> impl Iterator<Item = (File, &FileEntry)> {
        let prefix = if folder.is_empty() { Vec::new() } else { [folder, b"/"].concat() };
        let first = self.files.partition_point(|entry| entry.path.as_bytes() < prefix.as_slice());
        let files = self.files.iter().enumerate().skip(first).map(|(file, entry)| (file as File, entry));
        files.take_while(move |(_, entry)| entry.path.as_bytes().starts_with(&prefix))
    }

    pub(super) fn path(&self, file: File) -> &FilePath {
        &self.files[file as usize].path
    }

    pub(super) fn outline(&self, file: File) -> &Outline {
        let lazy = &self.files[file as usize].outline;
        if !lazy.is_unpacked() {
            self.unpacked.fetch_add(1, Ordering::Relaxed);
        }
        lazy.get()
    }

    pub(super) fn model(&self, file: File) -> &FileModel {
        &self.outline(file).model
    }

    pub(super) fn name(&self, file: File, id: NameId) -> Name {
        self.files[file as usize].names.get(id as usize).copied().unwrap_or(self.words.empty)
    }

    pub(super) fn global(&self, file: File, def: DefId) -> GlobalDef {
        GlobalDef { file, def }
    }

    pub(super) fn file_of(&self, def: GlobalDef) -> File {
        def.file
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
        self.files[def.file as usize].briefs[def.def as usize]
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
