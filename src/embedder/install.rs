//! Puts a model's files where the embedder looks for them: from a directory or from the model hub, each checked by SHA-256, all
//! or none.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::model::{FALLBACK, ModelFile, ModelSpec};

/// Where models are downloaded, if `HF_ENDPOINT` (the hub's own variable for mirrors) does not say otherwise.
const HUB: &str = "https://huggingface.co";

/// Soon distinguishes a hub that cannot be reached from a slow one: there are other ways to install.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest silence in the middle of a download.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("{path} could not be {action}: {source}")]
    Io { path: PathBuf, action: &'static str, source: io::Error },
    #[error("{path} is missing: a model's directory holds model.safetensors, tokenizer.json and config.json")]
    Missing { path: PathBuf },
    #[error("{path} is not the file of {model} that is expected: its SHA-256 is {found}, not {expected}; get it again")]
    WrongHash { path: PathBuf, model: &'static str, expected: &'static str, found: String },
    #[error(
        "{url} could not be downloaded: {reason}; check the network (proxy, mirror in HF_ENDPOINT) and try again, or install \
         another model from files: install/fetch-model.sh, then `ra-agent model install {FALLBACK} --from DIR`"
    )]
    Download { url: String, reason: String },
}

/// How far a download or copy is, in bytes over all files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
}

/// True if every file is there with its size. Cheap; [`verify`] reads the files.
pub fn is_installed(dir: &Path, spec: &ModelSpec) -> bool {
    let has = |file: &ModelFile| std::fs::metadata(dir.join(file.name)).is_ok_and(|found| found.len() == file.bytes);
    spec.files.iter().all(has)
}

/// Checks every file of an installed model by its SHA-256.
///
/// # Errors
/// If one is missing, cannot be read or is another.
pub fn verify(dir: &Path, spec: &ModelSpec) -> Result<(), InstallError> {
    for file in &spec.files {
        let path = dir.join(file.name);
        let mut source = open(&path)?;
        let found = copy(&mut source, &mut io::sink(), |_| {}).map_err(|source| InstallError::Io {
            path: path.clone(),
            action: "read",
            source,
        })?;
        check(&path, spec, file, found)?;
    }
    Ok(())
}

/// Copies a model's files from a directory into `dest`, which is replaced. Until all are copied and right, `dest` stays as it was.
///
/// # Errors
/// If a file is missing or is another, or `dest` cannot be written.
pub fn install_from(
    dest: &Path,
    source: &Path,
    spec: &ModelSpec,
    mut progress: impl FnMut(Progress),
) -> Result<(), InstallError> {
    let staging = Staging::create(dest)?;
    let mut done = 0;
    for file in &spec.files {
        let from = source.join(file.name);
        let mut reader = open(&from)?;
        let (path, mut writer) = staging.file(file)?;
        let found = copy(&mut reader, &mut writer, |bytes| {
            done += bytes;
            progress(Progress { done, total: spec.bytes() });
        })
        .map_err(|source| InstallError::Io { path: path.clone(), action: "copied", source })?;
        check(&from, spec, file, found)?;
        sync(&path, &writer)?;
    }
    staging.publish()
}

/// Downloads a model's files at their pinned revision into `dest`, which is replaced when all are there and right.
///
/// # Errors
/// If the hub cannot be reached or gives another file, or `dest` cannot be written.
#[expect(clippy::disallowed_methods, reason = "Hugging Face names a mirror by this variable")]
pub async fn download(dest: &Path, spec: &ModelSpec, progress: impl FnMut(Progress)) -> Result<(), InstallError> {
    let endpoint = std::env::var("HF_ENDPOINT").ok().filter(|value| !value.is_empty());
    download_from(endpoint.as_deref().unwrap_or(HUB), dest, spec, progress).await
}

async fn download_from(
    hub: &str,
    dest: &Path,
    spec: &ModelSpec,
    mut progress: impl FnMut(Progress),
) -> Result<(), InstallError> {
    let client = client().map_err(|error| failed(hub, &error))?;
    let staging = Staging::create(dest)?;
    let mut done = 0;
    for file in &spec.files {
        let (path, mut writer) = staging.file(file)?;
        let url = format!("{}/{}/resolve/{}/{}", hub.trim_end_matches('/'), spec.repository, spec.revision, file.name);
        let found = fetch(&client, &url, file, (&path, &mut writer), |bytes| {
            done += bytes;
            progress(Progress { done, total: spec.bytes() });
        })
        .await?;
        check(&path, spec, file, found)?;
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
    file: &ModelFile,
    (path, writer): (&Path, &mut File),
    mut progress: impl FnMut(u64),
) -> Result<String, InstallError> {
    let response = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
    let mut response = response.map_err(|error| failed(url, &error))?;
    let mut hasher = Sha256::new();
    let mut received = 0_u64;
    while let Some(bytes) = response.chunk().await.map_err(|error| failed(url, &error))? {
        received += bytes.len() as u64;
        if received > file.bytes {
            let reason = format!("it is larger than the {} bytes that {} has", file.bytes, file.name);
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

    fn file(&self, file: &ModelFile) -> Result<(PathBuf, File), InstallError> {
        let path = self.dir.join(file.name);
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

fn check(path: &Path, spec: &ModelSpec, file: &ModelFile, found: String) -> Result<(), InstallError> {
    if found == file.sha256 {
        return Ok(());
    }
    Err(InstallError::WrongHash { path: path.to_path_buf(), model: spec.id, expected: file.sha256, found })
}

#[cfg(test)]
#[path = "install_tests.rs"]
mod tests;
