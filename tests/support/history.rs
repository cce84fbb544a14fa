//! A history made up by chance: what people do to a Rust repository, one operation at a time.

use super::{Random, TestRepo};

/// How often an operation searches a file or commit that it can be done to.
const TRIES: u64 = 20;
/// How far back reverts, resets, branches and merges reach.
const REACH: u64 = 5;

/// What can happen to a repository in one step.
#[derive(Clone, Copy, Debug)]
enum Operation {
    EditBody,
    EditSignature,
    EditVisibility,
    EditComment,
    AddItem,
    RenameFile,
    MoveFile,
    DeleteFile,
    Revert,
    Merge,
    SwitchBranch,
    Amend,
    Reset,
}

const OPERATIONS: [Operation; 13] = [
    Operation::EditBody,
    Operation::EditSignature,
    Operation::EditVisibility,
    Operation::EditComment,
    Operation::AddItem,
    Operation::RenameFile,
    Operation::MoveFile,
    Operation::DeleteFile,
    Operation::Revert,
    Operation::Merge,
    Operation::SwitchBranch,
    Operation::Amend,
    Operation::Reset,
];

/// Does one operation after the other to a repository whose branch is `main`.
pub struct History<'a> {
    repo: &'a TestRepo,
    random: Random,
    /// Makes every edit a new one.
    serial: u64,
}

impl<'a> History<'a> {
    pub fn new(repo: &'a TestRepo, random: Random) -> Self {
        Self { repo, random, serial: 0 }
    }

    /// Does something, and says what. HEAD may be where it was: not every revert or merge goes through.
    #[track_caller]
    pub fn step(&mut self) -> String {
        self.serial += 1;
        let operation = *self.random.one_of(&OPERATIONS);
        let subject = match operation {
            Operation::Revert => self.revert(),
            Operation::Merge => self.merge(),
            Operation::SwitchBranch => self.switch_branch(),
            Operation::Reset => self.reset(),
            Operation::Amend => {
                let edited = self.edit(Operation::EditBody);
                self.repo.git(&["commit", "--quiet", "--all", "--amend", "--no-edit", "--allow-empty"]);
                edited
            }
            edit => {
                // one file most of the time, now and then some at once
                let edits = 1 + self.random.below(4) / 3 * 2;
                let edited: Vec<String> = (0..edits).map(|_| self.edit(edit)).collect();
                self.repo.commit(&format!("{operation:?}"));
                edited.join(", ")
            }
        };
        format!("{operation:?} {subject}")
    }

    /// Does an operation to some file's text or place, and says to which.
    fn edit(&mut self, operation: Operation) -> String {
        for _ in 0..TRIES {
            let Some(path) = self.some_file() else { break };
            let done = match operation {
                Operation::RenameFile => self.rename(&path),
                Operation::MoveFile => self.move_file(&path),
                Operation::DeleteFile => {
                    self.repo.delete(&path);
                    true
                }
                _ => self.rewrite(&path, operation),
            };
            if done {
                return path;
            }
        }
        "nothing".to_owned()
    }

    fn rewrite(&mut self, path: &str, operation: Operation) -> bool {
        let serial = self.serial;
        let text = self.repo.read(path);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let functions: Vec<usize> = (0..lines.len()).filter(|&line| begins_function(&lines[line])).collect();
        match operation {
            Operation::EditComment => {
                let line = self.random.below(lines.len() as u64 + 1) as usize;
                let whole_line = lines.get(line).is_none_or(|line| line.trim_start().starts_with(['#', 'p', 'u', 'f']));
                lines.insert(if whole_line { line } else { 0 }, format!("// remark {serial}"));
            }
            Operation::AddItem => lines.push(format!("pub fn added_{serial}(n: u32) -> u32 {{\n    n + {serial}\n}}")),
            _ if functions.is_empty() => return false,
            Operation::EditBody => {
                let line = *self.random.one_of(&functions);
                lines[line].push_str(&format!("\n    let _ = {serial};"));
            }
            Operation::EditSignature => {
                let line = *self.random.one_of(&functions);
                lines[line] = lines[line].replacen('(', &format!("(_extra_{serial}: u8, "), 1);
            }
            _ => {
                let line = *self.random.one_of(&functions);
                lines[line] = match lines[line].strip_prefix("pub fn") {
                    Some(rest) => format!("fn{rest}"),
                    None => lines[line].replacen("fn ", "pub fn ", 1),
                };
            }
        }
        lines.push(String::new());
        self.repo.write(path, lines.join("\n"));
        true
    }

