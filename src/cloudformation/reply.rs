//! Delivers the answer: the same bytes again and again until the bucket has them or time is up.
//! Knows nothing of what they say.

use std::time::Duration;

use thiserror::Error;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::response_url::ResponseUrl;
use crate::backoff::Backoff;
use crate::http::Http;

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

/// PUTs `body` to `url`, and again after 5xx, 429, timeouts and connection errors, until `end`. A lost acknowledgement
/// makes it arrive twice, which is harmless: it is the same.
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
            Ok(200..300) => {
                info!(attempts, host = %url, "answered");
                return Ok(());
            }
            Ok(status) if status == 429 || status >= 500 => format!("HTTP status {status}"),
            Ok(status) => {
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

#[cfg(test)]
mod tests {
    use super::*;

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
