//! The presigned URL that the response goes to. Who has it can respond in our name, so it cannot be printed, logged or
//! serialized by accident.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use url::{Position, Url};

/// A presigned URL. Its escapes stay as they are, byte for byte: the signature covers them.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseUrl(Url);

impl ResponseUrl {
    /// Parses a URL of the scheme `https`, or `http` as local engines use it. One that the HTTP client cannot send anything to,
    /// such as one of more than 65,534 bytes, is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_sendable = url.as_str().parse::<http::Uri>().is_ok();
        (is_sendable && matches!(url.scheme(), "https" | "http")).then_some(Self(url))
    }

    /// What its signature says. A local engine signs nothing.
    ///
    /// Source: [Query string authentication](https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html);
    /// version 2 of the signature contains only when it expires, in seconds since 1970.
    #[must_use]
    pub fn signature(&self) -> Signature {
        let seconds = |text: &str| text.parse().ok().map(Duration::from_secs);
        let mut signature = Signature::default();
        for (name, value) in self.0.query_pairs() {
            match name.as_ref() {
                "X-Amz-Signature" | "Signature" => signature.is_present = true,
                "X-Amz-Date" => signature.signed = date(&value),
                "X-Amz-Expires" => signature.validity = seconds(&value),
                "Expires" => signature.expires = seconds(&value),
                _ => {}
            }
        }
        signature
    }

    /// Whether it is one of the scheme `https`.
    pub(super) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Scheme, host and port.
    pub(super) fn origin(&self) -> &str {
        &self.0[..Position::BeforePath]
    }

    /// The URL without what is signed, for a request that only makes a connection.
    pub(super) fn without_path(&self) -> Url {
        let mut url = self.0.clone();
        url.set_path("");
        url.set_query(None);
        url.set_fragment(None);
        url
    }

    /// The whole URL, for what sends the response and what decides whether it may be sent there.
    pub(crate) fn secret(&self) -> &Url {
        &self.0
    }
}

/// What the signature of a presigned URL says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// Whether there is one at all.
    pub is_present: bool,
    /// When CloudFormation signed the URL, which is when it sent the request. Version 2 does not say.
    pub signed: Option<SystemTime>,
    /// How long the URL is valid from then on.
    validity: Option<Duration>,
    /// When it expires, in version 2: so long after 1970.
    expires: Option<Duration>,
}

impl Signature {
    /// Until when CloudFormation waits for the response: at most `service_timeout` after it signed the URL, and not longer than the URL
    /// is valid. None if it is unknown.
    #[must_use]
    pub fn end(&self, service_timeout: Duration) -> Option<SystemTime> {
        if let Some(expires) = self.expires {
            return SystemTime::UNIX_EPOCH.checked_add(expires);
        }
        self.signed?
            .checked_add(service_timeout.min(self.validity?))
    }
}

impl fmt::Display for ResponseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, host) = (self.0.scheme(), self.0.host_str().unwrap_or_default());
        write!(f, "{scheme}://{host}?***")
    }
}

impl fmt::Debug for ResponseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads a date like `20260131T235959Z`.
fn date(text: &str) -> Option<SystemTime> {
    let part = |from: usize, to: usize| text.get(from..to);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(9, 11)?, part(11, 13)?, part(13, 15)?);
    let text = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z");
    DateTime::from_str(&text, Format::DateTime)
        .ok()?
        .try_into()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_says_when_the_request_expires() {
        // 2026-01-31T23:59:59Z
        let signed = 1_769_903_999;
        for (query, expected) in [
            (
                "X-Amz-Date=20260131T235959Z&X-Amz-Expires=7200",
                Some(signed + 600),
            ),
            (
                "X-Amz-Expires=300&X-Amz-Date=20260131T235959Z",
                Some(signed + 300),
            ),
            (
                "AWSAccessKeyId=A&Expires=1769903999&Signature=s",
                Some(signed),
            ),
            ("X-Amz-Date=20260131T235959Z", None),
            ("X-Amz-Date=20260231T235959Z&X-Amz-Expires=300", None),
            ("X-Amz-Date=é0260131T235959Z&X-Amz-Expires=300", None),
            ("X-Amz-Date=20260131T235959Z&X-Amz-Expires=-1", None),
            ("Expires=99999999999999999999", None),
            ("", None),
        ] {
            let url = ResponseUrl::parse(&format!("https://b.s3.amazonaws.com/key?{query}"));
            let signature = url.expect("a URL").signature();
            let end = signature.end(Duration::from_mins(10));
            let seconds = end.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
            assert_eq!(
                seconds.map(|seconds| seconds.as_secs()),
                expected,
                "{query}"
            );
        }
    }

    #[test]
    fn a_url_is_signed_by_either_version_of_the_signature() {
        for (query, is_signed) in [
            ("X-Amz-Date=20260131T235959Z&X-Amz-Signature=s", true),
            ("AWSAccessKeyId=A&Expires=1769903999&Signature=s", true),
            ("signature=s", false),
            ("", false),
        ] {
            let url = ResponseUrl::parse(&format!("https://b.s3.amazonaws.com/key?{query}"));
            let signature = url.expect("a URL").signature();
            assert_eq!(signature.is_present, is_signed, "{query}");
        }
    }

    #[test]
    fn only_scheme_and_host_are_ever_shown() {
        let url = "https://user:pass@bucket.s3.amazonaws.com/arn%3Aaws%7CShare?Signature=secret";
        let url = ResponseUrl::parse(url).expect("a URL");
        assert_eq!(
            format!("{url} {url:?}"),
            "https://bucket.s3.amazonaws.com?*** https://bucket.s3.amazonaws.com?***"
        );
    }

    #[test]
    fn the_escapes_that_are_signed_stay_as_they_are() {
        let text = "https://bucket.s3.amazonaws.com/arn%3Aaws%3a%7CShare%2F+|?X-Amz-Signature=a%2Fb%20c+d&E=";
        let url = ResponseUrl::parse(text).expect("a URL");
        assert_eq!(url.secret().as_str(), text);
    }

    #[test]
    fn a_text_that_is_not_an_http_url_is_rejected() {
        for text in [
            "",
            "bucket.s3.amazonaws.com",
            "ftp://host/",
            "https://",
            "https://host:port/",
            &format!("https://host/{}", "x".repeat(70_000)),
        ] {
            assert_eq!(ResponseUrl::parse(text), None, "{text}");
        }
    }
}
