//! A request of Lambda's API for policies, of STS or of CloudFormation, parsed as a call, and shown in one line.

use std::fmt;

use hyper::Method;
use serde_json::Value;

use crate::http_server::HttpRequest;

/// The operations that the provider calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `ListLayerVersions`
    List,
    /// `GetLayerVersionPolicy`, `GetPolicy`
    Get,
    /// `AddLayerVersionPermission`, `AddPermission`
    Add,
    /// `RemoveLayerVersionPermission`, `RemovePermission`
    Remove,
    /// `AssumeRole`
    Assume,
    /// `DescribeStackResource`
    Describe,
    /// A list of what the account has: `ListLayers`, `ListFunctions`, `ListAliases`, `ListStacks`, `ListStackResources`,
    /// `DescribeStackResources`, `ListImports`
    Inventory,
    /// Organizations' `ListAccounts`
    ListAccounts,
}

/// One call and the status of its response.
#[derive(Debug, Clone)]
pub struct ApiCall {
    /// What is called.
    pub operation: Operation,
    /// The layer version, or the function with its qualifier; the layer of a List, the role of an Assume, the stack of a Describe, what
    /// an Inventory is of, the accounts.
    pub arn: String,
    /// By whom and for where the request is signed.
    pub credential: CredentialScope,
    /// Path and query.
    pub target: String,
    /// The statement id of an Add or Remove, the logical id of a Describe, the action of an Inventory, the token of a `ListAccounts`.
    pub sid: Option<String>,
    /// The `RevisionId` under which the write is conditional.
    pub revision: Option<String>,
    /// The status; none where there was no response.
    pub status: Option<u16>,
}

/// The scope of a signature: `Credential=<access key>/<date>/<region>/<service>/aws4_request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialScope {
    /// The access key id.
    pub access_key: String,
    /// The region.
    pub region: String,
    /// The service.
    pub service: String,
}

impl CredentialScope {
    /// The scope in the `Authorization` header.
    #[must_use]
    pub fn from_request(request: &HttpRequest) -> Self {
        let authorization = request.headers["authorization"].to_str().unwrap();
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
impl fmt::Display for ApiCall {
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
            None => f.write_str(": no response"),
        }
    }
}

impl ApiCall {
    /// Whether it is about the policy of a function.
    #[must_use]
    pub fn is_about_function(&self) -> bool {
        self.arn.split(':').nth(5) == Some("function")
    }

    /// `account` is that of the credentials.
    ///
    /// # Panics
    /// The real service has no such operation.
    #[must_use]
    pub fn parse(request: &HttpRequest, account: &str) -> Self {
        let credential = CredentialScope::from_request(request);
        let posted = |name: &str| {
            let posted = (&request.method, request.target.as_str());
            assert_eq!(posted, (&Method::POST, "/"));
            form_value(request, name).expect(name)
        };
        let (operation, arn, sid) = match credential.service.as_str() {
            "sts" => (Operation::Assume, posted("RoleArn"), None),
            "cloudformation" => parse_cloudformation_call(&posted),
            "organizations" => parse_organizations_call(request),
            service => {
                assert_eq!(service, "lambda");
                parse_lambda_call(request, account, &credential.region)
            }
        };
        Self {
            operation,
            arn,
            credential,
            target: request.target.clone(),
            sid,
            revision: revision(request),
            status: None,
        }
    }
}

fn parse_organizations_call(request: &HttpRequest) -> (Operation, String, Option<String>) {
    let target = request.headers["x-amz-target"].to_str().unwrap();
    assert_eq!(target, "AWSOrganizationsV20161128.ListAccounts");
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["MaxResults"], 20);
    let token = body["NextToken"].as_str().map(str::to_owned);
    (Operation::ListAccounts, "all accounts".to_owned(), token)
}

fn parse_cloudformation_call(
    posted: &impl Fn(&str) -> String,
) -> (Operation, String, Option<String>) {
    let action = posted("Action");
    let of = match action.as_str() {
        "DescribeStackResource" => {
            let logical_id = posted("LogicalResourceId");
            return (Operation::Describe, posted("StackName"), Some(logical_id));
        }
        "ListStacks" => "all stacks".to_owned(),
        "ListImports" => posted("ExportName"),
        "ListStackResources" => posted("StackName"),
        "DescribeStackResources" => posted("PhysicalResourceId"),
        _ => panic!("no such operation: {action}"),
    };
    (Operation::Inventory, of, Some(action))
}

