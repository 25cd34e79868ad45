//! Reads a request of Lambda's layer API, or of STS, as a call, and shows it in one line.
//! Refuses to know what it is answered.

use std::fmt;

use hyper::Method;
use serde_json::Value;

use crate::server::Asked;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    List,
    Get,
    Add,
    Remove,
    Assume,
}

/// One call, as it was asked and answered.
#[derive(Debug, Clone)]
pub struct Call {
    pub operation: Operation,
    /// The layer version; the layer of a List, the role of an Assume.
    pub arn: String,
    /// Who the request was signed by, and where it was signed for.
    pub credential: Credential,
    pub target: String,
    pub sid: Option<String>,
    pub revision: Option<String>,
    /// The status; nothing where no answer was given.
    pub status: Option<u16>,
}

/// The scope of a signature: `Credential=<access key>/<date>/<region>/<service>/aws4_request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    pub access_key: String,
    pub region: String,
    pub service: String,
}

impl Credential {
    pub fn of(asked: &Asked) -> Self {
        let authorization = asked.headers["authorization"].to_str().unwrap();
        let scope = authorization.split("Credential=").nth(1).unwrap();
        let part = |number| scope.split('/').nth(number).unwrap().to_owned();
        Self {
            access_key: part(0),
            region: part(2),
            service: part(3),
        }
    }
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

impl Call {
    /// Panics where the real service would not know what is asked. `account` is that of the credentials.
    pub fn parse(asked: &Asked, account: &str) -> Self {
        let credential = Credential::of(asked);
        let (operation, arn, sid) = if credential.service == "sts" {
            assert_eq!((&asked.method, asked.target.as_str()), (&Method::POST, "/"));
            let role = form_value(asked, "RoleArn").expect("a role");
            (Operation::Assume, role, None)
        } else {
            assert_eq!(credential.service, "lambda");
            of_lambda(asked, account, &credential.region)
        };
        Self {
            operation,
            arn,
            credential,
            target: asked.target.clone(),
            sid,
            revision: query_value(&asked.target, "RevisionId"),
            status: None,
        }
    }
}

fn of_lambda(asked: &Asked, account: &str, region: &str) -> (Operation, String, Option<String>) {
    let path = asked.target.split('?').next().unwrap();
    let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
    let ["2018-10-31", "layers", layer, "versions", rest @ ..] = &parts[..] else {
        panic!("not a path of the layer API: {}", asked.target);
    };
    let layer = layer_arn(&decoded(layer), account, region);
    let version = |version: &str| format!("{layer}:{version}");
    match (&asked.method, rest) {
        (&Method::GET, []) => (Operation::List, layer, None),
        (&Method::GET, [number, "policy"]) => (Operation::Get, version(number), None),
        (&Method::POST, [number, "policy"]) => {
            (Operation::Add, version(number), statement_id(asked))
        }
        (&Method::DELETE, [number, "policy", sid]) => {
            (Operation::Remove, version(number), Some(decoded(sid)))
        }
        other => panic!("no such operation: {other:?}"),
    }
}

/// The statement id in the body of an Add.
fn statement_id(asked: &Asked) -> Option<String> {
    let body: Value = serde_json::from_slice(&asked.body).ok()?;
    Some(body["StatementId"].as_str()?.to_owned())
}

/// A bare name means the caller's account; an ARN is taken only in its own region, as by a real endpoint.
fn layer_arn(layer: &str, account: &str, region: &str) -> String {
    let partition = match region {
        cn if cn.starts_with("cn-") => "aws-cn",
        gov if gov.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    if layer.starts_with("arn:") {
        let own = format!("arn:{partition}:lambda:{region}:");
        assert!(layer.starts_with(&own), "{layer} was asked for in {region}");
        return layer.to_owned();
    }
    format!("arn:{partition}:lambda:{region}:{account}:layer:{layer}")
}

/// The value of this name in the query.
pub fn query_value(target: &str, name: &str) -> Option<String> {
    value(target.split_once('?')?.1, name)
}

/// The value of this name in the body, which is a form.
pub fn form_value(asked: &Asked, name: &str) -> Option<String> {
    value(std::str::from_utf8(&asked.body).unwrap(), name)
}

fn value(pairs: &str, name: &str) -> Option<String> {
    pairs
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(known, value)| (known == name).then(|| decoded(value)))
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
