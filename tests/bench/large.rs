//! Stores of 100,000 chunks under the care of a real agent. The code is that of this project's own dependencies, as Cargo has unpacked
//! them, for made-up code has too few words; repositories, views and the index of words are made by the agent itself.
//!
//! Embedding that many chunks takes the most part of an hour, so their vectors are made up: each is near to that of one of a thousand
//! chunks which the model did embed, so that real questions are as near to some of them, and as far from most, as to real ones.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ra_agent::cache::{RepoStore, chunks, view};
use ra_agent::clock;
use ra_agent::domain::{FilePath, FileRecord, Hash, RepoId};
use ra_agent::embedder::chunk::{self, CHUNKER_VERSION};
use ra_agent::embedder::encoder::Embedder;
use ra_agent::home::{Home, StoreDir};
use ra_agent::outline::language_of;
use ra_agent::plan::EmbeddingRecipe;
use ra_agent::repo::registry::{self, Registered};
use ra_agent::store::{self, Database};
use ra_agent::vectors::{ChunkRow, DIMENSIONS, Vectors};

use super::indexed::{MODEL, model_directory};
use super::published::in_registry;
use super::support::{TestAgent, TestRepo};
use super::vectors::{Random, Vector};

/// Chunks of all repositories together.
pub const CHUNKS: usize = 100_000;
/// Chunks that the model embeds.
const EMBEDDED: usize = 1_000;
/// Files whose vectors are written as one version of the table.
const FILES_PER_VERSION: usize = 500;
/// Larger files of code are tables that a tool wrote.
const FILE_BYTES_MAX: u64 = 200_000;
/// Crates that declare what an operating system has, and hold no code that one would search.
const DECLARATIONS: [&str; 4] = ["-sys", "libc", "winapi", "windows"];
const LONGEST_INDEX: &str = "7200s";

/// A source file, to be put into a repository under this path.
pub struct Source {
    path: String,
    from: PathBuf,
}

/// Files of this project's dependencies, crate by crate, which together have about [`CHUNKS`] chunks.
pub fn sources() -> Vec<Source> {
    let (mut found, mut count) = (Vec::new(), 0);
    for label in dependencies() {
        let Ok(Some(root)) = in_registry(&label) else { continue };
        let mut files = Vec::new();
        rust_files(&root, &mut files);
        files.sort();
        for from in files {
            let path = format!("{label}/{}", from.strip_prefix(&root).unwrap().display());
            let Ok(text) = fs::read_to_string(&from) else { continue };
            count += chunk::chunks(language_of(&FilePath::from(path.as_str())), None, &text).len();
            found.push(Source { path, from });
            if count >= CHUNKS {
                return found;
            }
        }
    }
    found
}

/// `name-version` of what this project's lock file names, in its order.
fn dependencies() -> Vec<String> {
    let lock = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock")).unwrap();
    let value = |line: &str, key: &str| line.strip_prefix(key).map(|value| value.trim_matches('"').to_owned());
    let mut labels = Vec::new();
    for package in lock.split("[[package]]").skip(1).filter(|package| package.contains("\nsource = ")) {
        let name = package.lines().find_map(|line| value(line, "name = ")).unwrap();
        let version = package.lines().find_map(|line| value(line, "version = ")).unwrap();
        if !DECLARATIONS.iter().any(|part| name.contains(part)) {
            labels.push(format!("{name}-{version}"));
        }
    }
    labels
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let (path, meta) = (entry.path(), entry.metadata().unwrap());
        if meta.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && meta.len() <= FILE_BYTES_MAX {
            found.push(path);
        }
    }
}

/// An agent that knows all sources, with vectors.
pub struct Large {
    pub agent: TestAgent,
    /// Live as long as the agent.
    _repos: Vec<TestRepo>,
    /// What the repositories have, counted.
    pub chunks: usize,
}

impl Large {
    /// Deals the sources to so many repositories, whole crates as far as possible, and has them indexed.
    pub fn of(sources: &[Source], repositories: usize) -> Self {
        let repos: Vec<TestRepo> = sources.chunks(sources.len().div_ceil(repositories)).map(repository).collect();
        let mut agent = TestAgent::new();
        agent.write_config("[analysis]\ntypes = [\"todos\"]\n");
        agent.start();
        repos.iter().for_each(|repo| drop(agent.ok(["register".as_ref(), repo.path().as_os_str()])));
        settle(&agent);
        agent.stop();
        let chunks = add_vectors(&agent, &repos);
        agent.write_config(&format!(
            "[analysis]\ntypes = [\"todos\"]\n[embedding]\nmodel = \"{MODEL}\"\nunload_after_secs = 3600\n"
        ));
        agent.start();
        settle(&agent);
        Self { agent, _repos: repos, chunks }
    }
}

fn repository(sources: &[Source]) -> TestRepo {
    let repo = TestRepo::new();
    sources.iter().for_each(|source| repo.write(&source.path, fs::read(&source.from).unwrap()));
    repo.commit("first");
    repo.git(&["gc", "--quiet"]);
    repo
}

