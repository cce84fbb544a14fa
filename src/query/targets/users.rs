//! Who uses an item or a file, and what they use: files by the recorded edges, lines as they are on the disk.

use std::collections::BTreeSet;

use super::super::impact::{StandingImpact, Subject};
use super::super::items::{TextItem, is_meant, item_at, items_of, last};
use super::super::present::PresentFile;
use super::super::view::impact::ImpactView;
use super::super::view::show::by_file;
use super::super::view::targets::{ShownItem, UserFile, UserLine};
use super::super::{QueryError, items};
use super::{ShowPart, Shower};
use crate::cache::edges::Relation;
use crate::cache::implementations;
use crate::domain::{Edge, FilePath, Role};
use crate::language;

/// Files of users that are read, and lines of one that are named.
const FILES_READ: usize = 40;
const LINES_NAMED: usize = 8;

impl Shower<'_> {
    pub(super) fn add_parts_of_file(
        &mut self,
        path: &FilePath,
        text: &str,
        shown: &mut ShownItem,
    ) -> Result<(), QueryError> {
        let edges = self.edges_to(path)?;
        let users: Vec<UserFile> = by_file(&edges, |edge| &edge.dependent_file)
            .into_iter()
            .map(|user| UserFile { path: user.path, lines: Vec::new(), symbols: user.symbols })
            .collect();
        self.share_out(users, path, shown);
        self.add_tests(path, None, shown)?;
        self.add_uses(path, text, shown)?;
        self.findings(path, None, shown)
    }

    pub(super) fn add_parts_of_item(
        &mut self,
        path: &FilePath,
        text: &str,
        item: &TextItem,
        shown: &mut ShownItem,
    ) -> Result<(), QueryError> {
        if self.wants(ShowPart::Users, true) {
            let users = self.users_of(path, text, item, shown)?;
            self.share_out(users, path, shown);
            self.note_interfaces(path, item, shown)?;
        }
        self.add_tests(path, Some(item), shown)?;
        let body = super::cut(text, item.start_line, item.end_line);
        self.add_uses(path, &body, shown)?;
        self.findings(path, Some((item.start_line, item.end_line)), shown)
    }

    /// Who calls it through an interface that it implements, and what implements it if it is one: neither has to name the other.
    fn note_interfaces(&self, path: &FilePath, item: &TextItem, shown: &mut ShownItem) -> Result<(), QueryError> {
        let Some(store) = self.store else { return Ok(()) };
        let is_it = |file: &FilePath, name: &str| file == path && is_meant(name, &item.name);
        for link in implementations::of_file(store.db(), path)? {
            if is_it(&link.interface_file, &link.interface) {
                shown.notes.push(format!("implemented by {} of {}", link.implementation, link.implementation_file));
            } else if is_it(&link.implementation_file, &link.implementation) {
                let edges = self.edges_to(&link.interface_file)?;
                let callers =
                    edges.iter().filter(|edge| edge.symbol_name == link.interface && edge.dependent_file != *path);
                let callers: BTreeSet<String> = callers.map(|edge| edge.dependent_file.to_string()).collect();
                let callers: Vec<String> = callers.into_iter().take(FILES_READ).collect();
                let (interface, file) = (&link.interface, &link.interface_file);
                shown.notes.push(format!("implements {interface} of {file}, used by: {}", callers.join(", ")));
            }
        }
        Ok(())
    }

    fn edges_to(&self, path: &FilePath) -> Result<Vec<Edge>, QueryError> {
        Ok(self.store.map(|store| Relation::Uses.of_source(store.db(), path)).transpose()?.unwrap_or_default())
    }

    /// Users are files of tests, which are told where tests are asked for, or others.
    fn share_out(&self, users: Vec<UserFile>, path: &FilePath, shown: &mut ShownItem) {
        if !self.wants(ShowPart::Users, true) {
            return;
        }
        let is_test = |user: &UserFile| language::role_of(&FilePath::from(user.path.path.as_str())) == Role::Test;
        let (tests, others): (Vec<UserFile>, Vec<UserFile>) = users.into_iter().partition(is_test);
        shown.users = Some(others);
        shown.test_users = tests;
        if !language::of(path).has_dependents() {
            let note = format!("users: not known for {}; search finds where it is mentioned", shown.language);
            shown.notes.push(note);
        }
    }

    /// The tests that reach a file or an item of it: those that `impact` names, for it is `impact` that is asked.
    fn add_tests(&mut self, path: &FilePath, item: Option<&TextItem>, shown: &mut ShownItem) -> Result<(), QueryError> {
        if !self.wants(ShowPart::Tests, false) {
            return Ok(());
        }
        if !language::of(path).has_dependents() {
            shown.tests = Some(Vec::new());
            return Ok(());
        }
        let asked = match item {
            Some(item) => Subject::Symbol { file: Some(path.clone()), name: item.name.clone() },
            None => Subject::Files(vec![path.clone()]),
        };
        let standing = match self.standing.take() {
            Some(standing) => standing,
            None => StandingImpact::open(self.reader, self.repo)?,
        };
        let found = standing.of(&asked);
        self.standing = Some(standing);
        shown.tests = Some(match found {
            Ok(found) => ImpactView::new(self.repo, &found).tests,
            // What no outline has is used by nothing that is known.
            Err(QueryError::Invalid(_)) => Vec::new(),
            Err(error) => return Err(error),
        });
        Ok(())
    }

    /// The files that use an item by the recorded edges, and its own, with the lines that name it now.
    fn users_of(
        &mut self,
        path: &FilePath,
        text: &str,
        item: &TextItem,
        shown: &mut ShownItem,
    ) -> Result<Vec<UserFile>, QueryError> {
        let uses_it = |edge: &Edge| is_meant(&edge.symbol_name, &item.name) || is_meant(&item.name, &edge.symbol_name);
        let edges = self.edges_to(path)?;
        let files: BTreeSet<&FilePath> =
            edges.iter().filter(|edge| uses_it(edge)).map(|edge| &edge.dependent_file).collect();
        let mut users = Vec::new();
        let own = user_lines(path, text, item, true);
        if !own.is_empty() {
            users.push(UserFile { path: path.into(), lines: own, symbols: Vec::new() });
        }
        for (nth, user) in files.into_iter().enumerate() {
            let lines = match nth < FILES_READ {
                true => match self.seen.compare(&mut self.files, user)? {
                    PresentFile::AsRecorded(text) => user_lines(user, &text, item, false),
                    PresentFile::Changed(text) => {
                        let lines = user_lines(user, &text, item, false);
                        if lines.is_empty() {
                            shown
                                .notes
                                .push(format!("users: {user} used it when it was indexed, and does not name it now"));
                            continue;
                        }
                        lines
                    }
                    PresentFile::Gone { .. } => {
                        shown.notes.push(format!("users: {user} used it, and is gone"));
                        continue;
                    }
                    PresentFile::Left(_) => Vec::new(),
                },
                false => Vec::new(),
            };
            users.push(UserFile { path: user.into(), lines, symbols: Vec::new() });
        }
        Ok(users)
    }

    /// The files that a text uses; of an item, those with a symbol that its text names.
    fn add_uses(&self, path: &FilePath, text: &str, shown: &mut ShownItem) -> Result<(), QueryError> {
        let (Some(store), true) = (self.store, self.with.contains(&ShowPart::Uses)) else { return Ok(()) };
        let mut edges = Relation::Uses.of_dependent(store.db(), path)?;
        let words = words(text);
        edges.retain(|edge| words.contains(last(&edge.symbol_name)));
        shown.uses = Some(by_file(&edges, |edge| &edge.source_file));
        Ok(())
    }
}

