//! The certificate authorities that are trusted, and the reason for one that is not.

use std::time::Duration;

use fake_aws::events::event;
use fake_aws::tls_terminator::TlsTerminator;

use crate::test_env::{Response, TestEnv};

/// Shorter than the retries because of an unknown authority.
const SOON: Duration = Duration::from_secs(3);

/// A Create while Lambda presents the certificate of an unknown authority; each `{}` in the variables is the folder of its CA bundle.
async fn create_with(variables: &[(&str, &str)]) -> (Response, Vec<serde_json::Value>, String) {
    let terminator = TlsTerminator::start().await;
    let folder = terminator.ca_folder();
    let url = terminator.url();
    let values: Vec<String> = variables
        .iter()
        .map(|(_, value)| value.replace("{}", &folder.path("")))
        .collect();
    let names = variables.iter().map(|(name, _)| *name);
    let mut environment: Vec<(&str, &str)> = names.zip(values.iter().map(String::as_str)).collect();
    environment.push(("AWS_ENDPOINT_URL", &url));
    let mut env = TestEnv::with_variables(&environment).await;
    terminator.forward_to(env.lambda.address);
    let response = env.send_within(SOON, &event("create-account")).await;
    let notes = env
        .stop()
        .into_iter()
        .filter(|line| line["message"] == "CA bundle not loaded");
    (response, notes.collect(), folder.path(""))
}

#[tokio::test]
async fn a_configured_ca_bundle_is_trusted() {
    for variables in [
        &[("AWS_CA_BUNDLE", "{}ca.pem")][..],
        &[("SSL_CERT_FILE", "{}ca.pem")],
        &[
            ("AWS_CA_BUNDLE", "{}ca.pem"),
            ("SSL_CERT_FILE", "{}empty.pem"),
        ],
        &[("AWS_CA_BUNDLE", ""), ("SSL_CERT_FILE", "{}ca.pem")],
    ] {
        let (response, notes, _) = create_with(variables).await;
        response.expect_success();
        assert_eq!(notes.len(), 0, "{variables:?}");
    }
}

#[tokio::test]
async fn the_system_certificates_are_trusted_if_no_bundle_is_configured() {
    let (response, ..) = create_with(&[("SSL_CERT_DIR", "{}")]).await;
    response.expect_success();
}

#[tokio::test]
async fn only_the_configured_ca_bundle_is_trusted() {
    let other = TlsTerminator::start().await.ca_folder();
    let named = other.path("ca.pem");
    let (response, ..) = create_with(&[("AWS_CA_BUNDLE", &named), ("SSL_CERT_DIR", "{}")]).await;
    let remedy = format!("add the authority that issued it to `AWS_CA_BUNDLE` (`{named}`)");
    assert_unknown_authority(&response, &remedy);
}

#[tokio::test]
async fn an_unknown_certificate_authority_reports_the_variable_to_set() {
    let (response, notes, _) = create_with(&[]).await;
    let remedy = "set `AWS_CA_BUNDLE` to a PEM file with the authority that issued it";
    assert_unknown_authority(&response, remedy);
    assert_eq!(notes.len(), 0);
}

#[tokio::test]
async fn an_invalid_ca_bundle_is_reported_with_its_variable() {
    for (variable, file, why) in [
        (
            "AWS_CA_BUNDLE",
            "absent.pem",
            "failed to read PEM from file: No such file or directory (os error 2) at '{}absent.pem'",
        ),
        ("SSL_CERT_FILE", "empty.pem", "no certificate in it"),
    ] {
        let value = format!("{{}}{file}");
        let (response, notes, folder) = create_with(&[(variable, &value)]).await;
        let why = why.replace("{}", &folder);
        let remedy =
            format!("correct `{variable}` (`{folder}{file}`), which cannot be used: {why}");
        assert_unknown_authority(&response, &remedy);
        let [note] = &notes[..] else {
            panic!("one note: {notes:?}")
        };
        assert_eq!(
            (&note["variable"], &note["reason"]),
            (&variable.into(), &why.into())
        );
    }
}

fn assert_unknown_authority(response: &Response, remedy: &str) {
    let reason = response.reason();
    let expected = format!(
        "timed out while retrying: Lambda unavailable: got `no response` (`invalid peer certificate: \
         UnknownIssuer, {remedy}`) from `lambda:GetLayerVersionPolicy` on \
         `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, deploy again, and if it persists check the ARN's region \
         and the function's network path to Lambda's API"
    );
    assert_eq!(reason, expected);
}
