//! What `.gitattributes` says of a file beyond its line ends: a filter, and the encoding that it has in the work tree.

use gix::bstr::BStr;
use gix::index::entry::Mode;

use super::WorkTree;
use crate::domain::FilePath;
use crate::repo::encoding::{Reencoded, of_work_tree};

impl WorkTree {
    /// Whether a program of the user's converts a file, or Git from an encoding that is unknown here.
    pub(super) fn is_beyond_comparison(&mut self, path: &FilePath) -> bool {
        let [filter] = self.named(path, ["filter"]);
        filter.is_some() || self.is_in_unknown_encoding(path)
    }

    /// What only Git can convert counts as HEAD has it.
    pub(super) fn is_in_unknown_encoding(&mut self, path: &FilePath) -> bool {
        let [label] = self.named(path, ["working-tree-encoding"]);
        label.is_some_and(|label| of_work_tree(b"", &label) == Reencoded::Unknown)
    }

    /// The values that attributes have for a file; `None`: it is not set to a value.
    pub(super) fn named<const N: usize>(
        &mut self,
        path: &FilePath,
        attributes: [&'static str; N],
    ) -> [Option<Vec<u8>>; N] {
        let mut values = [const { None }; N];
        if !self.rules_are_files(path.parent()) {
            return values;
        }
        let mut found = self.attributes.selected_attribute_matches(attributes);
        let platform = self.attributes.at_entry(BStr::new(path.as_bytes()), Some(Mode::FILE), &self.repo.objects);
        if let Ok(platform) = platform {
            platform.matching_attributes(&mut found);
            for (value, one) in values.iter_mut().zip(found.iter_selected()) {
                *value = one.assignment.state.as_bstr().map(|text| text.to_vec());
            }
        }
        values
    }

    /// Line ends of what was decoded, as a commit would have them: those of the committed content, if it has line feeds alone.
    fn with_committed_line_ends(&self, path: &FilePath, mut utf8: Vec<u8>) -> Vec<u8> {
        let entry = self.index.entry_by_path(BStr::new(path.as_bytes()));
        let committed = entry.and_then(|entry| self.repo.try_find_object(entry.id).ok().flatten());
        if committed.is_some_and(|blob| !blob.data.contains(&b'\r')) {
            let ends: Vec<bool> = utf8.windows(2).map(|pair| pair == b"\r\n").chain([false]).collect();
            let mut ends = ends.into_iter();
            utf8.retain(|_| !ends.next().unwrap_or(false));
        }
        utf8
    }

    /// The bytes of a file with a `working-tree-encoding`, as a commit would have them.
    pub(super) fn decoded(&self, path: &FilePath, bytes: Vec<u8>, label: &[u8]) -> Vec<u8> {
        match of_work_tree(&bytes, label) {
            Reencoded::Utf8(utf8) => self.with_committed_line_ends(path, utf8),
            Reencoded::AsIs | Reencoded::Unknown => bytes,
        }
    }
}
