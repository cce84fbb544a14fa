//! The settings by which Git decides what of a work tree it ignores, and when a file is as it was: of the system, of the user, of
//! the repository and of the work tree, with what they include, in Git's order.
//!
//! Values are read; nothing that they name is run. Each file is opened only if it is a regular one, and read up to a limit. The
//! repository's own configuration counts only if it belongs to the user of this process, as for Git.

use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use gix::bstr::{BStr, BString};
use gix::config::path::interpolate;
use gix::glob::wildmatch;
use gix::glob::wildmatch::Mode;

use super::Location;
use super::user_config::{UserConfig, is_true};

/// Most bytes of a configuration file, or of one with attributes.
const CONFIG_MAX: u64 = 4 << 20;
/// Most bytes of a file with patterns of what is ignored.
pub(super) const PATTERNS_MAX: u64 = 16 << 20;
/// Files that include each other, as far as Git follows them.
const DEPTH_MAX: usize = 10;
/// Files of one configuration, in all.
const FILES_MAX: usize = 1_000;
/// Symbolic references that are followed from HEAD.
const SYMREFS_MAX: usize = 5;

/// The settings of the section `core` that count here, in lower case.
const CORE: [&str; 7] = ["excludesfile", "attributesfile", "ignorecase", "autocrlf", "eol", "checkstat", "trustctime"];

/// What a file holds that may be anything.
pub(super) enum RuleText {
    /// It is not there, no regular file, or may not be read: nothing is ruled by it.
    Nothing,
    TooLarge,
    Content(Vec<u8>),
}

/// Reads a regular file of at most `max_bytes` bytes; a link is followed. Neither a pipe nor a device is opened.
pub(super) fn read_text(path: &Path, max_bytes: u64) -> RuleText {
    if !path.metadata().is_ok_and(|found| found.is_file()) {
        return RuleText::Nothing;
    }
    // Not blocking: a pipe that has taken the file's place would be waited for.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let Ok(file) = std::fs::File::options().read(true).custom_flags(flags).open(path) else { return RuleText::Nothing };
    if !file.metadata().is_ok_and(|found| found.is_file()) {
        return RuleText::Nothing;
    }
    let mut bytes = Vec::new();
    match file.take(max_bytes + 1).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() as u64 > max_bytes => RuleText::TooLarge,
        Ok(_) => RuleText::Content(bytes),
        Err(_) => RuleText::Nothing,
    }
}

/// The settings in force for a work tree.
pub(super) struct Settings {
    /// Of the section `core`, in order; without a value: the name alone was there.
    core: Vec<(&'static str, Option<Vec<u8>>)>,
    top: PathBuf,
    home: Option<PathBuf>,
    defaults: Option<PathBuf>,
}

impl Settings {
    /// Reads them; what cannot be read counts as not set.
    pub fn read(location: &Location, user: &UserConfig) -> Self {
        let mut walk = ConfigWalk::new(location, user, None);
        walk.run();
        if walk.asks_for_urls {
            // Which remotes there are is known only after the first walk.
            let urls = std::mem::take(&mut walk.urls);
            walk = ConfigWalk::new(location, user, Some(urls));
            walk.run();
        }
        Self { core: walk.core, top: location.path.clone(), home: user.home.clone(), defaults: user.defaults.clone() }
    }

    /// The file with patterns of what is ignored everywhere: `core.excludesFile`, or Git's default place.
    pub fn excludes_file(&self) -> Option<PathBuf> {
        self.file("excludesfile", "ignore")
    }

    /// The settings in the form `name=value`, without the file of what is ignored.
    pub fn overrides(&self) -> Vec<String> {
        let truth = |key: &str| self.last(key).map(|value| value.is_none_or(is_true).to_string());
        let word = |key: &str, known: &[&str]| {
            let value = String::from_utf8(self.last(key)??.to_ascii_lowercase()).ok()?;
            known.contains(&&*value).then_some(value)
        };
        let line_ends = word("autocrlf", &["input"]).or_else(|| truth("autocrlf"));
        let attributes = self.file("attributesfile", "attributes");
        let attributes = attributes.filter(|path| matches!(read_text(path, CONFIG_MAX), RuleText::Content(_)));
        let found = [
            ("core.ignoreCase", truth("ignorecase")),
            ("core.trustctime", truth("trustctime")),
            ("core.autocrlf", line_ends),
            ("core.eol", word("eol", &["lf", "crlf", "native"])),
            ("core.checkStat", word("checkstat", &["default", "minimal"])),
            ("core.attributesFile", attributes.and_then(|path| path.to_str().map(str::to_owned))),
        ];
        found.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?))).collect()
    }

    /// The last value of a setting.
    fn last(&self, key: &str) -> Option<Option<&[u8]>> {
        self.core.iter().rev().find(|(one, _)| *one == key).map(|(_, value)| value.as_deref())
    }

    /// A file that a setting names, relative to the top of the work tree, or the one of this name in Git's default place.
    fn file(&self, key: &str, default: &str) -> Option<PathBuf> {
        let named = self.core.iter().filter(|(one, _)| *one == key).filter_map(|(_, value)| value.as_deref());
        let mut found = self.defaults.as_ref().map(|dir| dir.join(default));
        for value in named {
            let (value, is_optional) = without_optional(value);
            let path = expanded(value, self.home.as_deref()).map(|path| self.top.join(path));
            if !is_optional || path.as_ref().is_some_and(|path| path.exists()) {
                found = path;
            }
        }
        found
    }
}

