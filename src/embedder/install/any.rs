//! Installing a model whose files are not all pinned: those that its own files name, recorded with their hashes.

use std::path::{Path, PathBuf};

use super::{InstallError, Progress, Staging, check, client, copy, failed, fetch, hub, open, sync};
use crate::embedder::encoder::{EmbedError, Embedder, SHARDS, weight_files};
use crate::embedder::model::{CONFIG, TOKENIZER, WEIGHTS, known};
use crate::embedder::record::{self, ModelRecord, RecordedFile};
use crate::embedder::rules::{LENGTH, MODULES, PROMPTS, RulesError, pooling_dir};

/// Files that describe a model; the last three may be missing.
const REQUIRED: [&str; 2] = [CONFIG, TOKENIZER];
const OPTIONAL: [&str; 3] = [MODULES, PROMPTS, LENGTH];

/// Weights in formats that are not read.
const UNREAD: [&str; 5] = ["pytorch_model.bin", "pytorch_model.bin.index.json", "model.onnx", "tf_model.h5", "onnx"];

/// No file of a model that this machine could run is larger: a hub that sends more is stopped.
const FILE_MAX: u64 = 8 << 30;

/// Copies a model of any supported family from a directory into `dest`, after it has been loaded once. Until then `dest` stays as it was.
/// An installed model of this id is only replaced by the same files.
///
/// # Errors
/// If a file is missing or is another, the model cannot be used, or `dest` cannot be written.
pub fn install_any(
    dest: &Path,
    source: &Path,
    id: &str,
    mut progress: impl FnMut(Progress),
) -> Result<ModelRecord, InstallError> {
    let mut names: Vec<String> = REQUIRED.map(str::to_owned).into();
    let pooling = format!("{}/config.json", pooling_dir(source).map_err(EmbedError::from)?);
    let is_there = |name: &str| source.join(name).exists();
    names.extend(OPTIONAL.into_iter().chain([&*pooling, SHARDS]).filter(|name| is_there(name)).map(str::to_owned));
    names.extend(weight_files(source)?);
    if let Some(other) = UNREAD.into_iter().find(|name| is_there(name) && !is_there(WEIGHTS) && !is_there(SHARDS)) {
        return Err(InstallError::OtherFormat { path: source.join(other) });
    }
    let size = |name: &String| std::fs::metadata(source.join(name)).map_or(0, |found| found.len());
    let (total, mut done) = (names.iter().map(size).sum(), 0);
    let staging = Staging::create(dest)?;
    let mut files = Vec::new();
    for name in names {
        let from = source.join(&name);
        let mut reader = open(&from)?;
        let (path, mut writer) = staging.file(&name)?;
        let mut bytes = 0;
        let sha256 = copy(&mut reader, &mut writer, |read| {
            bytes += read;
            done += read;
            progress(Progress { done, total });
        })
        .map_err(|source| InstallError::Io { path: path.clone(), action: "copied", source })?;
        sync(&path, &writer)?;
        files.push(RecordedFile { name, bytes, sha256 });
    }
    publish(staging, id, source.display().to_string(), files)
}

/// Downloads a model of any supported family from a repository on the hub, otherwise as [`install_any`].
///
/// # Errors
/// As there, or if the hub cannot be reached.
pub async fn download_any(
    dest: &Path,
    repository: &str,
    id: &str,
    progress: impl FnMut(Progress),
) -> Result<ModelRecord, InstallError> {
    download_any_from(&hub(), dest, repository, id, progress).await
}

