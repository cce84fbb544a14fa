//! What a work tree ignores, compared with Git itself over random configurations and trees.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::*;
use crate::repo::fixture::{Dice, TestRepo, seeds};

/// `RA_AGENT_SEEDS` names others.
const ROUNDS: u64 = 40;

const DIRECTORIES: [&str; 9] = ["", "a", "a/b", "a/Log", "b", "b/a", "Log", "x y/é", "a/b/c"];
const FILES: [&str; 9] = ["a.rs", "b.log", "B.LOG", "c.md", "log", "Log.rs", "é.rs", "x y.rs", "a#b.rs"];
const PATTERNS: [&str; 36] = [
    "/**",
    "/*",
    "**/*",
    "**/",
    "*.log",
    "/a",
    "a/",
    "a/**",
    "**/b",
    "!*.log",
    "!a/",
    "a/b/*.rs",
    "[ab]*",
    "B",
    "LOG",
    "log/",
    "*",
    "!*/",
    "x y",
    "#c",
    "a  ",
    "é*",
    "\\#x",
    "*.md\r",
    "!/a/b",
    "/b/*",
    "!/b/a.rs",
    "**/Log/**",
    "a/*/c",
    "c.m?",
    "[!a]*.rs",
    "/*/b",
    "!a.rs",
    "x\\ y.rs",
    "**",
    "a#b.rs",
];

fn patterns(dice: &mut Dice) -> String {
    let mut text = if dice.chance(10) { "\u{feff}".to_owned() } else { String::new() };
    for _ in 0..=dice.roll(3) {
        text.push_str(dice.one(&PATTERNS));
        text.push('\n');
    }
    text
}

/// A repository, or a linked work tree of one, with a home directory.
struct Place {
    repo: TestRepo,
    home: PathBuf,
    top: PathBuf,
}

impl Place {
    fn new(dice: &mut Dice) -> Self {
        let repo = TestRepo::new();
        let home = repo.outside("home");
        fs::create_dir(&home).unwrap();
        repo.commit("empty");
        let top = if dice.chance(30) { repo.outside("linked") } else { repo.path().to_owned() };
        if top != repo.path() {
            repo.git(&["worktree", "add", "-q", "-b", "topic/one", top.to_str().unwrap()]);
        }
        Self { repo, home, top }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.current_dir(&self.top).args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", &self.home).env("GIT_CONFIG_NOSYSTEM", "1").stderr(Stdio::null());
        command
    }

