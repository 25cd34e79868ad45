//! Where responses may be sent: CloudFormation's own bucket of the function's region, or the hosts that the operator configures.

use std::net::Ipv4Addr;

use url::{Host, Url};

use super::response_url::ResponseUrl;
use crate::partition::Partition;

/// A place that responses may be sent to. None of them takes a URL with a user or a password in it, which would be sent along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseHost {
    /// CloudFormation's own bucket of one region, over TLS at the usual port.
    OwnBucket(OwnBucket),
    /// A host that the operator configures.
    Named(NamedHost),
}

impl ResponseHost {
    /// CloudFormation's own bucket of `region`; none if that is not the name of a region.
    #[must_use]
    pub fn for_region(region: &str) -> Option<Self> {
        OwnBucket::for_region(region).map(Self::OwnBucket)
    }

    /// Parses what an operator configures: a host or a DNS suffix, perhaps after `https://` or `http://` and perhaps with a port.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        NamedHost::parse(text).map(Self::Named)
    }

    /// Whether a response may be sent to `url`.
    #[must_use]
    pub fn allows(&self, url: &ResponseUrl) -> bool {
        let url = url.secret();
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        is_anonymous
            && match self {
                Self::OwnBucket(bucket) => bucket.has(url),
                Self::Named(named) => named.has(url),
            }
    }
}

/// The bucket that CloudFormation presigns URLs of in one region.
///
/// Source: [VPC endpoints for CloudFormation](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/vpc-interface-endpoints.html),
/// which names the bucket for policies of endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnBucket {
    name: String,
    /// S3's hosts for it: with the bucket's name as a subdomain, or as the first part of the path.
    endpoints: [String; 4],
}

impl OwnBucket {
    fn for_region(region: &str) -> Option<Self> {
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if region.is_empty() || !region.chars().all(known) {
            return None;
        }
        let suffix = Partition::for_region(region).dns_suffix;
        Some(Self {
            name: format!(
                "cloudformation-custom-resource-response-{}",
                region.replace('-', "")
            ),
            endpoints: [
                format!("s3.{suffix}"),
                format!("s3.{region}.{suffix}"),
                format!("s3-{region}.{suffix}"),
                format!("s3.dualstack.{region}.{suffix}"),
            ],
        })
    }

    fn has(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        // The port that belongs to the scheme is never kept.
        let is_usual = url.scheme() == "https" && url.port().is_none();
        let above = host
            .strip_prefix(self.name.as_str())
            .and_then(|rest| rest.strip_prefix('.'));
        let is_one = |host: &str| self.endpoints.iter().any(|endpoint| endpoint == host);
        is_usual && (above.is_some_and(is_one) || is_one(host) && self.is_first_in(url.path()))
    }

    /// Whether `path` leads into the bucket. Dots that a proxy might resolve could lead out of it again.
    fn is_first_in(&self, path: &str) -> bool {
        let below = path
            .strip_prefix('/')
            .and_then(|path| path.strip_prefix(self.name.as_str()))
            .and_then(|path| path.strip_prefix('/'));
        let leads_out = |key: &str| {
            let key = key.to_ascii_lowercase().replace("%2e", ".");
            key.contains("..")
        };
        below.is_some_and(|key| !key.is_empty() && !leads_out(key))
    }
}

/// Hosts that the operator configures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedHost {
    name: Name,
    /// Whether TLS is not demanded, as local engines want it.
    allows_http: bool,
    /// The one port; where none is named, that of `https`, or any if TLS is not demanded.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    /// A host, and all hosts below it.
    Suffix(String),
    Address(Ipv4Addr),
}

/// The port of `https`.
const HTTPS: u16 = 443;

impl NamedHost {
    fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let text = text.strip_suffix('/').unwrap_or(&text);
        let (allows_http, text) = match text.split_once("://") {
            None => (false, text),
            Some(("https", rest)) => (false, rest),
            Some(("http", rest)) => (true, rest),
            Some(_) => return None,
        };
        let (host, port) = match text.split_once(':') {
            None => (text, None),
            Some((host, port)) => (host, Some(port_of(port)?)),
        };
        Some(Self {
            name: Name::parse(host)?,
            allows_http,
            port,
        })
    }

    fn has(&self, url: &Url) -> bool {
        let named = match (&self.name, url.host()) {
            (Name::Suffix(suffix), Some(Host::Domain(host))) => host
                .strip_suffix(suffix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
            (Name::Address(address), Some(Host::Ipv4(host))) => *address == host,
            _ => false,
        };
        let port = url.port_or_known_default();
        let port_fits = match self.port {
            Some(own) => port == Some(own),
            None => self.allows_http || port == Some(HTTPS),
        };
        named && port_fits && (self.allows_http || url.scheme() == "https")
    }
}

impl Name {
    fn parse(text: &str) -> Option<Self> {
        match Host::parse(text).ok()? {
            Host::Domain(suffix) => {
                let suffix = suffix.strip_prefix('.').unwrap_or(&suffix);
                let known = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
                let is_name = !suffix.is_empty() && suffix.chars().all(known);
                is_name.then(|| Self::Suffix(suffix.to_owned()))
            }
            Host::Ipv4(address) => Some(Self::Address(address)),
            Host::Ipv6(_) => None,
        }
    }
}