/// The words of a text that can be names.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).collect()
}

/// The lines that name an item, outside the item itself and outside comments that are a line of their own. Those that call it, if it can
/// be called and any does; imports only where nothing else names it.
fn user_lines(path: &FilePath, text: &str, item: &TextItem, is_own: bool) -> Vec<UserLine> {
    let word = items::last(&item.name);
    let is_comment = |line: &str| ["//", "/*", "* ", "# "].iter().any(|start| line.trim_start().starts_with(start));
    let inside = |line: u32| is_own && (item.start_line..=item.end_line).contains(&line);
    let numbered = (1_u32..).zip(text.lines());
    let naming: Vec<(u32, &str)> =
        numbered.filter(|(number, line)| !inside(*number) && !is_comment(line) && words(line).contains(word)).collect();
    let is_callable = matches!(item.kind.as_str(), "function" | "method" | "macro");
    let called: Vec<(u32, &str)> =
        naming.iter().copied().filter(|(_, line)| !is_callable || is_called(line, word)).collect();
    // What a file of its own names and does not call is another thing of the same name.
    let kept = if called.is_empty() && !is_own { naming } else { called };
    let beside_imports: Vec<(u32, &str)> = kept.iter().copied().filter(|(_, line)| !is_import(line)).collect();
    let kept = if beside_imports.is_empty() && !is_own { kept } else { beside_imports };
    if kept.is_empty() {
        return Vec::new();
    }
    let items = items_of(language::of(path), text);
    let holder = |line| item_at(&items, line).map(|item| item.name.clone());
    kept.into_iter().take(LINES_NAMED).map(|(line, _)| UserLine { line, item: holder(line) }).collect()
}

/// Whether a line has a word as something that is called, or named behind its owner.
fn is_called(line: &str, word: &str) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        let is_whole = !before.ends_with(is_of_name) && !after.starts_with(is_of_name);
        is_whole && (after.starts_with(['(', '!', '<']) || after.starts_with("::<") || before.ends_with(['.', ':']))
    })
}

fn is_import(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches("pub ");
    ["use ", "import ", "from ", "export ", "#include"].iter().any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, name: &str, kind: &str) -> Vec<(u32, Option<String>)> {
        let item = TextItem {
            kind: kind.to_owned(),
            name: name.to_owned(),
            signature: String::new(),
            start_line: 1,
            end_line: 1,
            line: 1,
        };
        let lines = user_lines(&FilePath::from("src/a.rs"), text, &item, false);
        lines.into_iter().map(|line| (line.line, line.item)).collect()
    }

    #[test]
    fn calls_are_told_with_what_holds_them() {
        let text =
            "use crate::open;\n\n// open it\nfn run(open: bool) {\n    open(1);\n    reopen(2);\n    x.open();\n}\n";
        let run = Some("run".to_owned());
        assert_eq!(lines(text, "store::open", "function"), [(5, run.clone()), (7, run.clone())]);
        assert_eq!(lines(text, "open", "struct"), [(4, run.clone()), (5, run.clone()), (7, run)]);
        assert_eq!(lines("use crate::open;\n", "open", "function"), [(1, None)]);
        assert_eq!(lines("fn f(g: fn()) {\n    map(open)\n}\n", "open", "function"), [(2, Some("f".to_owned()))]);
    }
}
