//! From `[shared] url` to the client of a store, with the credentials that each cloud's tools use.

use std::path::{Path as DiskPath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::asked_rest::{AskedRest, NotingConnector};
use crate::config::{SharedConfig, SharedScheme};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How long a connection that nothing uses is kept.
const KEPT_IDLE: Duration = Duration::from_secs(30);
/// A request that is throttled or meets an error of the server is sent again so often, and not after so long.
const MOST_RETRIES: usize = 3;
const RETRIES_END: Duration = Duration::from_millis(1_200);

/// A store's client, and the prefix below which everything is.
pub struct SharedPlace {
    pub objects: Arc<dyn ObjectStore>,
    pub prefix: Path,
    /// Of a directory: what is written has its permissions, for other users read it.
    pub root: Option<PathBuf>,
    pub asked: AskedRest,
}

/// The directory of a `file://` store.
pub fn directory(config: &SharedConfig) -> Option<&DiskPath> {
    match config.scheme {
        SharedScheme::File => config.url.strip_prefix("file://").map(DiskPath::new),
        _ => None,
    }
}

/// Sets up the client. Nothing is sent.
///
/// # Errors
/// What is wrong with the settings or with the credentials in the environment.
pub fn connect(config: &SharedConfig) -> Result<SharedPlace, String> {
    // The first provider that a process installs stays; a second call says so, which is no error here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let asked = AskedRest::default();
    let objects: Arc<dyn ObjectStore> = match config.scheme {
        SharedScheme::File => Arc::new(local(directory(config).unwrap_or(DiskPath::new("/")))?),
        _ => remote(config, NotingConnector(asked.clone())).map_err(|error| error.to_string())?,
    };
    Ok(SharedPlace { objects, prefix: prefix(config), root: directory(config).map(DiskPath::to_owned), asked })
}

/// The client of a store on a server.
fn remote(config: &SharedConfig, noting: NotingConnector) -> object_store::Result<Arc<dyn ObjectStore>> {
    let (url, options, retry) = (&config.url, client(config), retry());
    let objects: Arc<dyn ObjectStore> = match config.scheme {
        SharedScheme::S3 => {
            let mut builder = AmazonS3Builder::from_env().with_url(url);
            if let Some(endpoint) = &config.endpoint {
                builder = builder.with_endpoint(endpoint);
            }
            Arc::new(builder.with_client_options(options).with_retry(retry).with_http_connector(noting).build()?)
        }
        SharedScheme::Gcs => {
            let builder = GoogleCloudStorageBuilder::from_env().with_url(url);
            Arc::new(builder.with_client_options(options).with_retry(retry).with_http_connector(noting).build()?)
        }
        SharedScheme::Azure => {
            let mut builder = MicrosoftAzureBuilder::from_env().with_url(url);
            if let Some(endpoint) = &config.endpoint {
                builder = builder.with_endpoint(endpoint.clone());
            }
            Arc::new(builder.with_client_options(options).with_retry(retry).with_http_connector(noting).build()?)
        }
        SharedScheme::Http | SharedScheme::File => {
            let builder = HttpBuilder::new().with_url(url);
            Arc::new(builder.with_client_options(options).with_retry(retry).with_http_connector(noting).build()?)
        }
    };
    Ok(objects)
}

fn local(dir: &DiskPath) -> Result<LocalFileSystem, String> {
    let (shown, dir) = (dir.display().to_string(), dir.to_owned());
    let opened = in_time(move || dir.is_dir().then(|| LocalFileSystem::new_with_prefix(dir)));
    match opened {
        Some(Some(opened)) => Ok(opened.map_err(|error| error.to_string())?.with_fsync(true)),
        Some(None) => Err(not_there(shown.as_ref())),
        None => Err(format!("{shown} does not answer within {} s; is what it is on reachable?", CONNECT.as_secs())),
    }
}

/// Whether a directory is there. One that does not say so in time is not.
pub fn is_there(dir: &DiskPath) -> bool {
    let dir = dir.to_owned();
    in_time(move || dir.is_dir()).unwrap_or(false)
}

/// What there is to say of a directory that is not there.
pub fn not_there(dir: &DiskPath) -> String {
    format!("{} is not a directory; make it, or mount what it is on", dir.display())
}

/// What a file system says within the time that a server has: one whose network is gone blocks whoever asks it.
fn in_time<T: Send + 'static>(question: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (answer, answered) = std::sync::mpsc::channel();
    let asking = std::thread::Builder::new().name("shared-directory".to_owned());
    // The asker may have given up.
    let asked = asking.spawn(move || drop(answer.send(question())));
    asked.ok().and_then(|_| answered.recv_timeout(CONNECT).ok())
}

/// What comes after the bucket; of a directory and of a server the client knows it already.
fn prefix(config: &SharedConfig) -> Path {
    let within = match config.scheme {
        SharedScheme::File | SharedScheme::Http => "",
        SharedScheme::S3 | SharedScheme::Gcs | SharedScheme::Azure => {
            config.url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, within)| within)
        }
    };
    Path::from(within)
}

fn client(config: &SharedConfig) -> ClientOptions {
    let is_plain = |url: &str| url.starts_with("http://");
    ClientOptions::new()
        .with_allow_http(is_plain(&config.url) || config.endpoint.as_deref().is_some_and(is_plain))
        .with_connect_timeout(CONNECT)
        // Each request has a limit of its own, by its size.
        .with_timeout_disabled()
        .with_pool_idle_timeout(KEPT_IDLE)
}

fn retry() -> RetryConfig {
    let backoff =
        BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_millis(500), base: 2.0 };
    RetryConfig { backoff, max_retries: MOST_RETRIES, retry_timeout: RETRIES_END }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_what_follows_the_bucket() {
        for (scheme, url, expected) in [
            (SharedScheme::S3, "s3://bucket", ""),
            (SharedScheme::S3, "s3://bucket/", ""),
            (SharedScheme::S3, "s3://bucket/team/a", "team/a"),
            (SharedScheme::Gcs, "gs://bucket/team/", "team"),
            (SharedScheme::File, "file:///srv/shared", ""),
            (SharedScheme::Http, "https://host/shared", ""),
        ] {
            let config = SharedConfig { scheme, url: url.to_owned(), ..SharedConfig::default() };
            assert_eq!(prefix(&config).as_ref(), expected, "{url}");
        }
    }

    #[test]
    fn a_file_system_that_hangs_is_not_waited_for() {
        let (_never, answer) = std::sync::mpsc::channel::<()>();
        assert_eq!(in_time(move || answer.recv().is_ok()), None);
        assert_eq!(in_time(|| 3), Some(3));
    }

    #[test]
    fn a_directory_that_is_missing_is_said_to_be() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("file://{}", dir.path().join("missing").display());
        let config = SharedConfig { url, scheme: SharedScheme::File, ..SharedConfig::default() };
        let error = connect(&config).err().unwrap();
        assert!(error.contains("is not a directory; make it"), "{error}");
    }
}
