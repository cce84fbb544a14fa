//! How long a busy server asks to be left alone, which the client of a store does not pass on.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

/// Seconds that a server has asked for; nothing once it answers.
#[derive(Clone, Debug, Default)]
pub struct AskedRest(Arc<AtomicU64>);

impl AskedRest {
    /// What was asked for since this was called last.
    pub fn take(&self) -> Duration {
        Duration::from_secs(self.0.swap(0, Ordering::Relaxed))
    }

    /// `retry_after`: the header of an answer with this status. A date in it is not read.
    fn note(&self, status: u16, retry_after: Option<&str>) {
        if matches!(status, 429 | 503)
            && let Some(seconds) = retry_after.and_then(|text| text.trim().parse().ok())
        {
            self.0.fetch_max(seconds, Ordering::Relaxed);
        }
    }
}

/// Connects as the client does by itself, and notes what servers ask for.
#[derive(Debug)]
pub struct NotingConnector(pub AskedRest);

impl HttpConnector for NotingConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(NotingService { client, asked: self.0.clone() }))
    }
}

#[derive(Debug)]
struct NotingService {
    client: HttpClient,
    asked: AskedRest,
}

type Responding<'f> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'f>>;

impl HttpService for NotingService {
    fn call<'s, 'f>(&'s self, request: HttpRequest) -> Responding<'f>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let response = self.client.execute(request).await?;
            let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
            self.asked.note(response.status().as_u16(), retry_after);
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_rest_that_a_busy_server_asks_for_counts() {
        let asked = AskedRest::default();
        assert_eq!(asked.take(), Duration::ZERO);
        asked.note(503, Some("120"));
        asked.note(429, Some(" 30 "));
        asked.note(200, Some("900"));
        asked.note(503, Some("Wed, 21 Oct 2026 07:28:00 GMT"));
        asked.note(503, None);
        assert_eq!((asked.take(), asked.take()), (Duration::from_secs(120), Duration::ZERO));
    }
}