pub(super) async fn download_any_from(
    hub: &str,
    dest: &Path,
    repository: &str,
    id: &str,
    progress: impl FnMut(Progress),
) -> Result<ModelRecord, InstallError> {
    let revision = known(id).map_or("main", |known| known.revision);
    let mut download = Download {
        client: client().map_err(|error| failed(hub, &error))?,
        base: format!("{}/{repository}/resolve/{revision}", hub.trim_end_matches('/')),
        staging: Staging::create(dest)?,
        files: Vec::new(),
        total: known(id).map_or(0, |known| known.bytes),
        progress,
    };
    for name in REQUIRED {
        download.get(name).await?;
    }
    for name in OPTIONAL {
        download.get_if_there(name).await?;
    }
    let moved = |error: RulesError| EmbedError::from(error).moved(&download.staging.dir, Path::new(repository));
    let pooling = pooling_dir(&download.staging.dir).map_err(moved)?;
    download.get_if_there(&format!("{pooling}/config.json")).await?;
    if !download.get_if_there(WEIGHTS).await? {
        download.get(SHARDS).await?;
        for name in weight_files(&download.staging.dir)? {
            download.get(&name).await?;
        }
    }
    publish(download.staging, id, repository.to_owned(), download.files)
}

struct Download<P> {
    client: reqwest::Client,
    base: String,
    staging: Staging,
    files: Vec<RecordedFile>,
    /// About.
    total: u64,
    progress: P,
}

impl<P: FnMut(Progress)> Download<P> {
    async fn get(&mut self, name: &str) -> Result<(), InstallError> {
        let url = format!("{}/{name}", self.base);
        let (path, mut writer) = self.staging.file(name)?;
        let before: u64 = self.files.iter().map(|file| file.bytes).sum();
        let (mut bytes, total, progress) = (0, self.total, &mut self.progress);
        let sha256 = fetch(&self.client, &url, FILE_MAX, (&path, &mut writer), |read| {
            bytes += read;
            let done = before + bytes;
            progress(Progress { done, total: total.max(done) });
        })
        .await?;
        sync(&path, &writer)?;
        self.files.push(RecordedFile { name: name.to_owned(), bytes, sha256 });
        Ok(())
    }

    /// Whether the repository has it.
    async fn get_if_there(&mut self, name: &str) -> Result<bool, InstallError> {
        let url = format!("{}/{name}", self.base);
        let answer = self.client.head(&url).send().await.map_err(|error| failed(&url, &error))?;
        match answer.status().as_u16() {
            404 => Ok(false),
            _ => self.get(name).await.map(|()| true),
        }
    }
}

/// Checks the files against what is pinned and what was installed, loads the model once, records it, and puts it in place.
fn publish(staging: Staging, id: &str, from: String, files: Vec<RecordedFile>) -> Result<ModelRecord, InstallError> {
    let find = |name: &str| files.iter().find(|file| file.name == name);
    for pin in known(id).into_iter().flat_map(|known| known.files) {
        if let Some(file) = find(pin.name) {
            check(&staging.dir.join(pin.name), id, pin.sha256, file.sha256.clone())?;
        }
    }
    if let Ok(before) = record::read(&staging.dest) {
        let is_same = |was: &&RecordedFile| find(&was.name).is_some_and(|now| now.sha256 == was.sha256);
        let other = before.files.iter().find(|was| !is_same(was));
        let other = other.or_else(|| files.iter().find(|now| !before.files.iter().any(|was| was.name == now.name)));
        if let Some(RecordedFile { name, .. }) = other {
            return Err(InstallError::OtherFiles { id: id.to_owned(), name: name.clone(), from: PathBuf::from(from) });
        }
    }
    let dimensions = dimensions(&staging.dir, id).map_err(|error| error.moved(&staging.dir, Path::new(&from)))?;
    let record = ModelRecord { from, dimensions, files };
    record::write(&staging.dir, &record)?;
    staging.publish()?;
    Ok(record)
}

/// Loads a model and has it embed a text: one that loads and cannot compute would fail with every file. The length of its vectors.
fn dimensions(dir: &Path, id: &str) -> Result<usize, EmbedError> {
    let embedder = Embedder::load(dir, id, 1)?;
    embedder.check_vocabulary()?;
    let vectors = embedder.embed(&["fn main() {}"])?;
    Ok(vectors.first().map_or(0, Vec::len))
}
