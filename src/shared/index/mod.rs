//! The shared index: the vectors of repositories in tables of Lance on the shared store, one a model, so that a machine without a repository
//! can search it. Each row is encrypted and signed ([`row`]); the tables are reached through our own client ([`timed`], [`table`]); what
//! this machine has given is known without a request ([`given`]).

mod given;
mod row;
mod table;
mod timed;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use futures::TryStreamExt;

use super::entry::EntryName;
use super::objects::{self, Trouble};
use super::{PublicKey, RemoteResults, SharedError};
use crate::domain::{FilePath, Hash};
use given::GivenFiles;
use row::RowNames;
pub use row::SharedItem;
pub(super) use table::IndexTables;
use table::IndexThresholds;
pub use table::IndexUpkeep;
pub(super) use timed::TimedObjects;

/// How long a search, or a step of giving, may take with all its requests.
const LONGEST_SEARCH: Duration = Duration::from_secs(20);
const LONGEST_STEP: Duration = Duration::from_secs(60);
/// Rows that are read for each hit that is wanted: some may not be used, and clones have the same.
const ROWS_PER_HIT: usize = 3;
/// Most rows that a search reads, however many hits are wanted.
const MOST_ROWS: usize = 10_000;
/// Longest complaint of Lance that is passed on.
const LONGEST_COMPLAINT: usize = 200;

/// A repository as the shared index knows it: clones in directories of one name are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedRepo {
    /// The name of its directory.
    pub name: String,
    /// Hash of its first commit, or of what else tells it apart.
    pub origin: Hash,
}

/// A committed file of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFile {
    pub path: FilePath,
    /// Hash of what its rows say. `None`: its vectors are not complete or it is being edited; what was given stays.
    pub state: Option<Hash>,
}

/// A row before it is sealed.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexRow {
    /// Unique in its file.
    pub id: String,
    pub item: SharedItem,
    pub vector: Vec<f32>,
}

/// What there is to give of one repository.
#[derive(Debug)]
pub struct IndexPlan {
    table: String,
    origin: Hash,
    repo: EntryName,
    given: GivenFiles,
    /// Files whose rows are missing or are others.
    pub changed: Vec<SharedFile>,
    gone: Vec<EntryName>,
}

/// A hit.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundItem {
    pub item: SharedItem,
    /// The cosine of the angle to the question.
    pub score: f32,
    /// Names of other repositories that have the same at the same path.
    pub also_in: Vec<String>,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexAnswer {
    pub found: Vec<FoundItem>,
    /// Rows near the question that are not used, by reason.
    pub refused: BTreeMap<&'static str, usize>,
    /// There is a table of the model.
    pub is_there: bool,
    /// Tables of other models.
    pub other_tables: usize,
}

/// What is in all tables, read from end to end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexSurvey {
    pub tables: usize,
    pub rows: usize,
    pub refused: BTreeMap<&'static str, usize>,
    pub signers: BTreeMap<PublicKey, usize>,
}

impl RemoteResults {
    fn index_name(&self, purpose: &str, of: &Hash) -> EntryName {
        EntryName::first_of(&self.ring.derived(purpose, of))
    }

    /// The name of a model's table.
    fn table_name(&self, model_id: &str, dimensions: usize) -> String {
        let of = Hash::of_fields([model_id.as_bytes(), &(dimensions as u64).to_le_bytes()]);
        self.index_name("table", &of).to_string()
    }

    fn file_name(&self, origin: &Hash, path: &FilePath) -> EntryName {
        self.index_name("file", &Hash::of_fields([origin.as_bytes(), path.as_bytes()]))
    }

    fn tables(&mut self) -> IndexTables {
        let (objects, lists_in_order) = (&self.objects, self.objects.root.is_none());
        self.index.get_or_insert_with(|| IndexTables::new(TimedObjects::new(objects), lists_in_order)).clone()
    }

