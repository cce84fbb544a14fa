//! What is seen of a state, cell by cell: `tests/data/top/<screen>-<width>x<height>.txt`. `BLESS=1 cargo test top::` writes them.

use std::path::{Path, PathBuf};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;

use super::draw::{TopPalette, draw};
use super::state::{TopAct, TopAnswers, TopEvent, TopJob, TopScreen, TopState};
use crate::query::view::budget::{
    BudgetHistory, BudgetStatus, BudgetView, CommitStatus, DayStatus, GroupStatus, ModelPrice, NamedSpending,
};
use crate::query::view::plain::acts;
use crate::query::view::queue::JobView;
use crate::query::view::search::{SearchHit, SearchView, SnippetLine};
use crate::query::view::status::{
    CacheStatus, CutoffStatus, DaemonStatus, EmbeddingStatus, LanguageStatus, ParkedStatus, QueueStatus, RepoStatus,
    StatusView,
};

const SIZES: [(u16, u16); 3] = [(80, 24), (40, 12), (200, 60)];

fn repo(path: &str, pending: u64) -> RepoStatus {
    RepoStatus {
        repo: path.to_owned(),
        id: "1".to_owned(),
        head: Some("8f3ac1d29b7e".to_owned()),
        indexed_commit: Some("8f3ac1d29b7e".to_owned()),
        files: 1_204,
        languages: vec![
            LanguageStatus { language: "rust".to_owned(), rung: "linked", files: 1_100 },
            LanguageStatus { language: "shell".to_owned(), rung: "outlined", files: 104 },
        ],
        fresh: 1_204 - pending,
        stale: 0,
        evicted: 0,
        pending,
        skipped: 3,
        saved: 1,
        not_followed: None,
        asked: 40,
        answered: 12,
        embedded: 1_204,
        provisional: 0,
        searched_by: None,
        bytes: 12_000_000,
        cache_wanted_mb: None,
        set_aside: Vec::new(),
        blocked: None,
        held: None,
        error: None,
    }
}

fn group(calls: u64, spent_usd: f64) -> GroupStatus {
    let (input_tokens, output_tokens) = (calls * 900, calls * 120);
    GroupStatus { calls, spent_usd, reserved_usd: 0.0, input_tokens, output_tokens, unreported: 0, crashed: 0 }
}

fn named(name: &str, calls: u64, spent_usd: f64) -> NamedSpending {
    NamedSpending { name: name.to_owned(), group: group(calls, spent_usd) }
}

fn job(id: i64, state: &'static str, path: &str) -> TopJob {
    let job = JobView {
        id,
        repo_id: "1".to_owned(),
        path: path.to_owned(),
        path_bytes: None,
        kind: "ask:file_summary",
        state,
        priority: "normal",
        reason: "dependency-changed",
        reason_symbol: Some("clamp".to_owned()),
        reason_file: Some("src/limits.rs".to_owned()),
        attempts: 2,
        detail: Some("the provider is busy".to_owned()),
        cache_key: String::new(),
        created_at: "2026-11-27T18:34:00Z".to_owned(),
    };
    TopJob { repo: "fd".to_owned(), job }
}

fn budget() -> BudgetStatus {
    BudgetStatus {
        month: "2026-11".to_owned(),
        spent_usd: 1.25,
        limit_usd: 3.0,
        reserved_usd: 0.01,
        remaining_usd: 1.74,
        percent: 41.7,
        projected_usd: 1.4,
        ends_at: "2026-12-01T00:00:00Z".to_owned(),
        day: DayStatus {
            day: "2026-11-27".to_owned(),
            spent_usd: 0.2,
            limit_usd: Some(0.5),
            reserved_usd: 0.01,
            remaining_usd: Some(0.29),
        },
        mean_usd_per_file: Some(0.001),
        mean_usd_per_analysis: Some(0.0005),
        mean_of_files: 1_250,
        files_remaining: Some(1_740),
        stopped: None,
        parked: 5,
        resumes_at: Some("2026-11-28T00:00:00Z".to_owned()),
    }
}

