//! Delivers the answer: the same bytes again and again until the bucket has them or time is up.
//! Knows nothing of what they say.

use std::time::Duration;

use thiserror::Error;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::response_url::ResponseUrl;
use crate::backoff::Backoff;
use crate::http::{Answered, Http};

/// How long one attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the first attempt may take where no time is left: Lambda may be slower to end the process than it says.
const LAST_CHANCE: Duration = Duration::from_secs(1);

/// The answer could not be delivered.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum Undelivered {
    /// The bucket does not take it: the URL has expired or is wrong, and another attempt would not change that.
    #[error(
        "answer refused: got HTTP status {status} from `{url}`, the stack waits until its timeout unless Lambda's retry of the event helps"
    )]
    Refused {
        /// What the bucket answered.
        status: u16,
        /// Where the answer went.
        url: ResponseUrl,
        /// How often it was tried.
        attempts: u32,
    },
    /// Every attempt failed until time was up.
    #[error(
        "answer not delivered: got {last} from `{url}` in {attempts} attempts, check the function's way to S3"
    )]
    OutOfTime {
        /// What the last attempt came to.
        last: String,
        /// Where the answer went.
        url: ResponseUrl,
        /// How often it was tried.
        attempts: u32,
    },
}

impl Undelivered {
    /// Whether it is certain that nobody has the answer: the first attempt was refused, and no other one may have been
    /// taken without our hearing of it.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        matches!(self, Self::Refused { attempts: 1, .. })
    }
}

/// PUTs `body` to `url`, and again after timeouts, connection errors and what S3's own clients try again after, until `end`.
/// A lost acknowledgement makes it arrive twice, which is harmless: it is the same.
///
/// # Errors
/// If it was not delivered.
pub async fn reply(
    http: &Http,
    url: &ResponseUrl,
    body: &[u8],
    end: Instant,
) -> Result<(), Undelivered> {
    let (mut attempts, mut backoff) = (0, Backoff::default());
    loop {
        attempts += 1;
        let left = end.saturating_duration_since(Instant::now());
        let timeout = left.clamp(LAST_CHANCE, ATTEMPT_TIMEOUT);
        let last = match http.put(url.secret(), body.to_vec(), timeout).await {
            Ok(answered) if (200..300).contains(&answered.status) => {
                info!(attempts, host = %url, "answered");
                return Ok(());
            }
            Ok(answered) if may_pass(&answered) => format!("HTTP status {}", answered.status),
            Ok(Answered { status, .. }) => {
                return Err(Undelivered::Refused {
                    status,
                    url: url.clone(),
                    attempts,
                });
            }
            Err(error) => error.to_string(),
        };
        warn!(attempts, host = %url, outcome = last, "not answered");
        let pause = backoff.pause();
        if Instant::now() + pause >= end {
            return Err(Undelivered::OutOfTime {
                last,
                url: url.clone(),
                attempts,
            });
        }
        sleep(pause).await;
    }
}

/// The codes of S3 after which its clients send a request again although its status is 400.
///
/// Source: [S3's error codes](https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) and
/// [retry behaviour of AWS's clients](https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).
const PASSING_CODES: [&str; 3] = ["RequestTimeout", "RequestTimeoutException", "SlowDown"];

/// Whether the same PUT to the same URL may be taken later. A redirect is waited out, never followed: S3 sends one while the
/// name of a new bucket is not known everywhere, and its place is not part of what was signed.
fn may_pass(answered: &Answered) -> bool {
    match answered.status {
        307 | 408 | 429 | 500.. => true,
        400 => code(&answered.head).is_some_and(|code| PASSING_CODES.contains(&code.as_str())),
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
    use super::*;

    #[test]
    fn what_s3s_clients_send_again_may_pass_and_nothing_else() {
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
            let answered = Answered {
                status,
                head: head.clone().into_bytes(),
            };
            assert_eq!(may_pass(&answered), passes, "{status} {head}");
        }
    }

    #[test]
    fn an_undelivered_answer_says_why_without_the_url() {
        let url = "https://bucket.s3.amazonaws.com/key?Signature=secret";
        let url = ResponseUrl::read(url).expect("a URL");
        let refused = Undelivered::Refused {
            status: 403,
            url: url.clone(),
            attempts: 1,
        };
        assert!(refused.is_certain());
        assert_eq!(
            refused.to_string(),
            "answer refused: got HTTP status 403 from `https://bucket.s3.amazonaws.com?***`, the stack waits until its \
             timeout unless Lambda's retry of the event helps"
        );
        let out_of_time = Undelivered::OutOfTime {
            last: "HTTP status 503".into(),
            url,
            attempts: 7,
        };
        assert!(!out_of_time.is_certain());
        assert_eq!(
            out_of_time.to_string(),
            "answer not delivered: got HTTP status 503 from `https://bucket.s3.amazonaws.com?***` in 7 attempts, check the \
             function's way to S3"
        );
    }
}
