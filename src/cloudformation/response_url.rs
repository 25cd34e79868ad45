//! The presigned URL that the answer goes to. Whoever has it can answer in our name, so it cannot be printed, logged or
//! serialized by accident.

use std::fmt;

/// A presigned URL, kept byte for byte: its signature covers the escapes in its path.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseUrl(String);

impl ResponseUrl {
    /// Reads a URL of the scheme `https`, or `http` as local engines use it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        (!host.is_empty() && !text.contains(char::is_whitespace)).then(|| Self(text.to_owned()))
    }

    /// The whole URL, for the one place that sends the answer.
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResponseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // What stands before an @ may be a password.
        let host = authority.rsplit('@').next().unwrap_or_default();
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
    fn what_is_no_http_url_is_refused() {
        for text in [
            "",
            "bucket.s3.amazonaws.com",
            "ftp://host/",
            "https://",
            "https:///path",
            "https://host/a b",
        ] {
            assert_eq!(ResponseUrl::read(text), None, "{text}");
        }
    }
}