fn history() -> BudgetHistory {
    let day = |day: u32| named(&format!("2026-11-{:02}", day + 1), u64::from(day), f64::from(day % 7) / 20.0);
    BudgetHistory {
        total: group(1_250, 1.25),
        days: (0..30).map(day).collect(),
        repos: vec![named("/home/a/src/fd", 900, 0.9), named("/home/a/src/ripgrep", 350, 0.35)],
        commits: vec![CommitStatus {
            repo: "/home/a/src/fd".to_owned(),
            commit: Some("8f3ac1d29b7e".to_owned()),
            group: group(12, 0.004),
        }],
        types: vec![named("file_summary", 1_250, 1.25)],
        models: vec![named("openai/gpt-5-mini", 1_250, 1.25)],
        crashed: Vec::new(),
    }
}

fn answers() -> TopAnswers {
    let mut behind = repo("/home/a/src/ripgrep", 0);
    behind.head = Some("0123456789ab".to_owned());
    let mut broken = repo("/home/a/src/broken", 0);
    broken.error = Some("its object database cannot be read".to_owned());
    TopAnswers {
        status: StatusView {
            daemon: DaemonStatus {
                running: true,
                pid: Some(4_711),
                rss_bytes: Some(21_000_000),
                ..DaemonStatus::default()
            },
            repos: vec![repo("/home/a/src/fd", 0), repo("/home/a/src/tokio", 17), behind, broken],
            queue: QueueStatus {
                queued: 17,
                running: 1,
                parked: 5,
                discarded: 1,
                done: 9_120,
                ..QueueStatus::default()
            },
            budget: budget(),
            cache: CacheStatus { bytes: 48_000_000, max_bytes: 5_000_000_000, hits: 12, misses: 3 },
            embedding: EmbeddingStatus { model: Some("bge-small-en-v1.5".to_owned()) },
            shared: None,
            model: None,
            parked: vec![ParkedStatus {
                cause: "budget".to_owned(),
                reason: "the day's limit is reached".to_owned(),
                until: Some("2026-11-28T00:00:00Z".to_owned()),
                jobs: 5,
            }],
            cutoff: CutoffStatus { considered: 1_500, analysed: 300, saved_usd: Some(0.6) },
        },
        jobs: vec![
            job(31, "running", "src/report.rs"),
            job(12, "discarded", "src/odd.rs"),
            job(32, "queued", "src/retry.rs"),
            job(33, "parked", "src/words.rs"),
        ],
        why_no_jobs: String::new(),
        budget: BudgetView {
            status: budget(),
            model: Some(ModelPrice {
                model: "openai/gpt-5-mini".to_owned(),
                input_usd: Some(0.25),
                cached_input_usd: Some(0.025),
                output_usd: Some(2.0),
                unknown: None,
            }),
        },
        history: history(),
    }
}

fn hit(name: &str, path: &str) -> SearchHit {
    let body = "pub fn clamp(n: u32) -> u32 {\n\t// keeps a number below the limit\n\tn.min(10)\n}\n";
    SearchHit {
        repo: "/home/a/src/fd".to_owned(),
        path: path.to_owned(),
        path_bytes: None,
        start_line: 12,
        end_line: 15,
        entity_type: "function".to_owned(),
        entity_name: name.to_owned(),
        score: 0.5,
        source: "worktree".to_owned(),
        rung: "linked".to_owned(),
        also_in: vec!["/home/a/src/fd-2".to_owned()],
        snippet: vec![SnippetLine { line: 13, text: "\t// keeps a number below the limit".to_owned() }],
        parts: None,
        written: None,
        stale: None,
        body: Some(body.to_owned()),
    }
}

fn found() -> SearchView {
    SearchView {
        query: "number below limit".to_owned(),
        mode: "lexical".to_owned(),
        note: Some("the model is being loaded; the next search goes by meaning, too".to_owned()),
        hits: vec![hit("clamp", "src/limits.rs"), hit("Words::count", "src/words.rs")],
        freshness: Vec::new(),
        errors: Vec::new(),
        uncommitted: Vec::new(),
        why_empty: None,
        answer_freshness: None,
    }
}

