//! The operator's guardrails: whatever is set, nothing is granted that they do not name, and every revoke goes on.

use lambda_permission_provider::cloudformation::request::{Request, RequestType};
use lambda_permission_provider::cloudformation::response_url::ResponseUrl;
use lambda_permission_provider::permission::intent::Intent;
use lambda_permission_provider::settings::Settings;
use serde_json::json;

use super::assert_one_line;

const OWN_BUCKET: &str = "cloudformation-custom-resource-response-euwest1";

const ENDPOINTS: [&str; 4] = [
    "s3.amazonaws.com",
    "s3.eu-west-1.amazonaws.com",
    "s3-eu-west-1.amazonaws.com",
    "s3.dualstack.eu-west-1.amazonaws.com",
];

/// `ALLOW_PUBLIC`, `ALLOWED_PRINCIPALS`, `RESPONSE_HOSTS` and a URL to answer to, each ended by a semicolon.
pub fn hold(input: &[u8]) -> Option<()> {
    let mut fields = std::str::from_utf8(input).ok()?.splitn(4, ';');
    let (public, principals, hosts) = (fields.next()?, fields.next()?, fields.next()?);
    let url = ResponseUrl::read(fields.next()?.trim())?;
    let read = |hosts: &str| {
        Settings::read(|name| match name {
            "ALLOW_PUBLIC" => Some(public.to_owned()),
            "ALLOWED_PRINCIPALS" => Some(principals.to_owned()),
            "RESPONSE_HOSTS" => Some(hosts.to_owned()),
            "AWS_REGION" => Some("eu-west-1".to_owned()),
            _ => None,
        })
    };
    answers_own_bucket_only(&read(""), &url);
    let settings = read(hosts);
    for principal in ["*", "111122223333", "o-abcdefghij"] {
        let created = settings.allow(intent(RequestType::Create, principal)?, &url);
        match &created {
            Ok(_) => {
                assert!(principal != "*" || public == "true", "public by {public:?}");
                let named = principals.contains(principal) || principals.trim().is_empty();
                assert!(named, "{principal} is not in {principals:?}");
                assert_eq!(settings.may_answer(&url), Ok(()));
            }
            Err(refusals) => assert_one_line(refusals),
        }
        // What is there already may stay, but is not added again.
        if let Ok(kept) = settings.allow(intent(RequestType::Update, principal)?, &url) {
            assert_eq!(kept.denied.into_values().next(), created.err());
        }
        let revoke = intent(RequestType::Delete, principal)?;
        assert_eq!(settings.allow(revoke.clone(), &url), Ok(revoke), "a revoke");
    }
    Some(())
}

/// A response goes over TLS, and to CloudFormation's own bucket of the region, if the operator names no other host.
fn answers_own_bucket_only(settings: &Settings, url: &ResponseUrl) {
    if settings.may_answer(url).is_ok() {
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

/// What is to be true of a resource that shares with `principal`; an Update changes nothing.
fn intent(kind: RequestType, principal: &str) -> Option<Intent> {
    let id = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1#team";
    let (layer_version, sid) = id.split_once('#')?;
    let properties =
        json!({"LayerVersionArn": layer_version, "Principals": principal, "StatementId": sid});
    let properties = properties.as_object()?.clone();
    let request = Request {
        kind,
        resource_type: "Custom::LayerVersionPermission".to_owned(),
        stack_id: "arn:aws:cloudformation:eu-west-1:123456789012:stack/sharing/1".to_owned(),
        logical_id: "Share".to_owned(),
        physical_id: (kind != RequestType::Create).then(|| id.to_owned()),
        old_properties: (kind == RequestType::Update).then(|| properties.clone()),
        properties,
    };
    Intent::of(&request).ok()
}