/// A value without the mark that its file need not be there.
fn without_optional(value: &[u8]) -> (&[u8], bool) {
    value.strip_prefix(b":(optional)").map_or((value, false), |rest| (rest, true))
}

/// A path with `~` and `~user` replaced.
fn expanded(value: &[u8], home: Option<&Path>) -> Option<PathBuf> {
    let context = interpolate::Context { home_dir: home, ..Default::default() };
    gix::config::Path::from(BString::from(value)).interpolate(context).ok()
}

/// One pass through all files of a configuration.
struct ConfigWalk<'a> {
    location: &'a Location,
    user: &'a UserConfig,
    /// Addresses of the remotes; `None`: not known yet.
    known_urls: Option<Vec<Vec<u8>>>,
    branch: Option<Vec<u8>>,
    core: Vec<(&'static str, Option<Vec<u8>>)>,
    urls: Vec<Vec<u8>>,
    asks_for_urls: bool,
    files: usize,
}

impl<'a> ConfigWalk<'a> {
    fn new(location: &'a Location, user: &'a UserConfig, known_urls: Option<Vec<Vec<u8>>>) -> Self {
        let branch = branch(location);
        Self { location, user, known_urls, branch, core: Vec::new(), urls: Vec::new(), asks_for_urls: false, files: 0 }
    }

    fn run(&mut self) {
        for path in &self.user.files {
            self.add(path, 0);
        }
        let shared = self.location.common_dir.join("config");
        let me = rustix::process::geteuid().as_raw();
        let is_own = |path: &Path| path.metadata().is_ok_and(|found| found.uid() == me);
        if !is_own(&self.location.common_dir) || !is_own(&shared) {
            return;
        }
        self.add(&shared, 0);
        let private = self.location.git_dir.join("config.worktree");
        if has_worktree_config(&shared) && is_own(&private) {
            self.add(&private, 0);
        }
    }

    /// Adds a file, and what it includes where it includes it.
    fn add(&mut self, path: &Path, depth: usize) {
        if depth > DEPTH_MAX || self.files == FILES_MAX {
            return;
        }
        self.files += 1;
        let Some(file) = parsed(path) else { return };
        for section in file.sections() {
            let (header, body) = (section.header(), section.body());
            let name = header.name().to_ascii_lowercase();
            let is_included = match (&name[..], header.subsection_name()) {
                (b"include", None) => true,
                (b"includeif", Some(condition)) => self.holds(condition, path),
                _ => false,
            };
            if is_included {
                for value in body.values("path") {
                    if let Some(path) = self.included(&value, path) {
                        self.add(&path, depth + 1);
                    }
                }
            }
            match (&name[..], header.subsection_name()) {
                (b"core", None) => self.core.extend(CORE.into_iter().flat_map(|key| values(body, key))),
                (b"remote", Some(_)) => self.urls.extend(body.values("url").into_iter().map(Into::into)),
                _ => {}
            }
        }
    }

    fn included(&self, value: &[u8], including: &Path) -> Option<PathBuf> {
        let path = expanded(without_optional(value).0, self.user.home.as_deref())?;
        Some(including.parent()?.join(path))
    }

    /// Whether a condition of `includeIf` in a file holds.
    fn holds(&mut self, condition: &BStr, file: &Path) -> bool {
        let Some(colon) = condition.iter().position(|&byte| byte == b':') else { return false };
        let (kind, pattern): (&[u8], &[u8]) = (&condition[..colon], &condition[colon + 1..]);
        match kind {
            b"gitdir" => self.is_git_dir(pattern, file, false),
            b"gitdir/i" => self.is_git_dir(pattern, file, true),
            b"onbranch" => {
                let pattern = with_all_below(pattern.to_vec());
                self.branch.as_ref().is_some_and(|branch| matches(&pattern, branch, false))
            }
            b"hasconfig" => {
                self.asks_for_urls = true;
                let (Some(glob), Some(urls)) = (pattern.strip_prefix(b"remote.*.url:"), &self.known_urls) else {
                    return false;
                };
                urls.iter().any(|url| matches(glob, url, false))
            }
            _ => false,
        }
    }

