//! Which certificate authorities are trusted, and what is said of one that is not.
//! Refuses to know how a certificate is verified.

use std::time::Duration;

use fake_aws::events::event;
use fake_aws::tls_terminator::TlsTerminator;

use crate::stage::{Answer, Stage};

/// Less than an unknown authority is waited out for.
const SOON: Duration = Duration::from_secs(3);

/// A Create while Lambda shows the certificate of an unknown authority; each `{}` in the variables is the folder of that.
async fn create_with(variables: &[(&str, &str)]) -> (Answer, Vec<serde_json::Value>, String) {
    let front = TlsTerminator::start().await;
    let folder = front.ca_folder();
    let url = front.url();
    let values: Vec<String> = variables
        .iter()
        .map(|(_, value)| value.replace("{}", &folder.path("")))
        .collect();
    let names = variables.iter().map(|(name, _)| *name);
    let mut environment: Vec<(&str, &str)> = names.zip(values.iter().map(String::as_str)).collect();
    environment.push(("AWS_ENDPOINT_URL", &url));
    let mut stage = Stage::with_environment(&environment).await;
    front.forward_to(stage.lambda.address);
    let answer = stage.play_within(SOON, &event("create-account")).await;
    let notes = stage
        .end()
        .into_iter()
        .filter(|line| line["message"] == "authorities not read");
    (answer, notes.collect(), folder.path(""))
}

#[tokio::test]
async fn an_authority_that_is_named_is_trusted() {
    for variables in [
        &[("AWS_CA_BUNDLE", "{}ca.pem")][..],
        &[("SSL_CERT_FILE", "{}ca.pem")],
        &[
            ("AWS_CA_BUNDLE", "{}ca.pem"),
            ("SSL_CERT_FILE", "{}empty.pem"),
        ],
        &[("AWS_CA_BUNDLE", ""), ("SSL_CERT_FILE", "{}ca.pem")],
    ] {
        let (answer, notes, _) = create_with(variables).await;
        answer.succeeded();
        assert_eq!(notes.len(), 0, "{variables:?}");
    }
}

#[tokio::test]
async fn an_authority_of_the_machine_is_trusted_where_none_is_named() {
    let (answer, ..) = create_with(&[("SSL_CERT_DIR", "{}")]).await;
    answer.succeeded();
}

#[tokio::test]
async fn only_the_authority_that_is_named_is_trusted() {
    let other = TlsTerminator::start().await.ca_folder();
    let named = other.path("ca.pem");
    let (answer, ..) = create_with(&[("AWS_CA_BUNDLE", &named), ("SSL_CERT_DIR", "{}")]).await;
    let remedy = format!("add the authority that issued it to `AWS_CA_BUNDLE` (`{named}`)");
    assert_is_of_unknown_authority(&answer, &remedy);
}

#[tokio::test]
async fn an_unknown_authority_is_answered_with_the_variable_to_set() {
    let (answer, notes, _) = create_with(&[]).await;
    let remedy = "set `AWS_CA_BUNDLE` to a PEM file with the authority that issued it";
    assert_is_of_unknown_authority(&answer, remedy);
    assert_eq!(notes.len(), 0);
}

#[tokio::test]
async fn a_file_of_authorities_that_cannot_be_used_is_named_by_its_variable() {
    for (variable, file, why) in [
        (
            "AWS_CA_BUNDLE",
            "absent.pem",
            "failed to read PEM from file: No such file or directory (os error 2) at '{}absent.pem'",
        ),
        ("SSL_CERT_FILE", "empty.pem", "no certificate in it"),
    ] {
        let value = format!("{{}}{file}");
        let (answer, notes, folder) = create_with(&[(variable, &value)]).await;
        let why = why.replace("{}", &folder);
        let remedy =
            format!("correct `{variable}` (`{folder}{file}`), which cannot be used: {why}");
        assert_is_of_unknown_authority(&answer, &remedy);
        let [note] = &notes[..] else {
            panic!("one note: {notes:?}")
        };
        assert_eq!(
            (&note["variable"], &note["reason"]),
            (&variable.into(), &why.into())
        );
    }
}

fn assert_is_of_unknown_authority(answer: &Answer, remedy: &str) {
    let reason = answer.reason();
    let expected = format!(
        "out of time while waiting for this to pass: Lambda unavailable: got `no answer` (`invalid peer certificate: \
         UnknownIssuer, {remedy}`) from `lambda:GetLayerVersionPolicy` on \
         `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, deploy again, and if it stays so check the ARN's region \
         and the function's way to Lambda's API"
    );
    assert_eq!(reason, expected);
}