fn press(state: &mut TopState, code: KeyCode) -> TopAct {
    state.apply(TopEvent::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

fn type_in(state: &mut TopState, text: &str) -> TopAct {
    text.chars().fold(TopAct::Nothing, |_, typed| press(state, KeyCode::Char(typed)))
}

/// The screen as a person finds it.
fn state_of(screen: TopScreen, answers: TopAnswers, found: SearchView) -> TopState {
    let mut state = TopState::default();
    state.apply(TopEvent::Answers(Box::new(Ok(answers))));
    press(&mut state, KeyCode::Char(char::from_digit(screen as u32 + 1, 10).unwrap()));
    if screen == TopScreen::Search {
        let TopAct::Search(asked) = type_in(&mut state, "number below limit") else { panic!("nothing is asked") };
        state.apply(TopEvent::Found(asked, Box::new(Ok(found))));
    }
    press(&mut state, KeyCode::Down);
    state
}

fn drawn(state: &TopState, (width, height): (u16, u16), has_color: bool) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(state, TopPalette { has_color }, frame)).unwrap();
    terminal
}

fn text(state: &TopState, size: (u16, u16)) -> String {
    let shown = drawn(state, size, true).backend().to_string();
    // Lines in quotation marks, so that nothing of their ends is lost.
    shown.lines().map(|line| line.trim_matches('"').trim_end().to_owned() + "\n").collect()
}

fn assert_is_recorded(name: &str, present: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/top").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, present).unwrap();
    }
    let recorded = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}; see the top"));
    assert!(recorded == present, "{name} is another one; `BLESS=1 cargo test top::` records it:\n{present}");
}

#[test]
fn each_screen_is_drawn_as_recorded_at_each_size() {
    for screen in TopScreen::ALL {
        let state = state_of(screen, answers(), found());
        for (width, height) in SIZES {
            let name = format!("{}-{width}x{height}.txt", screen.title().to_lowercase());
            assert_is_recorded(&name, &text(&state, (width, height)));
        }
    }
}

#[test]
fn without_a_daemon_it_says_so_and_goes_on_reading() {
    let mut answers = answers();
    answers.status.daemon = DaemonStatus::default();
    let state = state_of(TopScreen::Repositories, answers, found());
    assert_is_recorded("no-daemon-80x24.txt", &text(&state, (80, 24)));
}

#[test]
fn an_empty_agent_says_what_to_do() {
    let mut answers = answers();
    answers.status.repos.clear();
    answers.jobs.clear();
    answers.why_no_jobs = "the queue is empty: no repository is registered".to_owned();
    answers.history.total = group(0, 0.0);
    answers.budget.model = None;
    let nothing = SearchView { hits: Vec::new(), why_empty: Some("nothing is indexed".to_owned()), ..found() };
    let whole: String = TopScreen::ALL
        .into_iter()
        .map(|screen| text(&state_of(screen, answers.clone(), nothing.clone()), (60, 12)))
        .collect();
    assert_is_recorded("empty-60x12.txt", &whole);
}

/// Escapes of terminals, text that turns around, text that is not seen.
const HOSTILE: &str = "a\x1b[31m\x1b]0;owned\x07\u{9b}2J\u{202e}gnp.exe\u{2066}\u{2028}\u{feff}\u{e0041}\r\n\u{7f}";

fn hostile() -> (TopAnswers, SearchView) {
    let text = || HOSTILE.to_owned();
    let (mut answers, mut found) = (answers(), found());
    for repo in &mut answers.status.repos {
        (repo.repo, repo.error, repo.not_followed) = (format!("/x/{HOSTILE}"), Some(text()), Some(text()));
    }
    for one in &mut answers.jobs {
        (one.repo, one.job.path, one.job.detail) = (text(), text(), Some(text()));
        (one.job.reason_symbol, one.job.reason_file) = (Some(text()), Some(text()));
    }
    answers.status.parked[0].reason = text();
    answers.budget.status.stopped = Some(text());
    answers.budget.model.as_mut().unwrap().unknown = Some(text());
    for one in answers.history.repos.iter_mut().chain(&mut answers.history.models) {
        one.name = text();
    }
    answers.history.commits[0].repo = text();
    (found.note, found.errors) = (Some(text()), vec![text()]);
    for hit in &mut found.hits {
        (hit.repo, hit.path, hit.entity_name, hit.entity_type) = (text(), text(), text(), text());
        (hit.also_in, hit.stale, hit.body) = (vec![text()], Some(text()), Some(format!("{HOSTILE}\n{HOSTILE}")));
    }
    (answers, found)
}

