//! Puts a model's files where the embedder looks for them: from a directory or from the model hub, each checked by SHA-256, all
//! or none.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::encoder::EmbedError;
use super::model::{FALLBACK, KnownModel};
use super::record::{self, RecordError};
use super::rules::is_plain_name;

/// Where models are downloaded, if `HF_ENDPOINT` (the hub's own variable for mirrors) does not say otherwise.
const HUB: &str = "https://huggingface.co";

/// Soon distinguishes a hub that cannot be reached from a slow one: there are other ways to install.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest silence in the middle of a download.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

mod any;

pub use any::{download_any, install_any};

#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("{path} could not be {action}: {source}")]
    Io { path: PathBuf, action: &'static str, source: io::Error },
    #[error("{path} is missing: a model's directory holds model.safetensors, tokenizer.json and config.json")]
    Missing { path: PathBuf },
    #[error(
        "{path} holds the weights in a format that is not read: get the model's model.safetensors, or write it with \
         sentence-transformers (`model.save(DIR)`)"
    )]
    OtherFormat { path: PathBuf },
    #[error("{path} is not the file of {model} that is expected: its SHA-256 is {found}, not {expected}; get it again")]
    WrongHash { path: PathBuf, model: String, expected: String, found: String },
    #[error(
        "{id} is installed with another {name} than {from} has; vectors of the two must not be mixed: give the directory another name"
    )]
    OtherFiles { id: String, name: String, from: PathBuf },
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Unusable(#[from] EmbedError),
    #[error(
        "{url} could not be downloaded: {reason}; check the network (proxy, mirror in HF_ENDPOINT) and try again, or install \
         another model from files: install/fetch-model.sh, then `ra-agent model install {FALLBACK} --from DIR`"
    )]
    Download { url: String, reason: String },
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSource {
    /// From its pinned repository, or a directory that has its files.
    Known {
        known: &'static KnownModel,
        from: Option<PathBuf>,
    },
    Directory {
        dir: PathBuf,
        id: String,
    },
    /// `owner/name` on the hub.
    Repository {
        repository: String,
        id: String,
    },
}

impl ModelSource {
    /// What the model is called from now on.
    pub fn id(&self) -> &str {
        match self {
            Self::Known { known, .. } => known.id,
            Self::Directory { id, .. } | Self::Repository { id, .. } => id,
        }
    }
}

/// What a person means by a model's name: a known one by its id or repository, a directory, a repository on the hub. `None`: none of
/// these.
pub fn source_of(wanted: &str, from: Option<&Path>) -> Option<ModelSource> {
    let is_meant = |known: &&KnownModel| known.id == wanted || known.repository.eq_ignore_ascii_case(wanted);
    if let Some(known) = super::model::KNOWN.iter().find(is_meant) {
        return Some(ModelSource::Known { known, from: from.map(Path::to_path_buf) });
    }
    let id = |name: &str| Some(name.to_owned()).filter(|name| is_plain_name(name));
    if let Some(dir) = from {
        return Some(ModelSource::Directory { dir: dir.to_path_buf(), id: id(wanted)? });
    }
    let path = Path::new(wanted);
    if path.is_dir() {
        let dir = path.canonicalize().ok()?;
        return Some(ModelSource::Directory { id: id(dir.file_name()?.to_str()?)?, dir });
    }
    let (owner, name) = wanted.split_once('/')?;
    let repository = format!("{}/{}", id(owner)?, id(name)?);
    Some(ModelSource::Repository { repository, id: name.to_owned() })
}

/// How far a download or copy is, in bytes over all files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
}

/// True if every file of the model of this id is there with its size. Cheap; [`verify`] reads the files.
pub fn is_installed(dir: &Path, id: &str) -> bool {
    let has = |name: &str, bytes: u64| std::fs::metadata(dir.join(name)).is_ok_and(|found| found.len() == bytes);
    match pinned(id) {
        Some(known) => known.files.iter().all(|file| has(file.name, file.bytes)),
        None => record::read(dir).is_ok_and(|record| record.files.iter().all(|file| has(&file.name, file.bytes))),
    }
}

