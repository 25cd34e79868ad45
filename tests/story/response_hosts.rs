//! Where answers may be sent: to AWS, unless the operator names other hosts, and to no other host anything is ever sent.
//! Refuses to know the other guardrails.

use std::time::Duration;

use serde_json::Value;

use crate::events::{ACCOUNT, Event, LAYER_VERSION, account_statement, event};
use crate::proxy::Proxy;
use crate::runtime_api::Outcome;
use crate::stage::Stage;

/// Enough for the work; what the proxy refuses is tried to the end.
const SHORT: Duration = Duration::from_secs(2);

/// The host of the URLs that CloudFormation sends, and one of them, which does not say how long it is valid.
const S3: &str = "cloudformation-custom-resource-response-euwest1.s3-eu-west-1.amazonaws.com:443";
const S3_URL: &str = "https://cloudformation-custom-resource-response-euwest1.s3-eu-west-1.amazonaws.com/arn%3Aaws%3Ak?Signature=s";

fn refusal(shown: &str) -> String {
    format!(
        "`ResponseURL` not allowed: got `{shown}?***`, have the provider's operator add its domain to `ResponseHosts` if stacks are to be answered there"
    )
}

fn sent_to(url: &str) -> Event {
    event("create-account").with("ResponseURL", url)
}

/// Delivers the event as it is; what the function ended with, and the hosts that an answer was to be sent to.
async fn deliver(hosts: Option<&str>, event: &Event) -> (Stage, String, Vec<String>) {
    let proxy = Proxy::start().await;
    let url = proxy.url();
    let mut variables = vec![("HTTPS_PROXY", url.as_str())];
    variables.extend(hosts.map(|hosts| ("RESPONSE_HOSTS", hosts)));
    let stage = Stage::guarded(&variables).await;
    let outcome = stage.runtime.invoke(event.0.to_string(), SHORT).await;
    let Outcome::Err(error) = outcome else {
        panic!("{outcome:?}");
    };
    let message = error["errorMessage"].as_str().unwrap().to_owned();
    (stage, message, proxy.asked_for())
}

#[tokio::test]
async fn an_answer_is_sent_to_the_hosts_of_aws() {
    let cases = [
        (sent_to(S3_URL), S3),
        (
            sent_to("https://b.s3.cn-north-1.amazonaws.com.cn/k?Signature=s"),
            "b.s3.cn-north-1.amazonaws.com.cn:443",
        ),
        (
            sent_to("https://b.s3.amazonaws.eu/"),
            "b.s3.amazonaws.eu:443",
        ),
    ];
    for (event, asked_for) in cases {
        for hosts in [None, Some("")] {
            let (_stage, message, hosts_asked_for) = deliver(hosts, &event).await;
            assert_eq!(hosts_asked_for, [asked_for], "{hosts:?}: {message}");
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_to_another_host_and_nothing_granted() {
    let cases = [
        (
            None,
            "https://evilamazonaws.com/k?Signature=s",
            "https://evilamazonaws.com",
        ),
        (
            None,
            "https://amazonaws.com.evil.example/k",
            "https://amazonaws.com.evil.example",
        ),
        (
            None,
            "https://s3.amazonaws.com@evil.example/k",
            "https://evil.example",
        ),
        (
            None,
            "http://b.s3.amazonaws.com/k",
            "http://b.s3.amazonaws.com",
        ),
        (None, "https://127.0.0.1:9/k", "https://127.0.0.1"),
        (
            Some("http://127.0.0.1"),
            "https://b.s3.amazonaws.com/k?Signature=s",
            "https://b.s3.amazonaws.com",
        ),
        (
            Some("engine.example"),
            "https://evilengine.example/k",
            "https://evilengine.example",
        ),
    ];
    for (hosts, url, shown) in cases {
        let (mut stage, message, asked_for) = deliver(hosts, &sent_to(url)).await;
        assert_eq!(message, refusal(shown));
        assert_eq!(asked_for, [""; 0], "{url}");
        assert_eq!(stage.lambda.calls(), [""; 0], "{url}");
        let log = stage.end();
        assert!(log.iter().any(|line| line["reason"] == message), "{log:#?}");
    }
}

#[tokio::test]
async fn a_host_that_the_operator_names_is_answered_over_tls_only_unless_he_says_so() {
    for hosts in ["http://127.0.0.1", "http://localhost, http://127.0.0.1"] {
        let stage = Stage::guarded(&[("RESPONSE_HOSTS", hosts)]).await;
        stage.play(&event("create-account")).await.succeeded();
    }
    for hosts in ["127.0.0.1", "localhost", "amazonaws.com"] {
        let stage = Stage::guarded(&[("RESPONSE_HOSTS", hosts)]).await;
        let issued = stage.issue(&event("create-account"));
        let (outcome, puts) = stage.deliver(&issued, Duration::from_mins(1)).await;
        let Outcome::Err(error) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(error["errorMessage"], refusal("http://127.0.0.1"));
        assert!(puts.is_empty(), "{puts:?}");
        assert_eq!(stage.statements(), [] as [Value; 0]);
    }
    let own = sent_to("https://s3.engine.example:4566/k");
    let (_stage, message, asked_for) = deliver(Some("engine.example"), &own).await;
    assert_eq!(asked_for, ["s3.engine.example:4566"], "{message}");
}

#[tokio::test]
async fn a_revoke_is_made_though_nobody_may_be_told() {
    let stage = Stage::guarded(&[]).await;
    stage.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
    let issued = stage.issue(&event("delete"));
    let (outcome, puts) = stage.deliver(&issued, Duration::from_mins(1)).await;
    let Outcome::Err(error) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(error["errorMessage"], refusal("http://127.0.0.1"));
    assert!(puts.is_empty(), "{puts:?}");
    assert_eq!(stage.statements(), [] as [Value; 0]);
}

#[tokio::test]
async fn hosts_that_cannot_be_read_leave_those_of_aws_and_no_grant() {
    let reason = "guardrail unreadable: got `RESPONSE_HOSTS` with `ftp://x`, have the provider's operator give DNS suffixes, each perhaps after `http://`, with commas between";
    for hosts in ["ftp://x", "http://127.0.0.1,ftp://x"] {
        let create = sent_to(S3_URL);
        let (mut stage, message, asked_for) = deliver(Some(hosts), &create).await;
        assert_eq!(asked_for, [S3], "{hosts}: {message}");
        assert_eq!(stage.lambda.calls(), [""; 0], "{hosts}");
        let log = stage.end();
        assert!(log.iter().any(|line| line["reason"] == reason), "{log:#?}");
        let delete = event("delete").with("ResponseURL", S3_URL);
        let (stage, message, asked_for) = deliver(Some(hosts), &delete).await;
        assert_eq!(asked_for, [S3], "{hosts}: {message}");
        assert_eq!(stage.lambda.calls(), ["Get: 404"], "{hosts}");
    }
}