fn port_of(text: &str) -> Option<u16> {
    let is_number = text.chars().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(hosts: &[ResponseHost], url: &str) -> bool {
        let url = ResponseUrl::parse(url).expect("a URL");
        hosts.iter().any(|host| host.allows(&url))
    }

    /// Regions, with the name of CloudFormation's bucket there and the DNS suffix of their partition.
    const REGIONS: [(&str, &str, &str); 10] = [
        ("us-east-1", "useast1", "amazonaws.com"),
        ("eu-west-1", "euwest1", "amazonaws.com"),
        ("ap-northeast-1", "apnortheast1", "amazonaws.com"),
        ("us-gov-west-1", "usgovwest1", "amazonaws.com"),
        ("cn-north-1", "cnnorth1", "amazonaws.com.cn"),
        ("eusc-de-east-1", "euscdeeast1", "amazonaws.eu"),
        ("us-iso-east-1", "usisoeast1", "c2s.ic.gov"),
        ("us-isob-east-1", "usisobeast1", "sc2s.sgov.gov"),
        ("eu-isoe-west-1", "euisoewest1", "cloud.adc-e.uk"),
        ("us-isof-south-1", "usisofsouth1", "csp.hci.ic.gov"),
    ];

    /// Each form in which S3 has this bucket.
    fn forms(region: &str, short: &str, suffix: &str) -> Vec<String> {
        let bucket = format!("cloudformation-custom-resource-response-{short}");
        let key = "arn%3Aaws%3Acloudformation%3Astack/s/1%7CShare%7C9f6f?Signature=a%2Fb";
        [
            format!("s3.{suffix}"),
            format!("s3.{region}.{suffix}"),
            format!("s3-{region}.{suffix}"),
            format!("s3.dualstack.{region}.{suffix}"),
        ]
        .iter()
        .flat_map(|endpoint| {
            [
                format!("https://{bucket}.{endpoint}/{key}"),
                format!("https://{bucket}.{endpoint}:443/{key}"),
                format!("https://{endpoint}/{bucket}/{key}"),
            ]
        })
        .collect()
    }

    #[test]
    fn a_region_has_the_bucket_of_cloudformation_in_each_form_and_no_other_region_has_it() {
        for (region, short, suffix) in REGIONS {
            for url in forms(region, short, suffix) {
                for (other, _, _) in REGIONS {
                    let hosts = [ResponseHost::for_region(other).expect("a region")];
                    assert_eq!(allows(&hosts, &url), other == region, "{other}: {url}");
                }
            }
        }
    }

    #[test]
    fn a_host_that_only_resembles_the_bucket_of_cloudformation_is_not_allowed() {
        let bucket = "cloudformation-custom-resource-response-euwest1";
        let hosts = [ResponseHost::for_region("eu-west-1").expect("a region")];
        for (rest, allowed) in [
            ("https://B.s3.amazonaws.com/k", true),
            ("https://B.S3.Eu-West-1.AMAZONAWS.COM/k", true),
            ("http://B.s3.amazonaws.com/k", false),
            ("https://B.s3.amazonaws.com:22/k", false),
            ("https://B.s3.amazonaws.com:80/k", false),
            ("https://B.s3.amazonaws.com:8443/k", false),
            ("https://user@B.s3.amazonaws.com/k", false),
            ("https://user:pw@B.s3.amazonaws.com/k", false),
            ("https://:pw@B.s3.amazonaws.com/k", false),
            ("https://user@s3.eu-west-1.amazonaws.com/B/k", false),
            ("https://B.s3.amazonaws.com./k", false),
            ("https://B.s3.amazonaws.com.cn/k", false),
            ("https://B.s3.cn-north-1.amazonaws.com.cn/k", false),
            ("https://B.s3.amazonaws.eu/k", false),
            ("https://B.s3.us-east-1.amazonaws.com/k", false),
            ("https://B.s3.eu-west-1.amazonaws.com.evil.example/k", false),
            ("https://B.s3.eu-west-1-amazonaws.com/k", false),
            ("https://B.s3-accesspoint.eu-west-1.amazonaws.com/k", false),
            ("https://B.s3-website-eu-west-1.amazonaws.com/k", false),
            ("https://B.s3-website.eu-west-1.amazonaws.com/k", false),
            ("https://B.execute-api.eu-west-1.amazonaws.com/k", false),
            ("https://B.lambda-url.eu-west-1.on.aws/k", false),
            ("https://B.eu-west-1.elb.amazonaws.com/k", false),
            ("https://B.eu-west-1.compute.amazonaws.com/k", false),
            ("https://B-evil.s3.amazonaws.com/k", false),
            ("https://evil-B.s3.amazonaws.com/k", false),
            ("https://evil.B.s3.amazonaws.com/k", false),
            ("https://B.evil.s3.amazonaws.com/k", false),
            ("https://Bevil.s3.amazonaws.com/k", false),
            ("https://B1.s3.amazonaws.com/k", false),
            ("https://evil.s3.amazonaws.com/B/k", false),
            ("https://evil.s3.eu-west-1.amazonaws.com/B/k", false),
            ("https://s3.amazonaws.com/k", false),
            ("https://s3.amazonaws.com/B", false),
            ("https://s3.amazonaws.com/B/", false),
            ("https://s3.amazonaws.com//B/k", false),
            ("https://s3.amazonaws.com/B-evil/k", false),
            ("https://s3.amazonaws.com/evil/B/k", false),
            ("https://s3.amazonaws.com/B/../evil/k", false),
            ("https://s3.amazonaws.com/B/%2e%2e/evil/k", false),
            ("https://s3.amazonaws.com/B/.%2E%2fevil/k", false),
            ("https://s3.amazonaws.com/B\\..\\evil/k", false),
            ("https://s3.amazonaws.com/B%2fk", false),
            ("https://s3.amazonaws.com/?B/k", false),
            ("https://s3.amazonaws.com/#/B/k", false),
            ("https://s3.amazonaws.com:444/B/k", false),
            ("https://amazonaws.com/B/k", false),
            ("https://127.0.0.1/B/k", false),
            ("https://[::1]/B/k", false),
            ("https://evil.example/?https://B.s3.amazonaws.com/k", false),
            ("https://evil.example\\@B.s3.amazonaws.com/k", false),
            ("https://evil.example#@B.s3.amazonaws.com/k", false),
            ("https://B.s3.amazonaws.com@evil.example/k", false),
        ] {
            let url = rest.replace('B', bucket);
            assert_eq!(allows(&hosts, &url), allowed, "{url}");
        }
        let shouted = format!("https://s3.amazonaws.com/{}/k", bucket.to_ascii_uppercase());
        assert!(!allows(&hosts, &shouted), "{shouted}");
    }

    #[test]
    fn a_text_that_is_not_a_region_has_no_bucket() {
        for region in ["", "eu west 1", "EU-WEST-1", "evil.example/", "eu-west-1."] {
            assert_eq!(ResponseHost::for_region(region), None, "{region}");
        }
    }

    #[test]
    fn a_configured_host_is_matched_by_scheme_and_port() {
        for (name, url, allowed) in [
            ("localhost", "https://localhost/", true),
            ("localhost", "https://localhost:443/", true),
            ("localhost", "https://localhost:4566/", false),
            ("localhost", "http://localhost/", false),
            ("localhost", "http://localhost:443/", false),
            ("localhost:4566", "https://localhost:4566/", true),
            ("localhost:4566", "https://localhost/", false),
            ("localhost:4566", "http://localhost:4566/", false),
            ("https://localhost", "https://localhost/", true),
            ("https://localhost/", "https://localhost/", true),
            ("https://localhost", "https://localhost:1/", false),
            ("https://localhost", "http://localhost/", false),
            ("https://localhost:8443", "https://localhost:8443/", true),
            ("https://localhost:8443/", "https://localhost:443/", false),
            ("https://localhost:443", "https://localhost/", true),
            ("http://localhost", "http://localhost:4566/", true),
            ("http://localhost", "http://localhost/", true),
            ("http://localhost", "https://localhost:4566/", true),
            ("http://localhost/", "http://localhost:9/", true),
            ("http://127.0.0.1:4566", "http://127.0.0.1:4566/", true),
            ("http://127.0.0.1:4566/", "http://127.0.0.1:4566/", true),
            ("http://127.0.0.1:4566", "http://127.0.0.1:4567/", false),
            ("http://127.0.0.1:4566", "http://127.0.0.1/", false),
            ("http://localhost:80", "http://localhost/", true),
            ("HTTP://LocalHost:80", "http://localhost/", true),
            ("http://127.0.0.1", "http://127.0.0.11/", false),
            ("http://127.0.0.1", "http://[::1]/", false),
            ("http://127.0.0.1", "http://user@127.0.0.1/", false),
            ("http://127.0.0.1", "http://u:p@127.0.0.1/", false),
            (".corp", "https://s3.corp/", true),
            (".corp", "https://corp/", true),
            ("corp", "https://evilcorp/", false),
            ("s3.corp", "https://corp/", false),
            ("corp", "https://corp./", false),
            ("corp:8443", "https://s3.corp:8443/", true),
        ] {
            let hosts = [ResponseHost::parse(name).expect("a host")];
            assert_eq!(allows(&hosts, url), allowed, "{name}: {url}");
        }
    }

    #[test]
    fn a_text_that_names_no_host_is_rejected() {
        for text in [
            "",
            "/",
            "http://",
            "https://",
            "http:///",
            "ftp://host",
            "://host",
            "http://http://host",
            "http:host",
            "host/path",
            "http://host/path",
            "http://host//",
            "http://host?x",
            "http://host#x",
            "http://user@host",
            "a host",
            "host:",
            "host:0",
            "host:+80",
            "host:65536",
            "host:http",
            "host:80:80",
            "[::1]",
            "http://[::1]:80",
            "::1",
            "*.corp",
            "*",
            ".",
        ] {
            assert_eq!(ResponseHost::parse(text), None, "{text}");
        }
    }
}
