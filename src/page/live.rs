//! Tells open pages that something has changed: one thread follows the stream of changes, server-sent events carry it on.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures::stream;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::client::ChangeStream;
use crate::config::Config;
use crate::home::Home;

/// How often the stores are asked, and how often a page is told at most.
const EVERY: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_millis(400);
/// A stream says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a wait for changes goes on; and the pause after a failure.
const WAIT: Duration = Duration::from_secs(5);
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// The number of changes so far.
#[derive(Clone)]
pub(super) struct Live {
    changes: watch::Sender<u64>,
    /// Those of them that were in a store.
    stored: Arc<AtomicU64>,
}

impl Live {
    pub fn new() -> Self {
        Self { changes: watch::Sender::new(0), stored: Arc::default() }
    }

    /// Something that a page shows is another one now.
    pub fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Tells one state of the stores from another one.
    pub fn stored(&self) -> u64 {
        self.stored.load(Ordering::Relaxed)
    }

    fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Follows the stores for as long as the process lives.
    pub fn follow(&self, home: Home, config: Config) {
        let live = self.clone();
        std::thread::spawn(move || {
            loop {
                let mut stream = ChangeStream::new(&home, &config, EVERY);
                loop {
                    match stream.next_within(WAIT) {
                        Ok(true) => {
                            live.stored.fetch_add(1, Ordering::Relaxed);
                            live.changed();
                        }
                        Ok(false) => {}
                        Err(error) => {
                            tracing::warn!(%error, "changes cannot be followed; trying again");
                            break;
                        }
                    }
                }
                std::thread::sleep(AFTER_FAILURE);
            }
        });
    }

    /// The stream of one page.
    pub fn events(&self) -> Response {
        let changes = self.subscribe();
        let events = stream::unfold((changes, true), |(mut changes, is_first)| async move {
            let text = if is_first {
                changes.mark_unchanged();
                "retry: 1000\nevent: open\ndata: \n\n".to_owned()
            } else {
                match timeout(HEARTBEAT, changes.changed()).await {
                    Err(_) => ": alive\n\n".to_owned(),
                    Ok(Err(_)) => return None,
                    Ok(Ok(())) => {
                        // What comes in a burst is one change to a reader.
                        tokio::time::sleep(PAUSE).await;
                        let number = *changes.borrow_and_update();
                        format!("event: changed\ndata: {number}\n\n")
                    }
                }
            };
            Some((Ok::<Bytes, Infallible>(Bytes::from(text)), (changes, false)))
        });
        let mut response = Response::new(Body::from_stream(events));
        let kind = HeaderValue::from_static("text/event-stream");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}