    /// Asks Lance within a time, and notes how the store answered. `None` for the time: each request has its own.
    fn ask<T>(
        &mut self,
        longest: Option<Duration>,
        request: impl Future<Output = Result<T, AskError>>,
    ) -> Result<T, SharedError> {
        let objects = self.tables().objects;
        self.noted(self.objects.check_root())?;
        objects.take_problem();
        let request = Box::pin(request);
        let asked = self.runtime.clone().block_on(async {
            match longest {
                None => request.await,
                Some(longest) => tokio::time::timeout(longest, request).await.unwrap_or(Err(AskError::Late(longest))),
            }
        });
        let problem = objects.take_problem();
        match asked {
            Ok(answer) => self.noted(Ok(answer)),
            Err(error) => match problem.or_else(|| error.outage()) {
                Some(problem) => self.noted(Err(Trouble::Outage(problem))),
                // The store has answered; what is in it is no table, or it cannot do what Lance needs.
                None => {
                    self.noted(Ok(()))?;
                    Err(SharedError::Index(error.text()))
                }
            },
        }
    }

    /// What there is to give of a repository. `None`: nothing, which costs no request unless `recheck` wants the store to be asked what it has,
    /// or this machine has given nothing yet.
    ///
    /// # Errors
    /// If this machine may not write, or the store does not answer.
    pub fn plan_index(
        &mut self,
        model: (&str, usize),
        repo: &SharedRepo,
        files: Vec<SharedFile>,
        recheck: bool,
    ) -> Result<Option<IndexPlan>, SharedError> {
        self.may_write()?;
        let signer = self.ring.public().ok_or(SharedError::CannotSign)?;
        let table = self.table_name(model.0, model.1);
        let origin = Hash::of_fields([repo.origin.as_bytes(), repo.name.as_bytes()]);
        let name = self.index_name("repo", &origin);
        let recorded = GivenFiles::open(&self.dir, &table, &name, signer).filter(|_| !recheck);
        let given = match recorded {
            Some(given) => given,
            None if files.is_empty() && !recheck => return Ok(None),
            None => {
                let mut given = GivenFiles::new(&self.dir, &table, &name, signer);
                given.files = self.states(&table, &name)?;
                given
            }
        };
        let named = files.into_iter().map(|file| (self.file_name(&origin, &file.path), file));
        let named: BTreeMap<EntryName, SharedFile> = named.collect();
        let gone: Vec<EntryName> = given.files.keys().filter(|name| !named.contains_key(name)).copied().collect();
        let is_changed = |name: &EntryName, file: &SharedFile| {
            let state = file.state.as_ref().map(|state| self.index_name("state", state));
            state.is_some_and(|state| given.files.get(name) != Some(&state))
        };
        let changed: Vec<SharedFile> =
            named.into_iter().filter(|(name, file)| is_changed(name, file)).map(|(_, file)| file).collect();
        if changed.is_empty() && gone.is_empty() {
            given.save();
            return Ok(None);
        }
        Ok(Some(IndexPlan { table, origin, repo: name, given, changed, gone }))
    }

    /// What the store has of a repository.
    fn states(&mut self, table: &str, repo: &EntryName) -> Result<BTreeMap<EntryName, EntryName>, SharedError> {
        self.check_rest()?;
        let (tables, ring) = (self.tables(), self.ring.clone());
        let found = self.ask(Some(LONGEST_STEP), async {
            if !tables.names().await?.iter().any(|name| name == table) {
                return Ok(Default::default());
            }
            match tables.open(table).await? {
                Some(dataset) => Ok(IndexTables::states(&dataset, &ring, repo).await?),
                None => Ok(Default::default()),
            }
        })?;
        // A state that is no name is another than any that is given.
        let named = |text: Option<String>| text.and_then(|text| EntryName::parse(&text));
        let files = found.into_iter().filter_map(|(file, state)| {
            Some((EntryName::parse(&file)?, named(state).unwrap_or(EntryName([0; EntryName::BYTES]))))
        });
        Ok(files.collect())
    }

