//! Which file an `#include` means: one next to the file, one in the folders that `compile_commands.json` names, else the nearest file whose
//! path ends with what is written. Two that are as near mean none, and a header of the system's is not looked for by its name alone.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::view::CView;
use crate::domain::FilePath;

#[derive(Default)]
pub(super) struct IncludeProject {
    /// Paths by their last name.
    by_name: FxHashMap<String, Vec<String>>,
    /// The include folders of each source.
    folders_of: BTreeMap<String, Vec<String>>,
    /// Those of all sources, for headers.
    folders: Vec<String>,
}

/// Headers that the system has.
const SYSTEM: [&str; 86] = [
    "assert.h",
    "complex.h",
    "ctype.h",
    "errno.h",
    "fenv.h",
    "float.h",
    "inttypes.h",
    "iso646.h",
    "limits.h",
    "locale.h",
    "math.h",
    "setjmp.h",
    "signal.h",
    "stdalign.h",
    "stdarg.h",
    "stdatomic.h",
    "stdbool.h",
    "stddef.h",
    "stdint.h",
    "stdio.h",
    "stdlib.h",
    "stdnoreturn.h",
    "string.h",
    "tgmath.h",
    "threads.h",
    "time.h",
    "uchar.h",
    "wchar.h",
    "wctype.h",
    "aio.h",
    "cpio.h",
    "dirent.h",
    "dlfcn.h",
    "fcntl.h",
    "fmtmsg.h",
    "fnmatch.h",
    "ftw.h",
    "glob.h",
    "grp.h",
    "iconv.h",
    "langinfo.h",
    "libgen.h",
    "monetary.h",
    "mqueue.h",
    "ndbm.h",
    "netdb.h",
    "nl_types.h",
    "poll.h",
    "pthread.h",
    "pwd.h",
    "regex.h",
    "sched.h",
    "search.h",
    "semaphore.h",
    "spawn.h",
    "strings.h",
    "stropts.h",
    "syslog.h",
    "tar.h",
    "termios.h",
    "trace.h",
    "ulimit.h",
    "unistd.h",
    "utime.h",
    "utmpx.h",
    "wordexp.h",
    "alloca.h",
    "byteswap.h",
    "elf.h",
    "endian.h",
    "err.h",
    "error.h",
    "execinfo.h",
    "features.h",
    "getopt.h",
    "ifaddrs.h",
    "link.h",
    "malloc.h",
    "memory.h",
    "mntent.h",
    "paths.h",
    "pty.h",
    "resolv.h",
    "shadow.h",
    "windows.h",
    "io.h",
];

impl IncludeProject {
    pub(super) fn new(view: &CView) -> Self {
        let mut project = Self::default();
        let existing = view.files.iter().filter(|file| file.is_present());
        for file in existing.clone().filter(|file| file.manifest().is_none()) {
            let path = file.path.to_string();
            project.by_name.entry(last(&path).to_owned()).or_default().push(path);
        }
        project.by_name.values_mut().for_each(|paths| paths.sort());
        let mut commands: Vec<_> =
            existing.filter_map(|file| Some((file.path.to_string(), file.manifest()?))).collect();
        commands.sort();
        for (_, written) in commands {
            project.add_commands(written);
        }
        project
    }

    /// Takes in what compile commands say: `dir` lines with the folders, `use` lines with the source and the folders' numbers.
    fn add_commands(&mut self, written: &str) {
        let lines = || written.lines().filter_map(|line| line.split_once('\t'));
        let dirs: Vec<&str> = lines().filter(|(what, _)| *what == "dir").map(|(_, dir)| dir).collect();
        let uses: Vec<(&str, &str)> =
            lines().filter(|(what, _)| *what == "use").filter_map(|(_, rest)| rest.split_once('\t')).collect();
        let Some(root) = uses.iter().find_map(|(_, source)| self.root_of(source)) else { return };
        let inside = |path: &str| Some(normal(path.strip_prefix(root.as_str())?.trim_start_matches('/')));
        for (numbers, source) in uses {
            let folders: Vec<String> =
                numbers.split(',').filter_map(|number| inside(dirs.get(number.parse::<usize>().ok()?)?)).collect();
            for folder in &folders {
                if !self.folders.contains(folder) {
                    self.folders.push(folder.clone());
                }
            }
            if let Some(source) = inside(source) {
                self.folders_of.entry(source).or_default().extend(folders);
            }
        }
    }

