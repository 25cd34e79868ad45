//! The presigned URL that the answer goes to. Whoever has it can answer in our name, so it cannot be printed, logged or
//! serialized by accident.

use std::fmt;

use url::Url;

/// A presigned URL. Its escapes stay as they are, byte for byte: the signature covers them.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseUrl(Url);

impl ResponseUrl {
    /// Reads a URL of the scheme `https`, or `http` as local engines use it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        matches!(url.scheme(), "https" | "http").then_some(Self(url))
    }

    /// The whole URL, for the one place that sends the answer.
    pub(crate) fn secret(&self) -> &Url {
        &self.0
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scheme_and_host_are_ever_shown() {
        let url = "https://user:pass@bucket.s3.amazonaws.com/arn%3Aaws%7CShare?Signature=secret";
        let url = ResponseUrl::read(url).expect("a URL");
        assert_eq!(
            format!("{url} {url:?}"),
            "https://bucket.s3.amazonaws.com?*** https://bucket.s3.amazonaws.com?***"
        );
    }

    #[test]
    fn the_escapes_that_are_signed_stay_as_they_are() {
        let text = "https://bucket.s3.amazonaws.com/arn%3Aaws%3a%7CShare%2F+|?X-Amz-Signature=a%2Fb%20c+d&E=";
        let url = ResponseUrl::read(text).expect("a URL");
        assert_eq!(url.secret().as_str(), text);
    }

    #[test]
    fn what_is_no_http_url_is_refused() {
        for text in [
            "",
            "bucket.s3.amazonaws.com",
            "ftp://host/",
            "https://",
            "https://host:port/",
        ] {
            assert_eq!(ResponseUrl::read(text), None, "{text}");
        }
    }
}