    /// Puts rows in the place of those that some changed files have, and removes what is gone. Returns how many rows were given.
    ///
    /// # Errors
    /// If the store does not take them; they are given again then.
    pub fn give_index(
        &mut self,
        plan: &mut IndexPlan,
        files: Vec<(SharedFile, Vec<IndexRow>)>,
    ) -> Result<usize, SharedError> {
        self.check_rest()?;
        let (mut rows, mut given) = (Vec::new(), Vec::new());
        for (file, of_file) in &files {
            let Some(state) = &file.state else { continue };
            let state = self.index_name("state", state);
            let name = self.file_name(&plan.origin, &file.path);
            for one in of_file {
                let id = Hash::of_fields([name.0.as_slice(), one.id.as_bytes()]);
                let names = RowNames { repo: plan.repo, file: name, state, row: self.index_name("row", &id) };
                rows.extend(row::seal(&self.ring, &plan.table, &names, &one.item, &one.vector));
            }
            given.push((name, state));
        }
        let gone = std::mem::take(&mut plan.gone);
        let known = given.iter().map(|(name, _)| *name).filter(|name| plan.given.files.contains_key(name));
        let replaced: Vec<EntryName> = gone.iter().copied().chain(known).collect();
        let dimensions = rows.first().map_or(0, |row| row.vector.len());
        let batch = if rows.is_empty() { None } else { Some(row::to_batch(&rows, dimensions)) };
        let batch = batch.transpose().map_err(|error| SharedError::Unusable(error.to_string()))?;
        if batch.is_some() || !replaced.is_empty() {
            let (tables, table) = (self.tables(), plan.table.clone());
            let written = self.ask(Some(LONGEST_STEP), async move {
                let is_listed = tables.names().await?.contains(&table);
                let dataset = if is_listed { tables.open(&table).await? } else { None };
                match (dataset, batch) {
                    (Some(dataset), batch) => Ok(tables.replace(dataset, &replaced, batch).await?),
                    (None, Some(batch)) => Ok(tables.create(&table, batch).await?),
                    (None, None) => Ok(()),
                }
            });
            if let Err(error) = written {
                plan.gone = gone;
                return Err(error);
            }
        }
        for name in &gone {
            plan.given.files.remove(name);
        }
        plan.given.files.extend(given);
        plan.given.save();
        self.health_mut().rows_given += rows.len() as u64;
        self.save_health();
        Ok(rows.len())
    }

    /// The items of all repositories whose vectors are nearest to a question's.
    ///
    /// # Errors
    /// If the store does not answer.
    pub fn search_index(&mut self, model_id: &str, vector: &[f32], limit: usize) -> Result<IndexAnswer, SharedError> {
        let table = self.table_name(model_id, vector.len());
        let tables = self.tables();
        let wanted = limit.saturating_mul(ROWS_PER_HIT).saturating_add(ROWS_PER_HIT).min(MOST_ROWS);
        let (names, rows) = self.ask(Some(LONGEST_SEARCH), async {
            let names = tables.names().await?;
            if !names.contains(&table) {
                return Ok((names, None));
            }
            let Some(dataset) = tables.open(&table).await? else { return Ok((names, None)) };
            let mut found = IndexTables::nearest(&dataset, vector, wanted).await;
            // The version may have been removed meanwhile.
            if found.is_err()
                && let Some(newer) = tables.open(&table).await?
            {
                found = IndexTables::nearest(&newer, vector, wanted).await;
            }
            Ok((names, Some(found?)))
        })?;
        let mut answer = IndexAnswer {
            is_there: rows.is_some(),
            other_tables: names.iter().filter(|name| **name != table).count(),
            ..IndexAnswer::default()
        };
        for (sealed, score) in rows.into_iter().flatten() {
            match row::open(&self.ring, &table, &sealed) {
                Ok((item, _)) => answer.add(item, score),
                Err(why) => {
                    self.health_mut().refused(why.as_str());
                    *answer.refused.entry(why.as_str()).or_default() += 1;
                }
            }
        }
        answer.found.truncate(limit);
        self.save_health();
        Ok(answer)
    }

