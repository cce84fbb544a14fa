//! The files that are there for those outside the repository: what `package.json` names, and what stands where tools expect it.

use std::collections::BTreeSet;

use super::files::{BUILT, normal};
use super::{ScriptProject, targets};
use crate::language::eval::rules::FileNo;

/// Keys of a package's entries, besides `exports`.
const KEYS: [&str; 7] = ["source", "main", "module", "types", "typings", "browser", "bin"];

/// What a package without any of them begins with.
const CONVENTIONAL: [&str; 9] =
    ["index", "src/index", "lib/index", "main", "src/main", "app", "src/app", "server", "src/server"];

impl ScriptProject {
    /// The entries of all packages of the view; nothing if there is no package.
    pub(super) fn package_entries(&self) -> Option<BTreeSet<FileNo>> {
        let mut entries = BTreeSet::new();
        for folder in self.view.package_folders() {
            let Some(manifest) = self.view.manifest_in(folder) else { continue };
            let from = format!("{folder}/package.json");
            let named = KEYS.iter().filter_map(|key| manifest.get(*key)).flat_map(targets);
            let exported: Vec<&str> = manifest.get("exports").into_iter().flat_map(targets).collect();
            let mut found = BTreeSet::new();
            for target in named.chain(exported).filter(|path| !path.is_empty()) {
                match target.split_once('*') {
                    Some((before, after)) => found.extend(self.matching(folder, before, after)),
                    None => found.extend(self.at(&normal(&format!("{folder}/{target}")), &from)),
                }
            }
            found.retain(|&file| self.path(file).is_some_and(|path| !path.ends_with(".json")));
            // What is built in a way that is not seen is built of the usual entries.
            if found.is_empty() {
                let usual = CONVENTIONAL.iter().filter_map(|path| self.at(&normal(&format!("{folder}/{path}")), &from));
                found.extend(usual);
            }
            entries.extend(found);
        }
        self.view.package_folders().next().map(|_| entries)
    }

    /// The files that a pattern of `exports` stands for, or that what it stands for is built of.
    fn matching(&self, folder: &str, before: &str, after: &str) -> Vec<FileNo> {
        let before = before.trim_start_matches("./");
        let parts: Vec<&str> = before.split('/').collect();
        let built = parts.iter().take_while(|part| BUILT.contains(part)).count();
        let source = parts.get(built..).unwrap_or_default().join("/");
        let starts = [format!("{folder}/{before}"), format!("{folder}/src/{source}"), format!("{folder}/{source}")];
        let starts = if built == 0 { &starts[..1] } else { &starts[..] };
        let is_one = |path: &str| starts.iter().any(|start| path.starts_with(start.as_str()));
        let fits = |path: &str| built > 0 || after.is_empty() || path.ends_with(after) || after.contains('*');
        let files = (0..).zip(&self.paths).filter(|(_, path)| is_one(path) && fits(path));
        files.map(|(file, _)| file).collect()
    }
}