/// The known model of this id if its files are exactly those whose hashes are pinned.
fn pinned(id: &str) -> Option<&'static KnownModel> {
    super::model::known(id).filter(|known| known.rules.is_some())
}

/// Checks every file of an installed model by its SHA-256: the pinned one, or the one that was recorded when it was installed.
///
/// # Errors
/// If one is missing, cannot be read or is another.
pub fn verify(dir: &Path, id: &str) -> Result<(), InstallError> {
    let files: Vec<(String, String)> = match pinned(id) {
        Some(known) => known.files.iter().map(|file| (file.name.to_owned(), file.sha256.to_owned())).collect(),
        None => record::read(dir)?.files.into_iter().map(|file| (file.name, file.sha256)).collect(),
    };
    for (name, expected) in files {
        let path = dir.join(name);
        let found = hash_of(&path)?;
        check(&path, id, &expected, found)?;
    }
    Ok(())
}

fn hash_of(path: &Path) -> Result<String, InstallError> {
    let mut source = open(path)?;
    copy(&mut source, &mut io::sink(), |_| {}).map_err(|source| InstallError::Io {
        path: path.to_path_buf(),
        action: "read",
        source,
    })
}

/// Copies a model's files from a directory into `dest`, which is replaced. Until all are copied and right, `dest` stays as it was.
///
/// # Errors
/// If a file is missing or is another, or `dest` cannot be written.
pub fn install_from(
    dest: &Path,
    source: &Path,
    known: &KnownModel,
    mut progress: impl FnMut(Progress),
) -> Result<(), InstallError> {
    let staging = Staging::create(dest)?;
    let mut done = 0;
    for file in known.files {
        let from = source.join(file.name);
        let mut reader = open(&from)?;
        let (path, mut writer) = staging.file(file.name)?;
        let found = copy(&mut reader, &mut writer, |bytes| {
            done += bytes;
            progress(Progress { done, total: known.bytes });
        })
        .map_err(|source| InstallError::Io { path: path.clone(), action: "copied", source })?;
        check(&from, known.id, file.sha256, found)?;
        sync(&path, &writer)?;
    }
    staging.publish()
}

/// Downloads a model's files at their pinned revision into `dest`, which is replaced when all are there and right.
///
/// # Errors
/// If the hub cannot be reached or gives another file, or `dest` cannot be written.
pub async fn download(dest: &Path, known: &KnownModel, progress: impl FnMut(Progress)) -> Result<(), InstallError> {
    download_from(&hub(), dest, known, progress).await
}

#[expect(clippy::disallowed_methods, reason = "Hugging Face names a mirror by this variable")]
fn hub() -> String {
    std::env::var("HF_ENDPOINT").ok().filter(|value| !value.is_empty()).unwrap_or_else(|| HUB.to_owned())
}

async fn download_from(
    hub: &str,
    dest: &Path,
    known: &KnownModel,
    mut progress: impl FnMut(Progress),
) -> Result<(), InstallError> {
    let client = client().map_err(|error| failed(hub, &error))?;
    let staging = Staging::create(dest)?;
    let mut done = 0;
    for file in known.files {
        let (path, mut writer) = staging.file(file.name)?;
        let url =
            format!("{}/{}/resolve/{}/{}", hub.trim_end_matches('/'), known.repository, known.revision, file.name);
        let found = fetch(&client, &url, file.bytes, (&path, &mut writer), |bytes| {
            done += bytes;
            progress(Progress { done, total: known.bytes });
        })
        .await?;
        check(&path, known.id, file.sha256, found)?;
        sync(&path, &writer)?;
    }
    staging.publish()
}

