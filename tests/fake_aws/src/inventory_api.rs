//! The lists of an account's layers, functions and aliases, all of them on one page.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::api_call::ApiCall;
use crate::http_server::HttpResponse;
use crate::lambda_responses::ApiResponse;
use crate::policies::Policies;

/// Responds to a list of what `policies` has in the region of the call.
pub(crate) fn perform(policies: &Policies, call: &ApiCall) -> ApiResponse {
    let region = &call.credential.region;
    let arns: Vec<&str> = policies.by_arn.keys().map(String::as_str).collect();
    let of = |kind: &str| {
        let marker = format!(":{kind}:");
        let is_of = |arn: &&&str| arn.contains(&marker) && arn.split(':').nth(3) == Some(region);
        arns.iter().filter(is_of).copied().collect::<Vec<&str>>()
    };
    let body = match call.sid.as_deref() {
        Some("ListLayers") => {
            let layers = of("layer").into_iter();
            let layers: BTreeSet<&str> = layers
                .filter_map(|arn| Some(arn.rsplit_once(':')?.0))
                .collect();
            json!({"Layers": each("LayerArn", layers)})
        }
        Some("ListFunctions") => {
            let functions = of("function").into_iter();
            let listed = functions.filter(|arn| qualifier(arn).is_none_or(is_version));
            json!({"Functions": each("FunctionArn", listed)})
        }
        Some("ListAliases") => {
            let prefix = format!("{}:", call.arn);
            let of_function = of("function").into_iter();
            let of_function = of_function.filter(|arn| arn.starts_with(&prefix));
            let aliases =
                of_function.filter(|arn| qualifier(arn).is_some_and(|of| !is_version(of)));
            json!({"Aliases": each("AliasArn", aliases)})
        }
        other => panic!("Lambda has no such list: {other:?}"),
    };
    let headers = [("Content-Type", "application/json")];
    (
        Some(200),
        HttpResponse::new(200, &headers, body.to_string()),
    )
}

fn each<'a>(name: &str, arns: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
    arns.into_iter().map(|arn| json!({name: arn})).collect()
}

fn qualifier(arn: &str) -> Option<&str> {
    arn.split(':').nth(7)
}

fn is_version(qualifier: &str) -> bool {
    qualifier.bytes().all(|byte| byte.is_ascii_digit())
}
