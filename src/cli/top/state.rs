//! What is shown, and what a key or an answer changes of it.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::query::search::QUERY_MAX;
use crate::query::view::budget::{BudgetHistory, BudgetView};
use crate::query::view::queue::JobView;
use crate::query::view::search::SearchView;
use crate::query::view::status::StatusView;

/// How far a page of a list goes.
const PAGE: usize = 10;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TopScreen {
    #[default]
    Repositories,
    Queue,
    Money,
    Search,
}

impl TopScreen {
    pub const ALL: [Self; 4] = [Self::Repositories, Self::Queue, Self::Money, Self::Search];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Repositories => "Repositories",
            Self::Queue => "Queue",
            Self::Money => "Money",
            Self::Search => "Search",
        }
    }

    fn moved(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }
}

/// What the stores say, all of one moment.
#[derive(Clone, Debug)]
pub(super) struct TopAnswers {
    pub status: StatusView,
    /// What runs, waits or failed; the next one first.
    pub jobs: Vec<TopJob>,
    /// Why there is none.
    pub why_no_jobs: String,
    pub budget: BudgetView,
    pub history: BudgetHistory,
}

/// A job and the name of its repository.
#[derive(Clone, Debug)]
pub(super) struct TopJob {
    pub repo: String,
    pub job: JobView,
}

/// What has happened.
pub(super) enum TopEvent {
    Key(KeyEvent),
    Resized,
    Answers(Box<Result<TopAnswers, String>>),
    /// The answer to a question.
    Found(String, Box<Result<SearchView, String>>),
    /// A signal, or the terminal is gone.
    Ended,
    /// A thread is gone.
    Died(&'static str),
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TopAct {
    Nothing,
    Search(String),
    Quit,
    Fail(String),
}

#[derive(Default)]
pub(super) struct TopState {
    pub screen: TopScreen,
    /// `None`: they are still read.
    pub answers: Option<TopAnswers>,
    /// Why the newest could not be read. Those before stay.
    pub unread: Option<String>,
    /// The chosen row of each screen; of `Money` the first one.
    rows: [usize; TopScreen::ALL.len()],
    pub search: TopSearch,
}

#[derive(Default)]
pub(super) struct TopSearch {
    pub query: String,
    /// Keys go into the query.
    pub is_typing: bool,
    /// The question that is being answered.
    pub asked: Option<String>,
    pub found: Option<SearchView>,
    pub failed: Option<String>,
}

impl TopState {
    /// The chosen row of the present screen, which may have fewer rows by now.
    pub fn row(&self) -> usize {
        self.rows[self.screen as usize].min(self.count().saturating_sub(1))
    }

    /// Rows of the present screen.
    fn count(&self) -> usize {
        let Some(answers) = &self.answers else { return 0 };
        match self.screen {
            TopScreen::Repositories => answers.status.repos.len(),
            TopScreen::Queue => answers.jobs.len(),
            TopScreen::Money => super::money::line_count(answers),
            TopScreen::Search => self.search.found.as_ref().map_or(0, |found| found.hits.len()),
        }
    }

    pub fn apply(&mut self, event: TopEvent) -> TopAct {
        match event {
            TopEvent::Key(key) if key.kind == KeyEventKind::Release => TopAct::Nothing,
            TopEvent::Key(key) => self.press(key),
            TopEvent::Resized => TopAct::Nothing,
            TopEvent::Answers(answers) => {
                match *answers {
                    Ok(answers) => (self.answers, self.unread) = (Some(answers), None),
                    Err(why) => self.unread = Some(why),
                }
                TopAct::Nothing
            }
            TopEvent::Found(query, answer) => {
                self.receive(&query, *answer);
                TopAct::Nothing
            }
            TopEvent::Ended => TopAct::Quit,
            TopEvent::Died(what) => TopAct::Fail(format!("{what} panicked; please report this as a bug")),
        }
    }

    /// Takes an answer, unless another question was asked since.
    fn receive(&mut self, query: &str, answer: Result<SearchView, String>) {
        if self.search.asked.as_deref() != Some(query) {
            return;
        }
        self.search.asked = None;
        match answer {
            Ok(found) => (self.search.found, self.search.failed) = (Some(found), None),
            Err(why) => (self.search.found, self.search.failed) = (None, Some(why)),
        }
        self.rows[TopScreen::Search as usize] = 0;
    }

    fn press(&mut self, key: KeyEvent) -> TopAct {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if is_control && matches!(key.code, KeyCode::Char('c' | 'd')) {
            return TopAct::Quit;
        }
        match key.code {
            KeyCode::Tab => self.go(self.screen.moved(1)),
            KeyCode::BackTab => self.go(self.screen.moved(TopScreen::ALL.len() - 1)),
            KeyCode::Up => self.choose(|row| row.saturating_sub(1)),
            KeyCode::Down => self.choose(|row| row + 1),
            KeyCode::PageUp => self.choose(|row| row.saturating_sub(PAGE)),
            KeyCode::PageDown => self.choose(|row| row + PAGE),
            _ if self.search.is_typing => return self.type_in(key.code, is_control),
            KeyCode::Home => self.choose(|_| 0),
            KeyCode::End => self.choose(|_| usize::MAX),
            KeyCode::Char('q') | KeyCode::Esc => return TopAct::Quit,
            KeyCode::Char('k') => self.choose(|row| row.saturating_sub(1)),
            KeyCode::Char('j') => self.choose(|row| row + 1),
            KeyCode::Char('g') => self.choose(|_| 0),
            KeyCode::Char('G') => self.choose(|_| usize::MAX),
            KeyCode::Char('/') => self.go(TopScreen::Search),
            KeyCode::Enter if self.screen == TopScreen::Search => self.go(TopScreen::Search),
            KeyCode::Char(digit) => {
                let at = digit.to_digit(10).and_then(|digit| (digit as usize).checked_sub(1));
                if let Some(screen) = at.and_then(|at| TopScreen::ALL.get(at)) {
                    self.go(*screen);
                }
            }
            _ => {}
        }
        TopAct::Nothing
    }

    /// Goes to a screen; on that of the search one types at once.
    fn go(&mut self, screen: TopScreen) {
        self.screen = screen;
        self.search.is_typing = screen == TopScreen::Search;
    }

    fn choose(&mut self, to: impl FnOnce(usize) -> usize) {
        let row = to(self.row()).min(self.count().saturating_sub(1));
        self.rows[self.screen as usize] = row;
    }

    fn type_in(&mut self, code: KeyCode, is_control: bool) -> TopAct {
        let query = &mut self.search.query;
        match code {
            KeyCode::Esc | KeyCode::Enter => {
                self.search.is_typing = false;
                return TopAct::Nothing;
            }
            KeyCode::Backspace => {
                query.pop();
            }
            KeyCode::Char('u') if is_control => query.clear(),
            KeyCode::Char('w') if is_control => {
                let kept = query.trim_end().rfind(' ').map_or(0, |at| at + 1);
                query.truncate(kept);
            }
            KeyCode::Char(typed) if !is_control && query.len() + typed.len_utf8() <= QUERY_MAX => query.push(typed),
            _ => return TopAct::Nothing,
        }
        let asked = query.trim().to_owned();
        if asked.is_empty() {
            let query = std::mem::take(&mut self.search.query);
            self.search = TopSearch { query, is_typing: true, ..TopSearch::default() };
            return TopAct::Nothing;
        }
        self.search.asked = Some(asked.clone());
        TopAct::Search(asked)
    }
}
