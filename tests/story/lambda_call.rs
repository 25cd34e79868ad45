//! Reads a request of Lambda's layer policy API as a call, and shows it in one line.
//! Refuses to know what it is answered.

use std::fmt;

use hyper::Method;
use serde_json::Value;

use crate::server::Asked;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    Get,
    Add,
    Remove,
}

/// One call, as it was asked and answered.
#[derive(Debug, Clone)]
pub struct Call {
    pub operation: Operation,
    pub arn: String,
    /// The region that the request was signed for.
    pub region: String,
    pub target: String,
    pub sid: Option<String>,
    pub revision: Option<String>,
    /// The status; nothing where no answer was given.
    pub status: Option<u16>,
}

/// One line, such as `Add engineering-org if revision-1: 201`.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.operation)?;
        if let Some(sid) = &self.sid {
            write!(f, " {sid}")?;
        }
        if let Some(revision) = &self.revision {
            write!(f, " if {revision}")?;
        }
        match self.status {
            Some(status) => write!(f, ": {status}"),
            None => f.write_str(": no answer"),
        }
    }
}

/// The statement id in the body of an Add.
fn statement_id(asked: &Asked) -> Option<String> {
    let body: Value = serde_json::from_slice(&asked.body).ok()?;
    Some(body["StatementId"].as_str()?.to_owned())
}

/// The region in the scope of the credential: `Credential=<key>/<date>/<region>/lambda/aws4_request`.
fn signed_region(asked: &Asked) -> String {
    let authorization = asked.headers["authorization"].to_str().unwrap();
    let scope = authorization.split("Credential=").nth(1).unwrap();
    scope.split('/').nth(2).unwrap().to_owned()
}

/// Panics where the real service would not know what is asked.
pub fn parse(asked: &Asked) -> Call {
    let region = signed_region(asked);
    let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
    let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
    let [
        "2018-10-31",
        "layers",
        layer,
        "versions",
        version,
        "policy",
        rest @ ..,
    ] = &parts[..]
    else {
        panic!("not a path of the layer policy API: {}", asked.target);
    };
    let operation = match (&asked.method, rest) {
        (&Method::GET, []) => Operation::Get,
        (&Method::POST, []) => Operation::Add,
        (&Method::DELETE, [_]) => Operation::Remove,
        other => panic!("no such operation: {other:?}"),
    };
    let revision = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("RevisionId="));
    Call {
        operation,
        arn: layer_version_arn(&decoded(layer), version, &region),
        region,
        target: asked.target.clone(),
        sid: rest
            .first()
            .map_or_else(|| statement_id(asked), |sid| Some(decoded(sid))),
        revision: revision.map(decoded),
        status: None,
    }
}

/// A bare name means the caller's account; an ARN is taken only in its own region, as by a real endpoint.
fn layer_version_arn(layer: &str, version: &str, region: &str) -> String {
    let partition = match region {
        cn if cn.starts_with("cn-") => "aws-cn",
        gov if gov.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    if layer.starts_with("arn:") {
        let own = format!("arn:{partition}:lambda:{region}:");
        assert!(layer.starts_with(&own), "{layer} was asked for in {region}");
        return format!("{layer}:{version}");
    }
    format!("arn:{partition}:lambda:{region}:123456789012:layer:{layer}:{version}")
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at(2);
        plain.push(char::from(u8::from_str_radix(code, 16).unwrap()));
        plain.push_str(rest);
    }
    plain
}
