//! From a tool's arguments to its answer.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::arguments::{Detail, ImpactArguments, SearchArguments, ShowArguments, StatusArguments, read};
use super::{page, start, text};
use crate::client::{QueryClient, SearchBy};
use crate::config::Config;
use crate::domain::FilePath;
use crate::home::Home;
use crate::query::impact::{ImpactQuestion, Subject};
use crate::query::search::{SearchRequest, path_in_repo};
use crate::query::targets::TargetsRequest;
use crate::query::view::freshness::Freshness;
use crate::query::{QueryError, Reader, canonical};
use crate::repo::registry::Registered;

/// Most hits of one search.
const HITS_MAX: usize = 50;

/// What a client is answered.
pub(super) struct ToolAnswer {
    pub text: String,
    pub is_error: bool,
    pub meta: Map<String, Value>,
}

impl ToolAnswer {
    pub(super) fn failed(why: &str) -> Self {
        Self { text: why.to_owned(), is_error: true, meta: Map::new() }
    }
}

/// An answer before it is cut into parts.
struct Whole {
    freshness: Freshness,
    repo: Option<String>,
    body: String,
}

/// Answers one client's questions.
pub(super) struct Answerer {
    home: Home,
    /// Where the client works: the repository that it means unless it names one.
    here: Option<PathBuf>,
    starter: start::DaemonStarter,
}

impl Answerer {
    pub(super) fn new(home: Home) -> Self {
        Self { home, here: std::env::current_dir().ok(), starter: start::DaemonStarter::default() }
    }

    /// Answers a question. What cannot be answered is said in the answer's text, which the agent reads.
    pub(super) fn answer(&self, tool: &str, arguments: Option<Map<String, Value>>) -> ToolAnswer {
        self.try_answer(tool, arguments).unwrap_or_else(|why| ToolAnswer::failed(&why))
    }

    fn try_answer(&self, tool: &str, arguments: Option<Map<String, Value>>) -> Result<ToolAnswer, String> {
        // Read again for each question: a client lives for days.
        let config = Config::load(&self.home.config_file(), self.home.root()).map_err(|error| error.to_string())?;
        let said = self.start_daemon(&config)?;
        let (whole, cursor) = match tool {
            "search" => self.search(&config, read(tool, arguments)?)?,
            "show" => self.show(&config, read(tool, arguments)?)?,
            "impact" => self.impact(&config, read(tool, arguments)?)?,
            "status" => self.status(&config, read(tool, arguments)?)?,
            other => return Err(format!("there is no tool {other}; there are search, show, impact and status")),
        };
        let mut first = whole.freshness.to_string();
        first.extend(said.iter().map(|said| format!("\n{said}")));
        let text = page::part(&first, &whole.body, cursor.as_deref())?;
        let mut meta = Map::new();
        meta.insert("ra-agent/freshness".to_owned(), json(&whole.freshness));
        if let Some(repo) = whole.repo {
            meta.insert("ra-agent/repo".to_owned(), Value::String(repo));
        }
        Ok(ToolAnswer { text, is_error: false, meta })
    }

    /// A question that finds no daemon starts one, and says so: it may never have run, or has died since the last question.
    fn start_daemon(&self, config: &Config) -> Result<Option<String>, String> {
        if start::is_running(&self.home) {
            return Ok(None);
        }
        let repos =
            Reader::open(&self.home, config).and_then(|reader| reader.repos()).map_err(|error| error.to_string())?;
        Ok(if repos.is_empty() { None } else { self.starter.start(&self.home) })
    }

    fn client<'a>(&'a self, config: &'a Config, wait: bool) -> QueryClient<'a> {
        QueryClient { home: &self.home, config, wait }
    }

    /// The repository that is named, or else the one of the working directory.
    fn repo(&self, config: &Config, named: Option<&str>) -> Result<Registered, String> {
        let reader = Reader::open(&self.home, config).map_err(|error| error.to_string())?;
        let found = match named {
            Some(named) => reader.repo(named),
            None => match &self.here {
                Some(here) => reader.repo_at(here),
                None => {
                    Err(QueryError::Invalid("the working directory is gone; name a repository by `repo`".to_owned()))
                }
            },
        };
        found.map_err(|error| {
            let repos = reader.repos().unwrap_or_default();
            let paths: Vec<String> = repos.iter().map(|repo| repo.location.path.display().to_string()).collect();
            match paths.is_empty() {
                true => format!("{error}; none is registered yet"),
                false => format!("{error}; registered: {}", paths.join(", ")),
            }
        })
    }

