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
    let fails = |error: object_store::Error| error.to_string();
    let (options, retry) = (client(config), retry());
    let objects: Arc<dyn ObjectStore> = match config.scheme {
        SharedScheme::File => {
            let dir = directory(config).unwrap_or(DiskPath::new("/"));
            if !dir.is_dir() {
                return Err(format!("{} is not a directory; make it, or mount what it is on", dir.display()));
            }
            Arc::new(LocalFileSystem::new_with_prefix(dir).map_err(fails)?.with_fsync(true))
        }
        SharedScheme::S3 => {
            let mut builder = AmazonS3Builder::from_env().with_url(&config.url);
            if let Some(endpoint) = &config.endpoint {
                builder = builder.with_endpoint(endpoint);
            }
            Arc::new(builder.with_client_options(options).with_retry(retry).build().map_err(fails)?)
        }
        SharedScheme::Gcs => {
            let builder = GoogleCloudStorageBuilder::from_env().with_url(&config.url);
            Arc::new(builder.with_client_options(options).with_retry(retry).build().map_err(fails)?)
        }
        SharedScheme::Azure => {
            let mut builder = MicrosoftAzureBuilder::from_env().with_url(&config.url);
            if let Some(endpoint) = &config.endpoint {
                builder = builder.with_endpoint(endpoint.clone());
            }
            Arc::new(builder.with_client_options(options).with_retry(retry).build().map_err(fails)?)
        }
        SharedScheme::Http => {
            let builder = HttpBuilder::new().with_url(&config.url);
            Arc::new(builder.with_client_options(options).with_retry(retry).build().map_err(fails)?)
        }
    };
    Ok(SharedPlace { objects, prefix: prefix(config), root: directory(config).map(DiskPath::to_owned) })
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
    fn a_directory_that_is_missing_is_said_to_be() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("file://{}", dir.path().join("missing").display());
        let config = SharedConfig { url, scheme: SharedScheme::File, ..SharedConfig::default() };
        let error = connect(&config).err().unwrap();
        assert!(error.contains("is not a directory; make it"), "{error}");
    }
}