    /// The folder of the build's machine that is the repository.
    fn root_of(&self, source: &str) -> Option<String> {
        let candidates = self.by_name.get(last(source))?.iter();
        let ends = candidates.filter(|path| source.strip_suffix(path.as_str()).is_some_and(|root| root.ends_with('/')));
        let longest = ends.max_by_key(|path| path.len())?;
        source.strip_suffix(longest.as_str()).map(|root| root.trim_end_matches('/').to_owned())
    }

    /// What an include means, as written with its quotes.
    pub(super) fn resolve(&self, written: &str, from: &FilePath) -> Option<FilePath> {
        let (is_quoted, wanted) = (written.starts_with('"'), bare(written));
        if wanted.is_empty() {
            return None;
        }
        let from = from.to_string();
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        if is_quoted && let Some(path) = self.existing(&joined(folder, wanted)) {
            return Some(path);
        }
        let folders = self.folders_of.get(&from).unwrap_or(&self.folders);
        if let Some(path) = folders.iter().find_map(|folder| self.existing(&joined(folder, wanted))) {
            return Some(path);
        }
        let is_system =
            !wanted.contains('/') && (SYSTEM.contains(&wanted) || !wanted.contains('.')) || wanted.starts_with("sys/");
        if is_system { None } else { self.nearest(wanted, folder).map(|path| FilePath::from(path.as_str())) }
    }

    /// Whether an include that means nothing should mean something.
    pub(super) fn is_missing(&self, written: &str) -> bool {
        written.starts_with('"')
    }

    fn existing(&self, path: &str) -> Option<FilePath> {
        let path = normal(path);
        let known = self.by_name.get(last(&path))?;
        known.binary_search(&path).is_ok().then(|| FilePath::from(path.as_str()))
    }

    /// The nearest file whose path ends with what is written: most folders in common, then the nearest `include` folder, then the fewest
    /// folders between. Two that are as near mean none.
    fn nearest(&self, wanted: &str, folder: &str) -> Option<&String> {
        let wanted = wanted.trim_start_matches("./");
        let known = self.by_name.get(last(wanted))?.iter();
        let ends = known.filter_map(|path| {
            let root = path.strip_suffix(wanted)?;
            (root.is_empty() || root.ends_with('/')).then(|| (path, root.trim_end_matches('/')))
        });
        let mut best: Option<(Nearness, &String)> = None;
        let mut is_tied = false;
        for (path, root) in ends {
            let segments = |path: &str| path.split('/').filter(|part| !part.is_empty()).count();
            let common = root.split('/').zip(folder.split('/')).take_while(|(a, b)| a == b && !a.is_empty()).count();
            let is_include = matches!(last(root), "include" | "inc" | "includes" | "Include");
            let rank = (common, is_include, Reverse(segments(root)));
            match &best {
                Some((known, _)) if *known == rank => is_tied = true,
                Some((known, _)) if *known > rank => {}
                _ => (best, is_tied) = (Some((rank, path)), false),
            }
        }
        best.filter(|_| !is_tied).map(|(_, path)| path)
    }
}

/// Folders in common, whether it stands in an `include` folder, folders between: the greatest is the nearest.
type Nearness = (usize, bool, Reverse<usize>);

/// `a.h` of `"a.h"` and `<a.h>`
pub(super) fn bare(written: &str) -> &str {
    written.trim_matches(['"', '<', '>', ' '])
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn joined(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// A path without `.` and `..`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
