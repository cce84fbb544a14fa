//! Keeps module trees in step with edits, and with files that come and go: what some files declare is read again, the rest stays.

use std::collections::BTreeSet;

use super::{MOUNTS_MAX, Modules, MountId, UnmountedFile};
use crate::language::rust::resolve::crates::Crate;
use crate::language::rust::resolve::view::{File, Name, View};

/// Mounts of modules that are gone are kept until there are so many times as many as in the beginning.
const MOUNTS_GROWTH_MAX: usize = 2;
/// Small trees may grow by so many.
const MOUNTS_SPARE: usize = 1_000;

impl Modules {
    /// Whether so much was mounted and unmounted that mounting all again gives memory back.
    pub fn is_worn(&self) -> bool {
        self.mounts.len() > self.mounts_then * MOUNTS_GROWTH_MAX + MOUNTS_SPARE
    }

    /// The files in which the modules of a file are declared.
    pub fn declaring(&self, file: File) -> impl Iterator<Item = File> {
        let parents = self.mounts_of(file).iter().filter_map(|&mount| self.mounts[mount as usize].place.parent);
        parents.map(|parent| self.file_of(parent))
    }

    /// The names and crates of the modules that some files are, or were since all were mounted.
    pub fn places_of(&self, files: &BTreeSet<File>) -> impl Iterator<Item = (Option<Name>, usize)> {
        let mounts = self.mounts.iter().filter(|mount| files.contains(&mount.file));
        mounts.map(|mount| (mount.place.name, mount.krate))
    }

    /// The crates of which a file is a module.
    pub fn crates_of(&self, file: File) -> impl Iterator<Item = usize> {
        self.mounts_of(file).iter().map(|&mount| self.mounts[mount as usize].krate)
    }

    /// Reads again what some files declare. Returns the files that are modules now and were none, or are none any more, or are ones
    /// elsewhere; `None`: all has to be mounted again. `reshaped`: those of them that declare other modules than before, or find
    /// other files for them.
    pub fn follow(
        &mut self,
        view: &View,
        crates: &[Crate],
        declaring: &BTreeSet<File>,
        reshaped: &BTreeSet<File>,
    ) -> Option<BTreeSet<File>> {
        let mut moved = BTreeSet::new();
        for &file in declaring {
            if has_source_of_others(view, file) {
                return None;
            }
            for mount in self.mounts_of(file).to_vec() {
                // What declares it may have unmounted it by now.
                if self.mounts_of(file).contains(&mount) {
                    self.mount_declared(view, crates, mount, reshaped.contains(&file), &mut moved)?;
                }
            }
            self.embed(view, crates, file);
        }
        self.embedded.retain(|(_, by, _)| !moved.contains(by) || self.of_file.contains_key(by));
        moved.iter().all(|&file| self.sort_mounts(file)).then_some(moved)
    }

    /// Brings the mounts of a file into the order in which all crates are mounted. `false`: a crate has it twice.
    fn sort_mounts(&mut self, file: File) -> bool {
        let Some(mut mounts) = self.of_file.remove(&file) else { return true };
        let krate = |mount: MountId| self.mounts[mount as usize].krate;
        mounts.sort_by_key(|&mount| krate(mount));
        let is_once = mounts.windows(2).all(|pair| krate(pair[0]) != krate(pair[1]));
        self.of_file.insert(file, mounts);
        is_once
    }

    /// Notes again what a file includes as text.
    fn embed(&mut self, view: &View, crates: &[Crate], file: File) {
        self.embedded.retain(|&(_, by, _)| by != file);
        for mount in self.mounts_of(file).to_vec() {
            let package = &crates[self.mounts[mount as usize].krate].folder;
            self.include(view, package, mount, &mut Vec::new());
        }
    }

