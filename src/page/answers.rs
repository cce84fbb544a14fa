//! Answers that take longer than a page may: they are worked out by one thread, kept, and worked out again when the state that they
//! are of has changed. A page that is asked before its answer is there says so, and is told when it is.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::live::Live;
use crate::client::QueryClient;
use crate::clock;
use crate::config::Config;
use crate::domain::{ObjectId, RepoId};
use crate::home::Home;
use crate::query::report::{ReportQuestion, ReportRange};
use crate::query::view::commit::CommitView;
use crate::query::view::report::ReportView;
use crate::query::view::status::StatusView;
use crate::query::{QueryError, Reader, commit, report};

/// Commits whose findings are known in advance: the history of a file goes back so far.
const COMMITS_FOLLOWED: usize = 20;
/// Commits that are kept.
const COMMITS_KEPT: usize = 64;
/// How long a page waits for an answer. Most repositories are answered in it.
pub(super) const PATIENCE: Duration = Duration::from_millis(60);

/// What is worked out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum SlowQuestion {
    /// What a commit did.
    Commit(RepoId, ObjectId),
    /// What is found at HEAD, and what the newest commits brought.
    Findings(RepoId),
    /// What is fresh, queued and spent.
    Status,
}

/// An answer, or why there is none.
#[derive(Clone)]
pub(super) enum SlowAnswer {
    Commit(Arc<CommitView>),
    Findings(Arc<ReportView>),
    Status(Arc<StatusView>),
    Failed(String),
}

/// An answer and the state that it is of.
#[derive(Clone)]
struct KeptAnswer {
    of: String,
    answer: SlowAnswer,
    used: u64,
}

#[derive(Default)]
struct AnswerShelf {
    kept: HashMap<SlowQuestion, KeptAnswer>,
    /// The one that was asked for last comes first, with the state that it is to be of.
    wanted: VecDeque<(SlowQuestion, String)>,
    running: Option<(SlowQuestion, String)>,
    uses: u64,
}

/// Works answers out, one at a time.
#[derive(Clone)]
pub(super) struct Answers {
    shelf: Arc<(Mutex<AnswerShelf>, Condvar)>,
}

impl Answers {
    /// Starts the thread.
    pub fn new(home: Home, live: Live) -> Self {
        let answers = Self { shelf: Arc::default() };
        let own = answers.clone();
        std::thread::spawn(move || own.work(&home, &live));
        answers
    }

