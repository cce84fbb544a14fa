//! The page's end of a connection of the browser on this machine: hyper reads the request and writes the answer. One connection, one
//! request, so there is nothing that two readers could understand differently.
#![expect(clippy::disallowed_types, reason = "the page listens on loopback, for the browser of this machine")]

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// Longest request in bytes, and most headers of one.
const HEAD_MAX: usize = 16 * 1_024;
const HEADERS_MAX: usize = 64;
/// How long a request may take to arrive.
const HEAD_WAIT: Duration = Duration::from_secs(10);
/// Connections at a time, streams included.
const CONNECTIONS_MAX: usize = 64;
/// After a failure to accept: no descriptor is free.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Listens on loopback; port 0: any that is free.
///
/// # Errors
/// If the port is taken.
pub(super) async fn listen(port: u16) -> io::Result<(TcpListener, u16)> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// Answers until `stop` is true.
pub(super) async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let free = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_AGAIN).await;
            continue;
        };
        let (router, mut stop) = (router.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = converse(stream, router, HEAD_WAIT) => {}
                // A stream of events would not end by itself.
                _ = stop.changed() => {}
            }
            drop(permit);
        });
    }
}

/// One request, one answer. `wait`: how long the request may take to arrive.
async fn converse(stream: TcpStream, router: Router, wait: Duration) {
    // Without it an answer is only later.
    let _ = stream.set_nodelay(true);
    let mut server = auto::Builder::new(TokioExecutor::new()).http1_only();
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(wait)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_MAX)
        .keep_alive(false);
    // A browser that goes away, or sends what is no request, is no failure.
    let _ = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await;
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// All that comes back for these bytes, sent in pieces of a size.
    async fn answer(request: &str, piece: usize, wait: Duration) -> String {
        let (listener, port) = listen(0).await.unwrap();
        let router = Router::new().fallback(|| async { "here" });
        let server = async { converse(listener.accept().await.unwrap().0, router, wait).await };
        let client = async {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            for piece in request.as_bytes().chunks(piece) {
                // The answer may be there before all is sent.
                if stream.write_all(piece).await.is_err() || stream.flush().await.is_err() {
                    break;
                }
            }
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            String::from_utf8(answer).unwrap()
        };
        tokio::join!(server, client).1
    }

    #[tokio::test]
    async fn one_plain_request_has_one_answer() {
        const LONG: Duration = Duration::from_secs(60);
        let whole = "GET /a?b=c HTTP/1.1\r\nhost: 127.0.0.1:1\r\ncookie: x=y\r\n\r\n";
        for piece in [1, 7, whole.len()] {
            let said = answer(whole, piece, LONG).await;
            assert!(said.starts_with("HTTP/1.1 200 ") && said.ends_with("here"), "{said}");
            assert!(said.contains("connection: close\r\n"), "{said}");
        }
        let twice = answer(&whole.repeat(2), usize::MAX, LONG).await;
        assert_eq!(twice.matches("HTTP/1.1 ").count(), 1, "{twice}");
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(HEADERS_MAX + 1));
        let long = format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "b".repeat(2 * HEAD_MAX));
        for (request, status) in [
            (many.as_str(), "431"),
            (&long, "431"),
            ("GET / HTTP/1.1\r\n folded: a\r\n\r\n", "400"),
            ("GET / HTTP/3\r\n\r\n", "400"),
            ("\u{0}\r\n\r\n", "400"),
        ] {
            let said = answer(request, usize::MAX, LONG).await;
            assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {said}");
        }
    }

    #[tokio::test]
    async fn a_request_that_does_not_end_has_no_answer() {
        assert_eq!(answer("GET / HTTP/1.1\r\nhost: ", usize::MAX, Duration::from_millis(20)).await, "");
    }
}
