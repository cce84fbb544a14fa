//! Follows edits in place: files that say something else, that come and that go. What is done grows with what changes, not with the
//! view; where crates change, all is built again.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::RustWorld;
use super::crates;
use super::members::ImplFact;
use super::reach;
use super::reach::moved::{MoveReach, Scene};
use super::view::File;
use crate::domain::FilePath;
use crate::language::Outline;
use crate::language::resolve::Reach;

/// What happens to files, by their numbers.
struct FileChanges<'e> {
    known: Vec<(File, &'e Arc<Outline>)>,
    new: Vec<(File, &'e FilePath, &'e Arc<Outline>)>,
    gone: Vec<File>,
}

/// A file as it was.
struct Former {
    file: File,
    path: FilePath,
    outline: Arc<Outline>,
    impls: Vec<ImplFact>,
}

impl RustWorld {
    pub(super) fn follow(&mut self, edits: &[(FilePath, Arc<Outline>)], gone: &BTreeSet<FilePath>) -> Option<Reach> {
        if self.is_outgrown() {
            self.rebuild(&[]);
        }
        let mut changes = self.changes(edits, gone);
        if changes.is_none() {
            let new: BTreeSet<&FilePath> = edits
                .iter()
                .map(|(path, _)| path)
                .filter(|path| self.view.file_at(path.as_bytes()).is_none())
                .collect();
            self.rebuild(&new.into_iter().collect::<Vec<_>>());
            changes = self.changes(edits, gone);
        }
        let changes = changes?;
        if changes.new.is_empty() && changes.gone.is_empty() {
            let is_plain = |(file, after): &(File, &Arc<Outline>)| reach::is_plain(self.view.outline(*file), after);
            if changes.known.iter().all(is_plain) {
                return self.follow_edits(&changes.known);
            }
        }
        self.follow_moves(&changes)
    }

