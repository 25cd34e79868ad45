//! Sends the response: the same bytes, retried until the bucket has them or time is up, over a connection that is made while the
//! request is still worked on.

use std::cell::RefCell;
use std::pin::Pin;
use std::time::SystemTime;

use futures_util::future::{join, poll_immediate};
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{info, warn};

use super::response_url::ResponseUrl;
use crate::backoff::Backoff;
use crate::deadline::{BUCKET_IDLE_TIME, LAST_SEND_TIMEOUT, SEND_TIMEOUT};
use crate::http::{Http, PutResponse};

/// The response was not received.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// The bucket rejects it: the URL has expired or is wrong, and another attempt would not change that.
    #[error(
        "response rejected: got HTTP status {status} from `{url}`, the stack waits until its timeout unless Lambda's retry of the event helps"
    )]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// Where the response went.
        url: ResponseUrl,
        /// How often it was tried.
        attempts: u32,
    },
    /// Every attempt failed until time was up.
    #[error(
        "response not sent: got {last} from `{url}` in {attempts} attempts, check the function's network path to S3"
    )]
    TimedOut {
        /// What the last attempt came to.
        last: String,
        /// Where the response went.
        url: ResponseUrl,
        /// How often it was tried.
        attempts: u32,
    },
}

impl SendError {
    /// Whether the response was certainly not received: the first attempt was rejected, and there was no other one that may have been
    /// received without an acknowledgement.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        matches!(self, Self::Rejected { attempts: 1, .. })
    }
}

/// Sends the responses of one execution environment.
pub struct ResponseSender {
    http: Http,
    /// The origin that received the last response, and when. By the wall clock: the other one may stand still while Lambda freezes
    /// the process.
    last: RefCell<Option<(String, SystemTime)>>,
}

impl ResponseSender {
    /// A sender that has no connection yet, and makes them by `http`.
    #[must_use]
    pub fn new(http: Http) -> Self {
        Self {
            http,
            last: RefCell::default(),
        }
    }

