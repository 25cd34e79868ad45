//! The rules by which Lambda changes the policies of functions, their aliases and versions. HTTP and faults are the caller's.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html>

use serde_json::{Map, Value, json};

use crate::policies::{ApiError, Policies, Policy};
use crate::recorded_responses;

/// The policy.
///
/// # Errors
/// As Lambda's.
pub fn get(policies: &Policies, arn: &str) -> Result<Policy, ApiError> {
    let policy = policies.policy(arn).cloned();
    policy.ok_or_else(|| recorded("policy of no function", &[]))
}

/// Adds a statement; returns it as Lambda writes it.
///
/// # Errors
/// As Lambda's.
pub fn add(
    policies: &mut Policies,
    arn: &str,
    request: &Value,
    revision: Option<&str>,
) -> Result<Value, ApiError> {
    let sid = text(request, "StatementId").expect("a statement id");
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !sid.bytes().all(allowed) {
        let replaced = [("example.com", sid)];
        return Err(recorded("statement id with a dot", &replaced));
    }
    if qualifier(arn).is_some_and(|qualifier| qualifier.starts_with("$LATEST")) {
        return Err(recorded("$LATEST", &[]));
    }
    check_conditions(request)?;
    check_exists(policies, arn)?;
    check_principal(policies, arn, request)?;
    if policies.is_stale(arn, revision) {
        return Err(recorded("policies of qualifiers, step 7", &[]));
    }
    let mut others = policies.statements(arn).into_iter();
    if others.any(|other| other["Sid"] == sid) {
        let case = "statement id is taken, by the very same statement";
        return Err(recorded(case, &[("(s3)", &format!("({sid})"))]));
    }
    let statement = statement(arn, request);
    policies.add_statement(arn, statement.clone())?;
    Ok(statement)
}

/// Removes a statement.
///
/// # Errors
/// As Lambda's.
pub fn remove(
    policies: &mut Policies,
    arn: &str,
    sid: &str,
    revision: Option<&str>,
) -> Result<(), ApiError> {
    if !policies.exists(arn) {
        let alias = qualifier(arn).filter(|name| !is_version(name));
        return Err(match alias {
            Some(_) => recorded("remove from no alias", &[(ALIAS, arn)]),
            None => recorded("remove from no function", &[(FUNCTION, arn)]),
        });
    }
    if policies.is_stale(arn, revision) {
        return Err(recorded("policies of qualifiers, step 7", &[]));
    }
    if policies.policy(arn).is_none() {
        return Err(recorded("remove where there is no policy", &[]));
    }
    let mut found = policies.statements(arn).into_iter();
    if !found.any(|statement| statement["Sid"] == sid) {
        return Err(recorded(
            "remove no such statement",
            &[("non-existent", sid)],
        ));
    }
    policies.delete_statement(arn, sid);
    Ok(())
}

/// How recorded messages name a function and an alias that do not exist.
const FUNCTION: &str = "<arn of function `doesnotexist`>";
const ALIAS: &str = "<function-arn>:alias-doesnotexist";

fn check_exists(policies: &Policies, arn: &str) -> Result<(), ApiError> {
    if policies.exists(arn) {
        return Ok(());
    }
    let alias = qualifier(arn).filter(|name| !is_version(name) && !name.contains('$'));
    Err(match alias {
        Some(_) => recorded("add to no alias", &[(ALIAS, arn)]),
        None => recorded("add to no function", &[(FUNCTION, arn)]),
    })
}

fn check_conditions(request: &Value) -> Result<(), ApiError> {
    let is_for_url = request["Action"] == "lambda:InvokeFunctionUrl";
    if request.get("FunctionUrlAuthType").is_some() && !is_for_url {
        let message = "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action";
        return Err(ApiError::new(
            400,
            "InvalidParameterValueException",
            message,
        ));
    }
    Ok(())
}

fn check_principal(policies: &Policies, arn: &str, request: &Value) -> Result<(), ApiError> {
    let principal = text(request, "Principal").expect("a principal");
    let is_service = !principal.contains(':') && principal.contains('.');
    let is_known = [".amazonaws.com", ".amazonaws.com.cn", ".amazon.com"];
    let is_of_aws = is_known.iter().any(|domain| principal.ends_with(domain));
    let is_deleted = |statement: &Value| {
        let principal = statement["Principal"]["AWS"].as_str();
        principal.is_some_and(|id| id.starts_with("AROA") || id.starts_with("AIDA"))
    };
    let is_blocked =
        policies.rejects_deleted_principals && policies.statements(arn).iter().any(is_deleted);
    if policies.unknown_principals.contains(principal) || is_service && !is_of_aws || is_blocked {
        return Err(recorded("principal that is no AWS service", &[]));
    }
    Ok(())
}

fn statement(arn: &str, request: &Value) -> Value {
    let partition = arn.split(':').nth(1).unwrap();
    let principal = match text(request, "Principal").unwrap() {
        "*" => json!("*"),
        identity if identity.starts_with("arn:") => json!({"AWS": identity}),
        service if service.contains('.') => json!({"Service": service}),
        account => json!({"AWS": format!("arn:{partition}:iam::{account}:root")}),
    };
    let mut statement = json!({
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": principal,
        "Action": request["Action"],
        "Resource": arn,
    });
    let condition = condition(request);
    if !condition.is_empty() {
        statement["Condition"] = condition.into();
    }
    statement
}

fn condition(request: &Value) -> Map<String, Value> {
    let mut condition = Map::new();
    for (operator, key, parameter) in [
        ("StringEquals", "AWS:SourceAccount", "SourceAccount"),
        (
            "StringEquals",
            "lambda:EventSourceToken",
            "EventSourceToken",
        ),
        (
            "StringEquals",
            "lambda:FunctionUrlAuthType",
            "FunctionUrlAuthType",
        ),
        ("StringEquals", "aws:PrincipalOrgID", "PrincipalOrgID"),
        ("ArnLike", "AWS:SourceArn", "SourceArn"),
    ] {
        if let Some(value) = request.get(parameter) {
            condition.entry(operator).or_insert_with(|| json!({}))[key] = value.clone();
        }
    }
    if request["InvokedViaFunctionUrl"] == true {
        condition.insert(
            "Bool".to_owned(),
            json!({"lambda:InvokedViaFunctionUrl": "true"}),
        );
    }
    condition
}

fn text<'a>(request: &'a Value, parameter: &str) -> Option<&'a str> {
    request[parameter].as_str()
}

fn qualifier(arn: &str) -> Option<&str> {
    arn.splitn(8, ':').nth(7)
}

fn is_version(qualifier: &str) -> bool {
    qualifier.bytes().all(|byte| byte.is_ascii_digit())
}

fn recorded(name: &str, replaced: &[(&str, &str)]) -> ApiError {
    recorded_responses::error(recorded_responses::function(name), replaced)
}