    /// `None`: there is no room for the new files between the others.
    fn changes<'e>(&self, edits: &'e [(FilePath, Arc<Outline>)], gone: &BTreeSet<FilePath>) -> Option<FileChanges<'e>> {
        let at = |path: &FilePath| self.view.file_at(path.as_bytes());
        let known = edits.iter().filter_map(|(path, outline)| Some((at(path)?, outline))).collect();
        let mut new: Vec<_> = edits.iter().filter(|(path, _)| at(path).is_none()).collect();
        new.sort_by(|one, other| one.0.cmp(&other.0));
        let numbers = self.view.room_for(&new.iter().map(|(path, _)| path).collect::<Vec<_>>())?;
        let new = numbers.into_iter().zip(new).map(|(file, (path, outline))| (file, path, outline)).collect();
        Some(FileChanges { known, new, gone: gone.iter().filter_map(at).collect() })
    }

    /// Files that say something else, where all crates and modules stay.
    fn follow_edits(&mut self, edits: &[(File, &Arc<Outline>)]) -> Option<Reach> {
        let edited: BTreeSet<File> = edits.iter().map(|&(file, _)| file).collect();
        let mut resolved_again = self.with_implementors(&edited);
        resolved_again.iter().for_each(|&file| self.members.remove_impls(&self.view, file));
        self.forget_definitions(&edited);
        let before: Vec<(File, Arc<Outline>)> =
            edits.iter().map(|&(file, outline)| (file, self.view.replace(file, outline))).collect();
        let reached = reach::reach(&self.view, before.iter().map(|(file, outline)| (*file, outline.as_ref())));
        let Some((reach, files)) = reached else {
            self.rebuild(&[]);
            return None;
        };
        let moved = self.modules.follow(&self.view, &self.crates, &edited, &BTreeSet::new());
        if moved.is_none_or(|moved| !moved.is_empty()) {
            self.rebuild(&[]);
            return Some(reach);
        }
        self.note_definitions(&edited);
        for file in files {
            if resolved_again.insert(file) {
                self.members.remove_impls(&self.view, file);
            }
        }
        self.add_impls(resolved_again);
        Some(reach)
    }

    /// Files that come and go with all that follows, and modules that are declared or no longer.
    fn follow_moves(&mut self, changes: &FileChanges<'_>) -> Option<Reach> {
        let edited: BTreeSet<File> = changes.known.iter().map(|&(file, _)| file).collect();
        let gone: BTreeSet<File> = changes.gone.iter().copied().collect();
        let affected: BTreeSet<File> = edited.union(&gone).copied().collect();
        let (mut declaring, including) = self.concerned(changes);
        let mut resolved_again = self.with_implementors(&affected);
        let mut facts: Vec<(File, Vec<ImplFact>)> =
            resolved_again.iter().map(|&file| (file, self.members.facts(&self.view, file))).collect();
        resolved_again.iter().for_each(|&file| self.members.remove_impls(&self.view, file));
        self.forget_definitions(&affected);
        let mut former = self.replaced(changes, &facts);
        let reshaped = declaring.clone();
        declaring.extend(edited.iter().chain(&including).copied());
        if self.has_other_crates(changes, &former) {
            self.rebuild(&[]);
            return None;
        }
        let Some(moved) = self.modules.follow(&self.view, &self.crates, &declaring, &reshaped) else {
            self.rebuild(&[]);
            return None;
        };
        // Of files that say the same, what they are in their crates has changed.
        let stays = |file: &&File| !affected.contains(file) && changes.new.iter().all(|(new, ..)| new != *file);
        let elsewhere: BTreeSet<File> = moved.iter().filter(stays).copied().collect();
        for &file in &elsewhere {
            let impls = self.members.facts(&self.view, file);
            if resolved_again.insert(file) {
                self.members.remove_impls(&self.view, file);
                facts.push((file, impls.clone()));
            }
            former.push(Former {
                file,
                path: self.view.path(file).clone(),
                outline: self.view.shared_outline(file),
                impls,
            });
        }
        self.forget_macros(&elsewhere);
        let new: BTreeSet<File> = changes.new.iter().map(|&(file, ..)| file).collect();
        let present: BTreeSet<File> = edited.union(&new).copied().collect();
        self.note_definitions(&present);
        elsewhere.iter().for_each(|&file| self.add_macros(file));
        resolved_again.retain(|file| !gone.contains(file));
        resolved_again.extend(&present);
        self.add_impls(resolved_again.iter().copied());
        let reach = self.spread(&former, moved, &including, facts, resolved_again);
        if reach.is_none() {
            self.rebuild(&[]);
        }
        reach
    }

    /// Files whose impls are sorted under what some files define, and those files.
    fn with_implementors(&self, files: &BTreeSet<File>) -> BTreeSet<File> {
        files.iter().flat_map(|&file| self.members.implementors(file)).chain(files.iter().copied()).collect()
    }

    fn forget_definitions(&mut self, files: &BTreeSet<File>) {
        files.iter().for_each(|&file| self.members.remove_definitions(&self.view, file));
        self.forget_macros(files);
    }

    fn note_definitions(&mut self, files: &BTreeSet<File>) {
        for &file in files {
            self.members.add_definitions(&self.view, file);
            self.add_macros(file);
        }
    }

    /// The files that may find another file for a module, and those that take a file in as text that comes or goes.
    fn concerned(&self, changes: &FileChanges<'_>) -> (BTreeSet<File>, BTreeSet<File>) {
        let gone = changes.gone.iter().map(|&file| self.view.path(file));
        let paths: Vec<&FilePath> = gone.chain(changes.new.iter().map(|&(_, path, _)| path)).collect();
        let mut declaring: BTreeSet<File> =
            changes.gone.iter().flat_map(|&file| self.modules.declaring(file)).collect();
        for path in &paths {
            let name = self.view.known(module_name(path));
            let writers =
                name.into_iter().flat_map(|name| self.view.writers(name).iter().map(move |&file| (name, file)));
            declaring.extend(writers.filter(|&(name, file)| self.view.declares(file, name)).map(|(_, file)| file));
        }
        let is_placed = |name: &[u8]| paths.iter().any(|path| path.file_name() == name);
        let placing = self.view.all().filter(|(_, entry)| entry.placed.iter().any(|name| is_placed(name)));
        declaring.extend(placing.map(|(file, _)| file));
        for &(file, after) in &changes.known {
            if !reach::is_plain(self.view.outline(file), after) {
                declaring.insert(file);
            }
        }
        let mut including: BTreeSet<File> = paths.iter().flat_map(|path| self.includers(path)).collect();
        for files in [&mut declaring, &mut including] {
            files.retain(|file| !changes.gone.contains(file));
        }
        (declaring, including)
    }

    /// Puts the changes into the view, and hands out what was there.
    fn replaced(&mut self, changes: &FileChanges<'_>, facts: &[(File, Vec<ImplFact>)]) -> Vec<Former> {
        let mut former = Vec::new();
        let impls = |file: File| {
            let known = facts.iter().find(|(known, _)| *known == file);
            known.map(|(_, impls)| impls.clone()).unwrap_or_default()
        };
        for &(file, outline) in &changes.known {
            let path = self.view.path(file).clone();
            former.push(Former { file, path, outline: self.view.replace(file, outline), impls: impls(file) });
        }
        for &file in &changes.gone {
            let (path, outline) = (self.view.path(file).clone(), self.view.shared_outline(file));
            self.view.remove(file);
            former.push(Former { file, path, outline, impls: impls(file) });
        }
        for &(file, path, outline) in &changes.new {
            self.view.insert(file, path, outline);
        }
        former
    }

    /// Whether files that come or go, or what they say, make other crates.
    fn has_other_crates(&self, changes: &FileChanges<'_>, former: &[Former]) -> bool {
        let was_manifest =
            |one: &Former| one.outline.manifest.is_some() && !changes.known.iter().any(|(file, _)| *file == one.file);
        let gone = former.iter().filter(|one| changes.gone.contains(&one.file)).map(|one| &one.path);
        let paths = gone.chain(changes.new.iter().map(|&(_, path, _)| path));
        let matters = paths.into_iter().any(|path| crates::may_be_root(&self.view, path))
            || former.iter().any(was_manifest)
            || changes.new.iter().any(|(_, _, outline)| outline.manifest.is_some());
        matters && crates::crates(&self.view) != self.crates
    }

    /// Whom the changes reach; resolves the impls of the files that it meets again.
    fn spread(
        &mut self,
        former: &[Former],
        moved: BTreeSet<File>,
        including: &BTreeSet<File>,
        facts: Vec<(File, Vec<ImplFact>)>,
        mut resolved_again: BTreeSet<File>,
    ) -> Option<Reach> {
        let edited: Vec<(File, &Outline, &Outline)> = former
            .iter()
            .filter(|one| self.view.entry_of(one.file).is_some())
            .map(|one| (one.file, one.outline.as_ref(), self.view.outline(one.file)))
            .collect();
        let mut reach = MoveReach::of_edits(&self.scene(), &edited)?;
        reach.add_moved(&self.scene(), moved);
        for one in former {
            reach.add_former(&self.scene(), one.file, &one.outline, &one.impls, &one.path);
        }
        for &file in &reach.moved.clone() {
            if self.view.entry_of(file).is_some() {
                let impls = self.members.facts(&self.view, file);
                reach.add_file(&self.scene(), self.view.outline(file), &impls);
            }
        }
        let edited: BTreeSet<File> = edited.iter().map(|&(file, ..)| file).collect();
        for one in former.iter().filter(|one| edited.contains(&one.file)) {
            self.compare_impls(one.file, (&one.outline, &one.impls), &mut reach);
        }
        for (file, impls) in facts.iter().filter(|(file, _)| !edited.contains(file)) {
            if self.view.entry_of(*file).is_some() {
                self.compare_impls(*file, (self.view.outline(*file), impls), &mut reach);
            }
        }
        reach.files.extend(including);
        loop {
            let reached = reach.spread(&self.scene());
            let met: Vec<File> = reached.iter().copied().filter(|file| !resolved_again.contains(file)).collect();
            if met.is_empty() {
                break;
            }
            let before: Vec<(File, Vec<ImplFact>)> =
                met.iter().map(|&file| (file, self.members.facts(&self.view, file))).collect();
            met.iter().for_each(|&file| self.members.remove_impls(&self.view, file));
            self.add_impls(met.iter().copied());
            resolved_again.extend(met);
            for (file, impls) in &before {
                self.compare_impls(*file, (self.view.outline(*file), impls), &mut reach);
            }
        }
        reach.files.extend(reach.moved.iter().copied());
        let files = reach.files.iter().filter_map(|&file| Some(self.view.entry_of(file)?.path.clone()));
        Some(Reach { files: files.collect(), users_of: reach.symbols })
    }

    /// Notes the impls of a file that came, went, or are of or for something else than before.
    fn compare_impls(&self, file: File, before: (&Outline, &[ImplFact]), reach: &mut MoveReach) {
        let after = self.members.facts(&self.view, file);
        let sides = [before, (self.view.outline(file), &after)];
        let header =
            |side: usize, block: usize| sides[side].0.model.impls.get(block).map(|block| block.header.as_str());
        for (side, other) in [(0, 1), (1, 0)] {
            let (outline, facts) = sides[side];
            let others = sides[other].1;
            for (block, fact) in facts.iter().enumerate() {
                let is_it = |at: usize| others.get(at) == Some(fact) && header(other, at) == header(side, block);
                if !is_it(block) && !(0..others.len()).any(is_it) {
                    reach.add_impl(&self.scene(), outline, block as u32, fact);
                }
            }
        }
    }

    fn scene(&self) -> Scene<'_> {
        Scene { view: &self.view, modules: &self.modules, members: &self.members, crates: &self.crates }
    }
}

/// The name by which a module is declared that lies in a file of this path.
fn module_name(path: &FilePath) -> &str {
    let name = match path.file_name() {
        b"mod.rs" => path.parent().rsplit(|&byte| byte == b'/').next().unwrap_or_default(),
        name => name.strip_suffix(b".rs").unwrap_or(name),
    };
    std::str::from_utf8(name).unwrap_or_default()
}