    /// Gives a module another name; half the time the one who declares it learns of it.
    fn rename(&mut self, path: &str) -> bool {
        let Some((folder, name)) = module_of(path) else { return false };
        let new = format!("{name}_{}", self.serial);
        self.repo.rename(path, &format!("{folder}/{new}.rs"));
        if self.random.below(2) == 0 {
            self.redeclare(&format!("mod {name};"), &format!("mod {new};"));
        }
        true
    }

    /// Moves a file into another folder, where half the time a module declares it.
    fn move_file(&mut self, path: &str) -> bool {
        let Some((folder, name)) = module_of(path) else { return false };
        let Some(other) = self.some_file() else { return false };
        let Some((target, _)) = module_of(&other) else { return false };
        let new = format!("{target}/{name}.rs");
        if target == folder || self.repo.path().join(&new).exists() {
            return false;
        }
        self.repo.rename(path, &new);
        if self.random.below(2) == 0 {
            let root = format!("{target}/lib.rs");
            if self.repo.path().join(&root).exists() {
                let text = self.repo.read(&root);
                self.repo.write(&root, format!("pub mod {name};\n{text}"));
            }
        }
        true
    }

    /// Replaces a declaration wherever it stands.
    fn redeclare(&self, from: &str, to: &str) {
        for path in self.files() {
            let text = self.repo.read(&path);
            if text.contains(from) {
                self.repo.write(&path, text.replace(from, to));
            }
        }
    }

    fn revert(&mut self) -> String {
        let commit = self.some_commit();
        if !self.repo.try_git(&["revert", "--no-edit", &commit]).status.success() {
            self.repo.git(&["reset", "--quiet", "--hard"]);
        }
        commit
    }

    /// Grows a branch from an older commit, and merges it.
    fn merge(&mut self) -> String {
        let base = self.some_commit();
        let here = self.repo.head();
        self.repo.checkout(&base);
        let edited = self.edit(Operation::AddItem);
        let side = self.repo.commit("a side branch");
        self.repo.checkout(&here);
        if !self.repo.try_git(&["merge", "--quiet", "--no-edit", "-X", "theirs", &side]).status.success() {
            self.repo.git(&["reset", "--quiet", "--hard"]);
        }
        format!("{base} with {edited}")
    }

    /// Leaves a branch here and goes to an older commit, or to a branch that was left before.
    fn switch_branch(&mut self) -> String {
        let branches = self.repo.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
        let branches: Vec<String> = branches.lines().map(str::to_owned).collect();
        let target = if self.random.below(2) == 0 { self.some_commit() } else { self.random.one_of(&branches).clone() };
        self.repo.git(&["branch", &format!("left-{}", self.serial)]);
        self.repo.checkout(&target);
        target
    }

    fn reset(&mut self) -> String {
        let commit = self.some_commit();
        self.repo.git(&["reset", "--quiet", "--hard", &commit]);
        commit
    }

    /// A commit not far behind.
    fn some_commit(&mut self) -> String {
        let limit = format!("--max-count={REACH}");
        let commits = self.repo.git(&["rev-list", "--no-merges", &limit, "HEAD"]);
        let commits: Vec<String> = commits.lines().map(str::to_owned).collect();
        self.random.one_of(&commits).clone()
    }

    fn some_file(&mut self) -> Option<String> {
        let files = self.files();
        (!files.is_empty()).then(|| self.random.one_of(&files).clone())
    }

    /// The Rust files that are there, deleted ones of this step left out.
    fn files(&self) -> Vec<String> {
        let listed = self.repo.git(&["ls-files", "*.rs"]);
        listed.lines().filter(|path| self.repo.path().join(path).is_file()).map(str::to_owned).collect()
    }
}

/// A line that begins a function, its body's first brace at the end.
fn begins_function(line: &str) -> bool {
    let head = line.trim_start();
    let declares = ["fn ", "pub fn ", "pub(crate) fn "].iter().any(|start| head.starts_with(start));
    declares && line.contains('(') && line.ends_with('{')
}

/// Folder and name of a file that is a module of its own name.
fn module_of(path: &str) -> Option<(&str, &str)> {
    let (folder, file) = path.rsplit_once('/')?;
    let name = file.strip_suffix(".rs")?;
    (!["lib", "main", "mod", "build"].contains(&name)).then_some((folder, name))
}
