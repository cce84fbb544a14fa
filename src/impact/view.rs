//! All files of a view side by side, with one numbering for names, files and definitions.

use rustc_hash::FxHashMap;

use crate::domain::FilePath;
use crate::outline::model::{Def, DefId, Model, NameId};
use crate::outline::{Outline, Symbol, SymbolKind};

/// A name, the same number in every file.
pub(super) type Name = u32;
/// Index of a file in the view, in the order of paths.
pub(super) type File = u32;

/// A definition: its number among all definitions of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct GlobalDef(pub u32);

pub(super) struct FileEntry<'a> {
    pub path: &'a FilePath,
    pub outline: &'a Outline,
    /// The outline's names in the view's numbering.
    names: Vec<Name>,
    first_def: u32,
}

pub(super) struct View<'a> {
    pub files: Vec<FileEntry<'a>>,
    by_path: FxHashMap<&'a [u8], File>,
    file_of_def: Vec<File>,
    texts: Vec<&'a str>,
    numbers: FxHashMap<&'a str, Name>,
    pub words: Words,
}

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

impl<'a> View<'a> {
    pub(super) fn new(files: impl IntoIterator<Item = (&'a FilePath, &'a Outline)>) -> Self {
        let mut sorted: Vec<_> = files.into_iter().collect();
        sorted.sort_by_key(|&(path, _)| path);
        sorted.dedup_by_key(|&mut (path, _)| path);
        let mut view = Self {
            files: Vec::with_capacity(sorted.len()),
            by_path: FxHashMap::default(),
            file_of_def: Vec::new(),
            texts: Vec::new(),
            numbers: FxHashMap::default(),
            words: Words::default(),
        };
        view.words = Words {
            empty: view.number(""),
            krate: view.number("crate"),
            this_module: view.number("self"),
            parent: view.number("super"),
            this_type: view.number("Self"),
            dollar_crate: view.number("$crate"),
        };
        for (path, outline) in sorted {
            view.add(path, outline);
        }
        view
    }

    fn add(&mut self, path: &'a FilePath, outline: &'a Outline) {
        let file = self.files.len() as File;
        let names = outline.model.names.iter().map(|name| self.number(name)).collect();
        let first_def = self.file_of_def.len() as u32;
        self.file_of_def.extend(std::iter::repeat_n(file, outline.model.defs.len()));
        self.by_path.insert(path.as_bytes(), file);
        self.files.push(FileEntry { path, outline, names, first_def });
    }

    /// Number of a text, which must live as long as the view.
    pub(super) fn number(&mut self, text: &'a str) -> Name {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.texts.len() as Name;
        self.texts.push(text);
        self.numbers.insert(text, number);
        number
    }

    /// Number of a text that some file may have used.
    pub(super) fn known(&self, text: &str) -> Option<Name> {
        self.numbers.get(text).copied()
    }

    pub(super) fn text(&self, name: Name) -> &'a str {
        self.texts.get(name as usize).copied().unwrap_or_default()
    }

    pub(super) fn file_at(&self, path: &[u8]) -> Option<File> {
        self.by_path.get(path).copied()
    }

    pub(super) fn path(&self, file: File) -> &'a FilePath {
        self.files[file as usize].path
    }

    pub(super) fn model(&self, file: File) -> &'a Model {
        &self.files[file as usize].outline.model
    }

    pub(super) fn name(&self, file: File, id: NameId) -> Name {
        self.files[file as usize].names.get(id as usize).copied().unwrap_or(self.words.empty)
    }

    pub(super) fn global(&self, file: File, def: DefId) -> GlobalDef {
        GlobalDef(self.files[file as usize].first_def + def)
    }

    pub(super) fn file_of(&self, def: GlobalDef) -> File {
        self.file_of_def[def.0 as usize]
    }

    pub(super) fn local(&self, def: GlobalDef) -> DefId {
        def.0 - self.files[self.file_of(def) as usize].first_def
    }

    pub(super) fn def(&self, def: GlobalDef) -> &'a Def {
        &self.model(self.file_of(def)).defs[self.local(def) as usize]
    }

    pub(super) fn symbol(&self, def: GlobalDef) -> &'a Symbol {
        &self.files[self.file_of(def) as usize].outline.symbols[self.local(def) as usize]
    }

    pub(super) fn kind(&self, def: GlobalDef) -> SymbolKind {
        self.symbol(def).kind
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
