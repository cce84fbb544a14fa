//! The shared store as Lance asks it: each request within a time that its size allows, counted, and with what went wrong kept as our own
//! words for it.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use super::super::objects::{self, PATIENCE, RequestCounts, SharedObjects, Trouble};

/// What went wrong last.
type Problem = Arc<Mutex<Option<String>>>;

/// The objects below a store's prefix, for Lance.
#[derive(Debug)]
pub struct TimedObjects {
    inner: Arc<PrefixStore<Arc<dyn ObjectStore>>>,
    /// Of a directory: the one that has the prefix in it, and the one below it that is the prefix.
    dirs: Option<(PathBuf, PathBuf)>,
    counts: Arc<RequestCounts>,
    problem: Problem,
}

impl TimedObjects {
    pub fn new(shared: &SharedObjects) -> Self {
        let dirs = shared.root.as_ref().map(|root| (root.clone(), root.join(shared.prefix.as_ref())));
        Self {
            inner: Arc::new(PrefixStore::new(shared.objects.clone(), shared.prefix.clone())),
            dirs,
            counts: shared.counts.clone(),
            problem: Problem::default(),
        }
    }

    /// What went wrong since this was called last, but for what belongs to the protocol: an object that was not there, say, or
    /// was there already.
    pub fn take_problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn count(&self, of: impl FnOnce(&RequestCounts) -> &AtomicU64, number: u64) {
        RequestCounts::add(of(&self.counts), number);
    }

    fn uploading(&self, inner: Box<dyn MultipartUpload>, location: &Path) -> TimedUpload {
        TimedUpload {
            inner,
            file: self.dirs.as_ref().map(|(root, dir)| (root.clone(), dir.join(location.as_ref()))),
            counts: self.counts.clone(),
            problem: self.problem.clone(),
        }
    }
}

impl fmt::Display for TimedObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the shared store")
    }
}

/// Answers in time, or as an error.
async fn in_time<T>(problem: &Problem, allowed: Duration, request: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(allowed, request).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            let is_of_protocol = matches!(
                error,
                Error::NotFound { .. }
                    | Error::AlreadyExists { .. }
                    | Error::Precondition { .. }
                    | Error::NotModified { .. }
                    | Error::NotImplemented { .. }
                    | Error::NotSupported { .. }
            );
            if !is_of_protocol && let Trouble::Outage(text) = objects::trouble(&error) {
                note(problem, text);
            }
            Err(error)
        }
        Err(_) => {
            let text = match objects::slow(allowed) {
                Trouble::Outage(text) => text,
                Trouble::Lost => String::new(),
            };
            note(problem, text.clone());
            Err(Error::Generic { store: "shared", source: text.into() })
        }
    }
}

fn note(problem: &Problem, text: String) {
    *problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
}

/// A stream whose every item comes in time; it ends with what does not.
fn timed_stream<T: Send + 'static>(
    problem: Problem,
    inner: BoxStream<'static, Result<T>>,
) -> BoxStream<'static, Result<T>> {
    let next = |(problem, inner): (Problem, Option<BoxStream<'static, Result<T>>>)| async move {
        let mut inner = inner?;
        let item = in_time(&problem, PATIENCE, async { inner.next().await.transpose() }).await;
        match item {
            Ok(Some(item)) => Some((Ok(item), (problem, Some(inner)))),
            Ok(None) => None,
            // An object that went while a list was made is none of its end.
            Err(error @ Error::NotFound { .. }) => Some((Err(error), (problem, Some(inner)))),
            Err(error) => Some((Err(error), (problem, None))),
        }
    };
    futures::stream::unfold((problem, Some(inner)), next).boxed()
}

/// Bytes that a request is about, as far as that is known before its answer.
const fn length(range: Option<&GetRange>) -> u64 {
    match range {
        Some(GetRange::Bounded(range)) => range.end.saturating_sub(range.start),
        Some(GetRange::Suffix(bytes)) => *bytes,
        Some(GetRange::Offset(_)) | None => 0,
    }
}