#[track_caller]
fn settle(agent: &TestAgent) {
    let output = agent.command(["wait", "--timeout", LONGEST_INDEX]).output().unwrap();
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), agent.log());
}

/// Writes what embedding would have written; gives the number of chunks.
fn add_vectors(agent: &TestAgent, repos: &[TestRepo]) -> usize {
    let home = Home::at(agent.home()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let known = store::open_reader(&home.agent_db(), Database::Agent).unwrap().unwrap();
    let open = |known: Registered| {
        let dir = StoreDir::centralized(&home.default_cache(), &known.id);
        let repo = repos.iter().find(|repo| repo.path() == known.location.path).unwrap();
        (RepoStore::open(&known.id, dir).unwrap(), repo)
    };
    let stores: Vec<(RepoStore, &TestRepo)> = registry::list(&known).unwrap().into_iter().map(open).collect();
    let texts: Vec<Row> = stores.iter().flat_map(|(store, repo)| rows_of(store, repo)).collect();
    let centres = embedded(&texts);
    for (store, _) in &stores {
        let of_store: Vec<&Row> = texts.iter().filter(|row| row.repo == store.repo).collect();
        runtime.block_on(write(store, &of_store, &centres));
    }
    texts.len()
}

/// A chunk that is to have a vector.
struct Row {
    repo: RepoId,
    key: Hash,
    row: ChunkRow,
}

fn rows_of(store: &RepoStore, repo: &TestRepo) -> Vec<Row> {
    let recipe = EmbeddingRecipe { model_id: MODEL.to_owned(), chunker_version: CHUNKER_VERSION, is_remote: false };
    let mut records: HashMap<FilePath, Vec<chunks::ChunkRecord>> = HashMap::new();
    for record in chunks::all(store.db()).unwrap() {
        records.entry(record.path.clone()).or_default().push(record);
    }
    let files = view::files(store.db()).unwrap().into_iter().filter(|file| file.skip.is_none());
    let of_file = |file: FileRecord| {
        let text = repo.read(file.path.as_str().unwrap());
        let made = chunk::chunks(file.language, file.links.module_path.as_deref(), &text);
        let texts: HashMap<Hash, String> = made.into_iter().map(|chunk| (chunk.chunk_hash, chunk.text)).collect();
        let key = recipe.key(&file).unwrap();
        let row = |record: chunks::ChunkRecord| Row {
            repo: store.repo.clone(),
            key,
            row: ChunkRow {
                chunk_id: record.chunk_id,
                vector: Vec::new(),
                text: texts[&record.chunk_hash].clone(),
                file_path: file.path.escaped(),
                content_hash: file.content_hash.unwrap(),
                chunk_hash: record.chunk_hash,
                model_id: MODEL.to_owned(),
                entity_type: record.entity_type,
                entity_name: record.entity_name,
                language: file.language.as_str().to_owned(),
                start_line: record.start_line,
                end_line: record.end_line,
            },
        };
        records.remove(&file.path).unwrap_or_default().into_iter().map(row).collect::<Vec<_>>()
    };
    files.flat_map(of_file).collect()
}

/// The vectors of chunks that are spread over all.
fn embedded(rows: &[Row]) -> Vec<Vector> {
    let embedder = Embedder::load(&model_directory().unwrap(), MODEL, 2).unwrap();
    let texts: Vec<&str> =
        rows.iter().step_by(rows.len().div_ceil(EMBEDDED)).map(|row| row.row.text.as_str()).collect();
    embedder.embed(&texts).unwrap().into_iter().map(|vector| vector.try_into().unwrap()).collect()
}

async fn write(store: &RepoStore, rows: &[&Row], centres: &[Vector]) {
    let table = Vectors::open_or_create(&store.dir.vectors(), DIMENSIONS).await.unwrap();
    let files: Vec<&[&Row]> = rows.chunk_by(|a, b| a.row.file_path == b.row.file_path).collect();
    for files in files.chunks(FILES_PER_VERSION) {
        let paths: Vec<&str> = files.iter().map(|rows| rows[0].row.file_path.as_str()).collect();
        let rows = files.iter().flat_map(|rows| rows.iter()).map(|row| with_vector(&row.row, centres)).collect();
        table.replace_files(&paths, rows).await.unwrap();
    }
    for rows in files {
        let path = FilePath::from(rows[0].row.file_path.as_str());
        view::put_embedded_key(store.db(), &path, &rows[0].key).unwrap();
    }
    table.maintain(clock::now(), Duration::ZERO).await.unwrap();
}

/// A vector that depends on the chunk's text alone, as the model's does.
fn with_vector(row: &ChunkRow, centres: &[Vector]) -> ChunkRow {
    let seed = u64::from_le_bytes(row.chunk_hash.as_bytes()[..8].try_into().unwrap());
    let centre = &centres[usize::try_from(seed % centres.len() as u64).unwrap()];
    ChunkRow { vector: Random(seed).near(centre).to_vec(), ..row.clone() }
}