    fn is_git_dir(&self, pattern: &[u8], file: &Path, ignores_case: bool) -> bool {
        let mut literal = 0;
        let pattern = if let Some(below) = pattern.strip_prefix(b"./") {
            let Some(dir) =
                file.canonicalize().ok().and_then(|file| Some(file.parent()?.as_os_str().as_bytes().to_vec()))
            else {
                return false;
            };
            let dir = if dir == b"/" { Vec::new() } else { dir };
            literal = dir.len() + 1;
            [&dir[..], b"/", below].concat()
        } else if pattern.starts_with(b"~") {
            let home = self.user.home.as_ref().map(|home| home.canonicalize().unwrap_or_else(|_| home.clone()));
            let Some(path) = expanded(pattern, home.as_deref()) else { return false };
            let mut path = path.as_os_str().as_bytes().to_vec();
            if pattern.ends_with(b"/") && !path.ends_with(b"/") {
                path.push(b'/');
            }
            path
        } else if pattern.starts_with(b"/") {
            pattern.to_vec()
        } else {
            [b"**/", pattern].concat()
        };
        let pattern = with_all_below(pattern);
        // A link in the place of `.git` is matched by its own path, too.
        let link = self.location.path.join(".git");
        let link = link.symlink_metadata().is_ok_and(|found| found.is_symlink()).then_some(link);
        std::iter::once(&self.location.git_dir).chain(&link).any(|dir| {
            let dir = dir.as_os_str().as_bytes();
            let (Some((fixed, pattern)), Some((begin, rest))) =
                (pattern.split_at_checked(literal), dir.split_at_checked(literal))
            else {
                return false;
            };
            let is_same = if ignores_case { fixed.eq_ignore_ascii_case(begin) } else { fixed == begin };
            is_same && matches(pattern, rest, ignores_case)
        })
    }
}

fn with_all_below(mut pattern: Vec<u8>) -> Vec<u8> {
    if pattern.ends_with(b"/") {
        pattern.extend_from_slice(b"**");
    }
    pattern
}

fn matches(pattern: &[u8], text: &[u8], ignores_case: bool) -> bool {
    let case = if ignores_case { Mode::IGNORE_CASE } else { Mode::empty() };
    wildmatch(pattern.into(), text.into(), Mode::NO_MATCH_SLASH_LITERAL | case)
}

fn parsed(path: &Path) -> Option<gix::config::File> {
    let RuleText::Content(bytes) = read_text(path, CONFIG_MAX) else { return None };
    let meta = gix::config::file::Metadata::api();
    gix::config::File::from_bytes_no_includes(&bytes, meta, Default::default()).ok()
}

/// The value of a setting in a section, if it is there; within it, the name alone counts as a value, too.
fn values(body: gix::config::file::section::BodyRef<'_>, key: &'static str) -> Option<(&'static str, Option<Vec<u8>>)> {
    body.value_implicit(key).map(|value| (key, value.map(Into::into)))
}

/// `extensions.worktreeConfig` of the repository itself.
fn has_worktree_config(shared: &Path) -> bool {
    let Some(file) = parsed(shared) else { return false };
    let of_extensions = file.sections().filter(|section| section.header().name().eq_ignore_ascii_case(b"extensions"));
    let values = of_extensions.filter_map(|section| section.body().value_implicit("worktreeconfig"));
    values.last().is_some_and(|value| value.is_none_or(|value| is_true(&value)))
}

/// The short name of the branch that HEAD names, there or not.
fn branch(location: &Location) -> Option<Vec<u8>> {
    let mut name = b"HEAD".to_vec();
    for _ in 0..SYMREFS_MAX {
        let path = Path::new(std::ffi::OsStr::from_bytes(&name));
        let found = [&location.git_dir, &location.common_dir].into_iter().find_map(|dir| {
            match read_text(&dir.join(path), 4096) {
                RuleText::Content(text) => Some(text),
                RuleText::Nothing | RuleText::TooLarge => None,
            }
        });
        let target = found.as_ref().and_then(|text| text.strip_prefix(b"ref:"));
        let Some(target) = target.map(<[u8]>::trim_ascii).filter(|target| target.starts_with(b"refs/")) else { break };
        if target.split(|&byte| byte == b'/').any(|part| matches!(part, b"" | b"." | b"..")) {
            return None;
        }
        name = target.to_vec();
    }
    name.strip_prefix(b"refs/heads/").map(<[u8]>::to_vec)
}
