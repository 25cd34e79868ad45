//! The operator's guardrails: whatever is configured, nothing is granted that it does not name, and every revoke goes on.

use lambda_permission_provider::cloudformation::request::{Request, RequestType};
use lambda_permission_provider::cloudformation::response_url::ResponseUrl;
use lambda_permission_provider::config::Config;
use lambda_permission_provider::guardrails::Guardrails;
use lambda_permission_provider::policy::denied::Denied;
use lambda_permission_provider::resources::lifecycle;
use lambda_permission_provider::resources::operation::Operation;
use serde_json::{Value, json};

use super::assert_one_line;

const OWN_BUCKET: &str = "cloudformation-custom-resource-response-euwest1";

const ENDPOINTS: [&str; 4] = [
    "s3.amazonaws.com",
    "s3.eu-west-1.amazonaws.com",
    "s3-eu-west-1.amazonaws.com",
    "s3.dualstack.eu-west-1.amazonaws.com",
];

/// `ALLOW_PUBLIC`, `ALLOWED_PRINCIPALS`, `RESPONSE_HOSTS` and a URL for the response, with semicolons between.
pub fn check(input: &[u8]) -> Option<()> {
    let mut fields = std::str::from_utf8(input).ok()?.splitn(4, ';');
    let (public, principals, hosts) = (fields.next()?, fields.next()?, fields.next()?);
    let url = ResponseUrl::parse(fields.next()?.trim())?;
    let guardrails = |hosts: &str| {
        let config = Config::from_env(|name| match name {
            "ALLOW_PUBLIC" => Some(public.to_owned()),
            "ALLOWED_PRINCIPALS" => Some(principals.to_owned()),
            "RESPONSE_HOSTS" => Some(hosts.to_owned()),
            "AWS_REGION" => Some("eu-west-1".to_owned()),
            _ => None,
        });
        config.guardrails
    };
    only_own_bucket_is_allowed(&guardrails(""), &url);
    let guardrails = guardrails(hosts);
    for principal in ["*", "111122223333", "o-abcdefghij"] {
        let created = guardrails.authorize(&operation(RequestType::Create, principal)?, &url, None);
        match &created {
            Ok(denied) => {
                assert_eq!(denied, &Denied::new());
                assert!(principal != "*" || public == "true", "public by {public:?}");
                let named = principals.contains(principal) || principals.trim().is_empty();
                assert!(named, "{principal} is not in {principals:?}");
                assert_eq!(guardrails.check_response_url(&url), Ok(()));
            }
            Err(violations) => assert_one_line(violations),
        }
        // What is there already may stay, but is not added again.
        let update = operation(RequestType::Update, principal)?;
        if let Ok(denied) = guardrails.authorize(&update, &url, None) {
            let reason = denied.statements().next().map(|(_, why)| why.to_owned());
            assert_eq!(reason, created.err());
        }
        let revoke = operation(RequestType::Delete, principal)?;
        let denied = guardrails.authorize(&revoke, &url, None);
        assert_eq!(denied, Ok(Denied::new()), "a revoke");
    }
    grants_on_no_function(&guardrails, &url);
    Some(())
}

/// Nothing is granted on a function where the operator serves none, and a revoke goes on.
fn grants_on_no_function(guardrails: &Guardrails, url: &ResponseUrl) {
    for request_type in [
        RequestType::Create,
        RequestType::Update,
        RequestType::Delete,
    ] {
        let properties = json!({"FunctionName": "my-function", "Principal": "111122223333"});
        let Some(operation) = operation_of(
            request_type,
            ("Custom::FunctionPermission", &properties),
            "arn:aws:lambda:eu-west-1:123456789012:function:my-function#x",
        ) else {
            panic!("not an operation: {request_type:?}");
        };
        let denied = guardrails.authorize(&operation, url, None);
        if request_type == RequestType::Delete {
            assert_eq!(denied, Ok(Denied::new()), "a revoke");
        } else {
            let is_denied = denied
                .as_ref()
                .map_or(true, |denied| *denied != Denied::new());
            assert!(is_denied, "granted on a function");
        }
    }
}

/// A response is sent over TLS, to CloudFormation's own bucket of the region, if the operator configures no other host.
fn only_own_bucket_is_allowed(guardrails: &Guardrails, url: &ResponseUrl) {
    if guardrails.check_response_url(url).is_ok() {
        let shown = url.to_string();
        let host = shown
            .strip_prefix("https://")
            .and_then(|rest| rest.strip_suffix("?***"))
            .unwrap_or_default();
        let host = host
            .strip_prefix(OWN_BUCKET)
            .map_or(host, |rest| rest.trim_start_matches('.'));
        assert!(ENDPOINTS.contains(&host), "{shown}");
    }
}

/// The operation of a resource that shares with `principal`; an Update changes nothing.
fn operation(request_type: RequestType, principal: &str) -> Option<Operation> {
    let id = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1#team";
    let (layer_version, sid) = id.split_once('#')?;
    let properties =
        json!({"LayerVersionArn": layer_version, "Principals": principal, "StatementId": sid});
    operation_of(
        request_type,
        ("Custom::LayerVersionPermission", &properties),
        id,
    )
}

fn operation_of(
    request_type: RequestType,
    (resource_type, properties): (&str, &Value),
    id: &str,
) -> Option<Operation> {
    let properties = properties.as_object()?.clone();
    let request = Request {
        request_type,
        resource_type: resource_type.to_owned(),
        stack_id: "arn:aws:cloudformation:eu-west-1:123456789012:stack/sharing/1".to_owned(),
        logical_id: "Share".to_owned(),
        physical_id: (request_type != RequestType::Create).then(|| id.to_owned().into()),
        old_properties: (request_type == RequestType::Update).then(|| properties.clone()),
        properties,
    };
    lifecycle::operation(&request).ok()
}