#[async_trait]
impl ObjectStore for TimedObjects {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let bytes = payload.content_length() as u64;
        self.count(|counts| &counts.puts, 1);
        let request = self.inner.put_opts(location, payload, opts);
        let put = in_time(&self.problem, objects::allowed(bytes), request).await?;
        self.count(|counts| &counts.bytes_out, bytes);
        if let Some((root, dir)) = &self.dirs {
            objects::open_up(root, &dir.join(location.as_ref()));
        }
        Ok(put)
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.count(|counts| &counts.puts, 1);
        let begun = in_time(&self.problem, PATIENCE, self.inner.put_multipart_opts(location, opts)).await?;
        Ok(Box::new(self.uploading(begun, location)))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.count(|counts| &counts.gets, 1);
        let is_head = options.head;
        let allowed = objects::allowed(length(options.range.as_ref()));
        let GetResult { payload, meta, range, attributes, extensions } =
            in_time(&self.problem, allowed, self.inner.get_opts(location, options)).await?;
        let whole = |payload| GetResult {
            payload,
            meta: meta.clone(),
            range: range.clone(),
            attributes: attributes.clone(),
            extensions: extensions.clone(),
        };
        if is_head {
            return Ok(whole(payload));
        }
        let length = range.end.saturating_sub(range.start);
        let read = whole(payload).bytes();
        let bytes = in_time(&self.problem, objects::allowed(length), read).await?;
        self.count(|counts| &counts.bytes_in, bytes.len() as u64);
        Ok(whole(GetResultPayload::Stream(futures::stream::once(async { Ok(bytes) }).boxed())))
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let counts = self.counts.clone();
        let counted = locations.inspect(move |_| RequestCounts::add(&counts.puts, 1)).boxed();
        timed_stream(self.problem.clone(), self.inner.delete_stream(counted))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.count(|counts| &counts.lists, 1);
        timed_stream(self.problem.clone(), self.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.count(|counts| &counts.lists, 1);
        timed_stream(self.problem.clone(), self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.count(|counts| &counts.lists, 1);
        in_time(&self.problem, PATIENCE, self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.count(|counts| &counts.puts, 1);
        in_time(&self.problem, PATIENCE, self.inner.copy_opts(from, to, options)).await
    }
}

/// A large object on its way.
#[derive(Debug)]
struct TimedUpload {
    inner: Box<dyn MultipartUpload>,
    /// Of a directory: it, and the file.
    file: Option<(PathBuf, PathBuf)>,
    counts: Arc<RequestCounts>,
    problem: Problem,
}

#[async_trait]
impl MultipartUpload for TimedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (bytes, problem, counts) = (data.content_length() as u64, self.problem.clone(), self.counts.clone());
        let part = self.inner.put_part(data);
        RequestCounts::add(&counts.puts, 1);
        async move {
            in_time(&problem, objects::allowed(bytes), part).await?;
            RequestCounts::add(&counts.bytes_out, bytes);
            Ok(())
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        RequestCounts::add(&self.counts.puts, 1);
        let put = in_time(&self.problem, PATIENCE, self.inner.complete()).await?;
        if let Some((root, file)) = &self.file {
            objects::open_up(root, file);
        }
        Ok(put)
    }

    async fn abort(&mut self) -> Result<()> {
        RequestCounts::add(&self.counts.puts, 1);
        in_time(&self.problem, PATIENCE, self.inner.abort()).await
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;
    use object_store::throttle::{ThrottleConfig, ThrottledStore};

    use super::super::super::asked_rest::AskedRest;
    use super::super::super::place::SharedPlace;
    use super::*;

    fn timed(objects: Arc<dyn ObjectStore>) -> TimedObjects {
        let (prefix, asked) = (Path::from("team"), AskedRest::default());
        TimedObjects::new(&SharedObjects::new(SharedPlace { objects, prefix, root: None, asked }))
    }

    #[tokio::test]
    async fn objects_are_below_the_prefix_and_their_bytes_are_counted() {
        let memory = Arc::new(InMemory::new());
        let timed = timed(memory.clone());
        timed.put(&Path::from("index/a"), PutPayload::from_static(b"0123456789")).await.unwrap();
        assert_eq!(timed.get_range(&Path::from("index/a"), 2..5).await.unwrap(), "234");
        assert!(memory.head(&Path::from("team/v1/index/a")).await.is_ok());
        let read = |counter: &AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!((read(&timed.counts.bytes_out), read(&timed.counts.bytes_in)), (10, 3));
        assert!(timed.get(&Path::from("index/b")).await.is_err());
        assert_eq!(timed.take_problem(), None, "what is not there is no problem");
    }

    #[tokio::test]
    async fn a_slow_answer_is_not_waited_for() {
        let wait_get_per_call = Duration::from_secs(60);
        let slow = ThrottledStore::new(
            InMemory::new(),
            ThrottleConfig { wait_get_per_call, wait_list_per_entry: wait_get_per_call, ..ThrottleConfig::default() },
        );
        let timed = timed(Arc::new(slow));
        timed.put(&Path::from("index/a"), PutPayload::from_static(b"0")).await.unwrap();
        let location = Path::from("index/a");
        let (got, listed): (_, Vec<_>) = tokio::join!(timed.get(&location), timed.list(None).collect());
        assert!(got.is_err() && timed.take_problem().unwrap().contains("it is slow"));
        assert!(listed.len() == 1 && listed[0].is_err(), "{listed:?}");
    }
}