fn parse_lambda_call(
    request: &HttpRequest,
    account: &str,
    region: &str,
) -> (Operation, String, Option<String>) {
    let path = request.target.split('?').next().unwrap();
    let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
    let inventory = |action: &str, of: &str| {
        let action = Some(action.to_owned());
        (Operation::Inventory, of.to_owned(), action)
    };
    let (layer, rest) = match &parts[..] {
        ["2018-10-31", "layers"] => return inventory("ListLayers", "all layers"),
        ["2015-03-31", "functions"] => return inventory("ListFunctions", "all functions"),
        ["2015-03-31", "functions", function, "aliases"] => {
            let function = resource_arn("function", &decoded(function), account, region);
            return inventory("ListAliases", &function);
        }
        ["2015-03-31", "functions", function, rest @ ..] => {
            let function = resource_arn("function", &decoded(function), account, region);
            return parse_function_call(request, &function, rest);
        }
        ["2018-10-31", "layers", layer, "versions", rest @ ..] => (
            resource_arn("layer", &decoded(layer), account, region),
            rest,
        ),
        _ => panic!("not a path of the policy APIs: {}", request.target),
    };
    let version = |version: &str| format!("{layer}:{version}");
    match (&request.method, rest) {
        (&Method::GET, []) => (Operation::List, layer, None),
        (&Method::GET, [number, "policy"]) => (Operation::Get, version(number), None),
        (&Method::POST, [number, "policy"]) => {
            (Operation::Add, version(number), statement_id(request))
        }
        (&Method::DELETE, [number, "policy", sid]) => {
            (Operation::Remove, version(number), Some(decoded(sid)))
        }
        other => panic!("no such operation: {other:?}"),
    }
}

fn parse_function_call(
    request: &HttpRequest,
    function: &str,
    rest: &[&str],
) -> (Operation, String, Option<String>) {
    let qualifier = query_value(&request.target, "Qualifier");
    let arn = qualifier.map_or(function.to_owned(), |qualifier| {
        format!("{function}:{qualifier}")
    });
    match (&request.method, rest) {
        (&Method::GET, ["policy"]) => (Operation::Get, arn, None),
        (&Method::POST, ["policy"]) => (Operation::Add, arn, statement_id(request)),
        (&Method::DELETE, ["policy", sid]) => (Operation::Remove, arn, Some(decoded(sid))),
        other => panic!("no such operation: {other:?}"),
    }
}

/// The revision in the query, or in the body of `AddPermission`.
fn revision(request: &HttpRequest) -> Option<String> {
    let in_body = || {
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        Some(body["RevisionId"].as_str()?.to_owned())
    };
    query_value(&request.target, "RevisionId").or_else(in_body)
}

/// The statement id in the body of an Add.
fn statement_id(request: &HttpRequest) -> Option<String> {
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    Some(body["StatementId"].as_str()?.to_owned())
}

/// A bare name means the caller's account; an ARN is accepted only in its own region, as by a real endpoint.
fn resource_arn(kind: &str, name: &str, account: &str, region: &str) -> String {
    let partition = match region {
        cn if cn.starts_with("cn-") => "aws-cn",
        gov if gov.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    if name.starts_with("arn:") {
        let own = format!("arn:{partition}:lambda:{region}:");
        assert!(name.starts_with(&own), "{name} was requested in {region}");
        return name.to_owned();
    }
    format!("arn:{partition}:lambda:{region}:{account}:{kind}:{name}")
}

/// The value of this name in the query.
#[must_use]
pub fn query_value(target: &str, name: &str) -> Option<String> {
    value(target.split_once('?')?.1, name)
}

/// The value of this name in the body, which is a form.
#[must_use]
pub fn form_value(request: &HttpRequest, name: &str) -> Option<String> {
    value(std::str::from_utf8(&request.body).unwrap(), name)
}

fn value(pairs: &str, name: &str) -> Option<String> {
    pairs
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(found, value)| (found == name).then(|| decoded(value)))
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
