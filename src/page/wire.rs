//! What of HTTP/1.1 one browser on this machine needs: a request without a body, its answer, the end of the connection. A request that
//! is anything else is refused, so there is nothing that two readers could understand differently.
#![expect(clippy::disallowed_types, reason = "the page listens on loopback, for the browser of this machine")]

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use futures::StreamExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tower_service::Service;

/// Longest request in bytes, and most headers of one.
const HEAD_MAX: usize = 16 * 1_024;
const HEADERS_MAX: usize = 64;
/// How long a request may take to arrive.
const HEAD_WAIT: Duration = Duration::from_secs(10);
/// How long what still arrives after an answer is read, so that the answer is not lost.
const REST_WAIT: Duration = Duration::from_millis(200);
const REST_MAX: usize = 64 * 1_024;
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
        let (router, stop) = (router.clone(), stop.clone());
        tokio::spawn(async move {
            // A browser that goes away is no failure.
            let _ = converse(stream, router, stop).await;
            drop(permit);
        });
    }
}

/// One request, one answer.
async fn converse(mut stream: TcpStream, mut router: Router, stop: watch::Receiver<bool>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (response, wants_body) = match timeout(HEAD_WAIT, read_request(&mut stream)).await {
        Err(_) => return Ok(()),
        Ok(Err(NoRequest::Gone)) => return Ok(()),
        Ok(Err(NoRequest::Refused(status))) => (refusal(status), true),
        Ok(Ok(request)) => {
            let wants_body = request.method() != Method::HEAD;
            let Ok(response) = router.call(request).await;
            (response, wants_body)
        }
    };
    write_response(&mut stream, response, wants_body, stop).await?;
    stream.shutdown().await?;
    let mut rest = Vec::new();
    let _ = timeout(REST_WAIT, (&mut stream).take(REST_MAX as u64).read_to_end(&mut rest)).await;
    Ok(())
}

/// Why there is no request.
#[derive(Debug, PartialEq, Eq)]
enum NoRequest {
    /// The connection ended first.
    Gone,
    Refused(StatusCode),
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Result<Request<Body>, NoRequest> {
    let mut head = Vec::with_capacity(1_024);
    loop {
        let read = stream.read_buf(&mut head).await.map_err(|_| NoRequest::Gone)?;
        if read == 0 {
            return Err(NoRequest::Gone);
        }
        if let Some(request) = parsed(&head)? {
            return Ok(request);
        }
        if head.len() > HEAD_MAX {
            return Err(NoRequest::Refused(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
        }
    }
}

/// Reads a request; `None`: it is not whole yet.
fn parsed(head: &[u8]) -> Result<Option<Request<Body>>, NoRequest> {
    let bad = || NoRequest::Refused(StatusCode::BAD_REQUEST);
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut read = httparse::Request::new(&mut headers);
    match read.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(NoRequest::Refused(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
        }
        Err(_) => return Err(bad()),
    }
    let method = Method::from_bytes(read.method.unwrap_or_default().as_bytes()).map_err(|_| bad())?;
    let target = read.path.filter(|path| path.starts_with('/')).ok_or_else(bad)?;
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method;
    *request.uri_mut() = target.parse::<Uri>().map_err(|_| bad())?;
    for one in read.headers.iter() {
        let name = HeaderName::from_bytes(one.name.as_bytes()).map_err(|_| bad())?;
        let value = HeaderValue::from_bytes(one.value).map_err(|_| bad())?;
        let is_second = request.headers_mut().append(&name, value);
        if is_second && (name == header::HOST || name == header::ORIGIN) {
            return Err(bad());
        }
    }
    Ok(Some(request))
}

fn refusal(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from(status.canonical_reason().unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

async fn write_response(
    stream: &mut TcpStream,
    response: Response<Body>,
    wants_body: bool,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let (parts, body) = response.into_parts();
    let mut head = format!("HTTP/1.1 {}\r\nconnection: close\r\n", parts.status).into_bytes();
    for (name, value) in parts.headers.iter().filter(|(name, _)| **name != header::CONTENT_LENGTH) {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    if let Some(length) = body.size_hint().exact() {
        head.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    stream.write_all(&head).await?;
    if !wants_body {
        return Ok(());
    }
    let mut pieces = body.into_data_stream();
    let mut ignored = [0; 256];
    loop {
        let piece = tokio::select! {
            // What is there is sent, also to who has closed his own end.
            biased;
            piece = pieces.next() => piece,
            _ = stop.changed() => return Ok(()),
            // Of a stream: the browser has gone, or sends what is read by nothing.
            read = stream.read(&mut ignored) => match read? {
                0 => return Ok(()),
                _ => continue,
            },
        };
        match piece {
            Some(Ok(piece)) => stream.write_all(&piece).await?,
            Some(Err(error)) => return Err(io::Error::other(error)),
            None => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(head: &str) -> Option<NoRequest> {
        parsed(head.as_bytes()).err()
    }

    #[test]
    fn what_is_no_plain_request_is_refused() {
        let whole = "GET /a?b=c HTTP/1.1\r\nhost: 127.0.0.1:1\r\ncookie: x=y\r\n\r\n";
        let request = parsed(whole.as_bytes()).unwrap().unwrap();
        assert_eq!((request.uri().path(), request.uri().query()), ("/a", Some("b=c")));
        assert_eq!(request.headers()[header::COOKIE], "x=y");
        for at in 0..whole.len() {
            assert!(matches!(parsed(&whole.as_bytes()[..at]), Ok(None)), "{at}");
        }
        let bad = Some(NoRequest::Refused(StatusCode::BAD_REQUEST));
        for head in [
            "GET http://other/ HTTP/1.1\r\n\r\n",
            "CONNECT other:1 HTTP/1.1\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
            "GET / HTTP/1.1\r\norigin: a\r\norigin: b\r\n\r\n",
            "GET / HTTP/1.1\r\n folded: a\r\n\r\n",
            "GET / HTTP/3\r\n\r\n",
            "\u{0}\r\n\r\n",
        ] {
            assert_eq!(status(head), bad, "{head:?}");
        }
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(HEADERS_MAX + 1));
        assert_eq!(status(&many), Some(NoRequest::Refused(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)));
    }
}