#[test]
fn what_others_wrote_appears_as_text_in_cells() {
    let (answers, found) = hostile();
    for screen in TopScreen::ALL {
        let mut state = state_of(screen, answers.clone(), found.clone());
        state.search.failed = Some(HOSTILE.to_owned());
        for size in SIZES {
            let terminal = drawn(&state, size, true);
            for cell in terminal.backend().buffer().content() {
                assert!(!cell.symbol().chars().any(acts), "{screen:?} {size:?}: {:?}", cell.symbol());
            }
        }
        let wide = text(&state, (200, 60));
        assert!(wide.contains("a\\u{1b}[31m\\u{1b}]0;owned\\u{7}\\u{9b}2J\\u{202e}gnp"), "{screen:?}: {wide}");
    }
    let mut state = state_of(TopScreen::Repositories, answers, found);
    state.apply(TopEvent::Answers(Box::new(Err(HOSTILE.to_owned()))));
    let shown = text(&state, (80, 24));
    assert!(shown.contains("what follows is of before: a\\u{1b}[31m"), "{shown}");
}

#[test]
fn every_size_is_drawn_without_colours_if_they_are_not_wanted() {
    for screen in TopScreen::ALL {
        let state = state_of(screen, answers(), found());
        for width in (0..130).step_by(7) {
            for height in 0..30 {
                let terminal = drawn(&state, (width, height), false);
                let is_plain = |cell: &ratatui::buffer::Cell| cell.fg == Color::Reset && cell.bg == Color::Reset;
                assert!(terminal.backend().buffer().content().iter().all(is_plain), "{screen:?} {width}x{height}");
            }
        }
    }
    let state = state_of(TopScreen::Repositories, answers(), found());
    assert!(drawn(&state, (80, 24), true).backend().buffer().content().iter().any(|cell| cell.fg != Color::Reset));
}

#[test]
fn keys_go_where_they_say() {
    let mut state = TopState::default();
    assert_eq!(press(&mut state, KeyCode::Down), TopAct::Nothing, "there is nothing to choose yet");
    state.apply(TopEvent::Answers(Box::new(Ok(answers()))));
    press(&mut state, KeyCode::End);
    assert_eq!(state.row(), 3);
    press(&mut state, KeyCode::Down);
    assert_eq!(state.row(), 3, "the last one stays chosen");
    let mut fewer = answers();
    fewer.status.repos.truncate(2);
    state.apply(TopEvent::Answers(Box::new(Ok(fewer))));
    assert_eq!(state.row(), 1, "the row that is still there");
    press(&mut state, KeyCode::Char('k'));
    assert_eq!(state.row(), 0);
    press(&mut state, KeyCode::BackTab);
    assert_eq!((state.screen, state.search.is_typing), (TopScreen::Search, true));
    assert_eq!(type_in(&mut state, "q1 /"), TopAct::Search("q1 /".to_owned()), "keys are text here");
    state.apply(TopEvent::Found("q1".to_owned(), Box::new(Ok(found()))));
    assert!(state.search.found.is_none(), "that was asked before");
    state.apply(TopEvent::Found("q1 /".to_owned(), Box::new(Ok(found()))));
    press(&mut state, KeyCode::Down);
    assert_eq!((state.row(), state.search.is_typing), (1, true));
    let control = |letter| TopEvent::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL));
    assert_eq!(state.apply(control('w')), TopAct::Search("q1".to_owned()));
    assert_eq!((state.apply(control('u')), state.search.found.is_none()), (TopAct::Nothing, true));
    press(&mut state, KeyCode::Esc);
    assert!(!state.search.is_typing);
    press(&mut state, KeyCode::Char('2'));
    assert_eq!(state.screen, TopScreen::Queue);
    assert_eq!(press(&mut state, KeyCode::Char('q')), TopAct::Quit);
    assert_eq!(state.apply(control('c')), TopAct::Quit);
    assert_eq!(state.apply(TopEvent::Ended), TopAct::Quit);
}
