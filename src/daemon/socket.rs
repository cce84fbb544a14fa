//! The control socket: one line in, one line out, for the daemon's own user alone.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::DaemonError;
use super::control::{ControlReply, REQUEST_MAX, Request, read_request};

/// How long a client may take to send its request.
const REQUEST_WAIT: Duration = Duration::from_secs(2);
/// Connections that are served at the same time; more wait in the kernel's queue.
const CONNECTIONS: usize = 32;

/// How often it is looked whether a client that waits is still there.
const HANG_UP_CHECK: Duration = Duration::from_secs(1);

/// A connection's request, and where its answer goes.
pub type ControlCall = (Request, oneshot::Sender<ControlReply>);

/// A socket that is listened on.
pub struct Socket {
    path: PathBuf,
    /// Device and inode of the socket's file: another file at the path is not this socket.
    identity: (u64, u64),
    calls: mpsc::Sender<ControlCall>,
    accepting: JoinHandle<()>,
}

impl Socket {
    /// Begins to listen; what is asked comes out of the receiver. The caller holds the daemon's lock, so a socket that is there is
    /// dead.
    ///
    /// # Errors
    /// If there can be no socket at the path.
    pub fn listen(path: PathBuf) -> Result<(Self, mpsc::Receiver<ControlCall>), DaemonError> {
        let (calls, receiver) = mpsc::channel(CONNECTIONS);
        let (listener, identity) = bind(&path).map_err(|source| DaemonError::Path { path: path.clone(), source })?;
        let accepting = tokio::spawn(accept(listener, calls.clone()));
        Ok((Self { path, identity, calls, accepting }, receiver))
    }

    /// A socket whose file was removed gets no connections: another takes its place.
    ///
    /// # Errors
    /// If there can be no socket at the path.
    pub fn listen_again_if_gone(&mut self) -> Result<(), DaemonError> {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            return Ok(());
        }
        let (listener, identity) =
            bind(&self.path).map_err(|source| DaemonError::Path { path: self.path.clone(), source })?;
        tracing::warn!(path = %self.path.display(), "the socket was gone and is there again");
        self.accepting.abort();
        self.accepting = tokio::spawn(accept(listener, self.calls.clone()));
        self.identity = identity;
        Ok(())
    }
}

fn bind(path: &PathBuf) -> io::Result<(UnixListener, (u64, u64))> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok((listener, identity(path)?))
}

fn identity(path: &PathBuf) -> io::Result<(u64, u64)> {
    let metadata = std::fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

async fn accept(listener: UnixListener, calls: mpsc::Sender<ControlCall>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { break };
        let Ok((stream, _)) = listener.accept().await else { continue };
        let calls = calls.clone();
        tokio::spawn(async move {
            if let Err(error) = converse(stream, calls).await {
                tracing::debug!(%error, "a client was not answered");
            }
            drop(place);
        });
    }
}

async fn converse(mut stream: UnixStream, calls: mpsc::Sender<ControlCall>) -> io::Result<()> {
    let own = rustix::process::geteuid().as_raw();
    if stream.peer_cred()?.uid() != own {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let (reader, mut writer) = stream.split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(REQUEST_MAX as u64));
    tokio::time::timeout(REQUEST_WAIT, reader.read_line(&mut line)).await??;
    let reply = match read_request(&line) {
        Ok(request) => {
            let (answer, answered) = oneshot::channel();
            let answered = async {
                calls.send((request, answer)).await.ok()?;
                answered.await.ok()
            };
            // Who has given up leaves its place to others: an answer may take as long as a first index.
            let answered = tokio::select! {
                answered = answered => answered,
                () = hang_up(writer.as_ref()) => None,
            };
            answered.ok_or(io::ErrorKind::BrokenPipe)?
        }
        Err(message) => ControlReply::Failed { message },
    };
    let text = serde_json::to_string(&reply)?;
    writer.write_all(text.as_bytes()).await?;
    writer.write_all(b"\n").await
}

/// Waits until the client has closed its side. One that only has no more to send is there still.
async fn hang_up(stream: &UnixStream) {
    use rustix::net::{SendFlags, send};
    loop {
        tokio::time::sleep(HANG_UP_CHECK).await;
        // Nothing is sent by this; a stream that leads nowhere refuses it all the same.
        if send(stream, &[], SendFlags::NOSIGNAL | SendFlags::DONTWAIT) == Err(rustix::io::Errno::PIPE) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::control::PROTOCOL;

    /// Sends a request and leaves.
    async fn ask(path: &PathBuf) -> UnixStream {
        let mut stream = UnixStream::connect(path).await.unwrap();
        let line = format!("{{\"protocol\":{PROTOCOL},\"request\":{{\"do\":\"ping\"}}}}\n");
        stream.write_all(line.as_bytes()).await.unwrap();
        stream
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn who_gives_up_leaves_its_place_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.sock");
        let (_socket, mut calls) = Socket::listen(path.clone()).unwrap();
        let mut unanswered = Vec::new();
        let mut gone = Vec::new();
        for _ in 0..CONNECTIONS {
            gone.push(ask(&path).await);
            unanswered.push(calls.recv().await.unwrap());
        }
        // One that has closed only its way out waits like any other.
        let mut patient = gone.pop().unwrap();
        patient.shutdown().await.unwrap();
        drop(gone);
        let mut late = ask(&path).await;
        let (_, answer) = calls.recv().await.unwrap();
        answer.send(ControlReply::Failed { message: "late".to_owned() }).ok().unwrap();
        let (_, answer) = unanswered.pop().unwrap();
        answer.send(ControlReply::Failed { message: "patient".to_owned() }).ok().unwrap();
        for (stream, text) in [(&mut late, "late"), (&mut patient, "patient")] {
            let mut reply = String::new();
            stream.read_to_string(&mut reply).await.unwrap();
            assert!(reply.contains(text), "{reply}");
        }
        for (_, mut answer) in unanswered {
            // Each wait ends, be it a moment later.
            answer.closed().await;
        }
    }
}
