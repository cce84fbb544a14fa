//! How long a busy server asks to be left alone, which the client of a store does not pass on.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

use crate::clock::{self, Timestamp};

/// Seconds that a server has asked for; nothing once it answers.
#[derive(Clone, Debug, Default)]
pub struct AskedRest(Arc<AtomicU64>);

impl AskedRest {
    /// What was asked for since this was called last.
    pub fn take(&self) -> Duration {
        Duration::from_secs(self.0.swap(0, Ordering::Relaxed))
    }

    /// `retry_after`: the header of an answer with this status: seconds or a date (RFC 9110 section 10.2.3).
    fn note(&self, status: u16, retry_after: Option<&str>, now: Timestamp) {
        if matches!(status, 429 | 503)
            && let Some(seconds) = retry_after.and_then(|text| seconds(text.trim(), now))
        {
            self.0.fetch_max(seconds, Ordering::Relaxed);
        }
    }
}

fn seconds(text: &str, now: Timestamp) -> Option<u64> {
    let until = || {
        let then = chrono::DateTime::parse_from_rfc2822(text).ok()?.timestamp_millis();
        Some(u64::try_from(then.saturating_sub(now.0)).unwrap_or_default().div_ceil(1_000))
    };
    text.parse().ok().or_else(until)
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
            self.asked.note(response.status().as_u16(), retry_after, clock::now());
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
        // Wed, 21 Oct 2026 07:28:00 GMT
        let then = Timestamp(1_792_567_680_000);
        let (now, later) = (then.plus_millis(-89_500), then.plus_millis(1));
        assert_eq!(asked.take(), Duration::ZERO);
        asked.note(503, Some("120"), now);
        asked.note(429, Some(" 30 "), now);
        asked.note(200, Some("900"), now);
        asked.note(503, Some("Wed, 21 Oct 2026 07:28:00 GMT"), now);
        asked.note(503, None, now);
        assert_eq!((asked.take(), asked.take()), (Duration::from_secs(120), Duration::ZERO));
        asked.note(503, Some("Wed, 21 Oct 2026 07:28:00 GMT"), now);
        assert_eq!(asked.take(), Duration::from_secs(90));
        asked.note(503, Some("Wed, 21 Oct 2026 07:28:00 GMT"), later);
        asked.note(503, Some("soon"), now);
        assert_eq!(asked.take(), Duration::ZERO);
    }
}