    fn search(&self, config: &Config, asked: SearchArguments) -> Result<(Whole, Option<String>), String> {
        let repo = self.repo(config, asked.repo.as_deref())?;
        let path = asked.path.map(|path| path_in_repo(&path, &repo, &repo.location.path)).transpose();
        let request = SearchRequest {
            query: asked.query,
            repo: Some(repo.id.0.clone()),
            limit: asked.limit.min(HITS_MAX),
            kind: asked.kind,
            path: path.map_err(|error| plain(&error))?.flatten(),
            language: asked.lang,
            source: None,
            explain: false,
        };
        let bodies = asked.detail == Detail::Bodies;
        let client = self.client(config, asked.wait);
        let found = client.search(&request, SearchBy::Words, bodies).map_err(|error| plain(&error))?;
        let freshness = found.answer_freshness.clone().unwrap_or(Freshness::Current);
        let body = text::search(&found, asked.detail);
        Ok((self.whole(freshness, &repo, body), asked.cursor))
    }

    fn show(&self, config: &Config, asked: ShowArguments) -> Result<(Whole, Option<String>), String> {
        let repo = self.repo(config, asked.repo.as_deref())?;
        let request = TargetsRequest { targets: asked.targets, with: asked.with };
        let client = self.client(config, asked.wait);
        let shown = client.targets(&repo.id, &request).map_err(|error| plain(&error))?;
        let body = text::targets(&shown);
        Ok((self.whole(shown.answer_freshness, &repo, body), asked.cursor))
    }

    fn impact(&self, config: &Config, asked: ImpactArguments) -> Result<(Whole, Option<String>), String> {
        let repo = self.repo(config, asked.repo.as_deref())?;
        let of = match (asked.range, asked.files, asked.symbol) {
            (range, None, None) => Subject::Range(range),
            (None, Some(files), None) => Subject::Files(files.iter().map(|file| inside(file, &repo)).collect()),
            (None, None, Some(symbol)) => subject(&symbol, &repo),
            _ => return Err("impact: name one of range, files and symbol".to_owned()),
        };
        let question = ImpactQuestion { of, worktree: asked.worktree, tests: asked.tests };
        let client = self.client(config, true);
        let view = client.impact(&repo.id, &question).map_err(|error| plain(&error))?;
        let body = text::impact(&view, asked.tests);
        Ok((self.whole(view.answer_freshness, &repo, body), asked.cursor))
    }

    fn status(&self, config: &Config, asked: StatusArguments) -> Result<(Whole, Option<String>), String> {
        let repo = self.repo(config, asked.repo.as_deref())?;
        let client = self.client(config, true);
        let freshness = client.of_repo(&repo).map_err(|error| plain(&error))?;
        let status = client.status().map_err(|error| plain(&error))?;
        let body = text::status(&status, &repo.id.0);
        Ok((self.whole(freshness, &repo, body), asked.cursor))
    }

    /// An answer about a repository; one that the client does not stand in is named.
    fn whole(&self, freshness: Freshness, repo: &Registered, body: String) -> Whole {
        let path = repo.location.path.display().to_string();
        let is_here = self.here.as_ref().is_some_and(|here| here.starts_with(&repo.location.path));
        let body = if is_here { body } else { format!("in {path}\n{body}") };
        Whole { freshness, repo: (!is_here).then_some(path), body }
    }
}

/// A symbol, or one of a file: `src/config.rs:load`.
fn subject(written: &str, repo: &Registered) -> Subject {
    match written.rsplit_once(':') {
        Some((file, name)) if !file.ends_with(':') && file.contains(['.', '/']) => {
            Subject::Symbol { file: Some(inside(file, repo)), name: name.to_owned() }
        }
        _ => Subject::Symbol { file: None, name: written.to_owned() },
    }
}

/// A path of the file system, or in the repository, as the repository has it.
fn inside(path: &str, repo: &Registered) -> FilePath {
    let absolute = Path::new(path).is_absolute().then(|| canonical(Path::new(path))).flatten();
    match absolute.as_ref().and_then(|path| path.strip_prefix(&repo.location.path).ok()) {
        Some(inside) => FilePath::new(inside.as_os_str().as_bytes()),
        None => FilePath::new(path.trim_start_matches("./").as_bytes()),
    }
}

/// An error as a client reads it.
fn plain(error: &QueryError) -> String {
    text::without_dashes(&error.to_string())
}

fn json(freshness: &Freshness) -> Value {
    serde_json::to_value(freshness).unwrap_or_default()
}
