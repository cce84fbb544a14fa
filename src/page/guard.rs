//! Who may read the page: a browser that was given its address, which has a token, and that asks this server by its name. A cookie
//! stands for the token from then on.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::io;
use std::sync::Arc;

use crate::domain::Hash;

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;

/// No script but the one file, no other host, no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The token of one run, and the port that is asked.
pub(super) struct PageGuard {
    token: String,
    port: u16,
}

impl PageGuard {
    /// With a new token.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn new(port: u16) -> io::Result<Self> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self { token: bytes.iter().map(|byte| format!("{byte:02x}")).collect(), port })
    }

    /// The address that lets in.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/?token={}", self.port, self.token)
    }

    /// Cookies are shared by all ports of a host.
    fn cookie_name(&self) -> String {
        format!("ra_agent_{}", self.port)
    }

    fn cookie(&self) -> String {
        format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie_name(), self.token)
    }

    fn verdict(&self, method: &Method, headers: &HeaderMap, target: &Uri) -> GuardVerdict {
        if !is_plain(target) || !self.is_own_host(headers) || !self.is_own_origin(headers) {
            return GuardVerdict::Refused;
        }
        let query = target.query().unwrap_or_default();
        let has_token =
            query.split('&').filter_map(|pair| pair.strip_prefix("token=")).any(|token| self.is_token(token));
        if !has_token && !self.has_cookie(headers) {
            return GuardVerdict::Refused;
        }
        match *method {
            Method::GET | Method::HEAD if has_token => GuardVerdict::GivenToken,
            Method::GET | Method::HEAD => GuardVerdict::HasCookie,
            _ => GuardVerdict::ReadOnly,
        }
    }

    /// Another name that leads here would be another site's (DNS rebinding).
    fn is_own_host(&self, headers: &HeaderMap) -> bool {
        let Some(Some(host)) = only(headers, header::HOST) else { return false };
        ["127.0.0.1", "localhost"].iter().any(|name| host.as_bytes() == format!("{name}:{}", self.port).as_bytes())
    }

    /// What another site's page asks has that site as its origin.
    fn is_own_origin(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = only(headers, header::ORIGIN) else { return false };
        let Some(origin) = origin else { return true };
        let own = |name: &&str| origin.as_bytes() == format!("http://{name}:{}", self.port).as_bytes();
        ["127.0.0.1", "localhost"].iter().any(own)
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let name = self.cookie_name();
        let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|cookies| cookies.to_str().ok());
        let mut values = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|one| one.trim().split_once('='));
        values.any(|(of, value)| of == name && self.is_token(value))
    }

    /// Compares hashes, so the time that it takes tells nothing of the token.
    fn is_token(&self, text: &str) -> bool {
        Hash::of(text.as_bytes()) == Hash::of(self.token.as_bytes())
    }
}

/// Whether a request names a path alone, and no host besides its header.
fn is_plain(target: &Uri) -> bool {
    target.authority().is_none() && target.scheme().is_none() && target.path().starts_with('/')
}

/// The one value of a header that has one; `None`: there are several, which two readers could understand differently.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<Option<&HeaderValue>> {
    let mut values = headers.get_all(name).into_iter();
    let first = values.next();
    values.next().is_none().then_some(first)
}

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
enum GuardVerdict {
    Refused,
    /// It may read, and asks for something else.
    ReadOnly,
    GivenToken,
    HasCookie,
}

/// Lets a request through, or not.
pub(super) async fn check(State(guard): State<Arc<PageGuard>>, request: Request, next: Next) -> Response {
    let verdict = guard.verdict(request.method(), request.headers(), request.uri());
    let mut response = match verdict {
        GuardVerdict::Refused => refused(
            StatusCode::FORBIDDEN,
            "This page is only for the browser that was given its address: the first line that `ra-agent ui` prints.\n",
        ),
        GuardVerdict::ReadOnly => refused(StatusCode::METHOD_NOT_ALLOWED, "This page only answers questions.\n"),
        GuardVerdict::GivenToken | GuardVerdict::HasCookie => next.run(request).await,
    };
    if verdict == GuardVerdict::GivenToken
        && let Ok(cookie) = HeaderValue::from_str(&guard.cookie())
    {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn refused(status: StatusCode, why: &'static str) -> Response {
    let mut response = Body::from(why).into_response();
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> PageGuard {
        PageGuard { token: "t0ken".to_owned(), port: 7_000 }
    }

    fn verdict(method: &str, headers: &[(&str, &str)], query: &str) -> GuardVerdict {
        verdict_on(method, headers, &format!("/a?{query}"))
    }

    fn verdict_on(method: &str, headers: &[(&str, &str)], target: &str) -> GuardVerdict {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        guard().verdict(&method.parse().unwrap(), &map, &target.parse().unwrap())
    }

    const HOST: (&str, &str) = ("host", "127.0.0.1:7000");

    #[test]
    fn only_the_browser_with_the_address_gets_in() {
        let cookie = ("cookie", "other=1; ra_agent_7000=t0ken");
        assert_eq!(verdict("GET", &[HOST], "token=t0ken"), GuardVerdict::GivenToken);
        assert_eq!(verdict("GET", &[HOST, cookie], ""), GuardVerdict::HasCookie);
        assert_eq!(verdict("HEAD", &[("host", "localhost:7000"), cookie], ""), GuardVerdict::HasCookie);
        assert_eq!(verdict("GET", &[HOST, cookie, ("origin", "http://127.0.0.1:7000")], ""), GuardVerdict::HasCookie);
        assert_eq!(verdict("POST", &[HOST, cookie], ""), GuardVerdict::ReadOnly);
        for (headers, query) in [
            (&[HOST][..], ""),
            (&[HOST], "token=t0ke"),
            (&[HOST], "token="),
            (&[HOST], "atoken=t0ken"),
            (&[HOST, ("cookie", "ra_agent_7001=t0ken")], ""),
            (&[HOST, ("cookie", "ra_agent_7000=t0kens")], ""),
            (&[], "token=t0ken"),
            (&[("host", "127.0.0.1")], "token=t0ken"),
            (&[("host", "127.0.0.1:7001")], "token=t0ken"),
            (&[("host", "evil.example:7000"), cookie], "token=t0ken"),
            (&[HOST, cookie, ("origin", "null")], "token=t0ken"),
            (&[HOST, cookie, ("origin", "http://evil.example")], "token=t0ken"),
            (&[HOST, cookie, ("origin", "http://127.0.0.1:7001")], ""),
            (&[HOST, HOST, cookie], ""),
            (&[HOST, ("host", "evil.example"), cookie], ""),
            (&[HOST, cookie, ("origin", "http://127.0.0.1:7000"), ("origin", "null")], ""),
        ] {
            assert_eq!(verdict("GET", headers, query), GuardVerdict::Refused, "{headers:?} {query}");
        }
        for (method, target) in
            [("GET", "http://127.0.0.1:7000/?token=t0ken"), ("CONNECT", "127.0.0.1:7000"), ("OPTIONS", "*")]
        {
            assert_eq!(verdict_on(method, &[HOST, cookie], target), GuardVerdict::Refused, "{method} {target}");
        }
    }

    #[test]
    fn every_run_has_a_token_of_its_own() {
        let tokens = [PageGuard::new(1).unwrap().token, PageGuard::new(1).unwrap().token];
        assert!(tokens[0] != tokens[1] && tokens[0].len() == 2 * TOKEN_BYTES, "{tokens:?}");
    }
}
