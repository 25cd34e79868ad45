//! A process that cannot start logs why, in one line, before it exits.

use fake_aws::function_process::{FunctionProcess, STDERR};
use serde_json::Value;

use crate::test_env::executable;

/// The variable that Lambda sets; nothing listens on this address.
const RUNTIME_API: (&str, &str) = ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9");

/// The log of a process that exits with a failure; nothing is written to stderr.
fn log_of(variables: &[(&str, &str)]) -> Vec<Value> {
    let endpoint = [("AWS_ENDPOINT_URL", "http://127.0.0.1:9".to_owned())];
    let lines = FunctionProcess::start(&executable(), &endpoint, variables).wait_for_failure();
    let (stderr, log): (Vec<String>, Vec<String>) =
        lines.into_iter().partition(|line| line.starts_with(STDERR));
    assert_eq!(stderr, [""; 0]);
    let log: Vec<Value> = log
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    log.iter().for_each(crate::log_lines::check);
    log
}

fn reason_of(variables: &[(&str, &str)]) -> String {
    let log = log_of(variables);
    let last = log.last().unwrap();
    assert_eq!(
        [&last["level"], &last["message"]],
        ["ERROR", "process ended"],
        "{log:?}"
    );
    last["reason"].as_str().unwrap().to_owned()
}

#[test]
fn a_process_outside_lambda_reports_the_missing_variables() {
    let reason = |got: &str| {
        format!(
            "process not started: got `{got}`, run it as the `bootstrap` of a Lambda function and check that function's environment variables"
        )
    };
    assert_eq!(
        reason_of(&[]),
        reason("Missing AWS_LAMBDA_RUNTIME_API env var: NotPresent")
    );
    for (variable, got) in [
        (
            ("AWS_LAMBDA_RUNTIME_API", "no address"),
            "Unable to convert to URL: InvalidUri(InvalidUriChar)",
        ),
        (
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "much"),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE env var is not <i32>: ParseIntError { kind: InvalidDigit }",
        ),
    ] {
        assert_eq!(reason_of(&[RUNTIME_API, variable]), reason(got));
    }
}

#[test]
fn a_process_without_a_runtime_api_reports_it() {
    assert_eq!(
        reason_of(&[RUNTIME_API]),
        "process ended: got `Connection refused (os error 111)` from Lambda's Runtime API, check that the next one starts"
    );
}