    fn mount_declared(
        &mut self,
        view: &View,
        crates: &[Crate],
        mount: MountId,
        is_reshaped: bool,
        moved: &mut BTreeSet<File>,
    ) -> Option<()> {
        if self.mounts[mount as usize].place.merged_into.is_some() {
            return None;
        }
        let folders = self.open(view, mount);
        let declared = self.declared_files(view, mount, &folders);
        let mut former = std::mem::take(&mut self.mounts[mount as usize].children);
        let mut children: Vec<MountId> = Vec::new();
        // In the order in which all are mounted: the last is the first.
        for next in declared.iter().rev() {
            if children.iter().any(|&child| self.is_named_like(child, next)) {
                continue;
            }
            let is_it = |&child: &MountId| {
                let known = &self.mounts[child as usize];
                let (place, wanted) = (&known.place, &next.place);
                let is_same = (place.name, &place.folder) == (wanted.name, &wanted.folder);
                known.file == next.file && is_same && (place.parent == wanted.parent || !is_reshaped)
            };
            let child = match former.iter().position(is_it) {
                Some(at) => self.reseat(view, former.remove(at), next),
                None => self.mount_tree(view, crates, next.clone(), moved)?,
            };
            children.push(child);
        }
        former.into_iter().for_each(|child| self.unmount(child, moved));
        for &child in &children {
            self.link(child);
        }
        self.mounts[mount as usize].children = children;
        self.mounts[mount as usize].declared = declared;
        Some(())
    }

    /// Whether a mount is the module that a declaration of the same name and place mounted.
    fn is_named_like(&self, mount: MountId, next: &UnmountedFile) -> bool {
        let known = &self.mounts[mount as usize];
        known.file == next.file && (known.place.parent, known.place.name) == (next.place.parent, next.place.name)
    }

    /// A module that stays where it is, though scopes around it may have other numbers.
    fn reseat(&mut self, view: &View, mount: MountId, next: &UnmountedFile) -> MountId {
        if self.mounts[mount as usize].place != next.place {
            self.mounts[mount as usize].place = next.place.clone();
            self.open(view, mount);
            for child in self.mounts[mount as usize].children.clone() {
                self.link(child);
            }
        }
        mount
    }

    /// Mounts a file with all that it declares.
    fn mount_tree(
        &mut self,
        view: &View,
        crates: &[Crate],
        first: UnmountedFile,
        moved: &mut BTreeSet<File>,
    ) -> Option<MountId> {
        let root = self.mounts.len() as MountId;
        let package = &crates[first.krate].folder;
        let mut pending = vec![first];
        let mut seen = BTreeSet::new();
        while let Some(next) = pending.pop() {
            let parent = next.place.parent.map(|parent| (parent.mount, parent.scope));
            if !seen.insert((next.file, parent, next.place.name)) {
                continue;
            }
            if seen.len() >= MOUNTS_MAX || has_source_of_others(view, next.file) {
                return None;
            }
            moved.insert(next.file);
            self.mount(view, package, next, &mut pending);
        }
        // The first is linked by who declares it.
        for mount in root + 1..self.mounts.len() as MountId {
            if let Some(parent) = self.link(mount) {
                self.mounts[parent as usize].children.push(mount);
            }
        }
        Some(root)
    }

    fn unmount(&mut self, mount: MountId, moved: &mut BTreeSet<File>) {
        let mut pending = vec![mount];
        while let Some(mount) = pending.pop() {
            let gone = &mut self.mounts[mount as usize];
            pending.append(&mut gone.children);
            gone.regions.clear();
            gone.declared.clear();
            let file = gone.file;
            moved.insert(file);
            if let Some(mounts) = self.of_file.get_mut(&file) {
                mounts.retain(|other| *other != mount);
                if mounts.is_empty() {
                    self.of_file.remove(&file);
                }
            }
        }
    }
}

/// Whether a file takes the source of others in (`include!`): their names are mixed with its own.
fn has_source_of_others(view: &View, file: File) -> bool {
    view.model(file).includes.iter().any(|include| include.source)
}