    /// The answer to a question about a state, or about an earlier one while that is worked out; `None`: there is none yet. Waits for it
    /// as long as `patience`.
    pub fn ask(&self, question: &SlowQuestion, of: &str, patience: Duration) -> Option<SlowAnswer> {
        let begun = clock::monotonic();
        let mut shelf = self.lock();
        loop {
            shelf.uses += 1;
            let uses = shelf.uses;
            let found = shelf.kept.get_mut(question).map(|kept| {
                kept.used = uses;
                kept.clone()
            });
            if let Some(kept) = &found
                && kept.of == of
            {
                return Some(kept.answer.clone());
            }
            shelf.want(question, of);
            self.shelf.1.notify_all();
            let left = patience.saturating_sub(clock::since(begun));
            if left.is_zero() || found.is_some() {
                return found.map(|kept| kept.answer);
            }
            shelf = self.shelf.1.wait_timeout(shelf, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, AnswerShelf> {
        self.shelf.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, home: &Home, live: &Live) {
        loop {
            let (question, of) = self.next();
            let (home, asked) = (home.clone(), question.clone());
            // In a thread of its own: one answer that panics takes no other with it.
            let worked = std::thread::spawn(move || worked_out(&home, &asked)).join();
            let answer = match worked {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => SlowAnswer::Failed(error.to_string()),
                Err(_) => SlowAnswer::Failed("working it out panicked; please report this as a bug".to_owned()),
            };
            self.lock().put(question, of, answer);
            self.shelf.1.notify_all();
            live.changed();
        }
    }

    fn next(&self) -> (SlowQuestion, String) {
        let mut shelf = self.lock();
        loop {
            if let Some(next) = shelf.wanted.pop_front() {
                shelf.running = Some(next.clone());
                return next;
            }
            shelf = self.shelf.1.wait(shelf).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl AnswerShelf {
    fn want(&mut self, question: &SlowQuestion, of: &str) {
        let is_running = self.running.as_ref().is_some_and(|(running, state)| running == question && state == of);
        if !is_running {
            self.wanted.retain(|(wanted, _)| wanted != question);
            self.wanted.push_front((question.clone(), of.to_owned()));
        }
    }

    fn put(&mut self, question: SlowQuestion, of: String, answer: SlowAnswer) {
        self.running = None;
        let used = self.uses;
        self.kept.insert(question, KeptAnswer { of, answer, used });
        let is_commit = |question: &SlowQuestion| matches!(question, SlowQuestion::Commit(..));
        while self.kept.keys().filter(|question| is_commit(question)).count() > COMMITS_KEPT {
            let commits = self.kept.iter().filter(|(question, _)| is_commit(question));
            let Some(oldest) = commits.min_by_key(|(_, kept)| kept.used).map(|(question, _)| question.clone()) else {
                return;
            };
            self.kept.remove(&oldest);
        }
    }
}

fn worked_out(home: &Home, question: &SlowQuestion) -> Result<SlowAnswer, QueryError> {
    let config =
        Config::load(&home.config_file(), home.root()).map_err(|error| QueryError::Failed(error.to_string()))?;
    let reader = Reader::open(home, &config)?;
    match question {
        SlowQuestion::Commit(repo, id) => {
            let repo = reader.repo(&repo.0)?;
            Ok(SlowAnswer::Commit(Arc::new(commit::of(&reader, &repo, id)?)))
        }
        SlowQuestion::Findings(repo) => {
            let repo = reader.repo(&repo.0)?;
            let question = ReportQuestion { range: ReportRange::Newest(COMMITS_FOLLOWED) };
            let found = report::of(&reader, &repo, &question)?;
            Ok(SlowAnswer::Findings(Arc::new(ReportView::new(&repo, &found, None))))
        }
        SlowQuestion::Status => {
            let client = QueryClient { home, config: &config, wait: false };
            Ok(SlowAnswer::Status(Arc::new(client.status()?)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(n: u8) -> SlowQuestion {
        SlowQuestion::Commit(RepoId("r".to_owned()), ObjectId(vec![n]))
    }

    #[test]
    fn the_last_question_is_answered_first_and_asked_once() {
        let mut shelf = AnswerShelf::default();
        for n in [1, 2, 1, 3] {
            shelf.want(&commit(n), "a");
        }
        let order: Vec<SlowQuestion> = shelf.wanted.iter().map(|(question, _)| question.clone()).collect();
        assert_eq!(order, [commit(3), commit(1), commit(2)]);
        shelf.running = shelf.wanted.pop_front();
        shelf.want(&commit(3), "a");
        assert_eq!(shelf.wanted.len(), 2, "it is being worked out");
        shelf.want(&commit(3), "b");
        assert_eq!(shelf.wanted.len(), 3, "of another state it is not");
    }

    #[test]
    fn old_commits_make_room_and_findings_stay() {
        let mut shelf = AnswerShelf::default();
        let findings = SlowQuestion::Findings(RepoId("r".to_owned()));
        shelf.put(findings.clone(), String::new(), SlowAnswer::Failed(String::new()));
        for n in 0..=u8::try_from(COMMITS_KEPT).unwrap() {
            shelf.uses += 1;
            shelf.put(commit(n), String::new(), SlowAnswer::Failed(String::new()));
        }
        assert_eq!(shelf.kept.len(), COMMITS_KEPT + 1);
        assert!(shelf.kept.contains_key(&findings) && !shelf.kept.contains_key(&commit(0)));
    }
}