    /// The output of `work`, and meanwhile a connection for the response to `url`, unless there is one or the work is done at once.
    /// The work does not depend on it; the response waits for it until `end` at most, since to begin again would take longer.
    pub async fn connect_during<T>(
        &self,
        url: &ResponseUrl,
        end: Instant,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> T {
        // Without TLS, as local engines are called, a connection is made in no time.
        if !url.is_https() || self.is_connected(url.origin()) {
            return work.await;
        }
        if let Some(output) = poll_immediate(work.as_mut()).await {
            return output;
        }
        // Boxed: few warm events need it.
        let connected = Box::pin(self.http.preconnect(url.without_path()));
        join(work, timeout_at(end, connected)).await.0
    }

    /// Whether a connection to `origin` was used so recently that the bucket has hardly closed it.
    fn is_connected(&self, origin: &str) -> bool {
        let last = self.last.borrow();
        let last = last.as_ref().filter(|(to, _)| to == origin);
        // None if the clock was set back.
        let idle = last.and_then(|(_, at)| at.elapsed().ok());
        idle.is_some_and(|idle| idle < BUCKET_IDLE_TIME)
    }

    /// Sends `body` to `url`, in as many attempts as it takes until `end`.
    ///
    /// # Errors
    /// If it was not received.
    pub async fn send(
        &self,
        url: &ResponseUrl,
        body: &[u8],
        end: Instant,
    ) -> Result<(), SendError> {
        send_response(&self.http, url, body, end).await?;
        let received = (url.origin().to_owned(), SystemTime::now());
        self.last.replace(Some(received));
        Ok(())
    }
}

/// PUTs `body` to `url`, and again after timeouts, connection errors and what S3's own clients retry after, until `end`. After a lost
/// acknowledgement it arrives twice, which is harmless: it is the same.
///
/// # Errors
/// If it was not received.
async fn send_response(
    http: &Http,
    url: &ResponseUrl,
    body: &[u8],
    end: Instant,
) -> Result<(), SendError> {
    let (mut attempts, mut backoff) = (0, Backoff::default());
    loop {
        attempts += 1;
        let left = end.saturating_duration_since(Instant::now());
        let timeout = left.clamp(LAST_SEND_TIMEOUT, SEND_TIMEOUT);
        let last = match http.put(url.secret(), body.to_vec(), timeout).await {
            Ok(received) if (200..300).contains(&received.status) => {
                info!(attempts, host = %url, "response sent");
                return Ok(());
            }
            Ok(rejected) if is_retryable(&rejected) => format!("HTTP status {}", rejected.status),
            Ok(PutResponse { status, .. }) => {
                return Err(SendError::Rejected {
                    status,
                    url: url.clone(),
                    attempts,
                });
            }
            Err(error) => error.to_string(),
        };
        warn!(attempts, host = %url, outcome = last, "response attempt failed");
        let pause = backoff.pause();
        if Instant::now() + pause >= end {
            return Err(SendError::TimedOut {
                last,
                url: url.clone(),
                attempts,
            });
        }
        sleep(pause).await;
    }
}

/// The codes of S3 after which its clients retry a request although its status is 400.
///
/// Source: [S3's error codes](https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) and
/// [retry behaviour of AWS's clients](https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).
const RETRYABLE_CODES: [&str; 3] = ["RequestTimeout", "RequestTimeoutException", "SlowDown"];

/// Whether the same PUT to the same URL may succeed later. A redirect is retried, never followed: S3 sends one while the name of a
/// new bucket is not known everywhere, and its target is not part of what was signed.
fn is_retryable(rejected: &PutResponse) -> bool {
    match rejected.status {
        307 | 408 | 429 | 500.. => true,
        400 => code(&rejected.head).is_some_and(|code| RETRYABLE_CODES.contains(&code.as_str())),
        _ => false,
    }
}

/// S3's error code in the head of a body, as XML.
fn code(head: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(head);
    let (_, rest) = head.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    Some(code.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tls::TlsConfig;

    #[test]
    fn a_connection_that_was_used_lately_is_used_again() {
        let tls = TlsConfig::from_env(|_| None).expect("no bundle");
        let sender = ResponseSender::new(Http::new(tls).expect("a client"));
        let origin = "https://bucket.s3.amazonaws.com";
        let is_connected = |last: Option<(&str, SystemTime)>| {
            let last = last.map(|(to, at)| (to.to_owned(), at));
            sender.last.replace(last);
            sender.is_connected(origin)
        };
        let (now, second) = (SystemTime::now(), Duration::from_secs(1));
        assert!(!is_connected(None));
        assert!(is_connected(Some((origin, now - second))));
        assert!(!is_connected(Some((origin, now - second * 4))));
        assert!(!is_connected(Some((origin, now + second * 60))));
        let other = "https://bucket.s3.amazonaws.com.cn";
        assert!(!is_connected(Some((other, now - second))));
    }

    #[test]
    fn only_what_the_clients_of_s3_retry_is_retryable() {
        let of_code = |code: &str| {
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>m</Message></Error>"
            )
        };
        for (status, head, passes) in [
            (400, of_code("RequestTimeout"), true),
            (400, of_code("\n  RequestTimeout\n"), true),
            (400, of_code("RequestTimeoutException"), true),
            (400, of_code("SlowDown"), true),
            (400, of_code("requesttimeout"), false),
            (400, of_code("RequestTimeoutX"), false),
            (400, of_code("RequestTimeTooSkewed"), false),
            (400, of_code("ExpiredToken"), false),
            (
                400,
                of_code("InvalidRequest")
                    .replace(">m<", "><![CDATA[<Code>RequestTimeout</Code>]]><"),
                false,
            ),
            (400, "RequestTimeout".into(), false),
            (400, "<Code>RequestTimeout".into(), false),
            (400, String::new(), false),
            (403, of_code("RequestTimeout"), false),
            (403, of_code("AccessDenied"), false),
            (404, of_code("NoSuchBucket"), false),
            (307, String::new(), true),
            (301, String::new(), false),
            (302, String::new(), false),
            (308, String::new(), false),
            (408, String::new(), true),
            (411, String::new(), false),
            (429, String::new(), true),
            (500, String::new(), true),
            (503, of_code("SlowDown"), true),
            (504, String::new(), true),
        ] {
            let response = PutResponse {
                status,
                head: head.clone().into_bytes(),
            };
            assert_eq!(is_retryable(&response), passes, "{status} {head}");
        }
    }

    #[test]
    fn a_send_error_says_why_without_the_url() {
        let url = "https://bucket.s3.amazonaws.com/key?Signature=secret";
        let url = ResponseUrl::parse(url).expect("a URL");
        let rejected = SendError::Rejected {
            status: 403,
            url: url.clone(),
            attempts: 1,
        };
        assert!(rejected.is_certain());
        assert_eq!(
            rejected.to_string(),
            "response rejected: got HTTP status 403 from `https://bucket.s3.amazonaws.com?***`, the stack waits until its \
             timeout unless Lambda's retry of the event helps"
        );
        let timed_out = SendError::TimedOut {
            last: "HTTP status 503".into(),
            url,
            attempts: 7,
        };
        assert!(!timed_out.is_certain());
        assert_eq!(
            timed_out.to_string(),
            "response not sent: got HTTP status 503 from `https://bucket.s3.amazonaws.com?***` in 7 attempts, check the \
             function's network path to S3"
        );
    }
}