#[expect(clippy::disallowed_methods, reason = "downloads the model")]
fn client() -> Result<reqwest::Client, reqwest::Error> {
    // The first provider that a process installs stays; a second call says so, which is no error here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .user_agent(concat!("ra-agent/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Writes what the URL gives and returns its SHA-256. Stops at the first byte too many.
async fn fetch(
    client: &reqwest::Client,
    url: &str,
    most: u64,
    (path, writer): (&Path, &mut File),
    mut progress: impl FnMut(u64),
) -> Result<String, InstallError> {
    let response = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
    let mut response = response.map_err(|error| failed(url, &error))?;
    let mut hasher = Sha256::new();
    let mut received = 0_u64;
    while let Some(bytes) = response.chunk().await.map_err(|error| failed(url, &error))? {
        received += bytes.len() as u64;
        if received > most {
            let reason = format!("it is larger than the {most} bytes that are expected");
            return Err(InstallError::Download { url: url.to_owned(), reason });
        }
        hasher.update(&bytes);
        writer.write_all(&bytes).map_err(|source| InstallError::Io {
            path: path.to_path_buf(),
            action: "written",
            source,
        })?;
        progress(bytes.len() as u64);
    }
    Ok(hex(hasher))
}

/// The error with its causes: the outermost alone says only that a request failed.
fn failed(url: &str, error: &reqwest::Error) -> InstallError {
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        reason = format!("{reason}: {inner}");
        cause = inner.source();
    }
    InstallError::Download { url: url.to_owned(), reason }
}

/// A directory next to the destination, which takes its place in one step, or vanishes.
struct Staging {
    dest: PathBuf,
    dir: PathBuf,
}

impl Staging {
    fn create(dest: &Path) -> Result<Self, InstallError> {
        let name = dest.file_name().unwrap_or_default().to_string_lossy();
        let dir = dest.with_file_name(format!(".{name}.{}.partial", std::process::id()));
        remove(&dir)?;
        std::fs::create_dir_all(&dir).map_err(|source| InstallError::Io {
            path: dir.clone(),
            action: "created",
            source,
        })?;
        Ok(Self { dest: dest.to_path_buf(), dir })
    }

    fn file(&self, name: &str) -> Result<(PathBuf, File), InstallError> {
        let path = self.dir.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|source| InstallError::Io {
                path: parent.to_path_buf(),
                action: "created",
                source,
            })?;
        }
        let created = File::create(&path);
        let file = created.map_err(|source| InstallError::Io { path: path.clone(), action: "created", source })?;
        Ok((path, file))
    }

    /// A directory cannot be renamed over one that is not empty, so an old one is removed first: a crash in between leaves none,
    /// which reads as not installed, never half of one.
    fn publish(self) -> Result<(), InstallError> {
        sync_dir(&self.dir)?;
        remove(&self.dest)?;
        std::fs::rename(&self.dir, &self.dest).map_err(|source| InstallError::Io {
            path: self.dest.clone(),
            action: "put in place",
            source,
        })?;
        self.dest.parent().map_or(Ok(()), sync_dir)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // After publishing there is nothing to remove; otherwise a rest is removed by the next installation.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn remove(dir: &Path) -> Result<(), InstallError> {
    match std::fs::remove_dir_all(dir) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(InstallError::Io { path: dir.to_path_buf(), action: "removed", source })
        }
        _ => Ok(()),
    }
}

fn open(path: &Path) -> Result<File, InstallError> {
    File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => InstallError::Missing { path: path.to_path_buf() },
        _ => InstallError::Io { path: path.to_path_buf(), action: "read", source },
    })
}

fn sync(path: &Path, file: &File) -> Result<(), InstallError> {
    file.sync_all().map_err(|source| InstallError::Io { path: path.to_path_buf(), action: "written", source })
}

fn sync_dir(dir: &Path) -> Result<(), InstallError> {
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|source| InstallError::Io { path: dir.to_path_buf(), action: "written", source })
}

/// Copies all bytes, telling of each block, and returns their SHA-256.
fn copy(from: &mut impl Read, to: &mut impl Write, mut progress: impl FnMut(u64)) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        let read = match from.read(&mut block) {
            Ok(0) => return Ok(hex(hasher)),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&block[..read]);
        to.write_all(&block[..read])?;
        progress(read as u64);
    }
}

fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check(path: &Path, model: &str, expected: &str, found: String) -> Result<(), InstallError> {
    if found == expected {
        return Ok(());
    }
    let (model, expected) = (model.to_owned(), expected.to_owned());
    Err(InstallError::WrongHash { path: path.to_path_buf(), model, expected, found })
}

#[cfg(test)]
#[path = "install_tests.rs"]
mod tests;