    /// Reads every row of every table and checks it.
    ///
    /// # Errors
    /// If the store does not answer.
    pub fn survey_index(&mut self) -> Result<IndexSurvey, SharedError> {
        let (tables, ring) = (self.tables(), self.ring.clone());
        self.ask(None, async {
            let mut survey = IndexSurvey::default();
            for name in tables.names().await? {
                let Some(dataset) = tables.open(&name).await? else { continue };
                survey.tables += 1;
                let mut batches = Box::pin(IndexTables::rows(&dataset).await?);
                while let Some(rows) = batches.try_next().await? {
                    for sealed in rows {
                        survey.rows += 1;
                        match row::open(&ring, &name, &sealed) {
                            Ok((_, signer)) => *survey.signers.entry(signer).or_default() += 1,
                            Err(why) => *survey.refused.entry(why.as_str()).or_default() += 1,
                        }
                    }
                }
            }
            Ok(survey)
        })
    }

    /// Compacts the tables, indexes large ones, and removes versions that were replaced before `grace`. `dry_run`: only counts.
    ///
    /// # Errors
    /// If this machine may not write, or the store does not answer.
    pub fn maintain_index(&mut self, grace: Duration, dry_run: bool) -> Result<IndexUpkeep, SharedError> {
        self.maintain_index_from(IndexThresholds::DEFAULT, grace, dry_run)
    }

    fn maintain_index_from(
        &mut self,
        from: IndexThresholds,
        grace: Duration,
        dry_run: bool,
    ) -> Result<IndexUpkeep, SharedError> {
        self.may_write()?;
        let tables = self.tables();
        self.ask(None, async {
            let mut done = IndexUpkeep::default();
            for name in tables.names().await? {
                let Some(mut dataset) = tables.open(&name).await? else { continue };
                done.tables += 1;
                done.rows += dataset.count_rows(None).await?;
                if !dry_run {
                    IndexTables::maintain(&mut dataset, from, grace, &mut done).await?;
                }
            }
            Ok(done)
        })
    }
}

impl IndexAnswer {
    /// Takes up a hit, the best first. One that a clone has, too, is one.
    fn add(&mut self, item: SharedItem, score: f32) {
        let is_same = |found: &&mut FoundItem| {
            (&found.item.path, &found.item.chunk, &found.item.entity_name)
                == (&item.path, &item.chunk, &item.entity_name)
        };
        let Some(found) = self.found.iter_mut().find(is_same) else {
            self.found.push(FoundItem { item, score, also_in: Vec::new() });
            return;
        };
        let known: HashSet<&String> = found.also_in.iter().chain([&found.item.repo]).collect();
        if !known.contains(&item.repo) {
            found.also_in.push(item.repo);
        }
    }
}

/// Why Lance brought nothing.
enum AskError {
    Lance(lance::Error),
    Store(object_store::Error),
    Late(Duration),
}

impl AskError {
    /// What it says of the store, if it is about that.
    fn outage(&self) -> Option<String> {
        match self {
            Self::Lance(_) => None,
            Self::Store(error) => Some(match objects::trouble(error) {
                Trouble::Lost => "there is no such bucket or directory".to_owned(),
                Trouble::Outage(text) => text,
            }),
            Self::Late(longest) => Some(format!("it is slow: no answer within {} s", longest.as_secs())),
        }
    }

    /// On one line.
    fn text(&self) -> String {
        let Self::Lance(error) = self else { return self.outage().unwrap_or_default() };
        let text = error.to_string();
        let line: Vec<&str> = text.split_whitespace().collect();
        line.join(" ").chars().take(LONGEST_COMPLAINT).collect()
    }
}

impl From<lance::Error> for AskError {
    fn from(error: lance::Error) -> Self {
        Self::Lance(error)
    }
}

impl From<object_store::Error> for AskError {
    fn from(error: object_store::Error) -> Self {
        Self::Store(error)
    }
}

#[cfg(test)]
mod tests;