    fn git(&self, args: &[&str]) -> Vec<u8> {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}");
        output.stdout
    }

    fn paths(&self, args: &[&str]) -> BTreeSet<FilePath> {
        split(&self.git(args))
    }

    /// Those of the paths that Git reports as ignored.
    fn ignored(&self, paths: &BTreeSet<FilePath>) -> BTreeSet<FilePath> {
        let mut command = self.command(&["check-ignore", "-z", "--stdin"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input: Vec<u8> = paths.iter().flat_map(|path| [path.as_bytes(), b"\0"].concat()).collect();
        child.stdin.take().unwrap().write_all(&input).unwrap();
        split(&child.wait_with_output().unwrap().stdout)
    }

    fn write(&self, path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn append(&self, path: &Path, text: &str) {
        let before = fs::read_to_string(path).unwrap_or_default();
        self.write(path, &(before + text));
    }

    /// All files of patterns, to be reported.
    fn rules(&self) -> String {
        let mut found = String::new();
        let mut ahead = vec![self.repo.path().parent().unwrap().to_owned()];
        while let Some(path) = ahead.pop() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                ahead.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else if name == ".gitignore" || name == "exclude" || name == "ignore" || name.starts_with("rules") {
                found.push_str(&format!("{}: {:?}\n", path.display(), fs::read_to_string(&path).unwrap()));
            }
        }
        found
    }

    fn location(&self) -> Location {
        let nowhere = Path::new("/nonexistent");
        crate::repo::locate(&self.top, nowhere, nowhere).unwrap()
    }

    /// Settings in one of the places that Git reads, each of them a file of patterns of its own.
    fn configure(&self, dice: &mut Dice, number: usize) {
        let location = self.location();
        let shared = location.common_dir.join("config");
        let file = dice.one(&[
            OsStr::new(".gitconfig"),
            OsStr::new(".config/git/config"),
            OsStr::new("shared"),
            OsStr::new("shared"),
            OsStr::new("worktree"),
        ]);
        let file = match file.to_str().unwrap() {
            "shared" => shared,
            "worktree" => {
                self.git(&["config", "extensions.worktreeConfig", dice.one(&["true", "true", "false"])]);
                location.git_dir.join("config.worktree")
            }
            name => self.home.join(name),
        };
        let name = format!("rules{number}");
        let (value, rules) = match dice.roll(4) {
            0 => (format!("~/{name}"), self.home.join(&name)),
            1 => (name.clone(), self.top.join(&name)),
            2 => (format!("sub/{name}"), self.top.join("sub").join(&name)),
            _ => (self.home.join(&name).display().to_string(), self.home.join(&name)),
        };
        let mut text = match dice.roll(5) {
            0 => format!("[core]\n\tignoreCase = {}\n", dice.one(&["true", "false", "yes", "0"])),
            1 => "[CORE]\n\tignorecase\n".to_owned(),
            _ => format!("[core]\n\texcludesFile = {value}\n"),
        };
        if !dice.chance(10) {
            self.write(&rules, &patterns(dice));
        }
        if dice.chance(60) {
            let included = file.with_file_name(format!("included{number}"));
            self.write(&included, &text);
            let named = match dice.roll(3) {
                0 => included.display().to_string(),
                _ => included.file_name().unwrap().to_str().unwrap().to_owned(),
            };
            text = format!("{}\n\tpath = {named}\n", self.condition(dice, &location));
        }
        self.append(&file, &text);
    }

    fn condition(&self, dice: &mut Dice, location: &Location) -> String {
        let git_dir = location.git_dir.display().to_string();
        let above = self.repo.path().parent().unwrap().display().to_string();
        let condition = match dice.roll(16) {
            0..3 => return "[include]".to_owned(),
            3 => format!("gitdir:{git_dir}"),
            4 => format!("gitdir:{above}/"),
            5 => format!("gitdir/i:{}/", above.to_uppercase()),
            6 => format!("gitdir:{}/", above.to_uppercase()),
            7 => "gitdir:repo/".to_owned(),
            8 => "gitdir:repo/.git/**".to_owned(),
            9 => "gitdir:~/".to_owned(),
            10 => format!("gitdir:{}", dice.one(&["./", "./repo/", "./**"])),
            11 => format!("onbranch:{}", dice.one(&["main", "topic/", "top*", "topic/**", "ma?n"])),
            12 => format!("hasconfig:remote.*.url:{}", dice.one(&["https://host/**", "https://*/x", "**/y"])),
            13 => "gitdir/i:REPO/".to_owned(),
            14 => "gitdir:*".to_owned(),
            _ => "nonsense:x".to_owned(),
        };
        format!("[includeIf \"{condition}\"]")
    }
}

fn split(output: &[u8]) -> BTreeSet<FilePath> {
    output.split(|&byte| byte == 0).filter(|path| !path.is_empty()).map(|path| FilePath::new(path.to_vec())).collect()
}

/// What is there may be several, and anything of it is tracked or not.
fn fill(place: &Place, dice: &mut Dice) {
    let mut tracked = Vec::new();
    for _ in 0..30 {
        let path = place.top.join(dice.one(&DIRECTORIES)).join(dice.one(&FILES));
        // One of the names may be a file and a directory.
        if path.parent().unwrap().ancestors().all(|dir| !dir.is_file()) && !path.is_dir() {
            place.write(&path, "text\n");
            if dice.chance(25) {
                tracked.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    let add: Vec<&str> = ["add", "-f", "--"].into_iter().chain(tracked.iter().map(String::as_str)).collect();
    place.git(&add);
    for dir in DIRECTORIES {
        let dir = place.top.join(dir);
        if dir.is_dir() && dice.chance(30) {
            place.write(&dir.join(".gitignore"), &patterns(dice));
        }
    }
    let exclude = place.location().common_dir.join("info/exclude");
    if dice.chance(40) {
        place.write(&exclude, &patterns(dice));
    }
    if dice.chance(30) {
        place.write(&place.home.join(".config/git/ignore"), &patterns(dice));
    }
    if dice.chance(50) {
        place.git(&["config", "remote.one.url", dice.one(&["https://host/x", "https://host/a/y"])]);
    }
    for number in 0..dice.roll(4) {
        place.configure(dice, number);
    }
}

#[test]
fn what_git_ignores_is_ignored_under_any_settings() {
    for seed in seeds(ROUNDS) {
        let mut dice = Dice(seed);
        let place = Place::new(&mut dice);
        fill(&place, &mut dice);
        let (deny, user) = (FileSelection::default(), UserConfig::at_home(&place.home));
        let mut tree = WorkTree::open(&place.location(), &user, &deny).unwrap();
        let Some(tree) = &mut tree else { continue };
        let mut found = BTreeSet::new();
        let mut directories = BTreeSet::new();
        let walked = tree.walk(
            |dir| {
                directories.insert(FilePath::new(dir.to_vec()));
                ControlFlow::Continue(())
            },
            |path| {
                found.insert(path);
                ControlFlow::Continue(())
            },
        );
        assert!(walked.is_continue());
        let case = "core.ignoreCase=false";
        let folds = tree.repo.config_snapshot().boolean("core.ignoreCase") == Some(true);
        let untracked = place.paths(&["ls-files", "-z", "-o", "--exclude-standard"]);
        let settings = || place.command(&["config", "--list", "--show-origin"]).output().unwrap().stdout;
        let settings = || String::from_utf8_lossy(&settings()).replace('\0', "\n") + &place.rules();
        // Under `core.ignoreCase` Git lists no file that has the name of a tracked one in other letters.
        if !folds {
            assert_eq!(found, untracked, "seed {seed}\n{}", settings());
        }
        let all = place.paths(&["-c", case, "ls-files", "-z", "-o"]);
        let ignored = place.ignored(&all);
        for path in &all {
            assert_eq!(tree.is_ignored(path, false), ignored.contains(path), "seed {seed}: {path}\n{}", settings());
        }
        let tracked = place.paths(&["ls-files", "-z"]);
        directories.remove(&FilePath::from(""));
        for dir in place.ignored(&directories) {
            let below = join(dir.as_bytes(), b"");
            let holds = tracked.iter().any(|path| path.as_bytes().starts_with(&below));
            assert!(holds, "seed {seed}: {dir} is watched\n{}", settings());
        }
    }
}

/// Git reads an index whose checksum is wrong, and passes over extensions that it cannot use.
#[test]
fn f39_a_damaged_index_is_read_if_git_reads_it() {
    let mut dice = Dice(5);
    let place = Place::new(&mut dice);
    for dir in DIRECTORIES {
        for file in FILES {
            place.write(&place.top.join(dir).join(file), "text\n");
        }
    }
    place.git(&["add", "-A", "-f"]);
    place.git(&["write-tree"]);
    let index = place.location().git_dir.join("index");
    let sound = fs::read(&index).unwrap();
    let (deny, user) = (FileSelection::default(), UserConfig::default());
    let extensions = sound.windows(4).position(|bytes| bytes == b"TREE").unwrap();
    for round in 0..40 {
        let mut bytes = sound.clone();
        let at = extensions + dice.roll(bytes.len() - extensions);
        bytes[at] ^= 1 << dice.roll(8);
        fs::write(&index, &bytes).unwrap();
        let by_git = place.command(&["ls-files", "-z"]).output().unwrap();
        let opened = WorkTree::open(&place.location(), &user, &deny);
        if by_git.status.success() {
            let tree = opened.unwrap_or_else(|error| panic!("round {round}, byte {at}: {error}")).unwrap();
            let paths = tree.index.entries().iter().map(|entry| FilePath::new(entry.path(&tree.index).to_vec()));
            assert_eq!(paths.collect::<BTreeSet<_>>(), split(&by_git.stdout), "round {round}");
        }
    }
}
