//! An S3 server on loopback over a directory, with a script in front of it: it refuses, delays, loses, cuts and garbles what it is asked
//! for. It keeps every request as it came.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::runtime::Runtime;

pub const BUCKET: &str = "team-bucket";
const KEY: &str = "AKOFATEAM";
const SECRET: &str = "a-secret-of-a-team";
/// Most bytes of a body.
const LARGEST: usize = 1 << 26;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectAct {
    List,
    Get,
    Put,
    Delete,
}

/// What happens to requests of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    Refuse(u16),
    /// Refused, with a time in seconds for which it wants to be left alone.
    Throttle(u16, u64),
    Delay(Duration),
    /// The object is not there.
    Lose,
    /// The connection breaks in the middle of the answer.
    Cut,
    /// Half of the answer, as if that were all.
    Halve,
    /// Some bytes are others.
    Garble,
    /// An answer of 200 that is a page of something else.
    Portal,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct ObjectRequest {
    pub act: ObjectAct,
    /// Path and query.
    pub target: String,
    pub body: Vec<u8>,
}

#[derive(Default)]
struct ServerState {
    script: Vec<(ObjectAct, Mishap)>,
    requests: Vec<ObjectRequest>,
}

pub struct ObjectServer {
    address: SocketAddr,
    root: tempfile::TempDir,
    state: Arc<Mutex<ServerState>>,
    _runtime: Runtime,
}

impl ObjectServer {
    pub fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(root.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build();
        let state = Arc::new(Mutex::new(ServerState::default()));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = state.clone();
        let router = Router::new().fallback(move |request: Request| answer(service.clone(), shared.clone(), request));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, root, state, _runtime: runtime }
    }

    /// What an agent's daemon needs in its environment.
    pub fn environment(&self) -> [(&'static str, &'static str); 3] {
        [("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_REGION", "us-east-1")]
    }

    /// Url and endpoint, as a configuration has them.
    pub fn settings(&self) -> String {
        format!("url = \"s3://{BUCKET}/ra\"\nendpoint = \"http://{}\"", self.address)
    }

    /// From now on this happens; nothing else does.
    pub fn script(&self, script: impl IntoIterator<Item = (ObjectAct, Mishap)>) {
        self.state.lock().unwrap().script = script.into_iter().collect();
    }

    pub fn requests(&self) -> Vec<ObjectRequest> {
        self.state.lock().unwrap().requests.clone()
    }

    /// The directory in which the bucket's objects are.
    pub fn bucket(&self) -> PathBuf {
        self.root.path().join(BUCKET)
    }
}

fn act_of(request: &Request) -> ObjectAct {
    match *request.method() {
        Method::PUT => ObjectAct::Put,
        Method::DELETE => ObjectAct::Delete,
        Method::POST if request.uri().query().is_some_and(|query| query.contains("delete")) => ObjectAct::Delete,
        _ if request.uri().query().is_some_and(|query| query.contains("list-type")) => ObjectAct::List,
        _ => ObjectAct::Get,
    }
}

async fn answer(service: S3Service, state: Arc<Mutex<ServerState>>, request: Request) -> Response {
    let act = act_of(&request);
    let target = request.uri().to_string();
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST).await.unwrap_or_default();
    let mishap = {
        let mut state = state.lock().unwrap();
        state.requests.push(ObjectRequest { act, target, body: body.to_vec() });
        state.script.iter().find(|(of, _)| *of == act).map(|(_, mishap)| *mishap)
    };
    match mishap {
        Some(Mishap::Refuse(code)) => return StatusCode::from_u16(code).unwrap().into_response(),
        Some(Mishap::Throttle(code, seconds)) => {
            let status = StatusCode::from_u16(code).unwrap();
            return (status, [("retry-after", seconds.to_string())]).into_response();
        }
        Some(Mishap::Lose) => return StatusCode::NOT_FOUND.into_response(),
        Some(Mishap::Portal) => return (StatusCode::OK, "<html>Please sign in</html>").into_response(),
        Some(Mishap::Delay(delay)) => tokio::time::sleep(delay).await,
        _ => {}
    }
    let Ok(response) = service.call(axum::http::Request::from_parts(parts, s3s::Body::from(body))).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let (mut parts, body) = response.into_parts();
    let body = Body::new(body);
    if !matches!(mishap, Some(Mishap::Cut | Mishap::Halve | Mishap::Garble)) {
        return Response::from_parts(parts, body);
    }
    let mut bytes = to_bytes(body, LARGEST).await.unwrap_or_default().to_vec();
    match mishap {
        Some(Mishap::Garble) => bytes.iter_mut().skip(20).step_by(7).for_each(|byte| *byte ^= 0x15),
        Some(Mishap::Halve) => {
            bytes.truncate(bytes.len() / 2);
            parts.headers.insert("content-length", bytes.len().into());
        }
        // It promises all of it, and ends early.
        _ => {
            parts.headers.insert("content-length", bytes.len().into());
            bytes.truncate(bytes.len() / 2);
        }
    }
    Response::from_parts(parts, Body::from_stream(futures::stream::iter([Ok::<_, std::io::Error>(bytes)])))
}
