//! The presigned URL that the answer goes to. Whoever has it can answer in our name, so it cannot be printed, logged or
//! serialized by accident.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use url::{Host, Url};

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

    /// Until when CloudFormation waits for the answer, which the signature tells: at most for `service_timeout` after it signed
    /// the URL, and not after that has expired. A local engine signs nothing, and nothing is known of it then.
    ///
    /// Source: [Query string authentication](https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html);
    /// version 2 of the signature tells only when it expires, in seconds since 1970.
    #[must_use]
    pub fn waited_for_until(&self, service_timeout: Duration) -> Option<SystemTime> {
        let parameter = |name: &str| {
            let mut pairs = self.0.query_pairs();
            pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
        };
        let seconds = |name: &str| parameter(name)?.parse().ok().map(Duration::from_secs);
        if let Some(expires) = seconds("Expires") {
            return SystemTime::UNIX_EPOCH.checked_add(expires);
        }
        let signed = date(&parameter("X-Amz-Date")?)?;
        signed.checked_add(service_timeout.min(seconds("X-Amz-Expires")?))
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

/// Where answers may be sent: to the hosts below a DNS suffix, or to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHost {
    name: Name,
    /// Whether they may be sent without TLS, as local engines want it.
    in_the_clear: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Suffix(String),
    Address(Ipv4Addr),
}

impl ResponseHost {
    /// AWS's own, of all partitions.
    #[must_use]
    pub fn of_aws() -> Vec<Self> {
        let suffixes = [
            "amazonaws.com",
            "amazonaws.com.cn",
            "amazonaws.eu",
            "c2s.ic.gov",
            "sc2s.sgov.gov",
            "cloud.adc-e.uk",
            "csp.hci.ic.gov",
        ];
        let below = |suffix: &str| Self {
            name: Name::Suffix(suffix.to_owned()),
            in_the_clear: false,
        };
        suffixes.map(below).into()
    }

    /// Reads a DNS suffix or an address, after `http://` if TLS is not demanded.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let bare = text.strip_prefix("http://");
        let name = match Host::parse(bare.unwrap_or(text)).ok()? {
            Host::Domain(suffix) => {
                let suffix = suffix.strip_prefix('.').unwrap_or(&suffix);
                let known = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
                let is_name = !suffix.is_empty() && suffix.chars().all(known);
                Name::Suffix(is_name.then(|| suffix.to_owned())?)
            }
            Host::Ipv4(address) => Name::Address(address),
            Host::Ipv6(_) => return None,
        };
        let in_the_clear = bare.is_some();
        Some(Self { name, in_the_clear })
    }

    /// Whether an answer may be sent to `url`.
    #[must_use]
    pub fn allows(&self, url: &ResponseUrl) -> bool {
        let named = match (&self.name, url.0.host()) {
            (Name::Suffix(suffix), Some(Host::Domain(host))) => host
                .strip_suffix(suffix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
            (Name::Address(address), Some(Host::Ipv4(host))) => *address == host,
            _ => false,
        };
        named && (self.in_the_clear || url.0.scheme() == "https")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_goes_to_the_hosts_that_are_allowed_and_to_no_look_alike() {
        let aws = ResponseHost::of_aws();
        let named = |texts: &[&str]| -> Vec<ResponseHost> {
            texts
                .iter()
                .filter_map(|text| ResponseHost::read(text))
                .collect()
        };
        for (hosts, url, allowed) in [
            (&aws, "https://b.s3.amazonaws.com/", true),
            (&aws, "https://b.s3-eu-west-1.amazonaws.com:443/", true),
            (&aws, "https://b.s3.cn-north-1.amazonaws.com.cn/", true),
            (&aws, "https://B.S3.AMAZONAWS.EU/", true),
            (&aws, "https://amazonaws.com/", true),
            (&aws, "http://b.s3.amazonaws.com/", false),
            (&aws, "https://evilamazonaws.com/", false),
            (&aws, "https://amazonaws.com.evil.org/", false),
            (&aws, "https://amazonaws.com@evil.org/", false),
            (&aws, "https://127.0.0.1/", false),
            (&named(&["localhost"]), "https://localhost:4566/", true),
            (&named(&["localhost"]), "http://localhost:4566/", false),
            (
                &named(&["http://localhost"]),
                "http://localhost:4566/",
                true,
            ),
            (&named(&["http://127.0.0.1"]), "http://127.0.0.1:9/", true),
            (&named(&["http://127.0.0.1"]), "http://127.0.0.11/", false),
            (&named(&["http://127.0.0.1"]), "http://[::1]/", false),
            (&named(&["localhost", ".corp"]), "https://s3.corp/", true),
        ] {
            let url = ResponseUrl::read(url).expect("a URL");
            let found = hosts.iter().any(|host| host.allows(&url));
            assert_eq!(found, allowed, "{hosts:?} {url}");
        }
    }

    #[test]
    fn the_signature_tells_until_when_somebody_waits() {
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
            let url = ResponseUrl::read(&format!("https://b.s3.amazonaws.com/key?{query}"));
            let until = url
                .expect("a URL")
                .waited_for_until(Duration::from_mins(10));
            let seconds = until.and_then(|until| until.duration_since(SystemTime::UNIX_EPOCH).ok());
            assert_eq!(
                seconds.map(|seconds| seconds.as_secs()),
                expected,
                "{query}"
            );
        }
    }

    #[test]
    fn what_is_no_host_is_none() {
        for text in [
            "",
            "ftp://host",
            "https://host",
            "host/path",
            "a host",
            "host:80",
            "[::1]",
            "*.corp",
            ".",
        ] {
            assert_eq!(ResponseHost::read(text), None, "{text}");
        }
    }

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
